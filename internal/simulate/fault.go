package simulate

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Fault makes a stand-in misbehave for some sends. Of several faults that apply to a send the first is done. The zero Fault applies to every
// send and changes nothing.
type Fault struct {
	// To and Contains choose the sends: to this number or user id, with this in the text. Empty: any.
	To       string
	Contains string
	// Skip lets so many of the chosen sends pass first. Times ends the fault after so many more; 0: never.
	Skip, Times int

	// Code refuses the send with this error code of the provider's, and on the Graph API with the subcode that usually goes with it where Subcode is 0.
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

func (f *Fault) chooses(to, text string) bool {
	if f.To != "" && f.To != to && digits(f.To) != strings.TrimPrefix(to, "+") {
		return false
	}
	return strings.Contains(text, f.Contains)
}

// faults is a list of them, with how often each has been chosen.
type faults struct {
	mu     sync.Mutex
	list   []Fault
	counts []int
}

// set replaces the faults and starts their counting anew.
func (l *faults) set(list []Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list, l.counts = slices.Clone(list), make([]int, len(list))
}

// find counts a send for each fault that chooses it and returns a copy of the first whose turn it is, or nil.
func (l *faults) find(to, text string) (found *Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.list {
		if !f.chooses(to, text) {
			continue
		}
		l.counts[i]++
		n := l.counts[i] - f.Skip
		if found == nil && n > 0 && (f.Times == 0 || n <= f.Times) {
			found = &f
		}
	}
	return found
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

// html reports whether the refusal is not of the provider at all.
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
