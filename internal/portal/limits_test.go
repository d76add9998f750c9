package portal_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// A site that loads the widget or the element of the portal permits scripts of this host, and a bin answers what anybody likes.

func TestPlay_NoBinTakesAllLiveViews(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	crowded, other := s.bin(), s.bin()
	for range 32 {
		_, stop := s.watch(crowded, "")
		defer stop()
	}
	if a := s.get("/play/" + crowded.Token + "/events?after=x"); a.status != 400 {
		t.Errorf("a wrong request: %d", a.status)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/play/"+crowded.Token+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more answers %d", res.StatusCode)
	}
	_, stop := s.watch(other, "")
	stop()
}

func TestPlay_FilesThatNobodyReadsDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	body := []byte(strings.Repeat("<", 250<<10)) // in JSON six times as long
	for range 12 {
		if err := s.svc.AddBinRequest(context.Background(), &store.BinRequest{Token: b.Token, Method: "POST", URI: "/play/in/" + b.Token, Body: body, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var statuses []int
	for range 3 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/play/"+b.Token+"/export?as=har", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "identity")
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if statuses = append(statuses, res.StatusCode); res.StatusCode == 503 {
			if text, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(text), "Too many files") {
				t.Errorf("it says %s, %v", text, err)
			}
		}
	}
	if !slices.Equal(statuses, []int{200, 200, 503}) {
		t.Errorf("three at once answer %v", statuses)
	}
}

func TestExport_FilesThatNobodyReadsAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app, other := s.app("Acme"), s.app("Other")
	for _, a := range []*hookswitch.App{app, other} {
		if err := s.db.Update(context.Background(), func(tx *store.Tx) error {
			for i := range 400 { // more than sockets take before somebody reads
				if err := tx.InsertActivity(&hookswitch.Activity{Key: hookswitch.KeyAt(time.Now()) + hookswitch.Key(i), App: a.Key, Action: hookswitch.DidChangeApp, Name: "Acme", Details: map[string]string{"Name": strings.Repeat("long ", 6000)}}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ask := func(a *hookswitch.App) int {
		b := s.browser()
		b.enter(a, service.PortalAccess{})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/portal/activity/export?format=ndjson", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "identity")
		for _, c := range b.cookies {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res.StatusCode
	}
	var statuses []int
	for range 5 {
		statuses = append(statuses, ask(app))
	}
	if statuses = append(statuses, ask(other)); !slices.Equal(statuses, []int{200, 200, 200, 200, 503, 200}) {
		t.Errorf("five at once, and one of another application, answer %v", statuses)
	}
}

func TestLive_ARequestForTheHeadAloneIsOver(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app, bin := s.app("Acme"), s.bin()
	b := s.browser()
	b.enter(app, service.PortalAccess{})
	cookie := ""
	for name, c := range b.cookies {
		cookie += name + "=" + c.Value + "; "
	}
	one := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 5 * time.Second} // what goes on holds up all others
	defer one.CloseIdleConnections()
	for _, path := range []string{"/portal/logs/live?after=zz", "/play/" + bin.Token + "/events"} {
		for _, ask := range []struct{ method, path string }{{"HEAD", path}, {"GET", "/play"}} {
			r, err := http.NewRequest(ask.method, s.url+ask.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", cookie)
			res, err := one.Do(r)
			if err != nil {
				t.Errorf("%s %s: %v", ask.method, ask.path, err)
				continue
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("%s %s: %d", ask.method, ask.path, res.StatusCode)
			}
		}
	}
}

func TestLive_EndsWithTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app := s.app("Acme")
	b := s.browser()
	b.enter(app, service.PortalAccess{})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/portal/logs/live?after=zz", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	res, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("the live list answers %d", res.StatusCode)
	}
	if err := s.svc.EndSessions(ctx, app.Key, hookswitch.TokenSession); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("the live list goes on: %v", err)
	}
}

// from asks as somebody at another address does.

func from(p *portal.Pages, address, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.RemoteAddr = address
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestSignIn_WhoGuessesKeepsNobodyElseOut(t *testing.T) {
	t.Parallel()
	now := time.Now() // which stands still
	var pages *portal.Pages
	newSite(t, storetest.SQLite(t), func() time.Time { return now }, func(o *portal.Options) { pages = portal.New(*o) })
	guess := func(address string) (last int) {
		for range 60 {
			last = from(pages, address, "/dashboard/login", url.Values{"token": {"guess"}}).Code
		}
		return last
	}
	for _, address := range []string{"192.0.2.7:1111", "[2001:db8:1:2:3::9]:1111"} {
		if last := guess(address); last != 429 {
			t.Errorf("%s may go on: %d", address, last)
		}
	}
	if w := from(pages, "192.0.2.7:2222", "/dashboard/login", url.Values{"token": {operatorToken}}); w.Code != 429 {
		t.Errorf("who guessed from there before is let in: %d", w.Code)
	}
	if w := from(pages, "[2001:db8:1:2:4::9]:1111", "/dashboard/login", url.Values{"token": {operatorToken}}); w.Code != 429 {
		t.Errorf("who guessed from there before is let in with another address of the same network: %d", w.Code)
	}
	if w := from(pages, "198.51.100.1:3333", "/dashboard/login", url.Values{"token": {operatorToken}}); w.Code != 303 {
		t.Errorf("the operator is kept out: %d", w.Code)
	}

}

func TestPlay_WhoGuessesAPasswordKeepsNobodyElseOut(t *testing.T) {
	t.Parallel()
	now := time.Now() // which stands still
	var pages *portal.Pages
	s := newSite(t, storetest.SQLite(t), func() time.Time { return now }, func(o *portal.Options) { pages = portal.New(*o) })
	guessed, other := "/play/"+s.share(s.bin(), "sesame").Link+"/unlock", "/play/"+s.share(s.bin(), "sesame").Link+"/unlock"
	last := 0
	for range 25 {
		last = from(pages, "192.0.2.7:1111", guessed, url.Values{"password": {"guess"}}).Code
	}
	if last != 429 {
		t.Errorf("guessing may go on: %d", last)
	}
	if w := from(pages, "198.51.100.1:2222", guessed, url.Values{"password": {"sesame"}}); w.Code != 429 {
		t.Errorf("the same link may be tried from elsewhere: %d", w.Code)
	}
	if w := from(pages, "192.0.2.7:3333", other, url.Values{"password": {"sesame"}}); w.Code != 429 {
		t.Errorf("another link may be tried from the same address: %d", w.Code)
	}
	if w := from(pages, "198.51.100.1:4444", other, url.Values{"password": {"sesame"}}); w.Code != 303 {
		t.Errorf("who knows the password of another link is kept out: %d", w.Code)
	}
}

func TestPlay_LongSearchesAndListsAreCut(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	const n = 24
	words := make([]string, 4000)
	for i := range words {
		words[i] = "w" + strconv.Itoa(10_000+i)
	}
	body := []byte(strings.Repeat("x", 200<<10) + " " + strings.Join(words, " "))
	for range n {
		if err := s.svc.AddBinRequest(context.Background(), &store.BinRequest{Token: b.Token, Method: "POST", URI: "/play/in/" + b.Token, Body: body, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
	}
	a := s.get("/play/" + b.Token + "?q=" + strings.Join(words[:20], "+") + "+nowhere")
	if a.status != 200 || !strings.Contains(a.body, "more than 20 words") || !strings.Contains(a.body, `id="empty" hidden`) {
		t.Errorf("a search for 21 words: %d", a.status)
	}
	if a := s.get("/play/" + b.Token + "?q=" + strings.Join(words[:19], "+") + "+nowhere"); strings.Contains(a.body, "more than 20 words") || strings.Contains(a.body, `id="empty" hidden`) {
		t.Error("a search for 20 words finds what has 19 of them")
	}
	list, after := s.requests(b.Token, "?limit=100")
	if len(list) == n || len(list) < 2 || after != list[len(list)-1].ID {
		t.Errorf("of %d large requests %d are listed at a time, up to %s", n, len(list), after)
	}
	if rest, _ := s.requests(b.Token, "?limit=100&after="+after); len(list)+len(rest) != n {
		t.Errorf("%d and %d of %d requests are listed", len(list), len(rest), n)
	}
}
