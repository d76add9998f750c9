package simulate_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const secret = "0123456789abcdef0123456789abcdef"

func account() simulate.WhatsApp {
	return simulate.WhatsApp{AppSecret: secret, VerifyToken: "meaty&hamhock 42", PhoneNumberID: "106540352242922", WABAID: "102290129340398",
		DisplayPhone: "+1 555 078 3881", Now: func() time.Time { return time.Unix(1749416383, 0) }}
}

// signed is whether the header of a request proves its raw bytes, worked out here from scratch.
func signed(h http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return h.Get("X-Hub-Signature-256") == "sha256="+hex.EncodeToString(mac.Sum(nil))
}

// item is the only message or status of a push.
func item(t *testing.T, p simulate.Push) map[string]any {
	t.Helper()
	v := changes(t, p)[0]["value"].(map[string]any)
	for _, list := range []string{"messages", "statuses"} {
		if l, ok := v[list].([]any); ok && len(l) == 1 {
			return l[0].(map[string]any)
		}
	}
	t.Fatalf("no single message or status in %s", p.Body)
	return nil
}

func changes(t *testing.T, p simulate.Push) []map[string]any {
	t.Helper()
	var body struct {
		Object string
		Entry  []struct {
			ID      string
			Changes []map[string]any
		}
	}
	if err := json.Unmarshal(p.Body, &body); err != nil {
		t.Fatalf("body %s: %v", p.Body, err)
	}
	if body.Object != "whatsapp_business_account" || len(body.Entry) != 1 || body.Entry[0].ID != "102290129340398" {
		t.Fatalf("envelope of %s is not the account's", p.Body)
	}
	return body.Entry[0].Changes
}

func TestWhatsApp_TextIsSpeltAsMetaSpellsIt(t *testing.T) {
	t.Parallel()
	p := account().Text("+16505551234", "Sheena Nelson", "Grüße 👋 – mail me@example.com or https://example.com/ä?x=<1>&\u2028")
	want := `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp",` +
		`"metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},` +
		`"contacts":[{"profile":{"name":"Sheena Nelson"},"wa_id":"16505551234"}],` +
		`"messages":[{"from":"16505551234","id":"` + strings.ReplaceAll(p.IDs[0], "/", `\/`) + `","timestamp":"1749416383","type":"text",` +
		`"text":{"body":"Gr\u00fc\u00dfe \ud83d\udc4b \u2013 mail me\u0040example.com or https:\/\/example.com\/\u00e4?x=<1>&\u2028"}}]},"field":"messages"}]}]}`
	if d := cmp.Diff(want, string(p.Body)); d != "" {
		t.Errorf("body (-want +got):\n%s", d)
	}
	if p.Method != "POST" || p.Path != "/api/channels/whatsapp" || p.Header.Get("Content-Type") != "application/json" || p.Header.Get("User-Agent") != "facebookexternalua" {
		t.Errorf("got %s %s %v", p.Method, p.Path, p.Header)
	}
	if !signed(p.Header, p.Body) {
		t.Error("the signature is not that of the raw body")
	}
}

func TestWhatsApp_EveryPushIsSignedASCIIAndReadsBack(t *testing.T) {
	t.Parallel()
	w := account()
	const from, name, ours = "+254712345678", "Zoë 🦊 O/Neil@home", "wamid.OURS"
	tests := []struct {
		name string
		push simulate.Push
		want map[string]any
	}{
		{"image", w.Image(from, name, "né"), map[string]any{"type": "image", "image": map[string]any{"caption": "né", "mime_type": "image/jpeg"}}},
		{"button", w.ButtonReply(from, name, ours, "yes", "Ja ✔"), map[string]any{"type": "interactive", "context": map[string]any{"from": "15550783881", "id": ours},
			"interactive": map[string]any{"type": "button_reply", "button_reply": map[string]any{"id": "yes", "title": "Ja ✔"}}}},
		{"reaction", w.Reaction(from, name, ours, "😮"), map[string]any{"type": "reaction", "reaction": map[string]any{"message_id": ours, "emoji": "😮"}}},
		{"location", w.Location(from, name, simulate.Place{Latitude: 37.4611978, Longitude: -122.5, Name: "HQ"}), map[string]any{"type": "location",
			"location": map[string]any{"latitude": 37.4611978, "longitude": -122.5, "name": "HQ"}}},
		{"unsupported", w.Unsupported(from, name), map[string]any{"type": "unsupported", "unsupported": map[string]any{"type": "poll_creation"}}},
		{"status", w.Status(ours, hookswitch.StatusDelivered, from, "msg_1"), map[string]any{"id": ours, "status": "delivered", "recipient_id": "254712345678", "biz_opaque_callback_data": "msg_1"}},
		{"status by user id", w.Status(ours, hookswitch.StatusRead, "US.13491208655302741918", ""), map[string]any{"recipient_user_id": "US.13491208655302741918", "recipient_id": nil}},
	}
	for _, tt := range tests {
		if !signed(tt.push.Header, tt.push.Body) {
			t.Errorf("%s: the signature is not that of the raw body", tt.name)
		}
		if bytes.ContainsFunc(tt.push.Body, func(r rune) bool { return r > 0x7e || r == '@' }) {
			t.Errorf("%s: body is not escaped: %s", tt.name, tt.push.Body)
		}
		if tt.push.IDs[0] != item(t, tt.push)["id"] {
			t.Errorf("%s: IDs %v do not name the item", tt.name, tt.push.IDs)
		}
		contains(t, tt.name, tt.want, item(t, tt.push))
	}
	cards := item(t, w.Contacts(from, name, simulate.Card{Name: "Ann Lee", Phone: "+49 30 1"}))["contacts"].([]any)
	contains(t, "contacts", map[string]any{"name": map[string]any{"formatted_name": "Ann Lee", "first_name": "Ann", "last_name": "Lee"}}, cards[0].(map[string]any))
	if _, ok := item(t, w.Reaction(from, name, ours, ""))["reaction"].(map[string]any)["emoji"]; ok {
		t.Error("a reaction taken back still has an emoji")
	}
	person := changes(t, tests[0].push)[0]["value"].(map[string]any)["contacts"].([]any)[0].(map[string]any)
	contains(t, "contact", map[string]any{"wa_id": "254712345678", "profile": map[string]any{"name": name}}, person)
}

// contains checks that got has what want names; nil means absent.
func contains(t *testing.T, where string, want, got map[string]any) {
	t.Helper()
	for k, v := range want {
		if sub, ok := v.(map[string]any); ok {
			below, _ := got[k].(map[string]any)
			contains(t, where+"."+k, sub, below)
		} else if got[k] != v {
			t.Errorf("%s: %s is %v, want %v", where, k, got[k], v)
		}
	}
}

func TestWhatsApp_FailedStatusExplainsItself(t *testing.T) {
	t.Parallel()
	s := item(t, account().Status("wamid.X", hookswitch.StatusFailed, "+1", "", simulate.StatusError{Code: 131047}))
	e := s["errors"].([]any)[0].(map[string]any)
	if e["code"] != 131047.0 || e["title"] != "Re-engagement message" || e["error_data"].(map[string]any)["details"] == "" || s["pricing"] != nil {
		t.Errorf("got %v", s)
	}
}

func TestWhatsApp_BatchTellsAllOfItsParts(t *testing.T) {
	t.Parallel()
	w := account()
	a, b, c := w.Text("1", "A", "one"), w.Text("2", "B", "two"), w.Image("1", "A", "")
	s := w.Status("wamid.OURS", hookswitch.StatusSent, "1", "ref")
	p := w.Batch(w.Batch(a, s), b, c, w.Handshake("x"))
	if !signed(p.Header, p.Body) {
		t.Error("the signature is not that of the raw body")
	}
	if d := cmp.Diff([]string{a.IDs[0], b.IDs[0], c.IDs[0], "wamid.OURS"}, p.IDs); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
	got := changes(t, p)
	if len(got) != 2 {
		t.Fatalf("got %d changes, want messages and statuses", len(got))
	}
	v := got[0]["value"].(map[string]any)
	if m, people := len(v["messages"].([]any)), len(v["contacts"].([]any)); m != 3 || people != 2 {
		t.Errorf("got %d messages of %d people, want 3 of 2", m, people)
	}
}

func TestWhatsApp_IDsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	w := account()
	for range 2000 {
		id := w.Text("254712345678", "", "").IDs[0]
		if seen[id] || !strings.HasPrefix(id, "wamid.HBgMMjU0NzEyMzQ1Njc4FQIAEhgU") {
			t.Fatalf("id %s is not new or not of the usual form", id)
		}
		seen[id] = true
	}
}

func TestWhatsApp_ForgedPushDoesNotProve(t *testing.T) {
	t.Parallel()
	w := account()
	p := w.Text("1", "A", "x")
	if f := w.Forge(p); signed(f.Header, f.Body) || !strings.HasPrefix(f.Header.Get("X-Hub-Signature-256"), "sha256=") {
		t.Errorf("forged signature is %s", f.Header)
	}
	if !signed(p.Header, p.Body) {
		t.Error("forging changed the original")
	}
}

func TestWhatsApp_HandshakeCarriesTokenAndChallenge(t *testing.T) {
	t.Parallel()
	p := account().Handshake("11&58 201")
	u, err := url.Parse(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if p.Method != "GET" || u.Path != "/api/channels/whatsapp" || q.Get("hub.mode") != "subscribe" || q.Get("hub.challenge") != "11&58 201" || q.Get("hub.verify_token") != "meaty&hamhock 42" {
		t.Errorf("got %s %s", p.Method, p.Path)
	}
}

func TestPush_PostArrivesByteForByte(t *testing.T) {
	t.Parallel()
	w := account()
	w.Path = "/in/snd_1"
	p := w.Text("1", "A", "ü")
	var path string
	var header http.Header
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, header = r.URL.Path, r.Header
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("ok"))
	}))
	defer srv.Close()
	res, err := p.Post(t.Context(), nil, srv.URL+"/")
	if err != nil || res.Status != http.StatusAccepted || string(res.Body) != "ok" {
		t.Fatalf("got %+v, %v", res, err)
	}
	if path != "/in/snd_1" || !bytes.Equal(body, p.Body) || !signed(header, body) || header.Get("User-Agent") != "facebookexternalua" {
		t.Errorf("got %s %v %s", path, header, body)
	}
}

func TestLoopbackClient_StaysOnTheMachine(t *testing.T) {
	t.Parallel()
	p := account().Text("1", "A", "x")
	for _, base := range []string{"http://192.0.2.1", "http://[2001:db8::1]:80", "http://10.0.0.1:8420"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := p.Post(ctx, nil, base)
		cancel()
		if !errors.Is(err, simulate.ErrNotLoopback) {
			t.Errorf("%s: got %v, want ErrNotLoopback", base, err)
		}
	}
}

func FuzzWhatsAppText(f *testing.F) {
	f.Add("name", "Grüße 👋 /@\\\"\x00\xff\u2028")
	f.Fuzz(func(t *testing.T, name, text string) {
		p := account().Text("254712345678", name, text)
		if !signed(p.Header, p.Body) || bytes.ContainsFunc(p.Body, func(r rune) bool { return r > 0x7f }) {
			t.Fatalf("not signed or not escaped: %s", p.Body)
		}
		want, _ := json.Marshal(text) // what survives JSON: broken UTF-8 does not
		var back string
		_ = json.Unmarshal(want, &back)
		if got := item(t, p)["text"].(map[string]any)["body"]; got != back {
			t.Errorf("got %q, want %q", got, back)
		}
	})
}
