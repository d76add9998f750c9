package portal_test

import (
	"context"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

func TestAttempt_ItsSignatureIsCheckedByTheDoctor(t *testing.T) {
	t.Parallel()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	v := newTourist(t, s)
	attempt := v.visit(s.Path("/portal/messages/{okevent}/attempts/{okattempt}"))
	if failed := v.visit(s.Path("/portal/messages/{event}/attempts/{attempt}")); !strings.Contains(failed.body, "Signed with the current secret, ") {
		t.Error("an attempt that failed does not say which secret signed it")
	}
	link := regexp.MustCompile(`href="([^"]+)">[^<]*(?:<svg.*?</svg>)? *Check this signature`).FindStringSubmatch(attempt.body)
	if link == nil {
		t.Fatal("the attempt does not lead to the doctor")
	}
	at, err := url.Parse(html.UnescapeString(link[1]))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Service.Endpoint(context.Background(), s.App.Key, s.Names["good"])
	if err != nil {
		t.Fatal(err)
	}
	secret := e.Secrets[0].Secret.Reveal()
	doctor := v.visit(at.RequestURI())
	text := html.UnescapeString(doctor.body)
	for _, want := range []string{"webhook-id: " + s.Names["okevent"], "webhook-signature: v1,", `"profileName":`, "the attempt of", "Put the secret in"} {
		if !strings.Contains(text, want) {
			t.Errorf("the doctor does not have %q", want)
		}
	}
	if doctor.status != 200 || strings.Contains(text, secret) {
		t.Errorf("unasked, it answers %d with the secret: %t", doctor.status, strings.Contains(text, secret))
	}
	fill := regexp.MustCompile(`action="([^"]+/reveal\?[^"]+)"`).FindStringSubmatch(doctor.body)
	if fill == nil {
		t.Fatal("there is no way to put the secret in")
	}
	to, _, _ := strings.Cut(html.UnescapeString(fill[1]), "#")
	if a := v.submit(to, url.Values{}); a.status != 200 || !strings.Contains(html.UnescapeString(a.body), `name="secret" value="`+secret+`"`) || !strings.Contains(html.UnescapeString(a.body), "webhook-id: "+s.Names["okevent"]) {
		t.Errorf("asked for, it answers %d", a.status)
	}
	for path, want := range map[string]int{
		strings.Replace(at.RequestURI(), s.Names["good"], s.Names["failing"], 1):            404, // an attempt at another endpoint
		s.Path("/portal/endpoints/{good}/signing?message={okevent}&attempt=atmpt_none"):     404,
		s.Path("/portal/endpoints/{failing}/signing?message={expired}&attempt={okattempt}"): 404,
	} {
		if a := v.visit(path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	reader := newTourist(t, s)
	l, err := s.Service.OpenPortal(context.Background(), s.App.Key, service.PortalAccess{Capabilities: hookswitch.ViewBase}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	reader.submit("/portal/login", url.Values{"token": {l.OneTime.Reveal()}})
	if a := reader.visit(at.RequestURI()); a.status != 200 || !strings.Contains(a.body, `data-refused="Your access`) || strings.Contains(html.UnescapeString(a.body), secret) {
		t.Errorf("who may only look: %d", a.status)
	}
	if a := reader.submit(to, url.Values{}); a.status != 403 {
		t.Errorf("who may only look asks for the secret: %d", a.status)
	}
}
