package zavu

import "github.com/hookswitch/hookswitch"

// AnyScope is the scope of routes that every key opens.
const AnyScope = anyScope

// Line is a line of the table of routes, as tests see it.
type Line struct {
	Method, Path string // path from Base on
	Scope        hookswitch.Scope
}

// Table is the table of routes.
func (h *Handler) Table() []Line {
	var list []Line
	for _, rt := range (&handler{}).routes() {
		list = append(list, Line{rt.method, rt.path, rt.scope})
	}
	return list
}
