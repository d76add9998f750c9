package zavu

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

//go:generate go test -run=TestTheDescriptionHasEveryRoute -update

var update = flag.Bool("update", false, "write this API's part of openapi.json anew")

const descriptionFile = "../../../openapi.json"

// shape is what the description says about a route besides what the table of routes does.
type shape struct {
	tag     string
	status  int // 0: 200
	in, out any // values of the types of the bodies; nil: none
	query   []string
	header  []string
	list    bool // has limit and cursor
}

// shapes are those of all routes. A new route needs a line here.
var shapes = map[string]shape{
	"GET /me": {tag: "key", out: meOut{}},

	"POST /senders":                         {tag: "senders", status: 201, in: senderIn{}, out: senderOut{}},
	"GET /senders":                          {tag: "senders", list: true, out: listOut[senderOut]{}},
	"GET /senders/{sender}":                 {tag: "senders", out: senderOut{}},
	"PATCH /senders/{sender}":               {tag: "senders", in: senderIn{}, out: senderOut{}},
	"DELETE /senders/{sender}":              {tag: "senders", status: 204},
	"POST /senders/{sender}/webhook/secret": {tag: "senders", out: secretOut{}},
	"POST /senders/{sender}/telegram":       {tag: "senders", in: telegramIn{}, out: wrappedTelegram{}},
	"DELETE /senders/{sender}/telegram":     {tag: "senders", status: 204},

	"POST /messages":                     {tag: "messages", status: 202, header: []string{senderHeader, "Idempotency-Key"}, in: messageIn{}, out: wrappedMessage{}},
	"GET /messages":                      {tag: "messages", query: []string{"channel", "status", "to"}, list: true, out: listOut[messageOut]{}},
	"GET /messages/{message}":            {tag: "messages", out: wrappedMessage{}},
	"POST /messages/{message}/reactions": {tag: "messages", status: 202, header: []string{senderHeader, "Idempotency-Key"}, in: reactionIn{}, out: wrappedMessage{}},
	"POST /messages/{message}/typing": {tag: "messages", header: []string{senderHeader}, out: struct {
		Success bool `json:"success"`
	}{}},
	"GET /messages/{message}/attachments": {tag: "messages", out: struct {
		Items []attachmentOut `json:"items"`
	}{}},

	"POST /contacts":                                      {tag: "contacts", status: 201, in: contactIn{}, out: contactOut{}},
	"GET /contacts":                                       {tag: "contacts", query: []string{"phoneNumber", "search", "tag"}, list: true, out: listOut[contactOut]{}},
	"GET /contacts/phone/{phone}":                         {tag: "contacts", out: contactOut{}},
	"GET /contacts/{contact}":                             {tag: "contacts", out: contactOut{}},
	"PATCH /contacts/{contact}":                           {tag: "contacts", in: contactPatch{}, out: contactOut{}},
	"DELETE /contacts/{contact}":                          {tag: "contacts", status: 204},
	"POST /contacts/{contact}/merge":                      {tag: "contacts", in: mergeIn{}, out: contactOut{}},
	"POST /contacts/{contact}/channels":                   {tag: "contacts", status: 201, in: contactChannelIn{}, out: wrappedChannel{}},
	"PATCH /contacts/{contact}/channels/{channel}":        {tag: "contacts", in: contactChannelPatch{}, out: wrappedChannel{}},
	"DELETE /contacts/{contact}/channels/{channel}":       {tag: "contacts", status: 204},
	"POST /contacts/{contact}/channels/{channel}/primary": {tag: "contacts", out: wrappedChannel{}},

	"GET /conversations":                         {tag: "conversations", query: []string{"channel", "senderId", "search"}, list: true, out: listOut[conversationOut]{}},
	"GET /conversations/{conversation}":          {tag: "conversations", out: wrappedConversation{}},
	"GET /conversations/{conversation}/messages": {tag: "conversations", list: true, out: listOut[messageOut]{}},
	"POST /conversations/{conversation}/read":    {tag: "conversations", out: wrappedConversation{}},

	"POST /templates":                   {tag: "templates", status: 201, header: []string{"Idempotency-Key"}, in: templateIn{}, out: templateOut{}},
	"GET /templates":                    {tag: "templates", query: []string{"status"}, list: true, out: listOut[templateOut]{}},
	"POST /templates/sync":              {tag: "templates", in: syncIn{}, out: syncOut{}},
	"GET /templates/{template}":         {tag: "templates", out: templateOut{}},
	"DELETE /templates/{template}":      {tag: "templates", status: 204},
	"POST /templates/{template}/submit": {tag: "templates", in: submitIn{}, out: templateOut{}},

	"POST /invitations":                     {tag: "invitations", status: 201, header: []string{"Idempotency-Key"}, in: invitationIn{}, out: oneInvitationOut{}},
	"GET /invitations":                      {tag: "invitations", query: []string{"status"}, list: true, out: listOut[invitationOut]{}},
	"POST /invitations/webhook":             {tag: "invitations", status: 201, in: projectWebhookIn{}, out: oneProjectWebhookOut{}},
	"GET /invitations/webhook":              {tag: "invitations", out: oneProjectWebhookOut{}},
	"PATCH /invitations/webhook":            {tag: "invitations", in: projectWebhookIn{}, out: oneProjectWebhookOut{}},
	"DELETE /invitations/webhook":           {tag: "invitations", status: 204},
	"GET /invitations/{invitation}":         {tag: "invitations", out: oneInvitationOut{}},
	"POST /invitations/{invitation}/cancel": {tag: "invitations", out: oneInvitationOut{}},
}

// tags are the groups of routes, in the order in which they are documented.
var tags = []string{"key", "senders", "messages", "contacts", "conversations", "templates", "invitations"}

// ours begins the names of this API's parts in the document.
const ours = "Zavu"

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
func (o ordered) change(t *testing.T, name string, f func(ordered) ordered) {
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

func (o ordered) without(prefix string) ordered {
	return slices.DeleteFunc(o, func(m member) bool { return strings.HasPrefix(m.name, prefix) })
}

// schemas collects the schemas of named types.
type schemas struct{ ordered }

func (s *schemas) of(t reflect.Type) ordered {
	nullable := func(o ordered) ordered { return ordered{{"anyOf", []any{o, ordered{{"type", "null"}}}}} }
	switch {
	case t == reflect.TypeFor[httpapi.MilliTime]() || t == reflect.TypeFor[time.Time]():
		return ordered{{"type", "string"}, {"format", "date-time"}}
	case t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface:
		return ordered{}
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
		name := ours + upper(t.Name())
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
			properties = append(properties, member{name, s.of(f.Type)})
			if !strings.HasPrefix(options, "omit") && !strings.HasSuffix(t.Name(), "In") && !strings.HasSuffix(t.Name(), "Patch") {
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
func operationID(name string) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(ours))
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(upper(word))
	}
	return b.String()
}

func jsonContent(schema any) ordered {
	return ordered{{"application/json", ordered{{"schema", schema}}}}
}

func (s *schemas) operation(rt route, sh shape) ordered {
	var parameters []any
	for segment := range strings.SplitSeq(rt.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			parameters = append(parameters, ordered{{"name", strings.TrimSuffix(name, "}")}, {"in", "path"}, {"required", true}, {"schema", ordered{{"type", "string"}}}})
		}
	}
	query := func(name string, schema ordered) {
		parameters = append(parameters, ordered{{"name", name}, {"in", "query"}, {"schema", schema}})
	}
	for _, name := range sh.query {
		query(name, ordered{{"type", "string"}})
	}
	if sh.list {
		query("limit", ordered{{"type", "integer"}, {"minimum", 1}, {"maximum", maxLimit}, {"default", defaultLimit}})
		query("cursor", ordered{{"type", "string"}})
	}
	for _, name := range sh.header {
		parameters = append(parameters, ordered{{"name", name}, {"in", "header"}, {"schema", ordered{{"type", "string"}}}})
	}
	needs := "Any API key."
	if rt.scope != anyScope {
		needs = "An API key for " + string(rt.scope) + "."
	}
	op := ordered{{"operationId", operationID(rt.name)}, {"tags", []string{tagName(sh.tag)}}, {"summary", upper(rt.name)}, {"description", needs}, {"security", []any{map[string]any{"apiKey": []any{}}}}}
	if len(parameters) > 0 {
		op = append(op, member{"parameters", parameters})
	}
	if sh.in != nil {
		op = append(op, member{"requestBody", ordered{{"content", jsonContent(s.of(reflect.TypeOf(sh.in)))}}})
	}
	done := ordered{{"description", "Done."}}
	if sh.out != nil {
		done = append(done, member{"content", jsonContent(s.of(reflect.TypeOf(sh.out)))})
	}
	refused := ordered{{"$ref", "#/components/responses/" + ours + "Error"}}
	return append(op, member{"responses", ordered{{strconv.Itoa(max(sh.status, http.StatusOK)), done}, {"default", refused}}})
}

func tagName(tag string) string { return ours + " " + tag }

// described is the document with this API's part as the table of routes has it.
func described(t *testing.T, raw []byte) []byte {
	t.Helper()
	var doc ordered
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var s schemas
	var paths ordered
	used := make(map[string]bool)
	for _, rt := range (&handler{}).routes() {
		sh, ok := shapes[rt.method+" "+rt.path]
		if !ok || !slices.Contains(tags, sh.tag) {
			t.Fatalf("nothing in shapes tells about %s %s", rt.method, rt.path)
		}
		used[sh.tag] = true
		at := slices.IndexFunc(paths, func(m member) bool { return m.name == Base+rt.path })
		if at < 0 {
			paths = append(paths, member{Base + rt.path, ordered{}})
			at = len(paths) - 1
		}
		paths[at].value = append(paths[at].value.(ordered), member{strings.ToLower(rt.method), s.operation(rt, sh)})
	}
	failure := s.of(reflect.TypeFor[errorOut]())
	doc.change(t, "paths", func(o ordered) ordered { return append(o.without(Base+"/"), paths...) })
	doc.change(t, "components", func(o ordered) ordered {
		o.change(t, "securitySchemes", func(o ordered) ordered {
			return append(o.without("apiKey"), member{"apiKey", ordered{{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key of a project, live or for tests."}}})
		})
		o.change(t, "responses", func(o ordered) ordered {
			return append(o.without(ours), member{ours + "Error", ordered{{"description", "Refused."}, {"content", jsonContent(failure)}}})
		})
		o.change(t, "schemas", func(o ordered) ordered { return append(o.without(ours), s.ordered...) })
		return o
	})
	for i, m := range doc {
		if m.name != "tags" {
			continue
		}
		var list []map[string]string
		if err := json.Unmarshal(m.value.(json.RawMessage), &list); err != nil {
			t.Fatal(err)
		}
		list = slices.DeleteFunc(list, func(tag map[string]string) bool { return strings.HasPrefix(tag["name"], ours+" ") })
		for _, tag := range tags {
			if !used[tag] {
				continue
			}
			list = append(list, map[string]string{"name": tagName(tag)})
		}
		doc[i].value = list
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

func TestTheDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(descriptionFile)
	if err != nil {
		t.Fatal(err)
	}
	want := described(t, raw)
	switch {
	case bytes.Equal(raw, want):
	case *update:
		if err := os.WriteFile(descriptionFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("openapi.json does not say what the table of routes does: run go generate ./internal/api/zavu")
	}
	if len(shapes) != len((&handler{}).routes()) {
		t.Errorf("%d shapes for %d routes", len(shapes), len((&handler{}).routes()))
	}
	ids := make(map[string]bool)
	for _, rt := range (&handler{}).routes() {
		if id := operationID(rt.name); ids[id] {
			t.Errorf("two routes are named %q", rt.name)
		} else {
			ids[id] = true
		}
	}
}
