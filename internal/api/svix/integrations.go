package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type integrationIn struct {
	Name         string   `json:"name"`
	FeatureFlags []string `json:"featureFlags"`
}

// apply makes i what in says. What in leaves out is cleared.
func (in *integrationIn) apply(i *hookswitch.Integration) {
	i.Name, i.FeatureFlags = in.Name, distinct(in.FeatureFlags)
}

type integrationOut struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	FeatureFlags []string          `json:"featureFlags"`
	CreatedAt    httpapi.MicroTime `json:"createdAt"`
	UpdatedAt    httpapi.MicroTime `json:"updatedAt"`
}

func (h *Handler) integrationOut(i *hookswitch.Integration) integrationOut {
	out := integrationOut{h.ids.Format(hookswitch.KindIntegration, i.Key), i.Name, i.FeatureFlags, micros(i.CreatedAt), micros(i.UpdatedAt)}
	if out.FeatureFlags == nil {
		out.FeatureFlags = []string{}
	}
	return out
}

// integration is the integration of the path.
func (h *Handler) integration(r *http.Request, app *hookswitch.App) (*hookswitch.Integration, error) {
	return h.service.Integration(r.Context(), app.Key, r.PathValue("integ_id"))
}

func (h *Handler) listIntegrations(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindIntegration, orderOf(q, "ascending"))
	if err := q.Err(); err != nil {
		return err
	}
	integrations, err := h.service.Integrations(r.Context(), app.Key, p.store())
	if err != nil {
		return err
	}
	return writeList(w, p, list[*hookswitch.Integration]{rows: integrations,
		key:  func(i *hookswitch.Integration) hookswitch.Key { return i.Key },
		item: func(b []byte, i *hookswitch.Integration) []byte { return appendJSON(b, h.integrationOut(i)) },
	})
}

func (h *Handler) createIntegration(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[integrationIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	var i hookswitch.Integration
	in.apply(&i)
	made, err := h.service.CreateIntegration(r.Context(), app.Key, i, idem)
	return h.writeIntegration(w, http.StatusCreated, made, err)
}

func (h *Handler) writeIntegration(w http.ResponseWriter, status int, i *hookswitch.Integration, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, status, h.integrationOut(i))
}

func (h *Handler) getIntegration(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	i, err := h.integration(r, app)
	return h.writeIntegration(w, http.StatusOK, i, err)
}

func (h *Handler) replaceIntegration(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[integrationIn](r)
	if err != nil {
		return err
	}
	i, err := h.integration(r, app)
	if err != nil {
		return err
	}
	changed, err := h.service.UpdateIntegration(r.Context(), app.Key, i.Key, func(i *hookswitch.Integration) error {
		in.apply(i)
		return nil
	})
	return h.writeIntegration(w, http.StatusOK, changed, err)
}

func (h *Handler) deleteIntegration(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	i, err := h.integration(r, app)
	if err != nil {
		return err
	}
	if err := h.service.DeleteIntegration(r.Context(), app.Key, i.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

type integrationKeyOut struct {
	Key string `json:"key"`
}

func (h *Handler) getIntegrationKey(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	i, err := h.integration(r, app)
	if err != nil {
		return err
	}
	key, err := h.service.IntegrationKey(r.Context(), app.Key, i.Key)
	return writeIntegrationKey(w, key, err)
}

func (h *Handler) rotateIntegrationKey(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	i, err := h.integration(r, app)
	if err != nil {
		return err
	}
	key, err := h.service.RotateIntegrationKey(r.Context(), app.Key, i.Key, idem)
	return writeIntegrationKey(w, key, err)
}

func writeIntegrationKey(w http.ResponseWriter, key hookswitch.Secret, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, integrationKeyOut{key.Reveal()})
}
