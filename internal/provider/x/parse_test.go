package x_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/x"
)

type object = map[string]any

func parse(t *testing.T, body string) []hookswitch.Update {
	t.Helper()
	if !json.Valid([]byte(body)) {
		t.Fatalf("the test's own body is not JSON: %s", body)
	}
	updates, err := x.New(x.Options{}).Parse(&hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return updates
}

// one parses a push that tells one thing.
func one(t *testing.T, body string) hookswitch.Update {
	t.Helper()
	updates := parse(t, body)
	if len(updates) != 1 {
		t.Fatalf("%d updates, want 1: %+v", len(updates), updates)
	}
	return updates[0]
}

// inMessage is a push of one direct message of 55 to 1 with the data.
func inMessage(data string) string {
	return `{"for_user_id":"1","direct_message_events":[{"type":"message_create","id":"1812345678901234567","created_timestamp":"1705314600123",
		"message_create":{"sender_id":"55","target":{"recipient_id":"1"},"message_data":{` + data + `}}}],
		"users":{"55":{"id":"55","name":"Ada","screen_name":"ada"}}}`
}

func TestParse_ReadsEachKindOfDirectMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		data string
		want hookswitch.InboundMessage // less what is the same for all
	}{
		{"text", `"text":"hi"`, hookswitch.InboundMessage{Text: "hi", Type: "text", Content: object{}, Metadata: object{}}},
		{"picture", `"text":"look https://t.co/pic0000001","entities":{"urls":[{"url":"https://t.co/pic0000001","expanded_url":"https://twitter.com/messages/media/1"}]},
			"attachment":{"type":"media","media":{"id":18,"id_str":"1812345678901234999","type":"photo","url":"https://t.co/pic0000001","media_url_https":"https://ton.twitter.com/1.jpg"}}`,
			hookswitch.InboundMessage{Text: "look", Marker: "[image]", Kind: "image", Type: "image",
				Content:  object{"mediaId": "1812345678901234999", "mediaUrl": "https://ton.twitter.com/1.jpg"},
				Metadata: object{"mediaId": "1812345678901234999", "mediaUrl": "https://ton.twitter.com/1.jpg", "messageType": "image"}}},
		{"film in its best version", `"text":"https://t.co/vid0000001","attachment":{"type":"media","media":{"id_str":"9","type":"video","url":"https://t.co/vid0000001","media_url_https":"https://pbs.twimg.com/1.jpg",
			"video_info":{"variants":[{"content_type":"application/x-mpegURL","url":"https://v/l.m3u8"},{"bitrate":320000,"content_type":"video/mp4","url":"https://v/s.mp4"},{"bitrate":832000,"content_type":"video/mp4","url":"https://v/l.mp4"}]}}}`,
			hookswitch.InboundMessage{Marker: "[video]", Kind: "video", Type: "video",
				Content:  object{"mediaId": "9", "mediaUrl": "https://v/l.mp4", "mimeType": "video/mp4"},
				Metadata: object{"mediaId": "9", "mediaUrl": "https://v/l.mp4", "mimeType": "video/mp4", "messageType": "video"}}},
		{"coordinate", `"text":"","attachment":{"type":"location","location":{"type":"shared_coordinate","shared_coordinate":{"coordinates":{"type":"Point","coordinates":[-122.44,37.76]}}}}`,
			hookswitch.InboundMessage{Marker: "[location]", Kind: "location", Type: "location",
				Content: object{"latitude": 37.76, "longitude": -122.44}, Metadata: object{"latitude": 37.76, "longitude": -122.44, "messageType": "location"}}},
		{"place", `"text":"","attachment":{"type":"location","location":{"type":"shared_place","shared_place":{"place":{"id":"5","name":"SF","full_name":"San Francisco, CA"}}}}`,
			hookswitch.InboundMessage{Marker: "[location]", Kind: "location", Type: "location",
				Content: object{"locationName": "San Francisco, CA"}, Metadata: object{"locationName": "San Francisco, CA", "messageType": "location"}}},
		{"quick reply", `"text":"Yes","quick_reply_response":{"type":"options","metadata":"opt_1"}`,
			hookswitch.InboundMessage{Text: "Yes", Marker: "[quick_reply]", Kind: "quick_reply", Type: "text",
				Content: object{"payload": "opt_1", "replyId": "opt_1"}, Metadata: object{"payload": "opt_1", "messageType": "quick_reply"}}},
		{"attachment of a kind to come", `"text":"hi","attachment":{"type":"hologram"}`,
			hookswitch.InboundMessage{Text: "hi", Marker: "[unsupported]", Kind: "unsupported", Type: "text", Unsupported: true, Quiet: true,
				Content: object{"unsupportedType": "hologram"}, Metadata: object{"messageType": "unsupported", "actionable": false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			want.ProviderID, want.From, want.ProfileName = "1812345678901234567", "55", "Ada"
			want.Content["kind"] = "dm"
			for name, v := range (object{"provider": "x", "kind": "dm", "forUserId": "1", "profileName": "Ada", "username": "ada"}) {
				want.Metadata[name] = v
			}
			got := one(t, inMessage(tt.data))
			if diff := cmp.Diff(&want, got.Message); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if got.Dedup != "dm:1:1812345678901234567" || !got.At.Equal(time.UnixMilli(1705314600123)) || got.Channel != hookswitch.X || got.Address != "1" {
				t.Errorf("update %+v", got)
			}
		})
	}
}

func TestParse_GivesTextsBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	const urls = `[{"url":"https://t.co/abc","expanded_url":"https://e.test/?a=1&amp;b=2&lt;"},{"url":"https://t.co/abcd","expanded_url":"http://e.test/2"},
		{"url":"https://t.co/js","expanded_url":"javascript:alert(1)"},{"url":"https://t.co/none","expanded_url":null}]`
	for written, want := range map[string]string{
		"1 &lt; 2 &amp;&amp; 3 &gt; 2":                  "1 < 2 && 3 > 2",
		"&amp;lt; &amp;amp;":                            "&lt; &amp;",
		"&copy; &quot; &#39; & &am &":                   "&copy; &quot; &#39; & &am &",
		"see https://t.co/abc.":                         "see https://e.test/?a=1&amp;b=2&lt;.",
		"https://t.co/abcd https://t.co/abc":            "http://e.test/2 https://e.test/?a=1&amp;b=2&lt;",
		"https://t.co/abcde http://t.co/abc":            "https://t.co/abcde http://t.co/abc",
		"https://t.co/js https://t.co/none https://t.c": "https://t.co/js https://t.co/none https://t.c",
		"(https://t.co/abc) https://t.co/":              "(https://e.test/?a=1&amp;b=2&lt;) https://t.co/",
		"h hh https:// ü👋":                              "h hh https:// ü👋",
	} {
		text, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		got := one(t, inMessage(`"text":`+string(text)+`,"entities":{"urls":`+urls+`}`)).Message.Text
		if got != want {
			t.Errorf("%q reads %q, want %q", written, got, want)
		}
	}
}

// inPost is a push of one post of 55 with the members.
func inPost(members string) string {
	return `{"for_user_id":"1","tweet_create_events":[{"id":1812345678901234600,"id_str":"1812345678901234567","timestamp_ms":"1705314600123",
		"user":{"id":55,"id_str":"55","name":"Ada","screen_name":"ada"},` + members + `}]}`
}

func TestParse_ReadsPostsThatAreMeantForTheAccount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body, text string
		more       object
	}{
		"mentioned":                {inPost(`"text":"@us hi","entities":{"user_mentions":[{"id":1,"id_str":"1"}]}`), "@us hi", nil},
		"nothing said of entities": {inPost(`"text":"@us hi"`), "@us hi", nil},
		"answered":                 {inPost(`"text":"hi","entities":{},"in_reply_to_user_id_str":"1","in_reply_to_status_id_str":"900"`), "hi", object{"replyToMessageId": "900"}},
		"long, mentioned at its end": {inPost(`"text":"Once…","truncated":true,"entities":{"user_mentions":[]},
			"extended_tweet":{"full_text":"Once upon a time &amp; @us","entities":{"user_mentions":[{"id_str":"1"}]}}`), "Once upon a time & @us", nil},
		"with a picture": {inPost(`"text":"@us look https://t.co/pic","entities":{"user_mentions":[{"id_str":"1"}],"media":[{"url":"https://t.co/pic"}]},
			"extended_entities":{"media":[{"id_str":"5","type":"photo","url":"https://t.co/pic","media_url_https":"https://pbs.twimg.com/1.jpg"}]}`), "@us look",
			object{"messageType": "image", "mediaId": "5", "mediaUrl": "https://pbs.twimg.com/1.jpg"}},
	} {
		got := one(t, tt.body)
		want := object{"provider": "x", "kind": "mention", "forUserId": "1", "profileName": "Ada", "username": "ada"}
		for k, v := range tt.more {
			want[k] = v
		}
		m := got.Message
		if diff := cmp.Diff(want, m.Metadata); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if m.Text != tt.text || !m.Review || m.Quiet || m.From != "55" || m.ProviderID != "1812345678901234567" || m.Content["kind"] != "mention" ||
			m.Content["postUrl"] != "https://x.com/ada/status/1812345678901234567" {
			t.Errorf("%s: got %+v", name, m)
		}
		if got.Dedup != "post:1:1812345678901234567" || !got.At.Equal(time.UnixMilli(1705314600123)) {
			t.Errorf("%s: update %+v", name, got)
		}
	}
	blocked := one(t, `{"user_has_blocked":true,`+inPost(`"text":"@us!!","entities":{}`)[1:])
	if !blocked.Message.Quiet || !blocked.Message.Review {
		t.Errorf("somebody who is blocked would be answered: %+v", blocked.Message)
	}
}

// inEvent is one event of the newer API.
func inEvent(kind, payload, includes string) string {
	return fmt.Sprintf(`{"data":{"event_uuid":"-77","filter":{"user_id":"1"},"event_type":%q,"payload":%s,"includes":%s}}`, kind, payload, includes)
}

func TestParse_ReadsPostsOfTheNewerAPI(t *testing.T) {
	t.Parallel()
	const mention = `{"id":"900","author_id":"55","created_at":"2026-07-24T21:23:23.000Z","text":"@us &lt;3 https://t.co/a https://t.co/p","conversation_id":"900",
		"entities":{"mentions":[{"id":"1"}],"urls":[{"url":"https://t.co/a","expanded_url":"https://e.test"},{"url":"https://t.co/p","expanded_url":"https://x.com/ada/status/900/photo/1","media_key":"3_5"}]},
		"attachments":{"media_keys":["3_5"]},"referenced_tweets":[{"type":"replied_to","id":"800"}]}`
	const includes = `{"users":[{"id":"1","name":"Us","username":"us"},{"data":{"id":"55","name":"Ada","username":"ada"}}],"media":[{"media_key":"3_5","type":"photo","url":"https://pbs.twimg.com/5.jpg"}]}`
	got := one(t, inEvent("post.mention.create", mention, includes))
	want := &hookswitch.InboundMessage{
		ProviderID: "900", From: "55", ProfileName: "Ada", Text: "@us <3 https://e.test", Marker: "[image]", Kind: "image", Type: "image", Review: true,
		Content: object{"kind": "mention", "postUrl": "https://x.com/ada/status/900", "replyToProviderMessageId": "800", "mediaUrl": "https://pbs.twimg.com/5.jpg", "mediaId": "3_5"},
		Metadata: object{"provider": "x", "kind": "mention", "forUserId": "1", "profileName": "Ada", "username": "ada", "replyToMessageId": "800",
			"mediaUrl": "https://pbs.twimg.com/5.jpg", "mediaId": "3_5", "messageType": "image"},
	}
	if diff := cmp.Diff(want, got.Message); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !got.At.Equal(time.Date(2026, 7, 24, 21, 23, 23, 0, time.UTC)) || got.Address != "1" {
		t.Errorf("update %+v", got)
	}
	// A reply that also mentions is told twice, and is one message.
	if again := one(t, inEvent("post.reply.create", mention, includes)); again.Dedup != got.Dedup {
		t.Errorf("keys %s and %s of one post", got.Dedup, again.Dedup)
	}
	long := one(t, inEvent("post.mention.create", `{"id":"901","author_id":"55","text":"Once…","note_tweet":{"text":"Once upon a time"}}`, `{}`))
	if long.Message.Text != "Once upon a time" || long.Message.From != "55" {
		t.Errorf("a long post reads %+v", long.Message)
	}
	if url := long.Message.Content["postUrl"]; url != "https://x.com/i/status/901" {
		t.Errorf("address of a post of somebody unknown: %s", url)
	}
}

func TestParse_KnowsADirectMessageWhicheverAPITellsIt(t *testing.T) {
	t.Parallel()
	old := inMessage(`"text":"hi"`)
	newer := inEvent("dm.received", old, `{}`)
	if a, b := one(t, old), one(t, newer); a.Dedup != b.Dedup || b.Address != "1" || b.Message.Text != "hi" {
		t.Errorf("keys %s and %s, %+v", a.Dedup, b.Dedup, b.Message)
	}
}

func TestParse_ReadsAListOfEvents(t *testing.T) {
	t.Parallel()
	event := func(user, id string) string {
		return fmt.Sprintf(`{"filter":{"user_id":%q},"event_type":"post.mention.create","payload":{"id":%q,"author_id":"55","text":"hi"}}`, user, id)
	}
	got := parse(t, `{"data":[`+event("1", "900")+`,7,`+event("2", "901")+`]}`)
	if len(got) != 3 || got[0].Address != "1" || got[1].Broken == nil || got[2].Address != "2" || got[2].Message.ProviderID != "901" {
		t.Errorf("got %+v", got)
	}
}

func TestParse_SecretMessagesAreUnsupported(t *testing.T) {
	t.Parallel()
	got := one(t, inEvent("chat.received", `{"id":"e4f4","sender_id":"55","created_at_msec":"1784841183370","encoded_event":"CwAB"}`, `null`))
	if m := got.Message; !m.Unsupported || !m.Quiet || m.From != "55" || m.ProviderID != "e4f4" || m.Content["unsupportedType"] != "encrypted" {
		t.Errorf("got %+v", m)
	}
}

func TestParse_TellsWhatHasBeenRead(t *testing.T) {
	t.Parallel()
	const mark = `{"created_timestamp":"1518452444662","sender_id":"55","target":{"recipient_id":"1"},"last_read_event_id":"963085315333238788"}`
	want := &hookswitch.MessageReceipt{ProviderID: "963085315333238788", Recipient: "55", Status: hookswitch.StatusRead,
		Upto: time.Date(2018, 2, 12, 16, 20, 7, 92e6, time.UTC)} // when X gave the message its id
	for name, body := range map[string]string{
		"the older API": `{"for_user_id":"1","direct_message_mark_read_events":[` + mark + `],"users":{}}`,
		"the newer API": inEvent("dm.read", `{"direct_message_mark_read_events":[`+mark+`]}`, `{}`),
	} {
		got := one(t, body)
		if diff := cmp.Diff(want, got.Receipt); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if got.Dedup != "read:1:55:963085315333238788" || !got.At.Equal(time.UnixMilli(1518452444662)) {
			t.Errorf("%s: update %+v", name, got)
		}
	}
	// An id from before ids had times in them says nothing of other messages.
	got := one(t, `{"for_user_id":"1","direct_message_mark_read_events":[{"sender_id":"55","last_read_event_id":"20"}]}`)
	if !got.Receipt.Upto.IsZero() || !got.At.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func TestParse_HearsNothingOfWhatNobodyWroteToUs(t *testing.T) {
	t.Parallel()
	own := `{"type":"message_create","id":"9","message_create":{"sender_id":"1","target":{"recipient_id":"55"},"message_data":{"text":"loop"}}}`
	for name, body := range map[string]string{
		"our own message":              `{"for_user_id":"1","direct_message_events":[` + own + `]}`,
		"our own, told as sent":        inEvent("dm.sent", `{"direct_message_events":[`+own+`]}`, `{}`),
		"what another told as sent":    inEvent("dm.sent", inMessage(`"text":"x"`), `{}`),
		"somebody who joins":           `{"for_user_id":"1","direct_message_events":[{"type":"participants_join","id":"9"}]}`,
		"what we have read":            `{"for_user_id":"1","direct_message_mark_read_events":[{"sender_id":"1","last_read_event_id":"9"}]}`,
		"our own post":                 `{"for_user_id":"55",` + inPost(`"text":"@us hi","entities":{"user_mentions":[{"id_str":"55"}]}`)[len(`{"for_user_id":"1",`):],
		"our own post, newer":          inEvent("post.mention.create", `{"id":"9","author_id":"1","text":"@us"}`, `{}`),
		"a repost":                     inPost(`"text":"RT @us","retweeted_status":{"id_str":"1"},"entities":{"user_mentions":[{"id_str":"1"}]}`),
		"a repost, newer":              inEvent("post.mention.create", `{"id":"9","author_id":"55","text":"RT @us","referenced_tweets":[{"type":"retweeted","id":"1"}]}`, `{}`),
		"a post that quotes us":        inPost(`"text":"look","is_quote_status":true,"entities":{"user_mentions":[]}`),
		"a post to somebody else":      inPost(`"text":"@them","entities":{"user_mentions":[{"id_str":"2"}]}`),
		"our own post by the newer":    inEvent("post.create", `{"id":"9","author_id":"1","text":"news"}`, `{}`),
		"our own secret message":       inEvent("chat.received", `{"id":"9","sender_id":"1"}`, `{}`),
		"a like":                       `{"for_user_id":"1","favorite_events":[{"id":"a"}]}`,
		"a deleted post":               `{"for_user_id":"1","tweet_delete_events":[{"status":{"id":"1"}}]}`,
		"typing":                       inEvent("dm.indicate_typing", `{}`, `{}`),
		"a decision of a kind to come": `{"user_event":{"grant":{"source":{"user_id":"1"}}}}`,
		"the end of a replay":          `{"replay_job_status":{"job_state":"Complete"}}`,
		"an event of a kind to come":   inEvent("quantum.observed", `[1]`, `null`),
		"an empty push":                `{}`,
		"members of null":              `{"for_user_id":null,"direct_message_events":null,"data":null}`,
	} {
		if got := parse(t, body); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestParse_AnItemThatCannotBeReadSpoilsNoOther(t *testing.T) {
	t.Parallel()
	good := `{"type":"message_create","id":"%d","message_create":{"sender_id":"55","message_data":{"text":"ok"}}}`
	for name, bad := range map[string]string{
		"no object": `7`, "no id": `{"type":"message_create","message_create":{"sender_id":"55"}}`, "no sender": `{"type":"message_create","id":"5"}`,
		"odd data": `{"type":"message_create","id":"5","message_create":{"sender_id":"55","message_data":[]}}`,
	} {
		got := parse(t, `{"for_user_id":"1","direct_message_events":[`+fmt.Sprintf(good, 1)+`,`+bad+`,`+fmt.Sprintf(good, 2)+`]}`)
		if len(got) != 3 || got[0].Message == nil || got[1].Broken == nil || got[2].Message == nil || got[1].Address != "1" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for name, body := range map[string]string{
		"messages of another form": `{"for_user_id":"1","direct_message_events":{"id":1}}`,
		"data of another form":     `{"data":[1]}`,
		"a payload that is none":   inEvent("dm.received", `7`, `{}`),
		"a post without author":    inEvent("post.mention.create", `{"id":"1"}`, `{}`),
		"a post that is none":      inPost(`"entities":7`),
		"a mark without reader":    `{"for_user_id":"1","direct_message_mark_read_events":[{"last_read_event_id":"9"}]}`,
		"a mark of nothing":        `{"for_user_id":"1","direct_message_mark_read_events":[{"sender_id":"9"}]}`,
		"a secret without sender":  inEvent("chat.received", `{"id":"9"}`, `{}`),
	} {
		if got := one(t, body); got.Broken == nil || got.Dedup == "" {
			t.Errorf("%s: got %+v, want a broken update", name, got)
		}
	}
}

func TestParse_TellsOfTheEndOfAPermission(t *testing.T) {
	t.Parallel()
	older := `{"user_event":{"revoke":{"date_time":"2018-05-24T09:48:12+00:00","target":{"app_id":"13090192"},"source":{"user_id":"63046977"}}}}`
	later := strings.Replace(older, "09:48", "10:48", 1)
	newer := inEvent("oauth.revoke", `{"app_id":"13090192"}`, `{}`)
	seen := make(map[string]bool)
	for body, account := range map[string]string{older: "63046977", later: "63046977", newer: "1"} {
		got := one(t, body)
		if got.Revoked == nil || got.Revoked.Cause == "" || got.Address != account || got.Dedup == "" || seen[got.Dedup] {
			t.Errorf("%s: got %+v", body, got)
		}
		seen[got.Dedup] = true
		if body == older && !got.At.Equal(time.Date(2018, 5, 24, 9, 48, 12, 0, time.UTC)) {
			t.Errorf("at %s", got.At)
		}
	}
	if got := one(t, `{"user_event":7}`); got.Broken == nil {
		t.Errorf("a decision that is none: %+v", got)
	}
}

func TestParse_TellsTheSameTwiceInOnePushOnce(t *testing.T) {
	t.Parallel()
	item := `{"type":"message_create","id":"9","message_create":{"sender_id":"55","message_data":{"text":"ok"}}}`
	if got := parse(t, `{"for_user_id":"1","direct_message_events":[`+item+`,`+item+`]}`); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}
