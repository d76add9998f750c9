package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/webhook"
)

// The history that a responder is shown: how many messages unless the configuration says otherwise, and at most.
const (
	DefaultHistory = 10
	MaxHistory     = 40
)

// bot is a responder of somebody else's: it is sent the message and what led up to it, signed, and its answer is what is said. docs/responders.md describes both.
type bot struct {
	remote
	url     *url.URL
	secret  webhook.Secret
	history int
	caps    capsByChannel
}

func buildHTTP(f *fields, s *settings, o Options) hookswitch.Responder {
	b := &bot{
		remote:  readRemote(f, s, o),
		url:     readURL(f, "url", "", o.Guard),
		history: int(f.number("history", 0, MaxHistory, DefaultHistory)),
		caps:    readCaps(f),
	}
	text := f.text("secret", MaxKey)
	secret, err := webhook.ParseSecret(text)
	switch {
	case text == "":
		f.wrong("must be a secret that requests are signed with: whsec_ and the base64 of 24 to 64 random bytes", "secret")
	case err != nil:
		f.wrong(err.Error(), "secret")
	case !secret.CanSign():
		f.wrong("cannot sign: give the whsec_ or whsk_ secret, not its public half", "secret")
	}
	b.secret = secret
	return b
}

// botTurn is what the server is sent.
type botTurn struct {
	ID             string    `json:"id"`
	AppID          string    `json:"appId"`
	SenderID       string    `json:"senderId"`
	ConversationID string    `json:"conversationId"`
	MessageID      *string   `json:"messageId"`
	Channel        string    `json:"channel"`
	From           string    `json:"from"`
	ProfileName    *string   `json:"profileName"`
	Text           string    `json:"text"`
	MessageType    string    `json:"messageType"`
	ReplyID        *string   `json:"replyId"`
	First          bool      `json:"first"`
	Opens          bool      `json:"opens"`
	State          *string   `json:"state"`
	Unsolved       int       `json:"unsolved"`
	Timestamp      string    `json:"timestamp"`
	Limits         botLimits `json:"limits"`
	History        []botLine `json:"history"`
}

type botLimits struct {
	Characters *int `json:"characters"`
	Tokens     *int `json:"tokens"`
}

type botLine struct {
	Direction   string `json:"direction"`
	MessageType string `json:"messageType"`
	Text        string `json:"text"`
	Timestamp   string `json:"timestamp"`
}

const timeForm = "2006-01-02T15:04:05.000Z"

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// turnID names a turn: the same turn has the same id however often the server is asked.
func turnID(turn *hookswitch.Turn) string {
	if turn.MessageID != "" {
		return turn.MessageID
	}
	return turn.Conversation + "-" + strconv.FormatInt(turn.At.UnixMilli(), 36)
}

func (b *bot) body(turn *hookswitch.Turn) ([]byte, error) {
	caps := b.caps.of(turn.Channel)
	out := botTurn{
		ID: turnID(turn), AppID: turn.App, SenderID: turn.Sender, ConversationID: turn.Conversation, MessageID: orNull(turn.MessageID),
		Channel: string(turn.Channel), From: turn.From, ProfileName: orNull(turn.ProfileName), Text: turn.Text, MessageType: turn.Type, ReplyID: orNull(turn.ReplyID),
		First: turn.First, Opens: turn.Opens, State: orNull(turn.State), Unsolved: turn.Unsolved, Timestamp: turn.At.UTC().Format(timeForm),
		Limits: botLimits{Characters: orNull(caps.Characters), Tokens: orNull(caps.Tokens)}, History: []botLine{},
	}
	for _, l := range turn.History[max(0, len(turn.History)-b.history):] {
		out.History = append(out.History, botLine{Direction: string(l.Direction), MessageType: l.Type, Text: l.Text, Timestamp: l.At.UTC().Format(timeForm)})
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	err := enc.Encode(out)
	return bytes.TrimRight(body.Bytes(), "\n"), err
}

func (b *bot) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	if b.http == nil {
		return hookswitch.Reply{}, errNoHTTP
	}
	body, err := b.body(turn)
	if err != nil {
		return hookswitch.Reply{}, err
	}
	now := b.now()
	header := make(http.Header, 3)
	webhook.Standard.Set(header, turnID(turn), now, webhook.Sign(turnID(turn), now, body, b.secret))
	fields := append([]safehttp.Field{
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Accept", Value: "application/json"},
		{Name: "User-Agent", Value: userAgent},
	}, b.header...)
	for _, name := range []string{webhook.Standard.ID(), webhook.Standard.Timestamp(), webhook.Standard.Signature()} {
		fields = append(fields, safehttp.Field{Name: name, Value: header.Get(name)})
	}
	resp, err := b.http.Do(ctx, &safehttp.Request{Method: http.MethodPost, URL: b.url, Header: fields, Body: body, Timeout: b.timeout})
	if err != nil {
		return hookswitch.Reply{}, callError(err)
	}
	reply, err := readBot(resp, b.now())
	if err == nil {
		reply.Text = b.caps.of(turn.Channel).cut(reply.Text, turn.Channel)
	}
	return reply, err
}

// readBot is the reply that an answer is.
func readBot(resp *safehttp.Response, now time.Time) (hookswitch.Reply, error) {
	if fail := refusal(resp.Status, resp.Header, now); fail != nil {
		return hookswitch.Reply{}, fail
	}
	if fail := whole(resp, safehttp.MaxAnswer); fail != nil {
		return hookswitch.Reply{}, fail
	}
	return decodeBot(resp.Body)
}

// whole reports an answer that is too long, or ended early.
func whole(resp *safehttp.Response, most int) error {
	switch {
	case resp.BodyErr != nil:
		return callError(resp.BodyErr)
	case resp.Truncated:
		return &hookswitch.ResponderError{Message: "the answer is longer than " + strconv.Itoa(most/1024) + " KiB", Permanent: true}
	}
	return nil
}

// decodeBot reads an answer. An empty one says nothing.
func decodeBot(body []byte) (hookswitch.Reply, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return hookswitch.Reply{}, nil
	}
	var answer *struct {
		Text     string `json:"text"`
		End      bool   `json:"end"`
		Handover bool   `json:"handover"`
		Unsolved bool   `json:"unsolved"`
		State    string `json:"state"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil:
		return hookswitch.Reply{}, &hookswitch.ResponderError{Message: `the answer is not an object like {"text":"…"}`, Permanent: true} // the error quotes the answer
	case answer == nil:
		return hookswitch.Reply{}, nil
	case len(answer.State) > hookswitch.MaxTurnState:
		return hookswitch.Reply{}, &hookswitch.ResponderError{Message: "the state in the answer is longer than " + strconv.Itoa(hookswitch.MaxTurnState) + " bytes", Permanent: true}
	}
	return hookswitch.Reply{Text: tidy(answer.Text), End: answer.End, Handover: answer.Handover, Unsolved: answer.Unsolved, State: answer.State}, nil
}
