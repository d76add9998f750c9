package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The examples of a page are run when they are marked: a block that opens with "```sh run" goes through bash, against a fresh server. A block that opens with
// "```json" right after it is what has to come out: fields that it does not show may be there too, "…" stands for any value and, inside a text, for
// any letters. "```json 404" also says the status that curl is answered with; without one it is a good one. A comment behind it,
// <!-- keep KEY = key -->, keeps a value of the answer for the blocks that follow, as a variable of their environment; a.b[0] leads to inner ones.
//
// They find HOOKSWITCH_URL, HOOKSWITCH_OPERATOR_TOKEN, WEBHOOK_URL, which takes anything, and the program in their environment.

// step is one example.
type step struct {
	line   int
	code   string
	status string // that curl has to be answered with; "": a good one
	answer string // what has to come out; "": anything
	keep   [][2]string
}

var (
	fence = regexp.MustCompile("^```(.*)$")
	keeps = regexp.MustCompile(`^<!-- keep ([A-Z_]+) = (\S+) -->$`)
)

// steps are the marked examples of a page.
func steps(t *testing.T, page string) (list []*step) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var opened string // by which line a block was
	var block strings.Builder
	next := false // the block before this line was marked
	at := 0
	for line := range strings.Lines(string(raw)) {
		at++
		line = strings.TrimRight(line, "\n")
		f, k := fence.FindStringSubmatch(line), keeps.FindStringSubmatch(line)
		switch {
		case opened != "" && line != "```":
			block.WriteString(line + "\n")
		case opened == "sh run":
			list, next = append(list, &step{line: at, code: block.String()}), true
			opened = ""
		case opened != "":
			if status, ok := strings.CutPrefix(opened, "json"); ok && next {
				last := list[len(list)-1]
				last.status, last.answer = strings.TrimSpace(status), block.String()
			}
			opened, next = "", false
		case f != nil:
			opened = cmp.Or(f[1], "text")
			block.Reset()
		case k != nil:
			last := list[len(list)-1]
			last.keep = append(last.keep, [2]string{k[1], k[2]})
		case line != "":
			next = false
		}
	}
	return list
}

// runPage runs the marked examples of a page in their order, against a server of the kind.
func runPage(t *testing.T, page string, server *Server) {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(Binary(t), filepath.Join(bin, "hookswitch")); err != nil {
		t.Fatal(err)
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\nexec " + curl + " -sS -w '%{stderr}\\nstatus %{http_code}\\n' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	env := append(environment(nil), "HOOKSWITCH_URL="+server.URL, "HOOKSWITCH_OPERATOR_TOKEN="+server.Token, "WEBHOOK_URL="+hooks(t)+"/page", "PATH="+bin+":"+os.Getenv("PATH"))
	list := steps(t, page)
	if len(list) == 0 {
		t.Fatalf("%s has no examples that are marked", page)
	}
	for _, s := range list {
		kept, err := s.run(t.Context(), env)
		if err != nil {
			t.Fatalf("%s:%d: %v\n%s", page, s.line, err, s.code) // those that follow need what it makes
		}
		env = append(env, kept...)
	}
}

var statusLine = regexp.MustCompile(`(?m)^status (\d+)$`)

// run runs the example and returns the variables that are kept of its answer.
func (s *step) run(ctx context.Context, env []string) (kept []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, told strings.Builder
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", s.code)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, &out, &told, time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s%s", err, out.String(), told.String())
	}
	for _, m := range statusLine.FindAllStringSubmatch(told.String(), -1) {
		if m[1] != s.status && (s.status != "" || m[1][0] != '2') {
			return nil, fmt.Errorf("status %s, want %s\n%s", m[1], s.status, out.String())
		}
	}
	if s.answer == "" && len(s.keep) == 0 {
		return nil, nil
	}
	var want, got any
	if err := json.Unmarshal([]byte(s.answer), &want); err != nil {
		return nil, fmt.Errorf("the answer on the page: %w", err)
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		return nil, fmt.Errorf("%w in %s", err, out.String())
	}
	if err := like(want, got, "the answer"); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out.String())
	}
	for _, k := range s.keep {
		v, err := inside(got, k[1])
		if err != nil {
			return nil, err
		}
		kept = append(kept, k[0]+"="+fmt.Sprint(v))
	}
	return kept, nil
}

// like is an error unless got is what a page shows as want.
func like(want, got any, where string) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, want an object", where, got)
		}
		var errs []error
		for name, v := range w {
			if _, ok := g[name]; !ok {
				errs = append(errs, fmt.Errorf("%s has no %s", where, name))
				continue
			}
			errs = append(errs, like(v, g[name], where+"."+name))
		}
		return errors.Join(errs...)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s is %v, want a list of %d", where, got, len(w))
		}
		var errs []error
		for i := range w {
			errs = append(errs, like(w[i], g[i], fmt.Sprintf("%s[%d]", where, i)))
		}
		return errors.Join(errs...)
	case string:
		if w == "…" {
			return nil
		}
		if g, ok := got.(string); ok && regexp.MustCompile(`(?s)^`+strings.ReplaceAll(regexp.QuoteMeta(w), "…", ".+")+`$`).MatchString(g) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return fmt.Errorf("%s is %v, want %v", where, got, want)
}

// inside is the value that a path such as message.id or items[0].id leads to.
func inside(v any, path string) (any, error) {
	for name := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		if index, ok := strings.CutPrefix(name, "["); ok {
			var i int
			if _, err := fmt.Sscanf(index, "%d]", &i); err != nil {
				return nil, err
			}
			list, _ := v.([]any)
			if i >= len(list) {
				return nil, fmt.Errorf("%s: no element %d", path, i)
			}
			v = list[i]
			continue
		}
		m, _ := v.(map[string]any)
		var ok bool
		if v, ok = m[name]; !ok {
			return nil, fmt.Errorf("%s: no %s", path, name)
		}
	}
	return v, nil
}

// TestExamples_Run runs the marked examples of pages of the documentation.
func TestExamples_Run(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"zavu.md", "travtus.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			runPage(t, "../../docs/"+page, Start(t, Options{}))
		})
	}
}

func TestExamples_AreHeldToWhatThePageShows(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.md")
	text := "```sh\nexit 1\n```\n\n```sh run\necho '{\"a\":{\"b\":[{\"c\":\"x1y\"}]},\"n\":1}'\n```\n\n```json\n{\"a\": {\"b\": [{\"c\": \"x…y\"}]}}\n```\n<!-- keep C = a.b[0].c -->\n\nText.\n\n```json\n{}\n```\n\n" +
		"```sh run\necho \"$C\" >&2\n```\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list := steps(t, file)
	if len(list) != 2 || list[0].answer == "" || list[1].answer != "" {
		t.Fatalf("read %+v", list)
	}
	kept, err := list[0].run(t.Context(), os.Environ())
	if err != nil || len(kept) != 1 || kept[0] != "C=x1y" {
		t.Errorf("kept %v, %v", kept, err)
	}
	for _, wrong := range []string{`{"b":1}`, `{"n":2}`, `{"n":"1"}`, `{"a":{"b":[]}}`, `{"a":{"b":[{"c":"…z"}]}}`, `[]`} {
		list[0].answer = wrong
		if _, err := list[0].run(t.Context(), os.Environ()); err == nil {
			t.Errorf("%s passes", wrong)
		}
	}
	bad := step{code: "echo 'status 404' >&2", status: "200"}
	if _, err := bad.run(t.Context(), os.Environ()); err == nil {
		t.Error("another status passes")
	}
	if _, err := (&step{code: "exit 3"}).run(t.Context(), os.Environ()); err == nil {
		t.Error("a failure passes")
	}
}
