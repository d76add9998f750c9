package ingest_test

import (
	"cmp"
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

	"github.com/hookswitch/hookswitch"
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
		Outbound []struct{ Channel, MessageID, To, Status string }
	}
	Expect struct {
		Status        int
		StatusAny     []int   `json:"status_any"`
		ContentType   string  `json:"content_type"`
		BodyEquals    *string `json:"body_equals"`
		Normalized    []map[string]any
		StatusUpdates []struct {
			MessageID, Status string
			Error             *struct{ Code json.Number }
		} `json:"status_updates"`
		FinalStatus *struct{ MessageID, Status string } `json:"final_status"`
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

func TestDoors_TakeEveryRecordedRequestOfMeta(t *testing.T) {
	names, err := filepath.Glob("../provider/meta/testdata/*.json")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d recordings, %v", len(names), err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		if base == "credentials" || strings.HasSuffix(base, ".golden") {
			continue
		}
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
				replay(t, db, &f)
			}
			// What a push leads to differs between databases in nothing but the statements, and these recordings use them all.
			if base == "whatsapp_batch_mixed" || base == "whatsapp_unsupported" || base == "whatsapp_system_number_change" || strings.HasPrefix(base, "whatsapp_status") {
				storetest.Each(t, test)
				return
			}
			t.Parallel()
			test(t, storetest.SQLite(t))
		})
	}
}

func replay(t *testing.T, db *storetest.DB, f *fixture) {
	g := newGateway(t, db)
	app := g.app("acme")
	main := g.sender(app, "main", appSecret, phoneID)
	g.sender(app, "second", appSecret, otherID)
	replayTo(t, g, app, main, f)
}

// replayTo replays f to a gateway that has the sender it is for.
func replayTo(t *testing.T, g *gateway, app *hookswitch.App, main *hookswitch.Sender, f *fixture) {
	g.endpoint(app)
	g.endpoint(app, hookswitch.EventMessageReceived)
	for _, o := range f.Setup.Outbound {
		g.sent(app, main, hookswitch.Channel(o.Channel), o.MessageID, o.To, hookswitch.MessageStatus(cmp.Or(o.Status, string(hookswitch.StatusSending))))
	}
	before := len(g.messages(app))

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
		if a.status == 200 && a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error("the answer may be sniffed")
		}
	}

	messages, events := g.messages(app)[before:], g.events(app)
	checkReceived(t, f, messages, events)
	checkStatuses(t, g, app, f, events)
	if len(g.strays()) > 0 && !strings.Contains(t.Name(), "malformed") {
		t.Errorf("kept aside: %+v", g.strays())
	}
}

// sent stores a message that was sent over the channel under the provider's id, and has come as far as status.
func (g *gateway) sent(app *hookswitch.App, s *hookswitch.Sender, ch hookswitch.Channel, providerID, to string, status hookswitch.MessageStatus) {
	g.t.Helper()
	route := s.Routes[slices.IndexFunc(s.Routes, func(r hookswitch.Route) bool { return r.Channel == ch })]
	keys := hookswitch.NewKeys(g.store.Node().Number, now)
	contact := &hookswitch.Contact{Key: keys.Next(), App: app.Key, CreatedAt: now(), UpdatedAt: now()}
	conv := &hookswitch.Conversation{Key: keys.Next(), App: app.Key, Sender: s.Key, Contact: contact.Key, CreatedAt: now(), UpdatedAt: now()}
	err := g.store.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.InsertContact(contact, ch, to); err != nil {
			return err
		}
		if err := tx.InsertConversation(conv); err != nil {
			return err
		}
		return tx.InsertMessage(&hookswitch.Message{Key: keys.Next(), App: app.Key, Sender: s.Key, Route: route.Key, Conversation: conv.Key, Contact: contact.Key,
			Direction: hookswitch.Outbound, Channel: ch, Type: "text", Status: status, To: to, Text: "hello", ProviderID: providerID,
			CreatedAt: now(), UpdatedAt: now()})
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// checkReceived compares what came in with what the recording expects: the stored messages, message.received where an endpoint names it, message.inbound, one
// conversation.new for each person, and message.unsupported.
func checkReceived(t *testing.T, f *fixture, messages []*hookswitch.Message, events []event) {
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
		if m.ProviderID != want["messageId"] || m.From != want["senderId"] || m.Direction != hookswitch.Inbound || m.Status != hookswitch.StatusReceived {
			t.Errorf("stored %+v, want %v", m, want)
		}
		if in["from"] != want["senderId"] || in["channel"] != want["channel"] || in["status"] != "received" || in["conversationId"] == "" {
			t.Errorf("message.inbound %d: %v", i, in)
		}
		people[m.From] = true
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
	for _, want := range f.Expect.StatusUpdates {
		told := false
		for _, e := range events {
			if e.Type != "message."+want.Status || e.Data["providerMessageId"] != want.MessageID {
				continue
			}
			told = true
			if want.Error != nil && e.Data["errorCode"] != want.Error.Code.String() {
				t.Errorf("told the code %v, want %s", e.Data["errorCode"], want.Error.Code)
			}
		}
		if !told {
			t.Errorf("no message.%s among %v", want.Status, typesOf(events))
		}
		moved := slices.ContainsFunc(g.messages(app), func(m *hookswitch.Message) bool {
			return m.ProviderID == want.MessageID && string(m.Status) == want.Status
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

// subset says how got lacks something of want, or "".
func subset(path string, want, got any) string {
	if want == "*" {
		if text, _ := got.(string); text == "" {
			return fmt.Sprintf("%s is %v, want any text", path, got)
		}
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
