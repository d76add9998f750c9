package zavu

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

func (h *handler) meRoutes() []route {
	return []route{
		{"GET", "/me", "tell whose key it is", anyScope, h.getMe},
	}
}

type meOut struct {
	APIKey     refOut     `json:"apiKey"`
	IsTestMode bool       `json:"isTestMode"`
	Project    projectOut `json:"project"`
	Team       teamOut    `json:"team"`
}

type refOut struct {
	ID string `json:"id"`
}

type projectOut struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	IsSubAccount bool   `json:"isSubAccount"`
}

type teamOut struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *handler) getMe(w http.ResponseWriter, r *http.Request) error {
	c := callerOf(r)
	app, err := h.service.AppByKey(r.Context(), c.App)
	if err != nil {
		return err
	}
	team, err := h.service.Organization(r.Context())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, meOut{
		APIKey:     refOut{h.id(hookswitch.KindAPIKey, c.Key)},
		IsTestMode: c.Test,
		Project:    projectOut{ID: h.id(hookswitch.KindProject, app.Key), Name: app.Name},
		Team:       teamOut{h.id(hookswitch.KindOrganization, team.Key), team.Name},
	})
}
