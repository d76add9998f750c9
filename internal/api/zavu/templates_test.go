package zavu_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const templateBody = `{"name":"order_confirmation","language":"en","body":"Hi {{1}}, your order {{2}} has been confirmed.","variables":["customer_name","order_id"],"whatsappCategory":"MARKETING",
	"footer":"Thank you","headerType":"text","headerContent":"Hello","smsBody":"Order {{2}}","telegramBody":"t","instagramBody":"i",
	"buttons":[{"type":"quick_reply","text":"Stop"},{"type":"url","text":"Track","url":"https://example.com/{{1}}","example":"42"},{"type":"phone","text":"Call","phoneNumber":"+15551234567"}]}`

// Section 4 of the contract: the object, and that the category comes as whatsappCategory and goes as category.
func TestTemplates_HaveTheDocumentedFields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		made := a.do("POST", "/templates", templateBody).is(201).json()
		id, _ := made["id"].(string)
		if !strings.HasPrefix(id, "tpl_") {
			t.Errorf("id %q", id)
		}
		want := object{"id": id, "name": "order_confirmation", "language": "en", "body": "Hi {{1}}, your order {{2}} has been confirmed.", "category": "MARKETING", "status": "draft",
			"variables": []any{"customer_name", "order_id"}, "footer": "Thank you", "headerType": "text", "headerContent": "Hello", "smsBody": "Order {{2}}", "telegramBody": "t", "instagramBody": "i",
			"buttons": []any{object{"type": "quick_reply", "text": "Stop"}, object{"type": "url", "text": "Track", "url": "https://example.com/{{1}}", "example": "42"},
				object{"type": "phone", "text": "Call", "phoneNumber": "+15551234567"}},
			"createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z"}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, a.do("GET", "/templates/"+id, "").is(200).json()); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		second := a.do("POST", "/templates", `{"name":"x","language":"pt_BR","body":"Oi"}`).is(201).json()
		if second["category"] != "UTILITY" || second["whatsapp"] != nil {
			t.Errorf("with nothing but what is required: %v", second)
		}
		list := a.do("GET", "/templates?limit=1", "").is(200).json()
		if items := list["items"].([]any); len(items) != 1 || items[0].(object)["id"] != id || list["nextCursor"] == nil {
			t.Errorf("the first page, in the order of creation: %v", list)
		}
		list = a.do("GET", "/templates?limit=1&cursor="+list["nextCursor"].(string), "").is(200).json()
		if items := list["items"].([]any); len(items) != 1 || items[0].(object)["name"] != "x" || list["nextCursor"] != nil {
			t.Errorf("the last page: %v", list)
		}
		a.project("other").do("GET", "/templates/"+id, "").fails(404, "not_found")
		if d := a.do("GET", "/templates/tpl_unknown", "").fails(404, "not_found"); d["resource"] != "template" {
			t.Errorf("details %v", d)
		}
		if an := a.do("DELETE", "/templates/"+id, "").is(204); an.body != "" {
			t.Errorf("deleted with the body %q", an.body)
		}
		a.do("DELETE", "/templates/"+id, "").fails(404, "not_found")
	})
}

func TestCreateTemplate_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	base := `"name":"n","language":"en","body":"b"`
	for field, body := range map[string]string{
		"name":                   `{"language":"en","body":"b"}`,
		"language":               `{"name":"n","body":"b"}`,
		"body":                   `{"name":"n","language":"en"}`,
		"language ":              `{"name":"n","language":"English, please","body":"b"}`,
		"whatsappCategory":       `{` + base + `,"whatsappCategory":"OTHER"}`,
		"footer":                 `{` + base + `,"footer":"` + strings.Repeat("x", 61) + `"}`,
		"buttons":                `{` + base + `,"buttons":[` + strings.Repeat(`{"type":"quick_reply","text":"a"},`, 3) + `{"type":"quick_reply","text":"a"}]}`,
		"buttons[0].type":        `{` + base + `,"buttons":[{"type":"dance","text":"a"}]}`,
		"buttons[0].text":        `{` + base + `,"buttons":[{"type":"quick_reply"}]}`,
		"buttons[0].url":         `{` + base + `,"buttons":[{"type":"url","text":"a","url":"https://x.example/{{1}}/{{2}}"}]}`,
		"buttons[0].url ":        `{` + base + `,"buttons":[{"type":"url","text":"a"}]}`,
		"buttons[0].phoneNumber": `{` + base + `,"buttons":[{"type":"phone","text":"a","phoneNumber":"123"}]}`,
		"buttons[0].otpType":     `{` + base + `,"buttons":[{"type":"otp","text":"a"}]}`,
		"buttons[0].packageName": `{` + base + `,"buttons":[{"type":"otp","text":"a","otpType":"ONE_TAP","signatureHash":"x"}]}`,
		"headerType":             `{` + base + `,"headerType":"hologram","headerContent":"x"}`,
		"headerContent":          `{` + base + `,"headerType":"text"}`,
		"headerContent ":         `{` + base + `,"headerType":"image","headerContent":"photo"}`,
		"codeExpirationMinutes":  `{` + base + `,"codeExpirationMinutes":0}`,
		"codeExpirationMinutes ": `{` + base + `,"codeExpirationMinutes":91}`,
		"body ":                  `{"name":"n","language":"en","body":"{{1}} and {{3}}"}`,
		"body  ":                 `{"name":"n","language":"en","body":"{{1}} and {{name}}"}`,
		"body   ":                `{"name":"n","language":"en","body":"{{1"}`,
		"body    ":               `{"name":"n","language":"en","body":"{{2}}"}`,
		"smsBody":                `{` + base + `,"smsBody":"{{}}"}`,
		"body     ":              `{"name":"n","language":"en","body":"` + strings.Repeat("x", 1025) + `"}`,
	} {
		fields, _ := a.do("POST", "/templates", body).fails(400, "invalid_request")["fields"].(object)
		if names := slices.Collect(maps.Keys(fields)); len(names) != 1 || names[0] != strings.TrimSpace(field) {
			t.Errorf("%s: complains about %q", body, names)
		}
	}
	for _, good := range []string{
		`{` + base + `,"footer":"` + strings.Repeat("é", 60) + `","buttons":[{"type":"request_contact_info"}]}`,
		`{"name":"n","language":"en_US","body":"{{first_name}} {{contact.city}}"}`,
		`{` + base + `,"whatsappCategory":"AUTHENTICATION","addSecurityRecommendation":true,"codeExpirationMinutes":90,"buttons":[{"type":"otp","text":"Copy","otpType":"COPY_CODE"}]}`,
	} {
		a.do("POST", "/templates", good).is(201)
	}
}

// Section 4: submit only from draft, unknown sender 404; sync.
func TestSubmitTemplate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		sender := a.Service.IDs().Format(hookswitch.KindSender, a.Sender(a.app, "shop", hookswitch.WhatsApp, false).Key)
		id, _ := a.do("POST", "/templates", templateBody).is(201).json()["id"].(string)
		a.do("POST", "/templates/"+id+"/submit", `{}`).fails(400, "invalid_request")
		a.do("POST", "/templates/"+id+"/submit", `{"senderId":"`+sender+`","category":"FUN"}`).fails(400, "invalid_request")
		a.do("POST", "/templates/"+id+"/submit", `{"senderId":"snd_unknown"}`).fails(404, "not_found")
		got := a.do("POST", "/templates/"+id+"/submit", `{"senderId":"`+sender+`","category":"UTILITY"}`).is(200).json()
		if got["status"] != "pending" || got["category"] != "UTILITY" {
			t.Errorf("submitted: %v", got)
		}
		if diff := cmp.Diff(object{"templateName": "order_confirmation", "status": "PENDING"}, got["whatsapp"]); diff != "" {
			t.Errorf("whatsapp (-want +got):\n%s", diff)
		}
		a.do("POST", "/templates/"+id+"/submit", `{"senderId":"`+sender+`"}`).fails(400, "invalid_request")
		if _, err := a.Service.ApproveTemplate(context.Background(), a.app.Key, id, ""); err != nil {
			t.Fatal(err)
		}
		if got := a.do("GET", "/templates/"+id, "").is(200).json(); got["status"] != "approved" {
			t.Errorf("approved: %v", got)
		}
		want := object{"accountsSynced": 0., "imported": 0., "linked": 0., "updated": 0., "skipped": 0., "errors": []any{}}
		for _, body := range []string{"", `{}`} {
			if diff := cmp.Diff(want, a.do("POST", "/templates/sync", body).is(200).json()); diff != "" {
				t.Errorf("sync %q (-want +got):\n%s", body, diff)
			}
		}
		a.do("POST", "/templates/sync", `{"senderId":"snd_unknown"}`).fails(404, "not_found")
		a.with(a.newKey(false, hookswitch.ScopeMessagesWrite)).do("POST", "/templates", templateBody).fails(403, "forbidden")
	})
}

func TestCreateTemplate_ARepeatMakesOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		first := a.do("POST", "/templates", templateBody, idempotent("k")).is(201).json()
		if again := a.do("POST", "/templates", templateBody, idempotent("k")).is(201).json(); again["id"] != first["id"] {
			t.Errorf("a repeat made %v beside %v", again["id"], first["id"])
		}
		if other := a.project("other").do("POST", "/templates", templateBody, idempotent("k")).is(201).json(); other["id"] == first["id"] {
			t.Error("another project got this one's template")
		}
	})
}
