package ingest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// fixture is one recorded request of a provider.
type fixture struct {
	Method, Path, Body string
	BodyEncoding       string `json:"body_encoding"`
	Headers            map[string]string
	Repeat             int
	BodyGen            *struct {
		Prefix, Repeat, Suffix string
		Count                  int
	} `json:"body_gen"`
	Setup struct {
		Outbound []struct {
			Channel, MessageID, To string
			Status                 hookswitch.MessageStatus // empty: as far as the provider's answer brings it
			SentAt                 time.Time
		}
		Calls []struct{ CallID, Status string }
		USSD  []struct{ SessionID, Text string }
	}
	Expect struct {
		Status        int
		StatusAny     []int   `json:"status_any"`
		ContentType   string  `json:"content_type"`
		BodyEquals    *string `json:"body_equals"`
		Normalized    []map[string]any
		NormalizedAny bool `json:"normalized_any"`
		StatusUpdates []struct {
			MessageID, Status, RecipientID string
			Error                          *struct{ Code any }
		} `json:"status_updates"`
		FinalStatus *struct{ MessageID, Status string } `json:"final_status"`
		// Events are those of dialogues, in order; what follows from messages is said above.
		Events       []map[string]any
		BodyContains []string `json:"body_contains"`
		PrefixAny    []string `json:"body_prefix_any"`
	}
}

func (f *fixture) body(t *testing.T) []byte {
	if g := f.BodyGen; g != nil {
		return []byte(g.Prefix + strings.Repeat(g.Repeat, g.Count) + g.Suffix)
	}
	if f.BodyEncoding == "base64" {
		b, err := base64.StdEncoding.DecodeString(f.Body)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return []byte(f.Body)
}

// recordings are the recorded requests of one provider, and the senders that they are for.
type recordings struct {
	provider func() hookswitch.Provider
	dir      string
	least    int // recordings that there must be
	senders  []service.SenderSpec
	// now is when they come in; nil: at this moment.
	now func() time.Time
	// aside are the recordings that are kept aside, in whole or in part.
	aside []string
	// also looks at what only pushes of this provider lead to: the events message.received and message.inbound.
	also func(t *testing.T, received, inbound []event)
	// both tells the recordings that are replayed on both databases. What a push leads to differs between them in nothing but the statements.
	both func(name string) bool
}

func TestDoors_TakeEveryRecordedRequestOfMeta(t *testing.T) {
	page, account := credentials(appSecret, ""), credentials(appSecret, "")
	page["page_id"], account["ig_user_id"] = []string{"1906385232743451"}, []string{"17841405822304914"}
	replayAll(t, recordings{
		provider: func() hookswitch.Provider { return meta.New(meta.Options{}) }, dir: "../provider/meta/testdata", least: 50,
		senders: []service.SenderSpec{
			{Name: "main", Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: credentials(appSecret, phoneID)},
			{Name: "second", Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: credentials(appSecret, otherID)},
			{Name: "page", Channel: hookswitch.Messenger, Provider: "meta", Credentials: page},
			{Name: "account", Channel: hookswitch.Instagram, Provider: "meta", Credentials: account},
		},
		both: func(name string) bool {
			for _, prefix := range []string{"whatsapp_batch_mixed", "whatsapp_unsupported", "whatsapp_system_number_change", "whatsapp_status",
				"messenger_batch", "messenger_delivery", "messenger_read", "messenger_postback_without_mid", "instagram_seen", "instagram_unsend"} {
				if strings.HasPrefix(name, prefix) {
					return true
				}
			}
			return false
		},
	})
}

func replayAll(t *testing.T, all recordings) {
	names, err := filepath.Glob(filepath.Join(all.dir, "*.json"))
	names = slices.DeleteFunc(names, func(name string) bool {
		return filepath.Base(name) == "credentials.json" || strings.HasSuffix(name, ".golden.json")
	})
	if err != nil || len(names) < all.least {
		t.Fatalf("%d recordings, %v", len(names), err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		t.Run(base, func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			test := func(t *testing.T, db *storetest.DB) {
				var f fixture
				if err := json.Unmarshal(data, &f); err != nil {
					t.Fatal(err)
				}
				replay(t, db, &all, &f)
			}
			if all.both(base) {
				storetest.Each(t, test)
				return
			}
			t.Parallel()
			test(t, storetest.SQLite(t))
		})
	}
}

func replay(t *testing.T, db *storetest.DB, all *recordings, f *fixture) {
	g := newGatewayAt(t, db, all.now, all.provider())
	app := g.app("acme")
	applied, err := g.svc.ApplySenders(context.Background(), app.Key, withResponders(all.senders))
	if err != nil {
		t.Fatal(err)
	}
	g.endpoint(app)
	g.endpoint(app, hookswitch.EventMessageReceived)
	for _, o := range f.Setup.Outbound {
		i := slices.IndexFunc(applied, func(a service.AppliedSender) bool { return a.Sender.Routes[0].Channel.ReceivedName() == o.Channel })
		if i < 0 {
			t.Fatalf("no sender for %s", o.Channel)
		}
		g.sentAs(app, applied[i].Sender, o.MessageID, o.To, o.Status, o.SentAt)
	}
	g.inDialogue(all, f)
	before, told := g.messages(app), len(g.events(app))

	for range max(f.Repeat, 1) {
		a := g.do(f.Method, f.Path, f.body(t), f.Headers)
		if a.status != f.Expect.Status && !slices.Contains(f.Expect.StatusAny, a.status) {
			t.Errorf("answered %d %s, want %d", a.status, a.body, f.Expect.Status)
		}
		if f.Expect.ContentType != "" {
			if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); kind != f.Expect.ContentType && kind != "text/"+f.Expect.ContentType {
				t.Errorf("content type %q, want %s", a.header.Get("Content-Type"), f.Expect.ContentType)
			}
		}
		if f.Expect.BodyEquals != nil && a.body != *f.Expect.BodyEquals {
			t.Errorf("body %q, want %q", a.body, *f.Expect.BodyEquals)
		}
		begins := func(p string) bool { return strings.HasPrefix(a.body, p) }
		contains := func(part string) bool { return strings.Contains(a.body, part) }
		if len(f.Expect.PrefixAny) > 0 && !slices.ContainsFunc(f.Expect.PrefixAny, begins) || slices.ContainsFunc(f.Expect.BodyContains, func(part string) bool { return !contains(part) }) {
			t.Errorf("body %q, want it to begin with one of %q and to contain %q", a.body, f.Expect.PrefixAny, f.Expect.BodyContains)
		}
		if a.status == 200 && a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error("the answer may be sniffed")
		}
	}

	messages, events := slices.DeleteFunc(g.messages(app)[len(before):], saidInDialogue), slices.DeleteFunc(g.events(app)[told:], ofAnswer)
	checkDialogues(t, f, events)
	if !f.Expect.NormalizedAny {
		checkReceived(t, f, before, messages, events)
	}
	checkStatuses(t, g, app, f, events)
	if aside := slices.ContainsFunc(all.aside, func(name string) bool { return strings.Contains(t.Name()+"/", "/"+name+"/") }); len(g.strays()) > 0 != aside {
		t.Errorf("kept aside: %+v, want some: %t", g.strays(), aside)
	}
	if all.also != nil {
		of := func(kind string) []event {
			return slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e.Type != kind })
		}
		all.also(t, of(hookswitch.EventMessageReceived), of(hookswitch.EventMessageInbound))
	}
}

// sent stores a message that was sent under the provider's id, long ago where at is zero. On WhatsApp and SMS and by email nothing has been heard of it yet; elsewhere the
// provider's answer was all there is to hear.
func (g *gateway) sent(app *hookswitch.App, s *hookswitch.Sender, providerID, to string, at time.Time) {
	g.t.Helper()
	g.sentAs(app, s, providerID, to, "", at)
}

// sentAs is sent of a message that has come as far as status.
func (g *gateway) sentAs(app *hookswitch.App, s *hookswitch.Sender, providerID, to string, status hookswitch.MessageStatus, at time.Time) {
	g.t.Helper()
	route := &s.Routes[0]
	switch {
	case status != "":
	case route.Channel == hookswitch.WhatsApp, route.Channel == hookswitch.SMS, route.Channel == hookswitch.Email:
		status = hookswitch.StatusSending
	default:
		status = hookswitch.StatusSent
	}
	if at.IsZero() {
		at = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	m := &hookswitch.Message{Key: hookswitch.KeyAt(at) + hookswitch.Key(g.stored.Add(1)), App: app.Key, Sender: s.Key, Route: route.Key, Direction: hookswitch.Outbound, Channel: route.Channel, Type: "text",
		Status: status, To: to, Text: "hello", ProviderID: providerID, CreatedAt: at, UpdatedAt: at}
	err := g.store.Update(context.Background(), func(tx *store.Tx) error {
		contact, err := tx.ContactBy(tx.Context(), app.Key, route.Channel, to)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			contact = g.svc.NextKey()
			err = tx.InsertContact(&hookswitch.Contact{Key: contact, App: app.Key, CreatedAt: at, UpdatedAt: at}, route.Channel, to)
		}
		if err != nil {
			return err
		}
		conv, err := tx.ConversationOf(tx.Context(), s.Key, contact)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			conv = &hookswitch.Conversation{Key: g.svc.NextKey(), App: app.Key, Sender: s.Key, Contact: contact, CreatedAt: at, UpdatedAt: at}
			err = tx.InsertConversation(conv)
		}
		if err != nil {
			return err
		}
		m.Conversation, m.Contact = conv.Key, contact
		return tx.InsertMessage(m)
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// checkReceived compares what came in with what the recording expects: the stored messages, message.received where an endpoint names it, message.inbound, one
// conversation.new for each person who had not written before, and message.unsupported.
func checkReceived(t *testing.T, f *fixture, before, messages []*hookswitch.Message, events []event) {
	t.Helper()
	byType := map[string][]event{}
	for _, e := range events {
		byType[e.Type] = append(byType[e.Type], e)
	}
	n := len(f.Expect.Normalized)
	if len(messages) != n || len(byType[hookswitch.EventMessageReceived]) != n || len(byType[hookswitch.EventMessageInbound]) != n {
		t.Fatalf("%d messages and the events %v, want %d of each", len(messages), typesOf(events), n)
	}
	people := map[string]bool{}
	unsupported := 0
	for i, want := range f.Expect.Normalized {
		delete(want, "metadata_ext")
		if diff := subset("data", want, byType[hookswitch.EventMessageReceived][i].Data); diff != "" {
			t.Errorf("message.received %d: %s", i, diff)
		}
		m, in := messages[i], byType[hookswitch.EventMessageInbound][i].Data
		diff := ""
		if id, named := want["messageId"]; named {
			diff = subset("messageId", id, m.ProviderID)
		}
		if diff != "" || m.From != want["senderId"] || m.Direction != hookswitch.Inbound || m.Status != hookswitch.StatusReceived {
			t.Errorf("stored %+v, want %v", m, want)
		}
		if in["from"] != want["senderId"] || in["channel"] != string(m.Channel) || want["channel"] != nil && m.Channel.ReceivedName() != want["channel"] || in["status"] != "received" || in["conversationId"] == "" {
			t.Errorf("message.inbound %d: %v", i, in)
		}
		if !slices.ContainsFunc(before, func(b *hookswitch.Message) bool { return b.Direction == hookswitch.Inbound && b.From == m.From }) {
			people[m.From] = true
		}
		if meta, _ := want["metadata"].(map[string]any); meta["messageType"] == "unsupported" {
			unsupported++
		}
	}
	if got := len(byType[hookswitch.EventConversationNew]); got != len(people) {
		t.Errorf("%d conversation.new for %d people", got, len(people))
	}
	if got := len(byType[hookswitch.EventMessageUnsupported]); got != unsupported {
		t.Errorf("%d message.unsupported, want %d", got, unsupported)
	}
}

func checkStatuses(t *testing.T, g *gateway, app *hookswitch.App, f *fixture, events []event) {
	t.Helper()
	moves := 0
	for _, e := range events {
		if e.Type == hookswitch.EventMessageRead || e.Type == hookswitch.EventMessageFailed || e.Type == hookswitch.EventMessageSent {
			moves++
		}
	}
	expected := 0
	for _, want := range f.Expect.StatusUpdates {
		if want.Status != string(hookswitch.StatusDelivered) { // what has been read has been delivered, too
			expected++
		}
	}
	if moves != expected {
		t.Errorf("events %v tell of %d changes of status, want %d", typesOf(events), moves, expected)
	}
	for _, want := range f.Expect.StatusUpdates {
		told := false
		for _, e := range events {
			if e.Type != "message."+want.Status || e.Data["providerMessageId"] != want.MessageID || want.RecipientID != "" && e.Data["to"] != want.RecipientID {
				continue
			}
			told = true
			if want.Error != nil && e.Data["errorCode"] != fmt.Sprint(want.Error.Code) {
				t.Errorf("told the code %v, want %s", e.Data["errorCode"], want.Error.Code)
			}
		}
		if !told {
			t.Errorf("no message.%s among %v", want.Status, typesOf(events))
		}
		moved := slices.ContainsFunc(g.messages(app), func(m *hookswitch.Message) bool {
			return m.ProviderID == want.MessageID && (string(m.Status) == want.Status || hookswitch.MessageStatus(want.Status).CanBecome(m.Status)) // by what came with it
		})
		if !moved {
			t.Errorf("no message %s became %s", want.MessageID, want.Status)
		}
	}
	if want := f.Expect.FinalStatus; want != nil {
		for _, m := range g.messages(app) {
			if m.ProviderID == want.MessageID && string(m.Status) != want.Status {
				t.Errorf("message %s is %s, want %s", m.ProviderID, m.Status, want.Status)
			}
		}
	}
}

// subset says how got lacks something of want, or "". A star stands for any text.
func subset(path string, want, got any) string {
	if text, ok := got.(string); ok && want == "*" && text != "" {
		return ""
	}
	w, ok := want.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(want, got) {
			return fmt.Sprintf("%s is %v, want %v", path, got, want)
		}
		return ""
	}
	if pattern, ok := w["$regex"].(string); ok {
		if text, ok := got.(string); !ok || !regexp.MustCompile(pattern).MatchString(text) {
			return fmt.Sprintf("%s is %v, want it to match %s", path, got, pattern)
		}
		return ""
	}
	g, _ := got.(map[string]any)
	for name, value := range w {
		if diff := subset(path+"."+name, value, g[name]); diff != "" {
			return diff
		}
	}
	return ""
}
