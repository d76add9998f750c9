package portal_test

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestDocs_ListEveryOperationOfTheDescription(t *testing.T) {
	t.Parallel()
	page := newSite(t, storetest.SQLite(t), nil).get("/docs")
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %v", page.status, page.header)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID, Summary string }
		Comps struct{ Schemas map[string]any } `json:"components"`
	}
	if err := json.Unmarshal(hookswitch.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			if !strings.Contains(page.body, `<details id="`+op.OperationID+`">`) || !strings.Contains(page.body, `<code class="path">`+path+`</code>`) || !strings.Contains(page.body, html.EscapeString(op.Summary)) {
				t.Errorf("%s %s is missing", method, path)
			}
		}
	}
	for name := range doc.Comps.Schemas {
		if !strings.Contains(page.body, `id="shape-`+name+`"`) {
			t.Errorf("the shape %s is missing", name)
		}
	}
	// Links within the page lead somewhere, and each place is there once.
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		if seen[m[1]] {
			t.Errorf("%s is there twice", m[1])
		}
		seen[m[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	for _, m := range links {
		if !seen[m[1]] {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
	if len(links) < 50 {
		t.Errorf("%d links", len(links))
	}
}

func TestDocs_NeedNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	page := s.get("/docs")
	if csp := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'nonce-") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %q", csp)
	}
	for _, bad := range []string{"<script>", " style=", " onclick", "http://", "//cdn", "ZgotmplZ"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	sources := regexp.MustCompile(`(?:src|href)="(/[^"]*)"`).FindAllStringSubmatch(page.body, -1)
	if len(sources) < 4 {
		t.Errorf("%d files", len(sources))
	}
	for _, m := range sources {
		if m[1] == "/openapi.json" {
			continue // the server's
		}
		if a := s.get(strings.ReplaceAll(m[1], "&amp;", "&")); a.status != 200 {
			t.Errorf("%s: %d", m[1], a.status)
		}
	}
	if a := s.do("POST", "/docs", nil); a.status != 405 && a.status != 404 {
		t.Errorf("POST: %d", a.status)
	}
}
