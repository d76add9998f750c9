package telegram_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const doorURL = "https://gw.example.test/api/v1/channels/telegram/webhook"

func register(t *testing.T, a *botAPI, c hookswitch.Credentials) error {
	t.Helper()
	err := telegram.New(telegram.Options{HTTP: a}).Register(t.Context(), &hookswitch.Route{Channel: hookswitch.Telegram, Credentials: c}, doorURL)
	if err != nil && strings.Contains(err.Error(), "TEST-BOT-TOKEN") {
		t.Errorf("the error shows the token: %v", err)
	}
	return err
}

func TestRegister_SetsTheWebhook(t *testing.T) {
	t.Parallel()
	a := &botAPI{status: 200, body: `{"ok":true,"result":true,"description":"Webhook was set"}`}
	if err := register(t, a, hookswitch.Credentials{"bot_token": {botToken}, "secret_token": {"new", "old"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := a.got.Method+" "+a.got.URL.String(), "POST https://api.telegram.org/bot"+botToken+"/setWebhook"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const want = `{"url":"` + doorURL + `","secret_token":"new","allowed_updates":["message","edited_message","callback_query","my_chat_member"],"max_connections":40}`
	if got := string(a.got.Body); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
}

func TestRegister_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	full := hookswitch.Credentials{"bot_token": {botToken}, "secret_token": {"s"}}
	tests := []struct {
		name string
		api  botAPI
		c    hookswitch.Credentials
		kind hookswitch.ErrorKind
		said string
		wait time.Duration
	}{
		{"no secret", botAPI{}, hookswitch.Credentials{"bot_token": {botToken}}, hookswitch.Invalid, "secret_token", 0},
		{"no bot", botAPI{}, hookswitch.Credentials{"secret_token": {"s"}}, hookswitch.Invalid, "bot_token", 0},
		{"a bad address", botAPI{status: 400, body: `{"ok":false,"error_code":400,"description":"Bad Request: bad webhook: An HTTPS URL must be provided for webhook"}`},
			full, hookswitch.Invalid, "An HTTPS URL must be provided", 0},
		{"a wrong token", botAPI{status: 401, body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`}, full, hookswitch.Invalid, "Unauthorized", 0},
		{"too much", botAPI{status: 429, body: `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":3}}`},
			full, hookswitch.Unavailable, "Too Many Requests", 3 * time.Second},
		{"no answer", botAPI{err: errors.New("cut off")}, full, hookswitch.Unavailable, "try again", 0},
		{"no connection", botAPI{err: &safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("x")}}, full, hookswitch.Unavailable, "refused the connection", 0},
		{"a proxy", botAPI{status: http.StatusBadGateway, body: "<html>"}, full, hookswitch.Unavailable, "try again", 0},
	}
	for _, tt := range tests {
		err := register(t, &tt.api, tt.c)
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.said) || e.RetryAfter != tt.wait {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestConnect_ChecksTheTokenWithTelegram(t *testing.T) {
	t.Parallel()
	connect := func(a *botAPI, token string) (hookswitch.ConnectedAccount, error) {
		return telegram.New(telegram.Options{HTTP: a}).Connect(t.Context(), hookswitch.Telegram, hookswitch.Credentials{"bot_token": {token}})
	}
	a := &botAPI{status: 200, body: `{"ok":true,"result":{"id":110201543,"is_bot":true,"first_name":"Ada","username":"ada_bot"}}`}
	if got, err := connect(a, botToken); err != nil || got != (hookswitch.ConnectedAccount{Channel: hookswitch.Telegram, ID: "110201543", Name: "ada_bot"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, want := a.got.Method+" "+a.got.URL.String(), "POST https://api.telegram.org/bot"+botToken+"/getMe"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, token := range []string{"", "x", "1 2:y", "12:y z", "12"} {
		a := &botAPI{}
		if _, err := connect(a, token); hookswitch.KindOf(err) != hookswitch.Invalid || a.got != nil {
			t.Errorf("%q: %v, and Telegram is asked: %v", token, err, a.got != nil)
		}
	}
	if _, err := connect(&botAPI{status: 401, body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`}, botToken); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("a revoked token: %v", err)
	}
	if _, err := connect(&botAPI{err: errors.New("cut off")}, botToken); hookswitch.KindOf(err) != hookswitch.Unavailable {
		t.Errorf("no answer: %v", err)
	}
}
