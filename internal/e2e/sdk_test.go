package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// hookRequest is what came to hooks.
type hookRequest struct {
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// hooks takes any request, for clients in any language, and gives back at /received what came, with ?path= only what came to that path. A path that
// begins with /status/N is answered with status N.
func hooks(t *testing.T) string {
	var mu sync.Mutex
	got := map[string][]hookRequest{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/received" {
			list := []hookRequest{}
			for path, requests := range got {
				if want := r.URL.Query().Get("path"); want == "" || want == path {
					list = append(list, requests...)
				}
			}
			_ = json.NewEncoder(w).Encode(list)
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
		got[r.URL.Path] = append(got[r.URL.Path], hookRequest{r.URL.Path, headers, string(body)})
		if rest, ok := strings.CutPrefix(r.URL.Path, "/status/"); ok {
			text, _, _ := strings.Cut(rest, "/")
			if status, err := strconv.Atoi(text); err == nil {
				w.WriteHeader(status)
			}
		}
		_, _ = io.WriteString(w, "taken")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// startForSDK starts a server that retries soon enough to wait for the end of it.
func startForSDK(t *testing.T, kind Kind) *Server {
	return Start(t, Options{Kind: kind, Settings: map[string]string{
		"allow-networks": "127.0.0.0/8,::1/128", "retry-schedule": "200ms,400ms,800ms",
	}})
}

// suite is a program that drives a server through a client library. It prints "checks N", and for each of its checks a line that begins with "ok" or
// "not ok" and its name; what follows such a line is about it.
type suite struct {
	dir     string
	command []string
	env     []string // besides SERVER_URL, SERVER_TOKEN and RECEIVER_URL
	atLeast int      // checks
	limit   time.Duration
}

// run runs the suite against a server, and each of its checks becomes a test.
func (s suite) run(t *testing.T, server *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "SERVER_URL="+server.URL, "SERVER_TOKEN="+server.Token, "RECEIVER_URL="+hooks(t),
		"HOOKSWITCH_URL="+server.URL, "HOOKSWITCH_OPERATOR_TOKEN="+server.Token) // the samples of docs/svix.md read these
	cmd.Env = append(cmd.Env, s.env...)
	cmd.WaitDelay = 5 * time.Second // for what it started itself
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(s.command, " "), err, out)
	}
	reportChecks(t, string(out), s.atLeast)
}

// reportChecks makes a test of each check that out tells of. There must be as many as were planned, and at least so many.
func reportChecks(t *testing.T, out string, atLeast int) {
	t.Helper()
	checks := readChecks(t, out)
	if checks.planned < atLeast || len(checks.list) != checks.planned {
		t.Errorf("got %d checks of %d planned ones, want at least %d:\n%s", len(checks.list), checks.planned, atLeast, out)
	}
	for _, c := range checks.list {
		t.Run(c.name, func(t *testing.T) {
			if !c.ok {
				t.Error(c.told)
			}
		})
	}
}

type checks struct {
	planned int
	list    []*check
}

type check struct {
	name string
	ok   bool
	told string // what follows its line
}

func readChecks(t *testing.T, out string) checks {
	t.Helper()
	var all checks
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		if n, ok := strings.CutPrefix(line, "checks "); ok && all.planned == 0 {
			var err error
			if all.planned, err = strconv.Atoi(n); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		} else if name, ok := strings.CutPrefix(line, "ok "); ok {
			all.list = append(all.list, &check{name: name, ok: true})
		} else if name, ok := strings.CutPrefix(line, "not ok "); ok {
			all.list = append(all.list, &check{name: name})
		} else if len(all.list) > 0 {
			last := all.list[len(all.list)-1]
			last.told += line + "\n"
		}
	}
	return all
}

func TestReadChecks(t *testing.T) {
	t.Parallel()
	got := readChecks(t, "checks 3\nok a\nnot ok b: c\n    why\n    where\nok d\n")
	if got.planned != 3 || len(got.list) != 3 || !got.list[0].ok || got.list[1].ok || got.list[1].name != "b: c" || got.list[1].told != "    why\n    where\n" {
		t.Errorf("%+v", got)
	}
}

// TestSDK_Node runs both majors of the official client for JavaScript, as its users install it, against the program.
func TestSDK_Node(t *testing.T) {
	if _, err := os.Stat("node/node_modules/svix"); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	Each(t, func(t *testing.T, kind Kind) {
		for _, major := range []string{"1", "2"} {
			t.Run(major+".x", func(t *testing.T) {
				t.Parallel()
				suite{dir: "node", command: []string{"node", "svix.mjs", major}, env: []string{"NODE_NO_WARNINGS=1"}, atLeast: 80, limit: 3 * time.Minute}.
					run(t, startForSDK(t, kind))
			})
		}
	})
}
