package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Webhook is one webhook that a document describes.
type Webhook struct {
	// Name is its name in the document. Path leads to it from the document's root.
	Name string
	Path []string
	// Description is the longest there is of it; "": none.
	Description string
	Deprecated  bool
	// GroupName and FeatureFlags are the extensions x-svix-group-name and x-svix-feature-flags; nil: the document does not say.
	GroupName    *string
	FeatureFlags *[]string
	// Schema is the JSON Schema of the body; nil: the document gives none.
	Schema []byte
}

// Error is what is wrong with a document. Path leads to the place.
type Error struct {
	Path    []string
	Message string
}

func (e *Error) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return strings.Join(e.Path, "/") + " " + e.Message
}

// MaxSchemas is the greatest size, in bytes, of all schemas that are read from one document together.
const MaxSchemas = 8 << 20

// sections are where documents describe webhooks: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0#openapi-object), and the extension that came before.
var sections = []string{"webhooks", "x-webhooks"}

// Read reads the webhooks of a document in JSON or YAML, in the order of the document. An error of type *Error says what is wrong with the document.
func Read(doc []byte) ([]Webhook, error) {
	doc = bytes.TrimPrefix(doc, []byte("\ufeff"))
	var root value
	var err error
	if b := bytes.TrimLeft(doc, " \t\r\n"); len(b) > 0 && b[0] == '{' {
		if root, err = readJSON(doc); err != nil && !errors.Is(err, errDeep) {
			if fromYAML, yamlErr := readYAML(doc); yamlErr == nil { // YAML may begin with a brace too
				root, err = fromYAML, nil
			}
		}
	} else {
		root, err = readYAML(doc)
	}
	if err != nil {
		return nil, &Error{Message: "cannot be read: " + err.Error()}
	}
	top, ok := root.(*object)
	if !ok {
		return nil, &Error{Message: "must be an object: an OpenAPI document"}
	}
	d := document{root: top}
	found := false
	var out []Webhook
	for _, section := range sections {
		hooks := top.object(section)
		if hooks == nil {
			continue
		}
		found = true
		for _, name := range hooks.names {
			w, err := d.webhook(section, name, hooks.values[name])
			if err != nil {
				return nil, err
			}
			if at := slices.IndexFunc(out, func(have Webhook) bool { return have.Name == w.Name }); at >= 0 {
				continue // the newer section has it already
			}
			out = append(out, w)
		}
	}
	if !found {
		return nil, &Error{Message: "has no section webhooks or x-webhooks"}
	}
	return out, nil
}

type document struct {
	root   *object
	size   int // of the schemas so far
	values int // that they have
}

// maxRefs is how many references in a row are followed to where a thing is.
const maxRefs = 16

// follow is the object that v is, or that it refers to.
func (d *document) follow(v value, path []string) (*object, error) {
	for range maxRefs {
		o, _ := v.(*object)
		if o == nil {
			return nil, &Error{path, "must be an object"}
		}
		ref := o.text("$ref")
		if ref == "" {
			return o, nil
		}
		var err error
		if v, err = d.resolve(ref, path); err != nil {
			return nil, err
		}
	}
	return nil, &Error{path, "refers to itself in a circle"}
}

// resolve is what a reference inside the document leads to.
func (d *document) resolve(ref string, path []string) (value, error) {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok || pointer != "" && pointer[0] != '/' {
		return nil, &Error{path, "refers to " + clip(ref) + "; a document has to be complete in itself"}
	}
	var at value = d.root
	for i, part := range strings.Split(pointer, "/") {
		if i == 0 {
			continue
		}
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch v := at.(type) {
		case *object:
			at = v.get(part)
		case list:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(v) {
				at = nil
			} else {
				at = v[n]
			}
		default:
			at = nil
		}
		if at == nil {
			return nil, &Error{path, "refers to " + clip(ref) + ", which does not exist"}
		}
	}
	return at, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}

var methods = []string{"post", "put", "patch", "get", "delete"}

func (d *document) webhook(section, name string, v value) (Webhook, error) {
	w := Webhook{Name: name, Path: []string{section, name}}
	item, err := d.follow(v, w.Path)
	if err != nil {
		return w, err
	}
	var op *object
	for _, m := range methods {
		if op = item.object(m); op != nil {
			w.Path = append(w.Path, m)
			break
		}
	}
	if op == nil {
		return w, &Error{w.Path, "has no operation; a webhook is described by post"}
	}
	w.Deprecated = op.isTrue("deprecated")
	if err := w.extensions(item, op); err != nil {
		return w, err
	}
	var body, schema *object
	if v := op.get("requestBody"); v != nil {
		if body, err = d.follow(v, append(w.Path, "requestBody")); err != nil {
			return w, err
		}
		if media := jsonMedia(body.object("content")); media != nil && media.get("schema") != nil {
			path := append(slices.Clone(w.Path), "requestBody", "content", "schema")
			b := bundler{document: d, path: path, names: make(map[string]string), taken: make(map[string]bool)}
			if schema, err = b.bundle(media); err != nil {
				return w, err
			}
			w.Schema = appendJSON(nil, schema)
			if d.size += len(w.Schema); d.size > MaxSchemas {
				return w, &Error{path, fmt.Sprintf("makes the schemas larger than %d bytes in all", MaxSchemas)}
			}
		}
	}
	for _, text := range []string{op.text("description"), op.text("summary"), item.text("description"), item.text("summary"), body.text("description"), schema.text("description")} {
		if text != "" {
			w.Description = text
			break
		}
	}
	return w, nil
}

// extensions reads what an operation, or its path item, says about where it is listed and who may see it.
func (w *Webhook) extensions(item, op *object) error {
	from := func(name string) value {
		if v := op.get(name); v != nil {
			return v
		}
		return item.get(name)
	}
	if v := from("x-svix-group-name"); v != nil {
		s, ok := textOf(v)
		if !ok {
			return &Error{append(w.Path, "x-svix-group-name"), "must be a string"}
		}
		w.GroupName = &s
	}
	for _, name := range []string{"x-svix-feature-flags", "x-svix-feature-flag"} {
		v := from(name)
		if v == nil {
			continue
		}
		flags, isList := v.(list)
		if !isList {
			flags = list{v}
		}
		texts := []string{}
		for _, f := range flags {
			s, ok := textOf(f)
			if !ok {
				return &Error{append(w.Path, name), "must be a list of strings"}
			}
			texts = append(texts, s)
		}
		w.FeatureFlags = &texts
		break
	}
	return nil
}

// jsonMedia is the description of a body in JSON, or else of whatever kind comes first.
func jsonMedia(content *object) *object {
	if content == nil {
		return nil
	}
	var first *object
	for _, name := range content.names {
		media := content.object(name)
		kind, _, _ := strings.Cut(strings.ToLower(name), ";")
		if kind = strings.TrimSpace(kind); media != nil && (kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "*/*") {
			return media
		}
		if first == nil {
			first = media
		}
	}
	return first
}
