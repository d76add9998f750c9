package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestFilteredApps_ByTheirEndpoints(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		const bins = "https://hooks.example/play/in/"
		first := f.app // has none
		app := func(urls ...string) hookswitch.Key {
			f.app = f.newApp()
			for _, u := range urls {
				f.newEndpoint(func(e *hookswitch.Endpoint) { e.URL = u })
			}
			return f.app
		}
		bin, both, webhook := app(bins+"a", bins+"b"), app(bins+"a", "https://x.example/"), app()
		f.newEndpoint(func(e *hookswitch.Endpoint) { e.Sender = 1 }) // does not count
		for _, c := range []struct {
			f    store.AppFilter
			want []hookswitch.Key
		}{
			{store.AppFilter{}, []hookswitch.Key{first, bin, both, webhook}},
			{store.AppFilter{WithoutEndpoints: true}, []hookswitch.Key{bin, both}},
			{store.AppFilter{OnlyAt: bins}, []hookswitch.Key{first, both, webhook}},
			{store.AppFilter{OnlyAt: bins, WithoutEndpoints: true, OnlyDisabled: true}, []hookswitch.Key{both}},
		} {
			list, stopped, err := f.FilteredApps(t.Context(), c.f, store.Page{Limit: 10, Ascending: true})
			if err != nil || stopped != 0 {
				t.Fatal(stopped, err)
			}
			var got []hookswitch.Key
			for _, a := range list {
				got = append(got, a.Key)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%+v: %s", c.f, diff)
			}
		}
	})
}

func TestFilteredApps_StopsAtABoundAndGoesOnBehindIt(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		if _, err := f.Exec(t.Context(), `INSERT INTO apps (id, name, throttle_rate, metadata, bot_name, bot_ref, company_id, version, changed_at, created_at, updated_at, deleted_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) SELECT i + 1, '', 0, '', '', '', '', 1, 0, 0, 0, 0 FROM n`); err != nil {
			t.Fatal(err)
		}
		f.newEndpoint()
		for _, ascending := range []bool{true, false} {
			p := store.Page{Limit: 5, Ascending: ascending}
			for pages := 1; ; pages++ {
				list, stopped, err := f.FilteredApps(t.Context(), store.AppFilter{WithoutEndpoints: true}, p)
				if err != nil {
					t.Fatal(err)
				}
				if found := len(list) == 1; found != (pages == map[bool]int{true: 3, false: 1}[ascending]) {
					t.Fatalf("ascending %v: %d rows on page %d", ascending, len(list), pages)
				}
				if stopped == 0 {
					if pages != 3 {
						t.Errorf("ascending %v: %d pages", ascending, pages)
					}
					break
				}
				if p.Ascending {
					p.After = stopped
				} else {
					p.Before = stopped
				}
			}
		}
	})
}
