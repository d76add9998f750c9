package svix_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	sdk "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch/internal/store"
)

func (a *api) sdk() *sdk.Svix {
	a.t.Helper()
	server := httptest.NewServer(a.handler)
	a.t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		a.t.Fatal(err)
	}
	client, err := sdk.New(a.token, &sdk.SvixOptions{ServerUrl: u, RetrySchedule: new([]time.Duration{})})
	if err != nil {
		a.t.Fatal(err)
	}
	return client
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			var e *sdk.Error
			if errors.As(err, &e) {
				t.Fatalf("%v: %s", err, e.Body())
			}
			t.Fatal(err)
		}
		return v
	}
}

func TestTheOfficialGoLibraryWorks(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		app := must[*models.ApplicationOut](t)(client.Application.Create(ctx, models.ApplicationIn{Name: "sdk", Uid: new("sdk-app")}, nil))
		same := must[*models.ApplicationOut](t)(client.Application.GetOrCreate(ctx, models.ApplicationIn{Name: "sdk", Uid: new("sdk-app")}, nil))
		if same.Id != app.Id {
			t.Errorf("get or create made %s", same.Id)
		}
		ep := must[*models.EndpointOut](t)(client.Endpoint.Create(ctx, app.Id, models.EndpointIn{Url: "https://receiver.example/x", FilterTypes: []string{"user.signup"},
			RateLimit: new(uint16(3)), Metadata: &map[string]string{"a": "b"}}, nil))
		if ep.Version != 1 || ep.RateLimit == nil || *ep.RateLimit != 3 || len(ep.FilterTypes) != 1 {
			t.Errorf("%+v", ep)
		}
		must[*models.EndpointSecretOut](t)(client.Endpoint.GetSecret(ctx, app.Id, ep.Id))
		if err := client.Endpoint.RotateSecret(ctx, app.Id, ep.Id, models.EndpointSecretRotateIn{}, nil); err != nil {
			t.Error(err)
		}
		if err := client.Endpoint.UpdateHeaders(ctx, app.Id, ep.Id, models.EndpointHeadersIn{Headers: map[string]string{"X-A": "1"}}); err != nil {
			t.Error(err)
		}
		headers := must[*models.EndpointHeadersOut](t)(client.Endpoint.GetHeaders(ctx, app.Id, ep.Id))
		if headers.Headers["X-A"] != "1" {
			t.Errorf("%+v", headers)
		}
		msg := must[*models.MessageOut](t)(client.Message.Create(ctx, "sdk-app", models.MessageIn{EventType: "user.signup", EventId: new("ev-1"),
			Payload: map[string]any{"n": 1}}, nil))
		raw := must[*models.MessageOut](t)(client.Message.Create(ctx, "sdk-app", *sdk.NewMessageInRaw("user.signup", "just text", nil), nil))
		a.try(app.Id, ep.Id, msg.Id, store.Retry)
		a.try(app.Id, ep.Id, raw.Id, store.Done)

		if list := must[*models.ListResponseApplicationOut](t)(client.Application.List(ctx, nil)); len(list.Data) != 1 || !list.Done {
			t.Errorf("%+v", list)
		}
		if list := must[*models.ListResponseEndpointOut](t)(client.Endpoint.List(ctx, app.Id, nil)); len(list.Data) != 1 || list.Iterator == nil {
			t.Errorf("%+v", list)
		}
		messages := must[*models.ListResponseMessageOut](t)(client.Message.List(ctx, app.Id, &sdk.MessageListOptions{WithContent: new(true), After: new(time.Now().Add(-time.Hour))}))
		if len(messages.Data) != 2 || messages.Data[1].Payload["n"] != 1.0 {
			t.Errorf("%+v", messages)
		}
		attempts := must[*models.ListResponseMessageAttemptOut](t)(client.MessageAttempt.ListByEndpoint(ctx, app.Id, ep.Id, nil))
		if len(attempts.Data) != 2 || attempts.Data[0].Status != models.MESSAGESTATUS_SUCCESS || attempts.Data[1].StatusText != models.MESSAGESTATUSTEXT_FAIL {
			t.Errorf("%+v", attempts)
		}
		must[*models.ListResponseMessageAttemptOut](t)(client.MessageAttempt.ListByMsg(ctx, app.Id, "ev-1", nil))
		must[*models.MessageAttemptOut](t)(client.MessageAttempt.Get(ctx, app.Id, msg.Id, attempts.Data[1].Id, nil))
		attempted := must[*models.ListResponseEndpointMessageOut](t)(client.MessageAttempt.ListAttemptedMessages(ctx, app.Id, ep.Id, nil))
		if len(attempted.Data) != 2 || attempted.Data[1].Status != models.MESSAGESTATUS_SENDING || attempted.Data[1].NextAttempt == nil {
			t.Errorf("%+v", attempted)
		}
		destinations := must[*models.ListResponseMessageEndpointOut](t)(client.MessageAttempt.ListAttemptedDestinations(ctx, app.Id, msg.Id, nil))
		if len(destinations.Data) != 1 || destinations.Data[0].Id != ep.Id {
			t.Errorf("%+v", destinations)
		}
		must[*models.EndpointStats](t)(client.Endpoint.GetStats(ctx, app.Id, ep.Id, nil))
		if _, err := client.MessageAttempt.Resend(ctx, app.Id, msg.Id, ep.Id, nil); err != nil {
			t.Error(err)
		}
		must[*models.EndpointOut](t)(client.Endpoint.Patch(ctx, app.Id, ep.Id, models.EndpointPatch{Description: new("patched")}))
		must[*models.EndpointOut](t)(client.Endpoint.Update(ctx, app.Id, ep.Id, models.EndpointUpdate{Url: "https://receiver.example/y"}))
		if err := client.Endpoint.Delete(ctx, app.Id, ep.Id); err != nil {
			t.Error(err)
		}
		if err := client.Health.Get(ctx); err != nil {
			t.Error(err)
		}
		if err := client.Application.Delete(ctx, app.Id); err != nil {
			t.Error(err)
		}
	})
}

func TestTheOfficialGoLibraryReadsErrors(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		fails := func(err error, status int, into any) {
			t.Helper()
			var e *sdk.Error
			if !errors.As(err, &e) {
				t.Fatalf("no error of the library: %v", err)
			}
			if e.Status() != status {
				t.Errorf("status %d, want %d", e.Status(), status)
			}
			if err := json.Unmarshal(e.Body(), into); err != nil {
				t.Errorf("%v in %s", err, e.Body())
			}
		}
		type problem struct{ Code, Detail string }
		type invalid struct {
			Detail []struct {
				Loc       []string
				Msg, Type string
			}
		}
		var p problem
		_, err := client.Application.Get(ctx, "unknown")
		if fails(err, 404, &p); p.Code != "not_found" || p.Detail == "" {
			t.Errorf("%+v", p)
		}
		var v invalid
		_, err = client.Application.Create(ctx, models.ApplicationIn{Name: "x", Uid: new("a b")}, nil)
		if fails(err, 422, &v); len(v.Detail) != 1 || v.Detail[0].Msg == "" {
			t.Errorf("%+v", v)
		}
		_, err = client.Endpoint.TransformationGet(ctx, "x", "y")
		if fails(err, 501, &p); p.Code != "not_implemented" {
			t.Errorf("%+v", p)
		}
		_, err = a.with("wrong").sdk().Application.List(ctx, nil)
		if fails(err, 401, &p); p.Code != "authentication_failed" {
			t.Errorf("%+v", p)
		}
	})
}

func TestTheOfficialGoLibraryManagesTokens(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		access := must[*models.AppPortalAccessOut](t)(client.Authentication.AppPortalAccess(ctx, "sdk-app", models.AppPortalAccessIn{
			Application: &models.ApplicationIn{Name: "sdk", Uid: new("sdk-app")}, Expiry: new(uint64(3600)), FeatureFlags: []string{"beta"}, SessionId: new("s"),
			Capabilities: []models.AppPortalCapability{models.APPPORTALCAPABILITY_VIEW_BASE, models.APPPORTALCAPABILITY_MANAGE_ENDPOINT}}, nil))
		//lint:ignore SA1019 programs that are older call it
		dashboard := must[*models.DashboardAccessOut](t)(client.Authentication.DashboardAccess(ctx, "sdk-app", nil))
		for _, token := range []string{access.Token, dashboard.Token} {
			must[*models.EndpointOut](t)(a.with(token).sdk().Endpoint.Create(ctx, "sdk-app", models.EndpointIn{Url: "https://receiver.example/x"}, nil))
		}
		refused := func(token string) {
			t.Helper()
			_, err := a.with(token).sdk().Endpoint.List(ctx, "sdk-app", nil)
			var e *sdk.Error
			if !errors.As(err, &e) || e.Status() != 401 {
				t.Errorf("got %v, want it refused", err)
			}
		}
		if err := a.with(dashboard.Token).sdk().Authentication.Logout(ctx, nil); err != nil {
			t.Error(err)
		}
		refused(dashboard.Token)
		if err := client.Authentication.ExpireAll(ctx, "sdk-app", models.ApplicationTokenExpireIn{SessionIds: []string{"s"}}, nil); err != nil {
			t.Error(err)
		}
		refused(access.Token)

		made := must[*models.IntegrationOut](t)(client.Integration.Create(ctx, "sdk-app", models.IntegrationIn{Name: "i", FeatureFlags: []string{"beta"}}, nil))
		must[*models.IntegrationOut](t)(client.Integration.Update(ctx, "sdk-app", made.Id, models.IntegrationUpdate{Name: "j"}))
		if got := must[*models.IntegrationOut](t)(client.Integration.Get(ctx, "sdk-app", made.Id)); got.Name != "j" {
			t.Errorf("got %+v", got)
		}
		if list := must[*models.ListResponseIntegrationOut](t)(client.Integration.List(ctx, "sdk-app", nil)); len(list.Data) != 1 || !list.Done {
			t.Errorf("got %+v", list)
		}
		key := must[*models.IntegrationKeyOut](t)(client.Integration.RotateKey(ctx, "sdk-app", made.Id, nil))
		must[*models.ListResponseEndpointOut](t)(a.with(key.Key).sdk().Endpoint.List(ctx, "sdk-app", nil))
		if err := client.Integration.Delete(ctx, "sdk-app", made.Id); err != nil {
			t.Error(err)
		}
		refused(key.Key)
	})
}
