package portal

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

var respondersRoutes = []route{
	{in: tenant, method: "GET", path: "/responders", name: "Responders", nav: &nav{"Messaging", "turn"}, handle: (*Pages).responders, samples: []string{"/responders"}},
	{in: tenant, method: "GET", path: "/replies", name: "Reply log", under: "/responders", handle: (*Pages).replies,
		samples: []string{"/replies", "/replies?result=failed", "/replies?sender={ussd}&channel=voice&result=refused"}},
	{in: tenant, method: "GET", path: "/senders/{sender}/responder", name: "Responder", under: "/responders", handle: (*Pages).responder,
		samples: []string{"/senders/{sender}/responder", "/senders/{ussd}/responder", "/senders/{model}/responder", "/senders/{baresender}/responder", "/senders/{baresender}/responder?kind=openai", "/senders/{sender}/responder?kind=http"}},
	{in: tenant, method: "POST", path: "/senders/{sender}/responder", name: "Change the responder", under: "/responders", admin: true, handle: (*Pages).changeResponder},
	{in: tenant, method: "POST", path: "/senders/{sender}/responder/silence", name: "Switch the responder off, or on", under: "/responders", handle: (*Pages).silenceResponder},
	{in: tenant, method: "POST", path: "/senders/{sender}/responder/try", name: "Try the responder", under: "/responders", handle: (*Pages).tryResponder},
}

// kindNames are what responders are, in words.
var kindNames = map[string]string{"openai": "A language model", "http": "A bot of your own", "rules": "Keywords and a menu", "menu": "A menu", "silent": "Nobody, but words that end messages count", "echo": "An echo"}

func kindName(kind string) string { return cmp.Or(kindNames[kind], kind, "Nobody") }

// replySums are what a responder did in the last day.
type replySums struct {
	Asked, Answered, Failed, Refused, Handed int
	TokensIn, TokensOut                      int64
}

func (s *replySums) add(c *store.ReplyCount) {
	s.TokensIn, s.TokensOut = s.TokensIn+c.TokensIn, s.TokensOut+c.TokensOut
	if c.Result != hookswitch.ReplyAgain {
		s.Asked += c.N
	}
	switch c.Result {
	case hookswitch.ReplyAnswered:
		s.Answered += c.N
	case hookswitch.ReplyHandover:
		s.Answered += c.N
		s.Handed += c.N
	case hookswitch.ReplyRefused:
		s.Refused += c.N
	case hookswitch.ReplyFailed:
		s.Failed += c.N
	}
}

// respondersPage is the list of what answers.
type respondersPage struct {
	*view
	Rows  []responderRow
	Blank *ui.Blank
	Note  string
}

type responderRow struct {
	Name, Page, Kind, Model string
	State                   ui.Badge
	Off                     string // the channels on which it is switched off
	replySums
}

// answersBadge says whether a sender's responder answers.
func answersBadge(s *hookswitch.Sender) ui.Badge {
	off := 0
	channels := answerable(s)
	for _, ch := range channels {
		if !s.Answers(ch) {
			off++
		}
	}
	switch {
	case s.Responder.Kind == "":
		return ui.Badge{Tone: ui.Idle, Word: "Nobody answers"}
	case s.Responder.Kind == "silent":
		return ui.Badge{Tone: ui.Idle, Word: "Silent"}
	case off == 0:
		return ui.Badge{Tone: ui.Good, Word: "Answers"}
	case off < len(channels):
		return ui.Badge{Tone: ui.Warn, Word: "Off on some channels", Icon: "ban"}
	}
	return ui.Badge{Tone: ui.Bad, Word: "Switched off", Icon: "ban"}
}

// answerable are the channels on which a sender's responder could answer, or is switched off.
func answerable(s *hookswitch.Sender) (list []hookswitch.Channel) {
	for _, name := range s.Channels() {
		if ch := hookswitch.Channel(name); ch.Valid() {
			list = append(list, ch)
		}
	}
	for _, ch := range s.Silenced {
		if !slices.Contains(list, ch) {
			list = append(list, ch)
		}
	}
	return list
}

func (p *Pages) responders(v *view) error {
	senders, err := p.svc.Senders(v.ctx(), v.App.Key, store.Page{Limit: 1000})
	if err != nil {
		return err
	}
	stats, err := p.svc.ReplyStats(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	sums := make(map[hookswitch.Key]*replySums)
	for i := range stats.Counts {
		c := &stats.Counts[i]
		if sums[c.Sender] == nil {
			sums[c.Sender] = new(replySums)
		}
		sums[c.Sender].add(c)
	}
	page := &respondersPage{view: v}
	if stats.More {
		page.Note = "There was more in the last day than is counted here; the newest is."
	}
	for _, s := range senders {
		row := responderRow{Name: s.Name, Page: v.Page("senders", v.ID(hookswitch.KindSender, s.Key), "responder"), Kind: kindName(s.Responder.Kind), State: answersBadge(s), Off: channelNames(s.Silenced)}
		if e, err := respond.InEffect(s.Responder); err == nil {
			row.Model = cmp.Or(e.Model, hostOf(e.Server))
		}
		if sum := sums[s.Key]; sum != nil {
			row.replySums = *sum
		}
		page.Rows = append(page.Rows, row)
	}
	slices.SortStableFunc(page.Rows, func(a, b responderRow) int { return cmp.Compare(b.Asked, a.Asked) })
	if len(page.Rows) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing to answer for", Text: "A responder answers what people write to a sender. There is no sender yet.", Links: []ui.Action{{Name: "To the senders", URL: v.Page("senders")}}}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/replies", "hookswitch responder log --app "+v.AppID())
	return v.show("dashboard/responders", page)
}

// responderPage is what answers the messages of one sender.
type responderPage struct {
	*view
	Sender   *hookswitch.Sender
	ID       string
	Path     string
	State    ui.Badge
	Kind     string // in effect
	Tiles    []ui.Tile
	Channels []channelSwitch
	Effect   *respond.Effect
	Limits   []limitRow
	Fallback string
	Spoken   string // the apology of calls and sessions
	Flow     bool   // it has a menu
	Refused  string // why it may not be changed
	Form     responderForm
	Problems ui.Problems
	Chat     chat
	Log      []replyRow
}

type channelSwitch struct {
	Channel, Name string
	State         ui.Badge
	Off           bool
	replySums
}

type limitRow struct {
	Channel            string
	Tokens, Characters string
}

// responderPageOf is the page of the responder of the sender that the path names.
func (p *Pages) responderPageOf(v *view) (*responderPage, error) {
	s, err := p.svc.Sender(v.ctx(), v.App.Key, v.r.PathValue("sender"))
	if err != nil {
		return nil, err
	}
	page := &responderPage{view: v, Sender: s, ID: v.ID(hookswitch.KindSender, s.Key), State: answersBadge(s), Kind: s.Responder.Kind, Refused: v.refusedAdmin()}
	page.Path = v.Page("senders", page.ID, "responder")
	v.Shell.Trail = []ui.Link{{Name: "Responders", URL: v.Page("responders")}}
	v.Shell.Title = "Responder of " + excerpt(s.Name, maxShownName)
	if err := page.sums(p); err != nil {
		return nil, err
	}
	if e, err := respond.InEffect(s.Responder); err == nil && e.Kind != "" {
		page.Effect = &e
		page.Fallback = e.Fallback
		for _, ch := range answerable(s) {
			if caps, ok := e.Caps[ch]; ok {
				page.Limits = append(page.Limits, limitRow{channelName(ch), orWord(caps.Tokens, "no limit"), orWord(caps.Characters, "no limit")})
			}
		}
	}
	page.Spoken = s.Dialogue.WithDefaults().Apology
	_, page.Flow = respond.FlowOf(s.Responder)
	list, err := p.svc.Replies(v.ctx(), v.App.Key, store.ReplyFilter{Sender: s.Key}, store.Page{Limit: 10})
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		page.Log = append(page.Log, v.replyRow(r, ""))
	}
	page.Chat = page.newChat(nil)
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/senders/"+page.ID+"/responder", "hookswitch responder get "+page.ID+" --app "+v.AppID())
	return page, nil
}

func orWord(n int, none string) string {
	if n == 0 {
		return none
	}
	return ui.Count(n)
}

// sums fills in what it did in the last day.
func (page *responderPage) sums(p *Pages) error {
	stats, err := p.svc.ReplyStats(page.ctx(), page.App.Key)
	if err != nil {
		return err
	}
	half, most, n, err := p.svc.ReplyTimes(page.ctx(), page.App.Key, page.Sender.Key)
	if err != nil {
		return err
	}
	var all replySums
	for _, ch := range answerable(page.Sender) {
		row := channelSwitch{Channel: string(ch), Name: channelName(ch), Off: slices.Contains(page.Sender.Silenced, ch), State: ui.Badge{Tone: ui.Good, Word: "Answers"}}
		switch {
		case row.Off:
			row.State = ui.Badge{Tone: ui.Bad, Word: "Switched off", Icon: "ban"}
		case page.Sender.Responder.Kind == "":
			row.State = ui.Badge{Tone: ui.Idle, Word: "Nobody answers"}
		}
		for i := range stats.Counts {
			if c := &stats.Counts[i]; c.Sender == page.Sender.Key && c.Channel == ch {
				row.add(c)
			}
		}
		page.Channels = append(page.Channels, row)
	}
	for i := range stats.Counts {
		if c := &stats.Counts[i]; c.Sender == page.Sender.Key {
			all.add(c)
		}
	}
	log := page.Page("replies") + "?sender=" + page.ID
	times := ui.Tile{Name: "Time for an answer", Value: "–", Note: "none in the last 24 h"}
	if n > 0 {
		times.Value, times.Note = ui.Millis(half), "95 of 100 within "+ui.Millis(most)
	}
	failed := ui.Tile{Name: "Failed", Value: ui.Count(all.Failed), Note: "the fallback was said", URL: log + "&result=failed"}
	if all.Failed > 0 {
		failed.Tone = ui.Bad
	}
	page.Tiles = []ui.Tile{{Name: "Asked, 24 h", Value: ui.Count(all.Asked), Note: ui.Count(all.Answered) + " answered", URL: log}, times, failed,
		{Name: "Refused", Value: ui.Count(all.Refused), Note: "by the model", URL: log + "&result=refused"}, {Name: "Handed over", Value: ui.Count(all.Handed), Note: "to a person", URL: log + "&result=handover"},
		{Name: "Tokens, 24 h", Value: ui.Count(all.TokensIn + all.TokensOut), Note: ui.Count(all.TokensIn) + " in, " + ui.Count(all.TokensOut) + " out"}}
	return nil
}

func (p *Pages) responder(v *view) error {
	page, err := p.responderPageOf(v)
	if err != nil {
		return err
	}
	kind := cmp.Or(v.query("kind"), page.Kind)
	if kind != "" && !slices.Contains(respond.Kinds(), kind) {
		return hookswitch.InvalidField("must be one of "+strings.Join(respond.Kinds(), ", "), "kind")
	}
	page.Form = newResponderForm(page, kind, nil)
	return v.show("dashboard/responder", page)
}

// changeResponder saves what a form says, or removes the responder.
func (p *Pages) changeResponder(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page, err := p.responderPageOf(v)
	if err != nil {
		return err
	}
	if form.Get("do") == "remove" {
		if _, err := p.svc.ChangeResponder(v.ctx(), v.App.Key, page.ID, hookswitch.ResponderConfig{}); err != nil {
			return err
		}
		return v.done(page.Path, ui.Good, "Took the responder away. Nobody answers by itself from now on.")
	}
	kind := form.Get("kind")
	if !slices.Contains(respond.Kinds(), kind) {
		return hookswitch.InvalidField("must be one of "+strings.Join(respond.Kinds(), ", "), "kind")
	}
	page.Form = newResponderForm(page, kind, form)
	wrong := make(map[string]string)
	cfg, ok := page.Form.config(page.Sender.Responder, form, wrong)
	if ok {
		_, err = p.svc.ChangeResponder(v.ctx(), v.App.Key, page.ID, cfg)
		ok = !page.Form.note(err, wrong)
	}
	if !ok {
		page.Form.problems(&page.Problems, wrong)
		return v.write(http.StatusUnprocessableEntity, "dashboard/responder", page)
	}
	if err != nil {
		return err
	}
	return v.done(page.Path, ui.Good, "Saved. The next message is answered so.")
}

func (p *Pages) silenceResponder(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	ch, off := hookswitch.Channel(form.Get("channel")), form.Get("do") == "off"
	s, err := p.svc.SilenceResponder(v.ctx(), v.App.Key, v.r.PathValue("sender"), ch, off)
	if err != nil {
		return err
	}
	text := "Switched the responder on again on " + channelName(ch) + ". It answers the next message."
	if off {
		text = "Switched the responder off on " + channelName(ch) + ". People are heard, and nobody answers by itself."
		if ch == hookswitch.USSD || ch == hookswitch.Voice {
			text = "Switched the responder off on " + channelName(ch) + ". Who dials is told that the service is not available."
		}
	}
	return v.done(v.Page("senders", v.ID(hookswitch.KindSender, s.Key), "responder"), ui.Good, text)
}

// replyRow is one time that a responder was asked.
type replyRow struct {
	Clock                   template.HTML
	Sender, Channel, Result string
	State                   ui.Badge
	Page                    string // of the conversation or session; "": there is none
	What                    string
	Took, In, Out           string
	Tokens                  bool // the server has told how many
	Model, Kind             string
	Try                     int
	Problem                 string
}

// resultBadges are what becomes of asking a responder.
var resultBadges = map[hookswitch.ReplyResult]ui.Badge{hookswitch.ReplyAnswered: {Tone: ui.Good, Word: "Answered"}, hookswitch.ReplySilent: {Tone: ui.Idle, Word: "Said nothing"},
	hookswitch.ReplyHandover: {Tone: ui.Info, Word: "Handed over", Icon: "user"}, hookswitch.ReplyRefused: {Tone: ui.Warn, Word: "Refused", Icon: "ban"},
	hookswitch.ReplyDropped: {Tone: ui.Idle, Word: "Not said"}, hookswitch.ReplyAgain: {Tone: ui.Warn, Word: "Asked again", Icon: "turn"}, hookswitch.ReplyFailed: {Tone: ui.Bad, Word: "Failed"}}

func (v *view) replyRow(r *hookswitch.ReplyRecord, sender string) replyRow {
	row := replyRow{Clock: v.Clock(r.At()), Sender: sender, Channel: channelName(r.Channel), State: resultBadges[r.Result], Took: ui.Millis(r.Use.Took), Model: r.Use.Model, Kind: kindName(r.Use.Kind), Try: r.Try, Problem: r.Problem,
		Tokens: r.Use.TokensIn+r.Use.TokensOut > 0, In: orWord(r.Use.TokensIn, "–"), Out: orWord(r.Use.TokensOut, "–"), What: "conversation"}
	switch {
	case r.Dialogue != 0:
		row.Page, row.What = v.Page("calls", v.ID(hookswitch.KindDialogue, r.Dialogue)), "session"
	case r.Conversation != 0:
		row.Page = v.Page("conversations", v.ID(hookswitch.KindConversation, r.Conversation))
		if r.Message != 0 {
			row.Page += "#" + v.ID(hookswitch.KindMessage, r.Message)
		}
	}
	return row
}

// repliesPage is the log of what responders were asked for.
type repliesPage struct {
	*view
	Filter ui.Filter
	Rows   []replyRow
	Blank  *ui.Blank
	Pager  ui.Pager
}

func (p *Pages) replies(v *view) error {
	f := store.ReplyFilter{Channel: hookswitch.Channel(v.query("channel")), Result: hookswitch.ReplyResult(v.query("result"))}
	if f.Channel != "" && !f.Channel.Valid() {
		return hookswitch.InvalidField("is no channel", "channel")
	}
	if _, known := resultBadges[f.Result]; f.Result != "" && !known {
		return hookswitch.InvalidField("is no result", "result")
	}
	senders, err := p.sendersBy(v)
	if err != nil {
		return err
	}
	chosen := v.query("sender")
	from := []ui.Option{{Name: "Any sender", Chosen: chosen == ""}}
	for key, s := range senders {
		id := v.ID(hookswitch.KindSender, key)
		from = append(from, ui.Option{Value: id, Name: excerpt(s.Name, maxShownName), Chosen: id == chosen})
		if id == chosen {
			f.Sender = key
		}
	}
	if chosen != "" && f.Sender == 0 {
		return hookswitch.NotFoundf("There is no such sender.")
	}
	slices.SortFunc(from[1:], func(a, b ui.Option) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	at := v.pageAt(hookswitch.KindTask)
	list, err := p.svc.Replies(v.ctx(), v.App.Key, f, at)
	if err != nil {
		return err
	}
	page := &repliesPage{view: v}
	v.Shell.Trail = []ui.Link{{Name: "Responders", URL: v.Page("responders")}}
	list, page.Pager = turned(v, hookswitch.KindTask, list, at, func(r *hookswitch.ReplyRecord) hookswitch.Key { return r.Key })
	for _, r := range list {
		name := ""
		if s := senders[r.Sender]; s != nil {
			name = s.Name
		}
		page.Rows = append(page.Rows, v.replyRow(r, name))
	}
	page.Pager.Shown = ui.Plural(len(list), "time", "times")
	results := []ui.Option{{Name: "Any result", Chosen: f.Result == ""}}
	for _, r := range hookswitch.ReplyResults {
		results = append(results, ui.Option{Value: string(r), Name: resultBadges[r].Word, Chosen: r == f.Result})
	}
	here := v.Page("replies")
	page.Filter = ui.Filter{Action: here, Target: "replies", NoText: true, Clear: here, Fields: []ui.Field{{ID: "sender", Name: "sender", Label: "Sender", Kind: "select", Options: from},
		{ID: "channel", Name: "channel", Label: "Channel", Kind: "select", Options: channelOptions(string(f.Channel))}, {ID: "result", Name: "result", Label: "Result", Kind: "select", Options: results}}}
	for _, c := range []struct{ param, name, value string }{{"sender", "sender", nameOfSender(senders[f.Sender])}, {"channel", "channel", nameIf(f.Channel)}, {"result", "result", strings.ToLower(resultBadges[f.Result].Word)}} {
		if c.value != "" {
			page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: c.name, Value: c.value, Without: v.Link(c.param, "", "before", "", "after", "")})
		}
	}
	switch {
	case len(list) > 0:
	case len(page.Filter.Chips) > 0:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "Nothing matches", Links: []ui.Action{{Name: "Clear the conditions", URL: here}}}
	default:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No responder was asked yet", Text: "Each time that one is asked is kept here, with how long it took and what it cost, and without what anybody said."}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/replies", "hookswitch responder log --app "+v.AppID())
	return v.show("dashboard/replies", page)
}

func nameOfSender(s *hookswitch.Sender) string {
	if s == nil {
		return ""
	}
	return excerpt(s.Name, maxShownName)
}

func nameIf(ch hookswitch.Channel) string {
	if ch == "" {
		return ""
	}
	return channelName(ch)
}
