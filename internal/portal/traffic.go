package portal

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var trafficRoutes = []route{
	{in: operator, method: "GET", path: "/messages", name: "Messages", nav: &nav{"Traffic", "message"}, handle: (*Pages).allMessages,
		samples: []string{"/messages", "/messages?q=status%3Afailed+after%3A6h", "/messages?q=type%3Anone.such"}},
	{in: operator, method: "GET", path: "/messages/export", name: "Export messages", stream: true, handle: (*Pages).exportAllMessages},
	{in: operator, method: "GET", path: "/deliveries", name: "Deliveries", nav: &nav{"Traffic", "send"}, handle: (*Pages).allDeliveries,
		samples: []string{"/deliveries", "/deliveries?q=status%3Afailed+code%3A5xx", "/deliveries?q=type%3Anone.such"}},
	{in: operator, method: "GET", path: "/deliveries/export", name: "Export deliveries", stream: true, handle: (*Pages).exportAllDeliveries},
}

// allMessagesPage is the list of the messages of all customers.
type allMessagesPage struct {
	found
	Rows []appMessageRow
}

type appMessageRow struct {
	messageRow
	App, AppPage string
}

// allDeliveriesPage is the list of the attempts at the endpoints of all customers.
type allDeliveriesPage struct {
	found
	Rows []appAttemptRow
}

type appAttemptRow struct {
	attemptRow
	App, AppPage, Endpoint, EndpointPage string
}

// inApp is v as the pages of an App at the dashboard have it.
func (v *view) inApp(app hookswitch.Key) *view {
	in := *v
	in.Base = dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, app)
	return &in
}

// ownerName is what an App is called, and where its pages begin; "" where it has been deleted.
func (v *view) ownerName(a *hookswitch.App) (name, page string) {
	if a == nil {
		return "Deleted application", ""
	}
	return excerpt(a.Name, maxShownName), dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, a.Key)
}

const trafficHint = `status:failed code:5xx type:message.* channel:sms endpoint:ep_… after:2h message:msg_… and "text in the payload", over all applications.`

func (p *Pages) allMessages(v *view) error {
	const path = dashboardRoot + "/messages"
	page := &allMessagesPage{found: v.find(path, "Search messages of all applications")}
	page.Filter.Hint = trafficHint
	if err := page.suggest(false); err != nil {
		return err
	}
	at := v.pageAt(hookswitch.KindEvent)
	list, stopped, err := p.svc.FindAllEvents(v.ctx(), page.query, at)
	if err != nil {
		return err
	}
	list = pages(&page.found, at, list, stopped, hookswitch.KindEvent, "message", func(f service.AppEvent) hookswitch.Key { return f.Key })
	for i := range list {
		row := appMessageRow{messageRow: v.inApp(list[i].App).messageRow(&list[i].FoundEvent)}
		row.App, row.AppPage = v.ownerName(list[i].AppOf)
		if row.AppPage == "" {
			row.Page = ""
		}
		page.Rows = append(page.Rows, row)
	}
	if len(list) == 0 {
		page.nothing(path, ui.Blank{Kind: "empty", Title: "No messages yet", Text: "Every event that an application publishes shows here, with what has become of it at its endpoints.",
			Links: []ui.Action{{Name: "To the applications", URL: dashboardRoot + "/apps", Icon: "apps"}}})
	}
	v.call(http.MethodGet, "/api/v1/app/{app}/msg", "hookswitch event list --app APP")
	return v.show("dashboard/messages", page)
}

func (p *Pages) allDeliveries(v *view) error {
	const path = dashboardRoot + "/deliveries"
	page := &allDeliveriesPage{found: v.find(path, "Search deliveries of all applications")}
	page.Filter.Hint = trafficHint
	if err := page.suggest(false); err != nil {
		return err
	}
	at := v.pageAt(hookswitch.KindAttempt)
	list, stopped, err := p.svc.FindAllAttempts(v.ctx(), page.query, at)
	if err != nil {
		return err
	}
	list = pages(&page.found, at, list, stopped, hookswitch.KindAttempt, "attempt", func(f service.AppAttempt) hookswitch.Key { return f.Key })
	for i := range list {
		page.Rows = append(page.Rows, v.appAttemptRow(&list[i]))
	}
	if len(list) == 0 {
		page.nothing(path, ui.Blank{Kind: "empty", Title: "Nothing was sent yet", Text: "Every attempt at an endpoint of any application shows here as soon as it was made.",
			Links: []ui.Action{{Name: "To the applications", URL: dashboardRoot + "/apps", Icon: "apps"}}})
	}
	v.call(http.MethodGet, "/api/v1/app/{app}/attempt/endpoint/{endpoint}", "hookswitch event attempts --app APP EVENT")
	return v.show("dashboard/deliveries", page)
}

func (v *view) appAttemptRow(f *service.AppAttempt) appAttemptRow {
	in := v.inApp(f.App)
	row := appAttemptRow{attemptRow: in.attemptRow(f.Endpoint, &f.FoundAttempt), Endpoint: endpointName(f.Endpoint)}
	row.App, row.AppPage = v.ownerName(f.AppOf)
	switch {
	case f.App == hookswitch.OrganizationApp:
		row.App, row.AppPage, row.Page = "This server", "", ""
	case row.AppPage == "":
		row.Page = ""
	case f.Endpoint.DeletedAt.IsZero() && f.Endpoint.Profile != hookswitch.ProfileZavu:
		row.EndpointPage = in.Page("endpoints", v.ID(hookswitch.KindEndpoint, f.Endpoint.Key))
	}
	return row
}

func (p *Pages) exportAllMessages(v *view) error {
	q, _ := filter.Parse(v.query("q"), v.Now)
	s, err := v.download("messages", "time", "application", "appId", "outcome", "eventType", "messageId", "yourId", "channels", "delivered", "waiting", "givenUp", "keptBack", "attempts", "lastCode", "nextAttempt")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]service.AppEvent, hookswitch.Key, error) {
		return p.svc.FindAllEvents(v.ctx(), q, at)
	},
		func(f service.AppEvent) hookswitch.Key { return f.Key }, func(f service.AppEvent) error {
			r := v.messageRow(&f.FoundEvent)
			name, _ := v.ownerName(f.AppOf)
			return s.row(at(r.At), name, v.ID(hookswitch.KindApp, f.App), r.Outcome.Word, r.Type, r.ID, f.UID, strings.Join(f.Tags, " "), f.Delivered, f.Waiting, f.Failed, f.Held, f.Tries, r.Code, at(r.Next))
		})
}

func (p *Pages) exportAllDeliveries(v *view) error {
	q, _ := filter.Parse(v.query("q"), v.Now)
	s, err := v.download("deliveries", "time", "application", "appId", "endpoint", "endpointId", "outcome", "eventType", "messageId", "attemptId", "attempt", "code", "milliseconds", "failure", "sentence", "nextAttempt", "url")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]service.AppAttempt, hookswitch.Key, error) {
		return p.svc.FindAllAttempts(v.ctx(), q, at)
	},
		func(f service.AppAttempt) hookswitch.Key { return f.Key }, func(f service.AppAttempt) error {
			r := v.appAttemptRow(&f)
			return s.row(at(f.CreatedAt()), r.App, v.ID(hookswitch.KindApp, f.App), r.Endpoint, v.ID(hookswitch.KindEndpoint, f.Attempt.Endpoint), r.Outcome.Word, r.Type, r.Message, r.ID, f.Number, f.Code,
				f.Timings.Total.Milliseconds(), f.Reason.Code, f.Reason.Sentence, at(r.Next), f.URL)
		})
}
