package svix

import "github.com/hookswitch/hookswitch"

// AppendMessage is appendMessage for the benchmark.
func AppendMessage(h *Handler, b []byte, ev *hookswitch.Event) []byte {
	return h.appendMessage(b, ev, true)
}

// MayPoll is mayPoll.
func (c Caller) MayPoll(app hookswitch.Key, poller string) bool { return c.mayPoll(app, poller) }

// Right is what a route needs, as its table says it.
type Right struct {
	Method, Path string
	Open         bool // no token is looked at
	Org          bool // only the organisation may
	Everybody    bool
	Pollers      bool
	Capability   hookswitch.Capabilities
}

// Rights are the rights of all routes.
func Rights(h *Handler) []Right {
	var list []Right
	for _, rt := range h.openRoutes() {
		list = append(list, Right{Method: rt.method, Path: rt.path, Open: rt.needs == nobody})
	}
	for _, rt := range h.routes() {
		n := rt.needs
		list = append(list, Right{rt.method, rt.path, false, n == org, n == everybody, n.pollers, n.capability})
	}
	return list
}

// GuardsPollers tells what a caller lacks for a route that pollers' keys may use.
func GuardsPollers(c Caller) error { return polls.permits(c) }
