package operator

import (
	"cmp"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type invitationOut struct {
	ID             string             `json:"id"`
	URL            string             `json:"url"`
	Status         string             `json:"status"`
	ConnectionType string             `json:"connectionType"`
	ClientName     *string            `json:"clientName"`
	ClientEmail    *string            `json:"clientEmail"`
	SenderID       *string            `json:"senderId"`
	AccountID      *string            `json:"accountId"`
	WABAID         *string            `json:"wabaId"`
	FailureReason  *string            `json:"failureReason"`
	ViewedAt       *httpapi.MilliTime `json:"viewedAt"`
	ExpiresAt      httpapi.MilliTime  `json:"expiresAt"`
	CreatedAt      httpapi.MilliTime  `json:"createdAt"`
	UpdatedAt      httpapi.MilliTime  `json:"updatedAt"`
}

func (h *handler) newInvitation(i *hookswitch.Invitation) invitationOut {
	return invitationOut{ID: h.id(hookswitch.KindInvitation, i.Key), URL: h.service.InvitationURL(i), Status: string(i.Status), ConnectionType: string(i.ConnectionType),
		ClientName: httpapi.OrNull(i.ClientName), ClientEmail: httpapi.OrNull(i.ClientEmail), SenderID: httpapi.OrNull(h.id(hookswitch.KindSender, i.Sender)),
		AccountID: httpapi.OrNull(i.Account.ID), WABAID: httpapi.OrNull(i.Account.Parent), FailureReason: httpapi.OrNull(i.FailureReason), ViewedAt: httpapi.Millis(i.ViewedAt),
		ExpiresAt: httpapi.MilliTime(i.ExpiresAt), CreatedAt: httpapi.MilliTime(i.CreatedAt), UpdatedAt: httpapi.MilliTime(i.UpdatedAt)}
}

func (h *handler) listInvitations(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	words := make([]string, len(hookswitch.InvitationStatuses))
	for n, s := range hookswitch.InvitationStatuses {
		words[n] = string(s)
	}
	status := q.OneOf("status", "", words...)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	list, err := h.service.Invitations(r.Context(), a.Key, hookswitch.InvitationStatus(status), p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(i *hookswitch.Invitation) hookswitch.Key { return i.Key }, h.newInvitation))
}

// aboutInvitation answers with the invitation that the path names, after do.
func (h *handler) aboutInvitation(w http.ResponseWriter, r *http.Request, do func(i *hookswitch.Invitation) (*hookswitch.Invitation, error)) error {
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	i, err := h.service.Invitation(r.Context(), a.Key, r.PathValue("invitation"))
	if err != nil {
		return err
	}
	if i, err = do(i); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newInvitation(i))
}

func (h *handler) getInvitation(w http.ResponseWriter, r *http.Request) error {
	return h.aboutInvitation(w, r, func(i *hookswitch.Invitation) (*hookswitch.Invitation, error) { return i, nil })
}

// completionIn names a sender that is there, or what a new one is made of.
type completionIn struct {
	Sender      string                 `json:"sender"` // by id or name
	Name        string                 `json:"name"`
	Provider    string                 `json:"provider"` // meta where it is left out
	PhoneNumber string                 `json:"phoneNumber"`
	AccountName string                 `json:"accountName"`
	Credentials hookswitch.Credentials `json:"credentials"`
}

func (h *handler) completeInvitation(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[completionIn](r)
	if err != nil {
		return err
	}
	if in.Sender == "" && len(in.Credentials) == 0 {
		return hookswitch.InvalidField("must name a sender that is there; or say what a new one needs, in credentials", "sender")
	}
	return h.aboutInvitation(w, r, func(i *hookswitch.Invitation) (*hookswitch.Invitation, error) {
		done, _, err := h.service.CompleteInvitation(r.Context(), i.App, i.Key, service.Connection{Sender: in.Sender, Name: in.Name, Provider: cmp.Or(in.Provider, "meta"),
			Credentials: in.Credentials, Account: hookswitch.ConnectedAccount{Name: in.AccountName, Phone: in.PhoneNumber}})
		return done, err
	})
}

type failureIn struct {
	Reason string `json:"reason"`
}

func (h *handler) failInvitation(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[failureIn](r)
	if err != nil {
		return err
	}
	return h.aboutInvitation(w, r, func(i *hookswitch.Invitation) (*hookswitch.Invitation, error) {
		return h.service.FailInvitation(r.Context(), i.App, i.Key, in.Reason)
	})
}

func (h *handler) cancelInvitation(w http.ResponseWriter, r *http.Request) error {
	return h.aboutInvitation(w, r, func(i *hookswitch.Invitation) (*hookswitch.Invitation, error) {
		return h.service.CancelInvitation(r.Context(), i.App, h.id(hookswitch.KindInvitation, i.Key))
	})
}
