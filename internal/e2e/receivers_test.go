package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// Handlers as customers write them from the published pages, in five languages, get what the program delivers to a sender's webhook. Each is written twice: its signature check after the older of the
// two public guides, which has v1 over time and body, and after the newer, which has v2 over both or else v1 over the body.

// handler is a customer's program: it runs until the test ends, with the secret of a webhook, and says what it has accepted.
type handler struct {
	url      string
	accepted chan string // the ids of events
}

// runHandler starts a program of the folder receivers.
func runHandler(secret, guide string, command ...string) func(t *testing.T) *handler {
	return func(t *testing.T) *handler {
		t.Helper()
		port := strconv.Itoa(freePort(t))
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "PORT", port)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir, cmd.Env = "receivers", append(os.Environ(), "PORT="+port, "WEBHOOK_SECRET="+secret, "GUIDE="+guide)
		out, in := io.Pipe()
		cmd.Stdout, cmd.Stderr = in, in
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		h := &handler{url: "http://127.0.0.1:" + port + "/webhooks/zavu", accepted: make(chan string, 256)}
		var reading sync.WaitGroup
		var said bytes.Buffer
		reading.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				said.WriteString(lines.Text() + "\n")
				if _, words, ok := strings.Cut(lines.Text(), "accepted "); ok {
					h.accept(words)
				}
			}
		})
		t.Cleanup(func() {
			cancel()
			_ = cmd.Wait() // it was killed
			_ = in.Close()
			reading.Wait()
			if t.Failed() {
				t.Logf("%s said:\n%s", strings.Join(command, " "), said.String())
			}
		})
		until(t, strings.Join(command, " ")+" listens", func() bool {
			c, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err != nil {
				return false
			}
			_ = c.Close()
			return true
		})
		return h
	}
}

// accept notes "type id".
func (h *handler) accept(words string) {
	if f := strings.Fields(words); len(f) >= 2 {
		h.accepted <- f[0] + " " + f[1]
	}
}

// goHandler is a handler written in Go.
func goHandler(secret, guide string) func(t *testing.T) *handler {
	return func(t *testing.T) *handler {
		h := &handler{accepted: make(chan string, 256)}
		verifySignature := func(signature string, body []byte) bool {
			parts := map[string]string{}
			for part := range strings.SplitSeq(signature, ",") {
				name, value, _ := strings.Cut(part, "=")
				parts[name] = value
			}
			at, err := strconv.ParseInt(parts["t"], 10, 64)
			if err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
				return false
			}
			given, signed := parts["v1"], parts["t"]+"."+string(body)
			if guide == "newer" {
				if v2, ok := parts["v2"]; ok {
					given = v2
				} else {
					signed = string(body)
				}
			}
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(signed))
			return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(given))
		}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !verifySignature(r.Header.Get("X-Zavu-Signature"), body) {
				http.Error(w, "Invalid signature", http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("OK"))
			var event map[string]any
			if json.Unmarshal(body, &event) == nil {
				go h.accept(fmt.Sprint(event["type"], " ", event["id"]))
			}
		}))
		t.Cleanup(srv.Close)
		h.url = srv.URL + "/webhooks/zavu"
		return h
	}
}

// handlers are the languages: a short run drives those whose tools it has anyway.
var handlers = []struct {
	language, program string
	long              bool
	start             func(secret, guide string) func(*testing.T) *handler
}{
	{"go", "go", false, goHandler},
	{"javascript", "node", false, func(s, g string) func(*testing.T) *handler { return runHandler(s, g, "node", "receiver.mjs") }},
	{"python", "python3", true, func(s, g string) func(*testing.T) *handler { return runHandler(s, g, "python3", "receiver.py") }},
	{"ruby", "ruby", true, func(s, g string) func(*testing.T) *handler { return runHandler(s, g, "ruby", "receiver.rb") }},
	{"php", "php", true, func(s, g string) func(*testing.T) *handler {
		return runHandler(s, g, "php", "-S", "127.0.0.1:PORT", "receiver.php")
	}},
}

// trickyTexts are what people write whose JSON differs between languages.
var trickyTexts = []string{"Hi", "</script>&<b>", "\u2028\u2029", "tab\tquote\"back\\slash/", "héllo 🦊 \U0010ffff", "\u0001\u007f\ufeff", "a\\u0041 \\n", "1.0", "ﬁ e\u0301"}

func TestReceivers_WrittenFromEitherGuideAcceptWhatIsDelivered(t *testing.T) {
	for _, l := range handlers {
		t.Run(l.language, func(t *testing.T) {
			t.Parallel()
			if l.long {
				storetest.NeedLong(t)
			}
			needProgram(t, l.program)
			for _, c := range []struct {
				guide, profile string
				versions       []string // "": none chosen
			}{
				{"older", "guide", []string{""}},
				{"newer", "guide", []string{"", "v1", "v1+v2", "v2"}},
				{"newer", "strict", []string{"", "v1"}},
			} {
				t.Run(c.guide+" guide, profile "+c.profile, func(t *testing.T) {
					t.Parallel()
					s := Start(t, Options{Settings: map[string]string{"zavu-signature-profile": c.profile, "zavu-retry-schedule": "none"}})
					for _, version := range c.versions {
						receives(t, newZavuSender(t, s, version), c.guide, l.start)
					}
				})
			}
		})
	}
}

// zavuSender is a sender made over the Zavu-shaped API, to which an operator has given a Telegram bot.
type zavuSender struct {
	*Server
	t           *testing.T
	auth        http.Header
	id, secret  string
	bot, update int
}

var bots struct {
	sync.Mutex
	n int
}

func newZavuSender(t *testing.T, s *Server, version string) *zavuSender {
	t.Helper()
	z := &zavuSender{Server: s, t: t, auth: http.Header{}}
	bots.Lock()
	bots.n++
	z.bot = bots.n
	bots.Unlock()
	app := s.CreateApp(fmt.Sprint("Customer ", z.bot))
	var key struct{ Key string }
	s.Call(http.MethodPost, "/operator/v1/apps/"+app+"/keys", map[string]any{}, &key, http.StatusCreated)
	z.auth.Set("Authorization", "Bearer "+key.Key)
	in := map[string]any{"name": "My Sender", "webhookUrl": "http://127.0.0.1:9/", "webhookEvents": []string{"conversation.new", "message.inbound", "message.unsupported"}}
	if version != "" {
		in["webhookSignatureVersion"] = version
	}
	var made struct {
		ID      string
		Webhook struct{ Secret string }
	}
	z.api(http.MethodPost, "/v1/senders", in, &made, http.StatusCreated)
	z.id, z.secret = made.ID, made.Webhook.Secret
	s.Call(http.MethodPut, "/operator/v1/apps/"+app+"/senders", map[string]any{"senders": []any{map[string]any{"id": z.id, "channel": "telegram", "provider": "telegram",
		"credentials": map[string]any{"secret_token": z.token()}}}}, nil, http.StatusOK)
	return z
}

func (z *zavuSender) token() string { return fmt.Sprint("bot-", z.bot) }

// api calls the Zavu-shaped API.
func (z *zavuSender) api(method, path string, in, out any, want int) {
	z.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		z.t.Fatal(err)
	}
	resp, err := z.Do(z.t.Context(), method, path, body, z.auth)
	if err != nil || resp.Status != want {
		z.t.Fatalf("%s %s: %v, want status %d: %+v", method, path, err, want, resp)
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		z.t.Fatal(err)
	}
}

// writes has a person send something to the bot.
func (z *zavuSender) writes(content map[string]any) {
	z.t.Helper()
	z.update++
	message := map[string]any{"message_id": z.update, "date": time.Now().Unix(), "chat": map[string]any{"id": 77, "type": "private"}, "from": map[string]any{"id": 77, "first_name": "Ada 🦊"}}
	for name, value := range content {
		message[name] = value
	}
	body, err := json.Marshal(map[string]any{"update_id": z.update, "message": message})
	if err != nil {
		z.t.Fatal(err)
	}
	resp, err := z.Do(z.t.Context(), http.MethodPost, "/in/"+z.id, body, http.Header{"X-Telegram-Bot-Api-Secret-Token": {z.token()}})
	if err != nil || resp.Status != http.StatusOK {
		z.t.Fatalf("the push is answered %+v, %v", resp, err)
	}
}

// receives has a handler with the secret of the sender's webhook take what people write, and refuse a forgery.
func receives(t *testing.T, z *zavuSender, guide string, start func(secret, guide string) func(*testing.T) *handler) {
	t.Helper()
	h := start(z.secret, guide)(t)
	var changed struct{ Webhook struct{ URL, Secret string } }
	z.api(http.MethodPatch, "/v1/senders/"+z.id, map[string]any{"webhookUrl": h.url}, &changed, http.StatusOK)
	if changed.Webhook.URL != h.url || changed.Webhook.Secret != "" {
		t.Errorf("%+v", changed)
	}
	for _, text := range trickyTexts {
		z.writes(map[string]any{"text": text})
	}
	z.writes(map[string]any{"location": map[string]any{"latitude": 1.10, "longitude": -0.0000001}})
	z.writes(map[string]any{"location": map[string]any{"latitude": 51.5074000, "longitude": 1e-7}})
	z.writes(map[string]any{"dice": map[string]any{"emoji": "🎲", "value": 6}})
	want := map[string]int{"conversation.new": 1, "message.inbound": len(trickyTexts) + 3}
	got, ids := map[string]int{}, map[string]bool{}
	for n := len(trickyTexts) + 4; n > 0; n-- {
		select {
		case words := <-h.accepted:
			name, id, _ := strings.Cut(words, " ")
			got[name]++
			ids[id] = true
		case <-time.After(20 * time.Second):
			t.Fatalf("it has accepted %v, want %v", got, want)
		}
	}
	if got["conversation.new"] != 1 || got["message.inbound"] != want["message.inbound"] || len(ids) != len(trickyTexts)+4 {
		t.Errorf("it has accepted %v with %d ids, want %v", got, len(ids), want)
	}
	forged, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, strings.NewReader(`{"id":"evt_1","type":"message.inbound","data":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	forged.Header.Set("X-Zavu-Signature", fmt.Sprintf("t=%d,v1=%[2]s,v2=%[2]s", time.Now().Unix(), strings.Repeat("0", 64)))
	resp, err := http.DefaultClient.Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forgery is answered %s", resp.Status)
	}
}

func TestReceivers_AreAllListed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("receivers/receiver.*")
	if err != nil || len(files) != len(handlers)-1 {
		t.Errorf("%v, %v, and there are %d languages", files, err, len(handlers))
	}
}
