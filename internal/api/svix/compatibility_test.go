package svix_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

//go:generate go test -run=TestTheCompatibilityTableIsTrue -update

var update = flag.Bool("update", false, "write docs/svix-compatibility.md anew")

const (
	compatibilityTable = "../../../docs/svix-compatibility.md"
	hostedOperations   = "testdata/hosted/operations.tsv" // made by the program beside it
	differences        = "testdata/hosted/differences.tsv"
)

// hostedOperation is an operation of the hosted API, or of its open-source server.
type hostedOperation struct {
	method, path, name  string
	marks               []string // where it is known from: hosted, internal, deprecated, server, sdk1, sdk2
	query, body, answer []string
}

func (op hostedOperation) is(mark string) bool { return slices.Contains(op.marks, mark) }

func (op hostedOperation) key() string { return op.method + " " + shape(op.path) }

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// shape is a path without the names of its parameters.
func shape(path string) string { return pathParameter.ReplaceAllString(path, "{}") }

// lines are the lines of a file that are no comments, split at tabs into so many fields.
func lines(t *testing.T, file string, fields int) [][]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != fields {
			t.Fatalf("%s: %d fields, want %d: %s", file, len(f), fields, line)
		}
		list = append(list, f)
	}
	return list
}

func readHostedOperations(t *testing.T) []hostedOperation {
	t.Helper()
	names := func(s string) []string {
		if s == "-" {
			return nil
		}
		return strings.Split(s, ",")
	}
	var list []hostedOperation
	for _, f := range lines(t, hostedOperations, 7) {
		list = append(list, hostedOperation{f[0], f[1], f[2], names(f[3]), names(f[4]), names(f[5]), names(f[6])})
	}
	return list
}

// routeTable finds routes by method and shape of path.
type routeTable struct {
	exact  map[string]httpapi.Route
	prefix map[string]httpapi.Route // routes that end in a wildcard for the rest
}

func newRouteTable(routes []httpapi.Route) routeTable {
	table := routeTable{map[string]httpapi.Route{}, map[string]httpapi.Route{}}
	for _, rt := range routes {
		key := rt.Method + " " + rt.Path
		if before, _, ok := strings.Cut(key, "/{rest...}"); ok {
			table.prefix[before] = rt
		} else {
			table.exact[rt.Method+" "+shape(rt.Path)] = rt
		}
	}
	return table
}

func (rt routeTable) has(op hostedOperation) bool {
	if _, ok := rt.exact[op.key()]; ok {
		return true
	}
	for before := range rt.prefix {
		if key := op.method + " " + op.path; key == before || strings.HasPrefix(key, before+"/") {
			return true
		}
	}
	return false
}

// described is an operation of our own description.
type describedOperation struct{ query, body, answer map[string]bool }

// readDescription reads the names of parameters and fields of our own description, by method and shape of path.
func readDescription(t *testing.T) map[string]describedOperation {
	t.Helper()
	type object = map[string]any
	var doc object
	if err := json.Unmarshal(hookswitch.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	resolve := func(v any) object {
		o, _ := v.(object)
		for range 8 {
			ref, _ := o["$ref"].(string)
			if ref == "" {
				break
			}
			at := any(doc)
			for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
				at = at.(object)[name]
			}
			o, _ = at.(object)
		}
		return o
	}
	var fields func(into map[string]bool, schema any, prefix string)
	fields = func(into map[string]bool, schema any, prefix string) {
		s := resolve(schema)
		for _, word := range []string{"allOf", "anyOf", "oneOf"} {
			parts, _ := s[word].([]any)
			for _, part := range parts {
				fields(into, part, prefix)
			}
		}
		properties, _ := s["properties"].(object)
		for name, property := range properties {
			into[prefix+name] = true
			if items, ok := resolve(property)["items"]; ok && prefix == "" {
				fields(into, items, name+"[].")
			}
		}
	}
	content := func(v any) any {
		o := resolve(v)
		for _, name := range []string{"content", "application/json"} {
			o = resolve(o[name])
		}
		return o["schema"]
	}
	list := map[string]describedOperation{}
	for path, methods := range doc["paths"].(object) {
		for method, described := range methods.(object) {
			d := described.(object)
			op := describedOperation{map[string]bool{}, map[string]bool{}, map[string]bool{}}
			parameters, _ := d["parameters"].([]any)
			for _, p := range parameters {
				if p := resolve(p); p["in"] == "query" {
					op.query[p["name"].(string)] = true
				}
			}
			fields(op.body, content(d["requestBody"]), "")
			answers, _ := d["responses"].(object)
			for status, answer := range answers {
				if strings.HasPrefix(status, "2") {
					fields(op.answer, content(answer), "")
				}
			}
			list[strings.ToUpper(method)+" "+shape(path)] = op
		}
	}
	return list
}

// without names what is wanted and not there.
func without(what string, want []string, there map[string]bool) string {
	var missing []string
	for _, name := range want {
		if container, _, ok := strings.Cut(name, "[]."); ok && !there[container] {
			continue // the list itself is named
		}
		if !there[name] {
			missing = append(missing, "`"+name+"`")
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return what + " " + strings.Join(missing, ", ")
}

// TestTheCompatibilityTableIsTrue holds docs/svix-compatibility.md to the routes and to our own description, and the routes to what the hosted API has:
// an operation that is neither built nor refused with 501 fails the test.
func TestTheCompatibilityTableIsTrue(t *testing.T) {
	t.Parallel()
	handler := newAPI(t, storetest.SQLite(t)).handler
	built, refused, own := newRouteTable(handler.Routes()), newRouteTable(handler.NotOffered()), readDescription(t)
	notes := map[string]string{}
	for _, f := range lines(t, differences, 3) {
		notes[f[0]+" "+shape(svix.Base+f[1])] = f[2]
	}

	var rows []compatibilityRow
	var missing []string
	known := map[string]bool{}
	for _, op := range readHostedOperations(t) {
		known[op.key()] = true
		row := compatibilityRow{operation: op}
		note := notes[op.key()]
		delete(notes, op.key())
		switch d := own[op.key()]; {
		case built.has(op):
			var differs []string
			for _, s := range []string{without("not read:", op.query, d.query), without("not read:", op.body, d.body), without("not told:", op.answer, d.answer), note} {
				if s != "" {
					differs = append(differs, s)
				}
			}
			row.status, row.note = "works", strings.Join(differs, "; ")
			if row.note != "" {
				row.status = "differs"
			}
		case refused.has(op):
			row.status, row.note = "501", note
		default:
			row.status = "missing"
			missing = append(missing, fmt.Sprintf("%s %s (%s; %s)", op.method, op.path, op.name, strings.Join(op.marks, ", ")))
		}
		rows = append(rows, row)
	}
	if len(missing) > 0 {
		t.Errorf("%d operations of the hosted API are neither built nor refused with 501:\n%s", len(missing), strings.Join(missing, "\n"))
	}
	for key := range notes {
		t.Errorf("%s: %s is no operation of the hosted API", differences, key)
	}
	var ours []httpapi.Route
	for _, rt := range handler.Routes() {
		if !known[rt.Method+" "+shape(rt.Path)] {
			ours = append(ours, rt)
		}
	}

	want := renderCompatibility(rows, ours)
	if *update {
		if err := os.WriteFile(compatibilityTable, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(compatibilityTable); err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): run go generate ./internal/api/svix", compatibilityTable, err)
	}
}

type compatibilityRow struct {
	operation    hostedOperation
	status, note string
}

// group is what an operation is about, from its path.
func (r compatibilityRow) group() string {
	path := strings.TrimPrefix(r.operation.path, svix.Base)
	if inside, ok := strings.CutPrefix(path, "/app/{app_id}/"); ok {
		path = "/" + inside
	}
	first, _, _ := strings.Cut(path[1:], "/")
	return first
}

func (r compatibilityRow) clients() string {
	var list []string
	for _, c := range []struct{ mark, name string }{{"sdk1", "1.x"}, {"sdk2", "2.x"}} {
		if r.operation.is(c.mark) {
			list = append(list, c.name)
		}
	}
	return cmp.Or(strings.Join(list, ", "), "–")
}

func renderCompatibility(rows []compatibilityRow, ours []httpapi.Route) string {
	var b strings.Builder
	count := map[string]int{}
	for _, r := range rows {
		count[r.status]++
	}
	fmt.Fprintf(&b, `# Operations of the Svix API

<!-- Made by go generate ./internal/api/svix from the server's routes, openapi.json and the published descriptions. A test fails when it is stale. -->

Every operation that the description of the hosted Svix API, its open-source server or an official client library of either generation knows, and what this
server makes of it: %d work, %d of them with a difference, %d answer %s with a sentence that says so.

- **works**: with every parameter and field of the hosted API.
- **differs**: works, but for what the last column says. A parameter that is *not read* is ignored, a field that is *not told* is left out of the answer.
- **501**: known, and not offered.

The column *clients* tells which generation of the client libraries calls it; – means that it is known from a description alone, and most of these are internal to the hosted service.

`, count["works"]+count["differs"], count["differs"], count["501"], "`501 not_implemented`")
	groups := map[string][]compatibilityRow{}
	for _, r := range rows {
		groups[r.group()] = append(groups[r.group()], r)
	}
	var names []string
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "## %s\n\n| operation | clients | | |\n|---|---|---|---|\n", name)
		for _, r := range groups[name] {
			path := r.operation.path
			if inside, ok := strings.CutPrefix(path, svix.Base); ok {
				path = inside
			}
			note := r.note
			if r.operation.is("deprecated") {
				note = strings.TrimSuffix("deprecated; "+note, "; ")
			}
			fmt.Fprintf(&b, "| `%s %s` | %s | %s | %s |\n", r.operation.method, path, r.clients(), r.status, note)
		}
		b.WriteString("\n")
	}
	b.WriteString("## Only here\n\nWhat neither the hosted API nor its open-source server describes.\n\n| operation | |\n|---|---|\n")
	for _, rt := range ours {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", rt.Method, strings.TrimPrefix(rt.Path, svix.Base), rt.Name)
	}
	return b.String()
}
