package operator_test

import (
	"context"
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
		if items := rest["items"].([]any); len(items) != 1 || items[0].(object)["action"] != "endpoint.created" || items[0].(object)["actor"] != "api" || rest["nextCursor"] != nil {
			a.Errorf("behind it is %v", rest)
		}
		if list := a.do(200, "GET", "/apps/acme/activity?actor=system", ""); len(list["items"].([]any)) != 0 {
			a.Errorf("by itself happened %v", list)
		}
		a.do(400, "GET", "/apps/acme/activity?action=none", "")
		a.do(404, "GET", "/apps/nobody/activity", "")
	})
}
