package all

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
)

// What an adapter says that it carries is what its Send does not refuse for its type.
func TestProviders_CarryWhatTheySend(t *testing.T) {
	t.Parallel()
	types := []string{"text", "image", "video", "audio", "document", "sticker", "location", "contact", "buttons", "list", "cta_url", "request_contact_info",
		"location_request", "reaction", "template", "fax"}
	for _, p := range Providers(Options{}) {
		sender, ok := p.(hookswitch.MessageSender)
		if !ok {
			continue
		}
		carrier, ok := p.(hookswitch.Carrier)
		if !ok {
			t.Errorf("%s does not say what it carries", p.Name())
			continue
		}
		var channels []hookswitch.Channel
		for _, d := range p.Doors() {
			channels = append(channels, d.Channels...)
		}
		to := map[hookswitch.Channel]string{hookswitch.Messenger: "1234567890", hookswitch.Instagram: "1234567890", hookswitch.Telegram: "777", hookswitch.X: "55",
			hookswitch.Email: "ada@example.com"}
		slices.Sort(channels)
		for _, ch := range slices.Compact(channels) {
			for _, typ := range types {
				if ch == hookswitch.USSD || ch == hookswitch.Voice {
					if carrier.Carries(ch, typ) {
						t.Errorf("%s carries %s on %s", p.Name(), typ, ch)
					}
					continue
				}
				r := &hookswitch.Route{Channel: ch, Provider: p.Name(), Address: "AC1 +15550001111", Credentials: hookswitch.Credentials{"from": {"+15550001111"}}}
				if ch == hookswitch.Email {
					r.Address, r.Credentials = "support@example.com", hookswitch.Credentials{"address": {"support@example.com"}}
				}
				_, err := sender.Send(t.Context(), &hookswitch.Outgoing{Ref: "msg_1", Route: r,
					Message: &hookswitch.Message{Channel: ch, Type: typ, To: cmp.Or(to[ch], "+15551234567"), Text: "Hello"}})
				var fail *hookswitch.SendError
				refused := errors.As(err, &fail) && fail.Code == "unsupported_type"
				if carrier.Carries(ch, typ) == refused {
					t.Errorf("%s on %s: type %s is carried: %v, and sending it gives %v", p.Name(), ch, typ, !refused, err)
				}
			}
		}
	}
}
