package simulate

import (
	"context"
	"net/http"

	"github.com/hookswitch/hookswitch"
)

// DemoMailbox is the address that is played when nobody names another.
const DemoMailbox = "support@acme.example"

// demoMailSecret is the secret that Resend's demo pushes are signed with. What it proves is of no worth.
const demoMailSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func mailServices() []Simulator {
	proofs := map[MailService]hookswitch.Credentials{
		Postmark: {"basic_user": {"postmark"}, "basic_pass": {"pm-inbound-pass"}, "server_token": {"TEST-POSTMARK-TOKEN"}},
		SendGrid: {"basic_user": {"sendgrid"}, "basic_pass": {"sg-inbound-pass"}, "api_key": {"TEST-SENDGRID-KEY"}},
		Mailgun:  {"signing_key": {"TEST-MAILGUN-WEBHOOK-SIGNING-KEY"}, "api_key": {"TEST-MAILGUN-KEY"}},
		Resend:   {"signing_secret": {demoMailSecret}, "api_key": {"TEST-RESEND-KEY"}},
	}
	habits := map[MailService]string{
		Postmark: "repeats what is not answered 200 ten times within eleven hours, and gives up after 403",
		SendGrid: "repeats what is answered 500 or more for up to three days",
		Mailgun:  "repeats what is not answered 200 six times within eight hours, and gives up after 406",
		Resend:   "repeats what is not answered 2xx after 5 s, 5 and 30 min, 2, 5 and 10 h",
	}
	var list []Simulator
	for _, service := range MailServices {
		demo := Account{Channel: hookswitch.Email, Provider: string(service), Credentials: proofs[service]}.With("address", DemoMailbox)
		list = append(list, Simulator{
			Channel: hookswitch.Email, Provider: string(service), Demo: demo, Habit: habits[service],
			Person: Person{From: "amina@people.example", Name: "Amina Wanjiru", Text: "Hello, what is my balance?"},
			Kinds: []Kind{
				{"text", "a mail", func(a *Account, p Person) Push {
					return a.mail(Letter{From: p.From, Name: p.Name, Subject: "A question", Text: p.Text})
				}},
				{"html", "a mail in HTML", func(a *Account, p Person) Push {
					return a.mail(Letter{From: p.From, Name: p.Name, Subject: "A question", HTML: "<p><b>Hello</b>, what is my balance?</p>"})
				}},
				{"file", "a mail with an attachment", func(a *Account, p Person) Push {
					return a.mail(Letter{From: p.From, Name: p.Name, Subject: "My receipt", Text: p.Text, Files: []LetterFile{{"receipt.txt", "text/plain", []byte("KES 1,250")}}})
				}},
				{"reply", "a mail that answers one of ours", func(a *Account, p Person) Push {
					return a.mail(Letter{From: p.From, Name: p.Name, Subject: "Re: Your balance", Text: p.Text, InReplyTo: p.ReplyTo})
				}},
				{"automatic", "a mail that a machine has written", func(a *Account, p Person) Push {
					return a.mail(Letter{From: p.From, Name: p.Name, Subject: "Out of office", Text: "I am away.", Automatic: true})
				}},
			},
			forge: func(a *Account, p Push) Push { return a.mailbox().Forge(p) },
			deliver: func(ctx context.Context, client *http.Client, baseURL string, a *Account, p Push) (Result, error) {
				box := a.mailbox()
				return repeating(ctx, client, baseURL, func() Push {
					if box.Service == Resend { // signs each try
						return box.signResend(p, p.Header.Get("Svix-Id"))
					}
					return p
				}, mailHabits[box.Service].again)
			},
			newAPI: func(accounts []Account, o APIOptions) API {
				opts := MailAPIOptions{Callback: o.Callback, Client: o.Client, Delay: o.Delay, Keep: o.Keep, MaxPending: o.MaxPending, Faults: o.Faults,
					OnSend: o.OnSend}
				for i := range accounts {
					opts.Boxes = append(opts.Boxes, accounts[i].mailbox())
				}
				return NewMailAPI(opts)
			},
		})
	}
	return list
}

func (a *Account) mailbox() Mailbox {
	c := a.Credentials
	b := Mailbox{Service: MailService(a.Provider), Address: c.First("address"), User: c.First("basic_user"), Password: a.secret("basic_pass"), Token: a.secret("api_key"), Path: a.Path}
	if inbound := c.First("inbound_address"); inbound != "" {
		b.Address = inbound
	}
	switch b.Service {
	case Postmark:
		b.Token = a.secret("server_token")
	case Mailgun:
		b.Secret = a.secret("signing_key")
	case Resend:
		b.Secret = a.secret("signing_secret")
	}
	return b
}

// mail is the push of a mail, whose text is left with the stand-in of the API where the service leaves it out.
func (a *Account) mail(l Letter) Push {
	if api, ok := a.API.(*MailAPI); ok {
		return api.Mail(a.mailbox(), l)
	}
	return a.mailbox().Mail(l)
}
