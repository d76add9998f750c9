package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var invitationsRoutes = []route{
	{in: tenant, method: "GET", path: "/invitations", name: "Invitations", nav: &nav{"Messaging", "user"}, handle: (*Pages).invitations, samples: []string{"/invitations", "/invitations?status=cancelled"}},
	{in: tenant, method: "POST", path: "/invitations", name: "Invite a client", handle: (*Pages).createInvitation},
	{in: tenant, method: "GET", path: "/invitations/{invitation}", name: "Invitation", under: "/invitations", handle: (*Pages).invitationOf, samples: []string{"/invitations/{inviteid}"}},
	{in: tenant, method: "POST", path: "/invitations/{invitation}/cancel", name: "Cancel the invitation", under: "/invitations", handle: (*Pages).cancelInvitation},
	{in: tenant, method: "POST", path: "/invitations/{invitation}/decide", name: "Decide on an invitation", under: "/invitations", admin: true, handle: (*Pages).decideInvitation},
}

type invitationsPage struct {
	*view
	Tabs     []ui.Tab
	Rows     []invitationRow
	Blank    *ui.Blank
	Pager    ui.Pager
	Fields   []ui.Field
	Problems ui.Problems
}

type invitationRow struct {
	Page, Who, What, Email string
	Status                 ui.Badge
	Why                    string
	Ends                   string
	At                     time.Time
}

func (v *view) invitationRow(i *hookswitch.Invitation) invitationRow {
	row := invitationRow{Page: v.Page("invitations", v.ID(hookswitch.KindInvitation, i.Key)), Who: i.ClientName, Email: i.ClientEmail, What: channelName(i.ConnectionType.Channel()), Why: i.FailureReason, At: i.CreatedAt, Ends: "–"}
	if row.Who == "" {
		row.Who = "A client"
	}
	if i.Status.Open() {
		row.Ends = ui.Ago(i.ExpiresAt, v.Now)
	}
	switch i.Status {
	case hookswitch.InvitationPending:
		row.Status = ui.Badge{Tone: ui.Idle, Word: "Not opened yet", Icon: "clock"}
		if !i.ViewedAt.IsZero() {
			row.Status = ui.Badge{Tone: ui.Info, Word: "Opened", Icon: "user"}
		}
	case hookswitch.InvitationInProgress:
		row.Status = ui.Badge{Tone: ui.Info, Word: "Under way", Icon: "pulse"}
	case hookswitch.InvitationCompleted:
		row.Status = ui.Badge{Tone: ui.Good, Word: "Connected"}
	case hookswitch.InvitationFailed:
		row.Status = ui.Badge{Tone: ui.Bad, Word: "Failed"}
	case hookswitch.InvitationExpired:
		row.Status = ui.Badge{Tone: ui.Idle, Word: "Expired", Icon: "clock"}
	case hookswitch.InvitationCancelled:
		row.Status = ui.Badge{Tone: ui.Idle, Word: "Cancelled", Icon: "cross"}
	}
	return row
}

func (p *Pages) invitations(v *view) error { return p.showInvitations(v, http.StatusOK, nil, nil) }

func (p *Pages) showInvitations(v *view, status int, form, wrong map[string]string) error {
	wanted := hookswitch.InvitationStatus(v.query("status"))
	tabs := []struct {
		name   string
		status hookswitch.InvitationStatus
	}{{"All", ""}, {"Not opened", hookswitch.InvitationPending}, {"Under way", hookswitch.InvitationInProgress}, {"Connected", hookswitch.InvitationCompleted}, {"Failed", hookswitch.InvitationFailed},
		{"Cancelled", hookswitch.InvitationCancelled}, {"Expired", hookswitch.InvitationExpired}}
	page := &invitationsPage{view: v}
	known := false
	for _, tab := range tabs {
		known = known || tab.status == wanted
		page.Tabs = append(page.Tabs, ui.Tab{Name: tab.name, URL: v.Link("status", string(tab.status), "before", "", "after", ""), Current: tab.status == wanted})
	}
	if !known {
		return hookswitch.InvalidField("is no status of an invitation", "status")
	}
	at := v.pageAt(hookswitch.KindInvitation)
	list, err := p.svc.Invitations(v.ctx(), v.App.Key, wanted, at)
	if err != nil {
		return err
	}
	list, page.Pager = turned(v, hookswitch.KindInvitation, list, at, func(i *hookswitch.Invitation) hookswitch.Key { return i.Key })
	for _, i := range list {
		page.Rows = append(page.Rows, v.invitationRow(i))
	}
	page.Pager.Shown = ui.Plural(len(list), "invitation")
	switch {
	case len(list) > 0:
	case wanted != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "None here", Links: []ui.Action{{Name: "All invitations", URL: v.Page("invitations")}}}
	default:
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nobody has been invited yet", Text: "An invitation is a link with which a client of yours connects a WhatsApp number or a page: what they connect becomes a sender here."}
	}
	days := form["days"]
	if days == "" {
		days = strconv.Itoa(hookswitch.DefaultInvitationDays)
	}
	page.Fields = []ui.Field{
		{ID: "client", Name: "client", Label: "Client", Value: form["client"], Problem: wrong["client"], Optional: true, Holder: "Kilimo Traders"},
		{ID: "email", Name: "email", Kind: "email", Label: "Email", Value: form["email"], Problem: wrong["email"], Optional: true, Holder: "owner@kilimo.example"},
		{ID: "type", Name: "type", Kind: "select", Label: "What they connect", Problem: wrong["type"],
			Options: options(form["type"], string(hookswitch.ConnectWhatsApp), "A WhatsApp number", string(hookswitch.ConnectMessenger), "A page on Messenger")},
		{ID: "days", Name: "days", Kind: "number", Label: "Days that the link lives", Value: days, Problem: wrong["days"]},
	}
	fields := make([]*ui.Field, len(page.Fields))
	for i := range page.Fields {
		fields[i] = &page.Fields[i]
	}
	fieldProblems(&page.Problems, "Nobody was invited", wrong, fields...)
	v.call(http.MethodGet, "/operator/v1/invitations?app="+v.AppID(), "hookswitch invitation list --app "+v.AppID())
	return v.write(status, "dashboard/invitations", page)
}

func (p *Pages) createInvitation(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := map[string]string{"client": strings.TrimSpace(form.Get("client")), "email": strings.TrimSpace(form.Get("email")), "type": form.Get("type"), "days": strings.TrimSpace(form.Get("days"))}
	days, err := strconv.Atoi(in["days"])
	if err != nil || days < 1 || days > hookswitch.MaxInvitationDays {
		return p.showInvitations(v, http.StatusUnprocessableEntity, in, map[string]string{"days": "must lie between 1 and " + strconv.Itoa(hookswitch.MaxInvitationDays)})
	}
	i, err := p.svc.CreateInvitation(v.ctx(), v.App.Key, hookswitch.Invitation{ClientName: in["client"], ClientEmail: in["email"], ConnectionType: hookswitch.ConnectionType(in["type"])}, days, service.Idempotency{})
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"clientName": "client", "clientEmail": "email", "connectionType": "type", "expiresInDays": "days"}) {
		return p.showInvitations(v, http.StatusUnprocessableEntity, in, wrong)
	}
	if err != nil {
		return err
	}
	return v.done(v.Page("invitations", v.ID(hookswitch.KindInvitation, i.Key)), ui.Good, "Made the invitation. Give its link to the client.")
}

type invitationPage struct {
	*view
	Row        invitationRow
	Invitation *hookswitch.Invitation
	Path       string
	Link       string
	Steps      []ui.Check
	Sender     string
	SenderPage string
	Senders    []ui.Option
	Refused    string
}

func (p *Pages) invitationOf(v *view) error {
	i, err := p.svc.Invitation(v.ctx(), v.App.Key, v.r.PathValue("invitation"))
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindInvitation, i.Key)
	page := &invitationPage{view: v, Row: v.invitationRow(i), Invitation: i, Path: v.Page("invitations", id), Refused: v.refusedAdmin()}
	v.Shell.Title, v.Shell.Trail = "Invitation of "+page.Row.Who, []ui.Link{{Name: "Invitations", URL: v.Page("invitations")}}
	if i.Status.Open() {
		page.Link = p.svc.InvitationURL(i)
	}
	step := func(name string, at time.Time, open string) {
		c := ui.Check{Name: name, Text: open, Done: !at.IsZero()}
		if c.Done {
			c.Text = ui.Ago(at, v.Now)
		}
		page.Steps = append(page.Steps, c)
	}
	step("Invited", i.CreatedAt, "")
	step("Link opened", i.ViewedAt, "The client has not opened the link.")
	step("Begun", i.StartedAt, "The client has not begun to connect.")
	step("Connected", i.CompletedAt, "Nothing is connected yet.")
	senders, err := p.svc.Senders(v.ctx(), v.App.Key, store.Page{Limit: 200})
	if err != nil {
		return err
	}
	for _, s := range senders {
		ref := v.ID(hookswitch.KindSender, s.Key)
		if s.Key == i.Sender {
			page.Sender, page.SenderPage = s.Name, v.Page("senders", ref)
		}
		page.Senders = append(page.Senders, ui.Option{Value: ref, Name: s.Name})
	}
	v.call(http.MethodGet, "/operator/v1/invitations/"+id+"?app="+v.AppID(), "hookswitch invitation get "+id+" --app "+v.AppID())
	return v.show("dashboard/invitation", page)
}

func (p *Pages) cancelInvitation(v *view) error {
	id := v.r.PathValue("invitation")
	if _, err := p.svc.CancelInvitation(v.ctx(), v.App.Key, id); err != nil {
		return v.refusedBy(err, v.Page("invitations", id))
	}
	return v.done(v.Page("invitations", id), ui.Good, "Cancelled the invitation. Its link opens nothing any more.")
}

func (p *Pages) decideInvitation(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("invitation")
	back := v.Page("invitations", id)
	i, err := p.svc.Invitation(v.ctx(), v.App.Key, id)
	if err != nil {
		return err
	}
	switch form.Get("do") {
	case "complete":
		if form.Get("sender") == "" {
			return v.done(back, ui.Warn, "Choose the sender that was connected.")
		}
		_, s, err := p.svc.CompleteInvitation(v.ctx(), v.App.Key, i.Key, service.Connection{Sender: form.Get("sender"), Provider: "meta"})
		if err != nil {
			return v.refusedBy(err, back)
		}
		return v.done(back, ui.Good, "Completed the invitation with "+s.Name+".")
	case "fail":
		if _, err := p.svc.FailInvitation(v.ctx(), v.App.Key, i.Key, strings.TrimSpace(form.Get("reason"))); err != nil {
			return v.refusedBy(err, back)
		}
		return v.done(back, ui.Good, "Noted that connecting has failed. The client may try again.")
	}
	return hookswitch.InvalidField("must be complete or fail", "do")
}
