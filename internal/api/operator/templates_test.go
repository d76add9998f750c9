package operator_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
)

func TestTemplates_AreDecidedOn(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		key := servicetest.Must(a.service.App(a.Context(), app))(a).Key
		sender := a.do(200, "PUT", "/apps/"+app+"/senders", twoSenders)["items"].([]any)[0].(object)["id"].(string)
		path := func(id, what string) string { return "/templates/" + id + what + "?app=" + app }
		var ids []string
		for range 2 {
			made := servicetest.Must(a.service.CreateTemplate(a.Context(), key, hookswitch.Template{Name: "hello", Language: "en", Body: "Hello"}, service.Idempotency{}))(a)
			id := a.service.IDs().Format(hookswitch.KindTemplate, made.Key)
			a.do(409, "POST", path(id, "/approve"), "")
			servicetest.Must(a.service.SubmitTemplate(a.Context(), key, id, sender, ""))(a)
			ids = append(ids, id)
		}
		a.same("waiting", len(a.items("/templates?app="+app+"&status=pending")), 2)
		got := a.do(200, "POST", path(ids[0], "/approve"), `{"providerName":"HX1"}`)
		if got["status"] != "approved" || got["providerName"] != "HX1" || got["senderId"] != sender {
			a.Errorf("approved: %v", got)
		}
		a.do(400, "POST", path(ids[1], "/reject"), `{"reason":"`+strings.Repeat("x", 1001)+`"}`)
		a.same("why", a.do(200, "POST", path(ids[1], "/reject"), `{"reason":"no"}`)["rejectionReason"], "no")
		a.do(409, "POST", path(ids[1], "/approve"), "")
		a.same("read", a.do(200, "GET", path(ids[1], ""), "")["status"], "rejected")
		a.do(404, "GET", "/templates/"+ids[0]+"?app="+a.newApp("Other"), "")
	})
}

func TestInvitations_AreEndedInTheClientsPlace(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		key := servicetest.Must(a.service.App(a.Context(), app))(a).Key
		sender := a.do(200, "PUT", "/apps/"+app+"/senders", twoSenders)["items"].([]any)[0].(object)["id"].(string)
		path := func(id, what string) string { return "/invitations/" + id + what + "?app=" + app }
		invite := func() string {
			made := servicetest.Must(a.service.CreateInvitation(a.Context(), key, hookswitch.Invitation{ClientName: "Ada"}, 0, service.Idempotency{}))(a)
			return a.service.IDs().Format(hookswitch.KindInvitation, made.Key)
		}
		one, two, three := invite(), invite(), invite()
		a.do(400, "POST", path(one, "/complete"), `{}`)
		a.do(404, "POST", path(one, "/complete"), `{"sender":"nobody"}`)
		a.same("a refused completion", a.do(200, "GET", path(one, ""), "")["status"], "pending")
		got := a.do(200, "POST", path(one, "/complete"), `{"sender":"`+sender+`"}`)
		if got["status"] != "completed" || got["senderId"] != sender || got["clientName"] != "Ada" {
			a.Errorf("completed: %v", got)
		}
		a.do(400, "POST", path(one, "/complete"), `{"sender":"`+sender+`"}`)
		got = a.do(200, "POST", path(two, "/complete"), `{"name":"New line","phoneNumber":"+15550002222","accountName":"Ada's",
			"credentials":{"app_secret":"s","verify_token":"v","access_token":"t","phone_number_id":"777","waba_id":"888"}}`)
		if got["status"] != "completed" || got["senderId"] == sender || got["accountId"] != "777" || got["wabaId"] != "888" {
			a.Errorf("completed with credentials: %v", got)
		}
		a.same("failed", a.do(200, "POST", path(three, "/fail"), `{"reason":"fb_not_authorized"}`)["failureReason"], "fb_not_authorized")
		a.same("cancelled", a.do(200, "POST", path(three, "/cancel"), "")["status"], "cancelled")
		a.do(400, "POST", path(three, "/cancel"), "")
		a.same("listed", len(a.items("/invitations?app="+app+"&status=completed")), 2)
	})
}
