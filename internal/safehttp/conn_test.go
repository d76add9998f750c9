package safehttp_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

func TestDo_ReusesConnections(t *testing.T) {
	t.Parallel()
	u := answering(t, okAnswer)
	c := newClient(t)
	for i := range 5 {
		resp := success(t, c, post(u, "x"))
		tm := resp.Timings
		if tm.Reused != (i > 0) || resp.Retried {
			t.Errorf("exchange %d: reused %v, retried %v", i, tm.Reused, resp.Retried)
		}
		if tm.DNS != 0 || tm.TLS != 0 || (tm.Connect > 0) == tm.Reused || tm.Wait <= 0 || tm.Total < tm.Connect+tm.Wait {
			t.Errorf("exchange %d: timings %+v", i, tm)
		}
	}
}

func TestDo_DoesNotReuseWhatTheServerEnds(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for name, answer := range map[string]string{
		"connection close": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":         "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than asked":  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Forged\r\n\r\n",
	} {
		u := answering(t, answer)
		for range 2 {
			resp := success(t, c, post(u, "x"))
			if resp.Status != 200 || string(resp.Body) != "ok" || resp.Timings.Reused {
				t.Errorf("%s: %d %q, reused %v", name, resp.Status, resp.Body, resp.Timings.Reused)
			}
		}
	}
}

// closingOnReuse answers the first request of its first connection and does end when the second has come.
func closingOnReuse(t *testing.T, bodies chan<- string, end func(p *peer)) *safehttp.Request {
	return post(serve(t, func(p *peer) {
		for k := 1; ; k++ {
			_, body, ok := p.request()
			if !ok {
				return
			}
			bodies <- body
			if p.n == 1 && k == 2 {
				end(p)
				return
			}
			p.say(okAnswer)
		}
	}), strings.Repeat("b", 20<<10))
}

func TestDo_TriesOnceMoreWhenAKeptConnectionDies(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *peer){"closed": func(*peer) {}, "reset": (*peer).reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan string, 8)
			r := closingOnReuse(t, bodies, end)
			c := newClient(t)
			success(t, c, r)
			resp := success(t, c, r)
			if !resp.Retried || resp.Timings.Reused || resp.Timings.Connect <= 0 {
				t.Errorf("retried %v, timings %+v", resp.Retried, resp.Timings)
			}
			if len(bodies) != 3 {
				t.Errorf("%d requests arrived, want 3", len(bodies))
			}
			for range len(bodies) {
				if got := <-bodies; got != string(r.Body) {
					t.Errorf("a body of %d bytes arrived, want %d", len(got), len(r.Body))
				}
			}
		})
	}
}

func TestDo_OnceIsNotSentAgainAfterWriting(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 8)
	r := closingOnReuse(t, bodies, func(*peer) {})
	r.Once = true
	c := newClient(t)
	success(t, c, r)
	fail := failure(t, c, r, safehttp.CodeAnswerCutOff)
	if !fail.Written || fail.Retried || len(bodies) != 2 {
		t.Errorf("written %v, retried %v, %d requests arrived", fail.Written, fail.Retried, len(bodies))
	}
}

func TestDo_DoesNotTryAgainOnceAnAnswerHasBegun(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 8)
	r := closingOnReuse(t, bodies, func(p *peer) { p.say("H") })
	c := newClient(t)
	success(t, c, r)
	if fail := failure(t, c, r, safehttp.CodeAnswerCutOff); fail.Retried || !fail.Timings.Reused || len(bodies) != 2 {
		t.Errorf("retried %v, reused %v, %d requests arrived", fail.Retried, fail.Timings.Reused, len(bodies))
	}
}

func TestDo_TriesAgainOnlyOnce(t *testing.T) {
	t.Parallel()
	served := make(chan int, 8)
	u := serve(t, func(p *peer) {
		if p.request(); p.n == 1 {
			p.say(okAnswer)
			p.request()
		}
		served <- p.n
	})
	c := newClient(t)
	success(t, c, post(u, "x"))
	if fail := failure(t, c, post(u, "x"), safehttp.CodeAnswerCutOff); !fail.Retried || !fail.Written {
		t.Errorf("retried %v, written %v", fail.Retried, fail.Written)
	}
	if a, b := <-served, <-served; a+b != 3 || len(served) != 0 {
		t.Errorf("connections %d and %d", a, b)
	}
}

func TestDo_NoticesThatAnIdleConnectionWasClosed(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"silently": "", "with unasked words": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proceed, closed := make(chan struct{}), make(chan struct{})
			requests := make(chan string, 8)
			u := serve(t, func(p *peer) {
				_, body, _ := p.request()
				requests <- body
				p.say(okAnswer)
				if p.n == 1 {
					<-proceed
					p.say(last)
					_ = p.Close()
					close(closed)
					return
				}
				p.gone()
			})
			r := post(u, "x")
			r.Once = true // would fail if anything were written to the dead one
			c := newClient(t)
			success(t, c, r)
			close(proceed)
			<-closed
			resp := success(t, c, r)
			if resp.Status != 200 || resp.Retried || resp.Timings.Reused || len(requests) != 2 {
				t.Errorf("status %d, retried %v, reused %v, %d requests", resp.Status, resp.Retried, resp.Timings.Reused, len(requests))
			}
		})
	}
}

func TestDo_EndBeforeTheHeadIsAFailure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(p *peer)
		code string
	}{
		"closed":      {func(*peer) {}, safehttp.CodeAnswerCutOff},
		"reset":       {(*peer).reset, safehttp.CodeConnectionReset},
		"half a head": {func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Le") }, safehttp.CodeAnswerCutOff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := serve(t, func(p *peer) {
				if p.n > 1 {
					t.Error("was tried again on a fresh connection")
				}
				p.request()
				tc.end(p)
			})
			if fail := failure(t, newClient(t), post(u, "x"), tc.code); !fail.Written || fail.Retried || fail.RemoteAddr != u.Host || fail.Timings.Total <= 0 {
				t.Errorf("%+v", fail)
			}
		})
	}
}

func TestClient_ClosesIdleConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 4)
	u := serve(t, func(p *peer) {
		p.request()
		p.say(okAnswer)
		p.gone()
		closed <- struct{}{}
	})
	c := newClient(t, func(o *safehttp.Options) { o.IdleTimeout = 20 * time.Millisecond })
	for range 2 {
		if resp := success(t, c, post(u, "x")); resp.Timings.Reused {
			t.Error("reused beyond its time")
		}
		<-closed
	}
	long := newClient(t)
	success(t, long, post(u, "x"))
	long.Close()
	<-closed
	if resp := success(t, long, post(u, "x")); resp.Timings.Reused {
		t.Error("reused after Close")
	}
	<-closed // not kept any more
	long.Close()
}

func TestClient_BoundsIdleConnections(t *testing.T) {
	t.Parallel()
	const calls = 5
	arrived, proceed := make(chan struct{}, calls), make(chan struct{})
	closed := make(chan struct{}, calls)
	u := serve(t, func(p *peer) {
		p.request()
		arrived <- struct{}{}
		<-proceed
		p.say(okAnswer)
		p.gone()
		closed <- struct{}{}
	})
	c := newClient(t, func(o *safehttp.Options) { o.MaxIdlePerHost = 2 })
	done := make(chan error, calls)
	for range calls {
		go func() {
			_, err := c.Do(context.Background(), post(u, "x"))
			done <- err
		}()
	}
	for range calls {
		<-arrived
	}
	close(proceed)
	for range calls {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for range calls - 2 {
		<-closed
	}
	select {
	case <-closed:
		t.Error("fewer than two connections were kept")
	default:
	}
}

func TestDo_EndsWhenCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	u := serve(t, func(p *peer) {
		p.request()
		cancel()
		p.gone()
	})
	c := newClient(t)
	_, err := c.Do(ctx, post(u, "x"))
	if fail := asFailure(t, err, safehttp.CodeCanceled); !fail.Written {
		t.Error("counts as not written")
	}
	_, err = c.Do(ctx, post(u, "x"))
	if fail := asFailure(t, err, safehttp.CodeCanceled); fail.Written || !errors.Is(err, context.Canceled) {
		t.Errorf("written %v, cause %v", fail.Written, fail.Err)
	}
}

func TestDo_CancelingDuringTheBodyKeepsTheStatus(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	u := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		p.gone()
	})
	answered := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { cancel(); close(answered) })
	resp, err := newClient(t).Do(ctx, post(u, "x"))
	<-answered
	if err != nil {
		asFailure(t, err, safehttp.CodeCanceled) // the head came later than the cancellation
		return
	}
	asFailure(t, resp.BodyErr, safehttp.CodeCanceled)
}

func TestDo_DeadlineOfTheContextCounts(t *testing.T) {
	t.Parallel()
	u := serve(t, func(p *peer) { p.gone() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newClient(t).Do(ctx, post(u, "x"))
	asFailure(t, err, safehttp.CodeTimeout)
	<-ctx.Done()
	_, err = newClient(t).Do(ctx, post(u, "x"))
	asFailure(t, err, safehttp.CodeTimeout)
}

func TestDo_CancelableExchangesReuseConnections(t *testing.T) {
	t.Parallel()
	u := answering(t, okAnswer)
	c := newClient(t)
	for i := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := c.Do(ctx, post(u, "x"))
		cancel()
		if err != nil || resp.Timings.Reused != (i > 0) {
			t.Errorf("exchange %d: %v %+v", i, err, resp)
		}
	}
}

func TestHTTPClient_StaysInsideTheLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	redirect := answering(t, "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n")
	resp, err := c.HTTPClient(0).Get(redirect.String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 302 {
		t.Errorf("status %d, want the redirect itself", resp.StatusCode)
	}
	if _, err := c.HTTPClient(0).Get(answering(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2<<20)).String()); err == nil {
		t.Error("2 MiB of headers are accepted")
	}
	hanging := serve(t, func(p *peer) { p.gone() })
	if _, err := c.HTTPClient(50 * time.Millisecond).Get(hanging.String()); err == nil {
		t.Error("no time-out")
	}
	var blocked *safehttp.BlockedError
	if _, err := c.HTTPClient(0).Get("http://10.0.0.1/"); !errors.As(err, &blocked) {
		t.Errorf("private address: %v", err)
	}
	if _, err := newClient(t, func(o *safehttp.Options) { o.Guard = nil }).HTTPClient(0).Get(redirect.String()); !errors.As(err, &blocked) {
		t.Errorf("loopback without permission: %v", err)
	}
}
