package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var keysRoutes = []route{
	{in: tenant, method: "GET", path: "/keys", name: "API keys", nav: &nav{"Project", "key"}, admin: true, handle: (*Pages).apiKeys, samples: []string{"/keys"}},
	{in: tenant, method: "POST", path: "/keys", name: "Create an API key", admin: true, handle: (*Pages).createKey},
	{in: tenant, method: "POST", path: "/keys/{key}/rotate", name: "Rotate an API key", under: "/keys", admin: true, handle: (*Pages).rotateKey},
	{in: tenant, method: "POST", path: "/keys/{key}/revoke", name: "Revoke an API key", under: "/keys", admin: true, handle: (*Pages).revokeKey},
}

type keysPage struct {
	*view
	Rows     []keyRow
	Blank    *ui.Blank
	Pager    ui.Pager
	Text     string // of a key that was made just now
	Name     ui.Field
	Test     ui.Field
	Scopes   []scopeRow
	Problems ui.Problems
	Overlaps []ui.Option
}

type keyRow struct {
	ID, Name, Hint string
	Path           string
	Kind           ui.Badge
	Scopes         []hookswitch.Scope
	Key            *hookswitch.APIKey
	OldUntil       time.Time
}

type scopeRow struct {
	Noun        string
	Read, Write hookswitch.Scope
	HasRead     bool
	HasWrite    bool
}

func (p *Pages) apiKeys(v *view) error { return p.showKeys(v, http.StatusOK, nil, nil, "") }

func (p *Pages) showKeys(v *view, status int, form map[string][]string, wrong map[string]string, text string) error {
	at := v.pageAt(hookswitch.KindAPIKey)
	list, err := p.svc.APIKeys(v.ctx(), v.App.Key, at)
	if err != nil {
		return err
	}
	page := &keysPage{view: v, Text: text}
	list, page.Pager = turned(v, hookswitch.KindAPIKey, list, at, func(k *hookswitch.APIKey) hookswitch.Key { return k.Key })
	for _, k := range list {
		id := v.ID(hookswitch.KindAPIKey, k.Key)
		row := keyRow{ID: id, Name: k.Name, Hint: k.Hint, Path: v.Page("keys", id), Scopes: k.Scopes, Key: k, Kind: ui.Badge{Tone: ui.Good, Word: "Live", Icon: "key"}}
		if k.Test {
			row.Kind = ui.Badge{Tone: ui.Info, Word: "Test", Icon: "play"}
		}
		if row.Name == "" {
			row.Name = "Unnamed key"
		}
		if k.OldUntil.After(v.Now) {
			row.OldUntil = k.OldUntil
		}
		page.Rows = append(page.Rows, row)
	}
	page.Pager.Shown = ui.Plural(len(list), "key")
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "No API key yet", Text: "A key lets a program act for this application: send messages, read conversations, manage senders."}
	}
	first := func(name string) string {
		if l := form[name]; len(l) > 0 {
			return l[0]
		}
		return ""
	}
	page.Name = ui.Field{ID: "name", Name: "name", Label: "Name", Value: first("name"), Problem: wrong["name"], Optional: true, Holder: "Backend, production", Hint: "For people: what the key is used for."}
	page.Test = ui.Field{ID: "test", Name: "test", Kind: "checkbox", Label: "For tests: what is sent with it is simulated, and reaches nobody", Checked: first("test") != ""}
	for _, s := range hookswitch.Scopes() {
		noun, _, _ := strings.Cut(string(s), ":")
		read, write := hookswitch.Scope(noun+":read"), hookswitch.Scope(noun+":write")
		if len(page.Scopes) == 0 || page.Scopes[len(page.Scopes)-1].Read != read {
			page.Scopes = append(page.Scopes, scopeRow{noun, read, write, slices.Contains(form["scope"], string(read)), slices.Contains(form["scope"], string(write))})
		}
	}
	page.Overlaps = options("24h", "0s", "at once", "1h", "in an hour", "24h", "in a day", "168h", "in a week")
	fieldProblems(&page.Problems, "The key was not created", wrong, &page.Name)
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/keys", "hookswitch key list --app "+v.AppID())
	return v.write(status, "dashboard/keys", page)
}

func (p *Pages) createKey(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	k := hookswitch.APIKey{Name: strings.TrimSpace(form.Get("name")), Test: form.Get("test") != ""}
	for _, s := range form["scope"] {
		k.Scopes = append(k.Scopes, hookswitch.Scope(s))
	}
	if form.Get("reach") == "some" && len(k.Scopes) == 0 {
		return p.showKeys(v, http.StatusUnprocessableEntity, form, map[string]string{"": "Choose at least one scope, or let the key be for everything."}, "")
	}
	if form.Get("reach") != "some" {
		k.Scopes = nil
	}
	_, text, err := p.svc.CreateAPIKey(v.ctx(), v.App.Key, k)
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"name": "name", "scopes": ""}) {
		return p.showKeys(v, http.StatusUnprocessableEntity, form, wrong, "")
	}
	if err != nil {
		return err
	}
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: "Created the key. Its text is shown below, this once."}
	return p.showKeys(v, http.StatusOK, nil, nil, text.Reveal())
}

func (p *Pages) rotateKey(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	overlap := service.KeyOverlap
	if s := form.Get("overlap"); s != "" {
		if overlap, err = time.ParseDuration(s); err != nil {
			return hookswitch.InvalidField("is no time", "overlap")
		}
	}
	k, text, err := p.svc.RotateAPIKey(v.ctx(), v.App.Key, v.r.PathValue("key"), overlap)
	if err != nil {
		return err
	}
	sentence := "Gave the key a new text, which is shown below, this once. The old one counts no longer."
	if overlap > 0 {
		sentence = "Gave the key a new text, which is shown below, this once. The old one counts for " + ui.Span(k.OldUntil.Sub(k.RotatedAt)) + " more."
	}
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: sentence}
	return p.showKeys(v, http.StatusOK, nil, nil, text.Reveal())
}

func (p *Pages) revokeKey(v *view) error {
	if err := p.svc.DeleteAPIKey(v.ctx(), v.App.Key, v.r.PathValue("key")); err != nil {
		return err
	}
	return v.done(v.Page("keys"), ui.Good, "Revoked the key. It opens nothing any more, and neither do sessions that were opened with it.")
}
