package svix_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// world is the API over a world whose clock, standing at the present time, the test moves.
type world struct {
	*api
	*servicetest.World
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Clock.Advance(time.Since(servicetest.Start))
		test(t, &world{&api{t: t, store: w.Store, service: w.Service, token: token,
			handler: svix.New(svix.Options{Service: w.Service, Auth: svix.Tokens(token, w.Service)})}, w})
	})
}

// settle moves the clock so that pollers see everything made so far.
func (w *world) settle() { w.Clock.Advance(3 * time.Second) }

// polled is an answer to a poll.
func (an answer) polled() (ids []string, iterator string, done bool) {
	an.t.Helper()
	an.is(200).described("PollingEndpointOut")
	v := an.json()
	return an.rows(), v["iterator"].(string), v["done"].(bool)
}

func TestPolling(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		app := w.app("a")
		path := "/app/" + app + "/poller/poll_1"
		before := w.message(app, "")
		ids, it, done := w.do("GET", path, "").polled()
		if len(ids) != 0 || it == "" || done {
			t.Fatalf("first call: %v, %q, done %v", ids, it, done)
		}
		first := it
		var want []string
		want = append(want, before)
		for i := range 5 {
			want = append(want, w.message(app, fmt.Sprintf(`,"channels":["c%d"],"tags":["t"],"eventId":"e%d"`, i%2, i)))
		}
		other := w.app("b")
		w.message(other, "")
		if ids, _, done := w.do("GET", path+query("iterator", it), "").polled(); len(ids) != 0 || !done {
			t.Errorf("what might still be committed: %v, done %v", ids, done)
		}
		w.settle()
		var got []string
		for !done {
			ids, it, done = w.do("GET", path+query("iterator", it, "limit", "4"), "").polled()
			got = append(got, ids...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("oldest first: %s", diff)
		}
		ids, again, done := w.do("GET", path+query("iterator", it), "").polled()
		if len(ids) != 0 || !done || again != it {
			t.Errorf("at the end: %v, %q, done %v", ids, again, done)
		}
		next := w.message(app, "")
		w.settle()
		if ids, _, _ := w.do("GET", path+query("iterator", it), "").polled(); !cmp.Equal(ids, []string{next}) {
			t.Errorf("what came since: %v", ids)
		}
		for q, want := range map[string][]string{
			query("iterator", first, "channel", "c1"): {want[2], want[4]}, query("iterator", first, "event_type", "none"): {},
			query("iterator", first, "event_type", "user.signup", "channel", "c0"):                        {want[1], want[3], want[5]},
			query("iterator", first, "after", w.Clock.Now().Add(-3*time.Second).Format(time.RFC3339Nano)): {next},
		} {
			if ids, _, done := w.do("GET", path+q, "").polled(); !cmp.Equal(ids, want) || !done {
				t.Errorf("%s: %v, want %v; done %v", q, ids, want, done)
			}
		}
		_, it, _ = w.do("GET", path+query("after", w.Clock.Now().Add(-3*time.Second).Format(time.RFC3339Nano)), "").polled()
		if ids, _, _ := w.do("GET", path+query("iterator", it), "").polled(); !cmp.Equal(ids, []string{next}) {
			t.Errorf("from a time on: %v", ids)
		}
		row := w.do("GET", path+query("iterator", first, "limit", "2"), "").row(want[1])
		wantRow := map[string]any{"id": want[1], "eventId": "e0", "eventType": "user.signup", "payload": map[string]any{"n": 1.0}, "channels": []any{"c0"}, "tags": []any{"t"}, "timestamp": row["timestamp"]}
		if diff := cmp.Diff(wantRow, row); diff != "" {
			t.Error(diff)
		}
		for _, bad := range []string{"x", "-" + first, want[0], first + ".0", strings.Replace(first, "msg_0", "msg_1", 1), "\x00"} {
			w.do("GET", path+query("iterator", bad), "").invalid("query", "iterator")
		}
		w.do("GET", path+"?limit=251", "").invalid("query", "limit")
		w.do("GET", path+"?limit=0", "").invalid("query", "limit")
		w.do("GET", path+"?limit=x", "").code(400, "generic_error")
		w.do("GET", path+"?after=x", "").code(400, "generic_error")
		w.do("GET", path+"?event_type=a%20b", "").invalid("query", "event_type")
		w.do("GET", path+"?channel=a%20b", "").invalid("query", "channel")
		w.do("GET", "/app/"+app+"/poller/a%20b", "").invalid("path", "sink_id")
		w.do("GET", "/app/none/poller/a", "").code(404, "not_found")
	})
}

func TestPollingAsAConsumer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		app := w.app("a")
		var want []string
		for range 5 {
			want = append(want, w.message(app, ""))
		}
		w.settle()
		path := "/app/" + app + "/poller/poll_1/consumer/c"
		ids, it, done := w.do("GET", path+"?limit=2", "").polled()
		if !cmp.Equal(ids, want[:2]) || done {
			t.Fatalf("first: %v, done %v", ids, done)
		}
		// Without the iterator nothing has been dealt with.
		if ids, _, _ := w.do("GET", path+"?limit=2", "").polled(); !cmp.Equal(ids, want[:2]) {
			t.Errorf("again: %v", ids)
		}
		if ids, it, _ = w.do("GET", path+query("limit", "2", "iterator", it), "").polled(); !cmp.Equal(ids, want[2:4]) {
			t.Errorf("then: %v", ids)
		}
		// The server has kept the place; another process goes on there.
		if ids, _, _ := w.do("GET", path, "").polled(); !cmp.Equal(ids, want[2:]) {
			t.Errorf("from the place that is kept: %v", ids)
		}
		if ids, _, done = w.do("GET", path+query("iterator", it), "").polled(); !cmp.Equal(ids, want[4:]) || !done {
			t.Errorf("the rest: %v, done %v", ids, done)
		}
		if ids, _, _ := w.do("GET", strings.Replace(path, "poll_1", "poll_2", 1), "").polled(); len(ids) != 5 {
			t.Errorf("another poller's consumer of that name: %v", ids)
		}

		since := w.Clock.Now()
		later := w.message(app, "")
		w.settle()
		seek := fmt.Sprintf(`{"after":%q}`, since.Format(time.RFC3339Nano))
		first := w.do("POST", path+"/seek", seek, "Idempotency-Key", "k").is(200).described("PollingEndpointConsumerSeekOut")
		// The same request once more changes nothing.
		if again := w.do("POST", path+"/seek", seek, "Idempotency-Key", "k").is(200); string(again.body) != string(first.body) {
			t.Errorf("replayed %s, want %s", again.body, first.body)
		}
		w.do("GET", path+query("iterator", it), "").code(400, "invalid_iterator")
		if ids, _, _ := w.do("GET", path, "").polled(); !cmp.Equal(ids, []string{later}) {
			t.Errorf("after seeking: %v", ids)
		}
		if ids, _, _ := w.do("GET", path+query("iterator", first.text("iterator")), "").polled(); !cmp.Equal(ids, []string{later}) {
			t.Errorf("with the iterator of seeking: %v", ids)
		}
		w.do("POST", path+"/seek", `{"after":"0001-01-01T00:00:00Z"}`).is(200)
		if ids, _, _ := w.do("GET", path, "").polled(); len(ids) != 6 {
			t.Errorf("back to the beginning: %v", ids)
		}
		w.do("POST", path+"/seek", `{"after":"9999-12-31T23:59:59Z"}`).is(200)
		if ids, _, done := w.do("GET", path, "").polled(); len(ids) != 0 || !done {
			t.Errorf("beyond the end: %v", ids)
		}
		w.do("GET", path+"?iterator=x", "").invalid("query", "iterator")
		w.do("POST", path+"/seek", "").invalid("body", "after")
		w.do("POST", path+"/seek", `{"after":"x"}`).invalid("body", "after")
		w.do("POST", path+"/seek", `{"after":1}`).invalid("body", "after")
		w.do("GET", "/app/"+app+"/poller/p/consumer/a%20b", "").invalid("path", "consumer_id")
	})
}

func TestReceivingWithNumbers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		app := w.app("a")
		var want []string
		for range 5 {
			want = append(want, w.message(app, ""))
		}
		w.settle()
		path := "/app/" + app + "/polling-endpoint/poll_1/consumer/c"
		receive := func(q string) (ids []string, offsets []float64) {
			t.Helper()
			an := w.do("GET", path+q, "").is(200).described("PollerV2PollOut")
			for _, r := range an.json()["data"].([]any) {
				offsets = append(offsets, r.(map[string]any)["offset"].(float64))
			}
			return an.rows(), offsets
		}
		if ids, offsets := receive("?limit=3"); !cmp.Equal(ids, want[:3]) || !cmp.Equal(offsets, []float64{1, 2, 3}) {
			t.Fatalf("first: %v, %v", ids, offsets)
		}
		if ids, offsets := receive("?limit=2"); !cmp.Equal(ids, want[:2]) || !cmp.Equal(offsets, []float64{1, 2}) {
			t.Errorf("not committed: %v, %v", ids, offsets)
		}
		w.do("POST", path+"/commit", `{"offset":3}`).invalid("body", "offset")
		w.do("POST", path+"/commit", `{"offset":1}`).is(204)
		w.do("POST", path+"/commit", `{"offset":1}`).is(204) // as before
		w.do("POST", path+"/commit", `{"offset":2}`).is(204) // what was given before the commit is still known
		if ids, offsets := receive("?lease_duration_ms=60000&limit=2"); !cmp.Equal(ids, want[2:4]) || !cmp.Equal(offsets, []float64{3, 4}) {
			t.Errorf("behind the commit: %v, %v", ids, offsets)
		}
		if ids, _ := receive(""); len(ids) != 0 {
			t.Errorf("while it is leased: %v", ids)
		}
		w.Clock.Advance(time.Minute)
		if ids, _ := receive("?lease_duration_ms=60000"); !cmp.Equal(ids, want[2:]) {
			t.Errorf("the lease is over: %v", ids)
		}
		w.do("POST", path+"/commit", `{"offset":5}`).is(204)
		if ids, _ := receive(""); len(ids) != 0 {
			t.Errorf("all is committed: %v", ids)
		}
		more := w.message(app, "")
		w.settle()
		if ids, offsets := receive(""); !cmp.Equal(ids, []string{more}) || !cmp.Equal(offsets, []float64{6}) {
			t.Errorf("what came since: %v, %v", ids, offsets)
		}
		path = strings.Replace(path, "consumer/c", "consumer/late", 1)
		if ids, _ := receive("?starting_position=latest"); len(ids) != 0 {
			t.Errorf("from now on: %v", ids)
		}
		more = w.message(app, "")
		w.settle()
		if ids, _ := receive("?starting_position=earliest"); !cmp.Equal(ids, []string{more}) {
			t.Errorf("from now on: %v", ids)
		}
		w.do("GET", path+"?starting_position=middle", "").invalid("query", "starting_position")
		w.do("GET", path+"?lease_duration_ms=-1", "").invalid("query", "lease_duration_ms")
		for _, body := range []string{"", "{}", `{"offset":-1}`, `{"offset":"1"}`, `{"offset":1e99}`} {
			w.do("POST", path+"/commit", body).invalid("body", "offset")
		}
		w.do("POST", "/app/"+app+"/polling-endpoint/poll_1/consumer/none/commit", `{"offset":1}`).code(404, "not_found")
	})
}

func TestPollersHaveKeysOfTheirOwn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		app, other := w.app("a"), w.app("b")
		msg := w.message(app, "")
		w.settle()
		key := w.do("POST", "/auth/app/"+app+"/poller/mine/token/rotate", "").json()["token"].(string)
		bearer := &world{w.with(key), w.World}
		ids, it, _ := bearer.do("GET", "/app/"+app+"/poller/mine", "").polled()
		if len(ids) != 0 {
			t.Errorf("first call: %v", ids)
		}
		if ids, _, _ := bearer.do("GET", "/app/"+app+"/poller/mine"+query("iterator", it), "").polled(); !cmp.Equal(ids, []string{msg}) {
			t.Errorf("with its key: %v", ids)
		}
		if ids, _, _ := bearer.do("GET", "/app/"+app+"/poller/mine/consumer/c", "").polled(); !cmp.Equal(ids, []string{msg}) {
			t.Errorf("as a consumer: %v", ids)
		}
		bearer.do("POST", "/app/"+app+"/poller/mine/consumer/c/seek", `{"after":"2025-01-01T00:00:00Z"}`).is(200)
		bearer.do("GET", "/app/"+app+"/polling-endpoint/mine/consumer/d", "").is(200)
		bearer.do("POST", "/app/"+app+"/polling-endpoint/mine/consumer/d/commit", `{"offset":1}`).is(204)
		for _, path := range []string{"/poller/yours", "/poller/yours/consumer/c", "/polling-endpoint/yours/consumer/c"} {
			bearer.do("GET", "/app/"+app+path, "").code(404, "not_found")
		}
		bearer.do("POST", "/app/"+app+"/poller/yours/consumer/c/seek", `{"after":"2025-01-01T00:00:00Z"}`).code(404, "not_found")
		bearer.do("GET", "/app/"+other+"/poller/mine", "").code(404, "not_found")
		bearer.do("GET", "/app/"+app+"/msg", "").code(403, "insufficient access")
		portal := &world{w.with(w.open(app, "")), w.World}
		if ids, _, _ := portal.do("GET", "/app/"+app+"/poller/mine"+query("iterator", it), "").polled(); !cmp.Equal(ids, []string{msg}) {
			t.Errorf("with a portal token: %v", ids)
		}
	})
}

func TestPollersOfTheOfficialGoLibrary(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx, client := context.Background(), w.sdk()
		app := w.app("a")
		deferred := w.Clock.Now().Add(2 * time.Minute)
		msg := must[*models.MessageOut](t)(client.Message.Create(ctx, app, models.MessageIn{EventType: "x", Payload: map[string]any{"n": 1}, Tags: []string{"t"}, DeliverAt: &deferred}, nil))
		if msg.DeliverAt == nil || !msg.DeliverAt.Equal(deferred) || len(msg.Tags) != 1 {
			t.Errorf("%+v", msg)
		}
		raw := must[*models.MessageOut](t)(client.Message.Create(ctx, app, *sdk.NewMessageInRaw("x", "text", new("text/plain")), nil))
		start := must[*models.PollingEndpointOut](t)(client.Message.Poller.Poll(ctx, app, "poll_1", nil))
		w.settle()
		got := must[*models.PollingEndpointOut](t)(client.Message.Poller.Poll(ctx, app, "poll_1", &sdk.MessagePollerPollOptions{Iterator: &start.Iterator, Limit: new(uint64(10))}))
		if len(got.Data) != 1 || got.Data[0].Id != raw.Id || !got.Done || (*got.Data[0].Headers)["content-type"] != "text/plain" {
			t.Errorf("%+v", got)
		}
		w.Clock.Advance(3 * time.Minute)
		got = must[*models.PollingEndpointOut](t)(client.Message.Poller.Poll(ctx, app, "poll_1", &sdk.MessagePollerPollOptions{Iterator: &got.Iterator}))
		if len(got.Data) != 1 || got.Data[0].Id != msg.Id || got.Data[0].DeliverAt == nil {
			t.Errorf("%+v", got)
		}
		consumed := must[*models.PollingEndpointOut](t)(client.Message.Poller.ConsumerPoll(ctx, app, "poll_1", "c", nil))
		if len(consumed.Data) != 2 {
			t.Errorf("%+v", consumed)
		}
		sought := must[*models.PollingEndpointConsumerSeekOut](t)(client.Message.Poller.ConsumerSeek(ctx, app, "poll_1", "c", models.PollingEndpointConsumerSeekIn{After: w.Clock.Now()}, nil))
		consumed = must[*models.PollingEndpointOut](t)(client.Message.Poller.ConsumerPoll(ctx, app, "poll_1", "c", &sdk.MessagePollerConsumerPollOptions{Iterator: &sought.Iterator}))
		if len(consumed.Data) != 0 || !consumed.Done {
			t.Errorf("%+v", consumed)
		}
	})
}
