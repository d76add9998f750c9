package portal_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

func TestQueues_PauseEverythingAndGoOn(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss := signedIn(t, s, portaltest.Token)
	_, body := boss.get("/dashboard/queues")
	for _, want := range []string{"Backlog by destination", "CRM", "Slow endpoints", "this one", "Drain"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if status, body := boss.post("/dashboard/queues/pause", url.Values{"note": {strings.Repeat("long ", 200)}}); status != 422 || !strings.Contains(body, "Nothing was paused") || s.Service.Paused() != nil {
		t.Errorf("a long reason answers %d", status)
	}
	if status, body := boss.post("/dashboard/queues/pause", url.Values{"note": {"Moving <b>house</b>"}}); status != 200 || !strings.Contains(body, "Everything has been paused") || s.Service.Paused() == nil {
		t.Fatalf("pausing answers %d", status)
	}
	for _, path := range []string{"/dashboard", "/dashboard/apps/{app}", "/dashboard/settings"} {
		if _, body := boss.get(path); !strings.Contains(body, "Deliveries have been paused") || !strings.Contains(body, "Moving &lt;b&gt;house") || !strings.Contains(body, "Go on</a>") {
			t.Errorf("%s does not say that everything is paused", path)
		}
	}
	link, err := s.Service.OpenPortal(context.Background(), s.App.Key, service.PortalAccess{Capabilities: hookswitch.AllCapabilities}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := boss.post("/portal/login", url.Values{"token": {link.OneTime.Reveal()}}); status != 200 || !strings.Contains(body, "Deliveries have been paused") || strings.Contains(body, "Go on</a>") {
		t.Errorf("the portal answers %d and does not say that everything is paused", status)
	}
	if status, body := boss.post("/dashboard/queues/resume", nil); status != 200 || !strings.Contains(body, "Work goes on") || s.Service.Paused() != nil {
		t.Errorf("going on answers %d", status)
	}
	if status, _ := boss.post("/dashboard/queues/nodes/1", url.Values{"do": {"drain"}}); status != 200 || !s.Service.Drained() {
		t.Errorf("draining answers %d", status)
	}
	if _, body := boss.get("/dashboard/queues"); !strings.Contains(body, "No node takes work") {
		t.Error("the page does not say that no node takes work")
	}
	if status, _ := boss.post("/dashboard/queues/nodes/1", url.Values{"do": {"fill"}}); status != 200 || s.Service.Drained() {
		t.Errorf("filling answers %d", status)
	}
	for _, node := range []string{"0", "-1", "x", "9999999", "77"} {
		if status, _ := boss.post("/dashboard/queues/nodes/"+node, url.Values{"do": {"drain"}}); status != 404 {
			t.Errorf("node %s answers %d", node, status)
		}
	}
}

func TestOverview_SaysHowMuchComesAndHowMuchMayFail(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	_, body := signedIn(t, s, portaltest.Token).get("/dashboard")
	for _, want := range []string{"Accepted, 24 h", "of payload", "Error budget", "Last 7 days", "Who publishes most", "Acme Telecom", "of write-ahead log"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestAudit_IsSearchedCheckedAndDownloaded(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss := signedIn(t, s, portaltest.Token)
	_, body := boss.get("/dashboard/audit")
	for _, want := range []string{"Secrets shown", "Acme Telecom", "Application created", "Baraka Foods"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if _, body := boss.get("/dashboard/audit?q=CRM&action=endpoint.changed"); !strings.Contains(body, "Endpoint changed") || strings.Contains(body, "Baraka Foods") {
		t.Error("the search does not narrow")
	}
	if _, body := boss.get("/dashboard/audit?q=nothing-like-it"); !strings.Contains(body, "Nothing matches") {
		t.Error("what nobody did is found")
	}
	if _, csv := boss.get("/dashboard/audit/export?format=csv&who=portal"); !strings.HasPrefix(csv, "time,action,") || !strings.Contains(csv, "secret.shown") || strings.Contains(csv, "application.created") {
		t.Errorf("the file holds %q", csv)
	}
	status, body := boss.post("/dashboard/audit/verify", nil)
	if status != 200 || !strings.Contains(body, "are as they were written") {
		t.Fatalf("the check answers %d: %s", status, body)
	}
	_, heads, _ := strings.Cut(body, `id="heads-text"`)
	_, heads, _ = strings.Cut(heads, ">")
	heads, _, _ = strings.Cut(heads, "<")
	if status, body := boss.post("/dashboard/audit/verify", url.Values{"heads": {heads + "\nnonsense"}}); status != 200 || !strings.Contains(body, "that you had noted") || !strings.Contains(body, "1 line of what") || !strings.Contains(body, "are as they were written") {
		t.Errorf("held against what was noted: %d", status)
	}
	lines := strings.Fields(heads)
	other := strings.Join([]string{lines[0], lines[1], strings.Repeat("ab", 32)}, " ")
	if _, body := boss.post("/dashboard/audit/verify", url.Values{"heads": {other}}); !strings.Contains(body, "is another one than was noted") {
		t.Error("another entry than was noted is not told")
	}
}
