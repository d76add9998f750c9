package store

import (
	"testing"
	"time"
)

func TestQueue_WhoeverWaitsGoesBeforeThoseThatNobodyWaitsFor(t *testing.T) {
	q := newQueue()
	put := func(n int, background bool) {
		for range n {
			if err := q.put(&unit{background: background}); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func() (waited, background int) {
		units, _, _ := q.take(time.Now(), false)
		for _, u := range units {
			if u.background {
				background++
			} else {
				waited++
			}
		}
		return waited, background
	}
	put(2*maxBackground, true)
	for i := 1; i <= 2*maxPassed; i++ { // somebody waits at all times
		put(3, false)
		want := 0
		if i%maxPassed == 0 {
			want = 1
		}
		if waited, background := take(); waited != 3 || background != want {
			t.Errorf("commit %d takes %d and %d in the background, want 3 and %d", i, waited, background, want)
		}
	}
	for i, want := range []int{maxBackground, maxBackground - 2, 0} { // and then nobody
		if waited, background := take(); waited != 0 || background != want {
			t.Errorf("commit %d of its own takes %d and %d in the background, want %d", i, waited, background, want)
		}
	}
}
