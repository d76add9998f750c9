package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// fileLock is a file that one process at a time holds.
type fileLock struct{ f *os.File }

// errLocked says that another process holds the lock.
var errLocked = errors.New("another process holds the lock")

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileLock{f}, nil
}

func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.f.Close() // closing lets go of the lock
}

// lockInstance takes the data directory and returns the identity kept in it, making one where there is none.
func lockInstance(dir string) (id string, l *fileLock, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, "instance")
	l, err = lockFile(path)
	if errors.Is(err, errLocked) {
		return "", nil, fmt.Errorf("another hookswitch runs with the data directory %s: stop it, or give this one a directory of its own (--data-dir)", dir)
	}
	if err != nil {
		return "", nil, fmt.Errorf("lock the data directory: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(l.f, 64))
	if err != nil {
		return "", nil, errors.Join(err, l.release())
	}
	if id = strings.TrimSpace(string(b)); len(id) == 32 {
		return id, l, nil
	}
	fresh := make([]byte, 16)
	if _, err := rand.Read(fresh); err != nil {
		return "", nil, errors.Join(err, l.release())
	}
	id = hex.EncodeToString(fresh)
	if err := errors.Join(l.f.Truncate(0), writeAt(l.f, id), l.f.Sync()); err != nil {
		return "", nil, errors.Join(err, l.release())
	}
	return id, l, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}
