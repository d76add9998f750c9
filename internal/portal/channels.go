package portal

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var channelsRoutes = []route{
	{in: tenant, method: "GET", path: "/senders/{sender}/channels/new", name: "Add a channel", under: "/senders", admin: true, handle: (*Pages).newChannel,
		samples: []string{"/senders/{baresender}/channels/new", "/senders/{baresender}/channels/new?over=whatsapp.meta", "/senders/{baresender}/channels/new?over=web_chat.webchat", "/senders/{sender}/channels/new?over=email.sendgrid"}},
	{in: tenant, method: "POST", path: "/senders/{sender}/channels/new", name: "Add a channel", under: "/senders", admin: true, handle: (*Pages).addChannel},
	{in: tenant, method: "GET", path: "/senders/{sender}/channels/{route}", name: "Channel", under: "/senders", admin: true, handle: (*Pages).channel,
		samples: []string{"/senders/{sender}/channels/{route}", "/senders/{ussd}/channels/{ussdroute}"}},
	{in: tenant, method: "POST", path: "/senders/{sender}/channels/{route}", name: "Change the channel", under: "/senders", admin: true, handle: (*Pages).changeChannel},
}

// providerNames are the names of providers as people write them.
var providerNames = map[string]string{"meta": "Meta", "twilio": "Twilio", "telegram": "Telegram", "africastalking": "Africa's Talking", "x": "X", "webchat": "this server's own widget", "postmark": "Postmark",
	"sendgrid": "SendGrid", "mailgun": "Mailgun", "resend": "Resend", "api": "the API"}

func providerName(name string) string { return cmp.Or(providerNames[name], name) }

// channelPage is one channel of a sender with what its provider wants to know, or the form of a new one.
type channelPage struct {
	*view
	New      bool
	Sender   *hookswitch.Sender
	ID       string // of the sender
	Path     string
	Choices  []channelChoice
	Info     *service.ProviderInfo
	Channel  string
	Provider string
	Over     string
	Card     *channelCard
	Groups   []credentialGroup
	Rate     ui.Field
	Problems ui.Problems
	Made     []madeCredential // shown this once
	Check    []checkRow
}

type channelChoice struct {
	Channel string
	Links   []ui.Tab
}

// credentialGroup is a part of the form.
type credentialGroup struct {
	Title, Text string
	Folded      bool
	Fields      []credentialInput
}

type credentialInput struct {
	ui.Field
	State  ui.Badge
	Set    bool // there is a value
	Beside bool // the value so far may stay good beside a new one
}

type madeCredential struct{ ID, Label, Text string }

// checkRow is one thing that was looked at.
type checkRow struct {
	Name string
	ui.Badge
	Text string
}

func (p *Pages) newChannel(v *view) error {
	return p.showNewChannel(v, http.StatusOK, nil, nil)
}

// channelOf begins the page of a channel of the sender that the path names.
func (p *Pages) channelOf(v *view) (*channelPage, error) {
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return nil, err
	}
	page := &channelPage{view: v, Sender: s, ID: v.ID(hookswitch.KindSender, s.Key)}
	v.Shell.Trail = []ui.Link{{Name: "Senders", URL: v.Page("senders")}, {Name: excerpt(s.Name, maxShownName), URL: v.Page("senders", page.ID)}}
	return page, nil
}

func (p *Pages) showNewChannel(v *view, status int, form url.Values, wrong map[string]string) error {
	page, err := p.channelOf(v)
	if err != nil {
		return err
	}
	page.New, page.Path, page.Over = true, v.Page("senders", page.ID, "channels/new"), cmp.Or(form.Get("over"), v.query("over"))
	for _, info := range p.svc.ProviderInfos() {
		name := channelName(info.Channel)
		if n := len(page.Choices); n == 0 || page.Choices[n-1].Channel != name {
			page.Choices = append(page.Choices, channelChoice{Channel: name})
		}
		over := string(info.Channel) + "." + info.Name
		c := &page.Choices[len(page.Choices)-1]
		c.Links = append(c.Links, ui.Tab{Name: providerName(info.Name), URL: page.Path + "?over=" + url.QueryEscape(over), Current: over == page.Over})
		if over == page.Over {
			page.Info, page.Channel, page.Provider = &info, name, providerName(info.Name)
		}
	}
	if page.Over != "" && page.Info == nil {
		return hookswitch.NotFoundf("There is no such channel of a provider.")
	}
	if page.Info != nil {
		v.Shell.Title = "Add " + page.Channel
		page.inputs(page.Info.Fields, nil, form, wrong)
		page.Rate = rateField("", form, wrong)
		page.problems("The channel was not added", wrong)
	}
	v.call(http.MethodPost, "/operator/v1/apps/"+v.AppID()+"/senders/"+page.ID+"/routes", "hookswitch sender route add "+page.ID+" --app "+v.AppID()+" --channel … --provider … --set NAME=VALUE")
	return v.write(status, "dashboard/channel", page)
}

func rateField(value string, form url.Values, wrong map[string]string) ui.Field {
	if form != nil {
		value = form.Get("rate")
	}
	return ui.Field{ID: "rate", Name: "rate", Label: "Rate", Value: value, Problem: wrong["rate"], Optional: true, Mono: true, Holder: "10/s", Hint: "How often may be sent over it. Empty: as often as is usual at its provider."}
}

// inputs are the fields of the form. have are the credentials that there are; form is what was entered before, of which secrets are not shown again.
func (page *channelPage) inputs(fields []hookswitch.CredentialField, have hookswitch.Credentials, form url.Values, wrong map[string]string) {
	groups := []credentialGroup{{Title: "To receive", Text: "Without these, what comes cannot be proved, and is refused."}, {Title: "To send", Text: "Without these, nothing can be sent."}, {Title: "Settings"},
		{Title: "What most do without", Folded: true}}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Name
		at := 2
		switch {
		case f.Rare:
			at = 3
		case f.Receives:
			at = 0
		case f.Sends:
			at = 1
		}
		in := newCredentialInput(f, valuesOf(have, f.Name), form, wrong)
		if at == 3 && (in.Set || in.Problem != "") {
			groups[3].Folded = false
		}
		groups[at].Fields = append(groups[at].Fields, in)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !slices.Contains(known, name) {
			groups[3].Folded = false
			groups[3].Fields = append(groups[3].Fields, newCredentialInput(hookswitch.CredentialField{Name: name, Label: name, Several: true}, have[name], form, wrong))
		}
	}
	page.Groups = slices.DeleteFunc(groups, func(g credentialGroup) bool { return len(g.Fields) == 0 })
}

// valuesOf are the values of a credential: nil where there is no channel yet, and empty where it has none.
func valuesOf(have hookswitch.Credentials, name string) []string {
	if have == nil {
		return nil
	}
	return append([]string{}, have[name]...)
}

func newCredentialInput(f hookswitch.CredentialField, have []string, form url.Values, wrong map[string]string) credentialInput {
	in := credentialInput{Set: len(have) > 0, Field: ui.Field{ID: "c-" + f.Name, Name: "c-" + f.Name, Label: f.Label, Hint: f.Hint, Problem: wrong["c-"+f.Name], Mono: true, Autocomplete: "off"}}
	switch {
	case len(f.Choices) > 0:
		in.Kind, in.Mono, in.Autocomplete, in.Options = "select", false, "", []ui.Option{{Name: "Not set"}}
		for _, c := range f.Choices {
			in.Options = append(in.Options, ui.Option{Value: c, Name: c, Chosen: slices.Contains(have, c)})
		}
	case f.Public && f.Several:
		in.Kind, in.Rows, in.Value, in.Holder = "textarea", 3, strings.Join(have, "\n"), f.Holder
		in.Hint = strings.TrimSpace(in.Hint + " One a line.")
	case f.Public:
		in.Value, in.Holder = hookswitch.Credentials{"": have}.First(""), f.Holder
	default:
		in.Kind, in.Autocomplete, in.Beside = "password", "new-password", f.Several && in.Set
		in.Holder = f.Holder
		if in.Set {
			in.Holder = "Leave empty to keep it"
		} else if f.Chosen {
			in.Holder = "Leave empty to have one made"
		}
	}
	if f.Public && form != nil {
		in.Value = form.Get("c-" + f.Name)
		for i := range in.Options {
			in.Options[i].Chosen = in.Options[i].Value == in.Value
		}
	}
	if in.State = (ui.Badge{Tone: ui.Idle, Word: "Not set"}); in.Set {
		in.State = ui.Badge{Tone: ui.Good, Word: "Set"}
		if len(have) > 1 {
			in.State = ui.Badge{Tone: ui.Info, Word: fmt.Sprintf("%d values", len(have)), Icon: "turn"}
		}
	}
	if f.Public || have == nil { // of a public one the value says it
		in.State = ui.Badge{}
	}
	return in
}

func (page *channelPage) problems(title string, wrong map[string]string) {
	var fields []*ui.Field
	for i := range page.Groups {
		for j := range page.Groups[i].Fields {
			fields = append(fields, &page.Groups[i].Fields[j].Field)
		}
	}
	fieldProblems(&page.Problems, title, wrong, append(fields, &page.Rate)...)
	if len(page.Problems.List) > 0 {
		page.Problems.List = append(page.Problems.List, ui.Problem{Text: "Secrets that you have entered are not shown again: enter them once more."})
	}
}

// routeChangeOf is what a form asks of a channel. have are the credentials that there are.
func routeChangeOf(fields []hookswitch.CredentialField, have hookswitch.Credentials, form url.Values) service.RouteChange {
	change := service.RouteChange{Credentials: hookswitch.Credentials{}, Rate: strings.TrimSpace(form.Get("rate"))}
	by := make(map[string]hookswitch.CredentialField)
	for _, f := range fields {
		by[f.Name] = f
	}
	for key := range form {
		name, ok := strings.CutPrefix(key, "c-")
		if dropped, drops := strings.CutPrefix(key, "drop-"); drops {
			name, ok = dropped, true
		}
		if !ok {
			continue
		}
		text := strings.ReplaceAll(form.Get("c-"+name), "\r\n", "\n")
		values := []string{strings.TrimSpace(text)}
		f := by[name]
		if f.Public && f.Several {
			values = strings.Split(text, "\n")
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
		}
		values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
		switch _, had := have[name]; {
		case form.Get("drop-"+name) != "":
			change.Credentials[name] = nil
		case len(values) > 0:
			if !f.Public || !slices.Equal(values, have[name]) {
				change.Credentials[name] = values
			}
		case f.Public && had:
			change.Credentials[name] = nil
		}
		if form.Get("beside-"+name) != "" && len(values) > 0 {
			change.Beside = append(change.Beside, name)
		}
	}
	return change
}

// credentialNames leads from the names of credentials to the fields of the form.
func credentialNames(c hookswitch.Credentials, fields []hookswitch.CredentialField) map[string]string {
	names := map[string]string{"rate": "rate"}
	for name := range c {
		names[name] = "c-" + name
	}
	for _, f := range fields {
		names[f.Name] = "c-" + f.Name
	}
	return names
}

func (p *Pages) addChannel(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	ch, provider, _ := strings.Cut(form.Get("over"), ".")
	infos := p.svc.ProviderInfos()
	at := slices.IndexFunc(infos, func(i service.ProviderInfo) bool { return string(i.Channel) == ch && i.Name == provider })
	if at < 0 {
		return hookswitch.InvalidField("is no channel of a provider", "over")
	}
	change := routeChangeOf(infos[at].Fields, nil, form)
	change.Channel, change.Provider = hookswitch.Channel(ch), provider
	done, err := p.svc.CreateRoute(v.ctx(), v.App.Key, v.r.PathValue("sender"), change)
	wrong := make(map[string]string)
	if noteFields(err, wrong, credentialNames(change.Credentials, infos[at].Fields)) {
		return p.showNewChannel(v, http.StatusUnprocessableEntity, form, wrong)
	}
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindRoute, done.Route.Key)
	if len(done.Made) == 0 {
		return v.done(v.Page("senders", v.r.PathValue("sender"), "channels", id), ui.Good, "Added "+channelName(done.Route.Channel)+". Paste its address at the provider, and have somebody write.")
	}
	page, err := p.channelPage(v, id, nil, nil)
	if err != nil {
		return err
	}
	for _, f := range infos[at].Fields {
		if text := done.Made.First(f.Name); text != "" {
			page.Made = append(page.Made, madeCredential{"made-" + f.Name, f.Label, text})
		}
	}
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: "Added " + page.Channel + ". What was made up for it is shown below, this once."}
	return v.show("dashboard/channel", page)
}

func (p *Pages) channel(v *view) error {
	page, err := p.channelPage(v, v.r.PathValue("route"), nil, nil)
	if err != nil {
		return err
	}
	return v.show("dashboard/channel", page)
}

// channelPage is the page of the channel with the id.
func (p *Pages) channelPage(v *view, id string, form url.Values, wrong map[string]string) (*channelPage, error) {
	page, err := p.channelOf(v)
	if err != nil {
		return nil, err
	}
	notes, err := p.svc.DoorNotes(v.ctx(), page.Sender.Key)
	if err != nil {
		return nil, err
	}
	for _, setup := range p.svc.RouteSetups(page.Sender) {
		if v.ID(hookswitch.KindRoute, setup.Route.Key) != id {
			continue
		}
		card := p.channelCard(v, page.Sender, setup, seenAt(notes, setup.Route, len(page.Sender.Routes)))
		page.Card, page.Channel, page.Provider = &card, card.Channel, providerName(setup.Route.Provider)
		page.Path = v.Page("senders", page.ID, "channels", id)
		page.inputs(p.fieldsOf(&setup.Route), setup.Route.Credentials, form, wrong)
		page.Rate = rateField(setup.Route.Rate.String(), form, wrong)
		page.problems("The channel was not changed", wrong)
		v.Shell.Title = page.Channel
		v.call(http.MethodPatch, "/operator/v1/apps/"+v.AppID()+"/senders/"+page.ID+"/routes/"+id, "hookswitch sender route set "+page.ID+" "+id+" --app "+v.AppID()+" --set NAME=VALUE")
		return page, nil
	}
	return nil, hookswitch.NotFoundf("The sender has no such channel.")
}

// fieldsOf are the fields that the provider of a route wants.
func (p *Pages) fieldsOf(r *hookswitch.Route) []hookswitch.CredentialField {
	for _, info := range p.svc.ProviderInfos() {
		if info.Name == r.Provider && info.Channel == r.Channel {
			return info.Fields
		}
	}
	return nil
}

func (p *Pages) changeChannel(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	sender, id := v.r.PathValue("sender"), v.r.PathValue("route")
	page, err := p.channelPage(v, id, nil, nil)
	if err != nil {
		return err
	}
	switch form.Get("do") {
	case "check":
		if page.Check, err = p.checkChannel(v, sender, id); err != nil {
			return err
		}
		return v.show("dashboard/channel", page)
	case "delete":
		if err := p.svc.DeleteRoute(v.ctx(), v.App.Key, sender, id); err != nil {
			return err
		}
		return v.done(v.Page("senders", sender), ui.Good, "Took "+page.Channel+" away. Its door is closed, and nothing is sent over it any more. What was said stays.")
	case "save":
	default:
		return hookswitch.InvalidField("is none of the things that can be done to a channel", "do")
	}
	r := &page.Card.Setup.Route
	fields := p.fieldsOf(r)
	change := routeChangeOf(fields, r.Credentials, form)
	if change.Rate == "" && !r.Rate.IsZero() {
		change.Rate = service.UsualRate
	}
	_, err = p.svc.UpdateRoute(v.ctx(), v.App.Key, sender, id, change)
	wrong := make(map[string]string)
	if noteFields(err, wrong, credentialNames(change.Credentials, fields)) {
		if page, err = p.channelPage(v, id, form, wrong); err != nil {
			return err
		}
		return v.write(http.StatusUnprocessableEntity, "dashboard/channel", page)
	}
	if err != nil {
		return err
	}
	return v.done(page.Path, ui.Good, changedCredentials(page.Channel, change, r))
}

// changedCredentials says what has changed about a channel.
func changedCredentials(name string, change service.RouteChange, r *hookswitch.Route) string {
	set, gone := 0, 0
	for _, values := range change.Credentials {
		if len(values) > 0 {
			set++
		} else {
			gone++
		}
	}
	var said []string
	if set > 0 {
		said = append(said, "set "+ui.Plural(set, "value"))
	}
	if gone > 0 {
		said = append(said, "took "+ui.Plural(gone, "value")+" away")
	}
	text := "Saved " + name + ". No credential has changed."
	if said != nil {
		text = "Saved " + name + ": " + strings.Join(said, ", ") + "."
	}
	if r.Disabled() {
		text += " It sends again."
	}
	return text
}

// checkChannel is what can be found out about a channel now.
func (p *Pages) checkChannel(v *view, sender, id string) ([]checkRow, error) {
	found, err := p.svc.CheckRoute(v.ctx(), v.App.Key, sender, id)
	if err != nil {
		return nil, err
	}
	provider := providerName(found.Setup.Route.Provider)
	rows := []checkRow{{Name: "Receiving", Badge: ui.Badge{Tone: ui.Good, Word: "Ready"}, Text: "What " + provider + " pushes can be proved."}}
	if !found.Setup.Receives {
		rows[0] = checkRow{"Receiving", ui.Badge{Tone: ui.Bad, Word: "No secret"}, "What is pushed cannot be proved, and is refused."}
	}
	for _, f := range found.Missing {
		what := "Nothing is sent without it."
		if f.Receives {
			what = "Nothing is received without it."
		}
		rows = append(rows, checkRow{f.Label, ui.Badge{Tone: ui.Warn, Word: "Missing"}, what})
	}
	switch {
	case !found.Setup.Challenged:
	case found.ChallengeFailed:
		rows = append(rows, checkRow{"Challenge", ui.Badge{Tone: ui.Bad, Word: "Failed"}, provider + " asked with another token, " + ui.Ago(found.ChallengeAt, v.Now) + "."})
	case found.ChallengeAt.IsZero():
		rows = append(rows, checkRow{"Challenge", ui.Badge{Tone: ui.Idle, Word: "Not yet asked"}, provider + " asks when its address is entered there."})
	default:
		rows = append(rows, checkRow{"Challenge", ui.Badge{Tone: ui.Good, Word: "Answered"}, provider + " asked " + ui.Ago(found.ChallengeAt, v.Now) + "."})
	}
	switch {
	case !found.AcceptedAt.IsZero():
		rows = append(rows, checkRow{"Pushes", ui.Badge{Tone: ui.Good, Word: "Arriving"}, "The last genuine one came " + ui.Ago(found.AcceptedAt, v.Now) + "."})
	case found.Refused > 0:
		rows = append(rows, checkRow{"Pushes", ui.Badge{Tone: ui.Bad, Word: "Refused"}, ui.Count(found.Refused) + " were refused, the last with: " + found.Cause + "."})
	default:
		rows = append(rows, checkRow{"Pushes", ui.Badge{Tone: ui.Idle, Word: "None yet"}, "Nothing has come to its address."})
	}
	switch {
	case !found.Asked:
		rows = append(rows, checkRow{"Account", ui.Badge{Tone: ui.Idle, Word: "Not asked"}, provider + " has no call that tells whose account credentials open. The first message that is sent tells."})
	case found.Err != nil:
		text := found.Err.Error()
		for _, f := range found.Err.Fields {
			text = f.Path[len(f.Path)-1] + " " + f.Message
			break
		}
		rows = append(rows, checkRow{"Account", ui.Badge{Tone: ui.Bad, Word: "Not opened"}, strings.TrimSuffix(text, ".") + "."})
	default:
		rows = append(rows, checkRow{"Account", ui.Badge{Tone: ui.Good, Word: "Opened"}, provider + " knows it as " + excerpt(cmp.Or(found.Account.Name, found.Account.Phone, found.Account.ID), maxShownName) + "."})
	}
	return rows, nil
}
