package svix_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// timed is a list of messages or attempts. fill makes one row at each of the times and returns the path and the ids of the rows.
type timed struct {
	name string
	kind hookswitch.Kind // of the rows
	fill func(a *api, times []time.Time) (path string, ids []string)
}

// attemptAt records an attempt for an event on an endpoint as if the time were t.
func (a *api) attemptAt(app, endpoint, msg string, t time.Time) string {
	a.t.Helper()
	at := &hookswitch.Attempt{Key: hookswitch.KeyAt(t) + 2<<12, App: a.key(hookswitch.KindApp, app), Event: a.key(hookswitch.KindEvent, msg), Endpoint: a.key(hookswitch.KindEndpoint, endpoint),
		URL: "https://receiver.example/hook", OK: true, Code: 200}
	if err := a.store.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Record(&store.Outcome{Kind: hookswitch.DeliverWebhook, App: at.App, Subject: at.Event, Target: at.Endpoint, Attempt: at}, time.Now())
		return err
	}); err != nil {
		a.t.Fatal(err)
	}
	return a.service.IDs().Format(hookswitch.KindAttempt, at.Key)
}

var timedLists = []timed{
	{"messages", hookswitch.KindEvent, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		for _, t := range times {
			ids = append(ids, a.messageAt(app, t))
		}
		return "/app/" + app + "/msg", ids
	}},
	{"attempted messages", hookswitch.KindEvent, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		for _, t := range times {
			id := a.messageAt(app, t)
			a.attemptAt(app, ep, id, t)
			ids = append(ids, id)
		}
		return "/app/" + app + "/endpoint/" + ep + "/msg", ids
	}},
	{"attempts by endpoint", hookswitch.KindAttempt, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		ep, msg := a.endpoint(app, ""), a.message(app, "")
		for _, t := range times {
			ids = append(ids, a.attemptAt(app, ep, msg, t))
		}
		return "/app/" + app + "/attempt/endpoint/" + ep, ids
	}},
	{"attempts by message", hookswitch.KindAttempt, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		ep, msg := a.endpoint(app, ""), a.message(app, "")
		for _, t := range times {
			ids = append(ids, a.attemptAt(app, ep, msg, t))
		}
		return "/app/" + app + "/attempt/msg/" + msg, ids
	}},
	{"attempts by message, old path", hookswitch.KindAttempt, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		ep, msg := a.endpoint(app, ""), a.message(app, "")
		for _, t := range times {
			ids = append(ids, a.attemptAt(app, ep, msg, t))
		}
		return "/app/" + app + "/msg/" + msg + "/attempt", ids
	}},
	{"attempts by message and endpoint", hookswitch.KindAttempt, func(a *api, times []time.Time) (path string, ids []string) {
		app := a.app("a")
		ep, other, msg := a.endpoint(app, ""), a.endpoint(app, ""), a.message(app, "")
		for _, t := range times {
			ids = append(ids, a.attemptAt(app, ep, msg, t))
			a.attemptAt(app, other, msg, t.Add(time.Millisecond))
		}
		return "/app/" + app + "/msg/" + msg + "/endpoint/" + ep + "/attempt", ids
	}},
}

// untimed are the lists that time does not bound, with n rows in the order in which they are shown.
var untimed = []struct {
	name string
	kind hookswitch.Kind
	fill func(a *api, n int) (path string, ids []string)
}{
	{"destinations", hookswitch.KindEndpoint, func(a *api, n int) (path string, ids []string) {
		app := a.app("a")
		for range n {
			ids = append(ids, a.endpoint(app, ""))
		}
		return "/app/" + app + "/msg/" + a.message(app, "") + "/endpoint", ids
	}},
	{"endpoints", hookswitch.KindEndpoint, func(a *api, n int) (path string, ids []string) {
		app := a.app("a")
		for range n {
			ids = append([]string{a.endpoint(app, "")}, ids...)
		}
		return "/app/" + app + "/endpoint", ids
	}},
	{"applications", hookswitch.KindApp, func(a *api, n int) (path string, ids []string) {
		for range n {
			ids = append(ids, a.app("x"))
		}
		return "/app", ids
	}},
}

// eachList runs test on every list with n rows.
func eachList(t *testing.T, n int, test func(a *api, kind hookswitch.Kind, path string, ids []string)) {
	for _, l := range timedLists {
		t.Run(l.name, func(t *testing.T) {
			each(t, func(a *api) {
				start := time.Now().Add(-time.Hour)
				times := make([]time.Time, n)
				for i := range times {
					times[i] = start.Add(time.Duration(i) * time.Second)
				}
				path, ids := l.fill(a, times)
				slices.Reverse(ids)
				test(a, l.kind, path, ids)
			})
		})
	}
	for _, l := range untimed {
		t.Run(l.name, func(t *testing.T) {
			each(t, func(a *api) {
				path, ids := l.fill(a, n)
				test(a, l.kind, path, ids)
			})
		})
	}
}

func TestLists_FiftyRowsUnlessAskedOtherwise(t *testing.T) {
	t.Parallel()
	eachList(t, 52, func(a *api, _ hookswitch.Kind, path string, ids []string) {
		an := a.do("GET", path, "")
		if diff := cmp.Diff(ids[:50], an.rows()); diff != "" || an.json()["done"] != false {
			a.t.Errorf("by itself: %s; done %v", diff, an.json()["done"])
		}
		for limit, want := range map[int]int{1: 1, 51: 51, 250: 52} {
			an := a.do("GET", fmt.Sprintf("%s?limit=%d", path, limit), "")
			if diff := cmp.Diff(ids[:want], an.rows()); diff != "" || an.json()["done"] != (want == 52) {
				a.t.Errorf("limit %d: %s; done %v", limit, diff, an.json()["done"])
			}
		}
		for _, limit := range []string{"0", "-1", "251", "99999999999999999999"} {
			a.do("GET", path+"?limit="+limit, "").invalid("query", "limit")
		}
		a.do("GET", path+"?limit=ten", "").code(400, "generic_error")
		a.do("GET", path+"?limit=1.5", "").code(400, "generic_error")
	})
}

func TestLists_IteratorsLeadForthAndBack(t *testing.T) {
	t.Parallel()
	eachList(t, 5, func(a *api, kind hookswitch.Kind, path string, ids []string) {
		type page struct {
			ids            []string
			iterator, prev any
			done           any
		}
		get := func(q ...string) page {
			a.t.Helper()
			an := a.do("GET", path+query(q...), "")
			v := an.json()
			if _, ok := v["iterator"]; !ok {
				a.t.Errorf("%s: no iterator", an.what)
			}
			return page{an.rows(), v["iterator"], v["prevIterator"], v["done"]}
		}
		for _, c := range []struct {
			q    []string
			want page
		}{
			{[]string{"limit", "2"}, page{ids[:2], ids[1], "-" + ids[0], false}},
			{[]string{"limit", "2", "iterator", ids[1]}, page{ids[2:4], ids[3], "-" + ids[2], false}},
			{[]string{"limit", "2", "iterator", ids[3]}, page{ids[4:], ids[4], "-" + ids[4], true}},
			{[]string{"limit", "2", "iterator", ids[2]}, page{ids[3:], ids[4], "-" + ids[3], true}}, // full, and yet the last one
			{[]string{"limit", "2", "iterator", "-" + ids[4]}, page{ids[2:4], ids[3], "-" + ids[2], false}},
			{[]string{"limit", "2", "iterator", "-" + ids[2]}, page{ids[:2], ids[1], "-" + ids[0], true}},
			{[]string{"limit", "2", "iterator", "-" + ids[1]}, page{ids[:1], ids[0], "-" + ids[0], true}},
			{[]string{"iterator", ids[4]}, page{[]string{}, nil, nil, true}},
			{[]string{"iterator", "-" + ids[0]}, page{[]string{}, nil, nil, true}},
		} {
			if diff := cmp.Diff(c.want, get(c.q...), cmp.AllowUnexported(page{})); diff != "" {
				a.t.Errorf("%v: %s", c.q, diff)
			}
		}
		other := hookswitch.KindTask
		for _, bad := range []string{"x", "-", "--" + ids[0], ids[0] + "x", ids[0][:len(ids[0])-1], "-x", " ", a.service.IDs().Format(other, 5), strings.ToUpper(ids[0]),
			kind.Prefix() + strings.Repeat("0", 27), kind.Prefix() + strings.Repeat("z", 27), "\x00", "1 OR 1=1"} {
			a.do("GET", path+query("iterator", bad), "").invalid("query", "iterator")
		}
	})
}

func TestLists_EmptyPages(t *testing.T) {
	t.Parallel()
	eachList(t, 0, func(a *api, kind hookswitch.Kind, path string, _ []string) {
		an := a.do("GET", path, "").is(200)
		if string(an.body) != `{"data":[],"iterator":null,"done":true}` {
			a.t.Errorf("%s", an.body)
		}
	})
}

func TestLists_LookBackNinetyDays(t *testing.T) {
	t.Parallel()
	for _, l := range timedLists {
		t.Run(l.name, func(t *testing.T) {
			each(t, func(a *api) {
				now := time.Now().UTC().Truncate(time.Millisecond)
				days := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
				path, ids := l.fill(a, []time.Time{days(100), days(91), days(30), days(20), days(10), days(1)})
				d100, d91, d30, d20, d10, d1 := ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
				text := func(t time.Time) string { return t.Format(time.RFC3339Nano) }
				for _, c := range []struct {
					name string
					q    []string
					want []string
				}{
					{"from now", nil, []string{d1, d10, d20, d30}},
					{"from before", []string{"before", text(days(15))}, []string{d20, d30, d91, d100}},
					{"from now when before has not come yet", []string{"before", text(days(-100))}, []string{d1, d10, d20, d30}},
					{"from the iterator", []string{"iterator", d20}, []string{d30, d91, d100}},
					{"from the nearer of both", []string{"iterator", d20, "before", text(days(25))}, []string{d30, d91, d100}},
					{"after bounds it", []string{"iterator", d10, "after", text(days(25))}, []string{d20}},
					{"after alone, the oldest", []string{"after", text(days(95)), "limit", "2"}, []string{d30, d91}},
					{"after and before", []string{"after", text(days(25)), "before", text(days(5))}, []string{d10, d20}},
					{"before is exclusive", []string{"before", text(days(10))}, []string{d20, d30, d91, d100}},
					{"with an offset", []string{"after", days(15).In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000-07:00")}, []string{d1, d10}},
					{"far away", []string{"before", "9999-01-01T00:00:00Z", "after", "9998-01-01T00:00:00Z"}, []string{}},
					{"long ago", []string{"before", "1999-01-01T00:00:00Z"}, []string{}},
					{"the wrong way round", []string{"after", text(days(5)), "before", text(days(25))}, []string{}},
				} {
					if diff := cmp.Diff(c.want, a.do("GET", path+query(c.q...), "").rows()); diff != "" {
						t.Errorf("%s: %s", c.name, diff)
					}
				}
				v := a.do("GET", path+query("after", text(days(95)), "limit", "2"), "").json()
				if v["done"] != false || v["prevIterator"] != "-"+d30 {
					t.Errorf("after alone: done %v, prevIterator %v", v["done"], v["prevIterator"])
				}
				if diff := cmp.Diff([]string{d10, d20}, a.do("GET", path+query("after", text(days(95)), "limit", "2", "iterator", "-"+d30), "").rows()); diff != "" {
					t.Errorf("further on: %s", diff)
				}
				for _, bad := range []string{"yesterday", "2025-13-01T00:00:00Z", "1700000000"} {
					a.do("GET", path+query("before", bad), "").code(400, "generic_error")
					a.do("GET", path+query("after", bad), "").code(400, "generic_error")
				}
			})
		})
	}
}

func TestLists_FiltersOfAllKinds(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		one := a.do("POST", "/app/"+app+"/msg", `{"eventType":"one","payload":{},"channels":["c:1+"],"tags":["t"]}`).is(202).text("id")
		two := a.do("POST", "/app/"+app+"/msg", `{"eventType":"two","payload":{}}`).is(202).text("id")
		at1, at2 := a.try(app, ep, one, store.Done), a.try(app, ep, two, store.Retry)
		for _, l := range []struct{ path, one, two string }{
			{"/app/" + app + "/msg", one, two}, {"/app/" + app + "/endpoint/" + ep + "/msg", one, two}, {"/app/" + app + "/attempt/endpoint/" + ep, at1, at2},
		} {
			for q, want := range map[string][]string{
				"event_types=one": {l.one}, "event_types=one,two": {l.two, l.one}, "event_types=one&event_types=two": {l.two, l.one}, "event_types[]=one&event_types[]=none": {l.one},
				"event_types[0]=two&event_types[1]=none": {l.two}, "event_types=none": {}, "channel=c:1%2B": {l.one}, "channel=c": {}, "tag=t": {l.one},
				"tag=t&channel=c:1%2B&event_types=one": {l.one}, "tag=t&event_types=two": {}, "with_content=false&tag=t": {l.one},
			} {
				if diff := cmp.Diff(want, a.do("GET", l.path+"?"+q, "").rows()); diff != "" {
					t.Errorf("%s?%s: %s", l.path, q, diff)
				}
			}
			a.do("GET", l.path+"?event_types=a%20b", "").invalid("query", "event_types")
			a.do("GET", l.path+"?event_types="+strings.Repeat("x,", 501), "").invalid("query", "event_types")
			a.do("GET", l.path+"?channel=a%20b", "").invalid("query", "channel")
			a.do("GET", l.path+"?with_content=no", "").code(400, "generic_error")
		}
		for q, want := range map[string][]string{"event_types=one": {at1}, "event_types[]=two": {}, "channel=c:1%2B": {at1}, "channel=d": {}, "tag=t": {at1}, "tag=x": {}, "status=0": {at1}, "status=2": {},
			"status_code_class=200": {at1}, "status_code_class=0": {}} {
			if diff := cmp.Diff(want, a.do("GET", "/app/"+app+"/attempt/msg/"+one+"?"+q, "").rows()); diff != "" {
				t.Errorf("by message, %s: %s", q, diff)
			}
		}
	})
}
