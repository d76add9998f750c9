package hookswitch

import (
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Event is an immutable fact with a type and a payload, owed to every endpoint that matched when it was made. The payload's bytes
// are fixed then: what was accepted is stored, signed, sent and shown. The Svix-shaped API calls an Event a message.
type Event struct {
	Key     Key
	App     Key
	Type    string
	UID     string   // the caller's own name, unique in the App; empty: none
	Tags    []string // labels that filter endpoints; the Svix-shaped API calls them channels
	Payload []byte
	Targets []Target
	Expired bool // the payload has been removed

	// What few events have. Nil, zero and empty: none.
	Labels      []string  // filter lists of events, never deliveries; the Svix-shaped API calls them tags
	DeliverAt   time.Time // nothing is sent before
	ExpiresAt   time.Time // when the payload is removed or, where Expired, was removed for its age, if that is before the event itself is
	ContentType string    // of the payload, as it is sent; empty: application/json
}

// Plain reports whether e has none of what few events have.
func (e *Event) Plain() bool {
	return len(e.Labels) == 0 && e.DeliverAt.IsZero() && e.ExpiresAt.IsZero() && e.ContentType == ""
}

// CreatedAt is when e was made.
func (e *Event) CreatedAt() time.Time { return e.Key.Time() }

// Target is an endpoint that an Event is owed to. A held target matched while its endpoint was disabled: it is known, and
// nothing is sent until somebody asks for it.
type Target struct {
	Endpoint Key
	Held     bool
}

// MaxTags is how many tags an Event or an Endpoint may have, MaxTag how long each may be.
const (
	MaxTags = 10
	MaxTag  = 128
)

// CheckTag says what is wrong with one tag.
func CheckTag(s string) string {
	switch {
	case s == "" || len(s) > MaxTag:
		return "must have 1 to " + strconv.Itoa(MaxTag) + " characters"
	default:
		for _, r := range s {
			if !nameRune(r) && r != ':' && r != '+' {
				return "may contain only letters, digits, '-', '_', '.', ':' and '+'"
			}
		}
	}
	return ""
}

// MaxLabels is how many labels an Event may have, MaxLabel how long each may be.
const (
	MaxLabels = 5
	MaxLabel  = 128
)

// CheckLabel says what is wrong with one label.
func CheckLabel(s string) string {
	switch {
	case s == "" || len(s) > MaxLabel:
		return "must have 1 to " + strconv.Itoa(MaxLabel) + " characters"
	case strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) && r != '/' && r != '\\' && r != '#' }):
		return "may contain only letters, digits, '-', '_', '.', '/', '\\' and '#'"
	}
	return ""
}

// MaxContentType is the greatest length, in bytes, of the content type of a payload.
const MaxContentType = 256

// CheckContentType says what is wrong with the content type of a payload, as RFC 9110 section 8.3 has it.
func CheckContentType(s string) string {
	if len(s) > MaxContentType {
		return "must have at most " + strconv.Itoa(MaxContentType) + " characters"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "may contain only printable ASCII characters"
	}
	if kind, _, err := mime.ParseMediaType(s); err != nil || !strings.Contains(kind, "/") {
		return "must be a content type such as text/plain; charset=utf-8"
	}
	return ""
}

// How far ahead an Event may be delivered, and how long a payload may be asked to be kept.
const (
	MinDelay     = time.Minute
	MaxDelay     = 24 * time.Hour
	MaxKeptHours = 90 * 24
)

// Names of the events that the gateway itself makes.
const (
	EventConversationNew    = "conversation.new"
	EventMessageInbound     = "message.inbound"
	EventMessageUnsupported = "message.unsupported"
	EventMessageReceived    = "message.received"
	EventMessageQueued      = "message.queued"
	EventMessageSent        = "message.sent"
	EventMessageDelivered   = "message.delivered"
	EventMessageRead        = "message.read"
	EventMessageFailed      = "message.failed"
	EventTemplateStatus     = "template.status_changed"
	EventInvitationStatus   = "invitation.status_changed"
	EventCallStarted        = "call.started"
	EventCallCompleted      = "call.completed"
	EventUSSDSessionStart   = "ussd.session_start"
	EventUSSDSessionEnd     = "ussd.session_end"
	EventSMSRespond         = "sms.respond"
	EventEmailRespond       = "email.respond"
	EventWebChatRespond     = "web_chat.respond"
	EventSessionMessage     = "session.message"
)

// Names of the events that tell the organisation how deliveries go: operational webhooks. endpoint.disabled and endpoint.enabled also go to the App's
// own endpoints that name them.
const (
	EventEndpointCreated  = "endpoint.created"
	EventEndpointUpdated  = "endpoint.updated"
	EventEndpointDeleted  = "endpoint.deleted"
	EventEndpointDisabled = "endpoint.disabled"
	EventEndpointEnabled  = "endpoint.enabled"
	EventAttemptFailing   = "message.attempt.failing"
	EventAttemptExhausted = "message.attempt.exhausted"
	EventAttemptRecovered = "message.attempt.recovered"
	EventAttemptLog       = "message.attempt.log"
	EventTaskFinished     = "background_task.finished"
)

// OperationalEvents are the names that an operational endpoint may subscribe to, in the order in which they are listed in errors.
var OperationalEvents = []string{
	EventEndpointCreated, EventEndpointUpdated, EventEndpointDeleted, EventEndpointDisabled, EventEndpointEnabled,
	EventAttemptFailing, EventAttemptExhausted, EventAttemptRecovered, EventAttemptLog, EventTaskFinished,
}

// SenderEvents are the names that the webhook of a sender may subscribe to, in the order in which they are listed in errors.
var SenderEvents = []string{
	EventConversationNew, EventMessageInbound, EventMessageUnsupported, EventMessageQueued, EventMessageSent,
	EventMessageDelivered, EventMessageRead, EventMessageFailed, "message.reaction", "message.status",
	EventTemplateStatus, EventInvitationStatus, "broadcast.status_changed", "call.initiated", "call.answered",
	"call.completed", "call.failed", "domain.verified", "domain.failed",
}

// ProjectEvents are the names that the webhook of a project may subscribe to.
var ProjectEvents = []string{EventInvitationStatus}

// AllSenderEvents are what the webhook of a sender gets that names no events: those of SenderEvents that are ever about a sender.
func AllSenderEvents() []string {
	return slices.DeleteFunc(slices.Clone(SenderEvents), func(name string) bool { return name == EventInvitationStatus })
}

// OnRequest reports whether events of the named type, made by the gateway, go only to endpoints whose filter names it. An endpoint without a
// filter does not get them, because another event tells the same thing, or it is of an API that few use.
func OnRequest(eventType string) bool {
	switch eventType {
	case EventMessageReceived, EventEndpointDisabled, EventEndpointEnabled, EventSessionMessage:
		return true
	}
	return false
}
