package svix

import (
	"errors"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// statuses are where this API differs from the others.
var statuses = map[hookswitch.ErrorKind]int{
	hookswitch.Invalid: http.StatusUnprocessableEntity,
	hookswitch.Gone:    http.StatusBadRequest, // clients know no 410
}

type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

type validationProblem struct {
	Detail []fieldProblem `json:"detail"`
}

type fieldProblem struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

// writeError answers with one of the two shapes that the client libraries decode: a list for 422, a code and a sentence for everything else.
func writeError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	if status != http.StatusUnprocessableEntity {
		_ = httpapi.Encode(w, status, problem{code(e), e.Message}) // fails only when the client has gone
		return
	}
	out := validationProblem{Detail: make([]fieldProblem, len(e.Fields))}
	for i, f := range e.Fields {
		out.Detail[i] = fieldProblem{f.Path, f.Message, f.Type}
		if f.Type == "" {
			out.Detail[i].Type = "value_error"
		}
	}
	_ = httpapi.Encode(w, status, out)
}

func code(e *hookswitch.Error) string {
	if e.Code != "" {
		return e.Code
	}
	switch e.Kind {
	case hookswitch.Invalid:
		return "generic_error"
	case hookswitch.Unauthorized:
		return "authentication_failed"
	case hookswitch.Forbidden:
		return "insufficient access"
	}
	return httpapi.Code(e.Kind)
}

// renamed is err with the field of the body called from told as to, the spelling that the caller used.
func renamed(err error, from, to string) error {
	var e *hookswitch.Error
	if from == to || !errors.As(err, &e) {
		return err
	}
	for i, f := range e.Fields {
		if len(f.Path) > 1 && f.Path[1] == from {
			path := append([]string(nil), f.Path...)
			path[1] = to
			e.Fields[i].Path = path
		}
	}
	return err
}
