package ingest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	publicURL = "https://gw.example.test"
	appSecret = "0123456789abcdef0123456789abcdef"
	phoneID   = "106540352242922"
	otherID   = "7794189252778687"
	textDoor  = "/api/channels/whatsapp"
)

// gateway is doors over a real store, without an engine: everything is stored and nothing is sent.
type gateway struct {
	t     testing.TB
	store *store.Store
	svc   *service.Service
	doors *ingest.Doors
	url   string
	http  *http.Client
	log   *syncBuffer
	// stored counts what sentAs has stored.
	stored atomic.Int64
	// respond answers in dialogues; nil: the responder that is configured does.
	respond respond.Func

	mu   sync.Mutex
	seen []ingest.Result
	took []time.Duration
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newGateway(t testing.TB, db *storetest.DB, providers ...hookswitch.Provider) *gateway {
	t.Helper()
	return newGatewayAt(t, db, nil, providers...)
}

// newGatewayAt is newGateway with doors that take now for the time.
func newGatewayAt(t testing.TB, db *storetest.DB, now func() time.Time, providers ...hookswitch.Provider) *gateway {
	t.Helper()
	if len(providers) == 0 {
		providers = []hookswitch.Provider{meta.New(meta.Options{})}
	}
	g := &gateway{t: t, store: db.Open(), log: new(syncBuffer)}
	logger := slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	svc, err := service.New(service.Options{Store: g.store, Providers: providers, PublicURL: publicURL, Profiles: map[hookswitch.ProfileName]hookswitch.Profile{
		hookswitch.ProfileSvix: hookswitch.SvixProfile(), hookswitch.ProfileZavu: hookswitch.ZavuProfile()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.RegisterEventTypes(context.Background()); err != nil {
		t.Fatal(err)
	}
	servicetest.CheckEvents(t, g.store)
	g.svc = svc
	g.doors = ingest.New(ingest.Options{Service: svc, Providers: providers, Logger: logger, Now: now, NewResponder: g.newResponder, Observe: func(_ string, took time.Duration, r ingest.Result) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.seen, g.took = append(g.seen, r), append(g.took, took)
	}})
	mux := httpapi.NewMux(&httpapi.Surface{Name: "test"})
	g.doors.Register(mux)
	srv := httptest.NewServer(httpapi.Chain(mux, httpapi.WithRequestID, httpapi.AccessLog(logger)))
	t.Cleanup(srv.Close)
	g.url, g.http = srv.URL, srv.Client()
	return g
}

func (g *gateway) newResponder(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
	if g.respond != nil {
		return g.respond, nil
	}
	return respond.New(c, respond.Options{})
}

// count is how many requests have ended with r.
func (g *gateway) count(r ingest.Result) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, seen := range g.seen {
		if seen == r {
			n++
		}
	}
	return n
}

func (g *gateway) app(name string) *hookswitch.App {
	g.t.Helper()
	a, err := g.svc.CreateApp(context.Background(), hookswitch.App{Name: name}, service.Idempotency{})
	if err != nil {
		g.t.Fatal(err)
	}
	return a
}

func credentials(secret, phone string) hookswitch.Credentials {
	return hookswitch.Credentials{"app_secret": {secret}, "verify_token": {"meatyhamhock-42"}, "access_token": {"TEST"}, "phone_number_id": {phone}}
}

// sender makes a WhatsApp sender of the app and returns it.
func (g *gateway) sender(app *hookswitch.App, name, secret, phone string) *hookswitch.Sender {
	g.t.Helper()
	out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{{Name: name, Channel: hookswitch.WhatsApp, Provider: "meta",
		Credentials: credentials(secret, phone)}})
	if err != nil {
		g.t.Fatal(err)
	}
	return out[0].Sender
}

func (g *gateway) id(s *hookswitch.Sender) string {
	return g.svc.IDs().Format(hookswitch.KindSender, s.Key)
}

// endpoint makes an endpoint of the app for the types.
func (g *gateway) endpoint(app *hookswitch.App, types ...string) {
	g.t.Helper()
	_, err := g.svc.CreateEndpoint(context.Background(), app.Key, hookswitch.Endpoint{URL: "https://example.com/hook", EventTypes: types}, service.Idempotency{})
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) messages(app *hookswitch.App) []*hookswitch.Message {
	g.t.Helper()
	list, err := g.svc.Messages(context.Background(), app.Key, store.MessageFilter{}, store.Page{Limit: 1000, Ascending: true})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

func (g *gateway) strays() []store.Stray {
	g.t.Helper()
	list, err := g.store.Strays(context.Background(), store.Page{Limit: 100})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

// event is what an endpoint would be sent.
type event struct {
	Type string
	Data map[string]any
	raw  string
}

func (g *gateway) events(app *hookswitch.App) []event {
	g.t.Helper()
	list, _, err := g.svc.Events(context.Background(), app.Key, store.EventFilter{}, store.Page{Limit: 1000, Ascending: true})
	if err != nil {
		g.t.Fatal(err)
	}
	out := make([]event, len(list))
	for i, ev := range list {
		if err := json.Unmarshal(ev.Payload, &out[i]); err != nil {
			g.t.Fatalf("payload of %s: %v", ev.Type, err)
		}
		if out[i].Type != ev.Type {
			g.t.Errorf("event %s has a payload of type %s", ev.Type, out[i].Type)
		}
		out[i].raw = string(ev.Payload)
	}
	return out
}

func typesOf(events []event) []string {
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (g *gateway) do(method, path string, body []byte, header map[string]string) answer {
	g.t.Helper()
	r, err := http.NewRequest(method, g.url+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := g.http.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// push posts a body signed with the secret.
func (g *gateway) push(path, secret, body string) answer {
	g.t.Helper()
	return g.do(http.MethodPost, path, []byte(body), map[string]string{"X-Hub-Signature-256": sign(secret, body), "Content-Type": "application/json"})
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// text is the push of one text message.
func text(phone, id, from, words string) string {
	return envelope(phone, fmt.Sprintf(`{"from":%q,"id":%q,"timestamp":"1749416383","type":"text","text":{"body":%q}}`, from, id, words))
}

// envelope is a push with the items as its messages.
func envelope(phone, items string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"15550783881","phone_number_id":%q},"messages":[%s]}}]}]}`, phone, items)
}

func wantRefusal(t *testing.T, a answer, status int, code string) {
	t.Helper()
	var body struct{ Error, Code string }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != status || body.Code != code || body.Error == "" {
		t.Errorf("got %d %s, want %d with the code %s", a.status, a.body, status, code)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func now() time.Time { return time.Now().UTC() }
