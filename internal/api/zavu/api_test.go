package zavu_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/zavu"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// object is a JSON object as a client sees it.
type object = map[string]any

// api is the API over a real store, as the program with one key sees it.
type api struct {
	*servicetest.World
	handler http.Handler
	app     *hookswitch.App
	key     string
}

// newAPI has an App and a live key of it.
func newAPI(t *testing.T, db *storetest.DB, change ...func(*zavu.Options)) *api {
	t.Helper()
	return newAPIOf(servicetest.New(t, db), change...)
}

// newAPIOf is newAPI in a world.
func newAPIOf(w *servicetest.World, change ...func(*zavu.Options)) *api {
	w.TB.Helper()
	o := zavu.Options{Service: w.Service, Now: w.Clock.Now}
	for _, c := range change {
		c(&o)
	}
	a := &api{World: w, handler: zavu.New(o)}
	return a.project("Acme")
}

// project is the API as the program of another project sees it.
func (a *api) project(name string) *api {
	a.TB.Helper()
	b := *a
	b.app = a.App(func(app *hookswitch.App) { app.Name = name })
	b.key = b.newKey(false)
	return &b
}

func (a *api) newKey(test bool, scopes ...hookswitch.Scope) string {
	a.TB.Helper()
	_, text, err := a.Service.CreateAPIKey(context.Background(), a.app.Key, hookswitch.APIKey{Test: test, Scopes: scopes})
	if err != nil {
		a.TB.Fatal(err)
	}
	return text.Reveal()
}

// with is the API as a program with the key sees it.
func (a *api) with(key string) *api {
	b := *a
	b.key = key
	return &b
}

// answer is what came back.
type answer struct {
	tb     testing.TB
	what   string
	status int
	header http.Header
	body   string
}

// do makes a request. Changes are to the request.
func (a *api) do(method, path, body string, change ...func(*http.Request)) *answer {
	a.TB.Helper()
	r := httptest.NewRequest(method, zavu.Base+path, strings.NewReader(body))
	if a.key != "" {
		r.Header.Set("Authorization", "Bearer "+a.key)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return &answer{a.TB, method + " " + path + " " + body, w.Code, w.Header(), w.Body.String()}
}

// is fails unless the answer has the status.
func (an *answer) is(status int) *answer {
	an.tb.Helper()
	if an.status != status {
		an.tb.Fatalf("%s: %d %s, want %d", an.what, an.status, an.body, status)
	}
	return an
}

// json is the body.
func (an *answer) json() object {
	an.tb.Helper()
	var o object
	if err := json.Unmarshal([]byte(an.body), &o); err != nil {
		an.tb.Fatalf("%s: %s: %v", an.what, an.body, err)
	}
	return o
}

// fails fails unless the answer is an error with the status and the code, flat and nested, with the headers that every answer has.
func (an *answer) fails(status int, code string) object {
	an.tb.Helper()
	o := an.is(status).json()
	nested, _ := o["error"].(object)
	message, _ := o["message"].(string)
	if o["code"] != code || nested["code"] != code || message == "" || nested["message"] != message || len(nested) != 2 {
		an.tb.Errorf("%s: %s, want code %s, flat and nested", an.what, an.body, code)
	}
	an.limited()
	details, _ := o["details"].(object)
	return details
}

// limited fails unless the answer has the headers of the rate limit.
func (an *answer) limited() {
	an.tb.Helper()
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if an.header.Get(name) == "" {
			an.tb.Errorf("%s: no %s", an.what, name)
		}
	}
}

func each(t *testing.T, test func(t *testing.T, a *api)) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(t, newAPI(t, db)) })
}
