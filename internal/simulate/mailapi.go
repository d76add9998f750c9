package simulate

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// MailAPIOptions set up a MailAPI. Zero values are usable.
type MailAPIOptions struct {
	// Boxes are the addresses that can send. Reports about their mail are proved as theirs and go to their paths.
	Boxes []Mailbox
	// Callback is the base URL that reports and mails are pushed to; empty: none are.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Minute is how long the stand-in takes for one when it waits to repeat a push; 0: 10 ms.
	Minute time.Duration
	// Keep is how many accepted mails can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many mails may have reports outstanding; with more, sends are refused with 429. 0: 10000.
	MaxPending int
	// Faults choose by the recipient and what the mail says. Code is an error code of Postmark; the others go by HTTPStatus.
	Faults []Fault
	// OnSend is told of each accepted mail before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// MailSent is a mail that a MailAPI has taken.
type MailSent struct {
	Service   MailService
	ID        string // the service's
	MessageID string // as the mail's header has it
	From, To  string
	Subject   string
	Text      string
	HTML      string
	Header    map[string]string // the fields that were asked for, names in lower case
	Metadata  map[string]string
	Files     []string // their names
	Body      []byte   // the whole request
	At        time.Time
}

// MailAPI stands in for the APIs of the four mail services: an http.Handler that takes mails, refuses what the service would refuse, and reports what becomes of them to the
// callback. The service is known by the path. It hands out what Resend leaves out of its pushes, too. The handler works by itself; pushes are made while Run runs.
type MailAPI struct {
	*ledger
	*outbox
	opts MailAPIOptions

	mailMu  sync.Mutex
	mails   []MailSent
	once    map[string]idempotent // of Resend, by key
	letters map[string]heldLetter // of Resend, by id
}

type idempotent struct{ body, id string }

type heldLetter struct {
	box    Mailbox
	letter Letter
}

// NewMailAPI returns a stand-in. It starts nothing.
func NewMailAPI(opts MailAPIOptions) *MailAPI {
	opts.Keep = cmp.Or(opts.Keep, 1000)
	opts.Minute = cmp.Or(opts.Minute, 10*time.Millisecond)
	return &MailAPI{
		ledger: newLedger(opts.Keep, opts.OnSend, opts.Faults), outbox: newOutbox(opts.Client, opts.Callback, opts.Delay, 0, opts.MaxPending, nil),
		opts: opts, once: map[string]idempotent{}, letters: map[string]heldLetter{},
	}
}

// Mails is the accepted mails, oldest first: what Sent tells of them, and what only mails have.
func (a *MailAPI) Mails() []MailSent {
	a.mailMu.Lock()
	defer a.mailMu.Unlock()
	return slices.Clone(a.mails)
}

// Mail is the push of a mail to the box. Of Resend the stand-in keeps what the push leaves out, for the adapter to fetch.
func (a *MailAPI) Mail(box Mailbox, l Letter) Push {
	l.complete()
	p := box.Mail(l)
	if box.Service == Resend {
		a.mailMu.Lock()
		defer a.mailMu.Unlock()
		a.letters[p.IDs[0]] = heldLetter{box, l}
	}
	return p
}

// Bring pushes a mail to the box while Run runs, as often as the service would. It reports false when too much is outstanding.
func (a *MailAPI) Bring(box Mailbox, l Letter) bool {
	return a.errand(box, []Push{a.Mail(box, l)})
}

// errand has pushes of the box made, one after the other, each as often as the service would.
func (a *MailAPI) errand(box Mailbox, pushes []Push) bool {
	habit := mailHabits[box.Service]
	again := func(tries int, res Result, err error) (time.Duration, bool) {
		wait, ok := habit.again(tries, res, err)
		return time.Duration(float64(wait) / float64(time.Minute) * float64(a.opts.Minute)), ok
	}
	var list []func() Push
	for _, p := range pushes {
		list = append(list, func() Push {
			if box.Service == Resend { // signs each try
				return box.signResend(p, p.Header.Get("Svix-Id"))
			}
			return p
		})
	}
	return a.planTo(a.opts.Callback, again, list...)
}

// maxMailBody is the largest request that a service takes: 40 MB of attachments in base64.
const maxMailBody = 60 << 20

// ServeHTTP answers the calls that send a mail, and Resend's that returns a received one.
func (a *MailAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/emails/receiving/"); ok {
		a.serveLetter(w, r, id)
		return
	}
	read, service := mailReader(r.URL.Path)
	if read == nil || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMailBody))
	if err != nil {
		refuseMail(w, service, mailRefusal{status: http.StatusRequestEntityTooLarge, message: "The request is too large."})
		return
	}
	box, ok := a.boxOf(r, service)
	if !ok {
		refuseMail(w, service, mailRefusal{status: map[MailService]int{Resend: http.StatusForbidden}[service], code: 10, name: "invalid_api_key", message: "The API key is not valid."})
		return
	}
	m, refusal := read(r, body)
	if refusal != nil {
		refuseMail(w, service, *refusal)
		return
	}
	m.Service, m.Body, m.At = service, body, box.now()
	if !sameDomain(m.From, box.Address) {
		refuseMail(w, service, mailRefusal{status: http.StatusForbidden, code: 400, name: "invalid_from_address", message: "The address " + m.From + " may not send."})
		return
	}
	a.take(w, r, box, m)
}

// take decides on a mail that is in order.
func (a *MailAPI) take(w http.ResponseWriter, r *http.Request, box Mailbox, m *MailSent) {
	key := r.Header.Get("Idempotency-Key")
	if m.Service == Resend && key != "" {
		a.mailMu.Lock()
		before, known := a.once[key]
		a.mailMu.Unlock()
		switch {
		case known && before.body == string(m.Body):
			acceptMail(w, m.Service, before.id)
			return
		case known:
			refuseMail(w, Resend, mailRefusal{status: http.StatusConflict, name: "invalid_idempotent_request", message: "The key was used with another body."})
			return
		}
	}
	m.ID = newMailID(m)
	s := m.plain(box)
	var fault *Fault
	var refused *mailRefusal
	a.ledger.take(&s, func(f *Fault) bool {
		fault = f
		switch {
		case fault != nil && (fault.Code != 0 || fault.HTTPStatus != 0):
			refused = &mailRefusal{status: fault.HTTPStatus, code: fault.Code, name: "application_error", message: "Simulated fault."}
		case !a.errand(box, a.news(box, m, fault)):
			refused = &mailRefusal{status: http.StatusTooManyRequests, code: 429, name: "rate_limit_exceeded", message: "Reports of earlier mails are still outstanding."}
		default:
			a.keep(m, key)
		}
		return refused == nil
	})
	switch {
	case refused != nil && fault != nil && fault.html() && fault.HTTPStatus >= 500:
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		if fault != nil && fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((fault.RetryAfter+time.Second-1)/time.Second)))
		}
		refuseMail(w, m.Service, *refused)
	case fault != nil && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-a.stop:
		}
		panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
	default:
		acceptMail(w, m.Service, m.ID)
	}
}

func (a *MailAPI) keep(m *MailSent, key string) {
	a.mailMu.Lock()
	defer a.mailMu.Unlock()
	a.mails = keepNewest(a.mails, *m, a.opts.Keep)
	if key != "" {
		a.once[key] = idempotent{string(m.Body), m.ID}
	}
}

// plain is what the stand-ins of all channels tell of a send.
func (m *MailSent) plain(box Mailbox) Sent {
	s := Sent{Channel: hookswitch.Email, Account: box.Address, ID: m.ID, To: m.To, Type: "text", Text: cmp.Or(m.Text, m.HTML), ReplyTo: m.Header["in-reply-to"], Body: m.Body, At: m.At}
	s.Ref = m.Metadata["hookswitch_message"]
	if m.Service == Mailgun { // a form
		s.Body, _ = json.Marshal(map[string]any{"from": m.From, "to": m.To, "subject": m.Subject, "text": m.Text, "html": m.HTML, "header": m.Header, "variables": m.Metadata})
	}
	return s
}

// news are the reports about a mail.
func (a *MailAPI) news(box Mailbox, m *MailSent, fault *Fault) []Push {
	statuses := (&Fault{}).statuses()
	if fault != nil {
		statuses = fault.statuses()
	}
	var pushes []Push
	for _, status := range statuses {
		if p, ok := box.Report(MailReport{ID: m.ID, Recipient: m.To, Metadata: m.Metadata}, status); ok {
			pushes = append(pushes, p)
		}
	}
	return pushes
}

func newMailID(m *MailSent) string {
	switch m.Service {
	case SendGrid:
		return randomHex(11)
	case Mailgun:
		return cmp.Or(m.MessageID, "<"+randomHex(12)+"@mailgun.example>")
	}
	return newUUID()
}

// boxOf is the box that a request may send from.
func (a *MailAPI) boxOf(r *http.Request, service MailService) (Mailbox, bool) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch service {
	case Postmark:
		token = r.Header.Get("X-Postmark-Server-Token")
	case Mailgun:
		user, pass, _ := r.BasicAuth()
		if token = pass; user != "api" {
			token = ""
		}
	}
	i := slices.IndexFunc(a.opts.Boxes, func(b Mailbox) bool { return b.Service == service && token != "" && b.Token.Reveal() == token })
	if i < 0 {
		return Mailbox{}, false
	}
	return a.opts.Boxes[i], true
}

func sameDomain(a, b string) bool {
	return strings.EqualFold(a[strings.LastIndex(a, "@")+1:], b[strings.LastIndex(b, "@")+1:])
}

// serveLetter returns a received mail, as Resend does.
func (a *MailAPI) serveLetter(w http.ResponseWriter, r *http.Request, id string) {
	if _, ok := a.boxOf(r, Resend); !ok {
		refuseMail(w, Resend, mailRefusal{status: http.StatusForbidden, name: "invalid_api_key", message: "API key is invalid"})
		return
	}
	a.mailMu.Lock()
	held, ok := a.letters[id]
	a.mailMu.Unlock()
	if !ok || r.Method != http.MethodGet {
		refuseMail(w, Resend, mailRefusal{status: http.StatusNotFound, name: "not_found", message: "Email not found"})
		return
	}
	l := held.letter
	headers := map[string]string{}
	for _, h := range l.header(held.box) {
		headers[strings.ToLower(h[0])] = h[1]
	}
	files := []map[string]any{}
	for i, f := range l.Files {
		files = append(files, map[string]any{"id": id + "-" + strconv.Itoa(i), "filename": f.Name, "content_type": f.Type, "content_disposition": "attachment", "size": len(f.Content)})
	}
	writeMail(w, http.StatusOK, map[string]any{"object": "email", "id": id, "to": []string{held.box.Address}, "from": l.sender(), "created_at": held.box.now().Format(time.RFC3339Nano),
		"subject": l.Subject, "html": l.HTML, "text": l.Text, "headers": headers, "bcc": []string{}, "cc": []string{}, "reply_to": []string{}, "message_id": l.MessageID, "attachments": files})
}

// mailRefusal is what is wrong with a call. A zero status is the service's usual one.
type mailRefusal struct {
	status  int
	code    int    // of Postmark
	name    string // of Resend
	message string
}

// refuseMail answers as the service does.
func refuseMail(w http.ResponseWriter, service MailService, r mailRefusal) {
	switch service {
	case Postmark:
		status := map[int]int{10: http.StatusUnauthorized, 429: http.StatusTooManyRequests, 100: http.StatusServiceUnavailable}[r.code]
		if r.status >= 500 || r.status == http.StatusTooManyRequests {
			status = r.status
		}
		writeMail(w, cmp.Or(status, http.StatusUnprocessableEntity), map[string]any{"ErrorCode": cmp.Or(r.code, 300), "Message": r.message})
	case SendGrid:
		writeMail(w, cmp.Or(r.status, http.StatusUnauthorized), map[string]any{"errors": []any{map[string]any{"message": r.message, "field": nil, "help": nil}}})
	case Mailgun:
		writeMail(w, cmp.Or(r.status, http.StatusUnauthorized), map[string]string{"message": r.message})
	case Resend:
		status := cmp.Or(r.status, http.StatusUnprocessableEntity)
		writeMail(w, status, map[string]any{"statusCode": status, "name": cmp.Or(r.name, "validation_error"), "message": r.message})
	}
}

func acceptMail(w http.ResponseWriter, service MailService, id string) {
	switch service {
	case Postmark:
		writeMail(w, http.StatusOK, map[string]any{"To": "", "SubmittedAt": time.Now().UTC().Format(time.RFC3339Nano), "MessageID": id, "ErrorCode": 0, "Message": "OK"})
	case SendGrid:
		w.Header().Set("X-Message-Id", id)
		w.WriteHeader(http.StatusAccepted)
	case Mailgun:
		writeMail(w, http.StatusOK, map[string]string{"id": id, "message": "Queued. Thank you."})
	case Resend:
		writeMail(w, http.StatusOK, map[string]string{"id": id})
	}
}

func writeMail(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
