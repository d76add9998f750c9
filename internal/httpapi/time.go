package httpapi

import (
	"strings"
	"time"
)

const (
	layoutMicros = "2006-01-02T15:04:05.000000Z"
	layoutMillis = "2006-01-02T15:04:05.000Z"
)

// MicroTime is a time in JSON with microseconds, in UTC: 2025-01-31T12:00:00.000000Z.
type MicroTime time.Time

// MilliTime is a time in JSON with milliseconds, in UTC: 2025-01-31T12:00:00.000Z.
type MilliTime time.Time

func (t MicroTime) String() string { return time.Time(t).UTC().Format(layoutMicros) }
func (t MilliTime) String() string { return time.Time(t).UTC().Format(layoutMillis) }

// MarshalJSON writes t as text.
func (t MicroTime) MarshalJSON() ([]byte, error) { return quoted(time.Time(t), layoutMicros), nil }

// MarshalJSON writes t as text.
func (t MilliTime) MarshalJSON() ([]byte, error) { return quoted(time.Time(t), layoutMillis), nil }

// UnmarshalJSON reads RFC 3339 with any offset.
func (t *MicroTime) UnmarshalJSON(b []byte) error { return (*time.Time)(t).UnmarshalJSON(b) }

// UnmarshalJSON reads RFC 3339 with any offset.
func (t *MilliTime) UnmarshalJSON(b []byte) error { return (*time.Time)(t).UnmarshalJSON(b) }

// Micros is t for a field that is null when t is zero.
func Micros(t time.Time) *MicroTime {
	if t.IsZero() {
		return nil
	}
	m := MicroTime(t)
	return &m
}

// Millis is t for a field that is null when t is zero.
func Millis(t time.Time) *MilliTime {
	if t.IsZero() {
		return nil
	}
	m := MilliTime(t)
	return &m
}

func quoted(t time.Time, layout string) []byte {
	b := make([]byte, 0, len(layout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, layout)
	return append(b, '"')
}

// ParseTime reads RFC 3339 with any offset. A space before the offset counts as the plus sign that it was before a careless client put
// it into a URL.
func ParseTime(s string) (time.Time, bool) {
	if i := strings.LastIndexByte(s, ' '); i > len("2006-01-02") {
		s = s[:i] + "+" + s[i+1:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}
