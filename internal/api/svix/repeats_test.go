package svix_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// effect is a POST whose effects can be counted.
type effect struct {
	name, path string
	bodies     [2]string // both are fine; count tells how often one of them has had its effect
	count      func(a *api) int
}

func effects(a *api) []effect {
	app := a.app("mine")
	ep := a.endpoint(app, "")
	msg := a.message(app, "")
	a.try(app, ep, msg, store.Done)
	rows := func(path string) func(a *api) int {
		return func(a *api) int { return len(a.do("GET", path+"?limit=250", "").rows()) }
	}
	secrets := func(a *api) int {
		e, err := a.service.Endpoint(context.Background(), a.key(hookswitch.KindApp, app), ep)
		if err != nil {
			a.t.Fatal(err)
		}
		return len(e.Secrets)
	}
	tries := func(a *api) int { // those made, and those asked for
		owed, err := a.store.DeliveriesOf(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, msg))
		if err != nil {
			a.t.Fatal(err)
		}
		if len(owed) > 0 {
			a.try(app, ep, msg, store.Done) // a try that runs already would stand for all who ask
		}
		return len(a.do("GET", "/app/"+app+"/attempt/msg/"+msg, "").rows())
	}
	base := "/app/" + app
	return []effect{
		{"app", "/app", [2]string{`{"name":"a"}`, `{"name":"b","metadata":{"k":"<&>\u2028"}}`}, rows("/app")},
		{"endpoint", base + "/endpoint", [2]string{`{"url":"https://a.example"}`, `{"url":"https://b.example","description":"\u00e9<"}`}, rows(base + "/endpoint")},
		{"message", base + "/msg", [2]string{`{"eventType":"a","payload":{"n": 1.10, "s":"<&>\u2028"},"channels":["b","a"]}`, `{"eventType":"b","payload":{ "n":2 }}`}, rows(base + "/msg")},
		{"message without content", base + "/msg?with_content=false", [2]string{`{"eventType":"a","payload":{"n":1}}`, `{"eventType":"b","data":{}}`}, rows(base + "/msg")},
		{"rotate", base + "/endpoint/" + ep + "/secret/rotate", [2]string{"", `{"gracePeriodSeconds":60}`}, secrets},
		{"resend", base + "/msg/" + msg + "/endpoint/" + ep + "/resend", [2]string{"", "{}"}, tries},
	}
}

// storm sends a POST n times at once over the nodes and returns the one answer that all of them got.
func storm(t *testing.T, nodes []*api, n int, path, key string, bodies ...string) answer {
	t.Helper()
	answers := make([]answer, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = nodes[i%len(nodes)].do("POST", path, bodies[i%len(bodies)], "Idempotency-Key", key, "Svix-Req-Id", fmt.Sprint(i))
		})
	}
	wg.Wait()
	for _, an := range answers {
		if an.status/100 != 2 || an.status != answers[0].status || !bytes.Equal(an.body, answers[0].body) || an.header.Get("Content-Type") != answers[0].header.Get("Content-Type") {
			t.Fatalf("POST %s: got %d %s and %d %s", path, answers[0].status, answers[0].body, an.status, an.body)
		}
	}
	return answers[0]
}

func testDuplicates(t *testing.T, nodes []*api) {
	t.Helper()
	for i, e := range effects(nodes[0]) {
		for _, key := range []string{"mine", "auto_0b7c"} {
			for _, bodies := range [][]string{e.bodies[:1], e.bodies[:]} {
				key := fmt.Sprint(key, i, len(bodies), bodies[0])
				before := e.count(nodes[0])
				first := storm(t, nodes, 50, e.path, key, bodies...)
				if got := e.count(nodes[0]) - before; got != 1 {
					t.Fatalf("%s: the effect was had %d times", e.name, got)
				}
				// And afterwards, when nothing runs any more; a body that would be refused does not matter either.
				if bad := `{"`; len(nodes) == 1 || !strings.HasPrefix(key, "auto_") {
					bodies = []string{bodies[0], bad}
				}
				again := storm(t, nodes[:1], 4, e.path, key, bodies...)
				if !bytes.Equal(first.body, again.body) {
					t.Errorf("%s: got %s afterwards, want %s", e.name, again.body, first.body)
				}
				if got := e.count(nodes[0]) - before; got != 1 {
					t.Fatalf("%s: afterwards the effect was had %d times", e.name, got)
				}
			}
		}
	}
}

func TestFiftyDuplicatesAtOnceHaveOneEffectAndOneAnswer(t *testing.T) {
	each(t, func(a *api) { testDuplicates(a.t.(*testing.T), []*api{a}) })
}

func TestDuplicatesOverTwoNodesHaveOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	testDuplicates(t, []*api{newAPI(t, db), newAPI(t, db, db.OtherNode)})
}

// forgetAnswers plays a crash between an effect and the keeping of its answer.
func (a *api) forgetAnswers() {
	a.t.Helper()
	if err := a.store.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ForgetAnswers(store.Life12Hours, time.Now().Add(100*time.Hour), 1000)
		return err
	}); err != nil {
		a.t.Fatal(err)
	}
}

func TestRepeatsAfterARestartOrACrash(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(map[bool]string{false: "restart", true: "crash"}[crash], func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				a := newAPI(t, db)
				list := effects(a)
				keys := []string{"mine", "auto_4b1f"}
				first := make(map[string]answer)
				for i, e := range list {
					for _, key := range keys {
						key = fmt.Sprint(key, i)
						first[e.name+key] = a.do("POST", e.path, e.bodies[1-i%2], "Idempotency-Key", key)
						e.count(a)
					}
				}
				if crash {
					a.forgetAnswers()
				}
				if err := a.store.Close(); err != nil {
					t.Fatal(err)
				}
				b := newAPI(t, db)
				for i, e := range list {
					had := e.count(b)
					for _, key := range keys {
						key = fmt.Sprint(key, i)
						want := first[e.name+key]
						an := b.do("POST", e.path, e.bodies[1-i%2], "Idempotency-Key", key)
						if want.status/100 != 2 || an.status != want.status || !bytes.Equal(an.body, want.body) {
							t.Errorf("%s %s: got %d %s, want %d %s", e.name, key, an.status, an.body, want.status, want.body)
						}
					}
					if got := e.count(b); got != had {
						t.Errorf("%s: the repeats had an effect", e.name)
					}
				}
			})
		})
	}
}

func TestARepeatGetsTheFirstAnswerWhateverHasChangedSince(t *testing.T) {
	each(t, func(a *api) {
		for _, key := range []string{"k", "auto_k"} {
			first := a.do("POST", "/app", `{"name":"before"}`, "Idempotency-Key", key).is(201)
			app := first.text("id")
			path := "/app/" + app + "/endpoint"
			made := a.do("POST", path, `{"url":"https://x.example"}`, "Idempotency-Key", key).is(201)
			a.do("PATCH", "/app/"+app, `{"name":"after"}`).is(200)
			a.do("DELETE", path+"/"+made.text("id"), "").is(204)
			if an := a.do("POST", path, "", "Idempotency-Key", key).is(201); !bytes.Equal(an.body, made.body) {
				t := a.t
				t.Errorf("got %s, want %s", an.body, made.body)
			}
			a.do("DELETE", "/app/"+app, "").is(204)
			if an := a.do("POST", "/app/", `{"name":"other"}`, "Idempotency-Key", key).is(201); !bytes.Equal(an.body, first.body) {
				a.t.Errorf("got %s, want %s", an.body, first.body)
			}
		}
	})
}

func TestKeysBelongToATokenAndAURL(t *testing.T) {
	each(t, func(a *api) {
		for _, key := range []string{"k", "auto_k"} {
			mine := a.app("mine")
			path, body := "/app/"+mine+"/endpoint", `{"url":"https://x.example"}`
			ids := map[string]bool{}
			for _, who := range []*api{a, a.with("portal_" + mine)} {
				for _, q := range []string{"", "?a=1", "?a=2"} {
					id := who.do("POST", path+q, body, "Idempotency-Key", key).is(201).text("id")
					if ids[id] {
						a.t.Errorf("%s%s: the answer of another request", path, q)
					}
					ids[id] = true
				}
			}
			// An empty key is none.
			if a.do("POST", path, body, "Idempotency-Key", "").is(201).text("id") == a.do("POST", path, body, "Idempotency-Key", "").is(201).text("id") {
				a.t.Error("an empty key is a key")
			}
			// Who may not ask gets no answer of those who may.
			a.with("wrong").do("POST", path, body, "Idempotency-Key", key).code(401, "authentication_failed")
			a.with("portal_"+a.app("other")).do("POST", path, body, "Idempotency-Key", key).code(404, "not_found")
			// Other methods know no keys.
			for _, name := range []string{"one", "two"} {
				if got := a.do("PATCH", "/app/"+mine, `{"name":"`+name+`"}`, "Idempotency-Key", key).is(200).text("name"); got != name {
					a.t.Errorf("PATCH was repeated: %s", got)
				}
			}
		}
	})
}

func TestTooLongKeysAreRefusedByEveryPost(t *testing.T) {
	each(t, func(a *api) {
		for _, rt := range a.handler.Routes() {
			if rt.Method != http.MethodPost {
				continue
			}
			an := a.do("POST", strings.TrimPrefix(rt.Path, "/api/v1"), `{"eventType":"a","payload":{}}`, "Idempotency-Key", strings.Repeat("k", 257))
			an.code(400, "invalid_idempotency_key")
			if !strings.Contains(an.text("detail"), "idempotency-key") {
				a.t.Errorf("%s: the header is not named: %s", an.what, an.body)
			}
		}
		a.do("POST", "/app", `{"name":"x"}`, "Idempotency-Key", strings.Repeat("k", 256)).is(201)
	})
}

func TestAFailureIsNotRemembered(t *testing.T) {
	each(t, func(a *api) {
		for _, key := range []string{"k", "auto_k"} {
			a.do("POST", "/app?get_if_exists=maybe", `{"name":"x"}`, "Idempotency-Key", key).code(400, "generic_error")
			a.do("POST", "/app", `{}`, "Idempotency-Key", key).is(422)
			a.do("POST", "/app/"+key+"/endpoint", `{"url":"https://x.example"}`, "Idempotency-Key", key).is(404)
			a.do("POST", "/app", `{"name":"x","uid":"`+key+`"}`, "Idempotency-Key", key).is(201)
			a.do("POST", "/app/"+key+"/endpoint", `{"url":"https://x.example"}`, "Idempotency-Key", key).is(201)
		}
	})
}

func TestGetIfExistsRepeatsItsStatus(t *testing.T) {
	each(t, func(a *api) {
		for _, key := range []string{"k", "auto_k"} {
			path, body := "/app?get_if_exists=true", `{"name":"x","uid":"`+key+`"}`
			made := a.do("POST", path, body, "Idempotency-Key", key).is(201)
			a.forgetAnswers()
			b := *a
			b.handler = a.again()
			for _, who := range []*api{a, &b} {
				if an := who.do("POST", path, body, "Idempotency-Key", key).is(201); !bytes.Equal(an.body, made.body) {
					a.t.Errorf("got %s, want %s", an.body, made.body)
				}
			}
			a.do("POST", path, body, "Idempotency-Key", key+"2").is(200)
		}
	})
}
