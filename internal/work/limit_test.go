package work

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimit_HalvesToOneProbeAndDoublesBack(t *testing.T) {
	t.Parallel()
	c := newLimit(8, 64)
	for _, want := range []int{4, 2, 1, 1} {
		c.bad(time.Second)
		if c.n != want {
			t.Fatalf("after a failure: got %d, want %d", c.n, want)
		}
	}
	if !c.failing() {
		t.Error("not failing after four failures in a row")
	}
	for _, want := range []int{2, 4, 8, 8} {
		c.good(time.Second, false)
		if c.n != want || c.failing() {
			t.Fatalf("after a good answer: got %d, failing %v, want %d", c.n, c.failing(), want)
		}
	}
}

func TestLimit_StopsGrowingWhenAnswersGetSlower(t *testing.T) {
	t.Parallel()
	c := newLimit(8, 64)
	for range 5000 { // a target that works off 160 requests a second, however many come at once
		c.good(time.Duration(c.n)*time.Second/160, true)
	}
	if c.n > 24 {
		t.Errorf("grew to %d although it did not help", c.n)
	}
}

func TestLimit_GrowsAgainWhenATargetHasMovedAway(t *testing.T) {
	t.Parallel()
	c := newLimit(8, 64)
	for range 5000 {
		c.good(20*time.Millisecond, true)
	}
	if c.n != 64 {
		t.Fatalf("grew to %d, want 64", c.n)
	}
	for range 20_000 {
		c.good(200*time.Millisecond, true)
	}
	if c.n != 64 {
		t.Errorf("at ten times the latency: got %d, want 64", c.n)
	}
}

func TestLimit_StaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.IntRange(1, 16).Draw(t, "start")
		most := rapid.IntRange(start, 64).Draw(t, "max")
		c := newLimit(start, most)
		for range rapid.IntRange(0, 300).Draw(t, "answers") {
			took := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "took"))
			if rapid.IntRange(0, 9).Draw(t, "good") > 0 {
				c.good(took, rapid.Bool().Draw(t, "pressed"))
			} else {
				c.bad(took)
			}
			if c.n < 1 || c.n > most {
				t.Fatalf("limit %d outside 1 to %d", c.n, most)
			}
		}
	})
}
