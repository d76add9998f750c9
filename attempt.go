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
	// SignedAt is the time that the signature of the request bears, in whole seconds; zero: not known.
	SignedAt time.Time
	// Facts are what else is known of the exchange; nil: nothing.
	Facts *AttemptFacts
	// Next is when the delivery was due again after this attempt; zero: not at all.
	Next time.Time
}

// CreatedAt is when the attempt was recorded.
func (a *Attempt) CreatedAt() time.Time { return a.Key.Time() }

// HeaderLine is one line of Headers.
type HeaderLine struct{ Name, Value string }

// HeaderLines are the headers of the answer, as far as they are kept.
func (a *Attempt) HeaderLines() []HeaderLine { return headerLines(string(a.Headers)) }

func headerLines(text string) []HeaderLine {
	var list []HeaderLine
	for line := range strings.Lines(text) {
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

// AttemptFacts are details of an exchange that tell why it went as it did. Everything in it but Sent is foreign text.
type AttemptFacts struct {
	Remote string   `json:"remote,omitempty"` // the address and port that was connected to
	TLS    TLSFacts `json:"tls,omitzero"`
	// Sent are the header lines of the request, as Attempt.Headers has those of the answer, with the values of sensitive ones left out; kept when the attempt failed.
	Sent string `json:"sent,omitempty"`
	// BodyFailure is the word for why the body of the answer ended early. The status counts all the same.
	BodyFailure string `json:"bodyFailure,omitempty"`
	Truncated   bool   `json:"truncated,omitempty"` // the answer was longer than what is kept
}

// TLSFacts are what a server showed of itself while a connection was made secure. Of attempts that succeeded Version and Ends are kept alone.
type TLSFacts struct {
	Version    string    `json:"version,omitempty"` // such as "TLS 1.3"
	Names      []string  `json:"names,omitempty"`   // that the certificate is for
	Issuer     string    `json:"issuer,omitempty"`
	SelfSigned bool      `json:"selfSigned,omitempty"`
	Begins     time.Time `json:"begins,omitzero"`
	Ends       time.Time `json:"ends,omitzero"`
}

// HiddenValue stands for the value of a header that is not shown.
const HiddenValue = "***"

// SentLines are the header lines of the request, as far as they are kept.
func (f *AttemptFacts) SentLines() []HeaderLine {
	if f == nil {
		return nil
	}
	return headerLines(f.Sent)
}
