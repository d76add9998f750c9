package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

// nested is a schema of the number of levels.
func nested(levels int) string {
	return strings.Repeat(`{"properties":{"a":`, levels) + "{}" + strings.Repeat("}}", levels)
}

// manyParts is a valid schema of about n parts.
func manyParts(n int) string {
	var b strings.Builder
	b.WriteString(`{"properties":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"p%d":{}`, i)
	}
	return b.String() + "}}"
}

func TestSchemas_GoodOnesAreTaken(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"empty":                 `{}`,
		"object":                `{"type":"object","properties":{"id":{"type":"string","maxLength":12345678901234567890}},"required":["id"],"examples":[{"id":"1"}]}`,
		"named draft":           `{"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}`,
		"another draft":         `{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"type":"string"}]}`,
		"references":            `{"properties":{"a":{"$ref":"#/definitions/x"},"b":{"$ref":"#/definitions/x"}},"definitions":{"x":{"type":"string"}}}`,
		"its own id":            `{"$id":"https://schemas.example.com/user.json","properties":{"a":{"$ref":"https://schemas.example.com/user.json#/definitions/x"}},"definitions":{"x":{}}}`,
		"an anchor":             `{"properties":{"a":{"$ref":"#x"}},"definitions":{"x":{"$id":"#x","type":"string"}}}`,
		"JavaScript's patterns": `{"properties":{"a":{"pattern":"^(?!x)\\u0041(?<n>b)\\1$"}},"patternProperties":{"(?=a)":{}}}`,
		"odd names":             `{"properties":{"$ref":{"type":"string"},"default":{"type":"string"},"examples":{"enum":["a"]},"enum":{}}}`,
		"large example":         `{"examples":[` + strings.Repeat(`{"a":[1,2,3]},`, 5000) + `{}]}`,
		"as deep as may be":     nested(maxSchemaDepth/2 - 1),
		"as many as may be":     manyParts(maxSchemaParts - 1),
		"unknown keywords":      `{"x-hint":{"a":1},"nullable":true,"example":{"$ref":"https://example.com"}}`,
	} {
		if err := checkSchemas([]byte(`{"1":` + schema + `}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkSchemas([]byte(`{}`)); err != nil {
		t.Errorf("no version: %v", err)
	}
}

// atOnce is how long a refusal may take at most: forty times what is wanted, for the race detector on a machine that does much else.
const atOnce = 2 * time.Second

// fastest is how long fn takes when the machine does nothing else: the best of some tries.
func fastest(fn func()) time.Duration {
	best := time.Hour
	for try := 0; try < 10 && best > atOnce/40; try++ {
		start := time.Now()
		fn()
		best = min(best, time.Since(start))
	}
	return best
}

// TestSchemas_BadOnesAreRefusedAtOnce: neither a file nor the network is touched, and no answer takes as long as fetching would.
func TestSchemas_BadOnesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/schema.json"
	if err := os.WriteFile(file, []byte(`{"type":"string"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = checkSchemas([]byte(`{"1":{}}`)) // the library compiles its own schemas once
	for name, c := range map[string]struct{ schema, says string }{
		"800 levels":                  {nested(800), "levels deep"},
		"800 lists":                   {`{"enum":` + strings.Repeat("[", 800) + strings.Repeat("]", 800) + `}`, "levels deep"},
		"refers to itself":            {`{"$ref":"#"}`, "circle"},
		"through a property":          {`{"properties":{"child":{"$ref":"#"}}}`, "circle"},
		"in a ring":                   {`{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}`, "circle"},
		"in items":                    {`{"items":[{"additionalProperties":{"anyOf":[{"not":{"$ref":"#/items/0"}}]}}]}`, "circle"},
		"the draft itself":            {`{"properties":{"schema":{"$ref":"http://json-schema.org/draft-07/schema#"}}}`, "complete in itself"},
		"a file":                      {`{"$ref":"file://` + file + `"}`, "complete in itself"},
		"a file beside its id":        {`{"$id":"file://` + file + `.x","properties":{"a":{"$ref":"schema.json"}}}`, "complete in itself"},
		"a file in a definition":      {`{"definitions":{"a":{"$ref":"file:///etc/passwd"}}}`, "complete in itself"},
		"a page":                      {`{"properties":{"a":{"$ref":"http://169.254.169.254/latest"}}}`, "complete in itself"},
		"a neighbour":                 {`{"properties":{"a":{"$ref":"other.json#/x"}}}`, "complete in itself"},
		"a path":                      {`{"properties":{"a":{"$ref":"` + file + `"}}}`, "complete in itself"},
		"a draft nobody knows":        {`{"$schema":"http://127.0.0.1:1/schema"}`, "complete in itself"},
		"what is not there":           {`{"$ref":"#/definitions/none"}`, "not a valid JSON Schema"},
		"an anchor that is not there": {`{"$ref":"#none"}`, "not a valid JSON Schema"},
		"a wrong type":                {`{"type":"strin"}`, "not a valid JSON Schema: at /type"},
		"a wrong keyword":             {`{"properties":{"a":{"required":true}}}`, "at /properties/a/required"},
		"a wrong pattern":             {`{"pattern":"("}`, "pattern"},
		"no object":                   {`"string"`, "must be an object"},
		"a truth value":               {`true`, "must be an object"},
		"null":                        {`null`, "must be an object"},
		"a number as large as memory": {`{"multipleOf":1e999999999}`, "out of range"},
		"the same in a list":          {`{"enum":[1,{"a":-1e-999999999}]}`, "out of range"},
		"a long number":               {`{"maximum":` + strings.Repeat("9", 1000) + `}`, "out of range"},
		"many parts":                  {manyParts(20_000), "parts"},
		"many parts in an example":    {`{"$ref":"#/examples/0","examples":[` + manyParts(10_000) + `]}`, "parts"},
		"a long pattern":              {`{"pattern":"` + strings.Repeat("a?", 5000) + `"}`, "patterns"},
		"an id that is no address":    {`{"$id":"http://[::1"}`, "not a valid JSON Schema"},
		"the same id twice":           {`{"definitions":{"a":{"$id":"x"},"b":{"$id":"x"}}}`, "not a valid JSON Schema"},
	} {
		var err error
		took := fastest(func() { err = checkSchemas([]byte(`{"1":{},"v2":` + c.schema + `}`)) })
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || len(e.Fields) != 1 || e.Fields[0].Name() != "schemas.v2" || !strings.Contains(e.Fields[0].Message, c.says) {
			t.Errorf("%s: got %v, want a word of %q about schemas.v2", name, err, c.says)
		}
		if strings.Contains(fmt.Sprint(err), "hookswitch:") {
			t.Errorf("%s: %v", name, err)
		}
		if took > atOnce {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

func TestSchemas_AreAnObjectOfVersions(t *testing.T) {
	t.Parallel()
	for _, schemas := range []string{`[]`, `"x"`, `{"a b":{}}`, `{"":{}}`, `{`} {
		if err := checkSchemas([]byte(schemas)); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("%s: got %v", schemas, err)
		}
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	const two = `{"1":{"examples":[{"b":1.10,"a":12345678901234567890}, {"n":2}]},"2":{"examples":[{"n":3}]}}`
	for _, c := range []struct {
		schemas     string
		index       int
		want, fault string
	}{
		{two, 0, `{"b":1.10,"a":12345678901234567890}`, ""},
		{two, 1, `{"n":2}`, ""},
		{two, 2, "", "2 examples"},
		{`{"1":{"example":{"n":1}}}`, 7, `{"n":1}`, ""},
		{`{"1":{"examples":[],"example":{"n":1}}}`, 0, `{"n":1}`, ""},
		{`{"1":{"examples":["text"]}}`, 0, "", "not an object"},
		{`{"1":{"examples":{"a":1}}}`, 0, "", "no example"},
		{`{"1":{}}`, 0, "", "no example"},
		{`{"2":{"examples":[{}]}}`, 0, "", "no example"},
		{"", 0, "", "no schema"},
	} {
		var schemas []byte
		if c.schemas != "" {
			schemas = []byte(c.schemas)
		}
		payload, fault := example(schemas, c.index)
		if string(payload) != c.want || !strings.Contains(fault, c.fault) || (fault == "") != (c.fault == "") {
			t.Errorf("%s at %d: got %s, %q", c.schemas, c.index, payload, fault)
		}
	}
}

// FuzzSchemas: whatever is given as schemas is judged quickly and without a panic, and what is taken has examples that can be looked for.
func FuzzSchemas(f *testing.F) {
	for _, s := range []string{`{"1":{"$ref":"#"}}`, `{"1":{"$id":"a","definitions":{"b":{"$ref":"a#/x"}}}}`, `{"1":{"dependencies":{"a":["b"],"c":{}},"multipleOf":1e400}}`,
		`{"1":{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveRef":"#"}}`, `{"1":{"$schema":"https://json-schema.org/draft/2020-12/schema","$dynamicRef":"#x","$dynamicAnchor":"x"}}`,
		`{"1":{"patternProperties":{"(":true}}}`, `{"1":{"items":[true,false],"if":true,"then":{"else":{}}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) || len(raw) > hookswitch.MaxSchemas {
			return
		}
		start := time.Now()
		err := checkSchemas(raw)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if err != nil && hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("%v", err)
		}
		example(raw, 0)
	})
}
