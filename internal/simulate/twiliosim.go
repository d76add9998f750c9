package simulate

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
)

func (a *Account) twilio() Twilio {
	return Twilio{AccountSID: a.Credentials.First("account_sid"), AuthToken: a.secret("auth_token"), Number: cmp.Or(a.Credentials.First("from"), a.Number),
		PublicURL: a.PublicURL, MessagePath: a.Path, CallPath: a.Path, CallStatusPath: a.Path}
}

func twilioDemo(ch hookswitch.Channel) Account {
	return Account{Channel: ch, Provider: "twilio", Number: DemoTwilioNumber,
		Credentials: hookswitch.Credentials{"account_sid": {DemoTwilioAccountSID}, "auth_token": {DemoTwilioAuthToken}}}
}

const (
	twilioHabit  = "tries once more where no connection can be made, and repeats nothing else"
	demoMessage  = "SM0000000000000000000000000000d001"
	demoFileType = "image/jpeg"
)

func deliverTwilio(ctx context.Context, client *http.Client, baseURL string, a *Account, p Push) (Result, error) {
	return a.twilio().Deliver(ctx, client, baseURL, p)
}

func twilioSMS() Simulator {
	return Simulator{
		Channel: hookswitch.SMS, Provider: "twilio", Demo: twilioDemo(hookswitch.SMS), Habit: twilioHabit, Person: Person{From: demoPersonPhone, Text: demoText},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.twilio().SMS(p.From, p.Text) }},
			{"image", "an MMS with a picture", func(a *Account, p Person) Push { t := a.twilio(); return t.MMS(p.From, p.Text, t.File(demoFileType)) }},
			{"stop", "a person wants no more messages", func(a *Account, p Person) Push { return a.twilio().OptOut(p.From, "STOP") }},
			{"start", "a person wants messages again", func(a *Account, p Person) Push { return a.twilio().OptOut(p.From, "START") }},
		},
		forge: func(a *Account, p Push) Push { return a.twilio().Forge(p) }, deliver: deliverTwilio, newAPI: newTwilioAPI,
	}
}

func twilioWhatsApp() Simulator {
	return Simulator{
		Channel: hookswitch.WhatsApp, Provider: "twilio", Demo: twilioDemo(hookswitch.WhatsApp), Habit: twilioHabit,
		Person: Person{From: demoPersonPhone, Name: demoPersonName, Text: demoText, ReplyTo: demoMessage},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.twilio().WhatsAppText(p.From, p.Name, p.Text) }},
			{"image", "a picture with a caption", func(a *Account, p Person) Push {
				t := a.twilio()
				return t.WhatsAppFile(p.From, p.Name, "image", p.Text, t.File(demoFileType))
			}},
			{"button", "the press of a button", func(a *Account, p Person) Push {
				return a.twilio().WhatsAppButton(p.From, p.Name, p.ReplyTo, "balance", "Balance")
			}},
			{"location", "a shared place", func(a *Account, p Person) Push { return a.twilio().WhatsAppLocation(p.From, p.Name, demoPlace) }},
		},
		forge: func(a *Account, p Push) Push { return a.twilio().Forge(p) }, deliver: deliverTwilio, newAPI: newTwilioAPI,
	}
}

func newTwilioAPI(accounts []Account, o APIOptions) API {
	opts := TwilioAPIOptions{Callback: o.Callback, Client: o.Client, Delay: o.Delay, Keep: o.Keep, MaxPending: o.MaxPending, Faults: o.Faults, OnSend: o.OnSend,
		Services: map[string]string{}, Keys: map[string]hookswitch.Secret{}}
	for i := range accounts {
		a := &accounts[i]
		opts.Numbers = append(opts.Numbers, a.twilio())
		if id := a.Credentials.First("messaging_service_sid"); id != "" {
			opts.Services[id] = a.twilio().Number
		}
		if id := a.Credentials.First("api_key_sid"); id != "" {
			opts.Keys[id] = a.secret("api_key_secret")
		}
	}
	return NewTwilioAPI(opts)
}

func twilioVoice() Simulator {
	return Simulator{
		Channel: hookswitch.Voice, Provider: "twilio", Demo: twilioDemo(hookswitch.Voice), Habit: twilioHabit, Person: Person{From: demoPersonPhone},
		forge: func(a *Account, p Push) Push { return a.twilio().Forge(p) }, newAPI: newTwilioAPI,
		dial: func(a *Account, client *http.Client, baseURL, from string) Dialogue {
			return &twilioDialogue{t: a.twilio(), client: client, baseURL: baseURL, from: from, sid: newSID("CA"), begun: time.Now()}
		},
	}
}

// twilioDialogue is a call that its caller holds turn by turn.
type twilioDialogue struct {
	t             Twilio
	client        *http.Client
	baseURL, from string
	sid           string
	begun         time.Time
	last          Push
	action        string // where the next answer goes
	over          bool
}

// Open rings.
func (d *twilioDialogue) Open(ctx context.Context, _ ...string) (Screen, error) {
	d.last = d.t.Ring(d.sid, d.from)
	return d.turn(ctx)
}

// Answer says or presses something.
func (d *twilioDialogue) Answer(ctx context.Context, input string) (Screen, error) {
	if d.over {
		return Screen{}, ErrSessionOver
	}
	p, err := d.t.answer(d.sid, d.from, d.action, input)
	if err != nil {
		return Screen{}, err
	}
	d.last = p
	return d.turn(ctx)
}

// Repeat makes the last request again, as Twilio does over a broken connection.
func (d *twilioDialogue) Repeat(ctx context.Context) (Screen, error) { return d.turn(ctx) }

func (d *twilioDialogue) turn(ctx context.Context) (Screen, error) {
	res, err := d.t.Deliver(ctx, d.client, d.baseURL, d.last)
	if err != nil {
		return Screen{}, err
	}
	heard, err := readTwiML(res)
	if err != nil {
		return Screen{}, err
	}
	d.action = heard.action
	s := Screen{Text: heard.said, More: heard.action != ""}
	if heard.dial != "" {
		s.Text += " [connected to " + heard.dial + "]"
	}
	if !s.More && !d.over {
		return s, d.HangUp(ctx)
	}
	return s, nil
}

// HangUp ends the call, which Twilio reports.
func (d *twilioDialogue) HangUp(ctx context.Context) error {
	if d.over {
		return ErrSessionOver
	}
	d.over = true
	return told(d.t.Deliver(context.WithoutCancel(ctx), d.client, d.baseURL, d.t.CallStatus(d.sid, d.from, "completed", time.Since(d.begun))))
}
