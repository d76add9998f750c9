package portal

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
)

var phoneRoutes = []route{
	{in: tenant, method: "GET", path: "/phone", name: "Phone", nav: &nav{"Messaging", "handset"}, handle: (*Pages).phone,
		samples: []string{"/phone", "/phone?route={route}&conversation={conversation}", "/phone?route={ussdroute}"}},
	{in: tenant, method: "POST", path: "/phone", name: "Use the phone", handle: (*Pages).usePhone},
}

// Bounds of what is simulated.
const (
	maxLines    = 500 // calls and sessions at once
	lineIdle    = 10 * time.Minute
	maxTyped    = 4000 // characters of a message
	phoneLength = 40   // messages on the screen
)

// lines are the simulated calls and USSD sessions that go on: a telephone is in one place, and so are they.
type lines struct {
	mu sync.Mutex
	by map[string]*line
}

type line struct {
	mu     sync.Mutex
	app    hookswitch.Key
	route  hookswitch.Key
	from   string
	talk   simulate.Dialogue
	said   []saidLine
	over   bool
	usedAt time.Time
}

// saidLine is one screen of a session, or what was entered after it.
type saidLine struct {
	Own  bool
	Text string
}

func (l *lines) add(one *line, now time.Time) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = make(map[string]*line)
	}
	for id, have := range l.by {
		if now.Sub(have.usedAt) > lineIdle {
			delete(l.by, id)
		}
	}
	if len(l.by) >= maxLines {
		return "", hookswitch.Errorf(hookswitch.Unavailable, "Too many phones are in use at this moment. Hang up one, or try again in a few minutes.")
	}
	id := rand.Text()
	one.usedAt = now
	l.by[id] = one
	return id, nil
}

// get is a line of an App, nil where there is none.
func (l *lines) get(id string, app hookswitch.Key, now time.Time) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.by[id]
	if one == nil || one.app != app {
		return nil
	}
	one.usedAt = now
	return one
}

// maySimulate says why nothing can be simulated over a route; "" when it can.
func (p *Pages) maySimulate(setup *service.RouteSetup) string {
	if p.Doors == nil {
		return "This server shows pages only."
	}
	if reason := setup.MaySimulate(); reason != "" {
		return reason
	}
	if _, err := simulate.Of(setup.Route.Channel, setup.Route.Provider); err != nil {
		return "Nobody plays " + setup.Route.Provider + " on " + channelName(setup.Route.Channel) + "."
	}
	return ""
}

// played is who is played for a route: its provider, with the route's own credentials, at the door of its sender.
func (p *Pages) played(v *view, sender *hookswitch.Sender, r *hookswitch.Route) (simulate.Simulator, simulate.Account, error) {
	sim, err := simulate.Of(r.Channel, r.Provider)
	if err != nil {
		return sim, simulate.Account{}, hookswitch.Errorf(hookswitch.Unsupported, "%w", err)
	}
	a := sim.Account(sender.PhoneNumber, r.Credentials)
	a.Path, a.PublicURL = "/in/"+v.ID(hookswitch.KindSender, sender.Key)+"/"+string(r.Channel), p.svc.PublicURL()
	return sim, a, nil
}

// phonePage is a telephone.
type phonePage struct {
	*view
	Routes    []phoneRoute
	Now_      *phoneRoute // the one that is on
	Blank     *ui.Blank
	Refused   string
	From      string
	Contact   string
	Messages  []bubble
	Seen      string // what the screen shows, for scripts that ask for news
	Said      string // the newest answer, for who does not see it
	Thread    string
	Dials     bool
	Line      string // of the session under way
	Screens   []saidLine
	Over      bool
	Dropped   bool
	Kinds     []ui.Option
	Responder string
}

type phoneRoute struct {
	ID, Name, Sender, URL, Address string
	Channel                        hookswitch.Channel
	Current                        bool
	Refused                        string
	sender                         *hookswitch.Sender
	route                          *hookswitch.Route
}

// bubble is a message as a conversation shows it.
type bubble struct {
	ID      string
	Own     bool // of the side that looks
	Who     string
	Text    string
	Kind    string // what it is besides text
	At      time.Time
	Status  *ui.Badge
	Error   string
	Changed string
	key     hookswitch.Key
}

// maxPhoneSenders is how many senders the phone can choose from.
const maxPhoneSenders = 100

func (p *Pages) phonePage(v *view) (*phonePage, error) {
	page := &phonePage{view: v}
	senders, err := p.svc.Senders(v.ctx(), v.App.Key, store.Page{Limit: maxPhoneSenders})
	if err != nil {
		return nil, err
	}
	asked, over := v.r.FormValue("route"), hookswitch.Channel(v.query("channel"))
	for _, s := range senders {
		for _, setup := range p.svc.RouteSetups(s) {
			r := setup.Route
			one := phoneRoute{ID: v.ID(hookswitch.KindRoute, r.Key), Name: channelName(r.Channel), Sender: s.Name, Channel: r.Channel, Address: cmp.Or(r.Address, s.PhoneNumber), Refused: p.maySimulate(&setup),
				sender: s, route: &r}
			one.URL = v.Page("phone") + "?route=" + one.ID
			page.Routes = append(page.Routes, one)
		}
	}
	// What can be rung comes first, and where a channel was chosen, what is on it.
	slices.SortStableFunc(page.Routes, func(a, b phoneRoute) int {
		return cmp.Or(cmp.Compare(bit(a.Refused != ""), bit(b.Refused != "")), cmp.Compare(bit(a.Channel != over), bit(b.Channel != over)))
	})
	for i := range page.Routes {
		one := &page.Routes[i]
		if one.ID == asked || asked == "" && page.Now_ == nil && one.Refused == "" {
			one.Current, page.Now_ = true, one
		}
	}
	switch {
	case asked != "" && page.Now_ == nil:
		return nil, hookswitch.NotFoundf("There is no such channel.")
	case len(page.Routes) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No channel to ring", Text: "The phone writes to, dials and calls the channels of your senders. There is none yet.", Links: []ui.Action{{Name: "To the senders", URL: v.Page("senders")}}}
	case page.Now_ == nil:
		page.Blank = &ui.Blank{Kind: "denied", Title: "No channel can be simulated here", Text: page.Routes[0].Refused}
	case page.Now_.Refused != "":
		page.Blank = &ui.Blank{Kind: "denied", Title: "This channel cannot be simulated here", Text: page.Now_.Refused}
	}
	return page, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *Pages) phone(v *view) error {
	page, err := p.phonePage(v)
	if err != nil {
		return err
	}
	if page.Now_ == nil || page.Blank != nil {
		return v.show("dashboard/phone", page)
	}
	sim, _, err := p.played(v, page.Now_.sender, page.Now_.route)
	if err != nil {
		return err
	}
	page.From, page.Dials, page.Responder = cmp.Or(v.query("from"), sim.Person.From), sim.Dials(), page.Now_.sender.Responder.Kind
	for _, k := range sim.Kinds {
		page.Kinds = append(page.Kinds, ui.Option{Value: k.Name, Name: k.About})
	}
	if page.Dials {
		if id := v.query("line"); id != "" {
			page.showLine(p, id)
		}
	} else if id := v.query("conversation"); id != "" {
		if err := page.showThread(p, id); err != nil {
			return err
		}
	}
	if v.query("part") == "screen" {
		if v.query("seen") == page.Seen {
			v.w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return v.part("dashboard/phone", "phone-news", page)
	}
	v.call(http.MethodPost, "/in/"+v.ID(hookswitch.KindSender, page.Now_.sender.Key)+"/"+string(page.Now_.Channel), "hookswitch simulate phone -f senders.json")
	v.Shell.Call.Curl = "" // a push is signed; curl cannot
	return v.show("dashboard/phone", page)
}

func (page *phonePage) showLine(p *Pages, id string) {
	one := p.lines.get(id, page.App.Key, page.Now)
	if one == nil || one.route != page.Now_.route.Key {
		page.Dropped = true
		return
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	page.Line, page.Screens, page.Over, page.From = id, slices.Clone(one.said), one.over, one.from
}

func (page *phonePage) showThread(p *Pages, id string) error {
	key, ok := p.svc.IDs().Parse(hookswitch.KindConversation, id)
	if !ok {
		return hookswitch.NotFoundf("There is no such conversation.")
	}
	t, err := p.svc.Thread(page.ctx(), page.App.Key, key)
	if err != nil {
		return err
	}
	if t.Conversation.Sender != page.Now_.sender.Key {
		return hookswitch.NotFoundf("There is no such conversation.")
	}
	page.Thread = id
	list, err := p.svc.Messages(page.ctx(), page.App.Key, store.MessageFilter{Conversation: key, Channel: page.Now_.Channel}, store.Page{Limit: phoneLength})
	if err != nil {
		return err
	}
	slices.Reverse(list)
	var seen strings.Builder
	for _, m := range list {
		b := page.bubble(m)
		b.Own = !b.Own // the person looks here
		page.Messages = append(page.Messages, b)
		if m.Direction == hookswitch.Outbound {
			page.Said = b.Text
		}
	}
	if n := len(list); n > 0 {
		last := list[n-1]
		fmt.Fprintf(&seen, "%s-%s", page.ID(hookswitch.KindMessage, last.Key), last.Status)
	}
	page.Seen = seen.String()
	return nil
}

// bubble is m as our side sees it.
func (v *view) bubble(m *hookswitch.Message) bubble {
	b := bubble{ID: v.ID(hookswitch.KindMessage, m.Key), Own: m.Direction == hookswitch.Outbound, Text: m.Text, At: m.CreatedAt, Error: m.ErrorText, key: m.Key}
	if m.Type != "text" && m.Type != "" {
		b.Kind = strings.ReplaceAll(m.Type, "_", " ")
	}
	if b.Error == "" {
		b.Error = m.ErrorCode
	}
	switch {
	case !m.DeletedAt.IsZero():
		b.Changed, b.Text = "taken back", ""
	case !m.EditedAt.IsZero():
		b.Changed = "changed"
	}
	if b.Own {
		s := statusBadge(m.Status)
		b.Status = &s
		switch {
		case m.ByHuman():
			b.Who = "A person"
		case m.InReplyTo != 0:
			b.Who = "The responder"
		default:
			b.Who = "Sent"
		}
	}
	return b
}

// usePhone writes, dials, enters or hangs up.
func (p *Pages) usePhone(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page, err := p.phonePage(v)
	if err != nil {
		return err
	}
	if page.Now_ == nil || page.Blank != nil {
		return hookswitch.Errorf(hookswitch.Forbidden, "%s", cmp.Or(page.Blank.Text, "Nothing can be simulated."))
	}
	from, text := strings.TrimSpace(form.Get("from")), strings.TrimSpace(form.Get("text"))
	if len([]rune(text)) > maxTyped || len(from) > 254 || hookswitch.CheckText(from) != "" {
		return hookswitch.InvalidField(fmt.Sprintf("must have at most %d characters", maxTyped), "text")
	}
	sim, account, err := p.played(v, page.Now_.sender, page.Now_.route)
	if err != nil {
		return err
	}
	from = cmp.Or(from, sim.Person.From)
	to := page.Now_.URL + "&from=" + url.QueryEscape(from)
	if !sim.Dials() {
		if text == "" && form.Get("kind") == "" {
			return v.done(to+with("conversation", form.Get("conversation")), ui.Warn, "There was nothing to send.")
		}
		conv, _, err := p.push(v, sim, account, page.Now_, form.Get("kind"), simulate.Person{From: from, Text: text})
		if err != nil {
			return p.phoneFault(v, to+with("conversation", form.Get("conversation")), err)
		}
		return seeOther(v.w, to+with("conversation", cmp.Or(conv, form.Get("conversation"))))
	}
	id, err := p.talk(v, sim, account, page.Now_, from, form)
	if err != nil {
		return p.phoneFault(v, to+with("line", id), err)
	}
	return seeOther(v.w, to+with("line", id))
}

func with(name, value string) string {
	if value == "" {
		return ""
	}
	return "&" + name + "=" + url.QueryEscape(value)
}

// doorError is what a door answered that did not take a push.
type doorError struct {
	status int
	body   string
}

func (e *doorError) Error() string {
	return fmt.Sprintf("The door answered %d: %s", e.status, excerpt(e.body, 200))
}

// phoneFault tells what went wrong on the way, at the phone.
func (p *Pages) phoneFault(v *view, to string, err error) error {
	var door *doorError
	var known *hookswitch.Error
	switch {
	case errors.As(err, &door):
		return v.done(to, ui.Bad, door.Error())
	case errors.As(err, &known):
		return err
	case v.ctx().Err() != nil:
		return v.ctx().Err()
	}
	return v.done(to, ui.Bad, "The line is dead: "+excerpt(err.Error(), 300)+".")
}

// push makes the push of something that a person sends go through the door, and finds the conversation that it came into.
func (p *Pages) push(v *view, sim simulate.Simulator, a simulate.Account, at *phoneRoute, kind string, who simulate.Person) (conversation string, took time.Duration, err error) {
	k, ok := sim.Kind(cmp.Or(kind, sim.Kinds[0].Name))
	if !ok {
		return "", 0, hookswitch.InvalidField("is nothing that can be sent over "+channelName(at.Channel), "kind")
	}
	push := sim.Push(k, a, who)
	res, err := push.Post(v.ctx(), simulate.HandlerClient(p.Doors), p.svc.PublicURL())
	if err != nil {
		return "", 0, err
	}
	if res.Status/100 != 2 {
		return "", 0, &doorError{res.Status, string(res.Body)}
	}
	for _, id := range push.IDs {
		m, err := p.svc.ReceivedBy(v.ctx(), at.route, id)
		if err == nil && m.App == v.App.Key && m.Conversation != 0 {
			return v.ID(hookswitch.KindConversation, m.Conversation), res.Took, nil
		}
	}
	return "", res.Took, nil
}

// talk goes on with a call or a session, or begins one.
func (p *Pages) talk(v *view, sim simulate.Simulator, a simulate.Account, at *phoneRoute, from string, form url.Values) (id string, err error) {
	ctx := context.WithoutCancel(v.ctx()) // a session whose owner reloads the page goes on
	input := form.Get("text")
	id = form.Get("line")
	one := p.lines.get(id, v.App.Key, v.Now)
	if form.Get("do") == "dial" || one == nil {
		d, err := sim.Dial(a, simulate.HandlerClient(p.Doors), p.svc.PublicURL(), from)
		if err != nil {
			return "", err
		}
		one = &line{app: v.App.Key, route: at.route.Key, from: from, talk: d}
		if id, err = p.lines.add(one, v.Now); err != nil {
			return "", err
		}
		one.mu.Lock()
		defer one.mu.Unlock()
		s, err := d.Open(ctx)
		return id, one.show(s, err)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	switch {
	case one.route != at.route.Key || one.over:
		return id, nil
	case form.Get("do") == "hangup":
		one.over = true
		one.said = append(one.said, saidLine{true, "hung up"})
		return id, one.talk.HangUp(ctx)
	}
	one.said = append(one.said, saidLine{true, cmp.Or(input, "silence")})
	s, err := one.talk.Answer(ctx, input)
	return id, one.show(s, err)
}

func (l *line) show(s simulate.Screen, err error) error {
	if err != nil {
		l.over = true
		return err
	}
	l.said = append(l.said, saidLine{false, s.Text})
	l.over = !s.More
	return nil
}

// simulateEvent sends what the provider of a channel would push, through the channel's own door.
func (p *Pages) simulateEvent(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return err
	}
	back := v.Page("senders", v.r.PathValue("sender"))
	for _, setup := range p.svc.RouteSetups(s) {
		r := setup.Route
		if v.ID(hookswitch.KindRoute, r.Key) != form.Get("route") {
			continue
		}
		if reason := p.maySimulate(&setup); reason != "" {
			return hookswitch.Errorf(hookswitch.Forbidden, "%s", reason)
		}
		sim, account, err := p.played(v, s, &r)
		if err != nil {
			return err
		}
		if sim.Dials() {
			return seeOther(v.w, v.Page("phone")+"?route="+form.Get("route"))
		}
		conv, took, err := p.push(v, sim, account, &phoneRoute{Channel: r.Channel, route: &r, sender: s}, form.Get("kind"), simulate.Person{})
		if err != nil {
			return p.phoneFault(v, back, err)
		}
		text := "The door proved it genuine, stored it and answered in " + ui.Millis(took) + "."
		if conv == "" {
			return v.done(back, ui.Good, text)
		}
		return v.done(back, ui.Good, text, "See the conversation", v.Page("conversations", conv))
	}
	return hookswitch.NotFoundf("There is no such channel.")
}
