package simulate

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// GraphOptions set up a Graph. Zero values are usable.
type GraphOptions struct {
	// Accounts are the numbers that can send. Reports about their messages are signed with their secrets and go to their paths.
	Accounts []WhatsApp
	// Direct are the pages and Instagram accounts that can send.
	Direct []Direct
	// Token is the access token that sends must bear; empty: any.
	Token hookswitch.Secret
	// Callback is the base URL that reports are pushed to; empty: none are.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Retries is how often a report that is not answered 200 is pushed again, after 100 ms, 200 ms and so on, up to 10 s; 0: 5, less: never.
	Retries int
	// Keep is how many accepted sends can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many messages may have reports outstanding; with more, sends are refused with code 130429. 0: 10000.
	MaxPending int
	Faults     []Fault
	// OnSend is told of each accepted send before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// Read is a received message that was marked as read. On Messenger and Instagram what To has written is marked, or typing shown to them.
type Read struct {
	MessageID string // on WhatsApp
	To        string // elsewhere
	Typing    bool   // with the typing indicator
}

// Graph stands in for Meta's Graph API: an http.Handler that takes what is sent over WhatsApp, Messenger and Instagram, refuses what Meta would refuse, and
// reports sent, delivered and read to the callback, as far as the channel has such reports. The handler works by itself; reports are pushed while Run runs.
type Graph struct {
	*ledger
	*outbox
	opts     GraphOptions
	accounts map[string]WhatsApp

	templates templateBook

	readsMu sync.Mutex
	reads   []Read

	hooksMu sync.Mutex
	hooks   Subscriptions
}

// NewGraph returns a stand-in. It starts nothing.
func NewGraph(opts GraphOptions) *Graph {
	opts.Keep = cmp.Or(opts.Keep, 1000)
	g := &Graph{
		ledger: newLedger(opts.Keep, opts.OnSend, opts.Faults), opts: opts, accounts: map[string]WhatsApp{},
		outbox: newOutbox(opts.Client, opts.Callback, opts.Delay, cmp.Or(opts.Retries, 5), opts.MaxPending, graphRetryWait),
	}
	for _, w := range opts.Accounts {
		g.accounts[w.PhoneNumberID] = w
	}
	return g
}

// graphRetryWait doubles with each retry of a report, from 100 ms up to 10 s.
func graphRetryWait(retry int) time.Duration {
	return min(100*time.Millisecond<<min(retry, 10), 10*time.Second)
}

// Reads is the messages marked as read, oldest first, as many as sends are kept.
func (g *Graph) Reads() []Read {
	g.readsMu.Lock()
	defer g.readsMu.Unlock()
	return slices.Clone(g.reads)
}

const maxSendBody = 1 << 20

var versionPath = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)

// ServeHTTP answers POST /{version}/{id}/messages, where id is that of a number, a page or an Instagram account, or "me" for the only page or account. With one of
// each, what has the messaging type RESPONSE is the page's. It also takes where to push: POST /{version}/{id}/subscribed_apps, and POST /{version}/{id} of a number,
// whose address it checks as Meta does; and it answers what is asked about the accounts: their templates and numbers.
func (g *Graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var fault *Fault
	answer, refused, about := g.accountCall(w, r)
	if !about {
		answer, fault, refused = g.answer(w, r)
	}
	switch {
	case fault != nil && fault.html():
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		if fault != nil && fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((fault.RetryAfter+time.Second-1)/time.Second)))
		}
		refused.body.TraceID = "A" + newTraceID()
		writeGraph(w, refused.httpStatus(), map[string]any{"error": refused.body})
	case fault != nil && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-g.stop:
		}
		panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
	default:
		writeGraph(w, http.StatusOK, answer)
	}
}

// answer does what r asks. A fault is returned where one shapes the answer.
func (g *Graph) answer(w http.ResponseWriter, r *http.Request) (any, *Fault, *graphError) {
	if answer, refused, ok := g.answerHooks(r); ok {
		return answer, nil, refused
	}
	node, refused := g.authorize(r)
	if refused != nil {
		return nil, nil, refused
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := parameterError("Request body is too large.")
		e.status = http.StatusRequestEntityTooLarge
		return nil, nil, e
	case err != nil:
		return nil, nil, parameterError("Request body cannot be read.")
	}
	account, ok := g.accounts[node]
	if !ok {
		return g.answerDirect(node, r.Header.Get("Content-Type"), body)
	}
	in, refused := readSend(r.Header.Get("Content-Type"), body)
	if refused != nil {
		return nil, nil, refused
	}
	if in.Status != "" {
		if refused := in.checkRead(); refused != nil {
			return nil, nil, refused
		}
		g.keepRead(Read{MessageID: in.MessageID, Typing: in.Typing != nil})
		return map[string]bool{"success": true}, nil, nil
	}
	if refused := in.check(account); refused != nil {
		return nil, nil, refused
	}
	s := in.sent(account, body)
	fault, refused := g.take(account.reports(s), &s)
	if refused != nil {
		return nil, fault, refused
	}
	return acceptance(in, s), fault, nil
}

// answerDirect does what a request of the Send API asks.
func (g *Graph) answerDirect(node, contentType string, body []byte) (any, *Fault, *graphError) {
	in, refused := readDirect(contentType, body)
	if refused != nil {
		return nil, nil, refused
	}
	d := g.directFor(node, in)
	if refused := in.check(d); refused != nil {
		return nil, nil, refused
	}
	answer := map[string]string{"recipient_id": in.Recipient.ID}
	if in.Message == nil && in.Payload == nil {
		g.keepRead(Read{To: in.Recipient.ID, Typing: in.Action == "typing_on"})
		return answer, nil, nil
	}
	s := in.sent(d, body)
	fault, refused := g.take(d.reports(s), &s)
	if refused != nil {
		return nil, fault, refused
	}
	if s.ID != "" {
		answer["message_id"] = s.ID
	}
	return answer, fault, nil
}

// directs are the pages and accounts that node may mean.
func (g *Graph) directs(node string) []Direct {
	var list []Direct
	for _, d := range g.opts.Direct {
		if node == "me" || node == d.ID || node == d.Page {
			list = append(list, d)
		}
	}
	return list
}

// directFor chooses among directs, of which there is at least one.
func (g *Graph) directFor(node string, in *directSend) Direct {
	list := g.directs(node)
	page := in.MessagingType == "RESPONSE" || in.Message == nil && node != "me"
	for _, d := range list {
		if (d.Channel == hookswitch.Messenger) == page {
			return d
		}
	}
	return list[0]
}

// authorize checks the path and the token, and returns the id of what is to send.
func (g *Graph) authorize(r *http.Request) (node string, refused *graphError) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 3 || !versionPath.MatchString(parts[0]) || parts[2] != "messages" {
		e := newGraphError(2500, "")
		e.status, e.body.Message = http.StatusNotFound, "Unknown path components: "+r.URL.Path
		return "", e
	}
	if refused := g.bears(r); refused != nil {
		return "", refused
	}
	node = parts[1]
	if _, ok := g.accounts[node]; !ok && len(g.directs(node)) == 0 || r.Method != http.MethodPost {
		return "", unknownObject(r.Method, node)
	}
	return node, nil
}

// undeliverable is the code of a failed status that was given none.
const undeliverable = 131026

// reporter makes the reports about one message.
type reporter struct {
	statuses []hookswitch.MessageStatus // those that the channel reports
	// push reports one of them, failed with the code.
	push func(status hookswitch.MessageStatus, code int) Push
}

// pushes are the reports that the channel has, as far as a fault does not change them.
func (r reporter) pushes(fault *Fault) []func() Push {
	statuses, code := (&Fault{}).statuses(), undeliverable
	if fault != nil {
		statuses, code = fault.statuses(), cmp.Or(fault.FailCode, code)
	}
	var list []func() Push
	for _, status := range statuses {
		if slices.Contains(r.statuses, status) {
			list = append(list, func() Push { return r.push(status, code) })
		}
	}
	return list
}

// take decides on a send that is in order: it is refused by a fault, or kept and its reports planned.
func (g *Graph) take(report reporter, s *Sent) (fault *Fault, refused *graphError) {
	g.ledger.take(s, func(f *Fault) bool {
		if fault = f; fault != nil {
			if refused = fault.refusal(); refused != nil {
				refused.body.Subcode = cmp.Or(refused.body.Subcode, subcodeOf(fault.Code, s.Channel))
				return false
			}
		}
		if !g.plan(report.pushes(fault)...) {
			code := 130429
			if s.Channel != hookswitch.WhatsApp {
				code = 613
			}
			fault, refused = nil, newGraphError(code, "Reports of earlier messages are still outstanding.")
		}
		return refused == nil
	})
	return fault, refused
}

func (g *Graph) keepRead(r Read) {
	g.readsMu.Lock()
	defer g.readsMu.Unlock()
	g.reads = keepNewest(g.reads, r, g.opts.Keep)
}

func acceptance(in *sendBody, s Sent) any {
	person := map[string]string{"input": cmp.Or(in.To, in.Recipient)}
	if isUserID(s.To) {
		person["user_id"] = s.To
	} else {
		person["wa_id"] = s.To
	}
	return map[string]any{
		"messaging_product": "whatsapp",
		"contacts":          []any{person},
		"messages":          []any{map[string]string{"id": s.ID}},
	}
}

func writeGraph(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(metaJSON(v))
}
