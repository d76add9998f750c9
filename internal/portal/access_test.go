package portal_test

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestActivity_SaysWhoHasMadeAndEndedAccess(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	made := v.submit("/portal/access/tokens", url.Values{"name": {"Nightly export"}, "rights": {"resend"}, "life": {"24"}})
	if made.status != 200 || !strings.Contains(made.body, "appsk_") {
		t.Fatalf("making a token: %d", made.status)
	}
	id := regexp.MustCompile(`name="token" value="(\d+)"[^>]*>End<span class="hush"> Nightly export`).FindStringSubmatch(made.body)
	if id == nil {
		t.Fatal("the token is not listed")
	}
	if a := v.submit("/portal/access/end", url.Values{"token": {id[1]}}); a.status != 303 {
		t.Errorf("ending it: %d", a.status)
	}
	if a := v.submit("/portal/access/end", url.Values{"token": {id[1]}}); a.status != 404 {
		t.Errorf("ending it again: %d", a.status)
	}
	if a := v.submit(s.Path("/portal/issues/{failing}/{cause}"), url.Values{"do": {"solved"}}); a.status != 303 {
		t.Errorf("marking an issue: %d", a.status)
	}
	page := html.UnescapeString(v.visit("/portal/activity").body)
	for _, want := range []string{"API token created", "API token revoked", "Nightly export", "ViewBase, CreateAttempts", "Issue marked", "solved", "Somebody in the portal"} {
		if !strings.Contains(page, want) {
			t.Errorf("Activity does not say %q", want)
		}
	}
	if only := html.UnescapeString(v.visit("/portal/activity?action=token.ended").body); !strings.Contains(only, "Nightly export") || strings.Contains(only, "ViewBase") {
		t.Error("the filter does not know the action")
	}
	if strings.Contains(page, "appsk_") {
		t.Error("a token stands in Activity")
	}
}

func TestPortal_MayBeReadFromTheRightAndLeaveOutWhatIsRefused(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	if page := v.visit("/portal/endpoints"); strings.Contains(page.body, ` dir="`) || strings.Contains(page.body, " hides") {
		t.Error("unasked, the portal is turned around, or leaves something out")
	}
	if a := v.submit("/dashboard/apps/"+s.Names["app"]+"/appearance", url.Values{"direction": {"rtl"}, "refused": {"hide"}}); a.status != 303 {
		t.Fatalf("saving: %d", a.status)
	}
	if page := v.visit("/portal/endpoints"); !strings.Contains(page.body, `<html lang="en" dir="rtl"`) || !regexp.MustCompile(`<body class="[^"]* hides"`).MatchString(page.body) {
		t.Error("the portal does not look as it was asked for")
	}
	if a := v.submit("/dashboard/apps/"+s.Names["app"]+"/appearance", url.Values{"direction": {"up"}}); a.status != 422 || !strings.Contains(a.body, "must be ltr or rtl") {
		t.Errorf("a direction that there is not: %d", a.status)
	}
	// What is left out is what the session may not do, and what it may do stays.
	reader := newTourist(t, s)
	l, err := s.Service.OpenPortal(context.Background(), s.App.Key, service.PortalAccess{Capabilities: hookswitch.ViewBase}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	reader.submit("/portal/login", url.Values{"token": {l.OneTime.Reveal()}})
	for _, m := range regexp.MustCompile(`data-refused="([^"]+)"`).FindAllStringSubmatch(reader.visit(s.Path("/portal/endpoints/{endpoint}")).body, -1) {
		if !strings.HasPrefix(m[1], "Your access") {
			t.Errorf("refused for the session's rights in other words, which the style sheet does not know: %s", m[1])
		}
	}
}

func TestAccess_TokensAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app := s.app("Acme")
	b := s.browser()
	b.enter(app, service.PortalAccess{Capabilities: hookswitch.ViewBase})
	list, err := s.svc.Sessions(context.Background(), app.Key, hookswitch.TokenSession, store.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range service.MaxAccessTokens - 1 {
		if _, _, err := s.svc.CreateAccessToken(context.Background(), app.Key, list[0], service.AccessToken{Name: "one", Capabilities: hookswitch.ViewBase, Life: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if a := b.submit("/portal/access/tokens", "name=last&rights=look&life=24"); a.status != 200 || !strings.Contains(a.body, "appsk_") {
		t.Fatalf("the last one: %d", a.status)
	}
	if a := b.submit("/portal/access/tokens", "name=more&rights=look&life=24"); a.status != 422 || strings.Contains(a.body, "appsk_") || !strings.Contains(a.body, "No token was made") || !strings.Contains(a.body, "End one first") {
		t.Errorf("one more: %d", a.status)
	}
}

func TestIssues_SayWhereEarlierFailuresWereNotLookedAt(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	page := v.visit("/portal/issues").body
	for row := range strings.SplitSeq(page, "</tr>") {
		if strings.Contains(row, " or more<") != strings.Contains(row, "or earlier") {
			t.Errorf("the row %s", row)
		}
	}
	if !strings.Contains(page, "or earlier") || !strings.Contains(v.visit(s.Path("/portal/issues/{failing}/{cause}")).body, " or earlier<") {
		t.Error("the first failure that was looked at stands there as the first there was")
	}
}

func TestNotes_FitIntoACookieHoweverLongNamesAre(t *testing.T) {
	t.Parallel()
	_, v := openTour(t)
	a := v.submit("/dashboard/apps", url.Values{"name": {strings.Repeat("<&", 4000)}})
	if a.status != 303 {
		t.Fatalf("creating an application answers %d", a.status)
	}
	for _, c := range a.header.Values("Set-Cookie") {
		if len(c) > 4096 {
			t.Errorf("a cookie of %d bytes: %.60s", len(c), c)
		}
	}
	if page := v.visit(a.header.Get("Location")); !strings.Contains(page.body, "Created &lt;&amp;") {
		t.Error("the page does not say what has been made")
	}
}
