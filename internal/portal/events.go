package portal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	heartbeatEvery = 15 * time.Second
	// lookEvery is how often a live view looks for requests that other nodes took.
	lookEvery = 2 * time.Second
	// lookBack is how far it looks behind the newest it has seen: nodes commit in no certain order.
	lookBack = 5 * time.Second
	// writeTime is how long a reader may take for one message.
	writeTime = 10 * time.Second
	// batch is how many requests are read at once; each may have a body of 256 KiB.
	batch = 20
	// maxListed is how many bytes of bodies are listed at a time.
	maxListed = 4 << 20
)

// events streams what a bin takes as server-sent events. Each has the key of its request as id, so that a reader who comes back goes on where it was.
func (pl *play) events(v *view) error {
	w, r := v.w, v.r
	head, err := pl.open(v)
	if err != nil {
		return err
	}
	b := head.bin
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	last, ok := parseKey(after)
	if !ok {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "after must be the id of a request."}
	}
	waits, _ := strconv.Atoi(v.query("waiting")) // that the page shows; what is no number is none
	leave, ok := pl.watchers.take(b.Token)
	if !ok {
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Too many live views are open; reload the page to see what has arrived.", RetryAfter: time.Minute}
	}
	defer leave()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // where the server sets none, there is none to clear
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	s := &stream{pl: pl, head: head, token: b.Token, first: last, last: last, sent: map[hookswitch.Key]bool{last: true}, replays: waits, w: w, rc: rc}
	if s.write(": watching\nretry: 2000\n\n") != nil {
		return nil
	}
	if err := s.run(r.Context()); err != nil && r.Context().Err() == nil {
		return err // the connection is cut, and the reader comes back
	}
	return nil
}

// stream is one live view.
type stream struct {
	pl      *play
	head    *binHead // of who looks
	token   string
	first   hookswitch.Key // what the reader had when it came
	last    hookswitch.Key
	sent    map[hookswitch.Key]bool      // of the last moments
	told    map[hookswitch.Key]forwarded // what became of sending on the newest
	replays int                          // that wait, as the reader knows it
	w       io.Writer
	rc      *http.ResponseController
}

func (s *stream) run(ctx context.Context) error {
	look, heartbeat := time.NewTicker(lookEvery), time.NewTicker(heartbeatEvery)
	defer look.Stop()
	defer heartbeat.Stop()
	for {
		bell := s.pl.svc.BinBell(s.token) // before looking, so that nothing comes in between
		gone, err := s.forward(ctx)
		if err == nil && !gone {
			gone, err = s.sentOn(ctx)
		}
		if err != nil || gone {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.pl.Stopping:
			return nil
		case <-bell:
		case <-look.C:
		case <-heartbeat.C:
			if s.write(": still here\n\n") != nil {
				return nil
			}
		}
	}
}

// forward sends what is new. gone says that the bin has expired, or the reader has left.
func (s *stream) forward(ctx context.Context) (gone bool, err error) {
	b, err := s.pl.svc.Bin(ctx, s.token)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		_ = s.write("event: gone\ndata: {}\n\n")
		return true, nil
	}
	if err != nil {
		return false, err
	}
	j := newJudge(b.Secrets)
	recent := hookswitch.KeyAt(s.pl.now().Add(-lookBack))
	from := max(s.first, min(s.last, recent))
	for {
		list, err := s.pl.svc.BinRequests(ctx, s.token, store.Page{Limit: batch, After: from, Ascending: true})
		if err != nil {
			return false, err
		}
		for _, q := range list {
			from = q.Key
			if s.sent[q.Key] {
				continue
			}
			data, err := json.Marshal(s.head.row(q, j))
			if err != nil {
				return false, err
			}
			if s.write("id: "+formatKey(q.Key)+"\nevent: request\ndata: "+string(data)+"\n\n") != nil {
				return true, nil
			}
			s.sent[q.Key] = true
			s.last = max(s.last, q.Key)
		}
		if len(list) < batch {
			break
		}
	}
	for k := range s.sent {
		if k < recent && k != s.last {
			delete(s.sent, k)
		}
	}
	return false, nil
}

// sentOn tells what has become of sending on the newest requests since it was told last, and how many wait to be sent again. gone says that the reader has left.
func (s *stream) sentOn(ctx context.Context) (gone bool, err error) {
	found, err := s.pl.svc.BinRelayedOf(ctx, s.token, listLength)
	if err != nil {
		return false, err
	}
	told := make(map[hookswitch.Key]forwarded, len(found))
	for key, did := range found {
		f := newForwarded(did, !s.head.ReadOnly)
		if told[key] = *f; s.told[key] == *f {
			continue
		}
		data, err := json.Marshal(struct {
			ID        string     `json:"id"`
			Forwarded *forwarded `json:"forwarded"`
		}{formatKey(key), f})
		if err != nil {
			return false, err
		}
		if s.write("event: forwarded\ndata: "+string(data)+"\n\n") != nil {
			return true, nil
		}
	}
	s.told = told
	_, replays, err := s.pl.svc.BinRelaysWaiting(ctx, s.token)
	if err != nil || replays == s.replays {
		return false, err
	}
	s.replays = replays
	return s.write("event: waiting\ndata: "+strconv.Itoa(replays)+"\n\n") != nil, nil
}

func (s *stream) write(text string) error {
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines has none to move
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.rc.Flush()
}

// requestOut is one request as programs see it.
type requestOut struct {
	row
	Remote    string      `json:"remote"`
	URI       string      `json:"uri"`
	Headers   []headerOut `json:"headers"`
	Body      *string     `json:"body"` // null: not text
	Base64    string      `json:"bodyBase64,omitempty"`
	Truncated bool        `json:"truncated"`
}

type headerOut struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// requests lists what a bin took, oldest first, as JSON: after an id or, with newest, the last of them.
func (pl *play) requests(v *view) error {
	w, r := v.w, v.r
	head, err := pl.open(v)
	if err != nil {
		return err
	}
	b := head.bin
	q := httpapi.NewQuery(r)
	limit := q.Int("limit", listLength, 1, 100)
	after, ok := parseKey(q.Text("after"))
	if !ok {
		q.Fail("must be the id of a request", "after")
	}
	newest := q.Text("newest") == "yes"
	if err := q.Err(); err != nil {
		return err
	}
	list, err := pl.svc.BinRequests(r.Context(), b.Token, store.Page{Limit: limit, After: after, Ascending: !newest})
	if err != nil {
		return err
	}
	if newest {
		slices.Reverse(list)
	}
	out := struct {
		Requests []requestOut `json:"requests"`
		Next     string       `json:"next"` // what after has to be to see more
		Expires  time.Time    `json:"expiresAt"`
	}{[]requestOut{}, formatKey(after), b.ExpiresAt}
	j := newJudge(b.Secrets)
	size := 0
	for _, q := range list {
		if size += len(q.Body); size > maxListed && len(out.Requests) > 0 {
			break // Next leads to the rest
		}
		one := requestOut{row: head.row(q, j), Remote: q.Remote, URI: head.uri(q), Headers: []headerOut{}, Truncated: q.Size > int64(len(q.Body))}
		for _, line := range q.Headers {
			one.Headers = append(one.Headers, headerOut{line.Name, line.Value})
		}
		if text := string(q.Body); isText(q.Body) && utf8.Valid(q.Body) {
			one.Body = &text
		} else {
			one.Base64 = base64.StdEncoding.EncodeToString(q.Body)
		}
		out.Requests = append(out.Requests, one)
		out.Next = one.ID
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
