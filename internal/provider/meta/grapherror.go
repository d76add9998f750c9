package meta

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// graphError is an error as the Graph API answers it and as statuses and messages carry it. Its code decides; the texts change.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
// https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
type graphError struct {
	Code    text      `json:"code"`
	Subcode text      `json:"error_subcode"`
	Title   text      `json:"title"`
	Message text      `json:"message"`
	Data    errorData `json:"error_data"`
}

// errorData is an object for WhatsApp. Elsewhere in the Graph API it may be a text, which is passed over.
type errorData struct{ Details text }

// UnmarshalJSON implements json.Unmarshaler.
func (d *errorData) UnmarshalJSON(raw []byte) error {
	var object struct {
		Details text `json:"details"`
	}
	_ = json.Unmarshal(raw, &object)
	d.Details = object.Details
	return nil
}

// title is the short name of the error.
func (e *graphError) title() string {
	return bounded(string(cmp.Or(e.Title, e.Message, e.Data.Details)))
}

// sentence is all the error says.
func (e *graphError) sentence() string {
	said, details := cmp.Or(e.Message, e.Title), e.Data.Details
	if said == "" || details == "" || strings.Contains(string(said), string(details)) {
		return bounded(string(cmp.Or(said, details)))
	}
	return bounded(string(said) + ": " + string(details))
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	const most = 500
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// verdict is what an error code means for the message it is about.
type verdict struct {
	category  string
	temporary bool          // the same call may succeed later
	wait      time.Duration // not before this has passed
	tries     int           // at most so many calls in all; 0: no such bound
	account   bool          // it is about all that the account sends
	revoked   bool          // nothing can be sent with the credentials until a person has put that right
}

// The categories of failures.
const (
	categoryAuth      = "auth"       // the token, or what it may do
	categoryMedia     = "media"      // a file that could not be fetched or stored
	categoryPermanent = "permanent"  // the message itself
	categoryPolicy    = "policy"     // Meta will not carry it
	categoryRateLimit = "rate_limit" // too much at once
	categoryRecipient = "recipient"  // the person cannot be reached
	categoryTemplate  = "template"
	categoryTemporary = "temporary" // Meta's own trouble
	categoryWindow    = "window"    // more than 24 hours since the person last wrote
)

// pairWait is how long a number must not write to the same person after it wrote too often.
const pairWait = 6 * time.Second

// verdict reads the code. On Messenger and Instagram, direct, codes of missing permissions may be about one person: an app that Meta has not approved yet may write to those
// who take part in it, and to nobody else.
func (e *graphError) verdict(direct bool) verdict {
	code, err := strconv.Atoi(string(e.Code))
	if err != nil {
		return verdict{category: categoryPermanent}
	}
	// Some codes stand for several things, which their subcodes tell apart.
	switch e.Subcode {
	case "2018278", "2534022", "2018065", "2018108":
		return verdict{category: categoryWindow}
	case "2018001", "2018028", "1545041":
		return verdict{category: categoryRecipient}
	}
	switch code {
	case 131047:
		return verdict{category: categoryWindow}
	case 551, 131021, 131026, 131030, 131050:
		return verdict{category: categoryRecipient}
	case 368, 131031: // blocked for breaking Meta's rules
		return verdict{category: categoryPolicy, revoked: true}
	case 130472, 131048, 131049:
		return verdict{category: categoryPolicy}
	case 4, 17, 32, 341, 613, 80002, 80006, 80007, 130429:
		return verdict{category: categoryRateLimit, temporary: true, account: true}
	case 131056:
		return verdict{category: categoryRateLimit, temporary: true, wait: pairWait}
	case 131052, 131053:
		return verdict{category: categoryMedia, temporary: true, tries: 2}
	case 2, 1200, 131000, 131016, 133004:
		return verdict{category: categoryTemporary, temporary: true}
	case 190:
		return verdict{category: categoryAuth, revoked: true}
	case 0, 3, 10:
		return verdict{category: categoryAuth, revoked: !direct}
	case 131005:
		return verdict{category: categoryAuth}
	}
	switch {
	case 200 <= code && code <= 299:
		return verdict{category: categoryAuth, revoked: !direct}
	case 132000 <= code && code <= 132999:
		return verdict{category: categoryTemplate}
	}
	return verdict{category: categoryPermanent}
}
