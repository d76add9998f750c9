package client

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Error is an answer of the server that says no.
type Error struct {
	Status    int
	Code      string // a word for programs, such as not_found; empty: the answer has none
	Message   string
	Fields    []Field
	RequestID string // names the request in the server's log
}

// Field says what is wrong with one field of a request.
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	if e.Message == "" {
		return "the server answered " + strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	}
	return e.Message
}

// UnreachableError says that no server answered.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string { return "no answer from " + e.URL + ": " + e.Err.Error() }
func (e *UnreachableError) Unwrap() error { return e.Err }

// CodeForeign is the Code of an answer that none of our APIs gives: some other server, or a proxy, has spoken.
const CodeForeign = "foreign_answer"

func requestID(res *http.Response) string { return res.Header.Get("X-Request-Id") }

// newError reads an answer in one of the two shapes of our APIs.
func newError(res *http.Response, body []byte) *Error {
	e := &Error{Status: res.StatusCode, RequestID: requestID(res)}
	var answer struct {
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Fields  []Field         `json:"fields"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == "" && answer.Message == "" && answer.Detail == nil {
		e.Code = CodeForeign
		return e
	}
	e.Code, e.Message, e.Fields = answer.Code, answer.Message, answer.Fields
	var text string
	var list []struct {
		Loc []string `json:"loc"`
		Msg string   `json:"msg"`
	}
	if json.Unmarshal(answer.Detail, &text) == nil {
		e.Message = cmp.Or(e.Message, text)
	} else if json.Unmarshal(answer.Detail, &list) == nil {
		sentences := make([]string, len(list))
		for i, d := range list {
			f := Field{Path: hookswitch.FieldError{Path: d.Loc}.Name(), Message: d.Msg}
			e.Fields = append(e.Fields, f)
			sentences[i] = strings.TrimSpace(f.Path + " " + f.Message)
		}
		e.Code, e.Message = cmp.Or(e.Code, "invalid_request"), cmp.Or(e.Message, strings.Join(sentences, "; "))
	}
	return e
}
