package simulate

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/hookswitch/hookswitch"
)

func (a *Account) africasTalking() AfricasTalking {
	c := a.Credentials
	return AfricasTalking{Username: c.First("username"), APIKey: a.secret("api_key"), CallbackKey: a.secret("callback_key"), ShortCode: cmp.Or(c.First("short_code"), a.Number),
		ServiceCode: cmp.Or(c.First("service_code"), DemoAfricasTalking().ServiceCode), Number: cmp.Or(c.First("phone_number"), a.Number),
		SMSPath: a.Path, USSDPath: a.Path, VoicePath: a.Path}
}

func africasDemo(ch hookswitch.Channel, name, value string) Account {
	d := DemoAfricasTalking()
	return Account{Channel: ch, Provider: "africastalking", Credentials: hookswitch.Credentials{"username": {d.Username}, "api_key": {d.APIKey.Reveal()},
		"callback_key": {d.CallbackKey.Reveal()}, name: {value}}}
}

const africasHabit = "makes each request once; what is not taken is lost"

func africasSMS() Simulator {
	return Simulator{
		Channel: hookswitch.SMS, Provider: "africastalking", Demo: africasDemo(hookswitch.SMS, "short_code", DemoAfricasTalking().ShortCode), Habit: africasHabit,
		Person: Person{From: demoPersonPhone, Text: demoText},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.africasTalking().SMS(p.From, p.Text) }},
			{"premium", "a message to a premium short code", func(a *Account, p Person) Push { return a.africasTalking().PremiumSMS(p.From, p.Text, "LINK-0001") }},
			{"stop", "a person wants no more messages", func(a *Account, p Person) Push { return a.africasTalking().OptOut(p.From) }},
		},
		forge: func(a *Account, p Push) Push { return a.africasTalking().Forge(p) }, newAPI: newAfricasAPI,
	}
}

func newAfricasAPI(accounts []Account, o APIOptions) API {
	opts := AfricasTalkingAPIOptions{Callback: o.Callback, Client: o.Client, Delay: o.Delay, Keep: o.Keep, MaxPending: o.MaxPending, Faults: o.Faults, OnSend: o.OnSend}
	for i := range accounts {
		opts.Apps = append(opts.Apps, accounts[i].africasTalking())
	}
	return NewAfricasTalkingAPI(opts)
}

func africasUSSD() Simulator {
	return Simulator{
		Channel: hookswitch.USSD, Provider: "africastalking", Demo: africasDemo(hookswitch.USSD, "service_code", DemoAfricasTalking().ServiceCode), Habit: africasHabit,
		Person: Person{From: demoPersonPhone}, forge: func(a *Account, p Push) Push { return a.africasTalking().Forge(p) }, newAPI: newAfricasAPI,
		dial: func(a *Account, client *http.Client, baseURL, from string) Dialogue {
			return ussdDialogue{a.africasTalking().USSD(client, baseURL, from)}
		},
	}
}

// ussdDialogue is a USSD session as a Dialogue.
type ussdDialogue struct{ *USSD }

// Open dials.
func (d ussdDialogue) Open(ctx context.Context, inputs ...string) (Screen, error) {
	return d.Dial(ctx, inputs...)
}

// Answer enters something.
func (d ussdDialogue) Answer(ctx context.Context, input string) (Screen, error) {
	return d.Enter(ctx, input)
}

func africasVoice() Simulator {
	return Simulator{
		Channel: hookswitch.Voice, Provider: "africastalking", Demo: africasDemo(hookswitch.Voice, "phone_number", DemoAfricasTalking().Number), Habit: africasHabit,
		Person: Person{From: demoPersonPhone}, forge: func(a *Account, p Push) Push { return a.africasTalking().Forge(p) }, newAPI: newAfricasAPI,
		dial: func(a *Account, client *http.Client, baseURL, from string) Dialogue {
			return africasDialogue{a.africasTalking().Call(client, baseURL, from)}
		},
	}
}

// africasDialogue is a call as a Dialogue.
type africasDialogue struct{ call *AfricasCall }

// Open rings.
func (d africasDialogue) Open(ctx context.Context, _ ...string) (Screen, error) {
	return screenOf(d.call.Ring(ctx))
}

// Answer presses keys.
func (d africasDialogue) Answer(ctx context.Context, input string) (Screen, error) {
	if input == "" {
		return screenOf(d.call.Silence(ctx))
	}
	return screenOf(d.call.Press(ctx, input))
}

// Repeat is not done.
func (d africasDialogue) Repeat(context.Context) (Screen, error) { return Screen{}, ErrNoRepeat }

// HangUp ends the call.
func (d africasDialogue) HangUp(ctx context.Context) error { return d.call.HangUp(ctx) }

func screenOf(h Heard, err error) (Screen, error) {
	s := Screen{Text: h.Text, More: h.Keys}
	if h.Dial != "" {
		s.Text += " [connected to " + h.Dial + "]"
	}
	return s, err
}

// told is an error where a report was not taken.
func told(res Result, err error) error {
	if err == nil && res.Status/100 != 2 {
		err = fmt.Errorf("the report of the end was answered %d", res.Status)
	}
	return err
}
