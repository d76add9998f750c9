package telegram_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const doorURL = "https://gw.example.test/api/v1/channels/telegram/webhook"

func register(t *testing.T, a *providertest.API, c hookswitch.Credentials) error {
	t.Helper()
	err := telegram.New(telegram.Options{HTTP: a}).Register(t.Context(), &hookswitch.Route{Channel: hookswitch.Telegram, Credentials: c}, doorURL)
	if err != nil && strings.Contains(err.Error(), "TEST-BOT-TOKEN") {
		t.Errorf("the error shows the token: %v", err)
	}
	return err
}

func TestRegister_SetsTheWebhook(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 200, Body: `{"ok":true,"result":true,"description":"Webhook was set"}`}
	if err := register(t, a, hookswitch.Credentials{"bot_token": {botToken}, "secret_token": {"new", "old"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := a.Got.Method+" "+a.Got.URL.String(), "POST https://api.telegram.org/bot"+botToken+"/setWebhook"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const want = `{"url":"` + doorURL + `","secret_token":"new","allowed_updates":["message","edited_message","callback_query","my_chat_member"],"max_connections":40}`
	if got := string(a.Got.Body); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
}

func TestRegister_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	full := hookswitch.Credentials{"bot_token": {botToken}, "secret_token": {"s"}}
	tests := []struct {
		name string
		api  providertest.API
		c    hookswitch.Credentials
		kind hookswitch.ErrorKind
		said string
		wait time.Duration
	}{
		{"no secret", providertest.API{}, hookswitch.Credentials{"bot_token": {botToken}}, hookswitch.Invalid, "secret_token", 0},
		{"no bot", providertest.API{}, hookswitch.Credentials{"secret_token": {"s"}}, hookswitch.Invalid, "bot_token", 0},
		{"a bad address", providertest.API{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: bad webhook: An HTTPS URL must be provided for webhook"}`},
			full, hookswitch.Invalid, "An HTTPS URL must be provided", 0},
		{"a wrong token", providertest.API{Status: 401, Body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`}, full, hookswitch.Invalid, "Unauthorized", 0},
		{"too much", providertest.API{Status: 429, Body: `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":3}}`},
			full, hookswitch.Unavailable, "Too Many Requests", 3 * time.Second},
		{"no answer", providertest.API{Err: errors.New("cut off")}, full, hookswitch.Unavailable, "try again", 0},
		{"no connection", providertest.API{Err: &safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("x")}}, full, hookswitch.Unavailable, "refused the connection", 0},
		{"a proxy", providertest.API{Status: http.StatusBadGateway, Body: "<html>"}, full, hookswitch.Unavailable, "try again", 0},
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
	connect := func(a *providertest.API, token string) (hookswitch.ConnectedAccount, error) {
		return telegram.New(telegram.Options{HTTP: a}).Connect(t.Context(), hookswitch.Telegram, hookswitch.Credentials{"bot_token": {token}})
	}
	a := &providertest.API{Status: 200, Body: `{"ok":true,"result":{"id":110201543,"is_bot":true,"first_name":"Ada","username":"ada_bot"}}`}
	if got, err := connect(a, botToken); err != nil || got != (hookswitch.ConnectedAccount{Channel: hookswitch.Telegram, ID: "110201543", Name: "ada_bot"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, want := a.Got.Method+" "+a.Got.URL.String(), "POST https://api.telegram.org/bot"+botToken+"/getMe"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, token := range []string{"", "x", "1 2:y", "12:y z", "12"} {
		a := &providertest.API{}
		if _, err := connect(a, token); hookswitch.KindOf(err) != hookswitch.Invalid || a.Got != nil {
			t.Errorf("%q: %v, and Telegram is asked: %v", token, err, a.Got != nil)
		}
	}
	if _, err := connect(&providertest.API{Status: 401, Body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`}, botToken); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("a revoked token: %v", err)
	}
	if _, err := connect(&providertest.API{Err: errors.New("cut off")}, botToken); hookswitch.KindOf(err) != hookswitch.Unavailable {
		t.Errorf("no answer: %v", err)
	}
}
