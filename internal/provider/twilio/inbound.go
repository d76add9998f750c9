package twilio

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// maxMedia bounds how many files of a message are read. An MMS has at most ten.
const maxMedia = 32

// facts collects members of a message that are left out where they are empty.
type facts map[string]any

func (f facts) text(name, v string) {
	if v != "" {
		f[name] = v
	}
}

func (f facts) number(name, v string) {
	if n, err := strconv.ParseFloat(v, 64); err == nil && n-n == 0 {
		f[name] = n
	}
}

// inbound reads a received message. What stops further messages, such as STOP, is told beside it.
// https://www.twilio.com/docs/messaging/guides/webhook-request
func inbound(f form) ([]hookswitch.Update, error) {
	id := f.first("MessageSid", "SmsSid", "SmsMessageSid")
	ch, from := splitAddress(f.get("From"))
	_, to := splitAddress(f.get("To"))
	switch {
	case from == "":
		return nil, errors.New("message has no sender")
	case ch == "":
		return nil, fmt.Errorf("message comes from %q, which is of no channel that is known here", from)
	}
	u := hookswitch.Update{Channel: ch, Address: to, Dedup: "message:" + id}
	d := draft{form: f, content: facts{}, metadata: facts{"provider": "twilio"}}
	d.read()
	m := &hookswitch.InboundMessage{
		ProviderID: id, From: from, To: to, ProfileName: f.get("ProfileName"), Text: d.text, Marker: d.marker, Kind: d.kind, Type: d.typ,
		Metadata: d.metadata, Unsupported: d.unsupported, Quiet: d.quiet,
	}
	d.metadata.text("to", to)
	if len(d.content) > 0 {
		m.Content = d.content
	}
	u.Message = m
	updates := []hookswitch.Update{u}
	if word := strings.ToUpper(f.get("OptOutType")); word == "STOP" || word == "START" {
		updates = append(updates, hookswitch.Update{
			Channel: ch, Address: to, Dedup: "optout:" + id, OptOut: &hookswitch.OptOut{From: from, Again: word == "START"},
		})
	}
	return updates, nil
}

// draft is a message being read: what it is, then what it says.
type draft struct {
	form        form
	kind        string // the word of the normalised message; empty for text
	typ         string
	text        string
	marker      string
	content     facts
	metadata    facts
	unsupported bool
	quiet       bool
}

// both notes v in the content and in the metadata, under the same name.
func (d *draft) both(name, v string) {
	d.content.text(name, v)
	d.metadata.text(name, v)
}

func (d *draft) read() {
	f := d.form
	d.typ, d.text = "text", f.get("Body")
	switch word := strings.ToLower(f.get("MessageType")); {
	case f.first("ButtonText", "ButtonPayload") != "":
		d.kind, d.marker = "button_reply", "[button_reply]"
		d.text = cmp.Or(f.get("ButtonText"), d.text)
		d.both("payload", f.get("ButtonPayload"))
	case f.first("ListId", "ListTitle") != "":
		d.kind, d.marker = "list_reply", "[list_reply]"
		d.text = cmp.Or(f.get("ListTitle"), d.text)
		d.both("replyId", f.get("ListId"))
		d.content.text("replyDescription", f.get("ListDescription"))
	case f.has("Latitude") && f.has("Longitude"):
		d.location()
	case f.get("MediaUrl0") != "":
		d.media(word)
	case f.get("FlowData") != "":
		d.kind, d.marker = "flow_reply", "[flow_reply]"
		d.content["kind"] = "flow_reply"
		d.both("payload", f.get("FlowData"))
	case d.text == "" && word != "" && word != "text":
		d.kind, d.marker, d.unsupported, d.quiet = "unsupported", "[unsupported]", true, true
		d.content["kind"] = "unsupported"
		d.content.text("unsupportedType", word)
	}
	d.about()
	d.metadata.text("messageType", d.kind)
	if word := strings.ToUpper(f.get("OptOutType")); word != "" {
		// Twilio has answered these words itself, and after STOP it takes no message to the person.
		d.metadata["optOut"], d.quiet = word, true
	}
	if d.quiet {
		d.metadata["actionable"] = false
	}
}

func (d *draft) location() {
	f := d.form
	d.kind, d.typ, d.marker = "location", "location", "[location]"
	for name, v := range map[string]string{"latitude": f.get("Latitude"), "longitude": f.get("Longitude")} {
		d.content.number(name, v)
		d.metadata.number(name, v)
	}
	d.both("locationName", f.get("Label"))
	d.both("locationAddress", f.get("Address"))
}

// media reads the files. The first one says what the message is, unless WhatsApp does.
func (d *draft) media(word string) {
	var list []any
	for i := range maxMedia {
		n := strconv.Itoa(i)
		link, kind := d.form.get("MediaUrl"+n), d.form.get("MediaContentType"+n)
		if link == "" {
			break
		}
		item := facts{"type": mediaKind(kind)}
		item.text("mediaUrl", link)
		item.text("mimeType", kind)
		list = append(list, map[string]any(item))
	}
	d.both("mediaUrl", d.form.get("MediaUrl0"))
	d.both("mimeType", d.form.get("MediaContentType0"))
	d.typ = mediaKind(d.form.get("MediaContentType0"))
	d.kind = d.typ
	switch word {
	case "sticker":
		d.kind, d.typ = word, word
	case "contacts": // a vCard
		d.kind = word
	}
	d.marker = "[" + d.kind + "]"
	if len(list) > 1 {
		d.content["media"] = list
		d.metadata["numMedia"] = len(list)
	}
}

// mediaKind is the kind of message that carries a file of the MIME type.
func mediaKind(mimeType string) string {
	switch kind, _, _ := strings.Cut(strings.ToLower(mimeType), "/"); kind {
	case "image", "video", "audio":
		return kind
	}
	return "document"
}

// about notes who wrote, from where, in answer to what, and what led to it.
func (d *draft) about() {
	f := d.form
	d.metadata.text("profileName", f.get("ProfileName"))
	if _, id := splitAddress(f.get("ExternalUserId")); id != "" {
		d.metadata.text("userId", id)
	}
	d.metadata.text("messagingServiceSid", f.get("MessagingServiceSid"))
	for _, part := range []string{"City", "State", "Zip", "Country"} {
		d.metadata.text("from"+part, f.get("From"+part))
	}
	for name, parameter := range map[string]string{"forwarded": "Forwarded", "frequentlyForwarded": "FrequentlyForwarded"} {
		if f.flag(parameter) {
			d.metadata[name] = true
		}
	}
	if id := f.get("OriginalRepliedMessageSid"); id != "" {
		d.metadata["replyToMessageId"] = id
		d.content["replyToProviderMessageId"] = id
		if _, sender := splitAddress(f.get("OriginalRepliedMessageSender")); sender != "" {
			d.content["replyToFrom"] = sender
		}
	}
	if f.first("ReferralSourceId", "ReferralSourceUrl", "ReferralCtwaClid") == "" {
		return
	}
	ad := facts{}
	ad.text("ctwaClid", f.get("ReferralCtwaClid"))
	ad.text("sourceId", f.get("ReferralSourceId"))
	ad.text("sourceType", f.get("ReferralSourceType"))
	ad.text("sourceUrl", f.get("ReferralSourceUrl"))
	ad.text("headline", f.get("ReferralHeadline"))
	ad.text("body", f.get("ReferralBody"))
	if link := f.get("ReferralMediaUrl"); link != "" {
		kind := mediaKind(f.get("ReferralMediaContentType"))
		ad["mediaType"] = kind
		if kind == "video" {
			ad["videoUrl"] = link
		} else {
			ad["imageUrl"] = link
		}
	}
	d.content["referral"] = map[string]any(ad)
}
