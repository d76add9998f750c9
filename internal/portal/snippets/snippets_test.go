package snippets

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/webhook"
)

// request is one that a snippet has to judge.
type request struct {
	name, id, time, signatures, body string
	right                            bool
}

// requests are signed at the moment, because snippets look at the clock.
func requests(t *testing.T, secret webhook.Secret) []request {
	t.Helper()
	const id, body = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", "{\"type\":\"message.inbound\",\"data\":{\"text\":\"héllo 🦊 </script>\"} }\n"
	now := time.Now()
	at := strconv.FormatInt(now.Unix(), 10)
	sign := func(t time.Time, body string, s ...webhook.Secret) string {
		return webhook.Sign(id, t, []byte(body), s...)
	}
	other := webhook.NewSecret()
	old, soon := now.Add(-10*time.Minute), now.Add(10*time.Minute)
	unix := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	right := sign(now, body, secret)
	return []request{
		{"right", id, at, right, body, true},
		{"while a secret is rotated, ours first", id, at, sign(now, body, secret, other), body, true},
		{"while a secret is rotated, ours last", id, at, sign(now, body, other, secret), body, true},
		{"an ed25519 signature beside ours", id, at, sign(now, body, webhook.NewSigningKey(), secret), body, true},
		{"another secret", id, at, sign(now, body, other), body, false},
		{"another body", id, at, right, body + " ", false},
		{"another id", "msg_other", at, right, body, false},
		{"another time", id, unix(now.Add(-time.Second)), right, body, false},
		{"too old", id, unix(old), sign(old, body, secret), body, false},
		{"from the future", id, unix(soon), sign(soon, body, secret), body, false},
		{"no version", id, at, strings.TrimPrefix(right, "v1,"), body, false},
		{"another version", id, at, "v2" + strings.TrimPrefix(right, "v1"), body, false},
		{"no signature", id, at, "", body, false},
		{"an empty signature", id, at, "v1,", body, false},
		{"signs that base64 has not", id, at, "v1,!!!! v1,%%", body, false},
		{"no time", id, "", right, body, false},
		{"a time that is none", id, "yesterday", right, body, false},
		{"no id", "", at, right, body, false},
	}
}

// write puts the snippet into a directory of its own.
func write(t *testing.T, s Snippet, prefix, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(s.Text(prefix)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func data(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		storetest.Missing(t, program+" is not installed")
	}
}

func copyTo(t *testing.T, dir, name, as string) {
	t.Helper()
	b, err := os.ReadFile(data(t, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, as), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// runner runs a snippet for headers of the prefix, and says of each request whether it was accepted.
type runner struct {
	long bool // its runtime is installed for long runs only
	run  func(t *testing.T, s Snippet, prefix string, secret webhook.Secret, list []request) []bool
}

// serves runs a program that listens on the port PORT.
func serves(file string, command func(t *testing.T, dir string) []string) func(*testing.T, Snippet, string, webhook.Secret, []request) []bool {
	return func(t *testing.T, s Snippet, prefix string, secret webhook.Secret, list []request) []bool {
		t.Helper()
		dir := write(t, s, prefix, file)
		port := freePort(t)
		argv := command(t, dir)
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], "PORT", port)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PORT="+port, "WEBHOOK_SECRET="+secret.Reveal(), "PYTHONDONTWRITEBYTECODE=1")
		cmd.WaitDelay = 5 * time.Second
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		t.Cleanup(func() {
			cancel()
			<-ended
			if t.Failed() {
				t.Logf("it said:\n%s", said.Bytes())
			}
		})
		listening(t, port, ended)
		var got []bool
		for _, q := range list {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:"+port+"/webhooks", strings.NewReader(q.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			for name, value := range map[string]string{"id": q.id, "timestamp": q.time, "signature": q.signatures} {
				if value != "" {
					req.Header.Set(prefix+"-"+name, value)
				}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", q.name, err)
			}
			_ = res.Body.Close()
			if res.StatusCode != 204 && res.StatusCode != 400 {
				t.Errorf("%s: answers %d", q.name, res.StatusCode)
			}
			got = append(got, res.StatusCode == 204)
		}
		return got
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// listening waits until somebody listens.
func listening(t *testing.T, port string, ended chan error) {
	t.Helper()
	poll, late := time.NewTicker(50*time.Millisecond), time.After(90*time.Second)
	defer poll.Stop()
	for {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-poll.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("it ended: %v", err)
		case <-late:
			t.Fatal("it does not listen")
		}
	}
}

// answers runs programs one after the other; the last reads requests as lines and says true or false of each.
func answers(file string, commands func(t *testing.T, dir string) [][]string) func(*testing.T, Snippet, string, webhook.Secret, []request) []bool {
	return func(t *testing.T, s Snippet, prefix string, secret webhook.Secret, list []request) []bool {
		t.Helper()
		dir := write(t, s, prefix, file)
		separator := "\t"
		if s.ID == "bash" {
			separator = "|" // its read takes several white spaces for one
		}
		var lines strings.Builder
		for _, q := range list {
			lines.WriteString(strings.Join([]string{q.id, q.time, q.signatures, base64.StdEncoding.EncodeToString([]byte(q.body))}, separator) + "\n")
		}
		var out bytes.Buffer
		for _, argv := range commands(t, dir) {
			out.Reset()
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			cmd.Dir, cmd.Stdin, cmd.Stdout = dir, strings.NewReader(lines.String()), &out
			cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret.Reveal())
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %v\n%s%s", strings.Join(argv, " "), err, out.Bytes(), errs.Bytes())
			}
		}
		var got []bool
		for words := bufio.NewScanner(&out); words.Scan(); {
			got = append(got, words.Text() == "true")
		}
		return got
	}
}

func argv(words ...string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		need(t, words[0])
		return words
	}
}

// node runs a snippet through fetch.mjs.
func node(kind, file string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		t.Helper()
		need(t, "node")
		return []string{"node", data(t, "fetch.mjs"), kind, filepath.Join(dir, file)}
	}
}

// goRun builds and runs a snippet as a command of this module, which is where its package is.
func goRun(t *testing.T, dir string) []string {
	t.Helper()
	program := filepath.Join(dir, "snippet")
	build := exec.Command("go", "build", "-o", program, filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{program}
}

// venv is a Python with the frameworks, which ./test --long installs.
func venv(module string, words ...string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		python := os.Getenv("HOOKSWITCH_TEST_PYTHON_WEB")
		if python == "" {
			python = "python3"
		}
		if exec.Command(python, "-c", "import "+module).Run() != nil {
			storetest.Missing(t, module+" is not installed for Python")
		}
		return append([]string{python}, words...)
	}
}

var runners = map[string]runner{
	"node": {false, serves("webhooks.mjs", argv("node", "webhooks.mjs"))},
	"express": {false, serves("webhooks.mjs", func(t *testing.T, dir string) []string {
		need(t, "node")
		module := filepath.Join(dir, "node_modules", "express")
		if err := os.MkdirAll(module, 0o700); err != nil {
			t.Fatal(err)
		}
		copyTo(t, module, "express.mjs", "index.mjs")
		if err := os.WriteFile(filepath.Join(module, "package.json"), []byte(`{"name":"express","exports":"./index.mjs"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"node", "webhooks.mjs"}
	})},
	"nextjs": {false, serves("route.ts", func(t *testing.T, dir string) []string {
		need(t, "node")
		esbuild, err := filepath.Abs("../../e2e/node/node_modules/.bin/esbuild")
		if err == nil {
			_, err = os.Stat(esbuild)
		}
		if err != nil {
			storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
		}
		if out, err := exec.Command(esbuild, filepath.Join(dir, "route.ts"), "--outfile="+filepath.Join(dir, "route.mjs"), "--format=esm", "--platform=node").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return node("next", "route.mjs")(t, dir)
	})},
	"worker": {false, serves("worker.mjs", node("worker", "worker.mjs"))},
	"lambda": {false, serves("index.mjs", node("lambda", "index.mjs"))},
	"python": {false, serves("webhooks.py", argv("python3", "webhooks.py"))},
	"flask":  {true, serves("app.py", venv("flask", "-m", "flask", "--app", "app", "run", "--host", "127.0.0.1", "--port", "PORT"))},
	"django": {true, serves("snippet.py", venv("django", "-c", `import sys, django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF="snippet", SECRET_KEY="x", DEBUG=False)
django.setup()
sys.path.insert(0, ".")
from wsgiref.simple_server import make_server
from django.core.wsgi import get_wsgi_application
make_server("127.0.0.1", PORT, get_wsgi_application()).serve_forever()`))},
	"fastapi":    {true, serves("main.py", venv("fastapi", "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "PORT"))},
	"go":         {false, serves("main.go", goRun)},
	"go-package": {false, serves("main.go", goRun)},
	"ruby": {true, serves("webhooks.rb", func(t *testing.T, _ string) []string {
		need(t, "ruby")
		return []string{"ruby", data(t, "rack.rb"), "webhooks.rb"}
	})},
	"php": {true, serves("webhooks.php", argv("php", "-S", "127.0.0.1:PORT", "webhooks.php"))},
	"laravel": {true, serves("api.php", func(t *testing.T, dir string) []string {
		need(t, "php")
		copyTo(t, dir, "laravel.php", "laravel.php")
		return []string{"php", "-S", "127.0.0.1:PORT", "laravel.php"}
	})},
	"java": {true, answers("Webhooks.java", func(t *testing.T, dir string) [][]string {
		need(t, "javac")
		copyTo(t, dir, "Lines.java", "Lines.java")
		return [][]string{{"javac", "Webhooks.java", "Lines.java"}, {"java", "-cp", ".", "Lines"}}
	})},
	"kotlin": {true, answers("Webhooks.kt", func(t *testing.T, dir string) [][]string {
		need(t, "kotlinc")
		copyTo(t, dir, "Lines.kt", "Lines.kt")
		return [][]string{{"kotlinc", "Webhooks.kt", "Lines.kt", "-include-runtime", "-d", "lines.jar"}, {"java", "-cp", "lines.jar", "LinesKt"}}
	})},
	"csharp": {true, answers("Webhooks.cs", func(t *testing.T, dir string) [][]string {
		need(t, "mcs")
		copyTo(t, dir, "Lines.cs", "Lines.cs")
		return [][]string{{"mcs", "-out:lines.exe", "Webhooks.cs", "Lines.cs"}, {"mono", "lines.exe"}}
	})},
	"rust": {true, answers("webhooks.rs", func(t *testing.T, dir string) [][]string {
		need(t, "cargo")
		copyTo(t, dir, "lines.rs", "lines.rs")
		copyTo(t, dir, "Cargo.toml", "Cargo.toml")
		return [][]string{{"cargo", "run", "--quiet"}}
	})},
	"elixir": {true, answers("webhooks.ex", func(t *testing.T, _ string) [][]string {
		need(t, "elixir")
		return [][]string{{"elixir", "-r", "webhooks.ex", data(t, "lines.exs")}}
	})},
	"bash": {false, answers("webhooks.sh", func(t *testing.T, _ string) [][]string {
		need(t, "openssl")
		return [][]string{{"bash", data(t, "lines.sh"), "webhooks.sh"}}
	})},
}

func TestSnippets_TakeWhatIsRightAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, s := range All {
		r, ok := runners[s.ID]
		if !ok {
			t.Errorf("%s is not run", s.ID)
			continue
		}
		prefixes := Prefixes
		if r.long {
			prefixes = Prefixes[:1] // compilers are slow, and the names differ in nothing but letters
		}
		for _, prefix := range prefixes {
			t.Run(s.ID+", "+prefix, func(t *testing.T) {
				if r.long {
					storetest.NeedLong(t)
				}
				secret := webhook.NewSecret()
				list := requests(t, secret)
				got := r.run(t, s, prefix, secret, list)
				if len(got) != len(list) {
					t.Fatalf("judged %d requests of %d", len(got), len(list))
				}
				for i, q := range list {
					if got[i] != q.right {
						t.Errorf("%s: accepted is %v", q.name, got[i])
					}
				}
			})
		}
	}
}

func TestSnippets_NameTheHeadersThatAreChosen(t *testing.T) {
	t.Parallel()
	for _, s := range All {
		for _, prefix := range Prefixes {
			text := strings.ToLower(s.Text(prefix))
			for _, other := range Prefixes {
				names := strings.Contains(text, other+"-id") || strings.Contains(text, other+"_id") || strings.Contains(text, fmt.Sprintf("withprefixes(%q)", other))
				if names != (other == prefix) {
					t.Errorf("%s for %s: names headers of %s: %v", s.ID, prefix, other, names)
				}
			}
		}
	}
}
