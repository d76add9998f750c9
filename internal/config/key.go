package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Key is the master key, 32 bytes. It does not print.
type Key []byte

func (k Key) String() string { return "***" }

// GoString keeps the key out of %#v.
func (k Key) GoString() string { return "***" }

// Format keeps the key out of every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText keeps the key out of JSON.
func (k Key) MarshalText() ([]byte, error) { return []byte("***"), nil }
