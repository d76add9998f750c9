package operator

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// sessionOut is a USSD session or a call.
type sessionOut struct {
	ID             string  `json:"id"`
	SenderID       string  `json:"senderId"`
	ConversationID *string `json:"conversationId"`
	Channel        string  `json:"channel"` // ussd or voice
	SessionID      string  `json:"sessionId"`
	Direction      string  `json:"direction"`
	From           string  `json:"from"`
	To             string  `json:"to"`
	// Status is where it is, or how it ended.
	Status    string             `json:"status"`
	Entered   string             `json:"entered"` // all of a USSD session, joined with *
	Steps     int                `json:"steps"`
	CreatedAt httpapi.MilliTime  `json:"createdAt"`
	EndedAt   *httpapi.MilliTime `json:"endedAt"`
}

func (h *handler) newSession(d *hookswitch.Dialogue) sessionOut {
	return sessionOut{ID: h.id(hookswitch.KindDialogue, d.Key), SenderID: h.id(hookswitch.KindSender, d.Sender), ConversationID: h.idOrNull(hookswitch.KindConversation, d.Conversation), Channel: string(d.Channel),
		SessionID: d.Session, Direction: string(d.Direction), From: d.From, To: d.To, Status: d.Status, Entered: d.Text, Steps: d.Steps + 1, CreatedAt: httpapi.MilliTime(d.CreatedAt), EndedAt: httpapi.Millis(d.EndedAt)}
}

// sessionStepOut is one thing that was entered or said, and what was answered.
type sessionStepOut struct {
	Number    int     `json:"number"`
	MessageID *string `json:"messageId"`
	Input     string  `json:"input"`
	Answered  bool    `json:"answered"`
	Answer    string  `json:"answer"`
	Screen    *string `json:"screen"` // of the menu that the answer shows
	End       bool    `json:"end"`
	Dial      *string `json:"dial"` // the number that the call was connected to
}

type wholeSessionOut struct {
	sessionOut
	List []sessionStepOut `json:"list"`
}

func channelQuery(q *httpapi.Query) hookswitch.Channel {
	channels := make([]string, len(hookswitch.Channels))
	for i, c := range hookswitch.Channels {
		channels[i] = string(c)
	}
	return hookswitch.Channel(q.OneOf("channel", "", channels...))
}

func (h *handler) listSessions(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	f := store.DialogueFilter{Channel: hookswitch.Channel(q.OneOf("channel", "", string(hookswitch.USSD), string(hookswitch.Voice))), Sender: h.senderQuery(q)}
	if text := q.Text("conversation"); text != "" {
		key, ok := h.service.IDs().Parse(hookswitch.KindConversation, text)
		if !ok {
			q.Fail("is not the id of a conversation", "conversation")
		}
		f.Conversation = key
	}
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	list, err := h.service.Dialogues(r.Context(), a.Key, f, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(d *hookswitch.Dialogue) hookswitch.Key { return d.Key }, h.newSession))
}

func (h *handler) getSession(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	d, steps, err := h.service.Dialogue(r.Context(), a.Key, r.PathValue("session"))
	if err != nil {
		return err
	}
	out := wholeSessionOut{sessionOut: h.newSession(d), List: make([]sessionStepOut, len(steps))}
	for i, s := range steps {
		out.List[i] = sessionStepOut{Number: s.Number, MessageID: h.idOrNull(hookswitch.KindMessage, s.Message), Input: s.Input, Answered: s.Answered, Answer: s.Reply.Text, Screen: httpapi.OrNull(s.Screen),
			End: s.Reply.End, Dial: httpapi.OrNull(s.Reply.Dial)}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// flowOut is the menu of a sender, and how its sessions went.
type flowOut struct {
	Channel string            `json:"channel"`
	Since   httpapi.MilliTime `json:"since"`
	// Sessions is how many there were by how they ended; "open" are those that go on.
	Sessions map[string]int `json:"sessions"`
	More     bool           `json:"more"` // there were more, of which the newest were looked at
	Start    *string        `json:"start"`
	Screens  []screenOut    `json:"screens"`
}

// screenOut is a screen of a menu and what happened at it. Without a menu it is a step, and its name empty.
type screenOut struct {
	Name     string `json:"name"`
	Step     int    `json:"step"`
	Text     string `json:"text"`
	Reached  bool   `json:"reached"` // a way leads to it
	Pages    int    `json:"pages"`   // of a telephone's screen that it takes
	Shown    int    `json:"shown"`
	Sessions int    `json:"sessions"` // that came to it
	Left     int    `json:"left"`     // that ended here though more was asked
	Ended    int    `json:"ended"`    // that came to their end here
	Open     int    `json:"open"`     // that are here now
}

func (h *handler) getFlow(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	ch := hookswitch.Channel(q.OneOf("channel", string(hookswitch.USSD), string(hookswitch.USSD), string(hookswitch.Voice)))
	days := q.Int("days", 7, 1, 90)
	if err := q.Err(); err != nil {
		return err
	}
	s, err := h.sender(r)
	if err != nil {
		return err
	}
	stats, err := h.service.FlowStats(r.Context(), s.App, s.Key, ch, time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	out := flowOut{Channel: string(ch), Since: httpapi.MilliTime(stats.Since), Sessions: map[string]int{}, More: stats.More, Screens: []screenOut{}}
	for _, c := range stats.Counts {
		name := c.Status
		if name == "" {
			name = "open"
		}
		out.Sessions[name] += c.N
	}
	at := make(map[string]int)
	if flow, ok := respond.FlowOf(s.Responder); ok {
		out.Start = httpapi.OrNull(flow.Start)
		for _, one := range flow.Screens {
			at[one.Name] = len(out.Screens)
			out.Screens = append(out.Screens, screenOut{Name: one.Name, Text: one.Text, Reached: one.Reached, Pages: one.Pages})
		}
	}
	for _, c := range stats.Screens {
		i, known := at[c.Screen]
		if c.Screen == "" || !known {
			i = len(out.Screens)
			out.Screens = append(out.Screens, screenOut{Name: c.Screen, Step: c.Number + 1})
		}
		one := &out.Screens[i]
		one.Shown, one.Sessions, one.Left, one.Ended, one.Open = c.Shown, c.Sessions, c.Left, c.Ended, c.Open
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
