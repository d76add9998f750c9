// Package travtus is the Travtus-shaped API: programs that talk to people themselves post what was said to /messages/, and get the answers as events such as sms.respond. Besides it has
// the tokens that those programs show, links into the portal, and the older API of sessions under /v1.
//
// It owns the wire types, the shape of errors, bearer tokens and rates. What becomes of a posting, and which event carries an answer, is up to internal/service.
package travtus

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// MaxBody is the greatest size of a request body, in bytes, unless the settings say otherwise.
const MaxBody = 1 << 20

// Rates bound how many requests are taken in a second. Where Requests is 0 there is no bound.
type Rates struct {
	Requests int
	Burst    int // how many may come at once after a pause
}

// Options are what New needs.
type Options struct {
	Service *service.Service
	// Key is what tokens are signed under, at least 16 bytes, the same on all nodes and after a restart.
	Key []byte
	// TokenLife is how long the tokens live that are given from now on; 0: TokenLife.
	TokenLife time.Duration
	// TokenRates bounds requests for tokens, of all clients together; Rates everything else, for each app.
	TokenRates, Rates Rates
	// MaxBody is the greatest size of a request body in bytes; 0: MaxBody.
	MaxBody int64
	Now     func() time.Time
	Log     *slog.Logger
}

type handler struct {
	service *service.Service
	key     []byte
	life    time.Duration // of tokens
	now     func() time.Time
	tokens  *limiter
	calls   *limiters
}

// API is the whole surface. It is to be mounted at Paths, and what lies under them.
type API struct{ *httpapi.Mux }

// Paths are where the API begins.
var Paths = []string{"/oauth2", "/messages", "/webhook", "/v1/sessions", "/v1/webhooks"}

// New returns the API with all its routes.
func New(o Options) (*API, error) {
	if len(o.Key) < 16 {
		return nil, errors.New("the key that tokens are signed under is too short")
	}
	key, err := hkdf.Key(sha256.New, o.Key, nil, "hookswitch client tokens", sha256.Size)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBody <= 0 {
		o.MaxBody = MaxBody
	}
	if o.TokenLife <= 0 {
		o.TokenLife = TokenLife
	}
	h := &handler{service: o.Service, key: key, life: o.TokenLife, now: o.Now, tokens: newLimiter(o.TokenRates, o.Now), calls: newLimiters(o.Rates, o.Now)}
	surface := &httpapi.Surface{Name: "travtus", Auth: h.authorize, MaxBody: o.MaxBody, WriteError: writeErrorOf, Log: o.Log}
	m := httpapi.NewMux(surface)
	oauth := m.With(surface.With(func(s *httpapi.Surface) {
		s.Auth, s.MaxBody, s.WriteError = h.admit, maxForm, writeOAuthError
	}))
	oauth.Handle(http.MethodPost, "/oauth2/token", "a token for the credentials of a client", h.issueToken)
	m.Handle(http.MethodPost, "/messages", "post a message of a person or an agent", needs(hookswitch.ScopeMessagesWrite, h.postMessage))
	m.Handle(http.MethodGet, "/webhook/app-portal-access", "a link into the portal", needs(everything, h.portalAccess))

	m.Handle(http.MethodPost, "/v1/sessions", "begin a session", needs(hookswitch.ScopeMessagesWrite, h.beginSession))
	m.Handle(http.MethodPost, "/v1/sessions/{session}/messages", "post what the customer of a session says", needs(hookswitch.ScopeMessagesWrite, h.saySession))
	m.Handle(http.MethodPost, "/v1/webhooks", "have the answers of sessions posted somewhere", needs(everything, h.subscribe))
	return &API{m}, nil
}

// admit takes a request for a token if there have not been too many.
func (h *handler) admit(r *http.Request) (context.Context, error) {
	return r.Context(), h.tokens.take()
}

// tooMany is the answer to a request above the rate.
func tooMany(wait time.Duration) error {
	return &hookswitch.Error{Kind: hookswitch.RateLimited, Code: "too_many_requests", Message: "You have sent too many requests. Please slow down and try again.", RetryAfter: wait}
}
