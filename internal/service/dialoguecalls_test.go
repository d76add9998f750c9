package service_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

var storePage = store.Page{Limit: 100}

const ourNumber = "+12028831111"

func call(session string, turn int, said string) servicetest.Update {
	return servicetest.Update{Channel: hookswitch.Voice, Address: "voice", Dedup: session + " " + said, Dialogue: &hookswitch.DialogueStep{
		Session: session, From: caller, To: ourNumber, Direction: hookswitch.Inbound, Turn: turn, Input: said, Metadata: map[string]any{"callSid": session, "confidence": 0.91}}}
}

func callStatus(session, progress, end string, took time.Duration) servicetest.Update {
	u := call(session, 0, "")
	u.Dedup = session + "/" + progress + end
	u.Dialogue.Progress = progress
	if end != "" {
		u.At = servicetest.Start.Add(time.Minute).UnixMilli()
		u.Dialogue.End = &hookswitch.DialogueEnd{Status: end, Duration: took}
	}
	return u
}

func TestConverse_ACallFromRingToHangUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.want(call("C1", 0, ""), "CON Menu #1")
		k.want(call("C1", 1, "opening hours"), "CON You said opening hours #2")
		k.want(call("C1", 1, "opening hours"), "CON You said opening hours #2")
		k.want(call("C1", 2, "0"), "END You said 0")
		servicetest.Must(k.Push(callStatus("C1", "in-progress", "", 0)))(t)
		if slices.Contains(k.Types(k.app), "call.completed") {
			t.Error("the call is over before its provider says so")
		}
		for range 2 {
			servicetest.Must(k.Push(callStatus("C1", "", "completed", 34*time.Second)))(t)
		}
		servicetest.Must(k.Push(callStatus("C1", "", "failed", 0)))(t)
		k.wantTypes("call.started", "message.sent", "conversation.new", "message.inbound", "message.received", "message.sent",
			"message.inbound", "message.received", "message.sent", "call.completed")
		k.wantData("call.started", map[string]any{"callId": "C1", "from": caller, "to": ourNumber, "direction": "inbound", "timestamp": "2025-03-14T12:00:00Z"})
		k.wantData("call.completed", map[string]any{"callId": "C1", "from": caller, "to": ourNumber, "direction": "inbound", "timestamp": "2025-03-14T12:01:00Z",
			"status": "completed", "durationSeconds": 34.0})
		if got := k.Messages(k.app)[1]; got.ProviderID != "C1:1" || got.Channel != hookswitch.Voice {
			t.Errorf("message %+v", got)
		}
		k.want(call("C1", 2, "0"), "END You said 0")
		k.want(call("C1", 3, "more"), "END This session is over. Please dial again.")
	})
}

func TestConverse_SilenceOnTheLine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Greeting: "Hello", Silence: "Pardon?", Goodbye: "Bye."})
		k.want(call("C1", 0, ""), "CON Hello #1")
		k.want(call("C1", 1, ""), "CON Pardon? #2")
		k.want(call("C1", 1, ""), "CON Pardon? #2") // a repeat is no second silence
		k.want(call("C1", 2, ""), "CON Pardon? #3")
		k.want(call("C1", 3, "yes"), "CON You said yes #4") // begins the count anew
		k.want(call("C1", 4, ""), "CON Pardon? #5")
		k.want(call("C1", 5, ""), "CON Pardon? #6")
		k.want(call("C1", 6, ""), "END Bye.")
		if len(k.asked) != 1 || k.asked[0].First {
			t.Errorf("asked %+v", k.asked)
		}
		inbound := 0
		for _, m := range k.Messages(k.app) {
			if m.Direction == hookswitch.Inbound {
				inbound++
			}
		}
		if inbound != 1 {
			t.Errorf("%d messages from the caller, who has spoken once", inbound)
		}
	})
}

func TestConverse_ACallGoesOnWhenTheResponderFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(call("C1", 0, ""))
		k.say(call("C1", 1, "a"))
		works := k.ask
		k.ask = func(context.Context, *service.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{}, errors.New("down")
		}
		k.want(call("C1", 2, "b"), "CON Sorry, something went wrong. Please try again. #3")
		k.ask = works
		k.want(call("C1", 3, "c"), "CON You said c #4")
		if got := k.asked[len(k.asked)-1].State; got != "|a" {
			t.Errorf("the state after a failure is %q", got)
		}
	})
}

func TestConverse_ACallIsConnectedToAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		hand := func(context.Context, *service.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{Text: "One moment.", Handover: true}, nil
		}
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Greeting: "Hello", Dial: "+254700000001"})
		k.say(call("C1", 0, ""))
		k.ask = hand
		k.want(call("C1", 1, "a person please"), "END One moment. -> +254700000001")
		k.want(call("C1", 1, "a person please"), "END One moment. -> +254700000001")
		k.want(call("C2", 0, ""), "END Thank you. Somebody will get back to you. -> +254700000001")
	})
}

func TestConverse_CallsWithoutADoorThatCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		k.say(call("C1", 0, ""))
		k.want(call("C1", 0, "hello"), "CON You said hello #2")
		k.want(call("C1", 0, "hello"), "CON You said hello #2")
		k.want(call("C1", 0, "again"), "CON You said again #3")
		k.want(call("C1", 0, ""), "CON Menu #1")
		k.want(call("C2", 4, "lost"), "CON You said lost #5") // its beginning never came
		if n := strings.Count(strings.Join(k.Types(k.app), " "), "call.started"); n != 2 {
			t.Errorf("%d calls have begun, want 2", n)
		}
	})
}

func TestReceive_WhereCallsAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		out := func(u servicetest.Update) servicetest.Update {
			u.Dialogue.Direction, u.Dialogue.From, u.Dialogue.To = hookswitch.Outbound, ourNumber, caller
			return u
		}
		servicetest.Must(k.Push(out(callStatus("C1", "initiated", "", 0))))(t)
		servicetest.Must(k.Push(out(callStatus("C1", "ringing", "", 0))))(t)
		servicetest.Must(k.Push(out(callStatus("C1", "initiated", "", 0))))(t)
		k.want(out(call("C1", 0, "")), "CON Menu #1")
		k.want(out(call("C1", 1, "yes")), "CON You said yes #2")
		k.wantData("call.started", map[string]any{"callId": "C1", "from": ourNumber, "to": caller, "direction": "outbound", "timestamp": "2025-03-14T12:00:00Z"})
		if m := k.Messages(k.app); m[0].To != caller || m[0].From != ourNumber || m[1].From != caller || m[1].To != ourNumber {
			t.Errorf("messages %+v and %+v", m[0], m[1])
		}
		servicetest.Must(k.Push(out(callStatus("C1", "", "completed", 0))))(t)
		if got := k.data("call.completed"); got["durationSeconds"] != nil {
			t.Errorf("data %v", got)
		}
		servicetest.Must(k.Push(callStatus("C2", "", "no-answer", 0)))(t) // never heard of: it has not begun
		types := k.Types(k.app)
		if n := strings.Count(strings.Join(types, " "), "call.started"); n != 1 || types[len(types)-1] != "call.completed" {
			t.Errorf("events %q", types)
		}
		servicetest.Must(k.Push(callStatus("C3", "ringing", "", 0)))(t)
		k.Clock.Advance(25 * time.Hour)
		before := len(k.Types(k.app))
		if err := k.Service.SweepDialogues(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := k.Events(k.app)[before:]; len(got) != 1 || !strings.Contains(string(got[0].Payload), `"status":"failed","durationSeconds":0`) {
			t.Errorf("a call that nobody answered ends with %d events", len(got))
		}
	})
}

func TestConverse_CallersWhoHideTheirNumberAreNotOnePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		for _, session := range []string{"C1", "C2"} {
			u := call(session, 0, "hello")
			u.Dialogue.From = ""
			k.say(u)
		}
		m := k.Messages(k.app)
		if m[0].Contact == m[2].Contact || m[0].From != "C1" || len(k.asked[1].History) != 0 {
			t.Errorf("messages %+v and %+v", m[0], m[2])
		}
	})
}

// A request that does not say which answer it follows may still say that the call is past its beginning.
func TestConverse_SilenceThatDoesNotSayWhatItFollows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true, hookswitch.DialogueTexts{Greeting: "Hello", Silence: "Pardon?", Goodbye: "Bye."})
		silence := func(session string) servicetest.Update {
			u := call(session, 0, "")
			u.Dialogue.Silent = true
			return u
		}
		k.want(call("C1", 0, ""), "CON Hello #1")
		k.want(silence("C1"), "CON Pardon? #2")
		k.want(silence("C1"), "CON Pardon? #3")
		k.want(call("C1", 0, ""), "CON Hello #1") // the first request again
		k.want(silence("C1"), "END Bye.")
		k.want(silence("C2"), "CON Hello #1") // the call has been put through to us: this is our first request
		k.want(silence("C2"), "CON Hello #1")
		k.want(call("C2", 1, ""), "CON Pardon? #2")
		if len(k.asked) != 0 {
			t.Errorf("asked %+v", k.asked)
		}
	})
}
