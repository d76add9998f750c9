package twilio

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch"
)

var errNoID = errors.New("push has no id")

// Parse reads a push by its fields, whatever door it came to. Each tells one thing: a message, with the wish to hear no more where it is one, a report about a
// message that was sent, a turn of a call or word of how a call goes on. JSON, which is how other products of Twilio's push, tells nothing.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	if isJSON(push) {
		if !json.Valid(push.Body) {
			return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
		}
		return nil, nil
	}
	f, err := readForm(push)
	if err != nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "%w", err)
	}
	var updates []hookswitch.Update
	switch {
	case f.first("MessageSid", "SmsSid", "SmsMessageSid") != "":
		if status := statusWord(f); status != "" {
			updates, err = receipt(push, f, status)
		} else {
			updates, err = inbound(f)
		}
	case f.get("CallSid") != "":
		if u, ok := call(push, f); ok {
			updates = append(updates, u)
		}
	case f.has("MessageSid"), f.has("SmsSid"), f.has("CallSid"):
		err = errNoID
	}
	if err != nil {
		return []hookswitch.Update{broken(push, f, err)}, nil
	}
	return updates, nil
}

// broken is the Update of a push that could not be read. The same one made again is the same fact.
func broken(push *hookswitch.Push, f form, err error) hookswitch.Update {
	ch := hookswitch.SMS
	if f.has("CallSid") {
		ch = hookswitch.Voice
	}
	sum := sha256.Sum256(push.Body)
	return hookswitch.Update{Channel: ch, Dedup: "broken:" + hex.EncodeToString(sum[:16]), Broken: fmt.Errorf("read push: %w", err)}
}

// splitAddress tells the channel of an address by its prefix, as in whatsapp:+15551234567, and the rest of it. RCS, which Twilio puts in place of an SMS where
// it can, counts as SMS. The channel is "" where the gateway has none for it.
func splitAddress(address string) (hookswitch.Channel, string) {
	prefix, rest, ok := strings.Cut(address, ":")
	if !ok {
		return hookswitch.SMS, address
	}
	switch strings.ToLower(prefix) {
	case "whatsapp":
		return hookswitch.WhatsApp, withPlus(rest)
	case "rcs":
		return hookswitch.SMS, rest
	}
	return "", address
}

// withPlus puts the "+" of E.164 in front of a number that lacks it.
func withPlus(number string) string {
	if number == "" || strings.Trim(number, "0123456789") != "" {
		return number
	}
	return "+" + number
}
