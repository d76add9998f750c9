package respond_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// examples are the code blocks of a language in the page about responders.
func examples(t *testing.T, language string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "responders.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(page, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

func TestDocs_ConfigurationsAreValid(t *testing.T) {
	t.Parallel()
	n := 0
	for _, raw := range examples(t, "json") {
		if !strings.Contains(raw, `"kind": "`) || strings.HasPrefix(raw, `{"text"`) {
			continue
		}
		n++
		if err := respond.Validate(config(t, raw), loopback(t)); err != nil {
			t.Errorf("%s\n%v", raw, err)
		}
	}
	if n < 7 {
		t.Errorf("%d configurations in the page", n)
	}
}

func TestDocs_AnswerIsOne(t *testing.T) {
	t.Parallel()
	for _, raw := range examples(t, "json") {
		if !strings.HasPrefix(raw, `{"text"`) {
			continue
		}
		if got, err := respond.ReadBot(200, []byte(raw)); err != nil || got != (hookswitch.Reply{Text: "Your balance is 5."}) {
			t.Errorf("got %+v, %v", got, err)
		}
		return
	}
	t.Error("the page shows no answer")
}

func TestDocs_SampleBotAnswers(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		storetest.Missing(t, "python3 is not installed")
	}
	file := filepath.Join(t.TempDir(), "bot.py")
	if err := os.WriteFile(file, []byte(examples(t, "python")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr) // it has just been listened on
	cmd := exec.CommandContext(t.Context(), python, file, port)
	cmd.Env = append(os.Environ(), "BOT_SECRET="+botSecret)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	o := loopback(t)
	o.Now = time.Now // the bot looks at its own clock
	r := remoteResponder(t, object{"kind": "http", "url": "http://" + addr, "secret": botSecret}, nil, o)
	wrong := remoteResponder(t, object{"kind": "http", "url": "http://" + addr, "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, nil, o)
	turn := question()
	var got hookswitch.Reply
	for begin := time.Now(); time.Since(begin) < 20*time.Second; { // until it listens
		if got, err = r.Respond(t.Context(), turn); err == nil {
			break
		}
	}
	if err != nil || got.Text != "Your balance is 5, Zoë <b>." {
		t.Fatalf("got %+v, %v", got, err)
	}
	turn.Text = "and else?"
	if got, err = r.Respond(t.Context(), turn); err != nil || !got.Unsolved {
		t.Errorf("got %+v, %v", got, err)
	}
	if fail := failure(t, wrong, turn); !fail.Permanent || !strings.Contains(fail.Error(), "401") {
		t.Errorf("with another secret: got %v", fail)
	}
}
