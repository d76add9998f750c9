package service_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func (c *chat) senderID() string { return c.Service.IDs().Format(hookswitch.KindSender, c.sender.Key) }

func (c *chat) log(f store.ReplyFilter) []*hookswitch.ReplyRecord {
	c.t.Helper()
	return servicetest.Must(c.Service.Replies(c.t.Context(), c.app.Key, f, store.Page{Limit: 100}))(c.t)
}

func TestCommitReply_IsLoggedWithWhatItCost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		use := hookswitch.ReplyUse{Kind: "openai", Took: 1200 * time.Millisecond, Model: "m-1", TokensIn: 300, TokensOut: 40}
		refused := use
		refused.Refused = true
		c.answers(hookswitch.Reply{Text: "Your balance is 5.", Use: use})
		c.answers(hookswitch.Reply{Text: "I cannot say.", Use: refused})
		c.answers(hookswitch.Reply{Use: use})
		run := c.hear()
		for tries := range 4 {
			servicetest.Must(c.Service.FailReply(t.Context(), &run.Outcome, tries, &hookswitch.ResponderError{Message: "the server answered with status 529"}, hookswitch.Reply{Text: "Sorry.", Use: hookswitch.ReplyUse{Kind: "openai", Took: time.Second}}))(t)
			if c.Clock.Advance(time.Minute); tries < 3 {
				run = c.one(hookswitch.DeliverRespond)
			}
		}
		var got []string
		for _, r := range c.log(store.ReplyFilter{}) {
			got = append(got, string(r.Result))
			if r.Sender != c.sender.Key || r.Conversation == 0 || r.Message == 0 || r.Channel == "" || r.Use.Kind != "openai" {
				t.Errorf("logged %+v", r)
			}
		}
		if want := "failed again again again silent refused answered"; strings.Join(got, " ") != want {
			t.Errorf("got %s, want %s", strings.Join(got, " "), want)
		}
		list := c.log(store.ReplyFilter{Result: hookswitch.ReplyAnswered, Sender: c.sender.Key})
		if len(list) != 1 || list[0].Use != use || list[0].Problem != "" {
			t.Errorf("answered: %+v", list[0])
		}
		if r := c.log(store.ReplyFilter{Result: hookswitch.ReplyFailed})[0]; r.Problem != "the server answered with status 529" || r.Try != 4 {
			t.Errorf("failed: %+v", r)
		}
		stats := servicetest.Must(c.Service.ReplyStats(t.Context(), c.app.Key))(t)
		n, tokens := 0, int64(0)
		for _, s := range stats.Counts {
			n, tokens = n+s.N, tokens+s.TokensIn
		}
		if half, most, of, err := c.Service.ReplyTimes(t.Context(), c.app.Key, c.sender.Key); n != 7 || tokens != 900 || of != 7 || half != time.Second || most != 1200*time.Millisecond || err != nil {
			t.Errorf("counted %d with %d tokens; %v, %v of %d: %v", n, tokens, half, most, of, err)
		}
		if other := servicetest.Must(c.Service.Replies(t.Context(), c.App().Key, store.ReplyFilter{}, store.Page{Limit: 9}))(t); len(other) != 0 {
			t.Error("another app sees them")
		}
	})
}

func TestSilenceResponder_IsInForceAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		ch := c.Messages(c.app)[0].Channel
		servicetest.Must(c.Service.SilenceResponder(t.Context(), c.app.Key, c.senderID(), ch, true))(t)
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "too late", Use: hookswitch.ReplyUse{Kind: "echo"}}); err != nil { // it was thinking
			t.Fatal(err)
		}
		if list := c.Messages(c.app); list[len(list)-1].Text == "too late" {
			t.Error("it has spoken")
		}
		if r := c.log(store.ReplyFilter{}); len(r) != 1 || r[0].Result != hookswitch.ReplyDropped {
			t.Errorf("logged %+v", r)
		}
		c.says("anybody?")
		if n := owed(c.World, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("%d answers are owed", n)
		}
		servicetest.Must(c.Service.SilenceResponder(t.Context(), c.app.Key, c.senderID(), ch, false))(t)
		c.answers(hookswitch.Reply{Text: "here again", Use: hookswitch.ReplyUse{Kind: "echo"}})
		if list := c.Messages(c.app); list[len(list)-1].Text != "here again" {
			t.Error("it does not answer again")
		}
		if _, err := c.Service.SilenceResponder(t.Context(), c.app.Key, c.senderID(), "fax", true); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("on fax: %v", err)
		}
		if _, err := c.Service.SilenceResponder(t.Context(), c.App().Key, c.senderID(), ch, true); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("of another app: %v", err)
		}
	})
}

func withResponders(o *servicetest.Options) {
	o.CheckResponder = func(c hookswitch.ResponderConfig) error { return respond.Validate(c, respond.Options{}) }
	o.NewResponder = func(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
		return respond.New(c, respond.Options{})
	}
}

func TestTryResponder_SaysWhatItWouldAndLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, withResponders)
		app := w.App()
		sender := w.SenderWith(app, "Bot", hookswitch.SMS, `{"kind":"rules","greeting":"Hi {name}!","rules":[{"keywords":["balance"],"reply":"5"}],"fallback":"What?","handover":["agent"],"handoverReply":"A person comes."}`)
		id := w.Service.IDs().Format(hookswitch.KindSender, sender.Key)
		try := func(in service.Trial) service.Tried {
			t.Helper()
			in.Channel = hookswitch.SMS
			return servicetest.Must(w.Service.TryResponder(t.Context(), app.Key, id, in))(t)
		}
		if got := try(service.Trial{Text: "hello", Name: "Amina"}); got.Reply.Text != "Hi Amina!" {
			t.Errorf("got %+v", got)
		}
		line := []hookswitch.Line{{Direction: hookswitch.Inbound, Type: "text", Text: "hello"}}
		if got := try(service.Trial{Text: "my balance?", History: line}); got.Reply.Text != "5" || got.Unsolved != 0 || got.Reply.Use.Kind != "rules" {
			t.Errorf("got %+v", got)
		}
		if got := try(service.Trial{Text: "eh", History: line, Unsolved: 1}); got.Reply.Text != "What?" || got.Unsolved != 2 {
			t.Errorf("got %+v", got)
		}
		if got := try(service.Trial{Text: "agent"}); !got.Reply.Handover {
			t.Errorf("got %+v", got)
		}
		if got := try(service.Trial{Text: "STOP"}); !got.OptOut {
			t.Errorf("got %+v", got)
		}
		if _, err := w.Service.TryResponder(t.Context(), app.Key, id, service.Trial{Channel: hookswitch.SMS}); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("no text: %v", err)
		}
		if len(w.Messages(app)) != 0 || len(servicetest.Must(w.Service.Replies(t.Context(), app.Key, store.ReplyFilter{}, store.Page{Limit: 9}))(t)) != 0 || len(servicetest.Must(w.Service.Conversations(t.Context(), app.Key, store.Page{Limit: 9}))(t)) != 0 {
			t.Error("something is left of it")
		}
	})
}

func TestChangeResponder_ChecksAndKeepsSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, withResponders)
		app := w.App()
		_, id := bareSender(t, w, app, "Bot")
		set := func(text string) (*hookswitch.Sender, error) {
			var cfg hookswitch.ResponderConfig
			if err := cfg.UnmarshalJSON([]byte(text)); err != nil {
				t.Fatal(err)
			}
			return w.Service.ChangeResponder(t.Context(), app.Key, id, cfg)
		}
		servicetest.Must(set(`{"kind":"openai","model":"m","apiKey":"sk-1"}`))(t)
		s := servicetest.Must(set(`{"kind":"openai","model":"m2","apiKey":"***"}`))(t)
		if got := string(s.Responder.Raw); !strings.Contains(got, "sk-1") || !strings.Contains(got, "m2") {
			t.Errorf("got %s", got)
		}
		if _, err := set(`{"kind":"openai","apiKey":"***"}`); hookswitch.KindOf(err) != hookswitch.Invalid || !strings.Contains(err.Error(), "model") {
			t.Errorf("without a model: %v", err)
		}
		s = servicetest.Must(w.Service.ChangeResponder(t.Context(), app.Key, id, hookswitch.ResponderConfig{}))(t)
		if again := servicetest.Must(w.Store.Sender(t.Context(), app.Key, s.Key))(t); again.Responder.Kind != "" {
			t.Errorf("got %+v", again.Responder)
		}
	})
}

func TestFlowStats_CountWhereSessionsCameTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.ask = func(_ context.Context, turn *service.Turn) (hookswitch.Reply, error) {
			switch {
			case turn.Opens:
				return hookswitch.Reply{Text: "Menu", Screen: "main"}, nil
			case turn.Text == "9":
				return hookswitch.Reply{}, errors.New("away")
			case turn.Text == "1":
				return hookswitch.Reply{Text: "How much?", Screen: "sum"}, nil
			}
			return hookswitch.Reply{Text: "Done", Screen: "done", End: true}, nil
		}
		for _, session := range []string{"a", "b", "c", "d"} {
			k.say(hop(session, ""))
			k.Clock.Advance(time.Second)
		}
		k.say(hop("a", "1"))
		k.say(hop("a", "1*50"))
		k.say(hop("b", "1"))
		k.say(hop("d", "9"))
		servicetest.Must(k.Push(hungUp("b", "aborted")))(t)
		servicetest.Must(k.Push(hungUp("c", "aborted")))(t)
		stats := servicetest.Must(k.Service.FlowStats(t.Context(), k.app.Key, k.sender.Key, hookswitch.USSD, time.Hour))(t)
		ended := map[string]int{}
		for _, c := range stats.Counts {
			ended[c.Status] += c.N
		}
		if ended["completed"] != 1 || ended["aborted"] != 2 || ended["error"] != 1 {
			t.Errorf("ended: %v", ended)
		}
		got := map[string]store.ScreenCount{}
		for _, c := range stats.Screens {
			got[c.Screen] = c
		}
		if m, s, d := got["main"], got["sum"], got["done"]; m.Sessions != 4 || m.Left != 1 || s.Sessions != 2 || s.Left != 1 || d.Ended != 1 || d.Left != 0 {
			t.Errorf("screens: %+v", stats.Screens)
		}
		if log := servicetest.Must(k.Service.Replies(t.Context(), k.app.Key, store.ReplyFilter{Result: hookswitch.ReplyFailed}, store.Page{Limit: 9}))(t); len(log) != 1 || log[0].Dialogue == 0 || log[0].Problem != "away" || log[0].Use.Kind != "test" {
			t.Errorf("logged %+v", log)
		}
		k.Clock.Advance(2 * time.Hour)
		if later := servicetest.Must(k.Service.FlowStats(t.Context(), k.app.Key, k.sender.Key, hookswitch.USSD, time.Hour))(t); len(later.Counts)+len(later.Screens) != 0 {
			t.Errorf("older ones count too: %+v", later)
		}
		servicetest.Must(k.Service.SilenceResponder(t.Context(), k.app.Key, k.Service.IDs().Format(hookswitch.KindSender, k.sender.Key), hookswitch.USSD, true))(t)
		k.asked = nil
		k.say(hop("e", ""))
		if len(k.asked) != 0 {
			t.Error("the responder is asked although it is switched off")
		}
	})
}
