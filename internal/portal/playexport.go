package portal

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

var playExportRoutes = []route{
	{in: open, method: "GET", path: "/play/{token}/export", name: "Export", handle: onPlay((*play).export), data: true},
}

const (
	// maxPlayExport is how many requests a file has.
	maxPlayExport = 1000
	// maxPlayFiles is how many files of bins are made at a time, and maxFilesOfBin of one bin: each is in memory until it has been read, some times as large as what the bin holds.
	maxPlayFiles  = 4
	maxFilesOfBin = 2
	// filePiece is how much of a file is written before its reader gets more time.
	filePiece = 256 << 10
)

// errManyFiles asks for patience.
var errManyFiles = &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Too many files are being made at this moment. Try again in a minute.", RetryAfter: time.Minute}

// export is a file of the bin's requests, the oldest first: all of them, those that meet the conditions of the list, or one.
func (pl *play) export(v *view) error {
	h, err := pl.open(v)
	if err != nil {
		return err
	}
	leave, ok := pl.files.take(h.Token)
	if !ok {
		return errManyFiles
	}
	defer leave()
	var list []*store.BinRequest
	if id := v.query("request"); id != "" {
		key, ok := parseKey(id)
		if !ok {
			return noSuchRequest()
		}
		q, err := pl.svc.BinRequest(v.ctx(), h.Token, key)
		if err != nil {
			return err
		}
		list = append(list, q)
	} else {
		j, c := newJudge(h.bin.Secrets), v.conditions()
		if list, err = pl.svc.SearchBinRequests(v.ctx(), h.Token, 0, maxPlayExport, func(q *store.BinRequest) bool { return c.match(q, j) }); err != nil {
			return err
		}
		for i, k := 0, len(list)-1; i < k; i, k = i+1, k-1 {
			list[i], list[k] = list[k], list[i]
		}
	}
	address := h.Address
	if address == "" {
		address = pl.svc.PublicURL() + binPath + "shared"
	}
	var body []byte
	var name, kind string
	switch v.query("as") {
	case "har":
		name, kind = "requests.har", "application/json"
		body, err = harOf(list, address)
	case "curl":
		name, kind = "requests.sh", "text/x-shellscript; charset=utf-8"
		body = []byte(curlOf(list))
	case "http":
		name, kind = "request.http", "text/plain; charset=utf-8"
		body = httpOf(list, address)
	case "fixture":
		name, kind = "requests.json", "application/json"
		body, err = fixtureOf(list, newJudge(h.bin.Secrets), "")
	default:
		return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "as must be har, curl, http or fixture."}
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rc := http.NewResponseController(v.w)
	for piece := range slices.Chunk(body, filePiece) {
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines has none to move
		if _, err := v.w.Write(piece); err != nil {
			return nil // the reader has gone
		}
	}
	return nil
}

func headerValue(q *store.BinRequest, name string) string {
	for _, line := range q.Headers {
		if strings.EqualFold(line.Name, name) {
			return line.Value
		}
	}
	return ""
}

// harOf is a HAR 1.2 archive.
func harOf(list []*store.BinRequest, address string) ([]byte, error) {
	type object = map[string]any
	entries := []object{}
	for _, q := range list {
		u := address + suffixOf(q)
		headers, query := []object{}, []object{}
		for _, line := range q.Headers {
			headers = append(headers, object{"name": line.Name, "value": line.Value})
		}
		_, raw, _ := strings.Cut(suffixOf(q), "?")
		for _, p := range pairsOf(raw) {
			query = append(query, object{"name": p.Name, "value": p.Value})
		}
		request := object{"method": q.Method, "url": u, "httpVersion": "HTTP/1.1", "cookies": []object{}, "headers": headers, "queryString": query, "headersSize": -1, "bodySize": q.Size}
		if q.Size > 0 {
			post := object{"mimeType": headerValue(q, "Content-Type")}
			if utf8.Valid(q.Body) {
				post["text"] = string(q.Body)
			} else {
				post["text"], post["_encoding"] = base64.StdEncoding.EncodeToString(q.Body), "base64"
			}
			request["postData"] = post
		}
		status, took := 0, 0
		if q.Answered != nil {
			status, took = q.Answered.Status, q.Answered.DelayMS+q.Answered.DripMS
		}
		entries = append(entries, object{"startedDateTime": q.Key.Time().UTC().Format(time.RFC3339Nano), "time": took, "request": request,
			"response": object{"status": status, "statusText": http.StatusText(status), "httpVersion": "HTTP/1.1", "cookies": []object{}, "headers": []object{},
				"content": object{"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1, "bodySize": -1},
			"cache": object{}, "timings": object{"send": 0, "wait": took, "receive": 0}})
	}
	return json.MarshalIndent(object{"log": object{"version": "1.2", "creator": object{"name": "Hookswitch", "version": "1"}, "entries": entries}}, "", "  ")
}

// shellWord is a text as one word of a POSIX shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// curlOf is a script that sends the requests again to the address in TARGET.
func curlOf(list []*store.BinRequest) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# Sends the requests again. Where to: TARGET=https://your-server.example/webhooks sh requests.sh\nset -eu\n: \"${TARGET:?set TARGET to the address that is to get the requests}\"\n")
	for _, q := range list {
		b.WriteString("\n# " + q.Key.Time().UTC().Format(time.RFC3339) + "\n")
		args := "curl -sS -o /dev/null -w '%{http_code}\\n' -X " + shellWord(q.Method)
		for _, line := range q.Headers {
			if !sendable(line.Name) {
				continue
			}
			if line.Value == "" {
				args += " \\\n  -H " + shellWord(line.Name+";")
			} else {
				args += " \\\n  -H " + shellWord(line.Name+": "+line.Value)
			}
		}
		target := ` "$TARGET"` + shellWord(suffixOf(q))
		switch {
		case len(q.Body) == 0:
			b.WriteString(args + " \\\n " + target + "\n")
		case utf8.Valid(q.Body) && !strings.ContainsRune(string(q.Body), 0) && q.Body[0] != '@':
			b.WriteString(args + " \\\n  --data-binary " + shellWord(string(q.Body)) + target + "\n")
		default:
			b.WriteString("printf %s " + base64.StdEncoding.EncodeToString(q.Body) + " | base64 -d | " + args + " \\\n  --data-binary @-" + target + "\n")
		}
	}
	return b.String()
}

// httpOf are requests as they came over the wire, one message after the other.
func httpOf(list []*store.BinRequest, address string) []byte {
	var b strings.Builder
	path := "/"
	if u, err := url.Parse(address); err == nil {
		path = u.EscapedPath()
	}
	for _, q := range list {
		b.WriteString(q.Method + " " + path + suffixOf(q) + " HTTP/1.1\r\n")
		for _, line := range q.Headers {
			b.WriteString(line.Name + ": " + line.Value + "\r\n")
		}
		if headerValue(q, "Content-Length") == "" && len(q.Body) > 0 {
			b.WriteString("Content-Length: " + strconv.Itoa(len(q.Body)) + "\r\n")
		}
		b.WriteString("\r\n")
		b.Write(q.Body)
		if len(list) > 1 {
			b.WriteString("\r\n")
		}
	}
	return []byte(b.String())
}

// fixture is a request as a test can read it.
type fixture struct {
	Received  string            `json:"received"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Headers   map[string]string `json:"headers"`
	Body      *string           `json:"body"` // null: see bodyBase64
	Base64    string            `json:"bodyBase64,omitempty"`
	Truncated bool              `json:"truncated,omitempty"`
	Signature string            `json:"signature"`
	Secret    string            `json:"secret,omitempty"` // that it was signed with, of one that was made for tests
}

// fixtureOf is a list of requests. secret is the one that they were signed with, where all the world may know it.
func fixtureOf(list []*store.BinRequest, j *judge, secret string) ([]byte, error) {
	out := []fixture{}
	for _, q := range list {
		f := fixture{Received: q.Key.Time().UTC().Format(time.RFC3339Nano), Method: q.Method, Path: suffixOf(q), Headers: map[string]string{}, Truncated: q.Size > int64(len(q.Body)), Signature: j.verdict(q).Word, Secret: secret}
		for _, line := range q.Headers {
			if have, ok := f.Headers[line.Name]; ok {
				f.Headers[line.Name] = have + ", " + line.Value
			} else {
				f.Headers[line.Name] = line.Value
			}
		}
		if text := string(q.Body); utf8.Valid(q.Body) {
			f.Body = &text
		} else {
			f.Base64 = base64.StdEncoding.EncodeToString(q.Body)
		}
		out = append(out, f)
	}
	return json.MarshalIndent(out, "", "  ")
}
