package operator_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

func TestActivity_SaysWhoDidWhatAndWhatHappenedByItself(t *testing.T) {
	each(t, func(a *api) {
		ctx := context.Background()
		app, err := a.service.CreateApp(ctx, hookswitch.App{Name: "Acme", UID: "acme"}, service.Idempotency{})
		if err != nil {
			a.Fatal(err)
		}
		e, err := a.service.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: "https://a.example/", Description: "Till"}, service.Idempotency{})
		if err != nil {
			a.Fatal(err)
		}
		if _, err := a.service.RevealSecrets(service.By(ctx, hookswitch.Actor{Kind: hookswitch.ActorPortal}), app.Key, e.Key); err != nil {
			a.Fatal(err)
		}
		first := a.do(200, "GET", "/apps/acme/activity?limit=1", "")
		items := first["items"].([]any)
		shown := items[0].(object)
		if len(items) != 1 || shown["action"] != "secret.shown" || shown["actor"] != "portal" || shown["name"] != "Till" || shown["endpointId"] != a.service.IDs().Format(hookswitch.KindEndpoint, e.Key) {
			a.Errorf("the newest is %v", items)
		}
		rest := a.do(200, "GET", "/apps/acme/activity?cursor="+first["nextCursor"].(string), "")
		if items := rest["items"].([]any); len(items) != 2 || items[0].(object)["action"] != "endpoint.created" || items[1].(object)["action"] != "application.created" || items[0].(object)["actor"] != "api" || rest["nextCursor"] != nil {
			a.Errorf("behind it is %v", rest)
		}
		if list := a.do(200, "GET", "/apps/acme/activity?actor=system", ""); len(list["items"].([]any)) != 0 {
			a.Errorf("by itself happened %v", list)
		}
		a.do(400, "GET", "/apps/acme/activity?action=none", "")
		a.do(404, "GET", "/apps/nobody/activity", "")
	})
}

func TestAllActivity_IsSearchedAndItsChainsChecked(t *testing.T) {
	each(t, func(a *api) {
		acme, other := a.newApp("Acme"), a.newApp("Other")
		a.do(200, "POST", "/pause", `{"note":"A moment"}`)
		a.do(204, "DELETE", "/pause", "")
		list := a.items("/activity")
		if len(list) != 4 || list[0].(object)["action"] != "deliveries.resumed" || list[0].(object)["appId"] != nil || list[3].(object)["appId"] != acme || list[3].(object)["number"] != 1.0 {
			a.Errorf("all is %v", list)
		}
		if found := a.items("/activity?q=a+moment"); len(found) != 1 || found[0].(object)["details"].(object)["Note"] != "A moment" {
			a.Errorf("found %v", found)
		}
		first := a.do(200, "GET", "/activity?limit=3", "")
		if rest := a.items("/activity?cursor=" + first["nextCursor"].(string)); len(rest) != 1 || rest[0].(object)["appId"] != acme {
			a.Errorf("behind the first is %v", rest)
		}
		report := a.do(200, "POST", "/activity/verify", "")
		if report["valid"] != true || report["chains"] != 3.0 || report["entries"] != 4.0 || len(report["heads"].([]any)) != 3 {
			a.Errorf("the report is %v", report)
		}
		heads, err := json.Marshal(report["heads"])
		if err != nil {
			a.Fatal(err)
		}
		if again := a.do(200, "POST", "/activity/verify", `{"heads":`+string(heads)+`}`); again["valid"] != true {
			a.Errorf("held against itself: %v", again)
		}
		wrong := strings.Replace(string(heads), `"number":1`, `"number":9`, 1)
		if again := a.do(200, "POST", "/activity/verify", `{"heads":`+wrong+`}`); again["valid"] != false || again["problems"].([]any)[0].(object)["what"] != "cut" {
			a.Errorf("held against what is not there: %v", again)
		}
		if one := a.do(200, "POST", "/activity/verify", `{"app":"`+other+`"}`); one["chains"] != 1.0 || one["entries"] != 1.0 {
			a.Errorf("of one app: %v", one)
		}
		a.do(404, "POST", "/activity/verify", `{"app":"nobody"}`)
		a.do(400, "POST", "/activity/verify", `{"heads":[{"appId":"app_x","number":1,"hash":"00"}]}`)
		a.do(400, "POST", "/activity/verify", `{"heads":[{"appId":null,"number":1,"hash":"no hex"}]}`)
	})
}
