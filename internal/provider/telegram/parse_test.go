package telegram_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
)

type (
	object = map[string]any
	list   = []any
)

func parse(t *testing.T, body string) []hookswitch.Update {
	t.Helper()
	if !json.Valid([]byte(body)) {
		t.Fatalf("the test's own body is not JSON: %s", body)
	}
	updates, err := telegram.New(telegram.Options{}).Parse(&hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return updates
}

const (
	ada     = `"from":{"id":77,"is_bot":false,"first_name":"Ada"}`
	private = `"chat":{"id":77,"type":"private"}`
	head    = `"message_id":5,` + ada + `,` + private + `,"date":1705314600`
)

// inMessage wraps members into an update with one message.
func inMessage(members string) string {
	return `{"update_id":10,"message":{` + head + `,` + members + `}}`
}

// one parses an update that tells one thing.
func one(t *testing.T, body string) hookswitch.Update {
	t.Helper()
	updates := parse(t, body)
	if len(updates) != 1 {
		t.Fatalf("%d updates, want 1: %+v", len(updates), updates)
	}
	return updates[0]
}

func TestParse_ReadsEachKindOfMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		members string
		want    hookswitch.InboundMessage // less what is the same for all
	}{
		{"video with caption", `"video":{"file_id":"V1","mime_type":"video/mp4","file_name":"a.mp4"},"caption":"look"`, hookswitch.InboundMessage{
			Text: "look", Marker: "[video]", Kind: "video", Type: "video",
			Content:  object{"mediaId": "V1", "mimeType": "video/mp4", "filename": "a.mp4"},
			Metadata: object{"mediaId": "V1", "mimeType": "video/mp4", "filename": "a.mp4", "messageType": "video"},
		}},
		{"animation, which has a document too", `"animation":{"file_id":"A1","mime_type":"video/mp4"},"document":{"file_id":"A1","mime_type":"video/mp4"}`, hookswitch.InboundMessage{
			Marker: "[video]", Kind: "video", Type: "video",
			Content:  object{"mediaId": "A1", "mimeType": "video/mp4"},
			Metadata: object{"mediaId": "A1", "mimeType": "video/mp4", "messageType": "video"},
		}},
		{"round video", `"video_note":{"file_id":"N1"}`, hookswitch.InboundMessage{
			Marker: "[video]", Kind: "video", Type: "video",
			Content: object{"mediaId": "N1"}, Metadata: object{"mediaId": "N1", "messageType": "video"},
		}},
		{"music", `"audio":{"file_id":"M1","mime_type":"audio/mpeg"}`, hookswitch.InboundMessage{
			Marker: "[audio]", Kind: "audio", Type: "audio",
			Content: object{"mediaId": "M1", "mimeType": "audio/mpeg"}, Metadata: object{"mediaId": "M1", "mimeType": "audio/mpeg", "messageType": "audio"},
		}},
		{"sticker", `"sticker":{"file_id":"S1","emoji":"👍"}`, hookswitch.InboundMessage{
			Marker: "[sticker]", Kind: "sticker", Type: "sticker",
			Content: object{"mediaId": "S1", "emoji": "👍"}, Metadata: object{"mediaId": "S1", "emoji": "👍", "messageType": "sticker"},
		}},
		{"venue, which has a location too", `"venue":{"location":{"latitude":-1.5,"longitude":36},"title":"HQ","address":"1 Way"},"location":{"latitude":-1.5,"longitude":36}`, hookswitch.InboundMessage{
			Marker: "[location]", Kind: "location", Type: "location",
			Content:  object{"latitude": -1.5, "longitude": 36.0, "locationName": "HQ", "locationAddress": "1 Way"},
			Metadata: object{"latitude": -1.5, "longitude": 36.0, "locationName": "HQ", "locationAddress": "1 Way", "messageType": "location"},
		}},
		{"contact who uses Telegram", `"contact":{"first_name":"Bo","user_id":7123456789012345}`, hookswitch.InboundMessage{
			Marker: "[contacts]", Kind: "contacts", Type: "contact",
			Content:  object{"contacts": list{object{"name": "Bo", "phones": list{}, "userId": "7123456789012345"}}},
			Metadata: object{"messageType": "contacts"},
		}},
		{"dice", `"dice":{"emoji":"🎲","value":4}`, hookswitch.InboundMessage{
			Text: "🎲", Marker: "[dice]", Type: "text", Content: object{"kind": "dice", "value": 4.0}, Metadata: object{},
		}},
		{"web app", `"web_app_data":{"data":"{\"a\":1}","button_text":"Order"}`, hookswitch.InboundMessage{
			Text: "Order", Marker: "[flow_reply]", Kind: "flow_reply", Type: "text",
			Content: object{"kind": "flow_reply", "payload": `{"a":1}`}, Metadata: object{"payload": `{"a":1}`, "messageType": "flow_reply"},
		}},
		{"command to this bot", `"text":"/help@gateway_bot now","entities":[{"offset":0,"length":17,"type":"bot_command"}]`, hookswitch.InboundMessage{
			Text: "/help@gateway_bot now", Type: "text", Content: object{"command": "help"}, Metadata: object{"command": "help"},
		}},
		{"a command further on is text", `"text":"try /help","entities":[{"offset":4,"length":5,"type":"bot_command"}]`, hookswitch.InboundMessage{
			Text: "try /help", Type: "text", Metadata: object{},
		}},
		{"start without a parameter", `"text":"/start","entities":[{"offset":0,"length":6,"type":"bot_command"}]`, hookswitch.InboundMessage{
			Text: "/start", Type: "text", Content: object{"command": "start"}, Metadata: object{"command": "start"},
		}},
		{"forwarded part of an album, made by a bot", `"photo":[{"file_id":"s"},{"file_id":"l"}],"media_group_id":"13","forward_origin":{"type":"user"},"via_bot":{"id":1,"username":"gif"}`, hookswitch.InboundMessage{
			Marker: "[image]", Kind: "image", Type: "image", Content: object{"mediaId": "l"},
			Metadata: object{"mediaId": "l", "messageType": "image", "mediaGroupId": "13", "forwarded": true, "viaBot": "gif"},
		}},
		{"answer to a picture in a topic", `"text":"hi","is_topic_message":true,"message_thread_id":9,"reply_to_message":{"message_id":3,"from":{"id":1,"is_bot":true},"caption":"menu"}`, hookswitch.InboundMessage{
			Text: "hi", Type: "text",
			Content:  object{"replyToProviderMessageId": "77:3", "replyToFrom": "1", "replyToText": "menu", "threadId": "9"},
			Metadata: object{"replyToMessageId": "77:3", "threadId": "9"},
		}},
		{"poll", `"poll":{"id":"1","question":"?"}`, unsupported("poll")},
		{"of a kind to come", `"quantum_state":{"up":true},"link_preview_options":{}`, unsupported("quantum_state")},
		{"that has nothing", `"has_protected_content":true`, unsupported("")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			want.ProviderID, want.From, want.ProfileName = "77:5", "77", "Ada"
			for name, v := range (object{"provider": "telegram", "profileName": "Ada", "chatId": "77", "chatType": "private", "updateId": int64(10)}) {
				want.Metadata[name] = v
			}
			got := one(t, inMessage(tt.members))
			if diff := cmp.Diff(&want, got.Message); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if got.Dedup != "update:10" || !got.At.Equal(time.Unix(1705314600, 0)) || got.Channel != hookswitch.Telegram || got.Address != "" {
				t.Errorf("update %+v", got)
			}
		})
	}
}

func unsupported(kind string) hookswitch.InboundMessage {
	content := object{"kind": "unsupported"}
	if kind != "" {
		content["unsupportedType"] = kind
	}
	return hookswitch.InboundMessage{
		Marker: "[unsupported]", Kind: "unsupported", Type: "text", Unsupported: true, Quiet: true,
		Content: content, Metadata: object{"messageType": "unsupported", "actionable": false},
	}
}

func TestParse_HearsNothingOfWhatNobodyWroteToUs(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a bot":             `{"update_id":1,"message":{"message_id":5,"from":{"id":1,"is_bot":true},` + private + `,"text":"loop"}}`,
		"a channel":         `{"update_id":1,"message":{"message_id":5,` + private + `,"sender_chat":{"id":-1},"text":"news"}}`,
		"a channel's post":  `{"update_id":1,"channel_post":{` + head + `,"text":"news"}}`,
		"a service message": inMessage(`"new_chat_members":[{"id":1}]`),
		"a pinned message":  inMessage(`"pinned_message":{"message_id":1}`),
		"a reaction":        `{"update_id":1,"message_reaction":{"user":{"id":77}}}`,
		"an edit by a bot":  `{"update_id":1,"edited_message":{"message_id":5,"from":{"id":1,"is_bot":true},` + private + `,"text":"x"}}`,
		"a moving location": `{"update_id":1,"edited_message":{` + head + `,"edit_date":1705314700,"location":{"latitude":1,"longitude":2}}}`,
		"a bot's press":     `{"update_id":1,"callback_query":{"id":"1","from":{"id":1,"is_bot":true},"data":"x"}}`,
		"a game":            `{"update_id":1,"callback_query":{"id":"1",` + ada + `,"game_short_name":"chess"}}`,
		"a group's member":  `{"update_id":1,"my_chat_member":{"chat":{"id":-5,"type":"group"},` + ada + `,"new_chat_member":{"status":"kicked"}}}`,
		"an odd status":     `{"update_id":1,"my_chat_member":{` + private + `,"new_chat_member":{"status":"restricted"}}}`,
		"null":              `null`,
		"an empty update":   `{}`,
		"members of null":   `{"update_id":1,"message":null,"callback_query":null}`,
	} {
		if got := parse(t, body); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestParse_KeepsAsideWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no object":            `[1]`,
		"no chat":              `{"update_id":1,"message":{"message_id":5,` + ada + `,"text":"hi"}}`,
		"no id":                `{"update_id":1,"message":{` + ada + `,` + private + `,"text":"hi"}}`,
		"a message of text":    `{"update_id":1,"message":"hi"}`,
		"a photo that is none": inMessage(`"photo":"p"`),
		"a press of nobody":    `{"update_id":1,"callback_query":{"id":"1","data":"x"}}`,
		"a broken press":       `{"update_id":1,"callback_query":{"id":"1","from":7}}`,
		"a broken edit":        `{"update_id":1,"edited_message":7}`,
		"a broken member":      `{"update_id":1,"my_chat_member":{"chat":[]}}`,
	} {
		got := one(t, body)
		if got.Broken == nil || got.Dedup == "" || got.Message != nil || got.Channel != hookswitch.Telegram {
			t.Errorf("%s: got %+v, want a broken update", name, got)
		}
	}
}

func TestParse_TellsWhatAMessageReadsNow(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]string{
		`"text":"new"`: "new",
		`"photo":[{"file_id":"1"}],"caption":"new"`:  "new",
		`"photo":[{"file_id":"1"}]`:                  "", // the caption has been taken away
		`"text":"new","reply_markup":{},"x":[1,2,3]`: "new",
	} {
		got := one(t, `{"update_id":11,"edited_message":{`+head+`,"edit_date":1705314700,`+members+`}}`)
		if diff := cmp.Diff(&hookswitch.MessageChange{ProviderID: "77:5", Text: want}, got.Change); diff != "" {
			t.Errorf("%s: -want +got\n%s", members, diff)
		}
		if !got.At.Equal(time.Unix(1705314700, 0)) || got.Dedup != "update:11" {
			t.Errorf("update %+v", got)
		}
	}
}

func TestParse_TellsWhoBlocksTheBotAndWhoLetsItInAgain(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]hookswitch.OptOut{"kicked": {From: "77"}, "member": {From: "77", Again: true}} {
		got := one(t, `{"update_id":12,"my_chat_member":{`+private+`,`+ada+`,"date":1705314600,"old_chat_member":{},"new_chat_member":{"status":"`+status+`"}}}`)
		if got.OptOut == nil || *got.OptOut != want || got.Dedup != "update:12" {
			t.Errorf("%s: got %+v, want %+v", status, got.OptOut, want)
		}
	}
}

func TestParse_FollowsAGroupThatGetsANewID(t *testing.T) {
	t.Parallel()
	got := one(t, `{"update_id":13,"message":{"message_id":5,`+ada+`,"chat":{"id":-500,"type":"group"},"date":1,"migrate_to_chat_id":-1001234567890123}}`)
	if diff := cmp.Diff(&hookswitch.ContactChange{From: "-500", To: "-1001234567890123"}, got.Contact); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParse_ReadsThePressOfAButton(t *testing.T) {
	t.Parallel()
	got := one(t, `{"update_id":14,"callback_query":{"id":"9",`+ada+`,"data":"b2","message":{"message_id":8,"chat":{"id":-100,"type":"supergroup"},"date":0,
		"is_topic_message":true,"message_thread_id":4,"reply_markup":{"inline_keyboard":[[{"text":"One","callback_data":"b1"}],[{"text":"Two","callback_data":"b2"}]]}}}}`)
	want := &hookswitch.InboundMessage{
		ProviderID: "-100:8:9", From: "77", ProfileName: "Ada", Text: "b2", Marker: "[button_reply]", Kind: "button_reply", Type: "text",
		Content: object{"payload": "b2", "replyId": "b2", "replyTitle": "Two", "replyToProviderMessageId": "-100:8", "threadId": "4"},
		Metadata: object{"provider": "telegram", "profileName": "Ada", "updateId": int64(14), "payload": "b2", "messageType": "button_reply", "chatId": "-100",
			"chatType": "supergroup", "replyToMessageId": "-100:8", "threadId": "4"},
	}
	if diff := cmp.Diff(want, got.Message); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// Without the message, the person's own chat is all that is known.
	got = one(t, `{"update_id":15,"callback_query":{"id":"9",`+ada+`,"data":"b2","inline_message_id":"abc"}}`)
	if got.Message.ProviderID != "77:0:9" || got.Message.Metadata["chatId"] != "77" {
		t.Errorf("got %+v", got.Message)
	}
}
