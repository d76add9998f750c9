package twilio

import (
	"errors"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// refParameter is the parameter of the address for reports that carries our id of the message.
const refParameter = "ref"

var statusWords = map[string]hookswitch.MessageStatus{
	"accepted":    hookswitch.StatusQueued,
	"scheduled":   hookswitch.StatusQueued,
	"queued":      hookswitch.StatusQueued,
	"sending":     hookswitch.StatusQueued,
	"sent":        hookswitch.StatusSent,
	"delivered":   hookswitch.StatusDelivered,
	"read":        hookswitch.StatusRead,
	"undelivered": hookswitch.StatusFailed,
	"failed":      hookswitch.StatusFailed,
	"canceled":    hookswitch.StatusFailed,
}

// statusWord is the status that a report tells, or "" for what is a received message.
func statusWord(f form) string {
	word := strings.ToLower(f.first("MessageStatus", "SmsStatus"))
	if word == "received" || word == "receiving" {
		return ""
	}
	return word
}

// receipt reads a report about a message that was sent, by us or by another system. A word that does not exist yet tells nothing.
// https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
func receipt(push *hookswitch.Push, f form, word string) ([]hookswitch.Update, error) {
	status, known := statusWords[word]
	if !known {
		return nil, nil
	}
	id := f.first("MessageSid", "SmsSid", "SmsMessageSid")
	ch, to := splitAddress(f.get("To"))
	_, from := splitAddress(f.get("From"))
	if ch == "" {
		return nil, errors.New("report is about a message of no channel that is known here")
	}
	r := &hookswitch.MessageReceipt{ProviderID: id, Ref: queryOf(push.URL, refParameter), Recipient: to, Status: status}
	if status == hookswitch.StatusFailed {
		r.ErrorCode = f.get("ErrorCode")
		if r.ErrorCode == "" {
			r.ErrorCode = word
		}
		v := verdictOf(r.ErrorCode)
		r.ErrorText, r.ErrorCategory, r.Retriable = bounded(f.first("ErrorMessage", "ChannelStatusMessage")), v.category, v.temporary
		if r.ErrorText == "" {
			r.ErrorText = v.sentence
		}
		r.OptedOut = r.ErrorCode == codeOptedOut
	}
	// RawDlrDoneDate is the time of a carrier somewhere, in a zone that nobody tells.
	return []hookswitch.Update{{Channel: ch, Address: from, Dedup: "status:" + id + ":" + word, Receipt: r}}, nil
}

// queryOf is the first value of a parameter of u's query, or "".
func queryOf(u *url.URL, name string) string { return u.Query().Get(name) }
