package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPages_FormsOfEndpointsHelpWhileOneChooses goes through what the scripts of the forms of endpoints do: types are sifted, the filter is previewed, times are the reader's own, and what arrives
// is seen as it comes.
func TestPages_FormsOfEndpointsHelpWhileOneChooses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.CreateEventTypes("order.sent", "invoice.paid")
	for range 3 {
		s.publish(map[string]any{"order": 1})
	}
	b := newTab(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Africa/Nairobi"}); err != nil {
		t.Fatal(err)
	}
	b.open(s.link())
	b.until(`location.pathname === "/portal" && !location.hash && document.readyState === "complete"`)

	// Types: what is written sifts them, all that is shown can be chosen, and the preview follows.
	b.open(s.URL + "/portal/endpoints/new")
	b.until(`!document.querySelector(".sift").hidden`)
	b.text(`(() => { const f = document.getElementById("types-sift"); f.value = "order.*"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until(`document.querySelector("[data-sift-says]").textContent === "3 shown"`)
	if got := b.text(`[...document.querySelectorAll("#types-tree li:not([hidden]) input")].filter((i) => i.checkVisibility()).map((i) => i.value).join(" ")`); got != "order.made order.paid order.sent" {
		t.Errorf("sifted by order.*: %s", got)
	}
	b.text(`document.querySelector("[data-sift-choose]").click()`)
	b.until(`document.getElementById("types-some").checked && document.querySelector(".preview").textContent.includes("matched 3 of the 3 events")`)
	b.text(`document.getElementById("type-order.made").click()`)
	b.until(`document.querySelector(".preview").textContent.includes("matched 0 of the 3 events")`)
	b.text(`(() => { const f = document.getElementById("types-sift"); f.value = ""; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until(`!document.querySelector("#types-tree details[hidden]")`)

	// A recovery's times are the reader's, and UTC in the address.
	s.addEndpoint()
	first := s.publish(map[string]any{"order": 1})
	until(t, "the first attempt is noted", func() bool { return len(s.Attempts(s.app, first)) == 1 })
	b.open(s.URL + "/portal/endpoints?q=CRM")
	b.text(`document.querySelector("tbody .row-link").click()`)
	b.until(`document.querySelector(".live.on")`)
	id := b.text(`location.pathname.split("/").at(-1)`)
	rows := b.text(`document.querySelectorAll("[data-tail-rows] tr").length`)
	s.publish(map[string]any{"order": 2})
	b.until(`document.querySelectorAll("[data-tail-rows] tr").length > ` + rows)

	from := time.Now().Add(-time.Hour).UTC().Truncate(time.Minute)
	b.open(s.URL + "/portal/endpoints/" + id + "/recover?what=failed&from=" + from.Format("2006-01-02T15:04"))
	b.until(`document.getElementById("plan")`)
	if got, want := b.text(`document.getElementById("from").value`), from.Add(3*time.Hour).Format("2006-01-02T15:04"); got != want {
		t.Errorf("the field shows %s, want %s", got, want)
	}
	if got := b.text(`document.getElementById("from-hint").textContent`); !strings.Contains(got, "Africa/Nairobi") {
		t.Errorf("the hint says %q", got)
	}
	b.text(`document.querySelector("form[method=get]").requestSubmit()`)
	b.until(`location.search.includes("canary=")`)
	if got, want := b.text(`new URLSearchParams(location.search).get("from")`), from.Format("2006-01-02T15:04"); got != want {
		t.Errorf("the address says %s, want %s", got, want)
	}
	b.until(`document.getElementById("plan")?.textContent.includes("2 events will be sent")`)
	b.shootWhole("forms-recover")

	// What is saved can be undone.
	b.open(s.URL + "/portal/endpoints/" + id + "/settings")
	b.text(`(() => { document.getElementById("name").value = "Till"; document.querySelector("button[value=save]").click(); })()`)
	b.until(`document.getElementById("saved") && document.querySelector("h1").textContent.includes("Till")`)
	b.shootWhole("forms-saved")
	b.text(`[...document.querySelectorAll("button")].find((x) => x.textContent.trim() === "Undo").click()`)
	b.until(`document.querySelector("h1").textContent.includes("CRM")`)
	var out struct{ Description string }
	s.Call(http.MethodGet, "/api/v1/app/"+s.app+"/endpoint/"+id, nil, &out, http.StatusOK)
	if out.Description != "CRM" {
		t.Errorf("after undoing it is called %q", out.Description)
	}
}
