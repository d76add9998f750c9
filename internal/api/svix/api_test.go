package svix_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	token     = "testtoken_organization"
	publicURL = "https://hooks.example"
)

// api is the API over an empty database, with no engine: what is owed stays waiting.
type api struct {
	t       testing.TB
	store   *store.Store
	service *service.Service
	handler *svix.Handler
	again   func() *svix.Handler // another handler over the same service, which remembers nothing
	token   string
	names   *atomic.Int64 // given out by unique
}

func newAPI(t testing.TB, db *storetest.DB, opts ...func(*store.Options)) *api {
	t.Helper()
	st := db.Open(opts...)
	svc, err := service.New(service.Options{Store: st, PublicURL: publicURL, Profiles: map[hookswitch.ProfileName]hookswitch.Profile{
		hookswitch.ProfileSvix: hookswitch.SvixProfile(), hookswitch.ProfileZavu: hookswitch.ZavuProfile()}})
	if err != nil {
		t.Fatal(err)
	}
	tokens := svix.Tokens(token, svc)
	auth := func(r *http.Request) (svix.Caller, error) {
		// A short way to a token that may do everything inside one App.
		if id, ok := strings.CutPrefix(httpapi.BearerToken(r), "portal_"); ok {
			key, _ := svc.IDs().Parse(hookswitch.KindApp, id)
			return svix.Caller{App: key, Capabilities: hookswitch.AllCapabilities}, nil
		}
		return tokens(r)
	}
	again := func() *svix.Handler { return svix.New(svix.Options{Service: svc, Auth: auth}) }
	return &api{t: t, store: st, service: svc, handler: again(), again: again, token: token, names: new(atomic.Int64)}
}

// each runs test on both databases.
func each(t *testing.T, test func(a *api)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(newAPI(t, db)) })
}

// with is a that shows another token.
func (a *api) with(token string) *api {
	c := *a
	c.token = token
	return &c
}

type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// do sends a request. headers are pairs.
func (a *api) do(method, path, body string, headers ...string) answer {
	a.t.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	an := answer{a.t, method + " " + path, w.Code, w.Header(), w.Body.Bytes()}
	an.isDescribed(method, r.URL.EscapedPath())
	return an
}

// is fails the test unless the answer has the status.
func (an answer) is(status int) answer {
	an.t.Helper()
	if an.status != status {
		an.t.Fatalf("%s: status %d, want %d; body %s", an.what, an.status, status, an.body)
	}
	return an
}

func (an answer) json() map[string]any {
	an.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(an.body, &v); err != nil {
		an.t.Fatalf("%s: %v in %q", an.what, err, an.body)
	}
	return v
}

func (an answer) text(name string) string {
	an.t.Helper()
	s, ok := an.json()[name].(string)
	if !ok {
		an.t.Fatalf("%s: no text %q in %s", an.what, name, an.body)
	}
	return s
}

// code fails the test unless the answer is an error with the status and the code, in the shape of everything but 422.
func (an answer) code(status int, code string) {
	an.t.Helper()
	an.is(status)
	if got := an.text("code"); got != code {
		an.t.Errorf("%s: code %q, want %q", an.what, got, code)
	}
	if an.text("detail") == "" {
		an.t.Errorf("%s: detail is empty", an.what)
	}
}

// invalid fails the test unless the answer is a 422 that names the field at loc.
func (an answer) invalid(loc ...string) {
	an.t.Helper()
	an.is(http.StatusUnprocessableEntity).matches("HTTPValidationError")
	var v struct {
		Detail []struct {
			Loc       []string
			Msg, Type string
		}
	}
	if err := json.Unmarshal(an.body, &v); err != nil {
		an.t.Fatal(err)
	}
	for _, d := range v.Detail {
		if strings.Join(d.Loc, "/") == strings.Join(loc, "/") && d.Msg != "" && d.Type != "" {
			return
		}
	}
	an.t.Errorf("%s: %s does not name %v", an.what, an.body, loc)
}

// rows are the ids of a list's rows.
func (an answer) rows() []string {
	an.t.Helper()
	an.is(http.StatusOK)
	data, ok := an.json()["data"].([]any)
	if !ok {
		an.t.Fatalf("%s: no data in %s", an.what, an.body)
	}
	ids := []string{}
	for _, row := range data {
		ids = append(ids, row.(map[string]any)["id"].(string))
	}
	return ids
}

var schemas = sync.OnceValue(func() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	return c
})

var compiling sync.Mutex

// matches fails the test unless the body fits the named schema of the upstream description.
func (an answer) matches(schema string) answer {
	an.t.Helper()
	compiling.Lock()
	s, err := schemas().Compile("testdata/schemas.json#/components/schemas/" + schema)
	compiling.Unlock()
	if err != nil {
		an.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(an.body)))
	if err != nil {
		an.t.Fatalf("%s: %v in %q", an.what, err, an.body)
	}
	if err := s.Validate(v); err != nil {
		an.t.Errorf("%s: the answer does not fit %s: %v\n%s", an.what, schema, err, an.body)
	}
	return an
}

// Things to work with. Each returns an id.

func (a *api) app(name string) string {
	a.t.Helper()
	return a.do("POST", "/app", fmt.Sprintf(`{"name":%q}`, name)).is(201).text("id")
}

func (a *api) endpoint(app, more string) string {
	a.t.Helper()
	return a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://receiver.example/hook"`+more+`}`).is(201).text("id")
}

func (a *api) message(app, more string) string {
	a.t.Helper()
	return a.do("POST", "/app/"+app+"/msg", `{"eventType":"user.signup","payload":{"n":1}`+more+`}`).is(202).text("id")
}

func (a *api) key(kind hookswitch.Kind, id string) hookswitch.Key {
	a.t.Helper()
	key, ok := a.service.IDs().Parse(kind, id)
	if !ok {
		a.t.Fatalf("%q is not an id", id)
	}
	return key
}

// try plays the engine: it takes what the endpoint is owed for the message and records one attempt with the outcome.
func (a *api) try(app, endpoint, msg string, verdict store.Verdict, change ...func(*hookswitch.Attempt)) string {
	a.t.Helper()
	ctx := context.Background()
	target, subject := a.key(hookswitch.KindEndpoint, endpoint), a.key(hookswitch.KindEvent, msg)
	now := time.Now()
	claimed, err := a.store.ClaimDue(ctx, store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: now.Add(time.Second), Lease: now.Add(time.Minute), Max: 1000,
		PerTarget: func(k hookswitch.Key) int {
			if k == target {
				return 1000
			}
			return 0
		}})
	if err != nil {
		a.t.Fatal(err)
	}
	var id string
	for _, d := range claimed.Deliveries {
		if d.Subject != subject {
			if err := a.store.Release(ctx, []store.Delivery{d}, now); err != nil {
				a.t.Fatal(err)
			}
			continue
		}
		at := &hookswitch.Attempt{Key: a.service.NextKey(), App: a.key(hookswitch.KindApp, app), Event: subject, Endpoint: target, URL: "https://receiver.example/hook",
			OK: verdict == store.Done, Code: 500, Answer: []byte("went wrong"), Manual: d.Manual, Timings: hookswitch.Timings{Total: 1234 * time.Millisecond}}
		if at.OK {
			at.Code, at.Answer = 200, []byte("fine")
		}
		for _, f := range change {
			f(at)
		}
		o := &store.Outcome{Kind: d.Kind, App: at.App, Subject: subject, Target: target, Claim: d.Claim, Verdict: verdict, Next: now.Add(time.Hour), Attempt: at}
		if err := a.store.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Record(o, now)
			return err
		}); err != nil {
			a.t.Fatal(err)
		}
		id = a.service.IDs().Format(hookswitch.KindAttempt, at.Key)
	}
	if id == "" {
		a.t.Fatalf("nothing is owed for %s", msg)
	}
	return id
}

func query(pairs ...string) string {
	v := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}
