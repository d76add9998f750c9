package simulate

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Sent is a message that the stand-in of an API has taken.
type Sent struct {
	Channel       hookswitch.Channel
	Account       string // the id of the number, page or Instagram account; of Twilio the number, of Africa's Talking the short code
	ID            string // the wamid, mid, SID or ATXid; empty for a reaction on Messenger or Instagram
	PhoneNumberID string // on WhatsApp
	To            string // digits, or a user id
	Type          string
	Text          string // body, caption, or the emoji of a reaction on Messenger or Instagram
	Ref           string // biz_opaque_callback_data, or metadata
	ReplyTo       string
	Body          json.RawMessage // the whole request; of Twilio and Africa's Talking its form, each name with a list of values
	At            time.Time
}

// ledger keeps what a stand-in has taken, and decides which fault a send meets.
type ledger struct {
	keep   int // of the newest sends
	onSend func(Sent)

	sentMu sync.Mutex
	sent   []Sent
	faults []Fault
	counts []int // sends that each fault chose
}

func newLedger(keep int, onSend func(Sent), faults []Fault) *ledger {
	l := &ledger{keep: keep, onSend: onSend}
	l.SetFaults(faults...)
	return l
}

// SetFaults replaces the faults and starts their counting anew.
func (l *ledger) SetFaults(faults ...Fault) {
	l.sentMu.Lock()
	defer l.sentMu.Unlock()
	l.faults = slices.Clone(faults)
	l.counts = make([]int, len(faults))
}

// Sent is the accepted sends, oldest first.
func (l *ledger) Sent() []Sent {
	l.sentMu.Lock()
	defer l.sentMu.Unlock()
	return slices.Clone(l.sent)
}

// take keeps s where accept, which is told of the fault that s meets, or nil, lets it pass.
func (l *ledger) take(s *Sent, accept func(*Fault) bool) {
	if l.decide(s, accept) && l.onSend != nil {
		l.onSend(*s)
	}
}

func (l *ledger) decide(s *Sent, accept func(*Fault) bool) bool {
	l.sentMu.Lock()
	defer l.sentMu.Unlock()
	if !accept(l.faultFor(s)) {
		return false
	}
	l.sent = keepNewest(l.sent, *s, l.keep)
	return true
}

// faultFor counts s for each fault that chooses it and returns a copy of the first whose turn it is.
func (l *ledger) faultFor(s *Sent) (found *Fault) {
	for i := range l.faults {
		f := l.faults[i]
		if !f.chooses(s) {
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

// keepNewest appends v and lets go of the oldest beyond keep.
func keepNewest[T any](list []T, v T, keep int) []T {
	list = append(list, v)
	old := max(len(list)-keep, 0)
	clear(list[:old])
	return list[old:]
}
