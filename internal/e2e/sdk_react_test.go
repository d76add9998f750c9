package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// reactPage is the page that a customer of the server's operator might serve: the hooks of svix-react, bundled as its users do.
const reactPage = `<!doctype html><meta charset="utf-8"><title>hooks</title>
<script>globalThis.process = {}; addEventListener("error", e => fetch("/result", {method: "POST", body: "not ok page\n" + e.message}))</script>
<script type="module" src="/page.js"></script>`

// TestSDK_ReactHooksInABrowser uses each hook of svix-react in a browser, on a page of another origin than the server's, with a token of the portal.
func TestSDK_ReactHooksInABrowser(t *testing.T) {
	bundler, err := filepath.Abs("node/node_modules/.bin/esbuild")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath(bundler); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	browser := chromium(t)
	page, err := exec.CommandContext(t.Context(), bundler, "node/react/page.mjs", "--bundle", "--format=esm", "--target=chrome100", "--jsx=automatic",
		`--define:process.env.NODE_ENV="production"`).Output()
	if err != nil {
		t.Fatalf("bundle the page: %v", err)
	}
	Each(t, func(t *testing.T, kind Kind) {
		s := startForSDK(t, kind)
		config, err := json.Marshal(reactConfig(t, s))
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan string, 16)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, reactPage)
			case "/page.js":
				w.Header().Set("Content-Type", "text/javascript")
				_, _ = w.Write(page)
			case "/config":
				_, _ = w.Write(config)
			case "/result":
				if body, err := io.ReadAll(r.Body); err == nil {
					select {
					case result <- string(body):
					default:
					}
				}
			default:
				http.NotFound(w, r)
			}
		}))
		t.Cleanup(site.Close)
		said := open(t, browser, site.URL+"/")
		select {
		case out := <-result:
			reportChecks(t, out, 19)
		case <-time.After(2 * time.Minute):
			t.Errorf("the page has not told how it went; the browser said:\n%s", said.end())
		}
	})
}

// reactConfig prepares an application with two endpoints, one of which fails, and five messages, and returns what the page needs to know.
func reactConfig(t *testing.T, s *Server) map[string]string {
	t.Helper()
	receiver := hooks(t)
	call := func(path string, in any, want int) map[string]any {
		var out map[string]any
		s.Call(http.MethodPost, "/api/v1/"+path, in, &out, want)
		return out
	}
	type object = map[string]any
	call("event-type", object{"name": "browser.type", "description": "seen in a browser", "schemas": object{"1": object{"type": "object"}}}, 201)
	app, other := s.CreateApp("browser"), s.CreateApp("other")
	good, bad := call("app/"+app+"/endpoint", object{"url": receiver + "/good"}, 201), call("app/"+app+"/endpoint", object{"url": receiver + "/status/500/bad"}, 201)
	var messages []string
	for n := range 5 {
		msg := call("app/"+app+"/msg", object{"eventType": "browser.type", "payload": object{"n": n}, "channels": []string{"eu"}, "tags": []string{"t"}}, 202)
		messages = append(messages, msg["id"].(string))
	}
	for _, id := range messages {
		until(t, "message "+id+" has five attempts, one at the good endpoint and four at the bad one", func() bool { return len(s.Attempts(app, id)) == 5 })
	}
	access := call("auth/app-portal-access/"+app, object{}, 200)
	return map[string]string{"serverUrl": s.URL, "token": access["token"].(string), "appId": app, "otherApp": other, "eventType": "browser.type",
		"message": messages[0], "good": good["id"].(string), "bad": bad["id"].(string), "goodUrl": receiver + "/good"}
}

// open opens a page in a browser that can reach nothing but this machine and ends, with all its processes, when the test does. It returns what the
// browser says.
func open(t *testing.T, browser, url string) *logFile {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+t.TempDir(), url)
	said := &logFile{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(fmt.Errorf("start the browser: %w", err))
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	return said
}
