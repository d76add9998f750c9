package zavu

import (
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// route is one line of the table of routes.
type route struct {
	method, path, name string           // path from Base on
	scope              hookswitch.Scope // what an API key must be for; anyScope: anything
	serve              httpapi.Handler
}

// routes is the whole table, noun by noun.
func (h *handler) routes() []route {
	return slices.Concat(
		h.meRoutes(),

		// Senders and their webhooks.
		h.senderRoutes(),

		h.messageRoutes(),
		h.contactRoutes(),
		h.conversationRoutes(),

		h.templateRoutes(),
		h.invitationRoutes(),
	)
}
