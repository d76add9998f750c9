package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// openSite is the demonstration, until the test ends.
func openSite(t *testing.T, o portaltest.Options) *portaltest.Site {
	t.Helper()
	s, err := portaltest.Open(context.Background(), t.TempDir(), o)
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

// enterPortal signs the browser in to the portal of an App by a link.
func (b *tab) enterPortal(s *portaltest.Site, app *hookswitch.App, a service.PortalAccess) {
	b.t.Helper()
	link, err := s.PortalLink(context.Background(), app, a)
	if err != nil {
		b.t.Fatal(err)
	}
	b.open(link)
	b.until(`location.pathname === "/portal" && document.readyState === "complete"`)
}

// enterDashboard signs the browser in as the operator.
func (b *tab) enterDashboard(s *portaltest.Site) {
	b.t.Helper()
	b.open(s.URL + "/dashboard/login#token=" + portaltest.Token)
	b.until(`location.pathname === "/dashboard" && document.readyState === "complete"`)
}

// pageSizes are the windows that pages are looked at in.
var pageSizes = []struct {
	name          string
	width, height int64
}{{"wide", 1280, 900}, {"narrow", 320, 720}}

// TestPages_NothingIsWrongWithThemByTheRules opens every page of the registry, in both themes, and has axe look for what stands in the way of people: light ones in a wide window and dark
// ones in 320 pixels or, in long runs, both in both. With HOOKSWITCH_TEST_SCREENSHOTS it takes pictures of all of them; HOOKSWITCH_TEST_PAGES, a regular expression, chooses some.
func TestPages_NothingIsWrongWithThemByTheRules(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("node/node_modules/axe-core/axe.min.js")
	if err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	axe := string(source)
	only := regexp.MustCompile(os.Getenv("HOOKSWITCH_TEST_PAGES"))
	all := storetest.Long() || os.Getenv("HOOKSWITCH_TEST_SCREENSHOTS") != ""
	s := openSite(t, portaltest.Options{})
	for i, scheme := range []string{"light", "dark"} {
		sizes := pageSizes[i : i+1]
		if all {
			sizes = pageSizes
		}
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			b := newTab(t)
			b.enterPortal(s, s.App, service.PortalAccess{})
			b.enterDashboard(s)
			for _, p := range portal.Registry() {
				path := s.Path(p.Path)
				if strings.Contains(path, "{") {
					t.Errorf("%s: the demonstration does not say what the braces stand for", p.Path)
				}
				if !only.MatchString(p.Path) {
					continue
				}
				for _, size := range sizes {
					b.look(scheme, size.width, size.height)
					b.open(s.URL + path)
					b.until(`document.readyState === "complete"`)
					where := p.Path + ", " + size.name + ", " + scheme
					if got := b.text("location.pathname"); got != strings.SplitN(path, "?", 2)[0] {
						t.Errorf("%s: leads to %s", where, got)
					}
					if got := b.text(`performance.getEntriesByType("navigation")[0].responseStatus`); got != "200" {
						t.Errorf("%s: answers %s", where, got)
					}
					if n := b.text("document.documentElement.scrollWidth - document.documentElement.clientWidth"); n != "0" {
						b.shoot("wider-" + fileName(p.Path))
						t.Errorf("%s: is %s pixels wider than the window", where, n)
					}
					for _, v := range b.axe(axe) {
						t.Errorf("%s: %s", where, v)
					}
					b.shootWhole(fileName(p.Path) + "-" + size.name + "-" + scheme)
				}
			}
		})
	}
}

func fileName(path string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(path), "-"), "-")
}

// violation is one thing that axe finds.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// axe runs the rules of WCAG 2.2 AA and what is agreed to be good besides.
func (b *tab) axe(source string) (found []string) {
	b.t.Helper()
	b.text(`typeof axe === "undefined" ? (() => {` + source + `})() : 0`)
	b.text(`(window.axeDone = null, axe.run(document, {resultTypes: ["violations"]}).then(r => { window.axeDone = JSON.stringify(r.violations); }, e => { window.axeDone = JSON.stringify([{id: "axe", help: String(e)}]); }), 0)`)
	b.until("axeDone")
	var list []violation
	if err := json.Unmarshal([]byte(b.text("axeDone")), &list); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range list {
		text := v.Impact + " " + v.ID + ": " + v.Help
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			text += "\n\t" + n.HTML + "\n\t\t" + strings.ReplaceAll(n.FailureSummary, "\n", "\n\t\t")
		}
		found = append(found, text)
	}
	return found
}

// TestPages_TheLinkSignsInAndLeavesNoTrace follows a link to the portal as svix-react makes it.
func TestPages_TheLinkSignsInAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{Bare: true})
	b := newTab(t)
	link, err := s.PortalLink(context.Background(), s.App, service.PortalAccess{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("darkMode", "true")
	q.Set("primaryColor", "ffe08a") // yellow, which nobody can read on white
	u.RawQuery = q.Encode()
	b.open(u.String())
	b.until(`location.pathname === "/portal"`)
	if got := b.text(`document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("the theme is %q", got)
	}
	if got := b.text(`document.cookie`); got != "" {
		t.Errorf("scripts see the cookies %q", got)
	}
	for _, e := range in(b, chromedp.NavigationEntries()).Entries {
		if strings.Contains(e.URL, "key=") {
			t.Errorf("the history holds %s", e.URL)
		}
	}
	b.open("about:blank")
	b.open(u.String())
	b.until(`document.body.textContent.includes("used already")`)
	if got := b.text(`location.href`); strings.Contains(got, "key=") {
		t.Errorf("the address of a used link is %s", got)
	}
}
