package servicetest

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// FakeName is the name of the fake provider.
const FakeName = "fake"

const secretHeader = "X-Fake-Secret"

// Provider is a provider that exists only in tests. Its pushes are JSON lists of Update, proved by a secret in a header. What it answers to sends is
// scripted.
type Provider struct {
	mu     sync.Mutex
	script []SendFunc
	sent   []hookswitch.Outgoing
	traits Traits
	shown  []Shown
	attend func(ctx context.Context) error
}

// Shown is what a person was shown: that a message of theirs was read or, with Typing, that an answer is being written.
type Shown struct {
	ProviderID string
	Typing     bool
}

// Attend notes what is shown, and does what OnAttend was given.
func (p *Provider) Attend(ctx context.Context, _ *hookswitch.Route, m *hookswitch.Message, typing bool) error {
	p.mu.Lock()
	p.shown = append(p.shown, Shown{m.ProviderID, typing})
	do := p.attend
	p.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

// OnAttend has Attend do what do does.
func (p *Provider) OnAttend(do func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attend = do
}

// Shown is what people have been shown so far.
func (p *Provider) Shown() []Shown {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.shown)
}

// Traits are what a provider says of itself as a sender.
type Traits struct {
	TextLimit int
	Pace      hookswitch.Pace
	Repeats   time.Duration
	Cannot    string // the type that it does not carry
}

// Set makes the provider say t of itself.
func (p *Provider) Set(t Traits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traits = t
}

func (p *Provider) is() Traits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traits
}

// TextLimit is as it has been set.
func (p *Provider) TextLimit(hookswitch.Channel) int { return p.is().TextLimit }

// Pace is as it has been set.
func (p *Provider) Pace(*hookswitch.Route) hookswitch.Pace { return p.is().Pace }

// Repeats is as it has been set.
func (p *Provider) Repeats(*hookswitch.Route) time.Duration { return p.is().Repeats }

// Carries is as it has been set.
func (p *Provider) Carries(_ hookswitch.Channel, messageType string) bool {
	return messageType != p.is().Cannot
}

// SendFunc is one answer to a send.
type SendFunc func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Dialoguer     = (*Provider)(nil)
	_ hookswitch.TextLimiter   = (*Provider)(nil)
	_ hookswitch.Pacer         = (*Provider)(nil)
	_ hookswitch.Repeater      = (*Provider)(nil)
	_ hookswitch.Carrier       = (*Provider)(nil)
	_ hookswitch.Attender      = (*Provider)(nil)
)

// NewProvider returns a provider that accepts every send.
func NewProvider() *Provider { return &Provider{} }

// Update is what a push of the fake provider says.
type Update struct {
	Channel hookswitch.Channel         `json:"channel,omitempty"`
	Address string                     `json:"address,omitempty"`
	Dedup   string                     `json:"dedup,omitempty"`
	At      int64                      `json:"at,omitempty"` // Unix milliseconds
	Message *hookswitch.InboundMessage `json:"message,omitempty"`
	Files   []hookswitch.InboundFile   `json:"files,omitempty"` // of the message
	Receipt *hookswitch.MessageReceipt `json:"receipt,omitempty"`
	Contact *hookswitch.ContactChange  `json:"contact,omitempty"`
	Change  *hookswitch.MessageChange  `json:"change,omitempty"`
	OptOut  *hookswitch.OptOut         `json:"optOut,omitempty"`
	Revoked *hookswitch.Revocation     `json:"revoked,omitempty"`
	// Dialogue is answered by Say, which is a line of text.
	Dialogue *hookswitch.DialogueStep `json:"dialogue,omitempty"`
	Broken   string                   `json:"broken,omitempty"`
}

// Text is a text message on WhatsApp to the address.
func Text(address, from, id, text string) Update {
	return Update{Channel: hookswitch.WhatsApp, Address: address, Dedup: id, At: Start.UnixMilli() - 1000,
		Message: &hookswitch.InboundMessage{ProviderID: id, From: from, To: "+15550001111", ProfileName: "Ada", Text: text, Type: "text"}}
}

// Report is a report on WhatsApp about a message of ours.
func Report(address, providerID, ref, recipient string, status hookswitch.MessageStatus) Update {
	r := &hookswitch.MessageReceipt{ProviderID: providerID, Ref: ref, Recipient: recipient, Status: status}
	if status == hookswitch.StatusFailed {
		r.ErrorCode, r.ErrorText = "131026", "undeliverable"
	}
	return Update{Channel: hookswitch.WhatsApp, Address: address, At: Start.UnixMilli(), Receipt: r}
}

// NewPush is a push of the account with the secret.
func NewPush(secret string, at time.Time, updates ...Update) *hookswitch.Push {
	body, err := json.Marshal(updates)
	if err != nil {
		panic(err) // the types above can be encoded
	}
	return &hookswitch.Push{Method: http.MethodPost, URL: &url.URL{Path: "/fake"}, Header: http.Header{secretHeader: {secret}}, Body: body, At: at}
}

// Name is "fake".
func (p *Provider) Name() string { return FakeName }

// Doors are one path.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{{Path: "/fake", Channels: hookswitch.Channels, MaxBody: 1 << 20}}
}

// Account is the secret itself.
func (p *Provider) Account(c hookswitch.Credentials) string { return c.First("secret") }

// Address is the credential of that name.
func (p *Provider) Address(_ hookswitch.Channel, c hookswitch.Credentials, _ string) string {
	return c.First("address")
}

// Verify compares the header with the secret.
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	if subtle.ConstantTimeCompare([]byte(push.Header.Get(secretHeader)), []byte(c.First("secret"))) != 1 {
		return fmt.Errorf("%s: %w", secretHeader, hookswitch.ErrSignature)
	}
	return nil
}

// Parse reads the list.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	var list []Update
	if err := json.Unmarshal(push.Body, &list); err != nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not a list of updates: %w", err)
	}
	out := make([]hookswitch.Update, len(list))
	for i, u := range list {
		out[i] = hookswitch.Update{Channel: u.Channel, Address: u.Address, Dedup: u.Dedup, Message: u.Message, Receipt: u.Receipt, Contact: u.Contact,
			Change: u.Change, OptOut: u.OptOut, Revoked: u.Revoked, Dialogue: u.Dialogue}
		if len(u.Files) > 0 {
			out[i].Message.Files = u.Files
		}
		if u.At != 0 {
			out[i].At = time.UnixMilli(u.At).UTC()
		}
		if u.Broken != "" {
			out[i].Broken = errors.New(u.Broken)
		}
	}
	return out, nil
}

// Ack is 200.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK}
}

// Say is "CON " or "END ", the text, the number to connect to behind " -> ", and the turn behind " #".
func (p *Provider) Say(_ *hookswitch.Push, _ *hookswitch.DialogueStep, r hookswitch.DialogueReply) hookswitch.Answer {
	text := "CON " + r.Text
	if r.End {
		text = "END " + r.Text
	}
	if r.Dial != "" {
		text += " -> " + r.Dial
	}
	if r.Turn != 0 {
		text += " #" + strconv.Itoa(r.Turn)
	}
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(text)}
}

// Script sets the answers to the next sends. Further ones are accepted.
func (p *Provider) Script(answers ...SendFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = answers
}

// ProviderID is the id under which the provider accepts the message with our id.
func ProviderID(ref string) string { return "p." + ref }

// Accept accepts a send.
func Accept(_ context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	return hookswitch.Accepted{ProviderID: ProviderID(out.Ref)}, nil
}

// Refuse answers a send with the error.
func Refuse(err error) SendFunc {
	return func(context.Context, *hookswitch.Outgoing) (hookswitch.Accepted, error) {
		return hookswitch.Accepted{}, err
	}
}

// Send answers as scripted.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	p.mu.Lock()
	answer := SendFunc(Accept)
	if len(p.script) > 0 {
		answer, p.script = p.script[0], p.script[1:]
	}
	copied := *out
	message := *out.Message
	copied.Message = &message
	p.sent = append(p.sent, copied)
	p.mu.Unlock()
	return answer(ctx, out)
}

// Sent are the sends so far.
func (p *Provider) Sent() []hookswitch.Outgoing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]hookswitch.Outgoing(nil), p.sent...)
}
