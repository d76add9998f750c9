package portal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

var endpointTestingRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/testing", name: "Testing", tab: "Testing", under: "/endpoints", handle: (*Pages).testing,
		samples: []string{"/endpoints/{endpoint}/testing", "/endpoints/{endpoint}/testing?type=message.inbound&example=1&fault=wrong"}},
	{in: appPages, method: "POST", path: endpointPath + "/testing", name: "Test an endpoint", needs: hookswitch.CreateAttempts, handle: (*Pages).tryEndpoint},
	{in: appPages, method: "POST", path: endpointPath + "/testing/publish", name: "Send an example", needs: hookswitch.CreateAttempts, handle: (*Pages).sendExample},
}

// fault is a way of sending that receivers have to bear.
type fault struct {
	id, name, text string
	refuse         bool // a good receiver refuses it
}

var faults = []fault{
	{"", "None: as it is delivered", "One request, signed as deliveries are. A good server answers 2xx.", false},
	{"duplicate", "Twice the same", "The same request twice. A good server answers 2xx to both, and does its work once: it remembers the id.", false},
	{"order", "Out of order", "A newer event first, and one that is a minute older behind it. A good server answers 2xx to both.", false},
	{"old", "Old timestamp", "Signed rightly, an hour ago. A good server refuses it: somebody may have recorded it.", true},
	{"wrong", "Wrong signature", "Signed with a secret that nobody has. A good server refuses it.", true},
	{"rotated", "Rotated secret", "Two signatures: of a secret that is new to your server, and of its own behind it. A good server tries all.", false},
	{"large", "A body of 1 MB", "The payload, filled up to a megabyte. A good server takes it.", false},
	{"slow", "Slow body", "The head at once, and the body three seconds later. A good server waits.", false},
}

func findFault(id string) fault {
	for _, f := range faults {
		if f.id == id {
			return f
		}
	}
	return faults[0]
}

// exchange is one request of a test, with what was answered.
type exchange struct {
	Name    string
	Tone    ui.Tone
	Says    string
	Method  string
	URL     string
	Headers []pair
	Body    bodyView
	Size    string
	Status  string
	Took    string
	Answer  []pair
	Text    string
	Failure string
}

// testingPage sends requests to an endpoint, to try it.
type testingPage struct {
	*view
	Head      endpointHead
	Type      ui.Field
	Examples  []ui.Tab
	Payload   ui.Field
	Fault     ui.Field
	Faults    []fault
	About     string
	Warnings  []string // where the payload differs from its schema
	Refused   string
	Live      ui.Action
	LiveIndex string
	Results   []exchange
	Verdict   *ui.Banner
	Problems  ui.Problems
}

// Name and Text are for the template.
func (f fault) Name() string { return f.name }

// Text says what the fault is.
func (f fault) Text() string { return f.text }

func (p *Pages) testing(v *view) error {
	return p.showTesting(v, http.StatusOK, url.Values{"type": {v.query("type")}, "example": {v.query("example")}, "fault": {v.query("fault")}}, "", nil)
}

func (p *Pages) showTesting(v *view, status int, form url.Values, problem string, results []exchange) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	page := &testingPage{view: v, Head: v.endpointHead(h), Refused: v.MayNot("messages.resend"), Results: results, Faults: faults}
	page.Head.Tabs, v.Shell.Title = currentTab(page.Head.Tabs, "Testing"), "Testing · "+page.Head.Name
	types, err := p.svc.EventTypes(v.ctx(), service.EventTypeQuery{}, store.NamePage{Limit: catalogueBound, Ascending: true})
	if err != nil {
		return err
	}
	chosen := form.Get("type")
	if chosen == "" {
		if chosen = hookswitch.EventMessageInbound; len(e.EventTypes) > 0 {
			chosen = e.EventTypes[0]
		}
	}
	var kind *hookswitch.EventType
	page.Type = ui.Field{ID: "type", Name: "type", Label: "Event type", Kind: "select"}
	for _, t := range types {
		name := t.Name
		if !e.Matches(t.Name, e.Tags, 0, false) && e.EventTypes != nil {
			name += " (not in the filter)"
		}
		page.Type.Options = append(page.Type.Options, ui.Option{Value: t.Name, Name: name, Chosen: t.Name == chosen})
	}
	kind, err = p.svc.EventType(v.ctx(), chosen) // the list leaves schemas out
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		kind = nil
	} else if err != nil {
		return err
	}
	payload := form.Get("payload")
	if kind != nil {
		page.examples(kind, form.Get("example"), &payload)
	}
	if payload == "" {
		payload = "{\n  \"type\": \"" + strings.Trim(strconv.Quote(chosen), `"`) + "\"\n}"
	}
	if kind != nil && json.Valid([]byte(payload)) {
		page.Warnings = service.CheckPayload(kind, []byte(payload))
	}
	page.Payload = ui.Field{ID: "payload", Name: "payload", Label: "Payload", Kind: "textarea", Rows: 16, Mono: true, Value: payload, Problem: problem, Hint: "Change it as you like. It has to be a JSON object."}
	if problem != "" {
		page.Problems = ui.Problems{Title: "Nothing was sent", List: []ui.Problem{{Field: "payload", Text: problem}}}
	}
	f := findFault(form.Get("fault"))
	var choices []string
	for _, f := range faults {
		choices = append(choices, f.id, f.name)
	}
	page.Fault = ui.Field{ID: "fault", Name: "fault", Label: "Fault", Kind: "select", Options: options(f.id, choices...), Hint: f.text}
	page.Live = ui.Action{Refused: page.Refused}
	if e.Disabled && page.Live.Refused == "" {
		page.Live.Refused = "The endpoint is off: enable it first."
	}
	if results != nil {
		page.Verdict = verdictOf(f, results)
		if page.Head.Bin != "" {
			page.Verdict.Link = &ui.Link{Name: "See it in the bin", URL: page.Head.Bin}
		}
	}
	v.api(http.MethodPost, "/app/"+v.AppID()+"/endpoint/"+page.Head.ID+"/send-example", "")
	return v.write(status, "app/endpoint-testing", page)
}

// examples are the examples of the type, with the one that is chosen as the payload where there is none yet.
func (page *testingPage) examples(t *hookswitch.EventType, index string, payload *string) {
	list := service.Examples(t)
	at, err := strconv.Atoi(index)
	if err != nil || at < 0 || at >= len(list) {
		at = 0
	}
	page.LiveIndex = strconv.Itoa(at)
	seen := make(map[string]int)
	for i, b := range list {
		name := exampleName(b)
		if seen[name]++; seen[name] > 1 {
			name += " " + strconv.Itoa(seen[name])
		}
		page.Examples = append(page.Examples, ui.Tab{Name: name, Current: i == at, URL: page.Page("endpoints", page.Head.ID, "testing") + "?" + url.Values{"type": {t.Name}, "example": {strconv.Itoa(i)}}.Encode()})
	}
	if *payload == "" && at < len(list) {
		var b bytes.Buffer
		if json.Indent(&b, list[at], "", "  ") == nil {
			*payload = b.String()
		}
	}
}

// exampleName tells examples apart by their channel and kind of content.
func exampleName(payload []byte) string {
	var p struct {
		Channel string
		Data    struct{ Channel, MessageType string }
	}
	if json.Unmarshal(payload, &p) != nil {
		return "Example"
	}
	words := []string{p.Data.Channel, p.Data.MessageType}
	if p.Channel != "" {
		words[0] = p.Channel
	}
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return "Example"
	}
	return strings.Join(words, ", ")
}

// verdictOf says what the answers mean.
func verdictOf(f fault, results []exchange) *ui.Banner {
	refused, failed := 0, 0
	for _, r := range results {
		switch {
		case r.Failure != "":
			failed++
		case r.Tone != ui.Good:
			refused++
		}
	}
	switch {
	case failed > 0:
		return &ui.Banner{Tone: ui.Bad, Text: "No answer: " + results[len(results)-1].Failure + ". Nothing can be said about the fault."}
	case f.refuse && refused == len(results):
		return &ui.Banner{Tone: ui.Good, Text: "Right: it refused with " + results[0].Status + "."}
	case f.refuse && f.id == "old":
		return &ui.Banner{Tone: ui.Bad, Text: "It took a request that was signed an hour ago. Check the age of the timestamp, or somebody who records requests can send them again."}
	case f.refuse:
		return &ui.Banner{Tone: ui.Bad, Text: "It took a request that anybody could have made: signatures are not checked. See Signing for code that does."}
	case refused == 0 && f.id == "duplicate":
		return &ui.Banner{Tone: ui.Good, Text: "It took both. Whether the work was done once is yours to look at: the id was the same."}
	case refused == 0 && f.id == "order":
		return &ui.Banner{Tone: ui.Good, Text: "It took both. Whether the older one was kept from overwriting the newer is yours to look at."}
	case refused == 0:
		return &ui.Banner{Tone: ui.Good, Text: "Right: it answered " + results[0].Status + " in " + results[0].Took + "."}
	case f.id == "rotated":
		return &ui.Banner{Tone: ui.Bad, Text: "It refused: it looks at the first signature alone. Try all that the header lists, or it will break when the secret is rotated."}
	case f.id == "large":
		return &ui.Banner{Tone: ui.Bad, Text: "It refused with " + results[0].Status + ". Raise the limit for bodies; events can have files in them."}
	}
	last := results[len(results)-1]
	return &ui.Banner{Tone: ui.Bad, Text: "It answered " + last.Status + ". A delivery would count as failed, and be repeated."}
}

// testRequest is what a fault has sent.
type testRequest struct {
	name, id string
	at       time.Time
	body     []byte
	secrets  []webhook.Secret
	pause    time.Duration
}

// largeBody is the size of a large body, and slowPause how long a slow one waits.
const (
	largeBody = 1 << 20
	slowPause = 3 * time.Second
)

// requestsOf are the requests of a fault.
func requestsOf(f fault, id string, now time.Time, body []byte, secrets []webhook.Secret) []testRequest {
	one := testRequest{name: "Request", id: id, at: now, body: body, secrets: secrets}
	switch f.id {
	case "duplicate":
		first, second := one, one
		first.name, second.name = "First", "The same again"
		return []testRequest{first, second}
	case "order":
		newer, older := one, one
		newer.name, older.name = "Newer", "Older, behind it"
		newer.id, older.id = id+"2", id+"1"
		older.body = earlier(body)
		return []testRequest{newer, older}
	case "old":
		one.at = now.Add(-time.Hour)
	case "wrong":
		one.secrets = []webhook.Secret{webhook.NewSecret()}
	case "rotated":
		one.secrets = append([]webhook.Secret{webhook.NewSecret()}, secrets...)
	case "large":
		if at := bytes.LastIndexByte(body, '}'); at > 0 && len(body) < largeBody {
			comma := ","
			if len(bytes.TrimSpace(body[1:at])) == 0 {
				comma = ""
			}
			one.body = append(append(append([]byte{}, body[:at]...), comma+`"padding":"`+strings.Repeat("x", largeBody-len(body)-16)+`"`...), body[at:]...)
		}
	case "slow":
		one.pause = slowPause
	}
	return []testRequest{one}
}

// earlier is a payload whose time lies a minute back, where it has one in milliseconds.
func earlier(body []byte) []byte {
	var p struct{ Timestamp json.Number }
	if json.Unmarshal(body, &p) != nil {
		return body
	}
	ms, err := p.Timestamp.Int64()
	if err != nil {
		return body
	}
	return bytes.Replace(body, []byte(p.Timestamp), []byte(strconv.FormatInt(ms-60_000, 10)), 1)
}

// tryEndpoint sends what the form says, with its fault, and shows what is answered. It is no delivery, and is not recorded as one.
func (p *Pages) tryEndpoint(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	payload := bytes.TrimSpace([]byte(strings.ReplaceAll(form.Get("payload"), "\r\n", "\n")))
	if len(payload) == 0 || payload[0] != '{' || !json.Valid(payload) {
		return p.showTesting(v, http.StatusUnprocessableEntity, form, "The payload is no JSON object: "+whyNotJSON(payload)+".", nil)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, payload); err != nil {
		return err
	}
	u, message := hookswitch.ParseEndpointURL(e.URL)
	if message != "" {
		return hookswitch.Errorf(hookswitch.Invalid, "The endpoint's address %s.", message)
	}
	if !p.play.making.Allow() {
		return errManyBins
	}
	var secrets []webhook.Secret
	for i, s := range e.Secrets {
		if sec, err := webhook.ParseSecret(s.Secret.Reveal()); err == nil && (i == 0 || s.ExpiresAt.After(v.Now)) {
			secrets = append(secrets, sec)
		}
	}
	var results []exchange
	for _, q := range requestsOf(findFault(form.Get("fault")), v.ID(hookswitch.KindEvent, p.svc.NextKey()), p.now(), compact.Bytes(), secrets) {
		x, err := p.exchange(v.ctx(), e, u, q)
		if err != nil {
			return err
		}
		results = append(results, x)
	}
	return p.showTesting(v, http.StatusOK, form, "", results)
}

func whyNotJSON(b []byte) string {
	var v map[string]any
	err := json.Unmarshal(b, &v)
	var syntax *json.SyntaxError
	switch {
	case len(b) == 0:
		return "it is empty"
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s, in line %d", syntax.Error(), 1+bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n")))
	}
	return "it has to begin with a brace"
}

// exchange sends one request.
func (p *Pages) exchange(ctx context.Context, e *hookswitch.Endpoint, u *url.URL, q testRequest) (exchange, error) {
	h := make(http.Header)
	if err := webhook.SetHeaders(h, q.id, q.at, q.body, q.secrets...); err != nil {
		return exchange{}, err
	}
	req := &safehttp.Request{Method: http.MethodPost, URL: u, Body: q.body, Timeout: p.svc.Profile(e.Profile).Timeout, Once: true, Pause: q.pause, Keep: 64 << 10,
		Header: []safehttp.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Hookswitch-Test/1"}, {Name: "Accept", Value: "*/*"}}}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		req.Header = append(req.Header, safehttp.Field{Name: strings.ToLower(name), Value: h.Get(name)})
	}
	if u.User != nil && !hasHeader(e, "Authorization") {
		password, _ := u.User.Password()
		req.Header = append(req.Header, safehttp.Field{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		req.Header = append(req.Header, safehttp.Field{Name: name, Value: e.Headers[name]})
	}
	x := exchange{Name: q.name, Method: req.Method, URL: u.Redacted(), Size: ui.Bytes(int64(len(q.body)))}
	for _, f := range req.Header {
		if hookswitch.SensitiveHeader(f.Name) {
			f.Value = keptValue
		}
		x.Headers = append(x.Headers, pair{Name: f.Name, Value: f.Value})
	}
	const shown = 4 << 10
	x.Body = newBodyView(&store.BinRequest{Body: q.body[:min(len(q.body), shown)], Size: int64(len(q.body))}, "application/json", viewRaw)
	if len(q.body) > shown {
		x.Body.Note = "Its first " + ui.Bytes(shown) + " are shown."
	}
	if token, ok := p.svc.BinToken(e.URL); ok {
		p.toBin(ctx, token, req, &x)
		return x, nil
	}
	if p.HTTP == nil {
		x.Failure = "this server sends nothing"
		return x, nil
	}
	res, err := p.HTTP.Do(ctx, req)
	var failed *safehttp.Error
	switch {
	case errors.As(err, &failed):
		x.Tone, x.Failure, x.Took = ui.Bad, failed.Error(), ui.Millis(failed.Timings.Total)
		return x, nil
	case err != nil:
		x.Tone, x.Failure = ui.Bad, "the address cannot be tried now"
		return x, nil
	}
	x.answered(res.Status, res.Header, res.Body, res.Timings.Total)
	return x, nil
}

func hasHeader(e *hookswitch.Endpoint, name string) bool {
	for have := range e.Headers {
		if strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}

func (x *exchange) answered(status int, h http.Header, body []byte, took time.Duration) {
	x.Tone, x.Status, x.Took = codeTone(status), codeName(status), ui.Millis(took)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			x.Answer = append(x.Answer, pair{Name: name, Value: strings.ToValidUTF8(value, "\ufffd")})
		}
	}
	x.Text = strings.ToValidUTF8(string(body), "\ufffd")
}

// toBin hands a request to a play bin of this server.
func (p *Pages) toBin(ctx context.Context, token string, req *safehttp.Request, x *exchange) {
	q := &store.BinRequest{Token: token, Method: req.Method, URI: req.URL.RequestURI(), Remote: "this server, a test", Body: req.Body[:min(len(req.Body), service.BinBody)], Size: int64(len(req.Body))}
	for _, f := range req.Header {
		q.Headers = append(q.Headers, store.HeaderLine{Name: f.Name, Value: f.Value})
	}
	start := time.Now()
	if err := p.svc.AddBinRequest(ctx, q); err != nil {
		x.answered(http.StatusNotFound, nil, []byte("There is no such bin; it may have expired."), time.Since(start))
		return
	}
	x.answered(http.StatusOK, nil, []byte(`{"ok":true}`), time.Since(start))
}

// sendExample publishes the example of a type to this endpoint: a delivery like any other.
func (p *Pages) sendExample(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	index, _ := strconv.Atoi(form.Get("example")) // what is no number is the first
	ev, err := p.svc.SendExample(v.ctx(), v.App, e.Key, form.Get("type"), max(index, 0), service.Idempotency{})
	if err != nil {
		return err
	}
	return v.done(v.Page("messages", v.ID(hookswitch.KindEvent, ev.Key)), ui.Info, "The example is on its way to "+endpointName(e)+". What becomes of it shows below.")
}
