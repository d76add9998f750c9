package twilio

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// repeats is what has Twilio push again what was answered with an error; it is not sent to us.
// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
const repeats = "#rc=3&rp=all"

// Register enters door at the number of r: for messages or, where r carries calls, for calls and what becomes of them. What an application of Twilio's decided
// about the number until now is switched off, since it would go before the address.
// https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
func (p *Provider) Register(ctx context.Context, r *hookswitch.Route, door string) error {
	var form url.Values
	at := door + repeats
	switch r.Channel {
	case hookswitch.SMS:
		form = url.Values{"SmsUrl": {at}, "SmsMethod": {"POST"}, "SmsFallbackUrl": {at}, "SmsFallbackMethod": {"POST"}, "SmsApplicationSid": {""}}
	case hookswitch.Voice:
		form = url.Values{"VoiceUrl": {at}, "VoiceMethod": {"POST"}, "VoiceFallbackUrl": {at}, "VoiceFallbackMethod": {"POST"}, "VoiceApplicationSid": {""},
			"StatusCallback": {at}, "StatusCallbackMethod": {"POST"}}
	default:
		return hookswitch.Errorf(hookswitch.Unsupported, "Twilio's API for numbers does not set where messages on %s are pushed.", r.Channel)
	}
	switch {
	case r.Credentials.First(credService) != "":
		return hookswitch.Errorf(hookswitch.Unsupported, "The sender uses a messaging service, which has an address of its own.")
	case hookswitch.CheckPhone(r.Address) != "":
		return hookswitch.Errorf(hookswitch.Unsupported, "The sender has no phone number of its own that Twilio could look up.")
	}
	sid, err := p.numberSID(ctx, r)
	if err != nil {
		return err
	}
	_, err = p.ask(ctx, r.Credentials, http.MethodPost, "/IncomingPhoneNumbers/"+url.PathEscape(sid)+".json", "", form)
	return err
}

// numberSID is Twilio's id of the number of r.
func (p *Provider) numberSID(ctx context.Context, r *hookswitch.Route) (string, error) {
	resp, err := p.ask(ctx, r.Credentials, http.MethodGet, "/IncomingPhoneNumbers.json", url.Values{"PhoneNumber": {r.Address}}.Encode(), nil)
	if err != nil {
		return "", err
	}
	var list struct {
		Numbers []struct {
			SID    string `json:"sid"`
			Number string `json:"phone_number"`
		} `json:"incoming_phone_numbers"`
	}
	// An answer that is no JSON names no number.
	_ = json.Unmarshal(resp.Body, &list)
	for _, n := range list.Numbers {
		if n.Number == r.Address && n.SID != "" {
			return n.SID, nil
		}
	}
	return "", hookswitch.Errorf(hookswitch.Invalid, "The account %s has no number %s.", r.Credentials.First(credAccount), r.Address)
}

// ask makes one call about the account's own things. The *hookswitch.Error says what to do about a failure.
func (p *Provider) ask(ctx context.Context, c hookswitch.Credentials, method, path, query string, form url.Values) (*safehttp.Response, error) {
	resp, fail := p.call(ctx, c, method, path, query, form)
	if fail == nil && resp.Status/100 != 2 {
		_, err := readAnswer(resp)
		fail, _ = err.(*hookswitch.SendError)
	}
	switch {
	case fail == nil:
		return resp, nil
	case fail.Temporary || fail.Unknown: // entering the same address twice does no harm
		return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Twilio could not be told; try again.", RetryAfter: fail.RetryAfter, Err: fail}
	}
	return nil, &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Twilio did not take the address: " + strings.TrimSuffix(fail.Message, ".") + ".", Err: fail}
}

// Steps are the fields of Twilio's console.
func (p *Provider) Steps(r *hookswitch.Route, door string, registered bool) []string {
	if registered {
		return nil
	}
	at := door + repeats
	var steps []string
	if r.Credentials.First(credToken) == "" {
		steps = append(steps, "Put the account's primary auth token (console, Account info) into "+credToken+": it proves what Twilio pushes.")
	}
	switch {
	case r.Channel == hookswitch.Voice:
		return append(steps, "Open Phone Numbers > Manage > Active numbers > the number > Voice.",
			`Enter under "A call comes in" (Webhook, HTTP POST), "Primary handler fails" and "Call status changes": `+at)
	case r.Channel == hookswitch.WhatsApp:
		return append(steps, "Open Messaging > Senders > WhatsApp senders > the sender, or the sandbox's settings.",
			`Enter under "When a message comes in" (POST): `+at)
	case r.Credentials.First(credService) != "":
		return append(steps, "Open Messaging > Services > the service > Integration.", `Choose "Send a webhook", and enter: `+at)
	}
	return append(steps, "Open Phone Numbers > Manage > Active numbers > the number > Messaging.",
		`Enter under "A message comes in" (Webhook, HTTP POST) and "Primary handler fails": `+at)
}
