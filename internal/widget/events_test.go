package widget_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/widget"
)

func TestEvents_AnAnswerComesLiveAfterASignThatItIsBeingWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		release := make(chan struct{})
		d.Run(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			<-release
			return echo(ctx, turn)
		})
		v := d.visit("")
		s := v.watch()
		m := v.say("first-message", "hello")
		var seen []string
		for !slices.Contains(seen, "typing false") {
			e, ok := s.next()
			if !ok {
				t.Fatalf("the stream ended after %v", seen)
			}
			if e.name == "typing" {
				seen = append(seen, strings.NewReplacer(`{"typing":`, "typing ", "}", "").Replace(e.data))
				if e.data == `{"typing":true}` {
					close(release)
				}
				continue
			}
			got := servicetest.Must(decodeText[message](e.data))(t)
			if got.From == "visitor" && got.ID != m.ID {
				t.Errorf("the visitor's own message is %+v, and was %+v", got, m)
			}
			seen = append(seen, got.From+": "+got.Text)
		}
		if diff := cmp.Diff([]string{"visitor: hello", "typing true", "agent: You said hello", "typing false"}, seen); diff != "" {
			t.Errorf("the stream (-want +got):\n%s", diff)
		}
	})
}

// An answer is made before what the visitor writes meanwhile, and seen after it.
func TestEvents_AnAnswerThatIsSentLateIsNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		v := d.visit("")
		s := v.watch()
		v.say("message-1", "one")
		d.reply("answer to one")
		v.say("message-2", "two")
		if got := texts(s.messages(2)); !slices.Equal(got, []string{"one", "two"}) {
			t.Fatalf("got %v", got)
		}
		s.stop()
		d.Clock.Advance(5 * time.Minute) // the answer is older than what a browser may still be waiting for by its age
		reloaded := d.visit(v.Token)
		if got := texts(reloaded.Messages); !slices.Equal(got, []string{"one", "two"}) {
			t.Fatalf("reloaded: %v", got)
		}
		d.deliver()
		for name, who := range map[string]*visitor{"a browser that comes back": v, "one that was reloaded": reloaded} {
			if got := texts(who.watch().messages(1)); !slices.Equal(got, []string{"answer to one"}) {
				t.Errorf("%s gets %v", name, got)
			}
		}
	})
}

// Whoever comes back gets each message once, wherever the connection broke and whatever the order in which they come to be seen.
func TestEvents_ReconnectsNeitherLoseNorRepeat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		v := d.visit("")
		rnd := rand.New(rand.NewPCG(1, 2))
		var want, got []string
		for round := range 12 {
			for i := range 1 + rnd.IntN(3) {
				text := fmt.Sprintf("message-%d-%d", round, i)
				v.say(text, text)
				want = append(want, text)
				d.Clock.Advance(time.Duration(rnd.IntN(20)) * time.Second)
			}
			d.reply(fmt.Sprintf("answer in %d", round))
			if rnd.IntN(2) == 0 {
				d.deliver()
			}
			for len(got) < len(want) && rnd.IntN(4) > 0 {
				s := v.watch()
				for _, m := range s.messages(1 + rnd.IntN(len(want)-len(got))) { // and then the connection breaks
					got = append(got, m.Text)
				}
				s.stop()
			}
		}
		d.Clock.Advance(time.Minute)
		d.deliver()
		for _, m := range d.Messages(d.app) {
			if m.Direction == hookswitch.Outbound {
				want = append(want, m.Text)
			}
		}
		got = append(got, texts(v.watch().messages(len(want)-len(got)))...)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

func TestEvents_WithoutACursorBeginWithTheConversationSoFar(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	v.say("message-1", "one")
	v.say("message-2", "two")
	v.last = ""
	s := v.watch()
	if got := texts(s.messages(1)); !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %v", got)
	}
	s.stop()
	if got := texts(v.watch().messages(1)); !slices.Equal(got, []string{"two"}) {
		t.Errorf("behind it: %v", got)
	}
	d.do("GET", "/api/v1/widget/events", "", "Authorization", "Bearer "+v.Token, "Last-Event-ID", "nonsense!").want(t, 400, "invalid_cursor")
	// As a browser's EventSource asks from a page of our own: without headers.
	if a := d.do("GET", "/api/v1/widget/events?after=1.2&token="+v.Token[:20], ""); a.status != 401 {
		t.Errorf("half a token: %d", a.status)
	}
}

func TestEvents_OfAnotherNodeComeToo(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.Postgres(t))
	far := serve(d.OtherNode())
	far.app, far.sender = d.app, d.sender
	far.Run(echo)
	v := d.visit("")
	s := v.watch()
	there := &visitor{door: far, started: v.started}
	there.say("message-1", "hello")
	if got := texts(s.messages(2)); !slices.Equal(got, []string{"hello", "You said hello"}) {
		t.Errorf("got %v", got)
	}
}

func TestEvents_AreTheVisitorsOwn(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	d.Run(echo)
	a, b := d.visit(""), d.visit("")
	sa, sb := a.watch(), b.watch()
	a.say("message-a", "from a")
	sa.messages(2)
	b.say("message-b", "from b")
	if got := texts(sb.messages(2)); !slices.Equal(got, []string{"from b", "You said from b"}) {
		t.Errorf("b sees %v", got)
	}
	if got := texts(d.visit(b.Token).Messages); !slices.Equal(got, []string{"from b", "You said from b"}) {
		t.Errorf("reloaded, b sees %v", got)
	}
}

func TestEvents_AreBoundedInNumber(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t), func(o *widget.Options) { o.MaxStreams = 6 })
	v := d.visit("")
	var tabs []*stream
	for range 5 {
		tabs = append(tabs, v.watch())
	}
	if e, ok := tabs[0].next(); !ok || e.name != "replaced" {
		t.Errorf("the oldest of five tabs hears %+v", e)
	}
	if _, ok := tabs[0].next(); ok {
		t.Error("the oldest of five tabs is still served")
	}
	v.say("message-1", "hello")
	for _, s := range tabs[1:] {
		s.messages(1)
	}
	d.visit("").watch()
	d.visit("").watch()
	late := d.visit("")
	refused := func() answer {
		return d.do("GET", "/api/v1/widget/events", "", "Origin", site, "Authorization", "Bearer "+late.Token, "Last-Event-ID", late.Cursor)
	}
	a := refused()
	a.want(t, 503, "too_many_streams")
	if a.header.Get("Retry-After") == "" {
		t.Error("it is not told when to come back")
	}
	tabs[1].stop()
	servicetest.Eventually(t, "a place is free", func() bool {
		d.Clock.Advance(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		return !late.full(ctx)
	})
}

// full reports whether there is no place for a stream. One that there is ends with ctx.
func (v *visitor) full(ctx context.Context) bool {
	v.TB.Helper()
	r := servicetest.Must(http.NewRequestWithContext(ctx, "GET", v.url+"/api/v1/widget/events", nil))(v.TB)
	r.Header.Set("Authorization", "Bearer "+v.Token)
	res, err := v.http.Do(r)
	if err != nil {
		return true
	}
	defer res.Body.Close()
	return res.StatusCode != 200
}

func TestEvents_EndWhenTheServerStopsAndTheSessionIsOver(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	s := v.watch()
	close(d.stop)
	if e, ok := s.next(); ok {
		t.Errorf("the stream goes on with %+v", e)
	}
}

func TestReceipts_TellWhatTheVisitorHasSeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d := newDoor(t, db)
		d.Run(echo)
		d.Endpoint(d.app, "https://example.com/hook")
		v, stranger := d.visit(""), d.visit("")
		s := v.watch()
		own := v.say("message-1", "hello")
		list := s.messages(2)
		ids := []string{list[1].ID, own.ID, "msg_nonsense", list[1].ID}
		receipts := func(who *visitor, status string) {
			t.Helper()
			if a := who.post("receipts", map[string]any{"status": status, "ids": ids}); a.status != 204 {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		}
		count := func(eventType string) (n int) {
			for _, name := range d.Types(d.app) {
				if name == eventType {
					n++
				}
			}
			return n
		}
		receipts(stranger, "read")
		if count("message.delivered")+count("message.read") != 0 {
			t.Error("a stranger reads somebody else's answers")
		}
		for range 2 {
			receipts(v, "delivered")
			receipts(v, "read")
		}
		receipts(v, "delivered")
		if count("message.queued") != 1 || count("message.sent") != 1 || count("message.delivered") != 1 || count("message.read") != 1 {
			t.Errorf("events: %v", d.Types(d.app))
		}
		if back := d.visit(v.Token).Messages; !back[1].Read || back[0].Read {
			t.Errorf("reloaded: %+v", back)
		}
		for _, in := range []any{map[string]any{"status": "failed", "ids": ids}, map[string]any{"status": "read"}, map[string]any{"status": "read", "ids": make([]string, 101)}} {
			v.post("receipts", in).want(t, 400, "invalid_request")
		}
	})
}

func TestMessage_InTheHandsOfAPersonIsNotAnswered(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	v := d.visit("")
	v.say("message-1", "hello")
	d.reply("hello too")
	d.deliver()
	conv := d.conversations()[0]
	if err := d.Service.SetHandover(context.Background(), d.app.Key, d.Service.IDs().Format(hookswitch.KindConversation, conv.Key), true); err != nil {
		t.Fatal(err)
	}
	v.say("message-2", "a person, please")
	if back := d.visit(v.Token); back.Typing || len(back.Messages) != 3 {
		t.Errorf("got %+v", back.started)
	}
}

// What is not text is shown as text, choices and links, and never as more.
func TestMessages_OfAllTypesCanBeShown(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	for name, m := range map[string]struct{ typ, text, content, want string }{
		"buttons":  {"buttons", "Which?", `{"buttons":[{"id":"a","title":"<b>A</b>"}],"footerText":"foot"}`, `{"text":"Which?\n\nfoot","choices":[{"id":"a","title":"<b>A</b>"}]}`},
		"list":     {"list", "Which?", `{"sections":[{"rows":[{"id":"a","title":"A"}]},{"rows":[{"id":"b","title":"B"}]}]}`, `{"text":"Which?","choices":[{"id":"a","title":"A"},{"id":"b","title":"B"}]}`},
		"image":    {"image", "", `{"mediaUrl":"https://x.example/a.png"}`, `{"text":"","link":{"url":"https://x.example/a.png","title":"image"}}`},
		"document": {"document", "Here", `{"mediaUrl":"https://x.example/a.pdf","filename":"a.pdf"}`, `{"text":"Here","link":{"url":"https://x.example/a.pdf","title":"a.pdf"}}`},
		"location": {"location", "", `{"latitude":1.5,"longitude":-2,"locationName":"Park"}`, `{"text":"","link":{"url":"https://www.openstreetmap.org/?mlat=1.5&mlon=-2","title":"Park"}}`},
		"contact":  {"contact", "", `{"contacts":[{"name":"Ada","phones":["+15551234567"]}]}`, `{"text":"Ada\n+15551234567"}`},
		"cta":      {"cta_url", "Book", `{"ctaUrl":"https://x.example/","ctaDisplayText":"Go"}`, `{"text":"Book","link":{"url":"https://x.example/","title":"Go"}}`},
		"reaction": {"reaction", "👍", `{"reactToMessageId":"x"}`, ``},
		"script":   {"cta_url", "Book", `{"ctaUrl":"javascript:alert(1)","ctaDisplayText":"Go"}`, `{"text":"Book"}`},
		"garbage":  {"text", "Hi", `{"buttons":7}`, `{"text":"Hi"}`},
	} {
		got := widget.Show(d.Service, &hookswitch.Message{Key: 1, Direction: hookswitch.Outbound, Type: m.typ, Text: m.text, Content: json.RawMessage(m.content)})
		if got != m.want {
			t.Errorf("%s is shown as %s, want %s", name, got, m.want)
		}
	}
}
