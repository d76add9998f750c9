package twilio_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, twilio.New(twilio.Options{}), providertest.Credentials(t, "testdata", "twilio"), "testdata")
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, twilio.New(twilio.Options{}), "testdata")
}

func TestAccount_NamesTheFirstTokenWithoutShowingIt(t *testing.T) {
	t.Parallel()
	p := twilio.New(twilio.Options{})
	one := p.Account(hookswitch.Credentials{"auth_token": {"0123456789abcdef"}, "account_sid": {"AC1"}})
	rotating := p.Account(hookswitch.Credentials{"auth_token": {"0123456789abcdef", "fedcba9876543210"}})
	other := p.Account(hookswitch.Credentials{"auth_token": {"fedcba9876543210"}})
	if one != rotating || one == other || len(one) != 64 || strings.Contains(one, "0123456789abcdef") {
		t.Errorf("accounts %q, %q with a second token, %q of another", one, rotating, other)
	}
}

func TestAddress_IsTheNumberThatPushesName(t *testing.T) {
	t.Parallel()
	p := twilio.New(twilio.Options{})
	for _, tt := range []struct{ from, phone, want string }{
		{"", "+15551234567", "+15551234567"},
		{"12345", "+15551234567", "12345"},
		{"ACME", "", "ACME"},
		{"whatsapp:+14155238886", "", "+14155238886"},
		{"", "", ""},
	} {
		c := hookswitch.Credentials{"messaging_service_sid": {"MG1"}}
		if tt.from != "" {
			c["from"] = []string{tt.from}
		}
		for _, ch := range []hookswitch.Channel{hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Voice} {
			if got := p.Address(ch, c, tt.phone); got != tt.want {
				t.Errorf("from %q, phone %q on %s: %q, want %q", tt.from, tt.phone, ch, got, tt.want)
			}
		}
	}
}

func TestClaims_TellsTwiliosPushesFromOthersOnTheSameDoor(t *testing.T) {
	t.Parallel()
	p := twilio.New(twilio.Options{})
	for _, tt := range []struct {
		name, contentType, body, signature string
		want                               bool
	}{
		{"signed", formType, "from=%2B1&text=hi", "x", true},
		{"a message without a signature", formType, "MessageSid=SM1&Body=hi", "", true},
		{"an old name of the id", formType, "SmsSid=SM1", "", true},
		{"a call", formType, "CallSid=CA1", "", true},
		{"another provider's message", formType, "from=%2B254712345678&to=12345&text=hi&id=at-1", "", false},
		{"another provider's report", formType, "id=at-1&status=Success&phoneNumber=%2B1", "", false},
		{"another provider's JSON", "application/json", `{"from":"+1","MessageSid":"no"}`, "", false},
		{"JSON, signed", "application/json", `[]`, "x", true},
		{"nothing", "", "", "", false},
	} {
		push := request(t, "https://gw.example.test/api/channels/sms", tt.body, tt.signature)
		push.Header.Set("Content-Type", tt.contentType)
		if tt.signature == "" {
			push.Header.Del("X-Twilio-Signature")
		}
		if got := p.Claims(push); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func TestAck_IsNeverAPlainText(t *testing.T) {
	t.Parallel()
	p := twilio.New(twilio.Options{})
	for name, tt := range map[string]struct {
		address, body string
		empty         bool
	}{
		"message":             {"/api/channels/sms", "MessageSid=SM1&From=%2B1&Body=hi", false},
		"report":              {"/in/snd_1/sms?ref=msg_1", "MessageSid=SM1&MessageStatus=sent", false},
		"call":                {"/api/v1/voice/inbound", "CallSid=CA1&CallStatus=ringing", false},
		"call report":         {"/api/v1/voice/status", "CallSid=CA1&CallStatus=ringing", true},
		"call report, slash":  {"/api/v1/voice/status/", "CallSid=CA1&CallStatus=ringing", true},
		"call report, by tag": {"/in/snd_1/voice", "CallSid=CA1&CallStatus=ringing&CallbackSource=call-progress-events", true},
		"call that is over":   {"/in/snd_1/voice", "CallSid=CA1&CallStatus=completed", true},
		"not readable":        {"/api/channels/sms", "%", false},
	} {
		a := p.Ack(request(t, "https://gw.example.test"+tt.address, tt.body, ""))
		switch {
		case a.Status != http.StatusOK:
			t.Errorf("%s: status %d", name, a.Status)
		case tt.empty && len(a.Body) > 0:
			t.Errorf("%s: body %s", name, a.Body)
		case !tt.empty && (!strings.HasPrefix(a.ContentType, "text/xml") || !strings.HasSuffix(string(a.Body), "<Response/>")):
			t.Errorf("%s: %s %s", name, a.ContentType, a.Body)
		}
	}
}

// parse reads a push with the parameters.
func parse(t *testing.T, address string, parameters url.Values) []hookswitch.Update {
	t.Helper()
	updates, err := twilio.New(twilio.Options{}).Parse(request(t, "https://gw.example.test"+address, parameters.Encode(), ""))
	if err != nil {
		t.Fatal(err)
	}
	return updates
}
