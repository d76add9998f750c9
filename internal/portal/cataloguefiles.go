package portal

import (
	"bytes"
	"encoding/json"
	"go/format"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var catalogueFilesRoutes = []route{
	{in: appPages, method: "GET", path: "/event-types/download", name: "Descriptions of all events", handle: (*Pages).downloadTypes, data: true},
}

// maxDescribed is how many bytes of schemas one file describes, and describedPage how many types are read at a time.
const (
	maxDescribed  = 16 << 20
	describedPage = 100
)

// described is an event type with the newest version of its schema.
type described struct {
	*hookswitch.EventType
	name    string          // as a name of a type in programs, unlike the others
	version string          // of the schema
	raw     json.RawMessage // nil: it has none
	schema  *schema
}

// catalogueFiles are the forms in which the whole catalogue is downloaded.
var catalogueFiles = []struct {
	as, name, file, kind string
	make                 func(title string, list []described) ([]byte, error)
}{
	{"openapi", "OpenAPI", "webhooks.openapi.json", "application/json", openAPIOf},
	{"asyncapi", "AsyncAPI", "webhooks.asyncapi.json", "application/json", asyncAPIOf},
	{"schema", "JSON Schema", "webhooks.schema.json", "application/schema+json", jsonSchemaOf},
	{"typescript", "TypeScript", "webhooks.ts", "text/plain; charset=utf-8", typeScriptOf},
	{"go", "Go", "webhooks.go", "text/plain; charset=utf-8", goOf},
}

// catalogueDownloads are the links to them.
func (v *view) catalogueDownloads() (list []ui.Action) {
	for _, f := range catalogueFiles {
		list = append(list, ui.Action{Name: f.name, Of: "of all event types", URL: v.Page("event-types", "download") + "?as=" + f.as, Icon: "down", Look: "small"})
	}
	return list
}

// downloadTypes answers with a description of all event types.
func (p *Pages) downloadTypes(v *view) error {
	for _, f := range catalogueFiles {
		if f.as != v.query("as") {
			continue
		}
		list, err := p.described(v)
		if err != nil {
			return err
		}
		body, err := f.make("Webhooks of "+v.App.Name, list)
		if err != nil {
			return err
		}
		h := v.w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Content-Disposition", `attachment; filename="`+f.file+`"`)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = v.w.Write(body) // an error means that the reader has gone
		return nil
	}
	return hookswitch.InvalidField("must be openapi, asyncapi, schema, typescript or go", "as")
}

// described are the event types that whoever looks sees, by name.
func (p *Pages) described(v *view) (list []described, err error) {
	names, size := make(map[string]bool), 0
	for after := ""; ; {
		types, err := p.svc.EventTypes(v.ctx(), service.EventTypeQuery{Schemas: true}, store.NamePage{Limit: describedPage, After: after, Ascending: true})
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			after = t.Name
			if size += len(t.Schemas); size > maxDescribed {
				return nil, hookswitch.Errorf(hookswitch.Invalid, "The catalogue is too large for one file. Download what you need type by type.")
			}
			if operationalType(t.Name) {
				continue
			}
			d := described{EventType: t, name: typeName(t.Name)}
			for n := 2; names[d.name]; n++ {
				d.name = typeName(t.Name) + strconv.Itoa(n)
			}
			names[d.name] = true
			versions, schemas := versionsOf(t)
			if len(versions) > 0 {
				d.version, d.raw = versions[0], schemas[versions[0]]
				d.schema = parseSchema(d.raw)
			}
			list = append(list, d)
		}
		if len(types) < describedPage {
			return list, nil
		}
	}
}

// asOf is a version of a file: the day on which the newest of the types was changed.
func asOf(list []described) string {
	var newest time.Time
	for _, d := range list {
		if d.UpdatedAt.After(newest) {
			newest = d.UpdatedAt
		}
	}
	return newest.UTC().Format(time.DateOnly)
}

var localRef = regexp.MustCompile(`"\$ref"\s*:\s*"#(/[^"]*)?"`)

// placed is the schema where it lies at a pointer of a larger document: what it refers to in itself lies there too. One that has an address of its own stays as it is.
func (d *described) placed(pointer string) json.RawMessage {
	var own struct {
		ID any `json:"$id"`
	}
	if d.raw == nil || json.Unmarshal(d.raw, &own) != nil {
		return json.RawMessage("{}")
	}
	if own.ID != nil {
		return d.raw
	}
	return localRef.ReplaceAll(d.raw, []byte(`"$$ref":"#`+pointer+d.Name+`$1"`))
}

type object = map[string]any

func prettyJSON(doc any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return b.Bytes(), err
}

func schemasAt(pointer string, list []described) object {
	all := object{}
	for _, d := range list {
		all[d.Name] = d.placed(pointer)
	}
	return all
}

// signedHeaders are the headers that each webhook bears, and what they are.
var signedHeaders = [][2]string{{"webhook-id", "Id of the message, the same in each attempt: by it a repeat is told."}, {"webhook-timestamp", "Time of the attempt, in seconds since 1970."},
	{"webhook-signature", "Signatures of id, time and body, with a space between them; see https://www.standardwebhooks.com"}}

const schemasPointer = "/components/schemas/"

// openAPIOf is an OpenAPI 3.1 document with a webhook for each type; see https://spec.openapis.org/oas/v3.1.0.
func openAPIOf(title string, list []described) ([]byte, error) {
	hooks, parameters, refs := object{}, object{}, []object{}
	for _, h := range signedHeaders {
		parameters[h[0]] = object{"name": h[0], "in": "header", "required": true, "description": h[1], "schema": object{"type": "string"}}
		refs = append(refs, object{"$ref": "#/components/parameters/" + h[0]})
	}
	for _, d := range list {
		post := object{"operationId": d.name, "tags": []string{groupOf(d.EventType)}, "parameters": refs,
			"requestBody": object{"required": true, "content": object{"application/json": object{"schema": object{"$ref": "#" + schemasPointer + d.Name}}}},
			"responses":   object{"2XX": object{"description": "Taken. Any other status is tried again."}}}
		if d.Description != "" {
			post["description"] = d.Description
		}
		if d.Deprecated {
			post["deprecated"] = true
		}
		if d.GroupName != "" {
			post["x-svix-group-name"] = d.GroupName // read by whoever imports such documents
		}
		hooks[d.Name] = object{"post": post}
	}
	return prettyJSON(struct {
		OpenAPI    string `json:"openapi"`
		Info       object `json:"info"`
		Dialect    string `json:"jsonSchemaDialect"`
		Webhooks   object `json:"webhooks"`
		Components object `json:"components"`
	}{"3.1.0", object{"title": title, "version": asOf(list)}, "http://json-schema.org/draft-07/schema#", hooks, object{"schemas": schemasAt(schemasPointer, list), "parameters": parameters}})
}

// asyncAPIOf is an AsyncAPI 3.0 document with a message for each type; see https://www.asyncapi.com/docs/reference/specification/v3.0.0.
func asyncAPIOf(title string, list []described) ([]byte, error) {
	messages, refs, properties, names := object{}, object{}, object{}, []string{}
	for _, h := range signedHeaders {
		properties[h[0]] = object{"type": "string", "description": h[1]}
		names = append(names, h[0])
	}
	for _, d := range list {
		m := object{"name": d.Name, "contentType": "application/json", "tags": []object{{"name": groupOf(d.EventType)}}, "headers": object{"$ref": "#" + schemasPointer + "headers"},
			"payload": object{"$ref": "#" + schemasPointer + d.Name}}
		if d.Description != "" {
			m["summary"] = d.Description
		}
		if d.schema != nil {
			if sample := d.schema.sample(); len(sample) > 0 && sample[0] == '{' && json.Valid(sample) {
				m["examples"] = []object{{"payload": json.RawMessage(sample)}}
			}
		}
		messages[d.Name], refs[d.Name] = m, object{"$ref": "#/components/messages/" + d.Name}
	}
	schemas := schemasAt(schemasPointer, list)
	schemas["headers"] = object{"type": "object", "required": names, "properties": properties}
	return prettyJSON(struct {
		AsyncAPI   string `json:"asyncapi"`
		Info       object `json:"info"`
		Content    string `json:"defaultContentType"`
		Channels   object `json:"channels"`
		Operations object `json:"operations"`
		Components object `json:"components"`
	}{"3.0.0", object{"title": title, "version": asOf(list)}, "application/json",
		object{"webhooks": object{"title": "Webhooks", "description": "The address of an endpoint of yours. Each message is a POST to it.", "address": nil, "messages": refs}},
		object{"deliver": object{"action": "send", "channel": object{"$ref": "#/channels/webhooks"}, "summary": "Sent to each endpoint that gets the type, until it answers with 2xx."}},
		object{"messages": messages, "schemas": schemas}})
}

// jsonSchemaOf is a JSON Schema of all payloads.
func jsonSchemaOf(title string, list []described) ([]byte, error) {
	const pointer = "/definitions/"
	one := []object{}
	for _, d := range list {
		one = append(one, object{"$ref": "#" + pointer + d.Name})
	}
	return prettyJSON(struct {
		Schema      string   `json:"$schema"`
		Title       string   `json:"title"`
		AnyOf       []object `json:"anyOf"`
		Definitions object   `json:"definitions"`
	}{"http://json-schema.org/draft-07/schema#", title, one, schemasAt(pointer, list)})
}

// typeScriptOf is a module with a type for each payload.
func typeScriptOf(title string, list []described) ([]byte, error) {
	var b, names strings.Builder
	b.WriteString("// " + oneLine(title) + ", of " + asOf(list) + ".\n")
	names.WriteString("\n/** Payloads by the name of their type. */\nexport interface WebhookEvents {\n")
	for _, d := range list {
		s := d.schema
		if s == nil {
			s = &schema{Type: schemaTypes{"object"}}
		}
		c := *s
		if c.Description == "" {
			c.Description = d.Description
		}
		b.WriteString("\n" + c.typeScript(d.name))
		names.WriteString("  " + member(d.Name) + ": " + d.name + ";\n")
	}
	b.WriteString(names.String() + "}\n\n/** A payload of any type. */\nexport type WebhookEvent = WebhookEvents[keyof WebhookEvents];\n")
	return []byte(b.String()), nil
}

// goOf is a package with a type for each payload.
func goOf(title string, list []described) ([]byte, error) {
	var types strings.Builder
	for _, d := range list {
		s := d.schema
		if s == nil {
			s = &schema{Type: schemaTypes{"object"}}
		}
		types.WriteString("\n" + s.goDeclaration(d.name, d.Name))
	}
	text := "// Package events has the payloads of " + oneLine(title) + ", of " + asOf(list) + ".\npackage events\n"
	if strings.Contains(types.String(), "json.RawMessage") {
		text += "\nimport \"encoding/json\"\n"
	}
	text += types.String()
	if tidy, err := format.Source([]byte(text)); err == nil {
		return tidy, nil
	}
	return []byte(text), nil
}
