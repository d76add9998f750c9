package simulate

import (
	"cmp"
	"context"
	"net/http"

	"github.com/hookswitch/hookswitch"
)

func (a *Account) telegram() Telegram {
	return Telegram{BotToken: a.secret("bot_token"), SecretToken: a.secret("secret_token"), Username: DemoBotUsername, Path: a.Path}
}

func telegramBot() Simulator {
	return Simulator{
		Channel: hookswitch.Telegram, Provider: "telegram", Habit: "repeats until it is taken: at once, then after 2, 4, 8 seconds and so on up to a minute",
		Demo:   Account{Channel: hookswitch.Telegram, Provider: "telegram", Credentials: hookswitch.Credentials{"bot_token": {DemoBotToken}, "secret_token": {DemoBotSecret}}},
		Person: Person{From: "777000111", Name: demoPersonName, Text: demoText, ReplyTo: "777000111:42"},
		Kinds: []Kind{
			{"text", "a text message", func(a *Account, p Person) Push { return a.telegram().Text(p.From, p.Name, p.Text) }},
			{"start", "a person has found the bot", func(a *Account, p Person) Push { return a.telegram().Start(p.From, p.Name, "") }},
			{"image", "a picture with a caption", func(a *Account, p Person) Push { return a.telegram().Image(p.From, p.Name, p.Text) }},
			{"voice", "a voice message of four seconds", func(a *Account, p Person) Push { return a.telegram().Voice(p.From, p.Name, 4) }},
			{"button", "the press of a button", func(a *Account, p Person) Push {
				return a.telegram().Press(p.From, p.Name, p.ReplyTo, "balance", "Balance")
			}},
			{"location", "a shared place", func(a *Account, p Person) Push { return a.telegram().Location(p.From, p.Name, demoPlace) }},
			{"contact", "a shared contact", func(a *Account, p Person) Push {
				return a.telegram().Contact(p.From, p.Name, Card{Name: "Zoë Odhiambo", Phone: "+254700000001"})
			}},
			{"group", "a text message in a group", func(a *Account, p Person) Push {
				return a.telegram().GroupText("-1001234567890", p.From, p.Name, p.Text)
			}},
			{"unsupported", "a poll", func(a *Account, p Person) Push { return a.telegram().Unsupported(p.From, p.Name) }},
			{"block", "a person has blocked the bot", func(a *Account, p Person) Push { return a.telegram().Block(p.From, p.Name) }},
			{"unblock", "a person lets the bot in again", func(a *Account, p Person) Push { return a.telegram().Unblock(p.From, p.Name) }},
		},
		forge: func(a *Account, p Push) Push { return a.telegram().Forge(p) },
		deliver: func(ctx context.Context, client *http.Client, baseURL string, a *Account, p Push) (Result, error) {
			return a.telegram().Deliver(ctx, client, baseURL, p)
		},
		newAPI: func(accounts []Account, o APIOptions) API {
			opts := BotAPIOptions{Keep: o.Keep, Faults: o.Faults, OnSend: o.OnSend}
			for i := range accounts {
				opts.Bots = append(opts.Bots, accounts[i].telegram())
			}
			return NewBotAPI(opts)
		},
	}
}

func (a *Account) x() X {
	return X{ConsumerSecret: a.secret("consumer_secret"), ClientSecret: a.secret("client_secret"), UserID: a.Credentials.First("user_id"), Username: DemoXUsername, Path: a.Path}
}

func xAccount() Simulator {
	return Simulator{
		Channel: hookswitch.X, Provider: "x", Habit: "repeats what is not answered 200, up to three times within five minutes",
		Demo: Account{Channel: hookswitch.X, Provider: "x", Credentials: hookswitch.Credentials{"consumer_secret": {DemoXConsumerSecret}, "user_id": {DemoXUserID},
			"access_token": {DemoXToken}}},
		Person: Person{From: "3001969357", Name: demoPersonName, Text: demoText},
		Kinds: []Kind{
			{"text", "a direct message", func(a *Account, p Person) Push { return a.x().DM(p.From, p.Name, p.Text) }},
			{"image", "a direct message with a picture", func(a *Account, p Person) Push { return a.x().Picture(p.From, p.Name, p.Text) }},
			{"link", "a direct message with a link", func(a *Account, p Person) Push {
				return a.x().DMWithLink(p.From, p.Name, p.Text, "https://www.example.com/")
			}},
			{"mention", "a public post that mentions the account", func(a *Account, p Person) Push { return a.x().Mention(p.From, p.Name, p.Text) }},
			{"typing", "a person who is writing", func(a *Account, p Person) Push { return a.x().Typing(p.From) }},
			{"unsupported", "a message of an encrypted chat", func(a *Account, p Person) Push { return a.x().Secret(p.From) }},
		},
		forge: func(a *Account, p Push) Push { return a.x().Forge(p) },
		deliver: func(ctx context.Context, client *http.Client, baseURL string, a *Account, p Push) (Result, error) {
			return a.x().Deliver(ctx, client, baseURL, p)
		},
		newAPI: func(accounts []Account, o APIOptions) API {
			opts := XAPIOptions{Callback: o.Callback, Client: o.Client, Delay: o.Delay, Keep: o.Keep, MaxPending: o.MaxPending, Faults: o.Faults, OnSend: o.OnSend}
			for i := range accounts {
				a := &accounts[i]
				opts.Accounts = append(opts.Accounts, XAccount{X: a.x(), Token: a.secret("access_token"), TokenSecret: a.secret("access_token_secret"),
					ConsumerKey: a.Credentials.First("consumer_key")})
			}
			return NewXAPI(opts)
		},
	}
}

func (a *Account) webChat() WebChat { return WebChat{Token: a.secret("token"), Path: a.Path} }

func webChatServer() Simulator {
	return Simulator{
		Channel: hookswitch.WebChat, Provider: "webchat", Habit: "is the operator's own server; here it posts once",
		Demo:   Account{Channel: hookswitch.WebChat, Provider: "webchat", Credentials: hookswitch.Credentials{"token": {DemoWebChat().Token.Reveal()}}},
		Person: Person{From: "visitor-1", Name: demoPersonName, Text: demoText},
		Kinds: []Kind{
			{"text", "what a visitor has written", func(a *Account, p Person) Push { return a.webChat().Text(p.From, p.Name, p.Text) }},
			{"image", "a picture", func(a *Account, p Person) Push {
				return a.webChat().File(p.From, "https://cdn.example.com/photo.jpg", demoFileType, "photo.jpg")
			}},
			{"button", "the press of a button of one of our messages", func(a *Account, p Person) Push {
				return a.webChat().Button(p.From, cmp.Or(p.ReplyTo, "msg_0"), "balance", "Balance")
			}},
			{"typing", "a visitor who is writing", func(a *Account, p Person) Push { return a.webChat().Typing(p.From) }},
		},
		forge: func(a *Account, p Push) Push { return a.webChat().Forge(p) },
	}
}
