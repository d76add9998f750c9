package travtus

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// TokenLife is how long a token of a client lives, unless the settings say otherwise.
const TokenLife = time.Hour

const (
	tokenMark    = "hst_"
	tokenVersion = 1
	// version, client, millisecond at which it ends
	claimBytes = 1 + 8 + 8
)

// issue is a token of a client until then. It is not stored: what it says is signed.
func (h *handler) issue(client hookswitch.Key, end time.Time) string {
	claims := make([]byte, 0, claimBytes+sha256.Size)
	claims = append(claims, tokenVersion)
	claims = binary.BigEndian.AppendUint64(claims, uint64(client))
	claims = binary.BigEndian.AppendUint64(claims, uint64(end.UnixMilli()))
	return tokenMark + base64.RawURLEncoding.EncodeToString(append(claims, h.sign(claims)...))
}

func (h *handler) sign(claims []byte) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(claims)
	return mac.Sum(nil)
}

// read tells whose a genuine token is and until when, however old.
func (h *handler) read(token string) (client hookswitch.Key, end time.Time, ok bool) {
	text, ok := strings.CutPrefix(token, tokenMark)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(claimBytes+sha256.Size) {
		return 0, time.Time{}, false
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || claims[0] != tokenVersion || !hmac.Equal(claims[claimBytes:], h.sign(claims[:claimBytes])) {
		return 0, time.Time{}, false
	}
	return hookswitch.Key(binary.BigEndian.Uint64(claims[1:])), time.UnixMilli(int64(binary.BigEndian.Uint64(claims[9:]))), true
}

// What a caller is told who shows no good token.
var (
	errNoToken = &hookswitch.Error{Kind: hookswitch.Unauthorized, Code: "missing_authorization",
		Message: "Your request does not include an 'Authorization' header with a bearer token for your account."}
	errExpiredToken = &hookswitch.Error{Kind: hookswitch.Unauthorized, Code: "expired_token",
		Message: "The bearer token you have provided in the 'Authorization' header has expired. Please obtain a new one."}
	errWrongToken = &hookswitch.Error{Kind: hookswitch.Unauthorized, Code: "invalid_authorization",
		Message: "The bearer token you have provided in the 'Authorization' header is invalid."}
)

// caller is who makes a request: an app, and what its key is for; no scopes: everything.
type caller struct {
	app    hookswitch.Key
	scopes []hookswitch.Scope
}

type callerKey struct{}

func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// appOf is the app of the caller.
func appOf(r *http.Request) hookswitch.Key { return callerOf(r).app }

// everything is the scope of routes that a key opens only when it is for everything.
const everything hookswitch.Scope = "*"

// needs lets through to f whose key is for the scope. Tokens of clients are for everything.
func needs(scope hookswitch.Scope, f httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if c := callerOf(r); len(c.scopes) > 0 && !slices.Contains(c.scopes, scope) {
			return &hookswitch.Error{Kind: hookswitch.Forbidden, Message: "The API key you have provided is not for this."}
		}
		return f(w, r)
	}
}

// authorize lets in who bears a token of a client, or an API key.
func (h *handler) authorize(r *http.Request) (context.Context, error) {
	token := httpapi.BearerToken(r)
	if token == "" {
		return nil, errNoToken
	}
	who, err := h.bearer(r.Context(), token)
	switch kind := hookswitch.KindOf(err); {
	case err == nil:
	case kind == hookswitch.NotFound:
		return nil, errWrongToken
	default:
		return nil, err
	}
	if err := h.calls.take(who.app); err != nil {
		return nil, err
	}
	return context.WithValue(r.Context(), callerKey{}, who), nil
}

// bearer is who bears a token.
func (h *handler) bearer(ctx context.Context, token string) (caller, error) {
	client, end, ok := h.read(token)
	if !ok {
		k, err := h.service.APIKey(ctx, token)
		if hookswitch.KindOf(err) == hookswitch.Unauthorized {
			return caller{}, errWrongToken
		}
		if err != nil {
			return caller{}, err
		}
		return caller{k.App, k.Scopes}, nil
	}
	c, err := h.service.LiveClient(ctx, client)
	if err != nil {
		return caller{}, err
	}
	if !h.now().Before(end) {
		return caller{}, errExpiredToken
	}
	return caller{app: c.App}, nil
}
