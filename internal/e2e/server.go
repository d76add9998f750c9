package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options say how a Server is started.
type Options struct {
	// Kind is the kind of database; SQLite when empty. The database is made for the Server, unless Settings name another.
	Kind Kind
	// DataDir is the data directory; a new one when empty.
	DataDir string
	// Settings are settings of `hookswitch serve` by name, such as "retry-schedule".
	Settings map[string]string
	// Command is what the program is told to do, `serve` when empty.
	Command []string
}

// Server is the program, over all its lives. Its methods are for the goroutine of the test, but for Do and Call, which any may use.
type Server struct {
	// URL is where it listens, the same in all lives, without a slash at the end.
	URL string
	// Token is the operator's bearer token.
	Token string
	// DataDir is its data directory.
	DataDir string
	// Kind is its kind of database.
	Kind Kind
	// Database is the setting that names its database.
	Database string

	tb     testing.TB
	path   string
	args   []string
	env    []string
	client *http.Client
	log    *logFile
	life   *life
	lives  int
}

// life is one process.
type life struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // once ended is closed
}

// New prepares a Server without starting it. When the test ends, it is killed if it runs, and what it said is shown if the test failed.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := &Server{tb: tb, path: Binary(tb), args: o.Command, Token: rand.Text(), DataDir: o.DataDir, Kind: o.Kind, log: &logFile{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}}
	if len(s.args) == 0 {
		s.args = []string{"serve"}
	}
	if s.Kind == "" {
		s.Kind = SQLite
	}
	if s.DataDir == "" {
		s.DataDir = filepath.Join(tb.TempDir(), "data")
	}
	if s.Database = o.Settings["database"]; s.Database == "" {
		s.Database = s.Kind.database(tb, s.DataDir)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(tb))
	s.URL = "http://" + listen
	settings := map[string]string{"listen": listen, "data-dir": s.DataDir, "database": s.Database, "operator-token": s.Token,
		"allow-networks": "127.0.0.0/8", "log-level": "info"}
	for name, value := range o.Settings {
		settings[name] = value
	}
	s.env = environment(settings)
	tb.Cleanup(s.cleanup)
	return s
}

// Start prepares a Server, starts it, and waits until it serves.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := New(tb, o)
	s.Start()
	return s
}

// environment is this process's environment, with settings in place of those that would reach the program by chance.
func environment(settings map[string]string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOOKSWITCH_") && !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	for name, value := range settings {
		env = append(env, "HOOKSWITCH_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	return env
}

// Start begins a life and waits until it serves.
func (s *Server) Start() {
	s.tb.Helper()
	s.Launch()
	s.WaitReady()
}

// Launch begins a life and does not wait for anything.
func (s *Server) Launch() {
	s.tb.Helper()
	if s.Running() {
		s.tb.Fatal("the server runs already")
	}
	s.lives++
	fmt.Fprintf(s.log, "---- life %d\n", s.lives)
	l := &life{cmd: exec.Command(s.path, s.args...), ended: make(chan struct{})}
	l.cmd.Env, l.cmd.Stdout, l.cmd.Stderr = s.env, s.log, s.log
	if err := l.cmd.Start(); err != nil {
		s.tb.Fatalf("start the server: %v", err)
	}
	go func() { l.err = l.cmd.Wait(); close(l.ended) }()
	s.life = l
}

const endLimit = 40 * time.Second

// WaitReady waits until the server serves.
func (s *Server) WaitReady() {
	s.tb.Helper()
	until(s.tb, "the server serves", func() bool {
		if !s.Running() {
			s.tb.Fatalf("the server ended before it served: %v", s.life.err)
		}
		resp, err := s.Do(context.Background(), http.MethodGet, "/readyz", nil, nil)
		return err == nil && resp.Status == http.StatusOK
	})
}

// RunFor lets the server run for a while. The test ends when the server ends by itself.
func (s *Server) RunFor(d time.Duration) {
	s.tb.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.life.ended:
		s.tb.Fatalf("the server ended by itself: %v", s.life.err)
	}
}

// Running reports whether a life is under way.
func (s *Server) Running() bool {
	if s.life == nil {
		return false
	}
	select {
	case <-s.life.ended:
		return false
	default:
		return true
	}
}

// Kill ends the life as a crash does, with SIGKILL.
func (s *Server) Kill() {
	s.tb.Helper()
	s.Signal(syscall.SIGKILL)
	<-s.life.ended
	s.client.CloseIdleConnections()
}

// Stop asks the server to end and waits for it. The test fails when it does not end well.
func (s *Server) Stop() {
	s.tb.Helper()
	s.Signal(syscall.SIGTERM)
	if err := s.Wait(); err != nil {
		s.tb.Errorf("the server did not end well: %v", err)
	}
}

// Restart is Kill and Start.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	s.Start()
}

// Signal sends sig to the server.
func (s *Server) Signal(sig os.Signal) {
	s.tb.Helper()
	if s.life == nil {
		s.tb.Fatal("the server was never started")
	}
	if err := s.life.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Fatalf("signal the server: %v", err)
	}
}

// Wait waits for the end of the life and returns nil when the exit status is 0.
func (s *Server) Wait() error {
	s.tb.Helper()
	timer := time.NewTimer(endLimit)
	defer timer.Stop()
	select {
	case <-s.life.ended:
	case <-timer.C:
		s.tb.Fatalf("the server does not end within %s", endLimit)
	}
	s.client.CloseIdleConnections()
	return s.life.err
}

// Ended is closed when the life is over.
func (s *Server) Ended() <-chan struct{} { return s.life.ended }

// Log is what the server has said in all its lives.
func (s *Server) Log() string { return s.log.String() }

func (s *Server) cleanup() {
	if s.Running() {
		_ = s.life.cmd.Process.Kill()
		<-s.life.ended
	}
	s.client.CloseIdleConnections()
	if s.tb.Failed() {
		s.tb.Logf("the server on %s said:\n%s", s.Kind, s.log.end())
	}
}

// logFile keeps what a server says.
type logFile struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const (
	maxLog   = 16 << 20
	shownLog = 16 << 10
)

func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < maxLog {
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *logFile) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// end is the end of the log, from the beginning of a line.
func (l *logFile) end() string {
	text := l.String()
	if len(text) <= shownLog {
		return text
	}
	text = text[len(text)-shownLog:]
	_, text, _ = strings.Cut(text, "\n")
	return "…\n" + text
}

// freePort is a port below those that systems hand out for outgoing connections: one of those might be taken by a connection while the server is
// between two lives.
func freePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			tb.Fatal(err)
		}
		return port
	}
	tb.Fatal("there is no free port")
	return 0
}
