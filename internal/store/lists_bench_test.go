package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// rowsVariable says how many events and attempts BenchmarkLists fills a database with. Filling two million takes minutes and some gigabytes.
const rowsVariable = "HOOKSWITCH_BENCH_ROWS"

// BenchmarkLists measures each list of events and attempts over one App with very many of both, spread over sixty days: the newest page and pages at random places, in turn. It reports
// the median and the 99th percentile of a page. Run it with -benchtime=200x.
func BenchmarkLists(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv(rowsVariable))
	if err != nil || n < 100_000 {
		b.Skip(rowsVariable + " is not set to 100000 or more")
	}
	b.Run("sqlite", func(b *testing.B) { benchmarkLists(b, storetest.SQLite(b), n) })
	b.Run("postgres", func(b *testing.B) { benchmarkLists(b, storetest.Postgres(b), n) })
}

// crowd is an App with many events: nearly all go to busy, one in fifty to dead, which has never answered, and one in fifty thousand to quiet.
type crowd struct {
	*fixture
	busy, dead, quiet *hookswitch.Endpoint
	first, step       int64 // the key of the first event, and from one to the next
	n                 int
}

func newCrowd(b *testing.B, db *storetest.DB, n int) *crowd {
	b.Helper()
	c := &crowd{fixture: liveFixture(b, db), n: n}
	c.busy, c.dead, c.quiet = c.newEndpoint(), c.newEndpoint(), c.newEndpoint()
	const span = 60 * 24 * time.Hour
	c.first = int64(hookswitch.KeyAt(time.Now().Add(-span)))
	c.step = (int64(hookswitch.KeyAt(time.Now())) - c.first) / int64(n) &^ (1<<12 - 1)
	target := fmt.Sprintf("CASE WHEN i %% 50000 = 7 THEN %d WHEN i %% 50 = 9 THEN %d ELSE %d END", c.quiet.Key, c.dead.Key, c.busy.Key)
	failed := "(i % 50 = 9 OR i % 97 = 3)"
	event := fmt.Sprintf("%d + i * CAST(%d AS BIGINT)", c.first, c.step)
	statements := []string{
		`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired, labels) SELECT ` + event + `, ` + strconv.FormatInt(int64(c.app), 10) + `,
			CASE WHEN i % 100000 = 11 THEN 'rare' ELSE 'type.' || (i % 20) END, '', CASE WHEN i % 10 = 1 THEN '["region:eu"]' WHEN i % 100000 = 11 THEN '["rare"]' ELSE '' END, $1, $2, FALSE,
			CASE WHEN i % 20 = 1 THEN '["gold"]' WHEN i % 100000 = 11 THEN '["rare"]' ELSE '' END FROM n`,
		`INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual, dns_us, connect_us, tls_us, wait_us, total_us)
			SELECT ` + event + ` + 4194304, ` + strconv.FormatInt(int64(c.app), 10) + `, ` + event + `, ` + target + `, 'https://shop.example/hook', NOT ` + failed + `,
			CASE WHEN ` + failed + ` THEN 503 ELSE 200 END, '', $1, $2, FALSE, FALSE, 0, 0, 0, 900, 1000 FROM n`,
		`INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
			SELECT ` + event + `, ` + target + `, 1, ` + strconv.FormatInt(int64(c.app), 10) + `, CASE WHEN i % 3 = 0 THEN 0 WHEN i % 3 = 1 THEN 2 ELSE 3 END, 0, 4000000000000, 1, 1, FALSE, 0, 0, 0 FROM n WHERE ` + failed,
	}
	payload, answer := []byte(`{"id":"`+strings.Repeat("x", 390)+`"}`), []byte(`{"ok":true}`)
	args := [][]any{{payload, store.PackTargets([]hookswitch.Target{{Endpoint: c.busy.Key}})}, {answer, []byte("Content-Type: application/json\n")}, nil}
	start := time.Now()
	const chunk = 20_000
	for at := 0; at < n; at += chunk {
		for i, s := range statements {
			text := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT CAST(%d AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, at, min(at+chunk, n)-1) + s
			if _, err := c.Exec(b.Context(), text, args[i]...); err != nil {
				b.Fatal(err)
			}
		}
	}
	for hour := range int64(60 * 24) {
		if _, err := c.Exec(b.Context(), `INSERT INTO counters (endpoint_id, hour, node, ok, failed) VALUES ($1, $2, 1, 1000, 10)`, int64(c.busy.Key), time.Now().Unix()/3600-hour); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := c.Exec(b.Context(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}
	b.Logf("filled with %d events in %s", n, time.Since(start).Round(time.Second))
	return c
}

// event is the key of the i-th event.
func (c *crowd) event(i int) hookswitch.Key { return hookswitch.Key(c.first + int64(i)*c.step) }

func benchmarkLists(b *testing.B, db *storetest.DB, n int) {
	c := newCrowd(b, db, n)
	ctx := b.Context()
	page := func(before hookswitch.Key) store.Page {
		return store.Page{Limit: 51, Before: before, After: max(before, hookswitch.KeyAt(time.Now())) - hookswitch.KeyAt(time.Now()) + hookswitch.KeyAt(time.Now().Add(-90*24*time.Hour))}
	}
	yes, no, server := true, false, 500
	type list struct {
		name string
		read func(before hookswitch.Key, i int) error
	}
	var lists []list
	add := func(name string, read func(before hookswitch.Key, i int) error) {
		lists = append(lists, list{name, read})
	}
	filters := []struct {
		name string
		f    store.EventFilter
	}{
		{"all", store.EventFilter{}}, {"no content", store.EventFilter{Bare: true}}, {"common type", store.EventFilter{Types: []string{"type.3"}}}, {"rare type", store.EventFilter{Types: []string{"rare"}}},
		{"no such type", store.EventFilter{Types: []string{"none"}}}, {"common channel", store.EventFilter{Tag: "region:eu"}}, {"rare channel", store.EventFilter{Tag: "rare"}},
		{"common tag", store.EventFilter{Label: "gold"}}, {"rare tag", store.EventFilter{Label: "rare"}},
	}
	for _, f := range filters {
		add("messages/"+f.name, func(before hookswitch.Key, _ int) error {
			_, _, err := c.Events(ctx, c.app, f.f, page(before))
			return err
		})
	}
	for _, f := range filters {
		add("attempts by endpoint/"+f.name, func(before hookswitch.Key, _ int) error {
			_, _, err := c.AttemptsByEndpoint(ctx, c.app, c.busy.Key, store.AttemptFilter{Types: f.f.Types, Tag: f.f.Tag, Label: f.f.Label, Bare: f.f.Bare}, page(before))
			return err
		})
	}
	for _, f := range []struct {
		name string
		ep   *hookswitch.Endpoint
		f    store.AttemptFilter
	}{
		{"success", c.busy, store.AttemptFilter{OK: &yes}}, {"fail", c.busy, store.AttemptFilter{OK: &no}}, {"5xx", c.busy, store.AttemptFilter{CodeClass: &server}},
		{"fail, rare type", c.busy, store.AttemptFilter{OK: &no, Types: []string{"rare"}}}, {"success, dead endpoint", c.dead, store.AttemptFilter{OK: &yes}}, {"quiet endpoint", c.quiet, store.AttemptFilter{}},
	} {
		add("attempts by endpoint/"+f.name, func(before hookswitch.Key, _ int) error {
			_, _, err := c.AttemptsByEndpoint(ctx, c.app, f.ep.Key, f.f, page(before))
			return err
		})
	}
	add("attempts by endpoint/count", func(before hookswitch.Key, _ int) error {
		_, _, err := c.CountAttempts(ctx, c.app, c.busy.Key, store.AttemptFilter{}, page(before))
		return err
	})
	for name, f := range map[string]store.AttemptFilter{"all": {}, "rare type": {Types: []string{"rare"}}, "fail": {OK: &no}} {
		add("attempts by message/"+name, func(_ hookswitch.Key, i int) error {
			_, err := c.AttemptsByEvent(ctx, c.app, c.event(i), f, page(0))
			return err
		})
	}
	for _, ep := range []struct {
		name string
		ep   *hookswitch.Endpoint
	}{{"busy", c.busy}, {"dead", c.dead}, {"quiet", c.quiet}} {
		for _, f := range []struct {
			name string
			f    store.AttemptedFilter
		}{
			{"all", store.AttemptedFilter{}}, {"success", store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryDelivered}}},
			{"fail", store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryFailed, hookswitch.DeliveryCanceled}}},
			{"sending", store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryPending}}},
			{"canceled", store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}}},
			{"rare type", store.AttemptedFilter{EventFilter: store.EventFilter{Types: []string{"rare"}}}},
			{"fail, rare tag", store.AttemptedFilter{EventFilter: store.EventFilter{Label: "rare"}, States: []hookswitch.DeliveryState{hookswitch.DeliveryFailed}}},
		} {
			add("attempted messages/"+ep.name+"/"+f.name, func(before hookswitch.Key, _ int) error {
				_, _, err := c.AttemptedEvents(ctx, c.app, ep.ep.Key, 0, f.f, page(before))
				return err
			})
		}
	}
	add("destinations", func(_ hookswitch.Key, i int) error {
		if _, err := c.DeliveriesOf(ctx, c.app, c.event(i)); err != nil {
			return err
		}
		tried, err := c.TriedEndpoints(ctx, c.app, c.event(i))
		if err != nil {
			return err
		}
		_, err = c.EndpointsByKeys(ctx, c.app, []hookswitch.Key{tried[0].Endpoint})
		return err
	})
	add("stats", func(hookswitch.Key, int) error {
		_, _, err := c.Stats(ctx, c.app, c.busy.Key, time.Now().Add(-28*24*time.Hour), time.Now())
		return err
	})
	for name, f := range map[string]store.EventFilter{"all": {}, "rare type": {Types: []string{"rare"}}} {
		add("poller/"+name, func(before hookswitch.Key, _ int) error {
			_, err := c.Stream(ctx, c.app, f, hookswitch.Place{At: before.Millis(), Key: before}, 50)
			return err
		})
	}
	for _, l := range lists {
		b.Run(strings.ReplaceAll(l.name, " ", "-"), func(b *testing.B) {
			var took []time.Duration
			random := rand.New(rand.NewPCG(1, 2))
			for i := 0; b.Loop(); i++ {
				at := random.IntN(c.n)
				before := hookswitch.Key(0)
				if i%2 == 1 {
					before = c.event(at)
				}
				start := time.Now()
				if err := l.read(before, at); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			ms := func(p int) float64 { return float64(took[(len(took)-1)*p/100].Microseconds()) / 1000 }
			b.ReportMetric(ms(50), "p50-ms")
			b.ReportMetric(ms(99), "p99-ms")
		})
	}
}
