package telegram

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// text is a JSON text, or a number or boolean as it is written: ids are numbers of up to 52 bits, and stay exact. Anything else reads as "", so that one
// odd member does not spoil what surrounds it.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(t))
	case '{', '[', 'n':
	default:
		*t = text(raw)
	}
	return nil
}

// clock reads Unix time in seconds. Anything that is no such time, and 0, which stands for an unknown time, reads as the zero time.
func (t text) clock() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	const lastSecond = 253402300799 // of the year 9999
	if err != nil || n <= 0 || n > lastSecond {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// number is a JSON number, as a float so that it is written again in its shortest form. Anything else is absent.
type number struct {
	value float64
	known bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseFloat(string(raw), 64)
	*n = number{}
	if err == nil && v-v == 0 {
		*n = number{value: v, known: true}
	}
	return nil
}

// update is one push: an id, and one member that says what has happened.
// https://core.telegram.org/bots/api#update
type update struct {
	ID       text            `json:"update_id"`
	Message  json.RawMessage `json:"message"`
	Edited   json.RawMessage `json:"edited_message"`
	Callback json.RawMessage `json:"callback_query"`
	Member   json.RawMessage `json:"my_chat_member"`
}

type user struct {
	ID        text `json:"id"`
	IsBot     text `json:"is_bot"`
	FirstName text `json:"first_name"`
	LastName  text `json:"last_name"`
	Username  text `json:"username"`
	Language  text `json:"language_code"`
}

func (u *user) name() string {
	return strings.TrimSpace(string(u.FirstName) + " " + string(u.LastName))
}

type chat struct {
	ID   text `json:"id"`
	Type text `json:"type"`
}

// message is one message: what every message has, and members for each kind.
// https://core.telegram.org/bots/api#message
type message struct {
	ID       text  `json:"message_id"`
	Thread   text  `json:"message_thread_id"`
	InTopic  text  `json:"is_topic_message"`
	From     *user `json:"from"`
	Chat     chat  `json:"chat"`
	Date     text  `json:"date"`
	EditDate text  `json:"edit_date"`
	Migrated text  `json:"migrate_to_chat_id"`

	Album         text            `json:"media_group_id"`
	ForwardOrigin json.RawMessage `json:"forward_origin"`
	ViaBot        *user           `json:"via_bot"`
	Quote         *struct {
		Text text `json:"text"`
	} `json:"quote"`
	ReplyTo *struct {
		ID      text  `json:"message_id"`
		From    *user `json:"from"`
		Chat    chat  `json:"chat"`
		Text    text  `json:"text"`
		Caption text  `json:"caption"`
	} `json:"reply_to_message"`

	Text     text     `json:"text"`
	Caption  text     `json:"caption"`
	Entities []entity `json:"entities"`

	Photo     []file    `json:"photo"`
	Video     *file     `json:"video"`
	Animation *file     `json:"animation"`
	VideoNote *file     `json:"video_note"`
	Audio     *file     `json:"audio"`
	Voice     *file     `json:"voice"`
	Document  *file     `json:"document"`
	Sticker   *file     `json:"sticker"`
	Location  *location `json:"location"`
	Venue     *struct {
		Location location `json:"location"`
		Title    text     `json:"title"`
		Address  text     `json:"address"`
	} `json:"venue"`
	Contact *struct {
		Phone     text `json:"phone_number"`
		FirstName text `json:"first_name"`
		LastName  text `json:"last_name"`
		UserID    text `json:"user_id"`
	} `json:"contact"`
	Dice *struct {
		Emoji text   `json:"emoji"`
		Value number `json:"value"`
	} `json:"dice"`
	WebApp *struct {
		Data   text `json:"data"`
		Button text `json:"button_text"`
	} `json:"web_app_data"`
}

// entity marks a part of a text. Offset and length count UTF-16 units.
type entity struct {
	Type   text   `json:"type"`
	Offset number `json:"offset"`
	Length number `json:"length"`
}

type file struct {
	ID       text `json:"file_id"`
	Name     text `json:"file_name"`
	MIMEType text `json:"mime_type"`
	Emoji    text `json:"emoji"` // of a sticker
}

type location struct {
	Latitude  number `json:"latitude"`
	Longitude number `json:"longitude"`
}

// callback is the press of an inline button. Its message is missing where it was sent over another chat's inline mode, and has the date 0 and little
// else where it is too old.
// https://core.telegram.org/bots/api#callbackquery
type callback struct {
	ID      text  `json:"id"`
	From    *user `json:"from"`
	Data    text  `json:"data"`
	Message *struct {
		ID      text `json:"message_id"`
		Thread  text `json:"message_thread_id"`
		InTopic text `json:"is_topic_message"`
		Chat    chat `json:"chat"`
		Markup  struct {
			Rows [][]struct {
				Text text `json:"text"`
				Data text `json:"callback_data"`
			} `json:"inline_keyboard"`
		} `json:"reply_markup"`
	} `json:"message"`
}

// title is what stands on the button that was pressed, where the message is told.
func (c *callback) title() text {
	if c.Message == nil {
		return ""
	}
	for _, row := range c.Message.Markup.Rows {
		for _, b := range row {
			if b.Data == c.Data {
				return b.Text
			}
		}
	}
	return ""
}

// memberChange tells that the bot's place in a chat has changed.
// https://core.telegram.org/bots/api#chatmemberupdated
type memberChange struct {
	Chat chat `json:"chat"`
	Date text `json:"date"`
	New  struct {
		Status text `json:"status"`
	} `json:"new_chat_member"`
}
