// Package apitest writes down what the routes of an API take and answer in openapi.json, made of the tables and types that they are made of, and holds the file to them. Tests alone use it.
package apitest

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

var describe = flag.Bool("describe", false, "write the API's part of openapi.json anew")

// API is a part of the document.
type API struct {
	// Name begins the names of its schemas and operations, and its tags.
	Name string
	// Tags are the groups of routes, in the order in which they are documented. They come behind Name.
	Tags   []string
	Routes []Route
	// Owns chooses the paths that are this API's alone.
	Owns func(path string) bool
	// Security is the name of its security scheme, and SecurityText what that is; empty: nothing is needed, or another API describes the scheme.
	Security, SecurityText string
	// Error is a value of the type of an error's body; nil: errors have none.
	Error any
	// Limit is how many rows a list has where nothing is asked for, and MaxLimit the most that may be asked for.
	Limit, MaxLimit int
}

// Route is one operation.
type Route struct {
	Method, Path string // from the root
	Name         string // unique in the API
	Description  string
	Shape
}

// Shape is what the description says about a route besides what the table of routes does.
type Shape struct {
	Tag     string
	Status  int  // 0: 200
	In, Out any  // values of the types of the bodies; nil: none
	Form    bool // In comes as a form
	Lines   bool // Out is one of many lines
	Query   []string
	Header  []string
	List    bool // has limit and cursor
	Open    bool // needs no credential
	Error   any  // a value of the type of an error's body, where it is not the API's
}

// ordered is a JSON object whose members keep their order.
type ordered []member

type member struct {
	name  string
	value any
}

func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{m.name, m.value} {
			if j == 1 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, err
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o *ordered) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, member{name.(string), value})
	}
	return nil
}

// change makes the member what f makes of it.
func (o ordered) change(t testing.TB, name string, f func(ordered) ordered) {
	t.Helper()
	for i, m := range o {
		if m.name != name {
			continue
		}
		var inner ordered
		if err := json.Unmarshal(m.value.(json.RawMessage), &inner); err != nil {
			t.Fatal(err)
		}
		o[i].value = f(inner)
		return
	}
	t.Fatalf("no member %s", name)
}

// replace puts members in the place of those that are chosen, or at the end.
func (o ordered) replace(chosen func(name string) bool, members ordered) ordered {
	at := slices.IndexFunc(o, func(m member) bool { return chosen(m.name) })
	if at < 0 {
		at = len(o)
	}
	rest := slices.DeleteFunc(slices.Clone(o), func(m member) bool { return chosen(m.name) })
	return slices.Insert(rest, at, members...)
}

// schemas collects the schemas of named types.
type schemas struct {
	ordered
	prefix  string
	request bool // what is described now may leave fields out, but for those tagged required
}

func (s *schemas) of(t reflect.Type) ordered {
	nullable := func(o ordered) ordered { return ordered{{"anyOf", []any{o, ordered{{"type", "null"}}}}} }
	switch {
	case t == reflect.TypeFor[httpapi.MilliTime]() || t == reflect.TypeFor[time.Time]():
		return ordered{{"type", "string"}, {"format", "date-time"}}
	case t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface:
		return ordered{}
	case t == reflect.TypeFor[hookswitch.ResponderConfig]():
		return ordered{{"type", "object"}}
	case t == reflect.TypeFor[hookswitch.Credentials](): // each a text, or a list of texts
		return ordered{{"type", "object"}, {"additionalProperties", ordered{}}}
	case t == reflect.TypeFor[[]byte]():
		return ordered{{"type", "string"}, {"format", "byte"}}
	case t == reflect.TypeFor[hookswitch.Secret]():
		return ordered{{"type", "string"}}
	case strings.HasPrefix(t.Name(), "Optional["):
		field, _ := t.FieldByName("Value")
		return nullable(s.of(field.Type))
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.String:
		return ordered{{"type", "string"}}
	case reflect.Bool:
		return ordered{{"type", "boolean"}}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint32, reflect.Uint64:
		return ordered{{"type", "integer"}}
	case reflect.Float64:
		return ordered{{"type", "number"}}
	case reflect.Slice:
		return ordered{{"type", "array"}, {"items", s.of(t.Elem())}}
	case reflect.Map:
		return ordered{{"type", "object"}, {"additionalProperties", s.of(t.Elem())}}
	case reflect.Struct:
		if t.Name() == "" || strings.Contains(t.Name(), "[") {
			return s.object(t)
		}
		name := s.prefix + upper(t.Name())
		if !slices.ContainsFunc(s.ordered, func(m member) bool { return m.name == name }) {
			s.ordered = append(s.ordered, member{name, nil})
			at := len(s.ordered) - 1
			o := s.object(t)
			s.ordered[at].value = o
		}
		return ordered{{"$ref", "#/components/schemas/" + name}}
	}
	panic("no schema for " + t.String())
}

func (s *schemas) object(t reflect.Type) ordered {
	var properties ordered
	var required []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
				walk(f.Type)
				continue
			case name == "-" || !f.IsExported():
				continue
			}
			if name == "" {
				name = f.Name
			}
			schema := s.of(f.Type)
			if words := f.Tag.Get("enum"); words != "" {
				schema = append(schema, member{"enum", strings.Split(words, ",")})
			}
			properties = append(properties, member{name, schema})
			if needed := f.Tag.Get("required") != ""; needed || !strings.HasPrefix(options, "omit") && !s.request {
				required = append(required, name)
			}
		}
	}
	walk(t)
	o := ordered{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o = append(o, member{"required", required})
	}
	return o
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return string(unicode.ToUpper(rune(s[0]))) + s[1:]
}

// operationID is the route's name in one word.
func (a *API) operationID(name string) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(a.Name))
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(upper(word))
	}
	return b.String()
}

func jsonContent(schema any) ordered { return content("application/json", schema) }

func content(mediaType string, schema any) ordered {
	return ordered{{mediaType, ordered{{"schema", schema}}}}
}

func (a *API) operation(s *schemas, rt *Route) ordered {
	var parameters []any
	for segment := range strings.SplitSeq(rt.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			parameters = append(parameters, ordered{{"name", strings.TrimSuffix(name, "}")}, {"in", "path"}, {"required", true}, {"schema", ordered{{"type", "string"}}}})
		}
	}
	query := func(name string, schema ordered) {
		parameters = append(parameters, ordered{{"name", name}, {"in", "query"}, {"schema", schema}})
	}
	for _, name := range rt.Query {
		query(name, ordered{{"type", "string"}})
	}
	if rt.List {
		query("limit", ordered{{"type", "integer"}, {"minimum", 1}, {"maximum", a.MaxLimit}, {"default", a.Limit}})
		query("cursor", ordered{{"type", "string"}})
	}
	for _, name := range rt.Header {
		parameters = append(parameters, ordered{{"name", name}, {"in", "header"}, {"schema", ordered{{"type", "string"}}}})
	}
	security := []any{}
	if a.Security != "" && !rt.Open {
		security = append(security, map[string]any{a.Security: []any{}})
	}
	op := ordered{{"operationId", a.operationID(rt.Name)}, {"tags", []string{a.tag(rt.Tag)}}, {"summary", upper(rt.Name)}}
	if rt.Description != "" {
		op = append(op, member{"description", rt.Description})
	}
	op = append(op, member{"security", security})
	if len(parameters) > 0 {
		op = append(op, member{"parameters", parameters})
	}
	if rt.In != nil {
		s.request = true
		mediaType := "application/json"
		if rt.Form {
			mediaType = "application/x-www-form-urlencoded"
		}
		op = append(op, member{"requestBody", ordered{{"content", content(mediaType, s.of(reflect.TypeOf(rt.In)))}}})
		s.request = false
	}
	done := ordered{{"description", "Done."}}
	if rt.Out != nil {
		mediaType := "application/json"
		if rt.Lines {
			mediaType = "application/x-ndjson"
		}
		done = append(done, member{"content", content(mediaType, s.of(reflect.TypeOf(rt.Out)))})
	}
	refused := ordered{{"$ref", "#/components/responses/" + a.Name + "Error"}}
	if rt.Error != nil {
		refused = ordered{{"description", "Refused."}, {"content", jsonContent(s.of(reflect.TypeOf(rt.Error)))}}
	}
	return append(op, member{"responses", ordered{{strconv.Itoa(max(rt.Status, http.StatusOK)), done}, {"default", refused}}})
}

func (a *API) tag(tag string) string { return strings.TrimSpace(a.Name + " " + tag) }

// described is the document with this API's part as its routes have it.
func (a *API) described(t testing.TB, raw []byte) []byte {
	t.Helper()
	var doc ordered
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	s := &schemas{prefix: a.Name}
	var paths ordered
	for i := range a.Routes {
		rt := &a.Routes[i]
		if !slices.Contains(a.Tags, rt.Tag) || !a.Owns(rt.Path) {
			t.Fatalf("nothing tells about %s %s", rt.Method, rt.Path)
		}
		at := slices.IndexFunc(paths, func(m member) bool { return m.name == rt.Path })
		if at < 0 {
			paths = append(paths, member{rt.Path, ordered{}})
			at = len(paths) - 1
		}
		paths[at].value = append(paths[at].value.(ordered), member{strings.ToLower(rt.Method), a.operation(s, rt)})
	}
	refused := ordered{{"description", "Refused."}}
	if a.Error != nil {
		refused = append(refused, member{"content", jsonContent(s.of(reflect.TypeOf(a.Error)))})
	}
	ours := func(name string) bool { return strings.HasPrefix(name, a.Name) }
	doc.change(t, "paths", func(o ordered) ordered { return o.replace(a.Owns, paths) })
	doc.change(t, "components", func(o ordered) ordered {
		if a.SecurityText != "" {
			o.change(t, "securitySchemes", func(o ordered) ordered {
				return o.replace(func(name string) bool { return name == a.Security }, ordered{{a.Security, ordered{{"type", "http"}, {"scheme", "bearer"}, {"description", a.SecurityText}}}})
			})
		}
		o.change(t, "responses", func(o ordered) ordered { return o.replace(ours, ordered{{a.Name + "Error", refused}}) })
		o.change(t, "schemas", func(o ordered) ordered { return o.replace(ours, s.ordered) })
		return o
	})
	for i, m := range doc {
		if m.name == "tags" {
			doc[i].value = a.tags(t, m.value.(json.RawMessage))
		}
	}
	compact, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(bytes.TrimSpace(out.Bytes()), '\n')
}

// tags are those of the document, with this API's in use in the place of those that it had.
func (a *API) tags(t testing.TB, raw []byte) []map[string]string {
	t.Helper()
	var list []map[string]string
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	ours := func(tag map[string]string) bool { return strings.Split(tag["name"], " ")[0] == a.Name }
	at := slices.IndexFunc(list, ours)
	if at < 0 {
		at = len(list)
	}
	list = slices.DeleteFunc(list, ours)
	var used []map[string]string
	for _, tag := range a.Tags {
		if slices.ContainsFunc(a.Routes, func(rt Route) bool { return rt.Tag == tag }) {
			used = append(used, map[string]string{"name": a.tag(tag)})
		}
	}
	return slices.Insert(list, at, used...)
}

// Check fails unless the file describes the API's routes as they are. With the flag -describe it is written so.
func (a *API) Check(t testing.TB, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := a.described(t, raw)
	switch {
	case bytes.Equal(raw, want):
	case *describe:
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not say what the table of routes does: run go generate here", file)
	}
	ids := make(map[string]bool)
	for _, rt := range a.Routes {
		if id := a.operationID(rt.Name); ids[id] {
			t.Errorf("two routes are named %q", rt.Name)
		} else {
			ids[id] = true
		}
	}
}
