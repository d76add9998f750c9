package hookswitch

import "time"

// Attempt is one try of delivering an Event to an Endpoint, and what came of it.
type Attempt struct {
	Key      Key
	App      Key
	Event    Key
	Endpoint Key
	URL      string
	OK       bool
	Code     int    // HTTP status; 0: there was no answer
	Failure  string // a word for the kind of failure, such as "timeout"; empty on success
	// Answer is the start of the answer's body, or, without an answer, a sentence saying why there is none. At most 64 KiB.
	Answer  []byte
	Headers []byte // header lines of the answer, as received
	Expired bool   // the answer has been removed
	Manual  bool   // asked for by a person, not by the schedule
	Timings Timings
	// Next is when the delivery was due again after this attempt; zero: not at all.
	Next time.Time
}

// CreatedAt is when the attempt was recorded.
func (a *Attempt) CreatedAt() time.Time { return a.Key.Time() }

// Timings are the parts of one HTTP exchange.
type Timings struct {
	DNS, Connect, TLS, Wait, Total time.Duration
}
