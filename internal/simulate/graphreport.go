package simulate

import (
	"net/http"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
)

// reporter makes the reports about one message.
type reporter struct {
	statuses []hookswitch.MessageStatus // those that the channel reports
	// push reports one of them, failed with the code.
	push func(status hookswitch.MessageStatus, code int) Push
}

// undeliverable is the code of a failed status that was given none.
const undeliverable = 131026

// promise plans the reports about a message that was taken. It reports false when too much is outstanding.
func (g *Graph) promise(report reporter, fault *Fault) bool {
	e := &errand{baseURL: g.opts.Callback, again: g.again}
	if e.baseURL == "" {
		return true
	}
	statuses, code := (&Fault{}).statuses(), undeliverable
	if fault != nil {
		statuses = fault.statuses()
		if fault.FailCode != 0 {
			code = fault.FailCode
		}
	}
	for _, status := range statuses {
		if slices.Contains(report.statuses, status) {
			e.reports = append(e.reports, func() Push { return report.push(status, code) })
		}
	}
	return g.plan(e)
}

// again is how Meta repeats: whatever is not answered 200, at growing intervals.
func (g *Graph) again(tries int, res Result, err error) (time.Duration, bool) {
	if err == nil && res.Status == http.StatusOK || tries >= g.opts.Retries {
		return 0, false
	}
	return min(100*time.Millisecond<<min(tries, 10), 10*time.Second), true
}
