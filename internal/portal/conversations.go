package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var conversationsRoutes = []route{
	{in: tenant, method: "GET", path: "/conversations", name: "Conversations", nav: &nav{"Messaging", "message"}, handle: (*Pages).conversations,
		samples: []string{"/conversations", "/conversations?state=human", "/conversations?q=Nakuru&state=waiting", "/conversations?q=nothing-like-it"}},
	{in: tenant, method: "GET", path: "/conversations/{conversation}", name: "Conversation", under: "/conversations", handle: (*Pages).conversation,
		samples: []string{"/conversations/{conversation}", "/conversations/{handed}"}},
	{in: tenant, method: "POST", path: "/conversations/{conversation}/handover", name: "Take over, or hand back", under: "/conversations", handle: (*Pages).handOver},
	{in: tenant, method: "POST", path: "/conversations/{conversation}/answer", name: "Answer", under: "/conversations", handle: (*Pages).answer},
}

// conversationsPage is the list of conversations.
type conversationsPage struct {
	*view
	Tabs   []ui.Tab
	Filter ui.Filter
	Rows   []conversationRow
	Blank  *ui.Blank
	Pager  ui.Pager
	Note   string
}

type conversationRow struct {
	Page, Who, Channels, Sender string
	Last                        string
	Ours                        bool
	At                          time.Time
	State                       ui.Badge
	Waiting                     string
	Late                        bool
	Unread                      int
}

// late is how long a person may wait for a person before the list says so.
const late = 5 * time.Minute

// personName is who a contact is, as far as it is known.
func personName(c *hookswitch.Contact, m *hookswitch.Message) string {
	if c != nil && c.Name != "" {
		return excerpt(c.Name, maxShownName)
	}
	if c != nil && len(c.Identifiers) > 0 {
		return c.Identifiers[0].Value
	}
	if m != nil {
		if m.Direction == hookswitch.Inbound {
			return excerpt(cmp.Or(m.ProfileName, m.From), maxShownName)
		}
		return m.To
	}
	return "Somebody"
}

func stateOf(c *hookswitch.Conversation, responder bool) ui.Badge {
	switch {
	case c.Handover:
		return ui.Badge{Tone: ui.Warn, Word: "With a person", Icon: "user"}
	case responder:
		return ui.Badge{Tone: ui.Good, Word: "With the responder", Icon: "turn"}
	}
	return ui.Badge{Tone: ui.Idle, Word: "No responder"}
}

// conversationStates are the states that conversations are narrowed to, by the words in the URL.
var conversationStates = []string{"", "Any state", "human", "With a person", "bot", "Not with a person", "waiting", "Waits for an answer", "unread", "Unread", "failed", "Last message failed"}

// conversationSearch is what the page's URL asks for.
func (v *view) conversationSearch() (what store.ConversationSearch, err error) {
	what.Text, what.Channel = strings.TrimSpace(v.query("q")), hookswitch.Channel(v.query("channel"))
	if what.Channel != "" && !what.Channel.Valid() {
		return what, hookswitch.InvalidField("is no channel", "channel")
	}
	switch v.query("state") {
	case "":
	case "human":
		what.Handover = true
	case "bot":
		what.Bot = true
	case "waiting":
		what.Waiting = true
	case "unread":
		what.Unread = true
	case "failed":
		what.Last = hookswitch.StatusFailed
	default:
		return what, hookswitch.InvalidField("must be human, bot, waiting, unread or failed", "state")
	}
	return what, nil
}

func (p *Pages) conversations(v *view) error {
	what, err := v.conversationSearch()
	if err != nil {
		return err
	}
	text, state, channel := what.Text, v.query("state"), v.query("channel")
	page := &conversationsPage{view: v}
	at := v.pageAt(hookswitch.KindMessage)
	list, stopped, err := p.svc.SearchThreads(v.ctx(), v.App.Key, what, at)
	if err != nil {
		return err
	}
	list, page.Pager = turned(v, hookswitch.KindMessage, list, at, func(t *service.Thread) hookswitch.Key { return t.At })
	if stopped != 0 && !at.Ascending && page.Pager.Older == "" {
		page.Pager.Older = v.Link("before", v.ID(hookswitch.KindMessage, stopped), "after", "")
		page.Note = "Looking took too long to look at all of them. Older ones are on the next page."
	}
	senders, err := p.sendersBy(v)
	if err != nil {
		return err
	}
	for _, t := range list {
		row := conversationRow{Page: v.Page("conversations", v.ID(hookswitch.KindConversation, t.Key)), Who: personName(t.Contact, t.Last), Channels: channelNames(t.Channels), Unread: t.Unread, At: t.At.Time()}
		s := senders[t.Conversation.Sender]
		if s != nil {
			row.Sender = s.Name
		}
		row.State = stateOf(t.Conversation, s != nil && s.Responder.Kind != "")
		if t.Last != nil {
			row.Ours = t.Last.Direction == hookswitch.Outbound
			row.Last = cmp.Or(excerpt(t.Last.Text, 90), "["+t.Last.Type+"]")
			if !row.Ours {
				row.Waiting, row.Late = v.since(t.Last.CreatedAt), t.Handover && v.Now.Sub(t.Last.CreatedAt) > late
			}
		}
		page.Rows = append(page.Rows, row)
	}
	page.Pager.Shown = ui.Plural(len(list), "conversation")
	for _, tab := range [][2]string{{"", "All"}, {"human", "With a person"}, {"waiting", "Waiting"}} {
		page.Tabs = append(page.Tabs, ui.Tab{Name: tab[1], URL: v.Link("state", tab[0], "before", "", "after", ""), Current: state == tab[0]})
	}
	page.Filter = ui.Filter{Action: v.Page("conversations"), Target: "conversations", Label: "Search conversations", Text: text, Holder: "Name, number, or words that were said", Clear: v.Page("conversations"),
		Fields: []ui.Field{{ID: "channel", Name: "channel", Label: "Channel", Kind: "select", Options: channelOptions(channel)},
			{ID: "state", Name: "state", Label: "State", Kind: "select", Options: options(state, conversationStates...)}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: text, Without: v.Link("q", "", "before", "", "after", "")})
	}
	if channel != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "channel", Value: channelName(what.Channel), Without: v.Link("channel", "", "before", "", "after", "")})
	}
	if i := slices.Index(conversationStates, state); state != "" && i >= 0 {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "state", Value: strings.ToLower(conversationStates[i+1]), Without: v.Link("state", "", "before", "", "after", "")})
	}
	switch {
	case len(list) > 0:
	case page.Pager.Older != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "None among the newest", Text: "Looking took too long to look at all of them.", Links: []ui.Action{{Name: "Go on with older ones", URL: page.Pager.Older}}}
	case text != "" || channel != "" || state != "" && state != "human":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No conversation matches", Text: "Every person and every message was looked at.", Links: []ui.Action{{Name: "Clear the conditions", URL: v.Page("conversations")}}}
	case state == "human":
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nobody waits for a person", Text: "Conversations come here when somebody takes them over, or when the responder hands them over."}
	default:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No conversation yet", Text: "A conversation begins when somebody writes to one of your senders, or is written to.", Links: []ui.Action{{Name: "Write with the simulated phone", URL: v.Page("phone") + "?channel=" + cmp.Or(channel, string(hookswitch.WhatsApp)), Icon: "handset"}}}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/conversations", "")
	return v.show("dashboard/conversations", page)
}

// sendersBy are the senders of the App by key.
func (p *Pages) sendersBy(v *view) (map[hookswitch.Key]*hookswitch.Sender, error) {
	list, err := p.svc.Senders(v.ctx(), v.App.Key, store.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	by := make(map[hookswitch.Key]*hookswitch.Sender, len(list))
	for _, s := range list {
		by[s.Key] = s
	}
	return by, nil
}

// conversationPage is one conversation.
type conversationPage struct {
	*view
	ID         string
	Who        string
	State      ui.Badge
	Handover   bool
	Sender     *hookswitch.Sender
	SenderPage string
	Contact    *hookswitch.Contact
	Channels   string
	Messages   []bubble
	Older      string
	Newest     string
	Waiting    string
	Late       bool
	Drafts     []draftRow
	Calls      []callRow
	Answer     ui.Field
	NoAnswer   string
	Over       string // the channel that an answer goes over
	Problems   ui.Problems
}

// threadLength is how many messages of a conversation are shown at once.
const threadLength = 40

func (p *Pages) conversation(v *view) error { return p.showConversation(v, http.StatusOK, "", "") }

func (p *Pages) thread(v *view) (*service.Thread, error) {
	key, ok := p.svc.IDs().Parse(hookswitch.KindConversation, v.r.PathValue("conversation"))
	if !ok {
		return nil, hookswitch.NotFoundf("There is no such conversation.")
	}
	return p.svc.Thread(v.ctx(), v.App.Key, key)
}

func (p *Pages) showConversation(v *view, status int, typed, problem string) error {
	t, err := p.thread(v)
	if err != nil {
		return err
	}
	page := &conversationPage{view: v, ID: v.ID(hookswitch.KindConversation, t.Key), Who: personName(t.Contact, t.Last), Handover: t.Handover, Contact: t.Contact, Channels: channelNames(t.Channels)}
	v.Shell.Title = page.Who
	v.Shell.Trail = []ui.Link{{Name: "Conversations", URL: v.Page("conversations")}}
	page.Sender, err = p.svc.Sender(v.ctx(), v.App.Key, v.ID(hookswitch.KindSender, t.Conversation.Sender))
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		page.Sender, page.NoAnswer = nil, "The sender of this conversation has been deleted."
	case err != nil:
		return err
	default:
		page.SenderPage = v.Page("senders", v.ID(hookswitch.KindSender, page.Sender.Key))
	}
	page.State = stateOf(t.Conversation, page.Sender != nil && page.Sender.Responder.Kind != "")
	at := store.Page{Limit: threadLength + 1}
	if key, ok := p.svc.IDs().Parse(hookswitch.KindMessage, v.query("before")); ok {
		at.Before = key
		page.Newest = v.Link("before", "")
	}
	list, err := p.svc.Messages(v.ctx(), v.App.Key, store.MessageFilter{Conversation: t.Key}, at)
	if err != nil {
		return err
	}
	if len(list) > threadLength {
		list = list[:threadLength]
		page.Older = v.Link("before", v.ID(hookswitch.KindMessage, list[threadLength-1].Key))
	}
	slices.Reverse(list)
	for _, m := range list {
		page.Messages = append(page.Messages, v.bubble(m))
	}
	if t.Last != nil && t.Last.Direction == hookswitch.Inbound {
		page.Waiting, page.Late = v.since(t.Last.CreatedAt), v.Now.Sub(t.Last.CreatedAt) > late
	}
	if _, ch := reach(t); ch == hookswitch.USSD || ch == hookswitch.Voice {
		page.NoAnswer = cmp.Or(page.NoAnswer, "Nobody can be written to in a USSD session or a call that is over.")
	} else {
		page.Over = channelName(ch)
	}
	drafts, err := p.svc.Drafts(v.ctx(), v.App.Key, hookswitch.DraftPending, store.Page{Limit: 200})
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if d.Conversation == t.Key {
			row := v.draftRow(d)
			row.Back = v.Page("conversations", page.ID)
			page.Drafts = append(page.Drafts, row)
		}
	}
	calls, err := p.svc.Dialogues(v.ctx(), v.App.Key, store.DialogueFilter{Conversation: t.Key}, store.Page{Limit: 10})
	if err != nil {
		return err
	}
	for _, d := range calls {
		page.Calls = append(page.Calls, v.callRow(d))
	}
	page.Answer = ui.Field{ID: "answer", Name: "text", Kind: "textarea", Rows: 3, Label: "Answer as a person", Value: typed, Problem: problem, Required: true}
	if problem != "" {
		page.Problems = ui.Problems{Title: "The answer was not sent", List: []ui.Problem{{Field: "answer", Text: problem}}}
	}
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/messages?conversation="+page.ID, "")
	return v.write(status, "dashboard/conversation", page)
}

// reach is how the person of a conversation was last heard or written to.
func reach(t *service.Thread) (address string, ch hookswitch.Channel) {
	m := t.Last
	if m == nil {
		return "", ""
	}
	if m.Direction == hookswitch.Inbound {
		return m.From, m.Channel
	}
	return m.To, m.Channel
}

func (p *Pages) handOver(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id, take := v.r.PathValue("conversation"), form.Get("do") == "take"
	if err := p.svc.SetHandover(v.ctx(), v.App.Key, id, take); err != nil {
		return err
	}
	text := "Handed the conversation back. The responder answers the next message, and begins anew."
	if take {
		text = "Took the conversation over. The responder is silent until it is handed back."
	}
	return v.done(v.Page("conversations", id), ui.Good, text)
}

// answer sends what a person has written.
func (p *Pages) answer(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	text := strings.TrimSpace(strings.ReplaceAll(form.Get("text"), "\r\n", "\n"))
	if text == "" {
		return p.showConversation(v, http.StatusUnprocessableEntity, text, "Write something first.")
	}
	t, err := p.thread(v)
	if err != nil {
		return err
	}
	address, ch := reach(t)
	if form.Get("take") != "" && !t.Handover {
		if err := p.svc.SetHandover(v.ctx(), v.App.Key, v.r.PathValue("conversation"), true); err != nil {
			return err
		}
	}
	in := service.NewMessage{Sender: v.ID(hookswitch.KindSender, t.Conversation.Sender), Channel: ch, To: address, Text: text, Content: []byte(`{"messageTag":"` + hookswitch.TagHumanAgent + `"}`),
		Test: v.key != nil && v.key.Test}
	m, err := p.svc.SendMessage(v.ctx(), v.App.Key, in, service.Idempotency{})
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"text": "text", "to": "to", "channel": "channel", "sender": "sender", "messageType": "type", "content": "content"}) {
		for _, name := range []string{"text", "to", "channel", "sender", "type", "content", ""} {
			if wrong[name] != "" {
				return p.showConversation(v, http.StatusUnprocessableEntity, text, sentence(name, wrong[name]))
			}
		}
	}
	if err != nil {
		return err
	}
	back := v.Page("conversations", v.r.PathValue("conversation"))
	return v.done(back+"#"+v.ID(hookswitch.KindMessage, m.Key), ui.Good, "Queued the answer for "+channelName(m.Channel)+". What becomes of it stands beside it.")
}

// sentence is what is wrong with a field as a sentence.
func sentence(name, problem string) string {
	s := problem
	switch name {
	case "text":
		s = "The text " + problem
	case "to":
		s = "The recipient " + problem
	}
	if s != "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
