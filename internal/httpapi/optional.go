package httpapi

import (
	"encoding/json"
	"reflect"
)

// Optional is a field of a PATCH body: absent means keep, null means clear, anything else is the new value.
type Optional[T any] struct {
	Set   bool // the field was there
	Null  bool // and it was null
	Value T
}

// Some is an Optional that is set to v.
func Some[T any](v T) Optional[T] { return Optional[T]{Set: true, Value: v} }

// Or is the value that the field has after the change: current when absent, the zero T when null.
func (o Optional[T]) Or(current T) T {
	if !o.Set {
		return current
	}
	return o.Value
}

// UnmarshalJSON is called only for a field that is there.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	*o = Optional[T]{Set: true}
	if string(b) == "null" {
		o.Null = true
		return nil
	}
	return json.Unmarshal(b, &o.Value)
}

// MarshalJSON writes null for what is absent or null. With the omitzero option an absent field is left out.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.Set || o.Null {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// IsZero reports whether the field is absent.
func (o Optional[T]) IsZero() bool { return !o.Set }

type optional interface{ elem() reflect.Type }

func (o *Optional[T]) elem() reflect.Type { return reflect.TypeFor[T]() }
