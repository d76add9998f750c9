package ingest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	telegramDoor   = "/api/v1/channels/telegram/webhook"
	telegramSecret = "tg_Webhook-Secret_7Qd2"
)

func telegramSender(name, bot, secret string) service.SenderSpec {
	return service.SenderSpec{Name: name, Channel: hookswitch.Telegram, Provider: "telegram",
		Credentials: hookswitch.Credentials{"bot_token": {bot}, "secret_token": {secret}}}
}

func newTelegram() hookswitch.Provider { return telegram.New(telegram.Options{}) }

func TestDoors_TakeEveryRecordedRequestOfTelegram(t *testing.T) {
	replayAll(t, recordings{
		provider: newTelegram, dir: "../provider/telegram/testdata", least: 18,
		senders: []service.SenderSpec{
			telegramSender("main", "110201543:TEST-BOT-TOKEN", telegramSecret),
			telegramSender("second", "110201544:TEST-BOT-TOKEN", "another_secret"),
		},
		both: func(name string) bool {
			return slices.Contains([]string{"callback_query", "contact", "edited_message", "my_chat_member_blocked", "redelivery", "wrong_secret"}, name)
		},
	})
}

// pushTelegram posts one update with the secret.
func (g *gateway) pushTelegram(secret, update string) answer {
	g.t.Helper()
	return g.do(http.MethodPost, telegramDoor, []byte(update), map[string]string{"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"})
}

func TestDoors_TellBotsApartByTheirSecretsAndCountUpdatesOfEach(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, newTelegram())
		one, two := g.app("one"), g.app("two")
		for app, spec := range map[*hookswitch.App]service.SenderSpec{one: telegramSender("bot", "1:a", "secret_of_one"), two: telegramSender("bot", "2:b", "secret_of_two")} {
			if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec}); err != nil {
				t.Fatal(err)
			}
		}
		update := func(message int) string {
			return fmt.Sprintf(`{"update_id":7,"message":{"message_id":%d,"from":{"id":77,"first_name":"Ada"},"chat":{"id":77,"type":"private"},"date":1705314600,"text":"hi"}}`, message)
		}
		// Bots have numbers of their own for updates and for messages: the same ones mean other things.
		for _, secret := range []string{"secret_of_one", "secret_of_two", "secret_of_one"} {
			if a := g.pushTelegram(secret, update(5)); a.status != 200 || a.body != "" {
				t.Fatalf("answered %d %s", a.status, a.body)
			}
		}
		if len(g.messages(one)) != 1 || len(g.messages(two)) != 1 || g.count(ingest.Duplicate) != 1 {
			t.Errorf("%d and %d messages, %d duplicates", len(g.messages(one)), len(g.messages(two)), g.count(ingest.Duplicate))
		}
		wantRefusal(t, g.pushTelegram("secret_of_three", update(6)), http.StatusUnauthorized, "SIGNATURE_INVALID")
		// The same bot cannot be in two places.
		_, err := g.svc.ApplySenders(context.Background(), two.Key, []service.SenderSpec{telegramSender("thief", "1:a", "secret_of_one")})
		if hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("a bot was set up twice: %v", err)
		}
	})
}

func TestDoors_AnswerAPressedButtonEachTimeItIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, newTelegram())
		app := g.app("acme")
		if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{telegramSender("bot", "1:a", telegramSecret)}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a := g.pushTelegram(telegramSecret, `{"update_id":8,"callback_query":{"id":"4382","from":{"id":77,"first_name":"Ada"},"data":"yes"}}`)
			if a.status != 200 || a.body != `{"method":"answerCallbackQuery","callback_query_id":"4382"}` || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		}
		if n := len(g.messages(app)); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
}
