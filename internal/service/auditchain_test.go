package service_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// meddle changes the database behind the back of the server.
func meddle(t *testing.T, db *storetest.DB, statement string, args ...any) {
	t.Helper()
	driver, source := "sqlite", strings.TrimPrefix(db.URL, "sqlite:")
	if db.Postgres {
		driver, source = "pgx", db.URL
	}
	raw, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if driver == "sqlite" {
		raw.SetMaxOpenConns(1)
		if _, err := raw.Exec(`PRAGMA busy_timeout = 10000`); err != nil {
			t.Fatal(err)
		}
	}
	res, err := raw.Exec(statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}

func TestCheckChains_SaysWhatWasMeddledWith(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		app := w.App() // entry 1
		for i := range 4 {
			w.Endpoint(app, fmt.Sprintf("https://a.example/%d", i)) // entries 2 to 5
		}
		check := func(what string, want []service.ChainProblem, noted ...store.ChainLink) *service.ChainReport {
			t.Helper()
			r, err := w.Service.CheckChains(ctx, app.Key, noted)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Problems, want) {
				t.Errorf("%s: got %v, want %v", what, r.Problems, want)
			}
			return r
		}
		before := check("as it was written", nil)
		if before.Entries != 5 || before.Chains != 1 || len(before.Heads) != 1 || before.Heads[0].Number != 5 {
			t.Errorf("the report is %+v", before)
		}
		if r := check("held against what was noted", nil, before.Heads...); before.Compared != 0 || r.Compared != 1 {
			t.Errorf("%d heads were compared, and %d of one", before.Compared, r.Compared)
		}
		other := before.Heads[0]
		other.Hash = slices.Concat([]byte("x"), other.Hash[1:])
		check("held against what never was", []service.ChainProblem{{App: app.Key, Number: 5, What: service.EntryReplaced}}, other)

		meddle(t, db, `UPDATE activities SET name = 'https://b.example/' WHERE app_id = $1 AND number = 3`, int64(app.Key))
		check("another name", []service.ChainProblem{{App: app.Key, Number: 3, What: service.EntryChanged}})
		meddle(t, db, `UPDATE activities SET name = 'https://a.example/1' WHERE app_id = $1 AND number = 3`, int64(app.Key))
		check("the old name", nil)
		meddle(t, db, `UPDATE activities SET number = number + 10 WHERE app_id = $1 AND number = 5`, int64(app.Key))
		meddle(t, db, `UPDATE activities SET number = 5 WHERE app_id = $1 AND number = 4`, int64(app.Key))
		meddle(t, db, `UPDATE activities SET number = 4 WHERE app_id = $1 AND number = 15`, int64(app.Key))
		check("another order", []service.ChainProblem{{App: app.Key, Number: 4, What: service.EntryChanged}, {App: app.Key, Number: 5, What: service.EntryChanged}})
		meddle(t, db, `DELETE FROM activities WHERE app_id = $1 AND number > 3`, int64(app.Key))
		check("the newest taken out", []service.ChainProblem{{App: app.Key, Number: 4, What: service.ChainCut}})
		meddle(t, db, `UPDATE activity_chains SET number = 3, hash = (SELECT hash FROM activities WHERE app_id = $1 AND number = 3) WHERE app_id = $1`, int64(app.Key))
		check("and its end moved, which nobody notices by the database alone", nil)
		if r := check("but by what was noted", []service.ChainProblem{{App: app.Key, Number: 4, What: service.ChainCut}}, before.Heads...); r.Compared != 1 {
			t.Errorf("%d heads behind the end were compared", r.Compared)
		}
		meddle(t, db, `DELETE FROM activities WHERE app_id = $1 AND number = 2`, int64(app.Key))
		check("one from the middle", []service.ChainProblem{{App: app.Key, Number: 2, What: service.EntryMissing}})
	})
}

func TestCheckChains_WhatIsPastKeepingIsNotMissed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		app := w.App()
		w.Endpoint(app, "https://a.example/")
		noted, err := w.Service.CheckChains(ctx, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(500 * 24 * time.Hour)
		w.Endpoint(app, "https://b.example/")
		dropped := 0
		if err := w.Store.Update(ctx, func(tx *store.Tx) (err error) {
			dropped, err = tx.DropActivitiesBefore(w.Clock.Now().Add(-400*24*time.Hour), 100)
			return err
		}); err != nil || dropped < 2 {
			t.Fatalf("dropped %d, %v", dropped, err)
		}
		r, err := w.Service.CheckChains(ctx, app.Key, noted.Heads)
		if err != nil || len(r.Problems) != 0 || r.Entries != 1 || r.Compared != 0 {
			t.Errorf("got %+v, %v", r, err)
		}
		meddle(t, db, `UPDATE activities SET actor = 'system' WHERE app_id = $1`, int64(app.Key))
		if r, err := w.Service.CheckChains(ctx, app.Key, nil); err != nil || len(r.Problems) != 1 || r.Problems[0].What != service.EntryChanged {
			t.Errorf("a change behind them: %+v, %v", r, err)
		}
	})
}

func TestAllActivities_AreFoundByTheirText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		one, two := w.App(), w.App()
		w.Endpoint(one, "https://a.example/Till")
		w.Endpoint(two, "https://b.example/till")
		if err := w.Service.DeleteApp(ctx, two.Key); err != nil {
			t.Fatal(err)
		}
		find := func(f store.ActivityFilter) (names []string) {
			t.Helper()
			list, _, err := w.Service.AllActivities(ctx, f, store.Page{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				names = append(names, string(a.Action))
			}
			return names
		}
		if got, want := find(store.ActivityFilter{Text: "TILL"}), []string{"endpoint.created", "endpoint.created"}; !slices.Equal(got, want) {
			t.Errorf("by text: got %v, want %v", got, want)
		}
		if got, want := find(store.ActivityFilter{}), []string{"application.deleted", "endpoint.created", "endpoint.created", "application.created", "application.created"}; !slices.Equal(got, want) {
			t.Errorf("all: got %v, want %v", got, want)
		}
		if got := find(store.ActivityFilter{Action: hookswitch.DidDeleteApp, Actor: hookswitch.ActorAPI}); len(got) != 1 {
			t.Errorf("by action: %v", got)
		}
	})
}
