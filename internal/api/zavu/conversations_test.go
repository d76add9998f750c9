package zavu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

// Section 9: conversations.
func TestConversations_AreShownListedAndRead(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.whatsApp("100")
		a.whatsApp("200")
		first := a.hear("100", "+14155550001", "Hi")
		a.Clock.Advance(1e6)
		second := a.hear("200", "US.13491208655302741918", "Hello")
		a.Clock.Advance(1e6)
		id := first["conversationId"].(string)
		c := a.do("GET", "/conversations/"+id, "").is(200).json()["conversation"].(object)
		want := object{
			"id": id, "contactIdentifier": "+14155550001", "contactId": c["contactId"], "channels": []any{"whatsapp"}, "senderId": first["senderId"], "messageCount": 1.0, "unreadCount": 1.0,
			"lastMessage": object{"id": first["id"], "text": "Hi", "channel": "whatsapp", "direction": "inbound", "at": "2025-03-14T12:00:00.000Z"},
			"createdAt":   "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z",
		}
		if d := cmp.Diff(want, c); d != "" {
			t.Error(d)
		}
		ids := func(query string) (out []string) {
			t.Helper()
			cursor := ""
			for {
				page := a.do("GET", "/conversations?limit=1"+query+cursor, "").is(200).json()
				for _, it := range page["items"].([]any) {
					out = append(out, it.(object)["id"].(string))
				}
				next, ok := page["nextCursor"].(string)
				if !ok {
					return out
				}
				cursor = "&cursor=" + next
			}
		}
		other := second["conversationId"].(string)
		check := func(query string, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, ids(query)); d != "" {
				t.Errorf("%q: %s", query, d)
			}
		}
		check("", other, id)
		check("&channel=whatsapp", other, id)
		check("&channel=email")
		check("&senderId="+first["senderId"].(string), id)
		check("&senderId="+first["senderId"].(string)+"&channel=whatsapp", id)
		check("&senderId=snd_x")
		check("&search=%2B1+(415)+555", id)
		check("&search=US.1349", other)
		check("&search=US.1349&senderId=" + first["senderId"].(string))
		check("&search=us.1349&channel=whatsapp", other)
		check("&search=")
		if got := a.do("GET", "/conversations/"+other, "").is(200).json()["conversation"].(object)["whatsapp"]; cmp.Diff(object{"bsuid": "US.13491208655302741918"}, got) != "" {
			t.Errorf("whatsapp: %v", got)
		}

		// The one that is busy comes first.
		m := a.do("POST", "/messages", `{"to":"+14155550001","text":"Yes","channel":"whatsapp"}`, header("Zavu-Sender", first["senderId"].(string))).is(202).json()["message"].(object)
		check("", id, other)
		list := a.do("GET", "/conversations/"+id+"/messages", "").is(200).json()["items"].([]any)
		if len(list) != 2 || list[0].(object)["id"] != m["id"] || list[1].(object)["id"] != first["id"] {
			t.Errorf("messages %v", list)
		}
		c = a.do("POST", "/conversations/"+id+"/read", "").is(200).json()["conversation"].(object)
		if c["unreadCount"] != 0.0 || c["messageCount"] != 2.0 || c["lastMessage"].(object)["direction"] != "outbound" || c["contactIdentifier"] != "+14155550001" {
			t.Errorf("got %v", c)
		}
		for _, path := range []string{"/conversations/conv_x", "/conversations/conv_x/messages"} {
			a.do("GET", path, "").fails(404, "not_found")
		}
		b := a.project("Other")
		b.do("GET", "/conversations/"+id, "").fails(404, "not_found")
		b.do("GET", "/conversations/"+id+"/messages", "").fails(404, "not_found")
		b.do("POST", "/conversations/"+id+"/read", "").fails(404, "not_found")
	})
}

func TestContacts_DeletingEndsTheirConversations(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.whatsApp("100")
		m := a.hear("100", "+14155550001", "Hi")
		sent := a.do("POST", "/messages", `{"to":"+14155550001","text":"Yes","channel":"whatsapp"}`).is(202).json()["message"].(object)
		c := a.do("GET", "/contacts/phone/+14155550001", "").is(200).json()
		a.do("DELETE", "/contacts/"+c["id"].(string), "").is(204)
		a.do("GET", "/conversations/"+m["conversationId"].(string), "").fails(404, "not_found")
		if got := a.do("GET", "/messages/"+sent["id"].(string), "").is(200).json()["message"].(object); got["status"] != "failed" || got["errorCode"] != "contact_deleted" {
			t.Errorf("got %v", got)
		}
		if list := a.Claim(hookswitch.DeliverMessage); len(list) != 0 {
			t.Errorf("%d sends are still due", len(list))
		}
		if got := a.hear("100", "+14155550001", "Again"); got["conversationId"] == m["conversationId"] {
			t.Error("the conversation lives on")
		}
		if types := a.Types(a.app); types[len(types)-2] != "conversation.new" {
			t.Errorf("events %v", types)
		}
	})
}
