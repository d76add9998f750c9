package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNodes_TwoShareOneDatabase runs two nodes over one PostgreSQL: either takes events, both know of each other's changes, every event arrives, and a node
// without the master key refuses to start.
func TestNodes_TwoShareOneDatabase(t *testing.T) {
	t.Parallel()
	Postgres.need(t)
	first := Start(t, Options{Kind: Postgres, Settings: map[string]string{"log-level": "warn"}})
	dir := filepath.Join(t.TempDir(), "second")
	second := New(t, Options{Kind: Postgres, DataDir: dir, Settings: map[string]string{"database": first.Database, "log-level": "warn", "operator-token": first.Token}})

	second.Launch()
	if err := second.Wait(); err == nil || !strings.Contains(second.Log(), "master.key") {
		t.Fatalf("a node with another master key: got %v and the log %q, want a refusal that says what to copy", err, second.Log())
	}
	key, err := os.ReadFile(filepath.Join(first.DataDir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "master.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	second.Token = first.Token
	second.Start()

	app := first.CreateApp("shared")
	receiver := NewReceiver(t)
	nodes := []*Server{first, second}
	publish := func(n int) []string {
		ids := make([]string, n)
		for i := range ids {
			var out struct{ ID string }
			nodes[i%2].Call(http.MethodPost, "/api/v1/app/"+app+"/msg", map[string]any{"eventType": "a", "payload": map[string]any{"i": i}}, &out, http.StatusAccepted)
			ids[i] = out.ID
		}
		return ids
	}
	publish(2) // both have the app, with no endpoint, in their caches
	receiver.CreateEndpoint(first, app, "one", EndpointIn{}, nil)
	ids := publish(200)
	receiver.Taken(20*time.Second, "one", ids...)
	receiver.CreateEndpoint(second, app, "two", EndpointIn{}, nil)
	ids = publish(200)
	receiver.Taken(20*time.Second, "one", ids...)
	receiver.Taken(20*time.Second, "two", ids...)
	seen := make(map[string]int)
	for _, d := range receiver.Deliveries() {
		seen[d.Endpoint+" "+d.ID]++
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s was delivered %d times with both nodes alive", what, n)
		}
	}
	if want := 600; len(seen) != want {
		t.Errorf("got %d deliveries, want %d", len(seen), want)
	}
	second.Stop()
	receiver.Taken(20*time.Second, "one", func() string {
		var out struct{ ID string }
		first.Call(http.MethodPost, "/api/v1/app/"+app+"/msg", map[string]any{"eventType": "a", "payload": map[string]any{}}, &out, http.StatusAccepted)
		return out.ID
	}())
}
