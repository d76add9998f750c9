package ingest_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

// dialogueEvents are the events that tell where calls and USSD sessions are.
var dialogueEvents = []string{hookswitch.EventCallStarted, hookswitch.EventCallCompleted, hookswitch.EventUSSDSessionStart, hookswitch.EventUSSDSessionEnd}

// inDialogue brings about the calls and sessions that a recording goes on with. Who takes part in them is in the recording itself.
func (g *gateway) inDialogue(all *recordings, f *fixture) {
	g.t.Helper()
	form, err := url.ParseQuery(f.Body)
	if err != nil || len(f.Setup.Calls)+len(f.Setup.USSD) == 0 {
		return
	}
	accounts, err := g.svc.Accounts(g.t.Context(), all.provider().Name(), 0, "")
	if err != nil || len(accounts) != 1 {
		g.t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	in := service.Received{Account: &accounts[0], At: now()}
	first := func(names ...string) string {
		for _, name := range names {
			if form.Has(name) {
				return form.Get(name)
			}
		}
		return ""
	}
	step := hookswitch.DialogueStep{From: first("phoneNumber", "From"), To: first("serviceCode", "To"), Direction: hookswitch.Inbound}
	for _, c := range f.Setup.Calls {
		s := step
		s.Session, s.Progress = c.CallID, c.Status
		in.Updates = []hookswitch.Update{{Channel: hookswitch.Voice, Address: s.To, Dialogue: &s}}
		if res, err := g.svc.Receive(g.t.Context(), in); err != nil || res.Strays > 0 {
			g.t.Fatalf("%+v, %v", res, err)
		}
	}
	for _, c := range f.Setup.USSD {
		s := step
		s.Session, s.Input = c.SessionID, c.Text
		if res, err := g.svc.Converse(g.t.Context(), in, &hookswitch.Update{Channel: hookswitch.USSD, Address: s.To, Dialogue: &s}, asking); err != nil || res.Stray {
			g.t.Fatalf("%+v, %v", res, err)
		}
	}
}

// asking is a responder that goes on with every dialogue.
func asking(context.Context, *service.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{Text: "And then?"}, nil
}

// withResponders gives the senders that hold dialogues a responder: without one they end at once.
func withResponders(senders []service.SenderSpec) []service.SenderSpec {
	senders = slices.Clone(senders)
	for i := range senders {
		if s := &senders[i]; s.Responder == nil && (s.Channel == hookswitch.USSD || s.Channel == hookswitch.Voice) {
			s.Responder = &hookswitch.ResponderConfig{Kind: "echo", Raw: []byte(`{"kind":"echo"}`)}
		}
	}
	return senders
}

// saidInDialogue reports whether m is our answer to a step of a dialogue.
func saidInDialogue(m *hookswitch.Message) bool {
	return m.Direction == hookswitch.Outbound && (m.Channel == hookswitch.USSD || m.Channel == hookswitch.Voice)
}

// ofAnswer is saidInDialogue for the event that tells of it.
func ofAnswer(e event) bool {
	return e.Type == hookswitch.EventMessageSent && (e.Data["channel"] == string(hookswitch.USSD) || e.Data["channel"] == string(hookswitch.Voice))
}

// checkDialogues compares the events of calls and sessions with those that the recording expects.
func checkDialogues(t *testing.T, f *fixture, events []event) {
	t.Helper()
	events = slices.DeleteFunc(slices.Clone(events), func(e event) bool { return !slices.Contains(dialogueEvents, e.Type) })
	var want []map[string]any
	for _, w := range f.Expect.Events {
		if kind, _ := w["type"].(string); strings.HasPrefix(kind, "call.") || strings.HasPrefix(kind, "ussd.") {
			want = append(want, w)
		}
	}
	if len(events) != len(want) {
		t.Fatalf("events %q, want %d about dialogues", typesOf(events), len(want))
	}
	for i, w := range want {
		diff := subset("data", w["data"], events[i].Data)
		if more, ok := w["data_ext"]; diff == "" && ok {
			diff = subset("data", more, events[i].Data)
		}
		if events[i].Type != w["type"] || diff != "" {
			t.Errorf("event %d is %s, want %v: %s", i, events[i].raw, w, diff)
		}
	}
}
