package simulate_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const personID = simulate.DemoPersonID

func page() simulate.Direct      { return clocked(simulate.DemoMessenger()) }
func instagram() simulate.Direct { return clocked(simulate.DemoInstagram()) }

func clocked(d simulate.Direct) simulate.Direct {
	d.Now = func() time.Time { return time.UnixMilli(1749854574567) }
	return d
}

var directCredentials = hookswitch.Credentials{"app_secret": {secret}, "verify_token": {simulate.DemoVerifyToken}, "access_token": {"T"},
	"page_id": {simulate.DemoPageID}, "ig_user_id": {simulate.DemoInstagramID}}

// told is what the adapter makes of a push, which it must find genuine.
func told(t *testing.T, p simulate.Push) []hookswitch.Update {
	t.Helper()
	adapter, push := meta.New(meta.Options{}), received(t, p)
	if !signed(p.Header, p.Body) || p.Path != "/api/v1/channels/meta/webhook" {
		t.Errorf("push to %s is not signed", p.Path)
	}
	if err := adapter.Verify(push, directCredentials); err != nil {
		t.Errorf("verify: %v", err)
	}
	updates, err := adapter.Parse(push)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range updates {
		if u.Broken != nil {
			t.Errorf("%s: %v", p.Body, u.Broken)
		}
	}
	return updates
}

func TestDirect_MessagesAreUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	for _, d := range []simulate.Direct{page(), instagram()} {
		tests := []struct {
			name string
			push simulate.Push
			kind string
			text string
		}{
			{"text", d.Text(personID, "Grüße 👋 a/b@c"), "", "Grüße 👋 a/b@c"},
			{"quick reply", d.QuickReply(personID, "m_0", "Red", "RED"), "quick_reply", "Red"},
			{"answer", d.Answer(personID, "m_0", "yes"), "", "yes"},
			{"image", d.File(personID, "image", "https://x.test/a", "https://x.test/b"), "image", ""},
			{"file", d.File(personID, "file", "https://x.test/a"), "document", ""},
			{"share", d.File(personID, "share", "https://x.test/a"), "share", ""},
			{"story mention", d.File(personID, "story_mention", "https://x.test/a"), "story_mention", ""},
			{"location", d.Location(personID, simulate.Place{Latitude: 1.5, Longitude: -2, Name: "Here"}), "location", ""},
			{"like", d.Like(personID), "sticker", map[hookswitch.Channel]string{hookswitch.Messenger: "👍", hookswitch.Instagram: "❤️"}[d.Channel]},
			{"story reply", d.StoryReply(personID, "17", "nice"), "story_reply", "nice"},
			{"postback", d.Postback(personID, "Start", "GO", false), "postback", "Start"},
			{"bare postback", d.Postback(personID, "Start", "GO", true), "postback", "Start"},
			{"reaction", d.Reaction(personID, "m_0", "🦕"), "reaction", "🦕"},
			{"reaction taken back", d.Reaction(personID, "m_0", ""), "reaction", ""},
			{"unsupported", d.Unsupported(personID), "unsupported", ""},
		}
		for _, tt := range tests {
			updates := told(t, tt.push)
			if len(updates) != 1 || updates[0].Message == nil {
				t.Errorf("%s on %s: %+v", tt.name, d.Channel, updates)
				continue
			}
			u, m := updates[0], updates[0].Message
			if u.Channel != d.Channel || u.Address != d.ID || m.Kind != tt.kind || m.Text != tt.text || m.From != personID || m.To != d.ID || !u.At.Equal(d.Now()) {
				t.Errorf("%s on %s: %+v %+v", tt.name, d.Channel, u, m)
			}
			if len(tt.push.IDs) == 1 && tt.push.IDs[0] != m.ProviderID {
				t.Errorf("%s: the push names %v, the adapter %s", tt.name, tt.push.IDs, m.ProviderID)
			}
		}
	}
}

func TestDirect_OtherPushesAreUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	d, ig := page(), instagram()
	mark := time.UnixMilli(1749854570000).UTC()
	one := func(p simulate.Push) hookswitch.Update {
		t.Helper()
		updates := told(t, p)
		if len(updates) != 1 {
			t.Fatalf("%s: %+v", p.Body, updates)
		}
		return updates[0]
	}
	if u := one(d.Unsend(personID, "m_0")); u.Change == nil || *u.Change != (hookswitch.MessageChange{ProviderID: "m_0", Deleted: true}) {
		t.Errorf("unsend: %+v", u)
	}
	if u := one(d.Edit(personID, "m_0", "new", 1)); u.Change == nil || *u.Change != (hookswitch.MessageChange{ProviderID: "m_0", Text: "new"}) {
		t.Errorf("edit: %+v", u)
	}
	for name, tt := range map[string]struct {
		push simulate.Push
		want hookswitch.MessageReceipt
	}{
		"delivered":     {d.Delivered(personID, mark, "m_1"), hookswitch.MessageReceipt{ProviderID: "m_1", Recipient: personID, Status: hookswitch.StatusDelivered}},
		"all delivered": {d.Delivered(personID, mark), hookswitch.MessageReceipt{Recipient: personID, Status: hookswitch.StatusDelivered, Upto: mark}},
		"read":          {d.Read(personID, mark, "m_1"), hookswitch.MessageReceipt{Recipient: personID, Status: hookswitch.StatusRead, Upto: mark}},
		"seen":          {ig.Read(personID, mark, "aWd"), hookswitch.MessageReceipt{ProviderID: "aWd", Recipient: personID, Status: hookswitch.StatusRead, Upto: ig.Now().UTC()}},
		"echo of ours":  {d.Echo(personID, "m_1", "hi", "hookswitch:msg_1"), hookswitch.MessageReceipt{ProviderID: "m_1", Ref: "msg_1", Recipient: personID, Status: hookswitch.StatusSent}},
	} {
		if diff := cmp.Diff(&tt.want, one(tt.push).Receipt); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, p := range map[string]simulate.Push{
		"echo": d.Echo(personID, "m_1", "hi", ""), "referral": d.Referral(personID, "r"), "standby": d.Standby(d.Text(personID, "hi")),
	} {
		if updates := told(t, p); len(updates) != 0 {
			t.Errorf("%s: %+v", name, updates)
		}
	}
	if u := one(ig.TestButton()); u.Message == nil || u.Message.Text != "random_text" || u.Channel != hookswitch.Instagram {
		t.Errorf("test button: %+v", u)
	}

	second := d
	second.ID = "2244556677889900"
	batch := d.Batch(d.Text(personID, "one"), second.Text("777", "two"), d.Text(personID, "three"), d.Delivered(personID, mark, "m_9"))
	updates := told(t, batch)
	var got []string
	for _, u := range updates {
		line := u.Address
		if u.Message != nil {
			line += " " + u.Message.Text
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{d.ID + " one", d.ID + " three", d.ID, second.ID + " two"}, got); diff != "" || len(batch.IDs) != 4 {
		t.Errorf("batch of two pages, ids %v (-want +got):\n%s", batch.IDs, diff)
	}
	if forged := d.Forge(d.Text(personID, "x")); meta.New(meta.Options{}).Verify(received(t, forged), directCredentials) == nil {
		t.Error("a forged push is genuine")
	}
	a, ok, err := meta.New(meta.Options{}).Challenge(received(t, d.Handshake("17 & 18")), directCredentials)
	if !ok || err != nil || string(a.Body) != "17 & 18" {
		t.Errorf("handshake: %+v %t %v", a, ok, err)
	}
}

// directDoor keeps what the adapter makes of the pushes it gets.
type directDoor struct {
	t      *testing.T
	answer func(n int) int

	mu       sync.Mutex
	n        int
	receipts []hookswitch.MessageReceipt
}

func (d *directDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	if d.answer != nil {
		if status := d.answer(d.n); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	u, _ := url.Parse("https://gateway.test" + r.URL.Path)
	push := &hookswitch.Push{Method: r.Method, URL: u, Header: r.Header, Body: body}
	adapter := meta.New(meta.Options{})
	if err := adapter.Verify(push, directCredentials); err != nil {
		d.t.Error(err)
	}
	updates, _ := adapter.Parse(push)
	for _, u := range updates {
		d.receipts = append(d.receipts, *u.Receipt)
	}
}

// playDirect runs a Graph with a door inside a bubble until everything is reported.
func playDirect(t *testing.T, opts simulate.GraphOptions, d *directDoor, do func(g *simulate.Graph)) {
	t.Helper()
	d.t = t
	opts.Token, opts.Callback, opts.Client = "T", "http://gateway.test", &http.Client{Transport: direct{d}}
	g := simulate.NewGraph(opts)
	ran := make(chan error, 1)
	go func() { ran <- g.Run(t.Context()) }()
	synctest.Wait()
	do(g)
	if err := g.Settle(t.Context()); err != nil {
		t.Errorf("settle: %v", err)
	}
	g.Close()
	if err := <-ran; err != nil {
		t.Errorf("run: %v", err)
	}
}

func directBody(messagingType, message string) string {
	return `{"recipient":{"id":"` + personID + `"},` + messagingType + `"message":` + message + `}`
}

const response = `"messaging_type":"RESPONSE",`

func TestGraph_ReportsWhatMessengerAndInstagramReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, ig := page(), instagram()
		d.Echoes = true
		door := &directDoor{}
		playDirect(t, simulate.GraphOptions{Direct: []simulate.Direct{d, ig}}, door, func(g *simulate.Graph) {
			at := d.Now().UTC()
			status, out := post(t, g, "/v23.0/"+d.ID+"/messages", "T", directBody(response, `{"text":"hi","metadata":"hookswitch:msg_1"}`))
			mid, _ := out["message_id"].(string)
			if status != 200 || !strings.HasPrefix(mid, "m_") || out["recipient_id"] != personID {
				t.Fatalf("got %d %v", status, out)
			}
			_ = g.Settle(t.Context())
			want := []hookswitch.MessageReceipt{
				{ProviderID: mid, Ref: "msg_1", Recipient: personID, Status: hookswitch.StatusSent},
				{ProviderID: mid, Recipient: personID, Status: hookswitch.StatusDelivered},
				{Recipient: personID, Status: hookswitch.StatusRead, Upto: at},
			}
			if diff := cmp.Diff(want, door.receipts); diff != "" {
				t.Errorf("messenger (-want +got):\n%s", diff)
			}
			door.receipts = nil
			status, out = post(t, g, "/v23.0/me/messages", "T", directBody("", `{"text":"hi"}`))
			mid, _ = out["message_id"].(string)
			if status != 200 {
				t.Fatalf("got %d %v", status, out)
			}
			_ = g.Settle(t.Context())
			if len(door.receipts) != 1 || door.receipts[0].ProviderID != mid || door.receipts[0].Status != hookswitch.StatusRead {
				t.Errorf("instagram: %+v", door.receipts)
			}
			sent := g.Sent()
			if len(sent) != 2 || sent[0].Channel != hookswitch.Messenger || sent[0].Account != d.ID || sent[0].Ref != "hookswitch:msg_1" || sent[1].Channel != hookswitch.Instagram ||
				sent[1].Account != ig.ID || sent[1].To != personID {
				t.Errorf("sent %+v", sent)
			}
		})
	})
}

func TestGraph_RepeatsDirectReportsUntilAnswered200(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := &directDoor{answer: func(n int) int {
			return []int{http.StatusServiceUnavailable, http.StatusNoContent, http.StatusOK}[min(n-1, 2)] // only 200 counts
		}}
		playDirect(t, simulate.GraphOptions{Direct: []simulate.Direct{page()}}, door, func(g *simulate.Graph) {
			post(t, g, "/v23.0/me/messages", "T", directBody(response, `{"text":"hi"}`))
		})
		if door.n != 4 || len(door.receipts) != 2 {
			t.Errorf("%d pushes, reports %+v", door.n, door.receipts)
		}
	})
}

func TestGraph_RefusesDirectMessagesAsMetaDoes(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Direct: []simulate.Direct{page(), instagram()}, Token: "T", Faults: []simulate.Fault{
		{Contains: "window", Code: 10}, {Contains: "slow", Code: 613}, {Contains: "gone", Code: 551}, {Contains: "other", Code: 100, Subcode: 7}}})
	at := func(id string) string { return "/v23.0/" + id + "/messages" }
	pg, ig := at(simulate.DemoPageID), at(simulate.DemoInstagramID)
	long := strings.Repeat("x", 2001)
	tests := []struct {
		name, path, token, body string
		status, code, subcode   int
	}{
		{"wrong token", pg, "U", directBody(response, `{"text":"x"}`), 401, 190, 0},
		{"another page", at("1"), "T", directBody(response, `{"text":"x"}`), 400, 100, 33},
		{"nobody", pg, "T", `{"messaging_type":"RESPONSE","message":{"text":"x"}}`, 400, 100, 0},
		{"a phone number", pg, "T", `{"recipient":{"id":"+1650"},"messaging_type":"RESPONSE","message":{"text":"x"}}`, 400, 100, 2018001},
		{"not JSON", pg, "T", `{`, 400, 100, 0},
		{"odd type", pg, "T", `{"recipient":{"id":"1"},"message":7}`, 400, 100, 0},
		{"no messaging type", pg, "T", directBody("", `{"text":"x"}`), 400, 100, 0},
		{"no message", pg, "T", `{"recipient":{"id":"1"},"messaging_type":"RESPONSE"}`, 400, 100, 0},
		{"empty", pg, "T", directBody(response, `{"text":""}`), 400, 100, 0},
		{"long", pg, "T", directBody(response, `{"text":"`+long+`"}`), 400, 100, 0},
		{"many bytes", ig, "T", directBody("", `{"text":"`+strings.Repeat("ä", 501)+`"}`), 400, 100, 0},
		{"another tag", pg, "T", directBody(`"messaging_type":"MESSAGE_TAG","tag":"ACCOUNT_UPDATE",`, `{"text":"x"}`), 400, 100, 0},
		{"long title", pg, "T", directBody(response, `{"text":"x","quick_replies":[{"content_type":"text","title":"123456789012345678901","payload":"p"}]}`), 400, 100, 0},
		{"file without a URL", pg, "T", directBody(response, `{"attachment":{"type":"image","payload":{}}}`), 400, 100, 0},
		{"unknown attachment", pg, "T", directBody(response, `{"attachment":{"type":"hologram","payload":{"url":"https://x"}}}`), 400, 100, 0},
		{"button template without buttons", pg, "T", directBody(response, `{"attachment":{"type":"template","payload":{"template_type":"button","text":"x"}}}`), 400, 100, 0},
		{"card of a title", pg, "T", directBody(response, `{"attachment":{"type":"template","payload":{"template_type":"generic","elements":[{"title":"x"}]}}}`), 400, 100, 0},
		{"unknown action", pg, "T", `{"recipient":{"id":"1"},"sender_action":"dance"}`, 400, 100, 0},
		{"reaction to nothing", pg, "T", `{"recipient":{"id":"1"},"sender_action":"react","payload":{"reaction":"x"}}`, 400, 100, 0},
		{"window of messenger", pg, "T", directBody(response, `{"text":"window"}`), 403, 10, 2018278},
		{"window of instagram", ig, "T", directBody("", `{"text":"window"}`), 403, 10, 2534022},
		{"throttled", pg, "T", directBody(response, `{"text":"slow"}`), 429, 613, 0},
		{"gone", pg, "T", directBody(response, `{"text":"gone"}`), 400, 551, 1545041},
		{"a subcode of its own", pg, "T", directBody(response, `{"text":"other"}`), 400, 100, 7},
	}
	for _, tt := range tests {
		status, out := post(t, g, tt.path, tt.token, tt.body)
		e, _ := out["error"].(map[string]any)
		subcode, _ := e["error_subcode"].(float64)
		if status != tt.status || e["code"] != float64(tt.code) || int(subcode) != tt.subcode || e["message"] == "" {
			t.Errorf("%s: got %d %v, want %d with code %d/%d", tt.name, status, out, tt.status, tt.code, tt.subcode)
		}
	}
	if len(g.Sent()) != 0 {
		t.Errorf("kept %+v", g.Sent())
	}
}

// Whatever the adapter sends, the stand-in must find in order.
func TestGraph_TakesWhatTheAdapterSends(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Direct: []simulate.Direct{page(), instagram()}, Token: "T"})
	api := httptest.NewServer(g)
	defer api.Close()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Timeout: 5 * time.Second})
	defer client.Close()
	adapter := meta.New(meta.Options{BaseURL: api.URL, HTTP: client})
	routes := map[hookswitch.Channel]*hookswitch.Route{
		hookswitch.Messenger: {Channel: hookswitch.Messenger, Credentials: hookswitch.Credentials{"access_token": {"T"}, "page_id": {simulate.DemoPageID}}},
		hookswitch.Instagram: {Channel: hookswitch.Instagram, Credentials: hookswitch.Credentials{"access_token": {"T"}, "ig_user_id": {simulate.DemoInstagramID}}},
	}
	for ch, route := range routes {
		for name, m := range map[string]hookswitch.Message{
			"text":     {Text: "hi"},
			"tagged":   {Text: "hi", Content: []byte(`{"messageTag":"HUMAN_AGENT"}`)},
			"image":    {Type: "image", Content: []byte(`{"mediaUrl":"https://x.test/a.jpg"}`)},
			"buttons":  {Type: "buttons", Text: "?", Content: []byte(`{"buttons":[{"id":"a","title":"A"}]}`)},
			"many":     {Type: "buttons", Text: "?", Content: []byte(`{"buttons":[{"id":"a","title":"A"},{"id":"b","title":"B"},{"id":"c","title":"C"},{"id":"d","title":"D"}]}`)},
			"list":     {Type: "list", Text: "?", Content: []byte(`{"listButton":"o","sections":[{"rows":[{"id":"a","title":"A","description":"d"}]}]}`)},
			"link":     {Type: "cta_url", Text: "?", Content: []byte(`{"ctaUrl":"https://x.test","ctaDisplayText":"Go"}`)},
			"reaction": {Type: "reaction", Content: []byte(`{"emoji":"👍","reactToMessageId":"m_0"}`)},
			"none":     {Type: "reaction", Content: []byte(`{"reactToMessageId":"m_0"}`)},
		} {
			m.To = personID
			acc, err := adapter.Send(context.Background(), &hookswitch.Outgoing{Ref: "msg_1", Route: route, Message: &m, ReplyTo: "m_0"})
			if err != nil || acc.ProviderID == "" && m.Type != "reaction" {
				t.Errorf("%s on %s: %+v, %v", name, ch, acc, err)
			}
		}
		for _, typing := range []bool{false, true} {
			if err := adapter.Attend(context.Background(), route, &hookswitch.Message{From: personID}, typing); err != nil {
				t.Errorf("attend on %s: %v", ch, err)
			}
		}
	}
	if n := len(g.Sent()); n != 18 {
		t.Errorf("%d messages taken, want 18", n)
	}
	for _, s := range g.Sent() {
		var body map[string]any
		if json.Unmarshal(s.Body, &body) != nil || s.To != personID {
			t.Errorf("kept %+v", s)
		}
	}
	if diff := cmp.Diff([]simulate.Read{{To: personID}, {To: personID, Typing: true}, {To: personID}, {To: personID, Typing: true}}, g.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}
