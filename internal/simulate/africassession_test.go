package simulate_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// talk is a server whose answers to steps the adapter writes. It keeps what the adapter has read.
type talk struct {
	t      *testing.T
	answer func(s *hookswitch.DialogueStep) (hookswitch.DialogueReply, string) // or a body of its own
	status int
	read   []hookswitch.DialogueStep
}

func (d *talk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	adapter := africastalking.New(africastalking.Options{})
	body, _ := io.ReadAll(r.Body)
	u := *r.URL
	u.Scheme, u.Host = "https", "gw.example.test"
	push := &hookswitch.Push{Method: r.Method, URL: &u, Header: r.Header, Body: body}
	updates, err := adapter.Parse(push)
	if adapter.Verify(push, africasCredentials) != nil || err != nil || len(updates) != 1 || updates[0].Dialogue == nil {
		d.t.Errorf("%s %s: %+v, %v", r.URL, body, updates, err)
		return
	}
	s := updates[0].Dialogue
	d.read = append(d.read, *s)
	if s.End != nil {
		return
	}
	reply, own := d.answer(s)
	a := adapter.Say(push, s, reply)
	w.Header().Set("Content-Type", a.ContentType)
	if d.status != 0 {
		w.WriteHeader(d.status)
	}
	if own != "" {
		a.Body = []byte(own)
	}
	_, _ = w.Write(a.Body)
}

func (d *talk) client() *http.Client { return &http.Client{Transport: direct{d}} }

// inputs are what was entered, and how it ended.
func (d *talk) inputs() []string {
	var list []string
	for _, s := range d.read {
		if s.End != nil {
			list = append(list, s.End.Status)
		} else {
			list = append(list, s.Input)
		}
	}
	return list
}

func TestUSSD_ASessionIsPlayedToItsEnd(t *testing.T) {
	t.Parallel()
	d := &talk{t: t, answer: func(s *hookswitch.DialogueStep) (hookswitch.DialogueReply, string) {
		if s.Input == "1*2*4200" {
			return hookswitch.DialogueReply{Text: "Your balance is KES 42", End: true}, ""
		}
		return hookswitch.DialogueReply{Text: "Menu after " + s.Input}, ""
	}}
	phone := simulate.DemoAfricasTalking().USSD(d.client(), "http://gateway.test", "+254711082300")
	if _, err := phone.Enter(t.Context(), "1"); err == nil {
		t.Error("entered something before dialling")
	}
	s, err := phone.Dial(t.Context(), "1", "2") // *384*1234*1*2#
	if err != nil || s != (simulate.Screen{Text: "Menu after 1*2", More: true}) {
		t.Fatalf("dialled: %+v, %v", s, err)
	}
	if s, err = phone.Repeat(t.Context()); err != nil || s.Text != "Menu after 1*2" {
		t.Errorf("repeated: %+v, %v", s, err)
	}
	if s, err = phone.Enter(t.Context(), "4200"); err != nil || s != (simulate.Screen{Text: "Your balance is KES 42"}) {
		t.Errorf("the last screen: %+v, %v", s, err)
	}
	if _, err := phone.Enter(t.Context(), "1"); !errors.Is(err, simulate.ErrSessionOver) {
		t.Errorf("afterwards: %v", err)
	}
	if err := phone.HangUp(t.Context()); !errors.Is(err, simulate.ErrSessionOver) {
		t.Errorf("hung up afterwards: %v", err)
	}
	if want := []string{"1*2", "1*2", "1*2*4200", "completed"}; !slices.Equal(d.inputs(), want) {
		t.Errorf("the server was told %q, want %q", d.inputs(), want)
	}
	if last := d.read[len(d.read)-1].Metadata; last["lastAppResponse"] != "END Your balance is KES 42" || last["hopsCount"] != "3" || last["input"] != "1*2*4200" {
		t.Errorf("the end says %v", last)
	}
}

func TestUSSD_WhatIsNoScreenEndsTheSessionForGood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"no word", "Welcome", 0},
		{"an error", "CON Welcome", 500},
		{"nothing", " ", 0},
		{"too long", "CON " + strings.Repeat("x", 183), 0},
	} {
		d := &talk{t: t, status: tt.status, answer: func(*hookswitch.DialogueStep) (hookswitch.DialogueReply, string) {
			return hookswitch.DialogueReply{}, tt.body
		}}
		phone := simulate.DemoAfricasTalking().USSD(d.client(), "http://gateway.test", "+254711082300")
		if s, err := phone.Dial(t.Context()); err == nil {
			t.Errorf("%s: the phone shows %+v", tt.name, s)
		}
		if want := []string{"", "error"}; !slices.Equal(d.inputs(), want) {
			t.Errorf("%s: the server was told %q, want %q: nothing is repeated", tt.name, d.inputs(), want)
		}
	}
}

func TestUSSD_HangingUpIsTold(t *testing.T) {
	t.Parallel()
	d := &talk{t: t, answer: func(*hookswitch.DialogueStep) (hookswitch.DialogueReply, string) {
		return hookswitch.DialogueReply{Text: "Menu"}, ""
	}}
	phone := simulate.DemoAfricasTalking().USSD(d.client(), "http://gateway.test", "+254711082300")
	if _, err := phone.Dial(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := phone.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if want := []string{"", "aborted"}; !slices.Equal(d.inputs(), want) {
		t.Errorf("the server was told %q, want %q", d.inputs(), want)
	}
}

func TestCall_KeysAndSilenceLeadBackToTheServer(t *testing.T) {
	t.Parallel()
	d := &talk{t: t, answer: func(s *hookswitch.DialogueStep) (hookswitch.DialogueReply, string) {
		switch {
		case s.Turn == 3:
			return hookswitch.DialogueReply{Text: "Bye", End: true}, ""
		case s.Input != "":
			return hookswitch.DialogueReply{Text: "You pressed " + s.Input, Turn: s.Turn + 1}, ""
		}
		return hookswitch.DialogueReply{Text: "Press a key", Turn: s.Turn + 1}, ""
	}}
	call := simulate.DemoAfricasTalking().Call(d.client(), "http://gateway.test", "+254711082300")
	h, err := call.Ring(t.Context())
	if err != nil || h != (simulate.Heard{Text: "Press a key", Keys: true}) {
		t.Fatalf("ringing: %+v, %v", h, err)
	}
	if h, err = call.Silence(t.Context()); err != nil || h.Text != "Press a key" {
		t.Errorf("silence: %+v, %v", h, err)
	}
	if h, err = call.Press(t.Context(), "42"); err != nil || h.Text != "You pressed 42" {
		t.Errorf("keys: %+v, %v", h, err)
	}
	if h, err = call.Press(t.Context(), "1"); err != nil || h != (simulate.Heard{Text: "Bye"}) {
		t.Errorf("the last words: %+v, %v", h, err)
	}
	if _, err = call.Press(t.Context(), "1"); !errors.Is(err, simulate.ErrSessionOver) {
		t.Errorf("afterwards: %v", err)
	}
	if want := []string{"", "", "42", "1", "completed"}; !slices.Equal(d.inputs(), want) {
		t.Errorf("the server was told %q, want %q", d.inputs(), want)
	}
	for i, want := range []int{0, 1, 2, 3, 0} {
		if d.read[i].Turn != want {
			t.Errorf("step %d has the turn %d, want %d", i, d.read[i].Turn, want)
		}
	}
}

func TestWebChat_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	chat, adapter := simulate.DemoWebChat(), webchat.New()
	c := hookswitch.Credentials{"token": {"wc-test-token-19af"}}
	for _, p := range []simulate.Push{
		chat.Text("vis_1", "Zoë", "Is it free? 👋"),
		chat.Button("vis_1", "msg_1", "yes", "Yes"),
		chat.File("vis_1", "https://files.example.com/a.pdf", "application/pdf", "a.pdf"),
		chat.Seen("vis_1", hookswitch.StatusRead, "msg_1", "msg_2"),
		chat.Seen("vis_1", hookswitch.StatusDelivered, "msg_1"),
		chat.Typing("vis_1"),
	} {
		push := received(t, p)
		updates, err := adapter.Parse(push)
		if adapter.Verify(push, c) != nil || err != nil || len(updates) != len(p.IDs) {
			t.Fatalf("%s: %d updates, %v; want %d", p.Body, len(updates), err, len(p.IDs))
		}
		for i, u := range updates {
			id := ""
			switch {
			case u.Message != nil:
				id = u.Message.ProviderID
			case u.Receipt != nil:
				id = u.Receipt.ProviderID
			}
			if id != p.IDs[i] || u.At.IsZero() {
				t.Errorf("%s: %+v, want it on %s", p.Body, u, p.IDs[i])
			}
		}
		if adapter.Verify(received(t, chat.Forge(p)), c) == nil {
			t.Error("a forged post passes")
		}
	}
	if u, _ := url.Parse(chat.Typing("v").Path); u.RawQuery != "" {
		t.Error("the token travels in the address")
	}
}
