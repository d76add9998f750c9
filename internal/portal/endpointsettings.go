package portal

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var endpointSettingsRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/settings", name: "Settings", tab: "Settings", under: "/endpoints", handle: (*Pages).endpointSettings,
		samples: []string{"/endpoints/{endpoint}/settings", "/endpoints/{failing}/settings"}},
	{in: appPages, method: "POST", path: endpointPath + "/settings", name: "Change an endpoint", needs: hookswitch.ManageEndpoint, handle: (*Pages).saveEndpoint},
	{in: appPages, method: "POST", path: endpointPath + "/delete", name: "Delete an endpoint", needs: hookswitch.ManageEndpoint, handle: (*Pages).deleteEndpoint},
}

// endpointSettingsPage is the form with all that can be set about an endpoint.
type endpointSettingsPage struct {
	*view
	Head     endpointHead
	Problems ui.Problems
	URL      ui.Field
	Name     ui.Field
	Types    typePicker
	Tags     ui.Field
	Rate     ui.Field
	Auth     ui.Field
	User     ui.Field
	Token    ui.Field
	Headers  ui.Field
	Metadata ui.Field
	Ordered  bool
	Refused  string
	Preview  preview // what the filter would have matched
	Review   bool    // the changes are shown before they are made
	Saved    bool    // or after they were
	Changes  []service.Change
	Kept     bool   // values of headers changed: those are not undone
	Undo     []pair // the form that makes everything as it was
	Tries    []tryStep
	Timeout  string
	Confirm  ui.Field
}

// tryStep is one attempt of the schedule.
type tryStep struct{ Name, Wait, After string }

// keptValue stands for the value of a header that is not shown.
const keptValue = "••••••"

func (p *Pages) endpointSettings(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	return p.showSettings(v, http.StatusOK, e, e, settingsForm(e), nil, settingsShown{})
}

// settingsShown is what the page of the settings says about changes.
type settingsShown struct {
	review bool                 // those that the form would make
	was    *hookswitch.Endpoint // those that were made, to an endpoint that was this
}

// settingsForm is an endpoint as its form has it.
func settingsForm(e *hookswitch.Endpoint) url.Values {
	f := url.Values{"url": {e.URL}, "name": {e.Description}, "types": {"all"}, "tags": {strings.Join(e.Tags, ", ")}, "auth": {"none"}}
	if e.EventTypes != nil {
		f["types"], f["type"] = []string{"some"}, e.EventTypes
	}
	if e.ThrottleRate > 0 {
		f.Set("rate", strconv.Itoa(e.ThrottleRate))
	}
	if e.Ordered {
		f.Set("ordered", "on")
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		value := e.Headers[name]
		switch {
		case strings.EqualFold(name, "Authorization"):
			f.Set("auth", "keep")
			continue
		case hookswitch.SensitiveHeader(name):
			value = keptValue
		}
		lines = append(lines, name+": "+value)
	}
	f.Set("headers", strings.Join(lines, "\n"))
	lines = nil
	for _, name := range slices.Sorted(maps.Keys(e.Metadata)) {
		lines = append(lines, name+" = "+e.Metadata[name])
	}
	f.Set("metadata", strings.Join(lines, "\n"))
	return f
}

// showSettings shows the form. have is the endpoint as it is, and next as the form would make it.
func (p *Pages) showSettings(v *view, status int, have, next *hookswitch.Endpoint, form url.Values, wrong map[string]string, shown settingsShown) error {
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), have)
	if err != nil {
		return err
	}
	page := &endpointSettingsPage{view: v, Head: v.endpointHead(h), Refused: v.MayNot("endpoints.write"), Ordered: form.Get("ordered") != "", Review: shown.review, Saved: shown.was != nil}
	page.Head.Tabs, v.Shell.Title = currentTab(page.Head.Tabs, "Settings"), "Settings · "+page.Head.Name
	field := func(id, label, hint string) ui.Field {
		return ui.Field{ID: id, Name: id, Label: label, Hint: hint, Value: form.Get(id), Problem: wrong[id]}
	}
	page.URL = field("url", "Address", "An https address of your server.")
	page.URL.Kind, page.URL.Required, page.URL.Mono, page.URL.Autocomplete = "url", true, true, "off"
	page.URL.Attrs = map[string]string{"hx-post": v.Page("endpoints", "check"), "hx-trigger": "change", "hx-target": "#url-check", "hx-include": "this"}
	page.Name = field("name", "Name", "What you call it, in lists and notes.")
	page.Name.Optional = true
	page.Tags = field("tags", "Tags", tagsHint)
	page.Rate = field("rate", "At most so many a second", "Others wait for their turn.")
	page.Rate.Kind, page.Rate.Holder = "number", "no limit"
	page.Auth = field("auth", "Authentication", "")
	page.Auth.Kind = "select"
	choices := []string{"none", "None: the signature is enough", "basic", "User and password (Basic)", "bearer", "Token (Bearer)"}
	if settingsForm(have).Get("auth") == "keep" {
		choices = append([]string{"keep", "As it is; the value is not shown"}, choices...)
	}
	page.Auth.Options = options(form.Get("auth"), choices...)
	page.User = field("user", "User", "With Basic only.")
	page.Token = field("token", "Password or token", "Only when you change it. It is kept encrypted and never shown again.")
	page.Token.Kind, page.Token.Autocomplete, page.Token.Value = "password", "new-password", ""
	page.Headers = field("headers", "Headers of your own", "One on each line: a name, a colon, a value. "+keptValue+" keeps a value that is not shown.")
	page.Headers.Kind, page.Headers.Mono = "textarea", true
	page.Metadata = field("metadata", "Metadata", "For you and your programs: one on each line, a name, an equals sign, a value.")
	page.Metadata.Kind, page.Metadata.Mono, page.Metadata.Optional = "textarea", true, true
	for _, f := range []*ui.Field{&page.URL, &page.Name, &page.Tags, &page.Rate, &page.Auth, &page.User, &page.Token, &page.Headers, &page.Metadata} {
		if f.Problem != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: f.ID, Text: f.Label + " " + f.Problem})
			f.Problem = f.Label + " " + f.Problem + "."
		}
		f.Refused = page.Refused
	}
	if page.Types, err = p.typePicker(v, form, page.Refused); err != nil {
		return err
	}
	page.Types.problems(&page.Problems, wrong)
	page.Problems.Title = "Nothing was changed: " + ui.Plural(len(page.Problems.List), "thing has", "things have") + " to be put right"
	switch {
	case page.Saved:
		page.undo(shown.was, have)
	case page.Review:
		page.Changes = service.EndpointChanges(have, next)
	}
	if page.Preview, err = p.preview(v, form); err != nil {
		return err
	}
	page.schedule(p.svc.Profile(have.Profile), next.Ordered)
	page.Confirm = ui.Field{ID: "confirm", Name: "confirm", Label: "Type " + page.Head.Name + " to delete it", Autocomplete: "off", Problem: wrong["confirm"], Refused: page.Refused, Required: true}
	v.api(http.MethodPatch, "/app/"+v.AppID()+"/endpoint/"+page.Head.ID, "hookswitch endpoint set --app "+v.AppID()+" "+page.Head.ID)
	return v.write(status, "app/endpoint-settings", page)
}

// undo says what was changed, and makes the form that changes it back. Values that are not shown are not in it, and stay as they are.
func (page *endpointSettingsPage) undo(was, is *hookswitch.Endpoint) {
	page.Changes = service.EndpointChanges(was, is)
	form := settingsForm(was)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			page.Undo = append(page.Undo, pair{Name: name, Value: value})
		}
	}
	for name, value := range was.Headers {
		page.Kept = page.Kept || hookswitch.SensitiveHeader(name) && is.Headers[name] != value
	}
}

func previewWords(m service.MatchPreview) string {
	switch {
	case m.All == 0:
		return "Nothing was published in the last 24 hours, so there is nothing to compare with."
	case m.Bounded:
		return "Of the newest " + ui.Count(m.All) + " events, " + ui.Count(m.Matched) + " match."
	}
	return "It would have matched " + ui.Count(m.Matched) + " of the " + ui.Plural(m.All, "event") + " of the last 24 hours."
}

// schedule spells out when attempts are made.
func (page *endpointSettingsPage) schedule(profile hookswitch.Profile, ordered bool) {
	page.Timeout = ui.Span(profile.Timeout)
	var sum time.Duration
	page.Tries = []tryStep{{"1st", "at once", "–"}}
	for i, w := range profile.Waits {
		sum += w
		page.Tries = append(page.Tries, tryStep{ordinal(i + 2), ui.Span(w) + " later", ui.Span(sum)})
	}
	if ordered && len(profile.Waits) > 0 {
		page.Tries = append(page.Tries, tryStep{"then", "every " + ui.Span(profile.Waits[len(profile.Waits)-1]), "until it gets through"})
	}
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return strconv.Itoa(n) + "th"
}

// untouched reports whether what came back in a field is what was shown in it. Browsers leave the ends of lines out of fields of one line, and write them in their own way in others.
func untouched(typed, shown string, lines bool) bool {
	end := ""
	if lines {
		end = "\n"
	}
	plain := strings.NewReplacer("\r\n", end, "\r", end, "\n", end)
	return strings.TrimSpace(plain.Replace(typed)) == strings.TrimSpace(plain.Replace(shown))
}

// applySettings makes of an endpoint what the form says. What nobody has touched stays as it is, also where a line cannot hold it: programs give names and metadata of several lines.
func applySettings(form url.Values, e *hookswitch.Endpoint, wrong map[string]string) {
	f := maps.Clone(form)
	if form.Get("auth") == "keep" || form.Get("auth") == "none" {
		f["auth"] = nil
	}
	next := endpointOf(f, wrong)
	for name, value := range next.Headers {
		if value == keptValue {
			if delete(next.Headers, name); e.Headers[name] != "" {
				next.Headers[name] = e.Headers[name]
			}
		}
	}
	if form.Get("auth") == "keep" {
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Authorization") {
				next.Headers[name] = value
			}
		}
	}
	metadata, keepMetadata := make(map[string]string), untouched(form.Get("metadata"), settingsForm(e).Get("metadata"), true)
	for line := range strings.Lines(form.Get("metadata")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok && !keepMetadata {
			wrong["metadata"] = "must have an equals sign between name and value on each line"
		}
		if !ok {
			continue
		}
		metadata[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if len(metadata) == 0 {
		metadata = nil
	}
	if keepMetadata {
		metadata = e.Metadata
	}
	if untouched(form.Get("name"), e.Description, false) {
		next.Description = e.Description
	}
	e.URL, e.Description, e.EventTypes, e.Tags = next.URL, next.Description, next.EventTypes, next.Tags
	e.ThrottleRate, e.Ordered, e.Headers, e.Metadata = next.ThrottleRate, next.Ordered, next.Headers, metadata
}

// saveEndpoint changes an endpoint, or shows what would change.
func (p *Pages) saveEndpoint(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	wrong := make(map[string]string)
	if err := p.expandTypes(v, form, wrong); err != nil {
		return err
	}
	next := *e
	applySettings(form, &next, wrong)
	if len(wrong) == 0 {
		if err := next.Validate(); !noteFields(err, wrong, settingsFields) && err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return p.showSettings(v, http.StatusUnprocessableEntity, e, e, form, wrong, settingsShown{})
	}
	changes := service.EndpointChanges(e, &next)
	if form.Get("do") == "review" {
		return p.showSettings(v, http.StatusOK, e, &next, form, nil, settingsShown{review: true})
	}
	now, err := p.svc.UpdateEndpoint(v.ctx(), v.App.Key, e.Key, func(e *hookswitch.Endpoint) error {
		applySettings(form, e, wrong)
		return nil
	})
	if noteFields(err, wrong, settingsFields) {
		return p.showSettings(v, http.StatusUnprocessableEntity, e, e, form, wrong, settingsShown{})
	}
	if err != nil {
		return err
	}
	back := v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "settings")
	if len(changes) == 0 {
		return v.done(back, ui.Info, "Nothing was changed.")
	}
	var said []string
	for _, c := range changes {
		said = append(said, c.Field)
	}
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: "Saved: " + strings.Join(said, ", ") + ". It counts from now on.", LinkName: "Who changed what", LinkURL: v.Page("activity")}
	return p.showSettings(v, http.StatusOK, now, now, settingsForm(now), nil, settingsShown{was: e})
}

var settingsFields = map[string]string{"url": "url", "description": "name", "eventTypes": "types", "filterTypes": "types", "channels": "tags", "throttleRate": "rate", "headers": "headers", "metadata": "metadata"}

func (p *Pages) deleteEndpoint(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	name := endpointName(e)
	if strings.TrimSpace(form.Get("confirm")) != name {
		return p.showSettings(v, http.StatusUnprocessableEntity, e, e, settingsForm(e), map[string]string{"confirm": "That is not its name. Nothing was deleted."}, settingsShown{})
	}
	if err := p.svc.DeleteEndpoint(v.ctx(), v.App.Key, e.Key); err != nil {
		return err
	}
	return v.done(v.Page("endpoints"), ui.Good, "Deleted "+name+". Nothing is sent there any more.")
}
