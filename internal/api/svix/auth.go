package svix

import (
	"context"
	"errors"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Caller is who makes a request: the organisation, which may do everything, or somebody who is bound to one App.
type Caller struct {
	Org bool
	// What a caller other than the organisation is bound to, and what it may do there.
	App          hookswitch.Key
	Capabilities hookswitch.Capabilities
	// FeatureFlags show the caller the event types that bear one of them. The organisation sees all.
	FeatureFlags []string
	// Poller is the only poller that the caller may read, and the only thing it may do; "": the caller is no poller's key.
	Poller string
	// Token is what the caller has shown; nil for the organisation.
	Token *hookswitch.Token
}

// mayUse reports whether the App exists as far as the caller can see.
func (c Caller) mayUse(app hookswitch.Key) bool { return c.Org || c.App != 0 && c.App == app }

// mayPoll reports whether the caller may read the poller of the App.
func (c Caller) mayPoll(app hookswitch.Key, poller string) bool {
	return c.mayUse(app) && (c.Org || c.Poller == poller || c.Poller == "" && c.Capabilities.Allow(hookswitch.ViewBase))
}

// Auth finds out who makes a request. Its error is of kind Unauthorized when the credential is missing or wrong.
type Auth func(r *http.Request) (Caller, error)

// Tokens is an Auth that knows the organisation's token, and the tokens of Apps that the service has made.
func Tokens(organization hookswitch.Secret, s *service.Service) Auth {
	bears := httpapi.Bears(organization)
	return func(r *http.Request) (Caller, error) {
		if bears(r) {
			return Caller{Org: true}, nil
		}
		t, err := s.Token(r.Context(), hookswitch.Secret(httpapi.BearerToken(r)))
		if err != nil {
			return Caller{}, err
		}
		return callerWith(t), nil
	}
}

// callerWith is who bears the token.
func callerWith(t *hookswitch.Token) Caller {
	c := Caller{App: t.App, Capabilities: t.Capabilities, FeatureFlags: t.FeatureFlags, Token: t}
	if t.Kind == hookswitch.TokenPoller {
		c.Poller = t.Scope
	}
	return c
}

// callerContext carries the caller of a request.
type callerContext struct {
	context.Context
	caller Caller
}

type callerKey struct{}

func (c *callerContext) Value(key any) any {
	if key == (callerKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// callerOf is who made the request. A route without authentication has none.
func callerOf(r *http.Request) Caller {
	if c, ok := r.Context().Value(callerKey{}).(*callerContext); ok {
		return c.caller
	}
	return Caller{}
}

// right is what a caller needs for a route. The organisation has every right. The zero right is none at all: each route has to name one.
type right struct {
	name       string
	capability hookswitch.Capabilities // what a caller bound to an App needs; 0: no such caller may
	pollers    bool                    // a poller's key may too, for its own poller
	everybody  bool                    // whoever has shown a valid token
}

// The rights, as routes name them.
var (
	org           = right{name: "organization"}
	view          = right{name: "ViewBase", capability: hookswitch.ViewBase}
	viewSecrets   = right{name: "ViewEndpointSecret", capability: hookswitch.ViewEndpointSecret}
	manageSecrets = right{name: "ManageEndpointSecret", capability: hookswitch.ManageEndpointSecret}
	manage        = right{name: "ManageEndpoint", capability: hookswitch.ManageEndpoint}
	sendAgain     = right{name: "CreateAttempts", capability: hookswitch.CreateAttempts}
	polls         = right{name: "ViewBase or the poller's key", capability: hookswitch.ViewBase, pollers: true}
	everybody     = right{name: "any token", everybody: true}
	nobody        = right{name: "no token", everybody: true} // of routes that look at none
)

// permits is nil, or the error that tells the caller what it lacks.
func (n right) permits(c Caller) error {
	forbidden := func(sentence string) error {
		return &hookswitch.Error{Kind: hookswitch.Forbidden, Message: sentence}
	}
	switch {
	case c.Org, n.everybody:
		return nil
	case c.Poller != "":
		if n.pollers {
			return nil // the handler looks at which poller it is
		}
		return forbidden("This key may only read its poller.")
	case n.capability == 0:
		return errOrganization
	case !c.Capabilities.Allow(n.capability):
		return forbidden("This token lacks the capability " + n.capability.Names()[0] + ".")
	}
	return nil
}

var errOrganization error = &hookswitch.Error{Kind: hookswitch.Forbidden, Message: "This call needs the organization's token."}

// guard lets through to the route whoever has its right. Somebody who lacks it learns nothing of an App that is not theirs: it does not exist.
func (h *Handler) guard(rt route) httpapi.Handler {
	if rt.needs == (right{}) {
		panic("svix: " + rt.method + " " + rt.path + " does not say what its callers need")
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		c := callerOf(r)
		err := rt.needs.permits(c)
		if err == nil {
			return rt.serve(w, r)
		}
		if ref := r.PathValue("app_id"); ref != "" && !errors.Is(err, errOrganization) {
			if _, unseen := h.visibleApp(r.Context(), ref, c); unseen != nil {
				return unseen
			}
		}
		return err
	}
}

// appHandler answers a request about the App of its path.
type appHandler func(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error

// inApp lets through to f whoever may use the App of the path. For anybody else it does not exist.
func (h *Handler) inApp(f appHandler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		app, err := h.visibleApp(r.Context(), r.PathValue("app_id"), callerOf(r))
		if err != nil {
			return err
		}
		return f(w, r, app)
	}
}

// visibleApp is the App that ref names, where it exists as far as the caller can see.
func (h *Handler) visibleApp(ctx context.Context, ref string, c Caller) (*hookswitch.App, error) {
	app, err := h.service.App(ctx, ref)
	if err == nil && !c.mayUse(app.Key) {
		return nil, hookswitch.NotFoundf("application not found")
	}
	return app, err
}
