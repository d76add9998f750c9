package meta

import "cmp"

// direct is one message of Messenger or Instagram.
// https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
// https://developers.facebook.com/documentation/instagram-platform/webhooks/examples
type direct struct {
	ID            text `json:"mid"`
	Text          text `json:"text"`
	IsEcho        text `json:"is_echo"`
	IsDeleted     text `json:"is_deleted"`
	IsUnsupported text `json:"is_unsupported"`
	Metadata      text `json:"metadata"` // of an echo: what the sender of the message gave with it

	QuickReply *struct {
		Payload text `json:"payload"`
	} `json:"quick_reply"`
	ReplyTo *struct {
		ID    text `json:"mid"`
		Story *struct {
			ID  text `json:"id"`
			URL text `json:"url"`
		} `json:"story"`
	} `json:"reply_to"`
	Attachments []attachment    `json:"attachments"`
	Referral    *directReferral `json:"referral"`
}

type attachment struct {
	Type    text `json:"type"`
	Title   text `json:"title"`
	URL     text `json:"url"`
	Payload *struct {
		URL         text `json:"url"`
		Title       text `json:"title"`
		StickerID   text `json:"sticker_id"`
		Coordinates *struct {
			Latitude  number `json:"lat"`
			Longitude number `json:"long"`
		} `json:"coordinates"`
	} `json:"payload"`
}

func (a *attachment) url() text {
	if a.Payload == nil {
		return a.URL
	}
	return cmp.Or(a.Payload.URL, a.URL)
}

func (a *attachment) title() text {
	if a.Payload == nil {
		return a.Title
	}
	return cmp.Or(a.Payload.Title, a.Title)
}

func (a *attachment) sticker() text {
	if a.Payload == nil {
		return ""
	}
	return a.Payload.StickerID
}

type directPostback struct {
	ID       text            `json:"mid"`
	Title    text            `json:"title"`
	Payload  text            `json:"payload"`
	Referral *directReferral `json:"referral"`
}

type directReaction struct {
	ID       text `json:"mid"`
	Action   text `json:"action"`
	Reaction text `json:"reaction"`
	Emoji    text `json:"emoji"`
}

// directReferral tells which link, ad or product led a person to the conversation.
type directReferral struct {
	Ref    text `json:"ref"`
	Source text `json:"source"`
	Type   text `json:"type"`
	AdID   text `json:"ad_id"`
	Ad     *struct {
		Title    text `json:"ad_title"`
		PhotoURL text `json:"photo_url"`
		VideoURL text `json:"video_url"`
		PostID   text `json:"post_id"`
	} `json:"ads_context_data"`
	Product *struct {
		ID text `json:"id"`
	} `json:"product"`
}

// reactionWords are the emojis of reactions that come as words alone.
var reactionWords = map[text]text{"smile": "😆", "angry": "😠", "sad": "😢", "wow": "😮", "love": "❤️", "like": "👍", "dislike": "👎"}

// thumbs are the stickers that Messenger sends, in three sizes, for its thumb.
var thumbs = map[text]bool{"369239263222822": true, "369239343222814": true, "369239383222810": true}

// direct reads what m says.
func (d *draft) direct(m *direct) {
	d.typ, d.text = "text", m.Text
	if q := m.QuickReply; q != nil {
		d.kind, d.marker = "quick_reply", "[quick_reply]"
		d.both("payload", q.Payload)
	}
	readable := m.IsUnsupported != "true"
	if readable && len(m.Attachments) > 0 {
		readable = d.attachments(m.Attachments)
	} else if m.Text == "" && m.QuickReply == nil {
		readable = false
	}
	if !readable {
		kind := text("")
		if len(m.Attachments) > 0 {
			kind = m.Attachments[0].Type
		}
		d.unreadable(kind)
	}
	if r := m.ReplyTo; r != nil {
		d.metadata.text("replyToMessageId", r.ID)
		d.content.text("replyToProviderMessageId", r.ID)
		if s := r.Story; s != nil && readable {
			d.kind, d.marker = "story_reply", "[story_reply]"
			d.content["kind"] = "story_reply"
			story := facts{}
			story.text("id", s.ID)
			story.text("url", s.URL)
			d.content["story"] = map[string]any(story)
			d.metadata.text("storyId", s.ID)
			d.metadata.text("storyUrl", s.URL)
		}
	}
	d.directReferral(m.Referral)
}

// attachments reads what comes with a message. The first decides what it is; a sticker, which also comes as a picture, goes before the picture. It reports
// false for a kind that cannot be represented.
func (d *draft) attachments(list []attachment) bool {
	a := &list[0]
	for i := range list {
		if list[i].Type == "sticker" || list[i].sticker() != "" {
			a = &list[i]
			break
		}
	}
	switch a.Type {
	case "image", "sticker", "video", "audio":
		d.file(a, a.Type)
		if a.Type == "sticker" || a.sticker() != "" {
			d.sticker(a)
		}
	case "file":
		d.file(a, "document")
	case "location":
		d.place(a)
	case "like_heart":
		d.kind, d.typ, d.marker = "sticker", "sticker", "[sticker]"
		d.text = cmp.Or(d.text, "❤️")
	case "story_mention":
		d.link(a, "story_mention")
	case "share", "fallback", "template", "reel", "ig_reel", "post", "ig_post":
		if d.text == "" && a.url() == "" && a.title() == "" && a.Type == "fallback" {
			return false
		}
		d.link(a, "share")
		d.content.text("shareType", a.Type)
	default:
		return false
	}
	if len(list) > 1 {
		all := make([]any, len(list))
		for i := range list {
			f := facts{}
			f.text("type", list[i].Type)
			f.text("url", list[i].url())
			f.text("title", list[i].title())
			all[i] = map[string]any(f)
		}
		d.content["media"] = all
	}
	return true
}

func (d *draft) file(a *attachment, kind text) {
	d.kind, d.typ, d.marker = kind, string(kind), "["+string(kind)+"]"
	d.both("mediaUrl", a.url())
	if kind == "document" {
		d.both("filename", a.title())
	}
}

func (d *draft) sticker(a *attachment) {
	d.kind, d.typ, d.marker = "sticker", "sticker", "[sticker]"
	d.both("stickerId", a.sticker())
	if thumbs[a.sticker()] {
		d.text = cmp.Or(d.text, "👍")
	}
}

func (d *draft) place(a *attachment) {
	d.kind, d.typ, d.marker = "location", "location", "[location]"
	d.content.text("locationName", a.title())
	d.content.text("locationUrl", a.url())
	if a.Payload != nil && a.Payload.Coordinates != nil {
		c := a.Payload.Coordinates
		d.content.number("latitude", c.Latitude)
		d.content.number("longitude", c.Longitude)
		d.metadata.number("latitude", c.Latitude)
		d.metadata.number("longitude", c.Longitude)
	}
}

// link is something that lives elsewhere. Its URL soon stops working.
func (d *draft) link(a *attachment, kind text) {
	d.kind, d.typ, d.marker = kind, "text", "["+string(kind)+"]"
	d.content["kind"] = string(kind)
	d.both("mediaUrl", a.url())
	d.content.text("title", a.title())
}

// directReferral notes what led the person here. The names are those of WhatsApp's referrals where there is such a thing.
func (d *draft) directReferral(r *directReferral) {
	if r == nil {
		return
	}
	f := facts{}
	f.text("ref", r.Ref)
	f.text("source", r.Source)
	f.text("type", r.Type)
	if r.AdID != "" {
		f.text("sourceId", r.AdID)
		f["sourceType"] = "ad"
	}
	if a := r.Ad; a != nil {
		f.text("headline", a.Title)
		f.text("imageUrl", a.PhotoURL)
		f.text("videoUrl", a.VideoURL)
		f.text("postId", a.PostID)
	}
	if r.Product != nil {
		f.text("productId", r.Product.ID)
	}
	d.content["referral"] = map[string]any(f)
	d.metadata.text("ref", r.Ref)
}
