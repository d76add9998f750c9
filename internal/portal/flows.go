package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var flowsRoutes = []route{
	{in: tenant, method: "GET", path: "/flows", name: "USSD and voice flows", nav: &nav{"Messaging", "handset"}, handle: (*Pages).flows, samples: []string{"/flows"}},
	{in: tenant, method: "GET", path: "/senders/{sender}/flow", name: "Flow", under: "/flows", handle: (*Pages).flow,
		samples: []string{"/senders/{ussd}/flow", "/senders/{ussd}/flow?channel=voice&days=30", "/senders/{baresender}/flow"}},
	{in: tenant, method: "POST", path: "/senders/{sender}/flow", name: "Change the flow", under: "/flows", admin: true, handle: (*Pages).changeFlow},
}

// sessionSums are how sessions went.
type sessionSums struct {
	Sessions, Completed, Left, Failed, Open int
	Steps                                   int64
	Took                                    time.Duration
}

func sumSessions(counts []store.DialogueCount) (s sessionSums) {
	for _, c := range counts {
		s.Sessions += c.N
		s.Steps += c.Steps
		s.Took += c.Took
		switch c.Status {
		case "":
			s.Open += c.N
		case "completed":
			s.Completed += c.N
		case "error", "failed":
			s.Failed += c.N
		default:
			s.Left += c.N
		}
	}
	return s
}

// share is n of all in words.
func share(n, all int) string {
	if all == 0 {
		return "–"
	}
	return strconv.Itoa(100*n/all) + " %"
}

// flowsPage is the list of senders that people dial or call.
type flowsPage struct {
	*view
	Rows  []flowRow
	Blank *ui.Blank
}

type flowRow struct {
	Name, Page, Channel, Responder string
	Screens                        string
	sessionSums
	Done string
}

// dialled are the channels of a sender that people dial or call.
func dialled(s *hookswitch.Sender) (list []hookswitch.Channel) {
	for _, ch := range []hookswitch.Channel{hookswitch.USSD, hookswitch.Voice} {
		if slices.ContainsFunc(s.Routes, func(r hookswitch.Route) bool { return r.Channel == ch }) {
			list = append(list, ch)
		}
	}
	return list
}

const flowDays = 7

func (p *Pages) flows(v *view) error {
	senders, err := p.svc.Senders(v.ctx(), v.App.Key, store.Page{Limit: maxPhoneSenders})
	if err != nil {
		return err
	}
	page := &flowsPage{view: v}
	for _, s := range senders {
		for _, ch := range dialled(s) {
			stats, err := p.svc.FlowStats(v.ctx(), v.App.Key, s.Key, ch, flowDays*24*time.Hour)
			if err != nil {
				return err
			}
			row := flowRow{Name: s.Name, Channel: channelName(ch), Responder: kindName(s.Responder.Kind), Screens: "–", sessionSums: sumSessions(stats.Counts),
				Page: v.Page("senders", v.ID(hookswitch.KindSender, s.Key), "flow") + "?channel=" + string(ch)}
			if f, ok := respond.FlowOf(s.Responder); ok {
				row.Screens = ui.Count(len(f.Screens))
			}
			row.Done = share(row.Completed, row.Sessions-row.Open)
			page.Rows = append(page.Rows, row)
		}
	}
	if len(page.Rows) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nobody can dial or call yet", Text: "A flow is what people go through who dial a USSD code or call a number of a sender. Give one such a channel.", Links: []ui.Action{{Name: "To the senders", URL: v.Page("senders")}}}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/sessions", "hookswitch session list --app "+v.AppID())
	return v.show("dashboard/flows", page)
}

// flowPage is the menu of a sender, and how sessions went through it.
type flowPage struct {
	*view
	Sender    *hookswitch.Sender
	ID, Path  string
	Channel   string
	Tabs      []ui.Tab
	Days      []ui.Link
	Current   string
	Tiles     []ui.Tile
	Note      string
	Tree      []*flowNode
	Screens   []flowScreen
	Loose     []string // screens to which no way leads
	Text      ui.Field
	Fresh     bool // there is no menu yet
	Kind      string
	Replaces  string // the responder whose place a menu would take
	Greeting  string
	Refused   string
	Problems  ui.Problems
	Checked   *ui.Flash
	Phone     string
	Responder string
}

// flowNode is a screen as it is reached by a choice.
type flowNode struct {
	Key, Label string
	Screen     respond.FlowScreen
	Again      bool // it stands further up with all that follows
	Pages      string
	Next       []*flowNode
}

// flowScreen is what happened at one screen, or at one step where there is no menu.
type flowScreen struct {
	Name, Text string
	Gone       bool // the menu has no such screen any more
	Count      store.ScreenCount
	Drop       string
	Share      int
	Tone       ui.Tone
	Bar        any
	On         int // went on from here
}

func (p *Pages) flow(v *view) error {
	page, err := p.flowPage(v)
	if err != nil {
		return err
	}
	return v.show("dashboard/flow", page)
}

// exampleMenu is what the editor holds where there is no menu yet.
const exampleMenu = `start: main
unknown: Please choose 1 or 2.
screens:
  main:
    text: Welcome. What would you like to do?
    options:
      - key: 1
        label: My balance
        goTo: balance
      - key: 2
        label: Talk to a person
        goTo: person
  balance:
    text: Your balance is 0.
    end: true
  person:
    text: Somebody will call you back.
    handover: true
`

func (p *Pages) flowPage(v *view) (*flowPage, error) {
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return nil, err
	}
	page := &flowPage{view: v, Sender: s, ID: v.ID(hookswitch.KindSender, s.Key), Kind: s.Responder.Kind, Refused: v.refusedAdmin(), Greeting: s.Dialogue.Greeting, Responder: kindName(s.Responder.Kind)}
	page.Path = v.Page("senders", page.ID, "flow")
	v.Shell.Title = "Flow of " + excerpt(s.Name, maxShownName)
	v.Shell.Trail = []ui.Link{{Name: "USSD and voice flows", URL: v.Page("flows")}}
	channels := dialled(s)
	ch := hookswitch.Channel(v.query("channel"))
	switch {
	case ch == "" && len(channels) > 0:
		ch = channels[0]
	case ch == "":
		ch = hookswitch.USSD
	case ch != hookswitch.USSD && ch != hookswitch.Voice:
		return nil, hookswitch.InvalidField("must be ussd or voice", "channel")
	}
	page.Channel = channelName(ch)
	if len(channels) > 1 {
		for _, one := range channels {
			page.Tabs = append(page.Tabs, ui.Tab{Name: channelName(one), URL: page.Path + "?channel=" + string(one), Current: one == ch})
		}
	}
	days := flowDays
	if text := v.query("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 90 {
			return nil, hookswitch.InvalidField("must be a number from 1 to 90", "days")
		}
	}
	for _, d := range []int{1, flowDays, 30, 90} {
		name := ui.Plural(d, "day")
		page.Days = append(page.Days, ui.Link{Name: name, URL: page.Path + "?channel=" + string(ch) + "&days=" + strconv.Itoa(d)})
		if d == days {
			page.Current = name
		}
	}
	for _, setup := range p.svc.RouteSetups(s) {
		if setup.Route.Channel == ch {
			page.Phone = v.Page("phone") + "?route=" + v.ID(hookswitch.KindRoute, setup.Route.Key)
		}
	}
	stats, err := p.svc.FlowStats(v.ctx(), v.App.Key, s.Key, ch, time.Duration(days)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	page.stats(&stats)
	page.menu(&stats, ch)
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/senders/"+page.ID+"/flow?channel="+string(ch), "hookswitch responder flow "+page.ID+" --app "+v.AppID())
	return page, nil
}

// stats are the numbers on top.
func (page *flowPage) stats(stats *service.FlowStats) {
	sum := sumSessions(stats.Counts)
	over := sum.Sessions - sum.Open
	steps, took := "–", "–"
	if sum.Sessions > 0 {
		steps = strconv.FormatFloat(float64(sum.Steps)/float64(sum.Sessions), 'f', 1, 64)
	}
	if over > 0 {
		took = ui.Span(sum.Took / time.Duration(over))
	}
	left := ui.Tile{Name: "Left on the way", Value: ui.Count(sum.Left), Note: share(sum.Left, over) + " of those that ended"}
	failed := ui.Tile{Name: "Failed", Value: ui.Count(sum.Failed), Note: "no answer in time, or none"}
	if sum.Failed > 0 {
		failed.Tone = ui.Bad
	}
	page.Tiles = []ui.Tile{{Name: "Sessions", Value: ui.Count(sum.Sessions), Note: ui.Count(sum.Open) + " under way"}, {Name: "Came to their end", Value: ui.Count(sum.Completed), Note: share(sum.Completed, over)}, left, failed,
		{Name: "Steps of one", Value: steps, Note: "on average"}, {Name: "Lasted", Value: took, Note: "on average"}}
	if stats.More {
		page.Note = "There were more sessions than are counted here; the newest are."
	}
}

// menu draws the menu with what happened at its screens.
func (page *flowPage) menu(stats *service.FlowStats, ch hookswitch.Channel) {
	flow, has := respond.FlowOf(page.Sender.Responder)
	page.Fresh = !has
	text := respond.MenuText(page.Sender.Responder)
	if text == "" {
		text = exampleMenu
		if page.Kind != "" && page.Kind != "menu" && page.Kind != "rules" {
			page.Replaces = page.Responder
		}
	}
	page.Text = ui.Field{ID: "menu-text", Name: "text", Label: "Menu", Kind: "textarea", Rows: min(40, max(14, strings.Count(text, "\n")+2)), Value: text, Mono: true, Refused: page.Refused,
		Hint: "YAML, of which JSON is a part: start, screens, and unknown. Each screen has a text and one of options, input, end and handover."}
	counts := make(map[string]store.ScreenCount)
	for _, c := range stats.Screens {
		if c.Screen != "" {
			counts[c.Screen] = c
		}
	}
	if has {
		drawn := make(map[string]bool)
		page.Tree = []*flowNode{drawFlow(&flow, flow.Start, "", "", drawn, ch)}
		for _, one := range flow.Screens {
			if !one.Reached {
				page.Loose = append(page.Loose, one.Name)
			}
			page.Screens = append(page.Screens, newFlowScreen(one.Name, one.Text, counts[one.Name]))
			delete(counts, one.Name)
		}
	}
	for _, c := range stats.Screens {
		_, gone := counts[c.Screen]
		switch {
		case c.Screen == "":
			name := "Step " + strconv.Itoa(c.Number+1)
			if has {
				name += ", outside the menu"
			}
			page.Screens = append(page.Screens, newFlowScreen(name, "", c))
		case gone:
			row := newFlowScreen(c.Screen, "", c)
			row.Gone = has
			page.Screens = append(page.Screens, row)
		}
	}
}

func newFlowScreen(name, text string, c store.ScreenCount) flowScreen {
	s := flowScreen{Name: name, Text: excerpt(text, 80), Count: c, Drop: share(c.Left, c.Sessions), On: max(0, c.Sessions-c.Left-c.Ended-c.Open)}
	if c.Sessions > 0 {
		s.Share = 100 * c.Left / c.Sessions
	}
	switch {
	case s.Share >= 30:
		s.Tone = ui.Bad
	case s.Share >= 10:
		s.Tone = ui.Warn
	default:
		s.Tone = ui.Good
	}
	s.Bar = ui.Bar(s.Share, s.Tone)
	return s
}

// drawFlow is a screen with those that it leads to. One that stands further up is only named.
func drawFlow(f *respond.Flow, name, key, label string, drawn map[string]bool, ch hookswitch.Channel) *flowNode {
	at := slices.IndexFunc(f.Screens, func(s respond.FlowScreen) bool { return s.Name == name })
	if at < 0 {
		return &flowNode{Key: key, Label: label, Screen: respond.FlowScreen{Name: name}, Again: true}
	}
	n := &flowNode{Key: key, Label: label, Screen: f.Screens[at], Again: drawn[name]}
	if n.Screen.Pages > 1 && ch == hookswitch.USSD {
		n.Pages = ui.Plural(n.Screen.Pages, "screen") + " of a telephone"
	}
	if n.Again {
		return n
	}
	drawn[name] = true
	for _, o := range n.Screen.Options {
		n.Next = append(n.Next, drawFlow(f, o.GoTo, o.Key, o.Label, drawn, ch))
	}
	if n.Screen.GoTo != "" {
		n.Next = append(n.Next, drawFlow(f, n.Screen.GoTo, "", n.Screen.Input, drawn, ch))
	}
	return n
}

// changeFlow checks or saves the text of a menu.
func (p *Pages) changeFlow(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page, err := p.flowPage(v)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(form.Get("text"), "\r\n", "\n")
	page.Text.Value = text
	cfg, err := respond.WithMenuText(page.Sender.Responder, text)
	if err == nil {
		cfg, err = p.svc.CheckResponder(v.ctx(), v.App.Key, page.ID, respondShown(cfg))
	}
	if page.wrong(err) {
		return v.write(http.StatusUnprocessableEntity, "dashboard/flow", page)
	}
	if err != nil {
		return err
	}
	switch form.Get("do") {
	case "check":
		page.check(cfg)
		return v.show("dashboard/flow", page)
	case "save":
		if _, err := p.svc.ChangeResponder(v.ctx(), v.App.Key, page.ID, respondShown(cfg)); err != nil {
			return err
		}
		flow, _ := respond.FlowOf(cfg)
		return v.done(page.Path, ui.Good, "Saved the menu of "+ui.Plural(len(flow.Screens), "screen")+". Who dials next goes through it; who is in the middle goes on where they are.")
	}
	return hookswitch.InvalidField("must be check or save", "do")
}

// respondShown is cfg with its secrets masked: the service puts those in that are there.
func respondShown(cfg hookswitch.ResponderConfig) hookswitch.ResponderConfig {
	return hookswitch.ResponderConfig{Kind: cfg.Kind, Raw: respond.Show(cfg)}
}

// wrong puts what is wrong with the text on top, and reports false where err is none of it.
func (page *flowPage) wrong(err error) bool {
	e, ok := asInvalid(err)
	if !ok {
		return false
	}
	page.Problems.Title = "The menu was not saved"
	page.Text.Problem = "There is something to correct; see above."
	for _, one := range e.Fields {
		path := one.Path
		for _, name := range []string{"responder", "document", "menu"} {
			if at := slices.Index(path, name); at >= 0 {
				path = path[at+1:]
			}
		}
		where := strings.ReplaceAll(strings.Join(path, " › "), " › [", "[")
		page.Problems.List = append(page.Problems.List, ui.Problem{Field: "menu-text", Text: strings.TrimSpace(cmp.Or(where, "The text") + " " + one.Message + page.line(path))})
	}
	if len(e.Fields) == 0 {
		page.Problems.List = append(page.Problems.List, ui.Problem{Field: "menu-text", Text: e.Message})
	}
	return true
}

// line is where a screen stands in the text: " (line 12)", or "".
func (page *flowPage) line(path []string) string {
	if len(path) < 2 || path[0] != "screens" {
		return ""
	}
	for i, line := range strings.Split(page.Text.Value, "\n") {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && strings.Trim(name, `"'`) == path[1] && strings.HasPrefix(line, " ") {
			return fmt.Sprintf(" (line %d)", i+1)
		}
	}
	return ""
}

// check says how a menu is, which is not wrong.
func (page *flowPage) check(cfg hookswitch.ResponderConfig) {
	flow, _ := respond.FlowOf(cfg)
	var loose, long []string
	for _, s := range flow.Screens {
		if !s.Reached {
			loose = append(loose, s.Name)
		}
		if s.Pages > 1 {
			long = append(long, s.Name)
		}
	}
	f := ui.Flash{Tone: ui.Good, Text: "Nothing is wrong with it: " + ui.Plural(len(flow.Screens), "screen") + ", and each leads on or ends."}
	if loose != nil {
		f.Tone = ui.Warn
		f.Text += " No way leads to " + strings.Join(loose, ", ") + "."
	}
	if long != nil {
		f.Tone = ui.Warn
		f.Text += " Longer than the screen of a telephone: " + strings.Join(long, ", ") + "."
	}
	f.Text += " It is not saved yet."
	page.Checked = &f
}
