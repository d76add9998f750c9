package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
)

// plain is v as it looks after a trip through JSON, with numbers as they are written.
func plain(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out any
	err = dec.Decode(&out)
	return out, err
}

// Match says how got differs from what a fixture wants, or "". Objects in want are subsets, less the members that fixtures only recommend.
func Match(want, got any) string {
	w, err := plain(want)
	if err != nil {
		return err.Error()
	}
	g, err := plain(got)
	if err != nil {
		return err.Error()
	}
	return match("", without(w, "metadata_ext", "data_ext"), g)
}

// match says how got differs from want, or "". Both have gone through plain. In want, objects are subsets, "*" is any text that is not empty,
// and {"$regex": "…"} a text that matches.
func match(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		if pattern, ok := w["$regex"].(string); ok && len(w) == 1 {
			return matchPattern(path, pattern, got)
		}
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: got %v, want an object", path, got)
		}
		for name, member := range w {
			other, ok := g[name]
			if !ok {
				return fmt.Sprintf("%s.%s: missing, want %v", path, name, member)
			}
			if diff := match(path+"."+name, member, other); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: got %v, want %d items", path, got, len(w))
		}
		for i := range w {
			if diff := match(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if w == "*" {
			if g, ok := got.(string); !ok || g == "" {
				return fmt.Sprintf("%s: got %v, want any text", path, got)
			}
			return ""
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s: got %#v, want %#v", path, got, want)
	}
	return ""
}

func matchPattern(path, pattern string, got any) string {
	text, ok := got.(string)
	if matched, err := regexp.MatchString(pattern, text); err != nil {
		return fmt.Sprintf("%s: %v", path, err)
	} else if !ok || !matched {
		return fmt.Sprintf("%s: got %#v, want it to match %s", path, got, pattern)
	}
	return ""
}

// without is v less the members named, at its first level. Fixtures recommend some members without asking for them.
func without(v any, names ...string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	rest := make(map[string]any, len(object))
	for name, member := range object {
		rest[name] = member
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}
