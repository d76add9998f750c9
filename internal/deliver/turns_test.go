package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// withResponders has the engine build responders as a server does, which may call servers on loopback.
func withResponders(w *servicetest.World) func(*deliver.Options, *work.Options) {
	return func(d *deliver.Options, _ *work.Options) {
		client := d.HTTP
		d.NewResponder = func(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
			return respond.New(c, respond.Options{HTTP: client, Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Now: w.Clock.Now})
		}
	}
}

func TestTurn_OfABotThatIsAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		var asked atomic.Int32
		ids := make(chan string, 10)
		bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ids <- r.Header.Get("webhook-id")
			switch asked.Add(1) {
			case 1:
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusTooManyRequests)
			case 2:
				_, _ = fmt.Fprint(w, `{"text":"Here I am."}`)
			default:
				w.WriteHeader(http.StatusForbidden)
			}
		}))
		t.Cleanup(bot.Close)
		w := servicetest.New(t, db)
		w.Run(nil, withResponders(w))
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"http","url":"`+bot.URL+`","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","fallback":"Sorry.","handoverAfter":1,"handoverReply":"Somebody comes."}`)
		res := servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		conv := w.Messages(app)[0].Conversation
		first := <-ids
		settled(w, hookswitch.DeliverRespond, res.Messages[0], conv)
		w.Clock.Advance(19 * time.Second)
		if d := w.Delivery(hookswitch.DeliverRespond, res.Messages[0], conv); asked.Load() != 1 || d == nil || !d.NextAt.Equal(servicetest.Start.Add(20*time.Second)) {
			t.Errorf("asked %d times before the time that the bot asked for; the run is %+v", asked.Load(), d)
		}
		w.Clock.Advance(time.Second)
		if again := <-ids; again != first || first != w.Service.IDs().Format(hookswitch.KindMessage, res.Messages[0]) {
			t.Errorf("asked under the ids %s and %s, want the message's both times", first, again)
		}
		servicetest.Eventually(t, "the answer is sent", func() bool { return len(texts(w)) == 1 })

		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w2", "Hello?")))(t)
		servicetest.Eventually(t, "the fallback is sent", func() bool { return len(texts(w)) == 2 })
		if d := cmp.Diff([]string{"Here I am.", "Sorry.\n\nSomebody comes."}, texts(w)); d != "" {
			t.Error(d)
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w3", "Hello??")))(t)
		if n := len(w.Claim(hookswitch.DeliverRespond)); n != 0 || asked.Load() != 3 {
			t.Errorf("asked %d times, %d runs are owed: a person has taken over", asked.Load(), n)
		}
	})
}

func TestTurn_TwoMachinesThatAnswerEachOtherAreLeftToAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil, withResponders(w))
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"echo","loop":{"repeats":4}}`)
		handed := func() bool {
			c, err := w.Store.Conversation(t.Context(), app.Key, w.Messages(app)[0].Conversation)
			return err == nil && c.Handover
		}
		for i := range 3 {
			w.Clock.Advance(10 * time.Second)
			servicetest.Must(w.Push(servicetest.Text("100", "+1555", fmt.Sprint("w", i), "I am out of office.")))(t)
			servicetest.Eventually(t, "it is answered", func() bool { return len(texts(w)) == i+1 })
			if handed() {
				t.Fatalf("handed over after %d messages", i+1)
			}
		}
		w.Clock.Advance(10 * time.Second)
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w9", "I am out of office.")))(t)
		servicetest.Eventually(t, "a person has it", handed)
		if n := len(texts(w)); n != 3 {
			t.Errorf("%d answers, want 3", n)
		}
	})
}

func TestTurn_AMenuIsRememberedBetweenMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil, withResponders(w))
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"rules","greeting":"Hi!","menu":{"start":"main","screens":{
			"main":{"text":"What?","options":[{"key":1,"label":"Orders","goTo":"order"}]},
			"order":{"text":"Which?","as":"order","input":{"kind":"digits"},"goTo":"done"},
			"done":{"text":"{order} is on its way.","end":true}}}}`)
		for i, text := range []string{"hello", "1", "77"} {
			w.Clock.Advance(time.Second)
			servicetest.Must(w.Push(servicetest.Text("100", "+1555", fmt.Sprint("w", i), text)))(t)
			servicetest.Eventually(t, "it is answered", func() bool { return len(texts(w)) == i+1 })
		}
		if d := cmp.Diff([]string{"Hi!\n\nWhat?\n1. Orders", "Which?", "77 is on its way."}, texts(w)); d != "" {
			t.Error(d)
		}
	})
}

func TestTurn_ShowsThatAnAnswerIsOnItsWayWithoutWaitingForIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil, withResponders(w))
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"echo","typing":true}`)
		w.SenderWith(app, "200", hookswitch.WhatsApp, `{"kind":"echo"}`)
		release := make(chan struct{})
		w.Provider.OnAttend(func(ctx context.Context) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return &hookswitch.SendError{Code: "131000", Message: "not now", Temporary: true}
		})
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		servicetest.Must(w.Push(servicetest.Text("200", "+1555", "w2", "Hello")))(t)
		servicetest.Eventually(t, "both are answered, while the provider takes its time and then fails", func() bool { return len(texts(w)) == 2 })
		servicetest.Eventually(t, "the provider is told, whoever is faster", func() bool { return len(w.Provider.Shown()) > 0 })
		close(release)
		if d := cmp.Diff([]servicetest.Shown{{ProviderID: "w1", Typing: true}}, w.Provider.Shown()); d != "" {
			t.Error(d)
		}
	})
}

// What was stored may have been written by a version that took it.
func TestTurn_OfAResponderThatCannotBeBuiltAnyMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil, withResponders(w))
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"gone","odd":1,"timeout":7,"fallback":"Sorry, {name}.","handoverAfter":1,"handoverReply":"Somebody comes."}`)
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		tries := func() []*hookswitch.ReplyRecord {
			return servicetest.Must(w.Store.Replies(t.Context(), app.Key, store.ReplyFilter{}, store.Page{Limit: 10}))(t)
		}
		for i := range 3 {
			servicetest.Eventually(t, "it has failed", func() bool { return len(tries()) == i+1 })
			w.Clock.Advance(30 * time.Second)
		}
		servicetest.Eventually(t, "the fallback is sent", func() bool { return len(texts(w)) == 1 })
		if d := cmp.Diff([]string{"Sorry, Ada.\n\nSomebody comes."}, texts(w)); d != "" {
			t.Error(d)
		}
		if got := tries(); len(got) != 4 || !strings.Contains(got[0].Problem, "must be one of") {
			t.Errorf("%d tries are noted, the last as %+v", len(got), got[0])
		}
	})
}
