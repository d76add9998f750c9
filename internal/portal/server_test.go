package portal_test

import (
	"context"
	"maps"
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

func TestCustomer_IsChangedExportedErasedAndDeleted(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss := signedIn(t, s, portaltest.Token)
	const page = "/dashboard/apps/{app}/customer"
	if _, body := boss.get(page); !strings.Contains(body, "Events, 24 h") || !strings.Contains(body, "Delete the customer") {
		t.Error("the page does not say what there is to do")
	}
	form := url.Values{"name": {"Acme & Sons"}, "uid": {"acme"}, "throttleRate": {"25"}, "botName": {"Ada"}, "metadata": {"plan = gold\nregion=eu"}}
	if status, body := boss.post(page, form); status != 200 || !strings.Contains(body, "Saved what you know of Acme &amp; Sons") || !strings.Contains(body, "25 a second") {
		t.Fatalf("saving answers %d", status)
	}
	app, err := s.Service.AppByKey(context.Background(), s.App.Key)
	if err != nil || app.ThrottleRate != 25 || app.BotName != "Ada" || app.Metadata["plan"] != "gold" || app.Metadata["region"] != "eu" {
		t.Errorf("the application is %+v, %v", app, err)
	}
	for name, wrong := range map[string]string{"name": " ", "uid": "baraka", "throttleRate": "-1", "metadata": "nonsense"} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(name, wrong)
		if status, body := boss.post(page, bad); status != 422 || !strings.Contains(body, "The customer was not changed") || !strings.Contains(body, `id="`+name+`-problem"`) {
			t.Errorf("%s %q answers %d", name, wrong, status)
		}
	}
	if status, body := boss.post(page+"/person", url.Values{"person": {"+1"}, "do": {"erase"}}); status != 422 || !strings.Contains(body, "is nobody that") {
		t.Errorf("nobody answers %d", status)
	}
	if status, body := boss.post(page+"/person", url.Values{"person": {"+254733908812"}}); status != 200 || !strings.Contains(body, `{"kind":"contact"`) || !strings.Contains(body, "+254733908812") || strings.Contains(body, "+254712345678") {
		t.Errorf("what is kept about a person: %d %.300s", status, body)
	}
	if status, body := boss.post(page+"/person", url.Values{"person": {"+254733908812"}, "do": {"erase"}}); status != 200 || !strings.Contains(body, "for good?") || strings.Contains(body, "Under way") {
		t.Errorf("asking first answers %d", status)
	}
	if status, body := boss.post(page+"/person", url.Values{"person": {"+254733908812"}, "do": {"really"}}); status != 200 || !strings.Contains(body, "has begun") || !strings.Contains(body, "Under way") {
		t.Errorf("erasing answers %d", status)
	}
	if status, body := boss.get(page + "/export"); status != 200 || !strings.HasPrefix(body, `{"kind":"application"`) || strings.Contains(body, "Bearer of-the-demonstration") {
		t.Errorf("what is kept about the customer: %d %.300s", status, body)
	}
	if status, body := boss.post(page+"/delete", url.Values{"confirm": {"Acme"}}); status != 422 || !strings.Contains(body, "The application was not deleted") {
		t.Errorf("another name answers %d", status)
	}
	if status, body := boss.post(page+"/delete", url.Values{"confirm": {"Acme & Sons"}}); status != 200 || !strings.Contains(body, "Deleted Acme &amp; Sons") {
		t.Errorf("deleting answers %d", status)
	}
	if status, _ := boss.get(page); status != 404 {
		t.Errorf("the page of what was deleted answers %d", status)
	}
	_, text, err := s.Service.CreateAPIKey(context.Background(), s.Empty.Key, hookswitch.APIKey{Name: "Theirs"})
	if err != nil {
		t.Fatal(err)
	}
	theirs := signedIn(t, s, text.Reveal())
	for _, path := range []string{"", "/export"} {
		if status, _ := theirs.get("/dashboard/apps/{empty}/customer" + path); status != 403 {
			t.Errorf("who has a key of the customer sees %q: %d", path, status)
		}
	}
}

func TestTraffic_OfAllCustomersIsFound(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss := signedIn(t, s, portaltest.Token)
	ctx := context.Background()
	other, err := s.Service.PublishEvent(ctx, s.Empty, service.Publish{Type: "order.paid", Payload: []byte(`{"word":"Zanzibar"}`)}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	id := s.Service.IDs().Format(hookswitch.KindEvent, other.Key)
	for query, want := range map[string][]string{"": {"Acme Telecom", "Baraka Foods", id}, "Zanzibar": {"Baraka Foods", id}, "message:" + id: {id}, "type:order.*": {id}, "code:banana": {"Left out: code:banana"}} {
		_, body := boss.get("/dashboard/messages?q=" + url.QueryEscape(query))
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("the messages by %q do not show %q", query, text)
			}
		}
		if query != "" && query != "code:banana" && strings.Contains(body, ">Acme Telecom</a>") {
			t.Errorf("the messages by %q show others", query)
		}
	}
	if _, body := boss.get("/dashboard/messages?q=Mombasa-and-nothing-else"); !strings.Contains(body, "Nothing matches") {
		t.Error("what nobody sent is found")
	}
	_, body := boss.get("/dashboard/deliveries?q=" + url.QueryEscape("status:failed code:5xx endpoint:"+s.Names["failing"]))
	if !strings.Contains(body, ">CRM</a>") || strings.Contains(body, ">Data warehouse</a>") || !strings.Contains(body, "/attempts/") {
		t.Error("the deliveries of an endpoint are not found")
	}
	if _, csv := boss.get("/dashboard/deliveries/export?format=csv&q=code%3A410"); !strings.HasPrefix(csv, "time,application,") || !strings.Contains(csv, "Old help desk") || strings.Contains(csv, "Billing") {
		t.Errorf("the file holds %.300s", csv)
	}
	if _, csv := boss.get("/dashboard/messages/export?format=ndjson&q=Zanzibar"); strings.Count(csv, "\n") != 1 || !strings.Contains(csv, id) {
		t.Errorf("the file holds %.300s", csv)
	}
}

func TestServerPages_SayByWhichRulesAndWhoIsIn(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss, second := signedIn(t, s, portaltest.Token), signedIn(t, s, portaltest.Token)
	if _, body := boss.get("/dashboard/policies"); !strings.Contains(body, "1 d 3 h") || !strings.Contains(body, "410 Gone") || !strings.Contains(body, "delivery-objective") {
		t.Error("the policies do not say how attempts are repeated")
	}
	if _, body := boss.get("/dashboard/settings"); !strings.Contains(body, "It answers within") || !strings.Contains(body, "this machine alone reaches") || !strings.Contains(body, "master.key") {
		t.Error("the settings do not say how the server is")
	}
	if _, body := boss.get("/dashboard/access"); !strings.Contains(body, "this one") || !strings.Contains(body, "Sign all others out") || !strings.Contains(body, "Backend, production") {
		t.Error("the page does not say who is in")
	}
	if status, body := boss.post("/dashboard/access/end", url.Values{"others": {"yes"}}); status != 200 || !strings.Contains(body, "Signed 1 other browser out") {
		t.Errorf("signing others out answers %d", status)
	}
	if _, body := second.get("/dashboard/settings"); strings.Contains(body, "It answers within") {
		t.Error("the other browser is still signed in")
	}
	for _, session := range []string{"", "x", "0", "12345"} {
		if status, _ := boss.post("/dashboard/access/end", url.Values{"session": {session}}); status != 404 {
			t.Errorf("session %q answers %d", session, status)
		}
	}
	if _, body := boss.get("/dashboard/audit"); !strings.Contains(body, "All other browsers of the operator") {
		t.Error("nobody knows who signed whom out")
	}
}

func TestCustomer_NamesAndMetadataOfProgramsDoNotStandInTheWay(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	boss := signedIn(t, s, portaltest.Token)
	const page = "/dashboard/apps/{app}/customer"
	metadata := map[string]string{"note": "one\ntwo=2"}
	if _, err := s.Service.UpdateApp(context.Background(), s.App.Key, func(a *hookswitch.App) error {
		a.Name, a.Metadata = "Acme \n Sons", metadata
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if status, body := boss.post(page, url.Values{"name": {"Acme"}, "metadata": {"note=one\r\ntwo=2"}}); status != 200 || !strings.Contains(body, "Saved what you know of Acme") {
		t.Errorf("saving answers %d", status)
	}
	if app, err := s.Service.AppByKey(context.Background(), s.App.Key); err != nil || !maps.Equal(app.Metadata, metadata) {
		t.Errorf("the metadata that nobody touched are %v, %v", app, err)
	}
	if _, err := s.Service.UpdateApp(context.Background(), s.App.Key, func(a *hookswitch.App) error {
		a.Name = " Acme \n Sons"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if status, body := boss.post(page+"/delete", url.Values{"confirm": {"Acme Sons"}}); status != 200 || !strings.Contains(body, "Deleted Acme Sons") {
		t.Errorf("deleting by the name that is shown answers %d", status)
	}
}
