package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child that was started here and will be ended here.
type process struct {
	cmd  *exec.Cmd
	log  *tail
	done chan struct{}
	err  error // how it ended, once done is closed
}

// stopGrace is how long a child may take to end when asked to.
const stopGrace = 15 * time.Second

// startProcess starts cmd. What it prints to standard error is kept for the case of trouble.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, log: &tail{}, done: make(chan struct{})}
	cmd.Stderr = p.log
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() { p.err = cmd.Wait(); close(p.done) }()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end by sig and kills it when it does not.
func (p *process) stop(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = p.cmd.Process.Kill() // signals other than this are unknown on some systems
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %s and was killed", p.cmd.Path, stopGrace)
	}
}

// trouble is err with what the process last said.
func (p *process) trouble(err error) error {
	if said := p.log.String(); said != "" {
		return fmt.Errorf("%w; it last said:\n%s", err, said)
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}

// cleanEnv is this process's environment without settings that would reach the children.
func cleanEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOOKSWITCH_") && !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

// startForwarder starts the plain forwarder to targets.
func startForwarder(ctx context.Context, o *Options, targets []string) (*instance, error) {
	cmd := exec.Command(o.Binary, "bench", "--forwarder", strings.Join(targets, ","), "--connections", fmt.Sprint(o.Connections))
	cmd.Env = cleanEnv()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout := &firstLine{line: make(chan string, 1)}
	cmd.Stdout = stdout
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	stop := func() error {
		_ = stdin.Close()
		return p.stop(syscall.SIGTERM)
	}
	select {
	case url := <-stdout.line:
		in := &instance{addr: strings.TrimPrefix(url, "http://"), pid: p.pid(), stop: stop}
		in.cpu = func() (time.Duration, error) { return processCPU(p.pid()) }
		in.head = fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", in.addr, o.Payload)
		return in, nil
	case <-p.done:
		return nil, p.trouble(errors.New("the plain forwarder ended at once"))
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), stop())
	}
}

// firstLine hands over the first line that is written to it.
type firstLine struct {
	buf  []byte
	line chan string
	sent bool
}

var _ io.Writer = (*firstLine)(nil)

func (f *firstLine) Write(b []byte) (int, error) {
	if !f.sent {
		f.buf = append(f.buf, b...)
		if line, _, ok := bytes.Cut(f.buf, []byte("\n")); ok {
			f.line <- string(line)
			f.sent = true
		}
	}
	return len(b), nil
}
