package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/hookswitch/hookswitch"
)

//go:embed static
var staticFiles embed.FS

// AssetPath begins the path of every static file.
const AssetPath = "/static/"

// EmbedFile is the script that pages of others load to show the portal.
const EmbedFile = "embed.js"

// Asset is a file that pages bring with them: a style sheet, a script, a picture.
type Asset struct {
	Name    string
	URL     string // with a hash of the content, so that browsers may keep it for ever
	Content []byte
	Packed  []byte // with gzip
	kind    string
	hash    string
}

var assetKinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}

// Assets are the static files by name. They are packed when they are asked for first.
var Assets = sync.OnceValue(func() map[string]*Asset {
	list := make(map[string]*Asset)
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
		hash, ext := hex.EncodeToString(sum[:6]), path.Ext(e.Name())
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists
		_, _ = z.Write(b)                                          // a buffer takes everything
		_ = z.Close()
		list[e.Name()] = &Asset{Name: e.Name(), URL: AssetPath + strings.TrimSuffix(e.Name(), ext) + "." + hash + ext, Content: b, Packed: packed.Bytes(),
			kind: assetKinds[ext], hash: hash}
	}
	return list
})

// AssetURL is where the static file with the name is served. It panics when there is none.
func AssetURL(name string) string { return Assets()[name].URL }

// ServeAsset answers with the static file that the path names, with the hash of its content or without. Only what bears the hash may be kept.
func ServeAsset(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, AssetPath)
	ext := path.Ext(name)
	stem, hash, hashed := strings.Cut(strings.TrimSuffix(name, ext), ".")
	a, ok := Assets()[stem+ext]
	if !ok || hashed && hash != a.hash {
		return hookswitch.NotFoundf("There is no such file.")
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if a.Name == EmbedFile { // other sites' pages load it
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*")
	}
	h.Set("Cache-Control", "no-cache")
	if hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content := a.Content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		content = a.Packed
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // an error means that the reader has gone
	return nil
}
