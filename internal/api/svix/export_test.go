package svix

import "github.com/hookswitch/hookswitch"

// AppendMessage is appendMessage for the benchmark.
func AppendMessage(h *Handler, b []byte, ev *hookswitch.Event) []byte {
	return h.appendMessage(b, ev, true)
}

// MayPoll is mayPoll.
func (c Caller) MayPoll(app hookswitch.Key, poller string) bool { return c.mayPoll(app, poller) }
