package openapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch/internal/openapi"
)

func read(t *testing.T, doc string) []openapi.Webhook {
	t.Helper()
	list, err := openapi.Read([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// schemaOf is the schema of a document's only webhook, whose body has the schema, in a document with the components.
func schemaOf(t *testing.T, schema, components string) string {
	t.Helper()
	list := read(t, `{"webhooks":{"x":{"post":{"requestBody":{"content":{"application/json":{"schema":`+schema+`}}}}}},"components":`+components+`}`)
	return string(list[0].Schema)
}

func TestRead_JSONAndYAMLAreTheSame(t *testing.T) {
	t.Parallel()
	const asJSON = `{"openapi":"3.1.0","webhooks":{"pet.new":{"post":{"summary":"short","description":"A pet has come.","deprecated":true,
		"x-svix-group-name":"pets","x-svix-feature-flags":["a","b"],
		"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"id":{"type":"integer","maximum":12345678901234567890},"when":{"const":"2024-01-01"},
		"on":{"type":"boolean","default":true},"none":{"default":null},"size":{"default":1.10}}}}}}}},
		"pet.gone":{"summary":"Gone","put":{"x-svix-feature-flag":"c"}}}}`
	const asYAML = `
openapi: 3.1.0
webhooks:
  pet.new:
    post:
      summary: short
      description: A pet has come.
      deprecated: true
      x-svix-group-name: pets
      x-svix-feature-flags: [a, b]
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                id: {type: integer, maximum: 12345678901234567890}
                when: {const: 2024-01-01}
                on: {type: boolean, default: true}
                none: {default: ~}
                size: {default: 1.10}
  pet.gone:
    summary: Gone
    put:
      x-svix-feature-flag: c
`
	want := []openapi.Webhook{
		{Name: "pet.new", Path: []string{"webhooks", "pet.new", "post"}, Description: "A pet has come.", Deprecated: true, GroupName: new("pets"), FeatureFlags: &[]string{"a", "b"},
			Schema: []byte(`{"type":"object","properties":{"id":{"type":"integer","maximum":12345678901234567890},"when":{"const":"2024-01-01"},"on":{"type":"boolean","default":true},"none":{"default":null},"size":{"default":1.10}}}`)},
		{Name: "pet.gone", Path: []string{"webhooks", "pet.gone", "put"}, Description: "Gone", FeatureFlags: &[]string{"c"}},
	}
	if diff := cmp.Diff(want, read(t, asJSON)); diff != "" {
		t.Errorf("JSON: %s", diff)
	}
	if diff := cmp.Diff(want, read(t, asYAML)); diff != "" {
		t.Errorf("YAML: %s", diff)
	}
	if diff := cmp.Diff(want, read(t, "\ufeff"+asJSON)); diff != "" {
		t.Errorf("JSON after a byte order mark: %s", diff)
	}
}

func TestRead_BothSections(t *testing.T) {
	t.Parallel()
	list := read(t, `{"x-webhooks":{"old":{"post":{}},"both":{"post":{"summary":"older"}}},"webhooks":{"both":{"post":{"summary":"newer"}},"new":{"post":{}}}}`)
	var got []string
	for _, w := range list {
		got = append(got, w.Name+w.Description)
	}
	if diff := cmp.Diff([]string{"bothnewer", "new", "old"}, got); diff != "" {
		t.Error(diff)
	}
	if list := read(t, `{"webhooks":{}}`); len(list) != 0 {
		t.Errorf("got %v", list)
	}
}

func TestRead_SchemasAreCompleteInThemselves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, components, want string }{
		"nothing to do": {`{"type":"object"}`, `{}`, `{"type":"object"}`},
		"the root": {`{"$ref":"#/components/schemas/Pet"}`, `{"schemas":{"Pet":{"type":"object","properties":{"tag":{"$ref":"#/components/schemas/Tag"},"more":{"items":{"$ref":"#/components/schemas/Tag"}}}},"Tag":{"type":"string"}}}`,
			`{"type":"object","properties":{"tag":{"$ref":"#/definitions/Tag"},"more":{"items":{"$ref":"#/definitions/Tag"}}},"definitions":{"Tag":{"type":"string"}}}`},
		"names that clash": {`{"allOf":[{"$ref":"#/components/a/X"},{"$ref":"#/components/b/X"}],"definitions":{"X":{"const":1}}}`, `{"a":{"X":{"const":2}},"b":{"X":{"const":3}}}`,
			`{"allOf":[{"$ref":"#/definitions/X_2"},{"$ref":"#/definitions/X_3"}],"definitions":{"X":{"const":1},"X_2":{"const":2},"X_3":{"const":3}}}`},
		"names with signs": {`{"not":{"$ref":"#/components/schemas/a~1b%20c~0"}}`, `{"schemas":{"a/b c~":{"const":1}}}`, `{"not":{"$ref":"#/definitions/a_1b_20c_0"},"definitions":{"a_1b_20c_0":{"const":1}}}`},
		"one that refers to itself": {`{"properties":{"a":{"$ref":"#/components/schemas/N"}}}`, `{"schemas":{"N":{"properties":{"next":{"$ref":"#/components/schemas/N"}}}}}`,
			`{"properties":{"a":{"$ref":"#/definitions/N"}},"definitions":{"N":{"properties":{"next":{"$ref":"#/definitions/N"}}}}}`},
		"into a list":              {`{"not":{"$ref":"#/components/l/1"}}`, `{"l":[{"const":0},{"const":1}]}`, `{"not":{"$ref":"#/definitions/1"},"definitions":{"1":{"const":1}}}`},
		"values that are no parts": {`{"enum":[{"$ref":"#/none"}],"default":{"$ref":"#/none"},"properties":{"enum":{"$ref":"#/components/X"},"$ref":{"type":"string"}}}`, `{"X":{}}`, `{"enum":[{"$ref":"#/none"}],"default":{"$ref":"#/none"},"properties":{"enum":{"$ref":"#/definitions/X"},"$ref":{"type":"string"}},"definitions":{"X":{}}}`},
		"as OpenAPI 3.0 writes it": {`{"properties":{"a":{"type":"integer","minimum":1,"exclusiveMinimum":true,"maximum":9,"exclusiveMaximum":false},"b":{"type":"string","nullable":true}}}`, `{}`,
			`{"properties":{"a":{"type":"integer","exclusiveMinimum":1,"maximum":9},"b":{"type":["string","null"]}}}`},
	} {
		if got := schemaOf(t, c.schema, c.components); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestRead_ExamplesBesideTheSchema(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ media, want string }{
		"named":      {`"schema":{},"examples":{"one":{"value":{"n":1}},"two":{"$ref":"#/components/examples/e"}}`, `{"examples":[{"n":1},{"n":2.0}]}`},
		"one":        {`"schema":{},"example":{"n":1}`, `{"examples":[{"n":1}]}`},
		"its own":    {`"schema":{"examples":[{"n":3}]},"example":{"n":1}`, `{"examples":[{"n":3}]}`},
		"in the old": {`"schema":{"example":{"n":4}}`, `{"example":{"n":4},"examples":[{"n":4}]}`},
	} {
		list := read(t, `{"webhooks":{"x":{"post":{"requestBody":{"content":{"text/plain":{},"application/cloudevents+json; charset=utf-8":{`+c.media+`}}}}}},"components":{"examples":{"e":{"value":{"n":2.0}}}}}`)
		if got := string(list[0].Schema); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestRead_PartsElsewhereInTheDocument(t *testing.T) {
	t.Parallel()
	list := read(t, `{"webhooks":{"x":{"$ref":"#/components/pathItems/X"}},"components":{"pathItems":{"X":{"post":{"requestBody":{"$ref":"#/components/requestBodies/B"}}}},
		"requestBodies":{"B":{"description":"Of the body.","content":{"application/json":{"schema":{"type":"object"}}}}}}}`)
	if len(list) != 1 || list[0].Description != "Of the body." || string(list[0].Schema) != `{"type":"object"}` {
		t.Errorf("got %+v", list)
	}
}

func TestRead_YAMLMergesAndAliases(t *testing.T) {
	t.Parallel()
	list := read(t, `
webhooks:
  a: &hook
    post: &post
      description: base
      x-svix-group-name: g
  b:
    post:
      <<: *post
      description: own
  c: *hook
  d: {post: {requestBody: {content: {application/json: {schema: {minimum: 0x10, maximum: 1_000, multipleOf: .5, default: .inf, enum: [yes, "no", 0o17, +3]}}}}}}
`)
	var got []string
	for _, w := range list {
		got = append(got, w.Name+" "+w.Description+" "+string(w.Schema))
	}
	want := []string{"a base ", "b own ", "c base ", `d  {"minimum":16,"maximum":1000,"multipleOf":0.5,"default":".inf","enum":["yes","no",15,3]}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if *list[1].GroupName != "g" {
		t.Errorf("got %+v", list[1])
	}
}

// TestRead_LargeDocumentsEnd: whatever a small text stands for, it is refused before it fills the memory.
func TestRead_LargeDocumentsEnd(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	var wide strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&wide, `"p%d":{},`, i)
	}
	var hooks strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&hooks, `"h%d":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/big"}}}}}},`, i)
	}
	for name, doc := range map[string]string{
		"aliases of aliases": bomb.String() + "webhooks: *a11",
		"800 levels":         `{"webhooks":` + strings.Repeat("[", 800) + strings.Repeat("]", 800) + "}",
		"800 levels of YAML": "webhooks: " + strings.Repeat("[", 800) + strings.Repeat("]", 800),
		"many large schemas": `{"webhooks":{` + hooks.String() + `"x":{"post":{}}},"big":{"properties":{` + wide.String() + `"x":{}}}}`,
		"a long chain":       `{"webhooks":{"x":{"$ref":"#/a"}},"a":{"$ref":"#/b"},"b":{"$ref":"#/a"}}`,
	} {
		_, err := openapi.Read([]byte(doc))
		var e *openapi.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzRead: no document makes Read panic or run for long, and every schema that it makes is a JSON object.
func FuzzRead(f *testing.F) {
	for _, doc := range []string{"", "{}", "webhooks: {a: {post: {}}}", `{"webhooks":{"x":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/a"},"example":1}}}}}},"a":{"$ref":"#/a"}}`,
		"a: &a [*a]\nwebhooks: *a", "webhooks: {x: {post: {<<: [{a: 1}, {b: 2}]}}}", `{"webhooks":{"x":{"post":{"x-svix-feature-flags":[1]}}}}`, "? [a]\n: b", "--- \n...\n"} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		list, err := openapi.Read(doc)
		var e *openapi.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v", err)
		}
		for _, w := range list {
			var o map[string]json.RawMessage
			if w.Schema != nil && json.Unmarshal(w.Schema, &o) != nil {
				t.Errorf("%s: %s", w.Name, w.Schema)
			}
		}
	})
}
