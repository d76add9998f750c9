package hookswitch

import _ "embed"

// OpenAPI describes the HTTP APIs of the server, as OpenAPI 3.1 in JSON.
//
//go:embed openapi.json
var OpenAPI []byte
