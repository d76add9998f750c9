package respond

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/hookswitch/hookswitch"
)

// The bounds of a rules configuration.
const (
	MaxRules    = 200  // rules
	MaxKeywords = 50   // keywords of one rule, and words that ask for a person
	MaxKeyword  = 100  // characters of one keyword
	MaxReply    = 4096 // characters of one reply
)

// rules answers from a list of keywords. In this order, and only the first that applies:
//
//  1. A handover word was said: handoverReply, and a person takes over.
//  2. A rule has a keyword that was said: its reply. Rules are tried from the top.
//  3. It is the person's first message, or a call or USSD session opens: the greeting. A first message that is already a question gets its answer and no
//     greeting.
//  4. The fallback.
//
// Any of the texts may be empty, and then nothing is said. A keyword is said when the text matches it in the rule's way, or when it
// is the id of the pressed button.
type rules struct {
	greeting      string
	rules         []rule
	handover      []keyword
	handoverReply string
	fallback      string
}

type rule struct {
	keywords []keyword
	match    match
	reply    string
	handover bool
	end      bool // closes a dialogue that has an end
}

func buildRules(f *fields, _ Options) hookswitch.Responder {
	r := &rules{
		greeting:      f.text("greeting", MaxReply),
		handover:      readKeywords(f, "handover"),
		handoverReply: f.text("handoverReply", MaxReply),
		fallback:      f.text("fallback", MaxReply),
	}
	f.list("rules", MaxRules, func(raw json.RawMessage, at string) {
		r.rules = append(r.rules, readRule(readFields(raw, f.checks, append(slices.Clone(f.path), "rules", at)...)))
	})
	return r
}

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
	said := hear(turn.Text, turn.ReplyID)
	if said.any(r.handover, matchWord) {
		return hookswitch.Reply{Text: expand(r.handoverReply, turn), Handover: true}, nil
	}
	for _, rule := range r.rules {
		if said.any(rule.keywords, rule.match) {
			return hookswitch.Reply{Text: expand(rule.reply, turn), Handover: rule.handover, End: rule.end}, nil
		}
	}
	if (turn.First || turn.Opens) && r.greeting != "" {
		return hookswitch.Reply{Text: expand(r.greeting, turn)}, nil
	}
	return hookswitch.Reply{Text: expand(r.fallback, turn)}, nil
}
