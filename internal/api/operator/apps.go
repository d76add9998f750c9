package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type appOut struct {
	ID           string            `json:"id"`
	ProjectID    string            `json:"projectId"` // what the Zavu-shaped API calls the app
	UID          *string           `json:"uid"`
	Name         string            `json:"name"`
	BotName      *string           `json:"botName"`
	BotRef       *string           `json:"botRef"`
	CompanyID    *string           `json:"companyId"`
	ThrottleRate *int              `json:"throttleRate"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    httpapi.MilliTime `json:"createdAt"`
	UpdatedAt    httpapi.MilliTime `json:"updatedAt"`
}

func (h *handler) newApp(a *hookswitch.App) appOut {
	out := appOut{
		ID: h.id(hookswitch.KindApp, a.Key), ProjectID: h.id(hookswitch.KindProject, a.Key), UID: httpapi.OrNull(a.UID), Name: a.Name,
		BotName: httpapi.OrNull(a.BotName), BotRef: httpapi.OrNull(a.BotRef), CompanyID: httpapi.OrNull(a.CompanyID), ThrottleRate: httpapi.OrNull(a.ThrottleRate), Metadata: a.Metadata,
		CreatedAt: httpapi.MilliTime(a.CreatedAt), UpdatedAt: httpapi.MilliTime(a.UpdatedAt),
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

// appIn are the fields of an app that can be set. An absent one stays as it is, null clears it.
type appIn struct {
	Name         httpapi.Optional[string]        `json:"name"`
	UID          httpapi.Optional[string]        `json:"uid"`
	BotName      httpapi.Optional[string]        `json:"botName"`
	BotRef       httpapi.Optional[string]        `json:"botRef"`
	CompanyID    httpapi.Optional[string]        `json:"companyId"`
	ThrottleRate httpapi.Optional[int]           `json:"throttleRate"`
	Metadata     httpapi.Optional[httpapi.Texts] `json:"metadata"`
}

func (in *appIn) apply(a *hookswitch.App) {
	a.Name, a.UID = in.Name.Or(a.Name), in.UID.Or(a.UID)
	a.BotName, a.BotRef, a.CompanyID = in.BotName.Or(a.BotName), in.BotRef.Or(a.BotRef), in.CompanyID.Or(a.CompanyID)
	a.ThrottleRate, a.Metadata = in.ThrottleRate.Or(a.ThrottleRate), in.Metadata.Or(a.Metadata)
}

func (h *handler) listApps(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	if err := q.Err(); err != nil {
		return err
	}
	apps, err := h.service.Apps(r.Context(), p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, apps, func(a *hookswitch.App) hookswitch.Key { return a.Key }, h.newApp))
}

func (h *handler) createApp(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[appIn](r)
	if err != nil {
		return err
	}
	var a hookswitch.App
	in.apply(&a)
	made, err := h.service.CreateApp(r.Context(), a, service.Idempotency{})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newApp(made))
}

func (h *handler) getApp(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newApp(a))
}

func (h *handler) updateApp(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[appIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	a, err = h.service.UpdateApp(r.Context(), a.Key, func(a *hookswitch.App) error {
		in.apply(a)
		return nil
	})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newApp(a))
}

func (h *handler) deleteApp(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteApp(r.Context(), a.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// setResponder answers with the sender that the responder belongs to.
func (h *handler) setResponder(w http.ResponseWriter, r *http.Request) error {
	cfg, err := httpapi.Decode[hookswitch.ResponderConfig](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	s, err := h.service.SetResponder(r.Context(), a.Key, cfg)
	if err != nil {
		return err
	}
	hook, err := h.webhook(r.Context(), s)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newSender(s, hook))
}
