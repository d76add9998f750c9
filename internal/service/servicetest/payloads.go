package servicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// builtInSchemas are the schemas of the gateway's own event types, by name.
var builtInSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	types, err := service.BuiltInEventTypes()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*jsonschema.Schema, len(types))
	for _, t := range types {
		var versions map[string]json.RawMessage
		if err := json.Unmarshal(t.Schemas, &versions); err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(versions["1"]))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft7)
		c.AssertFormat()
		url := "test:///" + t.Name
		if err := c.AddResource(url, doc); err != nil {
			return nil, err
		}
		if out[t.Name], err = c.Compile(url); err != nil {
			return nil, err
		}
	}
	return out, nil
})

// FitsSchema fails the test unless a payload is what the catalogue says of the gateway's own events of the type.
func FitsSchema(tb testing.TB, eventType string, payload []byte) {
	tb.Helper()
	schemas := Must(builtInSchemas())(tb)
	schema := schemas[eventType]
	if schema == nil {
		tb.Errorf("the gateway makes events of the type %s, which is not in the catalogue: %s", eventType, payload)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		tb.Errorf("an event %s does not fit its schema in the catalogue: %v\n%s", eventType, err, payload)
	}
}

// CheckEvents compares every event that the gateway itself has made in the store with the schema of its type, when the test ends.
func CheckEvents(tb testing.TB, s *store.Store) {
	tb.Helper()
	tb.Cleanup(func() {
		ctx := context.Background()
		apps, err := s.Apps(ctx, store.Page{Limit: 1000})
		if err != nil {
			return // a test of what happens without a database
		}
		for _, app := range apps {
			events, _, err := s.Events(ctx, app.Key, store.EventFilter{}, store.Page{Limit: 1000})
			if err != nil {
				return
			}
			for _, ev := range events {
				var own struct {
					Type      string
					EventType string `json:"event_type"`
				}
				// What tests publish themselves does not name its type.
				if json.Unmarshal(ev.Payload, &own) == nil && (own.Type == ev.Type || own.EventType == ev.Type) {
					FitsSchema(tb, ev.Type, ev.Payload)
				}
			}
		}
	})
}
