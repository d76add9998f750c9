package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type templateOut struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Language        string            `json:"language"`
	Category        string            `json:"category"`
	Status          string            `json:"status"`
	Body            string            `json:"body"`
	SenderID        *string           `json:"senderId"` // that it was submitted with
	Account         *string           `json:"account"`  // the provider's, which decides on it; null: the operator does
	ProviderID      *string           `json:"providerId"`
	ProviderName    *string           `json:"providerName"`
	ProviderStatus  *string           `json:"providerStatus"`
	RejectionReason *string           `json:"rejectionReason"`
	CreatedAt       httpapi.MilliTime `json:"createdAt"`
	UpdatedAt       httpapi.MilliTime `json:"updatedAt"`
}

func (h *handler) newTemplate(t *hookswitch.Template) templateOut {
	return templateOut{ID: h.id(hookswitch.KindTemplate, t.Key), Name: t.Name, Language: t.Language, Category: string(t.Category), Status: string(t.Status), Body: t.Body,
		SenderID: httpapi.OrNull(h.id(hookswitch.KindSender, t.Sender)), Account: httpapi.OrNull(t.Provider.Account), ProviderID: httpapi.OrNull(t.Provider.ID),
		ProviderName: httpapi.OrNull(t.Provider.Name), ProviderStatus: httpapi.OrNull(t.Provider.Status), RejectionReason: httpapi.OrNull(t.RejectionReason),
		CreatedAt: httpapi.MilliTime(t.CreatedAt), UpdatedAt: httpapi.MilliTime(t.UpdatedAt)}
}

func (h *handler) listTemplates(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	status := q.OneOf("status", "", string(hookswitch.TemplateDraft), string(hookswitch.TemplatePending), string(hookswitch.TemplateApproved), string(hookswitch.TemplateRejected))
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	list, err := h.service.Templates(r.Context(), a.Key, hookswitch.TemplateStatus(status), p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(t *hookswitch.Template) hookswitch.Key { return t.Key }, h.newTemplate))
}

// aboutTemplate answers with the template that the path names, after do.
func (h *handler) aboutTemplate(w http.ResponseWriter, r *http.Request, do func(app hookswitch.Key, id string) (*hookswitch.Template, error)) error {
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	t, err := do(a.Key, r.PathValue("template"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newTemplate(t))
}

func (h *handler) getTemplate(w http.ResponseWriter, r *http.Request) error {
	return h.aboutTemplate(w, r, func(app hookswitch.Key, id string) (*hookswitch.Template, error) {
		return h.service.Template(r.Context(), app, id)
	})
}

type templateDecisionIn struct {
	ProviderName string `json:"providerName"` // with an approval: what the provider knows it as, where that is another name
	Reason       string `json:"reason"`       // with a rejection
}

func (h *handler) approveTemplate(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[templateDecisionIn](r)
	if err != nil {
		return err
	}
	return h.aboutTemplate(w, r, func(app hookswitch.Key, id string) (*hookswitch.Template, error) {
		return h.service.ApproveTemplate(r.Context(), app, id, in.ProviderName)
	})
}

func (h *handler) rejectTemplate(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[templateDecisionIn](r)
	if err != nil {
		return err
	}
	return h.aboutTemplate(w, r, func(app hookswitch.Key, id string) (*hookswitch.Template, error) {
		return h.service.RejectTemplate(r.Context(), app, id, in.Reason)
	})
}
