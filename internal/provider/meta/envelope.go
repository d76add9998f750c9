package meta

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// envelope is what all of Meta's pushes have in common. Everything is a list and may hold several: of different accounts, too.
type envelope struct {
	Object text    `json:"object"`
	Entry  []entry `json:"entry"`
}

// entry is what happened at one account. What another app is to answer comes as standby, and is not read.
type entry struct {
	ID        text              `json:"id"`
	Time      text              `json:"time"`
	Changes   []change          `json:"changes"`
	Messaging []json.RawMessage `json:"messaging"`
}

type change struct {
	Field text            `json:"field"`
	Value json.RawMessage `json:"value"`
}

// Parse reads a push by its object, whatever door it came to.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(push.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	// Of members that have another form than expected, Unmarshal tells the first, and it reads all the others.
	var env envelope
	err := json.Unmarshal(push.Body, &env)
	var updates []hookswitch.Update
	var ch hookswitch.Channel
	switch env.Object {
	case objectWhatsApp:
		ch, updates = hookswitch.WhatsApp, parseWhatsApp(&env)
	case objectPage:
		ch = hookswitch.Messenger
		updates = parseMessaging(&env, ch)
	case objectInstagram:
		ch = hookswitch.Instagram
		updates = parseMessaging(&env, ch)
	default:
		return nil, nil
	}
	if err != nil {
		updates = append(updates, broken(ch, "", push.Body, fmt.Errorf("read envelope: %w", err)))
	}
	return updates, nil
}

// broken is the Update of an item that could not be read. The same item pushed again is the same fact.
func broken(ch hookswitch.Channel, address string, item []byte, err error) hookswitch.Update {
	sum := sha256.Sum256(item)
	return hookswitch.Update{Channel: ch, Address: address, Dedup: "broken:" + hex.EncodeToString(sum[:16]), Broken: err}
}

// text is a JSON text, or a number or boolean as it is written: ids come as either. Anything else reads as "", so that one odd member
// does not spoil what surrounds it.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch raw[0] {
	case '"':
		if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*t = text(plain)
			return nil
		}
		return json.Unmarshal(raw, (*string)(t))
	case '{', '[', 'n':
	default:
		*t = text(raw)
	}
	return nil
}

// clock reads Unix time in seconds, or in milliseconds from 10¹² on; Meta uses both, as texts and as numbers. Anything that
// is no such time reads as the zero time.
func (t text) clock() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	const lastSecond = 253402300799 // of the year 9999
	switch {
	case err != nil || n <= 0 || n > lastSecond*1000:
		return time.Time{}
	case n >= 1e12:
		return time.UnixMilli(n).UTC()
	case n > lastSecond:
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// phone is a number in E.164 form, which Meta writes without its "+". What is no number stays as it is.
func (t text) phone() string {
	if t == "" || strings.Trim(string(t), "0123456789") != "" {
		return string(t)
	}
	return "+" + string(t)
}

// number is a JSON number, as a float so that it is written again in its shortest form; texts that hold one count. Anything else is
// absent.
type number struct {
	value float64
	known bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	*n = number{}
	if err == nil && v-v == 0 {
		*n = number{value: v, known: true}
	}
	return nil
}

var errNoID = errors.New("item has no id")
