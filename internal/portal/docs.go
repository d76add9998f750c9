package portal

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/hookswitch/hookswitch"
)

// docs is the page that lists the operations of the API, made of hookswitch.OpenAPI and nothing else: what it says is what the tests hold the API to.
type docs struct {
	Title, Description, Address string
	Groups                      []docsGroup
	Shapes                      []docsShape
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Open                                   bool // needs no token
	Parameters                             []docsField
	Body                                   *docsType
	BodyNeeded                             bool
	Answers                                []docsAnswer
}

// Anchor is the group's place in the page.
func (g docsGroup) Anchor() string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(g.Name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
}

// docsShape is a named schema.
type docsShape struct {
	Name, Description string
	Type              docsType // of one that has no fields
	Fields            []docsField
}

type docsField struct {
	Name, In, Description string
	Type                  docsType
	Required, Deprecated  bool
}

// docsType is what a value looks like: a word or two, and the shape that it names.
type docsType struct {
	Before, Shape, After string
	Enum                 []string
}

type docsAnswer struct {
	Status, Description string
	Type                docsType
}

// The parts of the description that the page shows.
type (
	openAPI struct {
		Info  struct{ Title, Description string }
		Tags  []struct{ Name string }
		Paths json.RawMessage
		Comps struct {
			Responses map[string]openResponse
			Schemas   json.RawMessage
		} `json:"components"`
	}
	openOperation struct {
		OperationID, Summary, Description string
		Tags                              []string
		Security                          *[]any
		Parameters                        []struct {
			Name, In, Description string
			Required              bool
			Schema                openSchema
		}
		RequestBody *struct {
			Required bool
			Content  map[string]struct{ Schema openSchema }
		}
		Responses map[string]openResponse
	}
	openResponse struct {
		Ref         string `json:"$ref"`
		Description string
		Content     map[string]struct{ Schema openSchema }
	}
	openSchema struct {
		Ref         string `json:"$ref"`
		Type        any
		Format      string
		Description string
		Enum        []any
		Items       *openSchema
		AnyOf       []openSchema
		OneOf       []openSchema
		Properties  json.RawMessage
		Required    []string
		Deprecated  bool
	}
)

const jsonType = "application/json"

// readDocs makes the page's content of a description.
func readDocs(raw []byte, base string) (*docs, error) {
	var doc openAPI
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	d := &docs{Title: doc.Info.Title, Description: doc.Info.Description, Address: base}
	for _, t := range doc.Tags {
		d.Groups = append(d.Groups, docsGroup{Name: t.Name})
	}
	err := eachMember(doc.Paths, func(path string, raw json.RawMessage) error {
		return eachMember(raw, func(method string, raw json.RawMessage) error {
			var op openOperation
			if err := json.Unmarshal(raw, &op); err != nil {
				return err
			}
			d.add(&doc, method, path, &op)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	d.Groups = slices.DeleteFunc(d.Groups, func(g docsGroup) bool { return len(g.Operations) == 0 })
	return d, eachMember(doc.Comps.Schemas, func(name string, raw json.RawMessage) error {
		var s openSchema
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		fields, err := fieldsOf(&s)
		d.Shapes = append(d.Shapes, docsShape{name, s.Description, typeOf(&s), fields})
		return err
	})
}

func (d *docs) add(doc *openAPI, method, path string, op *openOperation) {
	out := docsOperation{ID: op.OperationID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Description: op.Description,
		Open: op.Security != nil && len(*op.Security) == 0}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, docsField{Name: p.Name, In: p.In, Description: p.Description, Type: typeOf(&p.Schema), Required: p.Required,
			Deprecated: p.Schema.Deprecated})
	}
	if b := op.RequestBody; b != nil {
		s := b.Content[jsonType].Schema
		t := typeOf(&s)
		out.Body, out.BodyNeeded = &t, b.Required
	}
	for status, r := range op.Responses {
		if r.Ref != "" {
			r = doc.Comps.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
		}
		a := docsAnswer{Status: status, Description: r.Description}
		if c, ok := r.Content[jsonType]; ok {
			a.Type = typeOf(&c.Schema)
		}
		out.Answers = append(out.Answers, a)
	}
	slices.SortFunc(out.Answers, func(a, b docsAnswer) int { return strings.Compare(a.Status, b.Status) })
	group := "Others"
	if len(op.Tags) > 0 {
		group = op.Tags[0]
	}
	i := slices.IndexFunc(d.Groups, func(g docsGroup) bool { return g.Name == group })
	if i < 0 {
		i = len(d.Groups)
		d.Groups = append(d.Groups, docsGroup{Name: group})
	}
	d.Groups[i].Operations = append(d.Groups[i].Operations, out)
}

func fieldsOf(s *openSchema) (list []docsField, err error) {
	err = eachMember(s.Properties, func(name string, raw json.RawMessage) error {
		var p openSchema
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		list = append(list, docsField{Name: name, Description: p.Description, Type: typeOf(&p), Required: slices.Contains(s.Required, name), Deprecated: p.Deprecated})
		return nil
	})
	return list, err
}

func typeOf(s *openSchema) docsType {
	if s.Ref != "" {
		return docsType{Shape: s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]}
	}
	var t docsType
	for _, v := range s.Enum {
		b, _ := json.Marshal(v) // it was read from JSON
		t.Enum = append(t.Enum, string(b))
	}
	if s.Items != nil {
		inner := typeOf(s.Items)
		t.Before, t.Shape, t.After = "list of "+inner.Before, inner.Shape, inner.After
		if kinds, ok := s.Type.([]any); ok && slices.Contains(kinds, any("null")) {
			t.After += " or null"
		}
		return t
	}
	if alternatives := append(s.AnyOf, s.OneOf...); s.Type == nil && len(alternatives) > 0 {
		for i, a := range alternatives {
			inner := typeOf(&a)
			switch {
			case inner.Shape != "" && t.Shape == "":
				t.Before, t.Shape, t.After = t.After, inner.Shape, ""
			default:
				t.After += inner.Before + inner.Shape + inner.After
			}
			if i+1 < len(alternatives) {
				t.After += " or "
			}
		}
		return t
	}
	switch kinds := s.Type.(type) {
	case string:
		t.Before = kinds
	case []any:
		words := make([]string, len(kinds))
		for i, k := range kinds {
			words[i], _ = k.(string)
		}
		t.Before = strings.Join(words, " or ")
	}
	if s.Format != "" {
		t.Before += ", " + s.Format
	}
	return t
}

// eachMember calls f with the members of an object in their order, which a map would lose.
func eachMember(raw json.RawMessage, f func(name string, value json.RawMessage) error) error {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the brace
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		text, _ := name.(string)
		if err := f(text, value); err != nil {
			return err
		}
	}
	return nil
}

var docsRoutes = []route{
	{in: open, method: "GET", path: "/docs", name: "API", handle: (*Pages).docsPage},
}

// docsView is the list of operations as its page shows it.
type docsView struct {
	*view
	*docs
}

func newDocs(p *Pages) func() (*docs, error) {
	return sync.OnceValues(func() (*docs, error) { return readDocs(hookswitch.OpenAPI, p.svc.PublicURL()) })
}

// docsPage answers with the list of operations.
func (p *Pages) docsPage(v *view) error {
	d, err := p.docs()
	if err != nil {
		return err
	}
	v.Shell.Place, v.Shell.Body = "API", "docs"
	return v.show("open/docs", docsView{v, d})
}
