package meta

import (
	"cmp"

	"github.com/hookswitch/hookswitch"
)

// message is one received WhatsApp message: the members every kind has, and the one that is named for its type.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type message struct {
	From       text `json:"from"`
	FromUserID text `json:"from_user_id"`
	GroupID    text `json:"group_id"`
	ID         text `json:"id"`
	Timestamp  text `json:"timestamp"`
	Type       text `json:"type"`

	Context  *quoted      `json:"context"`
	Referral *referral    `json:"referral"`
	Errors   []graphError `json:"errors"`

	Text *struct {
		Body text `json:"body"`
	} `json:"text"`
	Image       *media        `json:"image"`
	Video       *media        `json:"video"`
	Document    *media        `json:"document"`
	Sticker     *media        `json:"sticker"`
	Audio       *media        `json:"audio"`
	Voice       *media        `json:"voice"`
	Location    *location     `json:"location"`
	Contacts    []contactCard `json:"contacts"`
	Reaction    *reaction     `json:"reaction"`
	Button      *button       `json:"button"`
	Interactive *interactive  `json:"interactive"`
	Order       *order        `json:"order"`
	System      *system       `json:"system"`
	Edit        *edit         `json:"edit"`
	Revoke      *revoke       `json:"revoke"`
	Unsupported *struct {
		Type text `json:"type"`
	} `json:"unsupported"`
}

type quoted struct {
	From                text `json:"from"`
	ID                  text `json:"id"`
	Forwarded           text `json:"forwarded"`
	FrequentlyForwarded text `json:"frequently_forwarded"`
	ReferredProduct     *struct {
		CatalogID text `json:"catalog_id"`
		ProductID text `json:"product_retailer_id"`
	} `json:"referred_product"`
}

type referral struct {
	SourceURL    text `json:"source_url"`
	SourceID     text `json:"source_id"`
	SourceType   text `json:"source_type"`
	Headline     text `json:"headline"`
	Body         text `json:"body"`
	MediaType    text `json:"media_type"`
	ImageURL     text `json:"image_url"`
	VideoURL     text `json:"video_url"`
	ThumbnailURL text `json:"thumbnail_url"`
	ClickID      text `json:"ctwa_clid"`
}

type media struct {
	ID       text `json:"id"`
	MIMEType text `json:"mime_type"`
	Caption  text `json:"caption"`
	Filename text `json:"filename"`
	Voice    text `json:"voice"`
}

type location struct {
	Latitude  number `json:"latitude"`
	Longitude number `json:"longitude"`
	Name      text   `json:"name"`
	Address   text   `json:"address"`
	URL       text   `json:"url"`
}

type contactCard struct {
	Name struct {
		Formatted text `json:"formatted_name"`
		First     text `json:"first_name"`
	} `json:"name"`
	Phones []struct {
		Phone text `json:"phone"`
		WaID  text `json:"wa_id"`
	} `json:"phones"`
}

type reaction struct {
	MessageID text `json:"message_id"`
	Emoji     text `json:"emoji"` // missing or empty: the reaction is taken back
}

// button is the press of a template's quick reply.
type button struct {
	Text    text `json:"text"`
	Payload text `json:"payload"`
}

type interactive struct {
	Type        text `json:"type"`
	ButtonReply *struct {
		ID    text `json:"id"`
		Title text `json:"title"`
	} `json:"button_reply"`
	ListReply *struct {
		ID          text `json:"id"`
		Title       text `json:"title"`
		Description text `json:"description"`
	} `json:"list_reply"`
	FlowReply *struct {
		Name         text `json:"name"`
		Body         text `json:"body"`
		ResponseJSON text `json:"response_json"` // JSON inside a text, or something else
	} `json:"nfm_reply"`
}

type order struct {
	CatalogID text `json:"catalog_id"`
	Text      text `json:"text"`
	Items     []struct {
		ProductID text   `json:"product_retailer_id"`
		Quantity  number `json:"quantity"`
		Price     number `json:"item_price"`
		Currency  text   `json:"currency"`
	} `json:"product_items"`
}

// system tells of a change in the sender's identity. Older hooks call the new number new_wa_id.
type system struct {
	Type    text `json:"type"`
	WaID    text `json:"wa_id"`
	NewWaID text `json:"new_wa_id"`
	UserID  text `json:"user_id"`
}

// sender is the number of who wrote or, where it is hidden, their user id.
func (m *message) sender() string {
	if m.From != "" {
		return m.From.phone()
	}
	return string(m.FromUserID)
}

// edit is a message in its new form, and revoke the name of one that is gone. Both come with an id of their own.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/edit
type edit struct {
	OriginalID text    `json:"original_message_id"`
	Message    message `json:"message"`
}

type revoke struct {
	OriginalID text `json:"original_message_id"`
}

// change is what an edit or a revocation tells, or nil when it does not say of which message.
func (m *message) change() *hookswitch.MessageChange {
	switch {
	case m.Type == "edit" && m.Edit != nil && m.Edit.OriginalID != "":
		d := &draft{content: facts{}, metadata: facts{}}
		d.payload(&m.Edit.Message)
		return &hookswitch.MessageChange{ProviderID: string(m.Edit.OriginalID), Text: string(d.text)}
	case m.Type == "revoke" && m.Revoke != nil && m.Revoke.OriginalID != "":
		return &hookswitch.MessageChange{ProviderID: string(m.Revoke.OriginalID), Deleted: true}
	}
	return nil
}

// contactChanges are what a system message tells, each in a copy of u: a person's new number, and the new user id that comes with it. Other news are none.
func (m *message) contactChanges(u hookswitch.Update) []hookswitch.Update {
	if m.System == nil {
		return nil
	}
	var list []hookswitch.Update
	add := func(from, to, part string) {
		if from != "" && to != "" && from != to {
			u := u
			u.Dedup += part
			u.Contact = &hookswitch.ContactChange{From: from, To: to}
			list = append(list, u)
		}
	}
	switch m.System.Type {
	case "user_changed_number":
		add(m.sender(), cmp.Or(m.System.WaID, m.System.NewWaID).phone(), "")
		add(m.sender(), string(m.System.UserID), ":user")
	case "user_changed_user_id":
		add(string(m.FromUserID), string(m.System.UserID), "")
	}
	return list
}
