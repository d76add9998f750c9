package service_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func contentOf(t *testing.T, v any) json.RawMessage {
	t.Helper()
	return servicetest.Must(json.Marshal(v))(t)
}

func parsed(t *testing.T, raw []byte) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Section 3.4 of the contract: templateId, templateVariables, templateButtonVariables, templateHeaderVariables.
func TestSendTemplate_FillsInTheBlanks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		chat, sms := w.Sender(app, "chat", hookswitch.WhatsApp, false), w.Sender(app, "text", hookswitch.SMS, false)
		def := newTemplate()
		def.SMSBody, def.HeaderType, def.HeaderContent = "Order {{2}}, {{1}}!", "text", "For {{1}}"
		def.Buttons = []hookswitch.TemplateButton{{Type: "quick_reply", Text: "Stop"}, {Type: "url", Text: "Track", URL: "https://example.com/{{1}}"}}
		one := makeTemplate(w, app, def)
		content := map[string]any{"templateId": tpl(w, one), "templateVariables": map[string]string{"1": "Ada", "order_id": "42", "9": "more"},
			"templateButtonVariables": map[string]string{"1": "42"}, "templateHeaderVariables": map[string]string{"1": "you"}}
		send := func(s *hookswitch.Sender, change func(map[string]any)) (*hookswitch.Message, error) {
			c := map[string]any{}
			for k, v := range content {
				c[k] = v
			}
			change(c)
			return w.Service.SendMessage(t.Context(), app.Key, service.NewMessage{Sender: snd(w, s), To: "+15551234567", Type: "template", Content: contentOf(t, c)}, none)
		}
		as := func(map[string]any) {}
		_, err := send(chat, as)
		wantKindOf(t, "a draft on WhatsApp", err, hookswitch.Invalid)

		// Everywhere else it is a text, whatever was decided.
		m := servicetest.Must(send(sms, as))(t)
		if m.Type != "text" || m.Text != "Order 42, Ada!" {
			t.Errorf("on SMS: %s %q", m.Type, m.Text)
		}

		servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, chat), ""))(t)
		_, err = send(chat, as)
		wantKindOf(t, "a pending one on WhatsApp", err, hookswitch.Invalid)
		servicetest.Must(w.Service.ApproveTemplate(t.Context(), app.Key, tpl(w, one), ""))(t)
		m = servicetest.Must(send(chat, as))(t)
		if m.Type != "template" || m.Text != "Hi Ada, order 42 has shipped" {
			t.Errorf("on WhatsApp: %s %q", m.Type, m.Text)
		}
		if diff := cmp.Diff(map[string]any{"templateId": tpl(w, one), "templateName": "order_update", "templateLanguage": "en",
			"templateVariables": map[string]any{"1": "Ada", "2": "42"}, "templateButtonVariables": map[string]any{"1": "42"}, "templateHeaderVariables": map[string]any{"1": "you"}},
			parsed(t, m.Content)); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		for _, name := range []string{"templateVariables", "templateButtonVariables", "templateHeaderVariables"} {
			_, err := send(chat, func(c map[string]any) { delete(c, name) })
			wantKindOf(t, "without "+name, err, hookswitch.Invalid)
		}
		_, err = send(sms, func(c map[string]any) { c["templateId"] = "tpl_unknown" })
		wantKindOf(t, "an unknown template", err, hookswitch.NotFound)
		_, err = send(sms, func(c map[string]any) { delete(c, "templateId") })
		wantKindOf(t, "no template", err, hookswitch.Invalid)
	})
}

func TestSendTemplate_NamedBlanksAreNumberedForTheProvider(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app := w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		p.has = []*hookswitch.Template{{Name: "theirs", Language: "en", Body: "Code {{code}} for {{who}}", Category: hookswitch.TemplateUtility, Status: hookswitch.TemplateApproved, Named: true,
			Provider: hookswitch.TemplateAtProvider{Account: "waba1", ID: "5", Name: "theirs", Status: "APPROVED"}}}
		servicetest.Must(w.Service.SyncTemplates(t.Context(), app.Key, ""))(t)
		def := newTemplate()
		def.Body = "Code {{code}} for {{who}}"
		mine := makeTemplate(w, app, def)
		p.answer = hookswitch.TemplateNews{Account: "waba1", ID: "6", Word: "APPROVED", Status: hookswitch.TemplateApproved}
		servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, mine), snd(w, sender), ""))(t)
		for _, one := range servicetest.Must(w.Store.Templates(t.Context(), app.Key, "", page10))(t) {
			m := servicetest.Must(w.Service.SendMessage(t.Context(), app.Key, service.NewMessage{To: "+15551234567", Type: "template",
				Content: contentOf(t, map[string]any{"templateId": tpl(w, one), "templateVariables": map[string]string{"code": "1234", "2": "Ada"}})}, none))(t)
			want := map[string]any{"1": "1234", "2": "Ada"}
			if one.Named {
				want = map[string]any{"code": "1234", "who": "Ada"}
			}
			if diff := cmp.Diff(want, parsed(t, m.Content)["templateVariables"]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", one.Name, diff)
			}
		}
	})
}
