package operator_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

const twoSenders = `{"senders":[
	{"name":"support","channel":"whatsapp","provider":"meta","rate":"5/s","credentials":{"app_secret":"s","access_token":"t","phone_number_id":"1"},"phoneNumber":"+15550001111"},
	{"name":"texts","channel":"sms","provider":"twilio","credentials":{"account_sid":"AC1","auth_token":"t"},"phoneNumber":"+15550002222"}]}`

func TestMessages_AreSentByTheOperator(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		a.do(200, "PUT", "/apps/"+app+"/senders", twoSenders)
		for _, s := range a.items("/apps/" + app + "/senders") {
			route := s.(object)["routes"].([]any)[0].(object)
			if want := map[any]any{"whatsapp": "5/s", "sms": nil}[route["channel"]]; route["rate"] != want {
				a.Errorf("rate %v, want %v", route["rate"], want)
			}
		}
		m := a.do(202, "POST", "/messages", `{"app":"`+app+`","sender":"texts","to":"+15551234567","text":"Hello","metadata":{"order":"7"}}`)
		if m["status"] != "queued" || m["channel"] != "sms" || m["from"] != "+15550002222" || m["type"] != "text" || m["direction"] != "outbound" {
			a.Errorf("message %v", m)
		}
		got := a.do(200, "GET", "/apps/"+app+"/messages/"+m["id"].(string), "")
		a.same("metadata", got["metadata"], map[string]any{"order": "7"})
		a.same("receipts", got["receipts"], []any{})
		again := a.do(202, "POST", "/messages", `{"app":"`+app+`","sender":"texts","to":"+15551234567","text":"Once more"}`)
		a.same("conversation", again["conversationId"], m["conversationId"])

		for body, wrong := range map[string]string{
			`{"to":"+15551234567","text":"x"}`:                                                                            "app",
			`{"app":"APP","to":"+15551234567","text":"x"}`:                                                                "sender",
			`{"app":"APP","sender":"support","text":"x"}`:                                                                 "to",
			`{"app":"APP","sender":"support","to":"+15551234567"}`:                                                        "text",
			`{"app":"APP","sender":"support","to":"+15551234567","type":"fax"}`:                                           "type",
			`{"app":"APP","sender":"texts","to":"+15551234567","type":"location","content":{"latitude":1,"longitude":2}}`: "type",
			`{"app":"APP","sender":"texts","to":"ada","text":"x"}`:                                                        "to",
			`{"app":"APP","sender":"texts","to":"+15551234567","text":"x","channel":"email"}`:                             "channel",
			`{"app":"APP","sender":"texts","to":"+15551234567","text":"x","channel":"pigeon"}`:                            "channel",
			`{"app":"APP","sender":"texts","to":"+15551234567","text":"x","content":[]}`:                                  "content",
		} {
			code, b := a.try("POST", "/messages", strings.ReplaceAll(body, "APP", app))
			if code < 400 || code >= 500 || !strings.Contains(string(b), `"`+wrong+`"`) {
				a.Errorf("%s: %d %s, want the field %s", body, code, b, wrong)
			}
		}
		if late := a.do(400, "POST", "/messages", `{"app":"`+app+`","sender":"support","to":"+15551234567","text":"Too late"}`); late["code"] != "whatsapp_window_closed" {
			a.Errorf("outside the window: %v", late)
		}
		a.same("parts", got["parts"], []any{})
		read := "/apps/" + app + "/messages/" + m["id"].(string) + "/read"
		a.do(400, "POST", read, "") // nobody reads what they have sent themselves
		a.do(400, "POST", read+"?typing=perhaps", "")
		a.do(404, "POST", "/apps/"+app+"/messages/msg_1/read", "")
		a.do(404, "POST", "/messages", `{"app":"`+app+`","sender":"nobody","to":"+15551234567","text":"x"}`)
		a.do(404, "POST", "/messages", `{"app":"nobody","sender":"support","to":"+15551234567","text":"x"}`)
	})
}

func TestStrays_AreReadWholeAndDeleted(t *testing.T) {
	each(t, func(a *api) {
		big := strings.Repeat("x", 40_000)
		for _, body := range []string{"\xff\xfe", big} {
			if err := a.service.KeepStray(a.Context(), "meta", "/in", "why", []byte(body)); err != nil {
				a.Fatal(err)
			}
		}
		list := a.items("/strays")
		newest, binary := list[0].(object), list[1].(object)
		if len(newest["body"].(string)) != 16<<10 {
			a.Errorf("the list shows %d bytes", len(newest["body"].(string)))
		}
		got := a.do(200, "GET", "/strays/"+newest["id"].(string), "")
		a.same("body", got["body"], big)
		got = a.do(200, "GET", "/strays/"+binary["id"].(string), "")
		a.same("what is no text", got["body"], nil)
		a.same("bytes", got["bodyBase64"], base64.StdEncoding.EncodeToString([]byte("\xff\xfe")))
		page := a.do(200, "GET", "/strays?limit=1", "")
		next := a.items("/strays?limit=1&cursor=" + page["nextCursor"].(string))
		a.same("the second page", next[0].(object)["id"], binary["id"])
		a.do(204, "DELETE", "/strays/"+binary["id"].(string), "")
		a.do(404, "GET", "/strays/"+binary["id"].(string), "")
		a.do(404, "DELETE", "/strays/"+binary["id"].(string), "")
		a.do(404, "GET", "/strays/stray_1", "")
	})
}

func TestDrafts_AreDecidedOn(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		sender := a.do(200, "PUT", "/apps/"+app+"/senders", twoSenders)["items"].([]any)[0].(object)["id"].(string)
		id := a.insertDraft(app, sender)
		path := func(what string) string { return "/drafts/" + id + what + "?app=" + app }
		list := a.items("/drafts?app=" + app + "&status=pending_review")
		d := list[0].(object)
		if len(list) != 1 || d["id"] != id || d["tweet_id"] != "900" || d["author_username"] != "ada" || d["tweet_text"] != "Hi?" || d["draft_reply"] != "Hi!" {
			a.Errorf("drafts %v", list)
		}
		a.do(400, "PATCH", path(""), `{"draft_reply":"`+strings.Repeat("x", 281)+`"}`)
		a.same("edited", a.do(200, "PATCH", path(""), `{"draft_reply":"Hello!"}`)["draft_reply"], "Hello!")
		d = a.do(200, "POST", path("/approve"), "")
		m := a.do(200, "GET", "/apps/"+app+"/messages/"+d["message_id"].(string), "")
		if d["status"] != "approved" || m["text"] != "Hello!" || m["status"] != "queued" {
			a.Errorf("draft %v, message %v", d, m)
		}
		a.do(409, "POST", path("/reject"), "")
		a.do(404, "GET", "/drafts/"+id+"?app="+a.newApp("Other"), "")
		a.do(400, "GET", "/drafts", "")
		a.same("waiting", len(a.items("/drafts?app="+app+"&status=pending_review")), 0)
	})
}

// insertDraft stores a draft with what it is about, and returns its id.
func (a *api) insertDraft(app, sender string) string {
	a.Helper()
	ids := a.service.IDs()
	appKey, _ := ids.Parse(hookswitch.KindApp, app)
	senderKey, _ := ids.Parse(hookswitch.KindSender, sender)
	conv := &hookswitch.Conversation{Key: a.service.NextKey(), App: appKey, Sender: senderKey, Contact: a.service.NextKey()}
	m := &hookswitch.Message{Key: a.service.NextKey(), App: appKey, Sender: senderKey, Conversation: conv.Key, Contact: conv.Contact, Direction: hookswitch.Inbound,
		Channel: hookswitch.WhatsApp, Type: "text", Status: hookswitch.StatusReceived, From: "+1555", Text: "Hi?", ProviderID: "900", Review: true}
	d := &hookswitch.Draft{Key: a.service.NextKey(), App: appKey, Sender: senderKey, Conversation: conv.Key, Message: m.Key, PostID: "900", Author: "ada", PostText: "Hi?",
		Reply: "Hi!", Status: hookswitch.DraftPending}
	err := a.store.Update(a.Context(), func(tx *store.Tx) error {
		if err := tx.InsertConversation(conv); err != nil {
			return err
		}
		if err := tx.InsertMessage(m); err != nil {
			return err
		}
		return tx.InsertDraft(d)
	})
	if err != nil {
		a.Fatal(err)
	}
	return ids.Format(hookswitch.KindDraft, d.Key)
}
