package operator

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// exportLine is a line of an export; what else it has depends on its kind.
type exportLine struct {
	Kind string `json:"kind"` // application, endpoint, sender, contact, conversation, message, event, attempt or activity
}

// exportWait is how long a reader of an export may take for some lines.
const (
	exportWait  = time.Minute
	exportLines = 500
)

// export writes down what is kept about an app or, where contact is not 0, about a person of it.
func (h *handler) export(w http.ResponseWriter, r *http.Request, app, contact hookswitch.Key) error {
	rc := http.NewResponseController(w)
	lines := 0
	return h.service.Export(r.Context(), app, contact, func(line []byte) error {
		if lines++; lines%exportLines == 1 {
			w.Header().Set("Content-Type", "application/x-ndjson")
			_ = rc.SetWriteDeadline(time.Now().Add(exportWait)) // a writer without deadlines has none to move
		}
		_, err := w.Write(append(line, '\n'))
		return err
	})
}

func (h *handler) exportApp(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	return h.export(w, r, a.Key, 0)
}

func (h *handler) exportContact(w http.ResponseWriter, r *http.Request) error {
	c, err := h.contact(r)
	if err != nil {
		return err
	}
	return h.export(w, r, c.App, c.Key)
}

// erasureOut is the task that erases a person.
type erasureOut struct {
	ID        string            `json:"id"` // of the task, which the Svix-shaped API tells of
	Status    string            `json:"status"`
	CreatedAt httpapi.MilliTime `json:"createdAt"`
}

func (h *handler) eraseContact(w http.ResponseWriter, r *http.Request) error {
	c, err := h.contact(r)
	if err != nil {
		return err
	}
	t, err := h.service.ErasePerson(r.Context(), c.App, h.id(hookswitch.KindContact, c.Key))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusAccepted, erasureOut{h.id(hookswitch.KindTask, t.Key), string(t.Status), httpapi.MilliTime(t.CreatedAt)})
}
