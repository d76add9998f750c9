package meta_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

const (
	person = "5934885523264821"
	pageID = "1906385232743451"
)

// inItem wraps members into a push of one thing that happened on Messenger, or on Instagram.
func inItem(object, members string) string {
	return `{"object":"` + object + `","entry":[{"id":"` + pageID + `","time":1749854575111,"messaging":[` + item(members) + `]}]}`
}

func item(members string) string {
	return `{"sender":{"id":"` + person + `"},"recipient":{"id":"` + pageID + `"},"timestamp":1749854574567,` + members + `}`
}

// oneItem parses a push of one thing on Messenger.
func oneItem(t *testing.T, object, members string) hookswitch.Update {
	t.Helper()
	updates := parse(t, inItem(object, members))
	if len(updates) != 1 {
		t.Fatalf("%s: %d updates, want 1: %+v", members, len(updates), updates)
	}
	return updates[0]
}

func TestParse_ReadsEachKindOfDirectMessage(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type list = []any
	with := func(a object, more object) object {
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	media := func(kind string) hookswitch.InboundMessage {
		return hookswitch.InboundMessage{Marker: "[" + kind + "]", Kind: kind, Type: kind, Content: object{"mediaUrl": "https://x.test/a"}, Metadata: object{"mediaUrl": "https://x.test/a"}}
	}
	sticker := media("sticker")
	sticker.Content["stickerId"], sticker.Metadata["stickerId"] = "11", "11"
	both := media("sticker")
	both.Content = with(both.Content, object{"stickerId": "11", "media": list{object{"type": "image", "url": "https://x.test/b"}, object{"type": "sticker", "url": "https://x.test/a"}}})
	both.Metadata["stickerId"] = "11"
	thumb := media("sticker")
	thumb.Text, thumb.Content["stickerId"], thumb.Metadata["stickerId"] = "👍", "369239263222822", "369239263222822"
	share := func(kind string, more object) hookswitch.InboundMessage {
		return hookswitch.InboundMessage{Marker: "[share]", Kind: "share", Type: "text", Metadata: object{"mediaUrl": "https://x.test/a"},
			Content: with(object{"kind": "share", "shareType": kind, "mediaUrl": "https://x.test/a"}, more)}
	}
	link := share("fallback", object{"title": "A page"})
	link.Text = "look: https://x.test/a"
	none := func(kind string) hookswitch.InboundMessage { return unsupported(kind, "", "") }
	const file = `"attachments":[{"type":"%s","payload":{"url":"https:\/\/x.test\/a"}}]`
	tests := []struct {
		name, message string
		want          hookswitch.InboundMessage // less what is the same for all
	}{
		{"text", `"text":"Grüße"`, hookswitch.InboundMessage{Text: "Grüße", Type: "text"}},
		{"quick reply", `"text":"Red","quick_reply":{"payload":"RED"}`, hookswitch.InboundMessage{Text: "Red", Marker: "[quick_reply]", Kind: "quick_reply", Type: "text",
			Content: object{"payload": "RED"}, Metadata: object{"payload": "RED"}}},
		{"image", fmt.Sprintf(file, "image"), media("image")},
		{"video", fmt.Sprintf(file, "video"), media("video")},
		{"audio", fmt.Sprintf(file, "audio"), media("audio")},
		{"file", fmt.Sprintf(file, "file"), media("document")},
		{"sticker of its own type", `"attachments":[{"type":"sticker","payload":{"url":"https:\/\/x.test\/a","sticker_id":11}}]`, sticker},
		{"sticker as a picture", `"attachments":[{"type":"image","payload":{"url":"https:\/\/x.test\/a","sticker_id":11}}]`, sticker},
		{"sticker beside its picture", `"attachments":[{"type":"image","payload":{"url":"https:\/\/x.test\/b"}},{"type":"sticker","payload":{"url":"https:\/\/x.test\/a","sticker_id":11}}]`, both},
		{"thumb", `"attachments":[{"type":"image","payload":{"url":"https:\/\/x.test\/a","sticker_id":369239263222822}}]`, thumb},
		{"heart", `"attachments":[{"type":"like_heart"}]`, hookswitch.InboundMessage{Text: "❤️", Marker: "[sticker]", Kind: "sticker", Type: "sticker"}},
		{"location", `"attachments":[{"type":"location","title":"Pin","payload":{"coordinates":{"lat":1.2,"long":-1.3}}}]`, hookswitch.InboundMessage{
			Marker: "[location]", Kind: "location", Type: "location",
			Content: object{"latitude": 1.2, "longitude": -1.3, "locationName": "Pin"}, Metadata: object{"latitude": 1.2, "longitude": -1.3}}},
		{"link in a text", `"text":"look: https:\/\/x.test\/a","attachments":[{"type":"fallback","payload":{"url":"https:\/\/x.test\/a","title":"A page"}}]`, link},
		{"share", fmt.Sprintf(file, "share"), share("share", nil)},
		{"reel", fmt.Sprintf(file, "ig_reel"), share("ig_reel", nil)},
		{"post", `"attachments":[{"type":"ig_post","payload":{"url":"https:\/\/x.test\/a","title":"T","ig_post_media_id":"7"}}]`, share("ig_post", object{"title": "T"})},
		{"story mention", fmt.Sprintf(file, "story_mention"), hookswitch.InboundMessage{Marker: "[story_mention]", Kind: "story_mention", Type: "text",
			Content: object{"kind": "story_mention", "mediaUrl": "https://x.test/a"}, Metadata: object{"mediaUrl": "https://x.test/a"}}},
		{"picture in reply to a story", fmt.Sprintf(file, "image") + `,"reply_to":{"story":{"id":"17","url":"https:\/\/x.test\/s"}}`, hookswitch.InboundMessage{
			Marker: "[story_reply]", Kind: "story_reply", Type: "image",
			Content:  object{"kind": "story_reply", "mediaUrl": "https://x.test/a", "story": object{"id": "17", "url": "https://x.test/s"}},
			Metadata: object{"mediaUrl": "https://x.test/a", "storyId": "17", "storyUrl": "https://x.test/s"}}},
		{"after an ad", `"text":"hi","referral":{"ref":"r","source":"ADS","type":"OPEN_THREAD","ad_id":6045246247433,"ads_context_data":{"ad_title":"Sale","photo_url":"p","video_url":"v","post_id":"8"},"product":{"id":"9"}}`,
			hookswitch.InboundMessage{Text: "hi", Type: "text", Metadata: object{"ref": "r"}, Content: object{"referral": object{"ref": "r", "source": "ADS", "type": "OPEN_THREAD",
				"sourceId": "6045246247433", "sourceType": "ad", "headline": "Sale", "imageUrl": "p", "videoUrl": "v", "postId": "8", "productId": "9"}}}},
		{"not supported", `"is_unsupported":true`, none("")},
		{"nothing at all", `"text":""`, none("")},
		{"an unknown attachment", `"attachments":[{"type":"hologram","payload":{}}]`, none("hologram")},
		{"seen once", `"attachments":[{"type":"ephemeral"}]`, none("ephemeral")},
		{"a share that is not passed on", `"attachments":[{"type":"fallback","payload":null}]`, none("fallback")},
	}
	for _, tt := range tests {
		for object, id := range map[string]string{"page": "pageId", "instagram": "instagramId"} {
			want := tt.want
			want.ProviderID, want.From, want.To = "m_1", person, pageID
			want.Metadata = map[string]any{"provider": "meta", id: pageID}
			for k, v := range tt.want.Metadata {
				want.Metadata[k] = v
			}
			if want.Kind != "" {
				want.Metadata["messageType"] = want.Kind
			}
			u := oneItem(t, object, `"message":{"mid":"m_1",`+tt.message+`}`)
			if u.Broken != nil || u.Dedup != "message:m_1" || u.Address != pageID || !u.At.Equal(time.UnixMilli(1749854574567)) {
				t.Errorf("%s on %s: got %+v", tt.name, object, u)
			}
			if diff := cmp.Diff(&want, u.Message); diff != "" {
				t.Errorf("%s on %s: -want +got\n%s", tt.name, object, diff)
			}
		}
	}
}

func TestParse_ReadsPostbacksAndReactions(t *testing.T) {
	t.Parallel()
	withID := oneItem(t, "instagram", `"postback":{"mid":"aWd","title":"Hours?","payload":"ICE_1"}`)
	if m := withID.Message; m == nil || m.ProviderID != "aWd" || m.Text != "Hours?" || m.Kind != "postback" || m.Content["payload"] != "ICE_1" || m.Quiet {
		t.Errorf("got %+v", withID)
	}
	const bare = `"postback":{"title":"Menu","payload":"M"}`
	one, again := oneItem(t, "page", bare), oneItem(t, "page", strings.ReplaceAll(bare, ":", " : "))
	if one.Dedup != again.Dedup || one.Message.ProviderID != again.Message.ProviderID || one.Message.ProviderID == "" {
		t.Errorf("the same postback in another layout: %q and %q", one.Dedup, again.Dedup)
	}
	for _, other := range []string{
		inItem("page", `"postback":{"title":"Menu","payload":"N"}`),
		strings.Replace(inItem("page", bare), "1749854574567", "1749854574568", 1),
		strings.Replace(inItem("page", bare), person, "1", 1),
	} {
		if u := parse(t, other); len(u) != 1 || u[0].Dedup == one.Dedup {
			t.Errorf("%s: got %+v, want another key than the first", other, u)
		}
	}
	for members, emoji := range map[string]string{
		`"reaction":{"mid":"m_0","action":"react","reaction":"love","emoji":"\u2764"}`: "❤",
		`"reaction":{"mid":"m_0","action":"react","reaction":"like"}`:                  "👍",
		`"reaction":{"mid":"m_0","action":"react","reaction":"other","emoji":"🦕"}`:     "🦕",
		`"reaction":{"mid":"m_0","action":"unreact","reaction":"love","emoji":"❤"}`:    "",
		`"reaction":{"mid":"m_0","action":"unreact"}`:                                  "",
	} {
		u := oneItem(t, "page", members)
		m := u.Message
		if m == nil || m.Text != emoji || m.Type != "reaction" || !m.Quiet || m.Content["emoji"] != emoji || m.Metadata["replyToMessageId"] != "m_0" || m.Metadata["actionable"] != false {
			t.Errorf("%s: got %+v", members, m)
		}
	}
}

func TestParse_ReadsReportsOfDirectMessages(t *testing.T) {
	t.Parallel()
	mark, at := time.UnixMilli(1749854570000).UTC(), time.UnixMilli(1749854574567).UTC()
	tests := []struct {
		members string
		want    []hookswitch.MessageReceipt
		dedup   string
		at      time.Time
	}{
		{`"delivery":{"mids":["m_1","","m_2"],"watermark":1749854570000}`, []hookswitch.MessageReceipt{{ProviderID: "m_1", Status: "delivered"}, {ProviderID: "m_2", Status: "delivered"}}, "delivered:m_1", mark},
		{`"delivery":{"mids":[],"watermark":"1749854570000"}`, []hookswitch.MessageReceipt{{Status: "delivered", Upto: mark}}, "delivered:" + person + ":2025-06-13T22:42:50Z", mark},
		{`"delivery":{"watermark":1749854570}`, []hookswitch.MessageReceipt{{Status: "delivered", Upto: mark}}, "delivered:" + person + ":2025-06-13T22:42:50Z", mark},
		{`"read":{"watermark":1749854570000}`, []hookswitch.MessageReceipt{{Status: "read", Upto: mark}}, "read:" + person + ":2025-06-13T22:42:50Z", mark},
		{`"read":{}`, []hookswitch.MessageReceipt{{Status: "read", Upto: at}}, "read:" + person + ":2025-06-13T22:42:54.567Z", at},
		{`"read":{"mid":"ig_9"}`, []hookswitch.MessageReceipt{{ProviderID: "ig_9", Status: "read", Upto: at}}, "read:ig_9", at},
	}
	for _, tt := range tests {
		updates := parse(t, inItem("page", tt.members))
		var got []hookswitch.MessageReceipt
		for _, u := range updates {
			if u.Receipt == nil || !u.At.Equal(tt.at) {
				t.Fatalf("%s: got %+v", tt.members, u)
			}
			got = append(got, *u.Receipt)
		}
		for i := range tt.want {
			tt.want[i].Recipient = person
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || updates[0].Dedup != tt.dedup {
			t.Errorf("%s: key %q, want %q; -want +got\n%s", tt.members, updates[0].Dedup, tt.dedup, diff)
		}
	}
}

func TestParse_ReadsWhatBecameOfDirectMessages(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]hookswitch.MessageChange{
		`"message_edit":{"mid":"m_1","text":"new","num_edit":2}`: {ProviderID: "m_1", Text: "new"},
		`"message":{"mid":"m_1","is_deleted":true}`:              {ProviderID: "m_1", Deleted: true},
	} {
		u := oneItem(t, "instagram", members)
		if u.Change == nil || *u.Change != want || strings.HasPrefix(u.Dedup, "message:") {
			t.Errorf("%s: got %+v", members, u)
		}
	}
	first, second := oneItem(t, "page", `"message_edit":{"mid":"m_1","text":"a","num_edit":1}`), oneItem(t, "page", `"message_edit":{"mid":"m_1","text":"b","num_edit":2}`)
	if first.Dedup == second.Dedup {
		t.Error("a second edit counts as the first told again")
	}
	first, second = oneItem(t, "page", `"message_edit":{"mid":"m_1","text":"a"}`), oneItem(t, "page", `"message_edit":{"mid":"m_1","text":"b"}`)
	if first.Dedup == second.Dedup {
		t.Error("without a count, a second edit counts as the first told again")
	}
}

func TestParse_AnEchoOfOursProvesThatItWasTaken(t *testing.T) {
	t.Parallel()
	echo := func(metadata string) string {
		return `{"object":"page","entry":[{"id":"` + pageID + `","messaging":[{"sender":{"id":"` + pageID + `"},"recipient":{"id":"` + person + `"},"timestamp":1749854574567,` +
			`"message":{"mid":"m_out","is_echo":true,"app_id":15,"metadata":"` + metadata + `","text":"Thanks"}}]}]}`
	}
	updates := parse(t, echo("hookswitch:msg_7"))
	want := &hookswitch.MessageReceipt{ProviderID: "m_out", Ref: "msg_7", Recipient: person, Status: hookswitch.StatusSent}
	if len(updates) != 1 || updates[0].Dedup != "echo:m_out" {
		t.Fatalf("got %+v", updates)
	}
	if diff := cmp.Diff(want, updates[0].Receipt); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, foreign := range []string{"", "gw:out_1", "hookswitch:", "msg_7"} {
		if updates := parse(t, echo(foreign)); len(updates) != 0 {
			t.Errorf("metadata %q: got %+v", foreign, updates)
		}
	}
}

func TestParse_TellsNothingOfWhatIsNotForUs(t *testing.T) {
	t.Parallel()
	own := func(members string) string {
		return strings.Replace(inItem("instagram", members), person, pageID, 1)
	}
	for name, body := range map[string]string{
		"echo":                inItem("page", `"message":{"mid":"m","is_echo":true,"text":"hi"}`),
		"own message":         own(`"message":{"mid":"m","is_self":true,"text":"hi"}`),
		"own postback":        own(`"postback":{"mid":"m","title":"x"}`),
		"own reaction":        own(`"reaction":{"mid":"m","action":"react","emoji":"x"}`),
		"standby":             strings.Replace(inItem("page", `"message":{"mid":"m","text":"hi"}`), `"messaging"`, `"standby"`, 1),
		"referral":            inItem("page", `"referral":{"ref":"r","source":"SHORTLINK","type":"OPEN_THREAD"}`),
		"opt-in":              inItem("page", `"optin":{"type":"notification_messages","payload":"x"}`),
		"opt-in of a visitor": strings.Replace(inItem("page", `"optin":{"ref":"x"}`), `"id":"`+person+`"`, `"user_ref":"u"`, 1),
		"account linking":     inItem("page", `"account_linking":{"status":"linked"}`),
		"policy enforcement":  inItem("page", `"policy_enforcement":{"action":"block"}`),
		"handover":            inItem("page", `"pass_thread_control":{"new_owner_app_id":"1"}`),
		"something new":       inItem("page", `"holograms":[1]`),
		"empty item":          `{"object":"instagram","entry":[{"id":"1","messaging":[{},null]}]}`,
		"members of null":     inItem("page", `"message":null,"postback":null,"read":null,"delivery":null`),
		"a post on the page":  `{"object":"page","entry":[{"id":"1","changes":[{"field":"feed","value":{"from":{"id":"2"},"message":"hello","item":"status"}}]}]}`,
		"a comment":           `{"object":"instagram","entry":[{"id":"1","changes":[{"field":"comments","value":{"id":"17","text":"nice"}}]}]}`,
		"standby of a button": `{"object":"page","entry":[{"id":"0","changes":[{"field":"standby","value":` + item(`"message":{"mid":"m","text":"x"}`) + `}]}]}`,
		"no entries":          `{"object":"page"}`,
		"an unknown object":   `{"object":"permissions","entry":"x"}`,
	} {
		if got := parse(t, body); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestParse_ReadsTheTestButtonsOfTheDashboard(t *testing.T) {
	t.Parallel()
	for object, ch := range map[string]hookswitch.Channel{"page": hookswitch.Messenger, "instagram": hookswitch.Instagram} {
		updates := parse(t, `{"object":"`+object+`","entry":[{"id":"0","time":1527459824,"changes":[`+
			`{"field":"messages","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1527459824","message":{"mid":"random_mid","text":"random_text"}}},`+
			`{"field":"messaging_postbacks","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1527459824","postback":{"mid":"test","title":"T","payload":"P"}}},`+
			`{"field":"message_reads","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1527459824","read":{"watermark":"1527459824"}}},`+
			`{"field":"messages","value":"odd"}]}]}`)
		if len(updates) != 4 || updates[0].Message == nil || updates[1].Message == nil || updates[2].Receipt == nil || updates[3].Broken == nil {
			t.Fatalf("%s: got %+v", object, updates)
		}
		if u := updates[0]; u.Channel != ch || u.Message.Text != "random_text" || u.Message.From != "12334" || !u.At.Equal(time.Unix(1527459824, 0)) || u.Address != "0" {
			t.Errorf("%s: got %+v", object, u)
		}
	}
}

func TestParse_OneBadDirectItemDoesNotSpoilTheOthers(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"message without id":     item(`"message":{"text":"x"}`),
		"message without sender": `{"recipient":{"id":"1"},"message":{"mid":"m","text":"x"}}`,
		"message of a text":      item(`"message":"x"`),
		"attachments of a text":  item(`"message":{"mid":"m","attachments":"x"}`),
		"postback of a list":     item(`"postback":[1]`),
		"postback of nobody":     `{"postback":{"title":"x"}}`,
		"reaction of a number":   item(`"reaction":7`),
		"reaction of nobody":     `{"reaction":{"mid":"m"}}`,
		"edit without id":        item(`"message_edit":{"text":"x"}`),
		"read by nobody":         `{"timestamp":1749854574567,"read":{}}`,
		"delivered at no time":   `{"sender":{"id":"1"},"delivery":{}}`,
		"sender of a text":       `{"sender":"1","message":{"mid":"m","text":"x"}}`,
		"item of a text":         `"x"`,
	} {
		good := item(`"message":{"mid":"m_%d","text":"ok"}`)
		body := `{"object":"page","entry":[{"id":"1","messaging":[` + fmt.Sprintf(good, 1) + `,` + bad + `,` + fmt.Sprintf(good, 2) + `]},{"id":"2","messaging":[` + fmt.Sprintf(good, 3) + `]}]}`
		updates := parse(t, body)
		if len(updates) != 4 || updates[1].Broken == nil || !strings.HasPrefix(updates[1].Dedup, "broken:") || updates[1].Channel != hookswitch.Messenger {
			t.Errorf("%s: got %+v", name, updates)
			continue
		}
		for _, i := range []int{0, 2, 3} {
			if updates[i].Message == nil || updates[i].Message.Text != "ok" {
				t.Errorf("%s: update %d is %+v", name, i, updates[i])
			}
		}
	}
	updates := parse(t, `{"object":"instagram","entry":["x",{"id":"1","messaging":"x"},{"id":"1","messaging":[`+item(`"message":{"mid":"m_1","text":"ok"}`)+`]}]}`)
	if len(updates) != 2 || updates[0].Message == nil || updates[1].Broken == nil || updates[1].Channel != hookswitch.Instagram {
		t.Errorf("odd entries: got %+v", updates)
	}
}
