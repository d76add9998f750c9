package hookswitch

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Invitation lets somebody outside, a client of the App's owner, connect an account of theirs: whoever opens its page and enters what is needed becomes a Sender of the App.
type Invitation struct {
	Key            Key
	App            Key
	Token          Secret // in the address of its page; whoever knows it may use the invitation
	ConnectionType ConnectionType
	Status         InvitationStatus
	ClientName     string
	ClientEmail    string
	ClientPhone    string
	Countries      []string // of the numbers that may be connected, two letters each; nil: any
	PhoneNumberID  string   // the number that is to be connected; empty: the client chooses
	Sender         Key      // that was connected; 0: none yet
	Account        ConnectedAccount
	FailureReason  string
	ViewedAt       time.Time
	StartedAt      time.Time
	CompletedAt    time.Time
	FailedAt       time.Time
	ExpiresAt      time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// ConnectedAccount is an account at a provider, as the provider tells of it.
type ConnectedAccount struct {
	Channel Channel
	ID      string // of the phone number or page
	Name    string
	Parent  string // the account above it, such as the WhatsApp Business Account; empty: none
	Phone   string // E.164 with "+", or empty
}

// ConnectionType is what an Invitation connects.
type ConnectionType string

// The connection types.
const (
	ConnectWhatsApp  ConnectionType = "whatsapp_waba"
	ConnectMessenger ConnectionType = "messenger"
)

// Channel is the channel of what is connected.
func (t ConnectionType) Channel() Channel {
	if t == ConnectMessenger {
		return Messenger
	}
	return WhatsApp
}

// InvitationStatus is how far an invitation has come.
type InvitationStatus string

// The statuses of invitations.
const (
	InvitationPending    InvitationStatus = "pending"
	InvitationInProgress InvitationStatus = "in_progress"
	InvitationCompleted  InvitationStatus = "completed"
	InvitationExpired    InvitationStatus = "expired"
	InvitationCancelled  InvitationStatus = "cancelled"
	InvitationFailed     InvitationStatus = "failed"
)

// InvitationStatuses are all of them.
var InvitationStatuses = []InvitationStatus{InvitationPending, InvitationInProgress, InvitationCompleted, InvitationExpired, InvitationCancelled, InvitationFailed}

// Open reports whether an invitation of the status can still be used. A failed one can.
func (s InvitationStatus) Open() bool {
	return s == InvitationPending || s == InvitationInProgress || s == InvitationFailed
}

// CanBecome reports whether an invitation of the status may take on the next one.
func (s InvitationStatus) CanBecome(next InvitationStatus) bool {
	switch next {
	case InvitationInProgress:
		return s == InvitationPending || s == InvitationFailed
	case InvitationCompleted, InvitationFailed:
		return s == InvitationInProgress
	case InvitationCancelled, InvitationExpired:
		return s.Open()
	}
	return false
}

// Codes of failures of invitations.
const (
	FailureCancelled = "fb_cancelled"     // the client gave up
	FailureAbandoned = "signup_abandoned" // begun, and not gone on with
	FailureInternal  = "internal_error"
)

// Bounds of an invitation.
const (
	MaxInvitedName        = 100
	MaxInvitationDays     = 30
	DefaultInvitationDays = 7
	MaxFailureReason      = 200 // characters
)

// Validate reports every wrong field of i, under the names of the Zavu-shaped API.
func (i *Invitation) Validate() error {
	var c Checks
	if utf8.RuneCountInString(i.ClientName) > MaxInvitedName {
		c.Field("must have at most "+strconv.Itoa(MaxInvitedName)+" characters", "clientName")
	} else if m := CheckText(i.ClientName); m != "" {
		c.Field(m, "clientName")
	}
	if i.ClientEmail != "" {
		if a, err := mail.ParseAddress(i.ClientEmail); err != nil || a.Address != i.ClientEmail || len(i.ClientEmail) > 254 {
			c.Field("must be an email address", "clientEmail")
		}
	}
	if i.ClientPhone != "" {
		if m := CheckPhone(i.ClientPhone); m != "" {
			c.Field(m, "clientPhone")
		}
	}
	switch i.ConnectionType {
	case ConnectWhatsApp:
	case ConnectMessenger:
		if i.PhoneNumberID != "" {
			c.Field("goes with whatsapp_waba only: a page has no phone number", "phoneNumberId")
		}
		if len(i.Countries) > 0 {
			c.Field("goes with whatsapp_waba only: a page has no phone number", "allowedPhoneCountries")
		}
	default:
		c.Field("must be whatsapp_waba or messenger", "connectionType")
	}
	if len(i.PhoneNumberID) > MaxName || CheckText(i.PhoneNumberID) != "" {
		c.Field("must be the id of a phone number", "phoneNumberId")
	}
	for n, country := range i.Countries {
		if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			c.Field("must be a country code of two letters such as US", "allowedPhoneCountries", "["+strconv.Itoa(n)+"]")
		}
	}
	if len(i.Countries) > 300 {
		c.Field("must have at most 300 entries", "allowedPhoneCountries")
	}
	return c.Err()
}

// AllowsPhone reports whether a number, in E.164 form, may be connected as far as its country goes. known is false where the number's country cannot be told.
func (i *Invitation) AllowsPhone(number string) (allowed, known bool) {
	if len(i.Countries) == 0 {
		return true, true
	}
	countries := CountriesOf(number)
	return slices.ContainsFunc(countries, func(c string) bool { return slices.Contains(i.Countries, c) }), len(countries) > 0
}
