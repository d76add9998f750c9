package respond_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

const bank = `{"kind":"rules",
	"greeting":"Hello {name}! Ask me about your balance.",
	"rules":[
		{"keywords":["balance","saldo"],"reply":"{name}, your balance is 5."},
		{"keywords":["branch office","btn_branch"],"reply":"We are in Moi Avenue."},
		{"keywords":["stop"],"match":"exact","reply":"You will hear no more.","end":true},
		{"keywords":["loan"],"match":"prefix","reply":"Loans start at 10."},
		{"keywords":["fraud"],"match":"contains","reply":"This is urgent.","handover":true}],
	"handover":["agent","human"],
	"handoverReply":"A colleague will write to you.",
	"fallback":"I did not understand \"{text}\"."}`

func TestRules_ChooseTheAnswer(t *testing.T) {
	t.Parallel()
	r := newResponder(t, bank)
	reply := func(text string) hookswitch.Reply { return hookswitch.Reply{Text: text} }
	missed := func(text string) hookswitch.Reply { return hookswitch.Reply{Text: text, Unsolved: true} }
	balance := reply("Amina, your balance is 5.")
	tests := []struct {
		name string
		turn hookswitch.Turn
		want hookswitch.Reply
	}{
		{"word", hookswitch.Turn{Text: "What is my BALANCE?"}, balance},
		{"word is not a part of a word", hookswitch.Turn{Text: "balances"}, missed(`I did not understand "balances".`)},
		{"accents do not count", hookswitch.Turn{Text: "sáldo"}, balance},
		{"words side by side", hookswitch.Turn{Text: "where's the Branch\n office?"}, reply("We are in Moi Avenue.")},
		{"words apart", hookswitch.Turn{Text: "office branch"}, missed(`I did not understand "office branch".`)},
		{"pressed button", hookswitch.Turn{Text: "Find us", ReplyID: "btn_branch"}, reply("We are in Moi Avenue.")},
		{"title of a pressed button", hookswitch.Turn{Text: "Balance", ReplyID: "b1"}, balance},
		{"exact", hookswitch.Turn{Text: " Stop. "}, hookswitch.Reply{Text: "You will hear no more.", End: true}},
		{"exact with more", hookswitch.Turn{Text: "stop it"}, missed(`I did not understand "stop it".`)},
		{"prefix", hookswitch.Turn{Text: "Loans, please"}, reply("Loans start at 10.")},
		{"prefix in the middle", hookswitch.Turn{Text: "a loan"}, missed(`I did not understand "a loan".`)},
		{"contains", hookswitch.Turn{Text: "defrauded!"}, hookswitch.Reply{Text: "This is urgent.", Handover: true}},
		{"first rule wins", hookswitch.Turn{Text: "fraud with my balance"}, balance},
		{"handover before rules", hookswitch.Turn{Text: "balance? no, an agent"}, hookswitch.Reply{Text: "A colleague will write to you.", Handover: true}},
		{"handover before the greeting", hookswitch.Turn{Text: "human", First: true}, hookswitch.Reply{Text: "A colleague will write to you.", Handover: true}},
		{"greeting", hookswitch.Turn{Text: "hi", First: true}, reply("Hello Amina! Ask me about your balance.")},
		{"greeting for a picture", hookswitch.Turn{First: true}, reply("Hello Amina! Ask me about your balance.")},
		{"a question first gets its answer", hookswitch.Turn{Text: "saldo", First: true}, balance},
		{"fallback", hookswitch.Turn{Text: "hi"}, missed(`I did not understand "hi".`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.turn.ProfileName = "Amina"
			tt.turn.Channel = hookswitch.WhatsApp
			got, err := r.Respond(t.Context(), &tt.turn)
			if err != nil || got != tt.want {
				t.Errorf("answer to %q: got %+v, %v; want %+v", tt.turn.Text, got, err, tt.want)
			}
		})
	}
}

func TestRules_WithoutFallbackSayNothing(t *testing.T) {
	t.Parallel()
	r := newResponder(t, `{"kind":"rules","rules":[{"keywords":["a"],"reply":"b"}]}`)
	got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: "zzz", First: true})
	if err != nil || got != (hookswitch.Reply{Unsolved: true}) {
		t.Errorf("got %+v, %v; want silence", got, err)
	}
}

func TestRules_StopWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newResponder(t, bank).Respond(ctx, &hookswitch.Turn{Text: "balance"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestRules_MatchWordsOfManyScripts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keyword, text string
		want          bool
	}{
		{"strasse", "Wo ist die STRAẞE?", true},
		{"cafe", "un cafe\u0301 noir", true},
		{"ΟΔΟΣ", "οδός", true},
		{"istanbul", "İSTANBUL", true},
		{"łódź", "lodz", true},
		{"баланс", "Мой БАЛАНС?", true},
		{"احمد", "أَحْمَد", true},
		{"余额", "我的余额是多少", true},
		{"余额", "额余", false},
		{"残高", "残高を教えて", true},
		{"かき", "がき", false}, // a sound mark makes another word
		{"हिन्दी", "हन्द", false},
		{"잔액", "잔액 알려줘", true},
		{"👍", "ok 👍🏽", true},
		{"1", "1️⃣", true},
		{"$", "how many $ is it", true},
		{"full width", "ｆｕｌｌ　ｗｉｄｔｈ", true},
		{"order-1", "order 1", true},
		{"a", "", false},
	}
	for _, tt := range tests {
		r := newResponder(t, `{"kind":"rules","rules":[{"keywords":["`+tt.keyword+`"],"reply":"yes"}]}`)
		got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: tt.text})
		if err != nil || (got.Text == "yes") != tt.want {
			t.Errorf("%q in %q: got %q, %v; want a match: %v", tt.keyword, tt.text, got.Text, err, tt.want)
		}
	}
}

func TestRules_FillInTemplates(t *testing.T) {
	t.Parallel()
	tests := []struct{ template, name, text, want string }{
		{"Hello {name}!", "Amina", "", "Hello Amina!"},
		{"Hello {name}!", "", "", "Hello!"},
		{"Hello {name}!", "A\nB\u0007", "", "Hello A B!"},
		{"{channel}: {text}", "", "{name} {text}", "WhatsApp: {name} {text}"},
		{"{Name} {nam} {} { name} {{name}} {", "A", "", "{Name} {nam} {} { name} {A} {"},
		{"{name", "A", "", "{name"},
	}
	for _, tt := range tests {
		r := newResponder(t, `{"kind":"rules","fallback":"`+tt.template+`"}`)
		got, err := r.Respond(t.Context(), &hookswitch.Turn{ProfileName: tt.name, Text: tt.text, Channel: hookswitch.WhatsApp})
		if err != nil || got.Text != tt.want {
			t.Errorf("%q: got %q, %v; want %q", tt.template, got.Text, err, tt.want)
		}
	}
}

func TestRules_BoundWhatATemplateGrowsTo(t *testing.T) {
	t.Parallel()
	r := newResponder(t, `{"kind":"rules","fallback":"`+strings.Repeat("{text}", 600)+`"}`)
	got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: strings.Repeat("ä", 100_000), Channel: hookswitch.Email})
	if err != nil || len(got.Text) > 32<<10 || len(got.Text) < 31<<10 {
		t.Errorf("got %d bytes, %v; want about 32 KiB", len(got.Text), err)
	}
}

func FuzzRules(f *testing.F) {
	f.Add("balance", "my Balance")
	f.Add("がき", "か\u3099き")
	f.Add("\u0301a", "\xff\xfe a\u200d")
	f.Add("ß", "SS")
	f.Fuzz(func(t *testing.T, keyword, text string) {
		keyword = strings.ToValidUTF8(keyword, "\ufffd")
		quoted, err := quote(keyword)
		if err != nil {
			t.Skip()
		}
		cfg := func(match string) hookswitch.ResponderConfig {
			return hookswitch.ResponderConfig{Kind: "rules",
				Raw: []byte(`{"rules":[{"keywords":[` + quoted + `],"match":"` + match + `","reply":"yes"}]}`)}
		}
		if respond.Validate(cfg("word"), respond.Options{}) != nil {
			t.Skip()
		}
		says := func(match, text string) bool {
			r, err := respond.New(cfg(match), respond.Options{})
			if err != nil {
				t.Fatalf("%s: %v", match, err)
			}
			reply, err := r.Respond(t.Context(), &hookswitch.Turn{Text: text})
			if err != nil {
				t.Fatalf("%s: %v", match, err)
			}
			return reply.Text == "yes"
		}
		for _, match := range []string{"word", "exact", "contains", "prefix"} {
			if !says(match, keyword) {
				t.Errorf("%s: %q does not match itself", match, keyword)
			}
		}
		if !says("word", "well, "+keyword+" ...") {
			t.Errorf("word: %q is not found between other words", keyword)
		}
		if says("exact", text) && !says("prefix", text) || says("prefix", text) && !says("contains", text) || says("word", text) && !says("contains", text) {
			t.Errorf("%q in %q: a strict way of matching found what a loose one did not", keyword, text)
		}
	})
}
