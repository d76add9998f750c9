package service_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// bureau is a provider that decides on templates and whose accounts can be connected. It goes by meta's name.
type bureau struct {
	*servicetest.Provider

	mu        sync.Mutex
	submitted []hookswitch.Template
	answer    hookswitch.TemplateNews
	fail      error
	has       []*hookswitch.Template
	before    func() // runs while a template is being submitted
	connect   func(c hookswitch.Credentials) (hookswitch.ConnectedAccount, error)
}

func newBureau() *bureau { return &bureau{Provider: servicetest.NewProvider()} }

func (b *bureau) with(o *servicetest.Options) { o.Providers = append(o.Providers, b) }

func (b *bureau) Name() string                               { return "meta" }
func (b *bureau) TemplateAccount(r *hookswitch.Route) string { return r.Credentials.First("waba_id") }

func (b *bureau) SubmitTemplate(_ context.Context, r *hookswitch.Route, t *hookswitch.Template) (hookswitch.TemplateNews, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.submitted = append(b.submitted, *t)
	if b.before != nil {
		b.before()
	}
	return b.answer, b.fail
}

func (b *bureau) Templates(context.Context, *hookswitch.Route) ([]*hookswitch.Template, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.has, b.fail
}

func (b *bureau) Connect(_ context.Context, _ hookswitch.Channel, c hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
	return b.connect(c)
}

// whatsApp makes a sender with an account at the bureau.
func whatsApp(w *servicetest.World, app *hookswitch.App, name, waba string) *hookswitch.Sender {
	w.TB.Helper()
	spec := service.SenderSpec{Name: name, Channel: hookswitch.WhatsApp, Provider: "meta", PhoneNumber: "+15550001111",
		Credentials: hookswitch.Credentials{"secret": {"s"}, "address": {name}, "waba_id": {waba}, "app_secret": {"of the app"}, "verify_token": {"v"}}}
	return servicetest.Must(w.Service.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec}))(w.TB)[0].Sender
}

func newTemplate() hookswitch.Template {
	return hookswitch.Template{Name: "order_update", Language: "en", Body: "Hi {{1}}, order {{2}} has shipped", Variables: []string{"customer_name", "order_id"}}
}

func makeTemplate(w *servicetest.World, app *hookswitch.App, t hookswitch.Template) *hookswitch.Template {
	w.TB.Helper()
	return servicetest.Must(w.Service.CreateTemplate(context.Background(), app.Key, t, none))(w.TB)
}

// approved is the id of a template without blanks that may be sent.
func approved(w *servicetest.World, app *hookswitch.App, sender *hookswitch.Sender) string {
	w.TB.Helper()
	one := makeTemplate(w, app, hookswitch.Template{Name: "hello", Language: "en", Body: "Hello"})
	servicetest.Must(w.Service.SubmitTemplate(context.Background(), app.Key, tpl(w, one), snd(w, sender), ""))(w.TB)
	servicetest.Must(w.Service.ApproveTemplate(context.Background(), app.Key, tpl(w, one), ""))(w.TB)
	return tpl(w, one)
}

func tpl(w *servicetest.World, t *hookswitch.Template) string {
	return w.Service.IDs().Format(hookswitch.KindTemplate, t.Key)
}

func snd(w *servicetest.World, s *hookswitch.Sender) string {
	return w.Service.IDs().Format(hookswitch.KindSender, s.Key)
}

// eventsOf are the events of a type, oldest first, parsed.
func eventsOf(w *servicetest.World, app *hookswitch.App, eventType string) (list []map[string]any) {
	w.TB.Helper()
	for _, ev := range w.Events(app) {
		if ev.Type != eventType {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal(ev.Payload, &v); err != nil {
			w.TB.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// steps are the changes that the events of a type tell of.
func steps(w *servicetest.World, app *hookswitch.App, eventType string) (list []string) {
	w.TB.Helper()
	for _, ev := range eventsOf(w, app, eventType) {
		data, _ := ev["data"].(map[string]any)
		from, _ := data["previousStatus"].(string)
		to, _ := data["currentStatus"].(string)
		list = append(list, from+" → "+to)
	}
	return list
}

func wantSteps(w *servicetest.World, app *hookswitch.App, eventType string, want ...string) {
	w.TB.Helper()
	if got := steps(w, app, eventType); !slices.Equal(got, want) {
		w.TB.Errorf("told %q, want %q", got, want)
	}
}

func wantKindOf(t *testing.T, what string, err error, want hookswitch.ErrorKind) {
	t.Helper()
	if err == nil || hookswitch.KindOf(err) != want {
		t.Errorf("%s: error %v of kind %d, want kind %d", what, err, hookswitch.KindOf(err), want)
	}
}

// Section 6 of the contract, template.status_changed: the fields of its data.
func TestSubmitTemplate_WithoutAProviderTheOperatorDecides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "shop", hookswitch.WhatsApp, false)
		a, b := makeTemplate(w, app, newTemplate()), makeTemplate(w, app, newTemplate())
		if a.Status != hookswitch.TemplateDraft || a.Category != hookswitch.TemplateUtility {
			t.Fatalf("a new template: %+v", a)
		}
		_, err := w.Service.ApproveTemplate(t.Context(), app.Key, tpl(w, a), "")
		wantKindOf(t, "approve a draft", err, hookswitch.Conflict)
		_, err = w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, a), "snd_unknown", "")
		wantKindOf(t, "submit with an unknown sender", err, hookswitch.NotFound)
		for _, one := range []*hookswitch.Template{a, b} {
			got := servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), hookswitch.TemplateMarketing))(t)
			if got.Status != hookswitch.TemplatePending || got.Category != hookswitch.TemplateMarketing {
				t.Errorf("submitted: %+v", got)
			}
		}
		_, err = w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, a), snd(w, sender), "")
		wantKindOf(t, "submit what is pending", err, hookswitch.Invalid)
		servicetest.Must(w.Service.ApproveTemplate(t.Context(), app.Key, tpl(w, a), ""))(t)
		servicetest.Must(w.Service.RejectTemplate(t.Context(), app.Key, tpl(w, b), "promotional"))(t)
		_, err = w.Service.RejectTemplate(t.Context(), app.Key, tpl(w, a), "")
		wantKindOf(t, "reject what is approved", err, hookswitch.Conflict)

		wantSteps(w, app, hookswitch.EventTemplateStatus, "draft → pending", "draft → pending", "pending → approved", "pending → rejected")
		last := eventsOf(w, app, hookswitch.EventTemplateStatus)[3]
		if last["senderId"] != snd(w, sender) {
			t.Errorf("told of the sender %v", last["senderId"])
		}
		if diff := cmp.Diff(map[string]any{"templateId": tpl(w, b), "templateName": "order_update", "name": "order_update", "language": "en", "category": "MARKETING",
			"previousStatus": "pending", "currentStatus": "rejected", "status": "rejected", "rejectionReason": "promotional"}, last["data"]); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
	})
}

func TestTemplates_BelongToTheirApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		sender := w.Sender(other, "shop", hookswitch.WhatsApp, false)
		one := makeTemplate(w, app, newTemplate())
		_, err := w.Service.Template(t.Context(), other.Key, tpl(w, one))
		wantKindOf(t, "read", err, hookswitch.NotFound)
		_, err = w.Service.SubmitTemplate(t.Context(), other.Key, tpl(w, one), snd(w, sender), "")
		wantKindOf(t, "submit", err, hookswitch.NotFound)
		_, err = w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), "")
		wantKindOf(t, "submit with another app's sender", err, hookswitch.NotFound)
		wantKindOf(t, "delete", w.Service.DeleteTemplate(t.Context(), other.Key, tpl(w, one)), hookswitch.NotFound)
		if err := w.Service.DeleteTemplate(t.Context(), app.Key, tpl(w, one)); err != nil {
			t.Fatal(err)
		}
		wantKindOf(t, "delete twice", w.Service.DeleteTemplate(t.Context(), app.Key, tpl(w, one)), hookswitch.NotFound)
		if list := servicetest.Must(w.Service.Templates(t.Context(), app.Key, "", store.Page{Limit: 10}))(t); len(list) != 0 {
			t.Errorf("after the deletion there are %d", len(list))
		}
	})
}

func news(waba, id, word, reason string) hookswitch.Update {
	return hookswitch.Update{Channel: hookswitch.WhatsApp, Dedup: "template:" + id + word, Template: &hookswitch.TemplateNews{Account: waba, ID: id, Name: "order_update", Language: "en",
		Word: word, Status: hookswitch.TemplateStatusOf(word), Reason: reason}}
}

// pushNews has the bureau push u to all of its accounts.
func pushNews(w *servicetest.World, u hookswitch.Update) service.ReceivedResult {
	w.TB.Helper()
	a := servicetest.Must(w.Service.Accounts(context.Background(), "meta", 0, ""))(w.TB)[0]
	return servicetest.Must(w.Service.Receive(context.Background(), service.Received{Account: &a, Updates: []hookswitch.Update{u}, Door: "/meta", At: w.Clock.Now(), Body: []byte("{}")}))(w.TB)
}

func TestSubmitTemplate_TheProviderDecides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app, other := w.App(), w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		whatsApp(w, other, "elsewhere", "waba2")
		one := makeTemplate(w, app, newTemplate())
		p.fail = hookswitch.Errorf(hookswitch.Invalid, "Meta says: no")
		_, err := w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), "")
		wantKindOf(t, "a refusal", err, hookswitch.Invalid)
		if got := servicetest.Must(w.Service.Template(t.Context(), app.Key, tpl(w, one)))(t); got.Status != hookswitch.TemplateDraft {
			t.Errorf("refused, and %s", got.Status)
		}
		p.fail, p.answer = nil, hookswitch.TemplateNews{Account: "waba1", ID: "77", Name: "order_update", Language: "en", Word: "PENDING", Status: hookswitch.TemplatePending}
		got := servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), ""))(t)
		if want := (hookswitch.TemplateAtProvider{Account: "waba1", ID: "77", Name: "order_update", Status: "PENDING"}); got.Provider != want {
			t.Errorf("at the provider: %+v", got.Provider)
		}
		for range 2 {
			pushNews(w, news("waba1", "77", "REJECTED", "INVALID_FORMAT"))
		}
		pushNews(w, news("waba2", "77", "APPROVED", "")) // of another account
		pushNews(w, news("waba1", "78", "APPROVED", "")) // another template of that name
		pushNews(w, news("waba1", "77", "APPROVED", ""))
		pushNews(w, news("waba1", "77", "PAUSED", ""))
		wantSteps(w, app, hookswitch.EventTemplateStatus, "draft → pending", "pending → rejected", "rejected → approved")
		if reason := eventsOf(w, app, hookswitch.EventTemplateStatus)[1]["data"].(map[string]any)["rejectionReason"]; reason != "INVALID_FORMAT" {
			t.Errorf("rejected for %v", reason)
		}
		if got := servicetest.Must(w.Service.Template(t.Context(), app.Key, tpl(w, one)))(t); got.Provider.Status != "PAUSED" || got.Status != hookswitch.TemplateApproved || got.RejectionReason != "" {
			t.Errorf("in the end %+v", got)
		}
		if list := servicetest.Must(w.Store.Strays(t.Context(), store.Page{Limit: 10}))(t); len(list) != 0 {
			t.Errorf("%d pushes were kept aside: %s", len(list), list[0].Reason)
		}
	})
}

func TestSubmitTemplate_ADecisionThatComesBeforeTheAnswerCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app := w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		one := makeTemplate(w, app, newTemplate())
		p.answer = hookswitch.TemplateNews{Account: "waba1", ID: "77", Name: "order_update", Language: "en", Word: "PENDING", Status: hookswitch.TemplatePending}
		p.before = func() { pushNews(w, news("waba1", "77", "APPROVED", "")) }
		servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), ""))(t)
		wantSteps(w, app, hookswitch.EventTemplateStatus, "draft → pending", "pending → approved")
	})
}

func TestSubmitTemplate_WhatTheAccountHasAlreadyIsTakenOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, func(o *servicetest.Options) { o.Providers = []hookswitch.Provider{&conflicting{p}} })
		app := w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		one := makeTemplate(w, app, newTemplate())
		p.has = []*hookswitch.Template{{Name: "order_update", Language: "de", Provider: hookswitch.TemplateAtProvider{ID: "76"}},
			{Name: "order_update", Language: "en", Status: hookswitch.TemplateApproved, Provider: hookswitch.TemplateAtProvider{Account: "waba1", ID: "77", Status: "APPROVED"}}}
		got := servicetest.Must(w.Service.SubmitTemplate(t.Context(), app.Key, tpl(w, one), snd(w, sender), ""))(t)
		if got.Provider.ID != "77" || got.Status != hookswitch.TemplateApproved {
			t.Errorf("%+v", got)
		}
		wantSteps(w, app, hookswitch.EventTemplateStatus, "draft → pending", "pending → approved")
	})
}

// conflicting is a bureau that has every template already.
type conflicting struct{ *bureau }

func (c *conflicting) SubmitTemplate(context.Context, *hookswitch.Route, *hookswitch.Template) (hookswitch.TemplateNews, error) {
	return hookswitch.TemplateNews{}, hookswitch.Errorf(hookswitch.Conflict, "Meta says: it exists")
}

func TestSyncTemplates_ImportsLinksAndUpdates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app := w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		whatsApp(w, app, "same account", "waba1")
		mine := makeTemplate(w, app, newTemplate())
		at := func(id, name, word string) *hookswitch.Template {
			return &hookswitch.Template{Name: name, Language: "en", Body: "Hi", Category: hookswitch.TemplateUtility, Status: hookswitch.TemplateStatusOf(word),
				Provider: hookswitch.TemplateAtProvider{Account: "waba1", ID: id, Name: name, Status: word}}
		}
		p.has = []*hookswitch.Template{at("1", "order_update", "PENDING"), at("2", "new_one", "APPROVED"), at("3", "bad_one", "REJECTED")}
		got := servicetest.Must(w.Service.SyncTemplates(t.Context(), app.Key, ""))(t)
		if diff := cmp.Diff(service.TemplateSync{Accounts: 1, Imported: 1, Linked: 1, Updated: 1, Skipped: 1}, got); diff != "" {
			t.Errorf("first (-want +got):\n%s", diff)
		}
		p.has = []*hookswitch.Template{at("1", "order_update", "APPROVED"), at("2", "new_one", "APPROVED"), at("3", "bad_one", "REJECTED")}
		got = servicetest.Must(w.Service.SyncTemplates(t.Context(), app.Key, snd(w, sender)))(t)
		if diff := cmp.Diff(service.TemplateSync{Accounts: 1, Updated: 1, Skipped: 2}, got); diff != "" {
			t.Errorf("second (-want +got):\n%s", diff)
		}
		wantSteps(w, app, hookswitch.EventTemplateStatus, "draft → pending", "pending → approved")
		if got := servicetest.Must(w.Service.Template(t.Context(), app.Key, tpl(w, mine)))(t); got.Provider.ID != "1" || got.Body != mine.Body {
			t.Errorf("linked: %+v", got)
		}
		p.fail = hookswitch.Errorf(hookswitch.Unavailable, "Meta does not answer")
		got = servicetest.Must(w.Service.SyncTemplates(t.Context(), app.Key, ""))(t)
		if got.Accounts != 0 || len(got.Errors) != 1 || !strings.Contains(got.Errors[0], "waba1: Meta does not answer") {
			t.Errorf("a provider that does not answer: %+v", got)
		}
		_, err := w.Service.SyncTemplates(t.Context(), app.Key, "snd_unknown")
		wantKindOf(t, "an unknown sender", err, hookswitch.NotFound)
		plain := w.Sender(app, "plain", hookswitch.SMS, false)
		if got = servicetest.Must(w.Service.SyncTemplates(t.Context(), app.Key, snd(w, plain)))(t); got.Accounts != 0 || len(got.Errors) != 1 {
			t.Errorf("a sender without an account: %+v", got)
		}
	})
}
