package svix_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

const operational = "/operational-webhook/endpoint"

func TestOperationalEndpointLife(t *testing.T) {
	each(t, func(a *api) {
		an := a.do("POST", operational, `{"url":"https://ops.example","uid":"main","description":"d","filterTypes":["endpoint.disabled"],"rateLimit":5,
			"metadata":{"k":"v"},"channels":["x"]}`).is(201).described("OperationalEndpointOut")
		got := an.json()
		id := got["id"].(string)
		types := []any{"endpoint.disabled"}
		for name, want := range map[string]any{"url": "https://ops.example/", "filterTypes": types, "eventTypes": types, "rateLimit": 5.0, "throttleRate": 5.0,
			"version": 1.0, "disabled": false, "uid": "main", "metadata": map[string]any{"k": "v"}} {
			if !cmp.Equal(got[name], want) {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		for _, absent := range []string{"channels", "secret", "headers"} {
			if _, has := got[absent]; has {
				t.Errorf("%s is shown: %s", absent, an.body)
			}
		}
		if same := a.do("GET", operational+"/main", "").is(200); string(same.body) != string(an.body) {
			t.Errorf("by uid: %s, want %s", same.body, an.body)
		}
		secret := a.do("GET", operational+"/"+id+"/secret", "").is(200).described("EndpointSecretOut").text("key")
		a.do("POST", operational+"/"+id+"/secret/rotate", "").is(204)
		a.do("POST", operational+"/"+id+"/secret/rotate", "", "User-Agent", "svix-libs/2.9.1/kotlin").is(204)
		if now := a.do("GET", operational+"/"+id+"/secret", "").is(200).text("key"); now == secret {
			t.Error("rotating has left the secret")
		}
		a.do("PUT", operational+"/"+id+"/headers", `{"headers":{"X-Mine":"1","Authorization":"Bearer s"}}`).is(204)
		h := a.do("GET", operational+"/"+id+"/headers", "").is(200).described("EndpointHeadersOut").json()
		if !cmp.Equal(h["headers"], map[string]any{"X-Mine": "1"}) || !cmp.Equal(h["sensitive"], []any{"Authorization"}) {
			t.Errorf("headers %v", h)
		}
		put := a.do("PUT", operational+"/main", `{"url":"https://ops.example/x","disabled":true}`).is(200).described("OperationalEndpointOut").json()
		if put["id"] != id || put["filterTypes"] != nil || put["uid"] != nil || put["disabled"] != true {
			t.Errorf("after PUT: %v", put)
		}
		made := a.do("PUT", operational+"/other", `{"url":"https://ops.example/y","uid":"other"}`).is(201).text("id")
		for order, want := range map[string][]string{"": {made, id}, "descending": {made, id}, "ascending": {id, made}} {
			path := operational
			if order != "" {
				path += query("order", order)
			}
			if rows := a.do("GET", path, "").is(200).described("ListOfOperationalEndpointOut").rows(); !slices.Equal(rows, want) {
				t.Errorf("order %q: %v, want %v", order, rows, want)
			}
		}
		page := a.do("GET", operational+query("limit", "1"), "").is(200).json()
		if page["done"] != false || page["iterator"] != made {
			t.Errorf("the first page: %v", page)
		}
		if rows := a.do("GET", operational+query("limit", "1", "iterator", made), "").rows(); !slices.Equal(rows, []string{id}) {
			t.Errorf("the second page: %v", rows)
		}
		a.do("DELETE", operational+"/"+id, "").is(204)
		a.do("GET", operational+"/"+id, "").code(404, "not_found")
	})
}

func TestOperationalEndpointsTakeOnlyOperationalTypes(t *testing.T) {
	each(t, func(a *api) {
		a.do("POST", operational, `{"url":"https://x.example","filterTypes":["endpoint.created","user.signup"]}`).invalid("body", "filterTypes", "[1]")
		a.do("POST", operational, `{"url":"https://x.example","eventTypes":["message.sent"]}`).invalid("body", "eventTypes", "[0]")
		a.do("POST", operational, `{"url":"https://x.example","eventTypes":[]}`).invalid("body", "eventTypes")
		a.do("POST", operational, `{"url":"nowhere"}`).invalid("body", "url")
		id := a.do("POST", operational, `{"url":"https://x.example"}`).is(201).text("id")
		a.do("PUT", operational+"/"+id, `{"url":"https://x.example","eventTypes":["x"]}`).invalid("body", "eventTypes", "[0]")
		all, err := json.Marshal(hookswitch.OperationalEvents)
		if err != nil {
			t.Fatal(err)
		}
		a.do("PUT", operational+"/"+id, `{"url":"https://x.example","eventTypes":`+string(all)+`}`).is(200).described("OperationalEndpointOut")
	})
}

func TestOperationalEndpointsBelongToTheOrganizationAlone(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		id := a.do("POST", operational, `{"url":"https://x.example"}`).is(201).text("id")
		portal := a.with("portal_" + app)
		for _, call := range [][2]string{{"GET", ""}, {"POST", ""}, {"GET", "/" + id}, {"PUT", "/" + id}, {"DELETE", "/" + id}, {"GET", "/" + id + "/secret"},
			{"POST", "/" + id + "/secret/rotate"}, {"GET", "/" + id + "/headers"}, {"PUT", "/" + id + "/headers"}} {
			portal.do(call[0], operational+call[1], "").code(403, "insufficient access")
			a.with("wrong").do(call[0], operational+call[1], "").code(401, "authentication_failed")
		}
		// Its App is nobody's to see, and its endpoints are not those of another App.
		org := a.service.IDs().Format(hookswitch.KindApp, hookswitch.OrganizationApp)
		for _, path := range []string{"/app/" + org, "/app/" + org + "/endpoint", "/app/" + org + "/msg", "/app/" + app + "/endpoint/" + id} {
			a.do("GET", path, "").code(404, "not_found")
		}
		a.do("DELETE", "/app/"+org, "").code(404, "not_found")
		a.do("POST", "/app/"+org+"/msg", `{"eventType":"endpoint.disabled","payload":{}}`).code(404, "not_found")
		if rows := a.do("GET", "/app", "").rows(); !slices.Equal(rows, []string{app}) {
			t.Errorf("applications %v, want %s alone", rows, app)
		}
		ep := a.endpoint(app, "")
		a.do("GET", operational+"/"+ep, "").code(404, "not_found")
	})
}

func TestOperationalEventsAreWhatTheOfficialLibraryReads(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		made := must[*models.OperationalWebhookEndpointOut](t)(client.OperationalWebhook.Endpoint.Create(ctx, models.OperationalWebhookEndpointIn{Url: "https://ops.example/x", Uid: new("ops")}, nil))
		must[*models.OperationalWebhookEndpointOut](t)(client.OperationalWebhook.Endpoint.Update(ctx, "ops", models.OperationalWebhookEndpointUpdate{Url: "https://ops.example/y", Uid: new("ops")}))
		must[*models.OperationalWebhookEndpointOut](t)(client.OperationalWebhook.Endpoint.Get(ctx, made.Id))
		must[*models.OperationalWebhookEndpointSecretOut](t)(client.OperationalWebhook.Endpoint.GetSecret(ctx, made.Id))
		if err := client.OperationalWebhook.Endpoint.RotateSecret(ctx, made.Id, models.OperationalWebhookEndpointSecretIn{}, nil); err != nil {
			t.Error(err)
		}
		if err := client.OperationalWebhook.Endpoint.UpdateHeaders(ctx, made.Id, models.OperationalWebhookEndpointHeadersIn{Headers: map[string]string{"X-A": "1"}}); err != nil {
			t.Error(err)
		}
		must[*models.OperationalWebhookEndpointHeadersOut](t)(client.OperationalWebhook.Endpoint.GetHeaders(ctx, made.Id))
		if list := must[*models.ListResponseOperationalWebhookEndpointOut](t)(client.OperationalWebhook.Endpoint.List(ctx, &sdk.OperationalWebhookEndpointListOptions{Order: new(models.ORDERING_ASCENDING)})); len(list.Data) != 1 || !list.Done {
			t.Errorf("%+v", list)
		}

		app := a.do("POST", "/app", `{"name":"a","uid":"app-uid"}`).is(201).text("id")
		ep := a.endpoint(app, `,"uid":"ep-uid"`)
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		events, _, err := a.service.Events(ctx, hookswitch.OrganizationApp, store.EventFilter{Types: []string{"endpoint.disabled"}}, store.Page{Limit: 10})
		if err != nil || len(events) != 1 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		var ev models.EndpointDisabledEvent
		if err := json.Unmarshal(events[0].Payload, &ev); err != nil {
			t.Fatal(err)
		}
		if d := ev.Data; ev.Type != "endpoint.disabled" || d.AppId != app || *d.AppUid != "app-uid" || d.EndpointId != ep || *d.EndpointUid != "ep-uid" ||
			d.FailSince != nil || *d.Trigger != models.ENDPOINTDISABLEDTRIGGER_MANUAL {
			t.Errorf("%+v in %s", ev, events[0].Payload)
		}
		if err := client.OperationalWebhook.Endpoint.Delete(ctx, made.Id); err != nil {
			t.Error(err)
		}
	})
}
