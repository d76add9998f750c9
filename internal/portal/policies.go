package portal

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var policiesRoutes = []route{
	{in: operator, method: "GET", path: "/policies", name: "Policies", nav: &nav{"Server", "edit"}, handle: (*Pages).policies},
}

// policiesPage is by which rules the server acts, in words.
type policiesPage struct {
	*view
	Manners []mannerPart
	Groups  []policyGroup
}

// mannerPart is one manner of delivering.
type mannerPart struct {
	ID, Name, For, Signed string
	Tries                 []policyTry
	Span                  string
	Rules                 []pair
}

// policyTry is one attempt of a schedule: how long after the failure before it, and how long after the first attempt.
type policyTry struct {
	Number      int
	After, From string
}

type policyGroup struct {
	ID, Name string
	Rows     []policyRow
}

type policyRow struct {
	Name, Value, Text string
	Setting           string // that says so; "": it is fixed
	Page              string
	Set               bool // it was set, and is not as it comes
}

// setting is the value of a setting in effect, and whether it was set.
func (p *Pages) setting(name string) (value string, set bool) {
	for _, s := range p.Settings {
		if s.Name == name {
			return s.Value, s.Source != "default"
		}
	}
	return "", false
}

func (p *Pages) policies(v *view) error {
	page := &policiesPage{view: v}
	page.Manners = []mannerPart{
		mannerOf("endpoints", "Endpoints of applications", "What the Svix-shaped API and the portal make.", "svix-* and webhook-* headers, HMAC-SHA256 or ed25519 (Standard Webhooks)", p.svc.Profile(hookswitch.ProfileSvix)),
		mannerOf("webhooks", "Webhooks of senders and projects", "What the Zavu-shaped API makes.", "X-Zavu-Signature, HMAC-SHA256 over time and body", p.svc.Profile(hookswitch.ProfileZavu)),
	}
	group := func(id, name string, rows ...policyRow) {
		for i := range rows {
			r := &rows[i]
			if r.Setting == "" {
				continue
			}
			value, set := p.setting(r.Setting)
			if r.Value == "" {
				r.Value = value
			}
			if r.Value == "" {
				r.Value = "none"
			}
			r.Set, r.Page = set, dashboardRoot+"/settings?q="+r.Setting
		}
		page.Groups = append(page.Groups, policyGroup{id, name, rows})
	}
	kept := "for ever"
	if keep := p.svc.Retention(); keep > 0 {
		kept = ui.Span(keep)
	}
	group("kept", "How long things are kept",
		policyRow{Name: "Events, attempts, receipts and files", Value: kept, Text: "A message can ask for less. What is older is removed within minutes, and what was still owed then is ended.", Setting: "retention"},
		policyRow{Name: "Who did what", Value: ui.Span(service.ActivityRetention), Text: "With the chain that shows changes."},
		policyRow{Name: "Pushes kept aside", Value: ui.Span(service.StrayRetention), Text: "Genuine pushes that belonged to no sender."},
		policyRow{Name: "Tasks that have ended", Value: ui.Span(service.TaskRetention), Text: "Recoveries, purges and counts."},
		policyRow{Name: "Play bins", Value: ui.Span(service.BinLife), Text: "Bins with a name: " + ui.Span(service.NamedBinLife) + " after the last request."},
		policyRow{Name: "What deleted applications had", Value: ui.Span(store.DeletedFor), Text: "Then it is removed, in small pieces."})
	group("rates", "Limits",
		policyRow{Name: "Requests at the same time", Setting: "max-in-flight", Text: "Others are told to come back."},
		policyRow{Name: "Requests a minute, Zavu-shaped API", Setting: "zavu-rate-limit", Text: "Of each project."},
		policyRow{Name: "Requests a second, Travtus-shaped API", Setting: "travtus-rate", Text: "Of each application."},
		policyRow{Name: "Payload of an event", Setting: "max-payload", Text: "Larger ones are refused."},
		policyRow{Name: "Deliveries a second", Value: "as set", Text: "Of each application and each endpoint; without a rate, as many as the endpoint takes. The number of attempts at once adapts to how fast it answers."})
	group("reach", "What deliveries may reach",
		policyRow{Name: "Private networks", Setting: "allow-networks", Text: "The address is checked when it is dialled, for every call that goes out. Other private, loopback and link-local addresses are refused."},
		policyRow{Name: "Redirects", Value: "not followed", Text: "They count as failures, and the diagnosis names the address."},
		policyRow{Name: "Providers called elsewhere", Setting: "provider-base-urls", Text: "For simulators and proxies."},
		policyRow{Name: "Who may frame the portal", Setting: "portal-frame-ancestors", Text: "Besides those that an application names itself."})
	group("aims", "Aims",
		policyRow{Name: "Attempts that are to succeed", Value: first(p, "delivery-objective") + " %", Setting: "delivery-objective", Text: "The error budget of the overview is measured by it."},
		policyRow{Name: "Webhooks that choose no signature version", Setting: "zavu-signature-profile", Text: "How those of senders and projects are signed."})
	v.call(http.MethodGet, "/operator/v1/settings", "")
	return v.show("dashboard/policies", page)
}

// first is the value of a setting.
func first(p *Pages, name string) string {
	value, _ := p.setting(name)
	return value
}

func mannerOf(id, name, what, signed string, m hookswitch.Profile) mannerPart {
	part := mannerPart{ID: id, Name: name, For: what, Signed: signed, Span: ui.Span(m.Span())}
	part.Tries = []policyTry{{1, "at once", "–"}}
	var from time.Duration
	for i, w := range m.Waits {
		from += w
		part.Tries = append(part.Tries, policyTry{i + 2, ui.Span(w), ui.Span(from)})
	}
	add := func(name, value string) { part.Rules = append(part.Rules, pair{name, value}) }
	add("An attempt takes at most", ui.Span(m.Timeout))
	if m.Jitter > 0 {
		add("Waits vary by", strconv.Itoa(int(m.Jitter*100+0.5))+" % in both directions")
	} else {
		add("Waits vary by", "nothing")
	}
	add("Retry-After", map[bool]string{true: "moves the next attempt to between one and two times the wait", false: "does not count"}[m.RetryAfter])
	add("410 Gone", map[bool]string{true: "turns the endpoint off", false: "is a failure like others"}[m.GoneDisables])
	switch {
	case m.DisableAfter > 0:
		add("Is turned off", "when nothing but failures has come for "+ui.Span(m.DisableAfter))
	default:
		add("Is turned off", "never by itself")
	}
	add("Signed with", signed)
	return part
}
