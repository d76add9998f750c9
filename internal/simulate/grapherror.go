package simulate

import (
	"cmp"
	"net/http"
	"strconv"
)

// graphCode is what Meta answers with for one of its error codes.
type graphCode struct {
	status int
	title  string
}

// codeOf knows the codes that receivers treat in different ways. Others are answered 400.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
func codeOf(code int) graphCode {
	switch code {
	case 0:
		return graphCode{http.StatusUnauthorized, "AuthException"}
	case 3, 10:
		return graphCode{http.StatusForbidden, "Permission denied"}
	case 2, 1200:
		return graphCode{http.StatusInternalServerError, "Service temporarily unavailable"}
	case 4:
		return graphCode{http.StatusTooManyRequests, "Application request limit reached"}
	case 100:
		return graphCode{http.StatusBadRequest, "Invalid parameter"}
	case 190:
		return graphCode{http.StatusUnauthorized, "Invalid OAuth access token"}
	case 368:
		return graphCode{http.StatusForbidden, "Temporarily blocked for policies violations"}
	case 551:
		return graphCode{http.StatusBadRequest, "This person isn't available right now"}
	case 613:
		return graphCode{http.StatusTooManyRequests, "Calls to this api have exceeded the rate limit"}
	case 80006, 80007:
		return graphCode{http.StatusTooManyRequests, "Rate limit issues"}
	case 130429:
		return graphCode{http.StatusTooManyRequests, "Rate limit hit"}
	case 130472:
		return graphCode{http.StatusBadRequest, "User's number is part of an experiment"}
	case 131000:
		return graphCode{http.StatusInternalServerError, "Something went wrong"}
	case 131008:
		return graphCode{http.StatusBadRequest, "Required parameter is missing"}
	case 131009:
		return graphCode{http.StatusBadRequest, "Parameter value is not valid"}
	case 131016:
		return graphCode{http.StatusServiceUnavailable, "Service unavailable"}
	case 131021:
		return graphCode{http.StatusBadRequest, "Recipient cannot be sender"}
	case 131026:
		return graphCode{http.StatusBadRequest, "Message undeliverable"}
	case 131030:
		return graphCode{http.StatusBadRequest, "Recipient phone number not in allowed list"}
	case 131031:
		return graphCode{http.StatusForbidden, "Account has been locked"}
	case 131047:
		return graphCode{http.StatusBadRequest, "Re-engagement message"}
	case 131048:
		return graphCode{http.StatusTooManyRequests, "Spam rate limit hit"}
	case 131049:
		return graphCode{http.StatusBadRequest, "This message was not delivered to maintain healthy ecosystem engagement"}
	case 131050:
		return graphCode{http.StatusBadRequest, "User has stopped marketing messages"}
	case 131051:
		return graphCode{http.StatusBadRequest, "Message type unknown"}
	case 131052:
		return graphCode{http.StatusBadRequest, "Media download error"}
	case 131053:
		return graphCode{http.StatusBadRequest, "Media upload error"}
	case 131056:
		return graphCode{http.StatusTooManyRequests, "(Business Account, Consumer Account) pair rate limit hit"}
	case 133004:
		return graphCode{http.StatusServiceUnavailable, "Server temporarily unavailable"}
	}
	if code >= 200 && code <= 299 {
		return graphCode{http.StatusForbidden, "Permissions error"}
	}
	return graphCode{http.StatusBadRequest, "Error " + strconv.Itoa(code)}
}

// graphError is a refusal in Meta's shape.
type graphError struct {
	status int // 0: the usual one of the code
	body   graphErrorBody
}

type graphErrorBody struct {
	Message string       `json:"message"`
	Type    string       `json:"type"`
	Code    int          `json:"code"`
	Subcode int          `json:"error_subcode,omitempty"`
	Data    *errorDetail `json:"error_data,omitempty"`
	TraceID string       `json:"fbtrace_id"`
}

func newGraphError(code int, details string) *graphError {
	e := &graphError{body: graphErrorBody{Message: "(#" + strconv.Itoa(code) + ") " + codeOf(code).title, Type: "OAuthException", Code: code}}
	if details != "" {
		e.body.Data = &errorDetail{Product: "whatsapp", Details: details}
	}
	return e
}

// parameterError is code 100, whose message tells the parameter.
func parameterError(message string) *graphError {
	e := newGraphError(100, "")
	e.body.Message = "(#100) " + message
	return e
}

func (e *graphError) httpStatus() int { return cmp.Or(e.status, codeOf(e.body.Code).status) }
