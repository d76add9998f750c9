package operator_test

import (
	"strings"
	"testing"
	"time"
)

func TestContacts_ShowAndClearOptOuts(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		a.do(200, "PUT", "/apps/"+app+"/senders", `{"senders":[{"name":"wa","channel":"whatsapp","provider":"meta","responder":{"kind":"silent"},
			"credentials":{"app_secret":"s","phone_number_id":"1"}}]}`)
		a.receive(wa.Text("+254700000001", "Amina", "STOP"))
		path := "/apps/" + app + "/contacts/"
		optedOut := func(c object) any { return c["identifiers"].([]any)[0].(object)["optedOutAt"] }
		got := a.do(200, "GET", path+"+254700000001", "")
		if at, ok := optedOut(got).(string); !ok || got["name"] != "Amina" {
			a.Fatalf("opted out: %v", got)
		} else if _, err := time.Parse(time.RFC3339, at); err != nil {
			a.Error(err)
		}
		id := got["id"].(string)
		if send, b := a.try("POST", "/messages", `{"app":"`+app+`","to":"+254700000001","text":"Hi"}`); send != 400 || !strings.Contains(string(b), "no more messages") {
			a.Errorf("a send to who has opted out: %d %s", send, b)
		}
		if optedOut(a.do(200, "DELETE", path+id+"/opt-out?channel=sms", "")) == nil {
			a.Error("clearing another channel clears this one")
		}
		a.do(400, "DELETE", path+id+"/opt-out?channel=pigeon", "")
		if got := optedOut(a.do(200, "DELETE", path+id+"/opt-out?channel=whatsapp", "")); got != nil {
			a.Errorf("cleared: still since %v", got)
		}
		a.same("kept", optedOut(a.do(200, "GET", path+id, "")), nil)
		a.receive(wa.Text("+254700000001", "Amina", "quit"))
		a.same("of all channels", optedOut(a.do(200, "DELETE", path+"+254700000001/opt-out", "")), nil)
		for _, wrong := range []string{path + "+254700000009", path + "con_x", "/apps/" + a.newApp("Other") + "/contacts/" + id} {
			a.do(404, "GET", wrong, "")
			a.do(404, "DELETE", wrong+"/opt-out", "")
		}
	})
}
