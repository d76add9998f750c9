package operator_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

func TestPause_StopsAndGoesOn(t *testing.T) {
	each(t, func(a *api) {
		if q := a.do(200, "GET", "/queues", ""); q["pause"] != nil || len(q["queues"].([]any)) != 5 {
			a.Errorf("the queues are %v", q)
		}
		if p := a.do(200, "POST", "/pause", ""); p["note"] != "" || p["since"] == "" {
			a.Errorf("the pause is %v", p)
		}
		if p := a.do(200, "POST", "/pause", `{"note":"Moving"}`); p["note"] != "Moving" {
			a.Errorf("the pause is %v", p)
		}
		a.do(400, "POST", "/pause", `{"note":"`+strings.Repeat("x", 301)+`"}`)
		if q := a.do(200, "GET", "/queues", ""); q["pause"].(object)["note"] != "Moving" {
			a.Errorf("the queues are %v", q)
		}
		if o := a.do(200, "GET", "/overview", ""); o["pause"].(object)["note"] != "Moving" || len(o["nodes"].([]any)) != 1 || o["databaseBytes"].(float64) <= 0 || len(o["errorBudget"].(object)["burns"].([]any)) != 4 {
			a.Errorf("the overview is %v", o)
		}
		a.do(204, "DELETE", "/pause", "")
		a.do(204, "DELETE", "/pause", "")
		if q := a.do(200, "GET", "/queues", ""); q["pause"] != nil {
			a.Errorf("the queues are %v", q)
		}
	})
}

func TestNodes_AreDrainedAndFilled(t *testing.T) {
	each(t, func(a *api) {
		if list := a.items("/nodes"); len(list) != 1 || list[0].(object)["state"] != "working" || list[0].(object)["own"] != true {
			a.Errorf("the nodes are %v", list)
		}
		if n := a.do(200, "POST", "/nodes/1/drain", ""); n["state"] != "drained" || n["drainedAt"] == nil {
			a.Errorf("the node is %v", n)
		}
		if n := a.do(200, "DELETE", "/nodes/1/drain", ""); n["state"] != "working" || n["drainedAt"] != nil {
			a.Errorf("the node is %v", n)
		}
		for _, node := range []string{"0", "x", "-3", "99999999999999999999", "400"} {
			a.do(404, "POST", "/nodes/"+node+"/drain", "")
		}
	})
}

func TestQueues_TellWhatWaitsForWhom(t *testing.T) {
	each(t, func(a *api) {
		app, err := a.service.CreateApp(t.Context(), hookswitch.App{Name: "Acme"}, service.Idempotency{})
		if err != nil {
			a.Fatal(err)
		}
		e, err := a.service.CreateEndpoint(t.Context(), app.Key, hookswitch.Endpoint{URL: "https://a.example/"}, service.Idempotency{})
		if err != nil {
			a.Fatal(err)
		}
		endpoint := a.service.IDs().Format(hookswitch.KindEndpoint, e.Key)
		for range 3 {
			if _, err := a.service.PublishEvent(t.Context(), app, service.Publish{Type: "order.paid", Payload: []byte(`{}`)}, service.Idempotency{}); err != nil {
				a.Fatal(err)
			}
		}
		list := a.do(200, "GET", "/queues", "")["destinations"].([]any)
		if len(list) != 1 || list[0].(object)["endpointId"] != endpoint || list[0].(object)["due"] != 3.0 || list[0].(object)["name"] != "https://a.example/" || list[0].(object)["kind"] != "webhook" {
			a.Errorf("waiting is %v", list)
		}
		if err := a.service.RecordVolumes(t.Context()); err != nil {
			a.Fatal(err)
		}
		o := a.do(200, "GET", "/overview", "")
		if loudest := o["loudestApps"].([]any); o["accepted"] != 3.0 || len(loudest) != 1 || loudest[0].(object)["share"] != 1.0 || loudest[0].(object)["events"] != 3.0 {
			a.Errorf("the overview is %v", o)
		}
	})
}
