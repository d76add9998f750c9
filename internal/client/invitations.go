package client

import (
	"context"
	"net/http"
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
	return operatorList[Invitation](ctx, c, operatorBase+"/invitations", l, itemsOf(app, status))
}

// CompleteInvitation ends an invitation with a sender, as in says: its id or name in sender, or what a new one needs.
func (c *Client) CompleteInvitation(ctx context.Context, app, invitation string, in Changes) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("invitations", app, invitation, "/complete"), in, &i)
	return i, err
}

// FailInvitation notes that connecting an account has failed.
func (c *Client) FailInvitation(ctx context.Context, app, invitation, reason string) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("invitations", app, invitation, "/fail"), map[string]string{"reason": reason}, &i)
	return i, err
}

// CancelInvitation ends an invitation.
func (c *Client) CancelInvitation(ctx context.Context, app, invitation string) (i Invitation, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("invitations", app, invitation, "/cancel"), nil, &i)
	return i, err
}
