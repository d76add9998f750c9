package portal

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/internal/store"
)

// row is one request in the list of a bin.
type row struct {
	ID      string  `json:"id"`
	Time    string  `json:"time"` // RFC 3339, in UTC
	Clock   string  `json:"clock"`
	Method  string  `json:"method"`
	Path    string  `json:"path"` // what follows the bin's address
	Type    string  `json:"type"` // of the event, where the body tells one
	Size    int64   `json:"size"`
	Length  string  `json:"length"` // the size in words
	Verdict verdict `json:"verdict"`
	Pinned  bool    `json:"pinned"`
	Answer  int     `json:"answered,omitempty"` // the status; 0: none, or not known
	Current bool    `json:"-"`
	// Forwarded is what became of sending it on; nil: it was not.
	Forwarded *forwarded `json:"forwarded,omitempty"`
}

func newRow(q *store.BinRequest, j *judge) row {
	at := q.Key.Time()
	r := row{ID: formatKey(q.Key), Time: at.Format("2006-01-02T15:04:05.000Z"), Clock: at.Format("15:04:05"), Method: q.Method, Path: suffixOf(q),
		Type: eventType(q.Body), Size: q.Size, Length: lengthOf(q.Size), Verdict: j.verdict(q), Pinned: q.Pinned}
	if q.Answered != nil {
		r.Answer = q.Answered.Status
	}
	return r
}

// row is a request as who looks may know it.
func (h *binHead) row(q *store.BinRequest, j *judge) row {
	r := newRow(q, j)
	r.Forwarded = newForwarded(q.Relayed, !h.ReadOnly)
	return r
}

// uri is the address of a request as who looks may know it: the token of a bin is not for those who have a link for looking.
func (h *binHead) uri(q *store.BinRequest) string {
	if h.ReadOnly {
		return binPath + "…" + suffixOf(q)
	}
	return q.URI
}

// suffixOf is what follows the bin's address in the URL of a request. The token is not in it, also where the sender escaped letters of the address that need no escaping.
func suffixOf(q *store.BinRequest) string {
	at := binPath + q.Token
	if _, rest, ok := strings.Cut(q.URI, at); ok {
		return rest
	}
	path := q.URI
	if _, rest, ok := strings.Cut(path, "://"); ok && path[0] != '/' { // of a proxy
		path = rest[max(strings.IndexByte(rest, '/'), 0):]
	}
	end := 0
	for range len(at) {
		if end < len(path) && path[end] == '%' {
			end += 2
		}
		end++
	}
	if end <= len(path) {
		if head, err := url.PathUnescape(path[:end]); err == nil && head == at {
			return path[end:]
		}
	}
	return q.URI
}

// lengthOf writes a number of bytes for people.
func lengthOf(n int64) string {
	switch {
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}

// maxType is the length of an event type worth showing.
const maxType = 100

// eventType is the type that a JSON body names, under one of the usual names, or "".
func eventType(body []byte) string {
	if len(body) == 0 || body[0] != '{' {
		return ""
	}
	var named struct {
		Type      any `json:"type"`
		EventType any `json:"eventType"`
		Snake     any `json:"event_type"`
		Event     any `json:"event"`
	}
	if json.Unmarshal(body, &named) != nil {
		return ""
	}
	for _, v := range []any{named.Type, named.EventType, named.Snake, named.Event} {
		if s, ok := v.(string); ok && s != "" && len(s) <= maxType && utf8.ValidString(s) {
			return s
		}
	}
	return ""
}

// pair is a name and a value.
type pair struct{ Name, Value string }

// detail is one request with all of it.
type detail struct {
	row
	Remote  string
	Headers []pair
	Query   []pair
	Body    bodyView
	Path    string // of the page
	Suffix  string
	Date    string
	Decoded *decoded // what a known provider says with it; nil: none is known
	Answers string   // what it was answered, in words
	Trigger string   // its name as a trigger
	Parts   []part   // of a multipart body
}

func newDetail(q *store.BinRequest, j *judge, page, view string) *detail {
	d := &detail{row: newRow(q, j), Remote: q.Remote, Path: page, Suffix: suffixOf(q), Date: q.Key.Time().Format("2 January 2006, 15:04:05.000 MST")}
	d.Answers, d.Trigger = answeredWords(q.Answered), q.Trigger
	kind, params := "", map[string]string(nil)
	for _, line := range q.Headers {
		d.Headers = append(d.Headers, pair(line))
		if http.CanonicalHeaderKey(line.Name) == "Content-Type" {
			kind, params, _ = mime.ParseMediaType(line.Value)
		}
	}
	_, raw, _ := strings.Cut(d.Suffix, "?")
	d.Query = pairsOf(raw)
	if strings.HasPrefix(kind, "multipart/") {
		d.Parts = partsOf(q.Body, params["boundary"])
	}
	d.Decoded = decode(q, kind)
	d.Body = newBodyView(q, kind, view)
	return d
}

// maxPairs is how many parameters of a query or a form are shown.
const maxPairs = 200

// pairsOf are the parameters of a query or a form in their order, decoded where they can be.
func pairsOf(raw string) []pair {
	var list []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		if len(list) == maxPairs {
			break
		}
		name, value, _ := strings.Cut(part, "=")
		list = append(list, pair{unescape(name), unescape(value)})
	}
	return list
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		s = u
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
