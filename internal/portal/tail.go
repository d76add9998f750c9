package portal

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	// tailEvery is how often a live list looks for new rows, and tailRows how many it tells of each time. What is more is counted.
	tailEvery = time.Second
	tailRows  = 20
	// tailLook is how many rows it looks at each time, and tailBack how far behind the newest: commits come in no certain order, and what was sent a moment ago still changes.
	tailLook = 200
	tailBack = 10 * time.Second
	// tailTime is how long one connection lasts. The browser comes again, and its rights are looked at anew.
	tailTime = 5 * time.Minute
	// maxTails is how many live lists are open in this process, and maxTailsOf of one App.
	maxTails   = 256
	maxTailsOf = 64
	// tailLag is how long before the page was made its live list begins: what was on its way to the store then is told, and what the page has is told once more.
	tailLag = 3 * time.Second
)

// tailRow is a row of a live list.
type tailRow struct {
	key  hookswitch.Key
	id   string
	html []byte
}

// tail is one live list: rows of HTML as server-sent events, each with its key as id, so that a reader who comes back goes on where it was.
type tail struct {
	p    *Pages
	w    io.Writer
	rc   *http.ResponseController
	list func(store.Page) ([]tailRow, error) // newest first
	from hookswitch.Key                      // what the reader has seen
	last hookswitch.Key
	sent map[hookswitch.Key]uint64 // hashes of the rows of the last moments
}

// live serves a live list.
func (p *Pages) live(v *view, list func(store.Page) ([]tailRow, error)) error {
	after := v.r.Header.Get("Last-Event-ID")
	if after == "" {
		after = v.query("after")
	}
	n, err := strconv.ParseInt(after, 36, 64)
	if err != nil || n <= 0 {
		return hookswitch.Errorf(hookswitch.Invalid, "after must be the id of a row.")
	}
	leave, ok := p.tails.take(v.owner())
	if !ok {
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Too many live views are open; reload the page to see what is new.", RetryAfter: time.Minute}
	}
	defer leave()
	t := &tail{p: p, w: v.w, rc: http.NewResponseController(v.w), list: list, from: hookswitch.Key(n), last: hookswitch.Key(n), sent: make(map[hookswitch.Key]uint64)}
	_ = t.rc.SetReadDeadline(time.Time{}) // where the server sets none, there is none to clear
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if t.write(": watching\nretry: 2000\n\n") != nil {
		return nil
	}
	look, heartbeat, end := time.NewTicker(tailEvery), time.NewTicker(heartbeatEvery), time.NewTimer(tailTime)
	defer look.Stop()
	defer heartbeat.Stop()
	defer end.Stop()
	for {
		gone, err := t.forward()
		if err != nil && v.ctx().Err() == nil {
			return err // the connection is cut, and the reader comes back
		}
		if gone || err != nil {
			return nil
		}
		select {
		case <-v.ctx().Done():
			return nil
		case <-p.Stopping:
			return nil
		case <-end.C:
			return nil
		case <-heartbeat.C:
			if t.write(": still here\n\n") != nil {
				return nil
			}
		case <-look.C:
			if !v.staysIn() {
				return nil // the browser comes again, and is told
			}
		}
	}
}

// forward sends what is new or has changed.
func (t *tail) forward() (gone bool, err error) {
	recent := hookswitch.KeyAt(t.p.now().Add(-tailBack))
	rows, err := t.list(store.Page{Limit: tailLook, After: max(t.from, min(t.last, recent))})
	if err != nil {
		return false, err
	}
	fresh, more := 0, 0
	var out []tailRow
	for _, r := range rows { // the newest first: when there are too many, those are the ones to show
		sum := fnv.New64a()
		_, _ = sum.Write(r.html) // a hash takes everything
		had, known := t.sent[r.key]
		switch {
		case known && had == sum.Sum64():
			continue
		case !known && fresh == tailRows:
			more++
			t.sent[r.key] = sum.Sum64()
			continue
		case !known:
			fresh++
		}
		t.sent[r.key] = sum.Sum64()
		out = append(out, r)
	}
	slices.Reverse(out)
	for _, r := range out {
		data, err := json.Marshal(struct {
			ID   string `json:"id"`
			HTML string `json:"html"`
		}{r.id, string(r.html)})
		if err != nil {
			return false, err
		}
		t.last = max(t.last, r.key)
		if t.write("id: "+strconv.FormatInt(int64(t.last), 36)+"\nevent: row\ndata: "+string(data)+"\n\n") != nil {
			return true, nil
		}
	}
	if more > 0 && t.write("event: more\ndata: "+strconv.Itoa(more)+"\n\n") != nil {
		return true, nil
	}
	for k := range t.sent {
		if k < recent && k != t.last {
			delete(t.sent, k)
		}
	}
	return false, nil
}

func (t *tail) write(text string) error {
	_ = t.rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines has none to move
	if _, err := io.WriteString(t.w, text); err != nil {
		return err
	}
	return t.rc.Flush()
}

func (p *Pages) liveDeliveries(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	q, _ := filter.Parse(v.query("q"), v.Now)
	return p.live(v, func(at store.Page) (rows []tailRow, err error) {
		v.Now = p.now()
		list, _, _, err := p.svc.FindAttempts(v.ctx(), e, q, at)
		for i := range list {
			r := v.attemptRow(e, &list[i])
			r.Fresh, r.Bulk = true, true
			html, err := templates.Part("app/deliveries", "attempt-row", r)
			if err != nil {
				return nil, err
			}
			rows = append(rows, tailRow{list[i].Key, r.ID, html})
		}
		return rows, err
	})
}

func (p *Pages) liveLogs(v *view) error {
	q, _ := filter.Parse(v.query("q"), v.Now)
	return p.live(v, func(at store.Page) (rows []tailRow, err error) {
		v.Now = p.now()
		list, _, _, err := p.svc.FindEvents(v.ctx(), v.App.Key, q, at)
		for i := range list {
			r := v.messageRow(&list[i])
			r.Fresh, r.Bulk = true, true
			html, err := templates.Part("app/logs", "message-row", r)
			if err != nil {
				return nil, err
			}
			rows = append(rows, tailRow{list[i].Key, r.ID, html})
		}
		return rows, err
	})
}
