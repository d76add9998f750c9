package portal

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var accessRoutes = []route{
	{in: appPages, method: "GET", path: "/access", name: "Access", nav: &nav{"Settings", "key"}, handle: (*Pages).access},
	{in: appPages, method: "POST", path: "/access/tokens", name: "Create a token", under: "/access", handle: (*Pages).createToken},
	{in: appPages, method: "POST", path: "/access/end", name: "End access", needs: hookswitch.ManageEndpoint, handle: (*Pages).endAccess},
}

// maxAccess is how many tokens of a kind a page lists.
const maxAccess = 100

// accessRow is a session or a token.
type accessRow struct {
	ID           string
	Name, Detail string
	Rights       string
	Made, Seen   time.Time
	Ends         string
	Current      bool
}

// accessPage lists who and what has access to the App.
type accessPage struct {
	*view
	Sessions, Tokens []accessRow
	Made             string // the text of a token that was just made
	MadeName         string
	Typed            url.Values // the form that was refused
	WrongName        string
	Problems         ui.Problems
	NameField        ui.Field
	Rights, Life     ui.Field
	May              string
}

// rightsWords are what a token may do, in words.
func rightsWords(c hookswitch.Capabilities) string {
	switch {
	case c.Allow(hookswitch.ManageEndpoint) && c.Allow(hookswitch.CreateAttempts):
		return "everything"
	case c.Allow(hookswitch.ManageEndpoint):
		return "change endpoints"
	case c.Allow(hookswitch.CreateAttempts):
		return "look, and send again"
	}
	return "look"
}

// browserWord is a browser in a word or two, from what it says it is.
func browserWord(agent string) string {
	browser, system := "A browser", ""
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}} {
		if strings.Contains(agent, b[0]) {
			browser = b[1]
			break
		}
	}
	for _, s := range [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, s[0]) {
			system = " on " + s[1]
			break
		}
	}
	return browser + system
}

func (p *Pages) access(v *view) error { return p.showAccess(v, http.StatusOK, &accessPage{view: v}) }

func (p *Pages) showAccess(v *view, status int, page *accessPage) error {
	sessions, err := p.svc.Sessions(v.ctx(), v.App.Key, hookswitch.TokenSession, store.Page{Limit: maxAccess})
	if err != nil {
		return err
	}
	tokens, err := p.svc.Sessions(v.ctx(), v.App.Key, hookswitch.TokenPortal, store.Page{Limit: maxAccess})
	if err != nil {
		return err
	}
	for _, t := range sessions {
		row := accessRow{ID: strconv.FormatInt(int64(t.Key), 10), Name: browserWord(t.Agent), Detail: t.Scope, Rights: rightsWords(t.Capabilities), Made: t.CreatedAt, Seen: service.SessionSeen(t), Current: t.Key == v.Session.Key}
		if t.Scope == service.OperatorSession {
			row.Name, row.Detail = "The operator, as this customer", ""
		}
		page.Sessions = append(page.Sessions, row)
	}
	for _, t := range tokens {
		row := accessRow{ID: strconv.FormatInt(int64(t.Key), 10), Name: t.Agent, Detail: t.Scope, Rights: rightsWords(t.Capabilities), Made: t.CreatedAt, Ends: "in " + ui.Span(t.ExpiresAt.Sub(v.Now))}
		if row.Name == "" {
			row.Name = "Made together with a link to the portal"
		}
		page.Tokens = append(page.Tokens, row)
	}
	page.May = v.MayNot("endpoints.write")
	page.NameField = ui.Field{ID: "name", Name: "name", Label: "What is it for?", Value: page.Typed.Get("name"), Problem: page.WrongName, Holder: "Nightly export", Required: true, Autocomplete: "off"}
	choices := []string{"look", "Look"}
	if v.Session.Capabilities.Allow(hookswitch.CreateAttempts) {
		choices = append(choices, "resend", "Look, and send again")
	}
	if v.Session.Capabilities.Allow(hookswitch.ManageEndpoint) {
		choices = append(choices, "all", "Everything that you may")
	}
	page.Rights = ui.Field{ID: "rights", Name: "rights", Label: "It may", Kind: "select", Options: options(cmp.Or(page.Typed.Get("rights"), "look"), choices...)}
	page.Life = ui.Field{ID: "life", Name: "life", Label: "It works for", Kind: "select", Options: options(cmp.Or(page.Typed.Get("life"), "24"), "1", "An hour", "24", "A day", "168", "A week")}
	v.call(http.MethodPost, "/api/v1/auth/app-portal-access/"+v.AppID(), "")
	return v.write(status, "app/access", page)
}

// createToken makes a token and shows it, this once.
func (p *Pages) createToken(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	a := service.AccessToken{Name: strings.TrimSpace(form.Get("name")), Capabilities: hookswitch.ViewBase, Life: 24 * time.Hour}
	switch form.Get("rights") {
	case "resend":
		a.Capabilities |= hookswitch.CreateAttempts
	case "all":
		a.Capabilities = hookswitch.AllCapabilities
	}
	if n, err := strconv.Atoi(form.Get("life")); err == nil && n > 0 && n <= 168 {
		a.Life = time.Duration(n) * time.Hour
	}
	_, text, err := p.svc.CreateAccessToken(v.ctx(), v.App.Key, v.Session, a)
	if hookswitch.KindOf(err) == hookswitch.Invalid {
		problem := "The name " + fieldProblem(err) + "."
		return p.showAccess(v, http.StatusUnprocessableEntity, &accessPage{view: v, Typed: form, WrongName: problem, Problems: ui.Problems{Title: "No token was made", List: []ui.Problem{{Field: "name", Text: problem}}}})
	}
	var full *hookswitch.Error
	if errors.As(err, &full) && full.Kind == hookswitch.Conflict {
		return p.showAccess(v, http.StatusUnprocessableEntity, &accessPage{view: v, Typed: form, Problems: ui.Problems{Title: "No token was made", List: []ui.Problem{{Field: "name", Text: full.Message}}}})
	}
	if err != nil {
		return err
	}
	return p.showAccess(v, http.StatusOK, &accessPage{view: v, Made: text.Reveal(), MadeName: a.Name})
}

// endAccess ends a session or a token, or all sessions.
func (p *Pages) endAccess(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if form.Get("all") != "" {
		if err := p.svc.EndSessions(v.ctx(), v.App.Key, hookswitch.TokenSession); err != nil {
			return err
		}
		if v.Session.Kind == hookswitch.TokenSession {
			v.setCookie(portalCookie, "", -1)
			return seeOther(v.w, portalRoot)
		}
		return v.done(v.Page("access"), ui.Good, "All sessions are ended.")
	}
	n, err := strconv.ParseInt(form.Get("token"), 10, 64)
	if err != nil || n <= 0 {
		return hookswitch.NotFoundf("There is no such session or token.")
	}
	if err := p.svc.EndAccess(v.ctx(), v.App.Key, hookswitch.Key(n)); err != nil {
		return err
	}
	if hookswitch.Key(n) == v.Session.Key {
		v.setCookie(portalCookie, "", -1)
		return seeOther(v.w, portalRoot)
	}
	return v.done(v.Page("access"), ui.Good, "It has no access any more.")
}
