package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Invitation lets a client of an app's owner connect an account.
type Invitation struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Status         string     `json:"status"`
	ConnectionType string     `json:"connectionType"`
	ClientName     *string    `json:"clientName"`
	ClientEmail    *string    `json:"clientEmail"`
	SenderID       *string    `json:"senderId"`
	AccountID      *string    `json:"accountId"`
	WABAID         *string    `json:"wabaId"`
	FailureReason  *string    `json:"failureReason"`
	ViewedAt       *time.Time `json:"viewedAt"`
	ExpiresAt      time.Time  `json:"expiresAt"`
	CreatedAt      time.Time  `json:"createdAt"`
	UpdatedAt      time.Time  `json:"updatedAt"`
}

// Invitations lists the invitations of an app, those of one status where it is not empty.
func (c *Client) Invitations(ctx context.Context, app, status string, l List) (Page[Invitation], error) {
	query := url.Values{"app": {app}}
	if status != "" {
		query.Set("status", status)
	}
	return operatorList[Invitation](ctx, c, operatorBase+"/invitations", l, query)
}

// CompleteInvitation ends an invitation with a sender, as in says: its id or name in sender, or what a new one needs.
func (c *Client) CompleteInvitation(ctx context.Context, app, invitation string, in Changes) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, invitationPath(app, invitation, "/complete"), in, &i)
	return i, err
}

// FailInvitation notes that connecting an account has failed.
func (c *Client) FailInvitation(ctx context.Context, app, invitation, reason string) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, invitationPath(app, invitation, "/fail"), map[string]string{"reason": reason}, &i)
	return i, err
}

// CancelInvitation ends an invitation.
func (c *Client) CancelInvitation(ctx context.Context, app, invitation string) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, invitationPath(app, invitation, "/cancel"), nil, &i)
	return i, err
}

func invitationPath(app, invitation, what string) string {
	return operatorBase + "/invitations/" + seg(invitation) + what + "?" + url.Values{"app": {app}}.Encode()
}
