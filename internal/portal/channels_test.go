package portal_test

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
)

func openDashboard(t *testing.T) *visitor {
	t.Helper()
	s := demonstration(t)
	return signedIn(t, s, portaltest.Token)
}

// says reports each of the texts that a page does not have, and each that begins with "!" and that it has.
func (b *visitor) says(what, body string, texts ...string) {
	b.t.Helper()
	body = html.UnescapeString(body)
	for _, text := range texts {
		if not, ok := strings.CutPrefix(text, "!"); ok && strings.Contains(body, not) {
			b.t.Errorf("%s says %q", what, not)
		} else if !ok && !strings.Contains(body, text) {
			b.t.Errorf("%s does not say %q", what, text)
		}
	}
}

func TestChannel_IsAddedChangedCheckedAndTakenAway(t *testing.T) {
	t.Parallel()
	b := openDashboard(t)
	const sender = "/dashboard/apps/{app}/senders/{baresender}"
	status, body := b.post(sender+"/channels/new", url.Values{"over": {"whatsapp.meta"}, "c-app_secret": {"top-secret-1"}, "c-phone_number_id": {"777"}, "rate": {"5/s"}})
	b.says("the new channel", body, "What was made up for it is shown below, this once.", "777", "!top-secret-1")
	made := regexp.MustCompile(`<pre id="made-verify_token"[^>]*>\s*([A-Z0-9]{20,})`).FindStringSubmatch(body)
	route := regexp.MustCompile(`channels/(rte_\w+)`).FindStringSubmatch(body)
	if status != 200 || made == nil || route == nil {
		t.Fatalf("adding answers %d: %s", status, body)
	}
	path := sender + "/channels/" + route[1]
	_, body = b.get(path)
	b.says("the channel", body, "Leave empty to keep it", `value="5/s"`, "!"+made[1], "!top-secret-1")
	if status, body := b.post(sender+"/channels/new", url.Values{"over": {"whatsapp.meta"}, "c-phone_number_id": {"777"}, "c-app_secret": {"top-secret-2"}}); status != 422 {
		t.Errorf("the same once more answers %d", status)
	} else {
		b.says("the form", body, "already", "enter them once more", "!top-secret-2")
	}
	_, body = b.post(path, url.Values{"do": {"save"}, "c-app_secret": {"top-secret-3"}, "beside-app_secret": {"on"}, "c-phone_number_id": {"777"}, "drop-verify_token": {"on"}, "rate": {""}})
	b.says("the changed channel", body, "set 1 value, took 1 value away", "2 values", "!top-secret-3")
	key, _ := b.site.Service.IDs().Parse(hookswitch.KindSender, b.site.Names["baresender"])
	r := servicetest.Must(b.site.Store.Sender(t.Context(), b.site.App.Key, key))(t).Routes[0]
	if r.Credentials.First("app_secret") != "top-secret-3" || r.Credentials["app_secret"][1] != "top-secret-1" || r.Credentials["verify_token"] != nil || !r.Rate.IsZero() {
		t.Errorf("the route has %d secrets, rate %s", len(r.Credentials["app_secret"]), r.Rate)
	}
	_, body = b.post(path, url.Values{"do": {"check"}})
	b.says("the check", body, "What was found", "Access token", "Nothing is sent without it.", "Not yet asked", "Not opened", "waba_id is needed.")
	_, body = b.post(path, url.Values{"do": {"delete"}})
	b.says("the sender", body, "Took WhatsApp away.", "No channel yet")
	if status, _ := b.get(path); status != 404 {
		t.Errorf("it is still there: %d", status)
	}
	list := servicetest.Must(b.site.Service.Activities(t.Context(), b.site.App.Key, store.ActivityFilter{Action: hookswitch.DidRemoveChannel}, store.Page{Limit: 2}))(t)
	if len(list) != 1 || list[0].Actor.Kind != hookswitch.ActorOperator {
		t.Errorf("noted: %+v", list)
	}
}

func TestChannel_IsTheOperatorsAlone(t *testing.T) {
	t.Parallel()
	b := openDashboard(t)
	_, text, err := b.site.Service.CreateAPIKey(context.Background(), b.site.App.Key, hookswitch.APIKey{Name: "k"})
	if err != nil {
		t.Fatal(err)
	}
	k := signedIn(t, b.site, text.Reveal())
	const sender = "/dashboard/apps/{app}/senders/{sender}"
	for _, path := range []string{sender + "/channels/new", sender + "/channels/{route}", sender + "/responder", sender + "/flow"} {
		if status, _ := k.post(path, url.Values{"do": {"delete"}, "over": {"sms.twilio"}, "kind": {"echo"}}); status != 403 {
			t.Errorf("a key posts to %s: %d", path, status)
		}
	}
	status, body := k.get(sender + "/responder")
	k.says("the page", body, "operator's to do")
	if status != 200 {
		t.Errorf("a key looks at the responder: %d", status)
	}
}

func TestResponder_IsSetTriedAndSwitchedOff(t *testing.T) {
	t.Parallel()
	b := openDashboard(t)
	const page = "/dashboard/apps/{app}/senders/{model}/responder"
	_, body := b.get(page)
	b.says("the page", body, "gpt-5-mini", "Never promise a refund.", "20 s for one answer", "300 tokens, 900 characters", "“Sorry, please try again in a minute.”", "the server answered with status 529", "Refused", "!sk-of-the-demonstration", "!team=7")
	form := url.Values{"do": {"save"}, "kind": {"openai"}, "baseUrl": {"http://127.0.0.1:9/v1?***"}, "model": {"gpt-6"}, "system": {"Be brief."}, "timeout": {"90s"}, "contextTokens": {"many"}, "handover": {"agent, boss"}}
	status, body := b.post(page, form)
	b.says("the wrong form", body, "Tokens of them must be a whole number", "gpt-6")
	form.Set("contextTokens", "2000")
	if status2, body := b.post(page, form); status != 422 || status2 != 422 {
		t.Errorf("wrong forms answer %d and %d", status, status2)
	} else {
		b.says("the wrong form", body, "Time for one answer must be a time of at most 55s")
	}
	form.Set("timeout", "10s")
	_, body = b.post(page, form)
	b.says("the saved page", body, "Saved. The next message is answered so.", "gpt-6", "2,000 tokens of them", "agent, boss")
	key, _ := b.site.Service.IDs().Parse(hookswitch.KindSender, b.site.Names["model"])
	raw := func() string {
		return string(servicetest.Must(b.site.Store.Sender(t.Context(), b.site.App.Key, key))(t).Responder.Raw)
	}
	if got := raw(); !strings.Contains(got, "sk-of-the-demonstration") || !strings.Contains(got, "?team=7") || strings.Contains(got, "fallback") {
		t.Errorf("stored: %s", got)
	}
	form.Set("baseUrl", "http://127.0.0.1:10/v1")
	if status, body := b.post(page, form); status != 422 || !strings.Contains(body, "given anew") {
		t.Errorf("the key goes to another server: %d", status)
	}
	_, body = b.post(page+"/silence", url.Values{"channel": {"telegram"}, "do": {"off"}})
	b.says("the page", body, "Switched the responder off on Telegram.", "Switch on")
	_, body = b.post(page, url.Values{"do": {"json"}, "kind": {"openai"}, "json": {`{"kind":"rules","greeting":"Hi {name}!","fallback":"What?"}`}})
	b.says("the page", body, "Saved.", "rules")
	_, body = b.post(page+"/try", url.Values{"channel": {"telegram"}, "text": {"<b>hello"}, "name": {"Amina"}})
	b.says("the chat", body, "<b>hello", "Hi Amina!")
	said := regexp.MustCompile(`name="said" value="([^"]*)"`).FindStringSubmatch(body)
	_, body = b.post(page+"/try", url.Values{"channel": {"telegram"}, "text": {"eh"}, "said": {html.UnescapeString(said[1])}, "state": {""}, "unsolved": {"0"}})
	b.says("the chat", body, "Hi Amina!", "What?")
	_, body = b.post(page, url.Values{"do": {"remove"}})
	b.says("the page", body, "Took the responder away.", "There is no responder to talk to.")
	if got := raw(); got != "" {
		t.Errorf("stored: %s", got)
	}
}

func TestFlow_IsCheckedAndSavedAsText(t *testing.T) {
	t.Parallel()
	b := openDashboard(t)
	const page = "/dashboard/apps/{app}/senders/{ussd}/flow"
	_, body := b.get(page)
	b.says("the flow", body, "Where people leave", "How much? (KES)", "asks for number, kept as amount", "see above", "goTo: balance")
	text := "start: main\nscreens:\n  main:\n    text: Hello\n    options:\n      - {key: 1, label: Go, goTo: gone}\n  lost: {text: Bye, end: true}\n"
	status, body := b.post(page, url.Values{"do": {"save"}, "text": {text}})
	b.says("the wrong menu", body, `there is no screen "gone"`, "(line 3)", "label: Go")
	if status != 422 {
		t.Errorf("a wrong menu answers %d", status)
	}
	text = strings.Replace(text, "gone", "end", 1) + "  end: {text: Done, end: true}\n"
	_, body = b.post(page, url.Values{"do": {"check"}, "text": {text}})
	b.says("the check", body, "Nothing is wrong with it: 3 screens", "No way leads to lost.", "not saved yet")
	_, body = b.post(page, url.Values{"do": {"save"}, "text": {text}})
	b.says("the saved flow", body, "Saved the menu of 3 screens.", "No way leads to lost.", "not in the menu any more")
}

func TestEventType_IsComparedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	b := openDashboard(t)
	const page = "/dashboard/event-types/order.compared"
	was, is := `{"1":{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}}`, `{"1":{"type":"object","properties":{"id":{"type":"string"},"x":{}}}}`
	_, body := b.post("/dashboard/event-types/new", url.Values{"name": {"order.compared"}, "description": {"An order"}, "schemas": {was}, "do": {"save"}})
	b.says("the new type", body, "Added order.compared")
	_, body = b.post(page, url.Values{"do": {"check"}, "schemas": {is}})
	b.says("the comparison", body, "May break receivers", "may be missing now", "is new", "This is meant")
	if status, body := b.post(page, url.Values{"do": {"save"}, "schemas": {is}}); status != 409 {
		t.Errorf("saving what breaks answers %d: %s", status, body)
	}
	_, body = b.post(page, url.Values{"do": {"save"}, "schemas": {is}, "sure": {"on"}, "description": {"An order"}})
	b.says("the saved type", body, "Saved order.compared.")
	b.post("/dashboard/event-types/new", url.Values{"name": {"order.other"}, "description": {"Another"}})
	doc := `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"webhooks":{"order.compared":{"post":{"description":"An order","requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"id":{"type":"integer"}}}}}},"responses":{"200":{"description":"ok"}}}},
		"order.imported":{"post":{"description":"Fresh","requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}},"responses":{"200":{"description":"ok"}}}}}}`
	_, body = b.post("/dashboard/event-types/import", url.Values{"do": {"look"}, "document": {doc}, "replaceAll": {"on"}})
	b.says("the preview", body, "order.imported", "Is new", "May break", "id is of type integer now", "would be archived")
	if status, _ := b.get("/dashboard/event-types/order.imported"); status != 404 {
		t.Errorf("looking has imported it: %d", status)
	}
	_, body = b.post("/dashboard/event-types/import", url.Values{"do": {"import"}, "document": {doc}})
	b.says("the list", body, "Imported 2 event types", "order.imported")
	if status, body := b.post("/dashboard/event-types/import", url.Values{"do": {"import"}, "document": {"nonsense: ["}}); status != 422 || !strings.Contains(body, "Nothing was imported") {
		t.Errorf("nonsense answers %d", status)
	}
}
