package service_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func builtIn(t *testing.T) []hookswitch.EventType {
	t.Helper()
	return servicetest.Must(service.BuiltInEventTypes())(t)
}

func TestBuiltInEventTypes_HaveAllThatIsToldOfThem(t *testing.T) {
	t.Parallel()
	for _, et := range builtIn(t) {
		if err := et.Validate(); err != nil || et.Description == "" || et.GroupName == "" {
			t.Errorf("%s: %v, description %q, group %q", et.Name, err, et.Description, et.GroupName)
		}
		var versions map[string]struct{ Examples []json.RawMessage }
		if err := json.Unmarshal(et.Schemas, &versions); err != nil {
			t.Fatalf("%s: %v", et.Name, err)
		}
		examples := versions["1"].Examples
		if len(versions) != 1 || len(examples) == 0 {
			t.Errorf("%s has %d examples in %d versions", et.Name, len(examples), len(versions))
		}
		for _, e := range examples {
			servicetest.FitsSchema(t, et.Name, e)
		}
	}
}

// eventConstants are the names of event types among the constants of the root package.
func eventConstants(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../../event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Event") {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				name, _ := strconv.Unquote(lit.Value) // the parser has read it
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

func TestBuiltInEventTypes_AreAllThatTheGatewayMakes(t *testing.T) {
	t.Parallel()
	constants := eventConstants(t)
	if len(constants) < 10 {
		t.Fatalf("found the constants %v", constants)
	}
	want := slices.Concat(constants, hookswitch.SenderEvents, []string{
		"message.received", "call.started", "call.completed", "ussd.session_start", "ussd.session_end",
		"sms.respond", "email.respond", "web_chat.respond", "task.create", "task.update", "task.delete", "lease.update",
		"endpoint.created", "endpoint.updated", "endpoint.deleted", "endpoint.disabled", "endpoint.enabled",
		"message.attempt.failing", "message.attempt.exhausted", "message.attempt.recovered", "message.attempt.log", "background_task.finished",
	})
	slices.Sort(want)
	var got []string
	for _, et := range builtIn(t) {
		got = append(got, et.Name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestEventsOfTheGateway_FitTheirSchemas: besides, every world compares all events that were made in it when its test ends. This one makes each kind there is.
func TestEventsOfTheGateway_FitTheirSchemas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Endpoint(c.app, hookURL, servicetest.Filter("message.received", "endpoint.disabled"))
		for i, ch := range hookswitch.Channels {
			if ch == hookswitch.WhatsApp {
				continue
			}
			name := string(ch)
			c.Sender(c.app, name, ch, false)
			u := servicetest.Text(name, "person", "id-"+strconv.Itoa(i), "")
			u.Channel, u.Message.Unsupported, u.Message.ProfileName, u.At = ch, i%2 == 0, "", 0
			u.Message.Content = map[string]any{"referral": map[string]any{"source_id": "7"}, "mediaId": "9"}
			servicetest.Must(c.Push(u))(t)
		}
		read := c.reply("first")
		c.send()
		read = c.message(read.Key)
		c.report(read, hookswitch.StatusSent, false)
		c.report(read, hookswitch.StatusRead, false)
		failed := c.reply("second")
		c.send()
		c.report(c.message(failed.Key), hookswitch.StatusFailed, false)
		servicetest.Must(c.Push(servicetest.Report("100", "foreign", "", "+1999", hookswitch.StatusDelivered)))(t)
		lost := c.reply("third")
		c.Clock.Advance(25 * time.Hour)
		c.send() // the window has closed
		if got := c.message(lost.Key); got.Status != hookswitch.StatusFailed {
			t.Fatalf("the third message is %s", got.Status)
		}
		doomed := c.Endpoint(c.app, hookURL, onlyA)
		exhaust(t, c.World, c.app, doomed, true)
		made := c.Types(c.app)
		for _, name := range []string{"conversation.new", "message.inbound", "message.unsupported", "message.received", "message.queued", "message.sent", "message.delivered",
			"message.read", "message.failed", "endpoint.disabled"} {
			if !slices.Contains(made, name) {
				t.Errorf("no %s among %v", name, made)
			}
		}
	})
}

func TestRegisterEventTypes_LeavesTheOperatorsChoices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := t.Context()
		all := func() []*hookswitch.EventType {
			return servicetest.Must(w.Service.EventTypes(ctx, service.EventTypeQuery{Archived: true, Schemas: true}, store.NamePage{Limit: 1000, Ascending: true}))(t)
		}
		want := builtIn(t)
		slices.SortFunc(want, func(a, b hookswitch.EventType) int { return strings.Compare(a.Name, b.Name) })
		got := all()
		if len(got) != len(want) {
			t.Fatalf("%d are registered, want %d", len(got), len(want))
		}
		for i, et := range got {
			if et.Name != want[i].Name || string(et.Schemas) != string(want[i].Schemas) || et.Description != want[i].Description || et.GroupName != want[i].GroupName ||
				!slices.Equal(et.FeatureFlags, want[i].FeatureFlags) || et.Archived || !et.CreatedAt.Equal(servicetest.Start) {
				t.Errorf("got %+v, want %+v", et, want[i])
			}
		}
		if err := w.Service.DeleteEventType(ctx, "message.read"); err != nil {
			t.Fatal(err)
		}
		if err := w.Service.ArchiveEventType(ctx, "message.sent"); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(w.Service.UpdateEventType(ctx, "message.queued", func(et *hookswitch.EventType) error {
			et.Description, et.Schemas = "mine", nil
			return nil
		}))(t)
		before := all()
		w.Clock.Advance(time.Hour)
		if err := w.Service.RegisterEventTypes(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCreateEventType_RevivesArchivedOnes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, none := t.Context(), service.Idempotency{}
		first := servicetest.Must(w.Service.CreateEventType(ctx, hookswitch.EventType{Name: "a", Description: "one", Schemas: []byte(`{"1":{}}`), FeatureFlags: []string{"y", "x", "y"}}, none))(t)
		if !slices.Equal(first.FeatureFlags, []string{"x", "y"}) {
			t.Errorf("flags %v", first.FeatureFlags)
		}
		_, err := w.Service.CreateEventType(ctx, hookswitch.EventType{Name: "a", Description: "two"}, none)
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != hookswitch.Conflict || e.Code != "event_type_exists" {
			t.Errorf("a live one: %v", err)
		}
		if err := w.Service.ArchiveEventType(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Minute)
		revived := servicetest.Must(w.Service.CreateEventType(ctx, hookswitch.EventType{Name: "a", Description: "three"}, none))(t)
		want := &hookswitch.EventType{Key: first.Key, Name: "a", Description: "three", CreatedAt: first.CreatedAt, UpdatedAt: w.Clock.Now()}
		if diff := cmp.Diff(want, revived); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, servicetest.Must(w.Service.EventType(ctx, "a"))(t)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCreateEventType_OfOneNameAtOnceMakesOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		run := func(idem service.Idempotency, name string) (made, conflicts int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			keys := map[hookswitch.Key]bool{}
			for range 12 {
				wg.Go(func() {
					et, err := w.Service.CreateEventType(t.Context(), hookswitch.EventType{Name: name}, idem)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						made++
						keys[et.Key] = true
					case hookswitch.KindOf(err) == hookswitch.Conflict:
						conflicts++
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if len(keys) > 1 {
				t.Errorf("%d event types have the name", len(keys))
			}
			return made, conflicts
		}
		if made, conflicts := run(service.Idempotency{}, "a"); made != 1 || conflicts != 11 {
			t.Errorf("%d made, %d conflicts", made, conflicts)
		}
		if made, conflicts := run(service.Idempotency{Caller: "c", Key: "k", Route: "r"}, "b"); made != 12 || conflicts != 0 {
			t.Errorf("one request many times: %d made, %d conflicts", made, conflicts)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, _, err := w.Service.ReplaceEventType(t.Context(), hookswitch.EventType{Name: "put"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// problems are the fields that an error of kind Invalid names, with what it says.
func problems(t *testing.T, err error) string {
	t.Helper()
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid {
		t.Fatalf("got %v, want an error of kind Invalid", err)
	}
	var list []string
	for _, f := range e.Fields {
		list = append(list, f.Name()+" "+f.Message)
	}
	return strings.Join(list, "; ")
}

func TestEndpointFilter_NamesEventTypesThatCanBeChosen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app := t.Context(), w.App()
		w.EventTypes("a", "b", "old", "gone")
		ep := w.Endpoint(app, hookURL, servicetest.Filter("a", "old", "gone"))
		if err := errors.Join(w.Service.ArchiveEventType(ctx, "old"), w.Service.DeleteEventType(ctx, "gone")); err != nil {
			t.Fatal(err)
		}
		create := func(types ...string) error {
			_, err := w.Service.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: hookURL, EventTypes: types}, service.Idempotency{})
			return err
		}
		if got, want := problems(t, create("b", "none", "old", "gone")), "filterTypes names event types that do not exist or are archived: none, old, gone"; got != want {
			t.Errorf("got %s", got)
		}
		many := make([]string, 1000)
		for i := range many {
			many[i] = fmt.Sprint("n", i)
		}
		if got := problems(t, create(many...)); !strings.HasSuffix(got, "n8, n9 and 990 more") {
			t.Errorf("got %s", got)
		}
		filter := func(types ...string) error {
			_, err := w.Service.UpdateEndpoint(ctx, app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
				e.EventTypes = types
				return nil
			})
			return err
		}
		// What the filter names already is not judged again, what it names anew is, also when it was there before.
		for _, types := range [][]string{{"a", "old", "gone", "b"}, {"old", "gone"}, {"old"}} {
			if err := filter(types...); err != nil {
				t.Errorf("%v: %v", types, err)
			}
		}
		if got := problems(t, filter("old", "gone")); !strings.HasSuffix(got, ": gone") {
			t.Errorf("got %s", got)
		}
		ev := w.Publish(app, "old")
		if len(ev.Targets) != 1 {
			t.Errorf("an archived type goes to %v", ev.Targets)
		}
		if err := filter(); err != nil {
			t.Error(err)
		}
		if ev := w.Publish(app, "never.registered"); len(ev.Targets) != 1 {
			t.Errorf("an unregistered type goes to %v", ev.Targets)
		}
		w.Disable(ep)
	})
}

func TestRestricted_SeesWhatItsFeatureFlagsShow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app := t.Context(), w.App()
		for name, flags := range map[string][]string{"t.plain": nil, "t.beta": {"beta"}, "t.both": {"gamma", "beta"}, "t.gamma": {"gamma"}} {
			servicetest.Must(w.Service.CreateEventType(ctx, hookswitch.EventType{Name: name, FeatureFlags: flags, Schemas: []byte(`{"1":{"examples":[{}]}}`)}, service.Idempotency{}))(t)
		}
		ep := w.Endpoint(app, hookURL)
		for who, c := range map[string]struct {
			flags []string
			all   bool
			want  string
		}{
			"the organization": {all: true, want: "t.beta t.both t.gamma t.plain"},
			"without flags":    {want: "t.plain"},
			"with one":         {flags: []string{"beta"}, want: "t.beta t.both t.plain"},
			"with another":     {flags: []string{"delta"}, want: "t.plain"},
			"with all":         {flags: []string{"delta", "gamma", "beta"}, want: "t.beta t.both t.gamma t.plain"},
		} {
			ctx := ctx
			if !c.all {
				ctx = service.Restricted(ctx, c.flags)
			}
			var names []string
			for _, et := range servicetest.Must(w.Service.EventTypes(ctx, service.EventTypeQuery{}, store.NamePage{Limit: 100, After: "t.", Before: "t.~", Ascending: true}))(t) {
				names = append(names, et.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%s sees %s, want %s", who, got, c.want)
			}
			for _, name := range []string{"t.plain", "t.beta", "t.both", "t.gamma"} {
				seen := slices.Contains(names, name)
				if _, err := w.Service.EventType(ctx, name); (err == nil) != seen || err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
					t.Errorf("%s gets %s: %v", who, name, err)
				}
				_, err := w.Service.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: hookURL, EventTypes: []string{name}}, service.Idempotency{})
				if (err == nil) != seen || err != nil && hookswitch.KindOf(err) != hookswitch.Invalid {
					t.Errorf("%s makes an endpoint for %s: %v", who, name, err)
				}
				if _, err := w.Service.SendExample(ctx, app, ep.Key, name, 0, service.Idempotency{}); (err == nil) != seen || err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
					t.Errorf("%s sends an example of %s: %v", who, name, err)
				}
			}
		}
	})
}

func TestSendExample_GoesToOneEndpointWhateverItsFilter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app := t.Context(), w.App()
		ep := w.Endpoint(app, hookURL, servicetest.Filter("other"))
		w.Endpoint(app, hookURL)
		idem := service.Idempotency{Caller: "c", Key: "k", Route: "r"}
		ev := servicetest.Must(w.Service.SendExample(ctx, app, ep.Key, "message.read", 0, idem))(t)
		if len(ev.Targets) != 1 || ev.Targets[0] != (hookswitch.Target{Endpoint: ep.Key}) || w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key) == nil {
			t.Errorf("it goes to %v", ev.Targets)
		}
		servicetest.FitsSchema(t, "message.read", ev.Payload)
		again := servicetest.Must(w.Service.SendExample(ctx, app, ep.Key, "message.read", 0, idem))(t)
		if again.Key != ev.Key || len(w.Events(app)) != 1 {
			t.Errorf("the same request made %d events", len(w.Events(app)))
		}
		ping := servicetest.Must(w.Service.SendExample(ctx, app, ep.Key, "svix.ping", 5, service.Idempotency{}))(t)
		if string(ping.Payload) != `{"success": true}` || ping.Type != "svix.ping" {
			t.Errorf("a ping is %s %s", ping.Type, ping.Payload)
		}
		for what, c := range map[string]struct {
			endpoint hookswitch.Key
			name     string
			index    int
			kind     hookswitch.ErrorKind
		}{
			"an unknown type":     {ep.Key, "none", 0, hookswitch.NotFound},
			"an impossible name":  {ep.Key, "a b", 0, hookswitch.Invalid},
			"no example":          {ep.Key, "other", 0, hookswitch.Invalid},
			"beyond the examples": {ep.Key, "message.read", 1, hookswitch.Invalid},
			"an unknown endpoint": {12345, "message.read", 0, hookswitch.NotFound},
		} {
			if _, err := w.Service.SendExample(ctx, app, c.endpoint, c.name, c.index, service.Idempotency{}); hookswitch.KindOf(err) != c.kind {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.Disable(ep)
		if _, err := w.Service.SendExample(ctx, app, ep.Key, "message.read", 0, service.Idempotency{}); hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("a disabled endpoint: %v", err)
		}
		if n := len(w.Events(app)); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
	})
}
