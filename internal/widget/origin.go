package widget

import (
	"net/http"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
)

// preflightLife is how long, in seconds, browsers may remember what a preflight has told. Chromium keeps none for longer.
const preflightLife = 7200

// admit lets a request in whose page may show the chat, and lets that page read the answer. What has an effect needs an origin, which browsers always
// send with it; a GET from a page of our own comes without.
func (wg *Widget) admit(w http.ResponseWriter, r *http.Request, c *chat) error {
	origin := r.Header.Get("Origin")
	wg.vary(w)
	switch {
	case origin == "" && r.Method == http.MethodGet:
		return nil
	case origin != "" && (c.settings.Allows(origin) || origin == wg.own):
		wg.share(w, origin)
		return nil
	}
	message := "The request names no origin; this is a door for browsers."
	if origin != "" {
		message = "The origin " + strconv.Quote(clip(origin, 200)) + " is not among the sender's allowed_origins."
	}
	return &hookswitch.Error{Kind: hookswitch.Forbidden, Code: "origin_not_allowed", Message: message}
}

// share lets pages of the origin read the answer.
func (wg *Widget) share(w http.ResponseWriter, origin string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// openly lets a page that may show any chat read err, which is about no chat in particular: otherwise its script could not tell a refusal from a network that is down.
func (wg *Widget) openly(w http.ResponseWriter, r *http.Request, err error) error {
	wg.vary(w)
	origin := r.Header.Get("Origin")
	if known, failed := wg.knows(r, origin); known && failed == nil {
		wg.share(w, origin)
	}
	return err
}

func (wg *Widget) vary(w http.ResponseWriter) { w.Header().Add("Vary", "Origin") }

// preflight tells browsers whether pages of an origin may call the method. It names no sender, so those of all count: what it lets through is still checked against the
// one sender's.
func (wg *Widget) preflight(method string) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		origin := r.Header.Get("Origin")
		wg.vary(w)
		known, err := wg.knows(r, origin)
		if err != nil {
			return err
		}
		if !known {
			return &hookswitch.Error{Kind: hookswitch.Forbidden, Code: "origin_not_allowed", Message: "No sender's allowed_origins name this origin."}
		}
		wg.share(w, origin)
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", method)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		h.Set("Access-Control-Max-Age", strconv.Itoa(preflightLife))
		return httpapi.NoContent(w)
	}
}

// knows reports whether any sender's chat may be on pages of the origin.
func (wg *Widget) knows(r *http.Request, origin string) (bool, error) {
	if origin == "" || origin == wg.own {
		return origin != "", nil
	}
	routes, err := wg.svc.Routes(r.Context())
	for i := range routes {
		if !wg.serves(&routes[i]) {
			continue
		}
		if s := webchat.ReadSettings(routes[i].Credentials); s.Allows(origin) {
			return true, nil
		}
	}
	return false, err
}
