package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

const (
	binPages  = "/play/"
	binDoor   = "/play/in/"
	binSilent = 40 * time.Second // the server says every 15 seconds that it is there
	binLocal  = 30 * time.Second // for an answer to what is sent on
)

// BinRequest is one request that a bin took.
type BinRequest struct {
	ID        string    `json:"id"` // a number; later ones are greater
	Time      time.Time `json:"time"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // what follows the bin's address, with its query
	Type      string    `json:"type"` // of the event, where the body tells one
	Size      int64     `json:"size"`
	Verdict   Verdict   `json:"verdict"`
	Headers   []Header  `json:"headers"`
	Body      *string   `json:"body"` // nil: see Base64
	Base64    []byte    `json:"bodyBase64,omitempty"`
	Truncated bool      `json:"truncated"` // only the start of the body is kept
}

// Verdict is what a bin says of a signature.
type Verdict struct {
	State  string `json:"state"` // good, bad, unknown or unsigned
	Word   string `json:"word"`
	Reason string `json:"reason"`
}

// Header is a header as it arrived.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Bytes are the body.
func (q *BinRequest) Bytes() []byte {
	if q.Body != nil {
		return []byte(*q.Body)
	}
	return q.Base64
}

// ErrBinGone says that a bin has expired, or was deleted.
var ErrBinGone = errors.New("the bin has expired, or was deleted")

// BinToken is the token in the address of a bin, in that of its page, or by itself.
func BinToken(text string) string {
	if u, err := url.Parse(text); err == nil {
		text = u.Path
	}
	for _, before := range []string{binDoor, binPages} {
		text = strings.TrimPrefix(text, before)
	}
	text, _, _ = strings.Cut(strings.Trim(text, "/"), "/")
	return text
}

// BinAddress is what takes requests for a bin, BinPage where they are looked at.
func (c *Client) BinAddress(token string) string { return c.base + binDoor + token }

// BinPage is the page of a bin.
func (c *Client) BinPage(token string) string { return c.base + binPages + token }

// CreateBin makes a bin, with a name or without, and returns its token.
func (c *Client) CreateBin(ctx context.Context, name string) (token string, err error) {
	res, err := c.binForm(ctx, strings.TrimSuffix(binPages, "/"), url.Values{"name": {name}})
	if err != nil {
		return "", err
	}
	token = BinToken(res.Header.Get("Location"))
	if res.StatusCode != http.StatusSeeOther || token == "" {
		return "", &Error{Status: res.StatusCode, Code: CodeForeign, Message: "the server makes no bin there"}
	}
	return token, nil
}

// binForm posts a form, as a browser would. The body of the answer is read and closed.
func (c *Client) binForm(ctx context.Context, path string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", c.userAgent)
	res, err := c.http.Do(r)
	if err != nil {
		return nil, &UnreachableError{URL: c.base, Err: err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode >= 400 {
		return nil, newError(res, answer)
	}
	return res, nil
}

func (c *Client) binRequests(ctx context.Context, token, query string) (list []BinRequest, err error) {
	var out struct {
		Requests []BinRequest `json:"requests"`
	}
	err = c.call(ctx, http.MethodGet, binPages+seg(token)+"/requests.json?"+query, nil, &out)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		err = ErrBinGone
	}
	return out.Requests, err
}

// NewestInBin is the id of the newest request of a bin, "0" where it has taken none.
func (c *Client) NewestInBin(ctx context.Context, token string) (string, error) {
	list, err := c.binRequests(ctx, token, "newest=yes&limit=1")
	if err != nil || len(list) == 0 {
		return "0", err
	}
	return list[0].ID, nil
}

// BinWatch follows what a bin takes. It misses nothing while the connection is lost, and tells of nothing twice.
type BinWatch struct {
	c     *Client
	token string
	last  int64          // the newest id that was told
	told  map[int64]bool // of the last moments
	came  bool           // there was a connection before
}

// WatchBin follows a bin from the request after the id on; "0": from the oldest that it holds.
func (c *Client) WatchBin(token, after string) (*BinWatch, error) {
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not the id of a request", after)
	}
	return &BinWatch{c: c, token: token, last: n, told: map[int64]bool{n: true}}, nil
}

// lookBack is how far behind the newest request one may appear: nodes commit in no certain order.
const lookBack = 5 * time.Second

// Follow calls on when the connection stands, and one for every request, until the connection is lost: then it returns why, and may be called again. It returns ErrBinGone when
// there is no bin any more, and what one returns.
func (w *BinWatch) Follow(ctx context.Context, on func(), one func(*BinRequest) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	after := w.last
	if w.came {
		after = min(after, max(0, int64(hookswitch.KeyAt(hookswitch.Key(after).Time().Add(-lookBack)))))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.c.base+binPages+seg(w.token)+"/events?after="+strconv.FormatInt(after, 10), nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("User-Agent", w.c.userAgent)
	silence := time.AfterFunc(binSilent, func() { cancel(errors.New("the server has said nothing for " + binSilent.String())) })
	defer silence.Stop()
	stream := &http.Client{Transport: w.c.http.Transport, CheckRedirect: w.c.http.CheckRedirect} // it has no end
	res, err := stream.Do(r)
	if err != nil {
		return &UnreachableError{URL: w.c.base, Err: cmp.Or(context.Cause(ctx), err)}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // without it, the status says enough
		if res.StatusCode == http.StatusNotFound {
			return ErrBinGone
		}
		return newError(res, answer)
	}
	w.came = true
	on()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		silence.Reset(binSilent)
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "gone":
			return ErrBinGone
		case name == "data" && event == "request":
			var row struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal([]byte(value), &row); err != nil {
				return fmt.Errorf("read what the bin tells: %w", err)
			}
			if err := w.tell(ctx, row.ID, one); err != nil {
				return err
			}
			silence.Reset(binSilent)
		}
	}
	return cmp.Or(context.Cause(ctx), lines.Err(), errors.New("the server has ended the connection"))
}

// tell tells of one request, unless that was done before.
func (w *BinWatch) tell(ctx context.Context, id string, one func(*BinRequest) error) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || w.told[n] {
		return err
	}
	list, err := w.c.binRequests(ctx, w.token, "limit=1&after="+strconv.FormatInt(n-1, 10))
	if err != nil {
		return err
	}
	w.told[n], w.last = true, max(w.last, n)
	old := hookswitch.KeyAt(hookswitch.Key(w.last).Time().Add(-2 * lookBack))
	for k := range w.told {
		if k < int64(old) {
			delete(w.told, k)
		}
	}
	if len(list) == 0 || list[0].ID != id {
		return nil // it was thrown away meanwhile
	}
	return one(&list[0])
}

// SentOn is what came of sending a request on.
type SentOn struct {
	To     string `json:"to"`
	Status int    `json:"status"` // 0: there was no answer
	MS     int64  `json:"ms"`
	Why    string `json:"why,omitempty"` // there was none, as a sentence
}

// SendOn sends a request to an address as it came to the bin: what followed the bin's address follows this one.
func (c *Client) SendOn(ctx context.Context, q *BinRequest, target string) SentOn {
	did := SentOn{To: target}
	if q.Truncated {
		did.Why = "Only the start of it is kept."
		return did
	}
	u, err := url.Parse(target)
	if err != nil {
		did.Why = "The address cannot be read."
		return did
	}
	path, query, _ := strings.Cut(q.Path, "?")
	if p := strings.TrimLeft(path, "/"); p != "" {
		u = u.JoinPath(p)
	}
	if query != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query, "&")
	}
	ctx, cancel := context.WithTimeout(ctx, binLocal)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.Method, u.String(), bytes.NewReader(q.Bytes()))
	if err != nil {
		did.Why = "It cannot be sent: " + err.Error() + "."
		return did
	}
	for _, h := range q.Headers {
		switch http.CanonicalHeaderKey(h.Name) {
		case "Host", "Content-Length", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Connection", "Expect":
		default:
			r.Header.Add(h.Name, h.Value)
		}
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "")
	}
	began := time.Now()
	res, err := (&http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}).Do(r)
	did.MS = time.Since(began).Milliseconds()
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if err != nil {
		did.Why = "There is no answer: " + err.Error() + "."
		return did
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection can be used again
	_ = res.Body.Close()
	did.Status = res.StatusCode
	return did
}

// NoteSentOn tells a bin what came of sending a request on, so that its page shows it.
func (c *Client) NoteSentOn(ctx context.Context, token, id string, did SentOn) error {
	_, err := c.binForm(ctx, binPages+seg(token)+"/forwarded", url.Values{"request": {id}, "to": {did.To}, "status": {strconv.Itoa(did.Status)}, "ms": {strconv.FormatInt(did.MS, 10)}, "why": {did.Why}})
	return err
}
