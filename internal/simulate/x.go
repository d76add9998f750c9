package simulate

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// X is one account of X, subscribed to by an app. Its methods make the pushes that X would make for it.
type X struct {
	// ConsumerSecret and ClientSecret are the app's: pushes are signed under each that is set.
	ConsumerSecret hookswitch.Secret
	ClientSecret   hookswitch.Secret
	UserID         string
	Username       string
	// Newer pushes in the form of the X Activity API, in place of the Account Activity API's.
	Newer bool
	// Path is where pushes go; empty: /api/channels/twitter.
	Path string
	// Now tells the time of messages; nil: time.Now.
	Now func() time.Time
}

// The account that is played when nobody names another. What its secrets prove is of no worth.
const (
	DemoXConsumerSecret = "TEST-X-CONSUMER-SECRET-0001"
	DemoXUserID         = "4337869213"
	DemoXUsername       = "Harris_0ff"
	DemoXToken          = "TEST-X-TOKEN"
	xHeader             = "X-Twitter-Webhooks-Signature"
	xClientHeader       = "X-Twitter-Webhooks-Signature-Oauth2"
	xPath               = "/api/channels/twitter"
	xRepeats            = 3
)

// DemoX is the demo account.
func DemoX() X {
	return X{ConsumerSecret: DemoXConsumerSecret, UserID: DemoXUserID, Username: DemoXUsername}
}

// Check is the request by which X asks a door to prove that it knows the app's secret: a right answer is 200 with CheckAnswer as its response_token.
func (x X) Check(token string) Push {
	query := "crc_token=" + url.QueryEscape(token)
	return Push{Method: http.MethodGet, Path: x.path() + "?" + query, Header: x.signed([]byte(query))}
}

// CheckAnswer is the response_token for a check with the token.
func (x X) CheckAnswer(token string) string {
	return xSignature(cmp.Or(x.ClientSecret, x.ConsumerSecret), []byte(token))
}

// DM is a direct message. In all of these methods from is a person's id, a number, and name the person's name.
func (x X) DM(from, name, text string) Push {
	return x.direct(from, name, members{"text": escapeX(text), "entities": noEntities()})
}

// DMWithLink is a direct message with a link, which X shortens.
func (x X) DMWithLink(from, name, text, link string) Push {
	short := "https://t.co/" + base64.RawURLEncoding.EncodeToString(sum16(link))[:10]
	short = strings.NewReplacer("-", "0", "_", "1").Replace(short)
	e := noEntities()
	e["urls"] = []members{{"url": short, "expanded_url": link, "display_url": strings.TrimPrefix(link, "https://")}}
	return x.direct(from, name, members{"text": strings.TrimSpace(escapeX(text) + " " + short), "entities": e})
}

// Picture is a direct message with a picture, and a text or none.
func (x X) Picture(from, name, text string) Push {
	id, short := x.newID(), "https://t.co/pic0000001"
	return x.direct(from, name, members{"text": strings.TrimSpace(escapeX(text) + " " + short), "entities": noEntities(), "attachment": members{
		"type": "media", "media": members{"id": json.Number(id), "id_str": id, "type": "photo", "url": short,
			"media_url_https": "https://ton.twitter.com/1.1/ton/data/dm/" + id + "/1.jpg"},
	}})
}

func (x X) direct(from, name string, data members) Push {
	id := x.newID()
	return x.activity("dm.received", id, members{"direct_message_events": []members{x.event(id, from, x.UserID, data)}}, from, name)
}

// Own is what X pushes of a direct message that the account itself has sent as id.
func (x X) Own(id, to, text string) Push {
	return x.activity("dm.sent", id, members{"direct_message_events": []members{x.event(id, x.UserID, to, members{"text": escapeX(text), "entities": noEntities()})}}, to, "")
}

func (x X) event(id, from, to string, data members) members {
	return members{"type": "message_create", "id": id, "created_timestamp": x.milliseconds(),
		"message_create": members{"target": members{"recipient_id": to}, "sender_id": from, "message_data": data}}
}

// Read is a person's mark: everything up to the direct message id is read.
func (x X) Read(from, id string) Push {
	return x.activity("dm.read", id, members{"direct_message_mark_read_events": []members{{
		"created_timestamp": x.milliseconds(), "sender_id": from, "target": members{"recipient_id": x.UserID}, "last_read_event_id": id,
	}}}, from, "")
}

// Typing is a person who is writing a direct message.
func (x X) Typing(from string) Push {
	return x.activity("dm.indicate_typing", "", members{"direct_message_indicate_typing_events": []members{{
		"created_timestamp": x.milliseconds(), "sender_id": from, "target": members{"recipient_id": x.UserID},
	}}}, from, "")
}

// Mention is a public post that mentions the account.
func (x X) Mention(from, name, text string) Push {
	id, said := x.newID(), "@"+x.Username+" "+escapeX(text)
	if x.Newer {
		return x.newer("post.mention.create", id, members{
			"id": id, "author_id": from, "created_at": x.now().UTC().Format("2006-01-02T15:04:05.000Z"), "text": said, "conversation_id": id,
			"entities": members{"mentions": []members{{"start": 0, "end": len(x.Username) + 1, "username": x.Username, "id": x.UserID}}},
		}, members{"users": []members{{"id": from, "name": name, "username": username(name)}}})
	}
	return x.push(members{"for_user_id": x.UserID, "user_has_blocked": false, "tweet_create_events": []members{{
		"created_at": x.now().UTC().Format(time.RubyDate), "id": json.Number(id), "id_str": id, "text": said, "timestamp_ms": x.milliseconds(),
		"user":     members{"id": json.Number(from), "id_str": from, "name": name, "screen_name": username(name)},
		"entities": members{"user_mentions": []members{{"screen_name": x.Username, "id": json.Number(x.UserID), "id_str": x.UserID}}, "urls": []members{}},
	}}}, id)
}

// Secret is a message of an encrypted chat, which apps cannot read. There are none in the older form: it is in the newer one.
func (x X) Secret(from string) Push {
	id := newSecretID()
	return x.newer("chat.received", id, members{"id": id, "sender_id": from, "created_at_msec": x.milliseconds(),
		"conversation_id": from + ":" + x.UserID, "encoded_event": "CwABAAAAEzIwODA0MDA4MjUyMjcxMDAxNjAL"}, nil)
}

// Forge is p signed under another secret: a genuine-looking push of a stranger.
func (x X) Forge(p Push) Push {
	other := x
	other.ConsumerSecret += "?"
	if other.ClientSecret != "" {
		other.ClientSecret += "?"
	}
	header := p.Header.Clone()
	for name, values := range other.signed(p.Body) {
		header[name] = values
	}
	p.Header = header
	return p
}

// activity is a push about direct messages with a person.
func (x X) activity(kind, id string, content members, person, name string) Push {
	users := members{}
	for who, called := range map[string]string{person: name, x.UserID: x.Username} {
		u := members{"id": who, "name": called, "protected": false, "verified": false}
		if x.Newer {
			u["username"] = username(called)
			u = members{"data": u}
		} else {
			u["screen_name"], u["created_timestamp"] = username(called), "1422556069340"
		}
		users[who] = u
	}
	content["users"] = users
	if x.Newer {
		return x.newer(kind, id, content, nil)
	}
	content["for_user_id"] = x.UserID
	return x.push(content, id)
}

// newer is a push of the X Activity API.
func (x X) newer(kind, id string, payload, includes members) Push {
	data := members{"event_uuid": strconv.FormatInt(int64(randomUint64()), 10), "filter": members{"user_id": x.UserID}, "event_type": kind, "payload": payload}
	if includes != nil {
		data["includes"] = includes
	}
	return x.push(members{"data": data}, id)
}

func (x X) push(content members, id string) Push {
	// Only what is no number could fail, such as an id that is none: X would not have it either.
	body, err := json.Marshal(content)
	if err != nil {
		body = []byte("{}")
	}
	p := Push{Method: http.MethodPost, Path: x.path(), Body: body, Header: x.signed(body)}
	p.Header.Set("Content-Type", "application/json")
	if id != "" {
		p.IDs = []string{id}
	}
	return p
}

// signed is the header that proves body.
func (x X) signed(body []byte) http.Header {
	h := http.Header{}
	for name, secret := range map[string]hookswitch.Secret{xHeader: x.ConsumerSecret, xClientHeader: x.ClientSecret} {
		if secret != "" {
			h.Set(name, xSignature(secret, body))
		}
	}
	return h
}

func xSignature(secret hookswitch.Secret, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(body)
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Deliver posts p as X does: what is not answered 200 is repeated up to three times within five minutes.
func (x X) Deliver(ctx context.Context, client *http.Client, baseURL string, p Push) (Result, error) {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	for repeat := 0; ; repeat++ {
		res, err := p.Post(ctx, client, baseURL)
		if err == nil && res.Status == http.StatusOK || repeat == xRepeats || ctx.Err() != nil {
			return res, err
		}
		timer := time.NewTimer(xRepeatWait(repeat))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return res, context.Cause(ctx)
		}
	}
}

// xRepeatWait is how long X waits before a repeat: all three lie within five minutes.
func xRepeatWait(repeat int) time.Duration {
	return 30 * time.Second << min(repeat, 2)
}

func (x X) path() string { return cmp.Or(x.Path, xPath) }

func (x X) now() time.Time {
	if x.Now == nil {
		return time.Now()
	}
	return x.Now()
}

func (x X) milliseconds() string { return strconv.FormatInt(x.now().UnixMilli(), 10) }

// newID is an id that is made now: the milliseconds since November 2010, and 22 bits that nobody else has.
func (x X) newID() string { return newXID(x.now()) }

func newXID(at time.Time) string {
	const epoch = 1288834974657
	return strconv.FormatInt((at.UnixMilli()-epoch)<<22|int64(randomUint64()%(1<<22)), 10)
}

// newSecretID is the id of an encrypted message.
func newSecretID() string {
	s := []byte("00000000-0000-4000-8000-000000000000")
	for i := range s {
		if s[i] == '0' {
			s[i] = "0123456789abcdef"[randomUint64()%16]
		}
	}
	return string(s)
}

// escapeX is a text as X writes it.
func escapeX(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func username(name string) string { return strings.ReplaceAll(name, " ", "_") }

func noEntities() members {
	return members{"hashtags": []members{}, "symbols": []members{}, "user_mentions": []members{}, "urls": []members{}}
}
