package deliver_test

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestWebhook_WithoutAnAnswerSaysWhy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		refusing := "http://" + closed.Addr().String()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		for url, want := range map[string][2]string{
			"http://10.0.0.1/":                 {"blocked_address", "blocks"},
			"http://[::ffff:169.254.169.254]/": {"blocked_address", "blocks"},
			refusing:                           {"connection_refused", "refused the connection"},
		} {
			ep := w.Endpoint(app, url, servicetest.Filter("t"))
			ev := w.Publish(app, "t")
			a := attempted(w, ev, 1)[0]
			if a.Code != 0 || a.OK || a.Failure != want[0] || !strings.Contains(string(a.Answer), want[1]) {
				t.Errorf("%s: attempt %d %s %q", url, a.Code, a.Failure, a.Answer)
			}
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWebhook_KeepsTheStartOfAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		w.Endpoint(app, r.URL)
		body := bytes.Repeat([]byte("\x00\xff<x>"), 40_000)
		for _, code := range []int{200, 500} {
			r.Answer(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("X-Odd", "a\xffb")
				rw.WriteHeader(code)
				_, _ = rw.Write(body)
			})
			ev := w.Publish(app, "a")
			a := attempted(w, ev, 1)[0]
			if a.Code != code || len(a.Answer) != 64<<10 || !bytes.HasPrefix(body, a.Answer) {
				t.Errorf("%d: kept %d bytes of the answer to %d", code, len(a.Answer), a.Code)
			}
			if got := strings.Contains(string(a.Headers), "X-Odd: a\xffb\n"); got != (code == 500) {
				t.Errorf("%d: header lines %q", code, a.Headers)
			}
		}
	})
}
