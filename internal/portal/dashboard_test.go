package portal_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
)

// visitor is somebody who is signed in to the dashboard, without scripts.
type visitor struct {
	t    *testing.T
	site *portaltest.Site
	http *http.Client
}

func signedIn(t *testing.T, s *portaltest.Site, token string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &visitor{t, s, &http.Client{Jar: jar}}
	if status, body := b.post("/dashboard/login", url.Values{"token": {token}}); status != 200 {
		t.Fatalf("signing in answers %d: %s", status, body)
	}
	return b
}

func (b *visitor) get(path string) (int, string) {
	b.t.Helper()
	status, body, _, err := portaltest.Get(b.http, b.site.URL+b.site.Path(path))
	if err != nil {
		b.t.Fatal(err)
	}
	return status, body
}

func (b *visitor) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.site.URL+b.site.Path(path), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, res.Body); err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

func demonstration(t *testing.T) *portaltest.Site {
	t.Helper()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestDashboard_EveryPageAnswersTheOperator(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	for _, p := range portal.Registry() {
		if p.Area != "dashboard" {
			continue
		}
		status, body := b.get(p.Path)
		if status != 200 || strings.Contains(body, "<script>alert") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s answers %d: %.600s", p.Path, status, body)
		}
	}
}
