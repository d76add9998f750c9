// Command hosted lists the operations of the hosted Svix API and of the open-source server, from their published descriptions and from the sources of the
// official client libraries. Its output is operations.tsv next to it:
//
//	go run ./internal/api/svix/testdata/hosted -server openapi.json -hosted lib-openapi.json -sdk1 node_modules/svix -sdk2 node_modules/svix2 -python site-packages/svix > operations.tsv
//
// server/openapi.json and codegen/lib-openapi.json lie in the repository of the libraries, the others are what it publishes on npm and PyPI. Only facts are taken:
// methods, paths, operation ids, names of parameters and fields, and whether an operation is deprecated or internal.
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

type key struct{ path, method string }

type operation struct {
	id, call            string
	marks               map[string]bool
	query, body, answer []string
}

func main() {
	log.SetFlags(0)
	server := flag.String("server", "", "description of the open-source server")
	hosted := flag.String("hosted", "", "description of the hosted API")
	sdk1 := flag.String("sdk1", "", "npm package svix 1.x")
	sdk2 := flag.String("sdk2", "", "npm package svix 2.x")
	python := flag.String("python", "", "folder of the Python package svix 2.x, in site-packages")
	flag.Parse()
	operations := map[key]*operation{}
	hostedVersion := describe(operations, *hosted, "hosted")
	serverVersion := describe(operations, *server, "server")
	version1 := calls(operations, *sdk1, "sdk1")
	version2 := calls(operations, *sdk2, "sdk2")
	python2 := pythonCalls(operations, *python, "sdk2")

	fmt.Printf(`# Operations of the hosted Svix API and of its open-source server.
# Sources, all under the MIT licence, https://github.com/svix/svix-webhooks:
#   hosted: codegen/lib-openapi.json, version %s    server: server/openapi.json, version %s
#   sdk1: npm package svix %s    sdk2: npm package svix %s and PyPI package svix %s
# Only facts: method, path, operation id (or the call of the library), where it is known from, names of query parameters, fields of the body, fields of the answer.
# Made by the program in this folder.
`, hostedVersion, serverVersion, version1, version2, python2)
	keys := make([]key, 0, len(operations))
	for k := range operations {
		keys = append(keys, k)
	}
	order := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(slices.Index(order, a.method), slices.Index(order, b.method)))
	})
	for _, k := range keys {
		op := operations[k]
		var marks []string
		for m := range op.marks {
			marks = append(marks, m)
		}
		slices.Sort(marks)
		fmt.Println(strings.Join([]string{k.method, k.path, cmp.Or(op.id, op.call), strings.Join(marks, ","), names(op.query), names(op.body), names(op.answer)}, "\t"))
	}
}

func names(list []string) string {
	slices.Sort(list)
	return cmp.Or(strings.Join(slices.Compact(list), ","), "-")
}

func at(operations map[key]*operation, method, path string) *operation {
	k := key{path, strings.ToUpper(method)}
	if operations[k] == nil {
		operations[k] = &operation{marks: map[string]bool{}}
	}
	return operations[k]
}

type object = map[string]any

// describe adds what an OpenAPI document describes.
func describe(operations map[key]*operation, file, mark string) (version string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		log.Fatal(err)
	}
	for path, methods := range doc["paths"].(object) {
		for method, described := range methods.(object) {
			d := described.(object)
			if method == "head" || method == "parameters" {
				continue
			}
			op := at(operations, method, path)
			op.marks[mark] = true
			for extension, m := range map[string]string{"deprecated": "deprecated", "x-internal": "internal"} {
				if d[extension] == true {
					op.marks[m] = true
				}
			}
			if op.id == "" {
				op.id, _ = d["operationId"].(string)
			}
			parameters, _ := d["parameters"].([]any)
			for _, p := range parameters {
				if p := p.(object); p["in"] == "query" {
					op.query = append(op.query, p["name"].(string))
				}
			}
			op.body = append(op.body, fields(doc, content(d["requestBody"]), "")...)
			answers, _ := d["responses"].(object)
			for status, answer := range answers {
				if strings.HasPrefix(status, "2") {
					op.answer = append(op.answer, fields(doc, content(answer), "")...)
				}
			}
		}
	}
	return doc["info"].(object)["version"].(string)
}

// content is the schema of a JSON body.
func content(v any) any {
	for _, name := range []string{"content", "application/json", "schema"} {
		o, _ := v.(object)
		v = o[name]
	}
	return v
}

// fields are the names of the fields of a schema, and those of the objects in its lists as "data[].name".
func fields(doc object, schema any, prefix string) []string {
	s, _ := schema.(object)
	var list []string
	if ref, _ := s["$ref"].(string); ref != "" {
		return fields(doc, doc["components"].(object)["schemas"].(object)[strings.TrimPrefix(ref, "#/components/schemas/")], prefix)
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		parts, _ := s[word].([]any)
		for _, part := range parts {
			list = append(list, fields(doc, part, prefix)...)
		}
	}
	properties, _ := s["properties"].(object)
	for name, property := range properties {
		list = append(list, prefix+name)
		if items, ok := property.(object)["items"]; ok && prefix == "" {
			list = append(list, fields(doc, items, name+"[].")...)
		}
	}
	return list
}

var (
	method   = regexp.MustCompile(`^(?:async )?(\w+)\(`)
	requests = regexp.MustCompile(`new SvixRequest\(\s*HttpMethod\.(\w+),\s*"([^"]+)"`)
)

// calls adds what a client library calls.
func calls(operations map[key]*operation, dir, mark string) (version string) {
	files, err := filepath.Glob(filepath.Join(dir, "src", "api*", "*.ts"))
	if err != nil || len(files) == 0 {
		log.Fatalf("no sources in %s: %v", dir, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		for _, member := range strings.Split(string(raw), "\n  public ") {
			name, r := method.FindStringSubmatch(member), requests.FindStringSubmatch(member)
			if name == nil || r == nil {
				continue
			}
			op := at(operations, r[1], r[2])
			op.marks[mark] = true
			op.call = strings.TrimSuffix(filepath.Base(file), ".ts") + "." + name[1]
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		log.Fatal(err)
	}
	var p struct{ Version string }
	if err := json.Unmarshal(raw, &p); err != nil {
		log.Fatal(err)
	}
	return p.Version
}

var (
	pythonMethod  = regexp.MustCompile(`^(\w+)\(`)
	pythonRequest = regexp.MustCompile(`method="(\w+)",\s*path="([^"]+)"`)
	pythonVersion = regexp.MustCompile(`__version__ = "([^"]+)"`)
)

// pythonCalls adds what the client library for Python calls.
func pythonCalls(operations map[key]*operation, dir, mark string) (version string) {
	files, err := filepath.Glob(filepath.Join(dir, "api*", "*.py"))
	if err != nil || len(files) == 0 {
		log.Fatalf("no sources in %s: %v", dir, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		for _, member := range strings.Split(string(raw), "\n    def ") {
			name, r := pythonMethod.FindStringSubmatch(member), pythonRequest.FindStringSubmatch(member)
			if name == nil || r == nil {
				continue
			}
			op := at(operations, r[1], r[2])
			op.marks[mark] = true
			op.call = cmp.Or(op.call, strings.TrimSuffix(filepath.Base(file), ".py")+"."+name[1])
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "__init__.py"))
	if err != nil {
		log.Fatal(err)
	}
	if v := pythonVersion.FindSubmatch(raw); v != nil {
		return string(v[1])
	}
	return "?"
}
