package zavu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

// Section 9: GET /v1/me; section 1: a test key says isTestMode.
func TestMe_TellsTheProjectAndWhetherTheKeyIsForTests(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		for _, test := range []bool{false, true} {
			an := a.with(a.newKey(test)).do("GET", "/me", "").is(200)
			an.limited()
			got := an.json()
			key, _ := got["apiKey"].(object)["id"].(string)
			if _, ok := a.Service.IDs().Parse(hookswitch.KindAPIKey, key); !ok {
				t.Errorf("apiKey.id is %q", key)
			}
			want := object{
				"apiKey": object{"id": key}, "isTestMode": test,
				"project": object{"id": a.Service.IDs().Format(hookswitch.KindProject, a.app.Key), "name": "Acme", "isSubAccount": false},
				"team":    object{"id": a.Service.IDs().Format(hookswitch.KindOrganization, hookswitch.OrganizationApp), "name": got["team"].(object)["name"]},
			}
			if d := cmp.Diff(want, got); d != "" || got["team"].(object)["name"] == "" {
				t.Error(d, got)
			}
		}
	})
}
