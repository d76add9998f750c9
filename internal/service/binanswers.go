package service

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Limits of what a bin answers.
const (
	MaxBinDelay    = 60 * time.Second // before an answer, and over its body
	MaxBinBody     = 64 << 10         // bytes of a body that somebody wrote
	MaxBinHuge     = 16 << 20         // bytes that it is repeated up to
	MaxBinHeaders  = 20
	MaxBinSequence = 50
)

// refusedBinHeaders are headers that a bin must not answer with: the connection's, and those that browsers keep for the whole host.
var refusedBinHeaders = map[string]bool{"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Upgrade": true, "Trailer": true, "Te": true, "Keep-Alive": true,
	"Set-Cookie": true, "Strict-Transport-Security": true, "Clear-Site-Data": true, "Content-Security-Policy": true, "Content-Security-Policy-Report-Only": true, "Alt-Svc": true,
	"Service-Worker-Allowed": true, "X-Content-Type-Options": true, "Public-Key-Pins": true, "Nel": true, "Report-To": true, "Reporting-Endpoints": true, "Origin-Agent-Cluster": true,
	"Proxy-Authenticate": true, "Proxy-Connection": true, "Refresh": true, "Www-Authenticate": true, "Accept-Ch": true, "Speculation-Rules": true}

// CheckBinAnswer reports every wrong field of what a bin shall answer.
func CheckBinAnswer(a *store.BinAnswer) error {
	var c hookswitch.Checks
	status := func(code int, field string) {
		if code != 0 && (code < 200 || code > 599) {
			c.Field("must be a status between 200 and 599", field)
		}
	}
	status(a.Status, "status")
	status(a.FailWith, "fail_with")
	for _, code := range a.Sequence {
		if code < 200 || code > 599 {
			c.Field("must be statuses between 200 and 599, with commas between them", "sequence")
			break
		}
	}
	if len(a.Sequence) > MaxBinSequence {
		c.Field("must have at most 50 statuses", "sequence")
	}
	if len(a.Headers) > MaxBinHeaders {
		c.Field("must be at most 20", "headers")
	}
	for _, h := range a.Headers {
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name) || !httpguts.ValidHeaderFieldValue(h.Value) || len(h.Name)+len(h.Value) > 4096:
			c.Field("must be lines such as Retry-After: 120", "headers")
		case refusedBinHeaders[http.CanonicalHeaderKey(h.Name)]:
			c.Field("must not have "+http.CanonicalHeaderKey(h.Name)+", which the server answers by itself or browsers would keep for all of it", "headers")
		}
	}
	if len(a.Body) > MaxBinBody {
		c.Field("must be at most 64 KiB; a body can be repeated up to a size", "body")
	}
	within := func(n, most int64, field, text string) {
		if n < 0 || n > most {
			c.Field(text, field)
		}
	}
	within(a.Huge, MaxBinHuge, "huge", "must lie between 0 and 16 MiB")
	within(int64(a.DelayMS), MaxBinDelay.Milliseconds(), "delay_ms", "must lie between 0 and 60 seconds")
	within(int64(a.DripMS), MaxBinDelay.Milliseconds(), "drip_ms", "must lie between 0 and 60 seconds")
	within(int64(a.FailRate), 100, "fail_rate", "must lie between 0 and 100")
	if a.Cut != "" && a.Cut != store.CutBefore && a.Cut != store.CutBody {
		c.Field("must be before or body", "cut")
	}
	return c.Err()
}

// BinReply is what a bin answers one request.
type BinReply struct {
	Status int
	Header http.Header
	Body   []byte // is repeated, or cut off, to Size
	Size   int64
	Delay  time.Duration // before the answer begins
	Drip   time.Duration // that the body is spread over
	Cut    string        // where the connection is closed, as in store.BinAnswer
	Why    string
}

func (r *BinReply) answered() *store.BinAnswered {
	a := &store.BinAnswered{Status: r.Status, DelayMS: int(r.Delay.Milliseconds()), DripMS: int(r.Drip.Milliseconds()), Size: r.Size, Cut: r.Cut, Why: r.Why}
	if r.Cut == store.CutBefore {
		a.Status, a.Size = 0, 0
	}
	return a
}

// Text is the first bytes of the body, most at most.
func (r *BinReply) Text(most int64) []byte {
	size := min(r.Size, most)
	out := make([]byte, 0, size)
	for int64(len(out)) < size && len(r.Body) > 0 {
		out = append(out, r.Body[:min(int64(len(r.Body)), size-int64(len(out)))]...)
	}
	return out
}

const okBody = `{"ok":true}`

// replyOf is what an answer comes to for the request with the number n; chance lies between 0 and 99.
func replyOf(a *store.BinAnswer, q *store.BinRequest, n int64, chance int, now time.Time) *BinReply {
	r := &BinReply{Status: http.StatusOK, Header: http.Header{}, Body: []byte(okBody)}
	r.Size = int64(len(r.Body))
	if a == nil {
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	if a.Status != 0 {
		r.Status = a.Status
	}
	r.Delay, r.Drip, r.Cut = time.Duration(a.DelayMS)*time.Millisecond, time.Duration(a.DripMS)*time.Millisecond, a.Cut
	if len(a.Sequence) > 0 {
		i := max(0, n-a.From)
		if a.Repeat {
			i %= int64(len(a.Sequence))
		}
		r.Status, r.Why = a.Sequence[min(i, int64(len(a.Sequence)-1))], "sequence"
	}
	if chance < a.FailRate {
		r.Status, r.Why = a.FailWith, "chance"
		if r.Status == 0 {
			r.Status = http.StatusInternalServerError
		}
	}
	for _, h := range a.Headers {
		r.Header.Add(h.Name, h.Value)
	}
	if a.Body != "" {
		r.Body = []byte(fillIn(a.Body, q, n, now))
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		if json.Valid(r.Body) {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	if r.Size = int64(len(r.Body)); a.Huge > 0 {
		if len(r.Body) == 0 {
			r.Body = []byte("\n")
		}
		r.Size = a.Huge
	}
	if r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		r.Body, r.Size = nil, 0
	}
	return r
}

// fillIn puts values into the placeholders of a body: {{n}}, {{method}}, {{path}}, {{time}}, {{unix}}, {{body}}, {{header NAME}} and {{json a.b.0}}. Others stay as they are.
func fillIn(text string, q *store.BinRequest, n int64, now time.Time) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		inside, after, ok := strings.Cut(rest, "}}")
		if !ok {
			b.WriteString("{{" + rest)
			return b.String()
		}
		if value, known := placeholder(strings.TrimSpace(inside), q, n, now); known && b.Len()+len(value) <= 4*MaxBinBody {
			b.WriteString(value)
		} else if !known {
			b.WriteString("{{" + inside + "}}")
		}
		text = after
	}
}

func placeholder(name string, q *store.BinRequest, n int64, now time.Time) (value string, known bool) {
	word, rest, _ := strings.Cut(name, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "n":
		return strconv.FormatInt(n, 10), true
	case "method":
		return q.Method, true
	case "path":
		_, path, _ := strings.Cut(q.URI, binPath+q.Token)
		return path, true
	case "time":
		return now.Format("2006-01-02T15:04:05.000Z"), true
	case "unix":
		return strconv.FormatInt(now.Unix(), 10), true
	case "body":
		return string(q.Body), true
	case "header":
		for _, h := range q.Headers {
			if strings.EqualFold(h.Name, rest) {
				return h.Value, true
			}
		}
		return "", true
	case "json":
		return jsonAt(q.Body, rest), true
	}
	return "", false
}

// jsonAt is the value at a path such as data.items.0 of a JSON text: a text as it is, anything else as JSON; "" where there is none.
func jsonAt(body []byte, path string) string {
	raw := json.RawMessage(body)
	for part := range strings.SplitSeq(path, ".") {
		if part == "" {
			continue
		}
		var object map[string]json.RawMessage
		var list []json.RawMessage
		if json.Unmarshal(raw, &object) == nil {
			raw = object[part]
		} else if i, err := strconv.Atoi(part); err == nil && json.Unmarshal(raw, &list) == nil && i >= 0 && i < len(list) {
			raw = list[i]
		} else {
			return ""
		}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if !json.Valid(raw) {
		return ""
	}
	return string(raw)
}
