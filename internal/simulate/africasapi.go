package simulate

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// AfricasTalkingAPIOptions set up an AfricasTalkingAPI. Zero values are usable.
type AfricasTalkingAPIOptions struct {
	// Apps are those that can send, several with one username where it has several short codes. Delivery reports go where their SMS do, with their key.
	Apps []AfricasTalking
	// Callback is the base URL that reports are pushed to; empty: none are.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Keep is how many accepted messages can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many messages may have reports outstanding; with more, sends fail with code 500. 0: 10000.
	MaxPending int
	// Faults refuse by codes of recipients, such as 405. A FailCode of 406 has the report say UserInBlackList, any other DeliveryFailure.
	Faults []Fault
	// OnSend is told of each accepted message before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// AfricasTalkingAPI stands in for Africa's Talking's API: an http.Handler that takes SMS, refuses what Africa's Talking would refuse, which is mostly done with
// status 201, and reports what becomes of them, each report once. The handler works by itself; reports are pushed while Run runs.
type AfricasTalkingAPI struct {
	*ledger
	*outbox
	opts AfricasTalkingAPIOptions

	optedMu  sync.Mutex
	optedOut map[string]bool // by recipient
}

// NewAfricasTalkingAPI returns a stand-in. It starts nothing.
func NewAfricasTalkingAPI(opts AfricasTalkingAPIOptions) *AfricasTalkingAPI {
	return &AfricasTalkingAPI{
		ledger: newLedger(cmp.Or(opts.Keep, 1000), opts.OnSend, opts.Faults), outbox: newOutbox(opts.Client, opts.Callback, opts.Delay, 0, opts.MaxPending, nil),
		opts: opts, optedOut: map[string]bool{},
	}
}

// OptOut has the API refuse messages to the recipient, as it does after they have asked for no more.
func (a *AfricasTalkingAPI) OptOut(recipient string) {
	a.optedMu.Lock()
	defer a.optedMu.Unlock()
	a.optedOut[recipient] = true
}

func (a *AfricasTalkingAPI) hasOptedOut(recipient string) bool {
	a.optedMu.Lock()
	defer a.optedMu.Unlock()
	return a.optedOut[recipient]
}

// africasRecipient is what the answer says about one recipient.
// https://developers.africastalking.com/docs/sms/sending/bulk
type africasRecipient struct {
	StatusCode int    `json:"statusCode"`
	Number     string `json:"number"`
	Status     string `json:"status"`
	Cost       string `json:"cost"`
	MessageID  string `json:"messageId"`
}

// africasWords are the words for the codes of recipients.
var africasWords = map[int]string{100: "Success", 101: "Success", 102: "Success", 401: "RiskHold", 402: "InvalidSenderId", 403: "InvalidPhoneNumber", 404: "UnsupportedNumberType",
	405: "InsufficientBalance", 406: "UserInBlacklist", 407: "CouldNotRoute", 409: "DoNotDisturb", 500: "InternalServerError", 501: "GatewayError", 502: "RejectedByGateway"}

// ServeHTTP answers POST /version1/messaging.
func (a *AfricasTalkingAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, status, problem := a.read(w, r)
	if problem != "" {
		w.Header().Set("Content-Type", "text/plain;charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, problem)
		return
	}
	app, ok := a.app(form)
	if !ok {
		writeAfricas(w, "InvalidSenderId", nil)
		return
	}
	var list []africasRecipient
	taken := 0
	for to := range strings.SplitSeq(form.Get("to"), ",") {
		one, fault := a.take(app, form, strings.TrimSpace(to))
		switch {
		case fault != nil && fault.HTTPStatus != 0:
			if fault.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int((fault.RetryAfter+time.Second-1)/time.Second)))
			}
			writeBadGateway(w, fault.HTTPStatus)
			return
		case fault != nil && fault.Code == 402: // said of the whole request
			writeAfricas(w, "InvalidSenderId", nil)
			return
		case fault != nil && fault.Hang:
			select {
			case <-r.Context().Done():
			case <-a.stop:
			}
			panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
		}
		if one.StatusCode < 400 {
			taken++
		}
		list = append(list, one)
	}
	writeAfricas(w, "Sent to "+strconv.Itoa(taken)+"/"+strconv.Itoa(len(list))+" Total Cost: KES "+strconv.FormatFloat(0.8*float64(taken), 'f', 4, 64), list)
}

func writeAfricas(w http.ResponseWriter, message string, list []africasRecipient) {
	if list == nil {
		list = []africasRecipient{}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusCreated)
	// An error means that the caller has gone.
	_ = json.NewEncoder(w).Encode(map[string]any{"SMSMessageData": map[string]any{"Message": message, "Recipients": list}})
}

// read checks what is refused before anything is looked at. The problem is the answer, in plain text.
func (a *AfricasTalkingAPI) read(w http.ResponseWriter, r *http.Request) (form url.Values, status int, problem string) {
	if strings.TrimSuffix(r.URL.Path, "/") != "/version1/messaging" {
		return nil, http.StatusNotFound, "The requested resource could not be found."
	}
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed, "HTTP method not allowed, supported methods: POST"
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != africasForm {
		return nil, http.StatusUnsupportedMediaType, "The request's Content-Type is not supported. Expected: " + africasForm
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	if err == nil {
		form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		return nil, http.StatusBadRequest, "The request content was malformed"
	}
	known := false
	for _, app := range a.opts.Apps {
		same := subtle.ConstantTimeCompare([]byte(app.APIKey.Reveal()), []byte(r.Header.Get("Apikey"))) == 1
		known = known || same && app.Username == form.Get("username")
	}
	if !known {
		return nil, http.StatusUnauthorized, "The supplied authentication is invalid"
	}
	for _, name := range []string{"to", "message"} {
		if strings.TrimSpace(form.Get(name)) == "" {
			return nil, http.StatusBadRequest, "Request is missing required form field '" + name + "'"
		}
	}
	return form, 0, ""
}

// app is the one that form sends from. Without a sender the shared short code is used, which every app has.
func (a *AfricasTalkingAPI) app(form url.Values) (AfricasTalking, bool) {
	for _, app := range a.opts.Apps {
		if app.Username == form.Get("username") && (!form.Has("from") || app.ShortCode == form.Get("from")) {
			return app, true
		}
	}
	return AfricasTalking{}, false
}

// take decides on one recipient. A fault is returned where one shapes the answer.
func (a *AfricasTalkingAPI) take(app AfricasTalking, form url.Values, to string) (one africasRecipient, fault *Fault) {
	refuse := func(code int) africasRecipient {
		return africasRecipient{StatusCode: code, Number: to, Status: cmp.Or(africasWords[code], "Failed"), Cost: "0", MessageID: "None"}
	}
	switch {
	case hookswitch.CheckPhone(to) != "":
		return refuse(403), nil
	case a.hasOptedOut(to):
		return refuse(406), nil
	}
	body, err := json.Marshal(form)
	if err != nil {
		return refuse(500), nil
	}
	s := Sent{Channel: hookswitch.SMS, Account: form.Get("from"), ID: newAfricasID("ATXid_"), To: digits(to), Type: "text", Text: form.Get("message"), Body: body, At: app.now()}
	one = africasRecipient{StatusCode: 101, Number: to, Status: africasWords[101], Cost: "KES 0.8000", MessageID: s.ID}
	a.ledger.take(&s, func(f *Fault) bool {
		fault = f
		switch {
		case f != nil && (f.Code != 0 || f.HTTPStatus != 0):
			one = refuse(f.Code)
			return false
		case !a.promise(app, s.ID, to, f):
			one, fault = refuse(500), nil
			return false
		}
		return true
	})
	return one, fault
}

// promise plans the reports about the message id to a person. There is none about reading. It reports false when too much is outstanding.
func (a *AfricasTalkingAPI) promise(app AfricasTalking, id, to string, fault *Fault) bool {
	statuses, reason := (&Fault{}).statuses(), "DeliveryFailure"
	if fault != nil {
		statuses = fault.statuses()
		if fault.FailCode == 406 {
			reason = "UserInBlackList"
		}
	}
	var pushes []func() Push
	for _, status := range statuses {
		var word, why string
		switch status {
		case hookswitch.StatusSent:
			word = "Sent"
		case hookswitch.StatusDelivered:
			word = "Success"
		case hookswitch.StatusFailed:
			word, why = "Failed", reason
		default:
			continue
		}
		pushes = append(pushes, func() Push { return app.Report(id, to, word, why) })
	}
	return a.planTo(a.opts.Callback, never, pushes...)
}

// never is how Africa's Talking repeats.
func never(int, Result, error) (time.Duration, bool) { return 0, false }
