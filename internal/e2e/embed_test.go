package e2e

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// hostPage is a page of a customer's that shows the portal and notes what the element tells.
var hostPage = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>host</title>
<script type="module" src="{{.Server}}/static/embed.js"></script>
<hookswitch-portal url="{{.Link}}" path="/endpoints/new" theme="dark"></hookswitch-portal>
<script>
  window.told = [];
  const portal = document.querySelector("hookswitch-portal");
  for (const name of ["ready", "navigate", "endpoint-created", "session-expired"]) portal.addEventListener(name, (e) => told.push({ name, ...e.detail }));
  window.frameHeight = () => parseFloat(portal.shadowRoot.querySelector("iframe").style.height) || 0;
</script>`))

// host serves the page at an origin of its own.
func host(t *testing.T, s *portaltest.Site, link func() string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = hostPage.Execute(w, map[string]string{"Server": s.URL, "Link": link()})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestPages_ThePortalInAFrame shows the portal in a page of an origin that the App permits, and in one of an origin that it does not.
func TestPages_ThePortalInAFrame(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	link := func() string {
		l, err := s.PortalLink(context.Background(), s.App, service.PortalAccess{})
		if err != nil {
			t.Error(err)
		}
		return l
	}
	var last string
	good := host(t, s, func() string { last = link(); return last })
	stranger := host(t, s, link)
	if err := s.Service.SetPortalSettings(context.Background(), s.App.Key, hookswitch.PortalSettings{FrameAncestors: []string{good}}); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	b.open(good)
	b.until(`told.some(e => e.name === "ready") && told.some(e => e.name === "navigate" && e.path === "/endpoints/new") && frameHeight() > 300`)
	if told := b.text("JSON.stringify(told)"); strings.Contains(told, "session-expired") {
		t.Errorf("the page was told %s", told)
	}
	b.text(`portal.path = "/issues", 0`)
	b.until(`told.some(e => e.name === "navigate" && e.path === "/issues")`)
	b.shoot("framed")
	// The same link again: it has been used, and the host is told so and hands over another one.
	b.until(`frameHeight() > 0 && document.readyState === "complete"`)
	b.text(fmt.Sprintf(`(told.length = 0, portal.url = "", portal.url = %q, 0)`, last))
	b.until(`told.some(e => e.name === "session-expired" && e.reason === "used_token")`)
	b.text(fmt.Sprintf(`(told.find(e => e.name === "session-expired").renew(%q), 0)`, link()))
	b.until(`told.some(e => e.name === "ready") && told.some(e => e.name === "navigate")`)
	// The session ends while somebody looks.
	if err := s.Service.EndSessions(context.Background(), s.App.Key, hookswitch.TokenSession); err != nil {
		t.Fatal(err)
	}
	b.text(`(told.length = 0, portal.path = "/endpoints", 0)`)
	b.until(`told.some(e => e.name === "session-expired")`)

	b.open(stranger)
	b.until(`customElements.get("hookswitch-portal") && portal.shadowRoot.querySelector("iframe").src`)
	b.until(`performance.now() > 3000`) // the browser says nothing when it refuses a frame
	if told := b.text("JSON.stringify(told)"); told != "[]" {
		t.Errorf("a page that is not permitted was told %s", told)
	}
	for _, path := range []string{"/portal/login?app=" + s.Names["app"], "/portal/login", "/portal"} {
		_, _, h, err := portaltest.Get(http.DefaultClient, s.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, stranger) || strings.Contains(csp, good) != strings.Contains(path, "app=") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}
