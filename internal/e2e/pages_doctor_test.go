package e2e

import (
	"regexp"
	"testing"

	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// TestPages_TheDoctorExaminesAnAttempt goes from an attempt to the doctor: with the secret of the endpoint its signature fits, and of a body that was written anew the doctor says so.
func TestPages_TheDoctorExaminesAnAttempt(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	b := newTab(t)
	b.enterPortal(s, s.App, service.PortalAccess{})
	b.open(s.URL + s.Path("/portal/messages/{okevent}/attempts/{okattempt}"))
	b.until(`document.readyState === "complete"`)
	b.text(`([...document.querySelectorAll("main a")].find(a => a.textContent.includes("Check this signature")).click(), 0)`)
	b.until(`location.pathname.endsWith("/signing") && document.readyState === "complete"`)
	examine := func(want string) {
		t.Helper()
		b.text(`(document.querySelector("#doctor-found").replaceChildren(), document.querySelector("#doctor button[type=submit]").click(), 0)`)
		b.until(`document.querySelector("#doctor-found h3")`)
		if got := b.text(`document.querySelector("#doctor-found").textContent`); !regexp.MustCompile("(?s)" + want).MatchString(got) {
			t.Errorf("the doctor says %q, want %q", got, want)
		}
	}
	examine("What is wrong.*no secret")
	b.text(`([...document.querySelectorAll("main button")].find(a => a.textContent.includes("Put the secret in")).click(), 0)`)
	b.until(`document.readyState === "complete" && document.querySelector("#doctor-secret").value`)
	examine("^It fits")
	b.text(`(document.querySelector("#doctor-body").value = document.querySelector("#doctor-body").value.replaceAll(',"', ',   "'), 0)`)
	examine("What is wrong.*spaces")
	b.shootWhole("doctor-filled")
}
