package ingest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestDoors_OnePushFiftyTimesAtOnceIsOneMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db)
		app := g.app("acme")
		g.sender(app, "main", appSecret, phoneID)
		g.endpoint(app)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if a := g.push(textDoor, appSecret, text(phoneID, "wamid.once", "16505551234", "hello")); a.status != 200 || a.body != "EVENT_RECEIVED" {
					t.Errorf("answered %d %s", a.status, a.body)
				}
			})
		}
		all.Wait()
		if n := len(g.messages(app)); n != 1 {
			t.Errorf("%d messages", n)
		}
		if got := strings.Join(typesOf(g.events(app)), " "); got != "conversation.new message.inbound" {
			t.Errorf("events %s", got)
		}
		if a, d := g.count(ingest.Accepted), g.count(ingest.Duplicate); a != 1 || d != 49 {
			t.Errorf("counted %d accepted and %d duplicates", a, d)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.seen) != 50 {
			t.Errorf("%d requests observed", len(g.seen))
		}
	})
}

func TestDoors_AnItemThatCannotBeReadIsKeptAsideAndSpoilsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db)
		app := g.app("acme")
		g.sender(app, "main", appSecret, phoneID)
		item := `{"from":"16505551234","id":"wamid.%d","timestamp":"1749416383","type":"text","text":{"body":"ok"}}`
		body := envelope(phoneID, fmt.Sprintf(item, 1)+`,{"from":["?"],"id":7,"type":{}},`+fmt.Sprintf(item, 2))
		if a := g.push(textDoor, appSecret, body); a.status != 200 {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		if n := len(g.messages(app)); n != 2 {
			t.Errorf("%d messages, want the two good ones", n)
		}
		strays := g.strays()
		if len(strays) != 1 || strays[0].Provider != "meta" || strays[0].Door != textDoor || string(strays[0].Body) != body {
			t.Errorf("kept aside: %+v", strays)
		}
	})
}

func TestDoors_TellSendersWithOneAppSecretApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db)
		one, two := g.app("one"), g.app("two")
		g.sender(one, "one", appSecret, phoneID)
		g.sender(two, "two", appSecret, otherID)
		g.push(textDoor, appSecret, text(phoneID, "wamid.1", "16505551234", "to one"))
		g.push(textDoor, appSecret, text(otherID, "wamid.2", "16505551234", "to two"))
		if m := g.messages(one); len(m) != 1 || m[0].Text != "to one" {
			t.Errorf("one has %+v", m)
		}
		if m := g.messages(two); len(m) != 1 || m[0].Text != "to two" {
			t.Errorf("two has %+v", m)
		}
		// A number that nobody has is genuine, and belongs to neither.
		if a := g.push(textDoor, appSecret, text("999", "wamid.3", "16505551234", "to nobody")); a.status != 200 {
			t.Errorf("answered %d", a.status)
		}
		if len(g.messages(one)) != 1 || len(g.messages(two)) != 1 || len(g.strays()) != 1 {
			t.Errorf("%d, %d messages, strays %+v", len(g.messages(one)), len(g.messages(two)), g.strays())
		}
	})
}

func TestDoors_OfOneSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db)
		one, two := g.app("one"), g.app("two")
		first, second := g.sender(one, "one", appSecret, phoneID), g.sender(two, "two", appSecret, otherID)
		own := g.sender(two, "own secret", "another secret", "555")
		count := func(want1, want2 int) {
			t.Helper()
			if n1, n2 := len(g.messages(one)), len(g.messages(two)); n1 != want1 || n2 != want2 {
				t.Fatalf("%d and %d messages, want %d and %d", n1, n2, want1, want2)
			}
		}
		door := "/in/" + g.id(first)
		g.push(door, appSecret, text(phoneID, "wamid.1", "16505551234", "x"))
		g.push(door+"/whatsapp", appSecret, text(phoneID, "wamid.2", "16505551234", "x"))
		count(2, 0)
		// The number that a push names decides, whoever's door it takes; a number that nobody has is the door owner's.
		g.push(door, appSecret, text(otherID, "wamid.3", "16505551234", "x"))
		count(2, 1)
		g.push("/in/"+g.id(second), appSecret, text("999", "wamid.4", "16505551234", "x"))
		count(2, 2)
		// A secret proves nothing at the door of a sender that has another.
		wantRefusal(t, g.push("/in/"+g.id(own), appSecret, text("555", "wamid.5", "1", "x")), 401, "SIGNATURE_INVALID")
		count(2, 2)

		good := text(phoneID, "wamid.6", "1", "x")
		wantRefusal(t, g.push("/in/snd_00000000000000000000000000b", appSecret, good), 404, "NOT_FOUND")
		wantRefusal(t, g.push("/in/nonsense", appSecret, good), 404, "NOT_FOUND")
		wantRefusal(t, g.push(door+"/telegram", appSecret, good), 404, "NOT_FOUND")
		wantRefusal(t, g.do("PUT", door, nil, nil), 405, "METHOD_NOT_ALLOWED")
		if a := g.do("GET", door+"?hub.mode=subscribe&hub.verify_token=meatyhamhock-42&hub.challenge=17", nil, nil); a.status != 200 || a.body != "17" {
			t.Errorf("handshake: %d %s", a.status, a.body)
		}
		count(2, 2)
	})
}

// Most clients send the whole body before they read the answer. One that is cut off while it sends learns nothing, and sends it all again.
func TestDoors_TheRefusalOfALargeBodyReachesWhoSendsAllOfItFirst(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t))
	app := g.app("acme")
	g.sender(app, "main", appSecret, phoneID)
	const size = 24 << 20
	for _, encoding := range []string{"Content-Length: " + strconv.Itoa(size), "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		body := make([]byte, size)
		if strings.HasPrefix(encoding, "Transfer") {
			body = slices.Concat([]byte(strconv.FormatInt(size, 16)+"\r\n"), body, []byte("\r\n0\r\n\r\n"))
		}
		if _, err := conn.Write(append([]byte("POST "+textDoor+" HTTP/1.1\r\nHost: gw.example.test\r\n"+encoding+"\r\n\r\n"), body...)); err != nil {
			t.Errorf("%s: %v", encoding, err)
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %v, %v", encoding, resp, err)
		}
	}
}

func TestDoors_Refuse(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t))
	body := text(phoneID, "wamid.1", "16505551234", "s3cret words")
	wantRefusal(t, g.push(textDoor, appSecret, body), 503, "CHANNEL_NOT_CONFIGURED")
	wantRefusal(t, g.do("GET", textDoor+"?hub.mode=subscribe&hub.verify_token=a&hub.challenge=17", nil, nil), 503, "CHANNEL_NOT_CONFIGURED")
	app := g.app("acme")
	g.sender(app, "main", appSecret, phoneID)

	wantRefusal(t, g.push(textDoor, "wrong secret", body), 401, "SIGNATURE_INVALID")
	if a := g.push(textDoor, "wrong secret", body); a.body != `{"error":"Invalid webhook signature","code":"SIGNATURE_INVALID"}` || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %s %v", a.body, a.header)
	}
	wantRefusal(t, g.push(textDoor, appSecret, "{"), 400, "BAD_PAYLOAD")
	wantRefusal(t, g.do("POST", textDoor, make([]byte, 4<<20+1), nil), 413, "PAYLOAD_TOO_LARGE")
	wantRefusal(t, g.do("GET", textDoor+"?hub.mode=subscribe&hub.verify_token=t0ken&hub.challenge=17", nil, nil), 403, "VERIFY_TOKEN_INVALID")
	wantRefusal(t, g.do("GET", textDoor, nil, nil), 400, "BAD_PAYLOAD")
	a := g.do("DELETE", textDoor, nil, nil)
	wantRefusal(t, a, 405, "METHOD_NOT_ALLOWED")
	if got := a.header.Get("Allow"); !strings.Contains(got, "GET") || !strings.Contains(got, "POST") {
		t.Errorf("Allow %q", got)
	}
	for r, want := range map[ingest.Result]int{ingest.NotConfigured: 2, ingest.BadSignature: 2, ingest.BadPayload: 2, ingest.TooLarge: 1, ingest.BadToken: 1} {
		if got := g.count(r); got != want {
			t.Errorf("%d %s, want %d", got, r, want)
		}
	}
	if len(g.messages(app)) != 0 || len(g.strays()) != 0 {
		t.Error("a refused push left a trace")
	}
	for _, secret := range []string{"s3cret words", "t0ken", appSecret} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, g.log)
		}
	}
	if !strings.Contains(g.log.String(), "bad_signature") {
		t.Errorf("the log does not say why: %s", g.log)
	}
}

func TestDoors_TakeABodyOfExactlyTheLimit(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t))
	g.sender(g.app("acme"), "main", appSecret, phoneID)
	body := `{"object":"whatsapp_business_account","entry":[],"pad":"`
	body += strings.Repeat("x", 4<<20-len(body)-2) + `"}`
	if a := g.push(textDoor, appSecret, body); a.status != 200 {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

func TestDoors_SecretsThatOverlapProveForAll(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t))
	app := g.app("acme")
	_, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{
		{Name: "rotating", Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"app_secret": {"new", "old"}, "phone_number_id": {phoneID}}},
		{Name: "late", Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"app_secret": {"old"}, "phone_number_id": {otherID}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.push(textDoor, "old", text(phoneID, "wamid.1", "1555", "x"))
	g.push(textDoor, "old", text(otherID, "wamid.2", "1555", "x"))
	if m := g.messages(app); len(m) != 2 || m[0].Sender == m[1].Sender || len(g.strays()) != 0 {
		t.Errorf("messages %+v, strays %+v", m, g.strays())
	}
}

// late is meta, with something happening between the proof of a push and its storing.
type late struct {
	*meta.Provider
	mu   sync.Mutex
	then func()
}

func (p *late) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.then != nil {
		p.then()
		p.then = nil
	}
	return p.Provider.Parse(push)
}

func TestDoors_NeverBlameTheProviderForADeletedApplication(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := &late{Provider: meta.New(meta.Options{})}
		g := newGateway(t, db, p)
		one, two := g.app("one"), g.app("two")
		g.sender(one, "one", appSecret, phoneID)
		g.sender(two, "two", appSecret, otherID)
		p.then = func() {
			if err := g.svc.DeleteApp(context.Background(), one.Key); err != nil {
				t.Error(err)
			}
		}
		body := envelope(phoneID, `{"from":"1","id":"wamid.1","timestamp":"1749416383","type":"text","text":{"body":"a"}}`)
		if a := g.push(textDoor, appSecret, body); a.status != 200 || a.body != "EVENT_RECEIVED" {
			t.Errorf("answered %d %s", a.status, a.body)
		}
		if len(g.strays()) != 1 || len(g.messages(two)) != 0 {
			t.Errorf("strays %+v, messages %+v", g.strays(), g.messages(two))
		}
		if n := g.count(ingest.Accepted); n != 1 {
			t.Errorf("%d accepted", n)
		}
	})
}

func TestDoors_APushThatTwoAccountsProveLeavesBothAsTheyAre(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.SQLite(t))
	app := g.app("acme")
	g.sender(app, "one", appSecret, phoneID)
	both := credentials(appSecret, otherID) // its secret is being replaced: the old one still counts
	both["app_secret"] = []string{"the-new-one", appSecret}
	if _, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{{Name: "two", Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: both}}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			phone := []string{phoneID, otherID}[i%2]
			if a := g.push(textDoor, appSecret, text(phone, "wamid."+strconv.Itoa(i), "16505551234", "hello")); a.status != 200 {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if n := len(g.messages(app)); n != 8 || len(g.strays()) != 0 {
		t.Errorf("%d messages, strays %+v", n, g.strays())
	}
	accounts, err := g.svc.Accounts(context.Background(), "meta", 0, "")
	if err != nil || len(accounts) != 2 {
		t.Fatalf("accounts %+v, %v", accounts, err)
	}
	for _, a := range accounts {
		if len(a.Routes) != 1 {
			t.Errorf("account %s has %d routes, want its own", a.Name, len(a.Routes))
		}
	}
}

func TestDoors_AnswerAFailingStoreWith503AndAPanicWith500(t *testing.T) {
	t.Parallel()
	p := &late{Provider: meta.New(meta.Options{})}
	g := newGateway(t, storetest.SQLite(t), p)
	g.sender(g.app("acme"), "main", appSecret, phoneID)
	p.then = func() { panic("adapter broke on s3cret") }
	a := g.push(textDoor, appSecret, text(phoneID, "wamid.1", "1", "x"))
	wantRefusal(t, a, 500, "INTERNAL")
	if strings.Contains(a.body, "s3cret") || g.count(ingest.Failed) != 1 {
		t.Errorf("answered %s, %d failures", a.body, g.count(ingest.Failed))
	}
	p.mu.Lock()
	p.then = nil
	p.mu.Unlock()
	if err := g.store.Close(); err != nil {
		t.Fatal(err)
	}
	a = g.push(textDoor, appSecret, text(phoneID, "wamid.2", "1", "x"))
	if a.status != 503 && a.status != 500 {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	if a.status == 503 && a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// shared is a provider at the door of another, which knows its pushes by a header.
type shared struct {
	name string
	url  string
}

func (p *shared) Name() string { return p.name }
func (p *shared) Doors() []hookswitch.Door {
	return []hookswitch.Door{{Path: "/api/channels/sms", Channels: []hookswitch.Channel{hookswitch.SMS}, MaxBody: 1 << 10}}
}
func (p *shared) Account(hookswitch.Credentials) string { return p.name }
func (p *shared) Address(hookswitch.Channel, hookswitch.Credentials, string) string {
	return "100"
}
func (p *shared) Claims(push *hookswitch.Push) bool { return push.Header.Get("X-"+p.name) != "" }
func (p *shared) Verify(push *hookswitch.Push, _ hookswitch.Credentials) error {
	if push.Header.Get("X-"+p.name) == "good" || push.Header.Get("X-Any") == p.name {
		return nil
	}
	return hookswitch.ErrSignature
}
func (p *shared) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	p.url = push.URL.String()
	return []hookswitch.Update{{Channel: hookswitch.SMS, Address: "100", Dedup: p.name + string(push.Body), Message: &hookswitch.InboundMessage{From: "+1", Text: p.name, Type: "text"}}}, nil
}
func (p *shared) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: 201, ContentType: "text/xml", Body: []byte("<" + p.name + "/>")}
}

func TestDoors_SeveralProvidersAtOneDoor(t *testing.T) {
	t.Parallel()
	a, b := &shared{name: "a"}, &shared{name: "b"}
	g := newGateway(t, storetest.SQLite(t), a, b)
	app := g.app("acme")
	_, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{
		{Name: "one", Channel: hookswitch.SMS, Provider: "a"}, {Name: "two", Channel: hookswitch.SMS, Provider: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[[2]string]int{{"X-a", "good"}: 201, {"X-b", "good"}: 201, {"X-a", "bad"}: 401, {"X-Any", "b"}: 201, {"X-Other", "1"}: 401} {
		got := g.do("POST", "/api/channels/sms/?q=%41&x=a+b", []byte(header[0]), map[string]string{header[0]: header[1]})
		if got.status != want {
			t.Errorf("%v: answered %d %s, want %d", header, got.status, got.body, want)
		}
		if want == 201 && got.header.Get("Content-Type") != "text/xml" {
			t.Errorf("content type %q", got.header.Get("Content-Type"))
		}
	}
	if want := publicURL + "/api/channels/sms/?q=%41&x=a+b"; a.url != want || b.url != want {
		t.Errorf("adapters saw %s and %s, want %s", a.url, b.url, want)
	}
	if got := g.do("GET", "/api/channels/sms", nil, nil); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", got.status, got.header.Get("Allow"))
	}
	if n := len(g.messages(app)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

func BenchmarkPush(b *testing.B) {
	g := newGateway(b, storetest.SQLite(b))
	app := g.app("acme")
	g.sender(app, "main", appSecret, phoneID)
	g.endpoint(app)
	const workers = 16
	start := time.Now()
	n := 0
	for b.Loop() {
		bodies := make(chan string)
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for body := range bodies {
					if a := g.push(textDoor, appSecret, body); a.status != http.StatusOK {
						b.Errorf("answered %d %s", a.status, a.body)
					}
				}
			})
		}
		for range 1000 {
			n++
			bodies <- text(phoneID, "wamid."+strconv.Itoa(n), "1650555"+strconv.Itoa(1000+n%100), "hello")
		}
		close(bodies)
		all.Wait()
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "pushes/s")
	slices.Sort(g.took)
	b.ReportMetric(float64(g.took[len(g.took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(g.took[len(g.took)*99/100].Microseconds()), "p99-µs")
}
