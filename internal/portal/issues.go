package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var issuesRoutes = []route{
	{in: appPages, method: "GET", path: "/issues", name: "Issues", nav: &nav{"", "alert"}, handle: (*Pages).issues, samples: []string{"/issues", "/issues?state=solved"}},
	{in: appPages, method: "GET", path: "/issues/{endpoint}/{cause}", name: "Issue", under: "/issues", handle: (*Pages).issue, samples: []string{"/issues/{failing}/{cause}"}},
	{in: appPages, method: "POST", path: "/issues/{endpoint}/{cause}", name: "Mark an issue", needs: hookswitch.ManageEndpoint, handle: (*Pages).markIssue},
	{in: appPages, method: "POST", path: "/issues/{endpoint}/{cause}/recover", name: "Recover an issue", needs: hookswitch.CreateAttempts, handle: (*Pages).recoverIssue},
}

// issueRow is one issue as the list shows it.
type issueRow struct {
	Title, Endpoint, Page string
	State                 ui.Badge
	Count                 string
	First, Last           time.Time
	More                  bool // there are earlier ones than First
	Note                  string
	Over                  bool
}

func (v *view) issueURL(i *service.Issue) string {
	return v.Page("issues", v.ID(hookswitch.KindEndpoint, i.Endpoint.Key), i.Diagnosis.Code)
}

func (v *view) issueRow(i *service.Issue) issueRow {
	return issueRow{Title: i.Diagnosis.Sentence, Endpoint: endpointName(i.Endpoint), Page: v.issueURL(i), State: issueBadge(i), Count: issueCount(i), First: i.First, Last: i.Last, More: i.More, Note: i.Note, Over: i.Over}
}

func issueBadge(i *service.Issue) ui.Badge {
	switch {
	case i.State == service.IssueSolved:
		return ui.Badge{Tone: ui.Good, Word: "Solved"}
	case i.State == service.IssueMuted:
		return ui.Badge{Tone: ui.Idle, Word: "Muted", Icon: "ban"}
	case i.Over:
		return ui.Badge{Tone: ui.Warn, Word: "Open, quiet now"}
	}
	return ui.Badge{Tone: ui.Bad, Word: "Open"}
}

func issueCount(i *service.Issue) string {
	if i.More {
		return ui.Count(i.Count) + " or more"
	}
	return ui.Count(i.Count)
}

// issuesPage lists issues.
type issuesPage struct {
	*view
	Tabs  []ui.Tab
	Rows  []issueRow
	Blank *ui.Blank
	Days  int
}

func (p *Pages) issues(v *view) error {
	list, err := p.svc.Issues(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	state := service.IssueState(v.query("state"))
	if state != service.IssueSolved && state != service.IssueMuted {
		state = service.IssueOpen
	}
	page := &issuesPage{view: v, Days: service.IssueDays}
	counts := make(map[service.IssueState]int)
	for _, i := range list {
		counts[i.State]++
		if i.State != state {
			continue
		}
		page.Rows = append(page.Rows, v.issueRow(i))
	}
	for _, t := range []struct {
		state service.IssueState
		name  string
	}{{service.IssueOpen, "Open"}, {service.IssueSolved, "Solved"}, {service.IssueMuted, "Muted"}} {
		url := v.Page("issues")
		if t.state != service.IssueOpen {
			url += "?state=" + string(t.state)
		}
		page.Tabs = append(page.Tabs, ui.Tab{Name: t.name, URL: url, Current: t.state == state, Count: strconv.Itoa(counts[t.state])})
	}
	switch {
	case len(page.Rows) > 0:
	case state == service.IssueOpen:
		page.Blank = &ui.Blank{Kind: "empty", Title: "All quiet", Text: "Nothing that failed in the last " + strconv.Itoa(service.IssueDays) + " days waits for a decision."}
	default:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No issue is " + string(state), Text: "What you mark " + string(state) + " stands here.", Links: []ui.Action{{Name: "Open issues", URL: v.Page("issues")}}}
	}
	v.api(http.MethodGet, "/app/"+v.AppID()+"/attempt/endpoint/"+"{endpoint}?status=2", "")
	return v.show("app/issues", page)
}

// issueTry is one of the attempts of an issue.
type issueTry struct {
	Page, Code string
	At         time.Time
	Took       string
}

// issuePage is one issue.
type issuePage struct {
	*view
	Issue    *service.Issue
	Name     string
	Endpoint string // its page
	State    ui.Badge
	Count    string
	Tries    []issueTry
	All      string
	Note     ui.Field
	May      string // why it cannot be marked
	Recover  string // why it cannot be recovered
	Wait     string // how many would be sent
	URL      string
	Problems ui.Problems
}

func (p *Pages) issue(v *view) error { return p.showIssue(v, http.StatusOK, "", "") }

// showIssue shows the page; note is what somebody wrote who is told the problem with it.
func (p *Pages) showIssue(v *view, status int, note, problem string) error {
	i, err := p.svc.Issue(v.ctx(), v.App.Key, v.r.PathValue("endpoint"), v.r.PathValue("cause"))
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindEndpoint, i.Endpoint.Key)
	v.Shell.Title = "Issue at " + endpointName(i.Endpoint)
	v.Shell.Trail = []ui.Link{{Name: "Issues", URL: v.Page("issues")}}
	page := &issuePage{view: v, Issue: i, Name: endpointName(i.Endpoint), Endpoint: v.Page("endpoints", id), State: issueBadge(i), Count: issueCount(i), May: v.MayNot("endpoints.write"), Recover: v.MayNot("messages.resend"),
		All: v.Page("endpoints", id, "deliveries") + "?q=status%3Afailed", URL: v.issueURL(i),
		Note: ui.Field{ID: "note", Name: "note", Label: "Note", Kind: "textarea", Rows: 2, Value: i.Note, Optional: true, Hint: "What is known, who looks after it. Everybody with access to this portal reads it.", Refused: v.MayNot("endpoints.write")}}
	if problem != "" {
		page.Note.Value, page.Note.Problem = note, problem
		page.Problems = ui.Problems{Title: "The note was not kept", List: []ui.Problem{{Field: "note", Text: problem}}}
	}
	for _, a := range i.Newest {
		t := issueTry{Page: v.Page("messages", v.ID(hookswitch.KindEvent, a.Event), "attempts", v.ID(hookswitch.KindAttempt, a.Key)), Code: "no answer", At: a.CreatedAt(), Took: ui.Millis(a.Timings.Total)}
		if a.Code != 0 {
			t.Code = strconv.Itoa(a.Code)
		}
		page.Tries = append(page.Tries, t)
	}
	if i.Endpoint.Disabled {
		page.Recover = "The endpoint is turned off. Resume it first."
	}
	if page.Recover == "" {
		n, err := p.svc.CountRecovery(v.ctx(), hookswitch.TaskRecover, v.App.Key, id, service.Recovery{Since: i.First.Add(-time.Minute)})
		switch {
		case hookswitch.KindOf(err) == hookswitch.Invalid || hookswitch.KindOf(err) == hookswitch.Conflict:
			page.Recover = err.Error()
		case err != nil:
			return err
		case n == 0:
			page.Recover = "Nothing is left to send: what failed since then has got through, or is being tried again by itself."
		}
		page.Wait = ui.Plural(int(n), "message")
	}
	v.api(http.MethodPost, "/app/"+v.AppID()+"/endpoint/"+id+"/recover", "")
	return v.write(status, "app/issue", page)
}

// markIssue says that an issue is solved, is not to be shown, or is open, and keeps a note.
func (p *Pages) markIssue(v *view) error {
	i, err := p.svc.Issue(v.ctx(), v.App.Key, v.r.PathValue("endpoint"), v.r.PathValue("cause"))
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	note, state, sentence := i.Note, i.State, ""
	switch form.Get("do") {
	case "solved":
		state, sentence = service.IssueSolved, "Marked as solved. It opens again by itself when this happens again."
	case "muted":
		state, sentence = service.IssueMuted, "Muted. It is not counted any more, whatever happens."
	case "open":
		state, sentence = service.IssueOpen, "The issue is open."
	case "note":
		note, sentence = strings.TrimSpace(strings.ReplaceAll(form.Get("note"), "\r\n", "\n")), "The note is kept."
	default:
		return hookswitch.InvalidField("must be solved, muted, open or note", "do")
	}
	if err := p.svc.MarkIssue(v.ctx(), v.App.Key, i.Endpoint.Key, i.Diagnosis.Code, state, note); hookswitch.KindOf(err) == hookswitch.Invalid && form.Get("do") == "note" {
		return p.showIssue(v, http.StatusUnprocessableEntity, note, "The note "+fieldProblem(err)+".")
	} else if err != nil {
		return err
	}
	return v.done(v.issueURL(i), ui.Good, sentence)
}

// recoverIssue sends again what failed since the issue began.
func (p *Pages) recoverIssue(v *view) error {
	i, err := p.svc.Issue(v.ctx(), v.App.Key, v.r.PathValue("endpoint"), v.r.PathValue("cause"))
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindEndpoint, i.Endpoint.Key)
	t, err := p.svc.StartRecovery(v.ctx(), hookswitch.TaskRecover, v.App.Key, id, service.Recovery{Since: i.First.Add(-time.Minute)}, service.Idempotency{})
	if hookswitch.KindOf(err) == hookswitch.Invalid || hookswitch.KindOf(err) == hookswitch.Conflict {
		return v.done(v.issueURL(i), ui.Warn, "Nothing is sent: "+err.Error())
	}
	if err != nil {
		return err
	}
	sentence := "Sending again what failed at " + endpointName(i.Endpoint) + " since " + i.First.UTC().Format("2 Jan, 15:04 MST") + "."
	if t.Total > 0 {
		sentence = "Sending " + ui.Plural(int(t.Total), "message") + " again to " + endpointName(i.Endpoint) + "."
	}
	return v.done(v.issueURL(i), ui.Good, sentence, "See the deliveries", v.Page("endpoints", id, "deliveries"))
}
