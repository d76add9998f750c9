package portal

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

// inviteRoot begins the addresses of invitations. What follows is their only secret, so nothing on the page leads away with it.
const inviteRoot = "/invite"

var inviteRoutes = []route{
	{in: open, method: "GET", path: inviteRoot + "/{token}", name: "Connect an account", handle: (*Pages).showInvitation, samples: []string{inviteRoot + "/{invitation}"}},
	{in: open, method: "POST", path: inviteRoot + "/{token}", name: "Connect an account", handle: (*Pages).useInvitation},
}

// Limits of the pages of invitations, on each node.
const (
	inviteRate  = 20 // pages a second, over all visitors
	inviteBurst = 200
	tryEvery    = 3 * time.Second // an attempt to connect, with one invitation
	tryBurst    = 5
	maxTries    = 10_000 // invitations that are remembered for that
	maxEntered  = 2048   // bytes of one field
)

// inviteLimits are how often pages of invitations may be asked for, and each invitation be tried.
type inviteLimits struct {
	pages *rate.Limiter

	mu    sync.Mutex
	tries map[hookswitch.Key]*rate.Limiter
}

func newInviteLimits() *inviteLimits {
	return &inviteLimits{pages: rate.NewLimiter(inviteRate, inviteBurst), tries: make(map[hookswitch.Key]*rate.Limiter)}
}

// try takes one attempt of an invitation, and reports false when there were too many.
func (l *inviteLimits) try(i hookswitch.Key, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.tries[i]
	if b == nil {
		if len(l.tries) >= maxTries {
			clear(l.tries)
		}
		b = rate.NewLimiter(rate.Every(tryEvery), tryBurst)
		l.tries[i] = b
	}
	return b.AllowN(now, 1)
}

// invitePage is what the page of an invitation shows.
type invitePage struct {
	*view
	Invitation *hookswitch.Invitation
	Who        string // whose App it is
	What       string // that is connected
	Expires    string
	Blank      *ui.Blank // in place of everything else
	Failed     bool      // the last attempt
	Entering   bool
	Problems   []ui.Problem
	Fields     []ui.Field
	// What the client enters at Meta, where the messages are proved by an app of their own. It is shown once.
	Callback, VerifyToken string
}

// HasProblems reports whether something entered was wrong.
func (p *invitePage) HasProblems() bool { return len(p.Problems) > 0 }

func errNoInvitation() error {
	return hookswitch.NotFoundf("This invitation does not exist. Check that the address is complete, or ask for a new one.")
}

// invitation is the one that the path names.
func (p *Pages) invitation(v *view) (*hookswitch.Invitation, error) {
	v.Shell.Place, v.Shell.Home, v.Shell.Root, v.Shell.Bare = "Invitation", v.r.URL.Path, "", true
	if !p.invites.pages.AllowN(p.now(), 1) {
		return nil, &hookswitch.Error{Kind: hookswitch.RateLimited, Message: "Many people are here at this moment. Please try again in a few seconds.", RetryAfter: time.Second}
	}
	i, err := p.svc.InvitationByToken(v.ctx(), hookswitch.Secret(v.r.PathValue("token")))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, errNoInvitation()
	}
	return i, err
}

func (p *Pages) showInvitation(v *view) error {
	i, err := p.invitation(v)
	if err != nil {
		return err
	}
	if err := p.svc.ViewInvitation(v.ctx(), i); err != nil {
		return err
	}
	page, err := p.invitePage(v, i, nil)
	if err != nil {
		return err
	}
	return v.show("open/invite", page)
}

func (p *Pages) invitePage(v *view, i *hookswitch.Invitation, entered hookswitch.Credentials) (*invitePage, error) {
	app, err := p.svc.AppByKey(v.ctx(), i.App)
	if err != nil {
		return nil, err
	}
	page := &invitePage{view: v, Invitation: i, Who: app.Name, What: "WhatsApp number", Expires: i.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST"),
		Failed: i.Status == hookswitch.InvitationFailed, Entering: i.Status == hookswitch.InvitationInProgress}
	if i.ConnectionType == hookswitch.ConnectMessenger {
		page.What = "Facebook page"
	}
	switch i.Status {
	case hookswitch.InvitationCompleted:
		name := i.Account.Name
		if name == "" {
			name = "The account"
		}
		page.Blank = &ui.Blank{Title: "This invitation has been used", Text: name + " is connected to " + app.Name + ". There is nothing more to do here; you may close this page."}
	case hookswitch.InvitationExpired:
		page.Blank = &ui.Blank{Kind: "expired", Title: "This invitation has expired", Text: "Ask " + app.Name + " for a new one. Nothing was connected with it."}
	case hookswitch.InvitationCancelled:
		page.Blank = &ui.Blank{Kind: "denied", Title: "This invitation was withdrawn", Text: app.Name + " has cancelled it. If that surprises you, ask them for a new one."}
	}
	page.Fields = inviteFields(i, entered)
	return page, nil
}

// inviteFields are what the client enters, with what was entered before; secrets are entered again.
func inviteFields(i *hookswitch.Invitation, entered hookswitch.Credentials) []ui.Field {
	field := func(name, label, hint, kind string) ui.Field {
		f := ui.Field{ID: name, Name: name, Label: label, Hint: hint, Kind: kind, Required: true, Mono: true, Autocomplete: "off"}
		if kind != "password" {
			f.Value = entered.First(name)
		}
		return f
	}
	var list []ui.Field
	if i.ConnectionType == hookswitch.ConnectMessenger {
		list = append(list, field("page_id", "Page ID", "In the page's About section, under Page transparency.", ""))
	} else {
		if i.PhoneNumberID == "" {
			list = append(list, field("phone_number_id", "Phone number ID", "In WhatsApp Manager or under API Setup of your app; it is not the number itself.", ""))
		}
		list = append(list, field("waba_id", "WhatsApp Business Account ID", "Beside the phone number ID.", ""))
	}
	list = append(list, field("access_token", "Access token", "One that does not expire, of a system user with access to the account. It is kept encrypted and never shown again.", "password"))
	secret := field("app_secret", "App secret", "Only where the token belongs to a Meta app of your own: its secret, under App settings, Basic.", "password")
	secret.Required, secret.Optional = false, true
	return append(list, secret)
}

func (p *Pages) useInvitation(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	i, err := p.invitation(v)
	if err != nil {
		return err
	}
	if !i.Status.Open() {
		return seeOther(v.w, v.r.URL.Path)
	}
	switch form.Get("do") {
	case "start":
		_, err = p.svc.StartInvitation(v.ctx(), i.App, i.Key)
	case "give-up":
		_, err = p.svc.FailInvitation(v.ctx(), i.App, i.Key, hookswitch.FailureCancelled)
	case "connect":
		return p.connectInvitation(v, i, form.Get)
	default:
		return hookswitch.Errorf(hookswitch.Invalid, "The form says nothing that can be done here.")
	}
	if err != nil && hookswitch.KindOf(err) != hookswitch.Invalid { // it has ended meanwhile: the page says how
		return err
	}
	return seeOther(v.w, v.r.URL.Path)
}

func (p *Pages) connectInvitation(v *view, i *hookswitch.Invitation, entered func(string) string) error {
	c := make(hookswitch.Credentials)
	var long hookswitch.Checks
	for _, f := range inviteFields(i, nil) {
		value := strings.TrimSpace(entered(f.Name))
		if len(value) > maxEntered {
			long.Field("is too long", f.Name)
		}
		if value != "" {
			c[f.Name] = []string{value}
		}
	}
	if err := long.Err(); err != nil {
		return p.refuseConnection(v, i, c, err)
	}
	own := c.First("app_secret") != ""
	if i.PhoneNumberID != "" {
		c["phone_number_id"] = []string{i.PhoneNumberID}
	}
	var err error
	if !p.invites.try(i.Key, p.now()) {
		err = &hookswitch.Error{Kind: hookswitch.RateLimited, Message: "That was a little fast. Please wait a few seconds, and try again."}
	}
	if err == nil {
		i, err = p.svc.StartInvitation(v.ctx(), i.App, i.Key)
	}
	if err != nil && hookswitch.KindOf(err) == hookswitch.Invalid {
		return seeOther(v.w, v.r.URL.Path) // it has ended meanwhile
	}
	done, sender := i, (*hookswitch.Sender)(nil)
	if err == nil {
		done, sender, err = p.svc.ConnectInvitation(v.ctx(), i, c)
	}
	if err != nil {
		return p.refuseConnection(v, i, c, err)
	}
	told := p.registered(v, sender)
	if !own || told && sender.Routes[0].Channel == hookswitch.WhatsApp { // a page's messages go where its app says
		return seeOther(v.w, v.r.URL.Path)
	}
	page, err := p.invitePage(v, done, nil)
	if err != nil {
		return err
	}
	page.Callback = p.svc.PublicURL() + "/in/" + v.ID(hookswitch.KindSender, sender.Key) + "/" + string(sender.Routes[0].Channel)
	page.VerifyToken = c.First("verify_token")
	return v.show("open/invite", page)
}

// registered tells the provider where to push what comes for a sender that has just been connected. What fails is left to the operator, who can do it again.
func (p *Pages) registered(v *view, sender *hookswitch.Sender) bool {
	list, err := p.svc.RegisterSender(v.ctx(), sender, "")
	for _, r := range list {
		if err == nil && r.Err != nil {
			err = r.Err
		}
	}
	if err != nil {
		p.log.LogAttrs(v.ctx(), slog.LevelWarn, "register a connected sender", slog.String("sender_id", v.ID(hookswitch.KindSender, sender.Key)), slog.Any("error", err))
	}
	return err == nil && len(list) > 0 && list[0].Registered
}

// refuseConnection shows the form once more, with what is wrong.
func (p *Pages) refuseConnection(v *view, i *hookswitch.Invitation, c hookswitch.Credentials, err error) error {
	var e *hookswitch.Error
	status := http.StatusBadRequest
	switch hookswitch.KindOf(err) {
	case hookswitch.Invalid:
	case hookswitch.Conflict:
		status = http.StatusConflict
	case hookswitch.Unavailable:
		status = http.StatusServiceUnavailable
	case hookswitch.RateLimited:
		status = http.StatusTooManyRequests
	default:
		return err
	}
	if !errors.As(err, &e) {
		return err
	}
	page, err := p.invitePage(v, i, c)
	if err != nil {
		return err
	}
	page.Entering = true
	for _, wrong := range e.Fields {
		name, found := wrong.Path[len(wrong.Path)-1], false
		for n := range page.Fields {
			if f := &page.Fields[n]; f.Name == name {
				f.Problem, found = wrong.Message, true
				page.Problems = append(page.Problems, ui.Problem{Field: f.ID, Text: f.Label + " " + wrong.Message})
			}
		}
		if !found {
			page.Problems = append(page.Problems, ui.Problem{Text: name + " " + wrong.Message})
		}
	}
	if len(e.Fields) == 0 {
		page.Problems = append(page.Problems, ui.Problem{Text: strings.ToUpper(e.Message[:1]) + e.Message[1:]})
	}
	return v.write(status, "open/invite", page)
}
