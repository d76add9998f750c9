package operator

import (
	"context"
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// senderFile is a sender file. Entries of one id or name are one sender with several routes; names that it does not know are left aside.
type senderFile struct {
	Senders []senderEntry `json:"senders"`
}

type senderEntry struct {
	ID          string                      `json:"id"`
	Name        string                      `json:"name"`
	Channel     hookswitch.Channel          `json:"channel"`
	Provider    string                      `json:"provider"`
	PhoneNumber string                      `json:"phoneNumber"`
	Credentials hookswitch.Credentials      `json:"credentials"`
	Webhook     *webhookIn                  `json:"webhook"`
	Responder   *hookswitch.ResponderConfig `json:"responder"`
	Dialogue    *hookswitch.DialogueTexts   `json:"dialogue"`
	Rate        string                      `json:"rate"`
}

type webhookIn struct {
	URL    string   `json:"url"`
	Events []string `json:"events"`
}

func (f *senderFile) specs() []service.SenderSpec {
	specs := make([]service.SenderSpec, len(f.Senders))
	for i, e := range f.Senders {
		specs[i] = service.SenderSpec{ID: e.ID, Name: e.Name, Channel: e.Channel, Provider: e.Provider, PhoneNumber: e.PhoneNumber, Credentials: e.Credentials,
			Responder: e.Responder, Dialogue: e.Dialogue, Rate: e.Rate}
		if e.Webhook != nil {
			specs[i].Webhook = &service.WebhookSpec{URL: e.Webhook.URL, Events: e.Webhook.Events}
		}
	}
	return specs
}

type senderOut struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Result      string  `json:"result,omitempty"` // of an application: created, changed or unchanged
	PhoneNumber *string `json:"phoneNumber"`
	Default     bool    `json:"default"`
	// Channels are those of the routes, and those that have been switched on and wait for one.
	Channels     []string `json:"channels"`
	EmailAddress *string  `json:"emailAddress"`
	// DoorURL is where the provider can push to without the server having to find out whose the push is.
	DoorURL   string        `json:"doorUrl"`
	Routes    []routeOut    `json:"routes"`
	Webhook   *webhookOut   `json:"webhook"`
	Responder *responderOut `json:"responder"`
	// Dialogue is what the sender says in calls and USSD sessions in its own words.
	Dialogue  *hookswitch.DialogueTexts `json:"dialogue"`
	CreatedAt httpapi.MilliTime         `json:"createdAt"`
	UpdatedAt httpapi.MilliTime         `json:"updatedAt"`
}

type routeOut struct {
	ID       string  `json:"id"`
	Channel  string  `json:"channel"`
	Provider string  `json:"provider"`
	Address  *string `json:"address"`
	// Known is false for a provider that this server has no adapter of: such a route is kept and does nothing.
	Known    bool `json:"known"`
	Receives bool `json:"receives"` // its credentials can prove a push
	Sends    bool `json:"sends"`    // its credentials suffice for the calls that send
	// Lacks are the names of the credentials without which nothing can be sent over it, though its provider could; Ignored those of its credentials that the provider does not know.
	Lacks   []string `json:"lacks"`
	Ignored []string `json:"ignored"`
	// Rate is how often may be sent over it, as its sender file says; null: as often as is usual at its provider.
	Rate *string `json:"rate"`
	// Disabled tells since when, and why, nothing is sent over it; null: it is not disabled. It ends when its credentials are set anew.
	Disabled       *routeDisabledOut `json:"disabled"`
	DoorURL        string            `json:"doorUrl"`
	SharedDoorURLs []string          `json:"sharedDoorUrls"`
}

type routeDisabledOut struct {
	At    httpapi.MilliTime `json:"at"`
	Cause string            `json:"cause"` // in the provider's words
}

type webhookOut struct {
	ID     string   `json:"id"`
	URL    string   `json:"url"`
	Events []string `json:"events"`
	Active bool     `json:"active"`
	// SignatureVersion is the variant of Zavu's signature: v1, v1+v2 or v2.
	SignatureVersion string `json:"signatureVersion"`
	Secret           string `json:"secret,omitempty"` // only in the answer that makes it
}

// responderOut shows no more than the kind: the rest of a responder's configuration may hold keys.
type responderOut struct {
	Kind string `json:"kind"`
}

func (h *handler) newSender(s *hookswitch.Sender, hook *hookswitch.Endpoint) senderOut {
	out := senderOut{
		ID: h.id(hookswitch.KindSender, s.Key), Name: s.Name, PhoneNumber: httpapi.OrNull(s.PhoneNumber), Default: s.Default, Channels: s.Channels(),
		EmailAddress: httpapi.OrNull(s.Email.Address), Routes: make([]routeOut, len(s.Routes)),
		CreatedAt: httpapi.MilliTime(s.CreatedAt), UpdatedAt: httpapi.MilliTime(s.UpdatedAt),
	}
	out.DoorURL = h.url + "/in/" + out.ID
	several := slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return r.Channel != s.Routes[0].Channel })
	for i := range s.Routes {
		out.Routes[i] = h.newRoute(s, &s.Routes[i], out.DoorURL, several)
	}
	if hook != nil {
		out.Webhook = &webhookOut{ID: h.id(hookswitch.KindEndpoint, hook.Key), URL: hook.URL, Events: hook.EventTypes, Active: !hook.Disabled,
			SignatureVersion: service.SignatureVersion(hook)}
	}
	if s.Responder.Kind != "" {
		out.Responder = &responderOut{s.Responder.Kind}
	}
	if s.Dialogue != (hookswitch.DialogueTexts{}) {
		out.Dialogue = &s.Dialogue
	}
	return out
}

func (h *handler) newRoute(s *hookswitch.Sender, r *hookswitch.Route, door string, several bool) routeOut {
	p, known := h.providers[r.Provider]
	sends, lacks := h.service.Sends(s, r)
	out := routeOut{ID: h.id(hookswitch.KindRoute, r.Key), Channel: string(r.Channel), Provider: r.Provider, Address: httpapi.OrNull(r.Address),
		Known: known, Receives: r.Account != "", Sends: sends, Lacks: append([]string{}, lacks...), Ignored: append([]string{}, h.service.Ignored(r)...), Rate: httpapi.OrNull(r.Rate.String()), DoorURL: door, SharedDoorURLs: []string{}}
	if r.Disabled() {
		out.Disabled = &routeDisabledOut{httpapi.MilliTime(r.DisabledAt), r.DisabledCause}
	}
	if several {
		out.DoorURL += "/" + out.Channel
	}
	if !known {
		return out
	}
	for _, d := range p.Doors() {
		if slices.Contains(d.Channels, r.Channel) {
			out.SharedDoorURLs = append(out.SharedDoorURLs, h.url+d.Path)
		}
	}
	return out
}

// webhook is the webhook of a sender, or nil.
func (h *handler) webhook(ctx context.Context, s *hookswitch.Sender) (*hookswitch.Endpoint, error) {
	hook, err := h.service.SenderWebhook(ctx, s.App, s.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	return hook, err
}

func (h *handler) applySenders(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[senderFile](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	applied, err := h.service.ApplySenders(r.Context(), a.Key, in.specs())
	if err != nil {
		return err
	}
	out := listOut[senderOut]{Items: make([]senderOut, len(applied))}
	for i, s := range applied {
		out.Items[i] = h.newSender(s.Sender, s.Webhook)
		out.Items[i].Result = result(s)
		if s.Secret != "" {
			out.Items[i].Webhook.Secret = s.Secret.Reveal()
		}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

func result(s service.AppliedSender) string {
	switch {
	case s.Created:
		return "created"
	case s.Changed:
		return "changed"
	}
	return "unchanged"
}

func (h *handler) listSenders(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	senders, err := h.service.Senders(r.Context(), a.Key, p.page())
	if err != nil {
		return err
	}
	senders, cursor := cut(h, p, senders, func(s *hookswitch.Sender) hookswitch.Key { return s.Key })
	out := listOut[senderOut]{Items: make([]senderOut, len(senders)), NextCursor: cursor}
	for i, s := range senders {
		hook, err := h.webhook(r.Context(), s)
		if err != nil {
			return err
		}
		out.Items[i] = h.newSender(s, hook)
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// sender is the sender of the app that the path names.
func (h *handler) sender(r *http.Request) (*hookswitch.Sender, error) {
	a, err := h.app(r)
	if err != nil {
		return nil, err
	}
	return h.service.Sender(r.Context(), a.Key, r.PathValue("sender"))
}

func (h *handler) getSender(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sender(r)
	if err != nil {
		return err
	}
	hook, err := h.webhook(r.Context(), s)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newSender(s, hook))
}

func (h *handler) deleteSender(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sender(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteSender(r.Context(), s.App, s.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
