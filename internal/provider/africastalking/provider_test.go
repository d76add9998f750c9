package africastalking_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
)

const (
	key      = "at-cb-6b1d7c0f5e"
	smsDoor  = "https://gw.example.test/api/channels/sms?apiKey=" + key
	formType = "application/x-www-form-urlencoded"
)

var arrived = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, africastalking.New(africastalking.Options{}), providertest.Credentials(t, "testdata", "africastalking"), "testdata", providertest.BodyUnsigned())
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, africastalking.New(africastalking.Options{}), "testdata")
}

// FuzzVerify demands that a notification passes exactly when it shows the key in one of the places where it may.
func FuzzVerify(f *testing.F) {
	p := africastalking.New(africastalking.Options{})
	for _, seed := range [][3]string{{"apiKey=" + key, "", ""}, {"", key, ""}, {"", "", "Bearer " + key}, {"key=" + key + "&apiKey=x", "y", "Basic z"}, {"apiKey=%zz", "", "Bearer"},
		{"apikey=" + key, " " + key, "bearer  " + key}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, query, apiKey, authorization string) {
		push := &hookswitch.Push{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "gw.example.test", Path: "/api/channels/sms", RawQuery: query}, Header: http.Header{}}
		push.Header.Set("Apikey", apiKey)
		push.Header.Set("Authorization", authorization)
		values, _ := url.ParseQuery(query)
		shown := apiKey == key
		for _, v := range append(values["apiKey"], values["key"]...) {
			shown = shown || v == key
		}
		if len(authorization) > len("Bearer ") && strings.EqualFold(authorization[:len("Bearer ")], "Bearer ") {
			shown = shown || strings.TrimSpace(authorization[len("Bearer "):]) == key
		}
		err := p.Verify(push, hookswitch.Credentials{"callback_key": {key}})
		if err != nil && !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%v does not wrap ErrSignature", err)
		}
		if (err == nil) != shown {
			t.Errorf("query %q, apiKey %q, authorization %q: %v, want it to pass: %t", query, apiKey, authorization, err, shown)
		}
		if p.Verify(push, nil) == nil {
			t.Error("passes without credentials")
		}
	})
}

// notification is a push of the body to the URL.
func notification(t testing.TB, to, body string) *hookswitch.Push {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	kind := formType
	if strings.HasPrefix(body, "{") {
		kind = "application/json"
	}
	return &hookswitch.Push{Method: http.MethodPost, URL: u, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body), At: arrived}
}

// only is the one update that the push tells.
func only(t *testing.T, push *hookswitch.Push) hookswitch.Update {
	t.Helper()
	updates, err := africastalking.New(africastalking.Options{}).Parse(push)
	if err != nil || len(updates) != 1 {
		t.Fatalf("%s: %d updates, %v; want one", push.Body, len(updates), err)
	}
	return updates[0]
}

func TestVerify_TakesTheKeyWhereverItIsShown(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	own := hookswitch.Credentials{"callback_key": {key}, "api_key": {"the-account-key"}}
	for _, tt := range []struct {
		name, query, header, value string
		c                          hookswitch.Credentials
		want                       bool
	}{
		{"in the query", "?apiKey=" + key, "", "", own, true},
		{"in the query, by its short name", "?key=" + key, "", "", own, true},
		{"in a header", "", "apiKey", key, own, true},
		{"in another header", "", "X-Api-Key", key, own, true},
		{"as a bearer token", "", "Authorization", "Bearer " + key, own, true},
		{"beside a wrong one", "?apiKey=wrong", "apiKey", key, own, true},
		{"one of two", "?apiKey=" + key, "", "", hookswitch.Credentials{"callback_key": {"new", key}}, true},
		{"the account's, there being no other", "?apiKey=the-account-key", "", "", hookswitch.Credentials{"api_key": {"the-account-key"}}, true},
		{"the account's, beside one made for this", "?apiKey=the-account-key", "", "", own, true},
		{"the account's, in a header", "", "apiKey", "the-account-key", own, true},
		{"nowhere", "", "", "", own, false},
		{"empty", "?apiKey=", "apiKey", "", hookswitch.Credentials{"callback_key": {""}, "api_key": {""}}, false},
		{"half of it", "?apiKey=" + key[:8], "", "", own, false},
		{"as a password", "", "Authorization", "Basic " + key, own, false},
	} {
		push := notification(t, "https://gw.example.test/api/channels/sms"+tt.query, "text=x")
		if tt.header != "" {
			push.Header.Set(tt.header, tt.value)
		}
		err := p.Verify(push, tt.c)
		if (err == nil) != tt.want {
			t.Errorf("%s: %v, want it to pass: %t", tt.name, err, tt.want)
		}
		if err != nil && (!errors.Is(err, hookswitch.ErrSignature) || strings.Contains(err.Error(), key)) {
			t.Errorf("%s: %v does not wrap ErrSignature, or shows the key", tt.name, err)
		}
	}
}

func TestAccount_IsThatOfTheKeyInUse(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	one := p.Account(hookswitch.Credentials{"callback_key": {"0123456789abcdef"}, "api_key": {"x"}})
	rotating := p.Account(hookswitch.Credentials{"callback_key": {"0123456789abcdef", "new"}, "api_key": {"y"}})
	other := p.Account(hookswitch.Credentials{"api_key": {"x"}})
	if one != rotating || one == other || len(one) != 64 || other == "" {
		t.Errorf("accounts %q, %q with a second key, %q by the account's own", one, rotating, other)
	}
}

func TestAddress_IsWhatNotificationsName(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	c := hookswitch.Credentials{"short_code": {"21512"}, "service_code": {"*384*1234#"}, "phone_number": {"+254711082369"}}
	for ch, want := range map[hookswitch.Channel]string{hookswitch.SMS: "21512", hookswitch.USSD: "*384*1234#", hookswitch.Voice: "+254711082369", hookswitch.Email: ""} {
		if got := p.Address(ch, c, "+254700000000"); got != want {
			t.Errorf("on %s: %q, want %q", ch, got, want)
		}
	}
	if got := p.Address(hookswitch.SMS, nil, "+254700000000"); got != "+254700000000" {
		t.Errorf("without a short code: %q, want the number", got)
	}
}

func TestClaims_LeavesTwiliosPushesAlone(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	for body, want := range map[string]bool{
		"from=%2B254712345678&to=21512&text=hi&id=1": true,
		"id=1&status=Success&phoneNumber=%2B254":     true,
		`{"from":"+254712345678","text":"hi"}`:       true,
		`{"from":`:                                   true,
		"":                                           true,
		"MessageSid=SM1&Body=hi":                     false,
		"SmsSid=SM1&SmsStatus=delivered":             false,
		"CallSid=CA1":                                false,
		`{"MessageSid":"SM1"}`:                       false,
		"text=MessageSid%3DSM1":                      true,
	} {
		if got := p.Claims(notification(t, smsDoor, body)); got != want {
			t.Errorf("%s: %t, want %t", body, got, want)
		}
	}
	push := notification(t, smsDoor, "from=x&text=hi")
	push.Header.Set("X-Twilio-Signature", "x")
	if p.Claims(push) {
		t.Error("claims a push with Twilio's signature")
	}
}
