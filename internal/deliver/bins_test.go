package deliver_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/webhook"
)

func TestWebhook_OwnBinsAreNotDialled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		bin := servicetest.Must(w.Service.CreateBin(t.Context()))(t)
		ep := w.Endpoint(app, servicetest.PublicURL+"/play/in/"+bin.Token)
		ev := w.Publish(app, "a")
		if a := attempted(w, ev, 1)[0]; !a.OK || a.Code != 200 {
			t.Errorf("attempt %+v", a)
		}
		got := servicetest.Must(w.Service.BinRequests(t.Context(), bin.Token, store.Page{Limit: 10}))(t)
		if len(got) != 1 || got[0].Method != "POST" || got[0].URI != "/play/in/"+bin.Token || !bytes.Equal(got[0].Body, ev.Payload) {
			t.Fatalf("the bin took %+v", got)
		}
		h := http.Header{}
		for _, line := range got[0].Headers {
			h.Add(line.Name, line.Value)
		}
		secret := servicetest.Must(webhook.ParseSecret(ep.Secrets[0].Secret.Reveal()))(t)
		if err := webhook.NewVerifier(secret).WithNow(w.Clock.Now).Verify(h, got[0].Body); err != nil {
			t.Error(err)
		}
		w.Clock.Advance(service.BinLife)
		ev = w.Publish(app, "a")
		if a := attempted(w, ev, 1)[0]; a.OK || a.Code != 404 {
			t.Errorf("after the bin's life: %+v", a)
		}
	})
}

func TestWebhook_OwnBinsAnswerWhatTheyHaveBeenTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		bin := servicetest.Must(w.Service.CreateBin(t.Context()))(t)
		w.Endpoint(app, servicetest.PublicURL+"/play/in/"+bin.Token)
		for i, c := range []struct {
			answer  store.BinAnswer
			code    int
			failure string
			text    string
		}{
			{store.BinAnswer{Sequence: []int{503, 200}, Body: "n {{n}}"}, 503, "status", "n 1"},
			{store.BinAnswer{Status: 302, Headers: []store.HeaderLine{{Name: "Location", Value: "https://elsewhere.example/"}}}, 302, "status", `{"ok":true}`},
			{store.BinAnswer{Cut: store.CutBefore}, 0, "connection_reset", "reset"},
			{store.BinAnswer{FailRate: 100, FailWith: 418}, 418, "status", `{"ok":true}`},
			{store.BinAnswer{Huge: 1 << 20, Body: "x"}, 200, "", "xxxx"},
		} {
			if err := w.Service.SetBinAnswer(t.Context(), bin.Token, &c.answer); err != nil {
				t.Fatal(err)
			}
			a := attempted(w, w.Publish(app, "a"), 1)[0]
			if a.Code != c.code || a.Failure != c.failure || !strings.Contains(string(a.Answer), c.text) || len(a.Answer) > 64<<10 {
				t.Errorf("%d: attempt %d %q %.60s", i, a.Code, a.Failure, a.Answer)
			}
			if c.code == 302 && !strings.Contains(string(a.Headers), "elsewhere.example") {
				t.Errorf("header lines %q", a.Headers)
			}
		}
		list := servicetest.Must(w.Service.BinRequests(t.Context(), bin.Token, store.Page{Limit: 20}))(t)
		if len(list) < 5 || list[len(list)-1].Answered == nil || list[len(list)-1].Answered.Status != 503 {
			t.Errorf("the bin does not say what it answered: %+v", list)
		}
	})
}
