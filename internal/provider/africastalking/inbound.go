package africastalking

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The kinds of notifications, told apart by the fields that they have and others lack.
func (f fields) isCall() bool { return f.has("isActive") || f.has("callSessionState") }
func (f fields) isSession() bool {
	return f.has("sessionId") && !f.isCall()
}
func (f fields) isSessionEnd() bool {
	return f.isSession() && f.has("status") && (f.has("durationInMillis") || !f.has("text"))
}
func (f fields) isHop() bool { return f.isSession() && !f.isSessionEnd() }

// Parse reads a notification by the fields it has, whatever door it came to. Each tells one thing.
// https://developers.africastalking.com/docs/sms/notifications
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	f, err := read(push)
	if errors.Is(err, errNotFields) {
		return []hookswitch.Update{broken(push, err)}, nil
	}
	if err != nil {
		return nil, err
	}
	var u *hookswitch.Update
	switch {
	case f.isCall():
		u, err = call(push, f)
	case f.isSessionEnd():
		u, err = sessionEnd(push, f)
	case f.isSession():
		u, err = hop(f)
	case f.has("text"):
		u, err = sms(push, f)
	case f.has("status"):
		u, err = report(f)
	case f.has("updateType"):
		u, err = subscription(push, f)
	case f.has("senderId") && f.has("phoneNumber"):
		u, err = optOut(push, f)
	default:
		err = errors.New("it has none of the fields by which notifications are told apart")
	}
	if err != nil {
		return []hookswitch.Update{broken(push, err)}, nil
	}
	if u == nil {
		return nil, nil
	}
	return []hookswitch.Update{*u}, nil
}

// broken is the Update of a notification that could not be read. The same one again is the same fact.
func broken(push *hookswitch.Push, err error) hookswitch.Update {
	ch := hookswitch.SMS
	if push.URL != nil {
		switch path := push.URL.Path; {
		case strings.HasSuffix(path, "/ussd"):
			ch = hookswitch.USSD
		case strings.Contains(path, "/voice"):
			ch = hookswitch.Voice
		}
	}
	return hookswitch.Update{Channel: ch, Dedup: "broken:" + digest(string(push.Body)), Broken: err}
}

// digest is a short name of texts that have none.
func digest(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func missing(name string) error { return errors.New("the field " + name + " is missing") }

// sms is a message that a person has sent.
func sms(push *hookswitch.Push, f fields) (*hookswitch.Update, error) {
	from := f.phone("from")
	if from == "" {
		return nil, missing("from")
	}
	id := f.get("id")
	if id == "" {
		id = digest("sms", from, f.get("to"), f.get("date"), f["text"])
	}
	m := facts{"provider": "africastalking"}
	for _, name := range []string{"to", "linkId", "networkCode", "cost"} {
		m.text(name, f.get(name))
	}
	in := &hookswitch.InboundMessage{ProviderID: id, From: from, To: f.phone("to"), Text: f["text"], Type: "text", Metadata: m}
	if link := f.get("linkId"); link != "" {
		in.Content = map[string]any{"linkId": link} // an answer on a premium short code has to name it
	}
	return &hookswitch.Update{Channel: hookswitch.SMS, Address: in.To, Dedup: "message:" + id, At: f.time("date", push), Message: in}, nil
}

// Delivery reports say success of what has arrived, where answers to sends say it of what was accepted.
var reportWords = map[string]hookswitch.MessageStatus{
	"sent":             hookswitch.StatusSent,
	"submitted":        hookswitch.StatusSent,
	"buffered":         hookswitch.StatusSent,
	"success":          hookswitch.StatusDelivered,
	"rejected":         hookswitch.StatusFailed,
	"failed":           hookswitch.StatusFailed,
	"expired":          hookswitch.StatusFailed,
	"absentsubscriber": hookswitch.StatusFailed,
}

// report is a delivery report. It tells neither its time nor what the message was sent from. u is nil for words that do not move a message.
func report(f fields) (u *hookswitch.Update, err error) {
	word, known := reportWords[strings.ToLower(f.get("status"))]
	if !known {
		return nil, nil
	}
	id := f.get("id")
	if id == "" {
		return nil, missing("id")
	}
	r := &hookswitch.MessageReceipt{ProviderID: id, Recipient: f.phone("phoneNumber"), Status: word}
	if word == hookswitch.StatusFailed {
		r.ErrorCode = cmp.Or(f.get("failureReason"), f.get("status"))
		v := verdictOf(r.ErrorCode)
		r.ErrorText, r.ErrorCategory, r.Retriable = v.sentence, v.category, v.temporary
		r.OptedOut = optedOut(r.ErrorCode)
	}
	dedup := "status:" + id + ":" + f.get("status") + ":" + f.get("retryCount")
	return &hookswitch.Update{Channel: hookswitch.SMS, Dedup: dedup, Receipt: r}, nil
}

// optOut is a person's wish to get no more messages of a sender. Nothing in it tells two such wishes of one person apart, but that they lie apart in time.
func optOut(push *hookswitch.Push, f fields) (*hookswitch.Update, error) {
	from := f.phone("phoneNumber")
	if from == "" {
		return nil, missing("phoneNumber")
	}
	return &hookswitch.Update{
		Channel: hookswitch.SMS, Address: f.phone("senderId"),
		Dedup:  "opt-out:" + digest(f.get("senderId"), from) + ":" + minute(push.At),
		OptOut: &hookswitch.OptOut{From: from},
	}, nil
}

// subscription tells that a person has joined or left a premium service. It is kept as a message that cannot be represented otherwise.
func subscription(push *hookswitch.Push, f fields) (*hookswitch.Update, error) {
	from := f.phone("phoneNumber")
	if from == "" {
		return nil, missing("phoneNumber")
	}
	id := digest("subscription", from, f.get("shortCode"), f.get("keyword"), f.get("updateType"), minute(push.At))
	m := facts{"provider": "africastalking", "messageType": "unsupported"}
	content := facts{"kind": "unsupported", "unsupportedType": "subscription"}
	m.text("to", f.get("shortCode"))
	for _, name := range []string{"shortCode", "keyword", "updateType"} {
		m.text(name, f.get(name))
		content.text(name, f.get(name))
	}
	return &hookswitch.Update{
		Channel: hookswitch.SMS, Address: f.phone("shortCode"), Dedup: "message:" + id,
		Message: &hookswitch.InboundMessage{
			ProviderID: id, From: from, To: f.phone("shortCode"), Marker: "[subscription]", Kind: "unsupported", Type: "text",
			Content: content, Metadata: m, Unsupported: true, Quiet: true,
		},
	}, nil
}

func minute(t time.Time) string { return strconv.FormatInt(t.Unix()/60, 10) }
