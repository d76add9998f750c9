package telegram

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// facts collects members of a message that are left out where they are empty.
type facts map[string]any

func (f facts) text(name string, v text) {
	if v != "" {
		f[name] = string(v)
	}
}

func (f facts) number(name string, v number) {
	if v.known {
		f[name] = v.value
	}
}

// draft is a message being read: who wrote, what it is, then what it says.
type draft struct {
	from        *user
	kind        text // the word of the normalised message; empty for text
	typ         string
	text        text
	marker      string
	content     facts
	metadata    facts
	unsupported bool
}

func newDraft(update text, from *user) *draft {
	d := &draft{from: from, content: facts{}, metadata: facts{"provider": "telegram"}}
	if n, err := strconv.ParseInt(string(update), 10, 64); err == nil {
		d.metadata["updateId"] = n
	}
	d.metadata.text("profileName", text(from.name()))
	d.metadata.text("username", from.Username)
	d.metadata.text("languageCode", from.Language)
	return d
}

// message is the finished draft.
func (d *draft) message(id string) *hookswitch.InboundMessage {
	d.metadata.text("messageType", d.kind)
	if d.unsupported {
		d.metadata["actionable"] = false
	}
	in := &hookswitch.InboundMessage{
		ProviderID:  id,
		From:        string(d.from.ID),
		ProfileName: d.from.name(),
		Text:        string(d.text),
		Marker:      d.marker,
		Kind:        string(d.kind),
		Type:        d.typ,
		Metadata:    d.metadata,
		Unsupported: d.unsupported,
		Quiet:       d.unsupported,
	}
	if len(d.content) > 0 {
		in.Content = d.content
	}
	return in
}

// inbound turns m, which has a sender, into the gateway's shape. It is nil for a service message, which tells what was done to the chat.
func inbound(update text, m *message, raw json.RawMessage) (*hookswitch.InboundMessage, error) {
	d := newDraft(update, m.From)
	d.metadata.text("chatId", m.Chat.ID)
	d.metadata.text("chatType", m.Chat.Type)
	if !d.payload(m) {
		other, service, err := otherMember(raw)
		if err != nil || service {
			return nil, err
		}
		d.kind, d.typ, d.marker, d.unsupported = "unsupported", "text", "[unsupported]", true
		d.content["kind"] = "unsupported"
		d.content.text("unsupportedType", text(other))
	}
	d.topic(m.InTopic, m.Thread)
	d.metadata.text("mediaGroupId", m.Album)
	if is(m.ForwardOrigin) {
		d.metadata["forwarded"] = true
	}
	if m.ViaBot != nil {
		d.metadata.text("viaBot", m.ViaBot.Username)
	}
	if r := m.ReplyTo; r != nil && r.ID != "" {
		at, from, said := r.Chat.ID, text(""), r.Text
		if at == "" {
			at = m.Chat.ID
		}
		if r.From != nil {
			from = r.From.ID
		}
		if said == "" {
			said = r.Caption
		}
		if m.Quote != nil && m.Quote.Text != "" {
			said = m.Quote.Text
		}
		d.quotes(providerID(at, r.ID), from, said)
	}
	return d.message(providerID(m.Chat.ID, m.ID)), nil
}

// payload reads the member that belongs to the kind. It reports false where there is none that could be shown.
func (d *draft) payload(m *message) bool {
	switch {
	case m.Text != "":
		d.typ, d.text = "text", m.Text
		d.command(m)
	case len(m.Photo) > 0: // sizes of one picture, the largest last
		d.file("image", "image", &m.Photo[len(m.Photo)-1], m.Caption)
	case m.Animation != nil: // before document, which comes with it
		d.file("video", "video", m.Animation, m.Caption)
	case m.Video != nil:
		d.file("video", "video", m.Video, m.Caption)
	case m.VideoNote != nil:
		d.file("video", "video", m.VideoNote, m.Caption)
	case m.Audio != nil:
		d.file("audio", "audio", m.Audio, m.Caption)
	case m.Voice != nil:
		d.file("voice", "audio", m.Voice, m.Caption)
	case m.Document != nil:
		d.file("document", "document", m.Document, m.Caption)
	case m.Sticker != nil:
		d.file("sticker", "sticker", m.Sticker, "")
		d.both("emoji", m.Sticker.Emoji)
	case m.Venue != nil: // before location, which comes with it
		d.location(&m.Venue.Location)
		d.both("locationName", m.Venue.Title)
		d.both("locationAddress", m.Venue.Address)
	case m.Location != nil:
		d.location(m.Location)
	case m.Contact != nil:
		d.kind, d.typ, d.marker = "contacts", "contact", "[contacts]"
		phones := []any{}
		if m.Contact.Phone != "" {
			phones = append(phones, string(m.Contact.Phone))
		}
		who := user{FirstName: m.Contact.FirstName, LastName: m.Contact.LastName}
		card := facts{"name": who.name(), "phones": phones}
		card.text("userId", m.Contact.UserID)
		d.content["contacts"] = []any{map[string]any(card)}
	case m.Dice != nil: // somebody has written this emoji, and no more
		d.typ, d.text = "text", m.Dice.Emoji
		d.marker = "[dice]"
		d.content["kind"] = "dice"
		d.content.number("value", m.Dice.Value)
	case m.WebApp != nil:
		d.kind, d.typ, d.text, d.marker = "flow_reply", "text", m.WebApp.Button, "[flow_reply]"
		d.content["kind"] = "flow_reply"
		d.both("payload", m.WebApp.Data)
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

func (d *draft) file(kind, typ string, f *file, caption text) {
	d.kind, d.typ, d.text, d.marker = text(kind), typ, caption, "["+kind+"]"
	d.both("mediaId", f.ID)
	d.both("mimeType", f.MIMEType)
	d.both("filename", f.Name)
}

func (d *draft) location(l *location) {
	d.kind, d.typ, d.marker = "location", "location", "[location]"
	d.content.number("latitude", l.Latitude)
	d.content.number("longitude", l.Longitude)
	d.metadata.number("latitude", l.Latitude)
	d.metadata.number("longitude", l.Longitude)
}

// command notes the command that a text begins with and, of /start, what the link to the bot carried.
// https://core.telegram.org/bots/features#deep-linking
func (d *draft) command(m *message) {
	if len(m.Entities) == 0 || m.Entities[0].Type != "bot_command" || m.Entities[0].Offset.value != 0 {
		return
	}
	first, rest, _ := strings.Cut(string(m.Text), " ")
	name, _, _ := strings.Cut(strings.TrimPrefix(first, "/"), "@")
	d.both("command", text(name))
	if rest = strings.TrimSpace(rest); name == "start" && rest != "" {
		d.metadata["referralRef"] = rest
		d.content["referral"] = map[string]any{"ref": rest}
	}
}

// quotes notes the message that this one answers.
func (d *draft) quotes(id string, from, said text) {
	d.metadata["replyToMessageId"] = id
	d.content["replyToProviderMessageId"] = id
	d.content.text("replyToFrom", from)
	d.content.text("replyToText", said)
}

// topic notes the topic of a group in which the answer belongs.
func (d *draft) topic(in, thread text) {
	if in == "true" {
		d.both("threadId", thread)
	}
}

// Members that any message may have and that do not say what it is.
var commonMembers = []string{
	"author_signature", "business_connection_id", "caption", "caption_entities", "chat", "date", "direct_messages_topic", "edit_date", "effect_id", "entities",
	"external_reply", "forward_date", "forward_from", "forward_from_chat", "forward_from_message_id", "forward_origin", "forward_sender_name",
	"forward_signature", "from", "has_media_spoiler", "has_protected_content", "is_automatic_forward", "is_from_offline", "is_paid_post",
	"is_topic_message", "link_preview_options", "media_group_id", "message_id", "message_thread_id", "paid_star_count", "quote", "reply_markup",
	"reply_to_checklist_task_id", "reply_to_message", "reply_to_story", "sender_boost_count", "sender_business_bot", "sender_chat", "sender_tag",
	"show_caption_above_media", "suggested_post_info", "via_bot",
}

// Members of service messages: they tell what was done to a chat, or by a person elsewhere.
// https://core.telegram.org/bots/api#message
var serviceMembers = []string{
	"boost_added", "channel_chat_created", "chat_background_set", "chat_owner_changed", "chat_owner_left", "chat_shared", "checklist_tasks_added",
	"checklist_tasks_done", "connected_website", "delete_chat_photo", "direct_message_price_changed", "forum_topic_closed", "forum_topic_created",
	"forum_topic_edited", "forum_topic_reopened", "general_forum_topic_hidden", "general_forum_topic_unhidden", "gift", "gift_upgrade_sent",
	"giveaway_completed", "giveaway_created", "group_chat_created", "left_chat_member", "left_chat_participant", "message_auto_delete_timer_changed",
	"migrate_from_chat_id", "new_chat_member", "new_chat_members", "new_chat_participant", "new_chat_photo", "new_chat_title",
	"paid_message_price_changed", "passport_data", "pinned_message", "proximity_alert_triggered", "refunded_payment", "successful_payment",
	"suggested_post_approval_failed", "suggested_post_approved", "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded",
	"supergroup_chat_created", "unique_gift", "user_shared", "users_shared", "video_chat_ended", "video_chat_participants_invited",
	"video_chat_scheduled", "video_chat_started", "write_access_allowed",
}

// otherMember is the member that says what a message is of which nothing else is known, such as poll, and whether that is a service message.
func otherMember(raw json.RawMessage) (name string, service bool, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return "", false, fmt.Errorf("read message: %w", err)
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		switch {
		case slices.Contains(serviceMembers, member):
			return member, true, nil
		case name == "" && !slices.Contains(commonMembers, member):
			name = member
		}
	}
	return name, false, nil
}
