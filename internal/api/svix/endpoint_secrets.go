package svix

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/webhook"
)

type secretOut struct {
	Key string `json:"key"`
}

// getSecret shows what a receiver needs to verify: the shared secret, or the public half of a key pair.
func (h *Handler) getSecret(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	if len(e.Secrets) == 0 {
		return hookswitch.NotFoundf("the endpoint has no secret")
	}
	secret, err := webhook.ParseSecret(e.Secrets[0].Secret.Reveal())
	if err != nil {
		return err
	}
	text := secret.Public()
	if text == "" {
		text = secret.Reveal()
	}
	return httpapi.Encode(w, http.StatusOK, secretOut{text})
}

type rotateIn struct {
	Key                *string `json:"key"`
	GracePeriodSeconds *int    `json:"gracePeriodSeconds"`
}

const (
	defaultGrace = 24 * 60 * 60
	maxGrace     = 7 * 24 * 60 * 60
)

func (h *Handler) rotateSecret(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[rotateIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	grace := defaultGrace
	if in.GracePeriodSeconds != nil {
		grace = *in.GracePeriodSeconds
	}
	if grace < 0 || grace > maxGrace {
		return hookswitch.InvalidField("must lie between 0 and 604800", "gracePeriodSeconds")
	}
	var secret webhook.Secret // zero: the service makes one
	if in.Key != nil {
		secret, err = webhook.ParseSecret(*in.Key)
		if err != nil || !secret.CanSign() {
			return hookswitch.InvalidField("must be whsec_ and 24 to 75 bytes in base64, or whsk_ and an ed25519 key pair in base64", "key")
		}
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	if err := h.service.RotateSecret(r.Context(), app.Key, e.Key, secret, time.Duration(grace)*time.Second, idem); err != nil {
		return err
	}
	// Since 2.7 the client libraries read the new secret of an App's endpoint from the answer. Elsewhere, and before, those of the typed languages fail on any
	// answer but 204.
	if r.PathValue("app_id") == "" || !libraryAtLeast(r, 2, 7) {
		return httpapi.NoContent(w)
	}
	return h.getSecret(w, r, app)
}
