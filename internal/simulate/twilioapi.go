package simulate

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// TwilioAPIOptions set up a TwilioAPI. Zero values are usable.
type TwilioAPIOptions struct {
	// Numbers are what can be sent from. Reports about their messages are signed with their tokens.
	Numbers []Twilio
	// Services are the messaging services, by their ids, and the number that each sends from.
	Services map[string]string
	// Keys are API keys that may send, and their secrets, beside the accounts with their tokens.
	Keys map[string]hookswitch.Secret
	// Callback is the base URL that reports are pushed to in place of the one they ask for, whose path and query stay. Empty: the one they ask for.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Keep is how many accepted messages can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many messages may have reports outstanding; with more, sends are refused with code 20429. 0: 10000.
	MaxPending int
	Faults     []Fault
	// OnSend is told of each accepted message before it is answered. It is called from many goroutines at once.
	OnSend func(TwilioSent)
}

// TwilioSent is a message that a TwilioAPI has taken.
type TwilioSent struct {
	Channel hookswitch.Channel
	SID     string
	From    string // the number, whatever it was found by
	To      string // without the channel's prefix
	Text    string
	Form    url.Values // the whole request
	At      time.Time
}

// TwilioAPI stands in for Twilio's REST API: an http.Handler that takes messages, refuses what Twilio would refuse, and reports what becomes of them to the
// address that each names. The handler works by itself; reports are pushed while Run runs.
type TwilioAPI struct {
	*reports
	opts   TwilioAPIOptions
	faults faults

	kept     sync.Mutex // guards what follows
	sent     []TwilioSent
	optedOut map[string]bool // by number and recipient
}

// NewTwilioAPI returns a stand-in. It starts nothing.
func NewTwilioAPI(opts TwilioAPIOptions) *TwilioAPI {
	opts.Keep = cmp.Or(opts.Keep, 1000)
	a := &TwilioAPI{reports: newReports(opts.Client, opts.Delay, opts.MaxPending), opts: opts, optedOut: map[string]bool{}}
	a.SetFaults(opts.Faults...)
	return a
}

// SetFaults replaces the faults and starts their counting anew.
func (a *TwilioAPI) SetFaults(faults ...Fault) { a.faults.set(faults) }

// Sent is the accepted messages, oldest first.
func (a *TwilioAPI) Sent() []TwilioSent {
	a.kept.Lock()
	defer a.kept.Unlock()
	return slices.Clone(a.sent)
}

// OptOut has the API refuse messages from number to recipient, as it does after a STOP; with again it takes them again.
func (a *TwilioAPI) OptOut(number, recipient string, again bool) {
	a.kept.Lock()
	defer a.kept.Unlock()
	a.optedOut[number+" "+recipient] = !again
}

// twilioError is a refusal.
// https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions
type twilioError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// refuseTwilio is a refusal with the status that usually goes with the code.
func refuseTwilio(code int, message string) *twilioError {
	status := http.StatusBadRequest
	switch code {
	case 20003:
		status = http.StatusUnauthorized
	case 20004:
		status = http.StatusMethodNotAllowed
	case 20404:
		status = http.StatusNotFound
	case 20429:
		status = http.StatusTooManyRequests
	case 20500, 20503:
		status = code - 20000
	}
	return &twilioError{Code: code, Message: message, MoreInfo: "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), Status: status}
}

// ServeHTTP answers POST /2010-04-01/Accounts/{AccountSid}/Messages.json.
func (a *TwilioAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, fault, refused := a.answer(w, r)
	switch {
	case fault != nil && fault.html():
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		if fault != nil && fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((fault.RetryAfter+time.Second-1)/time.Second)))
		}
		writeTwilio(w, refused.Status, refused)
	case fault != nil && fault.Hang:
		a.hang(r.Context())
	default:
		writeTwilio(w, http.StatusCreated, s.resource())
	}
}

func writeTwilio(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the caller has gone
}

// resource is the message as the API shows it.
// https://www.twilio.com/docs/messaging/api/message-resource#message-properties
func (s TwilioSent) resource() any {
	prefix := ""
	if s.Channel == hookswitch.WhatsApp {
		prefix = "whatsapp:"
	}
	from := any(prefix + s.From)
	status := "queued"
	service := any(nil)
	if id := s.Form.Get("MessagingServiceSid"); id != "" { // the number is chosen later
		from, status, service = nil, "accepted", id
	}
	return map[string]any{
		"sid": s.SID, "status": status, "to": prefix + s.To, "from": from, "body": s.Text, "messaging_service_sid": service, "direction": "outbound-api",
		"num_media": strconv.Itoa(len(s.Form["MediaUrl"])), "num_segments": "1", "error_code": nil, "error_message": nil, "api_version": twilioVersion,
		"date_created": s.At.UTC().Format(time.RFC1123Z), "date_sent": nil,
	}
}

// answer does what r asks. A fault is returned where one shapes the answer.
func (a *TwilioAPI) answer(w http.ResponseWriter, r *http.Request) (*TwilioSent, *Fault, *twilioError) {
	account, refused := a.authorize(r)
	if refused != nil {
		return nil, nil, refused
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, nil, refuseTwilio(21604, "A 'To' phone number is required.") // a body that is no form has no parameters
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	if err != nil {
		return nil, nil, refuseTwilio(20001, "The request cannot be read.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, refuseTwilio(20001, "The request cannot be read.")
	}
	s := &TwilioSent{Form: form, Text: form.Get("Body"), SID: newSID("SM")}
	if form.Has("MediaUrl") {
		s.SID = newSID("MM")
	}
	number, refused := a.check(s, account)
	if refused != nil {
		return nil, nil, refused
	}
	s.At = number.now()
	fault, refused := a.take(number, s)
	if refused == nil && a.opts.OnSend != nil {
		a.opts.OnSend(*s)
	}
	return s, fault, refused
}

// authorize checks the path and the credentials, and returns the account that is to send.
func (a *TwilioAPI) authorize(r *http.Request) (account string, refused *twilioError) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != twilioVersion || parts[1] != "Accounts" || parts[3] != "Messages.json" {
		return "", refuseTwilio(20404, "The requested resource "+r.URL.Path+" was not found")
	}
	account = parts[2]
	user, password, _ := r.BasicAuth()
	known := a.opts.Keys[user]
	if user == account {
		for _, n := range a.opts.Numbers {
			if n.AccountSID == account {
				known = n.AuthToken
			}
		}
	}
	switch {
	case known == "" || subtle.ConstantTimeCompare([]byte(known.Reveal()), []byte(password)) != 1:
		return "", refuseTwilio(20003, "Authenticate")
	case !slices.ContainsFunc(a.opts.Numbers, func(n Twilio) bool { return n.AccountSID == account }):
		return "", refuseTwilio(20404, "The requested resource "+r.URL.Path+" was not found")
	case r.Method != http.MethodPost:
		return "", refuseTwilio(20004, "Method not allowed")
	}
	return account, nil
}

// check looks at a message as Twilio does before it takes it, completes s, and returns the number to send from.
func (a *TwilioAPI) check(s *TwilioSent, account string) (Twilio, *twilioError) {
	form := s.Form
	var none Twilio
	to, isWhatsApp := strings.CutPrefix(form.Get("To"), "whatsapp:")
	s.To, s.Channel = to, hookswitch.SMS
	if isWhatsApp {
		s.Channel = hookswitch.WhatsApp
	}
	switch {
	case to == "":
		return none, refuseTwilio(21604, "A 'To' phone number is required.")
	case hookswitch.CheckPhone(to) != "" && !(isWhatsApp && isUserID(to)):
		return none, refuseTwilio(21211, "Invalid 'To' Phone Number: "+to)
	}
	number, refused := a.sender(s, account)
	if refused != nil {
		return none, refused
	}
	if refused := checkTwilioContent(s); refused != nil {
		return none, refused
	}
	if callback := form.Get("StatusCallback"); callback != "" {
		u, err := url.Parse(callback)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Contains(u.Hostname(), "_") || len(callback) > 4000 {
			return none, refuseTwilio(21609, "The StatusCallback URL "+callback+" is not a valid URL.")
		}
	}
	a.kept.Lock()
	defer a.kept.Unlock()
	if a.optedOut[number.Number+" "+s.To] {
		return none, refuseTwilio(21610, "Attempt to send to unsubscribed recipient")
	}
	return number, nil
}

// sender finds the number that a message names, or that its messaging service has.
func (a *TwilioAPI) sender(s *TwilioSent, account string) (Twilio, *twilioError) {
	from := strings.TrimPrefix(s.Form.Get("From"), "whatsapp:")
	if service := s.Form.Get("MessagingServiceSid"); service != "" {
		if from = a.opts.Services[service]; from == "" {
			return Twilio{}, refuseTwilio(21701, "The Messaging Service does not exist")
		}
	} else if from == "" {
		return Twilio{}, refuseTwilio(21603, "A 'From' phone number is required.")
	} else if (s.Channel == hookswitch.WhatsApp) != strings.HasPrefix(s.Form.Get("From"), "whatsapp:") {
		return Twilio{}, refuseTwilio(21910, "'From' and 'To' pair violates allowed channel pairs")
	}
	i := slices.IndexFunc(a.opts.Numbers, func(n Twilio) bool { return n.AccountSID == account && n.Number == from })
	switch {
	case i >= 0:
		s.From = from
		return a.opts.Numbers[i], nil
	case s.Channel == hookswitch.WhatsApp:
		return Twilio{}, refuseTwilio(63007, "Twilio could not find a Channel with the specified From address")
	}
	return Twilio{}, refuseTwilio(21606, "The 'From' phone number provided ("+from+") is not a valid message-capable Twilio phone number for this destination.")
}

func checkTwilioContent(s *TwilioSent) *twilioError {
	form := s.Form
	if form.Has("ContentVariables") {
		var variables map[string]string
		if err := json.Unmarshal([]byte(form.Get("ContentVariables")), &variables); err != nil {
			return refuseTwilio(21656, "The ContentVariables Parameter is invalid")
		}
	}
	switch id := form.Get("ContentSid"); {
	case utf8.RuneCountInString(s.Text) > 1600:
		return refuseTwilio(21617, "The concatenated message body exceeds the 1600 character limit")
	case len(form["MediaUrl"]) > 10:
		return refuseTwilio(21623, "Number of media files exceeds allowed limit")
	case id != "" && (len(id) != 34 || !strings.HasPrefix(id, "HX")):
		return refuseTwilio(21655, "The ContentSid Parameter is invalid")
	case s.Text == "" && id == "" && !form.Has("MediaUrl"):
		return refuseTwilio(21619, "A text message body or media urls must be specified.")
	}
	for _, link := range form["MediaUrl"] {
		if u, err := url.Parse(link); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return refuseTwilio(21620, "Invalid media URL")
		}
	}
	if action := form.Get("PersistentAction"); action != "" && !strings.HasPrefix(action, "geo:") {
		return refuseTwilio(21622, "The PersistentAction Parameter is invalid")
	}
	return nil
}

// take decides on a message that is in order: it is refused by a fault, or kept and its reports planned.
func (a *TwilioAPI) take(number Twilio, s *TwilioSent) (*Fault, *twilioError) {
	fault := a.faults.find(s.To, s.Text)
	if fault != nil && (fault.Code != 0 || fault.HTTPStatus != 0) {
		e := refuseTwilio(fault.Code, "Simulated fault.")
		e.Status = cmp.Or(fault.HTTPStatus, e.Status)
		return fault, e
	}
	if !a.promise(number, s, fault) {
		return nil, refuseTwilio(20429, "Too Many Requests")
	}
	a.kept.Lock()
	defer a.kept.Unlock()
	a.sent = keepNewest(a.sent, *s, a.opts.Keep)
	return fault, nil
}

// Twilio's words for what becomes of a message. What fails after it was sent is undelivered.
var twilioWords = map[hookswitch.MessageStatus]string{
	hookswitch.StatusQueued: "queued", hookswitch.StatusSending: "sending", hookswitch.StatusSent: "sent", hookswitch.StatusDelivered: "delivered",
	hookswitch.StatusRead: "read", hookswitch.StatusFailed: "failed",
}

// twilioUndeliverable is the code of a failed status that was given none.
const twilioUndeliverable = 30008

// promise plans the reports about a message. It reports false when too much is outstanding.
func (a *TwilioAPI) promise(number Twilio, s *TwilioSent, fault *Fault) bool {
	u, err := url.Parse(s.Form.Get("StatusCallback"))
	if err != nil || u.Host == "" {
		return true
	}
	retries := readRetries(u.Fragment)
	// Twilio signs the address that it was given, whatever the number's other pushes are signed for.
	number.PublicURL = u.Scheme + "://" + u.Host
	if u.User != nil {
		number.PublicURL = u.Scheme + "://" + u.User.String() + "@" + u.Host
	}
	path := u.RequestURI()
	e := &errand{baseURL: cmp.Or(a.opts.Callback, number.PublicURL), again: func(tries int, res Result, err error) (time.Duration, bool) {
		return 0, tries < retries.count && retries.apply(res, err)
	}}
	recipient := s.To
	statuses, code := (&Fault{}).statuses(), twilioUndeliverable
	if s.Channel == hookswitch.WhatsApp {
		recipient = "whatsapp:" + s.To
	}
	if fault != nil {
		statuses, code = fault.statuses(), cmp.Or(fault.FailCode, code)
	}
	sent := false
	for _, status := range statuses {
		word := twilioWords[status]
		if word == "" || status == hookswitch.StatusRead && s.Channel != hookswitch.WhatsApp {
			continue
		}
		why := 0
		if status == hookswitch.StatusFailed {
			why = code
			if sent {
				word = "undelivered"
			}
		}
		sent = sent || status == hookswitch.StatusSent
		e.reports = append(e.reports, func() Push { return number.Status(path, s.SID, recipient, word, why) })
	}
	return a.plan(e)
}
