package widget

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the files below
	"encoding/hex"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

const (
	scriptPath = "/widget/chat.js"
	demoPath   = "/widget/demo"
)

// The script that is served is made from chat.js and chat.css; chat.sum tells which versions of them.
//
//go:generate go run github.com/evanw/esbuild/cmd/esbuild@v0.28.1 static/chat.css --minify --log-level=warning --outfile=static/chat.min.css
//go:generate go run github.com/evanw/esbuild/cmd/esbuild@v0.28.1 static/chat.js --bundle --minify --format=iife --target=es2022 --loader:.css=text --log-level=warning --outfile=static/chat.min.js
//go:generate sh -c "cd static && sha256sum chat.js chat.css > chat.sum"

var (
	//go:embed static/chat.min.js
	chatScript []byte
	//go:embed static/demo.css
	demoCSS []byte
	//go:embed templates/demo.html
	demoHTML string

	demoPage = template.Must(template.New("demo").Parse(demoHTML))

	scriptTag = tagOf(chatScript)
	styleTag  = tagOf(demoCSS)
)

func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// script is the widget. Sites name it by one address for ever, so browsers may keep it for an hour and ask again.
func (wg *Widget) script(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	serveFile(w, r, "text/javascript; charset=utf-8", "public, max-age=3600, stale-while-revalidate=86400", scriptTag, chatScript)
	return nil
}

func (wg *Widget) demoStyle(w http.ResponseWriter, r *http.Request) error {
	serveFile(w, r, "text/css; charset=utf-8", "no-cache", styleTag, demoCSS)
	return nil
}

func serveFile(w http.ResponseWriter, r *http.Request, kind, cache, tag string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // an error means that the reader has gone
}

// demoView is what the page for operators shows.
type demoView struct {
	Base, Sender string
	Title        string // of the chat, or of the problem where there is one
	Problem      string
	Origins      int
}

// demo is a page with the web chat of a sender, for who has set it up.
func (wg *Widget) demo(w http.ResponseWriter, r *http.Request) error {
	sender := r.URL.Query().Get("sender")
	if sender == "" {
		return hookswitch.Errorf(hookswitch.Invalid, "Name the sender: %s?sender=snd_…", demoPath)
	}
	c, err := wg.chatOf(r.Context(), sender)
	if err != nil {
		return err
	}
	// Pages of the public address may show the chat, so this one has to be of it. Where a proxy calls this server by another name, once round is enough.
	if q := r.URL.Query(); !strings.HasSuffix(wg.own, "://"+r.Host) && !q.Has("here") {
		q.Set("here", "1")
		w.Header().Set("Location", wg.svc.PublicURL()+demoPath+"?"+q.Encode())
		w.WriteHeader(http.StatusFound)
		return nil
	}
	return wg.showDemo(w, http.StatusOK, &demoView{Base: wg.svc.PublicURL(), Sender: sender, Title: c.settings.Title, Origins: len(c.settings.Origins)})
}

func (wg *Widget) showDemo(w http.ResponseWriter, status int, view *demoView) error {
	var page bytes.Buffer
	if err := demoPage.Execute(&page, view); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // an error means that the reader has gone
	return nil
}

func (wg *Widget) writeErrorPage(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error) {
	if err := wg.showDemo(w, status, &demoView{Title: http.StatusText(status), Problem: e.Message}); err != nil {
		wg.log.ErrorContext(r.Context(), "render the page of the web chat", "error", err)
		http.Error(w, e.Message, status)
	}
}
