package ingest_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	callbackKey = "at-cb-6b1d7c0f5e"
	smsDoor     = "/api/channels/sms"
)

// africasTalking is a sender's entry for the channel, with other credentials added.
func africasTalking(name string, ch hookswitch.Channel, more ...string) service.SenderSpec {
	c := hookswitch.Credentials{"username": {"sandbox"}, "api_key": {"TEST-AT-API-KEY"}, "callback_key": {callbackKey}}
	for i := 0; i < len(more); i += 2 {
		c[more[i]] = []string{more[i+1]}
	}
	return service.SenderSpec{Name: name, Channel: ch, Provider: "africastalking", Credentials: c}
}

func TestDoors_TakeEveryRecordedRequestOfAfricasTalking(t *testing.T) {
	replayAll(t, recordings{
		provider: func() hookswitch.Provider { return africastalking.New(africastalking.Options{}) }, dir: "../provider/africastalking/testdata", least: 14,
		senders: []service.SenderSpec{africasTalking("sms", hookswitch.SMS), africasTalking("ussd", hookswitch.USSD)},
		both:    func(string) bool { return true },
	})
}

func TestDoors_TakeEveryRecordedRequestOfWebChat(t *testing.T) {
	replayAll(t, recordings{
		provider: func() hookswitch.Provider { return webchat.New() }, dir: "../provider/webchat/testdata", least: 7,
		senders: []service.SenderSpec{{Name: "chat", Channel: hookswitch.WebChat, Provider: "webchat", Credentials: hookswitch.Credentials{"token": {"wc-test-token-19af"}}}},
		both:    func(string) bool { return true },
	})
}

func TestDoors_TellTwoProvidersOfOneDoorApart(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t), africastalking.New(africastalking.Options{}), twilio.New(twilio.Options{}))
	app := g.app("acme")
	if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{africasTalking("here", hookswitch.SMS),
		{Name: "there", Channel: hookswitch.SMS, Provider: "twilio", Credentials: hookswitch.Credentials{"account_sid": {"AC1"}, "auth_token": {"token"}}}}); err != nil {
		t.Fatal(err)
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	a := g.do(http.MethodPost, smsDoor+"?apiKey="+callbackKey, []byte("from=%2B254712345678&to=21512&text=hi&id=at-1"), form)
	if a.status != http.StatusOK || g.count(ingest.Accepted) != 1 {
		t.Errorf("ours: answered %d %s", a.status, a.body)
	}
	// Twilio's requests are proved by Twilio's signature and by nothing else: not by a key that would do for us.
	wantRefusal(t, g.do(http.MethodPost, smsDoor+"?apiKey="+callbackKey, []byte("MessageSid=SM1&From=%2B1&To=%2B2&Body=hi"), form), http.StatusUnauthorized, "SIGNATURE_INVALID")
	signed := maps.Clone(form)
	signed["X-Twilio-Signature"] = "bm90IGdlbnVpbmU="
	wantRefusal(t, g.do(http.MethodPost, smsDoor+"?apiKey="+callbackKey, []byte("from=%2B254712345678&to=21512&text=hi&id=at-2"), signed), http.StatusUnauthorized, "SIGNATURE_INVALID")
	if n := len(g.messages(app)); n != 1 {
		t.Errorf("%d messages, want one", n)
	}
	if strings.Contains(g.log.String(), callbackKey) {
		t.Error("the log shows the key")
	}
}

func TestDoors_AReportFindsItsMessageAmongSeveralShortCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db, africastalking.New(africastalking.Options{}))
		app := g.app("acme")
		out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{
			africasTalking("first", hookswitch.SMS, "short_code", "21512"), africasTalking("second", hookswitch.SMS, "short_code", "ACME")})
		if err != nil {
			t.Fatal(err)
		}
		g.endpoint(app)
		g.sent(app, out[1].Sender, "ATXid_1", "+254711000111", now())
		form := url.Values{"id": {"ATXid_1"}, "status": {"Success"}, "phoneNumber": {"+254711000111"}, "networkCode": {"63902"}, "retryCount": {"0"}}
		a := g.do(http.MethodPost, smsDoor+"?apiKey="+callbackKey, []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
		if a.status != http.StatusOK || len(g.strays()) > 0 {
			t.Fatalf("answered %d %s, kept aside %+v", a.status, a.body, g.strays())
		}
		if m := g.messages(app)[0]; m.Status != hookswitch.StatusDelivered {
			t.Errorf("the message is %s", m.Status)
		}
		if got := typesOf(g.events(app)); !slices.Equal(got, []string{hookswitch.EventMessageDelivered}) {
			t.Errorf("events %v", got)
		}
	})
}

func TestDoors_AnEarlyReportWaitsWithTheRouteThatIsSending(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t), africastalking.New(africastalking.Options{}))
	app := g.app("acme")
	out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{
		africasTalking("first", hookswitch.SMS, "short_code", "21512"), africasTalking("second", hookswitch.SMS, "short_code", "ACME")})
	if err != nil {
		t.Fatal(err)
	}
	g.sent(app, out[1].Sender, "", "+254711000111", now()) // the provider's answer has not come yet
	for i, to := range []string{"+254711000111", "+254799999999"} {
		form := url.Values{"id": {"ATXid_1"}, "status": {"Success"}, "phoneNumber": {to}, "retryCount": {to}}
		a := g.do(http.MethodPost, smsDoor+"?apiKey="+callbackKey, []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
		if n := len(g.strays()); a.status != http.StatusOK || n != i {
			t.Errorf("%s: answered %d, %d kept aside, want %d", to, a.status, n, i)
		}
	}
}
