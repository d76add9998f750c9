package service_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestFallback_GoesOutBySMSWhenWhatsAppRefuses(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("both", hookswitch.WhatsApp, hookswitch.SMS)
		d.hear("both/whatsapp", hookswitch.WhatsApp, "+14155550100")
		d.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "131026", Message: "not on WhatsApp", Category: "recipient"}))
		m := d.send(service.NewMessage{To: "+14155550100", Channel: hookswitch.WhatsApp, Text: "x", Fallback: true})
		d.run()
		got := d.message(m.Key)
		if got.Channel != hookswitch.SMS || got.Status != hookswitch.StatusSending || got.ErrorCode != "" || got.Conversation != m.Conversation {
			t.Fatalf("got %s on %s: %+v", got.Status, got.Channel, got)
		}
		sent := d.Provider.Sent()
		if len(sent) != 2 || sent[0].Route.Channel != hookswitch.WhatsApp || sent[1].Route.Channel != hookswitch.SMS || sent[1].Message.Channel != hookswitch.SMS {
			t.Errorf("sent %+v", sent)
		}
		// A late report of WhatsApp is about the try that is over.
		id := d.Service.IDs().Format(hookswitch.KindMessage, m.Key)
		servicetest.Must(d.Push(servicetest.Report("both/whatsapp", "wamid.1", id, "+14155550100", hookswitch.StatusFailed)))(t)
		if got = d.message(m.Key); got.Status != hookswitch.StatusSending {
			t.Errorf("a late report made it %s", got.Status)
		}
		sms := servicetest.Report("both/sms", servicetest.ProviderID(id), "", "+14155550100", hookswitch.StatusDelivered)
		sms.Channel = hookswitch.SMS
		servicetest.Must(d.Push(sms))(t)
		if got = d.message(m.Key); got.Status != hookswitch.StatusDelivered {
			t.Errorf("delivered by SMS: %s", got.Status)
		}
		if got := strings.Join(d.Types(d.app), " "); got != "conversation.new message.inbound message.queued message.delivered" {
			t.Errorf("events %s", got)
		}
		// The answer by SMS belongs to the same conversation.
		d.hear("both/sms", hookswitch.SMS, "+14155550100")
		list := d.Messages(d.app)
		if list[len(list)-1].Conversation != m.Conversation {
			t.Error("the answer by SMS begins another conversation")
		}
	})
}

func TestFallback_GoesOutBySMSWhenWhatsAppReportsAFailure(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		both := d.sender("both", hookswitch.WhatsApp, hookswitch.SMS)
		template := approved(d.World, d.app, both)
		d.hear("both/whatsapp", hookswitch.WhatsApp, "+14155550100")
		in := service.NewMessage{To: "+14155550100", Channel: hookswitch.WhatsApp, Text: "x", Fallback: true}
		report := func(m *hookswitch.Message, status hookswitch.MessageStatus) {
			t.Helper()
			id := d.Service.IDs().Format(hookswitch.KindMessage, m.Key)
			servicetest.Must(d.Push(servicetest.Report("both/whatsapp", servicetest.ProviderID(id), "", "+14155550100", status)))(t)
		}
		m := d.send(in)
		d.run()
		report(m, hookswitch.StatusFailed)
		d.run()
		if got := d.message(m.Key); got.Channel != hookswitch.SMS || got.Status != hookswitch.StatusSending {
			t.Errorf("got %s on %s", got.Status, got.Channel)
		}
		for name, change := range map[string]func(*service.NewMessage){
			"not wanted": func(in *service.NewMessage) { in.Fallback = false },
			"cannot go by SMS": func(in *service.NewMessage) {
				in.Type, in.Content = "template", json.RawMessage(`{"templateId":"`+template+`"}`)
			},
			"sent to a user id": func(in *service.NewMessage) { in.To = "US.13491208655302741918" },
		} {
			one := in
			change(&one)
			if one.To != in.To {
				d.hear("both/whatsapp", hookswitch.WhatsApp, one.To)
			}
			m := d.send(one)
			d.run()
			report(m, hookswitch.StatusFailed)
			if got := d.message(m.Key); got.Channel != hookswitch.WhatsApp || got.Status != hookswitch.StatusFailed {
				t.Errorf("%s: got %s on %s", name, got.Status, got.Channel)
			}
		}
		// What has been told to be sent stays where it is.
		m = d.send(in)
		d.run()
		report(m, hookswitch.StatusSent)
		report(m, hookswitch.StatusFailed)
		if got := d.message(m.Key); got.Channel != hookswitch.WhatsApp || got.Status != hookswitch.StatusFailed {
			t.Errorf("after sent: got %s on %s", got.Status, got.Channel)
		}
	})
}

func TestSMSOneWay_TravelsOverSMS(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("sms", hookswitch.SMS)
		m := d.send(service.NewMessage{To: "+14155550100", Channel: hookswitch.SMSOneWay, Text: "x"})
		d.run()
		if sent := d.Provider.Sent(); len(sent) != 1 || sent[0].Message.Channel != hookswitch.SMS || sent[0].Route.Channel != hookswitch.SMS {
			t.Fatalf("sent %+v", sent)
		}
		id := d.Service.IDs().Format(hookswitch.KindMessage, m.Key)
		u := servicetest.Report("sms/sms", servicetest.ProviderID(id), "", "+14155550100", hookswitch.StatusDelivered)
		u.Channel = hookswitch.SMS
		servicetest.Must(d.Push(u))(t)
		if got := d.message(m.Key); got.Status != hookswitch.StatusDelivered || got.Channel != hookswitch.SMSOneWay {
			t.Errorf("got %s on %s", got.Status, got.Channel)
		}
		plain := d.send(service.NewMessage{To: "+14155550100", Text: "x"})
		if plain.Contact != m.Contact {
			t.Error("the person is another one")
		}
	})
}

func TestSendMessage_KeepsTheFilesOfAMail(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("mail", hookswitch.Email)
		file := base64.StdEncoding.EncodeToString([]byte("%PDF-1"))
		m := d.send(service.NewMessage{To: "ana@example.org", Text: "x", Subject: "Bill", HTMLBody: "<p>x</p>", ReplyTo: "billing@acme.example",
			Attachments: []service.NewAttachment{{Filename: "bill.pdf", Content: file}, {Filename: "logo.png", Content: file, ContentID: "logo"}}})
		if strings.Contains(string(m.Content), file) {
			t.Error("the message carries the file itself")
		}
		d.run()
		sent := d.Provider.Sent()
		if len(sent) != 1 {
			t.Fatalf("sent %+v", sent)
		}
		var c struct {
			Subject, HTMLBody, ReplyTo string
			Attachments                []map[string]string
		}
		if err := json.Unmarshal(sent[0].Message.Content, &c); err != nil {
			t.Fatal(err)
		}
		if c.Subject != "Bill" || c.HTMLBody != "<p>x</p>" || c.ReplyTo != "billing@acme.example" || len(c.Attachments) != 2 || c.Attachments[0]["content"] != file ||
			c.Attachments[0]["content_type"] != "application/pdf" || c.Attachments[1]["content_id"] != "logo" {
			t.Errorf("the provider gets %s", sent[0].Message.Content)
		}
		list := servicetest.Must(d.Service.Attachments(t.Context(), m))(t)
		if len(list) != 2 || list[0].Name != "bill.pdf" || list[0].Size != 6 || list[0].Inline || !list[1].Inline || !list[0].Kept {
			t.Fatalf("files %+v", list)
		}
		open := func(link string) (string, error) {
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			_, data, err := d.Service.OpenAttachment(t.Context(), u.Path[strings.LastIndexByte(u.Path, '/')+1:], u.Query().Get("expires"), u.Query().Get("signature"))
			return string(data), err
		}
		link := d.Service.AttachmentURL(&list[0], "/v1/attachments/")
		if data, err := open(link); err != nil || data != "%PDF-1" {
			t.Errorf("%s: %q, %v", link, data, err)
		}
		if _, err := open(strings.Replace(link, "expires=", "expires=9", 1)); hookswitch.KindOf(err) != hookswitch.Forbidden {
			t.Errorf("a later end: %v", err)
		}
		d.Clock.Advance(16 * time.Minute)
		if _, err := open(link); hookswitch.KindOf(err) != hookswitch.Forbidden {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestReact_PointsAtTheProvidersMessage(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("wa", hookswitch.WhatsApp)
		d.hear("wa/whatsapp", hookswitch.WhatsApp, "+14155550100")
		heard := d.Messages(d.app)[0]
		id := d.Service.IDs().Format(hookswitch.KindMessage, heard.Key)
		m := servicetest.Must(d.Service.React(t.Context(), d.app.Key, id, "👍", service.NewMessage{Anyway: true}, none))(t)
		if m.Type != "reaction" || m.To != "+14155550100" || m.Channel != hookswitch.WhatsApp || string(m.Content) != `{"emoji":"👍","reactToMessageId":"`+id+`"}` {
			t.Errorf("reaction %+v %s", m, m.Content)
		}
		d.run()
		if sent := d.Provider.Sent(); len(sent) != 1 || sent[0].ReplyTo != heard.ProviderID {
			t.Errorf("sent %+v", sent)
		}
		if _, err := d.Service.React(t.Context(), d.app.Key, id, strings.Repeat("x", 65), service.NewMessage{Anyway: true}, none); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("a long text: %v", err)
		}
		if _, err := d.Service.React(t.Context(), d.App().Key, id, "👍", service.NewMessage{Anyway: true}, none); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("another project: %v", err)
		}
	})
}

// Zavu 6.3: data of each status event, field by field.
func TestStatusEvents_DataFieldByField(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		d := &desk{w, t, w.App()}
		d.sender("wa", hookswitch.WhatsApp)
		d.hear("wa/whatsapp", hookswitch.WhatsApp, "+14155551234")
		m := d.send(service.NewMessage{To: "+14155551234", Channel: hookswitch.WhatsApp, Text: "Hello", Metadata: map[string]string{"orderId": "42"}})
		d.run()
		ref := d.Service.IDs().Format(hookswitch.KindMessage, m.Key)
		report := func(status hookswitch.MessageStatus, m *hookswitch.Message) {
			servicetest.Must(d.Push(servicetest.Report("wa/whatsapp", servicetest.ProviderID(d.Service.IDs().Format(hookswitch.KindMessage, m.Key)), "", "+14155551234", status)))(t)
		}
		for _, s := range []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead} {
			report(s, m)
		}
		failed := d.send(service.NewMessage{To: "+14155551234", Channel: hookswitch.WhatsApp, Type: "image", Content: json.RawMessage(`{"mediaId":"9"}`)})
		d.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "131047", Message: "too late", Category: "window"}))
		d.run()
		told := map[string]string{}
		for _, ev := range d.Events(d.app) {
			var e struct {
				Data json.RawMessage `json:"data"`
			}
			if err := json.Unmarshal(ev.Payload, &e); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(e.Data), ref) || ev.Type == "message.failed" {
				told[ev.Type] = golden(w, string(e.Data), ev, m)
			}
		}
		conv := d.Service.IDs().Format(hookswitch.KindConversation, m.Conversation)
		want := func(status, more string) string {
			return `{"messageId":"` + ref + `","conversationId":"` + conv + `","to":"+14155551234","from":"+15550001111","channel":"whatsapp","status":"` + status +
				`","messageType":"text","text":"Hello",` + more + `"metadata":{"orderId":"42"}}`
		}
		id := `"providerMessageId":"` + servicetest.ProviderID(ref) + `",`
		for name, text := range map[string]string{
			"message.queued": want("queued", ""), "message.sent": want("sent", id), "message.delivered": want("delivered", id), "message.read": want("read", id),
			"message.failed": `{"messageId":"` + d.Service.IDs().Format(hookswitch.KindMessage, failed.Key) + `","conversationId":"` + conv + `","to":"+14155551234","from":"+15550001111","channel":"whatsapp",` +
				`"status":"failed","messageType":"image","errorCode":"131047","errorMessage":"too late","errorCategory":"window","retriable":false}`,
		} {
			if told[name] != text {
				t.Errorf("%s\ngot  %s\nwant %s", name, told[name], text)
			}
		}
	})
}
