package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestAttend_ShowsWhatWasReadAndWhatIsBeingWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.SenderWith(app, "100", hookswitch.WhatsApp, `{"kind":"echo"}`)
		res := servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		in := res.Messages[0]
		for _, show := range []func(context.Context, hookswitch.Key, hookswitch.Key) error{w.Service.MarkRead, w.Service.SendTyping} {
			if err := show(t.Context(), app.Key, in); err != nil {
				t.Error(err)
			}
			if err := show(t.Context(), w.App().Key, in); hookswitch.KindOf(err) != hookswitch.NotFound {
				t.Errorf("another app's message: %v", err)
			}
		}
		if d := cmp.Diff([]servicetest.Shown{{ProviderID: "w1"}, {ProviderID: "w1", Typing: true}}, w.Provider.Shown()); d != "" {
			t.Error(d)
		}
		for _, tt := range []struct {
			of   hookswitch.SendError
			kind hookswitch.ErrorKind
		}{
			{hookswitch.SendError{Code: "4", Temporary: true, RetryAfter: time.Second}, hookswitch.Unavailable},
			{hookswitch.SendError{Code: "no_answer", Unknown: true}, hookswitch.Unavailable},
			{hookswitch.SendError{Code: "190", Message: "token"}, hookswitch.Invalid},
			{hookswitch.SendError{Code: "unsupported_type", Message: "no"}, hookswitch.Unsupported},
		} {
			w.Provider.OnAttend(func(context.Context) error { return &tt.of })
			var e *hookswitch.Error
			if err := w.Service.MarkRead(t.Context(), app.Key, in); !errors.As(err, &e) || e.Kind != tt.kind || e.RetryAfter != tt.of.RetryAfter {
				t.Errorf("%s: %v", tt.of.Code, err)
			}
		}
	})
}
