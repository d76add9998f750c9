package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Templates are the templates of pages by name. Each page has a set of its own with all components in it, so that names inside one page's file mean nothing to the others.
// A page is parsed when it is shown first: all of them are more than half of what a server has in memory before it does anything.
type Templates struct {
	pages map[string]func() (*template.Template, error)
}

// Load finds the pages below dir: the file dir/area/name.html is the page "area/name" and defines "content". Files whose names begin with _ hold what the pages of
// their area share. It panics for a directory that cannot be read: pages are part of the program.
func Load(files fs.FS, dir string) *Templates {
	base := sync.OnceValues(func() (*template.Template, error) {
		return template.New("").Funcs(functions).ParseFS(templateFiles, "templates/*.html")
	})
	t := &Templates{pages: make(map[string]func() (*template.Template, error))}
	areas, err := fs.ReadDir(files, dir)
	if err != nil {
		panic(err)
	}
	for _, area := range areas {
		shared, _ := fs.Glob(files, path.Join(dir, area.Name(), "_*.html")) // the pattern is fine
		own, _ := fs.Glob(files, path.Join(dir, area.Name(), "*.html"))
		for _, file := range own {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name[0] != '_' {
				t.pages[area.Name()+"/"+name] = sync.OnceValues(func() (*template.Template, error) {
					components, err := base()
					if err == nil {
						components, err = components.Clone()
					}
					if err != nil {
						return nil, err
					}
					return components.ParseFS(files, append(slices.Clip(shared), file)...)
				})
			}
		}
	}
	return t
}

// Check parses all pages and returns what is wrong with them.
func (t *Templates) Check() error {
	var errs []error
	for name, parse := range t.pages {
		if _, err := parse(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Page is a page with everything around it.
type Page struct {
	Shell   *Shell
	Content any
}

// Render is the page with the name, whole.
func (t *Templates) Render(name string, shell *Shell, content any) ([]byte, error) {
	return t.execute(name, "shell", Page{shell, content})
}

// Part is one block of the page with the name, for scripts that put it into a page.
func (t *Templates) Part(name, block string, content any) ([]byte, error) {
	return t.execute(name, block, content)
}

func (t *Templates) execute(name, block string, data any) ([]byte, error) {
	parse := t.pages[name]
	if parse == nil {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	p, err := parse()
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var buf bytes.Buffer
	if err := p.ExecuteTemplate(&buf, block, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// functions are what templates may call.
var functions = template.FuncMap{
	"asset": AssetURL, "dict": dict, "field": fieldOf, "action": actionOf, "list": func(v ...any) []any { return v }, "icon": Icon, "count": countAny, "bytes": Bytes, "millis": Millis, "span": Span, "plural": Plural, "lower": strings.ToLower, "join": strings.Join,
}

// dict is its arguments, names and values in turn, for components that take more than one value. It fails for a name without a value.
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok || i+1 == len(pairs) {
			return nil, fmt.Errorf("dict: %v has to be a name with a value behind it", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// countAny is Count of whatever kind of whole number a template has.
func countAny(n any) (string, error) {
	switch v := n.(type) {
	case int:
		return Count(v), nil
	case int64:
		return Count(v), nil
	}
	return "", fmt.Errorf("count: %v is no whole number", n)
}

// fieldOf makes a Field of names and values in turn, for forms that are written in a template.
func fieldOf(pairs ...any) (f Field, err error) {
	err = fill(&f, pairs)
	return f, err
}

// actionOf makes an Action of names and values in turn.
func actionOf(pairs ...any) (a Action, err error) {
	err = fill(&a, pairs)
	return a, err
}

// texts is a dict of texts as a map of texts, and anything else as it is.
func texts(v any) any {
	d, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := make(map[string]string, len(d))
	for name, one := range d {
		text, ok := one.(string)
		if !ok {
			return v
		}
		out[name] = text
	}
	return out
}

// fill sets fields of the struct that v points to.
func fill(v any, pairs []any) error {
	s := reflect.ValueOf(v).Elem()
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok || i+1 == len(pairs) {
			return fmt.Errorf("%v has to be a name with a value behind it", pairs[i])
		}
		to, from := s.FieldByName(name), reflect.ValueOf(texts(pairs[i+1]))
		if !to.IsValid() || !from.IsValid() || !from.Type().AssignableTo(to.Type()) {
			return fmt.Errorf("%s has no field %s for %v", s.Type().Name(), name, pairs[i+1])
		}
		to.Set(from)
	}
	return nil
}
