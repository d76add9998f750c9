package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// instance is a system that runs and takes events.
type instance struct {
	addr       string
	head, tail string // of a publish request, around the payload
	caller     *caller
	app        string
	pid        int
	cpu        func() (time.Duration, error)
	stop       func() error
}

// gatewaySetup is what one run of the gateway needs.
type gatewaySetup struct {
	database string // empty: a file of its own
	cpuOf    func() (time.Duration, error)
	targets  []string
	retries  string
	profile  string
	filter   []string // types of events that the targets get; nil: all
	env      []string // further settings
}

// startTime bounds how long the gateway may take until it serves.
const startTime = 30 * time.Second

// startGateway starts `hookswitch serve` on an empty database and makes an app with an endpoint for each target.
func startGateway(ctx context.Context, o *Options, setup gatewaySetup) (in *instance, err error) {
	dir, err := os.MkdirTemp(o.Dir, "hookswitch-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	token := rand.Text()
	cmd := exec.Command(o.Binary, "serve")
	cmd.Env = cleanEnv("HOOKSWITCH_LISTEN="+addr, "HOOKSWITCH_DATA_DIR="+filepath.Join(dir, "data"), "HOOKSWITCH_OPERATOR_TOKEN="+token,
		"HOOKSWITCH_ALLOW_NETWORKS=127.0.0.0/8", "HOOKSWITCH_LOG_LEVEL=error", "HOOKSWITCH_RETRY_SCHEDULE="+setup.retries,
		"HOOKSWITCH_SHUTDOWN_TIMEOUT=4s")
	cmd.Env = append(cmd.Env, setup.env...)
	if setup.database != "" {
		cmd.Env = append(cmd.Env, "HOOKSWITCH_DATABASE="+setup.database)
	}
	if setup.profile != "" {
		cmd.Env = append(cmd.Env, ProfileVariable+"="+setup.profile)
	}
	p, err := startProcess(cmd)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	in = &instance{addr: addr, pid: p.pid(), stop: func() error { return errors.Join(p.stop(syscall.SIGTERM), os.RemoveAll(dir)) }}
	in.cpu = func() (time.Duration, error) {
		own, err := processCPU(p.pid())
		if err != nil || setup.cpuOf == nil {
			return own, err
		}
		database, err := setup.cpuOf()
		return own + database, err
	}
	start, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	in.caller = &caller{base: "http://" + addr, token: token}
	app, err := prepareApp(start, p, in.caller, &setup)
	if err != nil {
		return nil, errors.Join(p.trouble(err), in.stop())
	}
	const before, after = `{"eventType":"bench.event","payload":`, `}`
	in.head = fmt.Sprintf("POST /api/v1/app/%s/msg?with_content=false HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", app, addr, token, len(before)+o.Payload+len(after), before)
	in.tail, in.app = after, app
	return in, nil
}

func prepareApp(ctx context.Context, p *process, c *caller, setup *gatewaySetup) (app string, err error) {
	if err := c.waitReady(ctx, p); err != nil {
		return "", err
	}
	app, err = c.create(ctx, "/api/v1/app", map[string]string{"name": "bench"})
	if err != nil {
		return "", err
	}
	for _, target := range setup.targets {
		endpoint := map[string]any{"url": target}
		if setup.filter != nil {
			endpoint["filterTypes"] = setup.filter
		}
		if _, err := c.create(ctx, "/api/v1/app/"+app+"/endpoint", endpoint); err != nil {
			return "", err
		}
	}
	return app, nil
}

// caller makes the few calls that set a run up.
type caller struct {
	base, token string
}

// maxAnswer is ample for a page of messages.
const maxAnswer = 4 << 20

const readyPoll = 10 * time.Millisecond

func (c *caller) waitReady(ctx context.Context, p *process) error {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if status, _, err := c.do(ctx, http.MethodGet, "/readyz", nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.done:
			return fmt.Errorf("the gateway ended before it served: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("the gateway did not get ready: %w", ctx.Err())
		}
	}
}

// create posts in and returns the id of what was made.
func (c *caller) create(ctx context.Context, path string, in any) (id string, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	status, answer, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return "", err
	}
	var out struct{ ID string }
	if err := json.Unmarshal(answer, &out); status != http.StatusCreated || err != nil || out.ID == "" {
		return "", fmt.Errorf("POST %s was answered with %d: %s", path, status, answer)
	}
	return out.ID, nil
}

// put makes what path names what body says.
func (in *instance) put(ctx context.Context, path string, body []byte) error {
	status, answer, err := in.caller.do(ctx, http.MethodPut, path, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("PUT %s was answered with %d: %s", path, status, answer)
	}
	return err
}

// get reads the answer of path into out.
func (in *instance) get(ctx context.Context, path string, out any) error {
	status, answer, err := in.caller.do(ctx, http.MethodGet, path, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s was answered with %d: %s", path, status, answer)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (c *caller) do(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, err
}

// Ports below those that systems hand out for outgoing connections: one of these cannot be taken by a connection in the moment between looking
// and listening.
const (
	firstPort = 20000
	portCount = 12000
)

func freePort() (int, error) {
	var err error
	for range 100 {
		port := firstPort + mathrand.IntN(portCount)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}

// profileName is file with what was measured before its extension.
func profileName(file, what string) string {
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + what + ext
}
