package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestCrash_NoAcknowledgedEventIsLost kills the server at random moments, under load and while it starts, and accounts for every event: what was
// acknowledged arrives wherever it is owed, under one id and byte for byte, and is known to the API; nothing arrives that was not published; twice
// arrives only what was in flight at a crash.
func TestCrash_NoAcknowledgedEventIsLost(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		rounds := 10
		if storetest.Long() {
			rounds = 40
		}
		c := newCrash(t, kind)
		for round := range rounds {
			c.round(round)
		}
		c.s.Start()
		c.replay()
		c.settle()
		c.s.Stop()
		c.s.Start()
		c.account()
	})
}

// crash is a server that is killed again and again, and the book about it.
type crash struct {
	t         *testing.T
	s         *Server
	r         *Receiver
	random    *rand.Rand
	app       string
	endpoints map[string]string // id by name
	kills     []kill

	mu     sync.Mutex // guards what follows, and what published holds
	events []*published
}

// kill is the time between just before and just after a SIGKILL.
type kill struct{ from, to time.Time }

// published is an event that the server was asked to take.
type published struct {
	n       int
	kind    string
	vip     bool
	request []byte
	payload string
	key     string // its idempotency key; empty: none
	id      string // empty: no answer has come
	acked   bool
	taken   map[string][]time.Time // when which endpoint took it
	fails   int                    // attempts in a row that were turned away
}

const (
	typeMade = "order.made"
	typePaid = "order.paid"
	typeLate = "order.late"
	channel  = "vip"
)

// owed are the names of the endpoints that match.
func (p *published) owed() []string {
	owed := []string{"all"}
	if p.kind == typePaid {
		owed = append(owed, "flaky")
	}
	if p.kind == typeLate {
		owed = append(owed, "slow")
	}
	if p.vip {
		owed = append(owed, "vip")
	}
	return owed
}

func newCrash(t *testing.T, kind Kind) *crash {
	seed := rand.Uint64()
	if given, err := strconv.ParseUint(osSeed(), 10, 64); err == nil {
		seed = given
	}
	t.Logf("HOOKSWITCH_TEST_SEED=%d", seed)
	s := Start(t, Options{Kind: kind, Settings: map[string]string{
		"retry-schedule": "100ms,100ms,200ms,200ms,500ms,500ms,1s,1s,2s,2s", "log-level": "warn", "disable-after": "0"}})
	c := &crash{t: t, s: s, r: NewReceiver(t), random: rand.New(rand.NewPCG(seed, 0)), app: s.CreateApp("crash"), endpoints: map[string]string{}}
	s.CreateEventTypes(typeMade, typePaid, typeLate)
	c.endpoint("all", EndpointIn{}, nil)
	c.endpoint("flaky", EndpointIn{EventTypes: []string{typePaid}}, func(_ *http.Request, p *published) int {
		// Half of the attempts fail, and never more than four in a row.
		if c.flip(p) {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	c.endpoint("slow", EndpointIn{EventTypes: []string{typeLate}}, func(r *http.Request, _ *published) int {
		select {
		case <-time.After(40 * time.Millisecond):
			return http.StatusOK
		case <-r.Context().Done():
			return http.StatusServiceUnavailable // nobody reads it
		}
	})
	c.endpoint("vip", EndpointIn{Channels: []string{channel}}, nil)
	return c
}

func (c *crash) flip(p *published) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.fails < 4 && rand.IntN(2) == 0 {
		p.fails++
		return true
	}
	p.fails = 0
	return false
}

// endpoint makes an endpoint whose deliveries are entered into the book.
func (c *crash) endpoint(name string, in EndpointIn, answer func(*http.Request, *published) int) {
	c.endpoints[name] = c.r.CreateEndpoint(c.s, c.app, name, in, func(r *http.Request, d *Delivery) int {
		p := c.find(d)
		if p == nil {
			return http.StatusOK
		}
		status := http.StatusOK
		if answer != nil {
			status = answer(r, p)
		}
		if status < 300 {
			c.mu.Lock()
			p.taken[name] = append(p.taken[name], time.Now())
			c.mu.Unlock()
		}
		return status
	})
}

// find is the published event of a delivery. That there is one, that its bytes are the same, and that it has always had one id, is checked here.
func (c *crash) find(d *Delivery) *published {
	var body struct{ N int }
	err := json.Unmarshal(d.Body, &body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || body.N < 0 || body.N >= len(c.events) {
		c.t.Errorf("endpoint %s got what was never published: %s", d.Endpoint, d.Body)
		return nil
	}
	p := c.events[body.N]
	if string(d.Body) != p.payload {
		c.t.Errorf("endpoint %s got event %d changed: %s, published was %s", d.Endpoint, p.n, d.Body, p.payload)
	}
	if !slices.Contains(p.owed(), d.Endpoint) {
		c.t.Errorf("endpoint %s got event %d, which its filter leaves out", d.Endpoint, p.n)
	}
	c.name(p, d.ID)
	return p
}

// name notes the id of an event. The caller holds the lock.
func (c *crash) name(p *published, id string) {
	if p.id != "" && p.id != id {
		c.t.Errorf("event %d has two ids, %s and %s", p.n, p.id, id)
	}
	p.id = id
}

// fresh makes the next event.
func (c *crash) fresh() *published {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.events)
	p := &published{n: n, kind: typeMade, vip: n%7 == 0, taken: map[string][]time.Time{}}
	switch {
	case n%20 == 1:
		p.kind = typeLate
	case n%4 == 0:
		p.kind = typePaid
	}
	p.payload = fmt.Sprintf(`{"n": %d, "amount":1.10,  "big":12345678901234567890,"text":"<a & b>\u00e9 é"}`, n)
	channels := ""
	if p.vip {
		channels = `,"channels":["` + channel + `"]`
	}
	p.request = fmt.Appendf(nil, `{"eventType":%q,"payload":%s%s}`, p.kind, p.payload, channels)
	if n%3 == 0 {
		p.key = fmt.Sprintf("order-%d", n)
	}
	c.events = append(c.events, p)
	return p
}

// publish asks the server to take p and reports whether it answered.
func (c *crash) publish(p *published) bool {
	header := http.Header{}
	if p.key != "" {
		header.Set("Idempotency-Key", p.key)
	}
	resp, err := c.s.Do(context.Background(), http.MethodPost, "/api/v1/app/"+c.app+"/msg", p.request, header)
	if err != nil {
		return false
	}
	var out struct{ ID string }
	switch {
	case resp.Status == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
	case resp.Status != http.StatusAccepted || json.Unmarshal(resp.Body, &out) != nil || out.ID == "":
		c.t.Errorf("publish was answered with %d: %s", resp.Status, resp.Body)
	default:
		c.mu.Lock()
		c.name(p, out.ID)
		p.acked = true
		c.mu.Unlock()
	}
	return true
}

// round is one life: replay, load, and a crash in the middle of it. Now and then the crash comes while the server starts.
func (c *crash) round(n int) {
	c.t.Helper()
	if n > 0 {
		c.s.Launch()
		if n%4 == 3 {
			c.s.RunFor(time.Duration(c.random.IntN(60)) * time.Millisecond)
			c.kill()
			return
		}
		c.s.WaitReady()
		c.replay()
	}
	burst := n%3 == 2
	var publishers sync.WaitGroup
	var stop atomic.Bool
	for range 4 {
		pace := rand.New(rand.NewPCG(c.random.Uint64(), 0))
		publishers.Go(func() { c.load(pace, burst, &stop) })
	}
	c.s.RunFor(time.Duration(300+c.random.IntN(500)) * time.Millisecond)
	c.kill()
	stop.Store(true)
	publishers.Wait()
}

// load publishes until the server is gone.
func (c *crash) load(pace *rand.Rand, burst bool, stop *atomic.Bool) {
	for range 400 {
		if !c.publish(c.fresh()) || stop.Load() {
			return
		}
		if !burst {
			time.Sleep(time.Duration(pace.IntN(6000)) * time.Microsecond)
		}
	}
}

func (c *crash) kill() {
	k := kill{from: time.Now()}
	c.s.Kill()
	k.to = time.Now()
	c.kills = append(c.kills, k)
}

// replay publishes keyed events again: those that got no answer, as a client would, and some of those that did.
func (c *crash) replay() {
	c.t.Helper()
	c.mu.Lock()
	var again []*published
	known := 0
	for _, i := range c.random.Perm(len(c.events)) {
		p := c.events[i]
		if p.key == "" || p.acked && known == 10 {
			continue
		}
		if p.acked {
			known++
		}
		again = append(again, p)
	}
	c.mu.Unlock()
	for _, p := range again {
		if !c.publish(p) {
			c.t.Fatalf("no answer to the replay of event %d", p.n)
		}
	}
}

// settle waits until everything that is owed has arrived. An event that nobody acknowledged counts when one of its endpoints has it: events
// and what they owe are stored together.
func (c *crash) settle() {
	c.t.Helper()
	c.r.Wait(30*time.Second, func([]*Delivery) (bool, string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		open, example := 0, ""
		for _, p := range c.events {
			if p.id == "" {
				continue
			}
			for _, name := range p.owed() {
				if len(p.taken[name]) == 0 {
					open++
					example = fmt.Sprintf("event %d (%s, acknowledged: %t) at endpoint %s", p.n, p.id, p.acked, name)
				}
			}
		}
		return open == 0, fmt.Sprintf("%d deliveries of %d events are missing, such as %s", open, len(c.events), example)
	})
}

// account checks the book against what the server knows.
func (c *crash) account() {
	c.t.Helper()
	acked, repeats := 0, 0
	ids := map[string]int{}
	for _, p := range c.events {
		if p.id == "" {
			continue
		}
		if other, ok := ids[p.id]; ok {
			c.t.Errorf("events %d and %d have the same id %s", other, p.n, p.id)
		}
		ids[p.id] = p.n
		if p.acked {
			acked++
		}
		for _, name := range p.owed() {
			repeats += c.checkRepeats(p, name)
		}
	}
	if acked < 50*len(c.kills)/4 {
		c.t.Errorf("only %d events were acknowledged in %d lives: there was no load", acked, len(c.kills))
	}
	c.t.Logf("%d kills, %d events published, %d acknowledged, %d stored, %d deliveries repeated", len(c.kills), len(c.events), acked, len(ids), repeats)
	c.checkKnown(slices.Collect(maps.Keys(ids)))
	c.checkAttempts()
}

const (
	// inFlight is how long before a crash a delivery may have been taken without the outcome being stored.
	inFlight = 3 * time.Second
	// stillRead is how long after it a receiver may still take what it had been sent.
	stillRead = time.Second
)

// checkRepeats checks that an endpoint that took an event twice did so because the server was killed just after the first time.
func (c *crash) checkRepeats(p *published, name string) int {
	times := p.taken[name]
	for i := 1; i < len(times); i++ {
		before, after := times[i-1], times[i]
		excuse := func(k kill) bool {
			return after.After(k.from) && before.Before(k.to.Add(stillRead)) && k.from.Sub(before) < inFlight
		}
		if !slices.ContainsFunc(c.kills, excuse) {
			c.t.Errorf("endpoint %s took event %d at %s and again at %s, and there was no crash to excuse it", name, p.n, before, after)
		}
	}
	return len(times) - 1
}

// checkKnown checks that the API knows every event.
func (c *crash) checkKnown(ids []string) {
	c.t.Helper()
	var next atomic.Int64
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(ids)); i = next.Add(1) - 1 {
				resp, err := c.s.Do(context.Background(), http.MethodGet, "/api/v1/app/"+c.app+"/msg/"+ids[i], nil, nil)
				if err != nil || resp.Status != http.StatusOK {
					c.t.Errorf("event %s is unknown: %v, %v", ids[i], resp, err)
					return
				}
			}
		})
	}
	readers.Wait()
}

// checkAttempts checks on some events that the attempts are listed: one that succeeded for each endpoint owed, none for another.
func (c *crash) checkAttempts() {
	c.t.Helper()
	names := map[string]string{}
	for name, id := range c.endpoints {
		names[id] = name
	}
	sample := 0
	for _, i := range c.random.Perm(len(c.events)) {
		p := c.events[i]
		if p.id == "" {
			continue
		}
		if sample++; sample > 100 {
			return
		}
		var succeeded []string
		seen := map[string]bool{}
		for _, a := range c.s.Attempts(c.app, p.id) {
			name := names[a.EndpointID]
			if seen[a.ID] || a.MsgID != p.id || a.StatusText == "" || !slices.Contains(p.owed(), name) {
				c.t.Errorf("event %d: wrong attempt %+v", p.n, a)
			}
			seen[a.ID] = true
			if a.Status == 0 && !slices.Contains(succeeded, name) {
				succeeded = append(succeeded, name)
			}
		}
		want := slices.Sorted(slices.Values(p.owed()))
		slices.Sort(succeeded)
		if !slices.Equal(succeeded, want) {
			c.t.Errorf("event %d: attempts succeeded at %v, want %v", p.n, succeeded, want)
		}
	}
}
