package svix

import (
	"crypto/sha256"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// maxIdempotencyKey is the greatest length, in bytes, of the header idempotency-key.
const maxIdempotencyKey = 256

// idempotency names the request, where its caller wants it to have its effect once.
func idempotency(r *http.Request) (service.Idempotency, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return service.Idempotency{}, nil
	}
	if len(key) > maxIdempotencyKey {
		return service.Idempotency{}, &hookswitch.Error{Kind: hookswitch.Invalid, Code: "invalid_idempotency_key",
			Message: "The header idempotency-key must have at most 256 bytes."}
	}
	token := sha256.Sum256([]byte(httpapi.BearerToken(r)))
	return service.Idempotency{Caller: string(token[:]), Key: key, Route: r.Method + " " + r.URL.RequestURI()}, nil
}
