package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// SenderResponder is what answers the messages of a sender, with *** in place of secrets.
type SenderResponder struct {
	Kind          *string         `json:"kind"`
	Configuration json.RawMessage `json:"configuration"`
	Silenced      []string        `json:"silenced"`
}

func responderPath(app, sender string) string {
	return appPath(app) + "/senders/" + seg(sender) + "/responder"
}

// Responder is that of a sender.
func (c *Client) Responder(ctx context.Context, app, sender string) (r SenderResponder, err error) {
	err = c.call(ctx, http.MethodGet, responderPath(app, sender), nil, &r)
	return r, err
}

// ChangeResponder makes the configuration, a JSON object, what answers.
func (c *Client) ChangeResponder(ctx context.Context, app, sender string, configuration []byte) (r SenderResponder, err error) {
	err = c.call(ctx, http.MethodPut, responderPath(app, sender), json.RawMessage(configuration), &r)
	return r, err
}

// CheckResponder says what is wrong with a configuration.
func (c *Client) CheckResponder(ctx context.Context, app, sender string, configuration []byte) error {
	return c.call(ctx, http.MethodPost, responderPath(app, sender)+"/check", json.RawMessage(configuration), nil)
}

// RemoveResponder takes the responder from a sender.
func (c *Client) RemoveResponder(ctx context.Context, app, sender string) error {
	return c.call(ctx, http.MethodDelete, responderPath(app, sender), nil, nil)
}

// SilenceResponder switches it off on a channel, or on again.
func (c *Client) SilenceResponder(ctx context.Context, app, sender, channel string, off bool) (r SenderResponder, err error) {
	err = c.call(ctx, http.MethodPut, responderPath(app, sender)+"/channels/"+seg(channel), map[string]bool{"silenced": off}, &r)
	return r, err
}

// Trial is what a responder is asked.
type Trial struct {
	Channel string `json:"channel"`
	Text    string `json:"text"`
	Name    string `json:"name,omitempty"`
}

// Tried is what it has answered.
type Tried struct {
	Text      string  `json:"text"`
	End       bool    `json:"end"`
	Handover  bool    `json:"handover"`
	Refused   bool    `json:"refused"`
	OptOut    bool    `json:"optOut"`
	Failure   *string `json:"failure"`
	TookMs    int64   `json:"tookMs"`
	Model     *string `json:"model"`
	TokensIn  int     `json:"tokensIn"`
	TokensOut int     `json:"tokensOut"`
	Screen    *string `json:"screen"`
}

// TryResponder asks the responder of a sender. Nothing is sent to anybody.
func (c *Client) TryResponder(ctx context.Context, app, sender string, in Trial) (t Tried, err error) {
	err = c.call(ctx, http.MethodPost, responderPath(app, sender)+"/try", in, &t)
	return t, err
}

// Reply is one time that a responder was asked.
type Reply struct {
	ID        string    `json:"id"`
	SenderID  string    `json:"senderId"`
	Channel   string    `json:"channel"`
	Kind      string    `json:"kind"`
	Model     *string   `json:"model"`
	Result    string    `json:"result"`
	Try       int       `json:"try"`
	TookMs    int64     `json:"tookMs"`
	TokensIn  int       `json:"tokensIn"`
	TokensOut int       `json:"tokensOut"`
	Problem   *string   `json:"problem"`
	At        time.Time `json:"at"`
}

// Replies lists what the responders of an app were asked for. Empty conditions count for all.
func (c *Client) Replies(ctx context.Context, app, sender, channel, result string, l List) (Page[Reply], error) {
	return operatorList[Reply](ctx, c, appPath(app)+"/replies", l, given("sender", sender, "channel", channel, "result", result))
}

// given are the parameters that are not empty.
func given(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// Flow is the menu of a sender, and how its sessions went.
type Flow struct {
	Channel  string         `json:"channel"`
	Since    time.Time      `json:"since"`
	Sessions map[string]int `json:"sessions"`
	More     bool           `json:"more"`
	Start    *string        `json:"start"`
	Screens  []struct {
		Name     string `json:"name"`
		Step     int    `json:"step"`
		Text     string `json:"text"`
		Reached  bool   `json:"reached"`
		Pages    int    `json:"pages"`
		Shown    int    `json:"shown"`
		Sessions int    `json:"sessions"`
		Left     int    `json:"left"`
		Ended    int    `json:"ended"`
		Open     int    `json:"open"`
	} `json:"screens"`
}

// Flow is that of a sender on a channel, which is USSD where it is empty, over so many days.
func (c *Client) Flow(ctx context.Context, app, sender, channel string, days int) (f Flow, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app)+"/senders/"+seg(sender)+"/flow?"+given("channel", channel, "days", strconv.Itoa(days)).Encode(), nil, &f)
	return f, err
}

// Session is a USSD session or a call. List is there only where one is asked for.
type Session struct {
	ID        string     `json:"id"`
	SenderID  string     `json:"senderId"`
	Channel   string     `json:"channel"`
	From      string     `json:"from"`
	To        string     `json:"to"`
	Status    string     `json:"status"`
	Entered   string     `json:"entered"`
	Steps     int        `json:"steps"`
	CreatedAt time.Time  `json:"createdAt"`
	EndedAt   *time.Time `json:"endedAt"`
	List      []struct {
		Number   int     `json:"number"`
		Input    string  `json:"input"`
		Answered bool    `json:"answered"`
		Answer   string  `json:"answer"`
		Screen   *string `json:"screen"`
		End      bool    `json:"end"`
	} `json:"list,omitempty"`
}

// Sessions lists the USSD sessions and calls of an app.
func (c *Client) Sessions(ctx context.Context, app, sender, channel string, l List) (Page[Session], error) {
	return operatorList[Session](ctx, c, appPath(app)+"/sessions", l, given("sender", sender, "channel", channel))
}

// Session is one of them, step by step.
func (c *Client) Session(ctx context.Context, app, session string) (s Session, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app)+"/sessions/"+seg(session), nil, &s)
	return s, err
}
