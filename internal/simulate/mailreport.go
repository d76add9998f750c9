package simulate

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// MailReport is what a service tells of a mail that it took.
type MailReport struct {
	ID        string // the service's
	Recipient string
	// Metadata came with the mail, under the names it was sent with.
	Metadata map[string]string
	Reason   string // of a failure
}

// Report is the push of a mail that has come so far: sent, delivered, read or failed. ok is false where the service has no such report: Postmark does not say that
// it has sent.
func (b Mailbox) Report(r MailReport, status hookswitch.MessageStatus) (p Push, ok bool) {
	word := mailWords[b.Service][status]
	if word == "" {
		return Push{}, false
	}
	return b.event(r, word), true
}

// Complaint is the push of a mail that its recipient calls spam.
func (b Mailbox) Complaint(r MailReport) Push {
	word := map[MailService]string{Postmark: "SpamComplaint", SendGrid: "spamreport", Mailgun: "complained", Resend: "email.complained"}[b.Service]
	return b.event(r, word)
}

// mailWords are the services' words for how far a mail has come.
var mailWords = map[MailService]map[hookswitch.MessageStatus]string{
	Postmark: {hookswitch.StatusDelivered: "Delivery", hookswitch.StatusRead: "Open", hookswitch.StatusFailed: "Bounce"},
	SendGrid: {hookswitch.StatusSent: "processed", hookswitch.StatusDelivered: "delivered", hookswitch.StatusRead: "open", hookswitch.StatusFailed: "bounce"},
	Mailgun:  {hookswitch.StatusSent: "accepted", hookswitch.StatusDelivered: "delivered", hookswitch.StatusRead: "opened", hookswitch.StatusFailed: "failed"},
	Resend:   {hookswitch.StatusSent: "email.sent", hookswitch.StatusDelivered: "email.delivered", hookswitch.StatusRead: "email.opened", hookswitch.StatusFailed: "email.bounced"},
}

func (b Mailbox) event(r MailReport, word string) Push {
	reason := cmp.Or(r.Reason, "550 5.1.1 no such mailbox")
	at := b.now()
	switch b.Service {
	case Postmark:
		v := map[string]any{"RecordType": word, "MessageID": r.ID, "MessageStream": "outbound", "Recipient": r.Recipient, "Metadata": r.Metadata, "ServerID": 23, "Tag": ""}
		when := "ReceivedAt"
		switch word {
		case "Delivery":
			when = "DeliveredAt"
		case "Bounce", "SpamComplaint":
			when = "BouncedAt"
			delete(v, "Recipient")
			v["Email"], v["From"], v["ID"], v["Details"] = r.Recipient, b.Address, randomUint64()>>12, reason
			v["Type"] = map[string]string{"Bounce": "HardBounce", "SpamComplaint": "SpamComplaint"}[word]
		}
		v[when] = at.Format(time.RFC3339Nano)
		return b.json(r.ID, v)
	case SendGrid:
		v := map[string]any{"event": word, "email": r.Recipient, "timestamp": at.Unix(), "sg_event_id": randomHex(16), "sg_message_id": r.ID + ".recvd-7d9b5c4f6-x2x4q-1-6530-0.0"}
		for name, value := range r.Metadata {
			v[name] = value
		}
		if word == "bounce" {
			v["type"], v["status"], v["reason"] = "bounce", "5.1.1", reason
		}
		if word == "open" {
			v["sg_machine_open"] = false
		}
		return b.json(r.ID, []any{v})
	case Mailgun:
		data := map[string]any{"event": word, "id": randomHex(11), "timestamp": float64(at.UnixMilli()) / 1000, "recipient": r.Recipient, "user-variables": r.Metadata,
			"message": map[string]any{"headers": map[string]string{"message-id": strings.Trim(r.ID, "<>"), "from": b.Address, "to": r.Recipient}}}
		if word == "failed" {
			data["severity"], data["reason"], data["delivery-status"] = "permanent", "bounce", map[string]any{"code": 550, "message": reason, "attempt-no": 1}
		}
		timestamp, token, signature := b.mailgunProof("")
		return b.json(r.ID, map[string]any{"signature": map[string]string{"timestamp": timestamp, "token": token, "signature": signature}, "event-data": data})
	}
	data := map[string]any{"email_id": r.ID, "created_at": at.Format(time.RFC3339Nano), "from": b.Address, "to": []string{r.Recipient}, "tags": r.Metadata}
	if word == "email.bounced" {
		data["bounce"] = map[string]string{"message": reason, "type": "Permanent", "subType": "General"}
	}
	return b.json(r.ID, map[string]any{"type": word, "created_at": at.Format(time.RFC3339Nano), "data": data})
}

// mailHabit is how a service repeats a push that was not taken.
type mailHabit struct {
	waits []time.Duration
	taken func(status int) bool
	// final are answers after which it gives up at once.
	final func(status int) bool
}

// The habits, as the services describe them.
// https://postmarkapp.com/developer/webhooks/webhooks-overview
// https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
// https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
// https://resend.com/docs/dashboard/webhooks/introduction
var mailHabits = map[MailService]mailHabit{
	Postmark: {minutes(1, 5, 10, 10, 10, 15, 30, 60, 120, 360), ok200, func(s int) bool { return s == http.StatusForbidden }},
	SendGrid: {minutes(5, 10, 20, 40, 60, 120, 240, 480, 720, 1440, 1440), ok2xx, func(s int) bool { return s < 500 }},
	Mailgun:  {minutes(5, 10, 15, 60, 120, 240), ok200, func(s int) bool { return s == http.StatusNotAcceptable }},
	Resend:   {append([]time.Duration{5 * time.Second}, minutes(5, 30, 120, 300, 600)...), ok2xx, func(int) bool { return false }},
}

func minutes(list ...int) []time.Duration {
	out := make([]time.Duration, len(list))
	for i, n := range list {
		out[i] = time.Duration(n) * time.Minute
	}
	return out
}

func ok200(status int) bool { return status == http.StatusOK }
func ok2xx(status int) bool { return status/100 == 2 }

// again says whether a push is repeated that was pushed tries times before, and after what.
func (h mailHabit) again(tries int, res Result, err error) (time.Duration, bool) {
	if err == nil && (h.taken(res.Status) || h.final(res.Status)) || tries >= len(h.waits) {
		return 0, false
	}
	return h.waits[tries], true
}
