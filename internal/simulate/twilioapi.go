package simulate

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
	OnSend func(Sent)
}

// TwilioAPI stands in for Twilio's REST API: an http.Handler that takes messages, refuses what Twilio would refuse, and reports what becomes of them to the
// address that each names. The handler works by itself; reports are pushed while Run runs.
type TwilioAPI struct {
	*ledger
	*outbox
	opts TwilioAPIOptions

	optedMu  sync.Mutex
	optedOut map[string]bool // by number and recipient

	numbersMu sync.Mutex
	numbers   map[string]url.Values // what has been entered at them
}

// NewTwilioAPI returns a stand-in. It starts nothing.
func NewTwilioAPI(opts TwilioAPIOptions) *TwilioAPI {
	return &TwilioAPI{
		ledger: newLedger(cmp.Or(opts.Keep, 1000), opts.OnSend, opts.Faults), outbox: newOutbox(opts.Client, opts.Callback, opts.Delay, 0, opts.MaxPending, nil),
		opts: opts, optedOut: map[string]bool{},
	}
}

// OptOut has the API refuse messages from number to recipient, as it does after a STOP; with again it takes them again.
func (a *TwilioAPI) OptOut(number, recipient string, again bool) {
	a.optedMu.Lock()
	defer a.optedMu.Unlock()
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

// ServeHTTP answers POST /2010-04-01/Accounts/{AccountSid}/Messages.json, and what looks up or changes a number of the account.
func (a *TwilioAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, fault, refused := a.answer(w, r)
	switch {
	case fault != nil && fault.html():
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		if fault != nil && fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((fault.RetryAfter+time.Second-1)/time.Second)))
		}
		writeTwilio(w, refused.Status, refused)
	case fault != nil && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-a.stop:
		}
		panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
	default:
		writeTwilio(w, http.StatusCreated, answer)
	}
}

func writeTwilio(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the caller has gone
}

// answer does what r asks. A fault is returned where one shapes the answer.
func (a *TwilioAPI) answer(w http.ResponseWriter, r *http.Request) (any, *Fault, *twilioError) {
	if answer, refused, ok := a.answerNumbers(r); ok {
		return answer, nil, refused
	}
	account, refused := a.authorize(r)
	if refused != nil {
		return nil, nil, refused
	}
	in, refused := readTwilioSend(w, r)
	if refused != nil {
		return nil, nil, refused
	}
	number, refused := a.sender(in, account)
	if refused != nil {
		return nil, nil, refused
	}
	if refused := in.check(); refused != nil {
		return nil, nil, refused
	}
	if a.hasOptedOut(number.Number, in.to) {
		return nil, nil, refuseTwilio(21610, "Attempt to send to unsubscribed recipient")
	}
	s := in.sent(number)
	fault, refused := a.take(number, in, &s)
	return in.resource(&s), fault, refused
}

func (a *TwilioAPI) hasOptedOut(number, recipient string) bool {
	a.optedMu.Lock()
	defer a.optedMu.Unlock()
	return a.optedOut[number+" "+recipient]
}

// authorize checks the path and the credentials, and returns the account that is to send.
func (a *TwilioAPI) authorize(r *http.Request) (account string, refused *twilioError) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != twilioVersion || parts[1] != "Accounts" || parts[3] != "Messages.json" {
		return "", refuseTwilio(20404, "The requested resource "+r.URL.Path+" was not found")
	}
	if refused := a.admits(r, parts[2]); refused != nil {
		return "", refused
	}
	if r.Method != http.MethodPost {
		return "", refuseTwilio(20004, "Method not allowed")
	}
	return parts[2], nil
}

// admits checks the credentials of a call about the account.
func (a *TwilioAPI) admits(r *http.Request, account string) *twilioError {
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
		return refuseTwilio(20003, "Authenticate")
	case !slices.ContainsFunc(a.opts.Numbers, func(n Twilio) bool { return n.AccountSID == account }):
		return refuseTwilio(20404, "The requested resource "+r.URL.Path+" was not found")
	}
	return nil
}

// sender finds the number that a message names, or that its messaging service has.
func (a *TwilioAPI) sender(in *twilioSend, account string) (Twilio, *twilioError) {
	from, isWhatsApp := strings.CutPrefix(in.form.Get("From"), "whatsapp:")
	switch service := in.form.Get("MessagingServiceSid"); {
	case service != "":
		if from = a.opts.Services[service]; from == "" {
			return Twilio{}, refuseTwilio(21701, "The Messaging Service does not exist")
		}
	case from == "":
		return Twilio{}, refuseTwilio(21603, "A 'From' phone number is required.")
	case isWhatsApp != (in.channel == hookswitch.WhatsApp):
		return Twilio{}, refuseTwilio(21910, "'From' and 'To' pair violates allowed channel pairs")
	}
	i := slices.IndexFunc(a.opts.Numbers, func(n Twilio) bool { return n.AccountSID == account && n.Number == from })
	switch {
	case i >= 0:
		return a.opts.Numbers[i], nil
	case in.channel == hookswitch.WhatsApp:
		return Twilio{}, refuseTwilio(63007, "Twilio could not find a Channel with the specified From address")
	}
	return Twilio{}, refuseTwilio(21606, "The 'From' phone number provided ("+from+") is not a valid message-capable Twilio phone number for this destination.")
}

// take decides on a message that is in order: it is refused by a fault, or kept and its reports planned.
func (a *TwilioAPI) take(number Twilio, in *twilioSend, s *Sent) (fault *Fault, refused *twilioError) {
	a.ledger.take(s, func(f *Fault) bool {
		if fault = f; fault != nil && (fault.Code != 0 || fault.HTTPStatus != 0) {
			refused = refuseTwilio(fault.Code, "Simulated fault.")
			refused.Status = cmp.Or(fault.HTTPStatus, refused.Status)
			return false
		}
		if !a.promise(number, in, s.ID, fault) {
			fault, refused = nil, refuseTwilio(20429, "Too Many Requests")
		}
		return refused == nil
	})
	return fault, refused
}

// Twilio's words for what becomes of a message. What fails after it was sent is undelivered.
var twilioWords = map[hookswitch.MessageStatus]string{
	hookswitch.StatusQueued: "queued", hookswitch.StatusSending: "sending", hookswitch.StatusSent: "sent", hookswitch.StatusDelivered: "delivered",
	hookswitch.StatusRead: "read", hookswitch.StatusFailed: "failed",
}

// twilioUndeliverable is the code of a failed status that was given none.
const twilioUndeliverable = 30008

// promise plans the reports about the message sid. It reports false when too much is outstanding.
func (a *TwilioAPI) promise(number Twilio, in *twilioSend, sid string, fault *Fault) bool {
	u, err := url.Parse(in.form.Get("StatusCallback"))
	if err != nil || u.Host == "" {
		return true
	}
	// Twilio signs the address that it was given, whatever the number's other pushes are signed for.
	number.PublicURL = u.Scheme + "://" + u.Host
	if u.User != nil {
		number.PublicURL = u.Scheme + "://" + u.User.String() + "@" + u.Host
	}
	path, recipient := u.RequestURI(), in.to
	statuses, code := (&Fault{}).statuses(), twilioUndeliverable
	if in.channel == hookswitch.WhatsApp {
		recipient = "whatsapp:" + recipient
	}
	if fault != nil {
		statuses, code = fault.statuses(), cmp.Or(fault.FailCode, code)
	}
	var pushes []func() Push
	sent := false
	for _, status := range statuses {
		word, why := twilioWords[status], 0
		switch {
		case word == "" || status == hookswitch.StatusRead && in.channel != hookswitch.WhatsApp:
			continue
		case status == hookswitch.StatusFailed && sent:
			word, why = "undelivered", code
		case status == hookswitch.StatusFailed:
			why = code
		}
		sent = sent || status == hookswitch.StatusSent
		pushes = append(pushes, func() Push { return number.Status(path, sid, recipient, word, why) })
	}
	return a.planTo(cmp.Or(a.opts.Callback, number.PublicURL), readRetries(u.Fragment).again, pushes...)
}
