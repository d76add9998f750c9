package respond

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The bounds of what every responder's configuration may have.
const (
	MaxTimeout       = 55 * time.Second // for one answer
	MaxHandoverAfter = 50               // answers that solve nothing
	MaxLoopAnswers   = 30               // answers within the time of a loop
	MaxLoopRepeats   = 30               // messages of the same text
	MaxLoopWithin    = time.Hour
)

// DefaultTimeout is how long an answer of somebody else's server may take, unless the configuration says otherwise.
const DefaultTimeout = 30 * time.Second

// settings are what every responder's configuration may have beside its own fields.
type settings struct {
	timeout       time.Duration // 0: DefaultTimeout where somebody else answers
	fallback      string
	handover      []keyword
	handoverReply string
	handoverAfter int // 0: never
	loop          loopLimits
	typing        bool
}

// readSettings reads all of them but the words that ask for a person, which some responders read themselves.
func readSettings(f *fields) *settings {
	s := &settings{
		timeout:       f.duration("timeout", MaxTimeout),
		handoverAfter: int(f.number("handoverAfter", 0, MaxHandoverAfter, 0)),
		fallback:      f.text("fallback", MaxReply),
		loop:          defaultLoop,
		typing:        f.flag("typing"),
	}
	f.object("loop", func(f *fields) {
		s.loop.answers = int(f.number("answers", 0, MaxLoopAnswers, int64(s.loop.answers)))
		if d := f.duration("within", MaxLoopWithin); d > 0 {
			s.loop.within = d
		}
		s.loop.repeats = int(f.number("repeats", 0, MaxLoopRepeats, int64(s.loop.repeats)))
	})
	f.object("optOut", func(f *fields) { readOptOut(f) })
	return s
}

// readHandover reads the words that ask for a person, where the responder has not.
func (s *settings) readHandover(f *fields) {
	s.handover = readKeywords(f, "handover")
	s.handoverReply = f.text("handoverReply", MaxReply)
}

// duration reads a time such as "20s", of at most limit; left out, it is 0.
func (f *fields) duration(name string, limit time.Duration) time.Duration {
	raw, ok := f.take(name)
	if !ok {
		return 0
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if d, err := time.ParseDuration(text); err == nil && d > 0 && d <= limit {
			return d
		}
	}
	f.wrong(`must be a time of at most `+limit.String()+`, such as "20s"`, name)
	return 0
}

// decimal reads a number from low to high; left out, it is otherwise.
func (f *fields) decimal(name string, low, high, otherwise float64) float64 {
	raw, ok := f.take(name)
	if !ok {
		return otherwise
	}
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil || n < low || n > high {
		f.wrong("must be a number from "+strconv.FormatFloat(low, 'f', -1, 64)+" to "+strconv.FormatFloat(high, 'f', -1, 64), name)
		return otherwise
	}
	return n
}

// object reads an object with read, which need not check for unknown fields; left out, nothing is read.
func (f *fields) object(name string, read func(*fields)) {
	raw, ok := f.take(name)
	if !ok {
		return
	}
	sub := f.below(raw, name)
	if sub.raw == nil {
		return
	}
	read(sub)
	sub.done()
}

// apply puts what the settings ask for around r.
func (s *settings) apply(r hookswitch.Responder) hookswitch.Responder {
	return Wrap(r, withLoopGuard(s.loop), withHandoverWords(s.handover, s.handoverReply), withHandoverAfter(s))
}
