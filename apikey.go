package hookswitch

import (
	"slices"
	"time"
)

// APIKey lets a program act for one App. Its text is shown once and stored as a hash.
type APIKey struct {
	Key       Key
	App       Key
	Test      bool    // sends are simulated
	Scopes    []Scope // what the key is for; none: everything
	Hint      string  // the text's last letters
	CreatedAt time.Time
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

// Allows reports whether the key may be used for s.
func (k *APIKey) Allows(s Scope) bool { return len(k.Scopes) == 0 || slices.Contains(k.Scopes, s) }
