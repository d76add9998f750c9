package svix

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// publishPath is the one POST that stands outside of repeats: a message's answer is made of the stored message alone, so a repeat makes the same one again.
const publishPath = "/app/{app_id}/msg"

// repeatWait is how long a request waits for an earlier one with its key that still runs.
const repeatWait = 5 * time.Second

// answered is an answer as a client gets it.
type answered struct {
	status int
	header http.Header // what the handler set, nothing of what is around it
	body   []byte
}

func (a *answered) ok() bool { return a.status >= 200 && a.status < 300 }

func (a *answered) writeTo(w http.ResponseWriter) error {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	if len(a.body) == 0 {
		return nil
	}
	_, err := w.Write(a.body)
	return err
}

// keptAnswer is the stored form of what an answer has besides its status.
type keptAnswer struct {
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

func (a *answered) stored() store.Answer {
	content, _ := json.Marshal(keptAnswer{a.header, a.body}) // texts and bytes can be encoded
	return store.Answer{Status: a.status, Content: content}
}

func answeredOf(s store.Answer) (*answered, error) {
	var k keptAnswer
	if err := json.Unmarshal(s.Content, &k); err != nil {
		return nil, err
	}
	return &answered{s.Status, k.Header, k.Body}, nil
}

// answerBuffer takes an answer in place of the client.
type answerBuffer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (b *answerBuffer) Header() http.Header { return b.header }

func (b *answerBuffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *answerBuffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *answerBuffer) answered() *answered {
	b.WriteHeader(http.StatusOK)
	return &answered{b.status, b.header, b.body.Bytes()}
}

// repeats gives requests that are made again the answer that the first of them got. What fails is not remembered. While the first one runs the others wait for it.
//
// Behind it each handler claims the key in its effect's own transaction. That decides between nodes, and after a crash between the effect and the keeping of its
// answer: the repeat then finds the claim and answers from what was made.
type repeats struct {
	answers answerKeeper
	log     *slog.Logger
	wait    time.Duration

	mu      sync.Mutex
	running map[service.Idempotency]*running
	recent  recentAnswers
}

// answerKeeper is where answers outlive the process; service.Service is one.
type answerKeeper interface {
	Answered(ctx context.Context, idem service.Idempotency) (store.Answer, error)
	KeepAnswer(ctx context.Context, idem service.Idempotency, a store.Answer) (store.Answer, error)
}

// running is a request that is being answered. answer may be read when done is closed, and is nil when the request failed.
type running struct {
	done   chan struct{}
	answer *answered
}

func newRepeats(answers answerKeeper, log *slog.Logger) *repeats {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &repeats{answers: answers, log: log, wait: repeatWait, running: make(map[service.Idempotency]*running)}
}

// handle makes next answer repeats.
func (p *repeats) handle(next httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		idem, err := idempotency(r)
		if err != nil {
			return err
		}
		if idem.Key == "" {
			return next(w, r)
		}
		a, err := p.answer(r.Context(), idem, func() (*answered, error) {
			b := &answerBuffer{header: make(http.Header)}
			if err := next(b, r); err != nil {
				return nil, err
			}
			return b.answered(), nil
		})
		if err != nil {
			return err
		}
		return a.writeTo(w)
	}
}

// answer is the answer to the request: one given before, that of one who is asking now, or else what ask returns.
func (p *repeats) answer(ctx context.Context, idem service.Idempotency, ask func() (*answered, error)) (*answered, error) {
	var late <-chan time.Time
	for {
		run, before, first := p.begin(idem)
		switch {
		case before != nil:
			return before, nil
		case first:
			return p.run(ctx, idem, run, ask)
		}
		if late == nil {
			timer := time.NewTimer(p.wait)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-run.done:
			if run.answer != nil {
				return run.answer, nil
			} // it failed: the next one tries
		case <-late:
			return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "A request with the same idempotency-key is still running; try again.", RetryAfter: time.Second}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin enters a request as the first one, or returns the one that is running, or the answer from before.
func (p *repeats) begin(idem service.Idempotency) (run *running, before *answered, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run := p.running[idem]; run != nil {
		return run, nil, false
	}
	if idem.Automatic() {
		if a := p.recent.get(idem, time.Now()); a != nil {
			return nil, a, false
		}
	}
	run = &running{done: make(chan struct{})}
	p.running[idem] = run
	return run, nil, true
}

// run answers a request for all who ask for the same meanwhile.
func (p *repeats) run(ctx context.Context, idem service.Idempotency, run *running, ask func() (*answered, error)) (a *answered, err error) {
	var kept *answered
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		run.answer = kept
		if kept != nil && idem.Automatic() {
			p.recent.put(idem, kept, time.Now())
		}
		delete(p.running, idem)
		close(run.done)
	}()
	if !idem.Automatic() {
		switch before, err := p.answers.Answered(ctx, idem); {
		case err == nil:
			kept, err = answeredOf(before)
			return kept, err
		case hookswitch.KindOf(err) != hookswitch.NotFound:
			return nil, err
		}
	}
	a, err = ask()
	if err != nil || !a.ok() {
		return a, err
	}
	kept = a
	if !idem.Automatic() {
		kept = p.keep(ctx, idem, a)
	}
	return kept, nil
}

// keep stores the answer, and returns the one that counts. Where it cannot be stored the effect is there all the same, and so is its claim.
func (p *repeats) keep(ctx context.Context, idem service.Idempotency, a *answered) *answered {
	first, err := p.answers.KeepAnswer(context.WithoutCancel(ctx), idem, a.stored())
	if err == nil {
		var counts *answered
		if counts, err = answeredOf(first); err == nil {
			return counts
		}
	}
	p.log.Warn("an answer is not kept for repeats", "error", err)
	return a
}

// recentAnswers remembers the answers to requests whose keys client libraries make up. Nearly none of them is made again, and then at once and mostly to this
// process: storing each would double the writes. What is not found here is decided by the claim. Memory is bounded by dropping the older half.
type recentAnswers struct {
	young, old map[service.Idempotency]*recentAnswer
	bytes      int // in young
	since      time.Time
}

type recentAnswer struct {
	answer *answered
	at     time.Time
}

const (
	recentFor   = 10 * time.Minute
	recentCount = 2048
	recentBytes = 2 << 20
)

func (m *recentAnswers) get(idem service.Idempotency, now time.Time) *answered {
	for _, half := range []map[service.Idempotency]*recentAnswer{m.young, m.old} {
		if r := half[idem]; r != nil && now.Sub(r.at) < recentFor {
			return r.answer
		}
	}
	return nil
}

func (m *recentAnswers) put(idem service.Idempotency, a *answered, now time.Time) {
	if len(a.body) > recentBytes/16 {
		return // made again from what the request made
	}
	if m.young == nil || len(m.young) >= recentCount || m.bytes >= recentBytes || now.Sub(m.since) >= recentFor {
		m.old, m.young, m.bytes, m.since = m.young, make(map[service.Idempotency]*recentAnswer), 0, now
	}
	m.young[idem] = &recentAnswer{a, now}
	m.bytes += len(a.body) + len(idem.Key) + len(idem.Route)
}

// republish answers a repeated publish with what the first one made, whatever is wrong with the repeat: the body of a repeat does not matter.
func (h *Handler) republish(publish httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := publish(w, r)
		switch hookswitch.KindOf(err) {
		case hookswitch.Invalid, hookswitch.TooLarge, hookswitch.Conflict, hookswitch.Unsupported:
		default:
			return err
		}
		idem, keyErr := idempotency(r)
		if keyErr != nil || idem.Key == "" {
			return err
		}
		app, appErr := h.service.App(r.Context(), r.PathValue("app_id"))
		if appErr != nil {
			return err
		}
		ev, eventErr := h.service.PublishedBefore(r.Context(), app.Key, idem)
		if eventErr != nil {
			return err
		}
		withContent := httpapi.NewQuery(r).Bool("with_content", true)
		return writeJSON(w, http.StatusAccepted, h.appendMessage(nil, ev, withContent))
	}
}
