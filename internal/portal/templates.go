package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

var templatesRoutes = []route{
	{in: tenant, method: "GET", path: "/templates", name: "Templates", nav: &nav{"Messaging", "copy"}, handle: (*Pages).messageTemplates, samples: []string{"/templates", "/templates?status=rejected"}},
	{in: tenant, method: "GET", path: "/templates/{template}", name: "Template", under: "/templates", handle: (*Pages).messageTemplate, samples: []string{"/templates/{template}"}},
	{in: tenant, method: "POST", path: "/templates/{template}/decide", name: "Decide on a template", under: "/templates", admin: true, handle: (*Pages).decideTemplate},
	{in: tenant, method: "POST", path: "/templates/{template}/delete", name: "Delete the template", under: "/templates", handle: (*Pages).deleteTemplate},
}

type templatesPage struct {
	*view
	Tabs  []ui.Tab
	Rows  []templateRow
	Blank *ui.Blank
	Pager ui.Pager
}

type templateRow struct {
	Page, Name, Language, Category, Body string
	Status                               ui.Badge
	Why                                  string
	At                                   time.Time
}

func (v *view) templateRow(t *hookswitch.Template) templateRow {
	row := templateRow{Page: v.Page("templates", v.ID(hookswitch.KindTemplate, t.Key)), Name: t.Name, Language: t.Language, Category: strings.ToLower(string(t.Category)), Body: excerpt(t.Body, 90), Why: t.RejectionReason, At: t.UpdatedAt}
	switch t.Status {
	case hookswitch.TemplateApproved:
		row.Status = ui.Badge{Tone: ui.Good, Word: "Approved"}
	case hookswitch.TemplateRejected:
		row.Status = ui.Badge{Tone: ui.Bad, Word: "Rejected"}
	case hookswitch.TemplatePending:
		row.Status = ui.Badge{Tone: ui.Warn, Word: "Waits for a decision", Icon: "clock"}
	default:
		row.Status = ui.Badge{Tone: ui.Idle, Word: "Draft", Icon: "edit"}
	}
	return row
}

func (p *Pages) messageTemplates(v *view) error {
	wanted := hookswitch.TemplateStatus(v.query("status"))
	switch wanted {
	case "", hookswitch.TemplateDraft, hookswitch.TemplatePending, hookswitch.TemplateApproved, hookswitch.TemplateRejected:
	default:
		return hookswitch.InvalidField("is no status of a template", "status")
	}
	at := v.pageAt(hookswitch.KindTemplate)
	list, err := p.svc.Templates(v.ctx(), v.App.Key, wanted, at)
	if err != nil {
		return err
	}
	page := &templatesPage{view: v}
	list, page.Pager = turned(v, hookswitch.KindTemplate, list, at, func(t *hookswitch.Template) hookswitch.Key { return t.Key })
	for _, t := range list {
		page.Rows = append(page.Rows, v.templateRow(t))
	}
	page.Pager.Shown = ui.Plural(len(list), "template")
	for _, tab := range []struct {
		name   string
		status hookswitch.TemplateStatus
	}{{"All", ""}, {"To decide", hookswitch.TemplatePending}, {"Approved", hookswitch.TemplateApproved}, {"Rejected", hookswitch.TemplateRejected}, {"Drafts", hookswitch.TemplateDraft}} {
		page.Tabs = append(page.Tabs, ui.Tab{Name: tab.name, URL: v.Link("status", string(tab.status), "before", "", "after", ""), Current: tab.status == wanted})
	}
	switch {
	case len(list) > 0:
	case wanted != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "None here", Links: []ui.Action{{Name: "All templates", URL: v.Page("templates")}}}
	default:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No template yet", Text: "A template is a text with blanks that is written once and sent often. On WhatsApp it is all that reaches a person who has been silent for a day. Programs make them with POST /v1/templates."}
	}
	v.call(http.MethodGet, "/operator/v1/templates?app="+v.AppID(), "hookswitch template list --app "+v.AppID())
	return v.show("dashboard/templates", page)
}

type templatePage struct {
	*view
	Row      templateRow
	Template *hookswitch.Template
	Path     string
	Sender   string
	Pending  bool
	NoDecide string // why nothing can be decided
	Texts    []pair // of single channels
	Refused  string
}

func (p *Pages) messageTemplate(v *view) error {
	t, err := p.svc.Template(v.ctx(), v.App.Key, v.r.PathValue("template"))
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindTemplate, t.Key)
	page := &templatePage{view: v, Row: v.templateRow(t), Template: t, Path: v.Page("templates", id), Pending: t.Status == hookswitch.TemplatePending, Refused: v.refusedAdmin()}
	v.Shell.Title, v.Shell.Trail = t.Name, []ui.Link{{Name: "Templates", URL: v.Page("templates")}}
	if t.Provider.Account != "" {
		page.NoDecide = "The provider decides on it: its account " + t.Provider.Account + " has the template."
	}
	if t.Sender != 0 {
		if s, err := p.svc.Sender(v.ctx(), v.App.Key, v.ID(hookswitch.KindSender, t.Sender)); err == nil {
			page.Sender = s.Name
		}
	}
	for _, one := range []pair{{"SMS", t.SMSBody}, {"Telegram", t.TelegramBody}, {"Instagram", t.InstagramBody}} {
		if one.Value != "" {
			page.Texts = append(page.Texts, one)
		}
	}
	v.call(http.MethodGet, "/operator/v1/templates/"+id+"?app="+v.AppID(), "hookswitch template get "+id+" --app "+v.AppID())
	return v.show("dashboard/template", page)
}

func (p *Pages) decideTemplate(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id, text := v.r.PathValue("template"), ""
	var t *hookswitch.Template
	switch form.Get("do") {
	case "approve":
		t, err = p.svc.ApproveTemplate(v.ctx(), v.App.Key, id, strings.TrimSpace(form.Get("name")))
		text = "Approved"
	case "reject":
		t, err = p.svc.RejectTemplate(v.ctx(), v.App.Key, id, strings.TrimSpace(form.Get("reason")))
		text = "Rejected"
	default:
		return hookswitch.InvalidField("must be approve or reject", "do")
	}
	if err != nil {
		return v.refusedBy(err, v.Page("templates", id))
	}
	return v.done(v.Page("templates", id), ui.Good, text+" "+t.Name+". Webhooks that asked for it are told.")
}

// refusedBy leads back to a page with what the service has against a form that has no fields of its own there.
func (v *view) refusedBy(err error, back string) error {
	wrong := make(map[string]string)
	if !noteFields(err, wrong, nil) {
		return err
	}
	return v.done(back, ui.Bad, sentence("", err.Error()))
}

func (p *Pages) deleteTemplate(v *view) error {
	if err := p.svc.DeleteTemplate(v.ctx(), v.App.Key, v.r.PathValue("template")); err != nil {
		return err
	}
	return v.done(v.Page("templates"), ui.Good, "Deleted the template. What a provider has of it stays there.")
}
