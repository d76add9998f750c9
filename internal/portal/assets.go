package portal

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"asset": assetURL, "dict": dict}).ParseFS(templateFiles, "templates/*.html"))

const staticPath = "/play/static/"

type asset struct {
	kind    string
	content []byte
	version string
}

var assetKinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// assets are the static files by name. Their version is in the URLs of pages, so that browsers may keep them for ever.
var assets = func() map[string]asset {
	list := make(map[string]asset)
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, e := range entries {
		b, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(b)
		list[e.Name()] = asset{assetKinds[path.Ext(e.Name())], b, hex.EncodeToString(sum[:6])}
	}
	return list
}()

func assetURL(name string) string { return staticPath + name + "?v=" + assets[name].version }

// dict is its arguments, names and values in turn, for templates that need more than one value.
func dict(pairs ...any) map[string]any {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		m[name] = pairs[i+1]
	}
	return m
}

// serveAsset answers with a static file.
func serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := assets[strings.TrimPrefix(r.URL.Path, staticPath)]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return noSuchPage()
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.content) // an error means that the reader has gone
	return nil
}
