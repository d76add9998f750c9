package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// The fields of a page and of an Instagram account that are read here. Those of WhatsApp are chosen for the whole app.
var (
	pageFields      = []string{"messages", "messaging_postbacks", "message_reactions", "message_deliveries", "message_reads", "message_edits"}
	instagramFields = []string{"messages", "messaging_postbacks", "message_reactions", "messaging_seen"}
)

// Register enters door as the address of the number of r alone, which goes before that of its business account and of the app, and subscribes the app to the
// business account. A page or an Instagram account has no address of its own: the app is subscribed to it, and pushes to the address of the app.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
// https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps/
// https://developers.facebook.com/docs/instagram-platform/webhooks
func (p *Provider) Register(ctx context.Context, r *hookswitch.Route, door string) error {
	switch r.Channel {
	case hookswitch.WhatsApp:
		return p.registerNumber(ctx, r, door)
	case hookswitch.Messenger, hookswitch.Instagram:
		of, fields := p.node(r), pageFields
		if of.own {
			fields = instagramFields
		}
		_, err := p.tell(ctx, r, http.MethodPost, of.url+"/subscribed_apps?"+url.Values{"subscribed_fields": {strings.Join(fields, ",")}}.Encode(), nil)
		return err
	}
	return hookswitch.Errorf(hookswitch.Unsupported, "Meta has no %s.", r.Channel)
}

// registerNumber is Register for a number of WhatsApp.
func (p *Provider) registerNumber(ctx context.Context, r *hookswitch.Route, door string) error {
	phone, token := r.Credentials.First(credPhone), r.Credentials.First(credVerifyToken)
	switch {
	case phone == "":
		return hookswitch.Errorf(hookswitch.Invalid, "The sender has no %s.", credPhone)
	case token == "":
		return hookswitch.Errorf(hookswitch.Invalid, "The sender has no %s: choose a text. Meta shows it when it checks the address.", credVerifyToken)
	}
	if account := r.Credentials.First(credWABA); account != "" {
		if err := p.subscribe(ctx, r, p.base+"/"+url.PathEscape(account)+"/subscribed_apps"); err != nil {
			return err
		}
	}
	type override struct {
		URL   string `json:"override_callback_uri"`
		Token string `json:"verify_token"`
	}
	body, err := json.Marshal(map[string]override{"webhook_configuration": {door, token}})
	if err != nil {
		return hookswitch.Errorf(hookswitch.Invalid, "The address cannot be written as JSON: %w", err)
	}
	_, err = p.tell(ctx, r, http.MethodPost, p.base+"/"+url.PathEscape(phone), body)
	return err
}

// subscribe has the app told what happens in a business account. A subscription with an address of its own is left alone: subscribing again would remove that
// address, which other numbers of the account may need.
func (p *Provider) subscribe(ctx context.Context, r *hookswitch.Route, at string) error {
	answer, err := p.tell(ctx, r, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	var have struct {
		Data []struct {
			Override text `json:"override_callback_uri"`
		} `json:"data"`
	}
	// An answer that is no JSON names no subscription.
	_ = json.Unmarshal(answer, &have)
	for _, s := range have.Data {
		if s.Override != "" {
			return nil
		}
	}
	_, err = p.tell(ctx, r, http.MethodPost, at, nil)
	return err
}

// tell makes one call about where to push, and returns the answer. The *hookswitch.Error says what to do about a failure.
func (p *Provider) tell(ctx context.Context, r *hookswitch.Route, method, at string, body []byte) ([]byte, error) {
	target, err := url.Parse(at)
	if err != nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "The base URL of meta is not a URL: %w", err)
	}
	resp, fail := p.call(ctx, r.Credentials, method, target, body)
	if fail == nil {
		fail = readAnswer(resp, r.Channel != hookswitch.WhatsApp).fail
	}
	switch {
	case fail == nil:
		return resp.Body, nil
	case fail.Temporary || fail.Unknown: // telling it twice does no harm
		return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Meta could not be told; try again.", RetryAfter: fail.RetryAfter, Err: fail}
	}
	return nil, &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Meta did not take the address: " + strings.TrimSuffix(fail.Message, ".") + ".", Err: fail}
}

// Steps are the pages of the app's dashboard.
func (p *Provider) Steps(r *hookswitch.Route, door string, registered bool) []string {
	var steps []string
	if r.Credentials.First(credSecret) == "" {
		steps = append(steps, "Put the app secret (App settings > Basic) into "+credSecret+": it proves what Meta pushes.")
	}
	enter := func(where string) {
		steps = append(steps, "In the app's dashboard open "+where+", and enter as the callback URL: "+door,
			"Enter there as the verify token what stands in the sender's "+credVerifyToken+".")
	}
	switch r.Channel {
	case hookswitch.WhatsApp:
		if !registered {
			enter("WhatsApp > Configuration")
		}
		steps = append(steps, "Under WhatsApp > Configuration > Webhook fields subscribe to messages.")
	case hookswitch.Messenger:
		enter("Messenger > Settings > Webhooks")
		if !registered {
			steps = append(steps, "Subscribe the page to "+strings.Join(pageFields, ", ")+".")
		}
	case hookswitch.Instagram:
		enter("Instagram > API setup > Configure webhooks (Messenger > Instagram settings for linked accounts)")
		steps = append(steps, "Subscribe to "+strings.Join(instagramFields, ", ")+".",
			"In the account itself allow access to messages: Settings > Messages and story replies > Message controls > Connected tools.")
	}
	return steps
}
