package store

import (
	"testing"
	"time"
)

func TestQueue_WhoeverWaitsComesBehindFewThatNobodyWaitsFor(t *testing.T) {
	q := newQueue()
	put := func(n int, background bool) {
		for range n {
			if err := q.put(&unit{background: background}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(3*maxBackground, true)
	put(2, false)
	want := []int{2 + fewBackground, maxBackground, maxBackground, maxBackground - fewBackground}
	for i, n := range want {
		if units, _, _ := q.take(time.Now(), false); len(units) != n {
			t.Errorf("commit %d takes %d updates, want %d", i, len(units), n)
		}
	}
	if units, _, _ := q.take(time.Now(), false); len(units) != 0 {
		t.Errorf("%d updates are taken twice", len(units))
	}
}
