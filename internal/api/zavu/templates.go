package zavu

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

func (h *handler) templateRoutes() []route {
	return []route{
		{"POST", "/templates", "create a template", hookswitch.ScopeTemplatesWrite, h.createTemplate},
		{"GET", "/templates", "list templates", hookswitch.ScopeTemplatesRead, h.listTemplates},
		{"POST", "/templates/sync", "make templates what the provider has", hookswitch.ScopeTemplatesWrite, h.syncTemplates},
		{"GET", "/templates/{template}", "get a template", hookswitch.ScopeTemplatesRead, h.getTemplate},
		{"DELETE", "/templates/{template}", "delete a template", hookswitch.ScopeTemplatesWrite, h.deleteTemplate},
		{"POST", "/templates/{template}/submit", "submit a template for approval", hookswitch.ScopeTemplatesWrite, h.submitTemplate},
	}
}

type templateIn struct {
	Name                      string                      `json:"name"`
	Language                  string                      `json:"language"`
	Body                      string                      `json:"body"`
	Category                  hookswitch.TemplateCategory `json:"whatsappCategory"`
	Variables                 []string                    `json:"variables"`
	Buttons                   []hookswitch.TemplateButton `json:"buttons"`
	Footer                    string                      `json:"footer"`
	HeaderType                string                      `json:"headerType"`
	HeaderContent             string                      `json:"headerContent"`
	SMSBody                   string                      `json:"smsBody"`
	TelegramBody              string                      `json:"telegramBody"`
	InstagramBody             string                      `json:"instagramBody"`
	AddSecurityRecommendation bool                        `json:"addSecurityRecommendation"`
	CodeExpirationMinutes     *int                        `json:"codeExpirationMinutes"`
}

func (in *templateIn) template() hookswitch.Template {
	t := hookswitch.Template{Name: in.Name, Language: in.Language, Body: in.Body, Category: in.Category, Variables: in.Variables, Buttons: in.Buttons, Footer: in.Footer,
		HeaderType: in.HeaderType, HeaderContent: in.HeaderContent, SMSBody: in.SMSBody, TelegramBody: in.TelegramBody, InstagramBody: in.InstagramBody,
		AddSecurityRecommendation: in.AddSecurityRecommendation}
	if m := in.CodeExpirationMinutes; m != nil {
		if t.CodeExpirationMinutes = *m; *m == 0 {
			t.CodeExpirationMinutes = -1 // said, and out of range: only what is not said is nothing
		}
	}
	return t
}

type templateOut struct {
	ID                        string                      `json:"id"`
	Name                      string                      `json:"name"`
	Language                  string                      `json:"language"`
	Body                      string                      `json:"body"`
	Category                  string                      `json:"category"`
	Status                    string                      `json:"status"`
	Variables                 []string                    `json:"variables"`
	Buttons                   []hookswitch.TemplateButton `json:"buttons"`
	Footer                    string                      `json:"footer,omitempty"`
	HeaderType                string                      `json:"headerType,omitempty"`
	HeaderContent             string                      `json:"headerContent,omitempty"`
	SMSBody                   string                      `json:"smsBody,omitempty"`
	TelegramBody              string                      `json:"telegramBody,omitempty"`
	InstagramBody             string                      `json:"instagramBody,omitempty"`
	AddSecurityRecommendation bool                        `json:"addSecurityRecommendation,omitempty"`
	CodeExpirationMinutes     int                         `json:"codeExpirationMinutes,omitempty"`
	RejectionReason           string                      `json:"rejectionReason,omitempty"`
	WhatsApp                  *templateWhatsAppOut        `json:"whatsapp,omitempty"`
	CreatedAt                 httpapi.MilliTime           `json:"createdAt"`
	UpdatedAt                 httpapi.MilliTime           `json:"updatedAt"`
}

// templateWhatsAppOut is what WhatsApp has of a template; it is there from the submission on.
type templateWhatsAppOut struct {
	TemplateName string `json:"templateName,omitempty"`
	Namespace    string `json:"namespace,omitempty"`
	Status       string `json:"status,omitempty"`
}

func (h *handler) newTemplate(t *hookswitch.Template) templateOut {
	out := templateOut{
		ID: h.id(hookswitch.KindTemplate, t.Key), Name: t.Name, Language: t.Language, Body: t.Body, Category: string(t.Category), Status: string(t.Status), Variables: t.Variables, Buttons: t.Buttons,
		Footer: t.Footer, HeaderType: t.HeaderType, HeaderContent: t.HeaderContent, SMSBody: t.SMSBody, TelegramBody: t.TelegramBody, InstagramBody: t.InstagramBody,
		AddSecurityRecommendation: t.AddSecurityRecommendation, CodeExpirationMinutes: t.CodeExpirationMinutes, RejectionReason: t.RejectionReason,
		CreatedAt: httpapi.MilliTime(t.CreatedAt), UpdatedAt: httpapi.MilliTime(t.UpdatedAt),
	}
	if out.Variables == nil {
		out.Variables = []string{}
	}
	if out.Buttons == nil {
		out.Buttons = []hookswitch.TemplateButton{}
	}
	if t.Status != hookswitch.TemplateDraft {
		w := templateWhatsAppOut{TemplateName: t.Provider.Name, Namespace: t.Provider.Namespace, Status: t.Provider.Status}
		if w.TemplateName == "" {
			w.TemplateName = t.Name
		}
		if w.Status == "" {
			w.Status = "PENDING"
		}
		out.WhatsApp = &w
	}
	return out
}

func (h *handler) createTemplate(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[templateIn](r)
	if err != nil {
		return err
	}
	idem, err := h.repeat(r)
	if err != nil {
		return err
	}
	t, err := h.service.CreateTemplate(r.Context(), callerOf(r).App, in.template(), idem)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newTemplate(t))
}

func (h *handler) listTemplates(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.oldestFirst(q)
	status := q.OneOf("status", "", string(hookswitch.TemplateDraft), string(hookswitch.TemplatePending), string(hookswitch.TemplateApproved), string(hookswitch.TemplateRejected))
	if err := q.Err(); err != nil {
		return err
	}
	list, err := h.service.Templates(r.Context(), callerOf(r).App, hookswitch.TemplateStatus(status), p.page())
	if err != nil {
		return err
	}
	return writeList(w, p, list, func(t *hookswitch.Template) hookswitch.Key { return t.Key }, h.newTemplate)
}

func (h *handler) getTemplate(w http.ResponseWriter, r *http.Request) error {
	t, err := h.service.Template(r.Context(), callerOf(r).App, r.PathValue("template"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newTemplate(t))
}

func (h *handler) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.DeleteTemplate(r.Context(), callerOf(r).App, r.PathValue("template")); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

type submitIn struct {
	SenderID string                      `json:"senderId"`
	Category hookswitch.TemplateCategory `json:"category"`
}

func (h *handler) submitTemplate(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[submitIn](r)
	if err != nil {
		return err
	}
	t, err := h.service.SubmitTemplate(r.Context(), callerOf(r).App, r.PathValue("template"), in.SenderID, in.Category)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newTemplate(t))
}

type syncIn struct {
	SenderID string `json:"senderId"`
}

type syncOut struct {
	AccountsSynced int      `json:"accountsSynced"`
	Imported       int      `json:"imported"`
	Linked         int      `json:"linked"`
	Updated        int      `json:"updated"`
	Skipped        int      `json:"skipped"`
	Errors         []string `json:"errors"`
}

func (h *handler) syncTemplates(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[syncIn](r)
	if err != nil {
		return err
	}
	res, err := h.service.SyncTemplates(r.Context(), callerOf(r).App, in.SenderID)
	if err != nil {
		return err
	}
	out := syncOut{res.Accounts, res.Imported, res.Linked, res.Updated, res.Skipped, res.Errors}
	if out.Errors == nil {
		out.Errors = []string{}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
