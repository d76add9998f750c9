package respond

import (
	"strconv"

	"github.com/hookswitch/hookswitch"
)

// Caps are how long an answer on a channel ought to be, below the limit of what a message carries: short enough to be read there, and to be paid for.
type Caps struct {
	Tokens     int // of a model; 0: no cap
	Characters int // as Limit counts them; 0: no cap
}

// MaxCapTokens and MaxCapCharacters bound the caps of a configuration.
const (
	MaxCapTokens     = 8000
	MaxCapCharacters = 20000
)

// CapsOf are the usual caps of the channel. Answers in a USSD session are shown in pages, of which the caps are one.
func CapsOf(c hookswitch.Channel) Caps {
	switch c {
	case hookswitch.SMS:
		return Caps{Tokens: 140, Characters: 160}
	case hookswitch.USSD:
		return Caps{Tokens: 130, Characters: LimitOf(c).N}
	case hookswitch.Voice:
		return Caps{Tokens: 150}
	case hookswitch.X:
		return Caps{Tokens: 140, Characters: 280}
	}
	return Caps{Tokens: 1000}
}

// capsByChannel are the caps of a configuration.
type capsByChannel map[hookswitch.Channel]Caps

// readCaps reads the object "limits": for each channel tokens and characters, of which 0 lifts the cap.
func readCaps(f *fields) capsByChannel {
	caps := make(capsByChannel)
	f.object("limits", func(f *fields) {
		for _, c := range hookswitch.Channels {
			f.object(string(c), func(f *fields) {
				usual := CapsOf(c)
				caps[c] = Caps{Tokens: int(f.number("tokens", 0, MaxCapTokens, int64(usual.Tokens))),
					Characters: int(f.number("characters", 0, MaxCapCharacters, int64(usual.Characters)))}
			})
		}
	})
	return caps
}

func (c capsByChannel) of(ch hookswitch.Channel) Caps {
	if own, ok := c[ch]; ok {
		return own
	}
	return CapsOf(ch)
}

// cut cuts an answer to the characters of the caps. What is said in a USSD session is left whole.
func (c Caps) cut(text string, ch hookswitch.Channel) string {
	if c.Characters <= 0 || ch == hookswitch.USSD {
		return text
	}
	text, _ = Limit{N: c.Characters}.Cut(text)
	return text
}

// words are the caps as a sentence for a model; empty: there is nothing to keep to.
func (c Caps) words() string {
	if c.Characters <= 0 {
		return ""
	}
	return "Answer with at most " + strconv.Itoa(c.Characters) + " characters."
}
