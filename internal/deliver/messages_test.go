package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

func echo(_ context.Context, t *hookswitch.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{Text: "re: " + t.Text}, nil
}

// texts are what the provider was asked to send, in order.
func texts(w *servicetest.World) []string {
	var out []string
	for _, o := range w.Provider.Sent() {
		out = append(out, o.Message.Text)
	}
	return out
}

// outbound is the App's only outbound message.
func outbound(w *servicetest.World, app *hookswitch.App) *hookswitch.Message {
	w.TB.Helper()
	var found *hookswitch.Message
	for _, m := range w.Messages(app) {
		if m.Direction == hookswitch.Outbound {
			if found != nil {
				w.TB.Fatal("there are several outbound messages")
			}
			found = m
		}
	}
	return found
}

func becomes(w *servicetest.World, app *hookswitch.App, status hookswitch.MessageStatus) *hookswitch.Message {
	w.TB.Helper()
	var m *hookswitch.Message
	servicetest.Eventually(w.TB, "the message is "+string(status), func() bool {
		m = outbound(w, app)
		return m != nil && m.Status == status
	})
	return m
}

// settled waits until nothing of a kind is in flight for the conversation.
func settled(w *servicetest.World, kind hookswitch.DeliveryKind, subject, target hookswitch.Key) {
	w.TB.Helper()
	servicetest.Eventually(w.TB, "it is not in flight", func() bool {
		d := w.Delivery(kind, subject, target)
		return d == nil || d.Owner == 0
	})
}

func TestTurn_AnsweredAndSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(echo)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		m := becomes(w, app, hookswitch.StatusSending)
		servicetest.Eventually(t, "the provider's id is stored", func() bool { return outbound(w, app).ProviderID != "" })
		servicetest.Must(w.Push(servicetest.Report("100", servicetest.ProviderID(w.Service.IDs().Format(hookswitch.KindMessage, m.Key)), "", "+1555", hookswitch.StatusDelivered)))(t)
		becomes(w, app, hookswitch.StatusDelivered)
		if diff := cmp.Diff([]string{"re: Hi"}, texts(w)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"conversation.new", "message.inbound", "message.queued", "message.delivered"}, w.Types(app)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTurn_AnswersOfOneConversationKeepTheirOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		// Only the second poll of a running engine comes after a second: answers that wait for it are late.
		w.Run(echo, func(_ *deliver.Options, o *work.Options) { o.PollEvery = time.Hour })
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		const n = 10
		var batch []servicetest.Update
		var want []string
		for i := range n {
			batch = append(batch, servicetest.Text("100", "+1555", fmt.Sprint("w", i), fmt.Sprint(i)))
			want = append(want, fmt.Sprint("re: ", i))
		}
		servicetest.Must(w.Push(batch...))(t)
		servicetest.Eventually(t, "all are sent", func() bool { return len(texts(w)) >= n })
		if diff := cmp.Diff(want, texts(w)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTurn_APersonWhoTakesOverIsNotSpokenOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		asked, answer := make(chan struct{}), make(chan struct{})
		w.Run(func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) {
			asked <- struct{}{}
			<-answer
			return hookswitch.Reply{Text: "too late"}, nil
		})
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		res := servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		<-asked
		conv := w.Messages(app)[0].Conversation
		if err := w.Service.SetHandover(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindConversation, conv), true); err != nil {
			t.Fatal(err)
		}
		close(answer)
		servicetest.Eventually(t, "the run is over", func() bool { return w.Delivery(hookswitch.DeliverRespond, res.Messages[0], conv) == nil })
		if m := outbound(w, app); m != nil {
			t.Errorf("it says %q", m.Text)
		}
	})
}

func TestTurn_AFailingResponderIsAskedAgainAndGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		var asked atomic.Int32
		w.Run(func(_ context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			asked.Add(1)
			if turn.Text == "fail" {
				return hookswitch.Reply{}, errors.New("out of order")
			}
			return hookswitch.Reply{Text: "fine"}, nil
		})
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		res := servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "fail"), servicetest.Text("100", "+1555", "w2", "go")))(t)
		conv := w.Messages(app)[0].Conversation
		for try := int32(1); try <= 4; try++ {
			servicetest.Eventually(t, fmt.Sprintf("it is asked for time %d", try), func() bool { return asked.Load() >= try })
			settled(w, hookswitch.DeliverRespond, res.Messages[0], conv)
			if asked.Load() != try && try < 4 {
				t.Errorf("asked %d times before the wait was over, want %d", asked.Load(), try)
			}
			w.Clock.Advance(30 * time.Second)
		}
		if d := w.Delivery(hookswitch.DeliverRespond, res.Messages[0], conv); d.State != hookswitch.DeliveryFailed {
			t.Errorf("after the last try the run is %v", d.State)
		}
		becomes(w, app, hookswitch.StatusSending) // the message behind it
	})
}

func TestMessage_RepeatedOnlyWhenTheProviderSaysSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(echo)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		w.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "busy", Temporary: true}), servicetest.Refuse(&hookswitch.SendError{Code: "lost", Unknown: true}))
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		servicetest.Eventually(t, "it is sent", func() bool { return len(texts(w)) == 1 })
		m := outbound(w, app)
		settled(w, hookswitch.DeliverMessage, m.Key, m.Conversation)
		w.Clock.Advance(2 * time.Second)
		servicetest.Eventually(t, "it is sent again", func() bool { return len(texts(w)) == 2 })
		settled(w, hookswitch.DeliverMessage, m.Key, m.Conversation)
		w.Clock.Advance(10 * time.Minute)
		if m := becomes(w, app, hookswitch.StatusFailed); m.ErrorCode != "unknown_outcome" {
			t.Errorf("it failed with %s", m.ErrorCode)
		}
		if n := len(texts(w)); n != 2 {
			t.Errorf("it was sent %d times", n)
		}
	})
}

func TestMessage_AnUnknownOutcomeDoesNotHoldUpTheNext(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(echo)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		w.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "lost", Unknown: true}))
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "a"), servicetest.Text("100", "+1555", "w2", "b")))(t)
		servicetest.Eventually(t, "the second is sent", func() bool { return strings.Join(texts(w), ",") == "re: a,re: b" })
	})
}

func TestMessage_CutOffByAStopIsNotSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		sending := make(chan struct{})
		w.Provider.Script(func(ctx context.Context, _ *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			close(sending)
			<-ctx.Done()
			return hookswitch.Accepted{}, ctx.Err()
		})
		first := w.Run(echo, func(_ *deliver.Options, o *work.Options) { o.Grace = -1 })
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		<-sending
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		w.Run(echo)
		w.Clock.Advance(11 * time.Minute)
		if m := becomes(w, app, hookswitch.StatusFailed); m.ErrorCode != "unknown_outcome" {
			t.Errorf("it failed with %s", m.ErrorCode)
		}
		if n := len(texts(w)); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
	})
}
