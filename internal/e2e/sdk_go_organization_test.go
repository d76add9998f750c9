package e2e

import (
	"encoding/json"
	"slices"
	"time"

	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"
)

func (g *goClient) eventTypes() {
	schemas := map[string]any{"1": map[string]any{"type": "object", "required": []any{"n"}}}
	one := need[models.EventTypeOut](g)(g.EventType.Create(g.ctx, models.EventTypeIn{Name: "go.types.one", Description: "one", Schemas: &schemas,
		FeatureFlags: []string{"beta"}, GroupName: new("go")}, nil))
	g.equal("created", []any{one.Deprecated, one.FeatureFlags, one.GroupName, one.Schemas}, []any{false, []string{"beta"}, "go", schemas})
	g.fails(failing(g.EventType.Create(g.ctx, models.EventTypeIn{Name: one.Name, Description: "again"}, nil)), 409, "event_type_exists")
	names := []string{one.Name}
	for _, last := range []string{"three", "two", "zero"} {
		names = append(names, "go.types."+last)
		need[models.EventTypeOut](g)(g.EventType.Create(g.ctx, models.EventTypeIn{Name: "go.types." + last, Description: last}, nil))
	}
	g.equal("listed", walk(g, among(names...), func(limit *uint64, iterator *string) (*models.ListResponseEventTypeOut, error) {
		return g.EventType.List(g.ctx, &svix.EventTypeListOptions{Limit: limit, Iterator: iterator})
	}), names)
	patched := need[models.EventTypeOut](g)(g.EventType.Patch(g.ctx, one.Name, models.EventTypePatch{Deprecated: new(true)}))
	g.equal("patched", []any{patched.Deprecated, patched.Description}, []any{true, "one"})
	replaced := need[models.EventTypeOut](g)(g.EventType.Update(g.ctx, one.Name, models.EventTypeUpdate{Description: "replaced"}))
	g.equal("replaced", []any{replaced.Description, replaced.Schemas, replaced.Deprecated}, []any{"replaced", nil, false})
	g.ok(g.EventType.Delete(g.ctx, one.Name, nil))
	g.equal("archived", need[models.EventTypeOut](g)(g.EventType.Get(g.ctx, one.Name)).Archived, true)
	g.ok(g.EventType.Delete(g.ctx, one.Name, &svix.EventTypeDeleteOptions{Expunge: new(true)}))
	g.fails(failing(g.EventType.Get(g.ctx, one.Name)), 404, "not_found")

	spec := "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nwebhooks:\n  go.types.imported:\n    post:\n      operationId: go.types.imported\n      description: imported\n" +
		"      requestBody: {content: {application/json: {schema: {type: object}}}}\n      responses: {'200': {description: taken}}\n"
	dry := need[models.EventTypeImportOpenApiOut](g)(g.EventType.ImportOpenapi(g.ctx, models.EventTypeImportOpenApiIn{SpecRaw: &spec, DryRun: new(true)}, nil))
	g.equal("to be imported", len(dry.Data.ToModify), 1)
	done := need[models.EventTypeImportOpenApiOut](g)(g.EventType.ImportOpenapi(g.ctx, models.EventTypeImportOpenApiIn{SpecRaw: &spec}, nil))
	g.equal("imported", done.Data.Modified, []string{"go.types.imported"})
}

func (g *goClient) authentication() {
	app, other := g.newApp().Id, g.newApp().Id
	ep := g.newEndpoint(app, "/go/authentication")
	access := func(in models.AppPortalAccessIn) *svix.Svix {
		g.Helper()
		return g.as(need[models.AppPortalAccessOut](g)(g.Authentication.AppPortalAccess(g.ctx, app, in, nil)).Token)
	}
	portal := access(models.AppPortalAccessIn{})
	g.equal("its own endpoint", need[models.ListResponseEndpointOut](g)(portal.Endpoint.List(g.ctx, app, nil)).Data[0].Id, ep.Id)
	g.fails(failing(portal.Endpoint.List(g.ctx, other, nil)), 404, "not_found")
	g.fails(failing(portal.Application.List(g.ctx, nil)), 403, "insufficient access")
	g.ok(portal.Authentication.Logout(g.ctx, nil))
	g.fails(failing(portal.Endpoint.List(g.ctx, app, nil)), 401, "authentication_failed")

	viewer := access(models.AppPortalAccessIn{Capabilities: []models.AppPortalCapability{models.APPPORTALCAPABILITY_VIEW_BASE}, SessionId: new("viewer")})
	g.fails(failing(viewer.Endpoint.GetSecret(g.ctx, app, ep.Id)), 403, "insufficient access")
	reader := access(models.AppPortalAccessIn{ReadOnly: new(true), Expiry: new(uint64(3600))})
	g.fails(failing(reader.Endpoint.Patch(g.ctx, app, ep.Id, models.EndpointPatch{Description: new("x")})), 403, "insufficient access")
	g.ok(g.Authentication.ExpireAll(g.ctx, app, models.ApplicationTokenExpireIn{SessionIds: []string{"viewer"}}, nil))
	g.fails(failing(viewer.Endpoint.List(g.ctx, app, nil)), 401, "authentication_failed")
	need[models.ListResponseEndpointOut](g)(reader.Endpoint.List(g.ctx, app, nil))
	g.ok(g.Authentication.ExpireAll(g.ctx, app, models.ApplicationTokenExpireIn{}, nil))
	g.fails(failing(reader.Endpoint.List(g.ctx, app, nil)), 401, "authentication_failed")
	//lint:ignore SA1019 the older client still calls it
	dashboard := need[models.DashboardAccessOut](g)(g.Authentication.DashboardAccess(g.ctx, app, nil))
	need[models.ListResponseEndpointOut](g)(g.as(dashboard.Token).Endpoint.List(g.ctx, app, nil))
}

func (g *goClient) operational() {
	const path = "/go/operational"
	own := g.OperationalWebhook.Endpoint
	ep := need[models.OperationalWebhookEndpointOut](g)(own.Create(g.ctx, models.OperationalWebhookEndpointIn{Url: g.receiver + path, Description: new("ours"),
		FilterTypes: []string{"endpoint.created", "endpoint.disabled"}}, nil))
	secret := need[models.OperationalWebhookEndpointSecretOut](g)(own.GetSecret(g.ctx, ep.Id)).Key
	app := g.newApp().Id
	target := g.newEndpoint(app, path+"/target")
	until(g, "the endpoint's creation is told", func() bool {
		return slices.ContainsFunc(g.received(path), func(r hookRequest) bool {
			var event struct {
				Type string
				Data struct{ AppID, EndpointID string }
			}
			if json.Unmarshal([]byte(r.Body), &event) != nil || event.Data.EndpointID != target.Id {
				return false
			}
			g.proven(r, secret)
			g.equal("told", []string{event.Type, event.Data.AppID}, []string{"endpoint.created", app})
			return true
		})
	})
	made := []string{ep.Id}
	for range 3 {
		made = append(made, need[models.OperationalWebhookEndpointOut](g)(own.Create(g.ctx, models.OperationalWebhookEndpointIn{Url: g.receiver + path + "/other", Disabled: new(true)}, nil)).Id)
	}
	g.equal("listed", walk(g, among(made...), func(limit *uint64, iterator *string) (*models.ListResponseOperationalWebhookEndpointOut, error) {
		return own.List(g.ctx, &svix.OperationalWebhookEndpointListOptions{Limit: limit, Iterator: iterator, Order: new(models.ORDERING_ASCENDING)})
	}), made)
	g.ok(own.UpdateHeaders(g.ctx, ep.Id, models.OperationalWebhookEndpointHeadersIn{Headers: map[string]string{"X-Ours": "1"}}))
	g.equal("headers", need[models.OperationalWebhookEndpointHeadersOut](g)(own.GetHeaders(g.ctx, ep.Id)).Headers, map[string]string{"X-Ours": "1"})
	g.ok(own.RotateSecret(g.ctx, ep.Id, models.OperationalWebhookEndpointSecretIn{}, nil))
	if fresh := need[models.OperationalWebhookEndpointSecretOut](g)(own.GetSecret(g.ctx, ep.Id)).Key; fresh == secret {
		g.Error("rotating has not changed the secret")
	}
	replaced := need[models.OperationalWebhookEndpointOut](g)(own.Update(g.ctx, ep.Id, models.OperationalWebhookEndpointUpdate{Url: ep.Url, Disabled: new(true)}))
	g.equal("replaced", []any{replaced.Disabled, replaced.FilterTypes}, []any{true, nil})
	g.equal("read", need[models.OperationalWebhookEndpointOut](g)(own.Get(g.ctx, ep.Id)), replaced)
	for _, id := range made {
		g.ok(own.Delete(g.ctx, id))
	}
	g.fails(failing(own.Get(g.ctx, ep.Id)), 404, "not_found")
}

func (g *goClient) integrations() {
	app := g.newApp().Id
	one := need[models.IntegrationOut](g)(g.Integration.Create(g.ctx, app, models.IntegrationIn{Name: "one", FeatureFlags: []string{"beta"}}, nil))
	g.equal("read", need[models.IntegrationOut](g)(g.Integration.Get(g.ctx, app, one.Id)), one)
	made := []string{one.Id}
	for range 3 {
		made = append(made, need[models.IntegrationOut](g)(g.Integration.Create(g.ctx, app, models.IntegrationIn{Name: "more"}, nil)).Id)
	}
	g.equal("listed", walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseIntegrationOut, error) {
		return g.Integration.List(g.ctx, app, &svix.IntegrationListOptions{Limit: limit, Iterator: iterator, Order: new(models.ORDERING_ASCENDING)})
	}), made)
	g.equal("replaced", need[models.IntegrationOut](g)(g.Integration.Update(g.ctx, app, one.Id, models.IntegrationUpdate{Name: "renamed"})).Name, "renamed")
	old := g.as(need[models.IntegrationKeyOut](g)(g.Integration.RotateKey(g.ctx, app, one.Id, nil)).Key)
	need[models.ListResponseEndpointOut](g)(old.Endpoint.List(g.ctx, app, nil))
	fresh := g.as(need[models.IntegrationKeyOut](g)(g.Integration.RotateKey(g.ctx, app, one.Id, nil)).Key)
	g.fails(failing(old.Endpoint.List(g.ctx, app, nil)), 401, "authentication_failed")
	g.ok(g.Integration.Delete(g.ctx, app, one.Id))
	g.fails(failing(fresh.Endpoint.List(g.ctx, app, nil)), 401, "authentication_failed")
}

func (g *goClient) statistics() {
	app := g.newApp()
	in := models.AppUsageStatsIn{AppIds: []string{*app.Uid, "nobody"}, Since: time.Now().Add(-time.Hour), Until: time.Now()}
	usage := need[models.AppUsageStatsOut](g)(g.Statistics.AggregateAppStats(g.ctx, in, nil))
	g.equal("unresolved", usage.UnresolvedAppIds, []string{"nobody"})
	g.finished(usage.Id, models.BACKGROUNDTASKTYPE_APPLICATION_STATS)
	types := need[models.AggregateEventTypesOut](g)(g.Statistics.AggregateEventTypes(g.ctx))
	g.finished(types.Id, models.BACKGROUNDTASKTYPE_EVENT_TYPE_AGGREGATE)
}

func (g *goClient) environment() {
	name := g.newType("exported")
	out := need[models.EnvironmentOut](g)(g.Environment.Export(g.ctx, nil))
	if !slices.ContainsFunc(out.EventTypes, func(et models.EventTypeOut) bool { return et.Name == name }) {
		g.Errorf("%s is not exported", name)
	}
	g.ok(g.Environment.Import(g.ctx, models.EnvironmentIn{EventTypes: []models.EventTypeIn{{Name: "go.imported", Description: "imported"}}}, nil))
	g.equal("imported", need[models.EventTypeOut](g)(g.EventType.Get(g.ctx, "go.imported")).Description, "imported")
}
