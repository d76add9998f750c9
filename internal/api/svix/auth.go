package svix

import (
	"context"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Caller is who makes a request: the organisation, which may do everything, or somebody who is bound to one App.
type Caller struct {
	Org bool
	App hookswitch.Key // what a caller other than the organisation is bound to
}

// mayUse reports whether the App exists as far as the caller can see.
func (c Caller) mayUse(app hookswitch.Key) bool { return c.Org || c.App != 0 && c.App == app }

// Auth finds out who makes a request. Its error is of kind Unauthorized when the credential is missing or wrong.
type Auth func(r *http.Request) (Caller, error)

// OrganizationToken is an Auth that knows one token, the organisation's.
func OrganizationToken(token hookswitch.Secret) Auth {
	bears := httpapi.Bears(token)
	return func(r *http.Request) (Caller, error) {
		if !bears(r) {
			return Caller{}, ErrToken
		}
		return Caller{Org: true}, nil
	}
}

// ErrToken is the answer to a request without a valid token.
var ErrToken error = &hookswitch.Error{Kind: hookswitch.Unauthorized, Message: "Invalid token"}

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

// organization lets only the organisation through to h.
func organization(h httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !callerOf(r).Org {
			return &hookswitch.Error{Kind: hookswitch.Forbidden, Message: "This call needs the organization's token."}
		}
		return h(w, r)
	}
}

// appHandler answers a request about the App of its path.
type appHandler func(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error

// inApp lets through to f whoever may use the App of the path. For anybody else it does not exist.
func (h *Handler) inApp(f appHandler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		app, err := h.service.App(r.Context(), r.PathValue("app_id"))
		if err != nil {
			return err
		}
		if !callerOf(r).mayUse(app.Key) {
			return hookswitch.NotFoundf("application not found")
		}
		return f(w, r, app)
	}
}
