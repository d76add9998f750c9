// Package storetest runs tests over real databases: SQLite in a temporary directory and, where HOOKSWITCH_TEST_POSTGRES is the URL of a role that may
// create databases, PostgreSQL with a database for each test. It leaves what is tested to its callers.
package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch/internal/store"
)

// PostgresVariable names the environment variable with the URL of the PostgreSQL server to test on.
const PostgresVariable = "HOOKSWITCH_TEST_POSTGRES"

// DB is the empty database of one test. It lives until the test ends, however often it is opened.
type DB struct {
	Postgres bool
	// URL is what Options.Database has to be.
	URL string
	// Dir is the data directory that Open uses unless told otherwise.
	Dir string
	tb  testing.TB
}

// CompleteVariable names the environment variable that ./test sets: everything that tests need is there.
const CompleteVariable = "HOOKSWITCH_TEST_COMPLETE"

// Missing skips a test for which something is not installed. Where everything should be, it fails the test instead.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv(CompleteVariable) != "" {
		tb.Fatal(what)
	}
	tb.Skip(what)
}

// LongVariable names the environment variable that ./test --long sets: everything runs, also what takes long.
const LongVariable = "HOOKSWITCH_TEST_LONG"

// Long reports whether the run takes its time.
func Long() bool { return os.Getenv(LongVariable) != "" }

// NeedLong skips a test in runs that do not take their time.
func NeedLong(tb testing.TB) {
	tb.Helper()
	if !Long() {
		tb.Skip("only in long runs: ./test --long")
	}
}

var saidOnce sync.Once

// Each runs test in parallel subtests, one for each database.
func Each(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	if os.Getenv(PostgresVariable) == "" && os.Getenv(CompleteVariable) == "" {
		saidOnce.Do(func() { t.Logf("%s is not set: tests run on SQLite only", PostgresVariable) })
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}

// SQLite is a new database file.
func SQLite(tb testing.TB) *DB {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "test.db")
	empty, err := sqliteTemplate()
	if err == nil {
		err = os.WriteFile(file, empty, 0o600)
	}
	if err != nil {
		tb.Fatalf("make a database: %v", err)
	}
	return &DB{URL: "sqlite:" + file, Dir: dir, tb: tb}
}

// Postgres is a new database on the server that PostgresVariable names. The test is skipped when there is none.
func Postgres(tb testing.TB) *DB {
	tb.Helper()
	admin := os.Getenv(PostgresVariable)
	if admin == "" {
		Missing(tb, PostgresVariable+" is not set")
	}
	template, err := postgresTemplate(admin)
	if err != nil {
		tb.Fatalf("make the template database: %v", err)
	}
	name := fmt.Sprintf("%s%d_%d", prefix, os.Getpid(), databases.Add(1))
	if err := administer(admin, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatalf("make a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := administer(admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop the database: %v", err)
		}
	})
	return &DB{Postgres: true, URL: withDatabase(admin, name), Dir: tb.TempDir(), tb: tb}
}

// Options are what Open opens the database with, changed by opts.
func (db *DB) Options(opts ...func(*store.Options)) store.Options {
	key := sha256.Sum256([]byte("storetest"))
	o := store.Options{Database: db.URL, DataDir: db.Dir, MasterKey: key[:], Now: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Open opens the database and closes it when the test ends. After a Close it opens the same database again.
func (db *DB) Open(opts ...func(*store.Options)) *store.Store {
	db.tb.Helper()
	s, err := store.Open(context.Background(), db.Options(opts...))
	if err != nil {
		db.tb.Fatalf("open the store: %v", err)
	}
	db.tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			db.tb.Errorf("close the store: %v", err)
		}
	})
	return s
}

// OtherNode gives Open a data directory of its own, which makes it another node. SQLite serves one.
func (db *DB) OtherNode(o *store.Options) { o.DataDir = db.tb.TempDir() }

// Now gives Open another clock.
func Now(now func() time.Time) func(*store.Options) { return func(o *store.Options) { o.Now = now } }

// Clock is a clock that stands until it is moved.
type Clock struct{ ms atomic.Int64 }

// NewClock returns a clock that shows t.
func NewClock(t time.Time) *Clock {
	c := new(Clock)
	c.ms.Store(t.UnixMilli())
	return c
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// sqliteTemplate is the file that others begin as: migrating once is quicker than for each test.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "template.db")
	if _, err := store.Migrate(context.Background(), store.Options{Database: "sqlite:" + file, DataDir: dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

const prefix = "hookswitch_test_"

var (
	databases atomic.Int64
	template  struct {
		once sync.Once
		name string
		err  error
	}
)

// postgresTemplate is the database that others are copied from, for the same reason.
func postgresTemplate(admin string) (string, error) {
	template.once.Do(func() {
		template.name = fmt.Sprintf("%s%d_template", prefix, os.Getpid())
		if template.err = dropLeftovers(admin); template.err != nil {
			return
		}
		if template.err = administer(admin, "CREATE DATABASE "+template.name); template.err != nil {
			return
		}
		_, template.err = store.Migrate(context.Background(), store.Options{Database: withDatabase(admin, template.name)})
	})
	return template.name, template.err
}

// dropLeftovers drops the databases of test processes that are over. A template lives as long as its process, which cannot drop it at its end.
func dropLeftovers(admin string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1)`, prefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) && isDir("/proc/self") {
			// Another test process may be dropping it too.
			_, _ = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func administer(admin, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func withDatabase(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		return admin // Connect has read it
	}
	u.Path = "/" + name
	return u.String()
}
