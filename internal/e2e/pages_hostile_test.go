package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestPages_HostileTextsNeitherRunNorPushThePageApart opens every page of a site of hostile people, by turns narrow and wide: scripts of theirs do not run, nothing of theirs is asked for, and the page stays as
// wide as the window.
func TestPages_HostileTextsNeitherRunNorPushThePageApart(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{Hostile: true})
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	b.enterDashboard(s)
	seen := make(map[string]bool)
	for _, p := range portal.Registry() {
		path := s.Path(p.Path)
		bare, _, _ := strings.Cut(strings.Replace(p.Path, "/dashboard/apps/{app}", "/portal", 1), "?") // the handlers are the same
		if seen[bare] && !storetest.Long() {
			continue
		}
		size := pageSizes[1-len(seen)%2]
		seen[bare] = true
		b.look("light", size.width, size.height)
		b.open(s.URL + path)
		b.until(`document.readyState === "complete"`)
		where := p.Path + ", " + size.name
		if n := b.text("document.documentElement.scrollWidth - document.documentElement.clientWidth"); n != "0" {
			b.shoot("hostile-" + fileName(p.Path))
			t.Errorf("%s: is %s pixels wider than the window: %s", where, n, b.text(`[...document.querySelectorAll("main *, header *, nav *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll, .hush, pre")).slice(0, 4).map(e => e.tagName + "." + e.className).join(" ")`))
		}
		if got := b.text(`typeof h0stile + " " + document.querySelectorAll("[h0stile], h0stile").length`); got != "undefined 0" {
			t.Errorf("%s: %s", where, got)
		}
		if got := b.text(`performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin + "/")).join(" ")`); got != "" {
			t.Errorf("%s: asks for %s", where, got)
		}
		b.shootWhole("hostile-" + fileName(p.Path) + "-" + size.name)
	}
}

// TestPages_TheMenuStaysAWordBesideALongName looks at the bar on top of a narrow page of an App whose name fills it.
func TestPages_TheMenuStaysAWordBesideALongName(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{Bare: true})
	if _, err := s.Service.UpdateApp(context.Background(), s.App.Key, func(a *hookswitch.App) error {
		a.Name = strings.Repeat("Acme Telecom ", 16)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	b.look("light", pageSizes[1].width, pageSizes[1].height)
	b.open(s.URL + "/portal")
	b.until(`document.readyState === "complete"`)
	if got := b.text(`(r => Math.round(r.width) + " by " + Math.round(r.height))(document.querySelector(".menu-button").getBoundingClientRect())`); got == "" || b.text(`document.querySelector(".menu-button").getBoundingClientRect().height < 48`) != "true" {
		t.Errorf("the button is %s pixels", got)
	}
}
