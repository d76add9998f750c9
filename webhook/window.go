package webhook

import (
	"fmt"
	"strconv"
	"time"
)

// window says which times are near enough to now.
type window struct {
	past, ahead time.Duration
	now         func() time.Time
}

func (w window) withTolerance(past, ahead time.Duration) window {
	w.past, w.ahead = max(past, 0), max(ahead, 0)
	return w
}

// check reads unix seconds and judges them; name says where text was found.
// Only the plain decimal form passes, so that the number stands for exactly
// one text and can be signed in its place.
func (w window) check(name, text string) (int64, error) {
	unix, err := parseSeconds(name, text)
	if err != nil {
		return 0, err
	}
	now := time.Now
	if w.now != nil {
		now = w.now
	}
	at, current := time.Unix(unix, 0), now()
	if age := current.Sub(at); age > w.past {
		return 0, fmt.Errorf("%w: %s is %v old and %v is allowed: verify requests when they arrive, not later, and check this machine's clock",
			ErrTooOld, name, age.Round(time.Second), w.past)
	}
	if ahead := at.Sub(current); ahead > w.ahead {
		return 0, fmt.Errorf("%w: %s is %v ahead and %v is allowed: check this machine's clock and the sender's",
			ErrTooNew, name, ahead.Round(time.Second), w.ahead)
	}
	return unix, nil
}

func parseSeconds(name, text string) (int64, error) {
	if text == "" || !allDigits(text) || (text[0] == '0' && len(text) > 1) {
		return 0, fmt.Errorf("%w: %s is %s, expected a plain number such as 1700000000", ErrNotSeconds, name, quote(text))
	}
	switch len(text) {
	case 13:
		return 0, fmt.Errorf("%w: %s is %s, which looks like milliseconds: divide by 1000 before signing", ErrNotSeconds, name, text)
	case 16:
		return 0, fmt.Errorf("%w: %s is %s, which looks like microseconds: divide by 1000000 before signing", ErrNotSeconds, name, text)
	case 19:
		return 0, fmt.Errorf("%w: %s is %s, which looks like nanoseconds: divide by 1000000000 before signing", ErrNotSeconds, name, text)
	}
	const most = 12 // digits; enough for thirty thousand years
	if len(text) > most {
		return 0, fmt.Errorf("%w: %s is %s, too large for a time in seconds", ErrNotSeconds, name, quote(text))
	}
	unix, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s is %s: %w", ErrNotSeconds, name, quote(text), err)
	}
	return unix, nil
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
