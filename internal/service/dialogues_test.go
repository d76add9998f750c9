package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	caller      = "+254711082300"
	serviceCode = "*384*1234#"
)

// talk is a world with a sender that has a USSD route and a voice route, and an endpoint that is told everything.
type talk struct {
	*servicetest.World
	t      *testing.T
	app    *hookswitch.App
	sender *hookswitch.Sender
	ask    service.Ask
	asked  []hookswitch.Turn
}

func newTalk(t *testing.T, db *storetest.DB, respond bool, texts ...hookswitch.DialogueTexts) *talk {
	t.Helper()
	k := &talk{World: servicetest.New(t, db), t: t}
	k.app = k.App()
	var specs []service.SenderSpec
	for _, ch := range []hookswitch.Channel{hookswitch.USSD, hookswitch.Voice} {
		spec := service.SenderSpec{Name: "line", Channel: ch, Provider: servicetest.FakeName, Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {string(ch)}}}
		if respond {
			spec.Responder = &hookswitch.ResponderConfig{Kind: "test", Raw: []byte(`{"kind":"test"}`)}
		}
		for _, x := range texts {
			spec.Dialogue = &x
		}
		specs = append(specs, spec)
	}
	k.sender = servicetest.Must(k.Service.ApplySenders(context.Background(), k.app.Key, specs))(t)[0].Sender
	k.Endpoint(k.app, hookURL)
	k.Endpoint(k.app, hookURL, servicetest.Filter("message.received"))
	k.ask = func(_ context.Context, turn *service.Turn) (hookswitch.Reply, error) {
		if turn.Opens {
			return hookswitch.Reply{Text: "Menu"}, nil
		}
		return hookswitch.Reply{Text: "You said " + turn.Text, End: turn.Text == "0", State: turn.State + "|" + turn.Text}, nil
	}
	return k
}

func hop(session, text string) servicetest.Update {
	return servicetest.Update{Channel: hookswitch.USSD, Address: "ussd", Dedup: session + " " + text, Dialogue: &hookswitch.DialogueStep{
		Session: session, From: caller, To: serviceCode, Direction: hookswitch.Inbound, Input: text, Metadata: map[string]any{"sessionId": session, "text": text}}}
}

func hungUp(session, status string) servicetest.Update {
	u := hop(session, "")
	u.Dedup, u.At = session, servicetest.Start.Add(time.Minute).UnixMilli()
	u.Dialogue.End = &hookswitch.DialogueEnd{Status: status}
	u.Dialogue.Metadata["providerStatus"] = "Incomplete"
	return u
}

// say has the person enter or say something, and returns what they are told, in the fake provider's words.
func (k *talk) say(u servicetest.Update) string {
	k.t.Helper()
	res, err := k.Converse(u, func(ctx context.Context, turn *service.Turn) (hookswitch.Reply, error) {
		k.asked = append(k.asked, turn.Turn)
		return k.ask(ctx, turn)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return string(k.Provider.Say(nil, u.Dialogue, res.Reply).Body)
}

func (k *talk) want(u servicetest.Update, want string) {
	k.t.Helper()
	if got := k.say(u); got != want {
		k.t.Errorf("%q was answered %q, want %q", u.Dialogue.Input, got, want)
	}
}

func (k *talk) wantTypes(want ...string) {
	k.t.Helper()
	if diff := cmp.Diff(want, k.Types(k.app)); diff != "" {
		k.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// data is that of the only event of the type.
func (k *talk) data(eventType string) map[string]any {
	k.t.Helper()
	var found []map[string]any
	for _, ev := range k.Events(k.app) {
		if ev.Type == eventType {
			var payload struct{ Data map[string]any }
			if err := json.Unmarshal(ev.Payload, &payload); err != nil {
				k.t.Fatal(err)
			}
			found = append(found, payload.Data)
		}
	}
	if len(found) != 1 {
		k.t.Fatalf("%d events %s, want 1", len(found), eventType)
	}
	return found[0]
}

func (k *talk) wantData(eventType string, want map[string]any) {
	k.t.Helper()
	if diff := cmp.Diff(want, k.data(eventType)); diff != "" {
		k.t.Errorf("data of %s (-want +got):\n%s", eventType, diff)
	}
}

func TestConverse_ASessionFromDialToEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.want(hop("S1", ""), "CON Menu")
		k.want(hop("S1", "1"), "CON You said 1")
		k.Clock.Advance(10 * time.Second)
		k.want(hop("S1", "1*4200"), "CON You said 4200")
		k.want(hop("S1", "1*4200*0"), "END You said 0")
		k.wantTypes("ussd.session_start", "message.sent",
			"conversation.new", "message.inbound", "message.received", "message.sent",
			"message.inbound", "message.received", "message.sent",
			"message.inbound", "message.received", "message.sent", "ussd.session_end")
		k.wantData("ussd.session_start", map[string]any{"sessionId": "S1", "phoneNumber": caller, "serviceCode": serviceCode, "timestamp": "2025-03-14T12:00:00Z"})
		k.wantData("ussd.session_end", map[string]any{"sessionId": "S1", "phoneNumber": caller, "serviceCode": serviceCode, "timestamp": "2025-03-14T12:00:10Z",
			"reason": "completed", "steps": 3.0})
		var lines []string
		for _, m := range k.Messages(k.app) {
			lines = append(lines, strings.Join([]string{string(m.Direction), string(m.Status), m.From, m.To, m.ProviderID, m.Text}, " "))
		}
		in, out := "inbound received "+caller+" "+serviceCode, "outbound sent "+serviceCode+" "+caller+" "
		if diff := cmp.Diff([]string{out + " Menu", in + " S1:1 1", out + " You said 1", in + " S1:2 4200", out + " You said 4200", in + " S1:3 0", out + " You said 0"}, lines); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if n := owed(k.World, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("%d runs of the responder are owed besides", n)
		}
		last := k.asked[len(k.asked)-1]
		if last.State != "|1|4200" || len(last.History) != 5 || last.History[1].Text != "1" || last.From != caller || last.MessageID == "" || last.First {
			t.Errorf("the last turn was %+v", last)
		}
		if !k.asked[0].Opens || !k.asked[0].First || k.asked[1].Opens || k.asked[1].First {
			t.Errorf("turns %+v", k.asked[:2])
		}
	})
}

func TestConverse_TheStoredAnswerForARepeatAndTheLastWordForAClosedSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(hop("S1", ""))
		k.say(hop("S1", "1"))
		k.want(hop("S1", ""), "CON Menu")
		k.want(hop("S1", "1"), "CON You said 1")
		k.say(hop("S1", "1*0"))
		events, asked := len(k.Types(k.app)), len(k.asked)
		k.want(hop("S1", "1*0"), "END You said 0")
		for _, text := range []string{"", "1", "1*0*5"} { // what is over asks for nothing more, whatever it asked for at the time
			k.want(hop("S1", text), "END This session is over. Please dial again.")
		}
		if len(k.Types(k.app)) != events || len(k.asked) != asked {
			t.Errorf("repeats made events %q and %d questions", k.Types(k.app)[events:], len(k.asked)-asked)
		}
		k.want(hop("S2", ""), "CON Menu") // the same person dials again
		if got := k.Messages(k.app); got[0].Conversation != got[len(got)-1].Conversation {
			t.Error("the same person has two conversations")
		}
	})
}

func TestConverse_AnUnknownSessionWithText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.want(hop("S1", "1*2"), "CON You said 1*2")
		k.want(hop("S1", "1*2*3"), "CON You said 3")
		k.want(hop("S1", "1*2*3*"), "CON You said")    // nothing was entered
		k.want(hop("S1", "7"), "CON You said 7")       // the provider has begun anew
		k.want(hop("S1", "7*8*9"), "CON You said 8*9") // we have missed one
		k.wantData("ussd.session_start", map[string]any{"sessionId": "S1", "phoneNumber": caller, "serviceCode": serviceCode, "timestamp": "2025-03-14T12:00:00Z"})
		if first := k.asked[0]; first.Opens || !first.First {
			t.Errorf("the first turn was %+v", first)
		}
		if got := k.Messages(k.app); got[0].ProviderID != "S1:1" || got[0].Text != "1*2" {
			t.Errorf("the first message is %+v", got[0])
		}
	})
}

func TestConverse_TheResponderFailsOrIsSlow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Apology: "So sorry."})
		k.say(hop("S1", ""))
		var budget time.Duration
		k.ask = func(ctx context.Context, _ *service.Turn) (hookswitch.Reply, error) {
			end, _ := ctx.Deadline()
			budget = time.Until(end)
			return hookswitch.Reply{}, context.DeadlineExceeded
		}
		k.want(hop("S1", "1"), "END So sorry.")
		if budget > service.DialogueTimeout || budget < service.DialogueTimeout-4*time.Second {
			t.Errorf("the responder has %v", budget)
		}
		if got := k.data("ussd.session_end"); got["reason"] != "error" || got["steps"] != 1.0 {
			t.Errorf("data %v", got)
		}
		k.want(hop("S1", "1"), "END So sorry.")
		k.ask = func(context.Context, *service.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{}, errors.New("down")
		}
		k.want(hop("S2", ""), "END So sorry.")
	})
}

func TestConverse_AResponderHasWordsForItsOwnFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Apology: "So sorry.", Dial: "+254700000001"})
		k.say(call("C1", 0, ""))
		fallback := hookswitch.Reply{Text: "Our bot is asleep.", Unsolved: true}
		k.ask = func(context.Context, *service.Turn) (hookswitch.Reply, error) { return fallback, errors.New("down") }
		k.want(call("C1", 1, "hello"), "CON Our bot is asleep. #2")
		k.want(hop("S1", ""), "END Our bot is asleep.")
		if got := k.data("ussd.session_end"); got["reason"] != "error" {
			t.Errorf("data %v", got)
		}
		fallback.Handover = true
		k.want(call("C1", 2, "hello?"), "END Our bot is asleep. -> +254700000001")
		k.ask = nil // a person has taken over
		k.want(call("C2", 0, ""), "END Thank you. Somebody will get back to you. -> +254700000001")
	})
}

func TestConverse_CountsWhatWasNotSolved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(call("C1", 0, ""))
		reply := hookswitch.Reply{Text: "What?", Unsolved: true}
		k.ask = func(_ context.Context, turn *service.Turn) (hookswitch.Reply, error) {
			if turn.Text == "down" {
				return reply, errors.New("down")
			}
			return reply, nil
		}
		for i, said := range []string{"mumble", "down", "fine", "mumble"} {
			reply.Unsolved = said != "fine"
			k.say(call("C1", i+1, said))
		}
		var got []int
		for _, turn := range k.asked[1:] {
			got = append(got, turn.Unsolved)
		}
		if d := cmp.Diff([]int{0, 1, 2, 0}, got); d != "" {
			t.Errorf("what was not solved before each turn (-want +got):\n%s", d)
		}
	})
}

func TestConverse_WithoutResponder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, false)
		k.want(hop("S1", ""), "END This service is not available at the moment.")
		k.want(call("C1", 0, ""), "END This service is not available at the moment.")
		spec := service.SenderSpec{Name: "line", Channel: hookswitch.USSD, Provider: servicetest.FakeName, Dialogue: &hookswitch.DialogueTexts{Greeting: "Hello", Unavailable: "Closed."},
			Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {"ussd"}}}
		if got := servicetest.Must(k.Service.ApplySenders(t.Context(), k.app.Key, []service.SenderSpec{spec}))(t)[0]; !got.Changed {
			t.Errorf("got %+v", got)
		}
		if got := servicetest.Must(k.Service.ApplySenders(t.Context(), k.app.Key, []service.SenderSpec{spec}))(t)[0]; got.Changed || got.Sender.Dialogue.Unavailable != "Closed." {
			t.Errorf("applied again: %+v", got)
		}
		k.want(hop("S2", ""), "END Closed.")
		k.want(call("C2", 0, ""), "END Hello")
		if len(k.asked) != 0 {
			t.Error("a responder was asked")
		}
		if got := slices.Index(k.Types(k.app), "ussd.session_end"); got < 0 {
			t.Errorf("events %v", k.Types(k.app))
		}
	})
}

func TestConverse_PagesOfALongAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		long := strings.TrimSpace(strings.Repeat("wonderful words ", 25)) // 399 characters
		k.ask = func(_ context.Context, turn *service.Turn) (hookswitch.Reply, error) {
			if turn.Text == "98" {
				return hookswitch.Reply{Text: "ninety-eight"}, nil
			}
			return hookswitch.Reply{Text: long, End: turn.Text == "0", State: "kept"}, nil
		}
		text, shown := "", ""
		for n := 1; ; n++ {
			got, _ := strings.CutPrefix(k.say(hop("S1", text)), "CON ")
			if len(got) > 182 {
				t.Errorf("a screen of %d characters", len(got))
			}
			page, more := strings.CutSuffix(got, "\n98 More")
			shown = strings.TrimSpace(shown + " " + page)
			if !more {
				if n != 3 {
					t.Errorf("%d screens", n)
				}
				break
			}
			if text += "*98"; n == 1 {
				text = "98"
			}
		}
		if shown != long {
			t.Errorf("the screens show %q", shown)
		}
		if len(k.asked) != 1 {
			t.Errorf("the responder was asked %d times", len(k.asked))
		}
		k.want(hop("S1", text+"*98"), "CON ninety-eight") // there are no further pages: it is an input
		if got := k.asked[1].State; got != "kept" {
			t.Errorf("the state after pages is %q", got)
		}
		if got := k.say(hop("S1", text+"*98*0")); !strings.HasPrefix(got, "END wonderful") || len(got) > 186 || strings.Contains(got, "More") || !strings.HasSuffix(got, "words") && !strings.HasSuffix(got, "wonderful") {
			t.Errorf("the end is %q", got)
		}
	})
}

func TestConverse_TheEndIsToldOnceHoweverItComes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(hop("dropped", ""))
		for range 2 {
			servicetest.Must(k.Push(hungUp("dropped", "aborted")))(t)
		}
		k.wantData("ussd.session_end", map[string]any{"sessionId": "dropped", "phoneNumber": caller, "serviceCode": serviceCode, "timestamp": "2025-03-14T12:01:00Z",
			"reason": "aborted", "steps": 1.0, "providerStatus": "Incomplete"})
		k.want(hop("dropped", "1"), "END This session is over. Please dial again.")

		k.say(hop("done", "0")) // ends it
		servicetest.Must(k.Push(hungUp("done", "completed")))(t)
		servicetest.Must(k.Push(hungUp("never seen", "odd")))(t)
		ends := make(map[string]string)
		n := 0
		for _, ev := range k.Events(k.app) {
			var payload struct {
				Data struct{ SessionID, Reason string }
			}
			if err := json.Unmarshal(ev.Payload, &payload); err != nil {
				t.Fatal(err)
			}
			if ev.Type == "ussd.session_end" {
				ends[payload.Data.SessionID] = payload.Data.Reason
				n++
			}
		}
		if diff := cmp.Diff(map[string]string{"dropped": "aborted", "done": "completed", "never seen": "aborted"}, ends); diff != "" || n != 3 {
			t.Errorf("%d ends: %s", n, diff)
		}
		if n := strings.Count(strings.Join(k.Types(k.app), " "), "ussd.session_start"); n != 2 {
			t.Errorf("%d beginnings, want 2", n)
		}
	})
}

func TestSweepDialogues_EndsWhatNobodyGoesOnWith(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(hop("S1", ""))
		k.say(call("C1", 0, ""))
		sweep := func() {
			t.Helper()
			if err := k.Service.SweepDialogues(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		k.Clock.Advance(100 * time.Second)
		k.say(hop("S1", "1"))
		k.Clock.Advance(180 * time.Second)
		sweep()
		if slices.Contains(k.Types(k.app), "ussd.session_end") {
			t.Fatal("ended at 180 s")
		}
		k.Clock.Advance(time.Millisecond)
		sweep()
		sweep()
		k.wantData("ussd.session_end", map[string]any{"sessionId": "S1", "phoneNumber": caller, "serviceCode": serviceCode, "timestamp": "2025-03-14T12:04:40Z",
			"reason": "timeout", "steps": 2.0})
		servicetest.Must(k.Push(hungUp("S1", "completed")))(t)
		k.data("ussd.session_end") // still one
		k.want(hop("S1", "1*2"), "END This session is over. Please dial again.")
		if slices.Contains(k.Types(k.app), "call.completed") {
			t.Error("the call was ended like a session")
		}
		k.Clock.Advance(24 * time.Hour)
		sweep()
		if got := k.data("call.completed"); got["status"] != "completed" || got["durationSeconds"] != nil {
			t.Errorf("data %v", got)
		}
	})
}

func TestSweepDialogues_ManyAndThoseOfDeletedApps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		for i := range 120 {
			k.say(hop("S"+strings.Repeat("x", i), ""))
		}
		k.Clock.Advance(time.Hour)
		if err := k.Service.SweepDialogues(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(strings.Join(k.Types(k.app), " "), "ussd.session_end"); n != 120 {
			t.Errorf("%d ends", n)
		}
		k.say(hop("orphan", ""))
		if err := k.Service.DeleteApp(t.Context(), k.app.Key); err != nil {
			t.Fatal(err)
		}
		k.Clock.Advance(time.Hour)
		if err := k.Service.SweepDialogues(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open := servicetest.Must(k.Store.OpenDialogues(t.Context(), hookswitch.USSD, k.Clock.Now(), 10))(t); len(open) != 0 {
			t.Errorf("still open: %+v", open[0])
		}
	})
}

func TestConverse_APersonTakesOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Handover: "Ada will call you.", Dial: "+254700000001"})
		k.say(hop("S1", ""))
		k.ask = func(context.Context, *service.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{Handover: true}, nil
		}
		k.want(hop("S1", "9"), "END Ada will call you.")
		conv := servicetest.Must(k.Store.Conversation(t.Context(), k.app.Key, k.Messages(k.app)[0].Conversation))(t)
		if !conv.Handover {
			t.Error("nobody has taken over")
		}
		asked := len(k.asked)
		k.want(hop("S2", ""), "END Ada will call you.")
		k.want(hop("S3", "5"), "END Ada will call you.")
		if len(k.asked) != asked {
			t.Error("the responder was asked although a person has taken over")
		}
		if got := k.Messages(k.app); got[len(got)-2].Text != "5" {
			t.Errorf("what was entered is not stored: %+v", got[len(got)-2])
		}
		if err := k.Service.SetHandover(t.Context(), k.app.Key, k.Service.IDs().Format(hookswitch.KindConversation, conv.Key), false); err != nil {
			t.Fatal(err)
		}
		k.ask = func(ctx context.Context, turn *service.Turn) (hookswitch.Reply, error) { // a person is faster than the responder
			return hookswitch.Reply{Text: "late"}, k.Service.SetHandover(ctx, k.app.Key, turn.Conversation, true)
		}
		k.want(hop("S4", ""), "END Ada will call you.")
	})
}

func TestConverse_OfNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(hop(strings.Repeat("x", 255), ""))
		k.want(hop(strings.Repeat("x", 256), ""), "END This service is not available at the moment.")
		mixed := hop("S1", "")
		servicetest.Must(k.Push(mixed))(t) // not by the way of steps that are answered
		k.Sender(k.app, "second", hookswitch.USSD, true)
		other := hop("S2", "")
		other.Address = "unknown"
		k.want(other, "END This service is not available at the moment.")
		strays := servicetest.Must(k.Store.Strays(t.Context(), storePage))(t)
		if len(strays) != 3 {
			t.Errorf("%d strays, want 3: %+v", len(strays), strays)
		}
		k.want(hop("nul \x00 \xff", "1\x00"), "CON You said 1\uFFFD")
		k.want(hop("nul \x00 \xff", "1\x00"), "CON You said 1\uFFFD")
		k.want(hop("nul \x00 \xff", "1\x00*2"), "CON You said 2")
	})
}
