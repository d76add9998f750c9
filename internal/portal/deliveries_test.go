package portal_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// business is the business of portaltest, and somebody who is signed in to its portal.
func business(t *testing.T, access service.PortalAccess) (*portaltest.Site, *browser) {
	t.Helper()
	d, err := portaltest.Open(t.Context(), t.TempDir(), portaltest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{t: t, svc: d.Service, url: d.URL, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	b := s.browser()
	b.enter(d.App, access)
	return d, b
}

func has(t *testing.T, a answer, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answers %d %s", a.status, a.body)
	}
	body := html.UnescapeString(a.body)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("there is no %q", text)
		}
	}
}

func lacks(t *testing.T, a answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("there is %q", text)
		}
	}
}

func TestDeliveries_ReadFilterAndExport(t *testing.T) {
	t.Parallel()
	d, b := business(t, service.PortalAccess{})
	hostile := `<img src=x onerror="alert(1)">`
	ev, err := d.Service.PublishEvent(t.Context(), d.App, service.Publish{Type: "message.inbound", UID: "-cmd", Payload: []byte(`{"text":"` + `\u003cimg src=x onerror=\"alert(1)\"\u003e` + `"}`)}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	failing := "/portal/endpoints/" + d.Names["failing"]

	has(t, b.open(failing), 200, "will be turned off in", "On the way to being turned off", "500 Internal Server Error", "Backlog", "Last attempts")
	has(t, b.open("/portal/endpoints/"+d.Names["off"]), 200, "Turned off", "by the rules", "Enable")
	has(t, b.open("/portal/endpoints/"+d.Names["quiet"]), 200, "Nothing was sent here yet")
	page := b.open(failing + "/deliveries?q=" + url.QueryEscape(`status:failed code:5xx oops:"x y" type:*a`))
	has(t, page, 200, "Left out: type:*a. Type may have a * at its end only", "Nothing matches", "Clear status:failed")
	has(t, b.open(failing+"/deliveries?q="+url.QueryEscape(`<script>"`)), 200, `value="<script>""`)
	lacks(t, b.open(failing+"/deliveries?q="+url.QueryEscape(`<script>`)), "<script>\"", "q=<script>")
	has(t, b.open("/portal/logs?q="+url.QueryEscape(`"`+strings.ReplaceAll(hostile, `"`, `\"`)+`"`)), 200, d.Service.IDs().Format(hookswitch.KindEvent, ev.Key))
	shown := b.open("/portal/messages/-cmd?view=raw")
	has(t, shown, 200, "What happened", "Published")
	lacks(t, shown, hostile)

	file := b.open("/portal/logs/export?format=csv&q=after%3A1m")
	if got := file.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="messages-`) || file.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", file.header)
	}
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][0] != "time" || rows[1][4] != "'-cmd" {
		t.Errorf("the sheet is %q %v", rows, err)
	}
	lines := strings.Split(strings.TrimSpace(b.open(failing+"/deliveries/export?format=ndjson&q=status%3Afailed").body), "\n")
	var one struct {
		Outcome, EventType, Failure, Sentence string
		Code, Attempt                         int
	}
	if err := json.Unmarshal([]byte(lines[0]), &one); err != nil || len(lines) < 100 || one.Code != 500 || one.Failure != "server_error" || one.Attempt < 1 {
		t.Errorf("%d lines, the first %+v %v", len(lines), one, err)
	}
	if a := b.open("/portal/logs/export?format=xls"); a.status != 422 && a.status != 400 {
		t.Errorf("an unknown format: %d", a.status)
	}
}

func TestMessage_TellsTheWholeStory(t *testing.T) {
	t.Parallel()
	d, b := business(t, service.PortalAccess{})
	for _, name := range []string{"inbound", "reply"} {
		page := b.open("/portal/messages/" + d.Names[name])
		has(t, page, 200, "Written on whatsapp", "Pushed in", "By meta", "Verified", "Normalised", "Answered by the responder", "Reply sent", "Arrived at the person", "Published", "attempt 1 of 8")
		last := -1
		for _, step := range []string{"Pushed in", "Verified", "Normalised", "Answered by the responder", "Reply sent", "Arrived at the person"} {
			at := strings.Index(page.body, "<h3>"+step)
			if at < last {
				t.Errorf("%s: %s comes too early", name, step)
			}
			last = at
		}
	}
	has(t, b.open("/portal/messages/"+d.Names["expired"]), 200, "The payload is not kept any more")
	page := b.open("/portal/messages/" + d.Names["event"] + "/attempts/" + d.Names["attempt"])
	has(t, page, 200, "something broke in it", "What to do.", "svix-signature", "curl -i -X POST 'https://crm.acme.example/webhooks/conversations'", "Beside the last success", "203.0.113.24:443")

	other, err := d.Service.PublishEvent(t.Context(), d.Empty, service.Publish{Type: "a.b", Payload: []byte(`{}`)}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	foreign := d.Service.IDs().Format(hookswitch.KindEvent, other.Key)
	for _, path := range []string{"/portal/messages/" + foreign, "/portal/messages/" + foreign + "/attempts/" + d.Names["attempt"], "/portal/messages/" + d.Names["inbound"] + "/attempts/" + d.Names["attempt"], "/portal/endpoints/ep_nobody/deliveries",
		"/portal/endpoints/ep_nobody/deliveries/live?after=1", "/portal/endpoints/ep_nobody/deliveries/export?format=csv"} {
		if a := b.open(path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestAttempt_UsesTheAddressOfARedirect(t *testing.T) {
	t.Parallel()
	d, b := business(t, service.PortalAccess{})
	path := "/portal/messages/" + d.Names["redirectevent"] + "/attempts/" + d.Names["redirectattempt"]
	has(t, b.open(path), 200, "leads to https://accounting.acme.example/hooks", "Use this URL", "The server wants https")
	if a := b.submit(path+"/use-url", ""); a.status != 303 {
		t.Fatalf("answers %d %s", a.status, a.body)
	}
	has(t, b.open(path), 200, "The endpoint now has the address https://accounting.acme.example/hooks")
	has(t, b.open(path), 200, "The endpoint has it already.")
}

func TestDeliveries_ManyAreSentAgainAndReadOnlyIsHeldToIt(t *testing.T) {
	t.Parallel()
	d, b := business(t, service.PortalAccess{})
	e, err := d.Service.Endpoint(t.Context(), d.App.Key, d.Names["good"])
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := d.Service.AttemptsByEndpoint(t.Context(), d.App.Key, e.Key, store.AttemptFilter{}, store.Page{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"back": {"/portal/logs?q=status%3Afailed"}}
	for _, a := range list {
		form.Add("pick", d.Service.IDs().Format(hookswitch.KindEvent, a.Event)+" "+d.Names["good"])
	}
	before, err := d.Store.Owed(t.Context(), d.App.Key, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	if a := b.submit("/portal/resend", form.Encode()); a.status != 303 || a.header.Get("Location") != "/portal/logs?q=status%3Afailed" {
		t.Fatalf("answers %d %v", a.status, a.header)
	}
	has(t, b.open("/portal/logs"), 200, "Queued 3 attempts")
	if after, err := d.Store.Owed(t.Context(), d.App.Key, e.Key); err != nil || after.Waiting != before.Waiting+3 {
		t.Errorf("%d wait, before it were %d, %v", after.Waiting, before.Waiting, err)
	}
	form.Set("pick", d.Names["inbound"]+" "+d.Names["off"])
	b.submit("/portal/resend", form.Encode())
	has(t, b.open("/portal/logs"), 200, "Nothing was sent again: the endpoint is disabled")
	if a := b.submit("/portal/resend", "back=https://evil.example/"); a.header.Get("Location") != "/portal" {
		t.Errorf("leads to %s", a.header.Get("Location"))
	}

	reader := b.site.browser()
	reader.enter(d.App, service.PortalAccess{Capabilities: hookswitch.ViewingCapabilities})
	has(t, reader.open("/portal/messages/"+d.Names["inbound"]), 200, "read-only")
	for _, path := range []string{"/portal/resend", "/portal/messages/" + d.Names["inbound"] + "/resend", "/portal/endpoints/" + d.Names["good"] + "/state", "/portal/endpoints/" + d.Names["good"] + "/probe",
		"/portal/messages/" + d.Names["redirectevent"] + "/attempts/" + d.Names["redirectattempt"] + "/use-url"} {
		if a := reader.submit(path, form.Encode()); a.status != 403 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := b.submit("/portal/endpoints/"+d.Names["off"]+"/state", "do=enable"); a.status != 303 {
		t.Fatalf("enable: %d", a.status)
	}
	a := b.submit("/portal/endpoints/"+d.Names["off"]+"/probe", "")
	if !strings.HasPrefix(a.header.Get("Location"), "/portal/messages/msg_") {
		t.Fatalf("the probe leads to %q", a.header.Get("Location"))
	}
	has(t, b.open(a.header.Get("Location")), 200, "A ping is on its way", "svix.ping", `hx-trigger="every 2s"`)
}

func TestLive_RowsComeOnceGoOnAfterAnIdAndAreCounted(t *testing.T) {
	t.Parallel()
	d, b := business(t, service.PortalAccess{})
	publish := func(n int) {
		for range n {
			if _, err := d.Service.PublishEvent(t.Context(), d.App, service.Publish{Type: "message.failed", Payload: []byte(`{"live":true}`)}, service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	watch := func(after string) (next func() sse, stop func()) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/portal/logs/live?q=live%3Atrue", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: c.Value})
		}
		r.Header.Set("Last-Event-ID", after)
		res, err := b.http.Do(r)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(res, err)
		}
		lines := bufio.NewScanner(res.Body)
		return func() (m sse) {
				for lines.Scan() {
					switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
					case "id":
						m.id = value
					case "event":
						m.event = value
					case "data":
						m.data = value
					case "":
						if m.event != "" {
							return m
						}
					}
				}
				t.Fatal("the stream is over")
				return m
			}, func() {
				cancel()
				_ = res.Body.Close()
			}
	}
	publish(25)
	next, stop := watch("1")
	seen := make(map[string]bool)
	last := ""
	for range 20 {
		m := next()
		var row struct{ ID, HTML string }
		if err := json.Unmarshal([]byte(m.data), &row); err != nil || m.event != "row" || seen[row.ID] || !strings.Contains(row.HTML, `data-id="`+row.ID+`"`) {
			t.Fatalf("%+v %v", m, err)
		}
		seen[row.ID], last = true, m.id
	}
	if m := next(); m.event != "more" || m.data != "5" {
		t.Errorf("then comes %+v", m)
	}
	stop()
	publish(2)
	next, stop = watch(last)
	defer stop()
	for range 2 {
		m := next()
		var row struct{ ID string }
		if err := json.Unmarshal([]byte(m.data), &row); err != nil || seen[row.ID] {
			t.Errorf("after coming back: %+v", m)
		}
		seen[row.ID] = true
	}
}
