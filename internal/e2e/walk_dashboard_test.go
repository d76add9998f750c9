package e2e

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// applySenders gives the App channels as a sender file does: WhatsApp with a responder that hands over, and a USSD menu.
func applySenders(w *world, app, name string) {
	w.tb.Helper()
	type object = map[string]any
	demo := func(ch hookswitch.Channel, provider string) simulate.Simulator {
		sim, err := simulate.Of(ch, provider)
		if err != nil {
			w.tb.Fatal(err)
		}
		return sim
	}
	spec := func(name string, sim simulate.Simulator, responder object) object {
		return object{"name": name, "channel": sim.Channel, "provider": sim.Provider, "phoneNumber": sim.Demo.Number, "credentials": map[string][]string(sim.Demo.Credentials), "responder": responder}
	}
	w.Call(http.MethodPut, "/operator/v1/apps/"+app+"/senders", object{"senders": []any{
		spec(name, demo(hookswitch.WhatsApp, "meta"), object{"kind": "rules", "rules": []any{object{"keywords": []string{"balance"}, "reply": "Your balance is KES 1,250."}}, "fallback": "Ask me for your balance."}),
		spec("Money menu", demo(hookswitch.USSD, "africastalking"), object{"kind": "menu", "start": "main", "screens": object{
			"main":    object{"text": "Welcome to Acme.", "options": []any{object{"key": "1", "label": "My balance", "goTo": "balance"}}},
			"balance": object{"text": "Your balance is KES 1,250.", "end": true}}}),
	}}, nil, http.StatusOK)
}

// submitTemplate has the App's program submit a template with a sender that no provider decides for.
func submitTemplate(w *world, app, name string) {
	w.tb.Helper()
	var key struct{ Key string }
	w.Call(http.MethodPost, "/operator/v1/apps/"+app+"/keys", map[string]any{"name": "walk"}, &key, http.StatusCreated)
	header := http.Header{"Authorization": {"Bearer " + key.Key}}
	call := func(path, body string) string {
		res, err := w.Do(context.Background(), http.MethodPost, path, []byte(body), header)
		if err != nil || res.Status/100 != 2 {
			w.tb.Fatalf("%s: %v, %s", path, err, res.Body)
		}
		_, id, _ := strings.Cut(string(res.Body), `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		return id
	}
	sender := call("/v1/senders", `{"name": "Billing", "phoneNumber": "+254711000111"}`)
	made := call("/v1/templates", `{"name": "`+name+`", "language": "en", "body": "Hello {{1}}, your bill is due.", "variables": ["name"]}`)
	call("/v1/templates/"+made+"/submit", `{"senderId": "`+sender+`", "category": "UTILITY"}`)
}

// TestWalk_AnOperatorRunsTheDashboard goes through what operators do: a customer with a sender, a conversation that a person takes over, a menu that is dialled, a template that is decided on.
func TestWalk_AnOperatorRunsTheDashboard(t *testing.T) {
	eachHand(t, func(t *testing.T, p *person) {
		w := newWorld(t, SQLite)

		// Sign in.
		p.open(w.URL + "/dashboard")
		p.until(`document.readyState === "complete"`)
		p.write("Operator token or API key", "not the token")
		p.follow("button", "Sign in")
		p.hears("token")
		p.write("Operator token or API key", w.Token)
		p.enter()
		p.sees("Overview")

		// A customer, and a sender of theirs with a webhook.
		p.follow("link", "Applications")
		p.write("Name", "Acme Telecom")
		p.follow("button", `"Create"`)
		p.hears("Created Acme Telecom")
		app := strings.Split(p.text("location.pathname"), "/")[3]
		p.follow("link", "Senders")
		p.write("Name", "Support line")
		p.follow("button", `"Create"`)
		p.hears("Created Support line")
		p.write("Address", "https://hooks.acme.example/messages")
		p.act("checkbox", "message.queued")
		p.follow("button", "Create the webhook")
		p.hears("Copy it now")
		first := p.text(`document.getElementById("webhook-secret").textContent.trim()`)
		p.dialog("New secret", "Make a new secret?")
		p.follow("button", "Make a new secret")
		p.hears("Copy it now")
		if second := p.text(`document.getElementById("webhook-secret").textContent.trim()`); second == first || !strings.HasPrefix(second, "whsec_") {
			t.Errorf("the new secret is %q, the old one was %q", second, first)
		}

		// A person writes to it over its channel, which its file has given it.
		applySenders(w, app, "Support line")
		p.follow("link", "Phone")
		p.follow("link", "Support line")
		p.write("Message", "Can I speak to a person?")
		p.follow("button", "Send")
		p.sees("Ask me for your balance.")

		// Take the conversation over, answer, and hand it back.
		p.follow("link", "Conversations")
		p.follow("link", "Amina")
		p.follow("button", "Take over")
		p.hears("Took the conversation over")
		p.write("Answer as a person", "This is Wairimu. How can I help?")
		p.follow("button", "Send over WhatsApp")
		p.hears("Queued the answer")
		p.sees("How can I help?")
		p.follow("button", "Hand back")
		p.hears("Handed the conversation back")

		// Dial the menu.
		p.follow("link", "Phone")
		p.follow("link", "Money menu")
		p.follow("button", "Dial")
		p.sees("Welcome to Acme")
		p.write("Answer", "1")
		p.enter()
		p.sees("Your balance is KES 1,250.", "The line is closed")

		// Decide on a template.
		submitTemplate(w, app, "bill_is_due")
		p.follow("link", "Templates")
		p.follow("link", "bill_is_due")
		p.write("Name at the provider", "bill_due_v2")
		p.follow("button", "Approve")
		p.hears("Approved")
		p.sees("bill_due_v2")
		p.dialog("Delete", "Delete the template?")
		p.follow("button", "Delete the template")
		p.hears("Deleted the template")
	})
}

// dialog opens a dialog, leaves it by Escape, which gives the focus back, and opens it again. Meanwhile the focus does not leave it.
func (p *person) dialog(button, title string) {
	p.t.Helper()
	open := func() {
		p.act("button", `"`+button+`"`)
		p.sees(title)
		if in := p.text(`!!document.activeElement.closest("dialog[open]")`); in != "true" {
			p.t.Errorf("%s: the focus is not in the dialog", title)
		}
	}
	open()
	for range 4 {
		p.press(kb.Tab)
		if out := p.text(`document.activeElement !== document.body && !document.activeElement.closest("dialog[open]")`); out == "true" {
			p.t.Errorf("%s: Tab leads out of the dialog, to %s", title, p.text(`document.activeElement.outerHTML.slice(0, 120)`))
		}
	}
	p.press(kb.Escape)
	p.retry("close "+title, func() error {
		if p.text(`document.querySelector("dialog[open]") === null`) != "true" {
			return errors.New("Escape does not close it")
		}
		return nil
	})
	if at := p.text(`document.activeElement.textContent.trim()`); at != button {
		p.t.Errorf("%s: the focus is not given back, it is at %q", title, at)
	}
	open()
}
