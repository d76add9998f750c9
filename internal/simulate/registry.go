package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Account is a channel of an account at a provider, as a sender file describes it.
type Account struct {
	Channel     hookswitch.Channel
	Provider    string
	Number      string // the sender's phone number, on channels that have one
	Credentials hookswitch.Credentials
	// Path is the door that pushes go to, without a key that they bear; empty: the published one.
	Path string
	// PublicURL is the server's as the provider knows it, for providers whose signatures cover it.
	PublicURL string
	// API is the stand-in that keeps what pushes leave out and the server fetches, as those of Resend do; nil: none.
	API API
}

func (a *Account) secret(name string) hookswitch.Secret {
	return hookswitch.Secret(a.Credentials.First(name))
}

// Person is who writes, calls or dials, and what they write. From is in the provider's form: a number, a user id, an address. ReplyTo is the provider's id of the
// message of ours that a button, a reaction or an answer is about.
type Person struct {
	From, Name, Text, ReplyTo string
}

// Simulator plays a provider on one channel: what it pushes, the API over which it takes messages, and how it repeats. All of them are in All.
type Simulator struct {
	Channel  hookswitch.Channel
	Provider string
	// Demo is the account that is played when nobody names another, and Person who writes to it then.
	Demo   Account
	Person Person
	// Kinds are what people can send, the plainest first. In a channel of dialogues there are none.
	Kinds []Kind
	// Habit says how the provider repeats a push that was not taken, in one line.
	Habit string

	// forge makes a push that somebody would make who does not know the secret.
	forge func(a *Account, p Push) Push
	// batch puts pushes into one; nil: the provider does not.
	batch func(a *Account, pushes []Push) Push
	// deliver posts as the provider does, repeats included; nil: it posts once.
	deliver func(ctx context.Context, client *http.Client, baseURL string, a *Account, p Push) (Result, error)
	// newAPI stands in for the provider's API, for accounts on any of its channels; nil: sending makes no call.
	newAPI func(accounts []Account, o APIOptions) API
	// dial opens a dialogue; nil: the channel has messages.
	dial func(a *Account, client *http.Client, baseURL, from string) Dialogue
}

// Kind is something that a person can send.
type Kind struct {
	Name  string
	About string // one line without a full stop
	push  func(a *Account, p Person) Push
}

// API stands in for the API of a provider. Its handler works by itself; what it reports is pushed while Run runs.
type API interface {
	http.Handler
	// Run pushes reports until ctx ends or Close is called.
	Run(ctx context.Context) error
	// Close ends Run and waits for it.
	Close()
	// Settle waits until every report has been taken or given up. Somebody has to Run meanwhile.
	Settle(ctx context.Context) error
	// Lost is how many reports were given up.
	Lost() int
	// Sent is the accepted sends, oldest first.
	Sent() []Sent
	// SetFaults replaces the faults and starts their counting anew.
	SetFaults(faults ...Fault)
}

var (
	_ API = (*Graph)(nil)
	_ API = (*BotAPI)(nil)
	_ API = (*XAPI)(nil)
	_ API = (*TwilioAPI)(nil)
	_ API = (*AfricasTalkingAPI)(nil)
	_ API = (*MailAPI)(nil)
)

// APIOptions set up an API. Zero values are usable.
type APIOptions struct {
	// Callback is the base URL that reports are pushed to; empty: none are, or where each send asks for them.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Keep is how many accepted sends can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many messages may have reports outstanding; 0: 10000.
	MaxPending int
	Faults     []Fault
	// OnSend is told of each accepted send before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// All is every simulator there is, channel by channel, with the channel's usual provider first.
func All() []Simulator {
	return slices.Concat([]Simulator{
		metaWhatsApp(), twilioWhatsApp(), metaDirect(hookswitch.Messenger), metaDirect(hookswitch.Instagram),
		twilioSMS(), africasSMS(), africasUSSD(), twilioVoice(), africasVoice(), telegramBot(), xAccount(),
	}, mailServices(), []Simulator{webChatServer()})
}

// Channels are the channels that can be played, each once.
func Channels() []hookswitch.Channel {
	var list []hookswitch.Channel
	for _, s := range All() {
		if !slices.Contains(list, s.Channel) {
			list = append(list, s.Channel)
		}
	}
	return list
}

// Of returns the simulator of the channel at the provider, or at its usual one where provider is empty. The error names those that there are.
func Of(ch hookswitch.Channel, provider string) (Simulator, error) {
	var names []string
	for _, s := range All() {
		if s.Channel != ch {
			continue
		}
		if provider == "" || s.Provider == provider {
			return s, nil
		}
		names = append(names, s.Provider)
	}
	if names == nil {
		return Simulator{}, fmt.Errorf("nothing plays the channel %q", ch)
	}
	return Simulator{}, fmt.Errorf("nobody called %q is played on %s; choose from %s", provider, ch, strings.Join(names, ", "))
}

// NewAPI stands in for the API of the accounts' one provider. ok is false for providers that are not called to send.
func NewAPI(accounts []Account, o APIOptions) (api API, ok bool) {
	if len(accounts) == 0 {
		return nil, false
	}
	for _, s := range All() {
		if s.Provider == accounts[0].Provider && s.newAPI != nil {
			return s.newAPI(accounts, o), true
		}
	}
	return nil, false
}

// Account is the demo account with what c says in place of its own credentials, and with the number where it is not empty.
func (s Simulator) Account(number string, c hookswitch.Credentials) Account {
	a := s.Demo
	a.Credentials = maps.Clone(a.Credentials)
	maps.Copy(a.Credentials, c)
	if number != "" {
		a.Number = number
	}
	return a
}

// With is a with the credential.
func (a Account) With(name, value string) Account {
	c := maps.Clone(a.Credentials)
	if c == nil {
		c = hookswitch.Credentials{}
	}
	c[name] = []string{value}
	a.Credentials = c
	return a
}

// Kind is the kind of the name.
func (s Simulator) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(s.Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return s.Kinds[i], true
}

// Push is what the provider pushes when the person sends something of the kind. Empty members of the person are those of Person.
func (s Simulator) Push(k Kind, a Account, p Person) Push {
	if p.From == "" {
		p.From = s.Person.From
	}
	if p.Name == "" {
		p.Name = s.Person.Name
	}
	if p.Text == "" {
		p.Text = s.Person.Text
	}
	if p.ReplyTo == "" {
		p.ReplyTo = s.Person.ReplyTo
	}
	return k.push(&a, p)
}

// Forge is p as somebody would push it who does not know the account's secret.
func (s Simulator) Forge(a Account, p Push) Push { return s.forge(&a, p) }

// Batches reports whether the provider puts several messages into one push.
func (s Simulator) Batches() bool { return s.batch != nil }

// Deliver posts p as the provider does, with its habits of repeating what was not taken, and returns the last answer.
func (s Simulator) Deliver(ctx context.Context, client *http.Client, baseURL string, a Account, p Push) (Result, error) {
	if s.deliver == nil {
		return p.Post(ctx, client, baseURL)
	}
	return s.deliver(ctx, client, baseURL, &a, p)
}

// repeating posts p until habit is content with the answer.
func repeating(ctx context.Context, client *http.Client, baseURL string, p func() Push, habit repeats) (Result, error) {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	for tries := 0; ; tries++ {
		res, err := p().Post(ctx, client, baseURL)
		wait, again := habit(tries, res, err)
		if !again || ctx.Err() != nil {
			return res, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return res, context.Cause(ctx)
		}
	}
}

// Dialogue is a call or a USSD session, from the person's side. One goroutine may use it at a time.
type Dialogue interface {
	// Open begins it. Of a USSD session, inputs are what is dialled behind the service code.
	Open(ctx context.Context, inputs ...string) (Screen, error)
	// Answer says, presses or enters something. An empty answer is silence in a call.
	Answer(ctx context.Context, input string) (Screen, error)
	// Repeat makes the last request once more, as a network does that lost its answer. ErrNoRepeat: the provider never does.
	Repeat(ctx context.Context) (Screen, error)
	// HangUp leaves it, and tells the server so.
	HangUp(ctx context.Context) error
}

// ErrNoRepeat is the cause when a request is to be repeated that the provider would make once.
var ErrNoRepeat = errors.New("the provider makes each request of a dialogue once")

// ErrNoDialogue is the cause when a channel of messages is dialled.
var ErrNoDialogue = errors.New("the channel has messages and no dialogues")

// Dials reports whether the channel has dialogues in place of messages.
func (s Simulator) Dials() bool { return s.dial != nil }

// Dial is a dialogue of the person with the account, at the server at baseURL, that is about to be opened. A nil client is LoopbackClient's, whose connections
// stay open for a while.
func (s Simulator) Dial(a Account, client *http.Client, baseURL, from string) (Dialogue, error) {
	if s.dial == nil {
		return nil, ErrNoDialogue
	}
	if from == "" {
		from = s.Person.From
	}
	if client == nil {
		client = LoopbackClient()
	}
	return s.dial(&a, client, baseURL, from), nil
}
