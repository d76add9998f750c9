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

type optional interface{ elem() reflect.Type }

func (o *Optional[T]) elem() reflect.Type { return reflect.TypeFor[T]() }

// OrNull is nil for the zero T, so that what is not set reads as null.
func OrNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
