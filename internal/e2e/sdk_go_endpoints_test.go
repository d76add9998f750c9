package e2e

import (
	"time"

	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"
	"github.com/svix/svix-webhooks/go/utils"

	"github.com/hookswitch/hookswitch/webhook"
)

func (g *goClient) endpoints() {
	const path = "/go/endpoints"
	app, paid := g.newApp().Id, g.newType("paid")
	secret, next := webhook.NewSecret().Reveal(), webhook.NewSecret().Reveal()
	ep := need[models.EndpointOut](g)(g.Endpoint.Create(g.ctx, app, models.EndpointIn{Url: g.receiver + path, Uid: new("main"), Description: new("receiver"),
		FilterTypes: []string{paid}, Channels: []string{"eu"}, RateLimit: new(uint16(500)), Metadata: &map[string]string{"a": "b"},
		Headers: &map[string]string{"X-Team": "a"}, Secret: &secret}, nil))
	g.equal("created", []any{ep.Version, ep.FilterTypes, ep.Channels, ep.RateLimit, ep.ThrottleRate, ep.Metadata, ep.Disabled},
		[]any{1, []string{paid}, []string{"eu"}, 500, 500, map[string]string{"a": "b"}, false})
	g.equal("by uid", need[models.EndpointOut](g)(g.Endpoint.Get(g.ctx, app, "main")), ep)

	g.equal("secret", need[models.EndpointSecretOut](g)(g.Endpoint.GetSecret(g.ctx, app, ep.Id)).Key, secret)
	g.ok(g.Endpoint.RotateSecret(g.ctx, app, ep.Id, models.EndpointSecretRotateIn{Key: &next}, nil))
	g.equal("rotated", need[models.EndpointSecretOut](g)(g.Endpoint.GetSecret(g.ctx, app, ep.Id)).Key, next)
	msg := need[models.MessageOut](g)(g.Message.Create(g.ctx, app, models.MessageIn{EventType: paid, Channels: []string{"eu"}, Payload: map[string]any{"n": 1}}, nil))
	got := g.arrived(path, 1)[0]
	g.equal("arrived", []string{got.Headers["svix-id"], got.Headers["x-team"]}, []string{msg.Id, "a"})
	g.proven(got, secret)
	g.proven(got, next)

	g.ok(g.Endpoint.UpdateHeaders(g.ctx, app, ep.Id, models.EndpointHeadersIn{Headers: map[string]string{"X-One": "1", "Authorization": "Basic abc"}}))
	g.ok(g.Endpoint.PatchHeaders(g.ctx, app, ep.Id, models.EndpointHeadersPatchIn{Headers: map[string]string{"X-Two": "2"}, DeleteHeaders: []string{"X-One"}}))
	headers := need[models.EndpointHeadersOut](g)(g.Endpoint.GetHeaders(g.ctx, app, ep.Id))
	g.equal("headers", headers.Headers, map[string]string{"X-Two": "2"})
	if len(headers.Sensitive) != 1 {
		g.Errorf("sensitive headers: %v", headers.Sensitive)
	}

	g.attempted(app, msg.Id, 1)
	until(g, "the attempt is counted", func() bool {
		return need[models.EndpointStats](g)(g.Endpoint.GetStats(g.ctx, app, ep.Id, &svix.EndpointGetStatsOptions{Since: new(time.Now().Add(-time.Hour))})).Success == 1
	})
	example := g.newEndpoint(app, path+"/example")
	ping := need[models.MessageOut](g)(g.Endpoint.SendExample(g.ctx, app, example.Id, models.EventExampleIn{EventType: "svix.ping"}, nil))
	g.taken(path+"/example", ping.Id)

	patched := need[models.EndpointOut](g)(g.Endpoint.Patch(g.ctx, app, ep.Id, models.EndpointPatch{Disabled: new(true), Channels: utils.NewNullableFromPtr[[]string](nil)}))
	g.equal("patched", []any{patched.Disabled, patched.Channels, patched.Uid}, []any{true, nil, "main"})
	replaced := need[models.EndpointOut](g)(g.Endpoint.Update(g.ctx, app, ep.Id, models.EndpointUpdate{Url: g.receiver + path}))
	g.equal("replaced", []any{replaced.Disabled, replaced.FilterTypes, replaced.Uid, replaced.Metadata}, []any{false, nil, nil, map[string]string{}})

	other := g.newApp().Id
	var made []string
	for range 5 {
		made = append(made, g.newEndpoint(other, path).Id)
	}
	g.equal("listed", walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseEndpointOut, error) {
		return g.Endpoint.List(g.ctx, other, &svix.EndpointListOptions{Limit: limit, Iterator: iterator, Order: new(models.ORDERING_ASCENDING)})
	}), made)
	g.ok(g.Endpoint.Delete(g.ctx, app, ep.Id))
	g.fails(failing(g.Endpoint.Get(g.ctx, app, ep.Id)), 404, "not_found")
}

func (g *goClient) recovery() {
	const path = "/go/recovery"
	began := time.Now().Add(-time.Second)
	app, paid, sent := g.newApp().Id, g.newType("paid"), g.newType("sent")
	ep := g.newEndpoint(app, "/status/500"+path)
	failed := g.send(app, paid, map[string]any{"n": 1})
	g.attempted(app, failed.Id, 4)
	until(g, "the message has failed", func() bool {
		to := need[models.ListResponseMessageEndpointOut](g)(g.MessageAttempt.ListAttemptedDestinations(g.ctx, app, failed.Id, nil))
		return to.Data[0].StatusText == models.MESSAGESTATUSTEXT_FAIL
	})

	g.patchURL(app, ep.Id, path)
	recover := need[models.RecoverOut](g)(g.Endpoint.Recover(g.ctx, app, ep.Id, models.RecoverIn{Since: began}, nil))
	g.taken(path, failed.Id)
	g.finished(recover.Id, models.BACKGROUNDTASKTYPE_ENDPOINT_RECOVER)

	need[models.EndpointOut](g)(g.Endpoint.Patch(g.ctx, app, ep.Id, models.EndpointPatch{Disabled: new(true)}))
	missed := g.send(app, sent, map[string]any{"n": 2})
	need[models.EndpointOut](g)(g.Endpoint.Patch(g.ctx, app, ep.Id, models.EndpointPatch{Disabled: new(false)}))
	replay := need[models.ReplayOut](g)(g.Endpoint.ReplayMissing(g.ctx, app, ep.Id, models.ReplayIn{Since: began}, nil))
	g.taken(path, missed.Id)
	g.finished(replay.Id, models.BACKGROUNDTASKTYPE_ENDPOINT_REPLAY)

	g.patchURL(app, ep.Id, path+"/bulk")
	bulk := need[models.ReplayOut](g)(g.Endpoint.BulkReplay(g.ctx, app, ep.Id, models.BulkReplayIn{Since: began, EventTypes: []string{paid}}, nil))
	g.taken(path+"/bulk", failed.Id)
	g.finished(bulk.Id, models.BACKGROUNDTASKTYPE_ENDPOINT_BULK_REPLAY)
	g.equal("replayed in bulk", len(g.received(path+"/bulk")), 1)

	all := walk(g, among(recover.Id, replay.Id, bulk.Id), func(limit *uint64, iterator *string) (*models.ListResponseBackgroundTaskOut, error) {
		return g.BackgroundTask.List(g.ctx, &svix.BackgroundTaskListOptions{Limit: limit, Iterator: iterator, Order: new(models.ORDERING_ASCENDING)})
	})
	g.equal("tasks", all, []string{recover.Id, replay.Id, bulk.Id})
	one := need[models.ListResponseBackgroundTaskOut](g)(g.BackgroundTask.List(g.ctx, &svix.BackgroundTaskListOptions{
		Task: new(models.BACKGROUNDTASKTYPE_ENDPOINT_BULK_REPLAY), Status: new(models.BACKGROUNDTASKSTATUS_FINISHED)}))
	g.equal("tasks of one kind", one.Data[0].Id, bulk.Id)
}

func (g *goClient) patchURL(app, endpoint, path string) {
	g.Helper()
	need[models.EndpointOut](g)(g.Endpoint.Patch(g.ctx, app, endpoint, models.EndpointPatch{Url: new(g.receiver + path)}))
}
