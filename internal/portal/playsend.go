package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

var playSendRoutes = []route{
	{in: open, method: "GET", path: "/play/{token}/send", name: "Send on", handle: onPlay((*play).sendForm), samples: []string{"/play/{emptybin}/send", "/play/{bin}/send", "/play/{manybin}/send", "/play/{manybin}/send?all=yes"}},
	{in: open, method: "POST", path: "/play/{token}/send", name: "Send on", handle: onPlay((*play).send)},
}

// Bounds of sending on.
const (
	maxSent  = 50 // requests that are named, and shown of more
	maxWait  = 10 // requests whose answers the page waits for; more are sent in the background
	sendTime = 15 * time.Second
	allTime  = 90 * time.Second // for all that the page waits for
)

// sendPage is the form for sending requests on, and what came of it.
type sendPage struct {
	*binHead
	Problems    ui.Problems
	URL         ui.Field
	Rate        ui.Field
	Resign      ui.Field
	Method      ui.Field
	Headers     ui.Field
	Body        ui.Field
	Binary      bool // the body is no text: it is sent as it is kept
	Cut         bool // only the start of the body is kept
	One         *row // that is edited
	Rows        []row
	Total       int    // requests that are to be sent, of which Rows are the first
	More        int    // beyond Rows
	All         bool   // those that meet the conditions
	Conditions  []pair // as the form carries them
	Blank       *ui.Blank
	Results     []sent
	Left        int // that there was no time for
	Relay       ui.Field
	Relays      []relayedRow // what became of the last that were forwarded
	Triggers    []triggerRow
	TriggerName ui.Field // of the request as a trigger
	Known       bool     // it is one
	CanSign     bool
	Forwards    string // where to; "": nowhere
	Forwarding  ui.Badge
	Waiting     int // requests that wait to be forwarded
	Replays     int // and to be sent again
}

// sent is one request that was sent on.
type sent struct {
	Row     row
	Badge   ui.Badge
	Status  int // 0: there was no answer
	Took    string
	Text    string // why there is no answer
	Headers []pair
	Body    string
	Binary  bool
}

func (pl *play) sendForm(v *view) error {
	h, err := pl.owned(v)
	if err != nil {
		return err
	}
	chosen, err := pl.chosenRequests(h, v.r.URL.Query())
	if err != nil {
		return err
	}
	return pl.showSend(h, http.StatusOK, chosen, nil)
}

func (pl *play) newSendPage(h *binHead, chosen *choice, form url.Values) *sendPage {
	list := chosen.list
	page := &sendPage{Total: len(chosen.keys), More: len(chosen.keys) - len(list), All: chosen.all, Conditions: chosen.c.pairs(), binHead: h, CanSign: len(h.bin.Secrets) > 0, Forwards: h.bin.Relay, Forwarding: ui.Badge{Tone: ui.Good, Word: "Forwarding", Icon: "send"}}
	j := newJudge(h.bin.Secrets)
	for _, q := range list {
		page.Rows = append(page.Rows, newRow(q, j))
	}
	value := func(name, other string) string {
		if form != nil {
			return strings.ReplaceAll(form.Get(name), "\r\n", "\n")
		}
		return other
	}
	page.URL = ui.Field{ID: "url", Name: "url", Label: "Send to", Kind: "url", Mono: true, Value: value("url", h.bin.Forward), Holder: "https://your-server.example/webhooks", Required: true, Autocomplete: "off",
		Hint: "An address that this server may reach. Private addresses are refused unless its settings allow them. What follows the bin's address is appended."}
	page.Rate = ui.Field{ID: "rate", Name: "rate", Label: "Speed", Kind: "select", Options: options(value("rate", ""), "", "As fast as they are answered", "1", "1 a second", "2", "2 a second", "5", "5 a second", "10", "10 a second"),
		Hint: "One after the other, in the order in which they came. More than 10, and what is sent at a speed, go in the background: the list shows what comes of each."}
	page.Resign = ui.Field{ID: "resign", Name: "resign", Kind: "checkbox", Label: "Sign anew, with the time of sending", Checked: value("resign", "") != "", Hint: "With the first secret that the bin knows."}
	if len(h.bin.Secrets) == 0 {
		page.Resign.Refused = "The bin knows no secret. Paste one on its page first."
	}
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing to send on yet", Text: "What the bin takes can be sent on from here: as it came, changed, or many at a time.", Links: []ui.Action{{Name: "To the requests", URL: h.Path}}}
	}
	if len(list) != 1 {
		return page
	}
	q := list[0]
	page.One = &page.Rows[0]
	page.Binary, page.Cut = !isText(q.Body) || !utf8.Valid(q.Body), q.Size > int64(len(q.Body))
	var lines strings.Builder
	for _, line := range q.Headers {
		if sendable(line.Name) {
			lines.WriteString(line.Name + ": " + line.Value + "\n")
		}
	}
	page.Known = q.Trigger != ""
	page.TriggerName = ui.Field{ID: "trigger-name", Name: "name", Label: "Name of the trigger", Value: cmp.Or(q.Trigger, page.One.Type), Holder: "A late payment", Autocomplete: "off", Required: true,
		Hint: "The request stays in the bin, and can be sent with one press, as often as you like."}
	page.Method = ui.Field{ID: "send-method", Name: "method", Label: "Method", Mono: true, Value: value("method", q.Method), Autocomplete: "off"}
	page.Headers = ui.Field{ID: "send-headers", Name: "headers", Label: "Headers", Kind: "textarea", Mono: true, Rows: 8, Value: value("headers", lines.String()), Hint: "One a line. Host and length are written for you."}
	page.Body = ui.Field{ID: "send-body", Name: "body", Label: "Body", Kind: "textarea", Mono: true, Rows: 10, Value: value("body", string(q.Body))}
	if page.Cut {
		page.Body.Hint = "Only the start of this body is kept."
	}
	return page
}

func (pl *play) showSend(h *binHead, status int, chosen *choice, form url.Values, problems ...ui.Problem) error {
	page := pl.newSendPage(h, chosen, form)
	if err := pl.addRelays(page); err != nil {
		return err
	}
	if len(problems) > 0 {
		page.Problems = ui.Problems{Title: "Nothing was sent", List: problems}
		switch problems[0].Field {
		case "relay":
			page.Problems.Title = "Nothing is forwarded"
		case "trigger-name":
			page.Problems.Title = "No trigger was made"
		}
		for _, p := range problems {
			for _, f := range []*ui.Field{&page.URL, &page.Method, &page.Headers, &page.Body, &page.Relay, &page.TriggerName} {
				if f.ID == p.Field {
					f.Problem = p.Text
				}
			}
		}
	}
	return h.write(status, "play/send", page)
}

// sendable reports whether a header can be sent on: not what concerns the connection that it came by.
func sendable(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Content-Length", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Connection", "Proxy-Authorization", "Expect", "Accept-Encoding":
		return false
	}
	return true
}

// outgoing is a request as it will be sent on.
type outgoing struct {
	method string
	url    *url.URL
	header []store.HeaderLine
	body   []byte
	by     string // who sends it, for who gets it
}

// byPerson is what a request that somebody sends on says of who sends it.
const byPerson = "sent on by a person"

// outgoingOf is a request as it was captured, on its way to an address.
func outgoingOf(q *store.BinRequest, to *url.URL, by string) outgoing {
	o := outgoing{method: q.Method, url: behind(to, suffixOf(q)), body: q.Body, by: by}
	for _, line := range q.Headers {
		if sendable(line.Name) && http.CanonicalHeaderKey(line.Name) != service.PlayHeader {
			o.header = append(o.header, line)
		}
	}
	return o
}

func (pl *play) send(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	if form.Get("stop") != "" {
		n, err := pl.svc.StopBinReplays(v.ctx(), h.Token)
		if err != nil {
			return err
		}
		return v.done(h.Path, ui.Good, "Stopped. "+ui.Plural(n, "request")+" will not be sent.")
	}
	chosen, err := pl.chosenRequests(h, form)
	if err != nil {
		return err
	}
	list := chosen.list
	if len(list) == 0 {
		return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, ui.Problem{Field: "url", Text: "There is nothing to send: the bin has taken no request."})
	}
	target := strings.TrimSpace(form.Get("url"))
	to, wrong := hookswitch.ParseEndpointURL(target)
	if wrong != "" {
		return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, ui.Problem{Field: "url", Text: "The address " + wrong + "."})
	}
	if _, own := pl.ownBin(to); pl.HTTP == nil && !own {
		return hookswitch.Errorf(hookswitch.Unavailable, "This server does not send requests on.")
	}
	pace := 0
	if n, err := strconv.Atoi(form.Get("rate")); err == nil && n > 0 && n <= relayRate && len(chosen.keys) > 1 {
		pace = n
	}
	if len(chosen.keys) > maxWait || pace > 0 {
		return pl.sendLater(h, chosen, form, target, pace)
	}
	var out []outgoing
	for _, q := range list {
		out = append(out, outgoingOf(q, to, byPerson))
	}
	if len(out) == 1 && form.Has("headers") {
		if problem := edit(&out[0], list[0], form); problem.Text != "" {
			return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, problem)
		}
	}
	if form.Get("resign") != "" {
		for i := range out {
			if err := resign(&out[i], h.bin.Secrets, pl.now(), i); err != nil {
				return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, ui.Problem{Text: "It cannot be signed anew: " + reasonOf(err) + "."})
			}
		}
	}
	if err := pl.rememberTarget(h, target); err != nil {
		return err
	}
	page := pl.newSendPage(h, chosen, form)
	if err := pl.addRelays(page); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), allTime)
	defer cancel()
	for i, o := range out {
		if pl.sending.Wait(ctx) != nil {
			page.Left = len(out) - i
			break
		}
		one, err := pl.sendOne(ctx, &o)
		if err != nil {
			return err
		}
		one.Row = page.Rows[i]
		page.Results = append(page.Results, *one)
	}
	return h.write(http.StatusOK, "play/send", page)
}

// rememberTarget has the form begin with an address the next time.
func (pl *play) rememberTarget(h *binHead, target string) (err error) {
	if target != h.bin.Forward && len(target) <= hookswitch.MaxURL {
		h.bin, err = pl.svc.UpdateBin(h.ctx(), h.Token, func(b *store.Bin) error {
			b.Forward = target
			return nil
		})
	}
	return err
}

// sendLater has requests sent in the background, pace of them a second; 0: as fast as they are answered.
func (pl *play) sendLater(h *binHead, chosen *choice, form url.Values, target string, pace int) error {
	resigned := form.Get("resign") != ""
	if resigned {
		try := outgoing{}
		if err := resign(&try, h.bin.Secrets, pl.now(), 0); err != nil {
			return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, ui.Problem{Text: "It cannot be signed anew: " + reasonOf(err) + "."})
		}
	}
	gap, speed := time.Duration(0), "as fast as they are answered"
	if pace > 0 {
		gap, speed = time.Second/time.Duration(pace), strconv.Itoa(pace)+" a second"
	}
	n, err := pl.svc.ReplayBinRequests(h.ctx(), h.Token, target, chosen.keys, gap, resigned)
	if hookswitch.KindOf(err) == hookswitch.Invalid {
		return pl.showSend(h, http.StatusUnprocessableEntity, chosen, form, ui.Problem{Field: "url", Text: "The address " + fieldProblem(err) + "."})
	}
	if err != nil {
		return err
	}
	if err := pl.rememberTarget(h, target); err != nil {
		return err
	}
	return h.done(h.Path, ui.Good, ui.Plural(n, "request")+" will be sent to "+cutText(target, 120)+", the oldest first, "+speed+". The list shows what comes of each.")
}

// behind is an address with what followed the bin's own: its path and its query.
func behind(to *url.URL, suffix string) *url.URL {
	path, query, _ := strings.Cut(suffix, "?")
	u := *to
	if path != "" && path != "/" {
		if raw, err := url.Parse(strings.TrimRight(u.EscapedPath(), "/") + "/" + strings.TrimLeft(path, "/")); err == nil && raw.Host == "" && raw.Scheme == "" {
			u.Path, u.RawPath = raw.Path, raw.RawPath
		}
	}
	switch {
	case query == "":
	case u.RawQuery == "":
		u.RawQuery = query
	default:
		u.RawQuery += "&" + query
	}
	if checked, wrong := hookswitch.ParseEndpointURL(u.String()); wrong == "" {
		return checked
	}
	return to
}

// edit puts what was typed into a request.
func edit(o *outgoing, q *store.BinRequest, form url.Values) ui.Problem {
	o.method = strings.ToUpper(strings.TrimSpace(form.Get("method")))
	if o.method == "" || strings.Trim(o.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(o.method) > 20 || o.method == "CONNECT" {
		return ui.Problem{Field: "send-method", Text: "That is not a method such as POST."}
	}
	o.header = nil
	for line := range strings.Lines(strings.ReplaceAll(form.Get("headers"), "\r\n", "\n")) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return ui.Problem{Field: "send-headers", Text: "Write one header a line, such as X-Request-Id: 7."}
		}
		if err := safehttp.CheckHeader(name, value); err != nil {
			return ui.Problem{Field: "send-headers", Text: "“" + cutText(name, 40) + "” cannot be sent: " + err.Error() + "."}
		}
		o.header = append(o.header, store.HeaderLine{Name: name, Value: value})
	}
	// A browser writes every end of a line anew. What was not changed is sent byte for byte.
	if form.Has("body") {
		typed := strings.ReplaceAll(form.Get("body"), "\r\n", "\n")
		if typed != strings.ReplaceAll(string(q.Body), "\r\n", "\n") {
			o.body = []byte(typed)
		}
	}
	return ui.Problem{}
}

func cutText(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// resign puts a fresh signature of the kind that the first fitting secret makes onto a request.
func resign(o *outgoing, secrets []hookswitch.Secret, now time.Time, i int) error {
	h := make(http.Header)
	err := error(webhook.ErrSecret)
	for _, s := range secrets {
		if sec, parsed := webhook.ParseSecret(s.Reveal()); parsed == nil && sec.CanSign() {
			id := "msg_play_" + strconv.FormatInt(now.UnixMilli(), 36) + strconv.Itoa(i)
			err = webhook.SetHeaders(h, id, now, o.body, sec)
			break
		}
		if sec, parsed := webhook.ParseTextSecret(s.Reveal()); parsed == nil {
			h.Set(webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, now, o.body, sec))
			err = nil
			break
		}
	}
	if err != nil {
		return err
	}
	var kept []store.HeaderLine
	for _, line := range o.header {
		if h.Get(line.Name) == "" {
			kept = append(kept, line)
		}
	}
	for name := range h {
		kept = append(kept, store.HeaderLine{Name: name, Value: h.Get(name)})
	}
	o.header = kept
	return nil
}

// ownBin is the token of the bin of this server that an address, or one behind it, belongs to.
func (pl *play) ownBin(u *url.URL) (string, bool) {
	address, _, _ := strings.Cut(u.String(), "?")
	base := pl.svc.PublicURL() + binPath
	token, _, _ := strings.Cut(strings.TrimPrefix(address, base), "/")
	return pl.svc.BinToken(base + token)
}

// sendOne sends a request, to one of our own bins without dialling.
func (pl *play) sendOne(ctx context.Context, o *outgoing) (*sent, error) {
	if token, ok := pl.ownBin(o.url); ok {
		q := &store.BinRequest{Token: token, Method: o.method, URI: o.url.RequestURI(), Remote: "this server", Headers: slices.Clone(o.header), Body: o.body, Size: int64(len(o.body))}
		q.Headers = append(q.Headers, store.HeaderLine{Name: service.PlayHeader, Value: o.by})
		reply, err := pl.svc.TakeBinRequest(ctx, q)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return &sent{Badge: ui.Badge{Tone: ui.Bad, Word: "404"}, Took: "–", Text: "There is no such bin."}, nil
		}
		if err != nil {
			return nil, err
		}
		if reply.Cut == store.CutBefore {
			return &sent{Badge: ui.Badge{Tone: ui.Bad, Word: "No answer"}, Took: "–", Text: "The bin closes the connection."}, nil
		}
		return newSent(reply.Status, "–", reply.Header, reply.Text(maxShown)), nil
	}
	req := &safehttp.Request{Method: o.method, URL: o.url, Body: o.body, Timeout: sendTime, Keep: maxShown, Once: true}
	for _, line := range o.header {
		if safehttp.CheckHeader(line.Name, line.Value) == nil {
			req.Header = append(req.Header, safehttp.Field{Name: line.Name, Value: line.Value})
		}
	}
	req.Header = append(req.Header, safehttp.Field{Name: service.PlayHeader, Value: o.by})
	res, err := pl.HTTP.Do(ctx, req)
	var failed *safehttp.Error
	switch {
	case errors.As(err, &failed):
		return &sent{Badge: ui.Badge{Tone: ui.Bad, Word: "No answer"}, Took: ui.Millis(failed.Timings.Total), Text: "There is no answer: " + failed.Error() + "."}, nil
	case err != nil:
		return &sent{Badge: ui.Badge{Tone: ui.Bad, Word: "Not sent"}, Took: "–", Text: "It cannot be sent as it is."}, nil
	}
	return newSent(res.Status, ui.Millis(res.Timings.Total), res.Header, res.Body), nil
}

// maxShown is how much of an answer is shown, in bytes.
const maxShown = 8 << 10

func newSent(status int, took string, header http.Header, body []byte) *sent {
	s := &sent{Status: status, Took: took, Badge: ui.Badge{Tone: ui.Good, Word: strconv.Itoa(status)}}
	switch {
	case status >= 400:
		s.Badge.Tone = ui.Bad
	case status >= 300:
		s.Badge.Tone = ui.Warn
	}
	for _, line := range headerLines("", header) {
		s.Headers = append(s.Headers, pair(line))
	}
	if s.Binary = !isText(body); !s.Binary {
		s.Body = strings.ToValidUTF8(string(body), "\ufffd")
	}
	return s
}
