package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// SchemaComparison is in what one version of an event type's schemas differs from what receivers know.
type SchemaComparison struct {
	Version string
	// Against is the version that it was compared with: itself, as it was, or for a new one the newest before. Gone says that the version is not there any more.
	Against string
	Gone    bool
	Changes []SchemaChange
}

// SchemaChange is one difference of two schemas, in words.
type SchemaChange struct {
	Path string // of the member in a payload, such as data.total; "" is the payload itself
	// Breaking says that a receiver which relies on the old schema may fail.
	Breaking bool
	Text     string
}

// Breaks reports whether a receiver that relies on what was may fail. A new version breaks nothing: who gets it has asked for it.
func (c *SchemaComparison) Breaks() bool {
	return c.Gone || c.Version == c.Against && slices.ContainsFunc(c.Changes, func(one SchemaChange) bool { return one.Breaking })
}

// CheckEventType says what is wrong with schemas, and in what they differ from those that the event type with the name has.
func (s *Service) CheckEventType(ctx context.Context, name string, schemas []byte) ([]SchemaComparison, error) {
	t := hookswitch.EventType{Name: name, Schemas: schemas}
	if err := checkEventType(&t); err != nil {
		return nil, err
	}
	have, err := s.EventType(ctx, name)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, hookswitch.NotFoundf("there is no event type %q to compare with", name)
	}
	if err != nil {
		return nil, err
	}
	return CompareSchemas(have.Schemas, schemas), nil
}

// CompareSchemas compares the schemas of an event type with those that it is to have, version by version. Both have been checked.
func CompareSchemas(before, after []byte) (list []SchemaComparison) {
	was, is := versionsOf(before), versionsOf(after)
	newest := ""
	for _, v := range SchemaVersions(before) {
		newest = v
		if _, there := is[v]; !there {
			list = append(list, SchemaComparison{Version: v, Against: v, Gone: true})
		}
	}
	for _, v := range SchemaVersions(after) {
		against := v
		if _, known := was[v]; !known {
			against = newest
		}
		if against == "" {
			continue
		}
		c := schemaComparer{was: was[against], is: is[v]}
		c.compare("", was[against], is[v], 0)
		if len(c.changes) > 0 || against != v {
			list = append(list, SchemaComparison{Version: v, Against: against, Changes: c.changes})
		}
	}
	return list
}

func versionsOf(schemas []byte) map[string]map[string]any {
	var by map[string]map[string]any
	dec := json.NewDecoder(bytes.NewReader(schemas))
	dec.UseNumber()
	_ = dec.Decode(&by) // nothing, or it has been checked
	return by
}

// SchemaVersions are the names of the versions of schemas, oldest first: 2 stands before 10.
func SchemaVersions(schemas []byte) []string {
	return slices.SortedFunc(maps.Keys(versionsOf(schemas)), func(a, b string) int {
		n, errA := strconv.Atoi(strings.TrimPrefix(a, "v"))
		m, errB := strconv.Atoi(strings.TrimPrefix(b, "v"))
		if errA == nil && errB == nil {
			return cmp.Or(n-m, strings.Compare(a, b))
		}
		return strings.Compare(a, b)
	})
}

// schemaComparer compares two schemas.
type schemaComparer struct {
	was, is map[string]any // their roots, for references
	changes []SchemaChange
}

// maxSchemaChanges bounds how many differences are told.
const maxSchemaChanges = 200

func (c *schemaComparer) add(path string, breaking bool, text string) {
	if len(c.changes) < maxSchemaChanges {
		c.changes = append(c.changes, SchemaChange{path, breaking, text})
	}
}

// compare looks at two schemas of the same place.
func (c *schemaComparer) compare(path string, was, is map[string]any, depth int) {
	was, is = resolved(c.was, was), resolved(c.is, is)
	if depth > maxSchemaDepth || reflect.DeepEqual(was, is) && reflect.DeepEqual(c.was["definitions"], c.is["definitions"]) && reflect.DeepEqual(c.was["$defs"], c.is["$defs"]) {
		return
	}
	c.types(path, typesOf(was), typesOf(is))
	c.values(path, was, is)
	c.bounds(path, was, is)
	for _, word := range []string{"oneOf", "anyOf", "allOf", "not", "if", "then", "else", "patternProperties", "dependencies", "contains"} {
		if !reflect.DeepEqual(was[word], is[word]) {
			c.add(path, is[word] == nil || was[word] == nil || word != "allOf", "has another "+word+": look at it yourself")
		}
	}
	c.members(path, was, is, depth)
	a, hasA := was["items"].(map[string]any)
	b, hasB := is["items"].(map[string]any)
	switch {
	case hasA && hasB:
		c.compare(path+"[]", a, b, depth+1)
	case hasA != hasB:
		c.add(path+"[]", hasA, map[bool]string{true: "may be anything now", false: "is described now"}[hasA])
	}
}

func (c *schemaComparer) members(path string, was, is map[string]any, depth int) {
	a, b := objectOf(was["properties"]), objectOf(is["properties"])
	needed, needs := textsOf(was["required"]), textsOf(is["required"])
	at := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		next, there := b[name]
		switch {
		case !there:
			c.add(at(name), true, "is gone")
			continue
		case slices.Contains(needed, name) && !slices.Contains(needs, name):
			c.add(at(name), true, "may be missing now")
		case !slices.Contains(needed, name) && slices.Contains(needs, name):
			c.add(at(name), false, "is always there now")
		}
		before, _ := a[name].(map[string]any)
		after, _ := next.(map[string]any)
		c.compare(at(name), before, after, depth+1)
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, there := a[name]; !there {
			c.add(at(name), was["additionalProperties"] == false, map[bool]string{true: "is new, where nothing else was allowed", false: "is new"}[was["additionalProperties"] == false])
		}
	}
}

func (c *schemaComparer) types(path string, was, is []string) {
	if len(was) == 0 && len(is) > 0 {
		c.add(path, false, "is of type "+strings.Join(is, " or ")+" now")
		return
	}
	if len(was) > 0 && len(is) == 0 {
		c.add(path, true, "may be of any type now, and was of type "+strings.Join(was, " or "))
		return
	}
	fresh := slices.DeleteFunc(slices.Clone(is), func(t string) bool {
		return slices.Contains(was, t) || t == "integer" && slices.Contains(was, "number")
	})
	switch {
	case len(fresh) > 0 && slices.Equal(fresh, []string{"null"}):
		c.add(path, true, "may be null now")
	case len(fresh) > 0:
		c.add(path, true, "is of type "+strings.Join(is, " or ")+" now, and was of type "+strings.Join(was, " or "))
	case len(is) < len(was) || !slices.Equal(was, is):
		c.add(path, false, "is of type "+strings.Join(is, " or ")+" only, and was of type "+strings.Join(was, " or "))
	}
}

// values compares what may stand there.
func (c *schemaComparer) values(path string, was, is map[string]any) {
	may := func(s map[string]any) []any {
		if v, ok := s["const"]; ok {
			return []any{v}
		}
		list, _ := s["enum"].([]any)
		return list
	}
	a, b := may(was), may(is)
	has := func(list []any, v any) bool {
		return slices.ContainsFunc(list, func(other any) bool { return reflect.DeepEqual(v, other) })
	}
	switch {
	case len(a) == 0 && len(b) > 0:
		c.add(path, false, "is one of a list of values now")
	case len(a) > 0 && len(b) == 0:
		c.add(path, true, "may have any value now, and had one of a list")
	default:
		for _, v := range b {
			if !has(a, v) {
				c.add(path, true, "may be "+valueText(v)+" now")
			}
		}
		for _, v := range a {
			if !has(b, v) {
				c.add(path, false, "is "+valueText(v)+" no longer")
			}
		}
	}
	for _, word := range []string{"format", "pattern", "contentEncoding", "contentMediaType"} {
		x, y := was[word], is[word]
		switch {
		case reflect.DeepEqual(x, y):
		case x == nil:
			c.add(path, false, "has the "+word+" "+valueText(y)+" now")
		case y == nil:
			c.add(path, true, "has no "+word+" any more, and had "+valueText(x))
		default:
			c.add(path, true, "has the "+word+" "+valueText(y)+", and had "+valueText(x))
		}
	}
}

// boundWords are the keywords that bound a value, and whether a greater one lets more through.
var boundWords = []struct {
	word  string
	upper bool
}{{"maximum", true}, {"exclusiveMaximum", true}, {"maxLength", true}, {"maxItems", true}, {"minimum", false}, {"exclusiveMinimum", false}, {"minLength", false}, {"minItems", false}}

func (c *schemaComparer) bounds(path string, was, is map[string]any) {
	for _, w := range boundWords {
		a, hasA := numberOf(was[w.word])
		b, hasB := numberOf(is[w.word])
		switch {
		case !hasA && hasB:
			c.add(path, false, w.word+" is "+valueText(is[w.word])+" now")
		case hasA && !hasB:
			c.add(path, true, w.word+" was "+valueText(was[w.word])+", and there is none any more")
		case hasA && a != b:
			c.add(path, b > a == w.upper, w.word+" is "+valueText(is[w.word])+", and was "+valueText(was[w.word]))
		}
	}
}

func numberOf(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// valueText is a value as JSON, shortened.
func valueText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "something"
	}
	return clip(string(b))
}

func objectOf(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func textsOf(v any) (out []string) {
	list, _ := v.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

func typesOf(s map[string]any) []string {
	if one, ok := s["type"].(string); ok {
		return []string{one}
	}
	list := textsOf(s["type"])
	slices.Sort(list)
	return list
}

// resolved follows references inside a schema.
func resolved(root, s map[string]any) map[string]any {
	for range maxSchemaDepth {
		ref, ok := s["$ref"].(string)
		path, inside := strings.CutPrefix(ref, "#/")
		if !ok || !inside {
			return s
		}
		var at any = root
		for _, part := range strings.Split(path, "/") {
			part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
			at = objectOf(at)[part]
		}
		next, found := at.(map[string]any)
		if !found {
			return s
		}
		s = next
	}
	return s
}
