package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const messagesPath = "/v23.0/106540352242922/messages"

// door is a callback that checks and keeps what it is told.
type door struct {
	t      *testing.T
	answer func(n int) int // the status for the nth push; nil: 200

	mu    sync.Mutex
	n     int
	told  []string // "status ref code"
	times []time.Time
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/api/channels/whatsapp" || !signed(r.Header, body) {
		d.t.Errorf("push to %s is not signed", r.URL.Path)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	if d.answer != nil {
		if status := d.answer(d.n); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	s := item(d.t, simulate.Push{Body: body})
	ref, _ := s["biz_opaque_callback_data"].(string)
	line := s["status"].(string) + " " + ref
	if errs, ok := s["errors"].([]any); ok {
		line += " " + strconv.Itoa(int(errs[0].(map[string]any)["code"].(float64)))
	}
	d.told = append(d.told, line)
	d.times = append(d.times, time.Now())
}

// direct hands requests to a handler without a network, so that a test's clock can be a bubble's.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func post(t *testing.T, h http.Handler, path, token, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		t.Fatalf("answer %d %q: %v", rec.Code, rec.Body, err)
	}
	return rec.Code, out
}

func textBody(to, text, ref string) string {
	b, _ := json.Marshal(map[string]any{"messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text",
		"text": map[string]any{"preview_url": false, "body": text}, "biz_opaque_callback_data": ref, "context": map[string]any{"message_id": "wamid.Q"}})
	return string(b)
}

// play runs a Graph with a callback inside a bubble until all that do sends has been reported.
func play(t *testing.T, opts simulate.GraphOptions, d *door, do func(g *simulate.Graph)) {
	t.Helper()
	d.t = t
	opts.Accounts, opts.Token, opts.Callback = []simulate.WhatsApp{account()}, "T", "http://gateway.test"
	opts.Client = &http.Client{Transport: direct{d}}
	g := simulate.NewGraph(opts)
	ran := make(chan error, 1)
	go func() { ran <- g.Run(t.Context()) }()
	synctest.Wait()
	do(g)
	if err := g.Settle(t.Context()); err != nil {
		t.Errorf("settle: %v", err)
	}
	g.Close()
	if err := <-ran; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestGraph_TakesASendAndReportsOnIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []simulate.Sent
		d := &door{}
		begin := time.Now()
		play(t, simulate.GraphOptions{Delay: time.Second, OnSend: func(s simulate.Sent) { seen = append(seen, s) }}, d, func(g *simulate.Graph) {
			status, out := post(t, g, messagesPath, "T", textBody("+254 712", "", "")) // refused: no text, short number
			if status != 400 {
				t.Errorf("got %d %v, want a refusal", status, out)
			}
			status, out = post(t, g, messagesPath, "T", textBody("+254712345678", "Grüße", "msg_1"))
			if status != 200 || len(g.Sent()) != 1 {
				t.Fatalf("got %d %v and %d sends", status, out, len(g.Sent()))
			}
			s := g.Sent()[0]
			want := map[string]any{"messaging_product": "whatsapp", "contacts": []any{map[string]any{"input": "+254712345678", "wa_id": "254712345678"}},
				"messages": []any{map[string]any{"id": s.ID}}}
			if d := cmp.Diff(want, out); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
			if s.To != "254712345678" || s.Text != "Grüße" || s.Ref != "msg_1" || s.ReplyTo != "wamid.Q" || s.Type != "text" || !strings.HasPrefix(s.ID, "wamid.") {
				t.Errorf("kept %+v", s)
			}
		})
		if d := cmp.Diff([]string{"sent msg_1", "delivered msg_1", "read msg_1"}, d.told); d != "" {
			t.Errorf("reports (-want +got):\n%s", d)
		}
		for i, at := range d.times {
			if got, want := at.Sub(begin), time.Duration(i+1)*time.Second; got != want {
				t.Errorf("report %d came after %v, want %v", i+1, got, want)
			}
		}
		if len(seen) != 1 {
			t.Errorf("OnSend was told of %d sends, want 1", len(seen))
		}
	})
}

func TestGraph_WorksOverTheNetwork(t *testing.T) {
	t.Parallel()
	d := &door{t: t}
	gateway := httptest.NewServer(d)
	defer gateway.Close()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Callback: gateway.URL, Delay: time.Millisecond})
	api := httptest.NewServer(g)
	defer api.Close()
	ran := make(chan error, 1)
	go func() { ran <- g.Run(t.Context()) }()
	defer func() { g.Close(); <-ran }()

	const sends = 50
	var all sync.WaitGroup
	for i := range sends {
		all.Go(func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", api.URL+messagesPath, strings.NewReader(textBody("25471234567"+strconv.Itoa(i%10), "hi", "m"+strconv.Itoa(i))))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer anything")
			res, err := api.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("send %d: got %d", i, res.StatusCode)
			}
		})
	}
	all.Wait()
	if err := g.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.told) != 3*sends {
		t.Fatalf("got %d reports, want %d", len(d.told), 3*sends)
	}
	rank := map[string]int{"sent": 1, "delivered": 2, "read": 3}
	last := map[string]int{}
	for _, line := range d.told {
		status, ref, _ := strings.Cut(line, " ")
		if rank[status] != last[ref]+1 {
			t.Errorf("%s was reported out of order for %s", status, ref)
		}
		last[ref] = rank[status]
	}
}

func TestGraph_RefusesWhatMetaRefuses(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Token: "T"})
	const head = `{"messaging_product":"whatsapp","to":"254712345678",`
	dialog := func(titles ...string) string {
		var buttons []string
		for _, title := range titles {
			buttons = append(buttons, `{"type":"reply","reply":{"id":"a","title":"`+title+`"}}`)
		}
		return head + `"type":"interactive","interactive":{"type":"button","body":{"text":"?"},"action":{"buttons":[` + strings.Join(buttons, ",") + `]}}}`
	}
	tests := []struct {
		name, path, token, body string
		status, code            int
	}{
		{"no token", messagesPath, "", textBody("254712345678", "x", ""), 401, 190},
		{"wrong token", messagesPath, "U", textBody("254712345678", "x", ""), 401, 190},
		{"other number", "/v23.0/1/messages", "T", textBody("254712345678", "x", ""), 400, 100},
		{"no version", "/106540352242922/messages", "T", "{}", 404, 2500},
		{"other path", "/v23.0/106540352242922/media", "T", "{}", 404, 2500},
		{"no JSON", messagesPath, "T", "to=1", 400, 100},
		{"wrong type of a field", messagesPath, "T", `{"messaging_product":"whatsapp","to":5}`, 400, 100},
		{"no product", messagesPath, "T", `{"to":"254712345678","type":"text","text":{"body":"x"}}`, 400, 100},
		{"no recipient", messagesPath, "T", `{"messaging_product":"whatsapp","type":"text","text":{"body":"x"}}`, 400, 100},
		{"bad number", messagesPath, "T", textBody("call me", "x", ""), 400, 131009},
		{"itself", messagesPath, "T", textBody("15550783881", "x", ""), 400, 131021},
		{"bad user id", messagesPath, "T", `{"messaging_product":"whatsapp","recipient":"bob","text":{"body":"x"}}`, 400, 131009},
		{"unknown type", messagesPath, "T", head + `"type":"poll"}`, 400, 100},
		{"no text", messagesPath, "T", head + `"type":"text"}`, 400, 131008},
		{"empty text", messagesPath, "T", textBody("254712345678", "", ""), 400, 131008},
		{"long text", messagesPath, "T", textBody("254712345678", strings.Repeat("ä", 4097), ""), 400, 100},
		{"long reference", messagesPath, "T", textBody("254712345678", "x", strings.Repeat("r", 513)), 400, 100},
		{"image without source", messagesPath, "T", head + `"type":"image","image":{"caption":"x"}}`, 400, 100},
		{"image from nowhere", messagesPath, "T", head + `"type":"image","image":{"link":"file:///x"}}`, 400, 131009},
		{"four buttons", messagesPath, "T", dialog("a", "b", "c", "d"), 400, 131009},
		{"long button", messagesPath, "T", dialog(strings.Repeat("x", 21)), 400, 131009},
		{"list without rows", messagesPath, "T", head + `"type":"interactive","interactive":{"type":"list","body":{"text":"?"},"action":{"button":"b","sections":[]}}}`, 400, 131009},
		{"template without language", messagesPath, "T", head + `"type":"template","template":{"name":"x"}}`, 400, 131008},
		{"reaction to nothing", messagesPath, "T", head + `"type":"reaction","reaction":{"emoji":"x"}}`, 400, 131008},
		{"contacts without names", messagesPath, "T", head + `"type":"contacts","contacts":[{}]}`, 400, 131008},
		{"location without place", messagesPath, "T", head + `"type":"location","location":{"latitude":1}}`, 400, 131008},
		{"read nothing", messagesPath, "T", `{"messaging_product":"whatsapp","status":"read"}`, 400, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, out := post(t, g, tt.path, tt.token, tt.body)
			e, _ := out["error"].(map[string]any)
			if status != tt.status || e["code"] != float64(tt.code) || e["message"] == "" || e["type"] == "" || e["fbtrace_id"] == "" {
				t.Errorf("got %d %v, want %d with code %d", status, out, tt.status, tt.code)
			}
			if len(g.Sent()) != 0 {
				t.Errorf("a refused send was kept: %+v", g.Sent())
			}
		})
	}
}

func TestGraph_TakesEveryKindOfMessage(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Token: "T"})
	for _, content := range []string{
		`"type":"text","text":{"body":"x"}`,
		`"type":"image","image":{"id":"1","caption":"x"}`,
		`"type":"audio","audio":{"link":"https://a.test/b.ogg"}`,
		`"type":"video","video":{"id":"1"}`,
		`"type":"document","document":{"id":"1","filename":"a.pdf"}`,
		`"type":"sticker","sticker":{"id":"1"}`,
		`"type":"location","location":{"latitude":1.5,"longitude":0}`,
		`"type":"contacts","contacts":[{"name":{"formatted_name":"A"}}]`,
		`"type":"interactive","interactive":{"type":"button","body":{"text":"?"},"action":{"buttons":[{"type":"reply","reply":{"id":"a","title":"A"}}]}}`,
		`"type":"interactive","interactive":{"type":"list","body":{"text":"?"},"action":{"button":"b","sections":[{"rows":[{"id":"a","title":"A"}]}]}}`,
		`"type":"template","template":{"name":"hello","language":{"code":"en"}}`,
		`"type":"reaction","reaction":{"message_id":"wamid.X","emoji":""}`,
	} {
		if status, out := post(t, g, messagesPath, "T", `{"messaging_product":"whatsapp","to":"254712345678",`+content+`}`); status != 200 {
			t.Errorf("%s: got %d %v", content, status, out)
		}
	}
	status, out := post(t, g, messagesPath, "T", `{"messaging_product":"whatsapp","recipient":"US.13491208655302741918","text":{"body":"x"}}`)
	if status != 200 || out["contacts"].([]any)[0].(map[string]any)["user_id"] != "US.13491208655302741918" {
		t.Errorf("to a user id: got %d %v", status, out)
	}
}

func TestGraph_TakesReadMarks(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Token: "T"})
	status, out := post(t, g, messagesPath, "T", `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.A","typing_indicator":{"type":"text"}}`)
	if status != 200 || out["success"] != true {
		t.Errorf("got %d %v", status, out)
	}
	if d := cmp.Diff([]simulate.Read{{MessageID: "wamid.A", Typing: true}}, g.Reads()); d != "" || len(g.Sent()) != 0 {
		t.Errorf("reads (-want +got):\n%s", d)
	}
}

func TestGraph_RefusesByFaultAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Token: "T",
		Faults: []simulate.Fault{{To: "+254712345678", Contains: "x", Skip: 1, Times: 2, Code: 130429}}})
	var got []int
	for _, to := range []string{"254712345678", "254712345678", "254700000000", "254712345678", "254712345678"} {
		status, _ := post(t, g, messagesPath, "T", textBody(to, "xyz", ""))
		got = append(got, status)
	}
	if d := cmp.Diff([]int{200, 429, 200, 429, 200}, got); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
	if len(g.Sent()) != 3 {
		t.Errorf("kept %d sends, want the 3 taken", len(g.Sent()))
	}
}

func TestGraph_RefusesWithHeaderAndAsABrokenProxy(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Faults: []simulate.Fault{
		{Contains: "slow", Code: 4, RetryAfter: 1500 * time.Millisecond}, {Contains: "proxy", HTTPStatus: 502}, {Contains: "odd", Code: 131000, HTTPStatus: 400}}})
	send := func(text string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", messagesPath, strings.NewReader(textBody("254712345678", text, "")))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer t")
		rec := httptest.NewRecorder()
		g.ServeHTTP(rec, r)
		return rec
	}
	if rec := send("slow"); rec.Code != 429 || rec.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d %v, want 429 and Retry-After 2", rec.Code, rec.Header())
	}
	if rec := send("proxy"); rec.Code != 502 || rec.Header().Get("Content-Type") != "text/html" || json.Valid(rec.Body.Bytes()) {
		t.Errorf("got %d %s, want HTML", rec.Code, rec.Body)
	}
	if rec := send("odd"); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"code":131000`) {
		t.Errorf("got %d %s, want 131000 with status 400", rec.Code, rec.Body)
	}
}

func TestGraph_HangsAfterTakingTheSend(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{})
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Faults: []simulate.Fault{{Hang: true}},
		OnSend: func(simulate.Sent) { close(taken) }})
	api := httptest.NewServer(g)
	defer api.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-taken; cancel() }()
	r, _ := http.NewRequestWithContext(ctx, "POST", api.URL+messagesPath, strings.NewReader(textBody("254712345678", "x", "m")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer t")
	if _, err := api.Client().Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want no answer until the client gave up", err)
	}
	if len(g.Sent()) != 1 {
		t.Errorf("kept %d sends, want the one without answer", len(g.Sent()))
	}
}

func TestGraph_CloseDropsHangingSends(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{})
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Faults: []simulate.Fault{{Hang: true}},
		OnSend: func(simulate.Sent) { close(taken) }})
	api := httptest.NewServer(g)
	defer api.Close()
	go func() { <-taken; g.Close() }()
	r, _ := http.NewRequestWithContext(t.Context(), "POST", api.URL+messagesPath, strings.NewReader(textBody("254712345678", "x", "m")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer t")
	if res, err := api.Client().Do(r); err == nil {
		t.Errorf("got %d, want a dropped connection", res.StatusCode)
	}
	if err := g.Run(t.Context()); !errors.Is(err, simulate.ErrClosed) {
		t.Errorf("run after close: got %v, want ErrClosed", err)
	}
}

func TestGraph_ReportsWhatTheFaultSays(t *testing.T) {
	t.Parallel()
	const sent, delivered, read, failed = hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead, hookswitch.StatusFailed
	tests := []struct {
		name  string
		fault simulate.Fault
		want  []string
	}{
		{"none", simulate.Fault{Statuses: []hookswitch.MessageStatus{}}, nil},
		{"out of order", simulate.Fault{Statuses: []hookswitch.MessageStatus{read, sent, delivered}}, []string{"read m", "sent m", "delivered m"}},
		{"twice", simulate.Fault{Statuses: []hookswitch.MessageStatus{sent, sent, delivered, delivered}}, []string{"sent m", "sent m", "delivered m", "delivered m"}},
		{"failed", simulate.Fault{FailCode: 131047}, []string{"failed m 131047"}},
		{"sent, then failed", simulate.Fault{Statuses: []hookswitch.MessageStatus{sent, failed}}, []string{"sent m", "failed m 131026"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &door{}
				play(t, simulate.GraphOptions{Faults: []simulate.Fault{tt.fault}}, d, func(g *simulate.Graph) {
					if status, out := post(t, g, messagesPath, "T", textBody("254712345678", "x", "m")); status != 200 {
						t.Errorf("got %d %v", status, out)
					}
				})
				if d := cmp.Diff(tt.want, d.told); d != "" {
					t.Errorf("reports (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestGraph_PushesAReportAgainUntilTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		d := &door{answer: func(n int) int {
			if n <= 3 {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}}
		play(t, simulate.GraphOptions{}, d, func(g *simulate.Graph) { post(t, g, messagesPath, "T", textBody("254712345678", "x", "m")) })
		if d := cmp.Diff([]string{"sent m", "delivered m", "read m"}, d.told); d != "" {
			t.Errorf("reports (-want +got):\n%s", d)
		}
		if got, want := d.times[0].Sub(begin), 705*time.Millisecond; got != want {
			t.Errorf("taken after %v, want %v", got, want)
		}
	})
}

func TestGraph_GivesAReportUpInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &door{answer: func(int) int { return http.StatusNotFound }}
		play(t, simulate.GraphOptions{Retries: -1}, d, func(g *simulate.Graph) {
			post(t, g, messagesPath, "T", textBody("254712345678", "x", "m"))
			_ = g.Settle(t.Context())
			if g.Lost() != 3 {
				t.Errorf("lost %d reports, want 3", g.Lost())
			}
		})
	})
}

func TestGraph_BoundsWhatItKeeps(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Callback: "http://127.0.0.1:1", Keep: 3, MaxPending: 5})
	refused := 0
	for i := range 7 {
		status, out := post(t, g, messagesPath, "t", textBody("254712345678", strconv.Itoa(i), ""))
		if status == 429 && out["error"].(map[string]any)["code"] == 130429.0 {
			refused++
		}
	}
	var kept []string
	for _, s := range g.Sent() {
		kept = append(kept, s.Text)
	}
	if d := cmp.Diff([]string{"2", "3", "4"}, kept); d != "" || refused != 2 {
		t.Errorf("refused %d, want 2; kept (-want +got):\n%s", refused, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Settle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("settle with nobody running: got %v, want the context's end", err)
	}
}
