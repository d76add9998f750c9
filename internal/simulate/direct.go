package simulate

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Direct is one page on Messenger, or one account on Instagram, whose pushes have the same form. Its methods make the pushes that Meta would make for it.
// People are named by ids of digits, which only this page or account knows them under.
type Direct struct {
	Channel     hookswitch.Channel // Messenger, or Instagram
	AppSecret   hookswitch.Secret
	VerifyToken hookswitch.Secret
	ID          string // of the page or the Instagram account
	// Page is the page that an Instagram account is linked to, if it is; then it may also be sent to over that.
	Page string
	// Echoes has the page told of what is sent in its name, as those that subscribe to message_echoes are.
	Echoes bool
	// Path is where pushes go; empty: /api/v1/channels/meta/webhook.
	Path string
	// Now tells the time of what happens; nil: time.Now.
	Now func() time.Time
}

// The page and the account that are played when nobody names others, and somebody who writes to them.
const (
	DemoPageID      = "1906385232743451"
	DemoInstagramID = "17841405822304914"
	DemoPersonID    = "5934885523264821"
)

// DemoMessenger is the demo page.
func DemoMessenger() Direct {
	return Direct{Channel: hookswitch.Messenger, AppSecret: DemoAppSecret, VerifyToken: DemoVerifyToken, ID: DemoPageID}
}

// DemoInstagram is the demo account on Instagram.
func DemoInstagram() Direct {
	return Direct{Channel: hookswitch.Instagram, AppSecret: DemoAppSecret, VerifyToken: DemoVerifyToken, ID: DemoInstagramID}
}

const directPath = "/api/v1/channels/meta/webhook"

// Handshake is the request by which Meta asks a door to prove that it knows the verify token: a right answer is 200 with challenge as
// its body.
func (d Direct) Handshake(challenge string) Push {
	q := "?hub.mode=subscribe&hub.challenge=" + url.QueryEscape(challenge) + "&hub.verify_token=" + url.QueryEscape(d.VerifyToken.Reveal())
	return Push{Method: http.MethodGet, Path: d.path() + q, Header: http.Header{"User-Agent": {handshakeAgent}}}
}

// Text is a text message of the person.
func (d Direct) Text(from, text string) Push {
	return d.wrote(from, &directMessage{Text: text})
}

// QuickReply is the tap on a quick reply of the message that was sent as mid.
func (d Direct) QuickReply(from, mid, title, payload string) Push {
	return d.wrote(from, &directMessage{Text: title, QuickReply: &directPayload{Payload: payload}, ReplyTo: replyTo(mid)})
}

// Answer is a text message that quotes the one that was sent as mid.
func (d Direct) Answer(from, mid, text string) Push {
	return d.wrote(from, &directMessage{Text: text, ReplyTo: replyTo(mid)})
}

func replyTo(mid string) *directReply {
	if mid == "" {
		return nil
	}
	return &directReply{ID: mid}
}

// File is a message of files without a text. Its kind is image, video, audio or file; share, ig_reel and story_mention are links in the same form.
func (d Direct) File(from, kind string, urls ...string) Push {
	m := &directMessage{}
	for _, u := range urls {
		m.Attachments = append(m.Attachments, directAttachment{Type: kind, Payload: &attachmentPayload{URL: u}})
	}
	return d.wrote(from, m)
}

// Location is a shared place.
func (d Direct) Location(from string, place Place) Push {
	return d.wrote(from, &directMessage{Attachments: []directAttachment{{Type: "location", Title: place.Name,
		Payload: &attachmentPayload{Coordinates: &coordinates{Latitude: place.Latitude, Longitude: place.Longitude}}}}})
}

// Like is the thumb of Messenger, or the heart of Instagram.
func (d Direct) Like(from string) Push {
	if d.Channel == hookswitch.Instagram {
		return d.wrote(from, &directMessage{Attachments: []directAttachment{{Type: "like_heart"}}})
	}
	return d.wrote(from, &directMessage{Attachments: []directAttachment{{Type: "sticker", Payload: &attachmentPayload{
		URL: "https://scontent.xx.fbcdn.net/v/thumb.png", StickerID: 369239263222822}}}})
}

// StoryReply is an answer to the story.
func (d Direct) StoryReply(from, story, text string) Push {
	return d.wrote(from, &directMessage{Text: text, ReplyTo: &directReply{Story: &directStory{
		ID: story, URL: "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=" + story + "&signature=AYc"}}})
}

// Unsupported is a message of a kind that is not passed on.
func (d Direct) Unsupported(from string) Push {
	return d.wrote(from, &directMessage{IsUnsupported: true})
}

// Unsend is word that the person has taken the message mid back.
func (d Direct) Unsend(from, mid string) Push {
	return d.push(d.item(from, func(it *directItem) { it.Message = &directMessage{ID: mid, IsDeleted: true} }))
}

// Edit is word that the person has edited the message mid for the nth time.
func (d Direct) Edit(from, mid, text string, n int) Push {
	return d.push(d.item(from, func(it *directItem) { it.Edit = &directEdit{ID: mid, Text: text, Count: n} }))
}

// Postback is the press of a button. Older ones have no mid, and then bare is true.
func (d Direct) Postback(from, title, payload string, bare bool) Push {
	p := &directPostback{ID: d.newMID(), Title: title, Payload: payload}
	if bare {
		p.ID = ""
	}
	push := d.push(d.item(from, func(it *directItem) { it.Postback = p }))
	if p.ID != "" {
		push.IDs = []string{p.ID}
	}
	return push
}

// Reaction is an emoji put to the message mid; an empty emoji takes it back.
func (d Direct) Reaction(from, mid, emoji string) Push {
	r := &directReaction{ID: mid, Action: "react", Reaction: "other", Emoji: emoji}
	if emoji == "" {
		r.Action, r.Reaction = "unreact", ""
	}
	return d.push(d.item(from, func(it *directItem) { it.Reaction = r }))
}

// Referral is word that a person came by a link to a conversation that exists already. It is no message.
func (d Direct) Referral(from, ref string) Push {
	return d.push(d.item(from, func(it *directItem) {
		it.Referral = &directReferral{Ref: ref, Source: "SHORTLINK", Type: "OPEN_THREAD"}
	}))
}

// Echo is the copy of a message that was sent in the page's name, by whatever app or person. metadata is what that gave with it.
func (d Direct) Echo(to, mid, text, metadata string) Push {
	it := d.item(to, func(it *directItem) {
		it.Sender, it.Recipient = it.Recipient, it.Sender
		it.Message = &directMessage{ID: mid, IsEcho: true, AppID: 1517776481860111, Metadata: metadata, Text: text}
	})
	return d.push(it)
}

// Delivered reports that the messages have arrived, and everything sent to the person until the watermark. Without mids that is all it says. Instagram makes
// no such report.
func (d Direct) Delivered(to string, watermark time.Time, mids ...string) Push {
	p := d.push(d.item(to, func(it *directItem) { it.Delivery = &directDelivery{IDs: mids, Watermark: watermark.UnixMilli()} }))
	p.IDs = mids
	return p
}

// Read reports on Messenger that the person has read everything until the watermark, and on Instagram that they have seen mid.
func (d Direct) Read(to string, watermark time.Time, mid string) Push {
	r := &directRead{Watermark: watermark.UnixMilli()}
	if d.Channel == hookswitch.Instagram {
		r = &directRead{ID: mid}
	}
	p := d.push(d.item(to, func(it *directItem) { it.Read = r }))
	if r.ID != "" {
		p.IDs = []string{mid}
	}
	return p
}

// Standby is p as an app gets it that does not own the conversations.
func (d Direct) Standby(p Push) Push {
	e := d.entry()
	e.Standby = p.items
	return d.sign([]directEntry{e}, nil, nil)
}

// TestButton is what the button of Meta's dashboard sends: a message of nobody, as a change, its time a text of seconds.
func (d Direct) TestButton() Push {
	v := dashboardValue{Sender: party{"12334"}, Recipient: party{"23245"}, Timestamp: "1527459824", Message: directMessage{ID: d.newMID(), Text: "random_text"}}
	return d.sign([]directEntry{{ID: "0", Time: d.now().Unix(), Changes: []dashboardChange{{Field: "messages", Value: v}}}}, nil, []string{v.Message.ID})
}

// Batch is everything the given pushes tell in one push, as Meta does when it has fallen behind. Those of other pages of the app, made with their own methods,
// become entries of their own.
func (d Direct) Batch(pushes ...Push) Push {
	var entries []directEntry
	var items []directItem
	var ids []string
	at := map[string]int{}
	for _, p := range pushes {
		for _, it := range p.items {
			i, ok := at[it.account]
			if !ok {
				i = len(entries)
				at[it.account] = i
				e := d.entry()
				e.ID = it.account
				entries = append(entries, e)
			}
			entries[i].Messaging = append(entries[i].Messaging, it)
			items = append(items, it)
		}
		ids = append(ids, p.IDs...)
	}
	return d.sign(entries, items, ids)
}

// Forge is p with a signature made under another secret: a genuine-looking push of a stranger.
func (d Direct) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	p.Header.Set(signatureHeader, metaSignature(d.AppSecret.Reveal()+"?", p.Body))
	return p
}

// wrote is a push of a message of the person, under an id of its own.
func (d Direct) wrote(from string, m *directMessage) Push {
	m.ID = d.newMID()
	p := d.push(d.item(from, func(it *directItem) { it.Message = m }))
	p.IDs = []string{m.ID}
	return p
}

// item is something between the person and the account.
func (d Direct) item(person string, fill func(*directItem)) directItem {
	it := directItem{Sender: party{person}, Recipient: party{d.ID}, Timestamp: d.now().UnixMilli(), account: d.ID}
	fill(&it)
	return it
}

func (d Direct) entry() directEntry { return directEntry{Time: d.now().UnixMilli(), ID: d.ID} }

func (d Direct) push(items ...directItem) Push {
	e := d.entry()
	e.Messaging = items
	return d.sign([]directEntry{e}, items, nil)
}

func (d Direct) sign(entries []directEntry, items []directItem, ids []string) Push {
	body := metaJSON(directEnvelope{Object: d.object(), Entry: entries})
	return Push{Method: http.MethodPost, Path: d.path(), Body: body, IDs: ids, items: items, Header: http.Header{
		"Content-Type":  {"application/json"},
		"User-Agent":    {metaUserAgent},
		signatureHeader: {metaSignature(d.AppSecret.Reveal(), body)},
	}}
}

func (d Direct) object() string {
	if d.Channel == hookswitch.Instagram {
		return "instagram"
	}
	return "page"
}

func (d Direct) path() string { return cmp.Or(d.Path, directPath) }

func (d Direct) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// newMID makes the id of a message.
func (d Direct) newMID() string {
	var random [48]byte
	_, _ = rand.Read(random[:])
	if d.Channel == hookswitch.Instagram {
		return "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQx" + base64.RawStdEncoding.EncodeToString(random[:])
	}
	return "m_" + base64.RawURLEncoding.EncodeToString(random[:])
}
