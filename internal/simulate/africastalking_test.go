package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

var africasCredentials = hookswitch.Credentials{"username": {"sandbox"}, "api_key": {"TEST-AT-API-KEY"}, "callback_key": {"at-cb-6b1d7c0f5e"}, "short_code": {"21512"}}

func TestAfricasTalking_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	app, adapter := simulate.DemoAfricasTalking(), africastalking.New(africastalking.Options{})
	app.Now = func() time.Time { return time.Date(2026, 7, 18, 10, 30, 0, 0, time.UTC) }
	const person = "+254712345678"
	for _, tt := range []struct {
		push  simulate.Push
		right func(u hookswitch.Update) bool
	}{
		{app.SMS(person, "100% & 👋"), func(u hookswitch.Update) bool {
			return u.Message.Text == "100% & 👋" && u.Message.From == person && u.Address == "21512" && u.At.Equal(app.Now()) && u.Message.Content == nil
		}},
		{app.PremiumSMS(person, "NEWS", "L1"), func(u hookswitch.Update) bool { return u.Message.Content["linkId"] == "L1" }},
		{app.Report("ATXid_1", person, "Buffered", ""), func(u hookswitch.Update) bool { return u.Receipt.Status == hookswitch.StatusSent }},
		{app.Report("ATXid_1", person, "Rejected", "UserDoesNotExist"), func(u hookswitch.Update) bool {
			return u.Receipt.Status == hookswitch.StatusFailed && u.Receipt.ErrorCode == "UserDoesNotExist"
		}},
		{app.OptOut(person), func(u hookswitch.Update) bool { return u.OptOut.From == person && u.Address == "21512" }},
		{app.Subscription(person, "NEWS", true), func(u hookswitch.Update) bool { return u.Message.Unsupported }},
		{app.USSD(http.DefaultClient, "", person).Push(), func(u hookswitch.Update) bool { return u.Dialogue.From == person && u.Address == "*384*1234#" }},
	} {
		p := received(t, tt.push)
		if err := adapter.Verify(p, africasCredentials); err != nil {
			t.Errorf("%s: %v", tt.push.Body, err)
		}
		updates, err := adapter.Parse(p)
		if err != nil || len(updates) != 1 || updates[0].Broken != nil || !tt.right(updates[0]) {
			t.Errorf("%s: %+v, %v", tt.push.Body, updates, err)
		}
		if err := adapter.Verify(received(t, app.Forge(tt.push)), africasCredentials); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("forged: %v", err)
		}
	}
}

func TestAfricasTalkingAPI_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	a := simulate.NewAfricasTalkingAPI(simulate.AfricasTalkingAPIOptions{Apps: []simulate.AfricasTalking{simulate.DemoAfricasTalking()},
		Faults: []simulate.Fault{{To: "+254712345678", Contains: "poor", Code: 405}, {Contains: "sender", Code: 402}, {Contains: "gateway", Code: 501}, {Contains: "broken", HTTPStatus: 502},
			{Contains: "fast", HTTPStatus: 429, RetryAfter: 3 * time.Second}}})
	api := httptest.NewServer(a)
	defer api.Close()
	defer a.Close()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer client.Close()
	adapter := africastalking.New(africastalking.Options{BaseURL: api.URL, HTTP: client})
	send := func(to, text string, c hookswitch.Credentials) (hookswitch.Accepted, error) {
		return adapter.Send(t.Context(), &hookswitch.Outgoing{Ref: "msg_1", Route: &hookswitch.Route{Channel: hookswitch.SMS, Credentials: c},
			Message: &hookswitch.Message{Channel: hookswitch.SMS, Type: "text", To: to, Text: text}})
	}
	accepted, err := send("+254712345678", "Grüße & 👋", africasCredentials)
	if err != nil || len(a.Sent()) != 1 || accepted.ProviderID != a.Sent()[0].ID || !accepted.Sent {
		t.Fatalf("got %+v, %v; kept %+v", accepted, err, a.Sent())
	}
	if s := a.Sent()[0]; s.Text != "Grüße & 👋" || s.To != "254712345678" || s.Account != "21512" {
		t.Errorf("kept %+v", s)
	}
	a.OptOut("+254700000009")
	stranger := hookswitch.Credentials{"username": {"sandbox"}, "api_key": {"guessed"}}
	foreign := hookswitch.Credentials{"username": {"sandbox"}, "api_key": {"TEST-AT-API-KEY"}, "short_code": {"OTHER"}}
	for _, tt := range []struct {
		to, text           string
		c                  hookswitch.Credentials
		code               string
		temporary, unknown bool
	}{
		{"+254712345678", "poor", africasCredentials, "405", false, false},
		{"+254712345678", "sender", africasCredentials, "InvalidSenderId", false, false},
		{"+254712345678", "hi", foreign, "InvalidSenderId", false, false},
		{"+254712345678", "gateway", africasCredentials, "501", true, false},
		{"+254712345678", "broken", africasCredentials, "http_502", false, true},
		{"+254712345678", "too fast", africasCredentials, "http_429", true, false},
		{"+254700000009", "hi", africasCredentials, "406", false, false},
		{"+254712345678", "hi", stranger, "http_401", false, false},
	} {
		var e *hookswitch.SendError
		if _, err := send(tt.to, tt.text, tt.c); !errors.As(err, &e) || e.Code != tt.code || e.Temporary != tt.temporary || e.Unknown != tt.unknown {
			t.Errorf("%s: got %+v, want %+v", tt.text, err, tt)
		}
	}
	if n := len(a.Sent()); n != 1 {
		t.Errorf("%d messages taken, want one", n)
	}
}

func TestAfricasTalkingAPI_RefusesWhatIsOutOfShape(t *testing.T) {
	t.Parallel()
	a := simulate.NewAfricasTalkingAPI(simulate.AfricasTalkingAPIOptions{Apps: []simulate.AfricasTalking{simulate.DemoAfricasTalking()}})
	defer a.Close()
	call := func(method, path, kind, key, body string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("apiKey", key)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const form, key, good = "application/x-www-form-urlencoded", "TEST-AT-API-KEY", "username=sandbox&to=%2B254712345678&message=hi"
	for _, tt := range []struct {
		method, path, kind, key, body string
		want                          int
	}{
		{"POST", "/version1/messaging", form, key, good, 201},
		{"GET", "/version1/messaging", form, key, good, 405},
		{"POST", "/version1/sms", form, key, good, 404},
		{"POST", "/version1/messaging", "application/json", key, good, 415},
		{"POST", "/version1/messaging", form, "", good, 401},
		{"POST", "/version1/messaging", form, key, "username=other&to=%2B254712345678&message=hi", 401},
		{"POST", "/version1/messaging", form, key, "username=sandbox&to=&message=hi", 400},
		{"POST", "/version1/messaging", form, key, "username=sandbox&to=%2B254712345678", 400},
		{"POST", "/version1/messaging", form, key, "username=%zz", 400},
	} {
		if status, body := call(tt.method, tt.path, tt.kind, tt.key, tt.body); status != tt.want {
			t.Errorf("%+v: %d %s", tt, status, body)
		}
	}
	_, body := call("POST", "/version1/messaging", form, key, "username=sandbox&to=%2B254712345678,0712&message=hi")
	var answer struct {
		SMSMessageData struct {
			Message    string
			Recipients []struct {
				StatusCode        int
				Number, MessageID string
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.SMSMessageData.Recipients) != 2 || answer.SMSMessageData.Recipients[1].StatusCode != 403 ||
		!strings.HasPrefix(answer.SMSMessageData.Message, "Sent to 1/2") {
		t.Errorf("two recipients: %s, %v", body, err)
	}
}

// smsDoor keeps the statuses of the reports that it is told of, and answers as it is told to.
type smsDoor struct {
	status int
	mu     sync.Mutex
	told   []string
}

func (d *smsDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, r.URL.Path+" "+r.URL.Query().Get("apiKey")+" "+form.Get("status")+" "+form.Get("failureReason"))
	w.WriteHeader(d.status)
}

func TestAfricasTalkingAPI_ReportsOnceWhateverIsAnswered(t *testing.T) {
	t.Parallel()
	for status, lost := range map[int]int{200: 0, 500: 3} {
		synctest.Test(t, func(t *testing.T) {
			d := &smsDoor{status: status}
			a := simulate.NewAfricasTalkingAPI(simulate.AfricasTalkingAPIOptions{Apps: []simulate.AfricasTalking{simulate.DemoAfricasTalking()}, Callback: "http://gateway.test",
				Client: &http.Client{Transport: direct{d}}, Delay: time.Second, Faults: []simulate.Fault{{Contains: "black", FailCode: 406}}})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- a.Run(ctx) }()
			for _, text := range []string{"hi", "black"} {
				r := httptest.NewRequest("POST", "/version1/messaging", strings.NewReader(url.Values{"username": {"sandbox"}, "to": {"+254712345678"}, "message": {text}}.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("apiKey", "TEST-AT-API-KEY")
				a.ServeHTTP(httptest.NewRecorder(), r)
				if err := a.Settle(ctx); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			a.Close()
			const at = "/api/channels/sms at-cb-6b1d7c0f5e "
			if want := []string{at + "Sent ", at + "Success ", at + "Failed UserInBlackList"}; !slices.Equal(d.told, want) || a.Lost() != lost {
				t.Errorf("answering %d: told %q, lost %d; want %q, %d", status, d.told, a.Lost(), want, lost)
			}
		})
	}
}
