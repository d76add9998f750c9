package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// hooks takes any request and gives all of them back at /received, for clients in other languages.
func hooks(t *testing.T) string {
	type request struct {
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	var mu sync.Mutex
	got := []request{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/received" {
			_ = json.NewEncoder(w).Encode(got)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		headers := make(map[string]string, len(r.Header))
		for name := range r.Header {
			headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		got = append(got, request{r.URL.Path, headers, string(body)})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestSDK_OfficialNodeClients runs both majors of the official client, as its users install it, against the program.
func TestSDK_OfficialNodeClients(t *testing.T) {
	if _, err := os.Stat("node/node_modules/svix1"); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	Each(t, func(t *testing.T, kind Kind) {
		s := Start(t, Options{Kind: kind, Settings: map[string]string{
			"allow-networks": "127.0.0.0/8,::1/128", "retry-schedule": "200ms,400ms,800ms",
		}})
		receiver := hooks(t)
		for _, major := range []string{"1", "2"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "svix.mjs", major)
			cmd.Dir = "node"
			cmd.Env = append(os.Environ(), "SERVER_URL="+s.URL, "SERVER_TOKEN="+s.Token, "RECEIVER_URL="+receiver, "NODE_NO_WARNINGS=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("svix %s.x: %v\n%s", major, err, out)
			} else if got := strings.Count(string(out), "ok "); got < 10 {
				t.Errorf("svix %s.x: got %d checks, want at least 10:\n%s", major, got, out)
			}
		}
	})
}
