package zavu

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

func (h *handler) invitationRoutes() []route {
	return []route{
		{"POST", "/invitations", "create an invitation", hookswitch.ScopeInvitationsWrite, h.createInvitation},
		{"GET", "/invitations", "list invitations", hookswitch.ScopeInvitationsRead, h.listInvitations},
		{"POST", "/invitations/webhook", "set the project's webhook", hookswitch.ScopeInvitationsWrite, h.setProjectWebhook},
		{"GET", "/invitations/webhook", "get the project's webhook", hookswitch.ScopeInvitationsRead, h.getProjectWebhook},
		{"PATCH", "/invitations/webhook", "change the project's webhook", hookswitch.ScopeInvitationsWrite, h.updateProjectWebhook},
		{"DELETE", "/invitations/webhook", "delete the project's webhook", hookswitch.ScopeInvitationsWrite, h.deleteProjectWebhook},
		{"GET", "/invitations/{invitation}", "get an invitation", hookswitch.ScopeInvitationsRead, h.getInvitation},
		{"POST", "/invitations/{invitation}/cancel", "cancel an invitation", hookswitch.ScopeInvitationsWrite, h.cancelInvitation},
	}
}

type invitationIn struct {
	ClientName     string                    `json:"clientName"`
	ClientEmail    string                    `json:"clientEmail"`
	ClientPhone    string                    `json:"clientPhone"`
	ConnectionType hookswitch.ConnectionType `json:"connectionType"`
	ExpiresInDays  *int                      `json:"expiresInDays"`
	Countries      []string                  `json:"allowedPhoneCountries"`
	PhoneNumberID  string                    `json:"phoneNumberId"`
}

type invitationOut struct {
	ID               string               `json:"id"`
	Token            string               `json:"token"`
	URL              string               `json:"url"`
	Status           string               `json:"status"`
	ClientName       *string              `json:"clientName"`
	ClientEmail      *string              `json:"clientEmail"`
	ClientPhone      *string              `json:"clientPhone"`
	ConnectionType   string               `json:"connectionType"`
	Countries        []string             `json:"allowedPhoneCountries,omitempty"`
	PhoneNumberID    *string              `json:"phoneNumberId"`
	SenderID         *string              `json:"senderId"`
	ConnectedAccount *connectedAccountOut `json:"connectedAccount"`
	FailureReason    *string              `json:"failureReason"`
	ViewedAt         *httpapi.MilliTime   `json:"viewedAt"`
	StartedAt        *httpapi.MilliTime   `json:"startedAt"`
	CompletedAt      *httpapi.MilliTime   `json:"completedAt"`
	FailedAt         *httpapi.MilliTime   `json:"failedAt"`
	ExpiresAt        httpapi.MilliTime    `json:"expiresAt"`
	CreatedAt        httpapi.MilliTime    `json:"createdAt"`
	UpdatedAt        httpapi.MilliTime    `json:"updatedAt"`
}

type connectedAccountOut struct {
	Channel string  `json:"channel"`
	ID      string  `json:"id"`
	Name    *string `json:"name"`
}

func (h *handler) newInvitation(i *hookswitch.Invitation) invitationOut {
	out := invitationOut{
		ID: h.id(hookswitch.KindInvitation, i.Key), Token: i.Token.Reveal(), URL: h.service.InvitationURL(i), Status: string(i.Status), ClientName: httpapi.OrNull(i.ClientName),
		ClientEmail: httpapi.OrNull(i.ClientEmail), ClientPhone: httpapi.OrNull(i.ClientPhone), ConnectionType: string(i.ConnectionType), Countries: i.Countries,
		PhoneNumberID: httpapi.OrNull(i.PhoneNumberID), SenderID: httpapi.OrNull(h.id(hookswitch.KindSender, i.Sender)), ViewedAt: httpapi.Millis(i.ViewedAt), StartedAt: httpapi.Millis(i.StartedAt),
		CompletedAt: httpapi.Millis(i.CompletedAt), FailedAt: httpapi.Millis(i.FailedAt), ExpiresAt: httpapi.MilliTime(i.ExpiresAt), CreatedAt: httpapi.MilliTime(i.CreatedAt),
		UpdatedAt: httpapi.MilliTime(i.UpdatedAt),
	}
	switch i.Status {
	case hookswitch.InvitationCompleted:
		out.ConnectedAccount = &connectedAccountOut{Channel: string(i.ConnectionType.Channel()), ID: i.Account.ID, Name: httpapi.OrNull(i.Account.Name)}
	case hookswitch.InvitationFailed:
		out.FailureReason = httpapi.OrNull(i.FailureReason)
	}
	return out
}

type oneInvitationOut struct {
	Invitation invitationOut `json:"invitation"`
}

func (h *handler) createInvitation(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[invitationIn](r)
	if err != nil {
		return err
	}
	idem, err := h.repeat(r)
	if err != nil {
		return err
	}
	days := 0
	if in.ExpiresInDays != nil {
		if days = *in.ExpiresInDays; days == 0 {
			days = -1 // said, and out of range: only what is not said is the usual
		}
	}
	i, err := h.service.CreateInvitation(r.Context(), callerOf(r).App, hookswitch.Invitation{ClientName: in.ClientName, ClientEmail: in.ClientEmail, ClientPhone: in.ClientPhone,
		ConnectionType: in.ConnectionType, Countries: in.Countries, PhoneNumberID: in.PhoneNumberID}, days, idem)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, oneInvitationOut{h.newInvitation(i)})
}

func (h *handler) listInvitations(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.newestFirst(q)
	words := make([]string, len(hookswitch.InvitationStatuses))
	for n, s := range hookswitch.InvitationStatuses {
		words[n] = string(s)
	}
	status := q.OneOf("status", "", words...)
	if err := q.Err(); err != nil {
		return err
	}
	list, err := h.service.Invitations(r.Context(), callerOf(r).App, hookswitch.InvitationStatus(status), p.page())
	if err != nil {
		return err
	}
	return writeList(w, p, list, func(i *hookswitch.Invitation) hookswitch.Key { return i.Key }, h.newInvitation)
}

func (h *handler) getInvitation(w http.ResponseWriter, r *http.Request) error {
	i, err := h.service.Invitation(r.Context(), callerOf(r).App, r.PathValue("invitation"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, oneInvitationOut{h.newInvitation(i)})
}

func (h *handler) cancelInvitation(w http.ResponseWriter, r *http.Request) error {
	i, err := h.service.CancelInvitation(r.Context(), callerOf(r).App, r.PathValue("invitation"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, oneInvitationOut{h.newInvitation(i)})
}

type projectWebhookIn struct {
	URL    *string  `json:"url"`
	Events []string `json:"events"`
	Active *bool    `json:"active"`
}

type projectWebhookOut struct {
	URL    string   `json:"url"`
	Events []string `json:"events"`
	Secret *string  `json:"secret,omitempty"` // in the answer that made it, and nowhere else
	Active bool     `json:"active"`
}

type oneProjectWebhookOut struct {
	Webhook projectWebhookOut `json:"webhook"`
}

func writeProjectWebhook(w http.ResponseWriter, status int, e *hookswitch.Endpoint, secret hookswitch.Secret) error {
	out := projectWebhookOut{URL: e.URL, Events: e.EventTypes, Secret: httpapi.OrNull(secret.Reveal()), Active: !e.Disabled}
	return httpapi.Encode(w, status, oneProjectWebhookOut{out})
}

func (h *handler) setProjectWebhook(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[projectWebhookIn](r)
	if err != nil {
		return err
	}
	url := ""
	if in.URL != nil {
		url = *in.URL
	}
	e, secret, err := h.service.SetProjectWebhook(r.Context(), callerOf(r).App, url, in.Events)
	if err != nil {
		return err
	}
	return writeProjectWebhook(w, http.StatusCreated, e, secret)
}

func (h *handler) getProjectWebhook(w http.ResponseWriter, r *http.Request) error {
	e, err := h.service.ProjectWebhook(r.Context(), callerOf(r).App)
	if err != nil {
		return err
	}
	return writeProjectWebhook(w, http.StatusOK, e, "")
}

func (h *handler) updateProjectWebhook(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[projectWebhookIn](r)
	if err != nil {
		return err
	}
	e, err := h.service.UpdateProjectWebhook(r.Context(), callerOf(r).App, service.ProjectWebhookChange{URL: in.URL, Events: in.Events, Active: in.Active})
	if err != nil {
		return err
	}
	return writeProjectWebhook(w, http.StatusOK, e, "")
}

func (h *handler) deleteProjectWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.DeleteProjectWebhook(r.Context(), callerOf(r).App); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
