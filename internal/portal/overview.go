package portal

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var overviewRoutes = []route{
	{in: operator, method: "GET", path: "", name: "Overview", nav: &nav{"", "pulse"}, handle: (*Pages).overview},
}

// overviewPage is how the whole server is doing.
type overviewPage struct {
	*view
	Tone     ui.Tone
	Sentence string
	Advice   string
	Tiles    []ui.Tile
	Server   []ui.Tile
	Chart    *ui.Chart
	Failing  []failingRow
	Senders  []disabledRow
	Apps     []ui.Action
	Others   []attention
	Loudest  []volumeRow
	Budget   *budgetPart
}

// volumeRow is an App that makes much.
type volumeRow struct {
	App, Page     string
	Events, Bytes string
	Share         string
	Bar           any
	Surge         string // in words; "": it makes as much as ever
}

// budgetPart is how fast the budget of failures is used up.
type budgetPart struct {
	Objective, Days string
	Tone            ui.Tone
	Sentence        string
	Rows            []burnRow
}

type burnRow struct {
	Window, Attempts, Failed, Rate string
	Fast                           bool
}

// attention is something besides endpoints that the operator should look at: what it is, since when, and where to go.
type attention struct {
	Text string
	Link ui.Link
}

// failingRow is an endpoint that needs a look.
type failingRow struct {
	App, AppPage string
	endpointRow
}

// disabledRow is a sender that sends nothing on one of its channels.
type disabledRow struct {
	App, Name, Page, Channel, Provider, Cause string
	Since                                     time.Time
}

func (p *Pages) overview(v *view) error {
	if v.App != nil { // an API key's bearer has one App only
		return seeOther(v.w, v.Base)
	}
	o, err := p.svc.Overview(v.ctx())
	if err != nil {
		return err
	}
	page := &overviewPage{view: v}
	var ok, failed int64
	for i := range o.OK {
		ok, failed = ok+o.OK[i], failed+o.Failed[i]
	}
	for _, f := range o.Failing {
		row := failingRow{App: f.App.Name, AppPage: dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, f.App.Key)}
		in := *v
		in.Base, in.App = row.AppPage, f.App
		rows, err := in.endpointRows([]*service.EndpointHealth{f.Health})
		if err != nil {
			return err
		}
		row.endpointRow = rows[0]
		page.Failing = append(page.Failing, row)
	}
	for _, d := range o.Disabled {
		page.Senders = append(page.Senders, disabledRow{App: d.App.Name, Name: d.Sender.Name, Channel: channelName(d.Route.Channel), Provider: d.Route.Provider, Cause: d.Route.DisabledCause,
			Since: d.Route.DisabledAt, Page: dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, d.App.Key) + "/senders/" + v.ID(hookswitch.KindSender, d.Sender.Key)})
	}
	switch n, senders := len(page.Failing), len(page.Senders); {
	case o.Apps == 0:
		page.Tone, page.Sentence, page.Advice = ui.Info, "There is no application yet.", "An application is a customer of yours: it has endpoints, senders and keys of its own."
		page.Apps = []ui.Action{{Name: "Create an application", URL: dashboardRoot + "/apps#create", Look: "primary", Icon: "plus"}}
	case senders > 0:
		page.Tone, page.Sentence = ui.Bad, ui.Plural(senders, "channel sends nothing", "channels send nothing")+": the provider refuses the credentials."
		page.Advice = "Put that right at the provider, and set the credentials that are good now."
	case p.svc.Paused() != nil:
		page.Tone, page.Sentence, page.Advice = ui.Warn, "Nothing is delivered: everything is paused.", "The doors and the APIs go on taking and storing."
		page.Apps = []ui.Action{{Name: "To the queues", URL: dashboardRoot + "/queues", Icon: "play"}}
	case n > 0:
		page.Tone, page.Sentence = ui.Warn, ui.Plural(n, "endpoint needs", "endpoints need")+" a look."
		page.Advice = page.Failing[0].Name + " of " + page.Failing[0].App + " has failed longest. Deliveries to all others are not held up."
	default:
		page.Tone, page.Sentence, page.Advice = ui.Good, "Everything is fine.", "No endpoint fails, and nothing waits for longer than it should."
	}
	if page.Others, err = p.attentions(v, o.Backlog.Oldest); err != nil {
		return err
	}
	if len(page.Others) > 0 && page.Tone == ui.Good {
		page.Tone, page.Sentence, page.Advice = ui.Warn, "Something needs a look.", "No endpoint fails."
	}
	if p.svc.Full() {
		page.Tone, page.Sentence, page.Advice = ui.Bad, "The store takes nothing more at this moment.", "More waits to be written than it takes. Senders are told to come back; nothing that was accepted is lost."
	}
	oldest := ui.Tile{Name: "Oldest due", Value: "–", Note: "the line is clear"}
	if !o.Backlog.Oldest.IsZero() {
		oldest.Value, oldest.Note = ui.Span(v.Now.Sub(o.Backlog.Oldest)), "since it was due"
		if v.Now.Sub(o.Backlog.Oldest) > time.Minute {
			oldest.Tone = ui.Warn
		}
	}
	rate := ui.Tile{Name: "Failure rate, 24 h", Value: ui.Percent(failed, ok+failed), Note: ui.Plural(int(failed), "failed attempt")}
	if failed*20 > ok+failed {
		rate.Tone = ui.Warn
	}
	page.Tiles = []ui.Tile{{Name: "Delivered, 24 h", Value: ui.Count(ok), Note: ui.Plural(int(ok+failed), "attempt")}, rate,
		{Name: "Due now", Value: ui.Count(o.Backlog.Due), Note: "for a place or another try"}, oldest, {Name: "Applications", Value: ui.Count(o.Apps), URL: dashboardRoot + "/apps"}}
	page.Tiles = append([]ui.Tile{{Name: "Accepted, 24 h", Value: ui.Count(o.Accepted), Note: ui.Bytes(o.Bytes) + " of payload"}}, page.Tiles...)
	page.loudest(o)
	if err := page.budget(); err != nil {
		return err
	}
	if page.Server, err = p.serverTiles(v); err != nil {
		return err
	}
	if ok+failed > 0 {
		page.Chart = &ui.Chart{ID: "attempts", Title: "Attempts of the last 24 hours, all applications", Unit: "attempts", Times: o.Hours, Stack: true,
			Series: []ui.Series{{Name: "Delivered", Tone: ui.Good, Values: o.OK}, {Name: "Failed", Tone: ui.Bad, Values: o.Failed}}}
		v.Shell.Charts = true
	}
	v.call(http.MethodGet, "/operator/v1/overview", "hookswitch status")
	return v.show("dashboard/overview", page)
}

// attentions are what needs the operator's look besides endpoints. oldest is since when the oldest work has been due; zero: none is.
func (p *Pages) attentions(v *view, oldest time.Time) (list []attention, err error) {
	if !oldest.IsZero() && v.Now.Sub(oldest) > lateWork && p.svc.Paused() == nil {
		list = append(list, attention{"Work has been due for " + v.since(oldest) + ": more comes than the nodes can do, or a slow endpoint has used up its places.", ui.Link{Name: "Look at the queues", URL: dashboardRoot + "/queues"}})
	}
	strays, err := p.svc.Strays(v.ctx(), store.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(strays) > 0 && v.Now.Sub(strays[0].Key.Time()) < 24*time.Hour {
		s := strays[0]
		list = append(list, attention{"A push of " + s.Provider + " had no sender, " + ui.Ago(s.Key.Time(), v.Now) + ": somebody’s messages may not arrive.", ui.Link{Name: "Look at what was kept aside", URL: dashboardRoot + "/strays"}})
	}
	if p.Disk != nil {
		if d, err := p.Disk(); err == nil && d.Total > 0 && d.Free < d.Total/10 {
			list = append(list, attention{"The disk has " + ui.Bytes(d.Free) + " of " + ui.Bytes(d.Total) + " left. Without room nothing is accepted: make room, or keep events for a shorter time.", ui.Link{Name: "Look at the settings", URL: dashboardRoot + "/settings?q=retention"}})
		}
	}
	return list, nil
}

// loudest fills in who makes the most.
func (o *overviewPage) loudest(from *service.Overview) {
	for _, l := range from.Loudest {
		row := volumeRow{App: l.App.Name, Page: dashboardRoot + "/apps/" + o.ID(hookswitch.KindApp, l.App.Key), Events: ui.Count(l.Events), Bytes: ui.Bytes(l.Bytes),
			Share: ui.Percent(int64(l.Share*1000), 1000), Bar: ui.Bar(int(l.Share*100), ui.Info)}
		if l.Surges() {
			row.Surge = ui.Count(l.LastHour) + " in the last hour; usual are " + ui.Count(l.Usual())
		}
		o.Loudest = append(o.Loudest, row)
	}
}

// budget fills in how fast the budget of failures is used up.
func (o *overviewPage) budget() error {
	b, err := o.p.svc.ErrorBudget(o.ctx())
	if err != nil {
		return err
	}
	whole := b.Burns[len(b.Burns)-1]
	if whole.OK+whole.Failed == 0 {
		return nil
	}
	part := &budgetPart{Objective: strconv.FormatFloat(b.Objective*100, 'f', -1, 64) + " %", Days: ui.Plural(b.Days, "day"), Tone: ui.Good}
	used := strconv.Itoa(int(b.Used*100+0.5)) + " %"
	switch hour := b.Burns[0].Rate; {
	case b.Used >= 1:
		part.Tone, part.Sentence = ui.Bad, "The budget is used up: more attempts have failed than may."
	case hour > 1:
		part.Tone, part.Sentence = ui.Warn, used+" of the budget is used, and the last hour uses it up "+times(hour)+" as fast as it may."
	default:
		part.Sentence = used + " of the budget is used, and it lasts."
	}
	for _, w := range b.Burns {
		row := burnRow{Window: "Last hour", Attempts: ui.Count(w.OK + w.Failed), Failed: ui.Percent(w.Failed, w.OK+w.Failed), Rate: times(w.Rate), Fast: w.Rate > 1}
		switch {
		case w.Window >= 48*time.Hour:
			row.Window = "Last " + ui.Plural(int(w.Window/(24*time.Hour)), "day")
		case w.Window > time.Hour:
			row.Window = "Last " + ui.Plural(int(w.Window/time.Hour), "hour")
		}
		part.Rows = append(part.Rows, row)
	}
	o.Budget = part
	return nil
}

// times is "2.5 times".
func times(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) + " times" }

// serverTiles are how the machines are doing, and what came to the doors for nobody.
func (p *Pages) serverTiles(v *view) ([]ui.Tile, error) {
	nodes, err := p.svc.Nodes(v.ctx())
	if err != nil {
		return nil, err
	}
	live, cpu, cores, others := 0, 0, 0, 0
	for _, n := range nodes {
		if n.Lives || n.Own {
			live++
			cpu, cores = cpu+n.CPU, cores+n.Cores
			if n.Version != "" && p.Version != "" && n.Version != p.Version {
				others++
			}
		}
	}
	strays, err := p.svc.Strays(v.ctx(), store.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	aside := ui.Tile{Name: "Last push kept aside", Value: "–", Note: "every push had a sender", URL: ""}
	if len(strays) > 0 {
		aside.Value, aside.Note, aside.URL = ui.Ago(strays[0].Key.Time(), v.Now), strays[0].Provider+", at "+strays[0].Door, dashboardRoot+"/strays"
		if v.Now.Sub(strays[0].Key.Time()) < 24*time.Hour {
			aside.Tone = ui.Warn
		}
	}
	tiles := []ui.Tile{{Name: "Nodes alive", Value: ui.Count(live), URL: dashboardRoot + "/queues"}, aside}
	if cores > 0 {
		t := ui.Tile{Name: "CPU of the nodes", Value: ui.Percent(int64(cpu), int64(cores)*1000), Note: "of " + ui.Plural(cores, "core"), URL: dashboardRoot + "/queues"}
		if cpu > cores*850 {
			t.Tone = ui.Warn
		}
		tiles = append(tiles, t)
	}
	if p.Disk != nil {
		if d, err := p.Disk(); err == nil && d.Total > 0 {
			t := ui.Tile{Name: "Free on the disk", Value: ui.Bytes(d.Free), Note: "the data directory takes " + ui.Bytes(d.Data)}
			if d.Free < d.Total/10 {
				t.Tone = ui.Warn
			}
			tiles = append(tiles, t)
		}
	}
	size, err := p.svc.DatabaseSize(v.ctx())
	if err != nil {
		return nil, err
	}
	tiles = append(tiles, sizeTile(size))
	if p.Version != "" {
		t := ui.Tile{Name: "Version", Value: p.Version, Note: p.Database, URL: dashboardRoot + "/settings"}
		if others > 0 {
			t.Tone, t.Note, t.URL = ui.Warn, ui.Plural(others, "node runs", "nodes run")+" another one: start them anew", dashboardRoot+"/queues"
		}
		tiles = append(tiles, t)
	}
	return tiles, nil
}

// sizeTile is how large the database is, and its log.
func sizeTile(z store.Size) ui.Tile {
	t := ui.Tile{Name: "Database", Value: ui.Bytes(z.Data), URL: dashboardRoot + "/settings"}
	switch {
	case z.LogMost > 0:
		t.Note = "and " + ui.Bytes(z.Log) + " of write-ahead log"
		if z.Log > z.LogMost {
			t.Tone = ui.Warn
			t.Note += ", which something keeps from being copied into it"
		}
	case z.Log >= 0:
		t.Note = ui.Bytes(z.Log) + " of log since the last checkpoint"
	}
	return t
}

// pageLength is how many rows lists have.
const pageLength = 50

// soon is how long a page looks for what it shows before it says how far it has come, and longer how long it does when somebody has asked it to go on.
const (
	soon   = 100 * time.Millisecond
	longer = 2 * time.Second
)

// pageAt is the part of a list that the parameters before and after ask for, one more than is shown.
func (v *view) pageAt(kind hookswitch.Kind) store.Page {
	p := store.Page{Limit: pageLength + 1, Within: soon}
	if v.query("further") != "" {
		p.Within = longer
	}
	if key, ok := v.p.svc.IDs().Parse(kind, v.query("before")); ok {
		p.Before = key
	} else if key, ok := v.p.svc.IDs().Parse(kind, v.query("after")); ok {
		p.After, p.Ascending = key, true
	}
	return p
}
