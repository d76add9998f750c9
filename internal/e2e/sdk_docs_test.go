package e2e

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	svix "github.com/svix/svix-webhooks/go"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

const svixPage = "../../docs/svix.md"

// sample is a block of code on a page.
type sample struct{ language, code string }

func samples(t *testing.T, page string) (list []sample) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(raw)) {
		switch language, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```"); {
		case fence && inside:
			inside = false
		case fence:
			list, inside = append(list, sample{language: language}), true
		case inside:
			list[len(list)-1].code += line
		}
	}
	return list
}

// plain is code without its indentation.
func plain(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// TestSDK_SamplesAreThoseThatRun holds the samples of docs/svix.md that a suite runs to what it runs. Those in other languages are run from the page.
func TestSDK_SamplesAreThoseThatRun(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go": "sdk_docs_test.go", "python": "python/suite.py", "rust": "rust/src/main.rs", "java": "java/src/main/java/Suite.java", "jsx": "node/react/webhooks.jsx"}
	for _, s := range samples(t, svixPage) {
		file := files[s.language]
		if s.language == "js" || s.language == "sh" {
			continue
		} else if file == "" {
			t.Errorf("no suite runs a sample in %q:\n%s", s.language, s.code)
			continue
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plain(string(code)), plain(s.code)) {
			t.Errorf("%s has not this sample:\n%s", file, s.code)
		}
	}
}

// TestSDK_SamplesRun runs the samples of docs/svix.md in JavaScript, as one program, then those for the shell, and makes the Go client as the page says.
func TestSDK_SamplesRun(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("node/node_modules/svix"); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	server, receiver := startForSDK(t, SQLite), hooks(t)
	env := append(os.Environ(), "HOOKSWITCH_URL="+server.URL, "HOOKSWITCH_OPERATOR_TOKEN="+server.Token, "WEBHOOK_URL="+receiver+"/samples", "NODE_NO_WARNINGS=1")
	code := map[string]string{"sh": "set -euo pipefail\n"}
	for _, s := range samples(t, svixPage) {
		code[s.language] += s.code
	}
	// What the page leaves to its readers: a receiver that is handed a request.
	code["js"] += `
for (const end = Date.now() + 20000; ; await new Promise((done) => setTimeout(done, 30))) {
	const [request] = await (await fetch(new URL("/received?path=/samples", process.env.WEBHOOK_URL))).json();
	if (request) {
		receive(request.body, request.headers);
		break;
	}
	if (Date.now() > end) throw new Error("nothing has arrived");
}
if (!url || !token) throw new Error("no portal");
`
	for _, run := range []struct {
		language string
		command  []string
	}{{"js", []string{"node", "--input-type=module"}}, {"sh", []string{"bash"}}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, run.command[0], run.command[1:]...)
		cmd.Dir, cmd.Env, cmd.Stdin = "node", env, bytes.NewBufferString(code[run.language])
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", run.language, err, out)
		}
	}
	var ep struct{ FIFO bool }
	if server.Call("GET", "/api/v1/app/acme/endpoint/billing", nil, &ep, 200); !ep.FIFO {
		t.Error("the sample has not made the endpoint keep the order")
	}
	client, err := sampleClient(func(name string) string {
		return map[string]string{"HOOKSWITCH_URL": server.URL, "HOOKSWITCH_OPERATOR_TOKEN": server.Token}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Application.Get(t.Context(), "acme"); err != nil {
		t.Error(err)
	}
}

// sampleClient is the sample in Go; os stands for the environment.
func sampleClient(getenv func(string) string) (*svix.Svix, error) {
	os := struct{ Getenv func(string) string }{getenv}
	serverURL, err := url.Parse(os.Getenv("HOOKSWITCH_URL"))
	if err != nil {
		return nil, err
	}
	return svix.New(os.Getenv("HOOKSWITCH_OPERATOR_TOKEN"), &svix.SvixOptions{ServerUrl: serverURL})
}
