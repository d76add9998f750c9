package svix_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// run plays the engine: it takes every task on that is due, until the one with the id has ended.
func (a *api) run(id string) answer {
	a.t.Helper()
	for range 1000 {
		claimed, err := a.store.ClaimDue(context.Background(), store.ClaimRequest{Kind: hookswitch.DeliverTask, Now: time.Now(), Lease: time.Now().Add(time.Minute), Max: 100,
			PerTarget: func(hookswitch.Key) int { return 1 }, Ordered: true})
		if err != nil {
			a.t.Fatal(err)
		}
		for _, d := range claimed.Deliveries {
			o := &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim}
			if _, err := a.service.RunTask(context.Background(), o, d.Tries); err != nil {
				a.t.Fatal(err)
			}
		}
		if got := a.do("GET", "/background-task/"+id, "").is(200); got.text("status") != "running" {
			return got
		}
	}
	a.t.Fatal("the task does not end")
	return answer{}
}

func (an answer) number(name string) float64 {
	an.t.Helper()
	n, ok := an.json()[name].(float64)
	if !ok {
		an.t.Fatalf("%s: no number %q in %s", an.what, name, an.body)
	}
	return n
}

func (an answer) data() map[string]any {
	an.t.Helper()
	data, ok := an.json()["data"].(map[string]any)
	if !ok {
		an.t.Fatalf("%s: no data in %s", an.what, an.body)
	}
	return data
}

var hourAgo = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)

func TestRecover_StartsTasksAndCounts(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"uid":"e"`)
		base := "/app/" + app + "/endpoint/e/"
		for _, verdict := range []store.Verdict{store.Done, store.Exhausted, store.Retry, store.Exhausted} {
			a.try(app, ep, a.message(app, `,"channels":["c"]`), verdict)
		}
		a.do("PATCH", "/app/"+app+"/endpoint/e", `{"disabled":true}`).is(200)
		for range 3 {
			a.message(app, "")
		}
		body := `{"since":"` + hourAgo + `"}`
		for _, kind := range []string{"recover", "replay-missing", "bulk-replay"} {
			a.do("POST", base+kind, body).code(409, "endpoint_disabled")
			a.do("POST", base+kind+"?dry_run=true", body).code(409, "endpoint_disabled")
		}
		a.do("PATCH", "/app/"+app+"/endpoint/e", `{"disabled":false}`).is(200)
		for _, c := range []struct {
			kind, more string
			count      float64
		}{
			{"recover", "", 3}, {"replay-missing", "", 3}, {"replay-missing", `,"onlyOwed":true`, 3}, {"bulk-replay", "", 7}, {"bulk-replay", `,"status":0`, 1},
			{"bulk-replay", `,"status":1`, 0}, {"bulk-replay", `,"status":2`, 2}, {"bulk-replay", `,"status":4`, 1}, {"bulk-replay", `,"statusCodeClass":200`, 1}, {"bulk-replay", `,"statusCodeClass":500`, 3},
			{"bulk-replay", `,"channel":"c","eventTypes":["user.signup"],"tag":null`, 4}, {"bulk-replay", `,"eventTypes":["other"]`, 0}, {"bulk-replay", `,"tag":"none"`, 0},
			{"recover", `,"until":"` + hourAgo + `"`, 0},
		} {
			body := `{"since":"` + hourAgo + `"` + c.more + `}`
			if got := a.do("POST", base+c.kind+"?dry_run=true", body).is(200).described("Count").number("count"); got != c.count {
				t.Errorf("%s %s: counted %v, want %v", c.kind, body, got, c.count)
			}
		}
		if list := a.do("GET", "/background-task", "").rows(); len(list) != 0 {
			t.Errorf("counting has started %v", list)
		}
		for kind, task := range map[string]string{"recover": "endpoint.recover", "replay-missing": "endpoint.replay", "bulk-replay": "endpoint.bulk-replay"} {
			got := a.do("POST", base+kind, body, "idempotency-key", "once").is(202).described("BackgroundTask")
			if got.text("task") != task || got.text("status") != "running" || !strings.HasPrefix(got.text("id"), "qtask_") {
				t.Errorf("%s: %s", kind, got.body)
			}
			if again := a.do("POST", base+kind, body, "idempotency-key", "once").is(202); again.text("id") != got.text("id") {
				t.Errorf("%s: two tasks for one request", kind)
			}
			full := a.do("GET", "/background-task/"+got.text("id"), "").is(200).described("BackgroundTaskOut")
			want := map[string]float64{"recover": 3, "replay-missing": 3, "bulk-replay": 7}[kind]
			if d := full.data(); d["total"] != want || d["done"] != 0.0 || d["canceled"] != false || d["endpointId"] != ep || d["appId"] != app {
				t.Errorf("%s: %s", kind, full.body)
			}
			canceled := a.do("POST", "/background-task/"+got.text("id")+"/cancel", "").is(200).described("BackgroundTaskOut")
			if canceled.text("status") != "finished" || canceled.data()["canceled"] != true {
				t.Errorf("%s canceled: %s", kind, canceled.body)
			}
			a.do("POST", "/background-task/"+got.text("id")+"/cancel", "{}").is(200)
		}
	})
}

func TestRecover_RefusesWhatItCannotRead(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		base := "/app/" + app + "/endpoint/" + ep + "/"
		for _, kind := range []string{"recover", "replay-missing", "bulk-replay"} {
			a.do("POST", base+kind, `{}`).invalid("body", "since")
			a.do("POST", base+kind, ``).invalid("body", "since")
			a.do("POST", base+kind, `{"since":"yesterday"}`).invalid("body", "since")
			a.do("POST", base+kind, `{"since":17}`).invalid("body", "since")
			a.do("POST", base+kind, `{"since":"9999-12-31T00:00:00Z"}`).invalid("body", "since")
			a.do("POST", base+kind, `{"since":"`+hourAgo+`","until":"2024-01-01T00:00:00Z"}`).invalid("body", "until")
			for _, rate := range []string{"0", "-1", "10001"} {
				a.do("POST", base+kind, `{"since":"`+hourAgo+`","ratePerSecond":`+rate+`}`).invalid("body", "ratePerSecond")
			}
			a.do("POST", base+kind+"?dry_run=perhaps", `{"since":"`+hourAgo+`"}`).code(400, "generic_error")
			a.do("POST", "/app/"+app+"/endpoint/none/"+kind, `{"since":"`+hourAgo+`"}`).code(404, "not_found")
			a.do("POST", "/app/none/endpoint/"+ep+"/"+kind, `{"since":"`+hourAgo+`"}`).code(404, "not_found")
			a.do("POST", "/app/"+a.app("b")+"/endpoint/"+ep+"/"+kind, `{"since":"`+hourAgo+`"}`).code(404, "not_found")
		}
		a.do("POST", base+"recover", `{"since":"`+time.Now().AddDate(0, 0, -15).UTC().Format(time.RFC3339)+`"}`).invalid("body", "since")
		bulk := func(more string) answer {
			return a.do("POST", base+"bulk-replay?dry_run=true", `{"since":"2025-01-31T12:00:00+00:00"`+more+`}`)
		}
		bulk("").is(200)
		bulk(`,"eventTypes":["ok","not ok"]`).invalid("body", "eventTypes", "[1]")
		bulk(`,"eventTypes":["`+strings.Repeat(`a","`, 600)+`"]`).invalid("body", "eventTypes")
		bulk(`,"channel":"not ok"`).invalid("body", "channel")
		bulk(`,"tag":""`).invalid("body", "tag")
		bulk(`,"tag":"a b"`).invalid("body", "tag") // no label is like that
		bulk(`,"status":5`).invalid("body", "status")
		bulk(`,"statusCodeClass":201`).invalid("body", "statusCodeClass")
		bulk(`,"statusCodeClass":600`).invalid("body", "statusCodeClass")
		bulk(`,"canary":1001`).invalid("body", "canary")
		bulk(`,"text":"status:failed"`).invalid("body", "text")
	})
}

func TestBackgroundTasks_WhoSeesWhat(t *testing.T) {
	each(t, func(a *api) {
		mine, other := a.app("mine"), a.app("other")
		ep := a.endpoint(mine, "")
		portal, stranger := a.with("portal_"+mine), a.with("portal_"+other)
		path, body := "/app/"+mine+"/endpoint/"+ep+"/recover", `{"since":"`+hourAgo+`"}`
		stranger.do("POST", path, body).code(404, "not_found")
		id := portal.do("POST", path, body).is(202).text("id")
		portal.do("GET", "/background-task/"+id, "").is(200)
		stranger.do("GET", "/background-task/"+id, "").code(404, "not_found")
		stranger.do("POST", "/background-task/"+id+"/cancel", "").code(404, "not_found")
		portal.do("POST", "/background-task/"+id+"/resume", "").code(409, "conflict")
		portal.do("POST", "/background-task/"+id+"/cancel", "").is(200)
		stranger.do("POST", "/background-task/"+id+"/resume", "").code(404, "not_found")
		next := portal.do("POST", "/background-task/"+id+"/resume", "").is(202).described("BackgroundTask").text("id")
		if data := portal.do("GET", "/background-task/"+next, "").is(200).described("BackgroundTaskOut").data(); data["resumes"] != id {
			t.Errorf("the task that goes on says %v", data)
		}
		portal.do("GET", "/background-task", "").code(403, "insufficient access")
		portal.do("POST", "/app/"+mine+"/msg/expunge-all-contents", "").code(403, "insufficient access")
		portal.do("POST", "/stats/usage/app", `{}`).code(403, "insufficient access")
		portal.do("PUT", "/stats/usage/event-types", ``).code(403, "insufficient access")
		all := a.do("PUT", "/stats/usage/event-types", "").is(202).described("BackgroundTask").text("id")
		portal.do("GET", "/background-task/"+all, "").code(404, "not_found")
		for _, ref := range []string{"none", "qtask_none", id + "x", ep} {
			a.do("GET", "/background-task/"+ref, "").code(404, "not_found")
			a.do("POST", "/background-task/"+ref+"/cancel", "").code(404, "not_found")
			a.do("POST", "/background-task/"+ref+"/resume", "").code(404, "not_found")
		}
	})
}

func TestBackgroundTasks_ListsPagesAndFilters(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		var ids []string
		for range 3 {
			ids = append(ids, a.do("POST", "/app/"+app+"/endpoint/"+ep+"/recover", `{"since":"`+hourAgo+`"}`).is(202).text("id"))
		}
		ids = append(ids, a.do("PUT", "/stats/usage/event-types", "").is(202).text("id"))
		a.do("POST", "/background-task/"+ids[1]+"/cancel", "").is(200)
		want := func(q string, want ...string) {
			t.Helper()
			if got := a.do("GET", "/background-task"+q, "").described("ListOfBackgroundTaskOut").rows(); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s: got %v, want %v", q, got, want)
			}
		}
		want("", ids[3], ids[2], ids[1], ids[0])
		want("?order=ascending", ids...)
		want("?status=finished", ids[1])
		want("?status=running&task=endpoint.recover", ids[2], ids[0])
		want("?task=message.broadcast")
		want("?limit=2", ids[3], ids[2])
		want("?limit=2&iterator="+ids[2], ids[1], ids[0])
		want("?limit=2&iterator=-"+ids[1], ids[3], ids[2])
		a.do("GET", "/background-task?status=canceled", "").invalid("query", "status")
		a.do("GET", "/background-task?task=bogus", "").invalid("query", "task")
		a.do("GET", "/background-task?iterator="+ep, "").invalid("query", "iterator")
	})
}

func TestExpungeAllContents_ThenNothingCanBeSentAgain(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, "")
		at := a.try(app, ep, msg, store.Exhausted)
		id := a.do("POST", "/app/"+app+"/msg/expunge-all-contents", "").is(202).described("BackgroundTask").text("id")
		if got := a.run(id); got.data()["messagesPurged"] != 1.0 || got.text("task") != "application.purge_content" {
			t.Errorf("%s", got.body)
		}
		if got := a.do("GET", "/app/"+app+"/msg/"+msg, "").is(200); !strings.Contains(string(got.body), `"payload":{"expired":true}`) {
			t.Errorf("%s", got.body)
		}
		if got := a.do("GET", "/app/"+app+"/msg/"+msg+"/attempt/"+at, "").is(200).text("response"); got != "EXPUNGED" {
			t.Errorf("the answer reads %q", got)
		}
		a.do("POST", "/app/"+app+"/msg/"+msg+"/endpoint/"+ep+"/resend", "").code(400, "missing_payload")
		if n := a.do("POST", "/app/"+app+"/endpoint/"+ep+"/recover?dry_run=true", `{"since":"`+hourAgo+`"}`).is(200).number("count"); n != 0 {
			t.Errorf("%v would be sent without a payload", n)
		}
	})
}

func TestStatistics_OfTheWholeOrganization(t *testing.T) {
	each(t, func(a *api) {
		app := a.do("POST", "/app", `{"name":"a","uid":"named"}`).is(201).text("id")
		ep := a.endpoint(app, `,"eventTypes":["user.signup"]`)
		a.try(app, ep, a.message(app, ""), store.Done)
		window := `"since":"` + hourAgo + `","until":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"`
		started := a.do("POST", "/stats/usage/app", `{`+window+`,"appIds":["named","nobody"]}`).is(202).described("AppUsageStatsOut")
		if got := started.json()["unresolvedAppIds"].([]any); len(got) != 1 || got[0] != "nobody" {
			t.Errorf("%s", started.body)
		}
		stats := a.run(started.text("id")).data()["appStats"].([]any)
		if got := stats[0].(map[string]any); len(stats) != 1 || got["appId"] != app || got["appUid"] != "named" || got["messageDestinations"] != 1.0 || got["messages"] != 1.0 {
			t.Errorf("%v", stats)
		}
		a.do("POST", "/stats/usage/app", `{`+window+`}`).is(202).described("AppUsageStatsOut")
		a.do("POST", "/stats/usage/app", `{`+window+`,"appIds":["nobody"]}`).invalid("body", "appIds")
		a.do("POST", "/stats/usage/app", `{}`).invalid("body", "until")
		a.do("POST", "/stats/usage/app", `{"since":"x","until":"y"}`).invalid("body", "since")
		id := a.do("PUT", "/stats/usage/event-types", "").is(202).text("id")
		types := a.run(id).data()["event_types"].([]any)
		if got := types[0].(map[string]any); len(types) != 1 || got["appId"] != app || got["hasCatchAllEndpoint"] != false || got["explicitlySubscribedEventTypes"].([]any)[0] != "user.signup" {
			t.Errorf("%v", types)
		}
	})
}

func TestTheOfficialGoLibraryWorksWithTasks(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		app := a.app("a")
		ep := a.endpoint(app, "")
		a.try(app, ep, a.message(app, ""), store.Exhausted)
		since := time.Now().Add(-time.Hour)
		rec := must[*models.RecoverOut](t)(client.Endpoint.Recover(ctx, app, ep, models.RecoverIn{Since: since}, nil))
		if rec.Task != models.BACKGROUNDTASKTYPE_ENDPOINT_RECOVER || rec.Status != models.BACKGROUNDTASKSTATUS_RUNNING || rec.UpdatedAt.IsZero() {
			t.Errorf("%+v", rec)
		}
		must[*models.ReplayOut](t)(client.Endpoint.ReplayMissing(ctx, app, ep, models.ReplayIn{Since: since, Until: new(time.Now())}, nil))
		must[*models.ReplayOut](t)(client.Endpoint.BulkReplay(ctx, app, ep, models.BulkReplayIn{Since: since, Status: new(models.MESSAGESTATUS_FAIL), EventTypes: []string{"a"},
			StatusCodeClass: new(models.STATUSCODECLASS_CODE5XX)}, nil))
		purge := must[*models.ExpungeAllContentsOut](t)(client.Message.ExpungeAllContents(ctx, app, nil))
		must[*models.AppUsageStatsOut](t)(client.Statistics.AggregateAppStats(ctx, models.AppUsageStatsIn{Since: since, Until: time.Now()}, nil))
		must[*models.AggregateEventTypesOut](t)(client.Statistics.AggregateEventTypes(ctx))
		list := must[*models.ListResponseBackgroundTaskOut](t)(client.BackgroundTask.List(ctx, nil))
		if len(list.Data) != 6 || !list.Done {
			t.Errorf("%+v", list)
		}
		if got := must[*models.BackgroundTaskOut](t)(client.BackgroundTask.Get(ctx, purge.Id)); got.Id != purge.Id || got.Data == nil {
			t.Errorf("%+v", got)
		}
	})
}

// FuzzRecover: no body makes a recovery answer anything but a count, or a 4xx in JSON.
func FuzzRecover(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f))
	app := a.app("a")
	ep := a.endpoint(app, "")
	a.message(app, "")
	for _, body := range []string{"", "{}", `{"since":"2025-01-31T12:00:00Z"}`, `{"since":"0001-01-01T00:00:00Z","until":"0001-01-01T00:00:00Z"}`, `{"since":"2024-01-01T00:00:00-23:59","until":null}`,
		`{"since":"` + hourAgo + `","ratePerSecond":1,"onlyOwed":true}`, `{"since":"` + hourAgo + `","eventTypes":["a"],"channel":"c","tag":"t/\u0000","status":2,"statusCodeClass":500}`,
		`{"since":"` + hourAgo + `","statusCodeClass":-9223372036854775808}`, `{"since":"` + hourAgo + `","status":9223372036854775807}`, `[]`, `{"since":["x"]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []string{"recover", "replay-missing", "bulk-replay"} {
			r := httptest.NewRequest("POST", "/api/v1/app/"+app+"/endpoint/"+ep+"/"+kind+"?dry_run=true", strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			an := answer{t, kind + " " + body, w.Code, w.Header(), w.Body.Bytes()}
			switch w.Code {
			case http.StatusOK:
				an.described("Count")
			case http.StatusUnprocessableEntity:
				an.matches("HTTPValidationError")
			case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
				an.matches("HttpErrorOut")
			default:
				t.Errorf("%s: status %d: %s", an.what, w.Code, w.Body)
			}
		}
	})
}
