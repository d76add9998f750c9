package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
)

var queuesRoutes = []route{
	{in: operator, method: "GET", path: "/queues", name: "Queues and nodes", nav: &nav{"Traffic", "list"}, handle: (*Pages).queues},
	{in: operator, method: "GET", path: "/settings", name: "Settings", nav: &nav{"Server", "gear"}, handle: (*Pages).settings,
		samples: []string{"/settings", "/settings?q=nothing-like-it"}},
}

type queuesPage struct {
	*view
	Tone     ui.Tone
	Sentence string
	Advice   string
	Queues   []queueRow
	Nodes    []nodeRow
	Tiles    []ui.Tile
}

type queueRow struct {
	Name, About         string
	Due, Later, Running string
	Oldest              string
	Late                bool
}

type nodeRow struct {
	store.NodeState
	State   ui.Badge
	Running string
}

// queueWords are the kinds of work for people.
var queueWords = map[hookswitch.DeliveryKind][2]string{
	hookswitch.DeliverWebhook: {"Webhooks", "events to endpoints"},
	hookswitch.DeliverOrdered: {"Webhooks in order", "events to endpoints that get one at a time"},
	hookswitch.DeliverMessage: {"Messages", "to people, over their providers"},
	hookswitch.DeliverRespond: {"Responders", "received messages that are to be answered"},
	hookswitch.DeliverTask:    {"Tasks", "recoveries, exports, purges"},
}

// lateWork is how long what is due may wait for a place before it is worth saying.
const lateWork = time.Minute

func (p *Pages) queues(v *view) error {
	queues, err := p.svc.Queues(v.ctx())
	if err != nil {
		return err
	}
	nodes, err := p.svc.Nodes(v.ctx())
	if err != nil {
		return err
	}
	page := &queuesPage{view: v, Tone: ui.Good, Sentence: "The line is clear.", Advice: "Nothing that is due has to wait."}
	var due, later, running int
	var oldest time.Time
	by := make(map[int]int)
	for _, q := range queues {
		words := queueWords[q.Kind]
		row := queueRow{Name: words[0], About: words[1], Due: ui.Count(q.Due), Later: ui.Count(q.Later), Running: ui.Count(q.Running), Oldest: "–"}
		if !q.Oldest.IsZero() {
			row.Oldest, row.Late = v.since(q.Oldest), v.Now.Sub(q.Oldest) > lateWork
			if oldest.IsZero() || q.Oldest.Before(oldest) {
				oldest = q.Oldest
			}
		}
		due, later, running = due+q.Due, later+q.Later, running+q.Running
		for node, n := range q.Nodes {
			by[node] += n
		}
		page.Queues = append(page.Queues, row)
	}
	live := 0
	for _, n := range nodes {
		row := nodeRow{NodeState: n, State: ui.Badge{Tone: ui.Idle, Word: "Silent", Icon: "pause"}, Running: ui.Count(by[n.Number])}
		if n.Lives || n.Own {
			row.State = ui.Badge{Tone: ui.Good, Word: "Alive"}
			live++
		}
		page.Nodes = append(page.Nodes, row)
	}
	switch {
	case p.svc.Full():
		page.Tone, page.Sentence, page.Advice = ui.Bad, "The store takes nothing more at this moment.", "More waits to be written than it takes. Senders are told to come back; nothing that was accepted is lost."
	case !oldest.IsZero() && v.Now.Sub(oldest) > lateWork:
		page.Tone, page.Sentence, page.Advice = ui.Warn, "Work has been due for "+v.since(oldest)+".", "Either more comes than the nodes can do, or a slow endpoint has used up its places."
	case due > 0:
		page.Sentence, page.Advice = ui.Plural(due, "piece of work is", "pieces of work are")+" due at this moment.", "None of them for long."
	}
	page.Tiles = []ui.Tile{{Name: "Due now", Value: ui.Count(due)}, {Name: "Running", Value: ui.Count(running)}, {Name: "Waiting for a later try", Value: ui.Count(later)}, {Name: "Nodes alive", Value: ui.Count(live)}}
	v.call(http.MethodGet, "/metrics", "")
	return v.show("dashboard/queues", page)
}

type settingsPage struct {
	*view
	Filter ui.Filter
	Rows   []settingRow
	Blank  *ui.Blank
	Facts  []pair
}

type settingRow struct {
	Setting
	From ui.Badge
}

func (p *Pages) settings(v *view) error {
	page := &settingsPage{view: v}
	text := strings.ToLower(strings.TrimSpace(v.query("q")))
	changed := v.query("changed") != ""
	for _, s := range p.Settings {
		if !strings.Contains(strings.ToLower(s.Name+" "+s.Help+" "+s.Value), text) || changed && s.Source == "default" {
			continue
		}
		row := settingRow{Setting: s, From: ui.Badge{Tone: ui.Idle, Word: "Default"}}
		switch s.Source {
		case "flag":
			row.From = ui.Badge{Tone: ui.Info, Word: "Flag", Icon: "code"}
		case "environment":
			row.From = ui.Badge{Tone: ui.Info, Word: "Environment", Icon: "gear"}
		case "file":
			row.From = ui.Badge{Tone: ui.Info, Word: "File", Icon: "book"}
		}
		page.Rows = append(page.Rows, row)
	}
	page.Filter = ui.Filter{Action: dashboardRoot + "/settings", Target: "settings", Label: "Search settings", Text: v.query("q"), Holder: "Name, value or meaning", Clear: dashboardRoot + "/settings",
		Fields: []ui.Field{{ID: "changed", Name: "changed", Label: "Which", Kind: "select", Options: options(v.query("changed"), "", "All settings", "yes", "Those that were set")}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: v.query("q"), Without: v.Link("q", "")})
	}
	if changed {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "which", Value: "that were set", Without: v.Link("changed", "")})
	}
	switch {
	case len(page.Rows) > 0:
	case text == "" && !changed:
		page.Blank = &ui.Blank{Kind: "empty", Title: "The settings are not known here", Text: "This server was put together by another program, which has not told its settings."}
	default:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No setting matches", Links: []ui.Action{{Name: "Clear the conditions", URL: dashboardRoot + "/settings"}}}
	}
	page.Facts = []pair{{"Public address", p.svc.PublicURL()}}
	if p.Version != "" {
		page.Facts = append(page.Facts, pair{"Version", p.Version})
	}
	if p.Database != "" {
		page.Facts = append(page.Facts, pair{"Database", p.Database})
	}
	if p.Disk != nil {
		if d, err := p.Disk(); err == nil {
			page.Facts = append(page.Facts, pair{"Data", ui.Bytes(d.Data)}, pair{"Free on its disk", ui.Bytes(d.Free) + " of " + ui.Bytes(d.Total)})
		}
	}
	page.Facts = slices.Clip(page.Facts)
	v.call(http.MethodGet, "/operator/v1/settings", "")
	return v.show("dashboard/settings", page)
}
