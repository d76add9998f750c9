package widget_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/widget"
)

func TestDoor_IsOpenToPagesOfTheSendersOriginsOnly(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	other := d.chat("Elm Court", "https://elm.example:8443", "http://127.0.0.1:3000")
	begin := `{"sender":"` + d.id(d.sender) + `"}`
	v := d.visit("")
	for origin, allowed := range map[string]bool{
		site: true, servicetest.PublicURL: true, "https://oaktowers.example": false, "http://www.oaktowers.example": false, site + ":8443": false, site + ".evil.example": false,
		"https://evil.example/" + site: false, "https://elm.example:8443": false, "null": false, "*": false, "": false, "HTTPS://WWW.OAKTOWERS.EXAMPLE": false,
	} {
		header := []string{"Authorization", "Bearer " + v.Token}
		if origin != "" {
			header = append(header, "Origin", origin)
		}
		for _, a := range []answer{
			d.do("POST", "/api/v1/widget/init", begin, header...),
			d.do("POST", "/api/v1/widget/receipts", `{"status":"read","ids":["msg_x"]}`, header...),
		} {
			shared := a.header.Get("Access-Control-Allow-Origin")
			if allowed != (a.status < 300) || allowed && shared != origin || !allowed && shared != "" || !slices.Contains(a.header.Values("Vary"), "Origin") {
				t.Errorf("%s: answered %d for %q: %s", origin, a.status, shared, a.body)
			}
			if !allowed {
				a.want(t, 403, "origin_not_allowed")
			}
		}
		if a := d.do("OPTIONS", "/api/v1/widget/message", "", "Origin", origin, "Access-Control-Request-Method", "POST"); origin != "" {
			known := allowed || origin == "https://elm.example:8443"
			if known != (a.status == 204) || known != (a.header.Get("Access-Control-Allow-Origin") == origin) {
				t.Errorf("%s: the preflight answered %d %v", origin, a.status, a.header)
			}
			if known && (a.header.Get("Access-Control-Allow-Methods") != "POST" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Last-Event-ID") ||
				a.header.Get("Access-Control-Allow-Credentials") != "") {
				t.Errorf("the preflight allows %v", a.header)
			}
		}
	}
	// What the server refuses is told to pages that may read it.
	a := d.do("POST", "/api/v1/widget/message", "{", "Origin", site, "Authorization", "Bearer "+v.Token)
	if a.status != 400 || a.header.Get("Access-Control-Allow-Origin") != site {
		t.Errorf("a body that is no JSON: %d %v", a.status, a.header)
	}
	// Deleting the sender closes the door.
	if err := d.Service.DeleteSender(context.Background(), d.app.Key, other.Key); err != nil {
		t.Fatal(err)
	}
	for _, sender := range []string{"", "snd_x", d.id(other), d.id(d.Sender(d.app, "WhatsApp", hookswitch.WhatsApp, false))} {
		d.do("POST", "/api/v1/widget/init", `{"sender":"`+sender+`"}`, "Origin", "http://127.0.0.1:3000").want(t, 404, "unknown_sender")
	}
	if a := d.do("GET", "/api/v1/widget/init", ""); a.status != 405 {
		t.Errorf("GET of /init: %d", a.status)
	}
}

func TestInit_TellsWhatTheChatLooksLikeAndStoresNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		v := d.visit("")
		if v.Title != "Oak Towers" || v.Greeting != "Hello!" || v.Colour != "#1f4fd8" || v.ColourText != "#ffffff" || v.Texts["send"] != "Send" || v.MaxLength != webchat.MaxText {
			t.Errorf("got %+v", v.started)
		}
		if v.ConversationID != nil || v.Messages == nil || len(v.Messages) != 0 || v.Resumed || v.Typing || v.Cursor == "" {
			t.Errorf("got %+v", v.started)
		}
		if d.visit(v.Token).Token == "" || len(d.conversations()) != 0 || len(d.Messages(d.app)) != 0 || len(d.Events(d.app)) != 0 {
			t.Error("a visitor who only looks has left something behind")
		}
		if d.visit("").Token == v.Token {
			t.Error("two visitors have one session")
		}
	})
}

func TestMessage_GoesThroughReceiveAsAnyPush(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		d.Endpoint(d.app, "https://example.com/hook", servicetest.Filter("message.received", "message.inbound", "conversation.new"))
		v := d.visit("")
		in := map[string]string{"id": "first-message", "text": "  Is it\r\nfree?\x00 <script>alert(1)</script> ", "name": "<b>Jamie</b>\n", "pageUrl": site + "/flats/4?token=secret#top"}
		m := decode[struct{ Message message }](t, v.post("message", in), 201).Message
		const text = "Is it\nfree? <script>alert(1)</script>"
		if m.Text != text || m.From != "visitor" || m.ClientID != "first-message" || m.ID == "" {
			t.Errorf("answered %+v", m)
		}
		types := d.Types(d.app)
		if diff := cmp.Diff([]string{"conversation.new", "message.inbound", "message.received"}, types); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		var received struct {
			AccountID string
			Data      struct {
				Channel, SenderID, Message, MessageID string
				Metadata                              map[string]string
			}
		}
		if err := json.Unmarshal(d.Events(d.app)[2].Payload, &received); err != nil {
			t.Fatal(err)
		}
		got := received.Data
		if got.Channel != "webchat" || got.Message != text || !strings.HasPrefix(got.SenderID, "vis_") || got.MessageID != got.SenderID+".first-message" || received.AccountID != d.id(d.sender) ||
			got.Metadata["pageUrl"] != site+"/flats/4" || got.Metadata["profileName"] != "<b>Jamie</b>" {
			t.Errorf("received %+v", got)
		}
		if back := d.visit(v.Token); !back.Resumed || back.ConversationID == nil || !back.Typing || !slices.Equal(texts(back.Messages), []string{text}) {
			t.Errorf("after a reload: %+v", back.started)
		}
	})
}

func TestMessage_OfOneIDIsOneMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		v, other := d.visit(""), d.visit("")
		ids, wg := make([]string, 8), sync.WaitGroup{}
		for i := range ids {
			wg.Go(func() {
				a := v.post("message", map[string]string{"id": "the-same-id", "text": "hello"})
				var out struct{ Message message }
				if json.Unmarshal([]byte(a.body), &out) == nil && a.status/100 == 2 {
					ids[i] = out.Message.ID
				} else {
					t.Errorf("answered %d %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
		if ids[0] == "" || slices.ContainsFunc(ids, func(id string) bool { return id != ids[0] }) || len(d.Messages(d.app)) != 1 {
			t.Errorf("%d messages, told as %v", len(d.Messages(d.app)), ids)
		}
		if a := v.post("message", map[string]string{"id": "the-same-id", "text": "changed"}); a.status != 200 || !strings.Contains(a.body, "hello") {
			t.Errorf("the same again: %d %s", a.status, a.body)
		}
		if m := other.say("the-same-id", "from somebody else"); m.ID == ids[0] || m.Text != "from somebody else" {
			t.Errorf("another visitor's: %+v", m)
		}
		if got := texts(d.visit(v.Token).Messages); !slices.Equal(got, []string{"hello"}) {
			t.Errorf("the visitor sees %v", got)
		}
	})
}

func TestMessage_RefusesWhatIsNotOne(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	for _, in := range []map[string]string{
		{"id": "long-enough", "text": ""}, {"id": "long-enough", "text": " \n\x00 "}, {"id": "long-enough", "text": strings.Repeat("é", webchat.MaxText+1)},
		{"id": "short", "text": "x"}, {"id": "with spaces", "text": "x"}, {"id": strings.Repeat("x", 65), "text": "x"}, {"text": "x"}, {"id": "long-enough", "text": "x", "replyId": strings.Repeat("x", 257)},
	} {
		d.Clock.Advance(2 * time.Second)
		v.post("message", in).want(t, 400, "invalid_request")
	}
	d.Clock.Advance(time.Minute)
	v.say("long-enough", strings.Repeat("é", webchat.MaxText))
	if a := v.post("message", map[string]string{"id": "long-enough", "text": strings.Repeat("x", 64<<10)}); a.status != 413 {
		t.Errorf("a large body: %d", a.status)
	}
	if n := len(d.Messages(d.app)); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

func TestSession_OpensForItsOwnSenderAndTime(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	v.say("first-message", "hello")
	for i := range len(v.Token) {
		forged := []byte(v.Token)
		forged[i] ^= 1
		a := d.do("POST", "/api/v1/widget/message", `{"id":"long-enough","text":"x"}`, "Origin", site, "Authorization", "Bearer "+string(forged))
		a.want(t, 401, "invalid_session")
		if i%16 == 0 && d.visit(string(forged)).Resumed {
			t.Errorf("a token with another byte %d resumes", i)
		}
	}
	for _, token := range []string{"", "wcs_", v.Token[:len(v.Token)-1], v.Token + "A"} {
		d.do("GET", "/api/v1/widget/events?token="+token, "").want(t, 401, "invalid_session")
	}
	// The widget has to be able to read that, to begin anew.
	for origin, shared := range map[string]string{site: site, "https://evil.example": ""} {
		a := d.do("POST", "/api/v1/widget/message", "{}", "Origin", origin, "Authorization", "Bearer wcs_nonsense")
		if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 401 || got != shared {
			t.Errorf("%s: %d for %q", origin, a.status, got)
		}
	}
	// Another sender's chat on the same site.
	elm := d.chat("Elm Court", site)
	a := decode[started](t, d.do("POST", "/api/v1/widget/init", `{"sender":"`+d.id(elm)+`","token":"`+v.Token+`"}`, "Origin", site), 200)
	if a.Resumed || len(a.Messages) != 0 {
		t.Errorf("another sender's chat resumes the session: %+v", a)
	}
	d.Clock.Advance(61 * time.Minute)
	v.post("message", map[string]string{"id": "long-enough", "text": "x"}).want(t, 401, "expired_session")
	later := d.visit(v.Token)
	if !later.Resumed || !slices.Equal(texts(later.Messages), []string{"hello"}) {
		t.Errorf("resumed as %+v", later.started)
	}
	later.say("second-message", "again")
	if n := len(d.conversations()); n != 1 {
		t.Errorf("%d conversations", n)
	}
	d.Clock.Advance(30*24*time.Hour + time.Minute)
	if late := d.visit(later.Token); late.Resumed || len(late.Messages) != 0 {
		t.Errorf("after a month: %+v", late.started)
	}
	// Another server's key.
	stranger := serve(d.World, func(o *widget.Options) { o.Key = []byte("another key of thirty-two bytes.") })
	stranger.app, stranger.sender = d.app, d.sender
	if stranger.visit(d.visit("").Token).Resumed {
		t.Error("a session of another key resumes")
	}
}

func TestLimits_HoldForASessionAndForAnAddress(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	for i := range 10 {
		v.say(fmt.Sprintf("message-%d", i), "x")
	}
	a := v.post("message", map[string]string{"id": "message-11", "text": "x"})
	a.want(t, 429, "rate_limited")
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 2 || a.header.Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("come back after %q", a.header.Get("Retry-After"))
	}
	d.Clock.Advance(2 * time.Second)
	v.say("message-11", "x")
	for range 10 {
		v.post("message", map[string]string{"id": "message-12", "text": "x"})
	}
	// Many sessions do not help: 50 messages, and 100 sessions, are what an address may begin with.
	sent := 0
	for i := range 12 {
		w := d.visit("")
		for j := range 5 {
			if a := w.post("message", map[string]string{"id": fmt.Sprintf("message-%d-%d", i, j), "text": "x"}); a.status == 201 {
				sent++
			}
		}
	}
	if sent >= 50 {
		t.Errorf("%d messages were taken from one address", sent)
	}
	status := 200
	for range 100 {
		status = d.do("POST", "/api/v1/widget/init", `{"sender":"`+d.id(d.sender)+`"}`, "Origin", site).status
	}
	if status != 429 {
		t.Errorf("the last of many sessions: %d", status)
	}
	if a := d.do("POST", "/api/v1/widget/init", `{"sender":"`+d.id(d.sender)+`"}`, "Origin", site, "X-Forwarded-For", "192.0.2.7"); a.status != 200 {
		t.Errorf("another address behind the proxy: %d", a.status)
	}
}
