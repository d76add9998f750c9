package ingest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/x"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	xDoor   = "/api/channels/twitter"
	xSecret = "TEST-X-CONSUMER-SECRET-0001"
)

func xSender(name, secret, user string) service.SenderSpec {
	return service.SenderSpec{Name: name, Channel: hookswitch.X, Provider: "x",
		Credentials: hookswitch.Credentials{"consumer_secret": {secret}, "user_id": {user}}}
}

func newX() hookswitch.Provider { return x.New(x.Options{}) }

func TestDoors_TakeEveryRecordedRequestOfX(t *testing.T) {
	replayAll(t, recordings{
		provider: newX, dir: "../provider/x/testdata", least: 13,
		senders: []service.SenderSpec{xSender("main", xSecret, "4337869213"), xSender("second", xSecret, "2244994945")},
		both: func(name string) bool {
			return slices.Contains([]string{"crc_ok", "dm_read", "dm_text", "redelivery", "tweet_mention"}, name)
		},
	})
}

// pushX posts a body signed with the secret.
func (g *gateway) pushX(secret, body string) answer {
	g.t.Helper()
	return g.do(http.MethodPost, xDoor, []byte(body), map[string]string{"X-Twitter-Webhooks-Signature": xSignature(secret, body), "Content-Type": "application/json"})
}

func xSignature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func xMessage(account, from, id string) string {
	return fmt.Sprintf(`{"for_user_id":%q,"direct_message_events":[{"type":"message_create","id":%q,"created_timestamp":"1705314600123",`+
		`"message_create":{"sender_id":%q,"target":{"recipient_id":%q},"message_data":{"text":"hi"}}}]}`, account, id, from, account)
}

func TestDoors_ProveTheDoorToOneAppOfXOrTellWhichDoorToUse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, newX())
		app := g.app("acme")
		apply := func(specs ...service.SenderSpec) []service.AppliedSender {
			out, err := g.svc.ApplySenders(context.Background(), app.Key, specs)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		check := func(path string) answer { return g.do(http.MethodGet, path+"?crc_token=abc", nil, nil) }
		want := `{"response_token":"` + xSignature(xSecret, "abc") + `"}`
		one := apply(xSender("one", xSecret, "1"), xSender("two", xSecret, "2"))
		if a := check(xDoor); a.status != 200 || a.body != want {
			t.Errorf("two accounts of one app: %d %s, want %s", a.status, a.body, want)
		}
		other := apply(xSender("three", "ANOTHER-APP", "3"))
		if a := check(xDoor); a.status != 400 || !strings.Contains(a.body, "/in/{sender_id}") {
			t.Errorf("two apps: %d %s", a.status, a.body)
		}
		if a := check("/in/" + g.id(one[0].Sender)); a.status != 200 || a.body != want {
			t.Errorf("at a sender's own door: %d %s", a.status, a.body)
		}
		if a := check("/in/" + g.id(other[0].Sender)); a.status != 200 || a.body == want {
			t.Errorf("at the other's own door: %d %s", a.status, a.body)
		}
	})
}

func TestDoors_TakeAMessageBetweenTwoAccountsOfXForEach(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, newX())
		one, two := g.app("one"), g.app("two")
		for app, user := range map[*hookswitch.App]string{one: "1", two: "2"} {
			if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{xSender("x", xSecret, user)}); err != nil {
				t.Fatal(err)
			}
		}
		// 55 has written to both under one id, which X would not do; it tells each fact once for each account all the same.
		for _, account := range []string{"1", "2", "1"} {
			if a := g.pushX(xSecret, xMessage(account, "55", "900")); a.status != 200 {
				t.Fatalf("answered %d %s", a.status, a.body)
			}
		}
		if len(g.messages(one)) != 1 || len(g.messages(two)) != 1 || len(g.strays()) != 0 {
			t.Errorf("%d and %d messages, %d strays", len(g.messages(one)), len(g.messages(two)), len(g.strays()))
		}
	})
}

func TestDoors_AMarkOfXReadsAllThatWasSentBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, newX())
		app := g.app("acme")
		out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{xSender("x", xSecret, "1")})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
		id := func(at time.Time) string { return fmt.Sprint((at.UnixMilli() - 1288834974657) << 22) }
		for i := range 4 {
			sent := at.Add(time.Duration(i) * time.Minute)
			g.sentAs(app, out[0].Sender, id(sent.Add(time.Second)), "55", hookswitch.StatusSent, sent)
		}
		mark := fmt.Sprintf(`{"for_user_id":"1","direct_message_mark_read_events":[{"created_timestamp":"%d","sender_id":"55","last_read_event_id":%q}]}`,
			at.Add(time.Hour).UnixMilli(), id(at.Add(2*time.Minute+time.Second)))
		if a := g.pushX(xSecret, mark); a.status != 200 {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		var statuses []string
		for _, m := range g.messages(app) {
			statuses = append(statuses, string(m.Status))
		}
		if got := strings.Join(statuses, " "); got != "read read read sent" {
			t.Errorf("messages are %s", got)
		}
	})
}
