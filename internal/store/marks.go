package store

import (
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// okMarks remembers when the success of an endpoint was last written, so that it is written at most once a minute.
type okMarks struct {
	mu sync.Mutex
	at map[hookswitch.Key]int64
}

const markEvery = time.Minute

func newOKMarks() *okMarks { return &okMarks{at: make(map[hookswitch.Key]int64)} }

// due reports whether the success of o has to be written now.
func (m *okMarks) due(o *Outcome, nowMS int64) bool {
	if o.ClockRuns {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.at[o.Target]
	return !ok || nowMS-at >= markEvery.Milliseconds()
}

// maxMarks bounds what is remembered. Beyond it everything is forgotten, and written once more.
const maxMarks = 1 << 16

// note remembers that the marks of t have been committed.
func (m *okMarks) note(t tally, nowMS int64) {
	if len(t.marks) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.at) > maxMarks {
		clear(m.at)
	}
	for _, endpoint := range t.marks {
		m.at[endpoint] = nowMS
	}
}

// tally sums what the outcomes of a batch add to the counters, and which successes have to be noted.
type tally struct {
	counts map[countKey]*[2]int64
	marks  []hookswitch.Key
}

// countKey is what is counted together: an endpoint in an hour, by the node whose key the attempt carries.
type countKey struct {
	endpoint hookswitch.Key
	hour     int64
	node     int
}

func (m *okMarks) tally(outcomes []*Outcome, nowMS int64) tally {
	t := tally{counts: make(map[countKey]*[2]int64, 8)}
	var last countKey
	var sum *[2]int64
	for _, o := range outcomes {
		a := o.Attempt
		if a == nil {
			continue
		}
		if k := (countKey{o.Target, hourOf(a), a.Key.Node()}); sum == nil || k != last {
			if sum = t.counts[k]; sum == nil {
				sum = new([2]int64)
				t.counts[k] = sum
			}
			last = k
		}
		if !a.OK {
			sum[1]++
			continue
		}
		sum[0]++
		if k := len(t.marks); (k == 0 || t.marks[k-1] != o.Target) && m.due(o, nowMS) {
			t.marks = append(t.marks, o.Target)
		}
	}
	// Sorted, so that two nodes that mark the same endpoints do not wait for each other in a circle.
	slices.Sort(t.marks)
	t.marks = slices.Compact(t.marks)
	return t
}
