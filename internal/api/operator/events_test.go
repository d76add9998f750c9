package operator_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

func TestEvents_AreFoundByTheFilterOfThePages(t *testing.T) {
	each(t, func(a *api) {
		ctx := context.Background()
		app, err := a.service.CreateApp(ctx, hookswitch.App{Name: "Acme", UID: "acme"}, service.Idempotency{})
		if err != nil {
			a.Fatal(err)
		}
		if _, err := a.service.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: "https://a.example/", Description: "Till"}, service.Idempotency{}); err != nil {
			a.Fatal(err)
		}
		for i, payload := range []string{`{"name":"Ada LOVELACE"}`, `{"name":"Grace"}`, `{"name":"ada Lovelace","order":17}`} {
			if _, err := a.service.PublishEvent(ctx, app, service.Publish{Type: "order.paid", UID: "order-" + string(rune('a'+i)), Tags: []string{"eu"}, Payload: []byte(payload)}, service.Idempotency{}); err != nil {
				a.Fatal(err)
			}
		}
		find := func(q, more string) (uids []string, answer object) {
			answer = a.do(200, "GET", "/apps/acme/events?q="+url.QueryEscape(q)+more, "")
			for _, item := range answer["items"].([]any) {
				uids = append(uids, item.(object)["uid"].(string))
			}
			return uids, answer
		}
		for q, want := range map[string]string{"lovelace": "[order-c order-a]", `"ADA lovelace" order:17`: "[order-c]", "type:order.* channel:eu": "[order-c order-b order-a]", "status:failed": "[]", "endpoint:till grace": "[]"} {
			if uids, _ := find(q, ""); len(uids) == 0 && want != "[]" || len(uids) > 0 && "["+join(uids)+"]" != want {
				a.Errorf("%s: found %v, want %s", q, uids, want)
			}
		}
		uids, answer := find("lovelace", "&limit=1")
		found := answer["items"].([]any)[0].(object)
		if len(uids) != 1 || found["type"] != "order.paid" || found["waiting"] != 1.0 || found["attempts"] != 0.0 || found["lastCode"] != nil {
			a.Errorf("found %v", found)
		}
		if _, err := time.Parse(time.RFC3339, found["at"].(string)); err != nil {
			a.Error(err)
		}
		if rest, _ := find("lovelace", "&limit=1&cursor="+answer["nextCursor"].(string)); len(rest) != 1 || rest[0] != "order-a" {
			a.Errorf("behind it is %v", rest)
		}
		if wrong := a.do(400, "GET", "/apps/acme/events?q="+url.QueryEscape("status:bad code:x"), ""); len(wrong["fields"].([]any)) != 2 {
			a.Errorf("what is not understood is %v", wrong)
		}
		a.do(404, "GET", "/apps/nobody/events", "")
	})
}

func join(list []string) (s string) {
	for i, one := range list {
		if i > 0 {
			s += " "
		}
		s += one
	}
	return s
}
