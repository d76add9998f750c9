package svix

import (
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

// AppendMessage is appendMessage for the benchmark.
func AppendMessage(h *Handler, b []byte, ev *hookswitch.Event) []byte {
	return h.appendMessage(b, ev, true)
}

// ParseIterator and FormatIterator are the two ways of a poller's iterator.
func ParseIterator(h *Handler, s string) (service.ConsumerIterator, bool) { return h.parseIterator(s) }

// FormatIterator is the other way.
func FormatIterator(h *Handler, it service.ConsumerIterator) string {
	return strings.Trim(string(h.appendIterator(nil, it)), `"`)
}
