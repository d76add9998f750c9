package zavu_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func idempotent(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Idempotency-Key", key) }
}

// Section 5.2 of the contract: the object, its envelope, limits and defaults.
func TestInvitations_HaveTheDocumentedFields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		got := a.do("POST", "/invitations", "").is(201).json()["invitation"].(object)
		id, token := got["id"].(string), got["token"].(string)
		if !strings.HasPrefix(id, "inv_") || len(token) < 20 {
			t.Errorf("id %q, token %q", id, token)
		}
		want := object{"id": id, "token": token, "url": servicetest.PublicURL + "/invite/" + token, "status": "pending", "clientName": nil, "clientEmail": nil, "clientPhone": nil,
			"connectionType": "whatsapp_waba", "phoneNumberId": nil, "senderId": nil, "connectedAccount": nil, "failureReason": nil, "viewedAt": nil, "startedAt": nil, "completedAt": nil,
			"failedAt": nil, "expiresAt": "2025-03-21T12:00:00.000Z", "createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, a.do("GET", "/invitations/"+id, "").is(200).json()["invitation"]); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		full := a.do("POST", "/invitations", `{"clientName":"John Doe","clientEmail":"john@example.com","clientPhone":"+15551234567","connectionType":"whatsapp_waba","expiresInDays":30,
			"allowedPhoneCountries":["US","ke"],"phoneNumberId":"106"}`).is(201).json()["invitation"].(object)
		for name, v := range map[string]any{"clientName": "John Doe", "clientEmail": "john@example.com", "clientPhone": "+15551234567", "phoneNumberId": "106", "expiresAt": "2025-04-13T12:00:00.000Z"} {
			if full[name] != v {
				t.Errorf("%s is %v, want %v", name, full[name], v)
			}
		}
		for field, body := range map[string]string{
			"expiresInDays": `{"expiresInDays":0}`, "expiresInDays ": `{"expiresInDays":31}`, "clientName": `{"clientName":"` + strings.Repeat("x", 101) + `"}`,
			"clientEmail": `{"clientEmail":"nobody"}`, "connectionType": `{"connectionType":"fax"}`, "phoneNumberId": `{"connectionType":"messenger","phoneNumberId":"1"}`,
			"allowedPhoneCountries": `{"connectionType":"messenger","allowedPhoneCountries":["US"]}`, "allowedPhoneCountries[0]": `{"allowedPhoneCountries":["USA"]}`,
		} {
			fields, _ := a.do("POST", "/invitations", body).fails(400, "invalid_request")["fields"].(object)
			if fields[strings.TrimSpace(field)] == nil {
				t.Errorf("%s: complains about %v", body, fields)
			}
		}
		list := a.do("GET", "/invitations?limit=1", "").is(200).json()
		if items := list["items"].([]any); items[0].(object)["id"] != full["id"] || list["nextCursor"] == nil {
			t.Errorf("the newest comes first, bare: %v", list)
		}
		a.do("GET", "/invitations?status=odd", "").fails(400, "invalid_request")
		if got := a.do("POST", "/invitations/"+id+"/cancel", "").is(200).json()["invitation"].(object); got["status"] != "cancelled" {
			t.Errorf("cancelled: %v", got)
		}
		a.do("POST", "/invitations/"+id+"/cancel", "").fails(400, "invalid_request")
		if items := a.do("GET", "/invitations?status=cancelled", "").is(200).json()["items"].([]any); len(items) != 1 {
			t.Errorf("cancelled ones: %v", items)
		}
		other := a.project("other")
		other.do("GET", "/invitations/"+id, "").fails(404, "not_found")
		other.do("POST", "/invitations/"+id+"/cancel", "").fails(404, "not_found")
	})
}

// The published page: Project Webhooks, via API, with its request and its response, and managing them.
func TestProjectWebhook_AsPublished(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db)
		if d := a.do("GET", "/invitations/webhook", "").fails(404, "not_found"); d["resource"] != "webhook" {
			t.Errorf("details %v", d)
		}
		a.do("PATCH", "/invitations/webhook", `{"active":true}`).fails(404, "not_found")
		a.do("DELETE", "/invitations/webhook", "").fails(404, "not_found")
		body := `{"url":"https://your-app.com/webhooks/zavu","events":["invitation.status_changed"]}`
		hook := a.do("POST", "/invitations/webhook", body).is(201).json()["webhook"].(object)
		secret, _ := hook["secret"].(string)
		if !strings.HasPrefix(secret, "whsec_") || len(secret) < 38 {
			t.Errorf("the secret %q", secret)
		}
		shown := object{"url": "https://your-app.com/webhooks/zavu", "events": []any{"invitation.status_changed"}, "active": true}
		want := object{"secret": secret}
		for k, v := range shown {
			want[k] = v
		}
		if diff := cmp.Diff(want, hook); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(object{"webhook": shown}, a.do("GET", "/invitations/webhook", "").is(200).json()); diff != "" {
			t.Errorf("read, without the secret (-want +got):\n%s", diff)
		}
		shown["url"] = "https://new-url.com/webhooks"
		if diff := cmp.Diff(object{"webhook": shown}, a.do("PATCH", "/invitations/webhook", `{"url":"https://new-url.com/webhooks","active":true}`).is(200).json()); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		shown["active"] = false
		if diff := cmp.Diff(object{"webhook": shown}, a.do("PATCH", "/invitations/webhook", `{"active":false}`).is(200).json()); diff != "" {
			t.Errorf("switched off (-want +got):\n%s", diff)
		}
		again := a.do("POST", "/invitations/webhook", `{"url":"https://your-app.com/other"}`).is(201).json()["webhook"].(object)
		if again["secret"] == secret || again["secret"] == nil || again["url"] != "https://your-app.com/other" || again["active"] != true {
			t.Errorf("made again: %v", again)
		}
		d := a.do("POST", "/invitations/webhook", `{"url":"https://your-app.com/","events":["message.inbound"]}`).fails(400, "invalid_request")
		if diff := cmp.Diff([]any{"invitation.status_changed"}, d["allowed"]); diff != "" {
			t.Errorf("details.allowed (-want +got):\n%s", diff)
		}
		for _, wrong := range []string{`{}`, `{"url":"http://your-app.com/"}`, `{"url":"https://u:p@your-app.com/"}`, `{"url":"https://your-app.com/` + strings.Repeat("x", 2048) + `"}`} {
			d := a.do("POST", "/invitations/webhook", wrong).fails(400, "invalid_request")
			if fields, _ := d["fields"].(object); fields["url"] == nil {
				t.Errorf("%s: %v", wrong, d)
			}
		}
		a.project("other").do("GET", "/invitations/webhook", "").fails(404, "not_found")
		b := a.project("third")
		b.do("POST", "/invitations/webhook", body).is(201)
		if an := a.do("DELETE", "/invitations/webhook", "").is(204); an.body != "" {
			t.Errorf("deleted with the body %q", an.body)
		}
		a.do("GET", "/invitations/webhook", "").fails(404, "not_found")
		b.do("GET", "/invitations/webhook", "").is(200)
		a.with(a.newKey(false, hookswitch.ScopeInvitationsRead)).do("POST", "/invitations/webhook", body).fails(403, "forbidden")
	})
}
