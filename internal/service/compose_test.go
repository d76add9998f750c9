package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// desk is an App that sends as programs do over the Zavu-shaped API.
type desk struct {
	*servicetest.World
	t   *testing.T
	app *hookswitch.App
}

func eachDesk(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		test(t, &desk{w, t, w.App()})
	})
}

// sender makes a sender that is reached over the channels of the fake provider; none: over nothing.
func (d *desk) sender(name string, channels ...hookswitch.Channel) *hookswitch.Sender {
	d.t.Helper()
	if len(channels) == 0 {
		phone := "+15550001111"
		made := servicetest.Must(d.Service.CreateSender(d.t.Context(), d.app.Key, service.SenderChange{Name: &name, PhoneNumber: &phone}))(d.t)
		return made.Sender
	}
	var specs []service.SenderSpec
	for _, ch := range channels {
		specs = append(specs, service.SenderSpec{Name: name, Channel: ch, Provider: servicetest.FakeName, PhoneNumber: "+15550001111",
			Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {name + "/" + string(ch)}}})
	}
	return servicetest.Must(d.Service.ApplySenders(d.t.Context(), d.app.Key, specs))(d.t)[0].Sender
}

func public(in service.NewMessage) service.NewMessage {
	if in.Channel == "" {
		in.Channel = service.AutoChannel
	}
	in.Anyway = true
	return in
}

func (d *desk) trySend(in service.NewMessage) (*hookswitch.Message, error) {
	return d.Service.SendMessage(d.t.Context(), d.app.Key, public(in), none)
}

func (d *desk) send(in service.NewMessage) *hookswitch.Message {
	d.t.Helper()
	return servicetest.Must(d.trySend(in))(d.t)
}

// run carries on what is due of sends until nothing is, as the engine would, and returns how many there were.
func (d *desk) run() (n int) {
	d.t.Helper()
	for {
		due := d.Claim(hookswitch.DeliverMessage)
		if len(due) == 0 {
			return n
		}
		for _, l := range due {
			n++
			begun := servicetest.Must(d.Service.BeginSend(d.t.Context(), &l.Outcome))(d.t)
			if begun.Out == nil {
				continue
			}
			acc, err := begun.Sender.Send(d.t.Context(), begun.Out)
			servicetest.Must(d.Service.FinishSend(d.t.Context(), &l.Outcome, l.Tries, acc, err))(d.t)
		}
	}
}

func (d *desk) message(key hookswitch.Key) *hookswitch.Message {
	d.t.Helper()
	return servicetest.Must(d.Store.Message(d.t.Context(), d.app.Key, key))(d.t)
}

func (d *desk) hear(address string, ch hookswitch.Channel, from string) {
	d.t.Helper()
	u := servicetest.Text(address, from, "in."+fmt.Sprint(d.Service.NextKey()), "Hi")
	u.Channel = ch
	servicetest.Must(d.Push(u))(d.t)
}

func TestSendMessage_ChoosesTheChannel(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("all", hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Email, hookswitch.Telegram)
		d.sender("bare")
		d.sender("chat", hookswitch.Telegram)
		d.sender("wa", hookswitch.WhatsApp)
		d.hear("wa/whatsapp", hookswitch.WhatsApp, "+14155550100")
		d.hear("all/whatsapp", hookswitch.WhatsApp, "+14155550100")
		d.hear("all/whatsapp", hookswitch.WhatsApp, "US.13491208655302741918")
		image := json.RawMessage(`{"mediaUrl":"https://shop.example/a.png"}`)
		for _, c := range []struct {
			sender, to, kind string
			asked, want      hookswitch.Channel
		}{
			{"all", "+14155550100", "text", "", hookswitch.SMS},
			{"all", "ana@example.org", "text", "", hookswitch.Email},
			{"all", "+14155550100", "image", "", hookswitch.WhatsApp},
			{"all", "US.13491208655302741918", "text", "", hookswitch.WhatsApp},
			{"all", "123456789", "text", "", hookswitch.Telegram},
			{"all", "+14155550100", "text", hookswitch.SMSOneWay, hookswitch.SMSOneWay},
			{"all", "+14155550100", "text", hookswitch.Voice, hookswitch.Voice},
			{"bare", "+14155550100", "text", "", hookswitch.SMS},
			{"bare", "ana@example.org", "text", "", hookswitch.Email},
			{"bare", "+14155550100", "image", "", hookswitch.WhatsApp},
			{"chat", "42", "text", "", hookswitch.Telegram},
			{"wa", "+14155550100", "text", "", hookswitch.WhatsApp}, // it has nothing else
		} {
			m, err := d.trySend(service.NewMessage{Sender: c.sender, To: c.to, Type: c.kind, Channel: c.asked, Text: "Hi", Content: image})
			if err != nil || m.Channel != c.want {
				t.Errorf("%+v: got %+v, %v", c, m, err)
			}
		}
	})
}

func TestSendMessage_WithoutARouteIsAcceptedAndFailsInItsTurn(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("bare")
		m := d.send(service.NewMessage{To: "+14155550100", Text: "Hi"})
		if m.Status != hookswitch.StatusQueued || m.From != "+15550001111" || m.Conversation == 0 {
			t.Errorf("accepted %+v", m)
		}
		d.run()
		if m = d.message(m.Key); m.Status != hookswitch.StatusFailed || m.ErrorCode != "no_provider" {
			t.Errorf("got %s %q", m.Status, m.ErrorCode)
		}
		if got := d.Types(d.app); !slices.Equal(got, []string{"message.queued", "message.failed"}) {
			t.Errorf("events %v", got)
		}
		d.sender("sms", hookswitch.SMS)
		d.Provider.Set(servicetest.Traits{Cannot: "location"})
		m = d.send(service.NewMessage{Sender: "sms", Channel: hookswitch.SMS, To: "+14155550100", Type: "location", Content: json.RawMessage(`{"latitude":1,"longitude":2}`)})
		d.run()
		if m = d.message(m.Key); m.ErrorCode != "unsupported_type" {
			t.Errorf("got %s %q, want unsupported_type", m.Status, m.ErrorCode)
		}
	})
}

func TestSendMessage_ChoosesTheSender(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, err := d.trySend(service.NewMessage{To: "+14155550100", Text: "x"})
		if hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("no sender: %v", err)
		}
		only := d.sender("only")
		if m := d.send(service.NewMessage{To: "+14155550100", Text: "x"}); m.Sender != only.Key {
			t.Error("the only sender is not used")
		}
		second := d.sender("second")
		if _, err = d.trySend(service.NewMessage{To: "+14155550100", Text: "x"}); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("two senders and no default: %v", err)
		}
		id := d.Service.IDs().Format(hookswitch.KindSender, second.Key)
		servicetest.Must(d.Service.UpdateSender(t.Context(), d.app.Key, id, service.SenderChange{SetDefault: true}))(t)
		if m := d.send(service.NewMessage{To: "+14155550100", Text: "x"}); m.Sender != second.Key {
			t.Error("the default sender is not used")
		}
		if m := d.send(service.NewMessage{Sender: d.Service.IDs().Format(hookswitch.KindSender, only.Key), To: "+14155550100", Text: "x"}); m.Sender != only.Key {
			t.Error("the named sender is not used")
		}
		other := d.Sender(d.App(), "foreign", hookswitch.SMS, false)
		for _, name := range []string{"nobody", d.Service.IDs().Format(hookswitch.KindSender, other.Key)} {
			if _, err = d.trySend(service.NewMessage{Sender: name, To: "+14155550100", Text: "x"}); hookswitch.KindOf(err) != hookswitch.NotFound {
				t.Errorf("sender %s: %v, want not found", name, err)
			}
		}
	})
}

func TestSendMessage_NamesTheWrongField(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("bare")
		content := func(kind, s string) service.NewMessage {
			return service.NewMessage{To: "+14155550100", Type: kind, Text: "Choose", Content: json.RawMessage(s)}
		}
		text := func(change func(*service.NewMessage)) service.NewMessage {
			m := service.NewMessage{To: "+14155550100", Text: "x"}
			change(&m)
			return m
		}
		mail := func(change func(*service.NewMessage)) service.NewMessage {
			m := service.NewMessage{To: "ana@example.org", Text: "x"}
			change(&m)
			return m
		}
		for _, c := range []struct {
			in   service.NewMessage
			want string
		}{
			{text(func(m *service.NewMessage) { m.To = "" }), "to"},
			{text(func(m *service.NewMessage) { m.To = "4155550100x" }), "to"},
			{text(func(m *service.NewMessage) { m.To = "ana@example.org"; m.Channel = hookswitch.SMS }), "to"},
			{text(func(m *service.NewMessage) { m.Channel = hookswitch.Email }), "to"},
			{text(func(m *service.NewMessage) { m.Text = " " }), "text"},
			{text(func(m *service.NewMessage) { m.Text = ""; m.HTMLBody = "<p>x</p>" }), "text"},
			{text(func(m *service.NewMessage) { m.Type = "fax" }), "type"},
			{text(func(m *service.NewMessage) { m.Channel = "pigeon" }), "channel"},
			{text(func(m *service.NewMessage) { m.VoiceLanguage = "??" }), "voiceLanguage"},
			{text(func(m *service.NewMessage) { m.Metadata = map[string]string{"x": strings.Repeat("x", 5000)} }), "metadata"},
			{text(func(m *service.NewMessage) { m.Attachments = []service.NewAttachment{{Filename: "a", Content: "eA=="}} }), "attachments"},
			{mail(func(m *service.NewMessage) { m.Subject = strings.Repeat("x", 999) }), "subject"},
			{mail(func(m *service.NewMessage) { m.Subject = "a\r\nBcc: b@c.de" }), "subject"},
			{mail(func(m *service.NewMessage) { m.ReplyTo = "nobody" }), "replyTo"},
			{mail(func(m *service.NewMessage) { m.Attachments = []service.NewAttachment{{Content: "eA=="}} }), "attachments.[0].filename"},
			{mail(func(m *service.NewMessage) { m.Attachments = []service.NewAttachment{{Filename: "a"}} }), "attachments.[0].content"},
			{mail(func(m *service.NewMessage) { m.Attachments = []service.NewAttachment{{Filename: "a", Content: "=x="}} }), "attachments.[0].content"},
			{mail(func(m *service.NewMessage) {
				m.Attachments = []service.NewAttachment{{Filename: "a", Path: "file:///etc/passwd"}}
			}), "attachments.[0].path"},
			{content("image", `{}`), "content.mediaUrl"},
			{content("document", `{"mediaUrl":"ftp://x/y"}`), "content.mediaUrl"},
			{content("location", `{"latitude":91,"longitude":0}`), "content.latitude"},
			{content("location", `{"latitude":1}`), "content.longitude"},
			{content("contact", `{"contacts":[]}`), "content.contacts"},
			{content("contact", `{"contacts":[{"phones":["+1"]}]}`), "content.contacts.[0].name"},
			{content("buttons", `{"buttons":[{"id":"a","title":"A"},{"id":"b","title":"B"},{"id":"c","title":"C"},{"id":"d","title":"D"}]}`), "content.buttons"},
			{content("buttons", `{"buttons":[{"id":"a"}]}`), "content.buttons.[0].title"},
			{content("buttons", `{"buttons":[{"id":"a","title":"A"},{"id":"a","title":"B"}]}`), "content.buttons.[1].id"},
			{content("list", `{"sections":[{"title":"T","rows":[{"id":"a","title":"A"}]}]}`), "content.listButton"},
			{content("list", `{"listButton":"Go","sections":[{"title":"T"}]}`), "content.sections.[0].rows"},
			{content("cta_url", `{"ctaDisplayText":"Go"}`), "content.ctaUrl"},
			{content("cta_url", `{"ctaDisplayText":"Go","ctaUrl":"https://a.b","ctaHeaderType":"song"}`), "content.ctaHeaderType"},
			{content("cta_url", `{"ctaDisplayText":"Go","ctaUrl":"https://a.b","ctaHeaderType":"image"}`), "content.ctaHeaderMediaUrl"},
			{content("reaction", `{"emoji":"x"}`), "content.reactToMessageId"},
			{content("reaction", `{"reactToMessageId":"msg_1"}`), "content.emoji"},
			{content("template", `{}`), "content.templateId"},
			{content("template", `{"templateId":"tpl_1","templateVariables":{"1":7}}`), "content.templateVariables"},
			{service.NewMessage{To: "+14155550100", Type: "location_request", Text: strings.Repeat("x", 1025)}, "text"},
			{service.NewMessage{To: "+14155550100", Type: "request_contact_info"}, "text"},
		} {
			_, err := d.trySend(c.in)
			var e *hookswitch.Error
			if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || len(e.Fields) == 0 || strings.Join(e.Fields[0].Path[1:], ".") != c.want {
				t.Errorf("%+v: %v, want the field %s", c.in, err, c.want)
			}
		}
		for _, ok := range []service.NewMessage{
			mail(func(m *service.NewMessage) { m.Text, m.HTMLBody = "", "<p>x</p>" }),
			content("list", `{"listButton":"Go","sections":[{"title":"T","rows":[{"id":"a","title":"A"}]}],"unknown":1}`),
			content("sticker", `{"mediaId":"9"}`),
			{To: "+14155550100", Type: "location_request", Text: "Where are you?"},
		} {
			if _, err := d.trySend(ok); err != nil {
				t.Errorf("%+v: %v", ok, err)
			}
		}
	})
}

// Zavu 3.3: the first request with a key sends, any later one is a conflict with the message as it is now.
func TestSendMessage_AKeySendsOnce(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("sms", hookswitch.SMS)
		in := public(service.NewMessage{To: "+14155550100", Text: "x"})
		idem := service.Idempotency{Caller: "p", Key: "auto_k1", Route: "send", Refuse: true}
		repeat := func(in service.NewMessage, idem service.Idempotency) *service.RepeatedError {
			t.Helper()
			_, err := d.Service.SendMessage(t.Context(), d.app.Key, in, idem)
			var again *service.RepeatedError
			if !errors.As(err, &again) || hookswitch.KindOf(err) != hookswitch.Conflict {
				t.Fatalf("got %v, want a repetition", err)
			}
			return again
		}
		bad := in
		bad.Text = ""
		if _, err := d.Service.SendMessage(t.Context(), d.app.Key, bad, idem); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Fatalf("a bad one: %v", err)
		}
		m := servicetest.Must(d.Service.SendMessage(t.Context(), d.app.Key, in, idem))(t)
		if got := repeat(in, idem).Message; got.Key != m.Key || got.Status != hookswitch.StatusQueued {
			t.Errorf("got %+v", got)
		}
		d.run()
		if got := repeat(bad, idem).Message; got.Key != m.Key || got.Status != hookswitch.StatusSending {
			t.Errorf("a different and bad request: got %+v, want the first as it is now", got)
		}
		d.Clock.Advance(24*time.Hour - time.Second)
		repeat(in, idem)
		if n := len(d.Messages(d.app)); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
		theirs := idem
		theirs.Caller = "q"
		servicetest.Must(d.Service.SendMessage(t.Context(), d.app.Key, in, theirs))(t)

		// Racing requests: exactly one sends.
		idem.Key = "race"
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent, refused := 0, 0
		for range 8 {
			wg.Go(func() {
				_, err := d.Service.SendMessage(context.Background(), d.app.Key, in, idem)
				mu.Lock()
				defer mu.Unlock()
				var again *service.RepeatedError
				switch {
				case err == nil:
					sent++
				case errors.As(err, &again):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if sent != 1 || refused != 7 {
			t.Errorf("%d sent, %d refused", sent, refused)
		}
	})
}

// Zavu 1: a simulated send goes from queued to delivered whatever the sender's channels, and nothing reaches a provider.
func TestSendMessage_OfATestKeyIsSimulated(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("bare")
		m := d.send(service.NewMessage{To: "+14155550100", Text: strings.Repeat("long ", 900), Test: true})
		wa := d.send(service.NewMessage{To: "+14155550101", Channel: hookswitch.WhatsApp, Text: "no window", Test: true})
		if n := d.run(); n != 2 {
			t.Fatalf("%d runs, want 2", n)
		}
		for _, m := range []*hookswitch.Message{m, wa} {
			if m = d.message(m.Key); m.Status != hookswitch.StatusSent || !m.Test || m.Parts != 0 {
				t.Errorf("got %s, %+v", m.Status, m)
			}
		}
		// A restart in between loses nothing.
		if err := d.Store.Close(); err != nil {
			t.Fatal(err)
		}
		d.World = d.World.Reopen()
		d.Clock.Advance(2 * time.Second)
		if n := d.run(); n != 2 {
			t.Fatalf("%d runs after the restart, want 2", n)
		}
		for _, m := range []*hookswitch.Message{m, wa} {
			if m = d.message(m.Key); m.Status != hookswitch.StatusDelivered || !strings.HasPrefix(m.ProviderID, "test_") {
				t.Errorf("got %s %q", m.Status, m.ProviderID)
			}
		}
		if got := d.Types(d.app); strings.Join(got, " ") != "message.queued message.queued message.sent message.sent message.delivered message.delivered" {
			t.Errorf("events %v", got)
		}
		if len(d.Provider.Sent()) != 0 || owed(d.World, hookswitch.DeliverMessage) != 0 {
			t.Error("a provider was reached, or something is still owed")
		}
	})
}

// The case of a mail address does not tell people apart: who is written to as Ada@ answers as ada@.
func TestSendMessage_FindsTheContactOfAMailAddressInAnyCase(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("mail", hookswitch.Email)
		first := d.send(service.NewMessage{To: "Ada@Example.COM", Text: "x"})
		second := d.send(service.NewMessage{To: "ada@example.com", Text: "y"})
		if first.Contact != second.Contact || first.Conversation != second.Conversation {
			t.Errorf("got contacts %d and %d, conversations %d and %d", first.Contact, second.Contact, first.Conversation, second.Conversation)
		}
		d.hear("mail/email", hookswitch.Email, "ADA@example.com")
		if m := d.Messages(d.app); m[len(m)-1].Contact != first.Contact || m[len(m)-1].Conversation != first.Conversation {
			t.Errorf("the answer is of contact %d in %d, want %d in %d", m[len(m)-1].Contact, m[len(m)-1].Conversation, first.Contact, first.Conversation)
		}
		if first.To != "Ada@Example.COM" {
			t.Errorf("the message goes to %s", first.To)
		}
	})
}

// Zavu 1: the promised two seconds hold for each of several to one person. None waits for the arrival of the one before.
func TestSendMessage_OfATestKeyDoesNotWaitForTheOneBefore(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("bare")
		var keys []hookswitch.Key
		for range 10 {
			keys = append(keys, d.send(service.NewMessage{To: "+14155550100", Text: "x", Test: true}).Key)
		}
		for range keys {
			d.run()
		}
		d.Clock.Advance(time.Second)
		d.run()
		for i, key := range keys {
			if m := d.message(key); m.Status != hookswitch.StatusDelivered {
				t.Errorf("message %d: got %s a second later, want delivered", i, m.Status)
			}
		}
		if n := owed(d.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d deliveries are still owed", n)
		}
	})
}

func TestSendMessage_IsDeliveredByItselfForATestKey(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("bare")
		d.Run(nil)
		m := d.send(service.NewMessage{To: "+14155550100", Text: "x", Test: true})
		servicetest.Eventually(t, "sent", func() bool { return d.message(m.Key).Status == hookswitch.StatusSent })
		d.Clock.Advance(time.Second)
		servicetest.Eventually(t, "delivered", func() bool { return d.message(m.Key).Status == hookswitch.StatusDelivered })
	})
}

func TestSendMessage_RefusesEarlyWhatIsKnownToFail(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		wa := d.sender("wa", hookswitch.WhatsApp)
		d.sender("both", hookswitch.WhatsApp, hookswitch.SMS)
		refused := func(in service.NewMessage, code string) {
			t.Helper()
			in.Channel = hookswitch.WhatsApp
			_, err := d.trySend(in)
			var e *hookswitch.Error
			if got := errors.As(err, &e); code == "" && err != nil || code != "" && (!got || e.Code != code || e.Kind != hookswitch.Invalid) {
				t.Errorf("%+v: %v, want %q", in, err, code)
			}
		}
		in := service.NewMessage{Sender: "wa", To: "+14155550100", Text: "x"}
		refused(in, "whatsapp_window_closed")
		template := in
		template.Type, template.Content = "template", json.RawMessage(`{"templateId":"`+approved(d.World, d.app, wa)+`"}`)
		refused(template, "")
		simulated := in
		simulated.Test = true
		refused(simulated, "")
		sms := in
		sms.Sender, sms.Fallback = "both", true
		refused(sms, "") // it goes out by SMS
		sms.Fallback = false
		refused(sms, "whatsapp_window_closed")
		d.hear("wa/whatsapp", hookswitch.WhatsApp, "+14155550100")
		refused(in, "")
		// What is written by SMS does not open the window of WhatsApp.
		d.hear("both/sms", hookswitch.SMS, "+14155550100")
		refused(sms, "whatsapp_window_closed")
		servicetest.Must(d.Push(servicetest.Update{Channel: hookswitch.WhatsApp, Address: "wa/whatsapp", OptOut: &hookswitch.OptOut{From: "+14155550100"}}))(t)
		refused(in, "opted_out")
		refused(simulated, "")
		if n := len(d.Messages(d.app)); n != 7 {
			t.Errorf("%d messages, want those that were accepted and received", n)
		}
	})
}
