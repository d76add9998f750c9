package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestServe_RefusesADataDirectoryThatIsInUse(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		first := Start(t, Options{Kind: kind})
		second := New(t, Options{Kind: kind, DataDir: first.DataDir, Settings: map[string]string{"database": first.Database}})
		refused(t, first, second, first.DataDir)
	})
}

func TestServe_RefusesADatabaseFileThatIsInUse(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("5a", 32)
	first := Start(t, Options{Settings: map[string]string{"master-key": key}})
	file := strings.TrimPrefix(first.Database, "sqlite:")
	second := New(t, Options{Settings: map[string]string{"master-key": key, "database": first.Database}})
	refused(t, first, second, file)
}

// refused checks that second does not start beside first, says why, and leaves first alone; and that it starts once first is gone.
func refused(t *testing.T, first, second *Server, names string) {
	t.Helper()
	second.Launch()
	if err := second.Wait(); err == nil {
		t.Error("the second process ended with status 0, want a failure")
	}
	said := second.Log()
	if !strings.Contains(said, "another ") || !strings.Contains(said, names) {
		t.Errorf("the second process does not say that another one has %s:\n%s", names, said)
	}
	if strings.Contains(said, "goroutine ") {
		t.Errorf("the second process panicked:\n%s", said)
	}
	first.Call(http.MethodGet, "/readyz", nil, nil, http.StatusOK)
	first.Kill()
	second.Start()
}
