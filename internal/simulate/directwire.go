package simulate

// The shapes of the pushes of Messenger and Instagram. Fields stand in the order in which Meta writes them.
// https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
type (
	directEnvelope struct {
		Object string        `json:"object"`
		Entry  []directEntry `json:"entry"`
	}
	directEntry struct {
		Time      int64             `json:"time"`
		ID        string            `json:"id"`
		Messaging []directItem      `json:"messaging,omitempty"`
		Standby   []directItem      `json:"standby,omitempty"`
		Changes   []dashboardChange `json:"changes,omitempty"`
	}
	dashboardChange struct {
		Field string         `json:"field"`
		Value dashboardValue `json:"value"`
	}
	dashboardValue struct {
		Sender    party         `json:"sender"`
		Recipient party         `json:"recipient"`
		Timestamp string        `json:"timestamp"`
		Message   directMessage `json:"message"`
	}

	party struct {
		ID string `json:"id"`
	}
	directItem struct {
		Sender    party           `json:"sender"`
		Recipient party           `json:"recipient"`
		Timestamp int64           `json:"timestamp"`
		Message   *directMessage  `json:"message,omitempty"`
		Postback  *directPostback `json:"postback,omitempty"`
		Reaction  *directReaction `json:"reaction,omitempty"`
		Edit      *directEdit     `json:"message_edit,omitempty"`
		Referral  *directReferral `json:"referral,omitempty"`
		Delivery  *directDelivery `json:"delivery,omitempty"`
		Read      *directRead     `json:"read,omitempty"`

		account string // whose entry it belongs to
	}
	directMessage struct {
		ID            string             `json:"mid"`
		IsEcho        bool               `json:"is_echo,omitempty"`
		AppID         int64              `json:"app_id,omitempty"`
		Metadata      string             `json:"metadata,omitempty"`
		IsDeleted     bool               `json:"is_deleted,omitempty"`
		IsUnsupported bool               `json:"is_unsupported,omitempty"`
		Text          string             `json:"text,omitempty"`
		QuickReply    *directPayload     `json:"quick_reply,omitempty"`
		ReplyTo       *directReply       `json:"reply_to,omitempty"`
		Attachments   []directAttachment `json:"attachments,omitempty"`
	}
	directPayload struct {
		Payload string `json:"payload"`
	}
	directReply struct {
		ID    string       `json:"mid,omitempty"`
		Story *directStory `json:"story,omitempty"`
	}
	directStory struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	}
	directAttachment struct {
		Type    string             `json:"type"`
		Title   string             `json:"title,omitempty"`
		Payload *attachmentPayload `json:"payload,omitempty"`
	}
	attachmentPayload struct {
		URL         string       `json:"url,omitempty"`
		StickerID   int64        `json:"sticker_id,omitempty"`
		Coordinates *coordinates `json:"coordinates,omitempty"`
	}
	coordinates struct {
		Latitude  float64 `json:"lat"`
		Longitude float64 `json:"long"`
	}
	directPostback struct {
		ID      string `json:"mid,omitempty"`
		Title   string `json:"title"`
		Payload string `json:"payload"`
	}
	directReaction struct {
		ID       string `json:"mid"`
		Action   string `json:"action"`
		Reaction string `json:"reaction,omitempty"`
		Emoji    string `json:"emoji,omitempty"`
	}
	directEdit struct {
		ID    string `json:"mid"`
		Text  string `json:"text"`
		Count int    `json:"num_edit"`
	}
	directReferral struct {
		Ref    string `json:"ref"`
		Source string `json:"source"`
		Type   string `json:"type"`
	}
	directDelivery struct {
		IDs       []string `json:"mids,omitempty"`
		Watermark int64    `json:"watermark"`
	}
	directRead struct {
		ID        string `json:"mid,omitempty"`
		Watermark int64  `json:"watermark,omitempty"`
	}
)
