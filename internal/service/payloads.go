package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch"
)

// CheckPayload says in what a payload differs from the first version of its type's schema, each in one sentence; nil where it fits, or where there is no schema that can be used.
func CheckPayload(t *hookswitch.EventType, payload []byte) (found []string) {
	var versions map[string]json.RawMessage
	if t.Schemas == nil || json.Unmarshal(t.Schemas, &versions) != nil {
		return nil
	}
	return CheckAgainst(versions["1"], payload)
}

// CheckAgainst says in what a payload differs from a schema, as CheckPayload does.
func CheckAgainst(schema, payload []byte) (found []string) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.DefaultDraft(jsonschema.Draft7)
	if c.AddResource("schema.json", doc) != nil {
		return nil
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return []string{"It is not JSON."}
	}
	var wrong *jsonschema.ValidationError
	if !errors.As(compiled.Validate(v), &wrong) {
		return nil
	}
	const most = 8
	for _, u := range wrong.BasicOutput().Errors {
		if u.Error == nil {
			continue
		}
		at := strings.ReplaceAll(strings.TrimPrefix(u.InstanceLocation, "/"), "/", ".")
		if at == "" {
			at = "The payload"
		}
		if sentence := at + ": " + u.Error.String() + "."; !slices.Contains(found, sentence) && len(found) < most {
			found = append(found, sentence)
		}
	}
	return found
}
