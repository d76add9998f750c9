package portal

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/hookswitch/hookswitch/webhook"
)

var endpointNewRoutes = []route{
	{in: appPages, method: "GET", path: "/endpoints/new", name: "Add endpoint", under: "/endpoints", handle: (*Pages).newEndpoint},
	{in: appPages, method: "POST", path: "/endpoints/new", name: "Add endpoint", under: "/endpoints", needs: hookswitch.ManageEndpoint, handle: (*Pages).createEndpoint},
	{in: appPages, method: "POST", path: "/endpoints/preview", name: "Preview of a filter", needs: hookswitch.ManageEndpoint, handle: (*Pages).previewFilter},
	{in: appPages, method: "POST", path: "/endpoints/check", name: "Try an address", needs: hookswitch.ManageEndpoint, handle: (*Pages).checkURL},
	{in: appPages, method: "POST", path: "/endpoints/play", name: "Use a play bin", needs: hookswitch.ManageEndpoint, handle: (*Pages).playEndpoint},
}

// newEndpointPage is the form for a new endpoint.
type newEndpointPage struct {
	*view
	Problems  ui.Problems
	URL       ui.Field
	Name      ui.Field
	Types     typePicker
	Preview   preview
	Tags      ui.Field
	Rate      ui.Field
	Auth      ui.Field
	User      ui.Field
	Token     ui.Field
	Headers   ui.Field
	Signature ui.Field
	Secret    ui.Field
	Paused    bool
	Ordered   bool
	Advanced  bool // shown open
	Refused   string
	CheckPath string
	Steps     []urlStep // of the address as it was sent
}

func (p *Pages) newEndpoint(v *view) error {
	return p.showNewEndpoint(v, http.StatusOK, url.Values{"types": {"all"}, "url": {v.query("url")}}, nil, nil)
}

// tagsHint says what the tags are that an endpoint may ask for: Svix's channels, and not the media of messages.
const tagsHint = "Only events that bear one of these words; separated by commas. Whoever publishes an event gives it its tags (the API calls them channels). What is told of messages bears none: to get those, leave this empty."

// showNewEndpoint shows the form. steps are what was found out about the address, where somebody asked.
func (p *Pages) showNewEndpoint(v *view, status int, form url.Values, wrong map[string]string, steps []urlStep) error {
	get := form.Get
	page := &newEndpointPage{view: v, Refused: v.MayNot("endpoints.write"), CheckPath: v.Page("endpoints", "check"), Steps: steps, Paused: get("paused") != "", Ordered: get("ordered") != ""}
	field := func(id, label, hint, holder string) ui.Field {
		return ui.Field{ID: id, Name: id, Label: label, Hint: hint, Holder: holder, Value: get(id), Problem: wrong[id]}
	}
	page.URL = field("url", "Address", "An https address of your server. It has to answer with a status of 200 to 299 within 15 seconds.", "https://example.com/webhooks")
	page.URL.Kind, page.URL.Required, page.URL.Mono, page.URL.Autocomplete = "url", true, true, "off"
	page.URL.Attrs = map[string]string{"hx-post": page.CheckPath, "hx-trigger": "change, keyup changed delay:700ms", "hx-target": "#url-check", "hx-include": "this"}
	page.Name = field("name", "Name", "What you call it, in lists and notes.", "CRM")
	page.Name.Optional = true
	page.Tags = field("tags", "Tags", tagsHint, "nairobi, vip")
	page.Rate = field("rate", "At most so many a second", "Others wait for their turn.", "no limit")
	page.Rate.Kind = "number"
	page.Auth = field("auth", "Authentication", "", "")
	page.Auth.Kind, page.Auth.Options = "select", options(get("auth"), "", "None: the signature is enough", "basic", "User and password (Basic)", "bearer", "Token (Bearer)")
	page.User = field("user", "User", "With Basic only.", "")
	page.Token = field("token", "Password or token", "It is kept encrypted and never shown again.", "")
	page.Token.Kind, page.Token.Autocomplete = "password", "new-password"
	page.Headers = field("headers", "Headers of your own", "One on each line: a name, a colon, a value.", "X-Region: eu-1")
	page.Headers.Kind, page.Headers.Mono = "textarea", true
	page.Signature = field("signature", "Signature", "With ed25519 your server holds a public key alone, and cannot sign what it checks.", "")
	page.Signature.Kind, page.Signature.Options = "select", options(get("signature"), signatures...)
	page.Secret = field("secret", "Signing secret", "Leave it empty and one is made for you. Your own is whsec_ and 24 to 75 bytes in base64, or whsk_ and an ed25519 key.", "made for you")
	page.Secret.Mono, page.Secret.Autocomplete = true, "off"
	page.Advanced = slices.ContainsFunc([]string{"tags", "rate", "auth", "user", "token", "headers", "signature", "secret"}, func(s string) bool { return wrong[s] != "" || get(s) != "" }) || page.Ordered
	for _, f := range []*ui.Field{&page.URL, &page.Name, &page.Tags, &page.Rate, &page.Auth, &page.User, &page.Token, &page.Headers, &page.Signature, &page.Secret} {
		if f.Problem != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: f.ID, Text: f.Label + " " + f.Problem})
			f.Problem = f.Label + " " + f.Problem + "."
		}
		if page.Refused != "" {
			f.Refused = page.Refused
		}
	}
	var err error
	if page.Types, err = p.typePicker(v, form, page.Refused); err != nil {
		return err
	}
	page.Types.problems(&page.Problems, wrong)
	page.Problems.Title = "The endpoint was not created: " + ui.Plural(len(page.Problems.List), "thing has", "things have") + " to be put right"
	if page.Preview, err = p.preview(v, form); err != nil {
		return err
	}
	v.Shell.Trail = []ui.Link{{Name: "Endpoints", URL: v.Page("endpoints")}}
	v.api(http.MethodPost, "/app/"+v.AppID()+"/endpoint", "")
	return v.write(status, "app/endpoint-new", page)
}

func (p *Pages) createEndpoint(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	wrong := make(map[string]string)
	if err := p.expandTypes(v, form, wrong); err != nil {
		return err
	}
	e := endpointOf(form, wrong)
	if form.Get("do") == "check" {
		return p.showNewEndpoint(v, http.StatusOK, form, nil, p.tryURL(v.ctx(), strings.TrimSpace(form.Get("url"))))
	}
	var made *hookswitch.Endpoint
	if len(wrong) == 0 {
		made, err = p.svc.CreateEndpoint(v.ctx(), v.App.Key, e, service.Idempotency{})
		if !noteFields(err, wrong, endpointFields) && err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return p.showNewEndpoint(v, http.StatusUnprocessableEntity, form, wrong, nil)
	}
	name := endpointName(made)
	v.event, v.about = "endpoint-created", v.ID(hookswitch.KindEndpoint, made.Key)
	if form.Get("do") == "test" && !made.Disabled && v.MayNot("messages.resend") == "" {
		ev, err := p.svc.SendExample(v.ctx(), v.App, made.Key, hookswitch.EventTypePing, 0, service.Idempotency{})
		if err != nil {
			return err
		}
		return v.done(v.Page("messages", v.ID(hookswitch.KindEvent, ev.Key)), ui.Good, "Created "+name+". A ping is on its way to it; what becomes of it shows below.", "To the endpoint", v.Page("endpoints", v.about))
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, made.Key)), ui.Good, "Created "+name+". Send a test event to see that it answers.")
}

// endpointFields are the fields of forms by the names that the rules have for them.
var endpointFields = map[string]string{"url": "url", "description": "name", "eventTypes": "types", "filterTypes": "types", "channels": "tags", "throttleRate": "rate", "headers": "headers", "secret": "secret"}

// noteFields enters what the rules found wrong under the names of the form's fields. It reports false for errors that are about something else.
func noteFields(err error, wrong map[string]string, names map[string]string) bool {
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid && e.Kind != hookswitch.Conflict {
		return false
	}
	for _, f := range e.Fields {
		field := ""
		for _, part := range f.Path {
			if n, ok := names[part]; ok {
				field = n
				break
			}
		}
		if wrong[field] == "" {
			wrong[field] = f.Message
		}
	}
	if len(e.Fields) == 0 {
		wrong[""] = e.Message
	}
	return true
}

// asInvalid is err where it says what is wrong with what somebody entered.
func asInvalid(err error) (*hookswitch.Error, bool) {
	var e *hookswitch.Error
	return e, errors.As(err, &e) && e.Kind == hookswitch.Invalid
}

// signEd25519 is the choice of a pair of keys.
const signEd25519 = "ed25519"

// signatures are how requests can be signed.
var signatures = []string{"", "HMAC-SHA256: one secret for both sides", signEd25519, "ed25519: a private key here, a public one for your server"}

// endpointOf is the endpoint that a form describes.
func endpointOf(form url.Values, wrong map[string]string) hookswitch.Endpoint {
	e := hookswitch.Endpoint{URL: strings.TrimSpace(form.Get("url")), Description: strings.TrimSpace(form.Get("name")), Disabled: form.Get("paused") != "", Ordered: form.Get("ordered") != ""}
	if form.Get("types") == "some" {
		if e.EventTypes = form["type"]; len(e.EventTypes) == 0 {
			wrong["types"] = "Choose at least one event type, or all of them"
		}
	}
	for tag := range strings.SplitSeq(form.Get("tags"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			e.Tags = append(e.Tags, tag)
		}
	}
	if s := strings.TrimSpace(form.Get("rate")); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > hookswitch.MaxThrottleRate {
			wrong["rate"] = "must be a whole number from 1 to 65535"
		}
		e.ThrottleRate = n
	}
	e.Headers = make(map[string]string)
	for line := range strings.Lines(form.Get("headers")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			wrong["headers"] = "must have a colon between name and value on each line"
			continue
		}
		e.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	token := form.Get("token")
	switch form.Get("auth") {
	case "basic":
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(form.Get("user"), token)
		e.Headers["Authorization"] = r.Header.Get("Authorization")
		if form.Get("user") == "" {
			wrong["user"] = "is needed for Basic authentication"
		}
	case "bearer":
		e.Headers["Authorization"] = "Bearer " + token
		if token == "" {
			wrong["token"] = "is needed for Bearer authentication"
		}
	}
	if s := strings.TrimSpace(form.Get("secret")); s != "" {
		e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(s)}}
	} else if form.Get("signature") == signEd25519 {
		e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(webhook.NewSigningKey().Reveal())}}
	}
	return e
}

// playEndpoint makes a play bin and an endpoint that sends to it.
func (p *Pages) playEndpoint(v *view) error {
	if !p.play.making.Allow() {
		return errManyBins
	}
	b, err := p.svc.CreateBin(v.ctx())
	if err != nil {
		return err
	}
	e, err := p.svc.CreateEndpoint(v.ctx(), v.App.Key, hookswitch.Endpoint{URL: p.svc.PublicURL() + binPath + b.Token, Description: "Play bin"}, service.Idempotency{})
	if err != nil {
		return err
	}
	if err := p.svc.SetBinSecrets(v.ctx(), b.Token, e.Secrets[0].Secret); err != nil {
		return err
	}
	v.event, v.about = "endpoint-created", v.ID(hookswitch.KindEndpoint, e.Key)
	return v.done(v.Page("endpoints", v.about, "testing"), ui.Good, "Made a play bin and an endpoint that sends to it. Send it a test: the bin shows what arrives, and checks the signature.", "Open the bin", playRoot+"/"+b.Token)
}

// urlStep is one thing that was found out about an address.
type urlStep struct {
	Tone ui.Tone
	Text string
	More string
}

const (
	checkTime   = 8 * time.Second
	maxShownURL = 300 // of a redirect's target, in characters
)

// checkURL tries an address: its form, its name, its certificate, and what it answers to a signed ping.
func (p *Pages) checkURL(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	return v.part("app/endpoint-new", "url-check", struct{ Steps []urlStep }{p.tryURL(v.ctx(), strings.TrimSpace(form.Get("url")))})
}

// preview is what the filter of a form would have let through.
type preview struct{ Path, Words string }

func (p *Pages) preview(v *view, form url.Values) (preview, error) {
	e := endpointOf(form, make(map[string]string)) // of what is wrong the form tells
	if form.Get("types") == "some" && len(e.EventTypes) == 0 {
		e.EventTypes = []string{}
	}
	m, err := p.svc.PreviewFilter(v.ctx(), v.App.Key, &e, v.Now.Add(-24*time.Hour))
	return preview{v.Page("endpoints", "preview"), previewWords(m)}, err
}

// previewFilter tells what the filter of a form would have let through.
func (p *Pages) previewFilter(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := p.expandTypes(v, form, make(map[string]string)); err != nil {
		return err
	}
	words, err := p.preview(v, form)
	if err != nil {
		return err
	}
	return v.part("app/endpoint-new", "preview", words)
}

func (p *Pages) tryURL(ctx context.Context, text string) (steps []urlStep) {
	add := func(tone ui.Tone, text, more string) { steps = append(steps, urlStep{tone, text, more}) }
	if text == "" {
		return nil
	}
	u, message := hookswitch.ParseEndpointURL(text)
	if message != "" {
		add(ui.Bad, "The address "+message+".", "It looks like https://example.com/webhooks.")
		return steps
	}
	if _, ok := p.svc.BinToken(u.String()); ok {
		add(ui.Good, "This is a play bin of this server.", "It takes everything and shows it to you.")
		return steps
	}
	if u.Scheme == "http" {
		add(ui.Warn, "The address is plain http: what is sent can be read and changed on the way.", "Use https unless this is a test.")
	}
	if p.HTTP == nil {
		return steps
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	body, err := json.Marshal(map[string]any{"success": true})
	if err != nil {
		return steps
	}
	h := make(http.Header)
	sec := webhook.NewSecret()
	if err := webhook.SetHeaders(h, "msg_ping", p.now(), body, sec); err != nil {
		return steps
	}
	req := &safehttp.Request{URL: u, Method: http.MethodPost, Body: body, Timeout: checkTime, Keep: 512,
		Header: []safehttp.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Hookswitch-Check/1"}}}
	for name := range h {
		req.Header = append(req.Header, safehttp.Field{Name: name, Value: h.Get(name)})
	}
	res, err := p.HTTP.Do(ctx, req)
	var failed *safehttp.Error
	if errors.As(err, &failed) {
		add(ui.Bad, "Nothing answers there: "+failed.Error()+".", urlAdvice(failed.Code))
		return steps
	}
	if err != nil {
		add(ui.Bad, "The address cannot be tried now.", "")
		return steps
	}
	if u.Scheme == "https" {
		add(ui.Good, "The name resolves and the certificate is in order.", certificateNote(res.CertificateEnds.Sub(p.now())))
	}
	took := ui.Millis(res.Timings.Total)
	switch {
	case res.Status >= 200 && res.Status < 300:
		add(ui.Good, "It answered a signed ping with "+strconv.Itoa(res.Status)+" in "+took+".", "The ping was signed with a secret that your server does not know: one that refuses it does right.")
	case res.Status >= 300 && res.Status < 400:
		more := "Use the address that it leads to."
		if to := excerpt(res.Header.Get("Location"), maxShownURL); to != "" {
			more = "Use the address that it leads to: " + to
		}
		add(ui.Bad, "It redirects ("+strconv.Itoa(res.Status)+"). Redirects are not followed.", more)
	case res.Status == 401 || res.Status == 403 || res.Status == 400:
		add(ui.Good, "It answered "+strconv.Itoa(res.Status)+" in "+took+": it does not trust a ping with a strange signature.", "That is right. Send a test once the endpoint is created.")
	case res.Status == 404 || res.Status == 405:
		add(ui.Bad, "It answered "+strconv.Itoa(res.Status)+": there is nothing at this path that takes a POST.", "Look at the path.")
	case res.Status >= 500:
		add(ui.Warn, "It answered "+strconv.Itoa(res.Status)+" in "+took+": the server is there and in trouble.", "")
	default:
		add(ui.Warn, "It answered "+strconv.Itoa(res.Status)+" in "+took+".", "Only 200 to 299 count as delivered.")
	}
	return steps
}

// certificateNote says how long a certificate is good for, when that is soon.
func certificateNote(left time.Duration) string {
	days := ui.Plural(int(left.Hours()/24), "day")
	if left < 14*24*time.Hour {
		return "It expires in " + days + ": see that it is renewed."
	}
	return "It is good for " + days + "."
}

// urlAdvice is what to do about a failure, by its code.
func urlAdvice(code string) string {
	switch code {
	case safehttp.CodeDNSNotFound, safehttp.CodeDNSFailed:
		return "Look at the name, and whether it is public."
	case safehttp.CodeBlockedAddress:
		return "Private addresses are not reached from here. Use a tunnel, or a play bin for a first look."
	case safehttp.CodeConnectionRefused, safehttp.CodeConnectTimeout, safehttp.CodeUnreachable:
		return "Is the server running, and is its port open to the internet?"
	case safehttp.CodeTLSExpired, safehttp.CodeTLSWrongName, safehttp.CodeTLSUnknownAuthority, safehttp.CodeTLSTooOld, safehttp.CodeTLSNotSpoken, safehttp.CodeTLSNoHTTP1, safehttp.CodeTLSFailed:
		return "Put the certificate right; deliveries would fail the same way."
	case safehttp.CodeTimeout:
		return "Answer first, and work afterwards."
	}
	return ""
}
