package ingest_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
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
		skip:    func(name string) bool { return strings.HasPrefix(name, "ussd_") },
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

// ussdFixture is a recorded request about a session, and the text of the hop before it.
type ussdFixture struct {
	fixture
	Setup struct {
		USSD []struct{ SessionID, Text string }
	}
	Expect struct {
		Status         int
		BodyPrefixAny  []string         `json:"body_prefix_any"`
		BodyNotContain []string         `json:"body_not_contains"`
		Normalized     []map[string]any `json:"normalized"`
		Events         []struct {
			Type string
			Data map[string]any
			Ext  map[string]any `json:"data_ext"`
		}
	}
}

func TestDoors_TakeEveryRecordedSessionOfAfricasTalking(t *testing.T) {
	names, err := filepath.Glob("../provider/africastalking/testdata/ussd_*.json")
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ".golden.json") })
	if err != nil || len(names) < 6 {
		t.Fatalf("%d recordings, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				var f ussdFixture
				if err := json.Unmarshal(data, &f); err != nil {
					t.Fatal(err)
				}
				replaySession(t, db, &f)
			})
		})
	}
}

func replaySession(t *testing.T, db *storetest.DB, f *ussdFixture) {
	g := newGateway(t, db, africastalking.New(africastalking.Options{}))
	app := g.app("acme")
	spec := africasTalking("ussd", hookswitch.USSD)
	spec.Responder = &hookswitch.ResponderConfig{Kind: "rules", Raw: []byte(`{"kind":"rules","greeting":"Welcome","fallback":"More?"}`)}
	if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec}); err != nil {
		t.Fatal(err)
	}
	g.endpoint(app)
	g.endpoint(app, hookswitch.EventMessageReceived)
	for _, before := range f.Setup.USSD {
		for _, text := range slices.Compact([]string{"", before.Text}) {
			form := url.Values{"sessionId": {before.SessionID}, "phoneNumber": {"+254711082300"}, "serviceCode": {"*384*1234#"}, "text": {text}}
			g.do(http.MethodPost, f.Path, []byte(form.Encode()), f.Headers)
		}
	}
	earlier := len(g.events(app))

	a := g.do(f.Method, f.Path, f.body(t), f.Headers)
	begins := func(p string) bool { return strings.HasPrefix(a.body, p) }
	if a.status != f.Expect.Status || len(f.Expect.BodyPrefixAny) > 0 && !slices.ContainsFunc(f.Expect.BodyPrefixAny, begins) {
		t.Errorf("answered %d %q", a.status, a.body)
	}
	if len(f.Expect.BodyPrefixAny) > 0 && !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("content type %s", a.header.Get("Content-Type"))
	}
	if len(f.Expect.BodyPrefixAny) == 0 && (begins("CON ") || begins("END ")) {
		t.Errorf("answered with the menu %q", a.body)
	}
	told := g.events(app)[earlier:]
	for _, want := range f.Expect.Events {
		i := slices.IndexFunc(told, func(e event) bool { return e.Type == want.Type })
		if i < 0 {
			t.Errorf("no %s among %v", want.Type, typesOf(told))
			continue
		}
		for _, data := range []map[string]any{want.Data, want.Ext} {
			if diff := subset(want.Type, data, told[i].Data); diff != "" {
				t.Error(diff)
			}
		}
	}
	received := slices.DeleteFunc(slices.Clone(told), func(e event) bool { return e.Type != hookswitch.EventMessageReceived })
	if len(received) != len(f.Expect.Normalized) || len(f.Expect.Events) == 0 && len(told) > 0 {
		t.Fatalf("told %v, want %d messages", typesOf(told), len(f.Expect.Normalized))
	}
	for i, want := range f.Expect.Normalized {
		delete(want, "metadata_ext")
		if diff := subset("data", want, received[i].Data); diff != "" {
			t.Error(diff)
		}
	}
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
