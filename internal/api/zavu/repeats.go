package zavu

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

// maxRepeatKey is the greatest length of the header Idempotency-Key where a repeated request gets the first one's answer.
const maxRepeatKey = 256

// repeat is what makes r one with an earlier request that had the same key: it then gets what that one made.
func (h *handler) repeat(r *http.Request) (service.Idempotency, error) {
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxRepeatKey {
		return service.Idempotency{}, hookswitch.Errorf(hookswitch.Invalid, "The header Idempotency-Key must have at most %d bytes.", maxRepeatKey)
	}
	return service.Idempotency{Caller: h.id(hookswitch.KindProject, callerOf(r).App), Key: key, Route: r.Method + " " + r.URL.Path}, nil
}
