package respond

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// OptOut is how people end and resume what a Sender writes to them. A nil OptOut knows no words.
type OptOut struct {
	out, back    []keyword
	confirmation string // of having opted out
	welcome      string // of being back
}

// The words that end messages and those that resume them, in any case and with any punctuation, when they are the whole message. Carriers and providers know
// the same: https://support.twilio.com/hc/en-us/articles/223134027-Twilio-support-for-opt-out-keywords-SMS-STOP-filtering
var (
	optOutWords = newKeywords("STOP", "STOP ALL", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPT OUT", "OPTOUT", "REVOKE")
	optInWords  = newKeywords("START", "UNSTOP")

	// heardInText are those that mean something else where they are the ids of buttons, of the kind of "Cancel my booking".
	heardInText = []string{"CANCEL", "END", "QUIT", "REVOKE", "START"}
)

// HearsOptOut reports whether the words count on the channel: where people are written to at a number or a name of theirs. A visitor of a web site and who calls or dials get
// nothing that they have not asked for, and mail has links for it, which its services tell of; a lone "stop" means something else there.
func HearsOptOut(c hookswitch.Channel) bool {
	switch c {
	case hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Messenger, hookswitch.Instagram, hookswitch.Telegram, hookswitch.X:
		return true
	}
	return false
}

const (
	optOutConfirmation = "You will get no more messages from us. Reply START to get them again."
	optInConfirmation  = "You will get messages from us again. Reply STOP to end them."
)

func newKeywords(words ...string) []keyword {
	out := make([]keyword, len(words))
	for i, w := range words {
		out[i] = newKeyword(w)
	}
	return out
}

// OptOutOf reads what the configuration of a responder says about opting out. Whatever it leaves out, or cannot be read, is as usual. It is nil where there is no responder, or
// the configuration switches the words off.
func OptOutOf(cfg hookswitch.ResponderConfig) *OptOut {
	if cfg.Kind == "" {
		return nil
	}
	var own struct {
		OptOut json.RawMessage `json:"optOut"`
	}
	if len(cfg.Raw) == 0 || json.Unmarshal(cfg.Raw, &own) != nil || len(own.OptOut) == 0 || string(own.OptOut) == "null" {
		own.OptOut = json.RawMessage("{}")
	}
	var c hookswitch.Checks
	return readOptOut(readFields(own.OptOut, &c, "responder", "optOut"))
}

func readOptOut(f *fields) *OptOut {
	o := &OptOut{
		out: slices.Concat(optOutWords, readKeywords(f, "words")), back: slices.Concat(optInWords, readKeywords(f, "back")),
		confirmation: f.textOr("confirmation", MaxReply, optOutConfirmation), welcome: f.textOr("backConfirmation", MaxReply, optInConfirmation),
	}
	if f.flag("off") {
		return nil
	}
	return o
}

// Wish is what a person wants of our messages.
type Wish uint8

// The wishes.
const (
	NoWish Wish = iota
	WantsNone
	WantsAgain
)

// Wish is what a person wants who has written text, or pressed the button with the id. Only a message that is nothing but one of the words says it.
func (o *OptOut) Wish(text, replyID string) Wish {
	if o == nil || len(text) > maxSame {
		return NoWish
	}
	if slices.ContainsFunc(heardInText, func(word string) bool { return strings.EqualFold(replyID, word) }) {
		replyID = ""
	}
	switch said := hear(text, replyID); {
	case said.any(o.out, matchExact):
		return WantsNone
	case said.any(o.back, matchExact):
		return WantsAgain
	}
	return NoWish
}

// WantsBack reports whether text is one of the usual words that resume messages.
func WantsBack(text string) bool {
	return (&OptOut{back: optInWords}).Wish(text, "") == WantsAgain
}

// Confirmation is what is said to the wish; empty: nothing.
func (o *OptOut) Confirmation(w Wish, turn *hookswitch.Turn) string {
	switch {
	case o == nil:
	case w == WantsNone:
		return expand(o.confirmation, turn)
	case w == WantsAgain:
		return expand(o.welcome, turn)
	}
	return ""
}
