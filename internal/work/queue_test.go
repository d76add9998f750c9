package work

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQueue_BehavesLikeASlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var model []int64
		next := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				next++
				q.push(&Item{Subject: next})
				model = append(model, next)
			},
			"pop": func(t *rapid.T) {
				if q.len() == 0 {
					t.Skip("empty")
				}
				var it Item
				q.pop(&it)
				if it.Subject != model[0] {
					t.Fatalf("pop: got %d, want %d", it.Subject, model[0])
				}
				model = model[1:]
			},
			"cut": func(t *rapid.T) {
				keep := rapid.IntRange(0, 10).Draw(t, "keep")
				var got []int64
				for _, it := range q.cut(keep, nil) {
					got = append(got, it.Subject)
				}
				at := min(keep, len(model))
				if !slices.Equal(got, model[at:]) {
					t.Fatalf("cut: got %v, want %v", got, model[at:])
				}
				model = model[:at]
			},
			"": func(t *rapid.T) {
				if q.len() != len(model) {
					t.Fatalf("length: got %d, want %d", q.len(), len(model))
				}
				for i, want := range model {
					if it := q.find(want); it == nil || it != q.at(i) {
						t.Fatalf("subject %d is not at %d", want, i)
					}
				}
			},
		})
	})
}

func TestQueue_OrderedKeepsSubjectsSorted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		subjects := rapid.SliceOf(rapid.Int64()).Draw(t, "subjects")
		var q queue
		for _, s := range subjects {
			q.pushOrdered(&Item{Subject: s})
		}
		slices.Sort(subjects)
		for i, want := range subjects {
			if got := q.at(i).Subject; got != want {
				t.Fatalf("at %d: got %d, want %d", i, got, want)
			}
		}
	})
}

func TestDue_KeepsTheEarliestTimes(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_700_000_000_000)
	var d due
	for i := range 2 * maxDue { // from both ends towards the middle
		ms := i / 2
		if i%2 == 1 {
			ms = 2*maxDue - i/2
		}
		d.add(begin.Add(time.Duration(ms) * time.Millisecond))
		d.add(begin.Add(time.Duration(ms) * time.Millisecond))
	}
	if len(d) != maxDue || !d[0].Equal(begin) || !d[maxDue-1].Equal(begin.Add((maxDue-1)*time.Millisecond)) {
		t.Errorf("got %d times from %v to %v", len(d), d[0], d[len(d)-1])
	}
	d.drop(begin.Add(10 * time.Millisecond))
	if !d[0].Equal(begin.Add(11 * time.Millisecond)) {
		t.Errorf("after a drop: got %v first", d[0])
	}
}
