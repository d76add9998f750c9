package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// through reads a list to its end, going on where a walk stopped, and returns the keys and how many pages it took.
func through[T any](t *testing.T, p store.Page, key func(T) hookswitch.Key, list func(store.Page) ([]T, hookswitch.Key, error)) (keys []hookswitch.Key, pages int) {
	t.Helper()
	for {
		rows, stopped, err := list(p)
		if must(t, rows, err); len(rows) > p.Limit {
			t.Fatalf("%d rows, want at most %d", len(rows), p.Limit)
		}
		pages++
		for _, r := range rows {
			keys = append(keys, key(r))
		}
		next := stopped
		if len(rows) == p.Limit {
			if stopped != 0 {
				t.Errorf("a full page stopped at %d", stopped)
			}
			next = keys[len(keys)-1]
		}
		if next == 0 {
			return keys, pages
		}
		if p.Ascending {
			p.After = next
		} else {
			p.Before = next
		}
	}
}

func TestWalk_FindsAllOfWhatIsRareInPages(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		const n = 12_500 // more than one page looks at
		ep := f.newEndpoint()
		rare := map[int]bool{3: true, 999: true, 1000: true, 1001: true, 6000: true, 11_998: true, n - 1: true}
		var events, attempts []hookswitch.Key
		first := f.keys.Next()
		for _, statement := range []string{
			`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired) SELECT %[1]d + i, %[2]d, 'usual', '', '', $1, $1, FALSE FROM n`,
			`INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual, dns_us, connect_us, tls_us, wait_us, total_us)
				SELECT %[1]d + i + 1000000, %[2]d, %[1]d + i, %[3]d, '', TRUE, 200, '', $1, $1, FALSE, FALSE, 0, 0, 0, 0, 0 FROM n`,
		} {
			statement = fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %[4]d) `+statement, first, f.app, ep.Key, n-1)
			if _, err := f.Exec(t.Context(), statement, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range slices.Sorted(maps.Keys(rare)) {
			event, attempt := first+hookswitch.Key(i), first+hookswitch.Key(i)+1_000_000
			events, attempts = append(events, event), append(attempts, attempt)
			if _, err := f.Exec(t.Context(), `UPDATE events SET type = 'rare', tags = '["rare"]', labels = '["x","rare"]' WHERE id = $1`, int64(event)); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Exec(t.Context(), `UPDATE attempts SET code = 301 WHERE id = $1`, int64(attempt)); err != nil {
				t.Fatal(err)
			}
		}
		eventKey := func(e *hookswitch.Event) hookswitch.Key { return e.Key }
		attemptKey := func(a *hookswitch.Attempt) hookswitch.Key { return a.Key }
		moved, yes := 300, true
		for _, p := range []store.Page{{Limit: 3, Ascending: true}, {Limit: 50}} {
			inOrder := func(keys []hookswitch.Key) []hookswitch.Key {
				if keys = slices.Clone(keys); !p.Ascending {
					slices.Reverse(keys)
				}
				return keys
			}
			for _, filter := range []store.EventFilter{{Types: []string{"rare", "none"}}, {Tag: "rare"}, {Label: "rare", Bare: true}} {
				got, pages := through(t, p, eventKey, func(p store.Page) ([]*hookswitch.Event, hookswitch.Key, error) {
					return f.Events(t.Context(), f.app, filter, p)
				})
				if !slices.Equal(got, inOrder(events)) || pages < 2 {
					t.Errorf("events %+v, %+v: got %d of %d in %d pages", filter, p, len(got), len(events), pages)
				}
			}
			for _, filter := range []store.AttemptFilter{{Types: []string{"rare", "none"}}, {Tag: "rare", OK: &yes}, {Label: "rare", Bare: true}, {CodeClass: &moved}} {
				got, pages := through(t, p, attemptKey, func(p store.Page) ([]*hookswitch.Attempt, hookswitch.Key, error) {
					return f.AttemptsByEndpoint(t.Context(), f.app, ep.Key, filter, p)
				})
				if !slices.Equal(got, inOrder(attempts)) || pages < 2 {
					t.Errorf("attempts %+v, %+v: got %d of %d in %d pages", filter, p, len(got), len(attempts), pages)
				}
			}
		}
		count, more, err := f.CountAttempts(t.Context(), f.app, ep.Key, store.AttemptFilter{}, store.Page{})
		if must(t, count, err); !more || count < 500 || count > 10_000 {
			t.Errorf("counted %d, more %v", count, more)
		}
		count, more, err = f.CountAttempts(t.Context(), f.app, ep.Key, store.AttemptFilter{CodeClass: &moved}, store.Page{After: attempts[len(attempts)-1] - 1})
		if must(t, count, err); more || count != 1 {
			t.Errorf("counted %d, more %v", count, more)
		}
		if list, stopped, err := f.Events(t.Context(), f.newApp(), store.EventFilter{Types: []string{"rare"}}, store.Page{Limit: 5}); err != nil || len(list) != 0 || stopped != 0 {
			t.Errorf("another app sees %d, stopped %d, %v", len(list), stopped, err)
		}
	})
}
