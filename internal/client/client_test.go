package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// seen is what a server was asked.
type seen struct{ method, url, token, body string }

// answering starts a server that answers everything alike, and returns a client of it and what it was asked last.
func answering(t *testing.T, status int, answer string) (*Client, *seen) {
	t.Helper()
	var mu sync.Mutex
	got := new(seen)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		*got = seen{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), string(b)}
		mu.Unlock()
		w.Header().Set("X-Request-Id", "req_1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	c, err := New(Options{URL: srv.URL + "/", Token: "hsk_1", RetryWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, got
}

func TestClient_ErrorsOfBothAPIsReadAlike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer, code, message, fields string
	}{
		{`{"code":"invalid_request","message":"name must not be empty","fields":[{"path":"name","message":"must not be empty"}]}`, "invalid_request",
			"name must not be empty", "[{name must not be empty}]"},
		{`{"code":"not_found","detail":"endpoint not found"}`, "not_found", "endpoint not found", "[]"},
		{`{"detail":[{"loc":["body","filterTypes","[0]"],"msg":"must not be empty","type":"value_error"},{"loc":["query"],"msg":"is odd"}]}`, "invalid_request",
			"filterTypes[0] must not be empty; query is odd", "[{filterTypes[0] must not be empty} {query is odd}]"},
		{`<html>`, "foreign_answer", "the server answered 418 I'm a teapot", "[]"},
		{``, "foreign_answer", "the server answered 418 I'm a teapot", "[]"},
		{`{}`, "foreign_answer", "the server answered 418 I'm a teapot", "[]"},
		{`{"detail":{"a":1}}`, "", "the server answered 418 I'm a teapot", "[]"},
	} {
		cl, _ := answering(t, http.StatusTeapot, c.answer)
		_, err := cl.App(t.Context(), "x")
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", c.answer, err)
		}
		if e.Status != 418 || e.Code != c.code || e.Error() != c.message || fmt.Sprint(e.Fields) != c.fields || e.RequestID != "req_1" {
			t.Errorf("%s: got %+v", c.answer, e)
		}
	}
}

func TestClient_SaysWhenTheAnswerIsNotTheAPIs(t *testing.T) {
	t.Parallel()
	cl, _ := answering(t, 200, "<html>welcome</html>")
	_, err := cl.Apps(t.Context(), List{})
	var e *Error
	if !errors.As(err, &e) || e.Code != "foreign_answer" {
		t.Errorf("got %v", err)
	}
}

func TestClient_MakesTheRequestsOfTheAPIs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	type object = Changes
	for want, call := range map[string]func(*Client) error{
		`GET /operator/v1/apps?cursor=c%2F1&limit=2 `: func(c *Client) error { _, err := c.Apps(ctx, List{Limit: 2, Cursor: "c/1"}); return err },
		`POST /operator/v1/apps {"name":"Acme"}`:      func(c *Client) error { _, err := c.CreateApp(ctx, object{"name": "Acme"}); return err },
		`GET /operator/v1/apps/a%2Fb `:                func(c *Client) error { _, err := c.App(ctx, "a/b"); return err },
		`PATCH /operator/v1/apps/a {"uid":null}`:      func(c *Client) error { _, err := c.UpdateApp(ctx, "a", object{"uid": nil}); return err },
		`DELETE /operator/v1/apps/a `:                 func(c *Client) error { return c.DeleteApp(ctx, "a") },
		`POST /operator/v1/apps/a/keys {"test":true}`: func(c *Client) error { _, err := c.CreateKey(ctx, "a", NewKey{Test: true}); return err },
		`POST /operator/v1/apps/a/keys {"name":"n","test":false,"scopes":["senders:read"]}`: func(c *Client) error {
			_, err := c.CreateKey(ctx, "a", NewKey{Name: "n", Scopes: []string{"senders:read"}})
			return err
		},
		`POST /operator/v1/apps/a/keys/key_1/rotate {"overlapMs":1500}`: func(c *Client) error {
			_, err := c.RotateKey(ctx, "a", "key_1", 1500*time.Millisecond)
			return err
		},
		`GET /operator/v1/apps/a/keys `:          func(c *Client) error { _, err := c.Keys(ctx, "a", List{}); return err },
		`DELETE /operator/v1/apps/a/keys/key_1 `: func(c *Client) error { return c.DeleteKey(ctx, "a", "key_1") },
		`PUT /operator/v1/apps/a/senders { "senders": [] } `: func(c *Client) error {
			_, err := c.ApplySenders(ctx, "a", []byte(`{ "senders": [] } `))
			return err
		},
		`GET /operator/v1/apps/a/senders `:          func(c *Client) error { _, err := c.Senders(ctx, "a", List{}); return err },
		`GET /operator/v1/apps/a/senders/snd_1 `:    func(c *Client) error { _, err := c.Sender(ctx, "a", "snd_1"); return err },
		`DELETE /operator/v1/apps/a/senders/snd_1 `: func(c *Client) error { return c.DeleteSender(ctx, "a", "snd_1") },
		`POST /api/v1/app/a/endpoint {"url":"http://x"}`: func(c *Client) error {
			_, err := c.CreateEndpoint(ctx, "a", object{"url": "http://x"})
			return err
		},
		`GET /api/v1/app/a/endpoint?iterator=ep_1 `:        func(c *Client) error { _, err := c.Endpoints(ctx, "a", List{Cursor: "ep_1"}); return err },
		`GET /api/v1/app/a/endpoint/ep_1 `:                 func(c *Client) error { _, err := c.Endpoint(ctx, "a", "ep_1"); return err },
		`PATCH /api/v1/app/a/endpoint/e {"disabled":true}`: func(c *Client) error { _, err := c.UpdateEndpoint(ctx, "a", "e", object{"disabled": true}); return err },
		`DELETE /api/v1/app/a/endpoint/e `:                 func(c *Client) error { return c.DeleteEndpoint(ctx, "a", "e") },
		`GET /api/v1/app/a/endpoint/e/secret `:             func(c *Client) error { _, err := c.EndpointSecret(ctx, "a", "e"); return err },
		`GET /api/v1/app/a/msg?channel=eu&event_types=x%2Cy&with_content=false `: func(c *Client) error {
			_, err := c.Events(ctx, "a", EventFilter{Types: []string{"x", "y"}, Tag: "eu"}, List{})
			return err
		},
		`GET /api/v1/app/a/msg/m `:                       func(c *Client) error { _, err := c.Event(ctx, "a", "m"); return err },
		`GET /api/v1/app/a/msg/m/endpoint?limit=9 `:      func(c *Client) error { _, err := c.Destinations(ctx, "a", "m", List{Limit: 9}); return err },
		`POST /api/v1/app/a/msg/m/endpoint/e/resend `:    func(c *Client) error { return c.Resend(ctx, "a", "m", "e") },
		`GET /api/v1/app/a/attempt/msg/m?endpoint_id=e `: func(c *Client) error { _, err := c.EventAttempts(ctx, "a", "m", "e", List{}); return err },
		`GET /api/v1/app/a/attempt/msg/m `:               func(c *Client) error { _, err := c.EventAttempts(ctx, "a", "m", "", List{}); return err },
	} {
		c, got := answering(t, 200, `{}`)
		if err := call(c); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if g := got.method + " " + got.url + " " + got.body; g != want || got.token != "Bearer hsk_1" {
			t.Errorf("got  %s (%s)\nwant %s", g, got.token, want)
		}
	}
}

func TestPublishEvent_KeepsThePayloadsBytes(t *testing.T) {
	t.Parallel()
	c, got := answering(t, 202, `{"id":"msg_1"}`)
	payload := `{ "amount": 10.50, "big": 12345678901234567890, "html": "<b>&\u003c" }`
	e, err := c.PublishEvent(t.Context(), "a", Publish{Type: "x.y", UID: "u", Tags: []string{"t"}, Payload: json.RawMessage(payload)})
	if err != nil || e.ID != "msg_1" {
		t.Fatalf("got %+v, %v", e, err)
	}
	if want := `{"channels":["t"],"eventId":"u","eventType":"x.y","payload":` + payload + `}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	if _, err := c.PublishEvent(t.Context(), "a", Publish{Type: "x"}); err != nil || got.body != `{"eventType":"x","payload":{}}` {
		t.Errorf("without a payload: %s, %v", got.body, err)
	}
}

func TestPage_IsTheSameForBothAPIs(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 200, `{"data":[{"id":"ep_2"}],"iterator":"ep_2","done":false}`)
	p, err := c.Endpoints(t.Context(), "a", List{})
	if err != nil || len(p.Items) != 1 || p.NextCursor == nil || *p.NextCursor != "ep_2" {
		t.Errorf("more: %+v, %v", p, err)
	}
	c, _ = answering(t, 200, `{"data":[],"iterator":"ep_2","done":true}`)
	if p, err := c.Endpoints(t.Context(), "a", List{}); err != nil || p.Items == nil || p.NextCursor != nil {
		t.Errorf("done: %+v, %v", p, err)
	}
	c, _ = answering(t, 200, `{"items":[{"id":"app_1"}],"nextCursor":"c"}`)
	if p, err := c.Apps(t.Context(), List{}); err != nil || p.Items[0].ID != "app_1" || *p.NextCursor != "c" {
		t.Errorf("operator: %+v, %v", p, err)
	}
}

// refusing is a transport that finds nobody listening the first n times.
type refusing struct {
	n     int64
	tries atomic.Int64
	err   error
}

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.tries.Add(1) <= r.n {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: r.err}
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"id":"app_1"}`)), Header: http.Header{}, Request: req}, nil
}

func TestClient_TriesASafeCallAgainOnceWhenNobodyListens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		refused int64
		err     error
		call    func(*Client, context.Context) error
		tries   int64
		ok      bool
	}{
		{"get", 1, syscall.ECONNREFUSED, func(c *Client, ctx context.Context) error { _, err := c.App(ctx, "a"); return err }, 2, true},
		{"get, nobody comes", 9, syscall.ECONNREFUSED, func(c *Client, ctx context.Context) error { _, err := c.App(ctx, "a"); return err }, 2, false},
		{"get, reset", 1, syscall.ECONNRESET, func(c *Client, ctx context.Context) error { _, err := c.App(ctx, "a"); return err }, 1, false},
		{"post", 1, syscall.ECONNREFUSED, func(c *Client, ctx context.Context) error { _, err := c.CreateApp(ctx, nil); return err }, 1, false},
		{"delete", 1, syscall.ECONNREFUSED, func(c *Client, ctx context.Context) error { return c.DeleteApp(ctx, "a") }, 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := &refusing{n: c.refused, err: c.err}
			cl, err := New(Options{URL: "http://127.0.0.1:1", Transport: tr, RetryWait: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			err = c.call(cl, t.Context())
			if tr.tries.Load() != c.tries || (err == nil) != c.ok {
				t.Errorf("%s: %d tries, %v", c.name, tr.tries.Load(), err)
			}
			if waited := time.Since(begin); (c.tries == 2) != (waited == 5*time.Second) {
				t.Errorf("%s: waited %s", c.name, waited)
			}
			var u *UnreachableError
			if !c.ok && (!errors.As(err, &u) || u.URL != "http://127.0.0.1:1" || !errors.Is(err, c.err)) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}

func TestClient_GivesItsTokenToNobodyElse(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c, err := New(Options{URL: srv.URL, Token: "hsk_1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.App(t.Context(), "a")
	var e *Error
	if !errors.As(err, &e) || e.Status != 307 || asked.Load() {
		t.Errorf("got %v, redirect followed: %v", err, asked.Load())
	}
}

func TestClient_GivesUpInTime(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
	defer srv.Close()
	defer close(leave)
	c, err := New(Options{URL: srv.URL, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var u *UnreachableError
	if err := c.DeleteApp(t.Context(), "a"); !errors.As(err, &u) {
		t.Errorf("got %v", err)
	}
}

func TestNew_RefusesWhatIsNoServersAddress(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "127.0.0.1:8420", "ftp://h", "http://", "http://h?x=1", "http://u:hush@h", "http://h#f"} {
		if _, err := New(Options{URL: u}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", u, err)
		}
	}
}
