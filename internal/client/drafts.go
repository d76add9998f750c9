package client

import (
	"context"
	"net/http"
	"net/url"
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
	query := url.Values{"app": {app}}
	if status != "" {
		query.Set("status", status)
	}
	return operatorList[Draft](ctx, c, operatorBase+"/drafts", l, query)
}

// Draft is a draft of an app.
func (c *Client) Draft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodGet, draftPath(app, draft, ""), nil, &d)
	return d, err
}

// EditDraft changes what a draft says.
func (c *Client) EditDraft(ctx context.Context, app, draft, reply string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPatch, draftPath(app, draft, ""), map[string]string{"draft_reply": reply}, &d)
	return d, err
}

// ApproveDraft has a draft sent.
func (c *Client) ApproveDraft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPost, draftPath(app, draft, "/approve"), nil, &d)
	return d, err
}

// RejectDraft decides that a draft is not sent.
func (c *Client) RejectDraft(ctx context.Context, app, draft string) (d Draft, err error) {
	err = c.call(ctx, http.MethodPost, draftPath(app, draft, "/reject"), nil, &d)
	return d, err
}

func draftPath(app, draft, what string) string {
	return operatorBase + "/drafts/" + seg(draft) + what + "?" + url.Values{"app": {app}}.Encode()
}
