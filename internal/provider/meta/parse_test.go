package meta_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
)

func parse(t *testing.T, body string) []hookswitch.Update {
	t.Helper()
	if !json.Valid([]byte(body)) {
		t.Fatalf("the test's own body is not JSON: %s", body)
	}
	updates, err := meta.New(meta.Options{}).Parse(&hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return updates
}

// inChange wraps members of a change's value into a push.
func inChange(members string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"9","changes":[{"value":{"messaging_product":"whatsapp",` +
		`"metadata":{"display_phone_number":"+1 555-078-3881","phone_number_id":"77"},` +
		`"contacts":[{"profile":{"name":"Ada"},"wa_id":"254712345678"}],` + members + `},"field":"messages"}]}]}`
}

// inMessage wraps members into a push of one message.
func inMessage(members string) string {
	return inChange(`"messages":[{"from":"254712345678","id":"wamid.1","timestamp":"1749416383",` + members + `}]`)
}

// one parses a push of one message.
func one(t *testing.T, members string) hookswitch.Update {
	t.Helper()
	updates := parse(t, inMessage(members))
	if len(updates) != 1 {
		t.Fatalf("%d updates, want 1: %+v", len(updates), updates)
	}
	return updates[0]
}

func TestParse_ReadsEachKindOfMessage(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type list = []any
	tests := []struct {
		name    string
		members string
		want    hookswitch.InboundMessage // less what is the same for all
	}{
		{"video", `"type":"video","video":{"id":1003383421387256999,"mime_type":"video/mp4"}`, hookswitch.InboundMessage{
			Marker: "[video]", Kind: "video", Type: "video",
			Content:  object{"mediaId": "1003383421387256999", "mimeType": "video/mp4"},
			Metadata: object{"mediaId": "1003383421387256999", "mimeType": "video/mp4", "messageType": "video"},
		}},
		{"sticker", `"type":"sticker","sticker":{"id":"5","mime_type":"image/webp","animated":true}`, hookswitch.InboundMessage{
			Marker: "[sticker]", Kind: "sticker", Type: "sticker",
			Content:  object{"mediaId": "5", "mimeType": "image/webp"},
			Metadata: object{"mediaId": "5", "mimeType": "image/webp", "messageType": "sticker"},
		}},
		{"audio file", `"type":"audio","audio":{"id":"5","mime_type":"audio/mpeg","voice":false}`, hookswitch.InboundMessage{
			Marker: "[audio]", Kind: "audio", Type: "audio",
			Content:  object{"mediaId": "5", "mimeType": "audio/mpeg"},
			Metadata: object{"mediaId": "5", "mimeType": "audio/mpeg", "messageType": "audio"},
		}},
		{"voice of older hooks", `"type":"voice","voice":{"id":"5","mime_type":"audio/ogg"}`, hookswitch.InboundMessage{
			Marker: "[voice]", Kind: "voice", Type: "audio",
			Content:  object{"mediaId": "5", "mimeType": "audio/ogg"},
			Metadata: object{"mediaId": "5", "mimeType": "audio/ogg", "messageType": "voice"},
		}},
		{"location without a name", `"type":"location","location":{"latitude":-1.2920659,"longitude":"36.8219462"}`, hookswitch.InboundMessage{
			Marker: "[location]", Kind: "location", Type: "location",
			Content:  object{"latitude": -1.2920659, "longitude": 36.8219462},
			Metadata: object{"latitude": -1.2920659, "longitude": 36.8219462, "messageType": "location"},
		}},
		{"contact known by id only", `"type":"contacts","contacts":[{"name":{"first_name":"Bo"},"phones":[{"wa_id":"15555555555"},{}]},{}]`, hookswitch.InboundMessage{
			Marker: "[contacts]", Kind: "contacts", Type: "contact",
			Content:  object{"contacts": list{object{"name": "Bo", "phones": list{"+15555555555"}}, object{"name": "", "phones": list{}}}},
			Metadata: object{"messageType": "contacts"},
		}},
		{"reaction", `"type":"reaction","reaction":{"message_id":"wamid.0","emoji":"👍"}`, hookswitch.InboundMessage{
			Text: "👍", Kind: "reaction", Type: "reaction", Quiet: true,
			Content:  object{"emoji": "👍", "reactToMessageId": "wamid.0"},
			Metadata: object{"replyToMessageId": "wamid.0", "messageType": "reaction", "actionable": false},
		}},
		{"reaction taken back", `"type":"reaction","reaction":{"message_id":"wamid.0"}`, hookswitch.InboundMessage{
			Kind: "reaction", Type: "reaction", Quiet: true,
			Content:  object{"emoji": "", "reactToMessageId": "wamid.0"},
			Metadata: object{"replyToMessageId": "wamid.0", "messageType": "reaction", "actionable": false},
		}},
		{"button without context", `"type":"button","button":{"text":"Yes","payload":"P1"}`, hookswitch.InboundMessage{
			Text: "Yes", Marker: "[button_reply]", Kind: "button_reply", Type: "text",
			Content:  object{"payload": "P1"},
			Metadata: object{"payload": "P1", "messageType": "button_reply"},
		}},
		{"flow", `"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"a\":9007199254740993}"}}`, hookswitch.InboundMessage{
			Text: "Sent", Marker: "[flow_reply]", Kind: "flow_reply", Type: "text",
			Content:  object{"kind": "flow_reply", "name": "flow", "payload": `{"a":9007199254740993}`},
			Metadata: object{"payload": `{"a":9007199254740993}`, "messageType": "flow_reply"},
		}},
		{"flow whose answer is no object", `"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"address_message","body":"Sent","response_json":null}}`, hookswitch.InboundMessage{
			Text: "Sent", Marker: "[flow_reply]", Kind: "flow_reply", Type: "text",
			Content:  object{"kind": "flow_reply", "name": "address_message"},
			Metadata: object{"messageType": "flow_reply"},
		}},
		{"order", `"type":"order","order":{"catalog_id":"55","text":"soon please","product_items":[{"product_retailer_id":"sku-1","quantity":2,"item_price":12.50,"currency":"USD"}]}`, hookswitch.InboundMessage{
			Text: "soon please", Marker: "[order]", Kind: "order", Type: "text",
			Content:  object{"kind": "order", "catalogId": "55", "items": list{object{"productId": "sku-1", "quantity": 2.0, "price": 12.5, "currency": "USD"}}},
			Metadata: object{"catalogId": "55", "messageType": "order"},
		}},
		{"forwarded often", `"type":"text","text":{"body":"hi"},"context":{"frequently_forwarded":true}`, hookswitch.InboundMessage{
			Text: "hi", Type: "text",
			Metadata: object{"forwarded": true, "frequentlyForwarded": true},
		}},
		{"about a product", `"type":"text","text":{"body":"hi"},"context":{"from":"15550783881","id":"wamid.0","referred_product":{"catalog_id":"55","product_retailer_id":"sku-1"}}`, hookswitch.InboundMessage{
			Text: "hi", Type: "text",
			Content: object{
				"replyToProviderMessageId": "wamid.0", "replyToFrom": "+15550783881",
				"referredProduct": object{"catalogId": "55", "productId": "sku-1"},
			},
			Metadata: object{"replyToMessageId": "wamid.0"},
		}},
		{"unknown", `"type":"unknown","errors":[{"code":131051,"title":"Unsupported message type"}]`, unsupported("unknown", "131051", "Unsupported message type")},
		{"request_welcome", `"type":"request_welcome"`, unsupported("request_welcome", "", "")},
		{"no type", `"text":{"body":"hi"}`, unsupported("", "", "")},
		{"interactive without its object", `"type":"interactive"`, unsupported("interactive", "", "")},
		{"interactive of a new kind", `"type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{}}`, unsupported("interactive", "", "")},
		{"image without its object", `"type":"image"`, unsupported("image", "", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			want.ProviderID, want.From, want.To, want.ProfileName = "wamid.1", "+254712345678", "+15550783881", "Ada"
			want.Metadata["provider"], want.Metadata["phoneNumberId"], want.Metadata["profileName"] = "meta", "77", "Ada"
			got := one(t, tt.members)
			if got.Broken != nil {
				t.Fatal(got.Broken)
			}
			if diff := cmp.Diff(&want, got.Message); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// unsupported is what is told of a message that cannot be read.
func unsupported(kind, code, text string) hookswitch.InboundMessage {
	m := hookswitch.InboundMessage{
		Marker: "[unsupported]", Kind: "unsupported", Type: "text", Unsupported: true, Quiet: true,
		Content:  map[string]any{"kind": "unsupported"},
		Metadata: map[string]any{"messageType": "unsupported", "actionable": false},
	}
	for name, v := range map[string]string{"unsupportedType": kind, "errorCode": code, "errorMessage": text} {
		if v != "" {
			m.Content[name] = v
		}
	}
	return m
}

func TestParse_TakesTheReasonFromTheChangeWhereTheMessageHasNone(t *testing.T) {
	t.Parallel()
	updates := parse(t, inChange(`"errors":[{"code":131051,"title":"Message type unknown"}],"messages":[{"from":"1","id":"wamid.1","timestamp":"1","type":"interactive"}]`))
	if len(updates) != 1 || updates[0].Message == nil || updates[0].Message.Content["errorCode"] != "131051" {
		t.Errorf("got %+v", updates)
	}
}

func TestParse_TellsNothingOfWhatIsNoMessage(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"group":                   inMessage(`"type":"text","text":{"body":"hi"},"group_id":"Y2FwaV9ncm91cDo"`),
		"group status":            inChange(`"statuses":[{"id":"wamid.1","status":"read","timestamp":"1","recipient_id":"Y2Fw","recipient_type":"group"}]`),
		"identity changed":        inMessage(`"type":"system","system":{"type":"customer_identity_changed","wa_id":"254700000000"}`),
		"system without object":   inMessage(`"type":"system"`),
		"number changed to same":  inMessage(`"type":"system","system":{"type":"user_changed_number","wa_id":"254712345678"}`),
		"status deleted":          inChange(`"statuses":[{"id":"wamid.1","status":"deleted","timestamp":"1"}]`),
		"status of a call":        inChange(`"statuses":[{"id":"wacid.1","status":"RINGING","timestamp":"1"}]`),
		"errors alone":            inChange(`"errors":[{"code":130429,"title":"Rate limit hit"}]`),
		"another field":           strings.Replace(inMessage(`"type":"text","text":{"body":"echo"}`), `"field":"messages"`, `"field":"smb_message_echoes"`, 1),
		"a field of another form": `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"flows","value":"x"}]}]}`,
		"object of another form":  `{"object":{"a":1},"entry":1}`,
		"null":                    `null`,
		"list":                    `[1,2]`,
		"text":                    `"whatsapp_business_account"`,
		"no entries":              `{"object":"whatsapp_business_account"}`,
		"null all over":           `{"object":"whatsapp_business_account","entry":[null,{"changes":[null,{"field":"messages","value":null}]}]}`,
	} {
		if got := parse(t, body); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestParse_RefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	for _, body := range []string{"", " ", "{", `{"object":"page"}}`, "\xef\xbb\xbf{}", "a=b", deep} {
		updates, err := meta.New(meta.Options{}).Parse(&hookswitch.Push{Body: []byte(body)})
		if hookswitch.KindOf(err) != hookswitch.Invalid || err == nil || len(updates) > 0 {
			t.Errorf("%.20q: %d updates, error %v", body, len(updates), err)
		}
	}
}

func TestParse_OneBadItemDoesNotSpoilTheOthers(t *testing.T) {
	t.Parallel()
	var items []string
	for i := range 100 {
		items = append(items, fmt.Sprintf(`{"from":"254712345678","id":"wamid.%d","timestamp":"1749416383","type":"text","text":{"body":"%d"}}`, i, i))
	}
	for name, bad := range map[string]string{
		"no id":             `{"from":"254712345678","timestamp":"1749416383","type":"text","text":{"body":"x"}}`,
		"no sender":         `{"id":"wamid.x","timestamp":"1749416383","type":"text","text":{"body":"x"}}`,
		"text is a text":    `{"from":"254712345678","id":"wamid.x","type":"text","text":"x"}`,
		"message is a text": `"x"`,
		"message is a list": `[]`,
	} {
		broken := append(append(append([]string{}, items[:50]...), bad), items[51:]...)
		updates := parse(t, inChange(`"messages":[`+strings.Join(broken, ",")+`],"statuses":[7,{"id":"wamid.s","status":"sent","timestamp":"1"}]`))
		good := 0
		for i, u := range updates {
			switch {
			case i == 50 || i == 100:
				if u.Broken == nil || !strings.HasPrefix(u.Dedup, "broken:") || u.Address != "77" || u.Channel != hookswitch.WhatsApp {
					t.Errorf("%s: update %d is %+v", name, i, u)
				}
			case u.Message != nil && u.Message.Text == fmt.Sprint(i), u.Receipt != nil && i == 101:
				good++
			}
		}
		if good != 100 || len(updates) != 102 {
			t.Errorf("%s: %d good of %d updates", name, good, len(updates))
		}
	}
}

func TestParse_OddMembersThatDescribeAMessageAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`"context":"wamid.0"`, `"referral":[]`, `"errors":{}`, `"image":"1"`, `"context":{"id":"wamid.0","referred_product":7}`, `"interactive":true`} {
		updates := parse(t, inChange(`"messages":[{"from":"254712345678","id":"wamid.1","timestamp":"1749416383","type":"text","text":{"body":"hi"},`+odd+`}]`))
		if len(updates) != 1 || updates[0].Message == nil || updates[0].Message.Text != "hi" || updates[0].Message.Unsupported || updates[0].Message.Content["referral"] != nil || updates[0].Message.Content["referredProduct"] != nil {
			t.Errorf("%s: got %+v", odd, updates)
		}
	}
	for _, odd := range []string{`"context":7,"text":"hi"`, `"text":"hi","context":7`, `"text":7`} {
		updates := parse(t, inChange(`"messages":[{"from":"254712345678","id":"wamid.1","timestamp":"1749416383","type":"text",`+odd+`}]`))
		if len(updates) != 1 || updates[0].Broken == nil {
			t.Errorf("%s, which says nothing: got %+v", odd, updates)
		}
	}
	updates := parse(t, inChange(`"statuses":[{"id":"wamid.1","status":"failed","timestamp":"1","recipient_id":"1650","errors":"odd"}]`))
	if len(updates) != 1 || updates[0].Receipt == nil || updates[0].Receipt.Status != hookswitch.StatusFailed {
		t.Errorf("a status with odd errors: got %+v", updates)
	}
}

func TestParse_OddSurroundingsDoNotSpoilMessages(t *testing.T) {
	t.Parallel()
	const message = `{"from":254712345678,"id":"wamid.1","timestamp":1749416383,"type":"text","text":{"body":"hi"}}`
	change := func(value string) string { return `{"field":"messages","value":` + value + `}` }
	for name, body := range map[string]string{
		"an entry that is a text":    `{"object":"whatsapp_business_account","entry":["x",{"changes":[` + change(`{"messages":[`+message+`]}`) + `]}]}`,
		"a change that is a number":  `{"object":"whatsapp_business_account","entry":[{"changes":[1,` + change(`{"messages":[`+message+`]}`) + `]}]}`,
		"a value that is a list":     `{"object":"whatsapp_business_account","entry":[{"changes":[` + change(`[]`) + `,` + change(`{"messages":[`+message+`]}`) + `]}]}`,
		"contacts that are a number": `{"object":"whatsapp_business_account","entry":[{"changes":[` + change(`{"contacts":5,"metadata":"x","messages":[`+message+`]}`) + `]}]}`,
	} {
		updates := parse(t, body)
		var messages, broken int
		for _, u := range updates {
			if u.Message != nil && u.Message.From == "+254712345678" && u.At.Equal(time.Unix(1749416383, 0)) {
				messages++
			}
			if u.Broken != nil {
				broken++
			}
		}
		if messages != 1 || broken != 1 {
			t.Errorf("%s: %d messages and %d broken items, want one each: %+v", name, messages, broken, updates)
		}
	}
}

func TestParse_MatchesProfilesById(t *testing.T) {
	t.Parallel()
	updates := parse(t, `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"77"},`+
		`"contacts":[{"profile":{"name":"Nobody"}},{"profile":{"name":"Both","username":"both"},"wa_id":"1","user_id":"US.1"},{"profile":{"name":"Hidden"},"user_id":"US.2"}],`+
		`"messages":[{"from_user_id":"US.2","id":"a","type":"text","text":{"body":"x"}},`+
		`{"from":"1","from_user_id":"US.1","id":"b","type":"text","text":{"body":"x"}},`+
		`{"from":"3","id":"c","type":"text","text":{"body":"x"}}]}}]}]}`)
	var got []string
	for _, u := range updates {
		got = append(got, fmt.Sprint(u.Message.From, " ", u.Message.ProfileName, " ", u.Message.Metadata["username"], " ", u.Message.Metadata["userId"]))
	}
	want := []string{"US.2 Hidden <nil> US.2", "+1 Both both US.1", "+3  <nil> <nil>"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParse_ReadsChangesOfIdentity(t *testing.T) {
	t.Parallel()
	for members, want := range map[string][]hookswitch.ContactChange{
		`"type":"system","system":{"type":"user_changed_number","wa_id":"254700000000"}`:                                         {{From: "+254712345678", To: "+254700000000"}},
		`"type":"system","system":{"type":"user_changed_number","new_wa_id":"254700000000"}`:                                     {{From: "+254712345678", To: "+254700000000"}},
		`"type":"system","system":{"type":"user_changed_number","wa_id":"254700000000","user_id":"US.2"}`:                        {{From: "+254712345678", To: "+254700000000"}, {From: "+254712345678", To: "US.2"}},
		`"from_user_id":"US.1","type":"system","system":{"type":"user_changed_user_id","user_id":"US.2","wa_id":"254700000000"}`: {{From: "US.1", To: "US.2"}},
	} {
		var got []hookswitch.ContactChange
		keys := map[string]bool{}
		for _, u := range parse(t, inMessage(members)) {
			if u.Contact != nil {
				got, keys[u.Dedup] = append(got, *u.Contact), true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(keys) != len(want) || !keys["message:wamid.1"] {
			t.Errorf("%s: keys %v, -want +got\n%s", members, keys, diff)
		}
	}
}

func TestParse_ReadsEditsAndRevocations(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]hookswitch.MessageChange{
		`"type":"edit","edit":{"original_message_id":"wamid.0","message":{"context":{"id":"M0"},"type":"text","text":{"body":"new"}}}`:  {ProviderID: "wamid.0", Text: "new"},
		`"type":"edit","edit":{"original_message_id":"wamid.0","message":{"type":"image","image":{"id":"5","caption":"new caption"}}}`:  {ProviderID: "wamid.0", Text: "new caption"},
		`"type":"edit","edit":{"original_message_id":"wamid.0","message":{"type":"image","image":{"id":"5","mime_type":"image/jpeg"}}}`: {ProviderID: "wamid.0"},
		`"type":"revoke","revoke":{"original_message_id":"wamid.0"}`:                                                                    {ProviderID: "wamid.0", Deleted: true},
	} {
		u := one(t, members)
		if u.Change == nil || *u.Change != want || u.Dedup != "message:wamid.1" || u.Message != nil {
			t.Errorf("%s: got %+v %+v", members, u, u.Change)
		}
	}
	for _, members := range []string{`"type":"edit"`, `"type":"edit","edit":{"message":{"type":"text"}}`, `"type":"revoke","revoke":{}`} {
		if u := one(t, members); u.Broken == nil {
			t.Errorf("%s: got %+v, want a broken item", members, u)
		}
	}
}

func TestParse_DecidesTheUnitOfTimesBySize(t *testing.T) {
	t.Parallel()
	for stamp, want := range map[string]time.Time{
		`"1749416383"`:         time.Unix(1749416383, 0),
		`1749416383`:           time.Unix(1749416383, 0),
		`"1749416383123"`:      time.UnixMilli(1749416383123),
		`1749416383123`:        time.UnixMilli(1749416383123),
		`"253402300800"`:       {},
		`253402300799000`:      time.Unix(253402300799, 0),
		`253402300800000`:      {},
		`"0"`:                  {},
		`"-1"`:                 {},
		`""`:                   {},
		`null`:                 {},
		`"soon"`:               {},
		`1.7e9`:                {},
		`{"a":1}`:              {},
		`99999999999999999999`: {},
	} {
		updates := parse(t, inChange(`"statuses":[{"id":"wamid.1","status":"sent","timestamp":`+stamp+`}]`))
		if len(updates) != 1 || !updates[0].At.Equal(want) {
			t.Errorf("%s: got %+v, want the time %v", stamp, updates, want)
		}
	}
}

func TestParse_ReadsStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		members, dedup string
		want           hookswitch.MessageReceipt
	}{
		{`"status":"played","recipient_id":"1650"`, "status:wamid.1:played", hookswitch.MessageReceipt{Recipient: "+1650", Status: hookswitch.StatusRead}},
		{`"status":"sent","recipient_user_id":"US.1","biz_opaque_callback_data":"msg_1"`, "status:wamid.1:sent", hookswitch.MessageReceipt{Recipient: "US.1", Ref: "msg_1", Status: hookswitch.StatusSent}},
		{`"status":"delivered","recipient_id":"1650","errors":[{"code":1}]`, "status:wamid.1:delivered", hookswitch.MessageReceipt{Recipient: "+1650", Status: hookswitch.StatusDelivered}},
		{`"status":"failed","recipient_id":"1650"`, "status:wamid.1:failed", hookswitch.MessageReceipt{Recipient: "+1650", Status: hookswitch.StatusFailed}},
		{`"status":"failed","errors":[{"code":"131000","message":"Something went wrong","error_data":"odd"}]`, "status:wamid.1:failed", hookswitch.MessageReceipt{
			Status: hookswitch.StatusFailed, ErrorCode: "131000", ErrorText: "Something went wrong", ErrorCategory: "temporary", Retriable: true,
		}},
		{`"status":"failed","errors":[{"code":131049,"title":"Withheld"},{"code":1}]`, "status:wamid.1:failed", hookswitch.MessageReceipt{
			Status: hookswitch.StatusFailed, ErrorCode: "131049", ErrorText: "Withheld", ErrorCategory: "policy",
		}},
		{`"status":"failed","errors":[{"code":131031,"title":"Account has been locked"}]`, "status:wamid.1:failed", hookswitch.MessageReceipt{
			Status: hookswitch.StatusFailed, ErrorCode: "131031", ErrorText: "Account has been locked", ErrorCategory: "policy", Revoked: true,
		}},
	}
	for _, tt := range tests {
		tt.want.ProviderID = "wamid.1"
		updates := parse(t, inChange(`"statuses":[{"id":"wamid.1","timestamp":"1",`+tt.members+`}]`))
		if len(updates) != 1 || updates[0].Receipt == nil || updates[0].Dedup != tt.dedup {
			t.Errorf("%s: got %+v", tt.members, updates)
			continue
		}
		if diff := cmp.Diff(&tt.want, updates[0].Receipt); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.members, diff)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte(inMessage(`"type":"text","text":{"body":"What is my balance?"}`))
	p, push := meta.New(meta.Options{}), &hookswitch.Push{Body: body}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Parse(push); err != nil {
			b.Fatal(err)
		}
	}
}
