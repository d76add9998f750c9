package travtus

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// tokenLife is how long a token of a client lives.
const tokenLife = time.Hour

const (
	tokenMark    = "hst_"
	tokenVersion = 1
	// version, client, second of issue
	claimBytes = 1 + 8 + 8
)

// issue is a token of a client from now on. It is not stored: what it says is signed.
func (h *handler) issue(client hookswitch.Key, now time.Time) string {
	claims := make([]byte, 0, claimBytes+sha256.Size)
	claims = append(claims, tokenVersion)
	claims = binary.BigEndian.AppendUint64(claims, uint64(client))
	claims = binary.BigEndian.AppendUint64(claims, uint64(now.Unix()))
	return tokenMark + base64.RawURLEncoding.EncodeToString(append(claims, h.sign(claims)...))
}

func (h *handler) sign(claims []byte) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(claims)
	return mac.Sum(nil)
}

// read tells whose a genuine token is and since when, however old.
func (h *handler) read(token string) (client hookswitch.Key, issued time.Time, ok bool) {
	text, ok := strings.CutPrefix(token, tokenMark)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(claimBytes+sha256.Size) {
		return 0, time.Time{}, false
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || claims[0] != tokenVersion || !hmac.Equal(claims[claimBytes:], h.sign(claims[:claimBytes])) {
		return 0, time.Time{}, false
	}
	return hookswitch.Key(binary.BigEndian.Uint64(claims[1:])), time.Unix(int64(binary.BigEndian.Uint64(claims[9:])), 0), true
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

type appKey struct{}

// appOf is the app of the caller.
func appOf(r *http.Request) hookswitch.Key {
	app, _ := r.Context().Value(appKey{}).(hookswitch.Key)
	return app
}

// authorize lets in who bears a token of a client, or an API key.
func (h *handler) authorize(r *http.Request) (context.Context, error) {
	token := httpapi.BearerToken(r)
	if token == "" {
		return nil, errNoToken
	}
	app, err := h.bearer(r.Context(), token)
	switch kind := hookswitch.KindOf(err); {
	case err == nil:
	case kind == hookswitch.NotFound:
		return nil, errWrongToken
	default:
		return nil, err
	}
	if err := h.calls.take(app); err != nil {
		return nil, err
	}
	return context.WithValue(r.Context(), appKey{}, app), nil
}

// bearer is the app that a token acts for.
func (h *handler) bearer(ctx context.Context, token string) (hookswitch.Key, error) {
	client, issued, ok := h.read(token)
	if !ok {
		k, err := h.service.APIKey(ctx, token)
		if hookswitch.KindOf(err) == hookswitch.Unauthorized {
			return 0, errWrongToken
		}
		if err != nil {
			return 0, err
		}
		return k.App, nil
	}
	c, err := h.service.LiveClient(ctx, client)
	if err != nil {
		return 0, err
	}
	if !h.now().Before(issued.Add(tokenLife)) {
		return 0, errExpiredToken
	}
	return c.App, nil
}
