package svix

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type portalAccessIn struct {
	Application  *appIn   `json:"application"`
	Capabilities []string `json:"capabilities"`
	Expiry       *int64   `json:"expiry"`
	FeatureFlags []string `json:"featureFlags"`
	ReadOnly     bool     `json:"readOnly"`
	SessionID    *string  `json:"sessionId"`
}

// access is in as the service takes it.
func (in *portalAccessIn) access() (service.PortalAccess, error) {
	var c hookswitch.Checks
	a := service.PortalAccess{Capabilities: in.capabilities(&c), FeatureFlags: distinct(in.FeatureFlags),
		Life: seconds(&c, in.Expiry, service.MaxPortalLife, service.MinPortalLife, service.MaxPortalLife, "expiry")}
	if in.SessionID != nil {
		if a.Session = *in.SessionID; a.Session == "" {
			c.Field("must not be empty", "sessionId")
		}
	}
	return a, c.Err()
}

// capabilities are what the caller asks for: all where it names none. Read-only leaves of those that are named the ones that change nothing, and else only ViewBase.
func (in *portalAccessIn) capabilities(c *hookswitch.Checks) hookswitch.Capabilities {
	switch {
	case in.Capabilities == nil && in.ReadOnly:
		return hookswitch.ViewBase
	case in.Capabilities == nil:
		return hookswitch.AllCapabilities
	}
	set := hookswitch.ViewBase
	for i, name := range in.Capabilities {
		one, ok := hookswitch.ParseCapability(name)
		if !ok {
			c.Field("must be one of "+strings.Join(hookswitch.AllCapabilities.Names(), ", "), "capabilities", "["+strconv.Itoa(i)+"]")
		}
		set |= one
	}
	if in.ReadOnly {
		set &= hookswitch.ViewingCapabilities
	}
	return set
}

// seconds is a span of time given in seconds, or def when it is absent.
func seconds(c *hookswitch.Checks, n *int64, def, least, most time.Duration, name string) time.Duration {
	if n == nil {
		return def
	}
	low, high := int64(least/time.Second), int64(most/time.Second)
	if *n < low || *n > high {
		c.Field("must lie between "+strconv.FormatInt(low, 10)+" and "+strconv.FormatInt(high, 10), name)
		return def
	}
	return time.Duration(*n) * time.Second
}

type portalAccessOut struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

func (h *Handler) portalAccess(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[portalAccessIn](r)
	if err != nil {
		return err
	}
	return h.openPortal(w, r, in)
}

// dashboardAccess is portalAccess as older client libraries call it: with all rights and no body.
func (h *Handler) dashboardAccess(w http.ResponseWriter, r *http.Request) error {
	return h.openPortal(w, r, portalAccessIn{})
}

func (h *Handler) openPortal(w http.ResponseWriter, r *http.Request, in portalAccessIn) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	access, err := in.access()
	if err != nil {
		return err
	}
	app, err := h.appFor(r.Context(), r.PathValue("app_id"), in.Application)
	if err != nil {
		return err
	}
	link, err := h.service.OpenPortal(r.Context(), app.Key, access, idem)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, portalAccessOut{link.URL.Reveal(), link.Token.Reveal()})
}

type oneTimeIn struct {
	OneTimeToken string `json:"oneTimeToken"`
}

type oneTimeOut struct {
	Token        string            `json:"token"`
	AppID        string            `json:"appId"`
	Capabilities []string          `json:"capabilities"`
	ExpiresAt    httpapi.MicroTime `json:"expiresAt"`
}

// exchangeOneTime needs no credential but the one in the body.
func (h *Handler) exchangeOneTime(w http.ResponseWriter, r *http.Request) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	in, err := httpapi.Decode[oneTimeIn](r)
	if err != nil {
		return err
	}
	if in.OneTimeToken == "" {
		return hookswitch.InvalidField("is required", "oneTimeToken")
	}
	t, text, err := h.service.ExchangeOneTime(r.Context(), hookswitch.Secret(in.OneTimeToken), idem)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, oneTimeOut{text.Reveal(), h.ids.Format(hookswitch.KindApp, t.App), t.Capabilities.Names(), micros(t.ExpiresAt)})
}

// logout ends the token that the request was made with.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.Logout(r.Context(), callerOf(r).Token); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

type expireAllIn struct {
	Expiry     *int64   `json:"expiry"`
	SessionIDs []string `json:"sessionIds"`
}

func (h *Handler) expireAll(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[expireAllIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	var c hookswitch.Checks
	after := seconds(&c, in.Expiry, 0, 0, service.MaxPortalGrace, "expiry")
	if err := c.Err(); err != nil {
		return err
	}
	if err := h.service.ExpirePortal(r.Context(), app.Key, in.SessionIDs, after, idem); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// tokenOut is a key of a poller with its text.
type tokenOut struct {
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Token     string             `json:"token"`
	Scopes    []string           `json:"scopes"`
	CreatedAt httpapi.MicroTime  `json:"createdAt"`
	ExpiresAt *httpapi.MicroTime `json:"expiresAt"`
}

func (h *Handler) writePollerToken(w http.ResponseWriter, t *hookswitch.Token, text hookswitch.Secret, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, tokenOut{h.ids.Format(hookswitch.KindToken, t.Key), t.Scope, text.Reveal(), []string{"poller:read"},
		micros(t.CreatedAt), httpapi.Micros(t.ExpiresAt.Truncate(time.Millisecond))})
}

func (h *Handler) getPollerToken(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	t, text, err := h.service.PollerToken(r.Context(), app.Key, r.PathValue("sink_id"))
	return h.writePollerToken(w, t, text, err)
}

type rotatePollerIn struct {
	Expiry         *int64 `json:"expiry"`
	OldTokenExpiry *int64 `json:"oldTokenExpiry"`
}

func (h *Handler) rotatePollerToken(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[rotatePollerIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	var c hookswitch.Checks
	rotation := service.PollerRotation{Life: seconds(&c, in.Expiry, 0, time.Second, service.MaxPollerLife, "expiry"),
		OldLife: seconds(&c, in.OldTokenExpiry, service.OldPollerLife, 0, service.MaxOldPollerLife, "oldTokenExpiry")}
	if err := c.Err(); err != nil {
		return err
	}
	t, text, err := h.service.RotatePollerToken(r.Context(), app.Key, r.PathValue("sink_id"), rotation, idem)
	return h.writePollerToken(w, t, text, err)
}
