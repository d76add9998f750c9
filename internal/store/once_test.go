package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestOnceOf_TellsPartsApart(t *testing.T) {
	t.Parallel()
	seen := make(map[[16]byte][]string)
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"a\x00b"}} {
		h := store.OnceOf(store.Life1Day, 1, parts...).Hash
		if other, ok := seen[h]; ok {
			t.Errorf("%q and %q are the same", other, parts)
		}
		seen[h] = parts
	}
}

func TestLife_BucketsNeverMeet(t *testing.T) {
	t.Parallel()
	for _, now := range []time.Time{time.UnixMilli(0), time.Now(), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
		last := int64(0)
		for life := store.Life10Minutes; life <= store.LifeForever; life++ {
			b := store.OnceBucket(life, now)
			if b <= last {
				t.Errorf("bucket %d of life %d at %v does not lie above %d", b, life, now, last)
			}
			last = b
		}
	}
}

func FuzzPackTargets(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		list := store.UnpackTargets(b)
		if len(list) != len(b)/8 {
			t.Fatalf("got %d targets of %d bytes", len(list), len(b))
		}
	})
}

func TestPackTargets_ComeBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		var want []hookswitch.Target
		for range n {
			want = append(want, hookswitch.Target{Endpoint: hookswitch.Key(1 + r.Int64N(1<<62)), Held: r.IntN(2) == 0})
		}
		if got := store.UnpackTargets(store.PackTargets(want)); !slices.Equal(want, got) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
