package simulate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const messages = "/2010-04-01/Accounts/" + simulate.DemoTwilioAccountSID + "/Messages.json"

// call posts a form to the API as the account.
func call(t *testing.T, h http.Handler, user, password string, form url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", messages, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(user, password)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func TestTwilioAPI_RefusesWhatTwilioWould(t *testing.T) {
	t.Parallel()
	a := simulate.NewTwilioAPI(simulate.TwilioAPIOptions{Numbers: []simulate.Twilio{number()}, Services: map[string]string{"MG1": simulate.DemoTwilioNumber},
		Keys: map[string]hookswitch.Secret{"SK1": "key"}})
	a.OptOut(simulate.DemoTwilioNumber, "+15550000000", false)
	long := strings.Repeat("ä", 1601)
	for name, tt := range map[string]struct {
		form   map[string]string
		status int
		want   string
	}{
		"fine":                      {nil, 201, `"status":"queued"`},
		"over a service":            {map[string]string{"From": "", "MessagingServiceSid": "MG1"}, 201, `"status":"accepted"`},
		"WhatsApp":                  {map[string]string{"To": "whatsapp:+254712345678", "From": "whatsapp:" + simulate.DemoTwilioNumber}, 201, `"to":"whatsapp:+254712345678"`},
		"a template":                {map[string]string{"Body": "", "ContentSid": "HX" + strings.Repeat("a", 32), "ContentVariables": `{"1":"a"}`}, 201, `"sid":"SM`},
		"a file":                    {map[string]string{"Body": "", "MediaUrl": "https://x.test/a"}, 201, `"sid":"MM`},
		"nobody":                    {map[string]string{"To": ""}, 400, `"code":21604`},
		"no number":                 {map[string]string{"To": "Ada"}, 400, `"code":21211`},
		"from nowhere":              {map[string]string{"From": ""}, 400, `"code":21603`},
		"from another's":            {map[string]string{"From": "+19998887777"}, 400, `"code":21606`},
		"from another's, WhatsApp":  {map[string]string{"To": "whatsapp:+1650555123", "From": "whatsapp:+19998887777"}, 400, `"code":63007`},
		"from one to another":       {map[string]string{"To": "whatsapp:+254712345678"}, 400, `"code":21910`},
		"an unknown service":        {map[string]string{"MessagingServiceSid": "MG2"}, 400, `"code":21701`},
		"nothing to say":            {map[string]string{"Body": ""}, 400, `"code":21619`},
		"too much to say":           {map[string]string{"Body": long}, 400, `"code":21617`},
		"a file of the machine":     {map[string]string{"MediaUrl": "file:///x"}, 400, `"code":21620`},
		"no template":               {map[string]string{"ContentSid": "order_update"}, 400, `"code":21655`},
		"variables of another form": {map[string]string{"ContentVariables": `["a"]`}, 400, `"code":21656`},
		"reports to nowhere":        {map[string]string{"StatusCallback": "/in/snd_1"}, 400, `"code":21609`},
		"opted out":                 {map[string]string{"To": "+15550000000"}, 400, `"code":21610`},
	} {
		form := url.Values{"To": {"+254712345678"}, "From": {simulate.DemoTwilioNumber}, "Body": {"hi"}}
		for k, v := range tt.form {
			if form.Set(k, v); v == "" {
				form.Del(k)
			}
		}
		if status, body := call(t, a, simulate.DemoTwilioAccountSID, simulate.DemoTwilioAuthToken, form); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", name, status, body, tt.status, tt.want)
		}
	}
	fine := url.Values{"To": {"+254712345678"}, "From": {simulate.DemoTwilioNumber}, "Body": {"hi"}}
	if status, _ := call(t, a, "SK1", "key", fine); status != 201 {
		t.Errorf("with an API key: %d", status)
	}
	for _, who := range [][2]string{{simulate.DemoTwilioAccountSID, "other"}, {"SK1", "other"}, {"SK2", ""}, {"", ""}} {
		if status, body := call(t, a, who[0], who[1], fine); status != 401 || !strings.Contains(body, `"code":20003`) {
			t.Errorf("as %q: %d %s", who, status, body)
		}
	}
	a.OptOut(simulate.DemoTwilioNumber, "+15550000000", true)
	fine.Set("To", "+15550000000")
	if status, body := call(t, a, "SK1", "key", fine); status != 201 {
		t.Errorf("opted in again: %d %s", status, body)
	}
}

// reportDoor is where reports come. Of each it keeps the path and what the adapter reads.
type reportDoor struct {
	t      *testing.T
	answer func(n int) int // the status for the nth push; nil: 200

	mu   sync.Mutex
	told []string
	n    int
}

func (d *reportDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := &doorstep{}
	step.ServeHTTP(httptest.NewRecorder(), r)
	adapter, push := twilio.New(twilio.Options{}), step.pushes[0]
	if err := adapter.Verify(push, twilioCredentials); err != nil {
		d.t.Error(err)
	}
	updates, err := adapter.Parse(push)
	if err != nil || len(updates) != 1 || updates[0].Receipt == nil {
		d.t.Errorf("%v, %v", updates, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	if d.answer != nil {
		if status := d.answer(d.n); status != 200 {
			w.WriteHeader(status)
			return
		}
	}
	u := updates[0]
	d.told = append(d.told, strings.TrimSpace(strings.Join([]string{string(u.Channel), u.Dedup[strings.LastIndex(u.Dedup, ":")+1:], u.Receipt.Ref, u.Receipt.Recipient, u.Receipt.ErrorCode}, " ")))
}

// playTwilio runs a stand-in inside a bubble until all that do sends has been reported, and says what was told and how many reports were lost.
func playTwilio(t *testing.T, opts simulate.TwilioAPIOptions, d *reportDoor, do func(send func(form map[string]string))) int {
	t.Helper()
	d.t = t
	opts.Numbers, opts.Callback, opts.Client = []simulate.Twilio{number()}, gateway, &http.Client{Transport: direct{d}}
	a := simulate.NewTwilioAPI(opts)
	ran := make(chan error, 1)
	go func() { ran <- a.Run(t.Context()) }()
	synctest.Wait()
	do(func(parameters map[string]string) {
		form := url.Values{"To": {"+254712345678"}, "From": {simulate.DemoTwilioNumber}, "Body": {"hi"}, "StatusCallback": {gateway + "/in/snd_1/sms?ref=msg_1"}}
		for k, v := range parameters {
			form.Set(k, v)
		}
		if status, body := call(t, a, simulate.DemoTwilioAccountSID, simulate.DemoTwilioAuthToken, form); status != 201 {
			t.Errorf("answered %d %s", status, body)
		}
	})
	if err := a.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	a.Close()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	return a.Lost()
}

func TestTwilioAPI_ReportsToTheAddressOfTheMessage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		parameters map[string]string
		faults     []simulate.Fault
		want       []string
	}{
		"SMS": {nil, nil, []string{"sms sent msg_1 +254712345678", "sms delivered msg_1 +254712345678"}},
		"WhatsApp": {
			map[string]string{"To": "whatsapp:+254712345678", "From": "whatsapp:" + simulate.DemoTwilioNumber}, nil,
			[]string{"whatsapp sent msg_1 +254712345678", "whatsapp delivered msg_1 +254712345678", "whatsapp read msg_1 +254712345678"},
		},
		"refused later": {nil, []simulate.Fault{{FailCode: 30003}}, []string{"sms failed msg_1 +254712345678 30003"}},
		"undelivered": {
			nil, []simulate.Fault{{Statuses: []hookswitch.MessageStatus{hookswitch.StatusQueued, hookswitch.StatusSent, hookswitch.StatusFailed}}},
			[]string{"sms queued msg_1 +254712345678", "sms sent msg_1 +254712345678", "sms undelivered msg_1 +254712345678 30008"},
		},
		"out of order": {
			nil, []simulate.Fault{{Statuses: []hookswitch.MessageStatus{hookswitch.StatusDelivered, hookswitch.StatusSent}}},
			[]string{"sms delivered msg_1 +254712345678", "sms sent msg_1 +254712345678"},
		},
		"none asked for": {map[string]string{"StatusCallback": ""}, nil, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &reportDoor{}
			lost := playTwilio(t, simulate.TwilioAPIOptions{Faults: tt.faults, Delay: time.Second}, d, func(send func(map[string]string)) { send(tt.parameters) })
			if diff := cmp.Diff(tt.want, d.told); diff != "" || lost > 0 {
				t.Errorf("%s: %d lost, -want +got\n%s", name, lost, diff)
			}
		})
	}
}

func TestTwilioAPI_RepeatsAReportOnlyWhereItsAddressSaysSo(t *testing.T) {
	t.Parallel()
	for fragment, tt := range map[string]struct{ pushes, lost int }{
		"":                {2, 2}, // each of sent and delivered once
		"#rc=3&rp=all":    {4, 0},
		"#rc=1&rp=5xx":    {3, 1},
		"#rc=3&rp=4xx,rt": {2, 2},
		"#rc=9&rp=all":    {3, 1}, // not a valid count: once
		"#nonsense":       {2, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &reportDoor{answer: func(n int) int {
				if n <= 2 {
					return 503
				}
				return 200
			}}
			lost := playTwilio(t, simulate.TwilioAPIOptions{}, d, func(send func(map[string]string)) {
				send(map[string]string{"StatusCallback": gateway + "/in/snd_1/sms?ref=msg_1" + fragment})
			})
			if d.n != tt.pushes || lost != tt.lost {
				t.Errorf("%q: %d pushes, %d reports lost; want %d and %d", fragment, d.n, lost, tt.pushes, tt.lost)
			}
		})
	}
}

func TestTwilioAPI_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	a := simulate.NewTwilioAPI(simulate.TwilioAPIOptions{Numbers: []simulate.Twilio{number()}, Faults: []simulate.Fault{
		{Contains: "limit", Code: 20429, RetryAfter: 3 * time.Second}, {Contains: "landline", Code: 21614}, {Contains: "broken", HTTPStatus: 502}, {Contains: "lost", Hang: true},
	}})
	api := httptest.NewServer(a)
	defer api.Close()
	defer a.Close()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer client.Close()
	adapter := twilio.New(twilio.Options{BaseURL: api.URL, HTTP: client})
	send := func(ctx context.Context, text string) (hookswitch.Accepted, error) {
		return adapter.Send(ctx, &hookswitch.Outgoing{Ref: "msg_1",
			Route:   &hookswitch.Route{Channel: hookswitch.WhatsApp, Credentials: twilioCredentials, Address: simulate.DemoTwilioNumber},
			Message: &hookswitch.Message{Channel: hookswitch.WhatsApp, Type: "text", To: "+254712345678", Text: text}})
	}
	accepted, err := send(t.Context(), "Grüße & 100% +")
	if err != nil || len(a.Sent()) != 1 || accepted.ProviderID != a.Sent()[0].ID {
		t.Fatalf("got %+v, %v; kept %+v", accepted, err, a.Sent())
	}
	if s := a.Sent()[0]; s.Text != "Grüße & 100% +" || s.To != "254712345678" || s.Account != simulate.DemoTwilioNumber || s.Channel != hookswitch.WhatsApp {
		t.Errorf("kept %+v", s)
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for text, want := range map[string]hookswitch.SendError{
		"limit": {Code: "20429", Temporary: true, RetryAfter: 3 * time.Second}, "landline": {Code: "21614"}, "broken": {Code: "http_502", Unknown: true}, "lost": {Code: "no_answer", Unknown: true},
	} {
		ctx := t.Context()
		if text == "lost" {
			ctx = short
		}
		var e *hookswitch.SendError
		if _, err := send(ctx, text); !errors.As(err, &e) || e.Code != want.Code || e.Temporary != want.Temporary || e.Unknown != want.Unknown || e.RetryAfter != want.RetryAfter {
			t.Errorf("%s: got %+v, want %+v", text, err, want)
		}
	}
}
