package zavu_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// wire brings calls to the stand-in of the Bot API without a network. The world's server is not at an https address, which Telegram would insist on.
type wire struct {
	api  http.Handler
	down bool
}

func (w *wire) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	if w.down {
		return nil, &safehttp.Error{Code: safehttp.CodeConnectionRefused}
	}
	body := bytes.Replace(r.Body, []byte(`"http://`), []byte(`"https://`), 1)
	rec, req := httptest.NewRecorder(), httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	for _, f := range r.Header {
		req.Header.Add(f.Name, f.Value)
	}
	w.api.ServeHTTP(rec, req)
	return &safehttp.Response{Status: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}, nil
}

// Section 2.2: POST and DELETE /v1/senders/{id}/telegram.
func TestTelegram_ABotIsConnectedAndDisconnected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		bot, second := simulate.DemoTelegram(), simulate.Telegram{BotToken: "220:SECOND-TOKEN", Username: "second_bot"}
		bots := simulate.NewBotAPI(simulate.BotAPIOptions{Bots: []simulate.Telegram{bot, second}})
		line := &wire{api: bots}
		a := newAPIOf(servicetest.New(t, db, func(o *servicetest.Options) {
			o.Providers = append(o.Providers, telegram.New(telegram.Options{HTTP: line}))
		}))
		id := a.sender(`{"name":"Support"}`)
		path := "/senders/" + id + "/telegram"
		connect := func(token string) *answer { return a.do("POST", path, `{"botToken":"`+token+`"}`) }
		channels := func() any { return a.do("GET", "/senders/"+id, "").is(200).json()["channels"] }

		for _, token := range []string{"", "no token", "12 :x", "110201543:WRONG"} {
			if d := connect(token).fails(400, "invalid_request"); d["fields"].(object)["botToken"] == nil {
				t.Errorf("%q: %v", token, d)
			}
		}
		line.down = true
		if an := connect(bot.BotToken.Reveal()); an.status < 500 {
			t.Errorf("while Telegram cannot be reached: %d %s", an.status, an.body)
		}
		line.down = false
		if diff := cmp.Diff([]any{}, channels()); diff != "" {
			t.Errorf("what was refused left a channel: %s", diff)
		}

		an := connect(bot.BotToken.Reveal()).is(200)
		if strings.Contains(an.body, "TEST-BOT-TOKEN") {
			t.Error("the answer shows the token")
		}
		if diff := cmp.Diff(object{"telegram": object{"connected": true, "botId": "110201543", "botUsername": bot.Username}}, an.json()); diff != "" {
			t.Error(diff)
		}
		hook := bots.Webhook(bot.BotToken)
		if hook.URL != strings.Replace(servicetest.PublicURL, "http:", "https:", 1)+"/in/"+id+"/telegram" || len(hook.Secret) < 20 {
			t.Errorf("Telegram was told %+v", hook)
		}
		if diff := cmp.Diff([]any{"telegram"}, channels()); diff != "" {
			t.Error(diff)
		}
		accounts := servicetest.Must(a.Service.Accounts(t.Context(), "telegram", 0, ""))(t)
		if len(accounts) != 1 || accounts[0].Credentials.First("secret_token") != hook.Secret {
			t.Errorf("a push that bears what Telegram was told would not be taken: %d accounts", len(accounts))
		}

		connect(bot.BotToken.Reveal()).is(200)
		if again := bots.Webhook(bot.BotToken); again.Secret != hook.Secret {
			t.Error("connecting again changes the secret")
		}
		other := a.sender(`{"name":"Other"}`)
		a.do("POST", "/senders/"+other+"/telegram", `{"botToken":"`+bot.BotToken.Reveal()+`"}`).fails(400, "invalid_request")
		a.project("Rival").do("POST", path, `{"botToken":"220:SECOND-TOKEN"}`).fails(404, "not_found")
		a.project("Rival").do("DELETE", path, "").fails(404, "not_found")

		connect("220:SECOND-TOKEN").is(200)
		if routes := servicetest.Must(a.Service.Sender(t.Context(), a.app.Key, id))(t).Routes; len(routes) != 1 || routes[0].Address != "220" {
			t.Errorf("a second bot takes the place of the first: %+v", routes)
		}
		if got := a.do("DELETE", path, "").is(204); got.body != "" {
			t.Errorf("body %q", got.body)
		}
		if diff := cmp.Diff(simulate.Webhook{}, bots.Webhook("220:SECOND-TOKEN")); diff != "" {
			t.Errorf("Telegram still pushes: %s", diff)
		}
		if diff := cmp.Diff([]any{}, channels()); diff != "" {
			t.Error(diff)
		}
		a.do("DELETE", path, "").is(204)
	})
}
