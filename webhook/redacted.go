package webhook

import (
	"fmt"
	"io"
	"log/slog"
)

const stars = "***"

// redacted gives a type that embeds it the same harmless face for every
// printer: fmt with any verb, slog, and encoders of text and JSON.
type redacted struct{}

// String returns "***".
func (redacted) String() string { return stars }

// GoString returns "***".
func (redacted) GoString() string { return stars }

// Format writes "***" for every verb, %x and %d included.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }

// LogValue returns "***".
func (redacted) LogValue() slog.Value { return slog.StringValue(stars) }

// MarshalText returns "***"; to store a secret, use Reveal.
func (redacted) MarshalText() ([]byte, error) { return []byte(stars), nil }

// MarshalJSON returns "***" in quotes; to store a secret, use Reveal.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + stars + `"`), nil }

// sealed keeps a value from printers that walk through private fields: they
// print a function as an address, whereas a pointer to a struct they may follow,
// as fmt does for a verb that does not suit pointers.
type sealed[T any] struct {
	open func() *T
}

func seal[T any](v *T) *sealed[T] {
	return &sealed[T]{open: func() *T { return v }}
}

// get returns the value, or nil if nothing was ever sealed.
func (s *sealed[T]) get() *T {
	if s == nil {
		return nil
	}
	return s.open()
}
