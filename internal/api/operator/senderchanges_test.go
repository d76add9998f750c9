package operator_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
)

func TestRoutes_AreAddedChangedCheckedAndRemoved(t *testing.T) {
	each(t, func(a *api) {
		a.newApp("acme")
		app := a.items("/apps")[0].(object)["id"].(string)
		sender := a.do(201, "POST", "/apps/"+app+"/senders", `{"name":"Support","phoneNumber":"+15551234567","default":true}`)
		a.same("default", sender["default"], true)
		path := "/apps/" + app + "/senders/" + sender["id"].(string)
		made := a.do(201, "POST", path+"/routes", `{"channel":"telegram","provider":"telegram","credentials":{"bot_token":"110201543:secret-token"},"rate":"5/s"}`)
		route := made["route"].(object)
		if text := made["made"].(object)["secret_token"].(string); len(text) < 20 || route["receives"] != true || route["rate"] != "5/s" {
			a.Errorf("made %v", made)
		}
		one := path + "/routes/" + route["id"].(string)
		done := a.do(200, "PATCH", one, `{"credentials":{"secret_token":"mine"},"beside":["secret_token"],"rate":"usual"}`)
		a.same("rate", done["route"].(object)["rate"], nil)
		a.same("nothing is made", done["made"], nil)
		a.do(400, "PATCH", one, `{"provider":"twilio"}`)
		if e := a.do(400, "PATCH", one, `{"credentials":{"bot_tokn":"x"}}`); !strings.Contains(e["message"].(string), "bot_tokn") {
			a.Errorf("a misspelt name: %v", e)
		}
		done = a.do(200, "PATCH", one, `{"remove":["secret_token"]}`)
		a.same("it cannot receive", done["route"].(object)["receives"], false)
		for _, p := range []string{path, one + "/check"} {
			method := "GET"
			if strings.HasSuffix(p, "check") {
				method = "POST"
			}
			if code, b := a.try(method, p, ""); code != 200 || strings.Contains(string(b), "secret-token") || strings.Contains(string(b), `"mine"`) {
				a.Errorf("%s: %d %s", p, code, b)
			}
		}
		check := a.do(200, "POST", one+"/check", "")
		a.same("missing", check["missing"], []any{"secret_token"})
		a.same("asked", check["asked"], true)
		a.do(204, "DELETE", one, "")
		a.do(404, "DELETE", one, "")
		if list := a.items("/providers"); len(list) < 12 {
			a.Errorf("%d pairs of a provider and a channel", len(list))
		}
	})
}

func TestResponder_IsReadWithoutSecretsAndSwitchedOff(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("acme")
		sender := a.do(201, "POST", "/apps/"+app+"/senders", `{"name":"Support"}`)
		path := "/apps/" + app + "/senders/" + sender["id"].(string) + "/responder"
		a.same("none", a.do(200, "GET", path, "")["kind"], nil)
		a.do(200, "PUT", path, `{"kind":"openai","model":"m","apiKey":"sk-1"}`)
		out := a.do(200, "GET", path, "")
		a.same("shown", out["configuration"], object{"kind": "openai", "model": "m", "apiKey": "***"})
		a.do(200, "PUT", path, `{"kind":"openai","model":"m2","apiKey":"***"}`)
		a.do(400, "PUT", path, `{"kind":"http","url":"https://a.example","secret":"***"}`)
		a.same("silenced", a.do(200, "PUT", path+"/channels/sms", `{"silenced":true}`)["silenced"], []any{"sms"})
		a.same("silenced", a.do(200, "PUT", path+"/channels/sms", `{"silenced":false}`)["silenced"], []any{})
		a.do(400, "PUT", path+"/channels/fax", `{"silenced":true}`)
		a.do(204, "DELETE", path, "")
		a.same("none", a.do(200, "GET", path, "")["kind"], nil)
		a.same("no reply", len(a.items("/apps/"+app+"/replies")), 0)
		a.same("no session", len(a.items("/apps/"+app+"/sessions?channel=ussd")), 0)
		a.same("no screen", a.do(200, "GET", strings.TrimSuffix(path, "responder")+"flow?days=30", "")["screens"], []any{})
		a.do(400, "GET", "/apps/"+app+"/replies?result=odd", "")
	})
}

func TestEventTypes_AreCompared(t *testing.T) {
	each(t, func(a *api) {
		a.do(404, "POST", "/event-types/order.new/check", `{"schemas":{"1":{"type":"object"}}}`)
		servicetest.Must(a.service.CreateEventType(a.Context(), hookswitch.EventType{Name: "order.new"}, service.Idempotency{}))(a)
		got := a.do(200, "POST", "/event-types/order.new/check", `{"schemas":{"1":{"type":"object"}}}`)
		a.same("breaks", got["breaks"], false)
		a.do(400, "POST", "/event-types/order.new/check", `{"schemas":{"1":7}}`)
	})
}
