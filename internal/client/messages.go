package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Message is a message, received or sent.
type Message struct {
	ID                string            `json:"id"`
	ConversationID    string            `json:"conversationId"`
	SenderID          string            `json:"senderId"`
	ContactID         string            `json:"contactId"`
	Direction         string            `json:"direction"`
	Channel           string            `json:"channel"`
	Type              string            `json:"type"`
	Status            string            `json:"status"`
	From              string            `json:"from"`
	To                string            `json:"to"`
	ProfileName       *string           `json:"profileName"`
	Text              string            `json:"text"`
	Content           json.RawMessage   `json:"content"`
	Metadata          map[string]string `json:"metadata"`
	InReplyTo         *string           `json:"inReplyTo"`
	ProviderMessageID *string           `json:"providerMessageId"`
	ErrorCode         *string           `json:"errorCode"`
	ErrorMessage      *string           `json:"errorMessage"`
	CreatedAt         time.Time         `json:"createdAt"`
	UpdatedAt         time.Time         `json:"updatedAt"`
	Receipts          []Receipt         `json:"receipts,omitempty"` // of one that was asked for by its id
	Parts             []Part            `json:"parts,omitempty"`    // likewise; none where it goes out in one piece
}

// Part is a part of a text that is too long for one message of its channel.
type Part struct {
	Number            int        `json:"number"`
	Text              string     `json:"text"`
	Status            string     `json:"status"`
	ProviderMessageID *string    `json:"providerMessageId"`
	SentAt            *time.Time `json:"sentAt"`
	ErrorCode         *string    `json:"errorCode"`
	ErrorMessage      *string    `json:"errorMessage"`
}

// Receipt is what a provider has reported about a message.
type Receipt struct {
	Status            string     `json:"status"`
	ProviderMessageID string     `json:"providerMessageId"`
	At                *time.Time `json:"at"` // as the provider tells it
	ReceivedAt        time.Time  `json:"receivedAt"`
	ErrorCode         *string    `json:"errorCode"`
	ErrorMessage      *string    `json:"errorMessage"`
}

// NewMessage is a message to send.
type NewMessage struct {
	App      string            `json:"app"`
	Sender   string            `json:"sender,omitempty"`
	Channel  string            `json:"channel,omitempty"`
	To       string            `json:"to"`
	Type     string            `json:"type,omitempty"`
	Text     string            `json:"text,omitempty"`
	Content  json.RawMessage   `json:"content,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// SendMessage queues a message.
func (c *Client) SendMessage(ctx context.Context, in NewMessage) (m Message, err error) {
	err = c.call(ctx, http.MethodPost, operatorBase+"/messages", in, &m)
	return m, err
}

// MessageFilter narrows a list of messages. Empty fields narrow nothing.
type MessageFilter struct{ Conversation, Channel, Status, To string }

// Messages lists the messages of an app.
func (c *Client) Messages(ctx context.Context, app string, f MessageFilter, l List) (Page[Message], error) {
	query := url.Values{}
	for name, value := range map[string]string{"conversation": f.Conversation, "channel": f.Channel, "status": f.Status, "to": f.To} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return operatorList[Message](ctx, c, appPath(app)+"/messages", l, query)
}

// Message is a message of an app with its receipts.
func (c *Client) Message(ctx context.Context, app, message string) (m Message, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app)+"/messages/"+seg(message), nil, &m)
	return m, err
}

// ReadMessage shows a person that their message was read or, with typing, that an answer to it is being written.
func (c *Client) ReadMessage(ctx context.Context, app, message string, typing bool) error {
	path := appPath(app) + "/messages/" + seg(message) + "/read"
	if typing {
		path += "?typing=true"
	}
	return c.call(ctx, http.MethodPost, path, nil, nil)
}
