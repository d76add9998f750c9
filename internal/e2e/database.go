package e2e

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// Kind is a kind of database.
type Kind string

// The kinds of databases that the program runs on.
const (
	SQLite   Kind = "sqlite"
	Postgres Kind = "postgres"
)

// Each runs test in parallel subtests, one for each kind of database at hand.
func Each(t *testing.T, test func(t *testing.T, kind Kind)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []Kind{SQLite, Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			kind.need(t)
			test(t, kind)
		})
	}
}

// need skips a test whose database is not at hand.
func (k Kind) need(tb testing.TB) {
	tb.Helper()
	if k == Postgres && os.Getenv(storetest.PostgresVariable) == "" {
		storetest.Missing(tb, storetest.PostgresVariable+" is not set")
	}
}

// database makes an empty database of kind k that lives as long as the test, and returns the setting that names it.
func (k Kind) database(tb testing.TB, dataDir string) string {
	tb.Helper()
	if k == SQLite {
		return "sqlite:" + filepath.Join(dataDir, "hookswitch.db")
	}
	k.need(tb)
	name := "hookswitch_e2e_" + strings.ToLower(rand.Text())
	if err := administer("CREATE DATABASE " + name); err != nil {
		tb.Fatalf("make a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := administer("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Errorf("drop the database: %v", err)
		}
	})
	u, err := url.Parse(os.Getenv(storetest.PostgresVariable))
	if err != nil {
		tb.Fatalf("%s is not a valid URL", storetest.PostgresVariable)
	}
	u.Path = "/" + name
	return u.String()
}

// administer runs a statement as the role of storetest.PostgresVariable.
func administer(statement string, args ...any) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv(storetest.PostgresVariable))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement, args...)
	return err
}
