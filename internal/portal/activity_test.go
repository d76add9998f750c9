package portal_test

import (
	"encoding/csv"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestActivity_IsDownloadedAsItIsShown(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.post(c.base+"/signing/reveal", url.Values{})
	c.done(c.base+"/state", url.Values{"do": {"pause"}})
	if page := c.get("/portal/activity?action=secret.shown"); !strings.Contains(page, `href="/portal/activity/export?action=secret.shown&amp;format=csv"`) {
		t.Error("the page does not lead to the file of what it shows")
	}
	rows, err := csv.NewReader(strings.NewReader(c.get("/portal/activity/export?format=csv"))).ReadAll()
	if err != nil || len(rows) != 5 || rows[0][1] != "action" || rows[1][1] != string(hookswitch.DidDisableEndpoint) || rows[2][2] != "Secrets shown" || rows[2][6] != "Somebody in the portal" ||
		rows[3][5] != string(hookswitch.ActorAPI) || rows[3][4] != "Billing <script>" || rows[4][1] != string(hookswitch.DidCreateApp) {
		t.Errorf("the file holds %q, %v", rows, err)
	}
	var line struct{ Action, Actor, EndpointID string }
	if err := json.Unmarshal([]byte(c.get("/portal/activity/export?format=ndjson&action=secret.shown")), &line); err != nil || line.Action != "secret.shown" || line.Actor != "portal" || !strings.HasSuffix(c.base, line.EndpointID) {
		t.Errorf("the line is %+v, %v", line, err)
	}
	if status, _, _ := c.do("GET", "/portal/activity/export?format=html", nil); status != 400 && status != 422 {
		t.Errorf("another format answers %d", status)
	}
}
