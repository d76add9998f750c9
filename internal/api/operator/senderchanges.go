package operator

import (
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// senderIn is a new sender, or what changes about one: what is left out stays as it is. The number counts for a new one only.
type senderIn struct {
	Name        *string `json:"name"`
	PhoneNumber *string `json:"phoneNumber"`
	// Default true makes it the one that messages which name no sender go out from, in place of the one before.
	Default bool `json:"default"`
}

func (in *senderIn) change() service.SenderChange {
	return service.SenderChange{Name: in.Name, PhoneNumber: in.PhoneNumber, SetDefault: in.Default}
}

func (h *handler) createSender(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[senderIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	made, err := h.service.CreateSender(r.Context(), a.Key, in.change())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newSender(made.Sender, made.Webhook))
}

func (h *handler) updateSender(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[senderIn](r)
	if err != nil {
		return err
	}
	if in.PhoneNumber != nil {
		return hookswitch.InvalidField("cannot be changed: what was said over it would be somebody else's; create another sender", "phoneNumber")
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	done, err := h.service.UpdateSender(r.Context(), a.Key, r.PathValue("sender"), in.change())
	if err != nil {
		return err
	}
	hook, err := h.webhook(r.Context(), done.Sender)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newSender(done.Sender, hook))
}

// routeIn is a new route, or what changes about one.
type routeIn struct {
	Channel  hookswitch.Channel `json:"channel"`  // of a new one
	Provider string             `json:"provider"` // of a new one
	// Credentials take the place of those of the same names; others stay.
	Credentials hookswitch.Credentials `json:"credentials"`
	// Remove are the names of credentials that are taken away.
	Remove []string `json:"remove"`
	// Beside are the names of credentials whose values so far stay good behind the new ones.
	Beside []string `json:"beside"`
	// Rate is how often may be sent over it, such as "10/s"; "usual": as often as is usual at its provider.
	Rate string `json:"rate"`
}

func (in *routeIn) change() service.RouteChange {
	c := service.RouteChange{Channel: in.Channel, Provider: in.Provider, Credentials: in.Credentials, Beside: in.Beside, Rate: in.Rate}
	for _, name := range in.Remove {
		if c.Credentials == nil {
			c.Credentials = hookswitch.Credentials{}
		}
		if _, given := c.Credentials[name]; !given {
			c.Credentials[name] = nil
		}
	}
	return c
}

// changedRouteOut is a route after a change.
type changedRouteOut struct {
	Route routeOut `json:"route"`
	// Made are credentials that were made up just now, by name. They are not shown again.
	Made map[string]string `json:"made,omitempty"`
}

func (h *handler) newChangedRoute(done service.ChangedRoute) changedRouteOut {
	s := done.Sender
	several := slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return r.Channel != s.Routes[0].Channel })
	out := changedRouteOut{Route: h.newRoute(s, &done.Route, h.url+"/in/"+h.id(hookswitch.KindSender, s.Key), several)}
	for name := range done.Made {
		if out.Made == nil {
			out.Made = make(map[string]string)
		}
		out.Made[name] = done.Made.First(name)
	}
	return out
}

func (h *handler) createRoute(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[routeIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	done, err := h.service.CreateRoute(r.Context(), a.Key, r.PathValue("sender"), in.change())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newChangedRoute(done))
}

func (h *handler) updateRoute(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[routeIn](r)
	if err != nil {
		return err
	}
	var c hookswitch.Checks
	if in.Channel != "" {
		c.Field("cannot be changed: remove the route, and add another", "channel")
	}
	if in.Provider != "" {
		c.Field("cannot be changed: remove the route, and add another", "provider")
	}
	if err := c.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	done, err := h.service.UpdateRoute(r.Context(), a.Key, r.PathValue("sender"), r.PathValue("route"), in.change())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newChangedRoute(done))
}

func (h *handler) deleteRoute(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteRoute(r.Context(), a.Key, r.PathValue("sender"), r.PathValue("route")); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// routeCheckOut is what was found out about a route.
type routeCheckOut struct {
	Receives bool `json:"receives"`
	Sends    bool `json:"sends"`
	// Missing are the names of credentials without which nothing is received or sent.
	Missing []string `json:"missing"`
	// Challenge is failed, answered, or waiting where the provider has not asked yet; null where it never asks.
	Challenge   *string            `json:"challenge"`
	ChallengeAt *httpapi.MilliTime `json:"challengeAt"`
	// LastPushAt is when the last genuine push came, and Refused how many were refused in all, with the cause of the last.
	LastPushAt *httpapi.MilliTime `json:"lastPushAt"`
	Refused    int64              `json:"refused"`
	Cause      *string            `json:"cause"`
	// Asked says that the provider was asked whose account the credentials open. Account is it, and Error why they open none.
	Asked   bool        `json:"asked"`
	Account *accountOut `json:"account"`
	Error   *string     `json:"error"`
}

type accountOut struct {
	ID    string  `json:"id"`
	Name  *string `json:"name"`
	Phone *string `json:"phoneNumber"`
}

func (h *handler) checkRoute(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	found, err := h.service.CheckRoute(r.Context(), a.Key, r.PathValue("sender"), r.PathValue("route"))
	if err != nil {
		return err
	}
	out := routeCheckOut{Receives: found.Setup.Receives, Sends: found.Setup.Sends, Missing: []string{}, Asked: found.Asked}
	for _, f := range found.Missing {
		out.Missing = append(out.Missing, f.Name)
	}
	switch {
	case found.Err != nil:
		out.Error = httpapi.OrNull(found.Err.Error())
	case found.Asked:
		out.Account = &accountOut{found.Account.ID, httpapi.OrNull(found.Account.Name), httpapi.OrNull(found.Account.Phone)}
	}
	out.LastPushAt, out.Refused, out.Cause = httpapi.Millis(found.AcceptedAt), found.Refused, httpapi.OrNull(found.Cause)
	if found.Setup.Challenged {
		state := "waiting"
		switch {
		case found.ChallengeFailed:
			state = "failed"
		case !found.ChallengeAt.IsZero():
			state = "answered"
		}
		out.Challenge, out.ChallengeAt = &state, httpapi.Millis(found.ChallengeAt)
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
