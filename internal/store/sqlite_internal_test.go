package store

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

// openOnSQLite opens a store, which is closed when the test ends.
func openOnSQLite(t *testing.T) (*Store, *sqlite) {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Database: "sqlite:" + filepath.Join(dir, "a.db"), DataDir: dir, MasterKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, s.backend.(*sqlite)
}

func TestSQLite_ALongLogBeginsAnewWithoutWaitingForReaders(t *testing.T) {
	t.Parallel()
	s, b := openOnSQLite(t)
	write := func(statement string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.write(statement) }); err != nil {
			t.Fatal(err)
		}
	}
	pages := func() int64 {
		t.Helper()
		n, err := b.copyLog("PASSIVE")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write(`CREATE TABLE ballast (x BLOB)`)
	for range 40 {
		write(`INSERT INTO ballast VALUES (zeroblob(100000))`)
	}
	long := pages()
	if long < 900 {
		t.Fatalf("the log has %d pages after four megabytes", long)
	}

	for range 40 { // a reader of what is copied already would not need the log
		write(`INSERT INTO ballast VALUES (zeroblob(100000))`)
	}
	tx, err := b.readDB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM ballast`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	write(`INSERT INTO ballast VALUES (1)`) // what is read from now on is not what the reader reads
	b.finish.Store(true)
	write(`INSERT INTO ballast VALUES (2)`)
	if got := pages(); got < long/2 {
		t.Errorf("the log has %d pages, and somebody reads it", got)
	}
	if err := tx.QueryRow(`SELECT COUNT(*) FROM ballast`).Scan(&n); err != nil || n != 80 {
		t.Errorf("the reader sees %d rows, %v; want the 80 of its beginning", n, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}

	b.finish.Store(true)
	write(`INSERT INTO ballast VALUES (3)`)
	if got := pages(); got > 100 {
		t.Errorf("the log has %d pages, and nobody reads it", got)
	}
}

func TestSQLite_NothingStaysOfAUnitThatFailsAfterItHasWritten(t *testing.T) {
	t.Parallel()
	s, b := openOnSQLite(t)
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.write(`CREATE TABLE notes (text TEXT)`) }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	insert := func(text string, err error) *unit {
		return &unit{update: func(tx *Tx) error { return cmp.Or(tx.write(`INSERT INTO notes VALUES ($1)`, text), err) }}
	}
	idle := &unit{update: func(tx *Tx) error { // it changes nothing
		if err := tx.write(`DELETE FROM notes WHERE text = 'nothing'`); err != nil {
			return err
		}
		return refused
	}}
	for _, c := range []struct {
		units   []*unit
		stays   string
		careful int
	}{
		{[]*unit{insert("a", nil), idle, insert("b", nil)}, "ab", 0},
		{[]*unit{insert("a", nil), insert("b", refused), insert("c", nil)}, "ac", carefulCommits},
		{[]*unit{insert("a", refused), insert("b", nil)}, "b", carefulCommits - 1},
	} {
		if _, err := b.conn.ExecContext(t.Context(), `DELETE FROM notes`); err != nil {
			t.Fatal(err)
		}
		if err := b.commit(&batch{updates: c.units}); err != nil {
			t.Fatal(err)
		}
		var stays string
		if err := b.conn.QueryRowContext(t.Context(), `SELECT group_concat(text, '') FROM (SELECT text FROM notes ORDER BY text)`).Scan(&stays); err != nil || stays != c.stays {
			t.Errorf("%q stays, %v; want %q", stays, err, c.stays)
		}
		if b.careful != c.careful {
			t.Errorf("%d more commits are careful, want %d", b.careful, c.careful)
		}
	}
}

func TestSQLite_UnitsOfOneCommitSeeEachOthersVersionsOfAnApp(t *testing.T) {
	t.Parallel()
	_, b := openOnSQLite(t)
	refused := errors.New("refused")
	check := func(version int64) *unit {
		return &unit{update: func(tx *Tx) error { return tx.CheckVersion(hookswitch.OrganizationApp, version) }}
	}
	touch := func(check int64, err error) *unit {
		return &unit{update: func(tx *Tx) error {
			return cmp.Or(tx.TouchApp(hookswitch.OrganizationApp, time.Now()), tx.CheckVersion(hookswitch.OrganizationApp, check), err)
		}}
	}
	accept := func(version int64) *Accept { return &Accept{App: hookswitch.OrganizationApp, Version: version} }
	now, before, nowhere := accept(1), accept(0), &Accept{App: 12345, Version: 1}
	units := []*unit{check(1), touch(2, refused), check(1), touch(2, nil), check(1), check(2)}
	if err := b.commit(&batch{accepts: []*Accept{now, before, nowhere}, updates: units}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, refused, nil, nil, ErrStale, nil} {
		if got := units[i].err; !errors.Is(got, want) {
			t.Errorf("unit %d: %v, want %v", i, got, want)
		}
	}
	if now.err != nil || !errors.Is(before.err, ErrStale) || !errors.Is(nowhere.err, ErrStale) {
		t.Errorf("accepts: %v for the version of the app, %v for the one before, %v for no app", now.err, before.err, nowhere.err)
	}
}

// Texts beyond those that are kept prepared run all the same, and a value that no column takes is refused before it is run.
func TestSQLite_WritesWhatIsNotKeptPrepared(t *testing.T) {
	t.Parallel()
	s, b := openOnSQLite(t)
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.write(`CREATE TABLE notes (n INTEGER, text TEXT)`) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		for i := range stmtLimit + 10 {
			if err := tx.write(fmt.Sprintf(`INSERT INTO notes (n, text) VALUES ($1, $2 || '%d')`, i), i, "no. "); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(b.w.by); n > stmtLimit {
		t.Errorf("%d statements are kept prepared, %d at most", n, stmtLimit)
	}
	if n, err := s.Int(t.Context(), `SELECT COUNT(*) FROM notes WHERE text = 'no. ' || n`); err != nil || n != stmtLimit+10 {
		t.Errorf("%d were written, %v", n, err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.write(`INSERT INTO notes (n) VALUES ($1)`, make(chan int)) }); err == nil {
		t.Error("a channel was written")
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.write(`INSERT INTO notes (n) VALUES ($1)`, 7) }); err != nil {
		t.Errorf("after that: %v", err)
	}
}
