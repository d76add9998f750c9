// Package openapi reads the webhooks that an OpenAPI document describes, in JSON or YAML, and makes each one's body a JSON Schema that is complete in itself. It fetches
// nothing, and knows nothing of what the webhooks are for.
package openapi
