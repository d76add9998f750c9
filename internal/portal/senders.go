package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
)

var sendersRoutes = []route{
	{in: tenant, method: "GET", path: "/senders", name: "Senders", nav: &nav{"Messaging", "send"}, handle: (*Pages).senders, samples: []string{"/senders"}},
	{in: tenant, method: "POST", path: "/senders", name: "Create a sender", handle: (*Pages).createSender},
	{in: tenant, method: "GET", path: "/senders/{sender}", name: "Sender", under: "/senders", handle: (*Pages).sender,
		samples: []string{"/senders/{sender}", "/senders/{ussd}", "/senders/{baresender}"}},
	{in: tenant, method: "POST", path: "/senders/{sender}/webhook", name: "Change the webhook", under: "/senders", handle: (*Pages).changeSenderWebhook},
	{in: tenant, method: "POST", path: "/senders/{sender}/default", name: "Make it the default", under: "/senders", handle: (*Pages).makeDefault},
	{in: tenant, method: "POST", path: "/senders/{sender}/register", name: "Tell the provider", under: "/senders", admin: true, handle: (*Pages).registerSender},
	{in: tenant, method: "POST", path: "/senders/{sender}/simulate", name: "Send a simulated event", under: "/senders", handle: (*Pages).simulateEvent},
	{in: tenant, method: "POST", path: "/senders/{sender}/delete", name: "Delete the sender", under: "/senders", handle: (*Pages).deleteSender},
}

// sendersPage is the list of senders.
type sendersPage struct {
	*view
	Rows     []senderRow
	Blank    *ui.Blank
	Pager    ui.Pager
	Name     ui.Field
	Phone    ui.Field
	Problems ui.Problems
}

type senderRow struct {
	Name, Page, ID, Phone string
	Channels              string
	State                 ui.Badge
	Why                   string
	Webhook               string
	Default               bool
	Responder             string
	Last                  time.Time
}

func (p *Pages) senders(v *view) error { return p.showSenders(v, http.StatusOK, nil, nil) }

func (p *Pages) showSenders(v *view, status int, form, wrong map[string]string) error {
	at := v.pageAt(hookswitch.KindSender)
	list, err := p.svc.SendersWithWebhooks(v.ctx(), v.App.Key, at)
	if err != nil {
		return err
	}
	page := &sendersPage{view: v}
	list, page.Pager = turned(v, hookswitch.KindSender, list, at, func(c service.ChangedSender) hookswitch.Key { return c.Sender.Key })
	for _, c := range list {
		id := v.ID(hookswitch.KindSender, c.Sender.Key)
		row := senderRow{Name: c.Sender.Name, ID: id, Page: v.Page("senders", id), Phone: c.Sender.PhoneNumber, Default: c.Sender.Default, Responder: c.Sender.Responder.Kind}
		var names []string
		for _, ch := range c.Sender.Channels() {
			names = append(names, channelName(hookswitch.Channel(ch)))
		}
		row.Channels = strings.Join(names, ", ")
		if c.Webhook != nil {
			row.Webhook = hostOf(c.Webhook.URL)
		}
		notes, err := p.svc.DoorNotes(v.ctx(), c.Sender.Key)
		if err != nil {
			return err
		}
		worst := ui.Badge{Tone: ui.Idle, Word: "No channel"}
		for i, setup := range p.svc.RouteSetups(c.Sender) {
			seen := seenAt(notes, setup.Route, len(c.Sender.Routes))
			b := seen.badge(&setup)
			if i == 0 || toneRank(b.Tone) > toneRank(worst.Tone) {
				worst = b
			}
			if seen.accepted != nil && seen.accepted.At.After(row.Last) {
				row.Last = seen.accepted.At
			}
		}
		row.State = worst
		page.Rows = append(page.Rows, row)
	}
	page.Pager.Shown = ui.Plural(len(list), "sender")
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "No sender yet", Text: "A sender is an identity that people see: a number, a page, a bot, an address. Create one below, and give it channels."}
	}
	page.Name = ui.Field{ID: "name", Name: "name", Label: "Name", Value: form["name"], Problem: wrong["name"], Required: true, Holder: "Support line"}
	page.Phone = ui.Field{ID: "phone", Name: "phone", Label: "Phone number", Value: form["phone"], Problem: wrong["phone"], Optional: true, Mono: true, Holder: "+254711082369"}
	fieldProblems(&page.Problems, "The sender was not created", wrong, &page.Name, &page.Phone)
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/senders", "hookswitch sender list --app "+v.AppID())
	return v.write(status, "dashboard/senders", page)
}

// fieldProblems puts what is wrong with fields on top of their form.
func fieldProblems(to *ui.Problems, title string, wrong map[string]string, fields ...*ui.Field) {
	to.Title = title
	for _, f := range fields {
		if f.Problem != "" {
			to.List = append(to.List, ui.Problem{Field: f.ID, Text: f.Label + " " + f.Problem})
			f.Problem = f.Label + " " + f.Problem + "."
		}
	}
	if wrong[""] != "" {
		to.List = append(to.List, ui.Problem{Text: wrong[""]})
	}
}

func (p *Pages) createSender(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := map[string]string{"name": strings.TrimSpace(form.Get("name")), "phone": strings.TrimSpace(form.Get("phone"))}
	name, phone := in["name"], in["phone"]
	change := service.SenderChange{Name: &name}
	if phone != "" {
		change.PhoneNumber = &phone
	}
	done, err := p.svc.CreateSender(v.ctx(), v.App.Key, change)
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"name": "name", "phoneNumber": "phone"}) {
		return p.showSenders(v, http.StatusUnprocessableEntity, in, wrong)
	}
	if err != nil {
		return err
	}
	return v.done(v.Page("senders", v.ID(hookswitch.KindSender, done.Sender.Key)), ui.Good, "Created "+done.Sender.Name+". It has no channel yet: add one.")
}

// seen is what has come to the doors for one route.
type seen struct {
	accepted, handshake, refused, badToken *store.DoorNote // the newest of each
	notes                                  []store.DoorNote
}

// seenAt picks out of the notes of a sender those about a route.
func seenAt(notes []store.DoorNote, r hookswitch.Route, routes int) (s seen) {
	for i := range notes {
		n := &notes[i]
		if !service.NoteIsAbout(n, &r, routes) {
			continue
		}
		s.notes = append(s.notes, *n)
		newest := func(to **store.DoorNote) {
			if *to == nil || n.At.After((*to).At) {
				*to = n
			}
		}
		switch n.Result {
		case "accepted", "duplicate":
			newest(&s.accepted)
		case "handshake":
			newest(&s.handshake)
		case "bad_token":
			newest(&s.badToken)
		default:
			newest(&s.refused)
		}
	}
	return s
}

// badge says how a channel is doing.
func (s *seen) badge(setup *service.RouteSetup) ui.Badge {
	switch {
	case !setup.Known:
		return ui.Badge{Tone: ui.Bad, Word: "Unknown provider", Icon: "question"}
	case setup.Route.Disabled():
		return ui.Badge{Tone: ui.Bad, Word: "Disabled", Icon: "ban"}
	case !setup.Receives:
		return ui.Badge{Tone: ui.Bad, Word: "No secret", Icon: "lock"}
	case s.refused != nil && (s.accepted == nil || s.refused.At.After(s.accepted.At)):
		return ui.Badge{Tone: ui.Bad, Word: "Refusing pushes"}
	case s.accepted != nil:
		return ui.Badge{Tone: ui.Good, Word: "Receiving"}
	case s.handshake != nil:
		return ui.Badge{Tone: ui.Info, Word: "Door proved"}
	}
	return ui.Badge{Tone: ui.Idle, Word: "Nothing has come yet"}
}

func toneRank(t ui.Tone) int {
	return slices.Index([]ui.Tone{ui.Idle, ui.Good, ui.Info, ui.Warn, ui.Bad}, t)
}

// senderPage is one sender with its channels and its webhook.
type senderPage struct {
	*view
	Sender    *hookswitch.Sender
	ID        string
	Cards     []channelCard
	Shared    []noteRow // what came to doors that all senders share, and nobody could tell whose it was
	Hook      *hookCard
	Responder string
	Enabled   []string
	Refused   string // why only the operator may register, and add channels
	Flows     bool   // people dial or call it
	Problems  ui.Problems
}

// channelCard is one channel of a sender at a provider.
type channelCard struct {
	ID          string
	Channel     string
	Provider    string
	Address     string
	State       ui.Badge
	Sentence    string
	Setup       service.RouteSetup
	Credentials []credentialRow
	Last        *store.DoorNote
	Challenge   ui.Badge
	ChallengeAt time.Time
	Failures    []noteRow
	Rate        string
	NoSimulate  string // why nothing can be simulated
	Phone       string // where the simulated phone is
	Kinds       []ui.Option
	Result      *registrationRow
}

type credentialRow struct {
	Name  string
	State ui.Badge
}

// noteRow is something that a door refused.
type noteRow struct {
	What, Cause, Door, Advice string
	Seen                      int64
	At                        time.Time
}

type registrationRow struct {
	Tone ui.Tone
	Text string
}

// hookCard is a webhook with what can be done to it.
type hookCard struct {
	Webhook *hookswitch.Endpoint
	Path    string // where its forms post to
	State   ui.Badge
	Since   string
	Secret  string // shown this once
	URL     ui.Field
	Events  []eventChoice
	Version ui.Field
	Noun    string
	Last    string
}

type eventChoice struct {
	Name   string
	Chosen bool
}

// refusalWords are what the results of doors mean, and what to do about them.
func refusalWords(result string) (what, advice string) {
	switch result {
	case "bad_signature":
		return "Signature not right", "Compare the secret at the provider with the one that is set here, and the address that it calls with the one above: some signatures cover it."
	case "bad_token":
		return "Handshake for another token", "Enter the verify token that is set here at the provider, or set the one from there here."
	case "bad_payload":
		return "Not to be read", "It was genuine or a handshake, and its body or its parameters are not what the provider documents."
	case "too_large":
		return "Too large", "The body was larger than the door takes."
	case "failed":
		return "Could not be stored", "The fault is on our side; the log of the server says more."
	}
	return result, ""
}

func newNotes(notes []store.DoorNote) (list []noteRow) {
	for _, n := range notes {
		switch n.Result {
		case "accepted", "duplicate", "handshake":
			continue
		}
		what, advice := refusalWords(n.Result)
		list = append(list, noteRow{What: what, Cause: n.Cause, Door: n.Door, Advice: advice, Seen: n.Seen, At: n.At})
	}
	return list
}

func (p *Pages) sender(v *view) error {
	page, err := p.senderPage(v)
	if err != nil {
		return err
	}
	return v.show("dashboard/sender", page)
}

func (p *Pages) senderPage(v *view) (*senderPage, error) {
	c, err := p.svc.SenderWithWebhook(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return nil, err
	}
	s := c.Sender
	page := &senderPage{view: v, Sender: s, ID: v.ID(hookswitch.KindSender, s.Key), Responder: s.Responder.Kind, Refused: v.refusedAdmin()}
	v.Shell.Title = excerpt(s.Name, maxShownName)
	v.Shell.Trail = []ui.Link{{Name: "Senders", URL: v.Page("senders")}}
	notes, err := p.svc.DoorNotes(v.ctx(), s.Key)
	if err != nil {
		return nil, err
	}
	for _, setup := range p.svc.RouteSetups(s) {
		page.Cards = append(page.Cards, p.channelCard(v, s, setup, seenAt(notes, setup.Route, len(s.Routes))))
	}
	page.Flows = slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return r.Channel == hookswitch.USSD || r.Channel == hookswitch.Voice })
	for _, name := range s.Enabled {
		if !slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return string(r.Channel) == name }) {
			page.Enabled = append(page.Enabled, channelName(hookswitch.Channel(name)))
		}
	}
	if v.isOperator() && len(s.Routes) > 0 {
		shared, err := p.svc.DoorNotes(v.ctx(), 0)
		if err != nil {
			return nil, err
		}
		shared = slices.DeleteFunc(shared, func(n store.DoorNote) bool {
			return !slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return r.Provider == n.Provider })
		})
		page.Shared = newNotes(shared)
	}
	page.Hook = p.newHookCard(v, c.Webhook, hookswitch.SenderEvents, v.Page("senders", page.ID, "webhook"), "sender")
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/senders/"+page.ID, "hookswitch sender get "+page.ID+" --app "+v.AppID())
	return page, nil
}

func (p *Pages) channelCard(v *view, s *hookswitch.Sender, setup service.RouteSetup, at seen) channelCard {
	r := setup.Route
	card := channelCard{ID: v.ID(hookswitch.KindRoute, r.Key), Channel: channelName(r.Channel), Provider: r.Provider, Address: cmp.Or(r.Address, s.PhoneNumber), State: at.badge(&setup),
		Setup: setup, Last: at.accepted, Failures: newNotes(at.notes), Rate: cmp.Or(r.Rate.String(), "as usual at "+r.Provider), NoSimulate: p.maySimulate(&setup)}
	switch {
	case !setup.Known:
		card.Sentence = "This server has no adapter of " + r.Provider + ": nothing is received or sent."
	case r.Disabled():
		card.Sentence = "Nothing is sent: " + r.Provider + " refused its credentials for good " + ui.Ago(r.DisabledAt, v.Now) + ", with “" + r.DisabledCause +
			"”. What people write is received. Put that right at the provider, and set the credentials that are good now."
	case !setup.Receives:
		card.Sentence = "Its credentials cannot prove a push, so everything that comes is refused. Set what the provider proves it with, under Credentials."
	case at.refused != nil && (at.accepted == nil || at.refused.At.After(at.accepted.At)):
		what, _ := refusalWords(at.refused.Result)
		card.Sentence = what + ": " + at.refused.Cause + "."
	case at.accepted != nil:
		card.Sentence = "The last genuine push came " + ui.Ago(at.accepted.At, v.Now) + "."
	default:
		card.Sentence = "Give the provider the address below, and have somebody write."
	}
	names := make([]string, 0, len(r.Credentials))
	for name := range r.Credentials {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		state := ui.Badge{Tone: ui.Good, Word: "Set"}
		if n := len(r.Credentials[name]); n > 1 {
			state = ui.Badge{Tone: ui.Info, Word: fmt.Sprintf("%d values", n), Icon: "turn"}
		}
		card.Credentials = append(card.Credentials, credentialRow{name, state})
	}
	switch {
	case !setup.Challenged:
		card.Challenge = ui.Badge{Tone: ui.Idle, Word: "Not asked by " + r.Provider}
	case at.badToken != nil && (at.handshake == nil || at.badToken.At.After(at.handshake.At)):
		card.Challenge, card.ChallengeAt = ui.Badge{Tone: ui.Bad, Word: "Failed"}, at.badToken.At
	case at.handshake != nil:
		card.Challenge, card.ChallengeAt = ui.Badge{Tone: ui.Good, Word: "Answered"}, at.handshake.At
	default:
		card.Challenge = ui.Badge{Tone: ui.Idle, Word: "Not yet asked"}
	}
	if sim, err := simulate.Of(r.Channel, r.Provider); err == nil {
		for _, k := range sim.Kinds {
			card.Kinds = append(card.Kinds, ui.Option{Value: k.Name, Name: k.About})
		}
	}
	card.Phone = v.Page("phone") + "?route=" + card.ID
	return card
}

// newHookCard is a webhook as its form shows it. hook nil: there is none.
func (p *Pages) newHookCard(v *view, hook *hookswitch.Endpoint, events []string, path, noun string) *hookCard {
	c := &hookCard{Webhook: hook, Path: path, Noun: noun}
	address, version := "", ""
	if hook != nil {
		address, version = hook.URL, service.SignatureVersion(hook)
		switch {
		case hook.Disabled && hook.DisabledBy == "manual":
			c.State = ui.Badge{Tone: ui.Idle, Word: "Paused", Icon: "pause"}
		case hook.Disabled:
			c.State = ui.Badge{Tone: ui.Bad, Word: "Turned off", Icon: "ban"}
		case !hook.FailSince.IsZero():
			c.State, c.Since = ui.Badge{Tone: ui.Warn, Word: "Failing"}, v.since(hook.FailSince)
		default:
			c.State = ui.Badge{Tone: ui.Good, Word: "Active"}
		}
	}
	c.URL = ui.Field{ID: "hook-url", Name: "url", Kind: "url", Label: "Address", Value: address, Mono: true, Required: true, Holder: "https://example.com/webhooks/messages",
		Hint: "Events are posted there, signed. It has to be https."}
	for _, name := range events {
		c.Events = append(c.Events, eventChoice{name, hook == nil || slices.Contains(hook.EventTypes, name)})
	}
	c.Version = ui.Field{ID: "hook-version", Name: "version", Kind: "select", Label: "Signature version",
		Options: options(version, "v1", "v1: of the body", "v1+v2", "v1 and v2: while a receiver changes over", "v2", "v2: of time and body")}
	return c
}

func (p *Pages) changeSenderWebhook(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("sender")
	back := v.Page("senders", id)
	yes, no := true, false
	var change service.WebhookChange
	sentence := ""
	switch form.Get("do") {
	case "regenerate":
		secret, err := p.svc.RegenerateWebhookSecret(v.ctx(), v.App.Key, id)
		if err != nil {
			return err
		}
		return p.showSecretOf(v, secret, "Made a new secret. The old one signs nothing any more.")
	case "pause":
		change.Active, sentence = &no, "Paused the webhook. What was still owed to it has ended, and what happens meanwhile is not kept for it."
	case "resume":
		change.Active, sentence = &yes, "Resumed the webhook. The next event goes there."
	case "remove":
		change.Remove, sentence = true, "Removed the webhook and its secret."
	case "save":
		address, version := strings.TrimSpace(form.Get("url")), form.Get("version")
		change.URL, change.Events, sentence = &address, append([]string{}, form["event"]...), "Saved the webhook. Its secret stays."
		if version != "" {
			change.SignatureVersion = &version
		}
	default:
		return hookswitch.InvalidField("is none of the things that can be done to a webhook", "do")
	}
	done, err := p.svc.UpdateSender(v.ctx(), v.App.Key, id, service.SenderChange{Webhook: change})
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"webhookUrl": "url", "webhookEvents": "events", "webhookSignatureVersion": "version"}) {
		page, err := p.senderPage(v)
		if err != nil {
			return err
		}
		page.Hook.refill(form, wrong, &page.Problems)
		return v.write(http.StatusUnprocessableEntity, "dashboard/sender", page)
	}
	if err != nil {
		return err
	}
	if done.Secret != "" {
		return p.showSecretOf(v, done.Secret, "Created the webhook.")
	}
	return v.done(back+"#webhook", ui.Good, sentence)
}

// refill puts what was typed back into the form of a webhook, and what is wrong with it.
func (c *hookCard) refill(form map[string][]string, wrong map[string]string, to *ui.Problems) {
	first := func(name string) string {
		if l := form[name]; len(l) > 0 {
			return l[0]
		}
		return ""
	}
	c.URL.Value, c.URL.Problem, c.Version.Problem = first("url"), wrong["url"], wrong["version"]
	for i := range c.Version.Options {
		c.Version.Options[i].Chosen = c.Version.Options[i].Value == first("version")
	}
	for i := range c.Events {
		c.Events[i].Chosen = slices.Contains(form["event"], c.Events[i].Name)
	}
	fieldProblems(to, "The webhook was not saved", wrong, &c.URL, &c.Version)
	if wrong["events"] != "" {
		to.List = append(to.List, ui.Problem{Field: "hook-events", Text: "The list of events " + wrong["events"]})
	}
}

// showSecretOf answers with the sender's page and the new secret on it. It is not shown again: no address leads back to this answer.
func (p *Pages) showSecretOf(v *view, secret hookswitch.Secret, sentence string) error {
	page, err := p.senderPage(v)
	if err != nil {
		return err
	}
	page.Hook.Secret = secret.Reveal()
	v.Shell.Flash = &ui.Flash{Tone: ui.Good, Text: sentence + " Its secret is shown below, this once."}
	return v.show("dashboard/sender", page)
}

func (p *Pages) makeDefault(v *view) error {
	done, err := p.svc.UpdateSender(v.ctx(), v.App.Key, v.r.PathValue("sender"), service.SenderChange{SetDefault: true})
	if err != nil {
		return err
	}
	return v.done(v.Page("senders", v.r.PathValue("sender")), ui.Good, done.Sender.Name+" is the default now: messages that name no sender go out from it.")
}

func (p *Pages) deleteSender(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return err
	}
	if strings.TrimSpace(form.Get("name")) != s.Name {
		return v.done(v.Page("senders", v.r.PathValue("sender")), ui.Warn, "Nothing was deleted: the name that you typed is not the sender's.")
	}
	if err := p.svc.DeleteSender(v.ctx(), v.App.Key, s.Key); err != nil {
		return err
	}
	return v.done(v.Page("senders"), ui.Good, "Deleted "+s.Name+". Its doors are closed, and its webhook gets nothing more.")
}

// registerSender tells the providers of a sender where to push.
func (p *Pages) registerSender(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return err
	}
	list, err := p.svc.RegisterSender(v.ctx(), s, hookswitch.Channel(form.Get("channel")))
	if err != nil {
		return err
	}
	page, err := p.senderPage(v)
	if err != nil {
		return err
	}
	for _, reg := range list {
		for i := range page.Cards {
			card := &page.Cards[i]
			if card.Setup.Route.Key != reg.Route.Key {
				continue
			}
			switch card.Setup.Steps = reg.Steps; {
			case reg.Registered:
				card.Result = &registrationRow{ui.Good, reg.Route.Provider + " has been told to push to the address below."}
			case reg.Err != nil:
				card.Result = &registrationRow{ui.Bad, reg.Err.Message}
			default:
				card.Result = &registrationRow{ui.Info, reg.Route.Provider + " cannot be told by a call. Do it by hand:"}
			}
		}
	}
	return v.show("dashboard/sender", page)
}
