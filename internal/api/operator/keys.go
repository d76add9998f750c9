package operator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type keyOut struct {
	ID         string             `json:"id"`
	Key        string             `json:"key,omitempty"` // the text, only in the answer that makes it
	Name       string             `json:"name"`
	Test       bool               `json:"test"`
	Scopes     []hookswitch.Scope `json:"scopes"` // none: everything
	Hint       string             `json:"hint"`   // the text's last letters
	CreatedAt  httpapi.MilliTime  `json:"createdAt"`
	RotatedAt  *httpapi.MilliTime `json:"rotatedAt"`
	OldUntil   *httpapi.MilliTime `json:"oldUntil"` // until when the text before the last rotation counts
	LastUsedAt *httpapi.MilliTime `json:"lastUsedAt"`
}

func (h *handler) newKey(k *hookswitch.APIKey) keyOut {
	return keyOut{
		ID: h.id(hookswitch.KindAPIKey, k.Key), Name: k.Name, Test: k.Test, Scopes: append([]hookswitch.Scope{}, k.Scopes...), Hint: k.Hint,
		CreatedAt: httpapi.MilliTime(k.CreatedAt), RotatedAt: httpapi.Millis(k.RotatedAt), OldUntil: httpapi.Millis(k.OldUntil), LastUsedAt: httpapi.Millis(k.UsedAt),
	}
}

// newText is newKey with the text, which is shown this once.
func (h *handler) newText(k *hookswitch.APIKey, text hookswitch.Secret) keyOut {
	out := h.newKey(k)
	out.Key = text.Reveal()
	return out
}

type keyIn struct {
	Name   string             `json:"name"`
	Test   bool               `json:"test"`
	Scopes []hookswitch.Scope `json:"scopes"`
}

type rotationIn struct {
	OverlapMS *int64 `json:"overlapMs"`
}

func (h *handler) createKey(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[keyIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	k, text, err := h.service.CreateAPIKey(r.Context(), a.Key, hookswitch.APIKey{Name: in.Name, Test: in.Test, Scopes: in.Scopes})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newText(k, text))
}

func (h *handler) rotateKey(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[rotationIn](r)
	if err != nil {
		return err
	}
	overlap := service.KeyOverlap
	if in.OverlapMS != nil {
		if most := service.MaxKeyOverlap.Milliseconds(); *in.OverlapMS < 0 || *in.OverlapMS > most {
			return hookswitch.InvalidField("must lie between 0 and "+strconv.FormatInt(most, 10), "overlapMs")
		}
		overlap = time.Duration(*in.OverlapMS) * time.Millisecond
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	k, text, err := h.service.RotateAPIKey(r.Context(), a.Key, r.PathValue("key"), overlap)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newText(k, text))
}
