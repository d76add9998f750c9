package respond_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

const shop = `{"kind":"rules",
	"greeting":"Hello {name}!",
	"rules":[{"keywords":["price"],"reply":"It is 5."}],
	"fallback":"Pardon?",
	"menu":{"words":["menu","0"],"start":"main","screens":{
		"main":{"text":"What do you need?","options":[{"key":1,"label":"Orders","goTo":"order"},{"key":2,"label":"A person","words":["somebody"],"goTo":"person"}]},
		"order":{"text":"Which order?","as":"order","input":{"kind":"digits","error":"Only digits."},"goTo":"done"},
		"done":{"text":"Order {order} is on its way.","end":true},
		"person":{"text":"I get somebody.","handover":true}}}}`

const shopScreen = "What do you need?\n1. Orders\n2. A person"

func TestRules_LeadThroughAMenu(t *testing.T) {
	t.Parallel()
	r := newResponder(t, shop)
	var state string
	for i, step := range []struct {
		first    bool
		text     string
		want     string
		handover bool
		unsolved bool
	}{
		{true, "hi", "Hello Ada!\n\n" + shopScreen, false, false},
		{false, "price?", "It is 5.", false, false},
		{false, "١", "Which order?", false, false},
		{false, "seven", "Only digits.\nWhich order?", false, true},
		{false, "menu", shopScreen, false, false},
		{false, "1️⃣", "Which order?", false, false},
		{false, "77", "Order 77 is on its way.", false, false},
		{false, "77", "Pardon?\n\n" + shopScreen, false, true},
		{false, "somebody", "I get somebody.", true, false},
		{false, "0", shopScreen, false, false},
	} {
		got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: step.text, First: step.first, ProfileName: "Ada", Channel: hookswitch.WhatsApp, State: state})
		if err != nil || got.Text != step.want || got.Handover != step.handover || got.Unsolved != step.unsolved {
			t.Errorf("step %d, %q: got %+v, %v; want %q", i, step.text, got, err, step.want)
		}
		state = got.State
	}
}

func TestRules_MenuIsChecked(t *testing.T) {
	t.Parallel()
	err := respond.Validate(config(t, `{"kind":"rules","menu":{"start":"x","handover":["a"],"screens":{"main":{"text":"?"}}}}`), respond.Options{})
	for _, want := range []string{`menu.start: there is no screen`, "menu.screens.main: must have one of", "menu.handover: stands beside the menu"} {
		if err == nil || !strings.Contains(err.Error(), "body.responder."+want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestMenu_AnswersInChats(t *testing.T) {
	t.Parallel()
	r := newResponder(t, `{"kind":"menu","start":"main","unknown":"Please choose.","screens":{"main":{"text":"Yes?","options":[{"key":"1","label":"Bye","goTo":"bye"}]},"bye":{"text":"Bye.","end":true}}}`)
	var state string
	for _, step := range []struct{ text, want string }{{"hello", "Yes?\n1. Bye"}, {"2", "Please choose.\nYes?\n1. Bye"}, {"1", "Bye."}, {"1", "Yes?\n1. Bye"}} {
		got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: step.text, Channel: hookswitch.Telegram, State: state})
		if err != nil || got.Text != step.want {
			t.Errorf("%q: got %+v, %v; want %q", step.text, got, err, step.want)
		}
		state = got.State
	}
}
