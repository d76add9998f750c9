package cli

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/simulate"
)

// tally counts the outcomes of a scenario and shows them.
type tally struct {
	env   *env
	json  bool
	quiet bool // too many to show each
	ok    int
	times []time.Duration
	bad   *simulate.Outcome // the first that was wrong
	wrong int
	took  time.Duration
	err   error // of showing
}

// push is an outcome as JSON.
type push struct {
	IDs        []string `json:"ids"`
	Status     int      `json:"status,omitempty"`
	Want       int      `json:"want"`
	OK         bool     `json:"ok"`
	DurationMs float64  `json:"durationMs"`
	Answer     string   `json:"answer,omitempty"`
	Error      string   `json:"error,omitempty"`
}

func (t *tally) add(o simulate.Outcome) {
	if o.Err == nil {
		t.times = append(t.times, o.Result.Took)
	}
	if o.OK() {
		t.ok++
	} else if t.wrong++; t.bad == nil {
		t.bad = &o
	}
	if t.quiet || t.err != nil {
		return
	}
	out := push{IDs: o.Step.Push.IDs, Status: o.Result.Status, Want: o.Step.Want, OK: o.OK(), DurationMs: milliseconds(o.Result.Took), Answer: string(o.Result.Body)}
	if o.Err != nil {
		out.Error = o.Err.Error()
	}
	t.err = t.env.show(t.json, out, func(p *printer) {
		if o.Err == nil {
			p.line("%d  %.1f ms  %s", out.Status, out.DurationMs, strings.Join(out.IDs, " "))
		}
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// burst is the outcome of many pushes as JSON.
type burst struct {
	Pushes   int     `json:"pushes"`
	OK       int     `json:"ok"`
	Wrong    int     `json:"wrong"`
	Seconds  float64 `json:"seconds"`
	MedianMs float64 `json:"medianMs"`
	P99Ms    float64 `json:"p99Ms"`
	MaxMs    float64 `json:"maxMs"`
}

func (t *tally) summary() error {
	if !t.quiet || t.err != nil {
		return t.err
	}
	slices.Sort(t.times)
	at := func(q float64) float64 {
		if len(t.times) == 0 {
			return 0
		}
		return milliseconds(t.times[int(q*float64(len(t.times)-1))])
	}
	out := burst{Pushes: t.ok + t.wrong, OK: t.ok, Wrong: t.wrong, Seconds: t.took.Seconds(), MedianMs: at(.5), P99Ms: at(.99), MaxMs: at(1)}
	return t.env.show(t.json, out, func(p *printer) {
		p.line("%d pushes in %.2f s, %d answered as they should be; median %.1f ms, 99 of 100 within %.1f ms, slowest %.1f ms", out.Pushes, out.Seconds, out.OK, out.MedianMs,
			out.P99Ms, out.MaxMs)
	})
}

// failure is an error when the door has answered as it should not.
func (t *tally) failure() error {
	if t.bad == nil {
		return nil
	}
	if err := t.bad.Err; err != nil {
		if errors.Is(err, simulate.ErrNotLoopback) {
			return err
		}
		return hinted(err, "start a server with \"hookswitch serve\", or say where it is with --url or HOOKSWITCH_URL")
	}
	r := t.bad.Result
	err := fmt.Errorf("the door answered %d instead of %d: %s", r.Status, t.bad.Step.Want, short(string(r.Body)))
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hinted(err, "-f with the sender file that was applied, or --credential: the server knows other credentials")
	case http.StatusServiceUnavailable, http.StatusNotFound:
		return hinted(err, "hookswitch sender apply --app APP -f FILE, so that the server knows the sender; or another --path")
	}
	return hinted(err, "look into the server's log")
}
