package twilio_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// numbers stands in for the resource of numbers.
type numbers struct {
	list    string
	status  int // of the change; 0: 200
	lookups []*safehttp.Request
	changes []*safehttp.Request
}

func (n *numbers) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	if r.Method == "GET" {
		n.lookups = append(n.lookups, r)
		return &safehttp.Response{Status: 200, Body: []byte(n.list)}, nil
	}
	n.changes = append(n.changes, r)
	switch n.status {
	case 0:
		return &safehttp.Response{Status: 200, Body: []byte(`{"sid":"PN1"}`)}, nil
	case 400:
		return &safehttp.Response{Status: 400, Body: []byte(`{"code":21502,"message":"SmsUrl is not valid","status":400}`)}, nil
	}
	return &safehttp.Response{Status: n.status, Body: []byte("<html>")}, nil
}

const (
	number = "+12028831111"
	listed = `{"incoming_phone_numbers":[{"sid":"PN1","phone_number":"` + number + `"}]}`
	door   = "https://gw.example.test/in/snd_1"
)

func routeOf(ch hookswitch.Channel, more ...string) *hookswitch.Route {
	c := hookswitch.Credentials{"account_sid": {"AC1"}, "auth_token": {"TEST-TOKEN"}}
	for _, name := range more {
		c[name] = []string{"MG1"}
	}
	return &hookswitch.Route{Channel: ch, Address: number, Credentials: c}
}

func TestRegister_EntersTheAddressAtTheNumber(t *testing.T) {
	t.Parallel()
	for ch, fields := range map[hookswitch.Channel][]string{
		hookswitch.SMS:   {"SmsUrl", "SmsFallbackUrl"},
		hookswitch.Voice: {"VoiceUrl", "VoiceFallbackUrl", "StatusCallback"},
	} {
		api := &numbers{list: listed}
		if err := twilio.New(twilio.Options{HTTP: api}).Register(t.Context(), routeOf(ch), door); err != nil {
			t.Fatalf("%s: %v", ch, err)
		}
		if got := api.lookups[0].URL.String(); got != "https://api.twilio.com/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json?PhoneNumber=%2B12028831111" {
			t.Errorf("looked up %s", got)
		}
		change := api.changes[0]
		form, err := url.ParseQuery(string(change.Body))
		if err != nil || change.URL.String() != "https://api.twilio.com/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json" {
			t.Errorf("%s: changed %s, %v", ch, change.URL, err)
		}
		for _, f := range fields {
			if form.Get(f) != door+"#rc=3&rp=all" {
				t.Errorf("%s: %s is %q", ch, f, form.Get(f))
			}
		}
		if form.Has("SmsUrl") && form.Has("VoiceUrl") {
			t.Errorf("%s: one channel changes the other: %v", ch, form)
		}
	}
}

func TestRegister_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	noNumber := routeOf(hookswitch.SMS)
	noNumber.Address = "Acme"
	noToken := routeOf(hookswitch.SMS)
	delete(noToken.Credentials, "auth_token")
	for name, tt := range map[string]struct {
		r    *hookswitch.Route
		api  numbers
		kind hookswitch.ErrorKind
		said string
	}{
		"WhatsApp":            {routeOf(hookswitch.WhatsApp), numbers{}, hookswitch.Unsupported, "whatsapp"},
		"a messaging service": {routeOf(hookswitch.SMS, "messaging_service_sid"), numbers{}, hookswitch.Unsupported, "messaging service"},
		"a name":              {noNumber, numbers{}, hookswitch.Unsupported, "phone number"},
		"no token":            {noToken, numbers{}, hookswitch.Invalid, "auth_token"},
		"another's number":    {routeOf(hookswitch.SMS), numbers{list: `{"incoming_phone_numbers":[]}`}, hookswitch.Invalid, number},
		"garbage":             {routeOf(hookswitch.SMS), numbers{list: `<html>`}, hookswitch.Invalid, number},
		"a bad address":       {routeOf(hookswitch.SMS), numbers{list: listed, status: 400}, hookswitch.Invalid, "SmsUrl is not valid"},
		"too much":            {routeOf(hookswitch.SMS), numbers{list: listed, status: 429}, hookswitch.Unavailable, "try again"},
		"a proxy":             {routeOf(hookswitch.SMS), numbers{list: listed, status: 502}, hookswitch.Unavailable, "try again"},
	} {
		p := twilio.New(twilio.Options{HTTP: &tt.api})
		err := p.Register(t.Context(), tt.r, door)
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.said) || strings.Contains(err.Error(), "TEST-TOKEN") {
			t.Errorf("%s: got %v", name, err)
		}
		if steps := strings.Join(p.Steps(tt.r, door, false), "\n"); !strings.Contains(steps, door+"#rc=3&rp=all") {
			t.Errorf("%s: steps %s", name, steps)
		}
	}
}
