package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch/internal/bench"
	"github.com/hookswitch/hookswitch/internal/config"
)

// ran is what a command line has led to.
type ran struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, d Deps, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	d.Stdout, d.Stderr = &out, &err
	if d.Stdin == nil {
		d.Stdin = strings.NewReader("")
	}
	code := Run(t.Context(), args, d)
	return ran{code, out.String(), err.String()}
}

func TestRun_ExitCodesTellUsageFromFailure(t *testing.T) {
	t.Parallel()
	nobody := []string{"--token=t", "--url=http://127.0.0.1:1"}
	for _, c := range []struct {
		args []string
		code int
		err  string // what standard error holds
	}{
		{[]string{}, 0, ""},
		{[]string{"--help"}, 0, ""},
		{[]string{"app", "create", "--help"}, 0, ""},
		{[]string{"version"}, 0, ""},
		{[]string{"nope"}, 2, "Try: hookswitch --help\n"},
		{[]string{"app"}, 2, "Try: hookswitch app --help\n"},
		{[]string{"app", "create"}, 2, "Try: hookswitch app create --help\n"},
		{[]string{"app", "create", "x", "--colour"}, 2, "unknown flag --colour"},
		{[]string{"app", "set", "x", "--token=t"}, 2, "nothing to set"},
		{[]string{"app", "list", "--limit=101"}, 2, "hookswitch app list: --limit must lie between 1 and 100"},
		{[]string{"stray", "list", "--limit=21", "--token=t"}, 2, "between 1 and 20, and is 21"},
		{[]string{"app", "list", "--token=t", "--url=nowhere"}, 2, `"nowhere" is not the address`},
		{[]string{"key", "list", "--token=t"}, 2, "--app"},
		{[]string{"app", "get", "--token=t", ""}, 2, "<app> is empty"},
		{[]string{"endpoint", "get", "--token=t", "--app=a", ""}, 2, "<endpoint> is empty"},
		{[]string{"key", "list", "--token=t", "--app="}, 2, "--app is empty"},
		{[]string{"sender", "route", "set", "--token=t", "--app=a", "s", "sms", "--set=EAAG"}, 2, "without a name"},
		{[]string{"sender", "route", "set", "--token=t", "--app=a", "s", "sms"}, 2, "nothing to set: give at least one of --set, --unset and --rate"},
		{[]string{"audit", "verify", "--token=t", "--against=testdata/senders.json"}, 2, "is not what \"hookswitch audit verify --json\" prints"},
		{[]string{"endpoint", "set", "--app=a", "e", "--enable", "--disable"}, 2, "--enable"},
		{[]string{"event", "send", "--app=a", "x", "{"}, 2, "not valid JSON: line 1"},
		{[]string{"event", "send", "--app=a", "x", "[]"}, 2, "must be a JSON object"},
		{[]string{"simulate", "whatsapp", "--scenario=nope"}, 2, "--list"},
		{[]string{"simulate", "whatsapp", "--count=0"}, 2, "between 1 and 100000"},
		{[]string{"serve", "--listen=nowhere"}, 2, "HOST:PORT"},
		{append([]string{"app", "list"}, nobody...), 1, "Try: start a server with \"hookswitch serve\""},
		{[]string{"app", "list", "--data-dir=/does/not/exist"}, 1, "Try: set HOOKSWITCH_OPERATOR_TOKEN"},
		{[]string{"sender", "apply", "--app=a", "-f", "/does/not/exist"}, 1, "Try: -f with the path"},
		{[]string{"simulate", "whatsapp", "--url=http://127.0.0.1:1"}, 1, "Try: start a server"},
		{[]string{"simulate", "whatsapp", "--url=http://192.0.2.1"}, 1, "Try: a server on this machine"},
		{[]string{"simulate", "whatsapp", "--graph=nowhere:x"}, 1, "Try: another address"},
	} {
		got := run(t, Deps{}, c.args...)
		if got.code != c.code || !strings.Contains(got.stderr, c.err) {
			t.Errorf("%q: exit code %d, want %d; standard error:\n%s\nwant %s", c.args, got.code, c.code, got.stderr, c.err)
		}
		if lines := strings.Split(strings.TrimSpace(got.stderr), "\n"); got.code != 0 && (len(lines) < 2 || !strings.HasPrefix(lines[len(lines)-1], "Try: ")) {
			t.Errorf("%q does not end with what to try next:\n%s", c.args, got.stderr)
		}
		if got.code != 0 && got.stdout != "" {
			t.Errorf("%q: an error and output: %s", c.args, got.stdout)
		}
	}
}

// answer is a server that answers everything alike.
func answer(t *testing.T, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestRun_HintsFollowTheAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, hint string
	}{
		{401, `{"code":"unauthorized","message":"no"}`, "HOOKSWITCH_OPERATOR_TOKEN"},
		{404, `{"code":"not_found","message":"application not found"}`, "hookswitch app list"},
		{404, `{"code":"not_found","detail":"endpoint not found"}`, "hookswitch endpoint list --app APP"},
		{404, `{"code":"not_found","detail":"sender not found"}`, "hookswitch sender list --app APP"},
		{404, `<html>`, "another --url"},
		{409, `{"code":"conflict","message":"taken"}`, "hookswitch app list"},
		{503, `{"code":"unavailable","message":"busy"}`, "in a moment"},
		{500, `{"code":"internal_error","message":"oh"}`, "look for req_7 in the server's log"},
		{200, `<html>`, "another --url"},
	} {
		got := run(t, Deps{}, "app", "get", "x", "--token=t", "--url="+answer(t, c.status, c.body))
		if _, hint, _ := strings.Cut(got.stderr, "Try: "); got.code != 1 || !strings.Contains(hint, c.hint) {
			t.Errorf("%d %s: %d %s, want %s", c.status, c.body, got.code, got.stderr, c.hint)
		}
	}
}

func TestOutput_IsHarmlessForTerminals(t *testing.T) {
	t.Parallel()
	evil := "a\u001b[2Jb\u009b1m\u202ec\rd\u0000"
	b, err := json.Marshal(map[string]any{"items": []any{map[string]string{"id": "app_1", "name": evil}}})
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, Deps{}, "app", "list", "--token=t", "--url="+answer(t, 200, string(b)))
	if want := `a\u001b[2Jb\u009b1m\u202ec\u000dd\u0000`; !strings.Contains(got.stdout, want) || strings.ContainsAny(got.stdout, "\u001b\u009b\u202e\r\u0000") {
		t.Errorf("got %q", got.stdout)
	}
	forged := `{"id":"app_1","name":"Bob\nid  app_2\tx"}`
	if got := run(t, Deps{}, "app", "get", "x", "--token=t", "--url="+answer(t, 200, forged)); !strings.Contains(got.stdout, "Bob id  app_2 x") {
		t.Errorf("a name takes a line of its own: %q", got.stdout)
	}
	if got := run(t, Deps{}, "app", "list", "--token=t", "--url="+answer(t, 200, `{"items":[`+forged+`]}`)); strings.Count(got.stdout, "\n") != 2 {
		t.Errorf("a name takes a row of its own: %q", got.stdout)
	}
	b, err = json.Marshal(map[string]string{"code": "x", "message": evil})
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, Deps{}, "app", "list", "--token=t", "--url="+answer(t, 400, string(b))); strings.ContainsAny(got.stderr, "\u001b\u009b\u202e\r\u0000") {
		t.Errorf("got %q", got.stderr)
	}
}

func TestServe_HandsItsSettingsOn(t *testing.T) {
	t.Parallel()
	var got config.Server
	d := Deps{
		Serve:   func(_ context.Context, s config.Server, _ io.Writer) error { got = s; return nil },
		Dev:     func(context.Context, config.Server, io.Writer) error { return errors.New("listen: in use") },
		Migrate: func(context.Context, config.Server) ([]int64, error) { return []int64{1, 2}, nil },
		Bench: func(_ context.Context, o bench.Options, out io.Writer) error {
			_, err := io.WriteString(out, strings.Join(o.Scenario, " "))
			return err
		},
	}
	if r := run(t, d, "serve", "--listen=127.0.0.1:0", "--disable-after=1h"); r.code != 0 || got.Listen != "127.0.0.1:0" || got.DisableAfter.Hours() != 1 {
		t.Errorf("serve: %+v, %+v", r, got)
	}
	if r := run(t, d, "dev"); r.code != 1 || !strings.Contains(r.stderr, "hookswitch dev: listen: in use\nTry: ") {
		t.Errorf("dev: %+v", r)
	}
	if r := run(t, d, "migrate", "--json"); r.stdout != `{"applied":[1,2]}`+"\n" {
		t.Errorf("migrate: %+v", r)
	}
	if r := run(t, d, "bench", "--scenario=S1,S3"); r.stdout != "S1 S3" {
		t.Errorf("bench: %+v", r)
	}
}

func TestServe_HelpIsTheReferenceOfSettings(t *testing.T) {
	t.Parallel()
	help := strings.Join(strings.Fields(run(t, Deps{}, "serve", "--help").stdout), " ")
	for _, s := range config.Settings() {
		for _, want := range []string{"--" + s.Name, "$" + s.Env, s.Default} {
			if !strings.Contains(strings.ReplaceAll(help, "--[no-]", "--"), want) {
				t.Errorf("%s: the help lacks %q", s.Name, want)
			}
		}
	}
	if !strings.Contains(help, "the key in the file is the flag without its dashes") {
		t.Error("the help does not tell the keys of the file")
	}
}

var exampleEnd = regexp.MustCompile(` \| |\)$`)

// examples are the command lines that a help text shows, as arguments.
func examples(t *testing.T, help string) (list [][]string) {
	t.Helper()
	for line := range strings.SplitSeq(help, "\n") {
		at := strings.Index(line, "hookswitch ")
		if !strings.HasPrefix(line, "    ") || at < 0 {
			continue
		}
		line = line[at:]
		if end := exampleEnd.FindStringIndex(line); end != nil {
			line = line[:end[0]]
		}
		list = append(list, split(line)[1:])
	}
	return list
}

// split splits a command line as a shell does, as far as quotes go.
func split(line string) (words []string) {
	var word strings.Builder
	var quote rune
	inWord := false
	for _, r := range line + " " {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case r == quote:
			quote = 0
		case quote == 0 && r == ' ':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	return words
}

func TestHelp_EachCommandHasAParagraphAndExamplesThatAreRight(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(newGrammar(), kong.Name("hookswitch"), kong.Exit(func(int) { t.Error("kong wants to exit") }))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, child := range n.Children {
			visit(child)
		}
		if n.Type != kong.CommandNode {
			return
		}
		seen++
		if n.Help == "" || strings.HasSuffix(n.Help, ".") || strings.Contains(n.Help, "\n") {
			t.Errorf("%s: the short line is %q", n.FullPath(), n.Help)
		}
		paragraph, _, _ := strings.Cut(n.Detail, "\n\n")
		if !strings.HasSuffix(strings.TrimSpace(paragraph), ".") && !strings.HasSuffix(strings.TrimSpace(paragraph), ":") {
			t.Errorf("%s: no paragraph, but %q", n.FullPath(), paragraph)
		}
		list := examples(t, n.Detail)
		if len(list) < 2 {
			t.Errorf("%s has %d examples", n.FullPath(), len(list))
		}
		for _, args := range list {
			if name, _, _ := strings.Cut(n.FullPath(), " ("); !strings.HasPrefix("hookswitch "+strings.Join(args, " "), name) { // the other names of a command stand behind it
				t.Errorf("%s: the example %q is of another command", n.FullPath(), args)
			}
			if _, err := parser.Parse(args); err != nil {
				t.Errorf("%s: the example %q: %v", n.FullPath(), args, err)
			}
		}
		for _, f := range n.Flags {
			if f.Name != "help" && !f.Hidden && !strings.HasSuffix(f.Help, ".") {
				t.Errorf("%s --%s: the help is no sentence: %q", n.FullPath(), f.Name, f.Help)
			}
		}
	}
	visit(parser.Model.Node)
	if seen < 20 {
		t.Errorf("only %d commands seen", seen)
	}
}

func TestHelp_FitsATerminal(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"app", "--help"}, {"sender", "apply", "--help"}, {"simulate", "whatsapp", "--help"}} {
		for line := range strings.SplitSeq(run(t, Deps{}, args...).stdout, "\n") {
			if len([]rune(line)) > 130 {
				t.Errorf("%q: %q", args, line)
			}
		}
	}
}

func TestVersion_TellsTheBuild(t *testing.T) {
	t.Parallel()
	if got := run(t, Deps{Version: "v1.2.3"}, "version"); !strings.HasPrefix(got.stdout, "hookswitch v1.2.3") || !strings.Contains(got.stdout, ", go1.") {
		t.Errorf("got %q", got.stdout)
	}
	var v version
	if err := json.Unmarshal([]byte(run(t, Deps{}, "version", "--json").stdout), &v); err != nil || v.Version == "" || v.Go == "" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestMetadata_IsOneFlagForEachPairEverywhere(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"app", "set", "a"}, {"endpoint", "set", "--app=a", "ep"}, {"message", "send", "--app=a", "--to=+1555", "Hi"}} {
		for _, c := range []struct {
			flags []string
			want  string
		}{
			{[]string{"--metadata=plan=gold,b=2;c=3", "--metadata", "url=https://a.example/?x=1"}, `{"plan":"gold,b=2;c=3","url":"https://a.example/?x=1"}`},
			{[]string{"--metadata=empty="}, `{"empty":""}`},
		} {
			var got struct{ Metadata json.RawMessage }
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				_, _ = io.WriteString(w, "{}")
			}))
			t.Cleanup(srv.Close)
			if done := run(t, Deps{}, slices.Concat(command, c.flags, []string{"--token=t", "--url=" + srv.URL})...); done.code != 0 || string(got.Metadata) != c.want {
				t.Errorf("%q with %q: exit code %d, sent %s, want %s\n%s", command, c.flags, done.code, got.Metadata, c.want, done.stderr)
			}
		}
		if done := run(t, Deps{}, slices.Concat(command, []string{"--metadata=gold", "--token=t"})...); done.code != 2 || !strings.Contains(done.stderr, "KEY=VALUE") {
			t.Errorf("%q without a value: exit code %d\n%s", command, done.code, done.stderr)
		}
	}
}
