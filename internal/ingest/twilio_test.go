package ingest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
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
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	twilioToken  = "test-twilio-auth-token-00000001"
	twilioDoor   = "/api/channels/sms"
	twilioNumber = "+12028831111"
)

// twilioGateway has one sender that is reached over Twilio by SMS, WhatsApp and telephone, and a second with the same account and another number.
func twilioGateway(t *testing.T, db *storetest.DB) (*gateway, *hookswitch.App, *hookswitch.Sender) {
	t.Helper()
	g := newGateway(t, db, twilio.New(twilio.Options{}))
	app := g.app("acme")
	spec := func(name string, ch hookswitch.Channel, phone string) service.SenderSpec {
		return service.SenderSpec{Name: name, Channel: ch, Provider: "twilio", PhoneNumber: twilioNumber,
			Credentials: hookswitch.Credentials{"account_sid": {"AC0000000000000000000000000000beef"}, "auth_token": {twilioToken}, "from": {phone}}}
	}
	second := spec("second", hookswitch.SMS, "+15550001111")
	second.PhoneNumber = "+15550001111"
	out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{
		spec("main", hookswitch.SMS, twilioNumber), spec("main", hookswitch.WhatsApp, "+14155238886"), spec("main", hookswitch.Voice, twilioNumber), second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, app, out[0].Sender
}

func TestDoors_TakeEveryRecordedRequestOfTwilio(t *testing.T) {
	names, err := filepath.Glob("../provider/twilio/testdata/*.json")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d recordings, %v", len(names), err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		// What comes of calls is tested with the dialogues.
		if base == "credentials" || strings.HasSuffix(base, ".golden") || strings.HasPrefix(base, "voice_") {
			continue
		}
		t.Run(base, func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				var f fixture
				if err := json.Unmarshal(data, &f); err != nil {
					t.Fatal(err)
				}
				g, app, main := twilioGateway(t, db)
				replayTo(t, g, app, main, &f)
			})
		})
	}
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
		g.sent(app, main, hookswitch.SMS, "", "+14133881111", hookswitch.StatusSending)
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
