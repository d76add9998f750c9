package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type clientOut struct {
	ClientID     string            `json:"clientId"`
	ClientSecret string            `json:"clientSecret,omitempty"` // only in the answer that makes it
	Name         *string           `json:"name"`
	Hint         string            `json:"hint"` // the secret's last letters
	CreatedAt    httpapi.MilliTime `json:"createdAt"`
}

func (h *handler) newClient(c *hookswitch.Client) clientOut {
	return clientOut{ClientID: h.id(hookswitch.KindClient, c.Key), Name: httpapi.OrNull(c.Name), Hint: c.Hint, CreatedAt: httpapi.MilliTime(c.CreatedAt)}
}

type clientIn struct {
	Name string `json:"name"`
}

func (h *handler) createClient(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[clientIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	c, secret, err := h.service.CreateClient(r.Context(), a.Key, in.Name)
	if err != nil {
		return err
	}
	out := h.newClient(c)
	out.ClientSecret = secret.Reveal()
	return httpapi.Encode(w, http.StatusCreated, out)
}
