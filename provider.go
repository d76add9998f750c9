package hookswitch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// ProviderAPI is the name of the provider whose messages come and go by the gateway's own APIs: what people write is posted, and answers leave as events.
const ProviderAPI = "api"

// Provider adapts one messaging provider: bytes in, values out. All its methods but Send are pure, and may be called from many goroutines
// at once.
type Provider interface {
	// Name is the provider's name as sender files write it, such as "meta".
	Name() string
	// Doors are the paths this provider pushes to.
	Doors() []Door
	// Account names the credential that proves a push, as a text that is equal for two sets of credentials exactly when a push
	// proves genuine for both. It is "" when the credentials cannot prove one.
	Account(c Credentials) string
	// Address is what a push names to mean the Route with these credentials and number, such as a phone number id, or "".
	Address(ch Channel, c Credentials, phone string) string
	// Verify returns nil when p proves to come from the account of c, and otherwise an error that wraps ErrSignature.
	Verify(p *Push, c Credentials) error
	// Parse turns a genuine push into what it tells, in order. An item that cannot be understood does not spoil the others: it becomes
	// an Update with Broken set. The error, of kind Invalid, is for a body that cannot be read at all.
	Parse(p *Push) ([]Update, error)
	// Ack is the answer to a push that has been stored.
	Ack(p *Push) Answer
}

// Challenger is a Provider that proves the ownership of a door by a handshake.
type Challenger interface {
	// Challenge answers a handshake. The error wraps ErrSignature when c is not what the handshake asks for, and is of kind Invalid
	// when parameters are missing. ok is false for a push that is no handshake.
	Challenge(p *Push, c Credentials) (a Answer, ok bool, err error)
}

// MessageSender is a Provider over which messages can be sent.
type MessageSender interface {
	// Send makes one call of the provider's API. It returns a *SendError, or the id under which the provider accepted the message. It
	// is never repeated by the caller unless the error says Temporary.
	Send(ctx context.Context, out *Outgoing) (Accepted, error)
}

// SendingChecker is a MessageSender that needs other credentials to send than the CredentialFields that say Sends, such as one of two.
type SendingChecker interface {
	// LacksToSend are the names of the credentials that r has to be given before its provider can be called to send over it; none: it can.
	LacksToSend(r *Route) []string
}

// CredentialsChecker is a Provider that can say what is wrong with credentials and settings before a Route is made of them.
type CredentialsChecker interface {
	// CheckCredentials returns nil, or an error of kind Invalid whose fields, named from "body" on, are the names in c.
	CheckCredentials(ch Channel, c Credentials) error
}

// CredentialsDescriber is a Provider that knows by name which credentials and settings a Route of its takes.
type CredentialsDescriber interface {
	// CredentialFields are those of a Route on the channel, in the order in which a person is asked for them.
	CredentialFields(ch Channel) []CredentialField
}

// CredentialField is one of the Credentials, as a person is asked for it.
type CredentialField struct {
	Name   string // in Credentials
	Label  string // what the provider calls it
	Hint   string // what it is, and where it is found
	Holder string // an example of one; empty: none
	// Public says that it is no secret: it may be shown to who may change it. Several, that it may have more than one value. Rare, that most do without it.
	Public, Several, Rare bool
	// Receives and Sends say that without it nothing is received, or sent, over the Route. Of fields of which one is enough, both say so.
	Receives, Sends bool
	// Chosen says that it is made up on our side: where none is given with a new Route, a random one is.
	Chosen bool
	// Choices are the only values there are; none: there are others.
	Choices []string
}

// Registrar is a Provider that can be told over its API where to push.
type Registrar interface {
	// Register has the provider push what comes for r to door, an address of ours as the provider is to call it, in place of where it pushed that
	// before. Doing so again changes nothing. The *Error, whose sentence is for the operator, is of kind Invalid where the credentials lack something or the
	// provider refuses, of kind Unavailable where a later call may do better, and of kind Unsupported where the provider's API has no call for it: then a person
	// takes the Steps of a Guide.
	Register(ctx context.Context, r *Route, door string) error
}

// Unregistrar is a Registrar that can be told over its API to stop.
type Unregistrar interface {
	// Unregister has the provider push nothing more for r. Doing so again changes nothing. The error is as Register's.
	Unregister(ctx context.Context, r *Route) error
}

// Guide is a Provider that can tell an operator what to do at it, so that it pushes.
type Guide interface {
	// Steps is what a person has to enter or choose at the provider so that it pushes what comes for r to door, in the order in which it is done; registered
	// says that Register has done its part. No secret is in them: they name the credentials instead. None: nothing is left to do.
	Steps(r *Route, door string, registered bool) []string
}

// Attender is a Provider that can show a person that their message is being attended to.
type Attender interface {
	// Attend makes one call of the provider's API: it marks m, a message received over r, as read or, with typing, shows that an answer to it is being
	// written, which ends by itself after some seconds. The error is a *SendError, as Send's; nothing is lost when it is passed over.
	Attend(ctx context.Context, r *Route, m *Message, typing bool) error
}

// Completer is a Provider some of whose pushes leave out what has to be fetched before it can be stored.
type Completer interface {
	// Complete fetches what the updates of a genuine push lack, and puts it into them. c are the credentials that proved the push. The error, of kind
	// Unavailable, asks for the push to be refused until later; what cannot ever be fetched is no error, and stays out.
	Complete(ctx context.Context, p *Push, c Credentials, updates []Update) error
}

// TemplateRegistrar is a Provider at which templates are submitted, which decides on them.
type TemplateRegistrar interface {
	// TemplateAccount names what the templates of r belong to, such as a WhatsApp Business Account. It is "" where the credentials name none.
	TemplateAccount(r *Route) string
	// SubmitTemplate makes one call that hands t in over r. The *Error, whose sentence is for people, is of kind Conflict where the account has a template of that name and language, of kind
	// Invalid where the provider refuses it, and of kind Unavailable where a later call may do better.
	SubmitTemplate(ctx context.Context, r *Route, t *Template) (TemplateNews, error)
	// Templates are all templates of r's account as the provider has them. Their keys, and what only we know, are zero.
	Templates(ctx context.Context, r *Route) ([]*Template, error)
}

// Connector is a Provider that can tell whose account credentials open before a Route is made of them.
type Connector interface {
	// Connect proves that c open the account that they name, and returns the account. It changes nothing. The *Error, whose sentence is for the person who entered c, is of kind Invalid, with the names in
	// c as fields behind "body", where they do not, and of kind Unavailable where a later call may do better.
	Connect(ctx context.Context, ch Channel, c Credentials) (ConnectedAccount, error)
}

// ErrSignature is what every refusal of a push wraps.
var ErrSignature = errors.New("signature does not match")

// Door is one path that providers push to.
type Door struct {
	Path     string
	Channels []Channel // what can come in by it
	MaxBody  int64     // in bytes; more is refused with 413
}

// Push is one request that a provider made, its body read whole.
type Push struct {
	Method string
	URL    *url.URL // as the provider called it: the public base URL, the path and the query
	Header http.Header
	Body   []byte
	At     time.Time
}

// Answer is what a provider is told.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// Update is one thing that a push tells: exactly one of its pointers is set, or Broken.
type Update struct {
	Channel Channel
	// Address names the Route, as Provider.Address does. Empty: the push does not say.
	Address string
	// Dedup is the same for the same fact told again, unique in the account.
	Dedup string
	// Tokens are one-time proofs that the push has used up. An update that comes with one that was seen before counts as told before, whatever it says.
	Tokens []string
	At     time.Time // as the provider tells it; zero: it does not

	Message  *InboundMessage
	Receipt  *MessageReceipt
	Contact  *ContactChange
	Change   *MessageChange
	OptOut   *OptOut
	Dialogue *DialogueStep
	Template *TemplateNews `json:",omitempty"`
	Revoked  *Revocation   `json:",omitempty"`
	// Broken says why an item could not be read.
	Broken error
}

// InboundMessage is a received message in the gateway's one shape.
type InboundMessage struct {
	ProviderID string
	From       string // E.164 with "+" on phone channels, else the provider's id
	To         string // our own number or address, where the push says
	// Thread is a name that somebody else has for the conversation; empty: it belongs into the one of the Sender and the person.
	Thread      string `json:",omitempty"`
	ProfileName string
	Text        string // body or caption; empty when there is none
	// Marker stands for the text of a message that has none, such as "[image]".
	Marker string
	// Kind is the provider-side word for what it is (image, voice, button_reply, …); empty for plain text.
	Kind string
	// Type is the word of the Zavu-shaped API for it.
	Type        string
	Content     map[string]any // as the Zavu-shaped API shows it
	Metadata    map[string]any // of the normalised message, flat
	Unsupported bool           // of a kind that cannot be represented
	// Quiet keeps the responder silent: a reaction, a kind we cannot read.
	Quiet bool
	// Review has answers wait for a person's approval: what was written in public is answered in public.
	Review bool
	// Files came with the message, up to MaxAttachments of them.
	Files []InboundFile `json:"-"`
}

// InboundFile is a file that came with a message.
type InboundFile struct {
	Name      string
	MIMEType  string
	ContentID string
	Inline    bool
	Size      int
	// Bytes are nil where the push only describes the file, or when they are too many.
	Bytes []byte
}

// MessageReceipt is a report about a message that we, or another system on the same account, sent.
type MessageReceipt struct {
	ProviderID string
	// Ref is our own id of the message where the provider gives it back.
	Ref       string
	Recipient string
	Status    MessageStatus
	ErrorCode string
	ErrorText string
	// ErrorCategory and Retriable describe a failure further; empty and false when unknown.
	ErrorCategory string
	Retriable     bool
	// Revoked is as that of a SendError.
	Revoked bool `json:",omitempty"`
	// OptedOut says that it failed because the person wants no more messages on the channel.
	OptedOut bool `json:",omitempty"`
	// Upto, where it is not zero, widens the report to everything that was sent to Recipient until then. A report that also has a ProviderID is about
	// that message and what was sent before it.
	Upto time.Time `json:",omitzero"`
}

// MessageChange tells that a person has edited or deleted a message.
type MessageChange struct {
	ProviderID string
	Text       string // what it reads now
	Deleted    bool
}

// OptOut tells that a person wants no more messages on the channel or, with Again, wants them again.
type OptOut struct {
	From  string
	Again bool
}

// Revocation tells that the account named by the Update's Address has taken back what it had allowed: its Route is disabled.
type Revocation struct {
	Cause string // for the operator
}

// ContactChange tells that a person is known by another identifier from now on.
type ContactChange struct {
	From, To string
}

// Outgoing is a message to send over a Route.
type Outgoing struct {
	// Ref is our id of the message, given to providers that give it back; behind it "-" and the number of the part, where a text goes out in parts. It is made
	// of letters, digits, "_" and "-", and is the same in each call that is about the same message or part.
	Ref     string
	Route   *Route
	Message *Message
	// ReplyTo is the provider's id of the message that this one quotes; empty: none.
	ReplyTo string
	// Callback is the URL of the sender's own door for the channel, for providers that are told with each message where to report; empty: not known.
	Callback string
	// Answers is the received message that this one answers. It says where the answer belongs: into the group that was written in, under the public
	// post that was made, into the thread of a mail. nil: this one answers none, or it is gone.
	Answers *Message
	// FromName is what the sender is called beside the address that a mail is from; empty: the Route's own name for it, if any.
	FromName string
}

// Accepted is a provider's word that it took a message.
type Accepted struct {
	ProviderID string
	// Sent says that acceptance is the last we hear: the message counts as sent.
	Sent bool
}

// SendError is the failure of one call of a provider's API.
type SendError struct {
	Code     string // the provider's code, or a word of ours
	Message  string
	Category string
	// Temporary allows the same call again, not before RetryAfter.
	Temporary  bool
	RetryAfter time.Duration
	// Account says that the provider takes nothing more from the whole account until RetryAfter, not this message alone.
	Account bool
	// Revoked says that the provider takes nothing at all with the credentials of the Route, until a person has put that right: their token has been revoked, or the
	// account locked. The Route is disabled.
	Revoked bool
	// Tries bounds how often a Temporary call is made, the failed one included. 0: as often as the sender of messages sees fit.
	Tries int
	// OptedOut says that the person has told the provider that they want no more messages on the channel.
	OptedOut bool
	// Unknown says that the provider may have taken the message although we have no answer. Such a call is not repeated.
	Unknown bool
	Err     error
}

func (e *SendError) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

func (e *SendError) Unwrap() error { return e.Err }
