package respond_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

// example is the menu of the documentation.
func example(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/channels/ussd.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the page has no example")
	}
	return text
}

func document(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"kind": "menu", "document": text})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// session is a dialogue with a responder.
type session struct {
	t       *testing.T
	r       hookswitch.Responder
	channel hookswitch.Channel
	state   string
}

func (s *session) say(text string) hookswitch.Reply {
	s.t.Helper()
	reply, err := s.r.Respond(s.t.Context(), &hookswitch.Turn{Channel: s.channel, Text: text, State: s.state, Opens: text == "", ProfileName: "Ada"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.state = reply.State
	return reply
}

func (s *session) want(text, want string) {
	s.t.Helper()
	reply := s.say(text)
	got := reply.Text
	if reply.End {
		got += " END"
	}
	if reply.Handover {
		got += " HANDOVER"
	}
	if got != want {
		s.t.Errorf("%q is answered\n%s\nwant\n%s", text, got, want)
	}
}

const mainScreen = "Welcome to Acme.\n1. Opening hours\n2. Send money\n3. Talk to us"

func TestMenu_TheExampleOfTheDocumentation(t *testing.T) {
	t.Parallel()
	s := &session{t: t, r: newResponder(t, document(t, example(t))), channel: hookswitch.USSD}
	s.want("", mainScreen)
	s.want("1", "We are open from 9 to 5.\n0. Back")
	s.want("0", mainScreen)
	s.want("7", "Please choose 1, 2 or 3.\n"+mainScreen)
	s.want("2", "How much?")
	s.want("9", "From 10 to 5000, please.\nHow much?")
	s.want("5001", "From 10 to 5000, please.\nHow much?")
	s.want("much", "From 10 to 5000, please.\nHow much?")
	s.want("50", "To which number?")
	s.want("Ada", "That cannot be right. Please try again.\nTo which number?")
	s.want("0711 082-300", "Send 50 to 0711082300?\n1. Yes\n2. No")
	s.want("1", "You have sent 50 to 0711082300. END")
	if s.state != "" {
		t.Errorf("the end leaves the state %s", s.state)
	}
}

func TestMenu_DiallingTheWay(t *testing.T) {
	t.Parallel()
	r := newResponder(t, document(t, example(t)))
	for dialled, want := range map[string]string{
		"2*50":                "To which number?",
		"2*50*0711082300*1":   "You have sent 50 to 0711082300. END",
		"2*50*0711082300*1*9": "You have sent 50 to 0711082300. END",
		"2*5*0711082300":      "From 10 to 5000, please.\nHow much?",
		"9*2":                 "Please choose 1, 2 or 3.\n" + mainScreen,
		"3":                   "We will call you back. HANDOVER",
		"agent":               "We will call you back. HANDOVER",
	} {
		(&session{t: t, r: r, channel: hookswitch.USSD}).want(dialled, want)
	}
	s := &session{t: t, r: r, channel: hookswitch.USSD}
	s.say("2*50")
	s.want("0711082300*2*1", "We are open from 9 to 5.\n0. Back")
}

func TestMenu_Spoken(t *testing.T) {
	t.Parallel()
	r := newResponder(t, document(t, example(t)))
	for said, want := range map[string]string{
		"Opening hours.":          "We are open from 9 to 5.\n0. Back",
		"when are you open?":      "We are open from 9 to 5.\n0. Back",
		"2":                       "How much?",
		"Send money":              "How much?",
		"2*50":                    "Please choose 1, 2 or 3.\n" + mainScreen,
		"let me talk to an agent": "We will call you back. HANDOVER",
		"…":                       "Please choose 1, 2 or 3.\n" + mainScreen,
	} {
		(&session{t: t, r: r, channel: hookswitch.Voice}).want(said, want)
	}
}

func TestMenu_GoesOnWhenItHasChanged(t *testing.T) {
	t.Parallel()
	r := newResponder(t, document(t, example(t)))
	for _, state := range []string{`{"screen":"gone"}`, `{"screen":"done","entered":{"amount":"5"}}`, `nonsense`, `{"screen":"person"}`, `{}`} {
		(&session{t: t, r: r, channel: hookswitch.USSD, state: state}).want("2", "How much?")
	}
	(&session{t: t, r: r, channel: hookswitch.USSD, state: `{"screen":"confirm"}`}).want("3", "Please choose 1, 2 or 3.\nSend to?\n1. Yes\n2. No")
}

func TestMenu_WhatIsEnteredIsNotATemplate(t *testing.T) {
	t.Parallel()
	s := &session{t: t, channel: hookswitch.USSD, r: newResponder(t, `{"kind":"menu","start":"a","screens":{
		"a":{"text":"Hello {name}! Say something","as":"what","input":{"max":20},"goTo":"b"},
		"b":{"text":"{what} on {channel}","as":"choice","options":[{"key":"a","label":"{what}?","goTo":"c","value":"A!"},{"key":"b","label":"B","goTo":"c"}]},
		"c":{"text":"{choice}","end":true}}}`)}
	s.want("", "Hello Ada! Say something")
	s.want("{choice} {what}", "{choice} {what} on USSD\na. {choice} {what}?\nb. B")
	s.want("A", "A! END")
	s.state = ""
	s.want(strings.Repeat("x", 21), "That cannot be right. Please try again.\nHello Ada! Say something")
}

func TestMenu_Inputs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ input, entered, want string }{
		{`{}`, " some words ", "some words"},
		{`{"min":3}`, "ab", ""},
		{`{"pattern":"[A-Z]{2}|x"}`, "AB", "AB"},
		{`{"pattern":"[A-Z]{2}|x"}`, "ABC", ""},
		{`{"kind":"number"}`, "1,000", "1000"},
		{`{"kind":"number"}`, "007", "7"},
		{`{"kind":"number"}`, "-5", "-5"},
		{`{"kind":"number","min":0}`, "-5", ""},
		{`{"kind":"number","max":0}`, "0", "0"},
		{`{"kind":"number"}`, "99999999999999999999", ""},
		{`{"kind":"number"}`, "1.5", ""},
		{`{"kind":"digits","min":4,"max":4}`, "1 2 3 4", "1234"},
		{`{"kind":"digits","min":4,"max":4}`, "0042", "0042"},
		{`{"kind":"digits","min":4,"max":4}`, "12345", ""},
		{`{"kind":"digits"}`, "- -", ""},
		{`{"kind":"digits"}`, "١٢٣", ""},
		{`{"kind":"phone"}`, "+254 711 082300", "+254711082300"},
		{`{"kind":"phone"}`, "+", ""},
		{`{"kind":"phone"}`, "254711082300254711", ""},
	} {
		s := &session{t: t, channel: hookswitch.Voice, r: newResponder(t, `{"kind":"menu","start":"a","screens":{"a":{"text":"?","as":"x","input":`+tt.input+`,"goTo":"b"},"b":{"text":"<{x}>","end":true}}}`)}
		got := s.say(tt.entered)
		if tt.want == "" && got.Text != "That cannot be right. Please try again.\n?" || tt.want != "" && got.Text != "<"+tt.want+">" {
			t.Errorf("%s %q: got %q, want %q", tt.input, tt.entered, got.Text, tt.want)
		}
	}
}

func TestMenu_StopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newResponder(t, document(t, example(t))).Respond(ctx, &hookswitch.Turn{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMenu_ErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	screens := func(s string) string { return `{"kind":"menu","start":"a","screens":{` + s + `}}` }
	const end = `"z":{"text":"bye","end":true}`
	const a = `"a":{"text":"?","options":[{"key":"1","label":"One","goTo":"z"}]},` + end
	for _, tt := range []struct{ config, want string }{
		{`{"kind":"menu"}`, `body.responder.screens: must have at least one screen`},
		{screens(end), `body.responder.start: there is no screen "a"; there are z`},
		{`{"kind":"menu","screens":{` + a + `}}`, `body.responder.start: must name the first screen`},
		{`{"kind":"menu","start":"z","screens":{` + a + `}}`, `body.responder.start: must be a screen with options or an input`},
		{screens(strings.Replace(a, `"goTo":"z"`, `"goTo":"y"`, 1)), `body.responder.screens.a.options.[0].goTo: there is no screen "y"; there are a, z`},
		{screens(strings.Replace(a, `,"goTo":"z"`, ``, 1)), `body.responder.screens.a.options.[0].goTo: must name the screen that comes next`},
		{screens(strings.Replace(a, `"label":"One",`, ``, 1)), `body.responder.screens.a.options.[0].label: must say what the option is`},
		{screens(strings.Replace(a, `"key":"1",`, ``, 1)), `body.responder.screens.a.options.[0].key: must say what chooses the option`},
		{screens(strings.Replace(a, `"key":"1",`, `"key":"1*",`, 1)), `body.responder.screens.a.options.[0].key: must not contain * or #, which cannot be entered`},
		{screens(strings.Replace(a, `}]`, `},{"key":1,"label":"Two","goTo":"z"}]`, 1)), `body.responder.screens.a.options.[1].key: is the key of another option too`},
		{screens(strings.Replace(a, `"text":"?"`, `"text":"{amont}"`, 1)), `body.responder.screens.a.text: shows {amont}, which is entered nowhere`},
		{screens(strings.Replace(a, `"text":"?",`, ``, 1)), `body.responder.screens.a.text: must have a text`},
		{screens(strings.Replace(a, `"text":"?"`, `"text":"?","end":true`, 1)), `body.responder.screens.a: must have one of options, input, end and handover; body.responder.start: must be a screen with options or an input`},
		{screens(strings.Replace(a, `"text":"?"`, `"txt":"?","text":"?"`, 1)), `body.responder.screens.a.txt: is not a known field`},
		{screens(`"a":{"text":"?","input":{}},` + end), `body.responder.screens.a.as: must name what is entered; body.responder.screens.a.goTo: must name the screen that comes after the input`},
		{screens(`"a":{"text":"?","as":"x y","input":{"kind":"no"},"goTo":"z"},` + end), `body.responder.screens.a.input.kind: must be one of text, number, digits, phone; body.responder.screens.a.as: must be a letter and then letters, digits and _`},
		{screens(`"a":{"text":"?","as":"x","input":{"min":9,"max":8},"goTo":"z"},` + end), `body.responder.screens.a.input.max: must not be less than min`},
		{screens(`"a":{"text":"?","as":"x","input":{"min":"9"},"goTo":"z"},` + end), `body.responder.screens.a.input.min: must be a whole number from 1 to 182`},
		{screens(`"a":{"text":"?","as":"x","input":{"pattern":"("},"goTo":"z"},` + end), "body.responder.screens.a.input.pattern: is not a regular expression: error parsing regexp: missing closing ): `^(?:()$`"},
		{screens(`"a b":{"text":"?","end":true},` + a), `body.responder.screens.a b: the name of a screen must be a letter and up to 39 letters, digits, - and _`},
		{screens(`"a":7,` + end), `body.responder.screens.a: must be an object`},
		{`{"kind":"menu","document":"a: [","start":"a"}`, `body.responder.start: stands beside the document; write it there; body.responder.document: cannot be read: line 1: did not find expected node content`},
		{`{"kind":"menu","document":""}`, `body.responder.document: is empty`},
		{`{"kind":"menu","document":"- 1"}`, `body.responder.document: must be an object; body.responder.document.screens: must have at least one screen`},
		{document(t, "start: a\nscreens:\n  a: {text: hi, end: true}\n  a: {text: ho, end: true}"), `body.responder.document: line 4: "a" is there twice`},
		{document(t, "start: a\nscreens:\n  a: &x {text: hi, end: true}\n  b: *x"), `body.responder.document: line 4: references to other parts are not supported`},
		{document(t, strings.Replace(example(t), "goTo: hours", "goTo: hors", 1)), `body.responder.document.screens.main.options.[0].goTo: there is no screen "hors"; there are amount, confirm, done, hours, main, person, to`},
	} {
		var cfg hookswitch.ResponderConfig
		if err := json.Unmarshal([]byte(tt.config), &cfg); err != nil {
			t.Fatal(err)
		}
		var e *hookswitch.Error
		if err := respond.Validate(cfg, respond.Options{}); !errors.As(err, &e) {
			t.Errorf("%s: got %v", tt.config, err)
			continue
		}
		var got []string
		for _, f := range e.Fields {
			got = append(got, strings.Join(f.Path, ".")+": "+f.Message)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.config, diff)
		}
	}
}

func FuzzMenu(f *testing.F) {
	f.Add("start: a\nscreens: {a: {text: hi, as: x, input: {}, goTo: b}, b: {text: '{x}', options: [{key: 1, label: One, goTo: a}]}}", "1*2", `{"screen":"a"}`)
	f.Add("a: &x [*x]", "", "")
	f.Fuzz(func(t *testing.T, doc, said, state string) {
		raw, err := json.Marshal(map[string]string{"kind": "menu", "document": doc})
		if err != nil {
			t.Skip()
		}
		r, err := respond.New(hookswitch.ResponderConfig{Kind: "menu", Raw: raw}, respond.Options{})
		if err != nil {
			return
		}
		for _, ch := range []hookswitch.Channel{hookswitch.USSD, hookswitch.Voice, hookswitch.SMS} {
			var broken *respond.PanicError
			if _, err := r.Respond(t.Context(), &hookswitch.Turn{Channel: ch, Text: said, State: state}); errors.As(err, &broken) {
				t.Errorf("%v\n%s", err, broken.Stack)
			}
		}
	})
}
