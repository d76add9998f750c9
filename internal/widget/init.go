package widget

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/store"
)

// historyLength is how many of the newest messages a browser gets when it comes.
const historyLength = 100

type initIn struct {
	Sender string `json:"sender"`
	Token  string `json:"token"` // of an earlier session
}

type initOut struct {
	Token     string            `json:"token"`
	ExpiresAt httpapi.MilliTime `json:"expiresAt"`
	Resumed   bool              `json:"resumed"`
	// ConversationID is null until the visitor has written.
	ConversationID *string           `json:"conversationId"`
	Messages       []messageOut      `json:"messages"`
	Cursor         string            `json:"cursor"` // where /events goes on
	Typing         bool              `json:"typing"`
	Title          string            `json:"title"`
	Greeting       string            `json:"greeting"`
	Colour         string            `json:"colour"`
	ColourText     string            `json:"colourText"` // what can be read on it
	Texts          map[string]string `json:"texts"`
	MaxLength      int               `json:"maxLength"` // of a message, in characters
}

// init begins a visitor's session, or resumes it.
func (wg *Widget) init(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[initIn](r)
	if err != nil {
		return err
	}
	c, err := wg.chatOf(r.Context(), in.Sender)
	if err != nil {
		return err
	}
	if err := wg.admit(w, r, c); err != nil {
		return err
	}
	now := wg.now()
	if err := wg.limits.beginFrom.take(addressOf(r), now); err != nil {
		return err
	}
	s, resumed := wg.resume(in.Token, c.route.Sender, now)
	if !resumed {
		s = newVisitor(c.route.Sender)
	}
	set := &c.settings
	out := initOut{
		Token: wg.issue(s, now), ExpiresAt: httpapi.MilliTime(now.Add(sessionLife)), Resumed: resumed, Messages: []messageOut{}, Title: set.Title, Greeting: set.Greeting,
		Colour: set.Colour, ColourText: textOn(set.Colour), Texts: set.Texts, MaxLength: webchat.MaxText,
	}
	h, err := wg.history(r.Context(), c, s, now)
	if err != nil {
		return err
	}
	out.Cursor, out.Typing, out.ConversationID = h.cursor.String(), h.typing, httpapi.OrNull(wg.svc.IDs().Format(hookswitch.KindConversation, h.conversation))
	for _, m := range h.messages {
		if shown, ok := wg.newMessage(m, s.visitor); ok {
			out.Messages = append(out.Messages, shown)
		}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// history is the conversation so far.
type history struct {
	conversation hookswitch.Key // 0: none yet
	messages     []*hookswitch.Message
	cursor       cursor
	typing       bool
}

// history is the newest part of the visitor's conversation, and the cursor behind it.
func (wg *Widget) history(ctx context.Context, c *chat, s *session, now time.Time) (history, error) {
	h := history{cursor: cursor{mark: hookswitch.KeyAt(now.Add(-lookBack))}}
	conv, err := wg.svc.VisitorConversation(ctx, c.visitor(s))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.conversation = conv.Key
	page, err := wg.svc.VisitorMessages(ctx, c.visitor(s), conv.Key, store.Page{Limit: historyLength})
	if err != nil {
		return h, err
	}
	h.cursor.mark = 0
	for _, m := range page.Messages {
		h.cursor.add(m.Key)
	}
	h.cursor.advance(now, page.Open)
	h.messages = page.Messages
	slices.Reverse(h.messages)
	h.typing, err = wg.svc.Answering(ctx, conv.Key)
	return h, err
}
