package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/hookswitch/hookswitch"
)

// Bounds of one schema besides hookswitch.MaxSchemas, so that whatever is given is judged within milliseconds.
const (
	maxSchemaDepth   = 64   // lists and objects inside each other
	maxSchemaParts   = 2000 // objects and truth values where a schema can stand
	maxSchemaPattern = 1000 // characters of a regular expression
	maxExponent      = 400  // of a number: more is beyond what receivers can read
	maxDigits        = 400
)

// checkSchemas reports what is wrong with the schemas of an event type: each has to be a JSON Schema of draft 7, or of the draft it names, that is complete in
// itself and does not refer to itself. Nothing is fetched.
func checkSchemas(schemas []byte) error {
	if schemas == nil {
		return nil
	}
	var versions map[string]json.RawMessage
	if err := json.Unmarshal(schemas, &versions); err != nil {
		return hookswitch.InvalidField("must be an object whose fields are JSON Schemas", "schemas")
	}
	var c hookswitch.Checks
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		if m := hookswitch.CheckName(version); m != "" {
			c.Field("has a version whose name "+m, "schemas")
			continue
		}
		if m := checkSchema(versions[version]); m != "" {
			c.Field(m, "schemas", version)
		}
	}
	return c.Err()
}

// checkSchema says what is wrong with one schema.
func checkSchema(raw []byte) string {
	if jsonDepth(raw) > maxSchemaDepth {
		return "must not be nested more than " + strconv.Itoa(maxSchemaDepth) + " levels deep"
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return "is not valid JSON"
	}
	root, ok := doc.(map[string]any)
	if !ok {
		return "must be an object: a JSON Schema"
	}
	look := lookAt(root)
	if look.fault != "" {
		return look.fault
	}
	for _, ref := range look.refs {
		if base, _, _ := strings.Cut(ref, "#"); schemeOf.MatchString(ref) && !look.ids[base] {
			return "refers to " + clip(ref) + "; a schema has to be complete in itself"
		}
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(anyRegexp)
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return "is not a valid JSON Schema"
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return schemaFault(err)
	}
	if circular(compiled, make(map[*jsonschema.Schema]int)) {
		return "refers to itself in a circle"
	}
	return ""
}

// schemaURL is what a schema is called while it is judged. Nothing lies there.
const (
	schemaBase = "hookswitch:///"
	schemaURL  = schemaBase + "schema"
)

var schemeOf = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)

// clip shortens a foreign text for an error.
func clip(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}

var errNoLoader = errors.New("schemas are not fetched")

// noLoader refuses to fetch anything.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errNoLoader }

// jsonDepth is how many lists and objects of b lie inside each other.
func jsonDepth(b []byte) (most int) {
	depth, inText := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// schemaLook goes through a schema before the library does, and finds what would cost too much, and what it refers to.
type schemaLook struct {
	all   bool // values that are no schemas count as parts too, because something refers into them
	parts int
	ids   map[string]bool
	refs  []string
	fault string
}

// Keywords whose values are no schemas, and those whose values are objects of schemas.
var (
	annotations = []string{"const", "default", "enum", "example", "examples"}
	schemaMaps  = []string{"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)

func lookAt(root map[string]any) *schemaLook {
	l := &schemaLook{ids: make(map[string]bool)}
	l.object(root)
	if slices.ContainsFunc(l.refs, func(ref string) bool {
		return slices.ContainsFunc(annotations, func(name string) bool { return strings.Contains(ref, name) })
	}) {
		l = &schemaLook{all: true, ids: make(map[string]bool)}
		l.object(root)
	}
	return l
}

func (l *schemaLook) object(o map[string]any) {
	if l.part(); l.fault != "" {
		return
	}
	for name, v := range o {
		text, isText := v.(string)
		subs, isMap := v.(map[string]any)
		switch {
		case isText && (name == "$ref" || name == "$recursiveRef" || name == "$dynamicRef"):
			l.refs = append(l.refs, text)
		case isText && (name == "$id" || name == "id"):
			base, _, _ := strings.Cut(text, "#")
			l.ids[base] = true
		case isText && name == "pattern":
			l.pattern(text)
		case isText:
		case isMap && slices.Contains(schemaMaps, name):
			for key, sub := range subs {
				if name == "patternProperties" {
					l.pattern(key)
				}
				l.value(sub)
			}
		case slices.Contains(annotations, name) && !l.all:
			l.numbers(v)
		default:
			l.value(v)
		}
	}
}

func (l *schemaLook) value(v any) {
	if l.fault != "" {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		l.object(v)
	case []any:
		for _, item := range v {
			l.value(item)
		}
	case bool:
		l.part()
	case json.Number:
		l.number(v)
	}
}

func (l *schemaLook) part() {
	if l.parts++; l.parts > maxSchemaParts {
		l.fault = "must have at most " + strconv.Itoa(maxSchemaParts) + " parts"
	}
}

func (l *schemaLook) pattern(p string) {
	if len(p) > maxSchemaPattern {
		l.fault = "must not have patterns of more than " + strconv.Itoa(maxSchemaPattern) + " characters"
	}
}

// numbers looks at the numbers anywhere in a value.
func (l *schemaLook) numbers(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			l.numbers(item)
		}
	case []any:
		for _, item := range v {
			l.numbers(item)
		}
	case json.Number:
		l.number(v)
	}
}

// number refuses what takes megabytes to be written out.
func (l *schemaLook) number(n json.Number) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	e, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	if exponent != "" && (err != nil || math.Abs(float64(e)) > maxExponent) || len(mantissa) > maxDigits {
		l.fault = "has a number that is out of range: " + clip(n.String())
	}
}

// anyRegexp takes regular expressions as JavaScript has them. Those that Go's engine understands it, too, compiles; some constructs it knows of and does not have.
func anyRegexp(s string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(s)
	if err == nil {
		return re, nil
	}
	var e *syntax.Error
	if errors.As(err, &e) {
		switch e.Code {
		case syntax.ErrInvalidPerlOp, syntax.ErrInvalidEscape, syntax.ErrInvalidNamedCapture, syntax.ErrInvalidRepeatSize, syntax.ErrInvalidCharRange:
			return foreignRegexp(s), nil // looking around, \u1234, \1 and the like
		}
	}
	return nil, err
}

// foreignRegexp is a regular expression that is not run here.
type foreignRegexp string

func (r foreignRegexp) String() string          { return string(r) }
func (r foreignRegexp) MatchString(string) bool { return true }

// schemaFault says what the library found wrong.
func schemaFault(err error) string {
	var invalid *jsonschema.SchemaValidationError
	var load *jsonschema.LoadURLError
	switch {
	case errors.As(err, &load):
		return "refers to " + clip(strings.TrimPrefix(load.URL, schemaBase)) + "; a schema has to be complete in itself"
	case errors.As(err, &invalid):
		var v *jsonschema.ValidationError
		if errors.As(invalid.Err, &v) {
			return "is not a valid JSON Schema: " + deepest(v)
		}
	}
	return "is not a valid JSON Schema: " + clip(strings.NewReplacer(schemaURL, "the schema", schemaBase, "").Replace(err.Error()))
}

// deepest is the first fault that the library found at the end of its reasons: where it is, and what it is.
func deepest(v *jsonschema.ValidationError) string {
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	what := v.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	if _, ok := v.ErrorKind.(*kind.FalseSchema); ok {
		what = "is not allowed"
	}
	return clip(fmt.Sprintf("at /%s: %s", strings.Join(v.InstanceLocation, "/"), what))
}

// States of a walk through a graph.
const (
	onPath = 1 + iota
	passed
)

// circular reports whether a schema contains itself, or comes back to itself over references.
func circular(s *jsonschema.Schema, seen map[*jsonschema.Schema]int) bool {
	if s == nil || seen[s] == passed {
		return false
	}
	if seen[s] == onPath {
		return true
	}
	seen[s] = onPath
	found := false
	visit := func(list ...*jsonschema.Schema) {
		for _, sub := range list {
			found = found || circular(sub, seen)
		}
	}
	visitAny := func(v any) {
		switch v := v.(type) {
		case *jsonschema.Schema:
			visit(v)
		case []*jsonschema.Schema:
			visit(v...)
		}
	}
	visit(s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else, s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema)
	if s.DynamicRef != nil {
		visit(s.DynamicRef.Ref)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		visit(list...)
	}
	for _, sub := range s.Properties {
		visit(sub)
	}
	for _, sub := range s.PatternProperties {
		visit(sub)
	}
	for _, sub := range s.DependentSchemas {
		visit(sub)
	}
	for _, sub := range s.Dependencies {
		visitAny(sub)
	}
	visitAny(s.AdditionalProperties)
	visitAny(s.Items)
	visitAny(s.AdditionalItems)
	seen[s] = passed
	return found
}

// example is the payload that a schema shows: of the list examples the one at index, or else the single one that OpenAPI calls example. The message is
// "" where there is one.
func example(schemas []byte, index int) (payload []byte, message string) {
	var versions map[string]struct {
		Examples json.RawMessage
		Example  json.RawMessage
	}
	if schemas == nil || json.Unmarshal(schemas, &versions) != nil {
		return nil, "the event type has no schema with an example"
	}
	var list []json.RawMessage
	switch v := versions["1"]; {
	case json.Unmarshal(v.Examples, &list) == nil && len(list) > 0:
		if index >= len(list) {
			return nil, fmt.Sprintf("the event type has %d examples, numbered from 0", len(list))
		}
		payload = list[index]
	case v.Example != nil:
		payload = v.Example
	default:
		return nil, "the first version of the event type's schema has no example"
	}
	if len(payload) == 0 || payload[0] != '{' {
		return nil, "the example is not an object, and cannot be the payload of a message"
	}
	return payload, ""
}
