package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/hookswitch/hookswitch"
)

var sqliteDialect = &dialect{
	name:     "sqlite",
	words:    map[string]string{"key": "INTEGER PRIMARY KEY", "clustered": "WITHOUT ROWID", "queue": "WITHOUT ROWID", "counter": "WITHOUT ROWID", "bytewise": "COLLATE BINARY"},
	holds:    "instr(%s, %s) > 0",
	finds:    sqliteFinds,
	lag:      maxKeyAge,
	goose:    "sqlite3",
	classify: classifySQLite,
}

func classifySQLite(err error) fault {
	var e *driver.Error
	if !errors.As(err, &e) {
		if errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) {
			return faultAway
		}
		return faultStatement
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_CONSTRAINT:
		if code := e.Code(); code == lib.SQLITE_CONSTRAINT_UNIQUE || code == lib.SQLITE_CONSTRAINT_PRIMARYKEY || code == lib.SQLITE_CONSTRAINT_ROWID {
			return faultUnique
		}
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return faultRetry
	case lib.SQLITE_FULL, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
		return faultAway
	case lib.SQLITE_IOERR, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		if e.Code() == lib.SQLITE_IOERR_SHMSIZE { // no room to grow the index of the write-ahead log; nothing was written
			return faultAway
		}
		return faultFatal
	}
	return faultStatement
}

// sqlite is one file, written by one pinned connection and read by a pool.
type sqlite struct {
	path    string
	log     *slog.Logger
	now     func() time.Time
	lock    *fileLock
	writeDB *sql.DB
	readDB  *sql.DB
	conn    *sql.Conn
	w       *writer
	box     *seal
	marks   *okMarks
	stop    chan struct{}
	stopped chan struct{}
	// written says that the log has grown since it was copied, and finish that it is long and has been copied but for what has come meanwhile.
	written, finish atomic.Bool
	// careful counts down the commits that put each unit under a savepoint. It is the writer's own.
	careful int
}

// How the write-ahead log is copied into the database, in pages.
const (
	copyPages    = 1024  // about as many at a time: a commit that waits for the disk beside it waits for no more
	restartPages = 10240 // a longer log is to begin anew
	pageSize     = 4096  // in bytes, SQLite's default
	shortestCopy = 50 * time.Millisecond
	longestCopy  = time.Second
)

func sqliteDSN(path, pragmas string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return u.String() + "?" + pragmas
}

func openSQLite(ctx context.Context, path string, o Options) (backend, []int64, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the directory of the database: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if errors.Is(err, errLocked) {
		return nil, nil, fmt.Errorf("another process has the database %s open: SQLite serves one hookswitch at a time; stop the other one, or use PostgreSQL for several", path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("lock the database: %w", err)
	}
	if err := makePrivate(path); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make the database: %w", err), lock.release())
	}
	s := &sqlite{path: path, log: o.Logger, now: o.Now, lock: lock, stop: make(chan struct{}), stopped: make(chan struct{})}
	applied, err := s.open(ctx)
	if err != nil {
		close(s.stopped)
		return nil, nil, errors.Join(err, s.close())
	}
	go s.checkpoints()
	return s, applied, nil
}

// makePrivate makes an empty file that only its owner may read: payloads and messages will be in it. SQLite gives its other files the same mode.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (s *sqlite) open(ctx context.Context) (applied []int64, err error) {
	const shared = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)&_pragma=temp_store(2)"
	// SQLite walks through the whole cache after a commit that has balanced a b-tree. With one of 32 MiB that took half as long again, and pushes were no faster for it.
	write := shared + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(0)&_pragma=journal_size_limit(67108864)"
	s.writeDB = openSQLiteDB(sqliteDSN(s.path, write))
	s.writeDB.SetMaxOpenConns(2) // the writer, and one to migrate and to checkpoint with
	s.writeDB.SetConnMaxIdleTime(0)
	if applied, err = migrate(ctx, s.writeDB, sqliteDialect); err != nil {
		return nil, fmt.Errorf("open %s: %w", s.path, err)
	}
	if s.conn, err = s.writeDB.Conn(ctx); err != nil {
		return nil, err
	}
	var mode string
	var synchronous int
	if err := errors.Join(s.conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode), s.conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous)); err != nil {
		return nil, err
	}
	if mode != "wal" || synchronous != 2 {
		return nil, fmt.Errorf("the database %s cannot be written safely here: journal mode %s, synchronous %d; put it on a local disk", s.path, mode, synchronous)
	}
	s.w = newWriter(s.conn)
	s.readDB = openSQLiteDB(sqliteDSN(s.path, shared+"&_pragma=query_only(1)&_pragma=cache_size(-8192)"))
	s.readDB.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	s.readDB.SetMaxIdleConns(4)
	return applied, nil
}

func (s *sqlite) dialect() *dialect { return sqliteDialect }

func (s *sqlite) reader() *sql.DB { return s.readDB }

func (s *sqlite) statements() querier { return cachedStatements(s.readDB) }

// apart is false: nobody else writes.
func (s *sqlite) apart() bool { return false }

// update reports that updates ride in batches: there is one writer.
func (s *sqlite) update(context.Context, func(*Tx) error) (bool, error) { return false, nil }

// carefulCommits is how many commits after one that had to be done again put each unit under a savepoint: units that fail seldom come alone.
const carefulCommits = 64

// errUndo is of a batch, one unit of which has failed after it had written.
var errUndo = errors.New("a unit has to be undone")

func (s *sqlite) commit(b *batch) error {
	s.finishLog(context.Background())
	if s.careful > 0 {
		s.careful--
		return s.commitAs(b, true)
	}
	err := s.commitAs(b, false)
	if errors.Is(err, errUndo) {
		s.careful = carefulCommits
		return s.commitAs(b, true)
	}
	return err
}

// commitAs commits a batch, careful with each unit under a savepoint. These cost a copy of each page that the unit changes, and hardly any unit fails that has written:
// without them errUndo tells that one did, and nothing is committed.
func (s *sqlite) commitAs(b *batch, careful bool) (err error) {
	ctx := context.Background()
	if _, err := s.w.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// A full disk has rolled it back already.
			if _, undo := s.w.ExecContext(ctx, `ROLLBACK`); undo != nil && classifySQLite(err) != faultAway {
				s.log.Error("commit: roll back", "error", undo)
			}
		}
	}()
	w := &noted{writer: s.w, careful: careful}
	tx := &Tx{Reader: Reader{q: w, d: sqliteDialect, box: s.box}, ctx: ctx, versions: make(map[hookswitch.Key]int64, 4)}
	for _, a := range b.accepts {
		if err := s.accept(tx, w, a); err != nil {
			return err
		}
	}
	for _, u := range b.updates {
		if err := s.runUpdate(tx, w, u); err != nil {
			return err
		}
	}
	now := s.now().UnixMilli()
	t := s.marks.tally(b.outcomes, now)
	if err := s.outcomes(tx, b.outcomes, t, now); err != nil {
		return err
	}
	if _, err = s.w.ExecContext(ctx, `COMMIT`); err != nil {
		return err
	}
	s.written.Store(true)
	s.marks.note(t, now)
	return nil
}

func (s *sqlite) accept(tx *Tx, w *noted, a *Accept) error {
	a.err = nil
	if err := tx.CheckVersion(a.App, a.Version); errors.Is(err, ErrStale) || hookswitch.KindOf(err) == hookswitch.NotFound {
		a.err = ErrStale
		return nil
	} else if err != nil {
		return err
	}
	if len(a.Once) > 1 { // all of them, or none
		return s.guarded(tx, w, &a.err, func(tx *Tx) error { return acceptRows(tx, a, s.now()) })
	}
	err := acceptRows(tx, a, s.now())
	var dup *DuplicateError
	if errors.As(err, &dup) {
		a.err, err = err, nil
	}
	return err
}

// acceptRows claims what must not happen twice, and then inserts. With one claim nothing has been written when it fails.
func acceptRows(tx *Tx, a *Accept, now time.Time) error {
	for _, o := range a.Once {
		if err := tx.Claim(o, now); err != nil {
			return err
		}
	}
	return tx.Append(a.Events, a.Deliveries)
}

func (s *sqlite) runUpdate(tx *Tx, w *noted, u *unit) error {
	u.err = nil
	return s.guarded(tx, w, &u.err, u.update)
}

// guarded runs fn, of whose failure nothing stays. It is noted in result; what is returned is a failure of the batch.
func (s *sqlite) guarded(tx *Tx, w *noted, result *error, fn func(*Tx) error) error {
	if w.careful {
		if _, err := w.ExecContext(tx.ctx, `SAVEPOINT unit`); err != nil {
			return err
		}
	}
	tx.failed, w.wrote = nil, false
	if *result = call(tx, fn); *result != nil {
		if f := classifySQLite(*result); f == faultAway || f == faultFatal {
			return *result
		}
		switch {
		case !w.wrote:
		case !w.careful:
			return errUndo
		default:
			if _, err := w.ExecContext(tx.ctx, `ROLLBACK TO unit`); err != nil {
				return err
			}
			clear(tx.versions) // it may have read its own
		}
	}
	if w.careful {
		_, err := w.ExecContext(tx.ctx, `RELEASE unit`)
		return err
	}
	return nil
}

// noted are statements that note whether one of them may have written. One that fails has not, nor has one that changes no row.
type noted struct {
	*writer
	careful, wrote bool
}

// ExecContext runs the statement, and notes whether it changed rows.
func (n *noted) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	res, err := n.writer.ExecContext(ctx, text, args...)
	if err == nil {
		changed, err := res.RowsAffected()
		n.wrote = n.wrote || changed != 0 || err != nil
	}
	return res, err
}

// QueryContext runs the query, and notes one that may write.
func (n *noted) QueryContext(ctx context.Context, text string, args ...any) (rows, error) {
	n.asks(text)
	return n.writer.QueryContext(ctx, text, args...)
}

// QueryRowContext runs the query, and notes one that may write.
func (n *noted) QueryRowContext(ctx context.Context, text string, args ...any) rowScanner {
	n.asks(text)
	return n.writer.QueryRowContext(ctx, text, args...)
}

func (n *noted) asks(text string) { n.wrote = n.wrote || !strings.HasPrefix(text, "SELECT") }

func (s *sqlite) outcomes(tx *Tx, list []*Outcome, t tally, now int64) error {
	for _, o := range list {
		if _, err := tx.settle(o); err != nil {
			return err
		}
	}
	for k, n := range t.counts {
		if _, err := tx.exec(addCount, int64(k.endpoint), k.hour, k.node, n[0], n[1]); err != nil {
			return err
		}
	}
	for _, endpoint := range t.marks {
		if _, err := tx.exec(markOK, int64(endpoint), now); err != nil {
			return err
		}
	}
	return nil
}

// checkpoints copies the write-ahead log into the database from a connection of its own, the more often the faster it grows: a little at a time, because whoever commits
// meanwhile waits for the disk as well.
func (s *sqlite) checkpoints() {
	defer close(s.stopped)
	wait := longestCopy
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for copied := int64(0); ; timer.Reset(wait) {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		if !s.written.Swap(false) {
			continue
		}
		frames, err := s.copyLog("PASSIVE")
		if err != nil {
			s.log.Warn("checkpoint", "error", err)
			continue
		}
		if frames < 0 { // the writer is at it
			s.written.Store(true)
			continue
		}
		if frames > restartPages {
			s.finish.Store(true)
		}
		if frames < copied {
			copied = 0 // it has begun anew
		}
		wait = min(max(shortestCopy, wait*copyPages/time.Duration(max(1, frames-copied))), longestCopy)
		copied = frames
	}
}

// finishLog lets a long log begin anew: the writer, which writes nothing meanwhile, copies the little that has come since the copy beside it, and SQLite begins at the
// start with the next transaction unless somebody still reads what is older. It waits for nobody; a long reader makes it come again.
func (s *sqlite) finishLog(ctx context.Context) {
	if !s.finish.CompareAndSwap(true, false) {
		return
	}
	if _, err := s.conn.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
		s.log.Warn("checkpoint", "error", err)
	}
}

// copyLog is a checkpoint of the given mode. It returns how many pages the write-ahead log holds.
func (s *sqlite) copyLog(mode string) (frames int64, err error) {
	var busy, done int64
	if err = s.writeDB.QueryRow(`PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &frames, &done); err != nil {
		err = fmt.Errorf("copy the log (%s): %w", mode, err)
	}
	return frames, err
}

func (s *sqlite) close() error {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.stopped
	var errs []error
	if s.readDB != nil {
		errs = append(errs, s.readDB.Close())
	}
	if s.conn != nil {
		if s.w != nil {
			errs = append(errs, s.w.close())
		}
		if _, err := s.copyLog("TRUNCATE"); err != nil {
			s.log.Warn("checkpoint", "error", err)
		}
		errs = append(errs, s.conn.Close())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}
