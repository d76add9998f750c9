package providertest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

const (
	credentialsFile = "credentials.json"
	goldenSuffix    = ".golden.json"
)

// received is the time at which all fixtures come in.
var received = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Fixture is one recorded request and what is expected of it.
type Fixture struct {
	Name         string            `json:"-"` // the file's name without its ending
	Method       string            `json:"method"`
	Path         string            `json:"path"` // with the query, as sent
	PublicURL    string            `json:"public_url"`
	Headers      map[string]string `json:"headers"`
	Body         string            `json:"body"`
	BodyEncoding string            `json:"body_encoding"`
	BodyGen      *struct {
		Prefix, Repeat, Suffix string
		Count                  int
	} `json:"body_gen"`
	Repeat int    `json:"repeat"`
	Setup  Setup  `json:"setup"`
	Expect Expect `json:"expect"`
}

// Setup is what has to exist for the result of a Fixture, not for its answer. Adapters are pure and need none of it; tests of the whole server do.
type Setup struct {
	Outbound []struct {
		Channel   string `json:"channel"`
		MessageID string `json:"messageId"`
		To        string `json:"to"`
		Status    string `json:"status"` // how far it has come; empty: it is being sent
		// SentAt, where it is told, is when the message was sent; else it was long ago.
		SentAt time.Time `json:"sentAt"`
	} `json:"outbound"`
	USSD []struct {
		SessionID string `json:"sessionId"`
		Text      string `json:"text"` // of the previous step
	} `json:"ussd"`
}

// moves reports whether the message that r is about goes a step forward by it. One that does not exist does.
func (s *Setup) moves(r *hookswitch.MessageReceipt) bool {
	for _, m := range s.Outbound {
		if m.MessageID == r.ProviderID && m.Status != "" {
			return hookswitch.MessageStatus(m.Status).CanBecome(r.Status)
		}
	}
	return true
}

// Expect is what a Fixture expects. Objects are subsets: members that are named must match, others are free.
type Expect struct {
	Status          int      `json:"status"`
	StatusAny       []int    `json:"status_any"`
	ContentType     string   `json:"content_type"`
	BodyEquals      *string  `json:"body_equals"`
	BodyJSON        any      `json:"body_json"`
	BodyContains    []string `json:"body_contains"`
	BodyNotContains []string `json:"body_not_contains"`
	BodyPrefixAny   []string `json:"body_prefix_any"`

	Normalized    []any `json:"normalized"`
	NormalizedAny bool  `json:"normalized_any"`
	StatusUpdates []any `json:"status_updates"`
	Events        []any `json:"events"`
	EventsAny     bool  `json:"events_any"`
}

// Load reads the fixtures of dir.
func Load(t testing.TB, dir string) []Fixture {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fixtures []Fixture
	for _, name := range names {
		base := filepath.Base(name)
		if base == credentialsFile || strings.HasSuffix(base, goldenSuffix) {
			continue
		}
		f := Fixture{Name: strings.TrimSuffix(base, ".json")}
		readJSON(t, name, &f)
		fixtures = append(fixtures, f)
	}
	if len(fixtures) == 0 {
		t.Fatalf("%s holds no fixtures", dir)
	}
	return fixtures
}

// Credentials reads those of one provider from the file credentials.json of dir, where their names begin with the provider's.
func Credentials(t testing.TB, dir, provider string) hookswitch.Credentials {
	t.Helper()
	var file struct {
		Values map[string]string `json:"values"`
	}
	readJSON(t, filepath.Join(dir, credentialsFile), &file)
	c := hookswitch.Credentials{}
	for _, name := range slices.Sorted(maps.Keys(file.Values)) {
		if short, ok := strings.CutPrefix(name, provider+"."); ok {
			c[short] = []string{file.Values[name]}
		}
	}
	if len(c) == 0 {
		t.Fatalf("%s holds no credentials of %s", dir, provider)
	}
	return c
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Push is the request of f, made anew with each call.
func (f *Fixture) Push(t testing.TB) *hookswitch.Push {
	t.Helper()
	base := f.PublicURL
	if base == "" {
		base = "https://gw.example.test"
	}
	u, err := url.Parse(base + f.Path)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for name, value := range f.Headers {
		h.Set(name, value)
	}
	return &hookswitch.Push{Method: f.Method, URL: u, Header: h, Body: f.body(t), At: received}
}

func (f *Fixture) body(t testing.TB) []byte {
	t.Helper()
	switch {
	case f.BodyGen != nil:
		return []byte(f.BodyGen.Prefix + strings.Repeat(f.BodyGen.Repeat, f.BodyGen.Count) + f.BodyGen.Suffix)
	case f.BodyEncoding == "base64":
		body, err := base64.StdEncoding.DecodeString(f.Body)
		if err != nil {
			t.Fatal(err)
		}
		return body
	case f.BodyEncoding != "" && f.BodyEncoding != "utf8":
		t.Fatalf("unknown body_encoding %q", f.BodyEncoding)
	}
	return []byte(f.Body)
}

// door is the one f comes to.
func (f *Fixture) door(t testing.TB, p hookswitch.Provider) hookswitch.Door {
	t.Helper()
	path, _, _ := strings.Cut(f.Path, "?")
	for _, d := range p.Doors() {
		if d.Path == path {
			return d
		}
	}
	t.Fatalf("%s has no door %s", p.Name(), path)
	return hookswitch.Door{}
}
