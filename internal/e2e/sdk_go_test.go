package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"
)

// TestSDK_Go drives the program through every resource of the official client for Go.
func TestSDK_Go(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s := startForSDK(t, kind)
		receiver := hooks(t)
		for name, test := range map[string]func(*goClient){
			"applications":         (*goClient).applications,
			"endpoints":            (*goClient).endpoints,
			"recovery":             (*goClient).recovery,
			"event types":          (*goClient).eventTypes,
			"messages":             (*goClient).messages,
			"attempts":             (*goClient).attempts,
			"authentication":       (*goClient).authentication,
			"operational webhooks": (*goClient).operational,
			"integrations":         (*goClient).integrations,
			"statistics":           (*goClient).statistics,
			"poller":               (*goClient).poller,
			"environment":          (*goClient).environment,
			"errors":               (*goClient).errors,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				t.Cleanup(cancel)
				g := &goClient{T: t, ctx: ctx, server: s, receiver: receiver, name: strings.ReplaceAll(name, " ", "-")}
				g.Svix = g.as(s.Token)
				test(g)
			})
		}
	})
}

// goClient is the official client in the hands of one test.
type goClient struct {
	*testing.T
	*svix.Svix
	ctx      context.Context
	server   *Server
	receiver string
	name     string
	made     int
}

// as is the client with another token.
func (g *goClient) as(token string) *svix.Svix {
	g.Helper()
	u, err := url.Parse(g.server.URL)
	if err != nil {
		g.Fatal(err)
	}
	client, err := svix.New(token, &svix.SvixOptions{ServerUrl: u})
	if err != nil {
		g.Fatal(err)
	}
	return client
}

// need is a value that a call must give.
func need[T any](g *goClient) func(*T, error) *T {
	return func(v *T, err error) *T {
		g.Helper()
		g.ok(err)
		return v
	}
}

func (g *goClient) ok(err error) {
	g.Helper()
	var e *svix.Error
	if errors.As(err, &e) {
		g.Fatalf("%v: %s", err, e.Body())
	}
	if err != nil {
		g.Fatal(err)
	}
}

func (g *goClient) equal(what string, got, want any) {
	g.Helper()
	a, b := toJSON(g, got), toJSON(g, want)
	if string(a) != string(b) {
		g.Fatalf("%s: got %s, want %s", what, a, b)
	}
}

func toJSON(g *goClient, v any) []byte {
	g.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		g.Fatal(err)
	}
	return b
}

// fails expects the client's own error, in one of the two shapes that it knows.
func (g *goClient) fails(err error, status int, code string) {
	g.Helper()
	var e *svix.Error
	if !errors.As(err, &e) {
		g.Fatalf("no error of the client: %v", err)
	}
	if e.Status() != status {
		g.Fatalf("got status %d, want %d: %s", e.Status(), status, e.Body())
	}
	if status == http.StatusUnprocessableEntity {
		var body struct {
			Detail []struct {
				Loc       []string
				Msg, Type string
			}
		}
		if err := json.Unmarshal(e.Body(), &body); err != nil || len(body.Detail) == 0 || len(body.Detail[0].Loc) == 0 || body.Detail[0].Msg == "" || body.Detail[0].Type == "" {
			g.Fatalf("%s: %v", e.Body(), err)
		}
		return
	}
	var body struct{ Code, Detail string }
	if err := json.Unmarshal(e.Body(), &body); err != nil || body.Code != code || body.Detail == "" {
		g.Fatalf("got %s, want code %q: %v", e.Body(), code, err)
	}
}

// failing is the error of a call whose value does not matter.
func failing[T any](_ T, err error) error { return err }

// newApp makes an application that no other test uses.
func (g *goClient) newApp() *models.ApplicationOut {
	g.Helper()
	g.made++
	uid := fmt.Sprintf("go-%s-%d", g.name, g.made)
	return need[models.ApplicationOut](g)(g.Application.Create(g.ctx, models.ApplicationIn{Name: uid, Uid: &uid}, nil))
}

// newType makes an event type that no other test uses.
func (g *goClient) newType(name string) string {
	g.Helper()
	name = "go." + g.name + "." + name
	need[models.EventTypeOut](g)(g.EventType.Create(g.ctx, models.EventTypeIn{Name: name, Description: name}, nil))
	return name
}

func (g *goClient) newEndpoint(app, path string) *models.EndpointOut {
	g.Helper()
	return need[models.EndpointOut](g)(g.Endpoint.Create(g.ctx, app, models.EndpointIn{Url: g.receiver + path}, nil))
}

func (g *goClient) send(app, eventType string, payload map[string]any) *models.MessageOut {
	g.Helper()
	return need[models.MessageOut](g)(g.Message.Create(g.ctx, app, models.MessageIn{EventType: eventType, Payload: payload}, nil))
}

// received is what came to the receiver at path.
func (g *goClient) received(path string) []hookRequest {
	g.Helper()
	req, err := http.NewRequestWithContext(g.ctx, http.MethodGet, g.receiver+"/received?path="+url.QueryEscape(path), nil)
	if err != nil {
		g.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.Fatal(err)
	}
	defer resp.Body.Close()
	var list []hookRequest
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		g.Fatal(err)
	}
	return list
}

// arrived waits until n requests have come to path.
func (g *goClient) arrived(path string, n int) (list []hookRequest) {
	g.Helper()
	until(g, fmt.Sprintf("%d requests at %s", n, path), func() bool {
		list = g.received(path)
		return len(list) >= n
	})
	return list
}

// taken waits until each message has come to path.
func (g *goClient) taken(path string, messages ...string) {
	g.Helper()
	until(g, fmt.Sprintf("%v at %s", messages, path), func() bool {
		there := map[string]bool{}
		for _, r := range g.received(path) {
			there[r.Headers["svix-id"]] = true
		}
		return !slices.ContainsFunc(messages, func(id string) bool { return !there[id] })
	})
}

// proven fails the test unless the client's own verifier takes the request.
func (g *goClient) proven(r hookRequest, secret string) {
	g.Helper()
	wh, err := svix.NewWebhook(secret)
	g.ok(err)
	header := http.Header{}
	for name, value := range r.Headers {
		header.Set(name, value)
	}
	g.ok(wh.Verify([]byte(r.Body), header))
	if wh.Verify([]byte(r.Body+" "), header) == nil {
		g.Fatal("a changed body verifies")
	}
}

// attempted waits until a message has n attempts.
func (g *goClient) attempted(app, msg string, n int) (list []models.MessageAttemptOut) {
	g.Helper()
	until(g, fmt.Sprintf("%d attempts for %s", n, msg), func() bool {
		list = need[models.ListResponseMessageAttemptOut](g)(g.MessageAttempt.ListByMsg(g.ctx, app, msg, nil)).Data
		return len(list) >= n
	})
	return list
}

// finished waits until a background task has done its work.
func (g *goClient) finished(id string, task models.BackgroundTaskType) (out *models.BackgroundTaskOut) {
	g.Helper()
	until(g, "task "+id+" is finished", func() bool {
		out = need[models.BackgroundTaskOut](g)(g.BackgroundTask.Get(g.ctx, id))
		g.equal("task", out.Task, task)
		if out.Status == models.BACKGROUNDTASKSTATUS_FAILED {
			g.Fatalf("the task has failed: %v", out.Data)
		}
		return out.Status == models.BACKGROUNDTASKSTATUS_FINISHED
	})
	return out
}

// goPage is a page of any list.
type goPage struct {
	Data []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"data"`
	Iterator     *string `json:"iterator"`
	PrevIterator *string `json:"prevIterator"`
	Done         bool    `json:"done"`
}

// keys are the ids, or names where rows have none, of the rows that count.
func (p goPage) keys(mine func(string) bool) (keys []string) {
	for _, row := range p.Data {
		key := row.ID
		if key == "" {
			key = row.Name
		}
		if mine == nil || mine(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// walk goes through a list two rows at a time, to its end and back, and returns the keys of its rows. Where others add to the list meanwhile, mine tells
// which rows count.
func walk[T any](g *goClient, mine func(string) bool, list func(limit *uint64, iterator *string) (*T, error)) (there []string) {
	g.Helper()
	page := func(iterator *string) (p goPage) {
		if err := json.Unmarshal(toJSON(g, need[T](g)(list(new(uint64(2)), iterator))), &p); err != nil {
			g.Fatal(err)
		}
		return p
	}
	p := page(nil)
	for there = p.keys(mine); !p.Done; there = append(there, p.keys(mine)...) {
		p = page(p.Iterator)
	}
	back := p.keys(mine)
	for p.PrevIterator != nil {
		p = page(p.PrevIterator)
		back = append(p.keys(mine), back...)
		if p.Done {
			break
		}
	}
	g.equal("the rows on the way back", back, there)
	return there
}

// among reports whether a key is one of keys.
func among(keys ...string) func(string) bool {
	return func(key string) bool { return slices.Contains(keys, key) }
}

func (g *goClient) applications() {
	one := need[models.ApplicationOut](g)(g.Application.Create(g.ctx, models.ApplicationIn{Name: "one", Uid: new("go-one"), Metadata: &map[string]string{"a": "b"}, ThrottleRate: new(uint16(9))}, nil))
	g.equal("rate", one.ThrottleRate, 9)
	g.equal("by uid", need[models.ApplicationOut](g)(g.Application.Get(g.ctx, "go-one")), one)
	same := need[models.ApplicationOut](g)(g.Application.GetOrCreate(g.ctx, models.ApplicationIn{Name: "other", Uid: new("go-one")}, nil))
	g.equal("get or create", same.Id, one.Id)
	made := []string{g.newApp().Id, g.newApp().Id, g.newApp().Id, g.newApp().Id}
	g.equal("listed", walk(g, among(made...), func(limit *uint64, iterator *string) (*models.ListResponseApplicationOut, error) {
		return g.Application.List(g.ctx, &svix.ApplicationListOptions{Limit: limit, Iterator: iterator})
	}), made)
	patched := need[models.ApplicationOut](g)(g.Application.Patch(g.ctx, one.Id, models.ApplicationPatch{Name: new("patched")}))
	g.equal("patched", []any{patched.Name, patched.Metadata, patched.Uid}, []any{"patched", one.Metadata, "go-one"})
	replaced := need[models.ApplicationOut](g)(g.Application.Update(g.ctx, one.Id, models.ApplicationIn{Name: "replaced"}))
	g.equal("replaced", []any{replaced.Name, replaced.Metadata, replaced.Uid}, []any{"replaced", map[string]string{}, nil})
	g.ok(g.Application.Delete(g.ctx, one.Id))
	g.fails(failing(g.Application.Get(g.ctx, one.Id)), 404, "not_found")
}

func (g *goClient) errors() {
	g.ok(g.Health.Get(g.ctx))
	app := g.newApp()
	g.fails(failing(g.Application.Get(g.ctx, "app_nothing")), 404, "not_found")
	g.fails(failing(g.Application.Create(g.ctx, models.ApplicationIn{Name: "twice", Uid: app.Uid}, nil)), 409, "conflict")
	g.fails(failing(g.Application.Create(g.ctx, models.ApplicationIn{Name: "x", Uid: new("a b")}, nil)), 422, "")
	g.fails(failing(g.Application.List(g.ctx, &svix.ApplicationListOptions{Limit: new(uint64(1000))})), 422, "")
	g.fails(failing(g.as("wrong").Application.List(g.ctx, nil)), 401, "authentication_failed")
	ep := g.newEndpoint(app.Id, "/go/errors")
	g.fails(failing(g.Endpoint.TransformationGet(g.ctx, app.Id, ep.Id)), 501, "not_implemented")
	g.fails(failing(g.Streaming.Stream.List(g.ctx, nil)), 501, "not_implemented")
}
