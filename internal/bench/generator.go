package bench

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// generator publishes events over connections of its own.
type generator struct {
	tally *tally
	addr  string
	// request is a whole request, and at is where the payload begins in it.
	request []byte
	at      int
	// requests, where they are set, are made one after the other in place of request, over paced connections; taken is the status that accepts one, 202 unless set.
	requests [][]byte
	paced    int
	taken    int
	// startAt and stopAt are nanoseconds after the tally's base.
	startAt, stopAt int64
	every           int64 // nanoseconds between events; 0: as fast as they are accepted
}

const (
	// callTimeout bounds how long the last calls of a run are waited for.
	callTimeout = 30 * time.Second
	// refusedPause keeps a system that refuses from being asked in a tight loop.
	refusedPause = 20 * time.Millisecond
	// maxBroken ends a connection's work after so many calls in a row without an answer.
	maxBroken = 5
	// pacedConnections publish where the rate is fixed.
	pacedConnections = 16
)

// run publishes until the time is up or ctx ends.
func (g *generator) run(ctx context.Context, connections int) {
	if g.every > 0 {
		connections = cmp.Or(g.paced, pacedConnections)
	}
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() { g.publish(ctx) })
	}
	wg.Wait()
}

func (g *generator) publish(ctx context.Context) {
	request := append([]byte(nil), g.request...)
	var w *wire
	defer func() {
		if w != nil {
			_ = w.Close()
		}
	}()
	for broken := 0; broken < maxBroken; {
		seq := g.tally.next.Add(1) - 1
		if seq >= g.tally.limit {
			g.tally.complain("the run published as many events as it may, and stopped early")
			return
		}
		start, ok := g.wait(ctx, seq)
		if !ok {
			return
		}
		if w == nil {
			var err error
			if w, err = g.dial(ctx); err != nil {
				g.noAnswer(err)
				broken++
				continue
			}
		}
		if g.requests != nil {
			request = g.requests[seq]
		} else {
			putNumber(request[g.at:], seq)
		}
		g.tally.starts[seq].Store(start)
		status, err := g.call(w, request)
		if err != nil {
			g.noAnswer(err)
			_ = w.Close()
			w = nil
			broken++
			continue
		}
		broken = 0
		g.answered(ctx, seq, start, status)
	}
}

// wait returns the start of the call for event seq, once it is time for it. A call that could not start in time counts from when it was due.
func (g *generator) wait(ctx context.Context, seq int64) (start int64, ok bool) {
	now := g.tally.now()
	if g.every == 0 {
		return now, now < g.stopAt && ctx.Err() == nil
	}
	due := g.startAt + seq*g.every
	if due >= g.stopAt {
		return 0, false
	}
	if now >= due {
		return due, ctx.Err() == nil
	}
	return g.sleepUntil(ctx, due)
}

func (g *generator) sleepUntil(ctx context.Context, due int64) (now int64, ok bool) {
	timer := time.NewTimer(time.Duration(due - g.tally.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return g.tally.now(), true
	case <-ctx.Done():
		return 0, false
	}
}

func (g *generator) dial(ctx context.Context) (*wire, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", g.addr)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(g.tally.base.Add(time.Duration(g.stopAt) + callTimeout)); err != nil {
		return nil, err
	}
	return newWire(c), nil
}

func noBody(head []byte) bool {
	n, err := status(head)
	return err == nil && n == http.StatusNoContent
}

func (g *generator) call(w *wire, request []byte) (int, error) {
	if _, err := w.Write(request); err != nil {
		return 0, err
	}
	head, _, err := w.message(noBody)
	if err != nil {
		return 0, err
	}
	return status(head)
}

func (g *generator) answered(ctx context.Context, seq, start int64, status int) {
	if status != cmp.Or(g.taken, http.StatusAccepted) {
		g.tally.refused.Add(1)
		g.tally.complain(fmt.Sprintf("a publish call was answered with %d", status))
		_, _ = g.sleepUntil(ctx, g.tally.now()+int64(refusedPause))
		return
	}
	g.tally.acked.set(seq)
	now := g.tally.now()
	if g.tally.measures(now) {
		g.tally.accepted.Add(1)
	}
	if g.tally.measures(start) {
		g.tally.acceptTimes.add(time.Duration(now - start))
	}
}

func (g *generator) noAnswer(err error) {
	g.tally.broken.Add(1)
	g.tally.complain("a publish call got no answer: " + err.Error())
}
