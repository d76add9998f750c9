package portal

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
)

var callsRoutes = []route{
	{in: tenant, method: "GET", path: "/calls", name: "Calls and USSD", nav: &nav{"Messaging", "phone"}, handle: (*Pages).calls, samples: []string{"/calls", "/calls?channel=voice"}},
	{in: tenant, method: "GET", path: "/calls/{call}", name: "Session", under: "/calls", handle: (*Pages).callOf, samples: []string{"/calls/{call}"}},
}

type callsPage struct {
	*view
	Tabs  []ui.Tab
	Rows  []callRow
	Blank *ui.Blank
	Pager ui.Pager
}

type callRow struct {
	Page, Channel, Person, Ours, Entered string
	Direction                            string
	State                                ui.Badge
	Steps                                int
	Took                                 string
	At                                   time.Time
}

func (v *view) callRow(d *hookswitch.Dialogue) callRow {
	row := callRow{Page: v.Page("calls", v.ID(hookswitch.KindDialogue, d.Key)), Channel: channelName(d.Channel), Person: cmp.Or(d.Person(), "number withheld"), Ours: d.Ours(), Entered: d.Text, Steps: d.Steps + 1, At: d.CreatedAt,
		Direction: "Received"}
	if d.Direction == hookswitch.Outbound {
		row.Direction = "Placed"
	}
	row.State, row.Took = callState(d), "–"
	if !d.EndedAt.IsZero() {
		row.Took = ui.Span(d.EndedAt.Sub(d.CreatedAt))
	}
	return row
}

// callState is where a dialogue is, or how it ended.
func callState(d *hookswitch.Dialogue) ui.Badge {
	word := strings.ReplaceAll(d.Status, "-", " ")
	if word != "" {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	switch {
	case d.EndedAt.IsZero():
		return ui.Badge{Tone: ui.Info, Word: "Under way", Icon: "pulse"}
	case d.Status == "completed":
		return ui.Badge{Tone: ui.Good, Word: word}
	case d.Status == "failed" || d.Status == "error":
		return ui.Badge{Tone: ui.Bad, Word: word}
	}
	return ui.Badge{Tone: ui.Warn, Word: cmp.Or(word, "Ended")}
}

func (p *Pages) calls(v *view) error {
	f := store.DialogueFilter{Channel: hookswitch.Channel(v.query("channel"))}
	if f.Channel != "" && f.Channel != hookswitch.USSD && f.Channel != hookswitch.Voice {
		return hookswitch.InvalidField("must be ussd or voice", "channel")
	}
	at := v.pageAt(hookswitch.KindDialogue)
	list, err := p.svc.Dialogues(v.ctx(), v.App.Key, f, at)
	if err != nil {
		return err
	}
	page := &callsPage{view: v}
	list, page.Pager = turned(v, hookswitch.KindDialogue, list, at, func(d *hookswitch.Dialogue) hookswitch.Key { return d.Key })
	for _, d := range list {
		page.Rows = append(page.Rows, v.callRow(d))
	}
	page.Pager.Shown = ui.Plural(len(list), "session or call", "sessions and calls")
	for _, tab := range []struct {
		name string
		ch   hookswitch.Channel
	}{{"All", ""}, {"USSD sessions", hookswitch.USSD}, {"Calls", hookswitch.Voice}} {
		page.Tabs = append(page.Tabs, ui.Tab{Name: tab.name, URL: v.Link("channel", string(tab.ch), "before", "", "after", ""), Current: tab.ch == f.Channel})
	}
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "None yet", Text: "A session is kept from the moment somebody dials a USSD code of yours, a call from when it rings, each with all of its steps.",
			Links: []ui.Action{{Name: "Dial with the simulated phone", URL: v.Page("phone") + "?channel=" + cmp.Or(string(f.Channel), string(hookswitch.USSD)), Icon: "handset"}}}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/sessions"+strings.TrimSuffix("?channel="+string(f.Channel), "?channel="), "hookswitch session list --app "+v.AppID())
	return v.show("dashboard/calls", page)
}

type callPage struct {
	*view
	Call         callRow
	Dialogue     *hookswitch.Dialogue
	USSD         bool
	Steps        []callStep
	Sender       string
	SenderPage   string
	Conversation string
}

type callStep struct {
	Number   int
	Screen   string
	Input    string
	Opens    bool
	Silent   bool
	Answered bool
	Reply    string
	Ends     bool
	Dial     string
	At       time.Time
}

func (p *Pages) callOf(v *view) error {
	d, steps, err := p.svc.Dialogue(v.ctx(), v.App.Key, v.r.PathValue("call"))
	if err != nil {
		return err
	}
	page := &callPage{view: v, Call: v.callRow(d), Dialogue: d, USSD: d.Channel == hookswitch.USSD}
	v.Shell.Title = page.Call.Channel + " with " + page.Call.Person
	v.Shell.Trail = []ui.Link{{Name: "Calls and USSD", URL: v.Page("calls")}}
	for i, s := range steps {
		one := callStep{Number: s.Number + 1, Screen: s.Screen, Input: s.Input, Opens: i == 0 && s.Number == 0, Answered: s.Answered, Reply: s.Reply.Text, Ends: s.Reply.End, Dial: s.Reply.Dial}
		one.Silent = s.Input == "" && !one.Opens
		if s.Message != 0 {
			one.At = s.Message.Time()
		}
		page.Steps = append(page.Steps, one)
	}
	if s, err := p.svc.Sender(v.ctx(), v.App.Key, v.ID(hookswitch.KindSender, d.Sender)); err == nil {
		page.Sender, page.SenderPage = s.Name, v.Page("senders", v.ID(hookswitch.KindSender, s.Key))
	}
	if d.Conversation != 0 {
		page.Conversation = v.Page("conversations", v.ID(hookswitch.KindConversation, d.Conversation))
	}
	id := v.ID(hookswitch.KindDialogue, d.Key)
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/sessions/"+id, "hookswitch session get "+id+" --app "+v.AppID())
	return v.show("dashboard/call", page)
}
