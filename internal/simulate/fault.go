package simulate

import (
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Fault makes the stand-in of an API misbehave for some sends. Of several faults that apply to a send the first is done. The zero Fault applies to every
// send and changes nothing.
type Fault struct {
	// To and Contains choose the sends: to this number or user id, with this in the text. Empty: any.
	To       string
	Contains string
	// Skip lets so many of the chosen sends pass first. Times ends the fault after so many more; 0: never.
	Skip, Times int

	// Code refuses the send with this error code: of the Graph API, with the subcode that usually goes with it where Subcode is 0; of the Bot API; of a recipient
	// at Africa's Talking; or of X, where codes from 400 to 599 are statuses that X explains, and others errors of its older kind.
	Code, Subcode int
	// HTTPStatus refuses the send with this status: in place of the usual one of Code, or without Code as a broken proxy would, in HTML.
	HTTPStatus int
	// RetryAfter goes out in the header of that name with a refusal, in whole seconds.
	RetryAfter time.Duration

	// Hang takes the send and never answers.
	Hang bool
	// Statuses are reported in place of sent, delivered and read: fewer, in another order, twice. Not nil and empty: none. What a channel has no report for
	// is left out.
	Statuses []hookswitch.MessageStatus
	// FailCode is the code of a failed status. Without Statuses, failed is then all that is reported.
	FailCode int
}

func (f *Fault) chooses(s *Sent) bool {
	if f.To != "" && f.To != s.To && digits(f.To) != s.To {
		return false
	}
	return strings.Contains(s.Text, f.Contains)
}

// refusal is what f answers in place of taking the send, or nil.
func (f *Fault) refusal() *graphError {
	if f.Code == 0 && f.HTTPStatus == 0 {
		return nil
	}
	e := newGraphError(f.Code, "Simulated fault.")
	e.status, e.body.Subcode = f.HTTPStatus, f.Subcode
	return e
}

// html reports whether the refusal is not of the Graph API at all.
func (f *Fault) html() bool { return f.Code == 0 && f.HTTPStatus != 0 }

func (f *Fault) statuses() []hookswitch.MessageStatus {
	switch {
	case f.Statuses != nil:
		return f.Statuses
	case f.FailCode != 0:
		return []hookswitch.MessageStatus{hookswitch.StatusFailed}
	}
	return []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead}
}

func writeBadGateway(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html><body><h1>" + http.StatusText(status) + "</h1></body></html>"))
}
