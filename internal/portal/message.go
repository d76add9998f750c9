package portal

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var messageRoutes = []route{
	{in: appPages, method: "GET", path: "/messages/{event}", name: "Message", under: "/logs", handle: (*Pages).message,
		samples: []string{"/messages/{event}", "/messages/{inbound}", "/messages/{reply}", "/messages/{event}?view=raw", "/messages/{expired}"}},
	{in: appPages, method: "POST", path: "/messages/{event}/resend", name: "Send a message again", needs: hookswitch.CreateAttempts, handle: (*Pages).resendMessage},
}

// moment is one step of what happened to a message.
type moment struct {
	At    time.Time
	Tone  ui.Tone
	Icon  string
	Name  string
	Text  string
	Quote string // what a person or a server said
	Page  string // of the thing itself
	Ahead bool   // it has not happened yet
	order int    // among moments of one time
}

// Sign is the icon.
func (m moment) Sign() string { return cmp.Or(m.Icon, m.Tone.Icon()) }

// destinationRow is an endpoint that a message is owed to.
type destinationRow struct {
	ID, Name, URL, Page string
	State               ui.Badge
	Why                 string
	Tries               string
	Next                time.Time
	Resend              ui.Action
}

// messagePage is one message: what happened to it, and what is in it.
type messagePage struct {
	*view
	ID      string
	Event   *hookswitch.Event
	Outcome ui.Badge
	Line    []moment
	Rows    []destinationRow
	Active  bool // something is being sent now
	Payload bodyView
	Size    int64
	Gone    *ui.Blank // the payload is not kept any more
	Actions []ui.Action
	Chat    string      // the id of the chat message that it tells of
	Cases   []ui.Action // the message as test cases
	Schema  ui.Badge    // whether the payload is what the catalogue says of its type; zero: nothing is said of it
	Unlike  []string    // in what it is not
}

// eventOf is the message that the path names.
func (v *view) eventOf() (*hookswitch.Event, error) {
	ref := v.r.PathValue("event")
	ev, err := v.p.svc.Event(v.ctx(), v.App.Key, ref)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, v.noMessage(ref)
	}
	return ev, err
}

// noMessage says why there is no message of the name, as far as the name tells.
func (v *view) noMessage(ref string) error {
	key, ok := v.p.svc.IDs().Parse(hookswitch.KindEvent, ref)
	keep := v.p.svc.Retention()
	kept := ui.Span(keep)
	if days := int(keep.Hours() / 24); days > 0 {
		kept = ui.Plural(days, "day")
	}
	switch {
	case !ok && strings.HasPrefix(ref, hookswitch.KindEvent.Prefix()):
		return hookswitch.NotFoundf("“%s” is not the whole id of a message. Look whether its end was cut off.", excerpt(ref, maxShownRef))
	case !ok:
		return hookswitch.NotFoundf("There is no message that you have given the id “%s”. Look for a word of its payload in the logs.", excerpt(ref, maxShownRef))
	case keep > 0 && v.Now.Sub(key.Time()) > keep:
		return &hookswitch.Error{Kind: hookswitch.Gone, Message: "This message is of " + key.Time().UTC().Format("2 January 2006") + ". Messages are kept for " + kept + ", so it has been removed, with all that was known of it."}
	}
	return hookswitch.NotFoundf("There is no message “%s” here. It belongs to another application, or was removed by request.", excerpt(ref, maxShownRef))
}

// maxShownRef is how much of a name that leads nowhere is shown.
const maxShownRef = 60

// maxLine is how many attempts the time line of a message has.
const maxLine = 100

func (p *Pages) message(v *view) error {
	ev, err := v.eventOf()
	if err != nil {
		return err
	}
	page := &messagePage{view: v, ID: v.ID(hookswitch.KindEvent, ev.Key), Event: ev, Size: int64(len(ev.Payload))}
	v.Shell.Title = ev.Type
	v.Shell.Trail = []ui.Link{{Name: "Logs", URL: v.Page("logs")}}
	list, err := p.svc.Destinations(v.ctx(), ev)
	if err != nil {
		return err
	}
	attempts, err := p.svc.AttemptsByEvent(v.ctx(), v.App.Key, ev.Key, store.AttemptFilter{}, store.Page{Limit: maxLine})
	if err != nil {
		return err
	}
	slices.Reverse(attempts)
	page.destinations(list, attempts)
	if err := page.story(ev); err != nil {
		return err
	}
	if err := page.tries(list, attempts); err != nil {
		return err
	}
	slices.SortStableFunc(page.Line, func(a, b moment) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.order, b.order)) })
	page.Payload = payloadView(ev, v.query("view"))
	if ev.Expired {
		page.Gone = &ui.Blank{Kind: "expired", Title: "The payload is not kept any more", Text: "Whoever sends you these messages had it removed. What is known of its deliveries stays."}
		if !ev.ExpiresAt.IsZero() && !ev.ExpiresAt.After(v.Now) {
			page.Gone.Text = "It was to be kept until " + ev.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC") + ". What is known of its deliveries stays."
		}
	} else {
		page.Cases = v.testCases(page.ID)
		if err := page.compareSchema(ev); err != nil {
			return err
		}
	}
	v.api(http.MethodGet, "/app/"+v.AppID()+"/msg/"+page.ID, "hookswitch event get --app "+v.AppID()+" "+page.ID)
	return v.show("app/message", page)
}

// payloadView is the payload of an event, shown in one of the ways that suit it.
func payloadView(ev *hookswitch.Event, way string) bodyView {
	return newBodyView(&store.BinRequest{Body: ev.Payload, Size: int64(len(ev.Payload))}, ev.ContentType, way)
}

// compareSchema says whether the payload is what the catalogue says of its type.
func (page *messagePage) compareSchema(ev *hookswitch.Event) error {
	t, err := page.p.svc.EventType(page.ctx(), ev.Type)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	versions, schemas := versionsOf(t)
	for i, version := range versions {
		unlike := service.CheckAgainst(schemas[version], ev.Payload)
		if unlike == nil {
			page.Schema, page.Unlike = ui.Badge{Tone: ui.Good, Word: "Fits version " + version}, nil
			return nil
		}
		if i == 0 {
			page.Schema, page.Unlike = ui.Badge{Tone: ui.Warn, Word: "Does not fit"}, unlike
		}
	}
	return nil
}

// destinations are the endpoints, with what has come of each.
func (page *messagePage) destinations(list []service.Destination, attempts []*hookswitch.Attempt) {
	v := page.view
	refused := v.MayNot("messages.resend")
	if page.Event.Expired && refused == "" {
		refused = "The payload is not kept any more."
	}
	f := service.FoundEvent{Event: page.Event}
	missing := 0
	for _, d := range list {
		e := d.Endpoint
		r := destinationRow{ID: v.ID(hookswitch.KindEndpoint, e.Key), Name: endpointName(e), URL: e.URL}
		r.Page = v.Page("endpoints", r.ID)
		tries := 0
		for _, a := range attempts {
			if a.Endpoint == e.Key {
				tries++
			}
		}
		f.Tries += tries
		r.Tries = ui.Plural(tries, "attempt")
		soon := d.Status.Next.IsZero() || d.Status.Next.Before(v.Now.Add(15*time.Second))
		switch {
		case d.Status.State == hookswitch.DeliveryDelivered:
			r.State = ui.Badge{Tone: ui.Good, Word: "Delivered"}
			f.Delivered++
		case d.Status.Held:
			r.State, r.Why = ui.Badge{Tone: ui.Idle, Word: "Kept back", Icon: "pause"}, "the endpoint was off"
			f.Held++
		case d.Status.State == hookswitch.DeliveryFailed:
			r.State, r.Why = ui.Badge{Tone: ui.Bad, Word: "Given up", Icon: "ban"}, "no other attempt by itself"
			f.Failed++
		case d.Status.State == hookswitch.DeliveryCanceled:
			r.State, r.Why = ui.Badge{Tone: ui.Idle, Word: "Canceled", Icon: "ban"}, "the endpoint was turned off or removed"
			f.Failed++
		case soon && !e.Disabled:
			r.State, page.Active = ui.Badge{Tone: ui.Info, Word: "Being sent", Icon: "send"}, true
			f.Waiting++
		default:
			r.State, r.Next = ui.Badge{Tone: ui.Warn, Word: "Waiting", Icon: "clock"}, d.Status.Next
			f.Waiting++
		}
		why := refused
		switch {
		case why != "":
		case !e.DeletedAt.IsZero():
			why, r.Page = "The endpoint was removed.", ""
		case e.Disabled:
			why = "The endpoint is off: enable it first."
		case d.Status.State != hookswitch.DeliveryDelivered:
			missing++
		}
		r.Resend = ui.Action{Name: "Resend", Of: "to " + r.Name, Icon: "turn", Post: true, URL: v.Page("messages", page.ID, "resend"), Fields: map[string]string{"endpoint": r.ID}, Refused: why}
		page.Rows = append(page.Rows, r)
	}
	page.Outcome, _ = messageOutcome(&f)
	play := ui.Action{Name: "Open in Play", Icon: "play", Post: true, URL: v.Page("messages", page.ID, "play")}
	if page.Event.Expired {
		play.Refused = "The payload is not kept any more."
	}
	page.Actions = append(page.Actions, play)
	if len(list) > 0 {
		all := ui.Action{Name: "Resend to all without it", Icon: "turn", Post: true, URL: v.Page("messages", page.ID, "resend"), Refused: refused}
		if missing == 0 && all.Refused == "" {
			all.Refused = "Every endpoint that is on has it."
		}
		page.Actions = append(page.Actions, all)
	}
}

// tries adds the attempts to the time line, and what is still to come.
func (page *messagePage) tries(list []service.Destination, attempts []*hookswitch.Attempt) error {
	v := page.view
	numbers := make(map[hookswitch.Key]int)
	for _, a := range attempts {
		numbers[a.Endpoint]++
		at := slices.IndexFunc(list, func(d service.Destination) bool { return d.Endpoint.Key == a.Endpoint })
		if at < 0 {
			continue
		}
		e := list[at].Endpoint
		f := service.FoundAttempt{Attempt: a, Number: numbers[a.Endpoint], Scheduled: v.p.svc.Scheduled(e)}
		m := moment{At: a.CreatedAt(), Tone: ui.Bad, order: 50, Name: endpointName(e) + ": attempt " + attemptOf(&f), Page: v.Page("messages", page.ID, "attempts", v.ID(hookswitch.KindAttempt, a.Key))}
		answered := "no answer"
		if a.Code != 0 {
			answered = codeName(a.Code)
		}
		m.Text = answered + " in " + ui.Millis(a.Timings.Total)
		if a.Manual {
			m.Text += ", asked for by hand"
		}
		if a.OK {
			m.Tone = ui.Good
		} else if reason := firstReason(v, a, e); reason != "" {
			m.Text += ". " + reason
		}
		page.Line = append(page.Line, m)
	}
	for _, d := range list {
		if !d.Status.Next.IsZero() && d.Status.State == hookswitch.DeliveryPending && d.Status.Tried {
			page.Line = append(page.Line, moment{At: d.Status.Next, Tone: ui.Idle, Icon: "clock", Ahead: true, order: 60, Name: endpointName(d.Endpoint) + ": next attempt", Text: "By the schedule, unless you resend before."})
		}
	}
	return nil
}

// told is what of a payload names the chat message that it tells of.
type told struct {
	Data struct {
		MessageID      string `json:"messageId"`
		FirstMessageID string `json:"firstMessageId"`
	} `json:"data"`
}

// story adds what came before: the push of the provider, the answer, the reports about it, and the event.
func (page *messagePage) story(ev *hookswitch.Event) error {
	v := page.view
	add := func(m moment) {
		if !m.At.IsZero() {
			page.Line = append(page.Line, m)
		}
	}
	published := moment{At: ev.CreatedAt(), Tone: ui.Info, Icon: "message", order: 40, Name: "Published", Text: "As " + ev.Type + ", for " + ui.Plural(len(ev.Targets), "endpoint") + "."}
	if !ev.DeliverAt.IsZero() {
		published.Text += " To be sent not before " + ev.DeliverAt.UTC().Format("2 Jan, 15:04 UTC") + "."
	}
	add(published)
	var t told
	if ev.Expired || json.Unmarshal(ev.Payload, &t) != nil {
		return nil
	}
	id := cmp.Or(t.Data.MessageID, t.Data.FirstMessageID)
	if id == "" {
		return nil
	}
	m, err := v.p.svc.Message(v.ctx(), v.App.Key, id)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	page.Chat = id
	in, out := m, []*hookswitch.Message(nil)
	if m.Direction == hookswitch.Outbound {
		if in, err = v.p.svc.AnsweredMessage(v.ctx(), m); err != nil {
			return err
		}
		out = []*hookswitch.Message{m}
	} else if out, err = v.p.svc.Answers(v.ctx(), m); err != nil {
		return err
	}
	if in != nil {
		provider, err := page.providerOf(in)
		if err != nil {
			return err
		}
		pushed := in.CreatedAt
		if !in.ProviderAt.IsZero() && in.ProviderAt.Before(pushed) {
			add(moment{At: in.ProviderAt, Tone: ui.Idle, Icon: "user", order: 1, Name: "Written on " + string(in.Channel), Text: "By " + cmp.Or(in.ProfileName, in.From) + ", as the provider tells it.", Quote: in.Text})
		}
		add(moment{At: pushed, Tone: ui.Info, Icon: "down", order: 2, Name: "Pushed in", Text: "By " + provider + ", to " + in.To + "."})
		add(moment{At: pushed, Tone: ui.Good, Icon: "shield", order: 3, Name: "Verified", Text: "The push proved to come from the provider."})
		add(moment{At: pushed, Tone: ui.Good, Icon: "check", order: 4, Name: "Normalised", Text: "To a message of type " + cmp.Or(in.Type, "text") + " on " + string(in.Channel) + ", from " + in.From + "."})
	}
	for _, o := range out {
		if o.InReplyTo != 0 && !o.ByHuman() {
			add(moment{At: o.CreatedAt, Tone: ui.Info, Icon: "turn", order: 10, Name: "Answered by the responder", Quote: o.Text})
		} else {
			add(moment{At: o.CreatedAt, Tone: ui.Info, Icon: "message", order: 10, Name: "Queued for sending", Text: "To " + o.To + " on " + string(o.Channel) + ".", Quote: o.Text})
		}
		receipts, err := v.p.svc.Receipts(v.ctx(), o.Key)
		if err != nil {
			return err
		}
		for _, r := range receipts {
			page.receipt(o, r)
		}
		switch {
		case o.Status == hookswitch.StatusFailed && !slices.ContainsFunc(receipts, func(r hookswitch.Receipt) bool { return r.Status == hookswitch.StatusFailed }):
			add(moment{At: o.UpdatedAt, Tone: ui.Bad, order: 20, Name: "Sending failed", Text: strings.TrimSpace(o.ErrorCode + " " + o.ErrorText)})
		case o.ProviderID != "" && !slices.ContainsFunc(receipts, func(r hookswitch.Receipt) bool { return r.Status == hookswitch.StatusSent }):
			add(moment{At: o.UpdatedAt, Tone: ui.Good, Icon: "send", order: 20, Name: "Reply sent", Text: "The provider took it as " + o.ProviderID + "."})
		}
	}
	return nil
}

// receipt adds what a provider reports of a message that was sent.
func (page *messagePage) receipt(o *hookswitch.Message, r hookswitch.Receipt) {
	m := moment{At: r.At, Tone: ui.Good, order: 30, Text: "As the provider reports."}
	if m.At.IsZero() {
		m.At = r.Key.Time()
	}
	if m.At.Before(o.CreatedAt) {
		m.At = o.CreatedAt // a provider's clock, or one of whole seconds
	}
	switch r.Status {
	case hookswitch.StatusSent:
		m.Name, m.Icon = "Reply sent", "send"
	case hookswitch.StatusDelivered:
		m.Name = "Arrived at the person"
	case hookswitch.StatusRead:
		m.Name = "Read by the person"
	case hookswitch.StatusFailed:
		m.Name, m.Tone, m.Text = "Did not arrive", ui.Bad, strings.TrimSpace("The provider reports: "+r.ErrorCode+" "+r.ErrorText)
	default:
		m.Name = "Report: " + string(r.Status)
	}
	page.Line = append(page.Line, m)
}

// providerOf is the name of the provider that a message came over.
func (page *messagePage) providerOf(m *hookswitch.Message) (string, error) {
	list, err := page.p.svc.Routes(page.ctx())
	if err != nil {
		return "", err
	}
	for _, r := range list {
		if r.Key == m.Route && r.App == m.App {
			return r.Provider, nil
		}
	}
	return "the provider", nil
}

// resendMessage asks for one more attempt at one endpoint, or at all that do not have the message.
func (p *Pages) resendMessage(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	ev, err := v.eventOf()
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindEvent, ev.Key)
	targets := form["endpoint"]
	if len(targets) == 0 {
		if targets, err = p.unserved(v, id); err != nil {
			return err
		}
	}
	asked := 0
	var refused error
	for _, t := range targets[:min(len(targets), maxResend)] {
		switch err := p.svc.Resend(v.ctx(), v.App.Key, id, t, service.Idempotency{}); {
		case err == nil:
			asked++
		case hookswitch.KindOf(err) == hookswitch.Conflict, hookswitch.KindOf(err) == hookswitch.Gone:
			refused = err
		default:
			return err
		}
	}
	back := v.Page("messages", id)
	if asked == 1 && refused == nil {
		list, err := p.svc.AttemptsByEvent(v.ctx(), v.App.Key, ev.Key, store.AttemptFilter{Bare: true}, store.Page{Limit: maxLine})
		if err != nil {
			return err
		}
		n := 1
		for _, a := range list {
			if v.ID(hookswitch.KindEndpoint, a.Endpoint) == targets[0] {
				n++
			}
		}
		return v.done(back, ui.Good, "Queued: attempt "+strconv.Itoa(n)+" is made now. Its answer shows below.")
	}
	return v.asked(back, asked, refused)
}
