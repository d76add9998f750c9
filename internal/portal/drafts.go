package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

var draftsRoutes = []route{
	{in: tenant, method: "GET", path: "/drafts", name: "Drafts", nav: &nav{"Messaging", "edit"}, handle: (*Pages).drafts, samples: []string{"/drafts", "/drafts?status=rejected"}},
	{in: tenant, method: "POST", path: "/drafts/{draft}", name: "Decide on a draft", under: "/drafts", handle: (*Pages).decideDraft},
}

type draftsPage struct {
	*view
	Tabs  []ui.Tab
	Rows  []draftRow
	Blank *ui.Blank
	Pager ui.Pager
}

type draftRow struct {
	ID, Path, Author, Post, Conversation string
	Reply                                ui.Field
	Text                                 string
	Status                               ui.Badge
	Pending                              bool
	Failure                              string
	At                                   time.Time
	Back                                 string // where a decision leads; "": to the list
}

func (v *view) draftRow(d *hookswitch.Draft) draftRow {
	id := v.ID(hookswitch.KindDraft, d.Key)
	row := draftRow{ID: id, Path: v.Page("drafts", id), Author: d.Author, Post: d.PostText, Conversation: v.Page("conversations", v.ID(hookswitch.KindConversation, d.Conversation)), Text: d.Reply, Failure: d.Failure,
		Pending: d.Status == hookswitch.DraftPending, At: d.CreatedAt,
		Reply: ui.Field{ID: "reply-" + id, Name: "reply", Kind: "textarea", Rows: 3, Label: "Answer", Value: d.Reply, Required: true}}
	switch d.Status {
	case hookswitch.DraftPending:
		row.Status = ui.Badge{Tone: ui.Warn, Word: "Waits for approval", Icon: "clock"}
	case hookswitch.DraftApproved:
		row.Status = ui.Badge{Tone: ui.Info, Word: "Approved", Icon: "send"}
	case hookswitch.DraftPosted:
		row.Status = ui.Badge{Tone: ui.Good, Word: "Posted"}
	case hookswitch.DraftRejected:
		row.Status = ui.Badge{Tone: ui.Idle, Word: "Rejected", Icon: "cross"}
	}
	return row
}

func (p *Pages) drafts(v *view) error { return p.showDrafts(v, http.StatusOK, "", "", "") }

func (p *Pages) showDrafts(v *view, status int, id, typed, problem string) error {
	wanted := hookswitch.DraftStatus(v.query("status"))
	switch wanted {
	case "":
		wanted = hookswitch.DraftPending
	case hookswitch.DraftPending, hookswitch.DraftApproved, hookswitch.DraftPosted, hookswitch.DraftRejected:
	default:
		return hookswitch.InvalidField("is no status of a draft", "status")
	}
	at := v.pageAt(hookswitch.KindDraft)
	list, err := p.svc.Drafts(v.ctx(), v.App.Key, wanted, at)
	if err != nil {
		return err
	}
	page := &draftsPage{view: v}
	list, page.Pager = turned(v, hookswitch.KindDraft, list, at, func(d *hookswitch.Draft) hookswitch.Key { return d.Key })
	for _, d := range list {
		row := v.draftRow(d)
		if row.ID == id {
			row.Reply.Value, row.Reply.Problem = typed, problem
		}
		page.Rows = append(page.Rows, row)
	}
	page.Pager.Shown = ui.Plural(len(list), "draft")
	for _, tab := range []struct {
		name   string
		status hookswitch.DraftStatus
	}{{"To approve", hookswitch.DraftPending}, {"Approved", hookswitch.DraftApproved}, {"Posted", hookswitch.DraftPosted}, {"Rejected", hookswitch.DraftRejected}} {
		to := v.Page("drafts")
		if tab.status != hookswitch.DraftPending {
			to += "?status=" + string(tab.status)
		}
		page.Tabs = append(page.Tabs, ui.Tab{Name: tab.name, URL: to, Current: tab.status == wanted})
	}
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "No draft here", Text: "What people write in public is answered in public, and only after somebody has read the answer. Such answers wait here."}
	}
	v.call(http.MethodGet, "/operator/v1/drafts?app="+v.AppID(), "hookswitch draft list --app "+v.AppID())
	return v.write(status, "dashboard/drafts", page)
}

func (p *Pages) decideDraft(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("draft")
	d, err := p.svc.Draft(v.ctx(), v.App.Key, id)
	if err != nil {
		return err
	}
	reply := strings.TrimSpace(strings.ReplaceAll(form.Get("reply"), "\r\n", "\n"))
	do := form.Get("do")
	if (do == "save" || do == "approve") && reply != d.Reply {
		_, err := p.svc.EditDraft(v.ctx(), v.App.Key, id, reply)
		wrong := make(map[string]string)
		if noteFields(err, wrong, map[string]string{"draft_reply": "reply"}) {
			return p.showDrafts(v, http.StatusUnprocessableEntity, id, reply, "The answer "+wrong["reply"]+".")
		}
		if err != nil {
			return err
		}
	}
	text := "Saved the draft. It still waits for approval."
	switch do {
	case "save":
	case "approve":
		if _, err := p.svc.ApproveDraft(v.ctx(), v.App.Key, id); err != nil {
			return err
		}
		text = "Approved the answer to " + d.Author + ". It is posted as soon as the provider takes it."
	case "reject":
		if _, err := p.svc.RejectDraft(v.ctx(), v.App.Key, id); err != nil {
			return err
		}
		text = "Rejected the draft. Nothing is posted."
	default:
		return hookswitch.InvalidField("is none of the things that can be decided", "do")
	}
	back := local(form.Get("back"), v.Base)
	if back == v.Base {
		back = v.Page("drafts")
	}
	return v.done(back, ui.Good, text)
}
