// Package operator is the gateway's own API under /operator/v1, for the person who runs it: apps and their keys, clients and groups, senders, contacts, conversations,
// messages, templates, invitations, pushes that belonged to no route, and the settings in effect. The command line speaks it.
//
// It owns the wire types, the shape of errors and of lists, and the check of the operator token. What is valid and what follows from a change is up to
// internal/service. Endpoints, events and attempts are not here: the operator token opens the Svix-shaped API for
// them. What that cannot say is: which events a filter finds.
//
// An error is {"code", "message", "fields": [{"path", "message"}]}, fields only where some are wrong. A list is {"items", "nextCursor"}, newest first;
// nextCursor is null at the end, and what the parameter cursor takes otherwise.
package operator

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Prefix begins every path of the API.
const Prefix = "/operator/v1"

// Options are what New needs.
type Options struct {
	Service *service.Service
	// Token is the operator token. While it is empty nobody gets in.
	Token hookswitch.Secret
	// Providers are the adapters, which know the doors of a route and whether it can send.
	Providers []hookswitch.Provider
	// PublicURL is how providers reach the doors, without a slash at its end; empty: the service's.
	PublicURL string
	// Strays lists the genuine pushes that belonged to no route.
	Strays func(context.Context, store.Page) ([]store.Stray, error)
	// Settings are the ones in effect, without secrets.
	Settings []Setting
	// Version is that of the program, "" where it is not known, and Database the kind of its database.
	Version, Database string
	// Disk tells how much of the file system of the data is free, and its size, in bytes; nil: it is not known.
	Disk func() (free, all int64, err error)
	// MaxBody is the greatest size of a request body in bytes; 0: httpapi.DefaultMaxBody.
	MaxBody int64
	Log     *slog.Logger
}

type handler struct {
	service   *service.Service
	bears     func(*http.Request) bool
	providers map[string]hookswitch.Provider
	url       string
	strays    func(context.Context, store.Page) ([]store.Stray, error)
	settings  []Setting
	version   string
	database  string
	disk      func() (free, all int64, err error)
}

// New returns the API with all its routes, paths from Prefix on.
func New(o Options) *httpapi.Mux {
	h := &handler{
		service: o.Service, bears: httpapi.Bears(o.Token),
		providers: make(map[string]hookswitch.Provider), strays: o.Strays, settings: o.Settings, version: o.Version, database: o.Database, disk: o.Disk,
	}
	if h.url = o.PublicURL; h.url == "" && o.Service != nil {
		h.url = o.Service.PublicURL()
	}
	for _, p := range o.Providers {
		h.providers[p.Name()] = p
	}
	m := httpapi.NewMux(&httpapi.Surface{Name: "operator", Auth: h.authorize, MaxBody: o.MaxBody, WriteError: writeError, Log: o.Log})
	for _, rt := range h.routes() {
		m.Handle(rt.method, Prefix+rt.path, rt.name, rt.handle)
	}
	return m
}

// route is one operation. Its path stands behind Prefix.
type route struct {
	method, path, name string
	handle             httpapi.Handler
}

// routes are all there are.
func (h *handler) routes() []route {
	return []route{
		{"GET", "/apps", "list apps", h.listApps},
		{"POST", "/apps", "create an app", h.createApp},
		{"GET", "/apps/{app}", "get an app", h.getApp},
		{"PATCH", "/apps/{app}", "change an app", h.updateApp},
		{"DELETE", "/apps/{app}", "delete an app", h.deleteApp},
		{"GET", "/apps/{app}/portal", "get how the portal of an app looks", h.getPortal},
		{"PATCH", "/apps/{app}/portal", "change how the portal of an app looks, and who may frame it", h.updatePortal},

		{"GET", "/apps/{app}/export", "export what is kept about an app", h.exportApp},
		{"GET", "/apps/{app}/events", "find events of an app", h.findEvents},
		{"GET", "/apps/{app}/activity", "list who did what to an app", h.listActivity},

		{"GET", "/apps/{app}/keys", "list the API keys of an app", listOfApp(h, h.service.APIKeys, func(k *hookswitch.APIKey) hookswitch.Key { return k.Key }, h.newKey)},
		{"POST", "/apps/{app}/keys", "create an API key", h.createKey},
		{"POST", "/apps/{app}/keys/{key}/rotate", "give an API key a new text", h.rotateKey},
		{"DELETE", "/apps/{app}/keys/{key}", "revoke an API key", h.removeFromApp("key", h.service.DeleteAPIKey)},

		{"GET", "/apps/{app}/clients", "list the clients of an app", listOfApp(h, h.service.Clients, func(c *hookswitch.Client) hookswitch.Key { return c.Key }, h.newClient)},
		{"POST", "/apps/{app}/clients", "create a client, which gets tokens by its credentials", h.createClient},
		{"DELETE", "/apps/{app}/clients/{client}", "revoke a client", h.removeFromApp("client", h.service.RevokeClient)},

		{"GET", "/apps/{app}/groups", "list the groups of an app", listOfApp(h, h.service.Groups, func(g *hookswitch.Group) hookswitch.Key { return g.Key }, newGroup)},
		{"POST", "/apps/{app}/groups", "create a group", h.createGroup},
		{"DELETE", "/apps/{app}/groups/{group}", "delete a group", h.removeFromApp("group", h.service.DeleteGroup)},
		{"PUT", "/apps/{app}/responder", "choose what answers what is posted to an app", h.setResponder},

		{"GET", "/apps/{app}/senders", "list the senders of an app", h.listSenders},
		{"PUT", "/apps/{app}/senders", "apply a sender file", h.applySenders},
		{"POST", "/apps/{app}/senders", "create a sender, without routes", h.createSender},
		{"GET", "/apps/{app}/senders/{sender}", "get a sender", h.getSender},
		{"PATCH", "/apps/{app}/senders/{sender}", "change a sender", h.updateSender},
		{"DELETE", "/apps/{app}/senders/{sender}", "delete a sender", h.deleteSender},
		{"POST", "/apps/{app}/senders/{sender}/register", "tell the providers of a sender where to push", h.registerSender},
		{"POST", "/apps/{app}/senders/{sender}/routes", "give a sender a route over a provider", h.createRoute},
		{"PATCH", "/apps/{app}/senders/{sender}/routes/{route}", "change the credentials of a route", h.updateRoute},
		{"DELETE", "/apps/{app}/senders/{sender}/routes/{route}", "take a route from a sender", h.deleteRoute},
		{"POST", "/apps/{app}/senders/{sender}/routes/{route}/check", "check a route, and ask its provider whose account it opens", h.checkRoute},
		{"GET", "/apps/{app}/senders/{sender}/responder", "get what answers the messages of a sender", h.getResponder},
		{"PUT", "/apps/{app}/senders/{sender}/responder", "choose what answers the messages of a sender", h.changeResponder},
		{"DELETE", "/apps/{app}/senders/{sender}/responder", "take the responder from a sender", h.removeResponder},
		{"POST", "/apps/{app}/senders/{sender}/responder/check", "say what is wrong with a responder, without choosing it", h.checkResponder},
		{"POST", "/apps/{app}/senders/{sender}/responder/try", "ask a responder, without sending anything to anybody", h.tryResponder},
		{"PUT", "/apps/{app}/senders/{sender}/responder/channels/{channel}", "switch a responder off on a channel, or on again", h.silenceResponder},
		{"GET", "/apps/{app}/senders/{sender}/flow", "get the menu of a sender, and how its sessions went", h.getFlow},
		{"GET", "/apps/{app}/replies", "list what responders were asked for", h.listReplies},
		{"GET", "/apps/{app}/sessions", "list the USSD sessions and calls of an app", h.listSessions},
		{"GET", "/apps/{app}/sessions/{session}", "get a USSD session or a call, step by step", h.getSession},

		{"GET", "/apps/{app}/contacts/{contact}", "get a contact, and where they have opted out", h.getContact},
		{"DELETE", "/apps/{app}/contacts/{contact}", "erase a contact, and all that names them", h.eraseContact},
		{"GET", "/apps/{app}/contacts/{contact}/export", "export what is kept about a contact", h.exportContact},
		{"DELETE", "/apps/{app}/contacts/{contact}/opt-out", "clear the opt-out of a contact", h.clearOptOut},

		{"GET", "/apps/{app}/conversations", "list the conversations of an app", listOfApp(h, h.service.Conversations, func(c *hookswitch.Conversation) hookswitch.Key { return c.Key }, h.newConversation)},
		{"PATCH", "/apps/{app}/conversations/{conversation}", "take a conversation over, or give it back", h.updateConversation},
		{"GET", "/apps/{app}/messages", "list the messages of an app", h.listMessages},
		{"GET", "/apps/{app}/messages/{message}", "get a message with its receipts", h.getMessage},
		{"POST", "/apps/{app}/messages/{message}/read", "show a person that their message was read", h.readMessage},

		{"POST", "/messages", "send a message", h.sendMessage},

		{"GET", "/drafts", "list the answers to public posts that wait for approval", h.listDrafts},
		{"GET", "/drafts/{draft}", "get a draft", h.getDraft},
		{"PATCH", "/drafts/{draft}", "change what a draft says", h.editDraft},
		{"POST", "/drafts/{draft}/approve", "approve a draft, which sends it", h.approveDraft},
		{"POST", "/drafts/{draft}/reject", "reject a draft", h.rejectDraft},

		{"GET", "/templates", "list the templates of an app", h.listTemplates},
		{"GET", "/templates/{template}", "get a template", h.getTemplate},
		{"POST", "/templates/{template}/approve", "approve a submitted template", h.approveTemplate},
		{"POST", "/templates/{template}/reject", "reject a submitted template", h.rejectTemplate},

		{"GET", "/invitations", "list the invitations of an app", h.listInvitations},
		{"GET", "/invitations/{invitation}", "get an invitation", h.getInvitation},
		{"POST", "/invitations/{invitation}/complete", "complete an invitation with a sender", h.completeInvitation},
		{"POST", "/invitations/{invitation}/fail", "note that connecting an account has failed", h.failInvitation},
		{"POST", "/invitations/{invitation}/cancel", "cancel an invitation", h.cancelInvitation},

		{"GET", "/strays/{stray}", "get a push that belonged to no route, with its body", h.getStray},
		{"DELETE", "/strays/{stray}", "delete a push that belonged to no route", h.deleteStray},
		{"GET", "/strays", "list pushes that belonged to no route", h.listStrays},
		{"GET", "/providers", "list the providers, and the credentials that each wants", h.listProviders},
		{"POST", "/event-types/{type}/check", "compare schemas with those that an event type has", h.checkEventType},
		{"GET", "/settings", "list the settings in effect", h.listSettings},

		{"GET", "/checkup", "look at what the server stands on", h.checkup},
		{"GET", "/overview", "get how the server has been doing for a day", h.getOverview},
		{"GET", "/queues", "get what waits and runs, for whom, and who is slow", h.getQueues},
		{"POST", "/pause", "pause all deliveries, while the doors go on taking", h.pause},
		{"DELETE", "/pause", "end the pause of all deliveries", h.resume},
		{"GET", "/nodes", "list the nodes", h.listNodes},
		{"POST", "/nodes/{node}/drain", "have a node take no more work", h.drainNode(true)},
		{"DELETE", "/nodes/{node}/drain", "have a node take work again", h.drainNode(false)},
		{"GET", "/activity", "list who did what to all apps and to the server", h.listAllActivity},
		{"POST", "/activity/verify", "check the chains of activities", h.verifyActivity},
	}
}

// authorize lets in who bears the operator token.
func (h *handler) authorize(r *http.Request) (context.Context, error) {
	if !h.bears(r) {
		return nil, hookswitch.Errorf(hookswitch.Unauthorized, "The operator token is needed: Authorization: Bearer TOKEN.")
	}
	return r.Context(), nil
}

// app is the app that the path names, by id or uid.
func (h *handler) app(r *http.Request) (*hookswitch.App, error) {
	return h.service.App(r.Context(), r.PathValue("app"))
}

func (h *handler) id(kind hookswitch.Kind, key hookswitch.Key) string {
	return h.service.IDs().Format(kind, key)
}
