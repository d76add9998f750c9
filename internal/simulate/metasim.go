package simulate

import (
	"context"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
)

// demoReply stands for a message of ours in what is played when nobody names one.
const demoReply = "wamid.HBgMMjU0NzEyMzQ1Njc4FQIAERgSRDBEQTQ3QzlFQkE4NkYzQjI1AA=="

// What people send when nobody says what.
const (
	demoPersonPhone = "+254712345678"
	demoPersonName  = "Amina Wanjirũ"
	demoText        = "Hello 👋 what is my balance?"
)

var demoPlace = Place{Latitude: -1.2921, Longitude: 36.8219, Name: "Nairobi City Market", Address: "Muindi Mbingu Street, Nairobi"}

func (a *Account) whatsApp() WhatsApp {
	return WhatsApp{AppSecret: a.secret("app_secret"), VerifyToken: a.secret("verify_token"), PhoneNumberID: a.Credentials.First("phone_number_id"),
		WABAID: a.Credentials.First("waba_id"), DisplayPhone: a.Number, Path: a.Path}
}

func (a *Account) direct() Direct {
	d := Direct{Channel: a.Channel, AppSecret: a.secret("app_secret"), VerifyToken: a.secret("verify_token"), ID: a.Credentials.First("page_id"), Path: a.Path}
	if a.Channel == hookswitch.Instagram {
		d.ID, d.Page = a.Credentials.First("ig_user_id"), a.Credentials.First("page_id")
	}
	return d
}

func metaCredentials(name, value string) hookswitch.Credentials {
	return hookswitch.Credentials{"app_secret": {DemoAppSecret}, "verify_token": {DemoVerifyToken}, "access_token": {DemoAccessToken}, name: {value}}
}

const metaHabit = "repeats what is not answered 200, after ever longer waits; here after 100 ms, 200 ms and so on, five times"

func metaAgain(tries int, res Result, err error) (time.Duration, bool) {
	if err == nil && res.Status == http.StatusOK || tries >= 5 {
		return 0, false
	}
	return graphRetryWait(tries), true
}

func deliverMeta(ctx context.Context, client *http.Client, baseURL string, _ *Account, p Push) (Result, error) {
	return repeating(ctx, client, baseURL, func() Push { return p }, metaAgain)
}

func metaWhatsApp() Simulator {
	demo := Account{Channel: hookswitch.WhatsApp, Provider: "meta", Number: DemoPhone, Credentials: metaCredentials("phone_number_id", DemoPhoneNumberID)}.With("waba_id", DemoWABAID)
	return Simulator{
		Channel: hookswitch.WhatsApp, Provider: "meta", Demo: demo, Habit: metaHabit,
		Person: Person{From: demoPersonPhone, Name: demoPersonName, Text: demoText, ReplyTo: demoReply},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.whatsApp().Text(p.From, p.Name, p.Text) }},
			{"image", "a picture with a caption", func(a *Account, p Person) Push { return a.whatsApp().Image(p.From, p.Name, p.Text) }},
			{"button", "the press of a reply button", func(a *Account, p Person) Push {
				return a.whatsApp().ButtonReply(p.From, p.Name, p.ReplyTo, "balance", "Balance")
			}},
			{"reaction", "an emoji put to one of our messages", func(a *Account, p Person) Push { return a.whatsApp().Reaction(p.From, p.Name, p.ReplyTo, "👍") }},
			{"location", "a shared place", func(a *Account, p Person) Push { return a.whatsApp().Location(p.From, p.Name, demoPlace) }},
			{"contacts", "two shared contacts", func(a *Account, p Person) Push {
				return a.whatsApp().Contacts(p.From, p.Name, Card{Name: "Zoë Odhiambo", Phone: "+254700000001"}, Card{Name: "Brian", Phone: "+254700000002"})
			}},
			{"unsupported", "a message of a kind that WhatsApp does not pass on", func(a *Account, p Person) Push { return a.whatsApp().Unsupported(p.From, p.Name) }},
			{"batch", "three messages of two people and a status in one push", func(a *Account, p Person) Push {
				w := a.whatsApp()
				return w.Batch(w.Text(p.From, p.Name, p.Text), w.Text("254700000009", "Brian", "Hi"), w.Image(p.From, p.Name, ""),
					w.Status(p.ReplyTo, hookswitch.StatusDelivered, p.From, ""))
			}},
		},
		forge:   func(a *Account, p Push) Push { return a.whatsApp().Forge(p) },
		batch:   func(a *Account, pushes []Push) Push { return a.whatsApp().Batch(pushes...) },
		deliver: deliverMeta, newAPI: newMetaAPI,
	}
}

func metaDirect(ch hookswitch.Channel) Simulator {
	demo := Account{Channel: ch, Provider: "meta", Credentials: metaCredentials("page_id", DemoPageID)}
	if ch == hookswitch.Instagram {
		demo.Credentials = metaCredentials("ig_user_id", DemoInstagramID)
	}
	s := Simulator{
		Channel: ch, Provider: "meta", Demo: demo, Habit: metaHabit, Person: Person{From: DemoPersonID, Text: demoText, ReplyTo: "m_5eFp3tKd0aE"},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.direct().Text(p.From, p.Text) }},
			{"image", "a picture", func(a *Account, p Person) Push {
				return a.direct().File(p.From, "image", "https://cdn.example.com/photo.jpg")
			}},
			{"button", "the press of a button", func(a *Account, p Person) Push { return a.direct().Postback(p.From, "Balance", "balance", false) }},
			{"quick-reply", "the tap on a quick reply", func(a *Account, p Person) Push { return a.direct().QuickReply(p.From, p.ReplyTo, "Balance", "balance") }},
			{"reaction", "an emoji put to one of our messages", func(a *Account, p Person) Push { return a.direct().Reaction(p.From, p.ReplyTo, "👍") }},
			{"reply", "a text that quotes one of our messages", func(a *Account, p Person) Push { return a.direct().Answer(p.From, p.ReplyTo, p.Text) }},
			{"unsupported", "a message of a kind that is not passed on", func(a *Account, p Person) Push { return a.direct().Unsupported(p.From) }},
		},
		forge:   func(a *Account, p Push) Push { return a.direct().Forge(p) },
		batch:   func(a *Account, pushes []Push) Push { return a.direct().Batch(pushes...) },
		deliver: deliverMeta, newAPI: newMetaAPI,
	}
	if ch == hookswitch.Messenger {
		s.Kinds = append(s.Kinds, Kind{"location", "a shared place", func(a *Account, p Person) Push { return a.direct().Location(p.From, demoPlace) }})
	} else {
		s.Kinds = append(s.Kinds, Kind{"story-reply", "an answer to a story", func(a *Account, p Person) Push { return a.direct().StoryReply(p.From, "17858893269000001", p.Text) }})
	}
	return s
}

func newMetaAPI(accounts []Account, o APIOptions) API {
	opts := GraphOptions{Callback: o.Callback, Client: o.Client, Delay: o.Delay, Keep: o.Keep, MaxPending: o.MaxPending, Faults: o.Faults, OnSend: o.OnSend}
	for i := range accounts {
		a := &accounts[i]
		if token := a.secret("access_token"); i == 0 || token == opts.Token {
			opts.Token = token
		} else {
			opts.Token = "" // one stand-in asks for one token or for any
		}
		if a.Channel == hookswitch.WhatsApp {
			opts.Accounts = append(opts.Accounts, a.whatsApp())
		} else {
			opts.Direct = append(opts.Direct, a.direct())
		}
	}
	return NewGraph(opts)
}
