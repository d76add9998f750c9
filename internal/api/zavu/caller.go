package zavu

import (
	"context"
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Caller is who makes a request: a program that acts for one App.
type Caller struct {
	App    hookswitch.Key
	Test   bool               // what it sends is simulated
	Key    hookswitch.Key     // of the API key
	Scopes []hookswitch.Scope // what the key is for; none: everything
}

type callerKey struct{}

// identity is what is known about who makes a request: the caller, or why there is none.
type identity struct {
	caller Caller
	err    error
}

func identityOf(ctx context.Context) *identity {
	if i, ok := ctx.Value(callerKey{}).(*identity); ok {
		return i
	}
	return &identity{err: &hookswitch.Error{Kind: hookswitch.Unauthorized}}
}

// callerOf is who made the request.
func callerOf(r *http.Request) Caller { return identityOf(r.Context()).caller }

// authorized lets in whoever has shown a key that counts.
func authorized(r *http.Request) (context.Context, error) {
	return r.Context(), identityOf(r.Context()).err
}

// anyScope is the scope of routes that every key opens.
const anyScope hookswitch.Scope = "*"

// guard lets through to the route whoever has its scope.
func guard(rt route) httpapi.Handler {
	if rt.scope == "" {
		panic("zavu: " + rt.method + " " + rt.path + " does not say what its callers need")
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if c := callerOf(r); rt.scope != anyScope && len(c.Scopes) > 0 && !slices.Contains(c.Scopes, rt.scope) {
			return &hookswitch.Error{
				Kind: hookswitch.Forbidden, Message: "This API key lacks the scope " + string(rt.scope), Details: map[string]any{"scope": rt.scope},
			}
		}
		return rt.serve(w, r)
	}
}
