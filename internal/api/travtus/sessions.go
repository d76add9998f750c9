package travtus

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type sessionOut struct {
	Status    int    `json:"status"`
	SessionID string `json:"sessionId,omitempty"`
	UserID    string `json:"userId,omitempty"`
}

// sourceChannel is the channel that a session's source means.
func sourceChannel(source string) (hookswitch.Channel, bool) {
	switch strings.ToLower(source) {
	case "", "sms":
		return hookswitch.SMS, true
	case "email":
		return hookswitch.Email, true
	case "web_chat", "webchat", "website", "web":
		return hookswitch.WebChat, true
	}
	return "", false
}

func (h *handler) beginSession(w http.ResponseWriter, r *http.Request) error {
	_, in, err := readObject(r)
	if err != nil {
		return err
	}
	in.text("clientId") // the credential tells whose session it is
	ch, ok := sourceChannel(in.text("source"))
	if !ok {
		in.fail("source", "must be sms, email or web_chat")
	}
	var c service.Customer
	if o := in.object("customer", true); o != nil {
		c = service.Customer{Name: strings.TrimSpace(o.text("firstName") + " " + o.text("lastName")), Phone: o.id("phoneNumber", false), Email: o.id("emailAddress", false),
			About: map[string]string{}}
		for _, name := range []string{"unitNumber", "address"} {
			if text := o.id(name, false); text != "" {
				c.About[name] = text
			}
		}
	}
	if err := in.checks.Err(); err != nil {
		return err
	}
	s, err := h.service.BeginSession(r.Context(), appOf(r), ch, c)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, sessionOut{http.StatusOK, s.ID, s.UserID})
}

func (h *handler) saySession(w http.ResponseWriter, r *http.Request) error {
	_, in, err := readObject(r)
	if err != nil {
		return err
	}
	content := in.need("content")
	if err := in.checks.Err(); err != nil {
		return err
	}
	if err := h.service.SaySession(r.Context(), appOf(r), r.PathValue("session"), content); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, sessionOut{Status: http.StatusOK})
}

// subscribe registers a receiver of the answers in sessions.
func (h *handler) subscribe(w http.ResponseWriter, r *http.Request) error {
	_, in, err := readObject(r)
	if err != nil {
		return err
	}
	address, event := in.need("url"), in.need("event")
	if event != "message" && event != "" {
		in.fail("event", "must be message")
	}
	if err := in.checks.Err(); err != nil {
		return err
	}
	if err := h.service.SubscribeSessions(r.Context(), appOf(r), address); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, sessionOut{Status: http.StatusOK})
}
