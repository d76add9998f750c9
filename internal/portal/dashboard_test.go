package portal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
)

// visitor is somebody who is signed in to the dashboard, without scripts.
type visitor struct {
	t    *testing.T
	site *portaltest.Site
	http *http.Client
}

func signedIn(t *testing.T, s *portaltest.Site, token string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &visitor{t, s, &http.Client{Jar: jar}}
	if status, body := b.post("/dashboard/login", url.Values{"token": {token}}); status != 200 {
		t.Fatalf("signing in answers %d: %s", status, body)
	}
	return b
}

func (b *visitor) get(path string) (int, string) {
	b.t.Helper()
	status, body, _, err := portaltest.Get(b.http, b.site.URL+b.site.Path(path))
	if err != nil {
		b.t.Fatal(err)
	}
	return status, body
}

func (b *visitor) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.site.URL+b.site.Path(path), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, res.Body); err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

func demonstration(t *testing.T) *portaltest.Site {
	t.Helper()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestDashboard_EveryPageAnswersTheOperator(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	for _, p := range portal.Registry() {
		if p.Area != "dashboard" {
			continue
		}
		status, body := b.get(p.Path)
		if status != 200 || strings.Contains(body, "<script>alert") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s answers %d: %.600s", p.Path, status, body)
		}
	}
}

// in cuts out what follows a text up to another one.
func in(t *testing.T, body, after, before string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, after)
	text, _, found := strings.Cut(rest, before)
	if !ok || !found {
		t.Fatalf("the page has no %q: %.2000s", after, body)
	}
	return text
}

func TestDashboard_AKeySeesItsOwnProjectOnlyAndNothingOfTheOperators(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	_, own, err := s.Service.CreateAPIKey(context.Background(), s.App.Key, hookswitch.APIKey{Name: "own"})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := s.Service.CreateAPIKey(context.Background(), s.Empty.Key, hookswitch.APIKey{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	mine, stranger := signedIn(t, s, own.Reveal()), signedIn(t, s, other.Reveal())
	const app = "/dashboard/apps/{app}"
	for _, path := range []string{app + "/senders/{sender}", app + "/conversations/{conversation}", app + "/calls/{call}", app + "/templates/{template}", app + "/phone", app + "/webhook"} {
		if status, _ := mine.get(path); status != 200 {
			t.Errorf("%s answers %d to a key of the project", path, status)
		}
		if status, _ := stranger.get(path); status != 404 {
			t.Errorf("%s answers %d to a key of another project", path, status)
		}
		// Below the stranger's own project there is nothing of the other one either.
		if strings.Contains(path, "{sender}") || strings.Contains(path, "{conversation}") || strings.Contains(path, "{call}") || strings.Contains(path, "{template}") {
			if status, _ := stranger.get(strings.Replace(path, "{app}", "{empty}", 1)); status != 404 {
				t.Errorf("%s answers %d below another project", path, status)
			}
		}
	}
	for _, path := range []string{"/dashboard/failures", "/dashboard/strays", "/dashboard/strays/{stray}", "/dashboard/queues", "/dashboard/settings", "/dashboard/event-types"} {
		if status, _ := mine.get(path); status != 404 {
			t.Errorf("%s answers %d to a key", path, status)
		}
	}
	if status, body := mine.get(app + "/keys"); status != 403 || strings.Contains(body, "production") {
		t.Errorf("the keys are shown to a key: %d", status)
	}
	if _, body := mine.get(app + "/conversations"); strings.Contains(body, app+"/keys") || strings.Contains(body, ">API keys<") {
		t.Error("the navigation of a key leads to the keys")
	}
	for path, form := range map[string]url.Values{app + "/keys": {"name": {"mine"}}, app + "/templates/{template}/decide": {"do": {"approve"}}, app + "/senders/{sender}/register": {}, app + "/invitations/{inviteid}/decide": {"do": {"fail"}}} {
		if status, _ := mine.post(path, form); status != 403 {
			t.Errorf("POST %s answers %d to a key", path, status)
		}
	}
}

func TestDashboard_SecretsAreShownOnceAndNeverAgain(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	const app = "/dashboard/apps/{app}"
	status, body := b.post(app+"/keys", url.Values{"name": {"<b>fresh</b>"}})
	text := in(t, body, `id="key-text" tabindex="0" role="region" aria-label="API key">`, "</pre>")
	if text = strings.TrimSpace(text); status != 200 || !strings.HasPrefix(text, "zv_live_") || strings.Contains(body, "<b>fresh") {
		t.Errorf("creating a key answers %d and shows %q", status, text)
	}
	if _, err := s.Service.APIKey(context.Background(), text); err != nil {
		t.Errorf("the key that was shown does not count: %v", err)
	}
	if _, again := b.get(app + "/keys"); strings.Contains(again, text) {
		t.Error("the key is shown again")
	}
	_, body = b.post(app+"/senders/{sender}/webhook", url.Values{"do": {"regenerate"}})
	secret := strings.TrimSpace(in(t, body, `aria-label="Signing secret">`, "</pre>"))
	hook, err := s.Service.SenderWithWebhook(context.Background(), s.App.Key, s.Names["sender"])
	if err != nil || hook.Webhook.Secrets[0].Secret.Reveal() != secret {
		t.Errorf("the secret that was shown is not the webhook's: %v", err)
	}
	if _, again := b.get(app + "/senders/{sender}"); strings.Contains(again, secret) {
		t.Error("the secret is shown again")
	}
	if status, body = b.post(app+"/senders/{sender}/webhook", url.Values{"do": {"save"}, "url": {"http://plain.example/x"}, "event": {"message.inbound"}, "version": {"v2"}}); status != 422 || !strings.Contains(body, "http://plain.example/x") {
		t.Errorf("a plain address answers %d, and what was typed is gone", status)
	}
	if _, body := b.get(app + "/senders/{sender}"); strings.Contains(body, "0123456789abcdef0123456789abcdef") {
		t.Error("a credential is shown")
	}
}

func TestDashboard_ConversationsAreTakenOverAnsweredAndHandedBack(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	const conv = "/dashboard/apps/{app}/conversations/{conversation}"
	if _, body := b.post(conv+"/handover", url.Values{"do": {"take"}}); !strings.Contains(body, "The responder is silent") || !strings.Contains(body, "With a person") {
		t.Error("taking over is not shown")
	}
	if status, _ := b.post(conv+"/answer", url.Values{"text": {"  "}}); status != 422 {
		t.Errorf("an empty answer answers %d", status)
	}
	if _, body := b.post(conv+"/answer", url.Values{"text": {"I look into it, <i>Amina</i>."}}); !strings.Contains(body, "Queued the answer for WhatsApp") || !strings.Contains(body, "I look into it, &lt;i&gt;Amina&lt;/i&gt;.") {
		t.Error("the answer is not in the thread")
	}
	key, _ := s.Service.IDs().Parse(hookswitch.KindConversation, s.Names["conversation"])
	list, err := s.Service.Messages(context.Background(), s.App.Key, store.MessageFilter{Conversation: key}, store.Page{Limit: 1})
	if err != nil || !list[0].ByHuman() {
		t.Errorf("the answer is not a person's: %v", err)
	}
	if _, body := b.post(conv+"/handover", url.Values{"do": {"back"}}); !strings.Contains(body, "begins anew") {
		t.Error("handing back is not shown")
	}
	_, body := b.get("/dashboard/apps/{app}/drafts")
	if !strings.Contains(body, "&lt;script&gt;alert(1)") {
		t.Error("the post is not shown as it is")
	}
	draft := in(t, body, `action="/dashboard/apps/`+s.Names["app"]+`/drafts/`, `"`)
	if status, _ := b.post("/dashboard/apps/{app}/drafts/"+draft, url.Values{"do": {"approve"}, "reply": {strings.Repeat("x", 300)}}); status != 422 {
		t.Errorf("a draft that is too long answers %d", status)
	}
	if _, body := b.post("/dashboard/apps/{app}/drafts/"+draft, url.Values{"do": {"approve"}, "reply": {"We are on it."}}); !strings.Contains(body, "Approved the answer") {
		t.Error("approving is not shown")
	}
	if d, err := s.Service.Draft(context.Background(), s.App.Key, draft); err != nil || d.Status != hookswitch.DraftApproved || d.Reply != "We are on it." {
		t.Errorf("the draft is %+v, %v", d, err)
	}
}

func TestDashboard_ThePhoneGoesThroughTheRealDoors(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	_, body := b.post("/dashboard/apps/{app}/phone", url.Values{"route": {s.Names["route"]}, "from": {"+254700000777"}, "text": {"Hello <there>"}})
	if !strings.Contains(body, "Hello &lt;there&gt;") {
		t.Fatalf("the phone does not show what was written: %.3000s", body)
	}
	if _, list := b.get("/dashboard/apps/{app}/conversations"); !strings.Contains(list, "Hello &lt;there&gt;") {
		t.Error("what was written has not come in")
	}
	_, body = b.post("/dashboard/apps/{app}/phone", url.Values{"route": {s.Names["ussdroute"]}, "do": {"dial"}})
	if !strings.Contains(body, "Welcome to Acme.") {
		t.Fatalf("nothing answers the dialled code: %.3000s", body)
	}
	line := in(t, body, `name="line" value="`, `"`)
	_, body = b.post("/dashboard/apps/{app}/phone", url.Values{"route": {s.Names["ussdroute"]}, "line": {line}, "text": {"1"}})
	if !strings.Contains(body, "KES 1,250") || !strings.Contains(body, "The line is closed") {
		t.Errorf("the menu did not answer: %.3000s", body)
	}
	if status, _ := b.post("/dashboard/apps/{empty}/phone", url.Values{"route": {s.Names["route"]}, "text": {"x"}}); status != 404 {
		t.Errorf("the channel of another project answers %d", status)
	}
	if _, body = b.post("/dashboard/apps/{app}/senders/{sender}/simulate", url.Values{"route": {s.Names["route"]}, "kind": {"text"}}); !strings.Contains(body, "The door proved it genuine") {
		t.Error("the simulated event is not answered in words")
	}
	if _, body = b.get("/dashboard/apps/{app}/senders/{sender}"); !strings.Contains(body, "Signature not right") || !strings.Contains(body, "made with another secret") {
		t.Error("the forgeries that were refused are not shown with their cause")
	}
}

func TestDashboard_AChannelWhoseCredentialsAreRefusedNeedsALook(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	if _, body := b.get("/dashboard"); strings.Contains(body, "Channels that send nothing") {
		t.Fatal("a channel needs a look before anything has happened")
	}
	const cause = "190: The session has been invalidated <for good>"
	for _, r := range servicetest.Must(s.Service.Routes(t.Context()))(t) {
		if r.Channel == hookswitch.WhatsApp {
			if err := s.Service.DisableRoute(t.Context(), &r, cause); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]string{"/dashboard": "Channels that send nothing", "/dashboard/apps/{app}/senders": "Disabled", "/dashboard/apps/{app}/senders/{sender}": "set the credentials that are good now"} {
		_, body := b.get(path)
		if !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
		if !strings.HasSuffix(path, "/senders") && !strings.Contains(body, html.EscapeString(cause)) {
			t.Errorf("%s does not say why", path)
		}
	}
}

func TestDashboard_NothingIsSimulatedWhereAnswersWouldReachPeople(t *testing.T) {
	t.Parallel()
	for ch, want := range map[hookswitch.Channel]bool{hookswitch.WhatsApp: false, hookswitch.SMS: false, hookswitch.USSD: true, hookswitch.Voice: true, hookswitch.WebChat: true} {
		setup := service.RouteSetup{Known: true, Receives: true, Route: hookswitch.Route{Channel: ch, Provider: "some"}}
		if got := setup.MaySimulate() == ""; got != want {
			t.Errorf("%s may be simulated: %t", ch, got)
		}
		if setup.Redirected = true; setup.MaySimulate() != "" {
			t.Errorf("%s may not be simulated where a stand-in takes what is sent", ch)
		}
	}
}

func TestDashboard_EventTypesAndStraysAreKept(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	if status, _ := b.post("/dashboard/event-types/new", url.Values{"name": {"bad name"}}); status != 422 {
		t.Errorf("a wrong name answers %d", status)
	}
	if status, body := b.post("/dashboard/event-types/new", url.Values{"name": {"order.paid"}, "schemas": {`{"1": {"type": 7}}`}}); status != 422 || !strings.Contains(body, "order.paid") {
		t.Errorf("a wrong schema answers %d", status)
	}
	if _, body := b.post("/dashboard/event-types/new", url.Values{"name": {"order.paid"}, "description": {"Paid"}, "schemas": {`{"1": {"type": "object", "examples": [{"id": 12500.10}]}}`}}); !strings.Contains(body, "12500.10") {
		t.Error("the example of the new type is not shown as it was written")
	}
	if _, body := b.post("/dashboard/event-types/order.paid", url.Values{"do": {"archive"}}); !strings.Contains(body, "Archived order.paid") {
		t.Error("archiving is not told")
	}
	if _, body := b.post("/dashboard/strays/{stray}/delete", nil); !strings.Contains(body, "Deleted the push") {
		t.Error("deleting is not told")
	}
	if status, _ := b.get("/dashboard/strays/{stray}"); status != 404 {
		t.Errorf("the deleted push answers %d", status)
	}
}

// TestOpenPortalAs_MarksTheOperatorAndOnlyLooksUnlessAskedOtherwise goes into a customer's portal from the dashboard.
func TestOpenPortalAs_MarksTheOperatorAndOnlyLooksUnlessAskedOtherwise(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	if _, body := b.get("/dashboard/apps/{app}"); !strings.Contains(body, "/open\"") {
		t.Error("the customer's page has no way into the portal")
	}
	if _, body := b.get("/dashboard/apps"); !strings.Contains(body, "/open\"") {
		t.Error("the list of customers has no way into their portals")
	}
	enter := func(rights string) url.Values {
		t.Helper()
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		defer func() { b.http.CheckRedirect = nil }()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+s.Path("/dashboard/apps/{app}/open"), strings.NewReader(url.Values{"rights": {rights}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := b.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil || to.IsAbs() || to.Path != "/portal/login" || strings.Contains(to.RawQuery, "key") {
			t.Fatalf("it leads to %q", res.Header.Get("Location"))
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(to.Fragment, "key="))
		if err != nil {
			t.Fatal(err)
		}
		var key struct{ OneTimeToken string }
		if err := json.Unmarshal(text, &key); err != nil {
			t.Fatal(err)
		}
		return url.Values{"token": {key.OneTimeToken}}
	}
	link := enter("look")
	if status, body := b.post("/portal/login", link); status != 200 || !strings.Contains(body, "You are the operator, in the portal of "+s.App.Name+", to look only.") {
		t.Errorf("the portal answers %d and does not say who looks", status)
	}
	if status, _ := b.post("/portal/login", link); status != 401 {
		t.Errorf("the link works again: %d", status)
	}
	if status, _ := b.post("/portal/steps/verified", nil); status != 403 {
		t.Errorf("who only looks changes something: %d", status)
	}
	if _, body := b.get("/portal/activity"); !strings.Contains(body, "Portal opened as the customer") || !strings.Contains(body, "read-only") {
		t.Error("the customer does not see that the operator was there")
	}
	if status, body := b.post("/portal/logout", nil); status != 200 || !strings.Contains(body, "Open portal as this customer") {
		t.Errorf("the way out does not lead back to the dashboard: %d", status)
	}
	if status, body := b.post("/portal/login", enter("all")); status != 200 || !strings.Contains(body, "noted as yours") {
		t.Errorf("the portal answers %d and does not say who looks", status)
	}
	if status, _ := b.post("/portal/steps/verified", nil); status != 200 {
		t.Errorf("who asked for more may not change anything: %d", status)
	}
}

// TestOpenPortalAs_IsTheOperatorsAlone tries it with an API key, and with a session of a caller that is called as the operator's.
func TestOpenPortalAs_IsTheOperatorsAlone(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	_, text, err := s.Service.CreateAPIKey(context.Background(), s.App.Key, hookswitch.APIKey{Name: "Server"})
	if err != nil {
		t.Fatal(err)
	}
	b := signedIn(t, s, text.Reveal())
	for _, path := range []string{"/dashboard/apps/{app}", "/dashboard/apps/{app}/open"} {
		if _, body := b.get(path); strings.Contains(body, "Open the portal</button>") || strings.Contains(body, s.Path(`href="/dashboard/apps/{app}/open"`)) {
			t.Errorf("%s offers the bearer of a key the operator's way in", path)
		}
	}
	if status, _ := b.post("/dashboard/apps/{app}/open", nil); status != 403 {
		t.Errorf("the bearer of a key goes in as the operator: %d", status)
	}
	if _, err := s.Service.OpenPortal(context.Background(), s.App.Key, service.PortalAccess{Session: service.OperatorSession}, service.Idempotency{}); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("a caller's session passes for the operator's: %v", err)
	}
}

// TestOverview_SaysWhatElseNeedsALook has work that nobody does, and a push that had no sender.
func TestOverview_SaysWhatElseNeedsALook(t *testing.T) {
	t.Parallel()
	s := demonstration(t)
	b := signedIn(t, s, portaltest.Token)
	_, body := b.get("/dashboard")
	for _, want := range []string{"Work has been due for ", "A push of meta had no sender, ", "has failed longest"} {
		if !strings.Contains(body, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
	if _, body := b.get("/dashboard/failures"); !strings.Contains(body, `<span class="sub why">`) || !strings.Contains(body, s.Path("/dashboard/apps/{app}/endpoints/")) {
		t.Error("the failures do not say why, or lead to no endpoint")
	}
	if _, body := b.get("/play/{manybin}/send"); !strings.Contains(body, `<h1 id="where">Checkout, staging</h1>`) {
		t.Error("the page for sending on is not called as the bin is")
	}
}
