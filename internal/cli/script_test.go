package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hookswitch/hookswitch/internal/cli"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hookswitch": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		os.Exit(cli.Run(ctx, os.Args[1:], cli.Deps{
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: "v0.0.0-test",
			Serve: func(ctx context.Context, s config.Server, out io.Writer) error {
				return server.Serve(ctx, s, out, s.Logger(os.Stderr))
			},
			Migrate: func(ctx context.Context, s config.Server) ([]int64, error) {
				return server.Migrate(ctx, &s, s.Logger(os.Stderr))
			},
		}))
	}})
}

// TestScripts runs the commands as processes against a real server on a free port. A script finds its data directory where the commands look for
// it, and in $RECEIVER the URL of a receiver. Of the commands in scripts, "field NAME VARIABLE" takes a field of the JSON on standard output, and
// "received REGEXP" waits until the receiver has got a body that matches, and "await REGEXP COMMAND…" repeats a command until its output does.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"field":    field,
			"received": received,
			"ready":    ready,
			"await":    await,
		},
	})
}

func setUp(env *testscript.Env) error {
	b, err := os.ReadFile(filepath.Join("testdata", "senders.json"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(env.Getenv("WORK")+"/senders.json", b, 0o600); err != nil {
		return err
	}
	r := newReceiver()
	env.Defer(r.server.Close)
	env.Values["receiver"] = r
	env.Setenv("RECEIVER", r.server.URL)

	settings, err := parseSettings("--listen=127.0.0.1:0", "--allow-networks=127.0.0.0/8", "--data-dir="+env.Getenv("WORK")+"/hookswitch-data", "--retry-schedule=none", "--shutdown-timeout=5s")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, settings, slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	env.Defer(func() {
		stop()
		if err := <-done; err != nil {
			env.T().Log("the server: ", err)
		}
	})
	env.Setenv("HOOKSWITCH_URL", s.URL())
	return nil
}

// parseSettings are the settings of a server as its flags say.
func parseSettings(flags ...string) (*config.Server, error) {
	var line struct {
		Serve struct{ config.Server } `cmd:""`
	}
	k, err := kong.New(&line)
	if err != nil {
		return nil, err
	}
	_, err = k.Parse(append([]string{"serve"}, flags...))
	return &line.Serve.Server, err
}

// receiver is an endpoint that keeps what it gets. It answers 500 to what arrives at /fail.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	bodies []string
	more   chan struct{} // closed when another body has come
}

func newReceiver() *receiver {
	r := &receiver{more: make(chan struct{})}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		if req.URL.Path == "/fail" {
			http.Error(w, "try \x1b[31mlater", http.StatusInternalServerError)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(b))
		close(r.more)
		r.more = make(chan struct{})
	}))
	return r
}

func received(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] received REGEXP")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	r := ts.Value("receiver").(*receiver)
	deadline := time.After(10 * time.Second)
	for {
		r.mu.Lock()
		bodies, more := r.bodies, r.more
		r.mu.Unlock()
		found := slices.ContainsFunc(bodies, want.MatchString)
		switch {
		case found && neg:
			ts.Fatalf("received %q", bodies)
		case found || neg:
			return
		}
		select {
		case <-more:
		case <-deadline:
			ts.Fatalf("received %q, nothing that matches %s", bodies, want)
		}
	}
}

// await is for what the server writes down a moment after it has happened.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await REGEXP COMMAND [ARG…]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("no match for %s", want)
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME VARIABLE")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for name := range strings.SplitSeq(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			v = at[0]
			if m, ok := v.(map[string]any); ok {
				v = m[name]
			}
		}
	}
	if v == nil {
		ts.Fatalf("there is no field %s in %s", args[0], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[1], fmt.Sprint(v))
}

// ready waits until the file at the first argument, which a program in the background writes, tells its address, and puts that into the variable of the
// second.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ready FILE VARIABLE")
	}
	runs := regexp.MustCompile(`(?:runs at|address) +(\S+)\n`)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); <-tick.C {
		b, _ := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		if m := runs.FindSubmatch(b); m != nil {
			ts.Setenv(args[1], string(m[1]))
			return
		}
	}
	ts.Fatalf("no server came up")
}
