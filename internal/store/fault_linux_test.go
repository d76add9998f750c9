package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestSQLite_AFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("no small disk can be made here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(t.Context(), store.Options{DataDir: dir, MasterKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := &fixture{t: t, Store: s, clock: storetest.NewClock(time.Now()), keys: hookswitch.NewKeys(s.Node().Number, time.Now)}
	f.app = f.newApp()
	l := &load{f: f, endpoint: f.newEndpoint().Key}
	first := l.run(4, 20)
	ballast := filepath.Join(dir, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	for range 50 {
		if err = f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{{Key: f.keys.Next(), App: f.app, Type: "a", Payload: make([]byte, 100<<10)}}}); err != nil {
			break
		}
	}
	wantKind(t, err, hookswitch.Unavailable)
	select {
	case err := <-f.Fatal():
		t.Fatalf("it gives up: %v", err)
	default:
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	second := l.run(4, 20)
	l.check(append(first, second...))
}
