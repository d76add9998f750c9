package hookswitch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hookswitch/hookswitch"

// testHelpers are imported by tests only. They may import anything.
var testHelpers = []string{"internal/storetest", "internal/service/servicetest", "internal/portal/portaltest", "internal/api/apitest", "internal/e2e"}

// sameFloor are the imports within a floor that ARCHITECTURE.md allows: lists of all adapters, and the main program.
var sameFloor = map[string]string{"internal/provider/all": "internal/provider/", "cmd/hookswitch": "internal/cli"}

// diallers are the packages that may open connections past the address guard: the guard itself, and those that run on the caller's side.
var diallers = []string{"internal/safehttp", "internal/client", "internal/simulate", "internal/bench"}

// readFloors reads the table of ARCHITECTURE.md: the floor of each package by its path, "." for the root.
func readFloors(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	floors := make(map[string]int)
	for _, row := range regexp.MustCompile(`(?m)^\| (\d) \| ([^|]*) \|`).FindAllStringSubmatch(string(text), -1) {
		floor, _ := strconv.Atoi(row[1]) // one digit
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			if name[1] == path.Base(module) {
				name[1] = "."
			}
			floors[name[1]] = floor
		}
	}
	if len(floors) < 20 {
		t.Fatalf("ARCHITECTURE.md names %d packages", len(floors))
	}
	return floors
}

func floorOf(floors map[string]int, pkg string) (int, bool) {
	if floor, ok := floors[pkg]; ok {
		return floor, true
	}
	floor, ok := floors[path.Dir(pkg)+"/<name>"]
	return floor, ok
}

// eachSource parses every Go file of the module that is not a test.
func eachSource(t *testing.T, look func(pkg, name string, f *ast.File)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err == nil {
			look(path.Dir(name), name, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestArchitecture_PackagesImportLowerFloorsOnly(t *testing.T) {
	t.Parallel()
	floors := readFloors(t)
	eachSource(t, func(pkg, name string, f *ast.File) {
		if slices.Contains(testHelpers, pkg) {
			return
		}
		floor, ok := floorOf(floors, pkg)
		if !ok {
			t.Errorf("%s: ARCHITECTURE.md gives %s no floor", name, pkg)
			return
		}
		for _, spec := range f.Imports {
			target, _ := strconv.Unquote(spec.Path.Value) // it has been parsed
			if target != module && !strings.HasPrefix(target, module+"/") {
				continue
			}
			target = path.Clean(strings.TrimPrefix(strings.TrimPrefix(target, module), "/"))
			below, ok := floorOf(floors, target)
			allowed := sameFloor[pkg] != "" && strings.HasPrefix(target, sameFloor[pkg])
			if !ok || below >= floor && !(below == floor && allowed) {
				t.Errorf("%s, on floor %d, imports %s", name, floor, target)
			}
		}
	})
}

func TestArchitecture_NothingDialsPastTheGuard(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"net":  {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer"},
		"tls":  {"Dial", "DialWithDialer", "Dialer"},
		"http": {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client", "Transport"},
	}
	eachSource(t, func(pkg, name string, f *ast.File) {
		if slices.Contains(diallers, pkg) || slices.Contains(testHelpers, pkg) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok { // a pointer to a client that somebody else has made is fine
				if _, ok := star.X.(*ast.SelectorExpr); ok {
					return false
				}
			}
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && slices.Contains(forbidden[x.Name], s.Sel.Name) {
					t.Errorf("%s uses %s.%s: calls go out through internal/safehttp", name, x.Name, s.Sel.Name)
				}
			}
			return true
		})
	})
}
