package deliver_test

import (
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestFind_EveryConditionOfTheFilterBar sends three events, one of which fails, and looks for them with each condition, on the list of attempts and on that of events.
func TestFind_EveryConditionOfTheFilterBar(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		good, bad := servicetest.NewReceiver(t), servicetest.NewReceiver(t)
		bad.Answer(servicetest.Status(503))
		app, stranger := w.App(), w.App()
		ep := w.Endpoint(app, good.URL, func(e *hookswitch.Endpoint) { e.Description = "My CRM" })
		failing := w.Endpoint(app, bad.URL, servicetest.Filter("order.paid"), func(e *hookswitch.Endpoint) { e.UID = "failing" })
		w.EventTypes("order.new", "person.new")
		publish := func(app *hookswitch.App, p service.Publish) *hookswitch.Event {
			return servicetest.Must(w.Service.PublishEvent(t.Context(), app, p, none))(t)
		}
		publish(stranger, service.Publish{Type: "order.paid", Payload: []byte(`{"text":"caf\u00e9","order":17}`)})
		first := publish(app, service.Publish{Type: "order.new", Payload: []byte(`{"text":"caf\u00e9 con leche","order":17}`), Tags: []string{"sms"}})
		second := publish(app, service.Publish{Type: "order.paid", Payload: []byte(`{"text":"100% of <it>", "order": "18"}`), Tags: []string{"sms.long"}, UID: "mine"})
		third := publish(app, service.Publish{Type: "person.new", Payload: []byte(`{"text":"CAFÉ","nul":"a\u0000b"}`)})
		attempted(w, first, 1)
		attempted(w, second, 2)
		attempted(w, third, 1)
		waiting(w, second, failing)

		id := w.Service.IDs().Format(hookswitch.KindEvent, third.Key)
		for text, want := range map[string][]*hookswitch.Event{
			"": {first, second, third}, "type:order.*": {first, second}, "type:order.new type:person.new": {first, third}, "type:Order.*": nil, "channel:sms": {first}, "channel:sms.long channel:sms": {first, second},
			"café": {first, third}, "CAFÉ": {first, third}, `"con leche" order:17`: {first}, "order:18": {second}, "100% of": {second}, `"<it>"`: {second}, "order:1": nil,
			"message:mine": {second}, "message:" + id: {third}, "message:nobody": nil, "after:2025-03-14T11:59": {first, second, third}, "before:2025-03-14T11:59": nil,
		} {
			check(t, "attempts "+text, want, eventsOf(t, w, ep, text))
			check(t, "events "+text, want, found(t, w, app, text))
		}
		for text, want := range map[string][]*hookswitch.Event{
			"status:failed": {second}, "status:waiting": {second}, "status:given-up": nil, "code:503": {second}, "code:5xx": {second}, "code:4xx": nil, "code:none": nil,
			"endpoint:failing": {second}, `endpoint:"my crm"`: {first, second, third}, "endpoint:nobody": nil, "status:delivered status:failed": {first, second, third}, "status:failed type:order.new": nil,
			"status:delivered": {first, second, third}, "status:failed endpoint:failing": {second}, `status:failed endpoint:"My CRM"`: nil,
		} {
			check(t, "events "+text, want, found(t, w, app, text))
		}
		check(t, "failed attempts", []*hookswitch.Event{second}, eventsOf(t, w, failing, "status:waiting code:5xx 100%"))
		check(t, "delivered attempts", nil, eventsOf(t, w, failing, "status:delivered"))
		check(t, "of a stranger", nil, found(t, w, w.App(), ""))

		list, _, _, err := w.Service.FindEvents(t.Context(), app.Key, parsed("type:order.paid"), store.Page{Limit: 5})
		if err != nil || len(list) != 1 || list[0].Delivered != 1 || list[0].Waiting != 1 || list[0].Tries != 2 || list[0].Next.IsZero() {
			t.Errorf("what became of it: %+v %v", list, err)
		}
	})
}

func found(t *testing.T, w *servicetest.World, app *hookswitch.App, text string) (keys []hookswitch.Key) {
	t.Helper()
	q, problems := filter.Parse(text, w.Clock.Now())
	list, stopped, _, err := w.Service.FindEvents(t.Context(), app.Key, q, store.Page{Limit: 10})
	if err != nil || stopped != 0 || len(problems) > 0 {
		t.Fatalf("%s: %v %v %v", text, err, stopped, problems)
	}
	for _, f := range list {
		keys = append(keys, f.Key)
	}
	return keys
}

func eventsOf(t *testing.T, w *servicetest.World, e *hookswitch.Endpoint, text string) (keys []hookswitch.Key) {
	t.Helper()
	q, problems := filter.Parse(text, w.Clock.Now())
	list, stopped, _, err := w.Service.FindAttempts(t.Context(), e, q, store.Page{Limit: 10})
	if err != nil || stopped != 0 || len(problems) > 0 {
		t.Fatalf("%s: %v %v %v", text, err, stopped, problems)
	}
	for _, f := range list {
		keys = append(keys, f.Event)
	}
	return keys
}

func check(t *testing.T, what string, want []*hookswitch.Event, got []hookswitch.Key) {
	t.Helper()
	var keys []hookswitch.Key
	for _, ev := range want {
		keys = append(keys, ev.Key)
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("%s: %v, want %v", what, got, keys)
	}
}
