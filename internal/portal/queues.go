package portal

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var queuesRoutes = []route{
	{in: operator, method: "GET", path: "/queues", name: "Queues and nodes", nav: &nav{"Traffic", "list"}, handle: (*Pages).queues},
	{in: operator, method: "POST", path: "/queues/pause", name: "Pause everything", under: "/queues", handle: (*Pages).pauseAll},
	{in: operator, method: "POST", path: "/queues/resume", name: "Go on", under: "/queues", handle: (*Pages).resumeAll},
	{in: operator, method: "POST", path: "/queues/nodes/{node}", name: "Drain a node", under: "/queues", handle: (*Pages).drainNode},
}

type queuesPage struct {
	*view
	Tone         ui.Tone
	Sentence     string
	Advice       string
	Tiles        []ui.Tile
	Pause        *store.Pause
	Note         ui.Field
	Problems     ui.Problems
	Queues       []queueRow
	Destinations []backlogRow
	Part         bool // there are more destinations than there was time for
	Slow         []slowRow
	Nodes        []nodeRow
}

type queueRow struct {
	Name, About         string
	Due, Later, Running string
	Oldest              string
	Late                bool
}

// backlogRow is what waits for one endpoint, conversation or App.
type backlogRow struct {
	Name, About, Page, App, AppPage string
	Kind                            string
	Waiting, Due                    string
	Oldest                          string
	Late                            bool
}

type slowRow struct {
	Name, URL, Page, App, AppPage string
	P50, P95, Tries, Failed       string
}

type nodeRow struct {
	store.NodeState
	State   ui.Badge
	Running string
	CPU     string
	Busy    bool
	Memory  string
	Version string
	Other   bool // its program is another version than this node's
	Path    string
	Silent  bool
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
	note := ui.Field{ID: "note", Name: "note", Label: "Why", Holder: "Moving to the new database", Optional: true, Autocomplete: "off", Hint: "Everybody who signs in, at the dashboard or in a portal, reads it."}
	return p.showQueues(v, http.StatusOK, note, "")
}

func (p *Pages) showQueues(v *view, status int, note ui.Field, problem string) error {
	page := &queuesPage{view: v, Note: note, Pause: p.svc.Paused(), Tone: ui.Good, Sentence: "The line is clear.", Advice: "Nothing that is due has to wait."}
	if note.Problem = problem; problem != "" {
		page.Note = note
		page.Problems = ui.Problems{Title: "Nothing was paused", List: []ui.Problem{{Field: note.ID, Text: problem}}}
	}
	queues, err := p.svc.Queues(v.ctx())
	if err != nil {
		return err
	}
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
	working, err := page.nodes(by)
	if err != nil {
		return err
	}
	switch {
	case p.svc.Full():
		page.Tone, page.Sentence, page.Advice = ui.Bad, "The store takes nothing more at this moment.", "More waits to be written than it takes. Senders are told to come back; nothing that was accepted is lost."
	case page.Pause != nil:
		page.Tone, page.Sentence, page.Advice = ui.Warn, "Everything has been paused for "+v.since(page.Pause.Since)+".", "The doors and the APIs go on taking and storing. What waits is done when you go on."
	case working == 0:
		page.Tone, page.Sentence, page.Advice = ui.Bad, "No node takes work.", "All nodes that are alive are being drained. Have one of them take work again, or start one anew."
	case !oldest.IsZero() && v.Now.Sub(oldest) > lateWork:
		page.Tone, page.Sentence, page.Advice = ui.Warn, "Work has been due for "+v.since(oldest)+".", "Either more comes than the nodes can do, or a slow endpoint has used up its places."
	case due > 0:
		page.Sentence, page.Advice = ui.Plural(due, "piece of work is", "pieces of work are")+" due at this moment.", "None of them for long."
	}
	if err := page.destinations(); err != nil {
		return err
	}
	tries, err := page.slow()
	if err != nil {
		return err
	}
	page.Tiles = []ui.Tile{{Name: "Due now", Value: ui.Count(due)}, {Name: "Running", Value: ui.Count(running)}, {Name: "Waiting for a later try", Value: ui.Count(later)},
		{Name: "Attempts a second", Value: tries, Note: "this hour"}, {Name: "Nodes that take work", Value: ui.Count(working)}}
	v.call(http.MethodGet, "/operator/v1/queues", "hookswitch queue show")
	return v.write(status, "dashboard/queues", page)
}

// nodes fills in the rows of nodes, and returns how many take work. by is how much each of them has.
func (q *queuesPage) nodes(by map[int]int) (working int, err error) {
	nodes, err := q.p.svc.Nodes(q.ctx())
	if err != nil {
		return 0, err
	}
	for _, n := range nodes {
		row := nodeRow{NodeState: n, State: ui.Badge{Tone: ui.Idle, Word: "Silent", Icon: "pause"}, Running: ui.Count(by[n.Number]), CPU: "–", Memory: "–", Version: cmp.Or(n.Version, "–"),
			Path: dashboardRoot + "/queues/nodes/" + strconv.Itoa(n.Number), Silent: !n.Lives && !n.Own, Other: n.Version != "" && q.p.Version != "" && n.Version != q.p.Version}
		if !row.Silent {
			row.State = ui.Badge{Tone: ui.Good, Word: "Takes work"}
			if n.DrainedAt.IsZero() {
				working++
			} else {
				row.State = ui.Badge{Tone: ui.Warn, Word: "Being drained", Icon: "down"}
				if by[n.Number] == 0 {
					row.State = ui.Badge{Tone: ui.Info, Word: "Drained", Icon: "pause"}
				}
			}
			if n.Cores > 0 {
				row.CPU = ui.Percent(int64(n.CPU), int64(n.Cores)*1000) + " of " + ui.Plural(n.Cores, "core")
				row.Busy = n.CPU > n.Cores*850
				row.Memory = ui.Bytes(n.Memory)
			}
		}
		q.Nodes = append(q.Nodes, row)
	}
	return working, nil
}

// destinations fills in what waits for whom.
func (q *queuesPage) destinations() error {
	list, part, err := q.p.svc.Backlogs(q.ctx(), soon)
	if err != nil {
		return err
	}
	q.Part = part
	for _, d := range list {
		words := queueWords[d.Kind]
		row := backlogRow{Kind: words[0], About: words[1], Name: words[0], Waiting: atMost(d.Waiting), Due: atMost(d.Due), Oldest: "–"}
		if !d.Oldest.IsZero() {
			row.Oldest, row.Late = q.since(d.Oldest), q.Now.Sub(d.Oldest) > lateWork
		}
		if d.AppOf != nil {
			row.App, row.AppPage = excerpt(d.AppOf.Name, maxShownName), dashboardRoot+"/apps/"+q.ID(hookswitch.KindApp, d.App)
			row.Name, row.Page = words[0]+" of "+row.App, row.AppPage
		}
		switch {
		case d.App == hookswitch.OrganizationApp:
			row.App, row.AppPage, row.Page, row.Name = "This server", "", "", "Operational webhooks"
		case d.Endpoint != nil && d.Endpoint.Profile != hookswitch.ProfileZavu:
			row.Name, row.About, row.Page = endpointName(d.Endpoint), d.Endpoint.URL, row.AppPage+"/endpoints/"+q.ID(hookswitch.KindEndpoint, d.Endpoint.Key)
		case d.Endpoint != nil:
			row.Name, row.About = endpointName(d.Endpoint), d.Endpoint.URL
		case d.Kind == hookswitch.DeliverMessage || d.Kind == hookswitch.DeliverRespond:
			row.Name, row.About, row.Page = "One conversation", words[1], row.AppPage+"/conversations/"+q.ID(hookswitch.KindConversation, d.Target)
		}
		q.Destinations = append(q.Destinations, row)
	}
	return nil
}

// atMost is a count that goes no further than store.MaxOwed.
func atMost(n int) string {
	if n >= store.MaxOwed {
		return ui.Count(n) + " or more"
	}
	return ui.Count(n)
}

// slow fills in the slow endpoints, and returns how many attempts a second there are.
func (q *queuesPage) slow() (tries string, err error) {
	list, err := q.p.svc.Slowest(q.ctx())
	if err != nil {
		return "", err
	}
	for _, s := range list {
		row := slowRow{Name: endpointName(s.Endpoint), URL: s.Endpoint.URL, App: s.App.Name, P50: ui.Millis(s.P50), P95: ui.Millis(s.P95), Tries: ui.Count(s.Tries), Failed: ui.Percent(s.Failed, s.Tries)}
		row.AppPage = dashboardRoot + "/apps/" + q.ID(hookswitch.KindApp, s.App.Key)
		row.Page = row.AppPage + "/endpoints/" + q.ID(hookswitch.KindEndpoint, s.Endpoint.Key)
		q.Slow = append(q.Slow, row)
	}
	n, err := q.p.svc.TriedThisHour(q.ctx())
	if err != nil {
		return "", err
	}
	took := max(q.Now.Sub(q.Now.UTC().Truncate(time.Hour)).Seconds(), 1)
	return strconv.FormatFloat(float64(n)/took, 'f', 1, 64), nil
}

func (p *Pages) pauseAll(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	_, err = p.svc.Pause(v.ctx(), form.Get("note"))
	if hookswitch.KindOf(err) == hookswitch.Invalid {
		return p.showQueues(v, http.StatusUnprocessableEntity, ui.Field{ID: "note", Name: "note", Label: "Why", Value: form.Get("note"), Optional: true, Autocomplete: "off"}, "The reason "+fieldProblem(err)+".")
	}
	if err != nil {
		return err
	}
	return v.done(dashboardRoot+"/queues", ui.Warn, "Paused everything. What runs at this moment goes on to its end; all nodes hold still within a second.")
}

func (p *Pages) resumeAll(v *view) error {
	if err := p.svc.Resume(v.ctx()); err != nil {
		return err
	}
	return v.done(dashboardRoot+"/queues", ui.Good, "Work goes on. What has waited is done now, what fell due first before the rest.")
}

func (p *Pages) drainNode(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(v.r.PathValue("node"))
	if err != nil || number < 1 || number > hookswitch.MaxNode {
		return hookswitch.NotFoundf("There is no such node.")
	}
	drain := form.Get("do") != "fill"
	if err := p.svc.DrainNode(v.ctx(), number, drain); err != nil {
		return err
	}
	if !drain {
		return v.done(dashboardRoot+"/queues", ui.Good, "Node "+strconv.Itoa(number)+" takes work again.")
	}
	return v.done(dashboardRoot+"/queues", ui.Good, "Node "+strconv.Itoa(number)+" takes no more work, and is not ready for requests. It can be stopped when it has none left; a new start takes work again.")
}

// pauseBanner says on every page that nothing is delivered.
func (v *view) pauseBanner() {
	var pause *store.Pause
	if v.p.svc != nil {
		pause = v.p.svc.Paused()
	}
	if pause == nil {
		return
	}
	b := ui.Banner{Tone: ui.Warn, Text: "Deliveries have been paused for " + v.since(pause.Since) + ". What is published meanwhile is kept, and sent afterwards."}
	if pause.Note != "" {
		b.Text += " Reason: " + excerpt(pause.Note, service.MaxPauseNote)
	}
	if v.isOperator() && v.route.path != "/queues" {
		b.Link = &ui.Link{Name: "Go on", URL: dashboardRoot + "/queues"}
	}
	v.Shell.Banners = append(v.Shell.Banners, b)
}
