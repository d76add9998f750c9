package portal

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var activityRoutes = []route{
	{in: appPages, method: "GET", path: "/activity", name: "Activity", nav: &nav{"Settings", "clock"}, handle: (*Pages).activity,
		samples: []string{"/activity", "/activity?who=system", "/activity?action=recovery.canceled"}},
	{in: appPages, method: "GET", path: "/activity/export", name: "Export activity", stream: true, handle: (*Pages).exportActivity},
}

// activityRow is one thing that was done.
type activityRow struct {
	Who     string
	Icon    string
	What    string
	Name    string
	Page    string // of the endpoint, unless it is gone
	Details []service.Change
	At      *hookswitch.Activity
}

// activityPage is who changed what.
type activityPage struct {
	*view
	Rows   []activityRow
	Filter ui.Filter
	Pager  ui.Pager
	Blank  *ui.Blank
	CSV    string // where the same is downloaded
	NDJSON string
}

var actionNames = map[hookswitch.Action]string{hookswitch.DidCreateEndpoint: "Endpoint created", hookswitch.DidChangeEndpoint: "Endpoint changed", hookswitch.DidDeleteEndpoint: "Endpoint deleted",
	hookswitch.DidDisableEndpoint: "Endpoint turned off", hookswitch.DidEnableEndpoint: "Endpoint turned on", hookswitch.DidShowSecret: "Secrets shown", hookswitch.DidRotateSecret: "Secret rotated",
	hookswitch.DidCutSecret: "Old secret cut", hookswitch.DidStartRecovery: "Recovery started", hookswitch.DidCancelRecovery: "Recovery canceled",
	hookswitch.DidOpenPortal: "Portal opened as the customer", hookswitch.DidCreateToken: "API token created", hookswitch.DidEndToken: "API token revoked",
	hookswitch.DidEndPortal: "Session ended", hookswitch.DidEndPortals: "All sessions ended", hookswitch.DidMarkIssue: "Issue marked", hookswitch.DidCreateApp: "Application created", hookswitch.DidChangeApp: "Application changed", hookswitch.DidDeleteApp: "Application deleted",
	hookswitch.DidExportApp: "Application exported", hookswitch.DidErase: "Person erased", hookswitch.DidCreateKey: "API key created", hookswitch.DidRotateKey: "API key rotated", hookswitch.DidRevokeKey: "API key revoked",
	hookswitch.DidPause: "Everything paused", hookswitch.DidResume: "Pause ended", hookswitch.DidDrainNode: "Node drained", hookswitch.DidFillNode: "Node takes work again", hookswitch.DidEndSession: "Session ended",
	hookswitch.DidAddChannel: "Channel added", hookswitch.DidChangeCredentials: "Channel changed", hookswitch.DidRemoveChannel: "Channel removed", hookswitch.DidChangeResponder: "Responder changed",
	hookswitch.DidSilenceResponder: "Responder switched off", hookswitch.DidUnmuteResponder: "Responder switched on"}

var actionIcons = map[hookswitch.Action]string{hookswitch.DidCreateEndpoint: "plus", hookswitch.DidChangeEndpoint: "gear", hookswitch.DidDeleteEndpoint: "cross", hookswitch.DidDisableEndpoint: "ban",
	hookswitch.DidEnableEndpoint: "play", hookswitch.DidShowSecret: "lock", hookswitch.DidRotateSecret: "key", hookswitch.DidCutSecret: "key", hookswitch.DidStartRecovery: "send", hookswitch.DidCancelRecovery: "ban",
	hookswitch.DidOpenPortal: "user", hookswitch.DidCreateToken: "key", hookswitch.DidEndToken: "key", hookswitch.DidEndPortal: "out", hookswitch.DidEndPortals: "out", hookswitch.DidMarkIssue: "alert", hookswitch.DidCreateApp: "plus", hookswitch.DidChangeApp: "gear", hookswitch.DidDeleteApp: "cross", hookswitch.DidExportApp: "down", hookswitch.DidErase: "user",
	hookswitch.DidCreateKey: "key", hookswitch.DidRotateKey: "key", hookswitch.DidRevokeKey: "ban", hookswitch.DidPause: "pause", hookswitch.DidResume: "play", hookswitch.DidDrainNode: "down", hookswitch.DidFillNode: "play",
	hookswitch.DidEndSession: "out", hookswitch.DidAddChannel: "plus", hookswitch.DidChangeCredentials: "key", hookswitch.DidRemoveChannel: "cross", hookswitch.DidChangeResponder: "turn",
	hookswitch.DidSilenceResponder: "ban", hookswitch.DidUnmuteResponder: "play"}

func actorName(a hookswitch.Actor) string {
	switch a.Kind {
	case hookswitch.ActorSystem:
		return "By itself"
	case hookswitch.ActorPortal:
		return "Somebody in the portal"
	case hookswitch.ActorOperator:
		return "The operator"
	case hookswitch.ActorKey:
		return "An API key, at the dashboard"
	}
	return "The API"
}

// actor is who looks, for what is noted.
func (v *view) actor() hookswitch.Actor {
	a := hookswitch.Actor{Kind: hookswitch.ActorPortal, Ref: v.Session.Key}
	switch {
	case v.isOperator(), v.asCustomer():
		a.Kind = hookswitch.ActorOperator
	case v.Session.Kind == hookswitch.TokenDashboard:
		a.Kind = hookswitch.ActorKey
	}
	return a
}

// detailWords writes a detail for people; "" for what says nothing to them.
func detailWords(name, text string) string {
	switch name {
	case "Task":
		return ""
	case "Overlap":
		if d, err := time.ParseDuration(text); err == nil && d > 0 {
			return ui.Span(d)
		}
		return "none"
	case "What":
		for _, k := range recoveryKinds {
			if string(k.kind) == text {
				return strings.ToLower(k.name)
			}
		}
	case "From", "Until", "Ends":
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t.UTC().Format("2 Jan, 15:04 UTC")
		}
	}
	return text
}

// activityFilter is what the address of the page asks for.
func (v *view) activityFilter() store.ActivityFilter {
	return store.ActivityFilter{Action: hookswitch.Action(v.query("action")), Actor: hookswitch.ActorKind(v.query("who"))}
}

func (p *Pages) exportActivity(v *view) error {
	s, err := v.download("activity", "time", "action", "what", "endpointId", "endpoint", "actor", "who", "details")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]*hookswitch.Activity, hookswitch.Key, error) {
		list, err := p.svc.Activities(v.ctx(), v.App.Key, v.activityFilter(), at)
		return list, 0, err
	}, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, func(a *hookswitch.Activity) error { return s.row(v.activityCells(a)...) })
}

// activityCells are an entry as downloads have it.
func (v *view) activityCells(a *hookswitch.Activity) []any {
	endpoint, details := "", make([]string, 0, len(a.Details))
	if a.Endpoint != 0 {
		endpoint = v.ID(hookswitch.KindEndpoint, a.Endpoint)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Details)) {
		details = append(details, name+": "+a.Details[name])
	}
	return []any{at(a.At()), string(a.Action), actionNames[a.Action], endpoint, a.Name, string(a.Actor.Kind), actorName(a.Actor), strings.Join(details, "; ")}
}

// activityRow is a row of what was done to the App whose pages begin at base.
func (v *view) activityRow(a *hookswitch.Activity, base string) activityRow {
	r := activityRow{Who: actorName(a.Actor), Icon: actionIcons[a.Action], What: actionNames[a.Action], Name: a.Name, At: a}
	if a.Endpoint != 0 && a.Action != hookswitch.DidDeleteEndpoint {
		r.Page = base + "/endpoints/" + v.ID(hookswitch.KindEndpoint, a.Endpoint)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Details)) {
		if text := detailWords(name, a.Details[name]); text != "" {
			r.Details = append(r.Details, service.Change{Field: name, Is: text})
		}
	}
	return r
}

func (p *Pages) activity(v *view) error {
	f := v.activityFilter()
	action, who := f.Action, f.Actor
	at := v.pageAt(hookswitch.KindTask)
	list, err := p.svc.Activities(v.ctx(), v.App.Key, f, at)
	if err != nil {
		return err
	}
	page := &activityPage{view: v}
	more := len(list) > pageLength
	list = list[:min(len(list), pageLength)]
	if at.Ascending {
		slices.Reverse(list)
	}
	if len(list) > 0 {
		first, last := v.ID(hookswitch.KindTask, list[0].Key), v.ID(hookswitch.KindTask, list[len(list)-1].Key)
		if more && !at.Ascending || at.Ascending && at.After != 0 {
			page.Pager.Older = v.Link("before", last, "after", "")
		}
		if at.Before != 0 || more && at.Ascending {
			page.Pager.Newer = v.Link("after", first, "before", "")
		}
	}
	page.Pager.Shown = ui.Plural(len(list), "entry", "entries")
	for _, a := range list {
		page.Rows = append(page.Rows, v.activityRow(a, v.Base))
	}
	actions := []string{"", "Anything"}
	for _, a := range hookswitch.AppActions {
		actions = append(actions, string(a), actionNames[a])
	}
	page.Filter = ui.Filter{Action: v.Page("activity"), Target: "activities", NoText: true, Label: "Activity", Clear: v.Page("activity"), Fields: []ui.Field{
		{ID: "action", Name: "action", Label: "What", Kind: "select", Options: options(string(action), actions...)},
		{ID: "who", Name: "who", Label: "Who", Kind: "select", Options: options(string(who), "", "Anybody", "portal", "The portal", "operator", "The operator", "key", "API keys, at the dashboard", "api", "The API", "system", "By itself")}}}
	if action != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "what", Value: actionNames[action], Without: v.Link("action", "", "before", "", "after", "")})
	}
	if who != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "who", Value: actorName(hookswitch.Actor{Kind: who}), Without: v.Link("who", "", "before", "", "after", "")})
	}
	switch {
	case len(list) == 0 && (action != "" || who != ""):
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "Nothing matches", Text: "Nobody did that, as far back as it is kept.", Links: []ui.Action{{Name: "Clear the conditions", URL: v.Page("activity")}}}
	case len(list) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing was changed yet", Text: "Who changes endpoints, sees secrets, makes tokens or starts recoveries is noted here, and what happens by itself."}
	}
	file := *v.r.URL
	file.Path = v.Page("activity", "export")
	page.CSV, page.NDJSON = ui.With(&file, "format", "csv", "before", "", "after", ""), ui.With(&file, "format", "ndjson", "before", "", "after", "")
	if v.isOperator() {
		v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/activity", "")
	}
	return v.show("app/activity", page)
}
