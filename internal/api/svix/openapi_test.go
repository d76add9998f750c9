package svix_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// document is openapi.json as far as tests look at it.
type document struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]map[string]any }
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []parameter
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema map[string]any }
	}
	Responses map[string]any
	Security  *[]any

	method, path string
}

type parameter struct {
	Name, In string
	Required bool
	Schema   map[string]any
}

// description is openapi.json, read once, with its schemas as strict as they can be: what is not declared is wrong.
type description struct {
	document
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const (
	descriptionFile = "../../../openapi.json"
	descriptionURL  = "mem:///openapi.json"
)

var described = sync.OnceValues(func() (*description, error) {
	raw, err := os.ReadFile(descriptionFile)
	if err != nil {
		return nil, err
	}
	d := &description{compiled: make(map[string]*jsonschema.Schema)}
	if err := json.Unmarshal(raw, &d.document); err != nil {
		return nil, err
	}
	for path, operations := range d.Paths {
		for method, op := range operations {
			op.method, op.path = strings.ToUpper(method), path
			for i, p := range op.Parameters {
				if ref, ok := p.Schema["$ref"].(string); ok {
					op.Parameters[i].Schema = d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
				}
			}
		}
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		return nil, err
	}
	for _, s := range doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		closeSchema(s)
	}
	closeInline(doc.(map[string]any)["paths"])
	d.compiler = jsonschema.NewCompiler()
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(descriptionURL, doc)
})

// closeSchema makes fields that the schema does not name wrong, where it names any.
func closeSchema(v any) {
	s, ok := v.(map[string]any)
	if !ok {
		return
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		if _, said := s["additionalProperties"]; !said {
			s["additionalProperties"] = false
		}
		for _, p := range properties {
			closeSchema(p)
		}
	}
	for _, name := range []string{"items", "additionalProperties"} {
		closeSchema(s[name])
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if list, ok := s[name].([]any); ok {
			for _, alternative := range list {
				closeSchema(alternative)
			}
		}
	}
}

// closeInline closes the schemas that stand in operations themselves.
func closeInline(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if name == "schema" {
				closeSchema(inner)
			} else {
				closeInline(inner)
			}
		}
	case []any:
		for _, inner := range v {
			closeInline(inner)
		}
	}
}

func (d *description) schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(descriptionURL + "#" + pointer)
	if err == nil {
		d.compiled[pointer] = s
	}
	return s, err
}

// operation is what the description has for a request, or nil. A literal part of a path goes before a parameter.
func (d *description) operation(method, path string) *operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path = strings.TrimSuffix(path, "/")
	var found *operation
	for template, operations := range d.Paths {
		op := operations[strings.ToLower(method)]
		if op != nil && fits(template, path) && (found == nil || strings.Count(template, "{") < strings.Count(found.path, "{")) {
			found = op
		}
	}
	return found
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], "{") || got[i] == "") {
			return false
		}
	}
	return true
}

// open reports whether the operation needs no token.
func (op *operation) open() bool { return op.Security != nil && len(*op.Security) == 0 }

// pointer leads to a part of an operation.
func (op *operation) pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range append([]string{"paths", op.path, strings.ToLower(op.method)}, parts...) {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}

// noRoute is what a path that only looks like one that is described is answered with, such as one with an empty name.
const noRoute = `"detail":"There is no such route."`

// isDescribed fails the test unless the description knows the answer: its status, and every field of its body. The fixture asks this of every answer in this package.
func (an answer) isDescribed(method, path string) {
	an.t.Helper()
	d, err := described()
	if err != nil {
		an.t.Fatal(err)
	}
	kind := an.header.Get("Content-Type")
	switch empty := len(an.body) == 0; {
	case an.status == http.StatusNoContent && !empty, an.status != http.StatusNoContent && (empty || kind != "application/json"):
		an.t.Errorf("%s: %d with the type %q and %d bytes", an.what, an.status, kind, len(an.body))
	}
	op := d.operation(method, path)
	if op == nil || strings.Contains(string(an.body), noRoute) || an.status == http.StatusServiceUnavailable || an.status == http.StatusNotImplemented || an.status == http.StatusRequestEntityTooLarge && op.RequestBody == nil {
		if an.status >= 400 {
			an.fits(d, "/components/schemas/Error")
		}
		return
	}
	response, ok := op.Responses[strconv.Itoa(an.status)].(map[string]any)
	if !ok {
		an.t.Errorf("%s: the description of %s %s has no answer %d: %s", an.what, op.method, op.path, an.status, an.body)
		return
	}
	switch ref, isRef := response["$ref"].(string); {
	case an.status == http.StatusNoContent:
	case isRef:
		an.fits(d, strings.TrimPrefix(ref, "#")+"/content/application~1json/schema")
	default:
		an.fits(d, op.pointer("responses", strconv.Itoa(an.status), "content", "application/json", "schema"))
	}
}

// fits fails the test unless the body fits the schema at the pointer.
func (an answer) fits(d *description, pointer string) {
	an.t.Helper()
	s, err := d.schema(pointer)
	if err != nil {
		an.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(an.body)))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		an.t.Errorf("%s: the answer %d does not fit %s: %v\n%.2000s", an.what, an.status, pointer, err, an.body)
	}
}

// described fails the test unless the body fits the named schema of the description.
func (an answer) described(schema string) answer {
	an.t.Helper()
	d, err := described()
	if err != nil {
		an.t.Fatal(err)
	}
	an.fits(d, "/components/schemas/"+schema)
	return an
}

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	var built, listed []string
	for _, rt := range a.handler.Routes() {
		built = append(built, rt.Method+" "+rt.Path)
	}
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		if !strings.HasPrefix(path, svix.Base+"/") {
			continue
		}
		for method, op := range operations {
			if slices.Contains(op.Tags, "Doors") {
				continue // where providers push
			}
			listed = append(listed, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) == 0 || len(op.Tags) != 1 {
				t.Errorf("%s %s: operation id %q, summary %q, tags %q", method, path, op.OperationID, op.Summary, op.Tags)
			}
			ids[op.OperationID] = true
		}
	}
	slices.Sort(built)
	slices.Sort(listed)
	if diff := cmp.Diff(built, listed); diff != "" {
		t.Error(diff)
	}
}
