package email

import (
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The names under which a mail that is sent carries our id of it, and the address of its route. Services give them back with reports.
const (
	metaMessage = "hookswitch_message"
	metaAddress = "hookswitch_address"
)

// The categories of failures.
const (
	categoryAuth      = "auth"       // the credentials, or the address that sends
	categoryPermanent = "permanent"  // the message itself
	categoryPolicy    = "policy"     // refused for what it is, or for who sends it
	categoryRateLimit = "rate_limit" // too much at once
	categoryRecipient = "recipient"  // the mailbox does not exist or takes nothing from us
	categoryTemporary = "temporary"  // somebody's own trouble
)

// report is what a service tells about a mail that was sent.
type report struct {
	key       string // the same for the same report told again
	id        string // the service's id of the mail
	ref       string
	address   string
	recipient string
	at        time.Time
	token     string

	code, text, category string
	retriable            bool
}

func (e *report) update() hookswitch.Update {
	u := hookswitch.Update{Channel: hookswitch.Email, Address: mailbox(e.address), Dedup: "report:" + line(e.key), At: e.at}
	if e.token != "" {
		u.Tokens = []string{e.token}
	}
	return u
}

func (e *report) person() string { return strings.ToLower(parseAddress(e.recipient).addr) }

// status is the update of a mail that has come so far. raw stands for it where it names none.
func (e *report) status(s hookswitch.MessageStatus, raw []byte) []hookswitch.Update {
	if e.id == "" && e.ref == "" {
		return []hookswitch.Update{broken(raw, errNoID)}
	}
	u := e.update()
	u.Receipt = &hookswitch.MessageReceipt{ProviderID: e.id, Ref: e.ref, Recipient: e.person(), Status: s}
	if s == hookswitch.StatusFailed {
		u.Receipt.ErrorCode, u.Receipt.ErrorText, u.Receipt.ErrorCategory, u.Receipt.Retriable = e.code, e.text, e.category, e.retriable
	}
	return []hookswitch.Update{u}
}

// optOut is the update of a person who wants no more mail, or wants it again.
func (e *report) optOut(again bool, raw []byte) []hookswitch.Update {
	person := e.person()
	if person == "" {
		return []hookswitch.Update{broken(raw, errNoSender)}
	}
	u := e.update()
	u.OptOut = &hookswitch.OptOut{From: person, Again: again}
	return []hookswitch.Update{u}
}
