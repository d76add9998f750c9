package ingest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const balanceMenu = `{"kind":"menu","start":"main","screens":{
	"main":{"text":"Acme","options":[{"key":"1","label":"Balance","goTo":"pin"}]},
	"pin":{"text":"PIN?","as":"pin","input":{"kind":"digits","min":4,"max":4},"goTo":"done"},
	"done":{"text":"It is 42.","end":true}}}`

// dialled is a gateway with a service code whose menu tells a balance.
func dialled(t *testing.T, db *storetest.DB) (*gateway, *hookswitch.App) {
	t.Helper()
	g := newGateway(t, db, servicetest.NewProvider())
	app := g.app("acme")
	_, err := g.svc.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "line", Channel: hookswitch.USSD, Provider: servicetest.FakeName,
		Credentials: hookswitch.Credentials{"secret": {"s3cret"}, "address": {"line"}}, Responder: &hookswitch.ResponderConfig{Kind: "menu", Raw: []byte(balanceMenu)}}})
	if err != nil {
		t.Fatal(err)
	}
	g.endpoint(app)
	return g, app
}

func dial(text string) servicetest.Update {
	return servicetest.Update{Channel: hookswitch.USSD, Address: "line", Dialogue: &hookswitch.DialogueStep{Session: "S1", From: "+254711082300", To: "*384#",
		Direction: hookswitch.Inbound, Input: text}}
}

func (g *gateway) pushFake(secret string, updates ...servicetest.Update) answer {
	g.t.Helper()
	body, err := json.Marshal(updates)
	if err != nil {
		g.t.Fatal(err)
	}
	return g.do(http.MethodPost, "/fake", body, map[string]string{"X-Fake-Secret": secret})
}

func TestDialogues_AreAnsweredInTheResponse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app := dialled(t, db)
		if a := g.pushFake("wrong", dial("")); a.status != 401 || strings.Contains(a.body, "CON") {
			t.Errorf("answered %d %s", a.status, a.body)
		}
		for _, c := range [][2]string{{"", "CON Acme\n1. Balance"}, {"1", "CON PIN?"}, {"1*12", "CON That cannot be right. Please try again.\nPIN?"}, {"1*12*1234", "END It is 42."}} {
			for range 2 {
				if a := g.pushFake("s3cret", dial(c[0])); a.status != 200 || a.body != c[1] || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
					t.Errorf("%q: answered %d %q, want %q", c[0], a.status, a.body, c[1])
				}
			}
		}
		over := dial("")
		over.Dialogue.End = &hookswitch.DialogueEnd{Status: "completed"}
		if a := g.pushFake("s3cret", over); a.status != 200 || a.body != "" {
			t.Errorf("the end is answered %d %q", a.status, a.body)
		}
		want := []string{"ussd.session_start", "message.sent", "conversation.new", "message.inbound", "message.sent", "message.inbound", "message.sent", "message.inbound", "message.sent",
			"ussd.session_end"}
		if diff := cmp.Diff(want, typesOf(g.events(app))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if a, d := g.count(ingest.Accepted), g.count(ingest.Duplicate); a != 5 || d != 4 {
			t.Errorf("%d accepted, %d duplicates", a, d)
		}
		if strings.Contains(g.log.String(), "1234") {
			t.Errorf("the log holds what was entered: %s", g.log)
		}
	})
}

func TestDialogues_RepeatsAtTheSameTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app := dialled(t, db)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if a := g.pushFake("s3cret", dial("1")); a.body != "CON PIN?" {
					t.Errorf("answered %d %s", a.status, a.body)
				}
			})
		}
		all.Wait()
		if got := typesOf(g.events(app)); len(got) != 4 || len(g.messages(app)) != 2 {
			t.Errorf("events %q, %d messages", got, len(g.messages(app)))
		}
	})
}

func TestDialogues_AStepAmongOtherUpdates(t *testing.T) {
	t.Parallel()
	g, app := dialled(t, storetest.SQLite(t))
	other := servicetest.Update{Channel: hookswitch.USSD, Address: "line", Dedup: "m1", Message: &hookswitch.InboundMessage{ProviderID: "m1", From: "+1", Text: "x", Type: "text"}}
	if a := g.pushFake("s3cret", other, dial(""), servicetest.Update{Broken: "odd"}); a.body != "CON Acme\n1. Balance" {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	if n := len(g.messages(app)); n != 2 || len(g.strays()) != 1 {
		t.Errorf("%d messages, %d strays", n, len(g.strays()))
	}
}

func TestDialogues_AnAnswerIsStoredWhoeverHangsUp(t *testing.T) {
	t.Parallel()
	g, app := dialled(t, storetest.SQLite(t))
	entered, proceed := make(chan struct{}), make(chan struct{})
	g.respond = func(ctx context.Context, _ *hookswitch.Turn) (hookswitch.Reply, error) {
		close(entered)
		<-proceed
		return hookswitch.Reply{Text: "still here"}, ctx.Err()
	}
	body, err := json.Marshal([]servicetest.Update{dial("")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/fake", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Fake-Secret", "s3cret")
	gone := make(chan error, 1)
	go func() {
		res, err := g.http.Do(r)
		if err == nil {
			err = res.Body.Close()
		}
		gone <- err
	}()
	<-entered
	hangUp()
	if err := <-gone; err == nil {
		t.Error("the request was answered")
	}
	close(proceed)
	if a := g.pushFake("s3cret", dial("")); a.body != "CON still here" {
		t.Errorf("the repeat is answered %d %s", a.status, a.body)
	}
	if n := len(g.messages(app)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestDialogues_NothingIsToldThatIsNotStored(t *testing.T) {
	t.Parallel()
	g, _ := dialled(t, storetest.SQLite(t))
	g.respond = func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) {
		return hookswitch.Reply{Text: "lost"}, g.store.Close()
	}
	if a := g.pushFake("s3cret", dial("")); a.status < 500 || strings.Contains(a.body, "lost") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

func TestDialogues_OfNoRouteOrOfADeletedApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app := dialled(t, db)
		_, err := g.svc.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "second", Channel: hookswitch.USSD, Provider: servicetest.FakeName,
			Credentials: hookswitch.Credentials{"secret": {"s3cret"}, "address": {"second"}}}})
		if err != nil {
			t.Fatal(err)
		}
		const closed = "END This service is not available at the moment."
		u := dial("")
		u.Address = "other"
		if a := g.pushFake("s3cret", u); a.status != 200 || a.body != closed {
			t.Errorf("answered %d %s", a.status, a.body)
		}
		if n := len(g.strays()); n != 1 {
			t.Errorf("%d strays", n)
		}
		if types := typesOf(g.events(app)); slices.Contains(types, "ussd.session_start") {
			t.Errorf("events %q", types)
		}
		if list, err := g.store.OpenDialogues(t.Context(), hookswitch.USSD, now(), 10); err != nil || len(list) != 0 {
			t.Errorf("%d dialogues, %v", len(list), err)
		}
	})
}

func TestDialogues_OfAnApplicationThatIsDeletedMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g, app := dialled(t, db)
		g.respond = func(ctx context.Context, _ *hookswitch.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{Text: "x"}, g.svc.DeleteApp(ctx, app.Key)
		}
		if a := g.pushFake("s3cret", dial("")); a.status != 200 || !strings.HasPrefix(a.body, "END ") {
			t.Errorf("answered %d %s", a.status, a.body)
		}
		if _, err := g.store.Strays(t.Context(), store.Page{Limit: 1}); err != nil {
			t.Error(err)
		}
	})
}

func TestDialogues_OfAResponderThatCannotBeBuiltAnyMore(t *testing.T) {
	t.Parallel()
	g, app := dialled(t, storetest.SQLite(t))
	_, err := g.svc.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "line", Channel: hookswitch.USSD, Provider: servicetest.FakeName,
		Credentials: hookswitch.Credentials{"secret": {"s3cret"}, "address": {"line"}}, Responder: &hookswitch.ResponderConfig{Kind: "gone", Raw: []byte(`{"kind":"gone","fallback":"Dial again tomorrow."}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	if a := g.pushFake("s3cret", dial("")); a.body != "END Dial again tomorrow." {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	replies, err := g.store.Replies(t.Context(), app.Key, store.ReplyFilter{}, store.Page{Limit: 2})
	if err != nil || len(replies) != 1 || !strings.Contains(replies[0].Problem, "must be one of") {
		t.Errorf("noted is %+v, %v", replies, err)
	}
}
