package svix_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const description = "../../../openapi.json"

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	var built, described []string
	for _, rt := range a.handler.Routes() {
		built = append(built, rt.Method+" "+rt.Path)
	}
	raw, err := os.ReadFile(description)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]any
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		if !strings.HasPrefix(path, svix.Base+"/") {
			continue
		}
		for method, op := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s %s: operation id %q, summary %q", method, path, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
		}
	}
	slices.Sort(built)
	slices.Sort(described)
	if diff := cmp.Diff(built, described); diff != "" {
		t.Error(diff)
	}
}

// described fails the test unless the body fits the schema of our own description.
func (an answer) described(schema string) answer {
	an.t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	s, err := c.Compile(description + "#/components/schemas/" + schema)
	if err != nil {
		an.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(an.body)))
	if err != nil {
		an.t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		an.t.Errorf("%s: the answer does not fit %s: %v\n%s", an.what, schema, err, an.body)
	}
	return an
}

func TestAnswersFitTheDescription(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"uid":"e","eventTypes":["user.signup"],"channels":["c"],"throttleRate":3`)
		msg := a.message(app, `,"channels":["c"],"eventId":"m"`)
		at := a.try(app, ep, msg, 1)
		base := "/app/" + app
		for path, schema := range map[string]string{
			"/health": "Health", base: "ApplicationOut", "/app": "ListOfApplicationOut", base + "/endpoint/e": "EndpointOut", base + "/endpoint": "ListOfEndpointOut",
			base + "/endpoint/e/secret": "EndpointSecretOut", base + "/endpoint/e/headers": "EndpointHeadersOut", base + "/endpoint/e/stats": "EndpointStats", base + "/endpoint/e/attempt-stats": "EndpointAttemptStats",
			base + "/msg/m": "MessageOut", base + "/msg": "ListOfMessageOut", base + "/msg/m/attempt/" + at: "MessageAttemptOut",
			base + "/attempt/msg/m": "ListOfMessageAttemptOut", base + "/msg/m/endpoint": "ListOfMessageEndpointOut", base + "/endpoint/e/msg": "ListOfEndpointMessageOut",
		} {
			a.do("GET", path, "").is(200).described(schema)
		}
		a.do("GET", "/app/none", "").is(404).described("Error")
		a.do("POST", "/app", "{}").is(422).described("ValidationError")
	})
}
