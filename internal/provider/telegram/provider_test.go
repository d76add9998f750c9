package telegram_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
)

const header = "X-Telegram-Bot-Api-Secret-Token"

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, telegram.New(telegram.Options{}), providertest.Credentials(t, "testdata", "telegram"), "testdata", providertest.BodyUnsigned())
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, telegram.New(telegram.Options{}), "testdata")
}

func FuzzVerify(f *testing.F) {
	providertest.FuzzVerify(f, telegram.New(telegram.Options{}), providertest.Credentials(f, "testdata", "telegram"), "testdata", header,
		providertest.BodyUnsigned())
}

func verify(c hookswitch.Credentials, tokens ...string) error {
	push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"update_id":1}`)}
	for _, v := range tokens {
		push.Header.Add(header, v)
	}
	return telegram.New(telegram.Options{}).Verify(push, c)
}

func TestVerify_TakesTheSecretAndNothingLikeIt(t *testing.T) {
	t.Parallel()
	const secret = "tg_Webhook-Secret_7Qd2"
	c := hookswitch.Credentials{"secret_token": {secret}}
	if err := verify(c, secret); err != nil {
		t.Fatalf("the right secret: %v", err)
	}
	for name, headers := range map[string][]string{
		"none":                {},
		"empty":               {""},
		"a prefix":            {secret[:len(secret)-1]},
		"longer":              {secret + "2"},
		"other case":          {strings.ToUpper(secret)},
		"a space":             {" " + secret},
		"two, the first good": {secret, "other"},
		"twice":               {secret, secret},
	} {
		if err := verify(c, headers...); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	for i := range len(secret) {
		changed := []byte(secret)
		changed[i] ^= 1
		if verify(c, string(changed)) == nil {
			t.Errorf("passes with byte %d changed", i)
		}
	}
}

func TestVerify_TakesAnyOfTheSecretsWhileOneIsChanged(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{"old", "new"}, {"new", "old"}, {"", "old"}} {
		if err := verify(hookswitch.Credentials{"secret_token": secrets}, "old"); err != nil {
			t.Errorf("with %d secrets: %v", len(secrets), err)
		}
	}
	if err := verify(hookswitch.Credentials{"secret_token": {""}}, ""); !errors.Is(err, hookswitch.ErrSignature) {
		t.Errorf("with an empty secret: %v, want a refusal", err)
	}
}

func TestAddress_IsTheBotAndAccountTheSecret(t *testing.T) {
	t.Parallel()
	p := telegram.New(telegram.Options{})
	for token, want := range map[string]string{"110201543:AAHdq": "110201543", "110201543": "", "x1:AAHdq": "", "": "", ":a": ""} {
		if got := p.Address(hookswitch.Telegram, hookswitch.Credentials{"bot_token": {token}}, ""); got != want {
			t.Errorf("%q: address %q, want %q", token, got, want)
		}
	}
	one := p.Account(hookswitch.Credentials{"secret_token": {"secret-of-one"}})
	rotating := p.Account(hookswitch.Credentials{"secret_token": {"secret-of-one", "next"}, "bot_token": {"1:a"}})
	if other := p.Account(hookswitch.Credentials{"secret_token": {"other"}}); one != rotating || one == other || len(one) != 64 {
		t.Errorf("accounts %q, %q with a second secret, %q of another", one, rotating, other)
	}
}

func TestAck_EndsTheWaitingOfAPressedButton(t *testing.T) {
	t.Parallel()
	p := telegram.New(telegram.Options{})
	ack := func(body string) hookswitch.Answer { return p.Ack(&hookswitch.Push{Body: []byte(body)}) }
	a := ack(`{"update_id":1,"callback_query":{"id":"4382bfdwdsb323b2d9","data":"{\"method\":\"deleteWebhook\"}"}}`)
	if want := `{"method":"answerCallbackQuery","callback_query_id":"4382bfdwdsb323b2d9"}`; a.Status != 200 || a.ContentType != "application/json" || string(a.Body) != want {
		t.Errorf("answer %d %s %s, want %s", a.Status, a.ContentType, a.Body, want)
	}
	// Whatever is answered in JSON with a method is a call in the bot's name, so nothing a stranger writes may get there.
	for _, body := range []string{
		`{"update_id":1,"message":{"text":"{\"method\":\"deleteWebhook\"}"}}`,
		`{"update_id":1,"callback_query":{"id":"1\",\"method\":\"deleteWebhook"}}`,
		`{"update_id":1,"callback_query":{"id":"` + strings.Repeat("1", 65) + `"}}`,
		`{"update_id":1,"callback_query":{"id":{"method":"deleteWebhook"}}}`,
		`{"update_id":1,"callback_query":[]}`,
		`{`, ``, `null`,
	} {
		if a := ack(body); a.Status != 200 || len(a.Body) > 0 {
			t.Errorf("%s is answered %d %s", body, a.Status, a.Body)
		}
	}
}
