package svix_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

func TestMessageLife(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/msg"
		an := a.do("POST", path, `{"eventType":"user.signup","eventId":"e-1","payload":{"a":1},"channels":["x","y","x"]}`).is(202).matches("MessageOut")
		got := an.json()
		if got["eventId"] != "e-1" || !cmp.Equal(got["channels"], []any{"x", "y"}) || !stamp.MatchString(got["timestamp"].(string)) {
			t.Errorf("created: %s", an.body)
		}
		for _, ref := range []string{got["id"].(string), "e-1"} {
			if same := a.do("GET", path+"/"+ref, "").is(200); string(same.body) != string(an.body) {
				t.Errorf("by %s: %s, want %s", ref, same.body, an.body)
			}
		}
		if hidden := a.do("GET", path+"/e-1?with_content=false", "").is(200).matches("MessageOut").json()["payload"]; !cmp.Equal(hidden, map[string]any{}) {
			t.Errorf("hidden payload reads %v", hidden)
		}
		if hidden := a.do("POST", path+"?with_content=false", `{"eventType":"x","payload":{"a":1}}`).is(202).json()["payload"]; !cmp.Equal(hidden, map[string]any{}) {
			t.Errorf("hidden payload reads %v", hidden)
		}
		a.do("POST", path, `{"eventType":"x","eventId":"e-1","payload":{}}`).code(409, "conflict")
		a.do("GET", path+"/unknown", "").code(404, "not_found")
		a.do("POST", "/app/unknown/msg", `{"eventType":"x","payload":{}}`).code(404, "not_found")
	})
}

func TestPayloadBytesAreUntouched(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for _, payload := range []string{
			`{"big":12345678901234567890123,"price":1.10,"exp":1E5,"neg":-0}`,
			`{ "z" : 1 ,"a":[ 1,  2 ],` + "\n\t" + `"dup":1,"dup":2}`,
			`{"html":"<b>&amp;</b>","sep":"` + "\u2028\u2029" + `","esc":"\u0041\/\ud83d\ude00","emoji":"😀"}`,
			`{}`,
		} {
			for _, name := range []string{"payload", "data"} {
				id := a.do("POST", "/app/"+app+"/msg", `{"eventType":"x", "`+name+`" :  `+payload+`  ,"channels":null}`).is(202).text("id")
				ev, err := a.service.EventByKey(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, id))
				if err != nil {
					t.Fatal(err)
				}
				if string(ev.Payload) != payload {
					t.Errorf("stored %q, want %q", ev.Payload, payload)
				}
				if an := a.do("GET", "/app/"+app+"/msg/"+id, "").is(200); !strings.Contains(string(an.body), `"payload":`+payload+`,`) {
					t.Errorf("shown %s, want %s", an.body, payload)
				}
			}
		}
	})
}

func TestRawPayloads(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for raw, shown := range map[string]any{
			"plain <text> \n \"quoted\"": map[string]any{"rawPayload": "plain <text> \n \"quoted\""},
			` {"a" : 1} `:                map[string]any{"a": 1.0},
			`[1]`:                        map[string]any{"rawPayload": "[1]"},
			`{"broken":`:                 map[string]any{"rawPayload": `{"broken":`},
		} {
			an := a.do("POST", "/app/"+app+"/msg", fmt.Sprintf(`{"eventType":"x","payload":{},"transformationsParams":{"rawPayload":%q}}`, raw)).is(202).matches("MessageOut")
			ev, err := a.service.EventByKey(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, an.text("id")))
			if err != nil {
				t.Fatal(err)
			}
			if string(ev.Payload) != raw {
				t.Errorf("stored %q, want %q", ev.Payload, raw)
			}
			if got := an.json()["payload"]; !cmp.Equal(got, shown) {
				t.Errorf("%q is shown as %v", raw, got)
			}
		}
		body := `{"eventType":"x","payload":{},"transformationsParams":{"rawPayload":"a","headers":{"content-type":%q}}}`
		for given, kept := range map[string]string{"application/json": "", "application/json; charset=utf-8": "application/json; charset=utf-8", "text/plain": "text/plain"} {
			id := a.do("POST", "/app/"+app+"/msg", fmt.Sprintf(body, given)).is(202).text("id")
			ev, err := a.service.EventByKey(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, id))
			if err != nil || ev.ContentType != kept {
				t.Errorf("%s is kept as %q, %v", given, ev.ContentType, err)
			}
		}
		for _, wrong := range []string{"", "plain", "text/plain\nx: y", "text/plain; =", "text/" + strings.Repeat("x", 300)} {
			a.do("POST", "/app/"+app+"/msg", fmt.Sprintf(body, wrong)).invalid("body", "transformationsParams", "headers", "content-type")
		}
	})
}

func TestMessageFieldsAreChecked(t *testing.T) {
	each(t, func(a *api) {
		path := "/app/" + a.app("a") + "/msg"
		label, ahead := strings.Repeat("x", 129), func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339Nano) }
		eleven := `["a","b","c","d","e","f","g","h","i","j","k"]`
		for body, loc := range map[string]string{
			``:                                                                                     "payload",
			`{"payload":{}}`:                                                                       "eventType",
			`{"eventType":"a b","payload":{}}`:                                                     "eventType",
			`{"eventType":"x"}`:                                                                    "payload",
			`{"eventType":"x","payload":null}`:                                                     "payload",
			`{"eventType":"x","payload":[]}`:                                                       "payload",
			`{"eventType":"x","payload":"text"}`:                                                   "payload",
			`{"eventType":"x","payload":{},"eventId":""}`:                                          "eventId",
			`{"eventType":"x","payload":{},"eventId":"msg_a"}`:                                     "eventId",
			`{"eventType":"x","payload":{},"channels":[]}`:                                         "channels",
			`{"eventType":"x","payload":{},"channels":["a b"]}`:                                    "channels/[0]",
			`{"eventType":"x","payload":{},"channels":` + eleven + `}`:                             "channels",
			`{"eventType":"x","payload":{},"tags":["a","b","c","d","e","f"]}`:                      "tags",
			`{"eventType":"x","payload":{},"tags":["a","` + label + `"]}`:                          "tags/[1]",
			`{"eventType":"x","payload":{},"tags":[""]}`:                                           "tags/[0]",
			`{"eventType":"x","payload":{},"tags":["a b"]}`:                                        "tags/[0]",
			`{"eventType":"x","payload":{},"tags":"a"}`:                                            "tags",
			`{"eventType":"x","payload":{},"deliverAt":"soon"}`:                                    "deliverAt",
			`{"eventType":"x","payload":{},"deliverAt":1}`:                                         "deliverAt",
			`{"eventType":"x","payload":{},"deliverAt":"` + ahead(30*time.Second) + `"}`:           "deliverAt",
			`{"eventType":"x","payload":{},"deliverAt":"` + ahead(-time.Hour) + `"}`:               "deliverAt",
			`{"eventType":"x","payload":{},"deliverAt":"` + ahead(24*time.Hour+time.Minute) + `"}`: "deliverAt",
			`{"eventType":"x","payload":{},"payloadRetentionPeriod":91}`:                           "payloadRetentionPeriod",
			`{"eventType":"x","payload":{},"payloadRetentionPeriod":0}`:                            "payloadRetentionPeriod",
			`{"eventType":"x","payload":{},"payloadRetentionHours":2161}`:                          "payloadRetentionHours",
			`{"eventType":"x","payload":{},"payloadRetentionHours":0}`:                             "payloadRetentionHours",
			`{"eventType":"x","payload":{},"payloadRetentionHours":1,"payloadRetentionPeriod":1}`:  "payloadRetentionHours",
		} {
			a.do("POST", path, body).invalid(append([]string{"body"}, strings.Split(loc, "/")...)...)
		}
		for _, body := range []string{
			`{"eventType":"x","payload":{},"payloadRetentionPeriod":1}`, `{"eventType":"x","payload":{},"payloadRetentionPeriod":90}`,
			`{"eventType":"x","payload":{},"payloadRetentionHours":1}`, `{"eventType":"x","payload":{},"payloadRetentionHours":2160}`,
			`{"eventType":"x","payload":{},"payloadRetentionHours":null,"payloadRetentionPeriod":null,"deliverAt":null,"tags":null}`, `{"eventType":"x","payload":{},"tags":[]}`,
			`{"eventType":"x","payload":{},"deliverAt":"` + ahead(time.Minute) + `"}`, `{"eventType":"x","payload":{},"deliverAt":"` + ahead(24*time.Hour) + `"}`,
		} {
			a.do("POST", path, body).is(202).matches("MessageOut")
		}
	})
}

func TestAnApplicationCanBeMadeAlongTheWay(t *testing.T) {
	each(t, func(a *api) {
		body := func(application string) string {
			return `{"eventType":"x","payload":{},"application":` + application + `}`
		}
		a.do("POST", "/app/new/msg", body(`{"name":"New","uid":"new"}`)).is(202)
		if got := a.do("GET", "/app/new", "").is(200).text("name"); got != "New" {
			t.Errorf("name %q", got)
		}
		a.do("POST", "/app/new/msg", body(`{"name":"Other","uid":"whatever"}`)).is(202) // it exists: not looked at
		for application, kind := range map[string]string{`{"name":"N"}`: "application_uid_missing", `{"name":"N","uid":"y"}`: "application_uid_mismatch"} {
			an := a.do("POST", "/app/z/msg", body(application))
			an.invalid("body", "application", "uid")
			if !strings.Contains(string(an.body), kind) {
				t.Errorf("%s: %s", application, an.body)
			}
		}
		a.do("POST", "/app/z/msg", body(`{"name":"","uid":"z"}`)).invalid("body", "application", "name")
		a.do("POST", "/app/z/msg", body(`{"name":"z","uid":"z","throttleRate":0}`)).invalid("body", "application", "throttleRate")
		a.do("GET", "/app/z", "").code(404, "not_found")
	})
}

func TestIdempotencyKeys(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path, body := "/app/"+app+"/msg", `{"eventType":"x","payload":{"n":1}}`
		first := a.do("POST", path, body, "Idempotency-Key", "auto_1").is(202)
		again := a.do("POST", path, `{"eventType":"other","payload":{}}`, "Idempotency-Key", "auto_1").is(202)
		if string(first.body) != string(again.body) {
			t.Errorf("replayed %s, want %s", again.body, first.body)
		}
		for _, other := range []answer{
			a.do("POST", path, body, "Idempotency-Key", "auto_2"),
			a.do("POST", path+"?with_content=true", body, "Idempotency-Key", "auto_1"),
			a.do("POST", path, body),
		} {
			if other.is(202).text("id") == first.text("id") {
				t.Error("another request was taken for the same")
			}
		}
		// What has failed is not remembered.
		a.do("POST", path, `{}`, "Idempotency-Key", "k").is(422)
		a.do("POST", path, body, "Idempotency-Key", "k").is(202)

		one := a.do("POST", "/app", `{"name":"n","uid":"u"}`, "Idempotency-Key", "k").is(201)
		two := a.do("POST", "/app", `{"name":"n","uid":"u"}`, "Idempotency-Key", "k").is(201)
		if string(one.body) != string(two.body) {
			t.Errorf("replayed %s, want %s", two.body, one.body)
		}
		one = a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://x.example"}`, "Idempotency-Key", "k").is(201)
		two = a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://x.example"}`, "Idempotency-Key", "k").is(201)
		if string(one.body) != string(two.body) {
			t.Errorf("replayed %s, want %s", two.body, one.body)
		}
		a.do("POST", path, body, "Idempotency-Key", strings.Repeat("k", 257)).code(400, "invalid_idempotency_key")
	})
}

func TestTheSameRequestAtOnceHasOneEffect(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		var wg sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			wg.Go(func() {
				answers[i] = a.do("POST", "/app/"+app+"/msg", `{"eventType":"x","payload":{}}`, "Idempotency-Key", "k")
			})
		}
		wg.Wait()
		for _, an := range answers {
			if an.is(202).text("id") != answers[0].text("id") {
				t.Errorf("%s and %s", an.body, answers[0].body)
			}
		}
		if rows := a.do("GET", "/app/"+app+"/msg", "").rows(); len(rows) != 1 {
			t.Errorf("%d messages", len(rows))
		}
	})
}

func TestMessageListPagesAndFilters(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/msg"
		var ids []string // newest first
		for i := range 6 {
			more := `,"channels":["even"]`
			kind := "type.a"
			if i%2 == 1 {
				more, kind = "", "type.b"
			}
			id := a.do("POST", path, fmt.Sprintf(`{"eventType":%q,"payload":{"i":%d}%s}`, kind, i, more)).is(202).text("id")
			ids = append([]string{id}, ids...)
		}
		if diff := cmp.Diff(ids, a.do("GET", path, "").is(200).matches("ListResponse_MessageOut_").rows()); diff != "" {
			t.Errorf("newest first: %s", diff)
		}
		forth, back := walk(a, path, "4")
		if diff := cmp.Diff(ids, forth); diff != "" {
			t.Errorf("forward: %s", diff)
		}
		if diff := cmp.Diff(ids[:4], back); diff != "" {
			t.Errorf("backward: %s", diff)
		}
		even := []string{ids[1], ids[3], ids[5]}
		for _, q := range []string{"?channel=even", "?event_types=type.a", "?event_types=type.a,none", "?event_types[]=type.a", "?event_types[0]=type.a&event_types[1]=none",
			"?event_types=type.a&event_types=none"} {
			if diff := cmp.Diff(even, a.do("GET", path+q, "").rows()); diff != "" {
				t.Errorf("%s: %s", q, diff)
			}
		}
		if p := a.do("GET", path+"?with_content=false&limit=1", "").json()["data"].([]any)[0].(map[string]any)["payload"]; !cmp.Equal(p, map[string]any{}) {
			t.Errorf("hidden payload reads %v", p)
		}
		a.do("GET", path+"?event_types=a%20b", "").invalid("query", "event_types")
		a.do("GET", path+"?channel=a%20b", "").invalid("query", "channel")
		a.do("GET", path+"?before=then", "").code(400, "generic_error")
		a.do("GET", path+"?tag=a%20b", "").invalid("query", "tag")
	})
}

// messageAt makes a message as if the time were t.
func (a *api) messageAt(app string, t time.Time) string {
	a.t.Helper()
	ev := &hookswitch.Event{Key: hookswitch.KeyAt(t) + 1<<12, App: a.key(hookswitch.KindApp, app), Type: "x", Payload: []byte("{}")}
	a.insert(ev)
	return a.service.IDs().Format(hookswitch.KindEvent, ev.Key)
}

func TestMessageListTimes(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/msg"
		now := time.Now().UTC().Truncate(time.Millisecond)
		days := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
		old, d30, d20, d10, d1 := a.messageAt(app, days(91)), a.messageAt(app, days(30)), a.messageAt(app, days(20)), a.messageAt(app, days(10)), a.messageAt(app, days(1))
		text := func(t time.Time) string { return t.Format(time.RFC3339Nano) }
		list := func(q ...string) []string {
			a.t.Helper()
			return a.do("GET", path+query(q...), "").rows()
		}
		for _, c := range []struct {
			name string
			q    []string
			want []string
		}{
			{"90 days back", nil, []string{d1, d10, d20, d30}},
			{"90 days back from before", []string{"before", text(days(15))}, []string{d20, d30, old}},
			{"90 days back from the iterator", []string{"iterator", d20}, []string{d30, old}},
			{"after alone gives the oldest", []string{"after", text(days(25)), "limit", "2"}, []string{d10, d20}},
			{"both", []string{"after", text(days(25)), "before", text(days(5))}, []string{d10, d20}},
			{"before is exclusive", []string{"before", text(days(10))}, []string{d20, d30, old}},
			{"with an offset", []string{"after", now.Add(-15 * 24 * time.Hour).In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000-07:00")}, []string{d1, d10}},
			{"90 days back from now when before has not come yet", []string{"before", "9999-01-01T00:00:00Z", "after", "0001-01-01T00:00:00Z"}, []string{d1, d10, d20, d30}},
			{"nothing", []string{"before", "1999-01-01T00:00:00Z"}, []string{}},
		} {
			if diff := cmp.Diff(c.want, list(c.q...)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
		if v := a.do("GET", path+query("after", text(days(25)), "limit", "2"), "").json(); v["done"] != false || v["prevIterator"] != "-"+d10 {
			t.Errorf("after alone: done %v prevIterator %v", v["done"], v["prevIterator"])
		}
		if diff := cmp.Diff([]string{d1}, list("after", text(days(25)), "iterator", "-"+d10)); diff != "" {
			t.Errorf("further on: %s", diff)
		}
	})
}

func TestExpiredPayloads(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ev := &hookswitch.Event{Key: a.service.NextKey(), App: a.key(hookswitch.KindApp, app), Type: "x", Expired: true}
		a.insert(ev)
		id := a.service.IDs().Format(hookswitch.KindEvent, ev.Key)
		if got := a.do("GET", "/app/"+app+"/msg/"+id, "").is(200).json()["payload"]; !cmp.Equal(got, map[string]any{"expired": true}) {
			t.Errorf("payload %v", got)
		}
		a.do("POST", "/app/"+app+"/msg/"+id+"/endpoint/"+a.endpoint(app, "")+"/resend", "").code(400, "missing_payload")
	})
}

func TestIDsSortAsTheyWereMade(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		var ids []string
		for range 20 {
			ids = append(ids, a.message(app, ""))
		}
		if !slices.IsSorted(ids) {
			t.Errorf("%v", ids)
		}
	})
}
