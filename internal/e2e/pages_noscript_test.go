package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// TestPages_CanBeReadWithoutScripts looks at the main pages in a browser that runs none: what there is to know stands there, searching works, and there is no button that would do nothing.
func TestPages_CanBeReadWithoutScripts(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	p := &person{tab: newTab(t), hand: keys{}}
	p.look("light", 1280, 900)
	p.enterPortal(s, s.App, service.PortalAccess{}) // what stands behind the # is handed over by a script, once
	p.enterDashboard(s)
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string][]string{
		"/portal":                     {"of 6 endpoints fine", "CRM", "Delivered, 24 h", "Time (UTC)"},
		"/portal/endpoints":           {"Billing", "https://crm.acme.example/webhooks/conversations", "Failing"},
		"/portal/endpoints/{failing}": {"Failing for", "will be turned off in", "500 Internal Server Error"},
		"/portal/logs":                {"message.inbound", "Last code"},
		"/portal/messages/{event}":    {"Where it went", "CRM: attempt", "profileName"},
		"/portal/messages/{event}/attempts/{attempt}":  {"What to do", "does not exist", "svix-signature"},
		"/dashboard/apps/{app}/conversations":          {"Amina Njeri", "Juma Mrisho"},
		"/dashboard/apps/{app}/conversations/{handed}": {"Can I speak to a person?", "Hello Juma, this is Wairimu. How can I help?", "Answer as a person"},
		"/play/{bin}": {"Requests", "does not fit", "Received"},
	} {
		p.open(s.URL + s.Path(path))
		p.sees(words...)
		if dead := p.text(`[...document.querySelectorAll("button[type=button]:not([popovertarget]), [data-script]")].filter((b) => b.checkVisibility()).map((b) => b.outerHTML.slice(0, 100)).join(", ")`); dead != "" {
			t.Errorf("%s: without scripts these do nothing: %s", path, dead)
		}
	}
	p.open(s.URL + "/portal/logs")
	p.write("Search", "type:message.failed")
	p.enter()
	p.sees("message.failed", "Clear all")
}
