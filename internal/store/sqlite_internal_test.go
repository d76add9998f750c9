package store

import (
	"path/filepath"
	"testing"
)

func TestSQLite_ALongLogBeginsAnewWithoutWaitingForReaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Database: "sqlite:" + filepath.Join(dir, "a.db"), DataDir: dir, MasterKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	b := s.backend.(*sqlite)
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
