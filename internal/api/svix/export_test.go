package svix

import "github.com/hookswitch/hookswitch"

// AppendMessage is appendMessage for the benchmark.
func AppendMessage(h *Handler, b []byte, ev *hookswitch.Event) []byte {
	return h.appendMessage(b, ev, true)
}
