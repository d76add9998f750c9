package hookswitch

import (
	"strings"
	"time"
)

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
	Headers []byte // header lines of the answer, as received: name, colon, space, value, newline; kept when the attempt failed
	Expired bool   // the answer has been removed
	Manual  bool   // asked for by a person, not by the schedule
	Timings Timings
	// Next is when the delivery was due again after this attempt; zero: not at all.
	Next time.Time
}

// CreatedAt is when the attempt was recorded.
func (a *Attempt) CreatedAt() time.Time { return a.Key.Time() }

// HeaderLine is one line of Headers.
type HeaderLine struct{ Name, Value string }

// HeaderLines are the headers of the answer, as far as they are kept.
func (a *Attempt) HeaderLines() []HeaderLine {
	var list []HeaderLine
	for line := range strings.Lines(string(a.Headers)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			list = append(list, HeaderLine{name, value})
		}
	}
	return list
}

// Timings are the parts of one HTTP exchange.
type Timings struct {
	DNS, Connect, TLS, Wait, Total time.Duration
}
