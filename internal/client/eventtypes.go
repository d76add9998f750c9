package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// SchemaCheck is in what schemas differ from those that an event type has.
type SchemaCheck struct {
	Breaks bool `json:"breaks"`
	Items  []struct {
		Version string `json:"version"`
		Against string `json:"against"`
		Gone    bool   `json:"gone"`
		Breaks  bool   `json:"breaks"`
		Changes []struct {
			Path     string `json:"path"`
			Breaking bool   `json:"breaking"`
			Text     string `json:"text"`
		} `json:"changes"`
	} `json:"items"`
}

// CheckEventType compares schemas, an object from versions to JSON Schemas, with those of an event type.
func (c *Client) CheckEventType(ctx context.Context, name string, schemas []byte) (s SchemaCheck, err error) {
	err = c.call(ctx, http.MethodPost, operatorBase+"/event-types/"+seg(name)+"/check", map[string]json.RawMessage{"schemas": schemas}, &s)
	return s, err
}

// ImportedTypes are the names of event types that an import has changed, or would change.
type ImportedTypes struct {
	Data struct {
		Modified []string `json:"modified"`
		ToModify []struct {
			Name string `json:"name"`
		} `json:"to_modify"`
	} `json:"data"`
}

// ImportOpenAPI makes event types of the webhooks of an OpenAPI document.
func (c *Client) ImportOpenAPI(ctx context.Context, document string, dryRun, replaceAll bool) (t ImportedTypes, err error) {
	err = c.call(ctx, http.MethodPost, "/api/v1/event-type/import/openapi", map[string]any{"specRaw": document, "dryRun": dryRun, "replaceAll": replaceAll}, &t)
	return t, err
}
