package httpapi

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Status is the HTTP status of errors of kind, unless a Surface says otherwise.
func Status(kind hookswitch.ErrorKind) int {
	switch kind {
	case hookswitch.Invalid:
		return http.StatusBadRequest
	case hookswitch.NotFound:
		return http.StatusNotFound
	case hookswitch.Conflict:
		return http.StatusConflict
	case hookswitch.Unauthorized:
		return http.StatusUnauthorized
	case hookswitch.Forbidden:
		return http.StatusForbidden
	case hookswitch.TooLarge:
		return http.StatusRequestEntityTooLarge
	case hookswitch.RateLimited:
		return http.StatusTooManyRequests
	case hookswitch.Unavailable:
		return http.StatusServiceUnavailable
	case hookswitch.Unsupported:
		return http.StatusNotImplemented
	case hookswitch.Gone:
		return http.StatusGone
	case hookswitch.NotAllowed:
		return http.StatusMethodNotAllowed
	}
	return http.StatusInternalServerError
}

// status is the status of e on s. An Invalid error that names no field is about the request as a whole: 400 everywhere.
func (s *Surface) status(e *hookswitch.Error) int {
	if e.Kind == hookswitch.Invalid && len(e.Fields) == 0 {
		return http.StatusBadRequest
	}
	if status, ok := s.Statuses[e.Kind]; ok {
		return status
	}
	return Status(e.Kind)
}

// Code is the usual word for errors of kind that have no Code of their own.
func Code(kind hookswitch.ErrorKind) string {
	switch kind {
	case hookswitch.Invalid:
		return "invalid_request"
	case hookswitch.NotFound:
		return "not_found"
	case hookswitch.Conflict:
		return "conflict"
	case hookswitch.Unauthorized:
		return "unauthorized"
	case hookswitch.Forbidden:
		return "forbidden"
	case hookswitch.TooLarge:
		return "payload_too_large"
	case hookswitch.RateLimited:
		return "rate_limited"
	case hookswitch.Unavailable:
		return "unavailable"
	case hookswitch.Unsupported:
		return "not_implemented"
	case hookswitch.Gone:
		return "gone"
	case hookswitch.NotAllowed:
		return "method_not_allowed"
	}
	return "internal_error"
}

// sentence is what an error without a Message says.
func sentence(e *hookswitch.Error) string {
	if len(e.Fields) > 0 {
		parts := make([]string, len(e.Fields))
		for i, f := range e.Fields {
			parts[i] = f.Name() + " " + f.Message
		}
		return strings.Join(parts, "; ")
	}
	switch e.Kind {
	case hookswitch.Invalid:
		return "The request is not valid."
	case hookswitch.NotFound:
		return "Not found."
	case hookswitch.Conflict:
		return "Something with that name exists already."
	case hookswitch.Unauthorized:
		return "A valid bearer token is needed."
	case hookswitch.Forbidden:
		return "This credential may not do that."
	case hookswitch.TooLarge:
		return "The request is too large."
	case hookswitch.RateLimited:
		return "Too many requests; try again later."
	case hookswitch.Unavailable:
		return "The server cannot take the request now; try again shortly."
	case hookswitch.Unsupported:
		return "This server does not offer that."
	case hookswitch.Gone:
		return "The content has been removed."
	case hookswitch.NotAllowed:
		return "The method is not allowed here."
	}
	return "Something went wrong on the server's side."
}
