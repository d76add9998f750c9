package x

import (
	"encoding/json"
	"strconv"
	"time"
)

// text is a JSON text, or a number or boolean as it is written: ids have more digits than floats keep. Anything else reads as "", so that one odd member
// does not spoil what surrounds it.
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

// milliseconds reads Unix time in milliseconds. Anything that is no such time reads as the zero time.
func (t text) milliseconds() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	const last = 253402300799_999 // of the year 9999
	if err != nil || n <= 0 || n > last {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// date reads a time as posts have it: as RFC 3339, or in X's older form, such as "Thu Jul 16 10:00:00 +0000 2026".
func (t text) date() time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.RubyDate} {
		if at, err := time.Parse(layout, string(t)); err == nil && at.Year() > 0 && at.Year() < 10000 {
			return at.UTC()
		}
	}
	return time.Time{}
}

// born is the time at which X made an id: above the last 22 bits of each are the milliseconds since November 2010.
// https://docs.x.com/fundamentals/x-ids
func (t text) born() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	const epoch, first = 1288834974657, 1 << 30 // ids below are older than the scheme
	if err != nil || n < first {
		return time.Time{}
	}
	return time.UnixMilli(n>>22 + epoch).UTC()
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

// activity is what a push of the Account Activity API holds, and for direct messages the payload of one of the X Activity API. The other members (likes,
// follows, typing, …) tell nothing that a conversation needs.
// https://docs.x.com/x-api/account-activity/introduction#payload-examples
type activity struct {
	For        text              `json:"for_user_id"`
	Messages   []json.RawMessage `json:"direct_message_events"`
	Reads      []json.RawMessage `json:"direct_message_mark_read_events"`
	Posts      []json.RawMessage `json:"tweet_create_events"`
	HasBlocked text              `json:"user_has_blocked"` // only where the account is mentioned
	Users      map[string]person `json:"users"`
	// User tells, in place of all others, what an account has decided about the app.
	User json.RawMessage `json:"user_event"`
	// Data is there in place of all others in a push of the X Activity API.
	Data json.RawMessage `json:"data"`
}

// userEvent tells of an account that it has taken the app's permission away.
// https://docs.x.com/x-api/account-activity/introduction#payload-examples
type userEvent struct {
	Revoke *struct {
		At     text `json:"date_time"`
		Source struct {
			User text `json:"user_id"`
		} `json:"source"`
	} `json:"revoke"`
}

// news is one event of the X Activity API.
// https://docs.x.com/x-api/activity/event-payloads
type news struct {
	ID     text `json:"event_uuid"`
	Filter struct {
		User text `json:"user_id"`
	} `json:"filter"`
	Type     text            `json:"event_type"`
	Payload  json.RawMessage `json:"payload"`
	Includes struct {
		Users []person    `json:"users"`
		Media []postMedia `json:"media"`
	} `json:"includes"`
}

// person is somebody as a push introduces them: in the older form, in the newer one, or in the newer one inside "data".
type person struct {
	ID, Name, Username string
}

// UnmarshalJSON implements json.Unmarshaler. What is no person is nobody.
func (p *person) UnmarshalJSON(raw []byte) error {
	type form struct {
		ID         text `json:"id"`
		IDText     text `json:"id_str"`
		Name       text `json:"name"`
		Username   text `json:"username"`
		ScreenName text `json:"screen_name"`
	}
	var in struct {
		form
		Data *form `json:"data"`
	}
	_ = json.Unmarshal(raw, &in)
	f := in.form
	if in.Data != nil {
		f = *in.Data
	}
	*p = person{ID: string(or(f.IDText, f.ID)), Name: string(f.Name), Username: string(or(f.Username, f.ScreenName))}
	return nil
}

func or(a, b text) text {
	if a != "" {
		return a
	}
	return b
}

// directMessage is one event of a conversation of two.
type directMessage struct {
	Type    text `json:"type"`
	ID      text `json:"id"`
	Created text `json:"created_timestamp"`
	Create  struct {
		Sender text `json:"sender_id"`
		Target struct {
			Recipient text `json:"recipient_id"`
		} `json:"target"`
		Data struct {
			Text       text     `json:"text"`
			Entities   entities `json:"entities"`
			Attachment *struct {
				Type     text   `json:"type"`
				Media    *media `json:"media"`
				Location *struct {
					Coordinate *struct {
						Coordinates struct {
							Coordinates []number `json:"coordinates"` // longitude, latitude
						} `json:"coordinates"`
					} `json:"shared_coordinate"`
					Place *struct {
						Place struct {
							Name     text `json:"name"`
							FullName text `json:"full_name"`
						} `json:"place"`
					} `json:"shared_place"`
				} `json:"location"`
			} `json:"attachment"`
			QuickReply *struct {
				Metadata text `json:"metadata"`
			} `json:"quick_reply_response"`
		} `json:"message_data"`
	} `json:"message_create"`
}

// markedRead tells that somebody has read all up to a message.
type markedRead struct {
	Created  text `json:"created_timestamp"`
	Sender   text `json:"sender_id"` // who has read
	LastRead text `json:"last_read_event_id"`
}

type entities struct {
	URLs          []link    `json:"urls"`
	Mentions      []mention `json:"user_mentions"`
	NewerMentions []mention `json:"mentions"`
	Media         []media   `json:"media"`
}

type link struct {
	URL      text `json:"url"`
	Expanded text `json:"expanded_url"`
	MediaKey text `json:"media_key"`
}

type mention struct {
	ID     text `json:"id"`
	IDText text `json:"id_str"`
}

// media is a picture or a film in the older form.
type media struct {
	ID       text `json:"id_str"`
	Type     text `json:"type"` // photo, video or animated_gif
	URL      text `json:"url"`  // the short link that stands for it in the text
	MediaURL text `json:"media_url_https"`
	Video    struct {
		Variants []struct {
			Bitrate     number `json:"bitrate"`
			ContentType text   `json:"content_type"`
			URL         text   `json:"url"`
		} `json:"variants"`
	} `json:"video_info"`
}

// postMedia is a picture or a film in the newer form.
type postMedia struct {
	Key     text `json:"media_key"`
	Type    text `json:"type"`
	URL     text `json:"url"`
	Preview text `json:"preview_image_url"`
}

// post is a post in the older form, of the Account Activity API.
type post struct {
	ID        text            `json:"id"`
	IDText    text            `json:"id_str"`
	Created   text            `json:"created_at"`
	Timestamp text            `json:"timestamp_ms"`
	User      person          `json:"user"`
	Text      text            `json:"text"`
	FullText  text            `json:"full_text"`
	Entities  *entities       `json:"entities"`
	More      *entities       `json:"extended_entities"`
	Repost    json.RawMessage `json:"retweeted_status"`
	ReplyTo   text            `json:"in_reply_to_status_id_str"`
	ReplyUser text            `json:"in_reply_to_user_id_str"`
	Extended  *struct {
		FullText text      `json:"full_text"`
		Entities *entities `json:"entities"`
		More     *entities `json:"extended_entities"`
	} `json:"extended_tweet"` // of one that is too long for Text
}

// newerPost is a post in the form of the X Activity API.
type newerPost struct {
	ID          text     `json:"id"`
	Created     text     `json:"created_at"`
	Author      text     `json:"author_id"`
	Text        text     `json:"text"`
	Entities    entities `json:"entities"`
	Attachments struct {
		Media []text `json:"media_keys"`
	} `json:"attachments"`
	Referenced []struct {
		Type text `json:"type"`
		ID   text `json:"id"`
	} `json:"referenced_tweets"`
	Note *struct {
		Text     text     `json:"text"`
		Entities entities `json:"entities"`
	} `json:"note_tweet"` // all of one that is too long for Text
}

// secret is a message that only the two who write can read.
type secret struct {
	ID      text `json:"id"`
	Created text `json:"created_at_msec"`
	Sender  text `json:"sender_id"`
}
