package portal_test

import (
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestViews_AreKeptInTheBrowserForTheirAppAndForgotten(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	acme, other := s.app("Acme"), s.app("Baraka")
	b := s.browser()
	b.enter(acme, service.PortalAccess{Capabilities: hookswitch.ViewBase}) // who may only look keeps views too
	const query = `status:failed code:5xx "two words"`
	here := "/portal/logs?q=" + url.QueryEscape(query)
	if a := b.open(here); a.status != 200 || !strings.Contains(a.body, "Keep this view") {
		t.Fatalf("the list offers no view: %d", a.status)
	}
	keep := func(name, q, list string) answer {
		return b.submit("/portal/views", url.Values{"list": {list}, "name": {name}, "q": {q}, "back": {here}}.Encode())
	}
	if a := keep("  Server <b>errors</b>\u202e ", query, "logs"); a.status != 303 || a.header.Get("Location") != here {
		t.Fatalf("keeping it: %d to %q", a.status, a.header.Get("Location"))
	}
	c := b.cookies["__Host-hookswitch-views"]
	if c == nil || !c.HttpOnly || c.MaxAge < 3600*24*300 {
		t.Fatalf("the cookie is %v", c)
	}
	a := b.open("/portal/logs")
	if !strings.Contains(html.UnescapeString(a.body), `class="chip view" href="`+here+`"`) || !strings.Contains(a.body, "</svg> Server &lt;b&gt;errors&lt;/b&gt;</a>") {
		t.Errorf("it does not stand above the list: %s", a.body)
	}
	if a := b.open(here); !strings.Contains(a.body, `aria-current="true"`) || !strings.Contains(a.body, "Forget the view") {
		t.Error("the list does not say that it is in effect")
	}
	for why, a := range map[string]answer{"without a name": keep(" ", query, "logs"), "without conditions": keep("All", "", "logs"), "with what is not understood": keep("Wrong", "status:bad", "logs")} {
		if a.status != 303 || strings.Contains(b.open("/portal/logs").body, ">All</a>") {
			t.Errorf("%s: %d", why, a.status)
		}
	}
	if a := keep("Elsewhere", query, "apps"); a.status != 400 && a.status != 422 {
		t.Errorf("of another list: %d", a.status)
	}
	for i := range 40 {
		keep("View "+strconv.Itoa(i), query, "logs")
	}
	if n := strings.Count(b.open("/portal/logs").body, `class="chip view"`); n < 10 || n > 20 || len(b.cookies["__Host-hookswitch-views"].Value) > 4000 {
		t.Errorf("%d views are kept", n)
	}
	b.enter(other, service.PortalAccess{})
	if a := b.open("/portal/logs"); strings.Contains(a.body, "errors") {
		t.Error("another App shows it")
	}
	b.enter(acme, service.PortalAccess{})
	b.submit("/portal/views", url.Values{"list": {"logs"}, "name": {"Server <b>errors</b>"}, "q": {query}, "back": {here}, "do": {"forget"}}.Encode())
	if a := b.open("/portal/logs"); strings.Contains(a.body, "</svg> Server &lt;b&gt;") {
		t.Error("it is forgotten and stands there")
	}
	b.cookies["__Host-hookswitch-views"].Value = "bm90IGpzb24"
	if a := b.open("/portal/logs"); a.status != 200 {
		t.Errorf("with a broken cookie: %d", a.status)
	}
}

func TestFilter_SuggestsWhatThereIs(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	logs, deliveries := html.UnescapeString(c.get("/portal/logs")), html.UnescapeString(c.get(c.base+"/deliveries"))
	for _, want := range []string{`<option value="status:given-up">`, `<option value="code:5xx">`, `<option value="type:message.*">`, `<option value="type:message.inbound">`, `<option value="channel:whatsapp">`} {
		if !strings.Contains(logs, want) || !strings.Contains(deliveries, want) {
			t.Errorf("%s is not suggested", want)
		}
	}
	if want := `<option value="endpoint:"Billing <script>"">`; !strings.Contains(logs, want) || strings.Contains(deliveries, want) {
		t.Error("endpoints are suggested where one is chosen already, or not where all are")
	}
}
