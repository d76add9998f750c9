package simulate

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Subscriptions is what a Graph has been told about where to push.
type Subscriptions struct {
	// Fields are those that an app is subscribed to, by the id of the business account, the page or the Instagram account. A business account has none of its own.
	Fields map[string][]string
	// Numbers are the addresses of numbers that go before the app's, by the numbers' ids.
	Numbers map[string]string
}

// Subscriptions is what the Graph API has been told so far.
func (g *Graph) Subscriptions() Subscriptions {
	g.hooksMu.Lock()
	defer g.hooksMu.Unlock()
	return Subscriptions{maps.Clone(g.hooks.Fields), maps.Clone(g.hooks.Numbers)}
}

// bears checks the access token of r.
func (g *Graph) bears(r *http.Request) *graphError {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := g.opts.Token.Reveal()
	if ok && token != "" && (want == "" || subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1) {
		return nil
	}
	e := newGraphError(190, "")
	e.body.Message = "Invalid OAuth access token - Cannot parse access token"
	return e
}

// answerHooks does what r asks where it is about where to push: {node}/subscribed_apps, or the settings of a number. ok is false for anything else.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
func (g *Graph) answerHooks(r *http.Request) (answer any, refused *graphError, ok bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) < 2 || !versionPath.MatchString(parts[0]):
		return nil, nil, false
	case len(parts) == 3 && parts[2] == "subscribed_apps":
		answer, refused = g.subscribe(r, parts[1])
		return answer, refused, true
	case len(parts) == 2 && r.Method == http.MethodPost:
		answer, refused = g.override(r, parts[1])
		return answer, refused, true
	}
	return nil, nil, false
}

func (g *Graph) subscribe(r *http.Request, node string) (any, *graphError) {
	if refused := g.bears(r); refused != nil {
		return nil, refused
	}
	account := slices.ContainsFunc(g.opts.Accounts, func(w WhatsApp) bool { return w.WABAID == node })
	if !account && len(g.directs(node)) == 0 {
		return nil, parameterError("Unsupported request. Object with ID '" + node + "' does not exist.")
	}
	g.hooksMu.Lock()
	defer g.hooksMu.Unlock()
	if r.Method == http.MethodGet {
		list := []any{}
		if _, there := g.hooks.Fields[node]; there {
			list = append(list, map[string]any{"whatsapp_business_api_data": map[string]string{"id": "1", "name": "app"}})
		}
		return map[string]any{"data": list}, nil
	}
	var fields []string
	if !account {
		if fields = strings.FieldsFunc(r.URL.Query().Get("subscribed_fields"), func(c rune) bool { return c == ',' }); len(fields) == 0 {
			return nil, parameterError("(#100) The parameter subscribed_fields is required.")
		}
	}
	if g.hooks.Fields == nil {
		g.hooks.Fields = map[string][]string{}
	}
	g.hooks.Fields[node] = fields
	return map[string]bool{"success": true}, nil
}

// override sets the address of a number, once it has answered as whoever owns it would.
func (g *Graph) override(r *http.Request, phone string) (any, *graphError) {
	if refused := g.bears(r); refused != nil {
		return nil, refused
	}
	if _, ok := g.accounts[phone]; !ok {
		return nil, parameterError("Unsupported post request. Object with ID '" + phone + "' does not exist.")
	}
	var in struct {
		Webhook struct {
			URL   string `json:"override_callback_uri"`
			Token string `json:"verify_token"`
		} `json:"webhook_configuration"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxSendBody)).Decode(&in); err != nil || in.Webhook.URL == "" || in.Webhook.Token == "" {
		return nil, parameterError("(#100) The parameter webhook_configuration is required.")
	}
	challenge := rand.Text()
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, in.Webhook.URL+"?"+url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {challenge},
		"hub.verify_token": {in.Webhook.Token}}.Encode(), nil)
	if err != nil {
		return nil, parameterError("(#100) override_callback_uri should represent a valid URI")
	}
	resp, err := g.client.Do(ask)
	if err != nil {
		return nil, newGraphError(2200, "(#2200) Callback verification failed with the following errors: curl_errno")
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what is cut off is no answer to the challenge
	if resp.StatusCode != http.StatusOK || string(body) != challenge {
		return nil, newGraphError(2200, "(#2200) Callback verification failed with the following errors: HTTP Status Code = "+resp.Status)
	}
	g.hooksMu.Lock()
	defer g.hooksMu.Unlock()
	if g.hooks.Numbers == nil {
		g.hooks.Numbers = map[string]string{}
	}
	g.hooks.Numbers[phone] = in.Webhook.URL
	return map[string]bool{"success": true}, nil
}
