package portal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/webhook"
)

// taken is what a program sees of one request.
type taken struct {
	ID, Method, Path, URI, Type, Remote string
	Size                                int64
	Body                                *string
	BodyBase64                          string
	Truncated                           bool
	Headers                             []struct{ Name, Value string }
	Verdict                             struct{ State, Word, Reason, Scheme string }
}

func (s *site) requests(token, query string) (list []taken, next string) {
	s.t.Helper()
	a := s.get("/play/" + token + "/requests.json" + query)
	var out struct {
		Requests []taken
		Next     string
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != 200 {
		s.t.Fatalf("requests.json answered %d %s", a.status, a.body)
	}
	return out.Requests, out.Next
}

func TestPlay_OneClickMakesABinThatTakesAnything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		for _, path := range []string{"/play", "/play/"} {
			if a := s.get(path); a.status != 200 || !strings.Contains(a.body, `<form method="post" action="/play"`) {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
		}
		a := s.do("POST", "/play/", nil)
		token, ok := strings.CutPrefix(a.header.Get("Location"), "/play/")
		if a.status != http.StatusSeeOther || !ok || len(token) != 27 {
			t.Fatalf("answered %d to %q", a.status, a.header.Get("Location"))
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"} {
			a := s.do(method, "/play/in/"+token+"/deep/%2f/path?q=1", []byte("b\x00dy"), "Content-Type", "application/x-strange", "Origin", "https://elsewhere.test")
			if a.status != 200 || method != "HEAD" && a.body != `{"ok":true}` || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s", method, a.status, a.body)
			}
			if a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: other origins may not read the answer", method)
			}
		}
		list, next := s.requests(token, "")
		if len(list) != 8 || list[0].Method != "GET" || list[7].Method != "PURGE" || next != list[7].ID {
			t.Fatalf("took %+v", list)
		}
		q := list[2]
		if q.Path != "/deep/%2f/path?q=1" || q.BodyBase64 != "YgBkeQ==" || q.Body != nil || q.Size != 4 || q.Remote == "" || q.Verdict.State != "unsigned" {
			t.Errorf("took %+v", q)
		}
		if more, _ := s.requests(token, "?after="+list[5].ID+"&limit=1"); len(more) != 1 || more[0].ID != list[6].ID {
			t.Errorf("after the sixth came %+v", more)
		}
		a = s.do("OPTIONS", "/play/in/"+token, nil, "Origin", "https://elsewhere.test", "Access-Control-Request-Method", "PUT")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("preflight: %d %v", a.status, a.header)
		}
	})
}

func TestPlay_BinsThatAreNotThere(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock(time.Now())
	s := newSite(t, storetest.SQLite(t), clock.Now)
	b := s.bin()
	s.send(b, "x")
	clock.Advance(service.BinLife)
	for _, token := range []string{b.Token, "nonsense", strings.Repeat("a", 27)} {
		a := s.do("POST", "/play/in/"+token, []byte("x"))
		if a.status != 404 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("in/%s: %d %s", token, a.status, a.body)
		}
		a = s.get("/play/" + token)
		if a.status != 404 || !strings.Contains(a.body, "There is nothing here") || !strings.Contains(a.body, "Make a new bin") {
			t.Errorf("%s: %d %s", token, a.status, a.body)
		}
		for _, path := range []string{"/events", "/requests.json", "/nonsense"} {
			if a := s.get("/play/" + token + path); a.status != 404 {
				t.Errorf("%s%s: %d", token, path, a.status)
			}
		}
		if a := s.form("/play/"+token+"/secret", "secret=whsec_x"); a.status != 404 {
			t.Errorf("secret of %s: %d", token, a.status)
		}
	}
}

func TestPlay_BoundsWhatABinKeeps(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	s.send(b, strings.Repeat("x", 4<<20))
	if a := s.do("POST", "/play/in/"+b.Token, make([]byte, 4<<20+1)); a.status != 413 {
		t.Errorf("one byte more: %d", a.status)
	}
	list, _ := s.requests(b.Token, "")
	if len(list) != 1 || list[0].Size != 4<<20 || len(*list[0].Body) != service.BinBody || !list[0].Truncated {
		t.Errorf("kept %d requests, the first with %d bytes", len(list), list[0].Size)
	}
	if a := s.get("/play/" + b.Token); a.status != 200 || !strings.Contains(a.body, "4.0 MiB") {
		t.Errorf("the page: %d", a.status)
	}
}

func TestPlay_ShowsWhatStrangersSendAsTextOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`
	b := s.bin()
	text, _ := json.Marshal(evil)
	s.do("POST", "/play/in/"+b.Token+"/x?%22%3E%3Cscript%3E="+"%3Cscript%3E", []byte(`{"type":`+string(text)+`,`+string(text)+`:[`+string(text)+`]}`),
		"X-Evil", evil, "User-Agent", evil, "Content-Type", "text/html")
	s.do("POST", "/play/in/"+b.Token, []byte(evil), "Content-Type", "application/x-www-form-urlencoded", "X-Zavu-Signature", evil)
	list, _ := s.requests(b.Token, "")
	allowed := regexp.MustCompile(`<script nonce="[A-Z2-7]+" defer src="/static/[a-z]+\.[0-9a-f]+\.js"></script>`)
	for _, q := range list {
		for _, view := range []string{"", "tree", "raw", "form", "hex", evil} {
			a := s.get("/play/" + b.Token + "?request=" + q.ID + "&view=" + url.QueryEscape(view))
			if a.status != 200 {
				t.Fatalf("%s: %d %s", view, a.status, a.body)
			}
			rest := allowed.ReplaceAllString(a.body, "")
			if strings.Contains(rest, "<script") || strings.Contains(rest, "<img") {
				t.Errorf("view %q lets markup through:\n%s", view, rest)
			}
		}
	}
	if a := s.get("/play/" + b.Token + "?request=" + list[0].ID); !strings.Contains(html.UnescapeString(a.body), evil) {
		t.Error("what was sent is not shown at all")
	}
}

func TestPlay_PagesAreLockedDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	for _, path := range []string{"/play", "/play/" + b.Token, "/play/nothing", "/docs", "/portal", "/portal/login", "/dashboard/login", "/dashboard/nothing"} {
		a := s.do("GET", path, nil, "Origin", "https://elsewhere.test")
		csp := a.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s may be read by other origins", path)
		}
		if strings.Contains(a.body, "style=") || strings.Contains(a.body, " onclick") || strings.Contains(a.body, "http-equiv") || strings.Contains(a.body, "<style") {
			t.Errorf("%s holds something inline", path)
		}
	}
	a := s.get("/play/" + b.Token)
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
	for _, ref := range regexp.MustCompile(`(?:src|href)="([^"]*static[^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if f := s.get(ref[1]); f.status != 200 || !strings.Contains(f.header.Get("Cache-Control"), "immutable") || len(f.body) == 0 {
			t.Errorf("%s: %d, %q", ref[1], f.status, f.header.Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/play/", "/play/" + b.Token + "/secret", "/play/" + b.Token + "/sample"} {
		a := s.do("POST", path, []byte("secret=x"), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.test")
		if a.status != 403 {
			t.Errorf("%s from another site: %d", path, a.status)
		}
	}
}

const (
	svixSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	zavuSecret = "whsec_abcdefghijklmnopqrstuvwxyz0123456789ABCDEF" // not base64 that could be a key of the other kind
)

func TestPlay_Verdicts(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := newSite(t, storetest.SQLite(t), clock.Now)
	standard, err := webhook.ParseSecret(svixSecret)
	if err != nil {
		t.Fatal(err)
	}
	timed, err := webhook.ParseTextSecret(zavuSecret)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"message.inbound"}`
	at := clock.Now()
	svix := func(at time.Time, over string) []string {
		return []string{"Svix-Id", "msg_1", "Svix-Timestamp", strconv.FormatInt(at.Unix(), 10), "Svix-Signature", webhook.Sign("msg_1", at, []byte(over), standard)}
	}
	rename := func(list []string) []string {
		out := make([]string, len(list))
		for i, v := range list {
			out[i] = strings.Replace(v, "Svix-", "Webhook-", 1)
		}
		return out
	}
	for _, c := range []struct {
		name    string
		headers []string
		secrets []hookswitch.Secret
		state   string
		reason  string
	}{
		{"good", svix(at, body), []hookswitch.Secret{svixSecret}, "good", "in the second of its arrival"},
		{"good with the standard headers", rename(svix(at.Add(-3*time.Second), body)), []hookswitch.Secret{zavuSecret, svixSecret}, "good", "3s before"},
		{"tampered", svix(at, body+" "), []hookswitch.Secret{svixSecret}, "bad", "changed after signing"},
		{"old", svix(at.Add(-6*time.Minute), body), []hookswitch.Secret{svixSecret}, "bad", "Apart from that the signature fits"},
		{"old and tampered", svix(at.Add(-6*time.Minute), "x"), []hookswitch.Secret{svixSecret}, "bad", "Nor does the signature fit"},
		{"from the future", svix(at.Add(time.Hour), body), []hookswitch.Secret{svixSecret}, "bad", "ahead"},
		{"without an id", svix(at, body)[2:], []hookswitch.Secret{svixSecret}, "bad", "missing"},
		{"no secret", svix(at, body), nil, "unknown", "no secret for this kind of signature is known here"},
		{"a secret of the other kind", svix(at, body), []hookswitch.Secret{zavuSecret}, "unknown", "no secret for this kind"},
		{"unsigned", nil, []hookswitch.Secret{svixSecret}, "unsigned", "no signature"},
		{"zavu", []string{webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, at, []byte(body), timed)}, []hookswitch.Secret{zavuSecret}, "good", "exactly these bytes"},
		{"zavu over the body alone", []string{webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV1, at, []byte(body), timed)}, []hookswitch.Secret{zavuSecret}, "good", "covers the body alone"},
		{"zavu tampered", []string{webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, at, []byte("x"), timed)}, []hookswitch.Secret{zavuSecret}, "bad", "changed after signing"},
		{"zavu old", []string{webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, at.Add(-time.Hour), []byte(body), timed)}, []hookswitch.Secret{zavuSecret}, "bad", "Apart from that"},
		{"zavu without a secret", []string{webhook.ZavuHeader, "t=1,v1=00"}, nil, "unknown", "no secret"},
		{"both, one right", append(svix(at, "x"), webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, at, []byte(body), timed)), []hookswitch.Secret{svixSecret, zavuSecret}, "good", ""},
		{"another provider's", []string{"X-Hub-Signature-256", "sha256=00"}, nil, "unknown", "not checked here"},
	} {
		b := s.bin(c.secrets...)
		s.send(b, body, c.headers...)
		clock.Advance(time.Minute) // the verdict is on the time of arrival
		list, _ := s.requests(b.Token, "")
		if v := list[0].Verdict; v.State != c.state || !strings.Contains(v.Reason, c.reason) {
			t.Errorf("%s: %+v, want %s with %q", c.name, v, c.state, c.reason)
		}
		if page := html.UnescapeString(s.get("/play/" + b.Token).body); !strings.Contains(page, list[0].Verdict.Reason) {
			t.Errorf("%s: the page does not say why", c.name)
		}
		clock.Advance(-time.Minute)
	}
}

func TestPlay_LearnsAndForgetsASecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	secret, _ := webhook.ParseSecret(svixSecret)
	h := http.Header{}
	if err := webhook.SetHeaders(h, "msg_1", time.Now(), []byte("{}"), secret); err != nil {
		t.Fatal(err)
	}
	s.send(b, "{}", "Svix-Id", h.Get("Svix-Id"), "Svix-Timestamp", h.Get("Svix-Timestamp"), "Svix-Signature", h.Get("Svix-Signature"))
	state := func(want string) {
		t.Helper()
		if list, _ := s.requests(b.Token, ""); list[0].Verdict.State != want {
			t.Errorf("verdict %+v, want %s", list[0].Verdict, want)
		}
	}
	state("unknown")
	if a := s.form("/play/"+b.Token+"/secret", "secret=hunter2"); a.status != 422 || !strings.Contains(a.body, "must begin with whsec_") || strings.Contains(a.body, "hunter2") {
		t.Errorf("a wrong secret: %d %s", a.status, a.body)
	}
	state("unknown")
	if a := s.form("/play/"+b.Token+"/secret", "secret=+"+svixSecret+"%0A"); a.status != 303 {
		t.Errorf("a good secret: %d %s", a.status, a.body)
	}
	state("good")
	if a := s.get("/play/" + b.Token); strings.Contains(a.body, svixSecret) || !strings.Contains(a.body, "1 known here") {
		t.Error("the page shows the secret, or does not know it")
	}
	if a := s.form("/play/"+b.Token+"/sample", ""); a.status != 303 {
		t.Errorf("sample: %d", a.status)
	}
	if list, _ := s.requests(b.Token, ""); len(list) != 2 || list[1].Verdict.State != "good" || list[1].Type != "message.inbound" {
		t.Errorf("the sample: %+v", list)
	}
	if a := s.form("/play/"+b.Token+"/secret", "forget=1"); a.status != 303 {
		t.Errorf("forget: %d", a.status)
	}
	state("unknown")
}

func TestPlay_ViewsOfABody(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, c := range []struct{ body, kind, view, want string }{
		{`{"b":1.50,"a":[true,null,{}],"n":12345678901234567890}`, "", "", `<span class="k">&#34;b&#34;</span>: <span class="number">1.50</span>`},
		{`{"b":1.50,"n":12345678901234567890}`, "", "", `<span class="number">12345678901234567890</span>`},
		{`{"b":1.50}`, "", "raw", `{&#34;b&#34;:1.50}`},
		{`a=1&b=x+y%21`, "application/x-www-form-urlencoded; charset=utf-8", "", `<th scope="row">b</th><td>x y!</td>`},
		{"\x00\x01\xff", "", "", "00000000  00 01 ff"},
		{"plain", "", "hex", "70 6c 61 69 6e"},
		{deep, "", "", "[[[["},
		{"", "", "", "There is none."},
	} {
		s.send(b, c.body, "Content-Type", c.kind)
		if a := s.get("/play/" + b.Token + "?view=" + c.view); a.status != 200 || !strings.Contains(a.body, c.want) {
			t.Errorf("%.40q as %q: %d, lacks %s", c.body, c.view, a.status, c.want)
		}
	}
}

func TestPlay_PagesThroughManyRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	for i := range 60 {
		s.send(b, fmt.Sprintf(`{"type":"n%02d."}`, i))
	}
	first := s.get("/play/" + b.Token).body
	if !strings.Contains(first, "n59.") || strings.Contains(first, "n09.") {
		t.Error("the first page does not hold the newest fifty")
	}
	older := regexp.MustCompile(`href="(/play/[^"]*\?before=\d+)"`).FindStringSubmatch(first)
	if older == nil {
		t.Fatal("no way to the older ones")
	}
	if second := s.get(older[1]).body; !strings.Contains(second, "n09.") || !strings.Contains(second, "n00.") || strings.Contains(second, "n10.") {
		t.Error("the second page does not go on where the first ended")
	}
	list, _ := s.requests(b.Token, "?limit=1")
	if a := s.get("/play/" + b.Token + "?request=" + list[0].ID); a.status != 200 || !strings.Contains(a.body, "n00.") {
		t.Errorf("a request that is not on the page: %d", a.status)
	}
	for _, bad := range []string{"1", "x", "-1", "99999999999999999999"} {
		if a := s.get("/play/" + b.Token + "?request=" + bad); a.status != 404 {
			t.Errorf("request %s: %d", bad, a.status)
		}
	}
}

func TestPlay_LiveViewShowsWhatArrivesAfterwards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		b := s.bin()
		next, stop := s.watch(b, "")
		s.send(b, `{"type":"first"}`)
		one := next()
		if one == nil || one.event != "request" || !strings.Contains(one.data, `"type":"first"`) {
			t.Fatalf("got %+v", one)
		}
		s.send(b, `{"type":"second"}`)
		two := next()
		if two == nil || !strings.Contains(two.data, `"type":"second"`) {
			t.Fatalf("got %+v", two)
		}
		stop()
		s.send(b, `{"type":"third"}`)
		next, stop = s.watch(b, one.id)
		defer stop()
		if got := next(); got == nil || got.id != two.id {
			t.Fatalf("resumed with %+v, want the second", got)
		}
		if got := next(); got == nil || !strings.Contains(got.data, `"type":"third"`) {
			t.Fatalf("then %+v, want the third", got)
		}
	})
}

func TestPlay_LiveViewMissesNothingInABurst(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	next, stop := s.watch(b, "")
	defer stop()
	const n = 100
	for i := range n {
		s.send(b, strconv.Itoa(i))
	}
	seen := map[string]bool{}
	for range n {
		m := next()
		if m == nil || seen[m.id] {
			t.Fatalf("got %+v after %d", m, len(seen))
		}
		seen[m.id] = true
	}
}

func TestPlay_LiveViewEndsWithTheBin(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock(time.Now())
	s := newSite(t, storetest.SQLite(t), clock.Now)
	b := s.bin()
	next, stop := s.watch(b, "")
	defer stop()
	s.send(b, "x")
	if next() == nil {
		t.Fatal("the live view ended early")
	}
	clock.Advance(service.BinLife)
	if m := next(); m == nil || m.event != "gone" {
		t.Errorf("got %+v, want that the bin is gone", m)
	}
	if m := next(); m != nil {
		t.Errorf("then %+v", m)
	}
}

func TestPlay_BadResumePointsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	if _, err := s.svc.Bin(context.Background(), b.Token); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/events?after=x", "/requests.json?after=x", "/requests.json?limit=0", "/requests.json?limit=101"} {
		if a := s.get("/play/" + b.Token + path); a.status != 400 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestPlay_AnswersWhatItHasBeenTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		b := s.bin()
		if a := s.form("/play/"+b.Token+"/answer", url.Values{"sequence": {"503, 503, 200"}, "headers": {"Retry-After: 7\r\nX-Own: yes"}, "body": {`{"n":{{n}},"id":"{{json data.id}}"}`}, "delay_ms": {"0.02"}}.Encode()); a.status != 303 {
			t.Fatalf("saving: %d %s", a.status, a.body)
		}
		for i, want := range []int{503, 503, 200, 200} {
			a := s.do("POST", "/play/in/"+b.Token, []byte(`{"data":{"id":"x7"}}`))
			if a.status != want || a.header.Get("Retry-After") != "7" || a.body != fmt.Sprintf(`{"n":%d,"id":"x7"}`, i+1) || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("request %d: %d %s %v", i+1, a.status, a.body, a.header)
			}
			if !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("what somebody wrote may run as a page of ours: %v", a.header)
			}
		}
		if a := s.get("/play/" + b.Token); !strings.Contains(a.body, "503 Service Unavailable") && !strings.Contains(a.body, "200 OK") || !strings.Contains(a.body, "from the sequence") {
			t.Error("the page does not say what was answered")
		}
		for form, words := range map[string]string{"status=99": "status between", "status=x": "whole number", "headers=Set-Cookie: a=b": "browsers would keep", "delay_ms=61": "60 seconds", "sequence=200,7": "statuses between", "cut=x": "before or body"} {
			a := s.form("/play/"+b.Token+"/answer", form)
			if a.status != 422 || !strings.Contains(html.UnescapeString(a.body), words) {
				t.Errorf("%s: %d", form, a.status)
			}
		}
		s.form("/play/"+b.Token+"/answer", "kit=cut")
		r, err := http.NewRequest("POST", s.url+"/play/in/"+b.Token, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := s.http.Do(r); err == nil {
			t.Errorf("a bin that closes early answered %d", res.StatusCode)
		}
		s.form("/play/"+b.Token+"/answer", "kit=huge")
		if a := s.do("POST", "/play/in/"+b.Token, nil, "Accept-Encoding", "identity"); len(a.body) != 8<<20 || !strings.HasPrefix(a.body, "all work") {
			t.Errorf("the huge body has %d bytes", len(a.body))
		}
		s.form("/play/"+b.Token+"/answer", "kit=redirect")
		if a := s.do("POST", "/play/in/"+b.Token, nil); a.status != 302 || a.header.Get("Location") == "" {
			t.Errorf("redirect: %d", a.status)
		}
		if a := s.do("GET", "/play/in/"+b.Token, nil, "Sec-Fetch-Dest", "document"); a.status != 200 || a.header.Get("Location") != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			t.Errorf("a browser that is led there is sent on: %d %v", a.status, a.header)
		}
	})
}

func TestPlay_ALinkForLookingGivesNothingElseAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	s.send(b, `{"type":"shared.event"}`)
	for _, password := range []string{"", "sesame"} {
		share, err := s.svc.ShareBin(context.Background(), b.Token, hookswitch.Secret(password), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		cookie := ""
		if password != "" {
			for _, path := range []string{"", "/requests.json", "/events", "/export?as=har", "/compare"} {
				if a := s.get("/play/" + share.Link + path); strings.Contains(a.body, "shared.event") {
					t.Errorf("%s shows the requests without the password", path)
				}
			}
			if a := s.form("/play/"+share.Link+"/unlock", "password=wrong"); a.status != 401 {
				t.Errorf("a wrong password: %d", a.status)
			}
			a := s.form("/play/"+share.Link+"/unlock", "password=sesame")
			cookie, _, _ = strings.Cut(a.header.Get("Set-Cookie"), ";")
			if a.status != 303 || cookie == "" {
				t.Fatalf("the password: %d", a.status)
			}
		}
		for _, path := range []string{"", "/requests.json", "/export?as=har", "/export?as=curl", "/export?as=http", "/export?as=fixture"} {
			a := s.do("GET", "/play/"+share.Link+path, nil, "Cookie", cookie)
			if a.status != 200 || !strings.Contains(a.body, "shared.event") {
				t.Errorf("%s: %d", path, a.status)
			}
			if strings.Contains(a.body, b.Token) {
				t.Errorf("%s gives the bin's token away", path)
			}
		}
		for _, path := range []string{"/answer", "/secret", "/sample", "/pin", "/settings", "/send", "/share"} {
			if a := s.do("POST", "/play/"+share.Link+path, []byte("do=delete&kit=gone"), "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded"); a.status != 403 {
				t.Errorf("POST %s: %d", path, a.status)
			}
		}
		if err := s.svc.EndBinShare(context.Background(), b.Token, share.Link); err != nil {
			t.Fatal(err)
		}
		if a := s.do("GET", "/play/"+share.Link, nil, "Cookie", cookie); a.status != 404 {
			t.Errorf("an ended link: %d", a.status)
		}
	}
}

func TestPlay_SendsOnSearchesPinsAndCompares(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	from, to := s.bin(svixSecret), s.bin()
	for i := range 60 {
		s.do("POST", fmt.Sprintf("/play/in/%s/n%d", from.Token, i), fmt.Appendf(nil, "{\"n\": %d,\r\n \"word\": \"needle%d\"}", i, i%30), "Content-Type", "application/json")
	}
	list, _ := s.requests(from.Token, "?limit=100")
	a := s.get("/play/" + from.Token + "?q=NEEDLE7+n37")
	if strings.Count(a.body, "<tr data-id") != 1 || !strings.Contains(a.body, list[37].ID) {
		t.Errorf("the search finds %d", strings.Count(a.body, "<tr data-id"))
	}
	target := url.QueryEscape("https://hooks.example.test/play/in/" + to.Token)
	if a := s.form("/play/"+from.Token+"/send", "request="+list[0].ID+"&request="+list[1].ID+"&url="+target+"&resign=on"); a.status != 200 || strings.Count(a.body, "badge good") != 2 {
		t.Fatalf("sending two: %d %s", a.status, a.body)
	}
	// A browser writes the ends of lines anew: what nobody changed arrives byte for byte.
	body := url.QueryEscape(strings.ReplaceAll(*list[2].Body, "\r\n", "\n"))
	s.form("/play/"+from.Token+"/send", "request="+list[2].ID+"&url="+target+"&method=PUT&headers=X-Own:+1&body="+body)
	got, _ := s.requests(to.Token, "")
	if len(got) != 3 || *got[0].Body != *list[0].Body || *got[2].Body != *list[2].Body || got[2].Method != "PUT" {
		t.Fatalf("arrived %+v", got)
	}
	signed := false
	for _, h := range got[0].Headers {
		signed = signed || h.Name == "Svix-Signature" || h.Name == "Webhook-Signature"
	}
	if !signed {
		t.Error("it was not signed anew")
	}
	if a := s.form("/play/"+from.Token+"/send", "request="+list[0].ID+"&url=ftp://x"); a.status != 422 {
		t.Errorf("a strange address: %d", a.status)
	}
	if a := s.form("/play/"+from.Token+"/pin", "request="+list[3].ID+"&pinned=yes"); a.status != 303 {
		t.Errorf("pin: %d", a.status)
	}
	if a := s.get("/play/" + from.Token + "?pinned=yes"); strings.Count(a.body, "<tr data-id") != 1 {
		t.Error("the pinned one is not found")
	}
	a = s.get("/play/" + from.Token + "/compare?request=" + list[0].ID + "&request=" + list[1].ID)
	if a.status != 200 || !strings.Contains(html.UnescapeString(a.body), `"n": 1`) || !strings.Contains(a.body, "What differs") {
		t.Errorf("compare: %d", a.status)
	}
}
