// Package email adapts four services that push received mail and take mail to send: Postmark, SendGrid, Mailgun and Resend. They differ in
// how they prove and spell what they push; what a mail means, how answers hold its thread and what must never be answered is the same for all.
//
// It keeps no state and stores nothing. Which Route a push is for, what has been seen before and when to call again are left to its callers. The bytes
// of attachments come along where the service pushes them; else messages carry their names, types and sizes alone.
package email

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Completer     = (*Provider)(nil)
	_ hookswitch.Registrar     = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// Credentials that all services share.
const (
	credAddress  = "address"         // what people write to, and what mails come from
	credInbound  = "inbound_address" // where the service receives, if that is another address
	credFromName = "from_name"       // the name beside the address
	credAPIKey   = "api_key"
	credRegion   = "region" // "eu" for services that have a host of its own there
)

const (
	doorPath = "/api/v1/channels/email/inbound"
	// maxBody leaves room for 35 MB of attachments in base64.
	maxBody = 40 << 20
)

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send, it needs HTTP.
type Options struct {
	// BaseURL replaces where the service's API is, in every region.
	BaseURL string
	// HTTP makes the calls.
	HTTP Doer
}

// service is what distinguishes one mail service from the others.
type service interface {
	name() string
	paths() []string
	// proof is what proves pushes, written as one text; "" when the credentials cannot prove one.
	proof(c hookswitch.Credentials) string
	verify(p *hookswitch.Push, c hookswitch.Credentials) error
	parse(p *hookswitch.Push) ([]hookswitch.Update, error)
	// base is where the API is.
	base(c hookswitch.Credentials) string
	// request is the call that sends l; its URL is a path below base.
	request(l *letter, c hookswitch.Credentials) (call, *hookswitch.SendError)
	// accepted reads the answer to that call, and refused what is wrong with one that is not 2xx.
	accepted(l *letter, resp *safehttp.Response) (id string, fail *hookswitch.SendError)
	refused(resp *safehttp.Response) problem
	// idempotent reports that the same call may be repeated without sending twice.
	idempotent() bool
	// fields are those of CredentialFields beside what all services have.
	fields() []hookswitch.CredentialField
	// needs names the credentials that prove pushes, and steps are those of Guide beside that.
	needs() string
	steps(c hookswitch.Credentials, door string, registered bool) []string
}

// Provider is the adapter of one service. It may be used from many goroutines at once.
type Provider struct {
	service
	override string
	http     Doer
}

// Postmark returns the adapter of Postmark, named "postmark".
func Postmark(o Options) *Provider { return newProvider(postmark{}, o) }

// SendGrid returns the adapter of Twilio SendGrid, named "sendgrid".
func SendGrid(o Options) *Provider { return newProvider(sendgrid{}, o) }

// Mailgun returns the adapter of Mailgun, named "mailgun".
func Mailgun(o Options) *Provider { return newProvider(mailgun{}, o) }

// Resend returns the adapter of Resend, named "resend".
func Resend(o Options) *Provider { return newProvider(resend{}, o) }

func newProvider(s service, o Options) *Provider {
	return &Provider{service: s, override: strings.TrimRight(o.BaseURL, "/"), http: o.HTTP}
}

// Name is the name of the service, in lower case.
func (p *Provider) Name() string { return p.name() }

// Doors are the service's own path and, for Resend, the one above it. Mail and reports come in by the same.
func (p *Provider) Doors() []hookswitch.Door {
	var doors []hookswitch.Door
	for _, path := range p.paths() {
		doors = append(doors, hookswitch.Door{Path: path, Channels: []hookswitch.Channel{hookswitch.Email}, MaxBody: maxBody})
	}
	return doors
}

// Account is a hash of what proves pushes. While it is being replaced and there are several, the first ones name the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	proof := p.proof(c)
	if proof == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch " + p.name() + " proof\x00" + proof))
	return hex.EncodeToString(sum[:])
}

// Address is the address at which the service receives for the route, in lower case and without what follows a "+" in its local part.
func (p *Provider) Address(ch hookswitch.Channel, c hookswitch.Credentials, _ string) string {
	if ch != hookswitch.Email {
		return ""
	}
	return routeAddress(c)
}

func routeAddress(c hookswitch.Credentials) string {
	if inbound := mailbox(c.First(credInbound)); inbound != "" {
		return inbound
	}
	return mailbox(c.First(credAddress))
}

// Verify checks what proves the service's pushes.
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	return p.verify(push, c)
}

// Parse reads received mail, and reports about mail that was sent.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) { return p.parse(push) }

// Ack is an answer that every service takes as success.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("OK")}
}
