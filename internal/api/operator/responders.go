package operator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// senderResponderOut is what answers the messages of a sender.
type senderResponderOut struct {
	Kind *string `json:"kind"` // null: nothing does
	// Configuration is as it was set, with "***" in place of secrets. Given back so, they stay what they are.
	Configuration json.RawMessage `json:"configuration"`
	// Silenced are the channels on which it is switched off.
	Silenced []string `json:"silenced"`
}

func newSenderResponder(s *hookswitch.Sender) senderResponderOut {
	out := senderResponderOut{Kind: httpapi.OrNull(s.Responder.Kind), Configuration: respond.Show(s.Responder), Silenced: []string{}}
	for _, ch := range s.Silenced {
		out.Silenced = append(out.Silenced, string(ch))
	}
	return out
}

func (h *handler) getResponder(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sender(r)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newSenderResponder(s))
}

// responder is what is to answer, as the request has it, and the App that it is for.
func (h *handler) responder(r *http.Request) (in hookswitch.ResponderConfig, a *hookswitch.App, err error) {
	if in, err = httpapi.Decode[hookswitch.ResponderConfig](r); err == nil {
		a, err = h.app(r)
	}
	return in, a, err
}

func (h *handler) changeResponder(w http.ResponseWriter, r *http.Request) error {
	in, a, err := h.responder(r)
	if err != nil {
		return err
	}
	s, err := h.service.ChangeResponder(r.Context(), a.Key, r.PathValue("sender"), in)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newSenderResponder(s))
}

func (h *handler) checkResponder(w http.ResponseWriter, r *http.Request) error {
	in, a, err := h.responder(r)
	if err != nil {
		return err
	}
	if _, err := h.service.CheckResponder(r.Context(), a.Key, r.PathValue("sender"), in); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

func (h *handler) removeResponder(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	if _, err := h.service.ChangeResponder(r.Context(), a.Key, r.PathValue("sender"), hookswitch.ResponderConfig{}); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// silenceIn switches a responder off on a channel, or on again.
type silenceIn struct {
	Silenced httpapi.Optional[bool] `json:"silenced"`
}

func (h *handler) silenceResponder(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[silenceIn](r)
	if err != nil {
		return err
	}
	if !in.Silenced.Set || in.Silenced.Null {
		return hookswitch.InvalidField("must be true (it says nothing on the channel) or false (it answers)", "silenced")
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	s, err := h.service.SilenceResponder(r.Context(), a.Key, r.PathValue("sender"), hookswitch.Channel(r.PathValue("channel")), in.Silenced.Value)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newSenderResponder(s))
}

// trialIn is what a responder is asked to try it out. Nothing of it is stored or sent to anybody.
type trialIn struct {
	Channel hookswitch.Channel `json:"channel"`
	// Text is what the person says; empty: a call or a session begins.
	Text string `json:"text"`
	Name string `json:"name"` // of the person
	// History is what was said before, oldest first; State and Unsolved are what the last answer told.
	History  []trialLine `json:"history"`
	State    string      `json:"state"`
	Unsolved int         `json:"unsolved"`
}

type trialLine struct {
	Direction string `json:"direction"` // inbound or outbound
	Text      string `json:"text"`
}

// trialOut is what a responder has answered.
type trialOut struct {
	Text     string `json:"text"` // empty: it says nothing
	End      bool   `json:"end"`
	Handover bool   `json:"handover"`
	Refused  bool   `json:"refused"` // the model refused
	OptOut   bool   `json:"optOut"`  // the words end what is written to the person, and the responder was not asked
	// Failure is why there is no answer; Text is the fallback then.
	Failure   *string `json:"failure"`
	TookMs    int64   `json:"tookMs"`
	Model     *string `json:"model"`
	TokensIn  int     `json:"tokensIn"` // 0: not told
	TokensOut int     `json:"tokensOut"`
	Screen    *string `json:"screen"` // of a menu
	State     string  `json:"state"`
	Unsolved  int     `json:"unsolved"`
}

func (h *handler) tryResponder(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[trialIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	trial := service.Trial{Channel: in.Channel, Text: in.Text, Name: in.Name, State: in.State, Unsolved: in.Unsolved}
	for i, l := range in.History {
		d := hookswitch.Direction(l.Direction)
		if d != hookswitch.Inbound && d != hookswitch.Outbound {
			return hookswitch.InvalidField("must be inbound or outbound", "history", "["+strconv.Itoa(i)+"]", "direction")
		}
		trial.History = append(trial.History, hookswitch.Line{Direction: d, Type: "text", Text: l.Text, Answer: d == hookswitch.Outbound, At: time.Now()})
	}
	got, err := h.service.TryResponder(r.Context(), a.Key, r.PathValue("sender"), trial)
	if err != nil {
		return err
	}
	use := got.Reply.Use
	return httpapi.Encode(w, http.StatusOK, trialOut{Text: got.Reply.Text, End: got.Reply.End, Handover: got.Reply.Handover, Refused: use.Refused, OptOut: got.OptOut, Failure: httpapi.OrNull(got.Failure),
		TookMs: got.Took.Milliseconds(), Model: httpapi.OrNull(use.Model), TokensIn: use.TokensIn, TokensOut: use.TokensOut, Screen: httpapi.OrNull(got.Reply.Screen), State: got.Reply.State, Unsolved: got.Unsolved})
}

// replyOut is one time that a responder was asked. Nothing that anybody said is in it.
type replyOut struct {
	ID             string            `json:"id"`
	SenderID       string            `json:"senderId"`
	ConversationID *string           `json:"conversationId"`
	MessageID      *string           `json:"messageId"` // that it answered; null: a call or a session had just begun
	SessionID      *string           `json:"sessionId"` // the call or USSD session; null: it was none
	Channel        string            `json:"channel"`
	Kind           string            `json:"kind"`
	Model          *string           `json:"model"`
	Result         string            `json:"result"` // answered, silent, handover, refused, dropped, again or failed
	Try            int               `json:"try"`
	TookMs         int64             `json:"tookMs"`
	TokensIn       int               `json:"tokensIn"`
	TokensOut      int               `json:"tokensOut"`
	Problem        *string           `json:"problem"`
	At             httpapi.MilliTime `json:"at"`
}

func (h *handler) newReply(r *hookswitch.ReplyRecord) replyOut {
	return replyOut{ID: h.id(hookswitch.KindTask, r.Key), SenderID: h.id(hookswitch.KindSender, r.Sender), ConversationID: h.idOrNull(hookswitch.KindConversation, r.Conversation),
		MessageID: h.idOrNull(hookswitch.KindMessage, r.Message), SessionID: h.idOrNull(hookswitch.KindDialogue, r.Dialogue), Channel: string(r.Channel), Kind: r.Use.Kind, Model: httpapi.OrNull(r.Use.Model),
		Result: string(r.Result), Try: r.Try, TookMs: r.Use.Took.Milliseconds(), TokensIn: r.Use.TokensIn, TokensOut: r.Use.TokensOut, Problem: httpapi.OrNull(r.Problem), At: httpapi.MilliTime(r.At())}
}

func (h *handler) idOrNull(kind hookswitch.Kind, key hookswitch.Key) *string {
	if key == 0 {
		return nil
	}
	id := h.id(kind, key)
	return &id
}

// senderQuery reads the parameter sender: the key of one of the app's senders; 0: none was named.
func (h *handler) senderQuery(q *httpapi.Query) hookswitch.Key {
	text := q.Text("sender")
	if text == "" {
		return 0
	}
	key, ok := h.service.IDs().Parse(hookswitch.KindSender, text)
	if !ok {
		q.Fail("is not the id of a sender", "sender")
	}
	return key
}

func (h *handler) listReplies(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	results := make([]string, len(hookswitch.ReplyResults))
	for i, res := range hookswitch.ReplyResults {
		results[i] = string(res)
	}
	f := store.ReplyFilter{Sender: h.senderQuery(q), Channel: channelQuery(q), Result: hookswitch.ReplyResult(q.OneOf("result", "", results...))}
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	list, err := h.service.Replies(r.Context(), a.Key, f, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(r *hookswitch.ReplyRecord) hookswitch.Key { return r.Key }, h.newReply))
}
