package store_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// BenchmarkSearch looks for a text that no payload has, and for one that the newest has, among as many events and attempts as HOOKSWITCH_BENCH_ROWS says: how long a page takes at most, and
// how many rows a search sees before it says how far it has come. Run it with -benchtime=5x.
func BenchmarkSearch(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv(rowsVariable))
	if err != nil || n < 100_000 {
		b.Skip(rowsVariable + " is not set to 100000 or more")
	}
	b.Run("sqlite", func(b *testing.B) { benchmarkSearch(b, storetest.SQLite(b), n) })
	b.Run("postgres", func(b *testing.B) { benchmarkSearch(b, storetest.Postgres(b), n) })
}

func benchmarkSearch(b *testing.B, db *storetest.DB, n int) {
	c := newCrowd(b, db, n)
	run := func(name string, find func(ctx context.Context, s store.Search) (int64, error)) {
		for what, text := range map[string]string{"nowhere": "nothing of it", "everywhere": "xxxx"} {
			b.Run(name+"/"+what, func(b *testing.B) {
				var longest time.Duration
				var seen int64
				for b.Loop() {
					begun := time.Now()
					stopped, err := find(b.Context(), store.Search{Texts: [][]string{{text}}})
					if err != nil {
						b.Fatal(err)
					}
					longest, seen = max(longest, time.Since(begun)), int64(n)
					if stopped != 0 {
						seen = int64(n) - (stopped-c.first)/c.step
					}
				}
				b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
				b.ReportMetric(float64(seen), "rows-seen")
			})
		}
	}
	run("events", func(ctx context.Context, s store.Search) (int64, error) {
		_, stopped, err := c.SearchEvents(ctx, c.app, s, store.Page{Limit: 51})
		return int64(stopped), err
	})
	run("attempts", func(ctx context.Context, s store.Search) (int64, error) {
		_, stopped, err := c.SearchAttempts(ctx, c.app, c.busy.Key, s, store.Page{Limit: 51})
		return int64(stopped), err
	})
}
