package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

func TestSimulate_StandsInForTheGraphUntilInterrupted(t *testing.T) {
	t.Parallel()
	reports := make(chan string, 10)
	door := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		reports <- r.URL.Path + " " + string(b)
	}))
	defer door.Close()

	ctx, interrupt := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, []string{"simulate", "whatsapp", "-f", "testdata/senders.json", "--graph", "127.0.0.1:0", "--path", "/in/snd_1", "--url", door.URL + "/", "--json"},
			Deps{Stdin: strings.NewReader(""), Stdout: in, Stderr: io.Discard})
	}()
	lines := bufio.NewScanner(out)
	next := func(v any) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("no line: %v", lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), v); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
	}
	var at standing
	next(&at)
	send := func(token string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", at.URL+"/v23.0/106540352242922/messages",
			strings.NewReader(`{"messaging_product":"whatsapp","to":"254712345678","type":"text","text":{"body":"hi"},"biz_opaque_callback_data":"msg_1"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := send("another"); got != 401 {
		t.Errorf("another token: %d", got)
	}
	sent := make(chan int, 1)
	go func() { sent <- send("TEST-META-TOKEN") }()
	var got taken
	if next(&got); got.Text != "hi" || got.To != "254712345678" || got.Ref != "msg_1" {
		t.Errorf("taken: %+v", got)
	}
	if got := <-sent; got != 200 {
		t.Errorf("send: %d", got)
	}
	for _, status := range []string{"sent", "delivered", "read"} {
		if r := <-reports; !strings.HasPrefix(r, "/in/snd_1 ") || !strings.Contains(r, `"status":"`+status+`"`) {
			t.Errorf("report %s, want %s", r, status)
		}
	}
	interrupt()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

func TestSimulate_FlagsWinOverTheFileAndTheFileOverTheDefaults(t *testing.T) {
	t.Parallel()
	e := &env{Deps: Deps{Stdin: strings.NewReader(`{"senders":[{"channel":"sms","provider":"meta","credentials":{"app_secret":"wrong"}},
		{"channel":"whatsapp","provider":"meta","phoneNumber":"+15550001111","credentials":{"app_secret":["new","old"],"access_token":"tok"}}]}`)}}
	c := simulateChannel{played: played{Channel: hookswitch.WhatsApp, File: "-", Credential: map[string]string{"waba_id": "77"}, Path: "/in/snd_1"}}
	sim, a, err := c.account(e)
	creds := a.Credentials
	if err != nil || sim.Provider != "meta" || creds.First("app_secret") != "new" || creds.First("access_token") != "tok" || creds.First("waba_id") != "77" ||
		a.Number != "+15550001111" || creds.First("phone_number_id") != simulate.DemoPhoneNumberID || a.Path != "/in/snd_1" {
		t.Errorf("got %s, %v, %v", sim.Provider, a.Number, err)
	}
}
