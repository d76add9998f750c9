package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// TestPages_TheFilterBarSuggestsAndKeepsViews writes a filter behind another condition, keeps it under a name, and finds it again.
func TestPages_TheFilterBarSuggestsAndKeepsViews(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	b.open(s.URL + "/portal/logs")
	b.until(`document.readyState === "complete"`)
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
