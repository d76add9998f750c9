package hookswitch

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// APIKey lets a program act for one App. Its text is shown once and stored as a hash.
type APIKey struct {
	Key       Key
	App       Key
	Test      bool    // sends are simulated
	Name      string  // for people; may be empty
	Scopes    []Scope // what the key is for; none: everything
	Hint      string  // the text's last letters
	CreatedAt time.Time
	RotatedAt time.Time // when the text was made that counts now; zero: with the key
	OldUntil  time.Time // until when the text before it counts as well; zero: there is none
	UsedAt    time.Time // the last use, exact to a minute or so; zero: never
}

// Validate reports every wrong field of k.
func (k *APIKey) Validate() error {
	var c Checks
	if m := CheckText(k.Name); m != "" {
		c.Field(m, "name")
	} else if len(k.Name) > MaxName {
		c.Field("must be at most "+strconv.Itoa(MaxName)+" bytes long", "name")
	}
	for i, s := range k.Scopes {
		if !slices.Contains(Scopes(), s) {
			c.Field("is not a scope; those are "+scopeWords(), "scopes", "["+strconv.Itoa(i)+"]")
		}
	}
	return c.Err()
}

// Scope is one thing that an API key may be for: a noun and what may be done with it.
type Scope string

// The scopes. One to write does not include the one to read.
const (
	ScopeSendersRead        Scope = "senders:read"
	ScopeSendersWrite       Scope = "senders:write"
	ScopeMessagesRead       Scope = "messages:read"
	ScopeMessagesWrite      Scope = "messages:write"
	ScopeContactsRead       Scope = "contacts:read"
	ScopeContactsWrite      Scope = "contacts:write"
	ScopeConversationsRead  Scope = "conversations:read"
	ScopeConversationsWrite Scope = "conversations:write"
	ScopeTemplatesRead      Scope = "templates:read"
	ScopeTemplatesWrite     Scope = "templates:write"
	ScopeInvitationsRead    Scope = "invitations:read"
	ScopeInvitationsWrite   Scope = "invitations:write"
)

// Scopes are all scopes, in the order in which they are listed.
func Scopes() []Scope {
	return []Scope{
		ScopeSendersRead, ScopeSendersWrite, ScopeMessagesRead, ScopeMessagesWrite, ScopeContactsRead, ScopeContactsWrite,
		ScopeConversationsRead, ScopeConversationsWrite, ScopeTemplatesRead, ScopeTemplatesWrite, ScopeInvitationsRead, ScopeInvitationsWrite,
	}
}

func scopeWords() string {
	var b strings.Builder
	for i, s := range Scopes() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// Allows reports whether the key may be used for s.
func (k *APIKey) Allows(s Scope) bool { return len(k.Scopes) == 0 || slices.Contains(k.Scopes, s) }
