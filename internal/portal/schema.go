package portal

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// schema is as much of a JSON Schema as pages show, and types of programs need.
type schema struct {
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Type        schemaTypes        `json:"type"`
	Format      string             `json:"format"`
	Properties  properties         `json:"properties"`
	Required    []string           `json:"required"`
	Items       *schema            `json:"items"`
	Enum        []json.RawMessage  `json:"enum"`
	Const       json.RawMessage    `json:"const"`
	OneOf       []*schema          `json:"oneOf"`
	AnyOf       []*schema          `json:"anyOf"`
	AllOf       []*schema          `json:"allOf"`
	Ref         string             `json:"$ref"`
	Definitions map[string]*schema `json:"definitions"`
	Defs        map[string]*schema `json:"$defs"`
	Examples    []json.RawMessage  `json:"examples"`
	Default     json.RawMessage    `json:"default"`

	never bool // the schema is false
}

// UnmarshalJSON reads true and false too.
func (s *schema) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] != '{' {
		s.never = string(b) == "false"
		return nil
	}
	type plain schema
	return json.Unmarshal(b, (*plain)(s))
}

// schemaTypes is the keyword type: one name or several.
type schemaTypes []string

// UnmarshalJSON reads a name or a list.
func (t *schemaTypes) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = schemaTypes{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return nil //nolint:nilerr // a type that cannot be read says nothing
	}
	*t = list
	return nil
}

func (t schemaTypes) has(name string) bool { return slices.Contains(t, name) }

// property is a member of an object.
type property struct {
	name string
	of   *schema
}

// properties are the members in the order in which they are written.
type properties []property

// UnmarshalJSON keeps the order.
func (p *properties) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil //nolint:nilerr // properties that cannot be read are none
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		s := new(schema)
		if err := dec.Decode(s); err != nil {
			return err
		}
		*p = append(*p, property{name, s})
	}
	return nil
}

// parseSchema reads a schema; nil: there is none.
func parseSchema(raw []byte) *schema {
	s := new(schema)
	if len(raw) == 0 || json.Unmarshal(raw, s) != nil {
		return nil
	}
	return s
}

// schemaBounds keep what is drawn and written within limits, whatever a schema says.
const (
	maxSchemaDeep  = 16
	maxSchemaNodes = 2000
)

// reader walks through a schema.
type schemaReader struct {
	root  *schema
	nodes int
}

// resolve follows references inside the schema.
func (r *schemaReader) resolve(s *schema) *schema {
	for range maxSchemaDeep {
		if s == nil || s.Ref == "" {
			return s
		}
		name, ok := strings.CutPrefix(s.Ref, "#/definitions/")
		from := r.root.Definitions
		if !ok {
			name, ok = strings.CutPrefix(s.Ref, "#/$defs/")
			from = r.root.Defs
		}
		next := from[name]
		if !ok || next == nil {
			return &schema{Description: s.Description}
		}
		if s.Description != "" {
			c := *next
			c.Description = s.Description
			next = &c
		}
		s = next
	}
	return &schema{}
}

// schemaRow is one member as the page shows it.
type schemaRow struct {
	Name, Type, Text string
	Required         bool
	Values           []string // that it may have
	Children         []schemaRow
}

func (r *schemaReader) rows(s *schema, deep int) (list []schemaRow) {
	s = r.resolve(s)
	if s == nil || deep > maxSchemaDeep {
		return nil
	}
	for _, part := range s.AllOf {
		list = append(list, r.rows(part, deep+1)...)
	}
	for _, p := range s.Properties {
		if r.nodes++; r.nodes > maxSchemaNodes {
			return list
		}
		of := r.resolve(p.of)
		row := schemaRow{Name: p.name, Type: r.typeWord(of, 0), Text: of.Description, Required: slices.Contains(s.Required, p.name)}
		for _, v := range of.Enum {
			row.Values = append(row.Values, string(v))
		}
		if of.Const != nil {
			row.Values = []string{string(of.Const)}
		}
		inner := of
		for range maxSchemaDeep {
			if inner == nil || inner.Items == nil {
				break
			}
			inner = r.resolve(inner.Items)
		}
		row.Children = r.rows(inner, deep+1)
		if len(row.Children) == 0 && inner != nil {
			for i, choice := range slices.Concat(inner.OneOf, inner.AnyOf) {
				choice = r.resolve(choice)
				if children := r.rows(choice, deep+2); len(children) > 0 && i < 20 {
					name := choice.Title
					if name == "" {
						name = "form " + strconv.Itoa(i+1)
					}
					row.Children = append(row.Children, schemaRow{Name: "(" + name + ")", Type: r.typeWord(choice, 0), Text: choice.Description, Children: children})
				}
			}
		}
		list = append(list, row)
	}
	return list
}

// typeWord is what a value is, in a few words.
func (r *schemaReader) typeWord(s *schema, deep int) string {
	if s = r.resolve(s); s == nil || deep > 4 {
		return "any"
	}
	word := strings.Join(s.Type, " or ")
	switch {
	case s.Items != nil:
		return "list of " + r.typeWord(s.Items, deep+1)
	case word == "" && len(s.Properties) > 0:
		word = "object"
	case word == "" && (len(s.OneOf) > 0 || len(s.AnyOf) > 0):
		word = "one of several"
	case word == "" && (s.Const != nil || len(s.Enum) > 0):
		word = "value"
	case word == "":
		word = "any"
	}
	if s.Format != "" {
		word += ", " + s.Format
	}
	return word
}

// sample is a value that the schema describes: its example, or one that is made up.
func (s *schema) sample() []byte {
	if s == nil {
		return nil
	}
	if len(s.Examples) > 0 {
		return s.Examples[0]
	}
	var b bytes.Buffer
	r := &schemaReader{root: s}
	r.write(&b, s, "", 0)
	return b.Bytes()
}

func (r *schemaReader) write(b *bytes.Buffer, s *schema, name string, deep int) {
	s = r.resolve(s)
	if r.nodes++; s == nil || deep > maxSchemaDeep || r.nodes > maxSchemaNodes {
		b.WriteString("null")
		return
	}
	put := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("null")
		}
		b.Write(text)
	}
	switch {
	case len(s.Examples) > 0:
		b.Write(s.Examples[0])
	case s.Const != nil:
		b.Write(s.Const)
	case s.Default != nil:
		b.Write(s.Default)
	case len(s.Enum) > 0:
		b.Write(s.Enum[0])
	case len(s.Properties) > 0 || len(s.AllOf) > 0:
		b.WriteByte('{')
		first := true
		for _, part := range append([]*schema{s}, s.AllOf...) {
			if part = r.resolve(part); part == nil {
				continue
			}
			for _, p := range part.Properties {
				if !first {
					b.WriteByte(',')
				}
				first = false
				put(p.name)
				b.WriteByte(':')
				r.write(b, p.of, p.name, deep+1)
			}
		}
		b.WriteByte('}')
	case len(s.OneOf) > 0:
		r.write(b, s.OneOf[0], name, deep+1)
	case len(s.AnyOf) > 0:
		r.write(b, s.AnyOf[0], name, deep+1)
	case s.Items != nil || s.Type.has("array"):
		b.WriteByte('[')
		if s.Items != nil {
			r.write(b, s.Items, name, deep+1)
		}
		b.WriteByte(']')
	case s.Type.has("string"):
		switch s.Format {
		case "date-time":
			put("2026-03-01T12:00:00Z")
		case "email":
			put("somebody@example.com")
		case "uri":
			put("https://example.com/")
		default:
			put(name)
		}
	case s.Type.has("integer"), s.Type.has("number"):
		b.WriteString("1")
	case s.Type.has("boolean"):
		b.WriteString("true")
	case s.Type.has("object"):
		b.WriteString("{}")
	default:
		b.WriteString("null")
	}
}

// typeName is a name of an event type as a name of a type in a program.
func typeName(name string) string {
	var b strings.Builder
	upper := true
	for _, c := range name {
		if c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			upper = true
			continue
		}
		if upper {
			c = unicode.ToUpper(c)
		}
		upper = false
		b.WriteRune(c)
	}
	s := b.String()
	if s == "" || unicode.IsDigit(rune(s[0])) {
		s = "Event" + s
	}
	return s
}

// oneLine is a text that cannot leave a comment.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return cutText(strings.ReplaceAll(s, "*/", "* /"), 300)
}

// typeScript is the schema as a type of TypeScript.
func (s *schema) typeScript(name string) string {
	r := &schemaReader{root: s}
	var b strings.Builder
	if s.Description != "" {
		b.WriteString("/** " + oneLine(s.Description) + " */\n")
	}
	b.WriteString("export type " + typeName(name) + " = " + r.ts(s, 0) + ";\n")
	return b.String()
}

func (r *schemaReader) ts(s *schema, deep int) string {
	s = r.resolve(s)
	if r.nodes++; s == nil || deep > maxSchemaDeep || r.nodes > maxSchemaNodes {
		return "unknown"
	}
	indent := strings.Repeat("  ", deep+1)
	union := func(list []*schema) string {
		var parts []string
		for _, one := range list {
			if text := r.ts(one, deep); !slices.Contains(parts, text) {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, " | ")
	}
	switch {
	case s.never:
		return "never"
	case s.Const != nil:
		return literal(s.Const)
	case len(s.Enum) > 0:
		var parts []string
		for _, v := range s.Enum {
			parts = append(parts, literal(v))
		}
		return strings.Join(parts, " | ")
	case len(s.Properties) > 0:
		var b strings.Builder
		b.WriteString("{\n")
		for _, p := range s.Properties {
			of := r.resolve(p.of)
			if of.Description != "" {
				b.WriteString(indent + "/** " + oneLine(of.Description) + " */\n")
			}
			mark := "?"
			if slices.Contains(s.Required, p.name) {
				mark = ""
			}
			b.WriteString(indent + member(p.name) + mark + ": " + r.ts(p.of, deep+1) + ";\n")
		}
		b.WriteString(strings.Repeat("  ", deep) + "}")
		if s.Type.has("null") {
			b.WriteString(" | null")
		}
		return b.String()
	case len(s.AllOf) > 0:
		var parts []string
		for _, one := range s.AllOf {
			parts = append(parts, r.ts(one, deep))
		}
		return strings.Join(parts, " & ")
	case len(s.OneOf) > 0:
		return union(s.OneOf)
	case len(s.AnyOf) > 0:
		return union(s.AnyOf)
	case s.Items != nil:
		inner := r.ts(s.Items, deep)
		if strings.ContainsAny(inner, "|&") {
			inner = "(" + inner + ")"
		}
		return inner + "[]" + nullable(s, " | null")
	}
	var parts []string
	for _, t := range s.Type {
		switch t {
		case "string", "boolean", "null":
			parts = append(parts, t)
		case "integer", "number":
			parts = append(parts, "number")
		case "array":
			parts = append(parts, "unknown[]")
		case "object":
			parts = append(parts, "Record<string, unknown>")
		}
	}
	if len(parts) == 0 {
		return "unknown"
	}
	return strings.Join(parts, " | ")
}

func nullable(s *schema, text string) string {
	if s.Type.has("null") {
		return text
	}
	return ""
}

// literal is a JSON value as a type: only plain ones can be.
func literal(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "unknown"
	}
	switch v.(type) {
	case string, bool, float64, nil:
		text, err := json.Marshal(v)
		if err != nil {
			return "unknown"
		}
		return string(text)
	}
	return "unknown"
}

// member is the name of a member, in quotes where it has to be.
func member(name string) string {
	for i, c := range name {
		if c != '_' && c != '$' && !(c <= unicode.MaxASCII && (unicode.IsLetter(c) || i > 0 && unicode.IsDigit(c))) {
			return quoted(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}

// goType is the schema as a package of Go with one type.
func (s *schema) goType(name string) string {
	text := s.goDeclaration(typeName(name), name)
	if strings.Contains(text, "json.RawMessage") {
		text = "import \"encoding/json\"\n\n" + text
	}
	return "package events\n\n" + text
}

// goDeclaration declares the type of the payload of an event type.
func (s *schema) goDeclaration(name, of string) string {
	text := "// " + name + " is the payload of " + oneLine(of) + "."
	if s.Description != "" {
		text += " " + oneLine(s.Description)
	}
	return text + "\ntype " + name + " " + (&schemaReader{root: s}).golang(s, 0) + "\n"
}

func (r *schemaReader) golang(s *schema, deep int) string {
	s = r.resolve(s)
	if r.nodes++; s == nil || deep > maxSchemaDeep || r.nodes > maxSchemaNodes {
		return "json.RawMessage"
	}
	if len(s.Properties) > 0 {
		indent := strings.Repeat("\t", deep+1)
		var b strings.Builder
		b.WriteString("struct {\n")
		used := make(map[string]bool)
		for _, p := range s.Properties {
			field := typeName(p.name)
			for used[field] {
				field += "X"
			}
			used[field] = true
			if strings.ContainsAny(p.name, "`\"\\,\n\r") {
				continue // no tag can name it
			}
			of := r.resolve(p.of)
			if of.Description != "" {
				b.WriteString(indent + "// " + oneLine(of.Description) + "\n")
			}
			text, tag := r.golang(p.of, deep+1), p.name
			if !slices.Contains(s.Required, p.name) {
				tag += ",omitempty"
				if strings.HasPrefix(text, "struct") {
					text = "*" + text
				}
			}
			b.WriteString(indent + field + " " + text + " `json:\"" + tag + "\"`\n")
		}
		b.WriteString(strings.Repeat("\t", deep) + "}")
		return b.String()
	}
	if s.Items != nil {
		return "[]" + r.golang(s.Items, deep)
	}
	types := slices.DeleteFunc(slices.Clone(s.Type), func(t string) bool { return t == "null" })
	star := ""
	if s.Type.has("null") {
		star = "*"
	}
	if len(types) == 0 && (s.Const != nil || len(s.Enum) > 0) {
		var text string
		if json.Unmarshal(append(json.RawMessage(nil), slices.Concat(s.Enum, []json.RawMessage{s.Const})[0]...), &text) == nil && text != "" {
			types = []string{"string"}
		}
	}
	if len(types) != 1 {
		return "json.RawMessage"
	}
	switch types[0] {
	case "string":
		return star + "string"
	case "integer":
		return star + "int64"
	case "number":
		return star + "float64"
	case "boolean":
		return star + "bool"
	case "object":
		return "map[string]json.RawMessage"
	case "array":
		return "[]json.RawMessage"
	}
	return "json.RawMessage"
}
