package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time such as 200ms, 15s, 2h30m or 90d.
type Duration struct{ time.Duration }

// UnmarshalText reads d. Negative lengths are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	if err != nil {
		return err
	}
	d.Duration = v
	return nil
}

func parseDuration(s string) (time.Duration, error) {
	rest := s
	var total time.Duration
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration such as 200ms, 15s, 2h or 90d", s)
		}
		total, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" || total == 0 && s == rest {
		v, err := time.ParseDuration(rest)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration such as 200ms, 15s, 2h or 90d", s)
		}
		total += v
	}
	if total < 0 {
		return 0, fmt.Errorf("%q is a negative duration", s)
	}
	return total, nil
}

// Durations is a list of waits, separated by commas. The word none is the empty list.
type Durations []time.Duration

const (
	maxWaits = 32
	maxWait  = 30 * 24 * time.Hour
)

// UnmarshalText reads ds.
func (ds *Durations) UnmarshalText(text []byte) error {
	if strings.TrimSpace(string(text)) == "none" {
		*ds = Durations{}
		return nil
	}
	items := splitList(string(text))
	switch {
	case len(items) == 0:
		return fmt.Errorf("must list one wait at least, such as 5s,5m,2h, or be none")
	case len(items) > maxWaits:
		return fmt.Errorf("has %d waits, more than %d", len(items), maxWaits)
	}
	list := make(Durations, len(items))
	for i, item := range items {
		d, err := parseDuration(item)
		if err != nil {
			return err
		}
		if d < time.Millisecond || d > maxWait {
			return fmt.Errorf("wait %s must lie between 1ms and 30d", item)
		}
		list[i] = d
	}
	*ds = list
	return nil
}

func (ds Durations) total() (sum time.Duration) {
	for _, d := range ds {
		sum += d
	}
	return sum
}

// splitList splits s at commas and drops spaces and empty items.
func splitList(s string) []string {
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" })
}
