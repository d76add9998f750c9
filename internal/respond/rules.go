package respond

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch"
)

// The bounds of a rules configuration.
const (
	MaxRules    = 200  // rules
	MaxKeywords = 50   // keywords of one rule, and words that ask for a person
	MaxKeyword  = 100  // characters of one keyword
	MaxReply    = 4096 // characters of one reply
)

// rules answers from a list of keywords, and leads through a menu. In this order, and only the first that applies:
//
//  1. A screen of the menu is open, and what was written moves on from it: the next screen.
//  2. A rule has a keyword that was said: its reply. Rules are tried from the top.
//  3. A word that opens the menu was said: its first screen.
//  4. It is the person's first message, or a call or USSD session opens: the greeting, and the menu under it. A first message that is already a question gets
//     its answer and no greeting.
//  5. The open screen asks again, or else the fallback, with the menu under it.
//
// Any of the texts may be empty, and then nothing is said. A keyword is said when the text matches it in the rule's way, or when it
// is the id of the pressed button.
type rules struct {
	greeting string
	rules    []rule
	menu     *menu // nil: there is none
	opens    []keyword
	settings *settings
}

type rule struct {
	keywords []keyword
	match    match
	reply    string
	handover bool
	end      bool // closes a dialogue that has an end
}

func buildRules(f *fields, s *settings, _ Options) hookswitch.Responder {
	r := &rules{greeting: f.text("greeting", MaxReply), settings: s}
	f.list("rules", MaxRules, func(raw json.RawMessage, at string) {
		r.rules = append(r.rules, readRule(f.below(raw, "rules", at)))
	})
	f.object("menu", func(f *fields) {
		words, n := countKeywords(f, "words")
		if n == 0 {
			words = newKeywords(menuWord)
		}
		for _, name := range []string{"handover", "handoverReply"} {
			if _, ok := f.take(name); ok {
				f.wrong("stands beside the menu; write it there", name)
			}
		}
		r.opens, r.menu = words, readMenu(f)
	})
	return r
}

// menuWord opens the menu where the configuration names no words for it.
const menuWord = "menu"

func readRule(f *fields) rule {
	if f.raw == nil {
		return rule{}
	}
	match, ok := matchNamed(f.text("match", MaxKeyword))
	if !ok {
		f.wrong("must be one of word, exact, contains, prefix", "match")
	}
	r := rule{
		match:    match,
		reply:    f.text("reply", MaxReply),
		handover: f.flag("handover"),
		end:      f.flag("end"),
	}
	var n int
	if r.keywords, n = countKeywords(f, "keywords"); n == 0 {
		f.wrong("must name at least one keyword", "keywords")
	}
	f.done()
	return r
}

func readKeywords(f *fields, name string) []keyword {
	out, _ := countKeywords(f, name)
	return out
}

// countKeywords returns, beside the good keywords, how many entries the list has, or -1 for something that is no such list.
func countKeywords(f *fields, name string) (out []keyword, n int) {
	n = f.list(name, MaxKeywords, func(raw json.RawMessage, at string) {
		text, ok := f.checkText(raw, MaxKeyword, name, at)
		if !ok {
			return
		}
		k := newKeyword(text)
		if k.spaced == "" {
			f.wrong("must have a letter, a digit or a symbol", name, at)
			return
		}
		out = append(out, k)
	})
	return out, n
}

func (r *rules) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	if err := ctx.Err(); err != nil {
		return hookswitch.Reply{}, err
	}
	var again *hookswitch.Reply // the open screen, asking once more
	if r.menu != nil && turn.State != "" && !turn.Opens {
		reply, moved := r.menu.next(turn)
		if moved {
			return reply, nil
		}
		again = &reply
	}
	said := hear(turn.Text, turn.ReplyID)
	for _, rule := range r.rules {
		if said.any(rule.keywords, rule.match) {
			return hookswitch.Reply{Text: expand(rule.reply, turn), Handover: rule.handover, End: rule.end, State: turn.State}, nil
		}
	}
	switch {
	case said.any(r.opens, matchExact):
		return r.withMenu("", turn), nil
	case (turn.First || turn.Opens) && (r.greeting != "" || r.menu != nil):
		return r.withMenu(r.greeting, turn), nil
	case again != nil:
		return *again, nil
	}
	reply := r.withMenu(r.settings.fallback, turn)
	reply.Unsolved = true
	return reply, nil
}

// withMenu is a text with the first screen of the menu under it, where there is one.
func (r *rules) withMenu(text string, turn *hookswitch.Turn) hookswitch.Reply {
	text = expand(text, turn)
	if r.menu == nil {
		return hookswitch.Reply{Text: text}
	}
	reply := r.menu.show(r.menu.stand(""), "", turn)
	if text != "" {
		reply.Text = text + "\n\n" + reply.Text
	}
	return reply
}
