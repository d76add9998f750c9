package ingest

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Result is what became of a request at a door.
type Result uint8

// The results. From BadSignature on the request was refused.
const (
	Accepted      Result = iota // genuine, and whatever it tells is stored
	Duplicate                   // genuine, and all of it was known
	Handshake                   // a proof of ownership was given
	BadSignature                // no account proves it
	BadToken                    // a handshake for somebody else
	NotConfigured               // no account could prove it
	BadPayload                  // cannot be read
	TooLarge                    // more than the door takes
	UnknownSender               // the door names a sender that does not exist
	BadMethod                   // neither a push nor a handshake
	Unavailable                 // the store cannot take it now
	Failed                      // our fault
	resultEnd
)

var resultNames = [resultEnd]string{
	"accepted", "duplicate", "handshake", "bad_signature", "bad_token", "not_configured", "bad_payload", "too_large", "unknown_sender", "bad_method",
	"unavailable", "failed",
}

// String is the word for r in logs and metrics.
func (r Result) String() string {
	if r >= resultEnd {
		return "unknown"
	}
	return resultNames[r]
}

// The codes of answers that refuse.
const (
	codeSignature     = "SIGNATURE_INVALID"
	codeToken         = "VERIFY_TOKEN_INVALID"
	codeNotConfigured = "CHANNEL_NOT_CONFIGURED"
	codePayload       = "BAD_PAYLOAD"
	codeNotFound      = "NOT_FOUND"
	codeInternal      = "INTERNAL"
)

// refusal is an error that says how it is to be counted.
type refusal struct {
	result Result
	err    *hookswitch.Error
}

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

func refuse(result Result, kind hookswitch.ErrorKind, code, sentence string) error {
	return &refusal{result, &hookswitch.Error{Kind: kind, Code: code, Message: sentence}}
}

// errorBody is the answer to a refused push.
type errorBody struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

func writeError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	code := e.Code
	switch {
	case code != "":
	case e.Kind == hookswitch.Internal:
		code = codeInternal
	default:
		code = strings.ToUpper(httpapi.Code(e.Kind))
	}
	// A push is proved by a signature, and not by a credential that could be asked for.
	w.Header().Del("WWW-Authenticate")
	_ = httpapi.Encode(w, status, errorBody{e.Message, code})
}
