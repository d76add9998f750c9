package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// atLogs opens a site at the log of a portal.
func atLogs(t *testing.T) (*portaltest.Site, *tab) {
	t.Helper()
	s := openSite(t, portaltest.Options{})
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	b.open(s.URL + "/portal/logs")
	b.until(`document.readyState === "complete"`)
	return s, b
}

// TestPages_TheFilterBarSuggestsAndKeepsViews writes a filter behind another condition, keeps it under a name, and finds it again.
func TestPages_TheFilterBarSuggestsAndKeepsViews(t *testing.T) {
	t.Parallel()
	s, b := atLogs(t)
	b.text(`(document.querySelector("#found-q").focus(), 0)`)
	b.press("status:failed code:5")
	suggested := `Array.from(document.querySelector("#found-q").list.options, o => o.value).join("|")`
	b.until(suggested + `.startsWith("status:failed code:5xx|status:failed code:500")`)
	if got := b.text(suggested); strings.Contains(got, "code:4xx") || strings.Contains(got, "type:") {
		t.Errorf("suggested is %q", got)
	}
	b.press("xx")
	b.until(`[...document.querySelectorAll(".keep input[type=hidden]")].some(i => i.value === "status:failed code:5xx") && !document.querySelector(".htmx-request, .htmx-settling")`)
	b.text(`(document.querySelector(".keep summary").focus(), 0)`)
	b.press(kb.Enter, kb.Tab, "Servers down", kb.Enter)
	b.until(`document.querySelector(".flash")?.textContent.includes("Servers down")`)
	b.shootWhole("views-kept")
	b.look("dark", 320, 720)
	b.open(s.URL + "/portal/logs")
	b.until(`document.readyState === "complete" && document.querySelector(".chip.view")`)
	b.shootWhole("views-narrow-dark")
	b.text(`(document.querySelector(".chip.view").click(), 0)`)
	b.until(`location.search.includes("5xx") && document.querySelector(".chip.view[aria-current]") && document.body.textContent.includes("Forget the view")`)
}

// TestPages_AListThatCannotBeHadStays has the server answer a search with something else than the list, and asks again.
func TestPages_AListThatCannotBeHadStays(t *testing.T) {
	t.Parallel()
	_, b := atLogs(t)
	b.text(`(window.honest = XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.open = function (m, u, ...rest) { return honest.call(this, m, u.replace("/logs?", "/nowhere?"), ...rest); }, 0)`)
	b.text(`(document.querySelector("#found-q").focus(), 0)`)
	b.press("type:message.inbound")
	b.until(`document.querySelector("[role=alert].retry")?.textContent.includes("The server answered 404") && document.querySelectorAll("#found tbody tr").length > 10`)
	if busy := b.text(`String(document.querySelector("#found").getAttribute("aria-busy"))`); busy != "null" {
		t.Errorf("the list is still busy: %s", busy)
	}
	b.shoot("list-retry")
	b.text(`(XMLHttpRequest.prototype.open = honest, document.querySelector(".retry button").click(), 0)`)
	b.until(`!document.querySelector(".retry") && document.querySelector("#found .chip")?.textContent.includes("message.inbound")`)
}

// TestPages_AreReadFromTheRightWhereAnAppAsksForIt looks at pages whose navigation is at the right.
func TestPages_AreReadFromTheRightWhereAnAppAsksForIt(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	if err := s.Service.SetPortalSettings(context.Background(), s.App.Key, hookswitch.PortalSettings{Look: hookswitch.Look{Direction: "rtl"}}); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	for name, path := range map[string]string{"home": "/portal", "logs": "/portal/logs", "message": s.Path("/portal/messages/{inbound}"), "endpoint": s.Path("/portal/endpoints/{failing}")} {
		b.look("light", 1280, 900)
		b.open(s.URL + path)
		b.until(`document.readyState === "complete"`)
		if at := b.text(`String(document.querySelector("body > nav").getBoundingClientRect().left > innerWidth / 2 && document.documentElement.scrollWidth <= innerWidth)`); at != "true" {
			t.Errorf("%s: the navigation is not at the right, or the page is wider than the window", name)
		}
		b.shootWhole("rtl-" + name)
		b.look("dark", 320, 720)
		b.open(s.URL + path)
		b.until(`document.readyState === "complete"`)
		if wide := b.text(`String(document.documentElement.scrollWidth)`); wide != "320" {
			t.Errorf("%s: %s pixels wide in a window of 320", name, wide)
		}
		b.shootWhole("rtl-narrow-" + name)
	}
}
