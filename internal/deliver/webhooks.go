package deliver

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
	"github.com/hookswitch/hookswitch/webhook"
)

// webhooks posts events to endpoints.
type webhooks struct {
	Options
	scheme webhook.Scheme
	plans  sync.Map // hookswitch.Key → *plan
	kept   atomic.Int64
}

// maxPlans is how many plans are kept. Beyond it all are forgotten, those of endpoints that are gone among them, and made anew when needed.
const maxPlans = 16384

func newWebhooks(o Options) *webhooks {
	w := &webhooks{Options: o}
	if o.Scheme == "strict" {
		w.scheme = webhook.SchemeStrict
	}
	return w
}

// plan is what posting to an endpoint takes, worked out once for each version of it.
type plan struct {
	endpoint *hookswitch.Endpoint
	profile  hookswitch.Profile
	url      *url.URL
	head     []safehttp.Field // before the signature
	tail     []safehttp.Field // after it
	secrets  []planSecret
	text     []webhook.TextSecret
	scheme   webhook.Scheme
	bin      string // the token of our own bin, where the URL is one
	err      error
}

type planSecret struct {
	secret  webhook.Secret
	expires time.Time
}

func (w *webhooks) plan(e *hookswitch.Endpoint) *plan {
	if p, ok := w.plans.Load(e.Key); ok && p.(*plan).endpoint == e {
		return p.(*plan)
	}
	p := &plan{endpoint: e, profile: w.Service.Profile(e.Profile), scheme: w.scheme}
	p.bin, _ = w.Service.BinToken(e.URL)
	var wrong string
	if p.url, wrong = hookswitch.ParseEndpointURL(e.URL); wrong != "" {
		p.err = errors.New("the URL " + wrong)
	} else {
		p.err = p.prepare(w)
	}
	if _, had := w.plans.Swap(e.Key, p); !had && w.kept.Add(1) > maxPlans {
		w.kept.Store(0)
		w.plans.Clear()
	}
	return p
}

func (p *plan) prepare(w *webhooks) error {
	e := p.endpoint
	// The content type comes first: request puts another in its place.
	p.head = []safehttp.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: w.UserAgent[e.Profile]}}
	names := slices.Sorted(maps.Keys(e.Headers))
	own := func(header string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, header) })
	}
	if !own("Accept") {
		p.head = append(p.head, safehttp.Field{Name: "Accept", Value: "*/*"})
	}
	if u := p.url.User; u != nil && !own("Authorization") {
		password, _ := u.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.Username() + ":" + password))
		p.head = append(p.head, safehttp.Field{Name: "Authorization", Value: "Basic " + basic})
	}
	for _, name := range names {
		p.tail = append(p.tail, safehttp.Field{Name: name, Value: e.Headers[name]})
	}
	if len(e.Secrets) == 0 {
		return errors.New("the endpoint has no secret")
	}
	if e.Profile == hookswitch.ProfileZavu {
		return p.prepareZavu()
	}
	for _, s := range e.Secrets {
		secret, err := webhook.ParseSecret(s.Secret.Reveal())
		if err != nil {
			return err
		}
		p.secrets = append(p.secrets, planSecret{secret, s.ExpiresAt})
	}
	return nil
}

func (p *plan) prepareZavu() error {
	secret, err := webhook.ParseTextSecret(p.endpoint.Secrets[0].Secret.Reveal())
	if err != nil {
		return err
	}
	p.text = []webhook.TextSecret{secret}
	if v := p.endpoint.SignatureVersion; v != "" {
		p.scheme, err = webhook.ParseScheme(v)
	}
	return err
}

// request is the POST of an event at now.
func (p *plan) request(ev *hookswitch.Event, ids *hookswitch.IDs, now time.Time) *safehttp.Request {
	fields := make([]safehttp.Field, 0, len(p.head)+6+len(p.tail))
	fields = append(fields, p.head...)
	if ev.ContentType != "" {
		fields[0].Value = ev.ContentType
	}
	if p.endpoint.Profile == hookswitch.ProfileZavu {
		fields = append(fields, safehttp.Field{Name: "X-Zavu-Event", Value: ev.Type},
			safehttp.Field{Name: webhook.ZavuHeader, Value: webhook.SignTimed(p.scheme, now, ev.Payload, p.text[0])})
	} else {
		id, unix := ids.Format(hookswitch.KindEvent, ev.Key), now.Unix()
		at, signature := strconv.FormatInt(unix, 10), p.sign(id, unix, now, ev.Payload)
		fields = append(fields,
			safehttp.Field{Name: "svix-id", Value: id}, safehttp.Field{Name: "svix-timestamp", Value: at}, safehttp.Field{Name: "svix-signature", Value: signature},
			safehttp.Field{Name: "webhook-id", Value: id}, safehttp.Field{Name: "webhook-timestamp", Value: at}, safehttp.Field{Name: "webhook-signature", Value: signature})
	}
	return &safehttp.Request{Method: http.MethodPost, URL: p.url, Header: append(fields, p.tail...), Body: ev.Payload, Timeout: p.profile.Timeout}
}

// sign signs with the current secret and every older one that has not expired.
func (p *plan) sign(id string, unix int64, now time.Time, body []byte) string {
	var buf [256]byte
	out := buf[:0]
	for _, s := range p.secrets {
		if !s.expires.IsZero() && !now.Before(s.expires) {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = s.secret.AppendSignature(out, id, unix, body)
	}
	return string(out)
}

// Run posts one event to one endpoint and records the attempt.
func (w *webhooks) Run(ctx context.Context, it work.Item) work.Result {
	o := outcome(it)
	ordered := o.Kind == hookswitch.DeliverOrdered
	ep, err := w.Service.EndpointNow(ctx, o.App, o.Target)
	switch {
	case err != nil:
		return work.Result{Neutral: true, Idle: true, Released: true}
	case ep == nil || ep.Disabled && !ordered || o.Subject <= ep.CanceledUpto && !it.Manual && !ordered || w.Service.Canceled(o):
		return w.skip(ctx, it, o)
	case ep.Disabled:
		return w.park(ctx, o)
	}
	if task, ok := it.Data.(askedBy); ok {
		if undone, err := w.Service.Withdrawn(ctx, o, hookswitch.Key(task)); undone || err != nil {
			return work.Result{Neutral: true, Idle: true, Released: err != nil}
		}
	}
	ev, _ := it.Data.(*hookswitch.Event)
	if ev == nil {
		if ev, err = w.Service.EventByKey(ctx, o.App, o.Subject); hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && ev.Expired {
			return w.skip(ctx, it, o)
		} else if err != nil {
			return work.Result{Neutral: true, Idle: true, Released: true}
		}
	}
	p := w.plan(ep)
	now := w.Now()
	a, answer := w.attempt(ctx, p, ev, now)
	if !a.OK && a.Code == 0 && cutOff(ctx) {
		return work.Result{Neutral: true, Released: true}
	}
	a.App, a.Event, a.Endpoint, a.Manual = o.App, o.Subject, o.Target, it.Manual
	a.Key = w.Service.NextKey()
	o.Attempt = a
	w.Observe(ev.CreatedAt(), a.Timings.Total, a.OK)
	w.log(ctx, a, it.Tries+1)
	if !a.OK {
		return w.failed(ctx, it, o, p, answer)
	}
	o.ClockRuns = !ep.FailSince.IsZero()
	res := work.Result{OK: true, Latency: a.Timings.Total}
	if answer.disable {
		return w.exhaust(ctx, o, true, res)
	}
	return w.record(ctx, it, o, res)
}

// record records an outcome that the endpoint is not judged by. What is behind it in a queue waits until it is committed.
func (w *webhooks) record(ctx context.Context, it work.Item, o *store.Outcome, res work.Result) work.Result {
	if it.Tries <= service.PlainTries && o.Kind != hookswitch.DeliverOrdered && o.Verdict != store.Exhausted {
		w.Service.Record(o)
		return res
	}
	rctx, cancel := recording(ctx)
	defer cancel()
	if err := w.Service.RecordLate(rctx, o, it.Tries); err != nil {
		return w.notRecorded(err, o)
	}
	res.Next = o.Next
	return res
}

// notRecorded says that the outcome of a try is lost; the try will be made again.
func (w *webhooks) notRecorded(err error, o *store.Outcome) work.Result {
	w.Logger.Error("record an attempt", "error", err, "endpoint_id", w.Service.IDs().Format(hookswitch.KindEndpoint, o.Target))
	return work.Result{Neutral: true, Released: true}
}

// exhaust records an outcome that the endpoint is judged by; disable says that it asks to be disabled.
func (w *webhooks) exhaust(ctx context.Context, o *store.Outcome, disable bool, res work.Result) work.Result {
	rctx, cancel := recording(ctx)
	defer cancel()
	if err := w.Service.Exhaust(rctx, o, disable); err != nil {
		w.Logger.Error("record the last attempt", "error", err, "endpoint_id", w.Service.IDs().Format(hookswitch.KindEndpoint, o.Target))
		res.Released = true
		return res
	}
	res.Next = o.Next
	return res
}

// skip ends a delivery without an attempt: its endpoint is gone or disabled, it was canceled, or its event has been removed.
func (w *webhooks) skip(ctx context.Context, it work.Item, o *store.Outcome) work.Result {
	res := work.Result{Neutral: true, Idle: true}
	if task, ok := it.Data.(askedBy); ok {
		res.Released = w.Service.Withdraw(ctx, o, hookswitch.Key(task)) != nil
		return res
	}
	if o.Kind != hookswitch.DeliverOrdered {
		w.Service.Skip(o, it.Manual)
		return res
	}
	if o.Verdict = store.Canceled; it.Manual {
		o.Verdict = store.Restored
	}
	return w.record(ctx, it, o, res)
}

// park leaves the head of a queue where it is, because its endpoint is disabled.
func (w *webhooks) park(ctx context.Context, o *store.Outcome) work.Result {
	next, err := w.Service.Park(ctx, o)
	return work.Result{Neutral: true, Idle: true, Next: next, Released: err != nil}
}

// log writes one line for an attempt: what was answered, and not what was sent or said.
func (w *webhooks) log(ctx context.Context, a *hookswitch.Attempt, number int) {
	if !w.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	ids := w.Service.IDs()
	attrs := []slog.Attr{
		slog.String("app_id", ids.Format(hookswitch.KindApp, a.App)),
		slog.String("event_id", ids.Format(hookswitch.KindEvent, a.Event)),
		slog.String("endpoint_id", ids.Format(hookswitch.KindEndpoint, a.Endpoint)),
		slog.Int("attempt", number),
		slog.Int("status", a.Code),
		slog.Float64("duration_ms", float64(a.Timings.Total.Microseconds())/1000),
	}
	if a.Failure != "" {
		attrs = append(attrs, slog.String("failure", a.Failure))
	}
	w.Logger.LogAttrs(ctx, slog.LevelInfo, "attempt", attrs...)
}

// answer is what of an answer decides when to try again.
type answer struct {
	retryAfter time.Duration
	slow       bool // the target cannot keep up, or cannot be reached
	spare      bool // a timeout or 429: the next wait is not a short one
	disable    bool // the receiver asks for its endpoint to be disabled
	abort      bool // the receiver does not want this event again
}

func (w *webhooks) attempt(ctx context.Context, p *plan, ev *hookswitch.Event, now time.Time) (*hookswitch.Attempt, answer) {
	a := &hookswitch.Attempt{URL: p.endpoint.URL}
	if p.err != nil {
		a.Failure, a.Answer = safehttp.CodeInvalidRequest, []byte("the endpoint's URL or secret cannot be used: "+p.err.Error())
		return a, answer{}
	}
	req := p.request(ev, w.Service.IDs(), now)
	a.SignedAt = now.UTC().Truncate(time.Second)
	var resp *safehttp.Response
	var err error
	if p.bin != "" {
		resp, err = w.toBin(ctx, p, req)
	} else {
		resp, err = w.HTTP.Do(ctx, req)
	}
	if err != nil {
		var problem *safehttp.Error
		if !errors.As(err, &problem) {
			problem = &safehttp.Error{Code: safehttp.CodeInvalidRequest, Err: err}
		}
		a.Failure, a.Answer, a.Timings = problem.Code, []byte(problem.Error()), timings(problem.Timings)
		a.Facts = &hookswitch.AttemptFacts{Remote: problem.RemoteAddr, TLS: tlsFacts(problem.TLS), Sent: sentLines(req.Header)}
		return a, answer{slow: true, spare: problem.Timeout()}
	}
	a.Code, a.Answer, a.Timings = resp.Status, resp.Body, timings(resp.Timings)
	a.OK = resp.Status >= 200 && resp.Status <= 299
	a.Facts = facts(resp, req, a.OK)
	var ans answer
	if p.profile.Instructions {
		ans.disable, ans.abort = instructions(resp.Header.Values("Webhook-Delivery"))
	}
	if a.OK {
		return a, ans
	}
	a.Failure, a.Headers = "status", headerLines(resp.Header)
	busy := resp.Status == http.StatusTooManyRequests
	ans.retryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	ans.slow, ans.spare = busy || resp.Status >= 502 && resp.Status <= 504, busy
	return a, ans
}

// facts are the details of an exchange that was answered; nil: there is nothing worth keeping.
func facts(resp *safehttp.Response, req *safehttp.Request, ok bool) *hookswitch.AttemptFacts {
	if ok && resp.TLS == nil && !resp.Truncated {
		return nil
	}
	f := &hookswitch.AttemptFacts{Remote: resp.RemoteAddr, TLS: tlsFacts(resp.TLS), Truncated: resp.Truncated}
	var cut *safehttp.Error
	if errors.As(resp.BodyErr, &cut) {
		f.BodyFailure, f.Truncated = cut.Code, false
	}
	if ok {
		f.TLS = hookswitch.TLSFacts{Version: f.TLS.Version, Ends: f.TLS.Ends}
	} else {
		f.Sent = sentLines(req.Header)
	}
	return f
}

func tlsFacts(t *safehttp.TLS) hookswitch.TLSFacts {
	if t == nil {
		return hookswitch.TLSFacts{}
	}
	return hookswitch.TLSFacts{Version: t.Version, Names: t.Names, Issuer: t.Issuer, SelfSigned: t.SelfSigned, Begins: t.Begins.UTC(), Ends: t.Ends.UTC()}
}

// sentLines are the header lines of a request as they are kept: without what is secret.
func sentLines(fields []safehttp.Field) string {
	var b strings.Builder
	for _, f := range fields {
		value := f.Value
		if hookswitch.SensitiveHeader(f.Name) {
			value = hookswitch.HiddenValue
		}
		if b.Len()+len(f.Name)+len(value)+3 > maxHeaderLines {
			break
		}
		b.WriteString(f.Name + ": " + value + "\n")
	}
	return b.String()
}

// toBin hands a request to one of our own bins, without dialling, and has done to it what the bin has been told to do to requests.
func (w *webhooks) toBin(ctx context.Context, p *plan, req *safehttp.Request) (*safehttp.Response, error) {
	start := time.Now()
	q := &store.BinRequest{Token: p.bin, Method: req.Method, URI: p.url.RequestURI(), Remote: "this server", Body: req.Body, Size: int64(len(req.Body))}
	for _, f := range req.Header {
		q.Headers = append(q.Headers, store.HeaderLine{Name: f.Name, Value: f.Value})
	}
	reply, err := w.Service.TakeBinRequest(ctx, q)
	fail := func(code, sentence string) (*safehttp.Response, error) {
		return nil, &safehttp.Error{Code: code, Err: errors.New(sentence), Timings: safehttp.Timings{Total: time.Since(start)}}
	}
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		return &safehttp.Response{Status: http.StatusNotFound, Body: []byte("there is no such bin; it may have expired"), Timings: safehttp.Timings{Total: time.Since(start)}}, nil
	case err != nil:
		return fail(safehttp.CodeConnectionFailed, "the bin could not take the request")
	}
	timeout := req.Timeout
	if timeout <= 0 {
		timeout = binTimeout
	}
	if !pause(ctx, min(reply.Delay, timeout)) {
		return fail(safehttp.CodeCanceled, "the server is stopping")
	}
	switch {
	case reply.Delay >= timeout:
		return fail(safehttp.CodeTimeout, "there was no answer in "+timeout.String()+": the bin waits longer")
	case reply.Cut == store.CutBefore:
		return fail(safehttp.CodeConnectionReset, "the bin closed the connection without an answer")
	}
	resp := &safehttp.Response{Status: reply.Status, Header: reply.Header, Body: reply.Text(safehttp.MaxAnswer), Truncated: reply.Size > safehttp.MaxAnswer}
	resp.Timings.Wait = time.Since(start)
	patience := min(binGrace, timeout-reply.Delay)
	if !pause(ctx, min(reply.Drip, patience)) {
		return fail(safehttp.CodeCanceled, "the server is stopping")
	}
	cut := func(code, sentence string, share float64) {
		resp.Truncated, resp.BodyErr = true, &safehttp.Error{Code: code, Err: errors.New(sentence)}
		resp.Body = resp.Body[:int(float64(len(resp.Body))*share)]
	}
	switch {
	case reply.Drip > patience:
		cut(safehttp.CodeTimeout, "the body did not end in time", float64(patience)/float64(reply.Drip))
	case reply.Cut == store.CutBody:
		cut(safehttp.CodeAnswerCutOff, "the bin closed the connection in the middle of the body", 0.5)
	}
	resp.Timings.Total = time.Since(start)
	return resp, nil
}

// What is allowed to one of our own bins: as much as the client that dials allows by default.
const (
	binTimeout = 30 * time.Second
	binGrace   = 5 * time.Second
)

// pause waits, and reports whether nothing came in between.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// noSchedule is the wait of the head of a queue whose profile has no waits.
const noSchedule = time.Minute

// failed decides what becomes of a delivery whose attempt failed.
func (w *webhooks) failed(ctx context.Context, it work.Item, o *store.Outcome, p *plan, ans answer) work.Result {
	res := work.Result{Neutral: !ans.slow, Latency: o.Attempt.Timings.Total}
	ordered := o.Kind == hookswitch.DeliverOrdered
	disable := ans.disable || o.Attempt.Code == http.StatusGone && p.profile.GoneDisables
	wait, again := p.profile.Wait(it.Tries+1, ans.retryAfter, ans.spare, w.Random())
	judge := disable || !again && !it.Manual
	switch {
	case ans.abort:
		o.Verdict, judge = store.Exhausted, disable
	case it.Manual && (ordered || !disable):
		o.Verdict = store.Restored
	case ordered: // the head of a queue is tried until it succeeds: beyond the schedule, its last wait is repeated
		if !again {
			if wait, again = p.profile.Wait(len(p.profile.Waits), ans.retryAfter, ans.spare, w.Random()); !again {
				wait = noSchedule
			}
		}
		o.Verdict, o.Next = store.Retry, w.Now().Add(wait)
	case again && !disable:
		o.Verdict, o.Next = store.Retry, w.Now().Add(wait)
	default:
		o.Verdict = store.Exhausted
	}
	if judge {
		return w.exhaust(ctx, o, disable, res)
	}
	res = w.record(ctx, it, o, res)
	if !o.Next.IsZero() && !ordered {
		w.Wake(it.Kind, later(o.Next, w.Now().Add(commitDelay)))
	}
	return res
}

// commitDelay is how long the outcome of a run may be on its way to the store.
const commitDelay = 60 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func timings(t safehttp.Timings) hookswitch.Timings {
	return hookswitch.Timings{DNS: t.DNS, Connect: t.Connect, TLS: t.TLS, Wait: t.Wait, Total: t.Total}
}

// maxHeaderLines is how many bytes of an answer's header lines are kept.
const maxHeaderLines = 8 << 10

func headerLines(h http.Header) []byte {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var b []byte
	for _, name := range names {
		for _, v := range h[name] {
			if len(b)+len(name)+len(v)+3 > maxHeaderLines {
				return b
			}
			b = append(append(append(append(b, name...), ": "...), v...), '\n')
		}
	}
	return b
}

// instructions reads the header webhook-delivery, by which a receiver says what it does not want any more. Words that are not known say nothing.
// https://docs.svix.com/receiving/delivery-control
func instructions(values []string) (disable, abort bool) {
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			switch strings.ToLower(strings.TrimSpace(word)) {
			case "disable":
				disable = true
			case "abort-message":
				abort = true
			}
		}
	}
	return disable, abort
}

// longestAsked is the longest time a receiver can ask for.
const longestAsked = 365 * 24 * time.Hour

// retryAfter reads the header of that name: seconds, rounded up, or a date. Anything else, and what lies in the past, is nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, ok := decimal(value); ok {
		return time.Duration(math.Ceil(min(seconds, longestAsked.Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), longestAsked)
	}
	return 0
}

// decimal reads a number that is not negative, as it would be written down: ParseFloat knows more ways.
func decimal(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}
