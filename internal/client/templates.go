package client

import (
	"context"
	"net/http"
	"time"
)

// Template is a text with blanks that a provider, or the operator, decides on.
type Template struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Language        string    `json:"language"`
	Category        string    `json:"category"`
	Status          string    `json:"status"`
	Body            string    `json:"body"`
	SenderID        *string   `json:"senderId"`
	Account         *string   `json:"account"`
	ProviderID      *string   `json:"providerId"`
	ProviderName    *string   `json:"providerName"`
	ProviderStatus  *string   `json:"providerStatus"`
	RejectionReason *string   `json:"rejectionReason"`
	CreatedAt       time.Time `json:"createdAt"`
	UpdatedAt       time.Time `json:"updatedAt"`
}

// Templates lists the templates of an app, those of one status where it is not empty.
func (c *Client) Templates(ctx context.Context, app, status string, l List) (Page[Template], error) {
	return operatorList[Template](ctx, c, operatorBase+"/templates", l, itemsOf(app, status))
}

// ApproveTemplate decides that a submitted template may be sent. providerName is what the provider knows it as, where that is another name.
func (c *Client) ApproveTemplate(ctx context.Context, app, template, providerName string) (t Template, err error) {
	in := map[string]string{}
	if providerName != "" {
		in["providerName"] = providerName
	}
	err = c.call(ctx, http.MethodPost, itemPath("templates", app, template, "/approve"), in, &t)
	return t, err
}

// RejectTemplate decides that a submitted template may not be sent.
func (c *Client) RejectTemplate(ctx context.Context, app, template, reason string) (t Template, err error) {
	err = c.call(ctx, http.MethodPost, itemPath("templates", app, template, "/reject"), map[string]string{"reason": reason}, &t)
	return t, err
}
