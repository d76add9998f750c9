package portal

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var projectWebhookRoutes = []route{
	{in: tenant, method: "GET", path: "/webhook", name: "Project webhook", nav: &nav{"Project", "endpoint"}, handle: (*Pages).projectWebhook},
	{in: tenant, method: "POST", path: "/webhook", name: "Change the project's webhook", handle: (*Pages).changeProjectWebhook},
}

type projectWebhookPage struct {
	*view
	Hook     *hookCard
	Problems ui.Problems
}

func (p *Pages) projectWebhook(v *view) error {
	page, err := p.projectWebhookPage(v)
	if err != nil {
		return err
	}
	return v.show("dashboard/project-webhook", page)
}

func (p *Pages) projectWebhookPage(v *view) (*projectWebhookPage, error) {
	hook, err := p.svc.ProjectWebhook(v.ctx(), v.App.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		hook, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	page := &projectWebhookPage{view: v, Hook: p.newHookCard(v, hook, hookswitch.ProjectEvents, v.Page("webhook"), "project")}
	page.Hook.Version = ui.Field{}
	return page, nil
}

func (p *Pages) changeProjectWebhook(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	yes, no := true, false
	back := v.Page("webhook")
	have, err := p.svc.ProjectWebhook(v.ctx(), v.App.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		have, err = nil, nil
	}
	if err != nil {
		return err
	}
	address, events := strings.TrimSpace(form.Get("url")), append([]string{}, form["event"]...)
	var secret hookswitch.Secret
	sentence := ""
	switch do := form.Get("do"); {
	case do == "regenerate" && have != nil:
		_, secret, err = p.svc.SetProjectWebhook(v.ctx(), v.App.Key, have.URL, have.EventTypes)
		sentence = "Made a new secret. The old one signs nothing any more."
	case do == "save" && have == nil:
		_, secret, err = p.svc.SetProjectWebhook(v.ctx(), v.App.Key, address, events)
		sentence = "Created the webhook."
	case do == "save":
		_, err = p.svc.UpdateProjectWebhook(v.ctx(), v.App.Key, service.ProjectWebhookChange{URL: &address, Events: events})
		sentence = "Saved the webhook. Its secret stays."
	case do == "pause":
		_, err = p.svc.UpdateProjectWebhook(v.ctx(), v.App.Key, service.ProjectWebhookChange{Active: &no})
		sentence = "Paused the webhook. What was still owed to it has ended, and what happens meanwhile is not kept for it."
	case do == "resume":
		_, err = p.svc.UpdateProjectWebhook(v.ctx(), v.App.Key, service.ProjectWebhookChange{Active: &yes})
		sentence = "Resumed the webhook. The next event goes there."
	case do == "remove":
		err, sentence = p.svc.DeleteProjectWebhook(v.ctx(), v.App.Key), "Removed the webhook and its secret."
	default:
		return hookswitch.InvalidField("is none of the things that can be done to a webhook", "do")
	}
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"url": "url", "events": "events"}) {
		page, err := p.projectWebhookPage(v)
		if err != nil {
			return err
		}
		page.Hook.refill(form, wrong, &page.Problems)
		return v.write(http.StatusUnprocessableEntity, "dashboard/project-webhook", page)
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return v.done(back, ui.Good, sentence)
	}
	page, err := p.projectWebhookPage(v)
	if err != nil {
		return err
	}
	page.Hook.Secret = secret.Reveal()
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: sentence + " Its secret is shown below, this once."}
	return v.show("dashboard/project-webhook", page)
}
