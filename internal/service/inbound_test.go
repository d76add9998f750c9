package service_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// owed are the rows of a kind that are due.
func owed(w *servicetest.World, kind hookswitch.DeliveryKind) int { return len(w.Claim(kind)) }

func TestReceive_MakesContactConversationMessageAndEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "100", hookswitch.WhatsApp, true)
		w.Endpoint(app, hookURL, servicetest.Filter("message.received"))
		w.Endpoint(app, hookURL)
		res := servicetest.Must(w.Push(servicetest.Text("100", "+254712345678", "wamid.1", "Hi")))(t)
		if len(res.Messages) != 1 {
			t.Fatalf("got %+v", res)
		}
		again := servicetest.Must(w.Push(servicetest.Text("100", "+254712345678", "wamid.2", "Again")))(t)
		want := []string{"conversation.new", "message.inbound", "message.received", "message.inbound", "message.received"}
		if diff := cmp.Diff(want, w.Types(app)); diff != "" {
			t.Error(diff)
		}
		messages := w.Messages(app)
		first, second := messages[0], messages[1]
		if first.Key != res.Messages[0] || second.Key != again.Messages[0] || first.Conversation != second.Conversation || first.Contact != second.Contact {
			t.Errorf("messages %+v and %+v", first, second)
		}
		if first.Status != hookswitch.StatusReceived || first.Direction != hookswitch.Inbound || first.Sender != sender.Key || first.Route != sender.Routes[0].Key || first.Text != "Hi" ||
			!first.ProviderAt.Equal(servicetest.Start.Add(-time.Second)) || first.ProfileName != "Ada" {
			t.Errorf("message %+v", first)
		}
		conv := servicetest.Must(w.Store.Conversation(t.Context(), app.Key, first.Conversation))(t)
		if conv.Inbound != 2 || conv.Messages != 2 || conv.Unread != 2 || conv.LastMessage != second.Key || !conv.LastInboundAt.Equal(w.Clock.Now()) || conv.Sender != sender.Key {
			t.Errorf("conversation %+v", conv)
		}
		contact := servicetest.Must(w.Store.Contact(t.Context(), app.Key, first.Contact))(t)
		if contact.Name != "Ada" || len(contact.Identifiers) != 1 || contact.Identifiers[0].Value != "+254712345678" || !contact.Identifiers[0].LastInboundAt.Equal(w.Clock.Now()) {
			t.Errorf("contact %+v", contact)
		}
		if n := owed(w, hookswitch.DeliverRespond); n != 1 { // the second follows when the first is done
			t.Errorf("%d runs of the responder are due, want 1", n)
		}
	})
}

// golden fills the ids of the world into an expected payload.
func golden(w *servicetest.World, text string, ev *hookswitch.Event, m *hookswitch.Message) string {
	ids := w.Service.IDs()
	return strings.NewReplacer("EVT", ids.FormatEnvelope(ev.Key), "SND", ids.Format(hookswitch.KindSender, m.Sender), "PRJ", ids.Format(hookswitch.KindProject, m.App),
		"MSG", ids.Format(hookswitch.KindMessage, m.Key), "CONV", ids.Format(hookswitch.KindConversation, m.Conversation), "TIME", fmt.Sprint(ev.Key.Millis())).Replace(text)
}

func TestReceive_PayloadsByteForByte(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		w.Sender(app, "sms", hookswitch.SMS, false)
		w.Sender(app, "mail", hookswitch.Email, false)
		w.Sender(app, "dm", hookswitch.X, false)
		w.Endpoint(app, hookURL, servicetest.Filter("message.received"))

		ad := servicetest.Text("100", "+14155551234", "wamid.1", "Hi <b>\u2028 \"you\"")
		ad.Message.Type, ad.Message.Kind = "image", "image"
		ad.Message.Content = map[string]any{"mediaId": "9", "referral": map[string]any{"source_id": "7", "headline": "A & B"}, "size": 1.0}
		ad.Message.Metadata = map[string]any{"phoneNumberId": "100", "forwarded": true}
		sms := servicetest.Update{Channel: hookswitch.SMS, Address: "sms", Dedup: "SM1", At: servicetest.Start.UnixMilli() + 250,
			Message: &hookswitch.InboundMessage{ProviderID: "SM1", From: "+14155550000", To: "+15550001111", Marker: "[image]", Type: "text"}}
		mail := servicetest.Update{Channel: hookswitch.Email, Address: "mail", Message: &hookswitch.InboundMessage{ProviderID: "<1@x>", From: "ada@example.com", To: "us@example.com", Text: "Hello", Type: "text"}}
		odd := servicetest.Update{Channel: hookswitch.X, Address: "dm", At: servicetest.Start.UnixMilli(),
			Message: &hookswitch.InboundMessage{ProviderID: "900", From: "55", To: "66", Marker: "[unsupported]", Type: "text", Unsupported: true}}

		var payloads []string
		for _, c := range []struct {
			name   string
			update servicetest.Update
			want   []string
		}{
			{"an image after an ad", ad, []string{
				`{"id":"EVT","type":"conversation.new","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"conversationId":"CONV","phoneNumber":"+14155551234","channel":"whatsapp","firstMessageId":"MSG","firstMessageText":"Hi <b>` + "\u2028" + ` \"you\"","profileName":"Ada"}}`,
				`{"id":"EVT","type":"message.inbound","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","from":"+14155551234","to":"+15550001111","channel":"whatsapp","status":"received","messageType":"image","text":"Hi <b>` + "\u2028" + ` \"you\"","content":{"mediaId":"9","referral":{"headline":"A & B","source_id":"7"},"size":1},"profileName":"Ada","providerTimestamp":1741953599000,"referral":{"headline":"A & B","source_id":"7"}}}`,
				`{"id":"EVT","type":"message.received","timestamp":"2025-03-14T12:00:00Z","accountId":"SND","data":{"channel":"whatsapp","senderId":"+14155551234","message":"Hi <b>` + "\u2028" + ` \"you\"","messageId":"wamid.1","timestamp":"2025-03-14T11:59:59Z","metadata":{"forwarded":true,"phoneNumberId":"100"},"conversationId":"CONV"}}`,
			}},
			{"an SMS without text", sms, []string{
				`{"id":"EVT","type":"conversation.new","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"conversationId":"CONV","phoneNumber":"+14155550000","channel":"sms","firstMessageId":"MSG","firstMessageText":"","profileName":null}}`,
				`{"id":"EVT","type":"message.inbound","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","from":"+14155550000","to":"+15550001111","channel":"sms","status":"received","messageType":"text","content":{},"providerTimestamp":null}}`,
				`{"id":"EVT","type":"message.received","timestamp":"2025-03-14T12:00:00Z","accountId":"SND","data":{"channel":"sms","senderId":"+14155550000","message":"[image]","messageId":"SM1","timestamp":"2025-03-14T12:00:00.250Z","metadata":{},"conversationId":"CONV"}}`,
			}},
			{"an email without a time", mail, []string{
				`{"id":"EVT","type":"conversation.new","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"conversationId":"CONV","email":"ada@example.com","channel":"email","firstMessageId":"MSG","firstMessageText":"Hello","profileName":null}}`,
				`{"id":"EVT","type":"message.inbound","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","from":"ada@example.com","to":"us@example.com","channel":"email","status":"received","messageType":"text","text":"Hello","content":{},"providerTimestamp":null}}`,
				`{"id":"EVT","type":"message.received","timestamp":"2025-03-14T12:00:00Z","accountId":"SND","data":{"channel":"email","senderId":"ada@example.com","message":"Hello","messageId":"<1@x>","timestamp":"2025-03-14T12:00:00Z","metadata":{},"conversationId":"CONV"}}`,
			}},
			{"something we cannot represent", odd, []string{
				`{"id":"EVT","type":"conversation.new","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"conversationId":"CONV","phoneNumber":"55","channel":"x","firstMessageId":"MSG","firstMessageText":"","profileName":null}}`,
				`{"id":"EVT","type":"message.inbound","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","from":"55","to":"66","channel":"x","status":"received","messageType":"text","content":{},"profileName":null,"providerTimestamp":1741953600000}}`,
				`{"id":"EVT","type":"message.unsupported","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","from":"55","to":"66","channel":"x","status":"received","messageType":"text","content":{},"profileName":null,"providerTimestamp":1741953600000}}`,
				`{"id":"EVT","type":"message.received","timestamp":"2025-03-14T12:00:00Z","accountId":"SND","data":{"channel":"twitter","senderId":"55","message":"[unsupported]","messageId":"900","timestamp":"2025-03-14T12:00:00Z","metadata":{},"conversationId":"CONV"}}`,
			}},
		} {
			before := len(w.Events(app))
			servicetest.Must(w.Push(c.update))(t)
			list, events := w.Messages(app), w.Events(app)[before:]
			m := list[len(list)-1]
			if len(events) != len(c.want) {
				t.Errorf("%s: %d events, want %d", c.name, len(events), len(c.want))
				continue
			}
			for i, ev := range events {
				if want := golden(w, c.want[i], ev, m); string(ev.Payload) != want {
					t.Errorf("%s:\n got %s\nwant %s", c.name, ev.Payload, want)
				}
				payloads = append(payloads, string(ev.Payload))
			}
		}
		if !db.Postgres { // they are the same on both
			checkNode(t, payloads)
		}
	})
}

// checkNode has node read and write payloads, where there is a node.
func checkNode(t *testing.T, payloads []string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), node, "-e",
		`process.stdout.write(require("fs").readFileSync(0, "utf8").split("\n").map(l => JSON.stringify(JSON.parse(l))).join("\n"))`)
	cmd.Stdin = strings.NewReader(strings.Join(payloads, "\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(payloads, strings.Split(string(out), "\n")); diff != "" {
		t.Errorf("node rewrites payloads: %s", diff)
	}
}

func TestReceive_QuietKindsAndPeopleInChargeKeepTheResponderSilent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		w.Sender(app, "200", hookswitch.WhatsApp, false)
		quiet := servicetest.Text("100", "+1", "q", "👍")
		quiet.Message.Quiet = true
		odd := servicetest.Text("100", "+1", "u", "")
		odd.Message.Unsupported = true
		servicetest.Must(w.Push(quiet, odd, servicetest.Text("200", "+1", "n", "no responder")))(t)
		if n := owed(w, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("%d runs are due", n)
		}
		conv := w.Service.IDs().Format(hookswitch.KindConversation, w.Messages(app)[0].Conversation)
		if err := w.Service.SetHandover(t.Context(), app.Key, conv, true); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "h", "to a person")))(t)
		if n := owed(w, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("a person has taken over, and %d runs are due", n)
		}
		if err := w.Service.SetHandover(t.Context(), app.Key, conv, false); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "b", "back")))(t)
		if n := owed(w, hookswitch.DeliverRespond); n != 1 {
			t.Errorf("given back, and %d runs are due, want 1", n)
		}
	})
}

func TestReceive_TheSameFactAgainChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		nodes := []*servicetest.World{w}
		if db.Postgres {
			nodes = append(nodes, w.OtherNode())
		}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if _, err := nodes[i%len(nodes)].Push(servicetest.Text("100", "+1", "wamid.1", "Hi")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(w.Messages(app)); n != 1 {
			t.Errorf("%d messages of 16 equal pushes", n)
		}
		if diff := cmp.Diff([]string{"conversation.new", "message.inbound"}, w.Types(app)); diff != "" {
			t.Error(diff)
		}
		w.Clock.Advance(7 * days)
		if res := servicetest.Must(w.Push(servicetest.Text("100", "+1", "wamid.1", "Hi")))(t); res.Duplicates != 1 || len(res.Messages) != 0 {
			t.Errorf("after a week: %+v", res)
		}
		other := servicetest.Text("100", "+1", "wamid.1", "Hi")
		other.Channel = hookswitch.SMS // the same word of another channel is another fact
		if res := servicetest.Must(w.Push(other))(t); res.Duplicates != 0 || res.Strays != 1 {
			t.Errorf("another channel: %+v", res)
		}
	})
}

func TestReceive_ManyMessagesOfOnePersonAtOnceMakeOneConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, true)
		const n = 16
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				for {
					_, err := w.Push(servicetest.Text("100", "+1", fmt.Sprint("wamid.", i), "Hi"))
					if hookswitch.KindOf(err) == hookswitch.Unavailable {
						continue // a provider tries again
					}
					if err != nil {
						t.Error(err)
					}
					return
				}
			})
		}
		wg.Wait()
		conversations := servicetest.Must(w.Service.Conversations(t.Context(), app.Key, store.Page{Limit: 10}))(t)
		if len(conversations) != 1 || conversations[0].Inbound != n {
			t.Errorf("got %d conversations, the first %+v", len(conversations), conversations[0])
		}
		news := 0
		for _, typ := range w.Types(app) {
			if typ == "conversation.new" {
				news++
			}
		}
		if news != 1 || len(w.Events(app)) != n+1 {
			t.Errorf("%d events, %d of them conversation.new", len(w.Events(app)), news)
		}
	})
}

func TestReceive_OneBatchForSeveralAppsIsOneTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		a, b := w.App(), w.App()
		w.Sender(a, "100", hookswitch.WhatsApp, false)
		w.Sender(b, "200", hookswitch.WhatsApp, false)
		broken := servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", Broken: "no id \x00"}
		unknown := servicetest.Text("300", "+1", "w3", "to nobody")
		res := servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "to a"), broken, servicetest.Text("200", "+1", "w2", "to b"), unknown, servicetest.Text("100", "+1", "w1", "to a")))(t)
		if len(res.Messages) != 2 || res.Strays != 2 || res.Duplicates != 1 {
			t.Errorf("got %+v", res)
		}
		if x, y := w.Messages(a), w.Messages(b); len(x) != 1 || len(y) != 1 || x[0].Text != "to a" || y[0].Text != "to b" || x[0].Contact == y[0].Contact {
			t.Errorf("a has %d messages, b %d", len(x), len(y))
		}
		strays := servicetest.Must(w.Store.Strays(t.Context(), store.Page{Limit: 10}))(t)
		if len(strays) != 1 || !strings.HasPrefix(strays[0].Reason, "could not be read: no id") || !strings.Contains(strays[0].Reason, `; no route of this account has the address "300"`) ||
			!json.Valid(strays[0].Body) {
			t.Errorf("strays %+v", strays)
		}
		if c := w.Service.Counts(); c.Received.Load() != 2 || c.Stray.Load() != 2 || c.Duplicate.Load() != 1 {
			t.Errorf("counted %d, %d, %d", c.Received.Load(), c.Stray.Load(), c.Duplicate.Load())
		}
	})
}

func TestReceive_KeepsAPushAsideOnceHoweverManyPartsNobodyTakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		w.Sender(app, "200", hookswitch.WhatsApp, false)
		var updates []servicetest.Update
		for i := range 100 {
			updates = append(updates, servicetest.Text(strconv.Itoa(1000+i), "+1", "w"+strconv.Itoa(i), "to nobody"))
		}
		if res := servicetest.Must(w.Push(updates...))(t); res.Strays != len(updates) {
			t.Errorf("got %+v", res)
		}
		strays := servicetest.Must(w.Store.Strays(t.Context(), store.Page{Limit: 200}))(t)
		if len(strays) != 1 || strings.Count(strays[0].Reason, "no route") != 10 {
			t.Errorf("%d strays: %+v", len(strays), strays)
		}
	})
}

func TestReceive_ForAnAppThatIsJustGoneIsKeptAside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "100", hookswitch.WhatsApp, true)
		accounts := slices.Clone(servicetest.Must(w.Service.Accounts(t.Context(), servicetest.FakeName, 0, ""))(t))
		receive := func(id string) (service.ReceivedResult, error) {
			push := servicetest.NewPush("fake-secret", w.Clock.Now(), servicetest.Text("100", "+1", id, "Hi"))
			return w.Service.Receive(t.Context(), service.Received{Account: &accounts[0], Updates: servicetest.Must(w.Provider.Parse(push))(t), Door: "/fake", At: push.At, Body: push.Body})
		}
		if err := w.Service.DeleteSender(t.Context(), app.Key, sender.Key); err != nil {
			t.Fatal(err)
		}
		if res := servicetest.Must(receive("w1"))(t); len(res.Messages) != 1 || owed(w, hookswitch.DeliverRespond) != 0 {
			t.Errorf("the sender is gone: %+v", res)
		}
		if err := w.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		if res := servicetest.Must(receive("w2"))(t); res.Strays != 1 || len(res.Messages) != 0 {
			t.Errorf("the App is gone: %+v", res)
		}
		if rest := servicetest.Must(w.Service.Accounts(t.Context(), servicetest.FakeName, 0, ""))(t); len(rest) != 0 {
			t.Errorf("%d accounts are left", len(rest))
		}
	})
}

// Zavu 3.4: a reply names the message that it quotes, by our own id where that is known. One of somebody else's conversation is not told of.
func TestReceive_AReplyNamesTheMessageThatItQuotes(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		d.sender("s", hookswitch.WhatsApp)
		d.hear("s/whatsapp", hookswitch.WhatsApp, "+15550000002")
		theirs := d.Messages(d.app)[0]
		d.hear("s/whatsapp", hookswitch.WhatsApp, "+15550000001")
		sent := d.send(service.NewMessage{To: "+15550000001", Channel: hookswitch.WhatsApp, Text: strings.Repeat("é", 300)})
		d.run()
		own := d.message(sent.Key)
		id := d.Service.IDs().Format(hookswitch.KindMessage, own.Key)
		quote := func(n, kind string, content map[string]any) map[string]any {
			u := servicetest.Text("s/whatsapp", "+15550000001", n, "Re")
			u.Message.Type, u.Message.Content = kind, content
			servicetest.Must(d.Push(u))(t)
			m := d.Messages(d.app)
			var stored, told struct {
				Data struct {
					Content map[string]any `json:"content"`
				} `json:"data"`
			}
			if err := json.Unmarshal(m[len(m)-1].Content, &stored.Data.Content); err != nil {
				t.Fatal(err)
			}
			events := d.Events(d.app)
			if err := json.Unmarshal(events[len(events)-1].Payload, &told); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored.Data.Content, told.Data.Content); diff != "" {
				t.Errorf("stored and told differ:\n%s", diff)
			}
			return told.Data.Content
		}
		for name, c := range map[string]struct {
			kind      string
			got, want map[string]any
		}{
			"ours": {"text", map[string]any{"replyToProviderMessageId": own.ProviderID, "replyToFrom": "+15550001111"}, map[string]any{
				"replyToProviderMessageId": own.ProviderID, "replyToFrom": "+15550001111", "replyToMessageId": id, "replyToMessageType": "text", "replyToText": strings.Repeat("é", 200)}},
			"a text of the provider": {"text", map[string]any{"replyToProviderMessageId": own.ProviderID, "replyToText": "said"}, map[string]any{
				"replyToProviderMessageId": own.ProviderID, "replyToText": "said", "replyToMessageId": id, "replyToMessageType": "text"}},
			"unknown":     {"text", map[string]any{"replyToProviderMessageId": "old"}, map[string]any{"replyToProviderMessageId": "old"}},
			"another's":   {"text", map[string]any{"replyToProviderMessageId": theirs.ProviderID}, map[string]any{"replyToProviderMessageId": theirs.ProviderID}},
			"a reaction":  {"reaction", map[string]any{"emoji": "x", "reactToMessageId": own.ProviderID}, map[string]any{"emoji": "x", "reactToMessageId": id}},
			"one unknown": {"reaction", map[string]any{"emoji": "x", "reactToMessageId": "old"}, map[string]any{"emoji": "x", "reactToMessageId": "old"}},
		} {
			if diff := cmp.Diff(c.want, quote("in."+name, c.kind, c.got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestReceive_PeopleKeepTheirConversationUnderANewIdentifier(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		change := func(from, to string) servicetest.Update {
			return servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", Contact: &hookswitch.ContactChange{From: from, To: to}}
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "old number"), change("+1", "+2"), servicetest.Text("100", "+2", "w2", "new number"), change("+9", "+8"), change("", "+1")))(t)
		hidden := servicetest.Text("100", "US.1", "w3", "hidden number")
		shown := servicetest.Text("100", "+3", "w4", "shown")
		shown.Message.Metadata = map[string]any{"userId": "US.1"}
		again := servicetest.Text("100", "US.1", "w5", "hidden again")
		servicetest.Must(w.Push(hidden, shown, again, servicetest.Text("100", "+3", "w6", "by number")))(t)
		m := w.Messages(app)
		if m[0].Contact != m[1].Contact || m[0].Conversation != m[1].Conversation {
			t.Error("a new number made a new person")
		}
		for _, later := range m[3:] {
			if later.Contact != m[2].Contact || later.Contact == m[0].Contact {
				t.Errorf("%q is of another person", later.Text)
			}
		}
	})
}

func TestReceive_ForeignReceipts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		foreignRef := w.Service.IDs().Format(hookswitch.KindMessage, 12345)
		for _, s := range []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead, hookswitch.StatusFailed} {
			servicetest.Must(w.Push(servicetest.Report("100", "wamid.x", foreignRef, "+1", s)))(t)
		}
		events := w.Events(app)
		if len(events) != 2 {
			t.Fatalf("events %v", w.Types(app))
		}
		want := `{"id":"EVT","type":"message.delivered","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"to":"+1","channel":"whatsapp","status":"delivered","providerMessageId":"wamid.x"}}`
		senders := servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 1}))(t)
		if want = golden(w, want, events[0], &hookswitch.Message{App: app.Key, Sender: senders[0].Key}); string(events[0].Payload) != want {
			t.Errorf("got  %s\nwant %s", events[0].Payload, want)
		}
	})
}

func TestReceive_KeepsTheFilesOfAMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "mail", hookswitch.Email, false)
		u := servicetest.Text("mail", "ana@example.org", "m1", "See the bill")
		u.Channel = hookswitch.Email
		u.Files = []hookswitch.InboundFile{{Name: "bill.pdf", MIMEType: "application/pdf", Size: 3, Bytes: []byte("PDF")}, {Name: "huge.iso", MIMEType: "application/octet-stream", Size: 1 << 30}}
		servicetest.Must(w.Push(u))(t)
		list := servicetest.Must(w.Service.Attachments(t.Context(), w.Messages(app)[0]))(t)
		if len(list) != 2 || list[0].Name != "bill.pdf" || !list[0].Kept || list[1].Kept || list[1].Size != 1<<30 || w.Service.AttachmentURL(&list[1], "/") != "" {
			t.Errorf("got %+v", list)
		}
		if _, data, err := w.Store.Attachment(t.Context(), list[0].Key); err != nil || string(data) != "PDF" {
			t.Errorf("got %q, %v", data, err)
		}
	})
}
