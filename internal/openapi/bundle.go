package openapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// bundler makes one schema complete in itself: what it refers to elsewhere in the document is put among its definitions.
type bundler struct {
	*document
	path  []string
	defs  *object
	names map[string]string // by reference, the name among the definitions
	taken map[string]bool
	size  int
}

// maxBundle is how many values one schema with its definitions may have, maxBundles how many all of a document may.
const (
	maxBundle  = 10_000
	maxBundles = 400_000
)

// bundle is the schema of a media type object, with the examples that stand beside it.
func (b *bundler) bundle(media *object) (*object, error) {
	b.defs = newObject()
	root, err := b.follow(media.get("schema"), b.path)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"definitions", "$defs"} {
		if own := root.object(name); own != nil {
			for _, n := range own.names {
				b.taken[n] = true
			}
		}
	}
	v, err := b.schema(root, 0)
	if err != nil {
		return nil, err
	}
	out := v.(*object) // what an object becomes
	if len(b.defs.names) > 0 {
		defs := out.object("definitions")
		if defs == nil {
			defs = newObject()
		}
		for _, name := range b.defs.names {
			defs.set(name, b.defs.values[name])
		}
		out.set("definitions", defs)
	}
	if out.get("examples") == nil {
		examples, err := b.examples(media)
		if err != nil {
			return nil, err
		}
		if one := out.get("example"); len(examples) == 0 && one != nil {
			examples = list{one}
		}
		if len(examples) > 0 {
			out.set("examples", examples)
		}
	}
	return out, nil
}

// examples are those of a media type object: https://spec.openapis.org/oas/v3.1.0#media-type-object.
func (b *bundler) examples(media *object) (list, error) {
	var out list
	if named := media.object("examples"); named != nil {
		for _, name := range named.names {
			e, err := b.follow(named.values[name], b.path)
			if err != nil {
				return nil, err
			}
			if v := e.get("value"); v != nil {
				out = append(out, v)
			}
		}
	}
	if v := media.get("example"); v != nil && len(out) == 0 {
		out = list{v}
	}
	return out, nil
}

// Keywords whose values are no schemas, and those whose values are objects of schemas.
var (
	plain   = []string{"const", "default", "enum", "example", "examples"}
	schemas = []string{"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)

// schema copies a schema, and makes its references lead into the definitions.
func (b *bundler) schema(v value, depth int) (value, error) {
	if b.size++; b.size > maxBundle {
		return nil, &Error{b.path, fmt.Sprintf("has more than %d values", maxBundle)}
	}
	if b.values++; b.values > maxBundles {
		return nil, &Error{b.path, fmt.Sprintf("makes the schemas larger than %d values in all", maxBundles)}
	}
	if depth > maxDepth {
		return nil, &Error{b.path, errDeep.Error()}
	}
	switch v := v.(type) {
	case list:
		out := make(list, len(v))
		for i, item := range v {
			var err error
			if out[i], err = b.schema(item, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *object:
		out, err := b.object(v, depth)
		if err == nil {
			older(out)
		}
		return out, err
	}
	return v, nil
}

func (b *bundler) object(o *object, depth int) (*object, error) {
	out := newObject()
	for _, name := range o.names {
		item := o.values[name]
		ref, isText := textOf(item)
		subs, isObject := item.(*object)
		var err error
		switch {
		case isText && name == "$ref":
			if ref, err = b.definition(ref, depth); err == nil {
				item = textValue(ref)
			}
		case slices.Contains(plain, name):
		case isObject && slices.Contains(schemas, name):
			copied := newObject()
			for _, key := range subs.names {
				sub, err := b.schema(subs.values[key], depth+2)
				if err != nil {
					return nil, err
				}
				copied.set(key, sub)
			}
			item = copied
		default:
			item, err = b.schema(item, depth+1)
		}
		if err != nil {
			return nil, err
		}
		out.set(name, item)
	}
	return out, nil
}

// definition puts what a reference leads to among the definitions, once, and returns the reference to it there.
func (b *bundler) definition(ref string, depth int) (string, error) {
	name, ok := b.names[ref]
	if !ok {
		target, err := b.resolve(ref, b.path)
		if err != nil {
			return "", err
		}
		name = b.name(ref)
		b.names[ref] = name
		b.defs.set(name, nil) // keeps its place; a schema that refers to itself finds it
		copied, err := b.schema(target, depth+1)
		if err != nil {
			return "", err
		}
		b.defs.set(name, copied)
	}
	return "#/definitions/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"), nil
}

// name is a name for what a reference leads to that no other definition has.
func (b *bundler) name(ref string) string {
	base := ref[strings.LastIndex(ref, "/")+1:]
	if base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, base); base == "" || base == "#" {
		base = "document"
	}
	name := base
	for i := 2; b.taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	b.taken[name] = true
	return name
}

// older turns what OpenAPI 3.0 writes differently into JSON Schema: https://spec.openapis.org/oas/v3.0.3#schema-object.
func older(o *object) {
	for _, side := range []string{"Minimum", "Maximum"} {
		name, bound := "exclusive"+side, strings.ToLower(side)
		switch raw, _ := o.get(name).(scalar); string(raw) {
		case "true":
			if limit := o.get(bound); limit != nil {
				o.set(name, limit)
				o.remove(bound)
			} else {
				o.remove(name)
			}
		case "false":
			o.remove(name)
		}
	}
	if kind, ok := textOf(o.get("type")); ok && o.isTrue("nullable") {
		o.set("type", list{textValue(kind), textValue("null")})
		o.remove("nullable")
	}
}
