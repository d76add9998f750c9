package email_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
)

const door = "https://gw.example.test/in/snd_1/email"

func TestRegister_TellsPostmarkTheAddressWithItsPassword(t *testing.T) {
	t.Parallel()
	r := &hookswitch.Route{Channel: hookswitch.Email, Credentials: hookswitch.Credentials{"server_token": {"TEST-TOKEN"}, "basic_user": {"hook"}, "basic_pass": {"p@ss"}}}
	a := &api{status: 200, body: `{"ID":1}`}
	p := email.Postmark(email.Options{HTTP: a})
	if err := p.Register(t.Context(), r, door); err != nil {
		t.Fatal(err)
	}
	call := a.calls[0]
	if got := call.Method + " " + call.URL.String() + " " + string(call.Body); got != `PUT https://api.postmarkapp.com/server {"InboundHookUrl":"https://hook:p%40ss@gw.example.test/in/snd_1/email"}` {
		t.Errorf("got %s", got)
	}
	for name, tt := range map[string]struct {
		api  api
		kind hookswitch.ErrorKind
		said string
	}{
		"a bad address": {api{status: 422, body: `{"ErrorCode":606,"Message":"Invalid webhook URL"}`}, hookswitch.Invalid, "Invalid webhook URL"},
		"a wrong token": {api{status: 401, body: `{"ErrorCode":10,"Message":"No Account or Server API tokens"}`}, hookswitch.Invalid, "API tokens"},
		"too much":      {api{status: http.StatusTooManyRequests}, hookswitch.Unavailable, "try again"},
		"no answer":     {api{err: errors.New("cut off")}, hookswitch.Unavailable, "try again"},
	} {
		err := email.Postmark(email.Options{HTTP: &tt.api}).Register(t.Context(), r, door)
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.said) || strings.Contains(err.Error(), "p@ss") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, missing := range []string{"server_token", "basic_pass"} {
		c := hookswitch.Credentials{"server_token": {"T"}, "basic_user": {"hook"}, "basic_pass": {"p"}}
		delete(c, missing)
		if err := p.Register(t.Context(), &hookswitch.Route{Credentials: c}, door); hookswitch.KindOf(err) != hookswitch.Invalid || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

func TestSteps_ExplainWhatNoCallDoes(t *testing.T) {
	t.Parallel()
	for _, p := range []*email.Provider{email.Postmark(email.Options{}), email.SendGrid(email.Options{}), email.Mailgun(email.Options{}), email.Resend(email.Options{})} {
		r := &hookswitch.Route{Channel: hookswitch.Email, Credentials: hookswitch.Credentials{"address": {"a@example.com"}, "basic_user": {"hook"}, "basic_pass": {"SECRET"}}}
		steps := strings.Join(p.Steps(r, door, false), "\n")
		if !strings.Contains(steps, "gw.example.test/in/snd_1/email") || strings.Contains(steps, "SECRET") {
			t.Errorf("%s: %s", p.Name(), steps)
		}
		if err := p.Register(t.Context(), r, door); p.Name() != "postmark" && hookswitch.KindOf(err) != hookswitch.Unsupported {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
}
