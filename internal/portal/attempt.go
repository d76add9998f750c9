package portal

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/diagnose"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

var attemptRoutes = []route{
	{in: appPages, method: "GET", path: attemptPath, name: "Attempt", under: "/logs", handle: (*Pages).attempt,
		samples: []string{"/messages/{event}/attempts/{attempt}", "/messages/{okevent}/attempts/{okattempt}", "/messages/{redirectevent}/attempts/{redirectattempt}"}},
	{in: appPages, method: "POST", path: attemptPath + "/use-url", name: "Use this URL", needs: hookswitch.ManageEndpoint, handle: (*Pages).useURL},
}

const attemptPath = "/messages/{event}/attempts/{attempt}"

// compared is one line of the comparison with the last success.
type compared struct {
	Name, This, Last string
	Differs          bool
}

// attemptPage is one attempt: what was sent, what was answered, and why.
type attemptPage struct {
	*view
	Event                  *hookswitch.Event
	A                      *service.FoundAttempt
	Title                  string
	Outcome                ui.Badge
	Message, MessagePage   string
	Endpoint, EndpointPage string
	Diagnoses              []diagnose.Diagnosis
	Use                    *ui.Action // put the address of a redirect into the endpoint
	Actions                []ui.Action
	Sent                   []hookswitch.HeaderLine
	SentNote               string
	Signed                 string // with which secrets, where that is known
	Check                  ui.Action
	Curl, CurlNote         string
	Payload                bodyView
	Gone                   bool
	Answer                 bodyView
	AnswerNote             string
	AnswerLines            []hookswitch.HeaderLine
	Phases                 template.HTML
	Timings                []phase
	Remote                 string
	TLS                    hookswitch.TLSFacts
	Names                  string
	Newer, Older           string // other attempts of the delivery
	Compared               []compared
	Last                   string        // the page of the last success
	Due                    template.HTML // when the next attempt is made; "": none is
}

type phase struct{ Name, Took string }

// attemptOfPath are the event and the attempt that the path names.
func (v *view) attemptOfPath() (*hookswitch.Event, *hookswitch.Attempt, error) {
	ev, err := v.eventOf()
	if err != nil {
		return nil, nil, err
	}
	a, err := v.p.svc.Attempt(v.ctx(), v.App.Key, ev.Key, v.r.PathValue("attempt"))
	return ev, a, err
}

// firstReason is why an attempt failed, in a sentence.
func firstReason(v *view, a *hookswitch.Attempt, e *hookswitch.Endpoint) string {
	return diagnose.Reason(a, v.p.svc.Known(e)).Sentence
}

func (p *Pages) attempt(v *view) error {
	ev, a, err := v.attemptOfPath()
	if err != nil {
		return err
	}
	f, e, err := p.svc.Surrounded(v.ctx(), a)
	if err != nil {
		return err
	}
	page := &attemptPage{view: v, Event: ev, A: f, Outcome: outcomeOf(f), Message: v.ID(hookswitch.KindEvent, ev.Key), Endpoint: endpointName(e), Gone: ev.Expired}
	page.MessagePage = v.Page("messages", page.Message)
	endpoint := v.ID(hookswitch.KindEndpoint, e.Key)
	if e.DeletedAt.IsZero() {
		page.EndpointPage = v.Page("endpoints", endpoint)
	}
	page.Title = "Attempt " + attemptOf(f)
	v.Shell.Title = page.Title + " · " + ev.Type
	v.Shell.Trail = []ui.Link{{Name: "Logs", URL: v.Page("logs")}, {Name: ev.Type, URL: page.MessagePage}}
	page.Diagnoses = diagnose.Of(a, p.svc.Known(e))
	if f.Latest && f.Status.State == hookswitch.DeliveryPending {
		page.Due = due(f.Status.Next, v.Now)
	}
	page.actions(e, endpoint)
	page.request(a, ev, e)
	page.answer(a)
	page.phases(a)
	if err := page.others(a); err != nil {
		return err
	}
	if !a.OK {
		if err := page.compare(a, ev); err != nil {
			return err
		}
	}
	v.api(http.MethodGet, "/app/"+v.AppID()+"/msg/"+page.Message+"/attempt/"+v.ID(hookswitch.KindAttempt, a.Key), "hookswitch event attempts --app "+v.AppID()+" "+page.Message+" --endpoint "+endpoint)
	return v.show("app/attempt", page)
}

func (page *attemptPage) actions(e *hookswitch.Endpoint, endpoint string) {
	v := page.view
	resend := ui.Action{Name: "Resend", Icon: "turn", Look: "primary", Post: true, URL: v.Page("messages", page.Message, "resend"), Fields: map[string]string{"endpoint": endpoint}, Refused: v.MayNot("messages.resend")}
	switch {
	case resend.Refused != "":
	case page.Gone:
		resend.Refused = "The payload is not kept any more."
	case !e.DeletedAt.IsZero():
		resend.Refused = "The endpoint was removed."
	case e.Disabled:
		resend.Refused = "The endpoint is off: enable it first."
	}
	page.Actions = []ui.Action{resend}
	if len(page.Diagnoses) > 0 && page.Diagnoses[0].Target != "" && e.DeletedAt.IsZero() {
		page.Use = &ui.Action{Name: "Use this URL", Icon: "endpoint", Post: true, URL: v.r.URL.Path + "/use-url", Refused: v.MayNot("endpoints.write")}
		if e.URL == page.Diagnoses[0].Target && page.Use.Refused == "" {
			page.Use.Refused = "The endpoint has it already."
		}
	}
}

// request is what was sent.
func (page *attemptPage) request(a *hookswitch.Attempt, ev *hookswitch.Event, e *hookswitch.Endpoint) {
	kept := false
	if page.Sent, kept = page.sentLines(a, ev, e); !kept {
		page.SentNote = "Headers are kept of attempts that failed. These are worked out anew from the endpoint as it is now; the signature is the one of this attempt as long as its secret has not changed."
		if a.SignedAt.IsZero() {
			page.SentNote = "Headers are kept of attempts that failed. These are worked out anew, without a signature: its time is not known."
		}
	}
	if kept {
		page.Signed = page.signedWith(a, ev, e)
	}
	page.Payload = payloadView(ev, page.query("view"))
	page.curl(a, ev)
	page.Check = page.check(ev, e)
}

// check is the button that puts the request of the attempt before the signature doctor.
func (page *attemptPage) check(ev *hookswitch.Event, e *hookswitch.Endpoint) ui.Action {
	query := url.Values{"message": {page.Message}, "attempt": {page.r.PathValue("attempt")}}
	act := ui.Action{Name: "Check this signature", Icon: "pulse", URL: page.Page("endpoints", page.ID(hookswitch.KindEndpoint, e.Key), "signing") + "?" + query.Encode() + "#doctor-title"}
	switch {
	case !e.DeletedAt.IsZero():
		act.Refused = "The endpoint was removed."
	default:
		act.Refused = noDoctor(ev, page.Sent)
	}
	return act
}

// noDoctor says why the request of an attempt cannot be put before the signature doctor; "" when it can.
func noDoctor(ev *hookswitch.Event, sent []hookswitch.HeaderLine) string {
	switch {
	case ev.Expired:
		return "The payload is not kept any more."
	case len(ev.Payload) > maxCurl:
		return "The payload is too long to be shown in a field. Save it, and use hookswitch verify."
	case !utf8.Valid(ev.Payload) || bytes.IndexByte(ev.Payload, 0) >= 0:
		return "The payload is no text. Save it, and use hookswitch verify."
	case !slices.ContainsFunc(sent, isSignature):
		return "The signature of this attempt is not known."
	}
	return ""
}

// signedWith says which secrets made the signatures that were sent; "" where there is nothing to try.
func (page *attemptPage) signedWith(a *hookswitch.Attempt, ev *hookswitch.Event, e *hookswitch.Endpoint) string {
	at := slices.IndexFunc(page.Sent, isSignature)
	if at < 0 || a.SignedAt.IsZero() || ev.Expired || e.Profile != hookswitch.ProfileSvix {
		return ""
	}
	sent := strings.Fields(page.Sent[at].Value)
	var with []string
	for i, s := range e.Secrets {
		secret, err := webhook.ParseSecret(s.Secret.Reveal())
		if err != nil || !slices.Contains(sent, webhook.Sign(page.Message, a.SignedAt, ev.Payload, secret)) {
			continue
		}
		name := "the current secret"
		if i > 0 {
			name = "an old secret"
		}
		with = append(with, name+", "+service.Fingerprint(s.Secret))
	}
	switch {
	case len(with) == 0:
		return "Signed with a secret that the endpoint does not have any more."
	case len(with) < len(sent):
		return "Signed with " + strings.Join(with, ", and with ") + ", and with one that the endpoint does not have any more."
	}
	return "Signed with " + strings.Join(with, ", and with ") + "."
}

func isSignature(l hookswitch.HeaderLine) bool {
	return strings.HasSuffix(strings.ToLower(l.Name), "-signature")
}

// sentLines are the header lines of an attempt, as they were kept or else worked out anew.
func (v *view) sentLines(a *hookswitch.Attempt, ev *hookswitch.Event, e *hookswitch.Endpoint) (list []hookswitch.HeaderLine, kept bool) {
	if list = a.Facts.SentLines(); len(list) > 0 {
		return list, true
	}
	message, kind := v.ID(hookswitch.KindEvent, ev.Key), ev.ContentType
	if kind == "" {
		kind = "application/json"
	}
	list = []hookswitch.HeaderLine{{Name: "Content-Type", Value: kind}}
	if !a.SignedAt.IsZero() && !ev.Expired && e.Profile == hookswitch.ProfileSvix {
		var secrets []webhook.Secret
		for _, s := range e.Secrets {
			if secret, err := webhook.ParseSecret(s.Secret.Reveal()); err == nil && (s.ExpiresAt.IsZero() || s.ExpiresAt.After(a.SignedAt)) {
				secrets = append(secrets, secret)
			}
		}
		at, signature := strconv.FormatInt(a.SignedAt.Unix(), 10), webhook.Sign(message, a.SignedAt, ev.Payload, secrets...)
		for _, prefix := range []webhook.Prefix{"svix", "webhook"} {
			list = append(list, hookswitch.HeaderLine{Name: prefix.ID(), Value: message}, hookswitch.HeaderLine{Name: prefix.Timestamp(), Value: at}, hookswitch.HeaderLine{Name: prefix.Signature(), Value: signature})
		}
	}
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := e.Headers[name]
		if hookswitch.SensitiveHeader(name) {
			value = hookswitch.HiddenValue
		}
		list = append(list, hookswitch.HeaderLine{Name: name, Value: value})
	}
	return list, false
}

// maxCurl is the greatest payload that is written into a command.
const maxCurl = 32 << 10

// curl is the request as a command.
func (page *attemptPage) curl(a *hookswitch.Attempt, ev *hookswitch.Event) {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	var b strings.Builder
	b.WriteString("curl -i -X POST " + quote(a.URL))
	hidden := false
	for _, l := range page.Sent {
		hidden = hidden || l.Value == hookswitch.HiddenValue
		b.WriteString(" \\\n  -H " + quote(l.Name+": "+l.Value))
	}
	switch {
	case ev.Expired:
		page.CurlNote = "The payload is not kept any more, so the command is without it."
	case len(ev.Payload) > maxCurl || !utf8.Valid(ev.Payload) || strings.IndexByte(string(ev.Payload), 0) >= 0:
		b.WriteString(" \\\n  --data-binary @payload")
		page.CurlNote = "Save the payload as the file payload first."
	default:
		b.WriteString(" \\\n  --data-binary " + quote(string(ev.Payload)))
	}
	page.Curl = b.String()
	page.CurlNote = strings.TrimSpace(page.CurlNote + " The signature is of this attempt: a server that heeds its age refuses it after five minutes; resend instead.")
	if hidden {
		page.CurlNote += " Put secret values in where it says " + hookswitch.HiddenValue + "."
	}
}

// answer is what came back.
func (page *attemptPage) answer(a *hookswitch.Attempt) {
	page.AnswerLines = a.HeaderLines()
	kind := ""
	for _, l := range page.AnswerLines {
		if strings.EqualFold(l.Name, "Content-Type") {
			kind, _, _ = strings.Cut(l.Value, ";")
		}
	}
	page.Answer = newBodyView(&store.BinRequest{Body: a.Answer, Size: int64(len(a.Answer))}, kind, page.query("answer"))
	switch {
	case a.Expired:
		page.AnswerNote = "The answer is not kept any more."
	case a.Code == 0:
		page.AnswerNote = "There was none."
	case len(a.Answer) == 0:
		page.AnswerNote = "It has no body."
	case a.Facts != nil && a.Facts.Truncated:
		page.AnswerNote = "The first 64 KiB; there was more."
	}
	if f := a.Facts; f != nil {
		page.Remote, page.TLS, page.Names = f.Remote, f.TLS, strings.Join(f.TLS.Names, ", ")
	}
}

// phases is where the time went.
func (page *attemptPage) phases(a *hookswitch.Attempt) {
	t := a.Timings
	rest := max(t.Total-t.DNS-t.Connect-t.TLS-t.Wait, 0)
	parts := []ui.Phase{{Name: "Name", Took: t.DNS}, {Name: "Connect", Took: t.Connect}, {Name: "TLS", Took: t.TLS}, {Name: "Wait", Took: t.Wait}, {Name: "Send and read", Took: rest}}
	words := map[string]string{"Name": "resolving the name", "Connect": "connecting", "TLS": "the TLS handshake", "Wait": "waiting for the answer", "Send and read": "sending and reading"}
	reused := t.DNS+t.Connect+t.TLS == 0 && a.Code != 0
	for _, part := range parts {
		took := ui.Millis(part.Took)
		if part.Took == 0 {
			took = "–"
		}
		if reused && part.Took == 0 && part.Name == "Connect" {
			took = "kept open from before"
		}
		page.Timings = append(page.Timings, phase{strings.ToUpper(words[part.Name][:1]) + words[part.Name][1:], took})
	}
	page.Timings = append(page.Timings, phase{"In all", ui.Millis(t.Total)})
	page.Phases = ui.Phases(parts)
}

// others are the attempts of the same delivery before and after.
func (page *attemptPage) others(a *hookswitch.Attempt) error {
	list, err := page.p.svc.AttemptsByEvent(page.ctx(), page.App.Key, a.Event, store.AttemptFilter{Endpoint: a.Endpoint, Bare: true}, store.Page{Limit: maxLine})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(x *hookswitch.Attempt) bool { return x.Key == a.Key })
	to := func(i int) string {
		if at < 0 || i < 0 || i >= len(list) {
			return ""
		}
		return page.Page("messages", page.Message, "attempts", page.ID(hookswitch.KindAttempt, list[i].Key))
	}
	page.Newer, page.Older = to(at-1), to(at+1)
	return nil
}

// compare puts the last success at the endpoint beside an attempt that failed.
func (page *attemptPage) compare(a *hookswitch.Attempt, ev *hookswitch.Event) error {
	ok, err := page.p.svc.LastSuccess(page.ctx(), a)
	if err != nil || ok == nil {
		return err
	}
	other, err := page.p.svc.EventByKey(page.ctx(), page.App.Key, ok.Event)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		other = nil
	} else if err != nil {
		return err
	}
	page.Last = page.Page("messages", page.ID(hookswitch.KindEvent, ok.Event), "attempts", page.ID(hookswitch.KindAttempt, ok.Key))
	add := func(name, this, last string, matters bool) {
		page.Compared = append(page.Compared, compared{name, this, last, matters && this != last})
	}
	utc := func(a *hookswitch.Attempt) string { return a.CreatedAt().UTC().Format("2 Jan, 15:04:05 UTC") }
	add("Time", utc(a), utc(ok), false)
	add("Address", a.URL, ok.URL, true)
	if other != nil {
		add("Event type", ev.Type, other.Type, true)
		add("Size of the payload", ui.Bytes(int64(len(ev.Payload))), ui.Bytes(int64(len(other.Payload))), false)
	}
	add("Answer", codeName(a.Code), codeName(ok.Code), true)
	add("Time to the answer", ui.Millis(a.Timings.Total), ui.Millis(ok.Timings.Total), a.Timings.Total > 3*ok.Timings.Total)
	remote := func(a *hookswitch.Attempt) string {
		if a.Facts == nil || a.Facts.Remote == "" {
			return "not kept"
		}
		return a.Facts.Remote
	}
	add("Server", remote(a), remote(ok), remote(a) != "not kept" && remote(ok) != "not kept")
	return nil
}

// useURL puts the address that a redirect led to into the endpoint.
func (p *Pages) useURL(v *view) error {
	ev, a, err := v.attemptOfPath()
	if err != nil {
		return err
	}
	e, err := p.svc.AttemptedEndpoint(v.ctx(), a)
	if err != nil {
		return err
	}
	back := v.Page("messages", v.ID(hookswitch.KindEvent, ev.Key), "attempts", v.ID(hookswitch.KindAttempt, a.Key))
	target := diagnose.Reason(a, p.svc.Known(e)).Target
	if target == "" || !e.DeletedAt.IsZero() {
		return v.done(back, ui.Warn, "There is no address to use.")
	}
	if _, err := p.svc.UpdateEndpoint(v.ctx(), v.App.Key, e.Key, func(e *hookswitch.Endpoint) error {
		e.URL = target
		return nil
	}); err != nil {
		return err
	}
	shown := target
	if u, err := url.Parse(target); err == nil {
		shown = u.Redacted()
	}
	return v.done(back, ui.Good, "The endpoint now has the address "+shown+". Resend to see whether it works.")
}
