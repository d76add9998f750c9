package simulate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Telegram is one bot. Its methods make the updates that Telegram would push for it.
type Telegram struct {
	BotToken    hookswitch.Secret
	SecretToken hookswitch.Secret // what setWebhook was given
	Username    string
	// Path is where updates go; empty: /api/v1/channels/telegram/webhook.
	Path string
	// Now tells the time of messages; nil: time.Now.
	Now func() time.Time
}

// The bot that is played when nobody names another. What its secrets prove is of no worth.
const (
	DemoBotToken      = "110201543:TEST-BOT-TOKEN"
	DemoBotSecret     = "tg_Webhook-Secret_7Qd2"
	DemoBotUsername   = "gateway_bot"
	telegramHeader    = "X-Telegram-Bot-Api-Secret-Token"
	telegramPath      = "/api/v1/channels/telegram/webhook"
	telegramFirstWait = 2 * time.Second
	telegramLastWait  = time.Minute
	telegramMaxAsked  = time.Hour
)

// DemoTelegram is the demo bot.
func DemoTelegram() Telegram {
	return Telegram{BotToken: DemoBotToken, SecretToken: DemoBotSecret, Username: DemoBotUsername}
}

// members are those of one object of the Bot API.
type members map[string]any

// Text is a text message. In all of these methods from is a person's id, a number, and name the person's name.
func (b Telegram) Text(from, name, text string) Push {
	return b.message(from, name, members{"text": text})
}

// GroupText is a text message in a group, whose id begins with a minus sign.
func (b Telegram) GroupText(group, from, name, text string) Push {
	m := b.newMessage(from, name, members{"text": text})
	m["chat"] = members{"id": json.Number(group), "title": "Group", "type": "supergroup"}
	return b.update("message", m, group+":"+m["message_id"].(json.Number).String())
}

// Start is what a person sends who follows a link to the bot; an empty parameter: who finds it otherwise.
func (b Telegram) Start(from, name, parameter string) Push {
	return b.message(from, name, members{"text": strings.TrimSpace("/start " + parameter), "entities": []members{{"offset": 0, "length": 6, "type": "bot_command"}}})
}

// Image is a picture, with a caption or without.
func (b Telegram) Image(from, name, caption string) Push {
	m := members{"photo": []members{
		{"file_id": newFileID("AgAC"), "file_unique_id": newFileID("AQAD"), "file_size": 1276, "width": 90, "height": 67},
		{"file_id": newFileID("AgAC"), "file_unique_id": newFileID("AQAD"), "file_size": 102034, "width": 1280, "height": 960},
	}}
	if caption != "" {
		m["caption"] = caption
	}
	return b.message(from, name, m)
}

// Voice is a voice message of some seconds.
func (b Telegram) Voice(from, name string, seconds int) Push {
	return b.message(from, name, members{"voice": members{"file_id": newFileID("AwAC"), "file_unique_id": newFileID("AgAD"), "duration": seconds,
		"mime_type": "audio/ogg", "file_size": 4500 * seconds}})
}

// Location is a shared place, with a name or without.
func (b Telegram) Location(from, name string, place Place) Push {
	at := members{"latitude": place.Latitude, "longitude": place.Longitude}
	m := members{"location": at}
	if place.Name != "" {
		m["venue"] = members{"location": at, "title": place.Name, "address": place.Address}
	}
	return b.message(from, name, m)
}

// Contact is a message with a shared contact.
func (b Telegram) Contact(from, name string, card Card) Push {
	first, last, _ := strings.Cut(card.Name, " ")
	m := members{"phone_number": "+" + digits(card.Phone), "first_name": first}
	if last != "" {
		m["last_name"] = last
	}
	return b.message(from, name, members{"contact": m})
}

// Unsupported is a message that has no counterpart elsewhere: a poll.
func (b Telegram) Unsupported(from, name string) Push {
	return b.message(from, name, members{"poll": members{"id": newTelegramNumber(), "question": "Tea or coffee?", "type": "regular",
		"options": []members{{"text": "Tea", "voter_count": 0}, {"text": "Coffee", "voter_count": 0}}}})
}

// Press is the press of the button that stands for data, of the message that the bot sent as id, such as "777:42".
func (b Telegram) Press(from, name, id, data, title string) Push {
	chat, message, _ := strings.Cut(id, ":")
	query := newTelegramNumber().String()
	p := b.update("callback_query", members{
		"id": query, "from": person(from, name), "chat_instance": newTelegramNumber().String(), "data": data,
		"message": members{
			"message_id": json.Number(message), "from": b.self(), "chat": members{"id": json.Number(chat), "type": chatType(chat)}, "date": b.now().Unix(),
			"text": "Pick one", "reply_markup": members{"inline_keyboard": [][]members{{{"text": title, "callback_data": data}}}},
		},
	}, id+":"+query)
	return p
}

// Edit changes a text message that was pushed before.
func (b Telegram) Edit(p Push, text string) Push {
	var u struct {
		Message members `json:"message"`
	}
	dec := json.NewDecoder(bytes.NewReader(p.Body))
	dec.UseNumber()
	if err := dec.Decode(&u); err != nil || u.Message == nil { // which is no message of ours
		u.Message = members{}
	}
	u.Message["text"], u.Message["edit_date"] = text, b.now().Unix()
	return b.update("edited_message", u.Message, p.IDs...)
}

// Block is what Telegram tells when a person blocks the bot, Unblock when they let it in again.
func (b Telegram) Block(from, name string) Push { return b.member(from, name, "member", "kicked") }

// Unblock is the opposite of Block.
func (b Telegram) Unblock(from, name string) Push { return b.member(from, name, "kicked", "member") }

func (b Telegram) member(from, name, was, is string) Push {
	return b.update("my_chat_member", members{
		"chat": members{"id": json.Number(from), "first_name": name, "type": "private"}, "from": person(from, name), "date": b.now().Unix(),
		"old_chat_member": members{"user": b.self(), "status": was}, "new_chat_member": members{"user": b.self(), "status": is},
	})
}

// Forge is p with another secret: a push of a stranger.
func (b Telegram) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	p.Header.Set(telegramHeader, b.SecretToken.Reveal()+"_")
	return p
}

func (b Telegram) message(from, name string, more members) Push {
	m := b.newMessage(from, name, more)
	return b.update("message", m, from+":"+m["message_id"].(json.Number).String())
}

// newMessage is a message in the person's private chat.
func (b Telegram) newMessage(from, name string, more members) members {
	m := members{
		"message_id": newTelegramNumber(), "from": person(from, name), "date": b.now().Unix(),
		"chat": members{"id": json.Number(from), "first_name": name, "type": "private"},
	}
	for k, v := range more {
		m[k] = v
	}
	return m
}

func person(id, name string) members {
	first, last, _ := strings.Cut(name, " ")
	p := members{"id": json.Number(id), "is_bot": false, "first_name": first, "language_code": "en"}
	if last != "" {
		p["last_name"] = last
	}
	return p
}

func (b Telegram) self() members {
	id, _, _ := strings.Cut(b.BotToken.Reveal(), ":")
	return members{"id": json.Number(cmp.Or(digits(id), "1")), "is_bot": true, "first_name": "Gateway", "username": b.Username}
}

func (b Telegram) update(kind string, content members, ids ...string) Push {
	// Only what is no number could fail, such as an id that is none: Telegram would not have it either.
	body, err := json.Marshal(members{"update_id": newTelegramNumber(), kind: content})
	if err != nil {
		body = []byte("{}")
	}
	return Push{Method: http.MethodPost, Path: cmp.Or(b.Path, telegramPath), Body: body, IDs: ids, Header: http.Header{
		"Content-Type":    {"application/json"},
		"Accept-Encoding": {"gzip, deflate"},
		telegramHeader:    {b.SecretToken.Reveal()},
	}}
}

func (b Telegram) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}

// Deliver posts p as Telegram does: until it is taken or ctx ends, at once for the first time again, then after 2, 4, 8 seconds and so on up to a minute, or
// as long as the answer asks for. Meanwhile no other update of the chat would come.
func (b Telegram) Deliver(ctx context.Context, client *http.Client, baseURL string, p Push) (Result, error) {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	wait := time.Duration(0)
	for {
		res, err := p.Post(ctx, client, baseURL)
		if err == nil && res.Status/100 == 2 || ctx.Err() != nil {
			return res, err
		}
		pause := wait
		if asked, bad := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil && bad == nil {
			pause = min(time.Duration(asked)*time.Second, telegramMaxAsked)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return res, context.Cause(ctx)
		}
		wait = min(max(2*wait, telegramFirstWait), telegramLastWait)
	}
}

func chatType(id string) string {
	if strings.HasPrefix(id, "-") {
		return "supergroup"
	}
	return "private"
}

// newTelegramNumber is an id of an update or a message: Telegram counts, and begins anew at random when a bot has been idle.
func newTelegramNumber() json.Number {
	return json.Number(strconv.FormatUint(1+randomUint64()%(1<<31-2), 10))
}

func newFileID(prefix string) string {
	return prefix + strings.ToUpper(strconv.FormatUint(randomUint64(), 36))
}
