package ingest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	twilioToken  = "test-twilio-auth-token-00000001"
	twilioDoor   = "/api/channels/sms"
	twilioNumber = "+12028831111"
)

// twilioSenders are a sender that is reached over Twilio by SMS, WhatsApp and telephone, and a second with the same account and another number.
func twilioSenders() []service.SenderSpec {
	spec := func(name string, ch hookswitch.Channel, number string) service.SenderSpec {
		return service.SenderSpec{Name: name, Channel: ch, Provider: "twilio",
			Credentials: hookswitch.Credentials{"account_sid": {"AC0000000000000000000000000000beef"}, "auth_token": {twilioToken}, "from": {number}}}
	}
	return []service.SenderSpec{
		spec("main", hookswitch.SMS, twilioNumber), spec("main", hookswitch.WhatsApp, "+14155238886"), spec("main", hookswitch.Voice, twilioNumber),
		spec("second", hookswitch.SMS, "+15550001111"),
	}
}

func twilioGateway(t *testing.T, db *storetest.DB) (*gateway, *hookswitch.App, *hookswitch.Sender) {
	t.Helper()
	g := newGateway(t, db, twilio.New(twilio.Options{}))
	app := g.app("acme")
	out, err := g.svc.ApplySenders(context.Background(), app.Key, twilioSenders())
	if err != nil {
		t.Fatal(err)
	}
	return g, app, out[0].Sender
}

func TestDoors_TakeEveryRecordedRequestOfTwilio(t *testing.T) {
	replayAll(t, recordings{
		provider: func() hookswitch.Provider { return twilio.New(twilio.Options{}) }, dir: "../provider/twilio/testdata", least: 20, senders: twilioSenders(),
		both: func(string) bool { return true },
	})
}

// pushTwilio posts a form that is signed as Twilio signs it for the door.
func (g *gateway) pushTwilio(path string, form url.Values) answer {
	g.t.Helper()
	text := publicURL + path
	for _, name := range slices.Sorted(maps.Keys(form)) {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(twilioToken))
	mac.Write([]byte(text))
	return g.do(http.MethodPost, path, []byte(form.Encode()), map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	})
}

func TestDoors_FindTheMessageOfAReportByOurOwnID(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app, main := twilioGateway(t, db)
		g.endpoint(app)
		g.sent(app, main, "", "+14133881111", time.Now())
		ref := g.svc.IDs().Format(hookswitch.KindMessage, g.messages(app)[0].Key)
		// A messaging service has chosen the number, and the API has not answered yet: only our id and the door say what the report is about.
		a := g.pushTwilio("/in/"+g.id(main)+"/sms?ref="+ref, url.Values{
			"MessageSid": {"SM77"}, "MessageStatus": {"delivered"}, "To": {"+14133881111"}, "From": {"+19998887777"},
		})
		if a.status != 200 {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		if m := g.messages(app)[0]; m.Status != hookswitch.StatusDelivered || m.ProviderID != "SM77" {
			t.Errorf("message is %s under the id %q", m.Status, m.ProviderID)
		}
		if strays := g.strays(); len(strays) > 0 {
			t.Errorf("kept aside: %+v", strays)
		}
	})
}

func TestDoors_TakeAPushOfTwilioOnceWhateverDoorItComesTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app, main := twilioGateway(t, db)
		form := url.Values{"MessageSid": {"SM1"}, "From": {"+14133881111"}, "To": {twilioNumber}, "Body": {"hi"}}
		if a := g.pushTwilio(twilioDoor, form); a.status != 200 || !strings.HasSuffix(a.body, "<Response/>") {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		if a := g.pushTwilio("/in/"+g.id(main), form); a.status != 200 {
			t.Errorf("at the sender's own door: %d %s", a.status, a.body)
		}
		if n := len(g.messages(app)); n != 1 || g.count(ingest.Duplicate) != 1 {
			t.Errorf("%d messages, %d duplicates", n, g.count(ingest.Duplicate))
		}
		header := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
		wantRefusal(t, g.do(http.MethodPost, twilioDoor, []byte(form.Encode()), header), http.StatusUnauthorized, "SIGNATURE_INVALID")
	})
}
