package e2e

import (
	"slices"
	"time"

	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"
)

func (g *goClient) messages() {
	const path = "/go/messages"
	app, paid, sent := g.newApp().Id, g.newType("paid"), g.newType("sent")
	ep := g.newEndpoint(app, path)
	secret := need[models.EndpointSecretOut](g)(g.Endpoint.GetSecret(g.ctx, app, ep.Id)).Key
	in := models.MessageIn{EventType: paid, EventId: new("go-first"), Payload: map[string]any{"text": "héllo <&>", "n": 12}, Channels: []string{"eu"},
		Tags: []string{"t1"}, PayloadRetentionHours: new(int64(48))}
	msg := need[models.MessageOut](g)(g.Message.Create(g.ctx, app, in, &svix.MessageCreateOptions{IdempotencyKey: new("go-key")}))
	g.equal("created", []any{msg.EventId, msg.Channels, msg.Tags, msg.Payload}, []any{"go-first", []string{"eu"}, []string{"t1"}, in.Payload})
	again := need[models.MessageOut](g)(g.Message.Create(g.ctx, app, in, &svix.MessageCreateOptions{IdempotencyKey: new("go-key")}))
	g.equal("with the same key", again.Id, msg.Id)
	got := g.arrived(path, 1)[0]
	g.equal("arrived", got.Headers["webhook-id"], msg.Id)
	g.proven(got, secret)
	g.fails(failing(g.Message.Create(g.ctx, app, models.MessageIn{EventType: paid, EventId: new("go-first"), Payload: map[string]any{}}, nil)), 409, "conflict")

	g.equal("by event id", need[models.MessageOut](g)(g.Message.Get(g.ctx, app, "go-first", nil)).Id, msg.Id)
	g.equal("without content", need[models.MessageOut](g)(g.Message.Get(g.ctx, app, msg.Id, &svix.MessageGetOptions{WithContent: new(false)})).Payload, map[string]any{})
	all := []string{msg.Id}
	for n := range 4 {
		all = append(all, g.send(app, sent, map[string]any{"n": n}).Id)
	}
	slices.Reverse(all)
	g.equal("listed", walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseMessageOut, error) {
		return g.Message.List(g.ctx, app, &svix.MessageListOptions{Limit: limit, Iterator: iterator})
	}), all)
	for what, o := range map[string]struct {
		options svix.MessageListOptions
		want    int
	}{
		"type":    {svix.MessageListOptions{EventTypes: &[]string{sent}}, 4},
		"channel": {svix.MessageListOptions{Channel: new("eu")}, 1},
		"tag":     {svix.MessageListOptions{Tag: new("t1")}, 1},
		"before":  {svix.MessageListOptions{Before: new(time.Now().Add(-time.Hour))}, 0},
		"after":   {svix.MessageListOptions{After: new(time.Now().Add(-time.Hour))}, 5},
	} {
		g.equal("listed by "+what, len(need[models.ListResponseMessageOut](g)(g.Message.List(g.ctx, app, &o.options)).Data), o.want)
	}

	raw := need[models.EndpointOut](g)(g.Endpoint.Create(g.ctx, app, models.EndpointIn{Url: g.receiver + path + "/raw", Channels: []string{"raw"}}, nil))
	rawIn := svix.NewMessageInRaw(paid, "<just>text</just>", new("text/xml"))
	rawIn.Channels = []string{"raw"}
	need[models.MessageOut](g)(g.Message.Create(g.ctx, app, *rawIn, nil))
	got = g.arrived(path+"/raw", 1)[0]
	g.equal("raw", got.Body, "<just>text</just>")
	g.proven(got, need[models.EndpointSecretOut](g)(g.Endpoint.GetSecret(g.ctx, app, raw.Id)).Key)

	later := need[models.MessageOut](g)(g.Message.Create(g.ctx, app, models.MessageIn{EventType: paid, Payload: map[string]any{}, DeliverAt: new(time.Now().Add(time.Hour))}, nil))
	if later.DeliverAt == nil || time.Until(*later.DeliverAt) < 59*time.Minute {
		g.Errorf("deliver at %v", later.DeliverAt)
	}
	g.equal("precheck", need[models.MessagePrecheckOut](g)(g.Message.Precheck(g.ctx, app, models.MessagePrecheckIn{EventType: paid}, nil)).Active, true)

	g.attempted(app, msg.Id, 1)
	g.ok(g.Message.ExpungeContent(g.ctx, app, msg.Id))
	g.equal("expunged", need[models.MessageOut](g)(g.Message.Get(g.ctx, app, msg.Id, nil)).Payload, map[string]any{"expired": true})
	g.fails(failing(g.MessageAttempt.Resend(g.ctx, app, msg.Id, ep.Id, nil)), 400, "missing_payload")
	task := need[models.ExpungeAllContentsOut](g)(g.Message.ExpungeAllContents(g.ctx, app, nil))
	g.finished(task.Id, models.BACKGROUNDTASKTYPE_APPLICATION_PURGE_CONTENT)
	g.equal("all expunged", need[models.MessageOut](g)(g.Message.Get(g.ctx, app, all[0], nil)).Payload, map[string]any{"expired": true})
}

func (g *goClient) attempts() {
	const path = "/go/attempts"
	app, paid := g.newApp().Id, g.newType("paid")
	good, bad := g.newEndpoint(app, path), g.newEndpoint(app, "/status/500"+path)
	var messages []string
	for n := range 3 {
		messages = append(messages, g.send(app, paid, map[string]any{"n": n}).Id)
	}
	for _, id := range messages {
		g.attempted(app, id, 5)
	}
	count := func(endpoint string, o svix.MessageAttemptListByEndpointOptions) int {
		g.Helper()
		return len(need[models.ListResponseMessageAttemptOut](g)(g.MessageAttempt.ListByEndpoint(g.ctx, app, endpoint, &o)).Data)
	}
	g.equal("failures", count(bad.Id, svix.MessageAttemptListByEndpointOptions{Status: new(models.MESSAGESTATUS_FAIL), StatusCodeClass: new(models.STATUSCODECLASS_CODE5XX),
		EventTypes: &[]string{paid}, After: new(time.Now().Add(-time.Hour))}), 12)
	g.equal("successes", count(bad.Id, svix.MessageAttemptListByEndpointOptions{Status: new(models.MESSAGESTATUS_SUCCESS)}), 0)
	byEndpoint := walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseMessageAttemptOut, error) {
		return g.MessageAttempt.ListByEndpoint(g.ctx, app, bad.Id, &svix.MessageAttemptListByEndpointOptions{Limit: limit, Iterator: iterator})
	})
	g.equal("by endpoint", len(byEndpoint), 12)
	byMessage := walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseMessageAttemptOut, error) {
		return g.MessageAttempt.ListByMsg(g.ctx, app, messages[0], &svix.MessageAttemptListByMsgOptions{Limit: limit, Iterator: iterator})
	})
	g.equal("by message", len(byMessage), 5)
	withMsg := need[models.ListResponseMessageAttemptOut](g)(g.MessageAttempt.ListByEndpoint(g.ctx, app, good.Id, &svix.MessageAttemptListByEndpointOptions{WithMsg: new(true)}))
	one := withMsg.Data[0]
	if one.Msg == nil || one.Msg.Id != one.MsgId {
		g.Errorf("the message is not told: %+v", one)
	}
	g.equal("one", need[models.MessageAttemptOut](g)(g.MessageAttempt.Get(g.ctx, app, one.MsgId, one.Id, nil)).Response, "taken")

	slices.Reverse(messages)
	until(g, "all are final", func() bool {
		return len(need[models.ListResponseEndpointMessageOut](g)(g.MessageAttempt.ListAttemptedMessages(g.ctx, app, bad.Id,
			&svix.MessageAttemptListAttemptedMessagesOptions{Status: new(models.MESSAGESTATUS_FAIL)})).Data) == 3
	})
	g.equal("attempted messages", walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseEndpointMessageOut, error) {
		return g.MessageAttempt.ListAttemptedMessages(g.ctx, app, bad.Id, &svix.MessageAttemptListAttemptedMessagesOptions{Limit: limit, Iterator: iterator})
	}), messages)
	to := []string{good.Id, bad.Id}
	slices.Sort(to)
	g.equal("destinations", walk(g, nil, func(limit *uint64, iterator *string) (*models.ListResponseMessageEndpointOut, error) {
		return g.MessageAttempt.ListAttemptedDestinations(g.ctx, app, messages[0], &svix.MessageAttemptListAttemptedDestinationsOptions{Limit: limit, Iterator: iterator})
	}), to)

	need[models.EmptyResponse](g)(g.MessageAttempt.Resend(g.ctx, app, messages[0], good.Id, nil))
	g.equal("resent", g.attempted(app, messages[0], 6)[0].TriggerType, 1)
	g.ok(g.MessageAttempt.ExpungeContent(g.ctx, app, one.MsgId, one.Id))
	g.equal("expunged", need[models.MessageAttemptOut](g)(g.MessageAttempt.Get(g.ctx, app, one.MsgId, one.Id, nil)).Response, "EXPUNGED")
}

func (g *goClient) poller() {
	app, kind := g.newApp().Id, g.newType("kind")
	first := need[models.PollingEndpointOut](g)(g.Message.Poller.Poll(g.ctx, app, "sink", nil))
	g.equal("the first poll", len(first.Data), 0)
	var messages []string
	for n := range 3 {
		messages = append(messages, g.send(app, kind, map[string]any{"n": n}).Id)
	}
	collect := func(iterator *string, poll func(iterator *string) (*models.PollingEndpointOut, error)) (got []string) {
		g.Helper()
		until(g, "all messages are polled", func() bool {
			page := need[models.PollingEndpointOut](g)(poll(iterator))
			for _, m := range page.Data {
				got = append(got, m.Id)
			}
			iterator = &page.Iterator
			return len(got) >= len(messages)
		})
		return got
	}
	g.equal("polled", collect(&first.Iterator, func(iterator *string) (*models.PollingEndpointOut, error) {
		return g.Message.Poller.Poll(g.ctx, app, "sink", &svix.MessagePollerPollOptions{Iterator: iterator, Limit: new(uint64(2)), EventType: &kind})
	}), messages)
	for range 2 {
		seek := models.PollingEndpointConsumerSeekIn{After: time.Now().Add(-time.Hour)}
		need[models.PollingEndpointConsumerSeekOut](g)(g.Message.Poller.ConsumerSeek(g.ctx, app, "sink", "worker", seek, nil))
		g.equal("consumed", collect(nil, func(iterator *string) (*models.PollingEndpointOut, error) {
			return g.Message.Poller.ConsumerPoll(g.ctx, app, "sink", "worker", &svix.MessagePollerConsumerPollOptions{Iterator: iterator, Limit: new(uint64(2))})
		}), messages)
	}
}
