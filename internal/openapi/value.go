package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a JSON value whose objects keep their order and whose numbers keep their spelling: *object, list, or a scalar as JSON.
type value any

type list []value

type scalar json.RawMessage

type object struct {
	names  []string
	values map[string]value
}

func newObject() *object { return &object{values: make(map[string]value)} }

// set gives a name its value; a new name comes last.
func (o *object) set(name string, v value) {
	if _, ok := o.values[name]; !ok {
		o.names = append(o.names, name)
	}
	o.values[name] = v
}

func (o *object) remove(name string) {
	if _, ok := o.values[name]; !ok {
		return
	}
	delete(o.values, name)
	kept := o.names[:0]
	for _, n := range o.names {
		if n != name {
			kept = append(kept, n)
		}
	}
	o.names = kept
}

// get is the value of a name; a nil object has none.
func (o *object) get(name string) value {
	if o == nil {
		return nil
	}
	return o.values[name]
}

func (o *object) object(name string) *object {
	sub, _ := o.get(name).(*object)
	return sub
}

// text is the value of a name where it is a text, else "".
func (o *object) text(name string) string {
	s, _ := textOf(o.get(name))
	return s
}

func textOf(v value) (string, bool) {
	raw, ok := v.(scalar)
	if !ok || len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	return s, json.Unmarshal(raw, &s) == nil
}

func (o *object) isTrue(name string) bool {
	raw, ok := o.get(name).(scalar)
	return ok && string(raw) == "true"
}

func textValue(s string) scalar {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text can be encoded
	return scalar(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// appendJSON appends v as compact JSON.
func appendJSON(b []byte, v value) []byte {
	switch v := v.(type) {
	case *object:
		b = append(b, '{')
		for i, name := range v.names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, textValue(name)...), ':')
			b = appendJSON(b, v.values[name])
		}
		return append(b, '}')
	case list:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case scalar:
		return append(b, v...)
	}
	return append(b, "null"...)
}

// Bounds of a document. YAML lets one value stand in many places, which makes a small text large.
const (
	maxDepth  = 128
	maxValues = 500_000
)

var (
	errDeep  = fmt.Errorf("is nested more than %d levels deep", maxDepth)
	errLarge = fmt.Errorf("has more than %d values", maxValues)
)

// readJSON reads one JSON value.
func readJSON(b []byte) (value, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := jsonValue(d, 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the document ends early")
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more follows after the document")
		}
	}
	return v, err
}

func jsonValue(d *json.Decoder, depth int) (value, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			out := list{}
			for d.More() {
				item, err := jsonValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				out = append(out, item)
			}
			_, err := d.Token()
			return out, err
		}
		out := newObject()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			item, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			out.set(name.(string), item) // a decoder gives nothing else here
		}
		_, err := d.Token()
		return out, err
	case json.Number:
		return scalar(t), nil
	case string:
		return textValue(t), nil
	case bool:
		if t {
			return scalar("true"), nil
		}
		return scalar("false"), nil
	}
	return scalar("null"), nil
}

// readYAML reads the first document of a YAML text.
func readYAML(b []byte) (v value, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return scalar("null"), nil
	}
	r := yamlReader{left: maxValues}
	return r.value(doc.Content[0], 0)
}

type yamlReader struct{ left int }

func (r *yamlReader) value(n *yaml.Node, depth int) (value, error) {
	if r.left--; r.left < 0 {
		return nil, errLarge
	}
	if depth > maxDepth {
		return nil, errDeep
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		out := list{}
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	}
	return yamlScalar(n), nil
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) (value, error) {
	out := newObject()
	var merged []value
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a key has to be a text", key.Line)
		}
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if key.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		out.set(key.Value, v)
	}
	for _, m := range merged {
		sources, ok := m.(list)
		if !ok {
			sources = list{m}
		}
		for _, source := range sources {
			from, ok := source.(*object)
			if !ok {
				continue
			}
			for _, name := range from.names {
				if r.left--; r.left < 0 {
					return nil, errLarge
				}
				if _, have := out.values[name]; !have {
					out.set(name, from.values[name])
				}
			}
		}
	}
	return out, nil
}

// yamlScalar is a scalar as JSON. A number whose spelling JSON knows keeps it, others are written out; what JSON has no value for, such as a date, is its text.
func yamlScalar(n *yaml.Node) value {
	switch n.ShortTag() {
	case "!!null":
		return scalar("null")
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			if b {
				return scalar("true")
			}
			return scalar("false")
		}
	case "!!int", "!!float":
		if s := strings.TrimPrefix(n.Value, "+"); json.Valid([]byte(s)) {
			return scalar(s)
		}
		var f any
		if n.Decode(&f) == nil {
			if raw, err := json.Marshal(f); err == nil {
				return scalar(raw)
			}
		}
	}
	return textValue(n.Value)
}
