package travtus

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Words for errors, beside httpapi's.
const (
	codeInvalidJSON = "invalid_json"
	codeMediaType   = "unsupported_media_type"
)

type errorOut struct {
	Error problem `json:"error"`
}

type problem struct {
	Type    string            `json:"type"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// statusOf is the status of an error. One has none of its own among the kinds.
func statusOf(status int, e *hookswitch.Error) int {
	if e.Code == codeMediaType {
		return http.StatusUnsupportedMediaType
	}
	return status
}

// writeErrorOf writes an error in the shape of the path's API, the older one's under /v1.
func writeErrorOf(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error) {
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		writeSessionError(w, r, status, e)
		return
	}
	writeError(w, r, status, e)
}

func writeError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	out := errorOut{problem{Type: cmp.Or(e.Code, httpapi.Code(e.Kind)), Message: e.Message}}
	if e.Kind == hookswitch.RateLimited {
		out.Error.Type = "too_many_requests"
	}
	if len(e.Fields) > 0 {
		out.Error.Fields = make(map[string]string, len(e.Fields))
		for _, f := range e.Fields {
			out.Error.Fields[f.Name()] = f.Message
		}
		out.Error.Message = named(out.Error.Fields)
	}
	_ = httpapi.Encode(w, statusOf(status, e), out) // an answer that cannot be sent has nobody to tell
}

// named is a sentence that names the fields.
func named(fields map[string]string) string {
	parts := make([]string, 0, len(fields))
	for name, message := range fields {
		if message == required {
			message = "is required"
		}
		parts = append(parts, name+" "+message)
	}
	slices.Sort(parts)
	return "The request body is not valid: " + strings.Join(parts, "; ") + "."
}

type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// writeOAuthError writes an error as RFC 6749 section 5.2 has it.
func writeOAuthError(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error) {
	if e.Kind == hookswitch.RateLimited {
		writeError(w, r, status, e)
		return
	}
	out := oauthError{cmp.Or(e.Code, httpapi.Code(e.Kind)), e.Message}
	switch e.Kind {
	case hookswitch.Unauthorized:
		out.Error = "invalid_client"
	case hookswitch.TooLarge:
		out.Error = "invalid_request"
	case hookswitch.Internal:
		out.Error = "server_error"
	case hookswitch.Unavailable:
		out.Error = "temporarily_unavailable"
	}
	noStore(w)
	_ = httpapi.Encode(w, status, out)
}

type sessionError struct {
	Status    int    `json:"status"`
	ErrorCode string `json:"errorCode"`
}

// writeSessionError writes an error in the shape of the sessions API.
func writeSessionError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	status = statusOf(status, e)
	_ = httpapi.Encode(w, status, sessionError{status, cmp.Or(e.Code, httpapi.Code(e.Kind))})
}

// noStore keeps an answer out of caches.
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}
