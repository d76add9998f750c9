package travtus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/provider/api"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// object is a JSON object as a client sees it.
type object = map[string]any

// surface is the API over a world, in the hands of a client of one app.
type surface struct {
	*servicetest.World
	t      *testing.T
	api    http.Handler
	app    *hookswitch.App
	client string // its id
	secret string
	token  string
}

func newSurface(t *testing.T, db *storetest.DB, change ...func(*travtus.Options)) *surface {
	t.Helper()
	w := servicetest.New(t, db, func(o *servicetest.Options) { o.Providers = []hookswitch.Provider{api.New()} })
	o := travtus.Options{Service: w.Service, Key: bytes.Repeat([]byte{7}, 32), Now: w.Clock.Now}
	for _, c := range change {
		c(&o)
	}
	h, err := travtus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &surface{World: w, t: t, api: h}
	return s.newApp("Iris")
}

// newApp is the same API in the hands of a client of another app.
func (s *surface) newApp(bot string) *surface {
	s.t.Helper()
	n := *s
	n.app = s.App(func(a *hookswitch.App) { a.BotName, a.BotRef, a.CompanyID = bot, "bot-7", "company_789" })
	c, secret, err := s.Service.CreateClient(context.Background(), n.app.Key, "")
	if err != nil {
		s.t.Fatal(err)
	}
	n.client, n.secret = s.Service.IDs().Format(hookswitch.KindClient, c.Key), secret.Reveal()
	n.token = n.newToken()
	return &n
}

func (s *surface) newToken() string {
	s.t.Helper()
	w := s.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {s.client}, "client_secret": {s.secret}}, nil)
	return s.decode(w, 200)["access_token"].(string)
}

// form asks for a token.
func (s *surface) form(form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/oauth2/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

// try makes a request with the client's token.
func (s *surface) try(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

func (s *surface) decode(w *httptest.ResponseRecorder, status int) object {
	s.t.Helper()
	if w.Code != status {
		s.t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	var out object
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		s.t.Fatalf("%v: %s", err, w.Body)
	}
	return out
}

// post posts a message that has to be taken, and returns the id of the request.
func (s *surface) post(body string) string {
	s.t.Helper()
	return s.decode(s.try("POST", "/messages/", body), 200)["request_id"].(string)
}

// sms is a text message, as the documentation shows one.
func sms(id, text, conversation string) string {
	return `{"channel":"sms","message_direction":"Inbound","group_external_ref":"portfolio_123","first_name":"Jane","sms":{"source":"twilio","message_id":"` + id +
		`","text":"` + text + `","created_datetime":"2024-03-15T11:30:00Z","phone_number":"+1234567890","conversation_id":"` + conversation + `"}}`
}

func webChat(id, text, more string) string {
	return `{"channel":"web_chat","group_external_ref":"portfolio_123","web_chat":{"message_id":"` + id + `","text":"` + text +
		`","created_datetime":"2024-03-15T11:30:00.123456"` + more + `}}`
}

// answers are the payloads of the app's events of a type, oldest first.
func (s *surface) answers(eventType string) []string {
	s.t.Helper()
	var out []string
	for _, e := range s.Events(s.app) {
		if e.Type == eventType {
			out = append(out, string(e.Payload))
		}
	}
	return out
}

// bot answers what is posted.
type bot struct {
	mu    sync.Mutex
	turns []hookswitch.Turn
	reply func(*hookswitch.Turn) (hookswitch.Reply, error)
}

func (b *bot) respond(_ context.Context, t *hookswitch.Turn) (hookswitch.Reply, error) {
	b.mu.Lock()
	b.turns = append(b.turns, *t)
	b.mu.Unlock()
	if b.reply != nil {
		return b.reply(t)
	}
	return hookswitch.Reply{Text: "re: " + t.Text}, nil
}

func (b *bot) seen() []hookswitch.Turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]hookswitch.Turn(nil), b.turns...)
}

// withBot gives the app a responder and starts the engine.
func (s *surface) withBot(b *bot) {
	s.t.Helper()
	servicetest.Must(s.Service.SetResponder(context.Background(), s.app.Key, hookswitch.ResponderConfig{Kind: "test", Raw: []byte(`{"kind":"test"}`)}))(s.t)
	s.Run(b.respond)
}

// waitAnswers waits until there are n events of the type, and returns their payloads.
func (s *surface) waitAnswers(eventType string, n int) []string {
	s.t.Helper()
	var got []string
	servicetest.Eventually(s.t, eventType, func() bool {
		got = s.answers(eventType)
		return len(got) >= n
	})
	return got
}

// page is all of a short list.
var page = store.Page{Limit: 1000, Ascending: true}
