package client

import (
	"context"
	"net/http"
	"time"
)

// Draft is an answer to a public post that goes out when somebody has approved it.
type Draft struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id"`
	TweetID        string    `json:"tweet_id"`
	AuthorUsername string    `json:"author_username"`
	TweetText      string    `json:"tweet_text"`
	DraftReply     string    `json:"draft_reply"`
	Status         string    `json:"status"`
	Error          *string   `json:"error"`
	MessageID      *string   `json:"message_id"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// Drafts lists the drafts of an app, those of one status where it is not empty.
func (c *Client) Drafts(ctx context.Context, app, status string, l List) (Page[Draft], error) {
	return operatorList[Draft](ctx, c, operatorBase+"/drafts", l, itemsOf(app, status))
}

// Draft is a draft of an app.
func (c *Client) Draft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodGet, itemPath("drafts", app, draft, ""), nil, &d)
	return d, err
}

// EditDraft changes what a draft says.
func (c *Client) EditDraft(ctx context.Context, app, draft, reply string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPatch, itemPath("drafts", app, draft, ""), map[string]string{"draft_reply": reply}, &d)
	return d, err
}

// ApproveDraft has a draft sent.
func (c *Client) ApproveDraft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("drafts", app, draft, "/approve"), nil, &d)
	return d, err
}

// RejectDraft decides that a draft is not sent.
func (c *Client) RejectDraft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("drafts", app, draft, "/reject"), nil, &d)
	return d, err
}
