package zavu_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const senderBody = `{"name":"My Sender","phoneNumber":"+15551234567","webhookUrl":"https://your-app.com/webhooks/zavu","webhookEvents":["message.inbound","message.delivered","message.failed"]}`

func (a *api) sender(body string) string {
	a.TB.Helper()
	return a.do("POST", "/senders", body).is(201).json()["id"].(string)
}

// Sections 2.1 and 2.2: the published request and its answer.
func TestSenders_ThePublishedExample(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		an := a.do("POST", "/senders", senderBody).is(201)
		an.limited()
		got := an.json()
		id, secret := got["id"].(string), got["webhook"].(object)["secret"].(string)
		if !strings.HasPrefix(id, "snd_") || !regexp.MustCompile(`^whsec_[A-Za-z0-9]{32,}$`).MatchString(secret) {
			t.Errorf("id %q, secret %q", id, secret)
		}
		at := a.Clock.Now().Format("2006-01-02T15:04:05.000Z")
		want := object{
			"id": id, "name": "My Sender", "phoneNumber": "+15551234567", "channels": []any{"sms"}, "isDefault": false, "emailReceivingEnabled": false, "emailCatchAllEnabled": false,
			"webhook": object{"url": "https://your-app.com/webhooks/zavu", "events": []any{"message.inbound", "message.delivered", "message.failed"}, "secret": secret, "active": true,
				"signatureVersion": "v2"},
			"createdAt": at, "updatedAt": at,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		delete(want["webhook"].(object), "secret")
		if diff := cmp.Diff(want, a.do("GET", "/senders/"+id, "").is(200).json()); diff != "" {
			t.Errorf("read again: %s", diff)
		}
		if diff := cmp.Diff(object{"items": []any{want}, "nextCursor": nil}, a.do("GET", "/senders", "").is(200).json()); diff != "" {
			t.Errorf("listed: %s", diff)
		}

		a.Clock.Advance(time.Second)
		got = a.do("PATCH", "/senders/"+id, `{"webhookUrl":"https://new-url.com/webhooks","webhookEvents":["message.inbound"],"webhookActive":true}`).is(200).json()
		want["updatedAt"] = a.Clock.Now().Format("2006-01-02T15:04:05.000Z")
		want["webhook"] = object{"url": "https://new-url.com/webhooks", "events": []any{"message.inbound"}, "active": true, "signatureVersion": "v2"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changed: %s", diff)
		}
		if got := a.do("PATCH", "/senders/"+id, `{"webhookActive":false}`).is(200).json()["webhook"].(object); got["active"] != false || got["secret"] != nil {
			t.Errorf("inactive: %v", got)
		}
		an = a.do("POST", "/senders/"+id+"/webhook/secret", "").is(200)
		if next := an.json(); len(next) != 1 || next["secret"] == secret || !strings.HasPrefix(next["secret"].(string), "whsec_") {
			t.Errorf("a new secret: %v", next)
		}
		if _, there := a.do("PATCH", "/senders/"+id, `{"webhookUrl":null}`).is(200).json()["webhook"]; there {
			t.Error("a removed webhook is shown")
		}
		if an := a.do("DELETE", "/senders/"+id, "").is(204); an.body != "" {
			t.Errorf("the answer to DELETE is %q", an.body)
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			if details := a.do(method, "/senders/"+id, "").fails(404, "not_found"); details["resource"] != "sender" {
				t.Errorf("%s: %v", method, details)
			}
		}
		a.do("POST", "/senders/"+id+"/webhook/secret", "").fails(404, "not_found")
	})
}

// Section 2.1: what is there only where it is known.
func TestSenders_FieldsThatOnlySomeHave(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		got := a.do("POST", "/senders", `{"name":"Mail","emailAddress":"noreply@example.com","emailCatchAllEnabled":true,"unknown":1}`).is(201).json()
		if got["phoneNumber"] != "" || got["emailAddress"] != "noreply@example.com" || got["emailCatchAllEnabled"] != false || cmp.Diff([]any{"email"}, got["channels"]) != "" {
			t.Errorf("%v", got) // catch-all counts only while mail is received
		}
		if got := a.do("PATCH", "/senders/"+got["id"].(string), `{"emailReceivingEnabled":true}`).is(200).json(); got["emailReceivingEnabled"] != true || got["emailCatchAllEnabled"] != true {
			t.Errorf("%v", got)
		}
		for _, name := range []string{"webhook", "whatsapp"} {
			if _, there := got[name]; there {
				t.Errorf("%s is shown: %v", name, got)
			}
		}
		applied := servicetest.Must(a.Service.ApplySenders(t.Context(), a.app.Key, []service.SenderSpec{{Name: "Chat", Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName,
			PhoneNumber: "+15557654321", Credentials: hookswitch.Credentials{"phone_number_id": {"106"}}}}))(t)
		got = a.do("GET", "/senders/"+a.Service.IDs().Format(hookswitch.KindSender, applied[0].Sender.Key), "").is(200).json()
		if diff := cmp.Diff(object{"phoneNumberId": "106", "displayPhoneNumber": "+15557654321"}, got["whatsapp"]); diff != "" || cmp.Diff([]any{"whatsapp"}, got["channels"]) != "" {
			t.Errorf("%v", got)
		}
	})
}

// Section 1.4: a field that is missing is "required" in the details, in every call, and is told so in a sentence.
func TestErrors_WhatIsMissingIsRequired(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		for _, c := range []struct{ path, body, field string }{
			{"/senders", `{}`, "name"},
			{"/templates", `{"name":"x","body":"x"}`, "language"},
			{"/templates", `{"name":"x","language":"en"}`, "body"},
			{"/templates", `{"language":"en","body":"x"}`, "name"},
			{"/invitations/webhook", `{}`, "url"},
			{"/contacts", `{"channels":[{"channel":"sms"}]}`, "channels[0].identifier"},
		} {
			e := a.do("POST", c.path, c.body)
			fields, _ := e.fails(400, "invalid_request")["fields"].(object)
			if fields[c.field] != "required" || !strings.EqualFold(e.json()["message"].(string), c.field+" is required") {
				t.Errorf("POST %s %s: got %s", c.path, c.body, e.body)
			}
		}
	})
}

// Section 1.4: codes, the field that is wrong, and the names that are allowed.
func TestSenders_RefusalsNameTheField(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		bare, set := a.sender(`{"name":"Bare"}`), a.sender(senderBody)
		for _, c := range []struct{ method, path, body, field string }{
			{"POST", "/senders", ``, "name"},
			{"POST", "/senders", `{}`, "name"},
			{"POST", "/senders", `{"name":""}`, "name"},
			{"POST", "/senders", `{"name":7}`, "name"},
			{"POST", "/senders", `{"name":"x","phoneNumber":"555"}`, "phoneNumber"},
			{"POST", "/senders", `{"name":"x","phoneNumber":15551234567}`, "phoneNumber"},
			{"POST", "/senders", `{"name":"x","enableVoice":true}`, "enableVoice"},
			{"POST", "/senders", `{"name":"x","emailAddress":"x"}`, "emailAddress"},
			{"POST", "/senders", `{"name":"x","webhookUrl":"http://example.com/"}`, "webhookUrl"},
			{"POST", "/senders", `{"name":"x","webhookUrl":7}`, "webhookUrl"},
			{"PATCH", "/senders/" + bare, `{"name":" "}`, "name"},
			{"PATCH", "/senders/" + bare, `{"enableVoice":true}`, "enableVoice"},
			{"PATCH", "/senders/" + bare, `{"webhookUrl":"https://u:p@example.com/"}`, "webhookUrl"},
			{"PATCH", "/senders/" + set, `{"webhookUrl":""}`, "webhookUrl"},
			{"PATCH", "/senders/" + set, `{"webhookEvents":[]}`, "webhookEvents"},
			{"PATCH", "/senders/" + set, `{"webhookEvents":"message.inbound"}`, "webhookEvents"},
			{"PATCH", "/senders/" + set, `{"webhookEvents":["message.eaten"]}`, "webhookEvents"},
			{"PATCH", "/senders/" + set, `{"webhookActive":"no"}`, "webhookActive"},
			{"PATCH", "/senders/" + set, `{"webhookSignatureVersion":"v1"}`, "webhookSignatureVersion"},
			{"PATCH", "/senders/" + set, `{"webhookSignatureVersion":"v3"}`, "webhookSignatureVersion"},
			{"GET", "/senders?limit=0", ``, "limit"},
			{"GET", "/senders?limit=101", ``, "limit"},
			{"GET", "/senders?limit=many", ``, "limit"},
			{"GET", "/senders?cursor=" + set, ``, "cursor"},
		} {
			details := a.do(c.method, c.path, c.body).fails(400, "invalid_request")
			if fields, _ := details["fields"].(object); len(fields) != 1 || fields[c.field] == nil {
				t.Errorf("%s %s %s: %v, want the field %s", c.method, c.path, c.body, details, c.field)
			}
		}
		a.do("POST", "/senders", `{"name":`).fails(400, "invalid_request")
		allowed, _ := a.do("PATCH", "/senders/"+set, `{"webhookEvents":["message.eaten"]}`).fails(400, "invalid_request")["allowed"].([]any)
		if len(allowed) != len(hookswitch.SenderEvents) || !slices.Contains(allowed, any("invitation.status_changed")) {
			t.Errorf("allowed are %v", allowed)
		}
		for _, body := range []string{`{"webhookActive":true}`, `{"webhookActive":false}`, `{"webhookEvents":["message.inbound"]}`} {
			a.do("PATCH", "/senders/"+bare, body).fails(400, "webhook_not_configured")
		}
		a.do("POST", "/senders", `{"name":"x","webhookEvents":["message.inbound"]}`).fails(400, "webhook_not_configured")
		a.do("POST", "/senders/"+bare+"/webhook/secret", "").fails(400, "webhook_not_configured")
		a.do("PATCH", "/senders/"+bare, `{"webhookUrl":null}`).is(200)
		other := a.project("Other")
		other.do("GET", "/senders/"+set, "").fails(404, "not_found")
		other.do("PATCH", "/senders/"+set, `{"name":"Theirs"}`).fails(404, "not_found")
		other.do("DELETE", "/senders/"+set, "").fails(404, "not_found")
		other.do("POST", "/senders/"+set+"/webhook/secret", "").fails(404, "not_found")
		if items := other.do("GET", "/senders", "").is(200).json()["items"].([]any); len(items) != 0 {
			t.Errorf("another project's list has %v", items)
		}
		if items := a.do("GET", "/senders", "").is(200).json()["items"].([]any); len(items) != 2 {
			t.Errorf("%d senders, want the two that were made rightly", len(items))
		}
	})
}

// Sections 1.1 and 1.3: in the order of creation, page by page, whatever is added meanwhile.
func TestSenders_AreListedInTheOrderOfCreation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		var want []string
		for i := range 7 {
			want = append(want, a.sender(fmt.Sprintf(`{"name":"Sender %d"}`, i)))
		}
		var got []string
		cursor := ""
		for page := 0; page == 0 || cursor != ""; page++ {
			list := a.do("GET", "/senders?limit=3&cursor="+cursor, "").is(200).json()
			for _, s := range list["items"].([]any) {
				got = append(got, s.(object)["id"].(string))
			}
			if cursor, _ = list["nextCursor"].(string); page == 0 {
				want = append(want, a.sender(`{"name":"Late"}`))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSenders_NeedTheirScope(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		id := a.sender(senderBody)
		reads, messages := a.with(a.newKey(false, hookswitch.ScopeSendersRead)), a.with(a.newKey(false, hookswitch.ScopeMessagesWrite))
		reads.do("GET", "/senders/"+id, "").is(200)
		for _, c := range [][2]string{{"POST", "/senders"}, {"PATCH", "/senders/" + id}, {"DELETE", "/senders/" + id}, {"POST", "/senders/" + id + "/webhook/secret"}} {
			reads.do(c[0], c[1], senderBody).is(403)
			messages.do(c[0], c[1], senderBody).is(403)
		}
		messages.do("GET", "/senders", "").is(403)
	})
}
