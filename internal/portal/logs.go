package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var logsRoutes = []route{
	{in: appPages, method: "GET", path: "/logs", name: "Logs", nav: &nav{"", "list"}, handle: (*Pages).logs,
		samples: []string{"/logs", "/logs?q=status%3Afailed+after%3A6h", "/logs?q=type%3Anone.such"}},
	{in: appPages, method: "GET", path: "/logs/export", name: "Export logs", stream: true, handle: (*Pages).exportLogs},
	{in: appPages, method: "GET", path: "/logs/live", name: "Logs, live", stream: true, handle: (*Pages).liveLogs},
}

// messageRow is one message with what has become of it.
type messageRow struct {
	ID, Pick, Page string
	Outcome        ui.Badge
	Why            string
	Type           string
	Channels       []string
	Endpoints      string // "2 of 3"
	Tries          int
	Code           string
	At, Next       time.Time
	Now            time.Time
	Fresh, Bulk    bool
}

// Clock is when it was made.
func (r messageRow) Clock() template.HTML { return ui.Clock(r.At, r.Now) }

// Due is when the next attempt is made.
func (r messageRow) Due() template.HTML { return due(r.Next, r.Now) }

func (v *view) messageRow(f *service.FoundEvent) messageRow {
	r := messageRow{ID: v.ID(hookswitch.KindEvent, f.Key), Type: f.Type, Channels: f.Tags, Tries: f.Tries, Code: "–", At: f.CreatedAt(), Next: f.Next, Now: v.Now}
	r.Page, r.Pick = v.Page("messages", r.ID), r.ID
	r.Endpoints = strconv.Itoa(f.Delivered) + " of " + strconv.Itoa(f.Endpoints())
	if f.Last != nil && f.Last.Code != 0 {
		r.Code = strconv.Itoa(f.Last.Code)
	}
	r.Outcome, r.Why = messageOutcome(f)
	return r
}

// messageOutcome is what has become of a message, over all endpoints.
func messageOutcome(f *service.FoundEvent) (b ui.Badge, reason string) {
	switch n := f.Endpoints(); {
	case n == 0:
		return ui.Badge{Tone: ui.Idle, Word: "No endpoint"}, "no filter let it through"
	case f.Failed > 0:
		return ui.Badge{Tone: ui.Bad, Word: "Given up", Icon: "ban"}, "at " + ui.Plural(f.Failed, "endpoint")
	case f.Waiting > 0 && f.Tries > f.Delivered:
		return ui.Badge{Tone: ui.Warn, Word: "Failed, waiting", Icon: "clock"}, "at " + ui.Plural(f.Waiting, "endpoint")
	case f.Waiting > 0:
		return ui.Badge{Tone: ui.Info, Word: "Being sent", Icon: "send"}, ""
	case f.Held == n:
		return ui.Badge{Tone: ui.Idle, Word: "Kept back", Icon: "pause"}, "the endpoint was off"
	}
	return ui.Badge{Tone: ui.Good, Word: "Delivered"}, ""
}

// logsPage is the list of all messages.
type logsPage struct {
	found
	Rows []messageRow
}

func (p *Pages) logs(v *view) error {
	path := v.Page("logs")
	page := &logsPage{found: v.find(path, "Search messages")}
	if err := page.suggest(true); err != nil {
		return err
	}
	at := v.pageAt(hookswitch.KindEvent)
	list, stopped, problems, err := p.svc.FindEvents(v.ctx(), v.App.Key, page.query, at)
	if err != nil {
		return err
	}
	for _, w := range problems {
		page.Filter.Wrong = append(page.Filter.Wrong, w.Text)
	}
	list = pages(&page.found, at, list, stopped, hookswitch.KindEvent, "message", func(f service.FoundEvent) hookswitch.Key { return f.Key })
	for i := range list {
		r := v.messageRow(&list[i])
		r.Bulk = true
		page.Rows = append(page.Rows, r)
	}
	if len(list) == 0 {
		page.nothing(path, ui.Blank{Kind: "empty", Title: "No messages yet", Text: "Every event that is published shows here, with what has become of it at each endpoint.",
			Links: []ui.Action{{Name: "To the endpoints", URL: v.Page("endpoints"), Icon: "endpoint"}}})
	}
	v.Shell.Script = "tail.js"
	v.api(http.MethodGet, "/app/"+v.AppID()+"/msg", "hookswitch event list --app "+v.AppID())
	if q := page.query.String(); q != "" && v.isOperator() {
		v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/events?"+url.Values{"q": {q}}.Encode(), "hookswitch event find --app "+v.AppID()+" "+shellWord(q))
	}
	return v.show("app/logs", page)
}
