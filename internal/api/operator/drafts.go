package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// draftOut is an answer to a public post that waits for approval, or did.
type draftOut struct {
	ID             string            `json:"id"`
	ConversationID string            `json:"conversation_id"`
	TweetID        string            `json:"tweet_id"`
	AuthorUsername string            `json:"author_username"`
	TweetText      string            `json:"tweet_text"`
	DraftReply     string            `json:"draft_reply"`
	Status         string            `json:"status"`
	Error          *string           `json:"error"`      // why it could not be posted
	MessageID      *string           `json:"message_id"` // the message that was made of it
	CreatedAt      httpapi.MilliTime `json:"created_at"`
	UpdatedAt      httpapi.MilliTime `json:"updated_at"`
}

func (h *handler) newDraft(d *hookswitch.Draft) draftOut {
	return draftOut{ID: h.id(hookswitch.KindDraft, d.Key), ConversationID: h.id(hookswitch.KindConversation, d.Conversation), TweetID: d.PostID, AuthorUsername: d.Author,
		TweetText: d.PostText, DraftReply: d.Reply, Status: string(d.Status), Error: httpapi.OrNull(d.Failure),
		MessageID: httpapi.OrNull(h.id(hookswitch.KindMessage, d.Answer)), CreatedAt: httpapi.MilliTime(d.CreatedAt), UpdatedAt: httpapi.MilliTime(d.UpdatedAt)}
}

// queryApp is the app that the parameter app names, by id or uid.
func (h *handler) queryApp(r *http.Request) (*hookswitch.App, error) {
	q := httpapi.NewQuery(r)
	name := q.Text("app")
	if name == "" {
		q.Fail("must name an app, by id or uid", "app")
	}
	if err := q.Err(); err != nil {
		return nil, err
	}
	return h.service.App(r.Context(), name)
}

func (h *handler) listDrafts(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	status := q.OneOf("status", "", string(hookswitch.DraftPending), string(hookswitch.DraftApproved), string(hookswitch.DraftPosted), string(hookswitch.DraftRejected))
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	list, err := h.service.Drafts(r.Context(), a.Key, hookswitch.DraftStatus(status), p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(d *hookswitch.Draft) hookswitch.Key { return d.Key }, h.newDraft))
}

// aboutDraft answers with the draft that the path names, after do.
func (h *handler) aboutDraft(w http.ResponseWriter, r *http.Request, do func(app hookswitch.Key, id string) (*hookswitch.Draft, error)) error {
	a, err := h.queryApp(r)
	if err != nil {
		return err
	}
	d, err := do(a.Key, r.PathValue("draft"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newDraft(d))
}

func (h *handler) getDraft(w http.ResponseWriter, r *http.Request) error {
	return h.aboutDraft(w, r, func(app hookswitch.Key, id string) (*hookswitch.Draft, error) {
		return h.service.Draft(r.Context(), app, id)
	})
}

type draftIn struct {
	DraftReply string `json:"draft_reply"`
}

func (h *handler) editDraft(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[draftIn](r)
	if err != nil {
		return err
	}
	return h.aboutDraft(w, r, func(app hookswitch.Key, id string) (*hookswitch.Draft, error) {
		return h.service.EditDraft(r.Context(), app, id, in.DraftReply)
	})
}

func (h *handler) approveDraft(w http.ResponseWriter, r *http.Request) error {
	return h.aboutDraft(w, r, func(app hookswitch.Key, id string) (*hookswitch.Draft, error) {
		return h.service.ApproveDraft(r.Context(), app, id)
	})
}

func (h *handler) rejectDraft(w http.ResponseWriter, r *http.Request) error {
	return h.aboutDraft(w, r, func(app hookswitch.Key, id string) (*hookswitch.Draft, error) {
		return h.service.RejectDraft(r.Context(), app, id)
	})
}
