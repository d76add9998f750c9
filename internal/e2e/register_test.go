package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

type registration struct {
	Channel, Provider, DoorURL, Result string
	Steps                              []string
}

// TestRegister_TellsEachProviderTheDoorOfTheSender registers a sender of every channel of every provider. What a provider is told is the sender's own door, which
// answers where the provider checks it; whoever cannot be told by a call is explained to the operator.
func TestRegister_TellsEachProviderTheDoorOfTheSender(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorld(t, kind)
		for _, s := range simulate.All() {
			t.Run(string(s.Channel)+"/"+s.Provider, func(t *testing.T) {
				c := w.customer(t, s, nil)
				var senders struct{ Items []struct{ ID string } }
				w.Call(http.MethodGet, "/operator/v1/apps/"+c.app+"/senders", nil, &senders, http.StatusOK)
				var list struct{ Items []registration }
				for range 2 { // again changes nothing
					w.Call(http.MethodPost, "/operator/v1/apps/"+c.app+"/senders/"+senders.Items[0].ID+"/register", nil, &list, http.StatusOK)
				}
				if len(list.Items) != 1 {
					t.Fatalf("registrations %+v", list.Items)
				}
				reg := list.Items[0]
				if want := w.URL + "/in/" + senders.Items[0].ID + "/" + string(s.Channel); reg.DoorURL != want {
					t.Errorf("door %s, want %s", reg.DoorURL, want)
				}
				c.checkRegistration(reg)
			})
		}
	})
}

func (c *customer) checkRegistration(reg registration) {
	c.t.Helper()
	told, want := "", "registered"
	door := reg.DoorURL
	switch name := string(c.sim.Channel) + "/" + c.sim.Provider; name {
	case "whatsapp/meta":
		hooks := c.apis["meta"].(*simulate.Graph).Subscriptions()
		told = hooks.Numbers[simulate.DemoPhoneNumberID]
		if _, there := hooks.Fields[simulate.DemoWABAID]; !there && c.account.Credentials.First("waba_id") != "" {
			c.t.Errorf("the business account is not subscribed to: %v", hooks.Fields)
		}
	case "messenger/meta", "instagram/meta":
		for _, fields := range c.apis["meta"].(*simulate.Graph).Subscriptions().Fields {
			if slices.Contains(fields, "messaging_postbacks") {
				told = door
			}
		}
		if !strings.Contains(strings.Join(reg.Steps, " "), door) {
			c.t.Errorf("the app's address has to be entered by hand: %q", reg.Steps)
		}
	case "sms/twilio":
		told, door = c.apis["twilio"].(*simulate.TwilioAPI).NumberSettings(c.account.Number).Get("SmsUrl"), door+"#rc=3&rp=all"
	case "voice/twilio":
		told, door = c.apis["twilio"].(*simulate.TwilioAPI).NumberSettings(c.account.Number).Get("VoiceUrl"), door+"#rc=3&rp=all"
	case "telegram/telegram":
		told = c.apis["telegram"].(*simulate.BotAPI).Webhook(simulate.DemoBotToken).URL
	case "email/postmark": // its stand-in has no servers to change
		want, told = "failed", door
	default:
		want, told = "by_hand", door
		if s := strings.Join(reg.Steps, " "); !strings.Contains(s, "/in/") && !strings.Contains(s, "allowed_origins") {
			c.t.Errorf("steps %q", reg.Steps)
		}
	}
	if reg.Result != want || told != door {
		c.t.Errorf("%+v, the provider was told %q", reg, told)
	}
}

// TestTyping_IsShownOnceAPersonHasWritten has a bot answer whose sender shows that it does. The operator marks a message as read besides.
func TestTyping_IsShownOnceAPersonHasWritten(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorld(t, kind)
		for _, s := range simulate.All() {
			if s.Channel != hookswitch.WhatsApp || s.Provider != "meta" {
				continue
			}
			c := w.customer(t, s, map[string]any{"kind": "echo", "typing": true})
			c.pushFive("text")
			c.told(c.eventsOfAnswer())
			var list struct{ Items []struct{ ID string } }
			w.Call(http.MethodGet, "/operator/v1/apps/"+c.app+"/messages?status=received", nil, &list, http.StatusOK)
			w.Call(http.MethodPost, "/operator/v1/apps/"+c.app+"/messages/"+list.Items[0].ID+"/read", nil, nil, http.StatusNoContent)
			reads := w.apis["meta"].(*simulate.Graph).Reads()
			if len(reads) != 2 || !reads[0].Typing || reads[1].Typing || reads[0].MessageID == "" || reads[0].MessageID != reads[1].MessageID {
				t.Errorf("shown %+v", reads)
			}
		}
	})
}
