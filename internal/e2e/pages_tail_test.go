package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// tailed is the page of a live list, before a server that can cut its connections.
type tailed struct {
	*tab
	site  *portaltest.Site
	front *httptest.Server
	n     int
}

func openTailed(t *testing.T, path string) *tailed {
	t.Helper()
	site := openSite(t, portaltest.Options{})
	to, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }})
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	l := &tailed{tab: newTab(t), site: site, front: front}
	l.look("light", 1280, 900)
	link, err := site.PortalLink(context.Background(), site.App, service.PortalAccess{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	l.open(front.URL + u.RequestURI() + "#" + u.EscapedFragment())
	l.until(`location.pathname === "/portal" && document.readyState === "complete"`)
	l.open(front.URL + path)
	l.until(`document.readyState === "complete"`)
	return l
}

// publish publishes n events, and returns the id of the last.
func (l *tailed) publish(n int) (id string) {
	l.t.Helper()
	for range n {
		l.n++
		ev, err := l.site.Service.PublishEvent(context.Background(), l.site.App, service.Publish{Type: "message.inbound", Payload: fmt.Appendf(nil, `{"n":%d}`, l.n)}, service.Idempotency{})
		if err != nil {
			l.t.Fatal(err)
		}
		id = l.site.Service.IDs().Format(hookswitch.KindEvent, ev.Key)
	}
	return id
}

// row is an expression for the row of an id; null: it is not shown.
func row(id string) string {
	return `document.querySelector('[data-tail-rows] [data-id="` + id + `"]')`
}

const (
	isLive   = `document.querySelector("[data-tail-state]").textContent.trim() === "live"`
	firstRow = `document.querySelector("[data-tail-rows]").firstElementChild.dataset.id`
	heldText = `(b => b.hidden ? "" : b.textContent)(document.querySelector("[data-tail-held]"))`
	toggle   = `(document.querySelector("[data-tail-toggle]").click(), 0)`
	toTop    = `(scrollTo(0, 0), 0)`
)

// past scrolls to where the beginning of the list is out of sight.
func (l *tailed) past() {
	l.t.Helper()
	l.text(`(document.querySelector("[data-tail-rows]").children[20].scrollIntoView({block: "start"}), 0)`)
	l.until(`document.querySelector("[data-tail-rows]").getBoundingClientRect().top < 0`)
}

func TestTail_ShowsWhatIsNewAndMovesNothingUnderWhoReads(t *testing.T) {
	t.Parallel()
	l := openTailed(t, "/portal/logs")
	l.until(isLive)
	id := l.publish(1)
	l.until(firstRow + ` === "` + id + `"`)
	l.until(`document.querySelector("[data-tail-news]").textContent === "1 new row"`)
	id = l.publish(1)
	l.until(firstRow + ` === "` + id + `"`)
	l.until(`document.querySelector("[data-tail-news]").textContent === ""`) // so that the same words are said again
	l.until(`document.querySelector("[data-tail-news]").textContent === "1 new row"`)

	// Scrolled past, the list holds rows back, and pausing loses none of them.
	l.past()
	top := l.text(firstRow)
	at := l.text("scrollY")
	l.publish(2)
	l.until(heldText + ` === "Show 2 new rows"`)
	if got := l.text(firstRow); got != top {
		t.Errorf("a row came in under who reads: %s", got)
	}
	if got := l.text("scrollY"); got != at {
		t.Errorf("the page was scrolled from %s to %s", at, got)
	}
	l.text(toggle)
	l.until(`document.querySelector("[data-tail-state]").textContent.trim() === "not live"`)
	if got := l.text(heldText); got != "Show 2 new rows" {
		t.Errorf("when it is paused, %q is left of two rows", got)
	}
	last := l.publish(1)
	l.text(toggle)
	l.until(heldText + ` === "Show 3 new rows"`)
	l.text(toTop)
	l.until(firstRow + ` === "` + last + `" && ` + heldText + ` === ""`)

	// What is chosen stays chosen, and stays where it is.
	box := row(last) + `.querySelector("input")`
	l.text(`(` + box + `.click(), 0)`)
	next := l.publish(1)
	l.until(heldText + ` === "Show 1 new row"`)
	if l.text(box+`.checked`) != "true" {
		t.Error("what was chosen is not chosen any more")
	}
	l.text(`(` + box + `.click(), 0)`)
	l.until(heldText + ` !== "" || ` + firstRow + ` === "` + next + `"`) // the focus may still be in the list
	l.text(`(document.activeElement.blur(), 0)`)
	l.until(firstRow + ` === "` + next + `" && ` + heldText + ` === ""`)
}

func TestTail_ComesBackWhereItWas(t *testing.T) {
	t.Parallel()
	l := openTailed(t, "/portal/logs")
	l.until(isLive)
	id := l.publish(1)
	l.until(row(id))
	l.front.CloseClientConnections()
	away := l.publish(1)
	l.until(row(away) + ` && ` + isLive)
	if n := l.text(`document.querySelectorAll('[data-tail-rows] [data-id="` + id + `"]').length`); n != "1" {
		t.Errorf("a row that was there is there %s times", n)
	}

	// Held rows are there again after another page and the way back, whether the browser has kept the page or loads it anew.
	l.past()
	held := l.publish(1)
	l.until(heldText + ` === "Show 1 new row"`)
	l.open(l.front.URL + "/portal/endpoints")
	l.until(`document.readyState === "complete"`)
	meanwhile := l.publish(1)
	in(l.tab, chromedp.NavigateBack())
	l.until(`location.pathname === "/portal/logs" && document.readyState === "complete" && ` + isLive)
	l.text(toTop)
	l.until(row(held) + ` && ` + row(meanwhile))
	after := l.publish(1)
	l.until(firstRow + ` === "` + after + `"`)
	in(l.tab, chromedp.NavigateForward())
	l.until(`location.pathname === "/portal/endpoints"`)
}

func TestTail_ShowsNoMoreThanAHundredRowsAndSaysSo(t *testing.T) {
	t.Parallel()
	l := openTailed(t, "/portal/logs")
	l.until(isLive)
	l.publish(45)
	l.until(`/^\+\d+ more/.test(document.querySelector("[data-tail-more]").textContent)`)
	for range 3 {
		id := l.publish(20)
		l.until(row(id))
	}
	l.until(`document.querySelector("[data-tail-rows]").children.length === 100`)
	if !(l.text(`document.querySelector("[data-tail-more]").hidden`) == "false" && l.text(`document.querySelector(".pager-links").hidden`) == "true") {
		t.Error("the pager leaves rows out, and nothing says so")
	}
}

func TestTail_OlderPagesAreNotLive(t *testing.T) {
	t.Parallel()
	l := openTailed(t, "/portal/logs")
	l.until(isLive)
	l.open(l.text(`document.querySelector(".pager a[rel=next]").href`))
	l.until(`document.readyState === "complete" && document.querySelector("[data-tail-rows] [data-id]")`)
	l.text(`(document.dispatchEvent(new Event("selectionchange")), 0)`) // the script has run
	if l.text(`document.querySelector("[data-tail-state]").hidden`) != "true" || l.text(`performance.getEntriesByType("resource").some(r => r.name.includes("/live"))`) != "false" {
		t.Error("what is new comes in among older rows")
	}
}
