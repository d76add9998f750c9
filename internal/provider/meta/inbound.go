package meta

import (
	"cmp"

	"github.com/hookswitch/hookswitch"
)

// facts collects members of a message that are left out where they are empty.
type facts map[string]any

func (f facts) text(name string, v text) {
	if v != "" {
		f[name] = string(v)
	}
}

func (f facts) flag(name string, v bool) {
	if v {
		f[name] = true
	}
}

func (f facts) part(name string, v facts) {
	if len(v) > 0 {
		f[name] = map[string]any(v)
	}
}

func (f facts) number(name string, v number) {
	if v.known {
		f[name] = v.value
	}
}

// draft is a message being read: what it is, then what it says.
type draft struct {
	kind        text // the word of the normalised message; empty for text
	typ         string
	text        text
	marker      string
	content     facts
	metadata    facts
	unsupported bool
	quiet       bool
}

// inbound turns m, which has a sender, into the gateway's shape.
func (v *value) inbound(m *message) *hookswitch.InboundMessage {
	name, username := v.profileOf(m)
	d := &draft{content: facts{}, metadata: facts{"provider": "meta"}}
	d.metadata.text("phoneNumberId", v.Metadata.PhoneNumberID)
	d.metadata.text("profileName", text(name))
	d.metadata.text("username", text(username))
	d.metadata.text("userId", m.FromUserID)

	if !d.payload(m) {
		d.unknown(m, v.Errors)
	}
	d.context(m)
	in := d.message()
	in.ProviderID, in.From, in.To, in.ProfileName = string(m.ID), m.sender(), v.ownNumber(), name
	return in
}

// message is what has been read, without who wrote it to whom.
func (d *draft) message() *hookswitch.InboundMessage {
	d.metadata.text("messageType", d.kind)
	if d.quiet {
		d.metadata["actionable"] = false
	}
	in := &hookswitch.InboundMessage{
		Text:        string(d.text),
		Marker:      d.marker,
		Kind:        string(d.kind),
		Type:        d.typ,
		Metadata:    d.metadata,
		Unsupported: d.unsupported,
		Quiet:       d.quiet,
	}
	if len(d.content) > 0 {
		in.Content = d.content
	}
	return in
}

// payload reads the member that belongs to the type. It reports false where the type is not one of ours, or its member is missing.
func (d *draft) payload(m *message) bool {
	switch {
	case m.Type == "text" && m.Text != nil:
		d.typ, d.text = "text", m.Text.Body
	case m.Type == "image" && m.Image != nil:
		d.media("image", m.Image)
	case m.Type == "video" && m.Video != nil:
		d.media("video", m.Video)
	case m.Type == "document" && m.Document != nil:
		d.media("document", m.Document)
	case m.Type == "sticker" && m.Sticker != nil:
		d.media("sticker", m.Sticker)
	case m.Type == "audio" && m.Audio != nil:
		d.media("audio", m.Audio)
		if m.Audio.Voice == "true" {
			d.kind, d.marker = "voice", "[voice]"
		}
	case m.Type == "voice" && cmp.Or(m.Voice, m.Audio) != nil:
		d.media("audio", cmp.Or(m.Voice, m.Audio))
		d.kind, d.marker = "voice", "[voice]"
	case m.Type == "location" && m.Location != nil:
		d.location(m.Location)
	case m.Type == "contacts" && m.Contacts != nil:
		d.contacts(m.Contacts)
	case m.Type == "reaction" && m.Reaction != nil:
		d.reaction(m.Reaction)
	case m.Type == "button" && m.Button != nil:
		d.kind, d.typ, d.text, d.marker = "button_reply", "text", m.Button.Text, "[button_reply]"
		d.both("payload", m.Button.Payload)
	case m.Type == "interactive" && m.Interactive != nil:
		return d.interactive(m.Interactive)
	case m.Type == "order" && m.Order != nil:
		d.order(m.Order)
	default:
		return false
	}
	return true
}

// both notes v in the content and in the metadata, under the same name.
func (d *draft) both(name string, v text) {
	d.content.text(name, v)
	d.metadata.text(name, v)
}

func (d *draft) media(kind string, m *media) {
	d.kind, d.typ, d.text, d.marker = text(kind), kind, m.Caption, "["+kind+"]"
	d.both("mediaId", m.ID)
	d.both("mimeType", m.MIMEType)
	d.both("filename", m.Filename)
}

func (d *draft) location(l *location) {
	d.kind, d.typ, d.marker = "location", "location", "[location]"
	d.content.number("latitude", l.Latitude)
	d.content.number("longitude", l.Longitude)
	d.metadata.number("latitude", l.Latitude)
	d.metadata.number("longitude", l.Longitude)
	d.both("locationName", l.Name)
	d.both("locationAddress", l.Address)
	d.content.text("locationUrl", l.URL)
}

func (d *draft) contacts(cards []contactCard) {
	d.kind, d.typ, d.marker = "contacts", "contact", "[contacts]"
	list := make([]any, len(cards))
	for i, card := range cards {
		phones := make([]any, 0, len(card.Phones))
		for _, p := range card.Phones {
			if number := cmp.Or(string(p.Phone), p.WaID.phone()); number != "" {
				phones = append(phones, number)
			}
		}
		list[i] = map[string]any{"name": string(cmp.Or(card.Name.Formatted, card.Name.First)), "phones": phones}
	}
	d.content["contacts"] = list
}

func (d *draft) reaction(r *reaction) {
	d.kind, d.typ, d.text, d.quiet = "reaction", "reaction", r.Emoji, true
	d.content["emoji"] = string(r.Emoji)
	d.content.text("reactToMessageId", r.MessageID)
	d.metadata.text("replyToMessageId", r.MessageID)
}

func (d *draft) interactive(i *interactive) bool {
	switch {
	case i.Type == "button_reply" && i.ButtonReply != nil:
		d.kind, d.text = "button_reply", i.ButtonReply.Title
		d.both("replyId", i.ButtonReply.ID)
	case i.Type == "list_reply" && i.ListReply != nil:
		d.kind, d.text = "list_reply", i.ListReply.Title
		d.both("replyId", i.ListReply.ID)
		d.content.text("replyDescription", i.ListReply.Description)
	case i.Type == "nfm_reply" && i.FlowReply != nil:
		d.kind, d.text = "flow_reply", i.FlowReply.Body
		d.content["kind"] = "flow_reply"
		d.content.text("name", i.FlowReply.Name)
		d.both("payload", i.FlowReply.ResponseJSON)
	default:
		return false
	}
	d.typ, d.marker = "text", "["+string(d.kind)+"]"
	return true
}

func (d *draft) order(o *order) {
	d.kind, d.typ, d.text, d.marker = "order", "text", o.Text, "[order]"
	d.content["kind"] = "order"
	d.both("catalogId", o.CatalogID)
	items := make([]any, len(o.Items))
	for i, item := range o.Items {
		f := facts{}
		f.text("productId", item.ProductID)
		f.number("quantity", item.Quantity)
		f.number("price", item.Price)
		f.text("currency", item.Currency)
		items[i] = map[string]any(f)
	}
	d.content["items"] = items
}

// unreadable makes d a message of a kind that cannot be represented.
func (d *draft) unreadable(kind text) {
	d.kind, d.typ, d.marker = "unsupported", "text", "[unsupported]"
	d.unsupported, d.quiet = true, true
	d.content["kind"] = "unsupported"
	d.content.text("unsupportedType", kind)
}

// unknown keeps what can be said of a message that cannot be read. Where the message itself does not say why, the change around it may.
func (d *draft) unknown(m *message, around []graphError) {
	d.unreadable(m.Type)
	if m.Unsupported != nil {
		d.content.text("unsupportedType", m.Unsupported.Type)
	}
	for _, list := range [][]graphError{m.Errors, around} {
		if len(list) > 0 {
			d.content.text("errorCode", list[0].Code)
			d.content.text("errorMessage", text(list[0].title()))
			return
		}
	}
}

// context notes the message that this one quotes, that it was forwarded, and the ad that led to it.
func (d *draft) context(m *message) {
	if c := m.Context; c != nil {
		if c.ID != "" {
			d.metadata.text("replyToMessageId", c.ID)
			d.content.text("replyToProviderMessageId", c.ID)
			d.content.text("replyToFrom", text(c.From.phone()))
		}
		often := c.FrequentlyForwarded == "true"
		d.metadata.flag("forwarded", often || c.Forwarded == "true")
		d.metadata.flag("frequentlyForwarded", often)
		if p := c.ReferredProduct; p != nil {
			product := facts{}
			product.text("catalogId", p.CatalogID)
			product.text("productId", p.ProductID)
			d.content.part("referredProduct", product)
		}
	}
	if r := m.Referral; r != nil {
		ad := facts{}
		ad.text("ctwaClid", r.ClickID)
		ad.text("sourceId", r.SourceID)
		ad.text("sourceType", r.SourceType)
		ad.text("sourceUrl", r.SourceURL)
		ad.text("headline", r.Headline)
		ad.text("body", r.Body)
		ad.text("mediaType", r.MediaType)
		ad.text("imageUrl", r.ImageURL)
		ad.text("videoUrl", r.VideoURL)
		ad.text("thumbnailUrl", r.ThumbnailURL)
		d.content.part("referral", ad)
	}
}
