package service

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

// envelope emits an event in the envelope that customers' webhooks get. data is what it is about; sender is hookswitch.WebhookOfProject for events of the whole project.
func (b *births) envelope(app hookswitch.Key, eventType string, sender hookswitch.Key, data object) {
	ids := b.s.ids
	b.emit(app, eventType, sender, func(key hookswitch.Key) []byte {
		e := object{{"id", ids.FormatEnvelope(key)}, {"type", eventType}, {"timestamp", key.Millis()}}
		if sender > 0 {
			e = append(e, field{"senderId", ids.Format(hookswitch.KindSender, sender)})
		}
		return encode(append(e, field{"projectId", ids.Format(hookswitch.KindProject, app)}, field{"data", data}))
	})
}

// received emits message.received, in its own shape, for endpoints whose filter names it.
func (b *births) received(route *hookswitch.Route, u *hookswitch.Update, conversation hookswitch.Key, at time.Time) {
	named := false
	for _, ep := range b.state(route.App).endpoints {
		named = named || ep.Matches(hookswitch.EventMessageReceived, nil, route.Sender, true)
	}
	if !named {
		return
	}
	m := hookswitch.NewReceivedMessage(u, at)
	b.plain(route.App, hookswitch.EventMessageReceived, route.Sender, at, object{
		{"channel", m.Channel}, {"senderId", m.SenderID}, {"message", m.Message}, {"messageId", m.MessageID}, {"timestamp", m.Timestamp},
		{"metadata", m.Metadata}, {"conversationId", b.s.ids.Format(hookswitch.KindConversation, conversation)},
	})
}

// plain emits an event in the shape that message.received has. at is when the push that it follows from was received.
func (b *births) plain(app hookswitch.Key, eventType string, sender hookswitch.Key, at time.Time, data object) {
	ids := b.s.ids
	b.emit(app, eventType, sender, func(key hookswitch.Key) []byte {
		return encode(object{
			{"id", ids.FormatEnvelope(key)},
			{"type", eventType},
			{"timestamp", hookswitch.ReceivedTime(key.Time(), at)},
			{"accountId", ids.Format(hookswitch.KindSender, sender)},
			{"data", data},
		})
	})
}

func newConversationData(s *Service, m *hookswitch.Message) object {
	address := field{"phoneNumber", m.From}
	if m.Channel == hookswitch.Email {
		address.name = "email"
	}
	return object{
		{"conversationId", s.ids.Format(hookswitch.KindConversation, m.Conversation)},
		address,
		{"channel", string(m.Channel)},
		{"firstMessageId", s.ids.Format(hookswitch.KindMessage, m.Key)},
		{"firstMessageText", m.Text},
		{"profileName", orNil(m.ProfileName)},
	}
}

func inboundData(s *Service, m *hookswitch.Message, content map[string]any, at time.Time) object {
	d := object{
		{"messageId", s.ids.Format(hookswitch.KindMessage, m.Key)},
		{"conversationId", s.ids.Format(hookswitch.KindConversation, m.Conversation)},
		{"from", m.From},
		{"to", m.To},
		{"channel", string(m.Channel)},
		{"status", string(m.Status)},
		{"messageType", m.Type},
	}
	if m.Text != "" {
		d = append(d, field{"text", m.Text})
	}
	referral := content["referral"]
	if content == nil {
		content = map[string]any{}
	}
	d = append(d, field{"content", content})
	switch m.Channel {
	case hookswitch.SMS, hookswitch.Email:
		d = append(d, field{"providerTimestamp", nil})
	default:
		d = append(d, field{"profileName", orNil(m.ProfileName)})
		if at.IsZero() {
			d = append(d, field{"providerTimestamp", nil})
		} else {
			d = append(d, field{"providerTimestamp", at.UnixMilli()})
		}
	}
	if referral != nil {
		d = append(d, field{"referral", referral})
	}
	return d
}

// statusData is what the event of a sent message's status tells.
func statusData(s *Service, m *hookswitch.Message, status hookswitch.MessageStatus, failure *hookswitch.MessageReceipt) object {
	d := object{
		{"messageId", s.ids.Format(hookswitch.KindMessage, m.Key)},
		{"conversationId", s.ids.Format(hookswitch.KindConversation, m.Conversation)},
		{"to", m.To},
	}
	if m.From != "" {
		d = append(d, field{"from", m.From})
	}
	d = append(d, field{"channel", string(m.Channel)}, field{"status", string(status)}, field{"messageType", m.Type})
	if m.Text != "" {
		d = append(d, field{"text", m.Text})
	}
	if m.ProviderID != "" {
		d = append(d, field{"providerMessageId", m.ProviderID})
	}
	if len(m.Metadata) > 0 {
		d = append(d, field{"metadata", m.Metadata})
	}
	if status == hookswitch.StatusFailed {
		d = append(d, field{"errorCode", orNil(m.ErrorCode)}, field{"errorMessage", orNil(m.ErrorText)})
		if failure == nil {
			failure = &hookswitch.MessageReceipt{}
		}
		category := failure.ErrorCategory
		if category == "" && m.Channel == hookswitch.WhatsApp {
			category = "unknown"
		}
		if category != "" {
			d = append(d, field{"errorCategory", category}, field{"retriable", failure.Retriable})
		}
	}
	return d
}

// foreignData tells of a report about a message that another system on the same account sent.
func foreignData(r *hookswitch.Receipt) object {
	return object{
		{"to", r.Recipient},
		{"channel", string(r.Channel)},
		{"status", string(r.Status)},
		{"providerMessageId", r.ProviderID},
	}
}
