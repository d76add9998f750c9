package travtus

import (
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// maxForm bounds a request for a token.
const maxForm = 16 << 10

type tokenOut struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
}

func badForm(code, sentence string) error {
	return &hookswitch.Error{Kind: hookswitch.Invalid, Code: code, Message: sentence}
}

// issueToken gives a client a token, as RFC 6749 section 4.4 has it.
func (h *handler) issueToken(w http.ResponseWriter, r *http.Request) error {
	noStore(w)
	form, err := readForm(r)
	if err != nil {
		return err
	}
	id, secret, err := clientCredentials(r, form)
	if err != nil {
		return err
	}
	switch grant := form.Get("grant_type"); {
	case grant == "":
		return badForm("invalid_request", "grant_type is required.")
	case grant != "client_credentials":
		return badForm("unsupported_grant_type", "grant_type must be client_credentials.")
	}
	c, err := h.service.AuthenticateClient(r.Context(), id, hookswitch.Secret(secret))
	if err != nil {
		if _, _, basic := r.BasicAuth(); basic {
			w.Header().Set("WWW-Authenticate", `Basic realm="hookswitch"`)
		}
		return err
	}
	return httpapi.Encode(w, http.StatusOK, tokenOut{h.issue(c.Key, h.now().Add(h.life)), "Bearer", int(h.life / time.Second)})
}

// readForm reads the body, in which no field may come twice.
func readForm(r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, badForm("invalid_request", "The body must be a form: Content-Type: application/x-www-form-urlencoded.")
	}
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badForm("invalid_request", "The form cannot be read.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, badForm("invalid_request", name+" must not come twice.")
		}
	}
	return form, nil
}

// clientCredentials are the client's id and secret, from the form or from the Authorization header, not from both.
func clientCredentials(r *http.Request, form url.Values) (id, secret string, err error) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
		if id == "" || secret == "" {
			return "", "", badForm("invalid_request", "client_id and client_secret are required.")
		}
		return id, secret, nil
	}
	// RFC 6749 section 2.3.1 has both encoded as in a form before they are joined. Ours have nothing that this would change.
	if form.Has("client_secret") || form.Has("client_id") && form.Get("client_id") != id {
		return "", "", badForm("invalid_request", "The client must show its credentials in one way only.")
	}
	return id, secret, nil
}
