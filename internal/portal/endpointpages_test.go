package portal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// customer is somebody signed in to the portal of an App, with an endpoint whose server is here.
type customer struct {
	t        *testing.T
	site     *portaltest.Site
	http     *http.Client
	endpoint *hookswitch.Endpoint
	base     string // of the endpoint's pages
	mu       sync.Mutex
	got      []received
	answer   int
}

type received struct {
	header http.Header
	body   string
}

func newCustomer(t *testing.T, rights hookswitch.Capabilities) *customer {
	t.Helper()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &customer{t: t, site: s, answer: 204}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, received{r.Header.Clone(), string(b)})
		w.Header().Set("X-Strange", "<b>bold</b>")
		w.WriteHeader(c.answer)
	}))
	t.Cleanup(srv.Close)
	c.endpoint, err = s.Service.CreateEndpoint(context.Background(), s.App.Key, hookswitch.Endpoint{URL: srv.URL + "/hook", Description: "Billing <script>", Headers: map[string]string{"Authorization": "Bearer very-secret", "X-Region": "eu"}}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	c.base = "/portal/endpoints/" + s.Service.IDs().Format(hookswitch.KindEndpoint, c.endpoint.Key)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(c.http.CloseIdleConnections)
	link, err := s.PortalLink(context.Background(), s.App, service.PortalAccess{Capabilities: rights})
	if err != nil {
		t.Fatal(err)
	}
	_, fragment, _ := strings.Cut(link, "#")
	values, err := url.ParseQuery(fragment)
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ OneTimeToken string }
	if b, err := base64.StdEncoding.DecodeString(values.Get("key")); err != nil || json.Unmarshal(b, &key) != nil {
		t.Fatalf("the link is %q", fragment)
	}
	c.done("/portal/login", url.Values{"token": {key.OneTimeToken}})
	return c
}

func (c *customer) do(method, path string, form url.Values) (status int, body string, header http.Header) {
	c.t.Helper()
	var content io.Reader
	if form != nil {
		content = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, c.site.URL+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func (c *customer) get(path string) string {
	c.t.Helper()
	status, body, _ := c.do("GET", path, nil)
	if status != 200 {
		c.t.Fatalf("%s answers %d", path, status)
	}
	return body
}

func (c *customer) post(path string, form url.Values) (int, string, http.Header) {
	c.t.Helper()
	return c.do("POST", path, form)
}

// done posts a form that leads on.
func (c *customer) done(path string, form url.Values) {
	c.t.Helper()
	if status, body, _ := c.post(path, form); status != 303 {
		c.t.Fatalf("%s answers %d %s", path, status, body)
	}
}

func (c *customer) now() *hookswitch.Endpoint {
	c.t.Helper()
	e, err := c.site.Service.Endpoint(context.Background(), c.site.App.Key, strings.TrimPrefix(c.base, "/portal/endpoints/"))
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

func (c *customer) did() (list []hookswitch.Action) {
	c.t.Helper()
	all, err := c.site.Service.Activities(context.Background(), c.site.App.Key, store.ActivityFilter{Actor: hookswitch.ActorPortal}, store.Page{Limit: 50})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range all {
		list = append(list, a.Action)
	}
	return list
}

func TestSigning_SecretsAreShownOnRequestAndThatIsNoted(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	secret := c.endpoint.Secrets[0].Secret.Reveal()
	if strings.Contains(html.UnescapeString(c.get(c.base+"/signing")), secret) {
		t.Fatal("the page shows the secret unasked")
	}
	status, body, header := c.post(c.base+"/signing/reveal", url.Values{})
	if status != 200 || !strings.Contains(html.UnescapeString(body), secret) || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", status, header)
	}
	// The answer to a form says where its page is, so that nothing is sent again by a reload, and so that the colours can be switched from there.
	for _, want := range []string{`data-posted="` + c.base + `/signing"`, `<input type="hidden" name="back" value="` + c.base + `/signing">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if got := c.did(); len(got) != 1 || got[0] != hookswitch.DidShowSecret {
		t.Errorf("noted %v", got)
	}
}

func TestSigning_RotatesWithAnOverlapAndCutsTheOldSecret(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.done(c.base+"/signing/rotate", url.Values{"overlap": {"24h"}})
	e := c.now()
	if len(e.Secrets) != 2 || e.Secrets[1].Secret != c.endpoint.Secrets[0].Secret || e.Secrets[1].ExpiresAt.Before(time.Now().Add(23*time.Hour)) {
		t.Fatalf("got %d secrets", len(e.Secrets))
	}
	if status, _, _ := c.post(c.base+"/signing/cut", url.Values{"mark": {service.Fingerprint(e.Secrets[0].Secret)}}); status != 422 && status != 400 {
		t.Errorf("cutting the current secret answers %d", status)
	}
	c.done(c.base+"/signing/cut", url.Values{"mark": {service.Fingerprint(e.Secrets[1].Secret)}})
	if e := c.now(); len(e.Secrets) != 1 || e.Secrets[0].Secret == c.endpoint.Secrets[0].Secret {
		t.Errorf("got %d secrets", len(e.Secrets))
	}
	if got := c.did(); len(got) != 2 || got[0] != hookswitch.DidCutSecret || got[1] != hookswitch.DidRotateSecret {
		t.Errorf("noted %v", got)
	}
}

func TestSigning_WhoMayOnlyLookGetsNoSecret(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.ViewBase)
	for _, path := range []string{"/signing/reveal", "/signing/rotate", "/signing/cut", "/settings", "/delete", "/testing", "/testing/publish", "/recover", "/recover/cancel"} {
		if status, body, _ := c.post(c.base+path, url.Values{"overlap": {"0s"}}); status != 403 || strings.Contains(html.UnescapeString(body), c.endpoint.Secrets[0].Secret.Reveal()) {
			t.Errorf("%s answers %d", path, status)
		}
	}
	if got := c.did(); len(got) != 0 {
		t.Errorf("noted %v", got)
	}
}

func TestTesting_EachFaultIsSentAndJudged(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	secret, err := webhook.ParseSecret(c.endpoint.Secrets[0].Secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	verifier := webhook.NewVerifier(secret)
	for _, f := range []struct {
		fault    string
		requests int
		genuine  bool
		taken    string // what is said when all are taken
	}{
		{"", 1, true, "Right: it answered 204"}, {"duplicate", 2, true, "It took both"}, {"order", 2, true, "It took both"}, {"old", 1, false, "signed an hour ago"},
		{"wrong", 1, false, "signatures are not checked"}, {"rotated", 1, true, "Right: it answered"}, {"large", 1, true, "Right: it answered"},
	} {
		c.got = nil
		status, body, _ := c.post(c.base+"/testing", url.Values{"type": {"message.inbound"}, "fault": {f.fault}, "payload": {"{\n \"type\": \"message.inbound\", \"timestamp\": 1760000000123, \"text\": \"<i>\"}"}})
		if status != 200 || len(c.got) != f.requests || !strings.Contains(body, f.taken) {
			t.Fatalf("%s: %d, %d requests, says %q: %v", f.fault, status, len(c.got), f.taken, strings.Contains(body, f.taken))
		}
		if strings.Contains(body, "very-secret") || strings.Contains(body, "<b>bold") || strings.Contains(body, `text":"<i>`) {
			t.Errorf("%s: the page shows what it must not", f.fault)
		}
		for _, q := range c.got {
			if err := verifier.Verify(q.header, []byte(q.body)); (err == nil) != f.genuine {
				t.Errorf("%s: verifying says %v", f.fault, err)
			}
			if q.header.Get("Authorization") != "Bearer very-secret" || q.header.Get("X-Region") != "eu" {
				t.Errorf("%s: the endpoint's headers are missing", f.fault)
			}
		}
		if f.fault == "large" && len(c.got[0].body) < 1<<20-64 {
			t.Errorf("a large body has %d bytes", len(c.got[0].body))
		}
	}
	c.answer = 401
	if _, body, _ := c.post(c.base+"/testing", url.Values{"fault": {"wrong"}, "payload": {"{}"}}); !strings.Contains(body, "Right: it refused with 401") {
		t.Error("a refusal of a wrong signature is not called right")
	}
	if status, body, _ := c.post(c.base+"/testing", url.Values{"payload": {"{\n\"a\":}"}}); status != 422 || !strings.Contains(body, "in line 2") {
		t.Errorf("what is no JSON answers %d", status)
	}
	list, _, err := c.site.Service.AttemptsByEndpoint(context.Background(), c.site.App.Key, c.endpoint.Key, store.AttemptFilter{}, store.Page{Limit: 1})
	if err != nil || len(list) != 0 {
		t.Errorf("tests are recorded as attempts: %d, %v", len(list), err)
	}
}

func TestSettings_ChangesAreShownSavedAndNoted(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	form := url.Values{"url": {c.endpoint.URL}, "name": {"CRM"}, "types": {"all"}, "rate": {"7"}, "auth": {"keep"}, "headers": {"X-Zone: b"}, "metadata": {"team = crm"}, "do": {"review"}}
	if status, body, _ := c.post(c.base+"/settings", form); status != 200 || !strings.Contains(body, "<ins>7 a second</ins>") || c.now().ThrottleRate != 0 {
		t.Fatalf("a review answers %d, and the rate is %d", status, c.now().ThrottleRate)
	}
	form.Set("do", "save")
	if status, body, _ := c.post(c.base+"/settings", form); status != 200 || !strings.Contains(body, "<ins>7 a second</ins>") {
		t.Fatalf("saving answers %d", status)
	}
	e := c.now()
	if e.Description != "CRM" || e.ThrottleRate != 7 || e.Headers["Authorization"] != "Bearer very-secret" || e.Headers["X-Zone"] != "b" || e.Headers["X-Region"] != "" || e.Metadata["team"] != "crm" {
		t.Errorf("got %+v", e)
	}
	if body := c.get("/portal/activity"); strings.Contains(body, "very-secret") || !strings.Contains(body, "no limit → 7 a second") {
		t.Error("the activity is wrong")
	}
	if status, _, _ := c.post(c.base+"/settings", url.Values{"url": {"nonsense"}, "types": {"all"}}); status != 422 {
		t.Errorf("a wrong address answers %d", status)
	}
	if status, _, _ := c.post(c.base+"/delete", url.Values{"confirm": {"crm"}}); status != 422 {
		t.Errorf("a wrong name answers %d", status)
	}
	c.done(c.base+"/delete", url.Values{"confirm": {"CRM"}})
	if status, _, _ := c.do("GET", c.base+"/settings", nil); status != 404 {
		t.Errorf("the page of what was deleted answers %d", status)
	}
}

func TestRecover_CountsStartsAndCancels(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	ctx := context.Background()
	disable := func(off bool) {
		if _, err := c.site.Service.UpdateEndpoint(ctx, c.site.App.Key, c.endpoint.Key, func(e *hookswitch.Endpoint) error {
			e.Disabled = off
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	disable(true)
	for i := range 5 {
		kind := []string{"order.paid", "order.sent"}[i%2]
		if _, err := c.site.Service.PublishEvent(ctx, c.site.App, service.Publish{Type: kind, Payload: []byte(`{}`)}, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
	}
	if body := c.get(c.base + "/recover"); !strings.Contains(body, "The endpoint is off") {
		t.Error("recovering is offered while the endpoint is off")
	}
	disable(false)
	if body := c.get(c.base + "/recover?what=never&last=1h"); !strings.Contains(body, "5 events will be sent.") || !strings.Contains(body, "Send 5 events") {
		t.Error("the events are not counted")
	}
	if body := c.get(c.base + "/recover?what=never&last=1h&types=some&type=order.sent"); !strings.Contains(body, "2 events will be sent.") {
		t.Error("the events of a type are not counted")
	}
	if body := c.get(c.base + "/recover?what=failed&last=1h"); !strings.Contains(body, "Nothing failed in that time.") {
		t.Error("what never failed is counted")
	}
	if status, _, _ := c.do("GET", c.base+"/recover?from=tomorrow", nil); status != 422 {
		t.Errorf("a time that is none answers %d", status)
	}
	c.done(c.base+"/recover", url.Values{"what": {"never"}, "from": {time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04")}, "rate": {"5"}})
	tasks, err := c.site.Service.Recoveries(ctx, c.site.App.Key, c.endpoint.Key, 10)
	if err != nil || len(tasks) != 1 || tasks[0].Total != 5 {
		t.Fatalf("got %v, %v", tasks, err)
	}
	if body := c.get(c.base + "/recover"); !strings.Contains(body, "0 of 5") || !strings.Contains(body, "Somebody in the portal") {
		t.Error("the recovery is not shown")
	}
	c.done(c.base+"/recover/cancel", url.Values{"task": {c.site.Service.IDs().Format(hookswitch.KindTask, tasks[0].Key)}})
	if now, err := c.site.Service.Recoveries(ctx, c.site.App.Key, c.endpoint.Key, 10); err != nil || !now[0].Canceled {
		t.Errorf("got %v, %v", now, err)
	}
	if got := c.did(); len(got) != 2 || got[0] != hookswitch.DidCancelRecovery || got[1] != hookswitch.DidStartRecovery {
		t.Errorf("noted %v", got)
	}
}
