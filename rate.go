package hookswitch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen: no more than N times within any Per. The zero Rate sets no limit.
type Rate struct {
	N   int
	Per time.Duration
}

// IsZero reports whether r sets no limit.
func (r Rate) IsZero() bool { return r.N <= 0 || r.Per <= 0 }

// Rates are written with at most maxRateN, within a millisecond to a day.
const (
	maxRateN   = 10_000
	minRatePer = time.Millisecond
	maxRatePer = 24 * time.Hour
)

// ParseRate reads a rate: a number, a slash, and a unit or a time, such as 80/s, 10/m, 100/h or 15/15m. "" is the zero Rate. The error is of kind Invalid.
func ParseRate(s string) (Rate, error) {
	if s == "" {
		return Rate{}, nil
	}
	count, per, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(count)
	if per == "s" || per == "m" || per == "h" {
		per = "1" + per
	}
	d, wrong := time.ParseDuration(per)
	if !ok || err != nil || wrong != nil || n < 1 || n > maxRateN || d < minRatePer || d > maxRatePer {
		return Rate{}, Errorf(Invalid, "must be a number of messages within a time of up to 24h, such as 80/s, 10/m or 15/15m")
	}
	return Rate{N: n, Per: d}, nil
}

// String is r as ParseRate reads it.
func (r Rate) String() string {
	if r.IsZero() {
		return ""
	}
	switch r.Per {
	case time.Second, time.Minute, time.Hour:
		return fmt.Sprintf("%d/%s", r.N, map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[r.Per])
	}
	return fmt.Sprintf("%d/%s", r.N, r.Per)
}

// UnmarshalJSON reads the text that ParseRate does.
func (r *Rate) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	var err error
	*r, err = ParseRate(s)
	return err
}

// MarshalJSON writes String.
func (r Rate) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }
