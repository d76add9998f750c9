package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/hookswitch/hookswitch"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are what Open needs to know.
type Options struct {
	// Database is "sqlite:FILE", a file name, or a postgres:// URL.
	Database string
	// DataDir holds the identity of this node. Its lock proves that no other process runs as the same node.
	DataDir string
	// MasterKey has 32 bytes and encrypts secrets and credentials at rest.
	MasterKey []byte
	Now       func() time.Time
	Logger    *slog.Logger
	// Observe, where set, is told of each group commit: how many units of work and how long it took.
	Observe func(units int, took time.Duration)
}

// Store is an open database. Its methods may be used from many goroutines.
type Store struct {
	Reader
	log      *slog.Logger
	now      func() time.Time
	observe  func(int, time.Duration)
	backend  backend
	readers  *sql.DB
	lock     *fileLock
	node     Node
	idKey    []byte
	queue    *queue
	lines    *lines
	marks    *okMarks
	flights  flights
	fatal    chan error
	closed   atomic.Bool
	away     bool // the database was away at the last commit; the committer's own
	finished chan struct{}
	closing  chan struct{}
	indexing sync.WaitGroup // for indexLoop
}

// Node is this process among those that share the database.
type Node struct {
	Number   int
	Epoch    int64
	Instance string
}

// backend is what the two databases do in different ways: opening, committing a batch, and running a transaction.
type backend interface {
	dialect() *dialect
	// reader is the pool that reads go to, and statements runs texts on it.
	reader() *sql.DB
	statements() querier
	// commit writes b in one transaction. An error means that nothing of it is there, unless it is errUnknown.
	commit(b *batch) error
	// update runs fn in one transaction, outside of group commits, or reports false when updates ride in batches.
	update(ctx context.Context, fn func(*Tx) error) (ran bool, err error)
	// apart reports whether accepts for ordered endpoints, which wait for the lock of a position, are committed beside the others.
	apart() bool
	size(ctx context.Context) (Size, error)
	close() error
}

// errUnknown says that the answer to a COMMIT was lost: the batch may be there or not.
var errUnknown = errors.New("the answer to the commit was lost")

// Open opens the database, brings its schema up to date, and claims a place among its nodes. Close must be called.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(int, time.Duration) {}
	}
	box, err := newSeal(o.MasterKey)
	if err != nil {
		return nil, err
	}
	instance, lock, err := lockInstance(o.DataDir)
	if err != nil {
		return nil, err
	}
	marks := newOKMarks()
	be, err := openBackend(ctx, o, box, marks)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	s := &Store{
		Reader: Reader{q: be.statements(), d: be.dialect(), box: box},
		log:    o.Logger, now: o.Now, observe: o.Observe, backend: be, readers: be.reader(), lock: lock,
		queue: newQueue(), lines: newLines(), marks: marks, fatal: make(chan error, 1), finished: make(chan struct{}), closing: make(chan struct{}),
	}
	go s.commitLoop()
	if err := s.join(ctx, instance); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.indexing.Go(s.indexLoop)
	return s, nil
}

// Migrate brings the schema of a database up to date and returns the versions it applied.
func Migrate(ctx context.Context, o Options) ([]int64, error) {
	be, applied, err := openRaw(ctx, o)
	if err != nil {
		return nil, err
	}
	return applied, be.close()
}

func openBackend(ctx context.Context, o Options, box *seal, marks *okMarks) (backend, error) {
	be, _, err := openRaw(ctx, o)
	if err != nil {
		return nil, err
	}
	switch b := be.(type) {
	case *sqlite:
		b.box, b.marks = box, marks
	case *postgres:
		b.box, b.marks = box, marks
	}
	return be, nil
}

func openRaw(ctx context.Context, o Options) (backend, []int64, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if IsPostgres(o.Database) {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, sqliteFile(o), o)
}

// IsPostgres reports whether database names a PostgreSQL database rather than an SQLite file.
func IsPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

func sqliteFile(o Options) string {
	file := strings.TrimPrefix(o.Database, "sqlite:")
	if file == "" {
		file = "hookswitch.db"
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(o.DataDir, file)
	}
	return file
}

// migrate applies what is missing, and refuses a schema newer than this binary knows.
func migrate(ctx context.Context, db *sql.DB, d *dialect) ([]int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var newest int64
	steps := make([]*goose.Migration, 0, len(files))
	for _, name := range files {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseInt(strings.SplitN(filepath.Base(name), "_", 2)[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, number)
		steps = append(steps, goose.NewGoMigration(number, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			for _, statement := range strings.Split(d.schema(string(text)), ";\n") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return fmt.Errorf("migration %s: %w", filepath.Base(name), err)
				}
			}
			return nil
		}}, nil))
	}
	p, err := goose.NewProvider(goose.Dialect(d.goose), db, nil, goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	if have > newest {
		return nil, fmt.Errorf("the database has schema version %d and this program knows only %d: it has been used by a newer version; use that one", have, newest)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return nil, err
	}
	applied := make([]int64, 0, len(done))
	for _, r := range done {
		applied = append(applied, r.Source.Version)
	}
	return applied, nil
}

// join makes this process a node: it checks the master key, finds its number, and takes back what its predecessor held. The lock on the data
// directory has proved that one dead.
func (s *Store) join(ctx context.Context, instance string) error {
	return s.Update(ctx, func(tx *Tx) error {
		fingerprint, err := tx.meta("master_key", s.box.fingerprint[:])
		if err != nil {
			return err
		}
		if string(fingerprint) != string(s.box.fingerprint[:]) {
			return fmt.Errorf("the database's secrets are encrypted under another master key than the one given (%s): copy master.key from the data directory that was used before", s.box.name())
		}
		fresh := make([]byte, 32)
		if _, err := rand.Read(fresh); err != nil {
			return err
		}
		if s.idKey, err = tx.meta("id_key", fresh); err != nil {
			return err
		}
		if s.node, err = tx.joinNode(instance, s.now()); err != nil {
			return err
		}
		if err := tx.ensureOrganization(s.now()); err != nil {
			return err
		}
		return tx.takeBack(s.node.Number, s.now())
	})
}

// Node is this process's place among the nodes.
func (s *Store) Node() Node { return s.node }

// IDKey is the key that ids are made under. It was made once with the database.
func (s *Store) IDKey() []byte { return s.idKey }

// Fatal yields an error when the storage cannot be trusted any more. The process has to end then.
func (s *Store) Fatal() <-chan error { return s.fatal }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.readers.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return unavailable(err)
	}
	return nil
}

// Close writes what is queued, and closes the database.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	close(s.closing)
	s.indexing.Wait()
	s.lines.close()
	s.queue.close()
	<-s.finished
	return errors.Join(s.Reader.close(), s.backend.close(), s.lock.release())
}

// unavailable makes an error of the database one that asks the caller to come again.
func unavailable(err error) error {
	return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the store cannot take it now; try again", RetryAfter: time.Second, Err: err}
}
