package hookswitch

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrorKind sorts errors by what the caller can do about them. Each API turns a kind into its own status and shape.
type ErrorKind uint8

// The kinds of errors. An error without a kind is Internal.
const (
	Internal     ErrorKind = iota // our fault; nothing of it is shown
	Invalid                       // the request is wrong; Fields or Message say what and how to put it right
	NotFound                      // no such thing for this caller
	Conflict                      // something with that name or key exists
	Unauthorized                  // no credential, or not a valid one
	Forbidden                     // a valid credential that may not do this
	TooLarge                      // the body or list exceeds a limit
	RateLimited                   // too many requests; RetryAfter says when
	Unavailable                   // the store or a queue cannot take it now; RetryAfter says when
	Unsupported                   // known, and not offered by this server
	Gone                          // it was there, and its content has been removed
	NotAllowed                    // the route exists, the method does not
)

// Error is an error with a kind and a sentence for the person who reads it. Err is the cause: logged, never shown.
type Error struct {
	Kind       ErrorKind
	Code       string // a word for programs, such as "limit_reached"; empty: the API's usual one for the kind
	Message    string
	Fields     []FieldError
	Details    map[string]any // what else a program may want to know, by its name on the wire; APIs without a place for it leave it out
	RetryAfter time.Duration
	Err        error
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	// Path leads to the field: "body", "query" or "path" first, then names as on the wire, list positions as "[0]".
	Path    []string
	Message string
	Type    string // a word for programs; empty means value_error
	// Allowed are the names to choose from, where the field takes one or more of a few.
	Allowed []string
}

// Name is the path as people write it, without its first word: senders[2].webhook.url.
func (f FieldError) Name() string {
	path := f.Path
	if len(path) > 1 {
		path = path[1:]
	}
	return strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
}

func (e *Error) Error() string {
	text := e.Message
	if text == "" && len(e.Fields) > 0 {
		parts := make([]string, len(e.Fields))
		for i, f := range e.Fields {
			parts[i] = strings.Join(f.Path, ".") + ": " + f.Message
		}
		text = strings.Join(parts, "; ")
	}
	if e.Err == nil {
		return text
	}
	if text == "" {
		return e.Err.Error()
	}
	return text + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first Error in err's chain, or Internal.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Errorf makes an Error of kind with a formatted sentence. A %w verb becomes its cause.
func Errorf(kind ErrorKind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	if cause := errors.Unwrap(err); cause != nil {
		return &Error{Kind: kind, Message: strings.TrimSuffix(err.Error(), ": "+cause.Error()), Err: cause}
	}
	return &Error{Kind: kind, Message: err.Error()}
}

// InvalidField makes the error of one wrong field of a request body. Path elements follow "body".
func InvalidField(message string, path ...string) *Error {
	return &Error{Kind: Invalid, Fields: []FieldError{{Path: append([]string{"body"}, path...), Message: message}}}
}

// NotFoundf makes an error of kind NotFound.
func NotFoundf(format string, args ...any) *Error { return Errorf(NotFound, format, args...) }

// Checks collects the wrong fields of one request, so that all are reported at once.
type Checks struct{ fields []FieldError }

// Field notes that the field of the body at path is wrong.
func (c *Checks) Field(message string, path ...string) {
	c.fields = append(c.fields, FieldError{Path: append([]string{"body"}, path...), Message: message})
}

// Choice notes that the field of the body at path is wrong, and what there is to choose from.
func (c *Checks) Choice(message string, allowed []string, path ...string) {
	c.fields = append(c.fields, FieldError{Path: append([]string{"body"}, path...), Message: message, Allowed: allowed})
}

// Add notes the fields of err, where it is an Error of kind Invalid.
func (c *Checks) Add(err error) {
	var e *Error
	if errors.As(err, &e) {
		c.fields = append(c.fields, e.Fields...)
	}
}

// Err is nil, or an Error of kind Invalid with all the noted fields.
func (c *Checks) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Fields: c.fields}
}
