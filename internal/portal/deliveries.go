package portal

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var deliveriesRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/deliveries", name: "Deliveries", tab: "Deliveries", under: "/endpoints", handle: (*Pages).deliveries,
		samples: []string{"/endpoints/{endpoint}/deliveries", "/endpoints/{failing}/deliveries?q=status%3Afailed+code%3A5xx", "/endpoints/{endpoint}/deliveries?q=%22no+such+text%22",
			"/endpoints/{endpoint}/deliveries?q=status%3Abad+type%3A*x", "/endpoints/{quiet}/deliveries"}},
	{in: appPages, method: "GET", path: endpointPath + "/deliveries/export", name: "Export deliveries", stream: true, handle: (*Pages).exportDeliveries},
	{in: appPages, method: "GET", path: endpointPath + "/deliveries/live", name: "Deliveries, live", stream: true, handle: (*Pages).liveDeliveries},
	{in: appPages, method: "POST", path: "/resend", name: "Send again", needs: hookswitch.CreateAttempts, handle: (*Pages).resendMany},
}

// attemptRow is one attempt as lists show it.
type attemptRow struct {
	ID                   string // of the attempt
	Pick                 string // what the form sends when it is chosen
	Outcome              ui.Badge
	Why                  string // what is behind the outcome, shortly
	Type                 string
	Message, MessagePage string
	Page                 string
	Attempt              string
	Manual               bool
	Code                 string
	Took                 string
	At, Next             time.Time
	Now                  time.Time
	Fresh                bool // it came while somebody looked
	Bulk                 bool // it can be chosen
}

// Clock is when it was made.
func (r attemptRow) Clock() template.HTML { return ui.Clock(r.At, r.Now) }

// Due is when the next attempt is made.
func (r attemptRow) Due() template.HTML { return due(r.Next, r.Now) }

// due writes when something will be done.
func due(at, now time.Time) template.HTML {
	if !at.After(now) {
		return "now"
	}
	return ui.Time(at, now)
}

func (v *view) attemptRow(e *hookswitch.Endpoint, f *service.FoundAttempt) attemptRow {
	msg := v.ID(hookswitch.KindEvent, f.Event)
	r := attemptRow{ID: v.ID(hookswitch.KindAttempt, f.Key), Message: msg, MessagePage: v.Page("messages", msg), Manual: f.Manual, Code: "–", Took: ui.Millis(f.Timings.Total), At: f.CreatedAt(), Now: v.Now}
	r.Page = v.Page("messages", msg, "attempts", r.ID)
	r.Pick = msg + " " + v.ID(hookswitch.KindEndpoint, e.Key)
	if f.On != nil {
		r.Type = f.On.Type
	}
	r.Attempt = attemptOf(f)
	if f.Code != 0 {
		r.Code = strconv.Itoa(f.Code)
	}
	r.Outcome = outcomeOf(f)
	r.Why = f.Reason.Sentence
	if f.Latest && f.Status.State == hookswitch.DeliveryPending {
		r.Next = f.Status.Next
	}
	return r
}

// attemptOf is "3 of 8", or "4" for one beyond the schedule.
func attemptOf(f *service.FoundAttempt) string {
	if f.Number > f.Scheduled {
		return strconv.Itoa(f.Number)
	}
	return strconv.Itoa(f.Number) + " of " + strconv.Itoa(f.Scheduled)
}

// outcomeOf is an attempt's outcome, and what becomes of the delivery where it was the last one.
func outcomeOf(f *service.FoundAttempt) ui.Badge {
	switch {
	case f.OK && f.Reason.Warning:
		return ui.Badge{Tone: ui.Warn, Word: "Delivered?"}
	case f.OK:
		return ui.Badge{Tone: ui.Good, Word: "Delivered"}
	case f.Latest && f.Status.State == hookswitch.DeliveryPending:
		return ui.Badge{Tone: ui.Warn, Word: "Failed, waiting", Icon: "clock"}
	case f.Latest && f.Status.State == hookswitch.DeliveryFailed:
		return ui.Badge{Tone: ui.Bad, Word: "Given up", Icon: "ban"}
	}
	return ui.Badge{Tone: ui.Bad, Word: "Failed"}
}

// found is a list with a filter bar.
type found struct {
	*view
	Filter  ui.Filter
	Blank   *ui.Blank
	Pager   ui.Pager
	Bulk    string // why nothing can be sent again; "" when it can
	Back    string // how far a search came that ended early; "": it came to its end
	Further string // where it goes on
	CSV     string
	NDJSON  string
	Live    string // of the stream
	Newest  string // the newest row that there may be
	Paged   bool   // older rows are shown: nothing new comes on top

	query filter.Query
}

// quick are the conditions that can be added with one press.
var quick = []struct{ name, term string }{{"Failed", "status:failed"}, {"Waiting", "status:waiting"}, {"Given up", "status:given-up"}, {"No answer", "code:none"}, {"5xx", "code:5xx"}, {"4xx", "code:4xx"}, {"Last hour", "after:1h"}}

// filterHint explains the grammar in a line.
const filterHint = `status:failed code:5xx type:message.* channel:sms after:2h before:2026-03-01 (UTC) message:msg_… and "text in the payload", in big or small letters.`

// find begins a list with a filter bar at the path.
func (v *view) find(path, label string) found {
	text := strings.TrimSpace(v.query("q"))
	f := found{view: v, Bulk: v.MayNot("messages.resend"), Paged: v.query("before") != "" || v.query("after") != ""}
	var problems []filter.Problem
	f.query, problems = filter.Parse(text, v.Now)
	at := func(q string) string {
		if q == "" {
			return path
		}
		return path + "?q=" + url.QueryEscape(q)
	}
	f.Filter = ui.Filter{Action: path, Target: "found", Label: label, Text: text, Holder: `status:failed code:5xx "text in the payload"`, Hint: filterHint}
	for _, p := range problems {
		f.Filter.Wrong = append(f.Filter.Wrong, wrongTerm(p))
	}
	for i, t := range f.query.Terms {
		name := t.Name
		if name == "" {
			name = "text"
		}
		f.Filter.Chips = append(f.Filter.Chips, ui.Chip{Name: name, Value: t.Value, Without: at(f.query.Without(i))})
	}
	if len(f.Filter.Chips) > 0 {
		f.Filter.Clear, f.Filter.Link = path, v.p.svc.PublicURL()+at(f.query.String())
	}
	for _, q := range quick {
		if !slices.ContainsFunc(f.query.Terms, func(t filter.Term) bool { return t.String() == q.term }) && len(f.Filter.Chips) < 6 {
			f.Filter.Quick = append(f.Filter.Quick, ui.Link{Name: q.name, URL: at(strings.TrimSpace(f.query.String() + " " + q.term))})
		}
	}
	if v.App != nil { // views are kept for the lists of one App
		f.offerViews(path, at)
	}
	with := url.Values{}
	if q := f.query.String(); q != "" {
		with.Set("q", q)
	}
	f.Live = path + "/live?" + with.Encode()
	with.Set("format", "csv")
	f.CSV = path + "/export?" + with.Encode()
	with.Set("format", "ndjson")
	f.NDJSON = path + "/export?" + with.Encode()
	f.Newest = newestFor(v.Now)
	return f
}

// newestFor is where a live list begins that is on a page made now.
func newestFor(now time.Time) string {
	return strconv.FormatInt(int64(hookswitch.KeyAt(now.Add(-tailLag))), 36)
}

func wrongTerm(p filter.Problem) string {
	if p.Term.Name == "" && p.Term.Value == "" {
		return p.Text
	}
	return "Left out: " + p.Term.String() + ". " + strings.ToUpper(p.Text[:1]) + p.Text[1:]
}

// nothing says why the list is empty.
func (f *found) nothing(path string, empty ui.Blank) {
	if f.query.Empty() && !f.Paged {
		f.Blank = &empty
		f.Filter.Quick = nil
		return
	}
	b := &ui.Blank{Kind: "nomatch", Title: "Nothing matches", Text: "There is nothing like that."}
	if f.Back != "" {
		b.Title, b.Text = "Nothing found so far", "The search came back to "+f.Back+", and found nothing. There is more behind it."
		b.Links = append(b.Links, ui.Action{Name: "Search further back", URL: f.Further, Look: "primary", Icon: "clock"})
	}
	for i, c := range f.Filter.Chips {
		if i < 3 {
			b.Links = append(b.Links, ui.Action{Name: "Clear " + f.query.Terms[i].String(), URL: c.Without})
		}
	}
	if len(f.Filter.Chips) != 1 {
		b.Links = append(b.Links, ui.Action{Name: "Clear all conditions", URL: path})
	}
	f.Blank = b
}

// pages cuts a list to its length, and says what is before and behind it. stopped is where a search ended early.
func pages[T any](f *found, at store.Page, list []T, stopped hookswitch.Key, kind hookswitch.Kind, noun string, key func(T) hookswitch.Key) []T {
	more := len(list) > pageLength
	list = list[:min(len(list), pageLength)]
	if at.Ascending {
		slices.Reverse(list)
	}
	id := func(k hookswitch.Key) string { return f.ID(kind, k) }
	if len(list) > 0 {
		first, last := id(key(list[0])), id(key(list[len(list)-1]))
		if more && !at.Ascending || at.Ascending {
			f.Pager.Older = f.Link("before", last, "after", "")
		}
		if f.query.After.IsZero() && (at.Before != 0 || more && at.Ascending) {
			f.Pager.Newer = f.Link("after", first, "before", "")
		}
	}
	if stopped != 0 && !at.Ascending {
		f.Back = stopped.Time().UTC().Format("2 Jan, 15:04:05 UTC")
		f.Further = f.Link("before", id(stopped), "after", "", "further", "yes")
	}
	f.Pager.Shown = ui.Plural(len(list), noun)
	return list
}

// deliveriesPage is the list of attempts at one endpoint.
type deliveriesPage struct {
	found
	Head  endpointHead
	Rows  []attemptRow
	Match string // where all that matches can be sent again; "": recovery knows no such conditions
}

func (p *Pages) deliveries(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	path := v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "deliveries")
	page := &deliveriesPage{Head: v.endpointHead(h), found: v.find(path, "Search deliveries")}
	if err := page.suggest(false); err != nil {
		return err
	}
	at := v.pageAt(hookswitch.KindAttempt)
	list, stopped, problems, err := p.svc.FindAttempts(v.ctx(), e, page.query, at)
	if err != nil {
		return err
	}
	for _, w := range problems {
		page.Filter.Wrong = append(page.Filter.Wrong, w.Text)
	}
	list = pages(&page.found, at, list, stopped, hookswitch.KindAttempt, "attempt", func(f service.FoundAttempt) hookswitch.Key { return f.Key })
	for i := range list {
		r := v.attemptRow(e, &list[i])
		r.Bulk = true
		page.Rows = append(page.Rows, r)
	}
	if again := matching(&page.query); again != nil {
		page.Match = v.Page("endpoints", page.Head.ID, "recover") + "?" + again.Encode()
	}
	if len(list) == 0 {
		page.nothing(path, ui.Blank{Kind: "empty", Title: "Nothing was sent here yet", Text: "Every attempt at this endpoint shows here as soon as it was made.",
			Links: []ui.Action{{Name: "Back to the overview", URL: v.Page("endpoints", page.Head.ID)}}})
	}
	v.Shell.Script = "tail.js"
	v.api(http.MethodGet, "/app/"+v.AppID()+"/attempt/endpoint/"+page.Head.ID, "")
	return v.show("app/deliveries", page)
}

// matchBack is how far back a recovery begins whose filter names no time.
const matchBack = 14 * 24 * time.Hour

// matching is the form of the recovery that sends what a filter of deliveries finds; nil: there is none that sends just that.
func matching(q *filter.Query) url.Values {
	form := url.Values{"what": {"failed"}, "last": {matchBack.String()}}
	said := func(w string) bool { return slices.Contains(q.Statuses, w) }
	switch failed := said(filter.Failed) || said(filter.Waiting) || said(filter.GivenUp); {
	case said(filter.Delivered) && !failed:
		form.Set("what", "all")
		if len(q.Codes) == 0 {
			form.Set("answers", "200")
		}
	case !failed || said(filter.Delivered):
		form.Set("what", "all")
	}
	switch {
	case len(q.Messages)+len(q.Endpoints) > 0, len(q.Codes) > 1, len(q.Channels) > 1, len(q.Terms) == 0:
		return nil
	case len(q.Codes) == 1 && q.Codes[0].High-q.Codes[0].Low != 99 && q.Codes[0].High != 0, len(q.Codes) == 1 && q.Codes[0].Low > 500:
		return nil
	case len(q.Codes) == 1:
		form.Set("answers", strconv.Itoa(q.Codes[0].Low))
	}
	text := q.WithoutNamed(filter.Names...)
	switch {
	case len(q.Channels) == 1 && slices.Contains(hookswitch.Channels, hookswitch.Channel(q.Channels[0])):
		text = strings.TrimSpace(text + " " + filter.Term{Value: `"channel":"` + q.Channels[0] + `"`}.String())
	case len(q.Channels) == 1:
		form.Set("tag", q.Channels[0])
	}
	if len(q.Types) > 0 {
		form.Set("types", "some")
		form.Set("other", strings.Join(q.Types, ", "))
	}
	if !q.After.IsZero() {
		form.Del("last")
		form.Set("from", q.After.UTC().Format(timeForm))
	}
	if !q.Before.IsZero() {
		form.Set("until", q.Before.UTC().Format(timeForm))
	}
	if text != "" {
		form.Set("text", text)
	}
	return form
}

// maxResend is how many deliveries can be sent again at a time; for more there is recovery.
const maxResend = 100

// resendMany asks for one more attempt of each delivery that was chosen.
func (p *Pages) resendMany(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	back := local(form.Get("back"), v.Base)
	picks := form["pick"]
	slices.Sort(picks)
	picks = slices.Compact(picks)
	switch {
	case len(picks) == 0:
		return v.done(back, ui.Warn, "Nothing was chosen.")
	case len(picks) > maxResend:
		return v.done(back, ui.Warn, "At most "+strconv.Itoa(maxResend)+" can be sent again at a time.")
	}
	asked := 0
	var refused error
	for _, pick := range picks {
		event, endpoint, _ := strings.Cut(pick, " ")
		targets := []string{endpoint}
		if endpoint == "" {
			if targets, err = p.unserved(v, event); err != nil {
				return err
			}
		}
		for _, t := range targets {
			switch err := p.svc.Resend(v.ctx(), v.App.Key, event, t, service.Idempotency{}); hookswitch.KindOf(err) {
			case hookswitch.Conflict, hookswitch.Gone:
				refused = err
			default:
				if err != nil {
					return err
				}
				asked++
			}
		}
	}
	return v.asked(back, asked, refused)
}

// asked says what became of the wish to send again.
func (v *view) asked(back string, asked int, refused error) error {
	switch {
	case asked == 0 && refused != nil:
		return v.done(back, ui.Bad, "Nothing was sent again: "+why(refused)+".")
	case asked == 0:
		return v.done(back, ui.Info, "Every endpoint that is on has it already. Choose one to send it there again.")
	case refused != nil:
		return v.done(back, ui.Warn, "Queued "+ui.Plural(asked, "attempt")+"; the others were refused: "+why(refused)+".")
	}
	return v.done(back, ui.Good, "Queued "+ui.Plural(asked, "attempt")+". They are made now and show here when they were answered.")
}

// why is what an error says to people.
func why(err error) string {
	var e *hookswitch.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "something went wrong"
}

// unserved are the endpoints that an event is owed to, are on, and do not have it.
func (p *Pages) unserved(v *view, event string) (ids []string, err error) {
	ev, err := p.svc.Event(v.ctx(), v.App.Key, event)
	if err != nil {
		return nil, err
	}
	list, err := p.svc.Destinations(v.ctx(), ev)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.Status.State != hookswitch.DeliveryDelivered && !d.Endpoint.Disabled && d.Endpoint.DeletedAt.IsZero() {
			ids = append(ids, v.ID(hookswitch.KindEndpoint, d.Endpoint.Key))
		}
	}
	return ids, nil
}
