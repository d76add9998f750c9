package service

import (
	"encoding/json"
	"strconv"

	"github.com/hookswitch/hookswitch"
)

// Examples are the payloads that the catalogue shows of an event type, those that are objects.
func Examples(t *hookswitch.EventType) (list [][]byte) {
	const most = 50
	for i := range most {
		payload, message := example(t.Schemas, i)
		if message != "" {
			break
		}
		list = append(list, payload)
		if !isListed(t.Schemas) {
			break
		}
	}
	return list
}

// isListed reports whether the first version of a schema has a list of examples, and not a single one.
func isListed(schemas []byte) bool {
	var versions map[string]struct{ Examples []json.RawMessage }
	return json.Unmarshal(schemas, &versions) == nil && len(versions[strconv.Itoa(1)].Examples) > 0
}
