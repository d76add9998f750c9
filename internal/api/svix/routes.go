package svix

import (
	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type route struct {
	method, path, name string
	needs              right // what the caller must be allowed to do
	serve              httpapi.Handler
}

// openRoutes need no credential. Their answers are not repeated: without a token a key belongs to nobody, and whoever guessed one would be given somebody else's answer.
func (h *Handler) openRoutes() []route {
	return []route{
		{"GET", "/openapi.json", "describe this API", nobody, describe},
		{"GET", "/health", "tell how the server is", nobody, h.health},
		{"GET", "/health/ping", "answer", nobody, h.ping},
		{"POST", "/auth/one-time-token", "exchange one-time token", nobody, h.exchangeOneTime},
	}
}

// routes are what is built. What the hosted API has besides is in notBuilt.
func (h *Handler) routes() []route {
	return []route{
		// Applications.
		{"GET", "/app", "list applications", org, h.listApps},
		{"POST", "/app", "create application", org, h.createApp},
		{"GET", "/app/{app_id}", "get application", view, h.inApp(h.getApp)},
		{"PUT", "/app/{app_id}", "replace application", org, h.replaceApp},
		{"PATCH", "/app/{app_id}", "change application", org, h.inApp(h.changeApp)},
		{"DELETE", "/app/{app_id}", "delete application", org, h.inApp(h.deleteApp)},

		// Endpoints.
		{"GET", "/app/{app_id}/endpoint", "list endpoints", view, h.inApp(h.listEndpoints)},
		{"POST", "/app/{app_id}/endpoint", "create endpoint", manage, h.inApp(h.createEndpoint)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}", "get endpoint", view, h.inApp(h.getEndpoint)},
		{"PUT", "/app/{app_id}/endpoint/{endpoint_id}", "replace endpoint", manage, h.inApp(h.replaceEndpoint)},
		{"PATCH", "/app/{app_id}/endpoint/{endpoint_id}", "change endpoint", manage, h.inApp(h.changeEndpoint)},
		{"DELETE", "/app/{app_id}/endpoint/{endpoint_id}", "delete endpoint", manage, h.inApp(h.deleteEndpoint)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/secret", "get endpoint secret", viewSecrets, h.inApp(h.getSecret)},
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", "rotate endpoint secret", manageSecrets, h.inApp(h.rotateSecret)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/headers", "get endpoint headers", view, h.inApp(h.getHeaders)},
		{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/headers", "replace endpoint headers", manage, h.inApp(h.replaceHeaders)},
		{"PATCH", "/app/{app_id}/endpoint/{endpoint_id}/headers", "change endpoint headers", manage, h.inApp(h.changeHeaders)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/stats", "get endpoint statistics", view, h.inApp(h.getStats)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/attempt-stats", "get statistics of attempts on an endpoint", view, h.inApp(h.getAttemptStats)},

		// Recovery and background tasks.
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/recover", "recover failed messages", sendAgain, h.inApp(h.recover(hookswitch.TaskRecover))},
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/replay-missing", "replay missing messages", sendAgain, h.inApp(h.recover(hookswitch.TaskReplay))},
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/bulk-replay", "replay messages", sendAgain, h.inApp(h.recover(hookswitch.TaskBulkReplay))},
		{"POST", "/app/{app_id}/msg/expunge-all-contents", "expunge all contents", org, h.inApp(h.purgeContents)},
		{"GET", "/background-task", "list background tasks", org, h.listTasks},
		{"GET", "/background-task/{task_id}", "get background task", view, h.getTask},
		{"POST", "/background-task/{task_id}/cancel", "cancel background task", sendAgain, h.cancelTask},
		{"POST", "/background-task/{task_id}/resume", "resume background task", sendAgain, h.resumeTask},

		// Ordered endpoints.
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/cancel-msgs", "cancel waiting messages of an endpoint", sendAgain, h.inApp(h.cancelMessages)},
		{"POST", "/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/cancel", "cancel a waiting message", sendAgain, h.inApp(h.cancelMessage)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/rate-limit-status", "get throttling status", view, h.inApp(h.getThrottling)},

		// Event types and the environment they make up.
		{"GET", "/event-type", "list event types", view, h.listEventTypes},
		{"POST", "/event-type", "create event type", org, h.createEventType},
		{"POST", "/event-type/import/openapi", "import event types from OpenAPI", org, h.importOpenAPI},
		{"GET", "/event-type/{event_type_name}", "get event type", view, h.getEventType},
		{"PUT", "/event-type/{event_type_name}", "replace event type", org, h.replaceEventType},
		{"PATCH", "/event-type/{event_type_name}", "change event type", org, h.changeEventType},
		{"DELETE", "/event-type/{event_type_name}", "delete event type", org, h.deleteEventType},
		{"POST", "/environment/export", "export environment", org, h.exportEnvironment},
		{"POST", "/environment/import", "import environment", org, h.importEnvironment},
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/send-example", "send example to endpoint", sendAgain, h.inApp(h.sendExample)},

		// Messages.
		{"GET", "/app/{app_id}/msg", "list messages", view, h.inApp(h.listMessages)},
		{"POST", publishPath, "create message", org, h.republish(h.createMessage)},
		{"POST", "/app/{app_id}/msg/bulk-expunge", "expunge messages", org, h.inApp(h.expungeMessages)},
		{"POST", "/app/{app_id}/msg/precheck/active", "precheck message", org, h.inApp(h.precheckMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}", "get message", view, h.inApp(h.getMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/raw", "get raw payload", view, h.inApp(h.getRawPayload)},
		{"DELETE", "/app/{app_id}/msg/{msg_id}/content", "expunge message", org, h.inApp(h.expungeMessage)},

		// Pollers.
		{"GET", "/app/{app_id}/poller/{sink_id}", "poll messages", polls, h.inApp(h.poll)},
		{"GET", "/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}", "poll messages as a consumer", polls, h.inApp(h.pollConsumer)},
		{"POST", "/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}/seek", "set the place of a consumer", polls, h.inApp(h.seekConsumer)},
		{"GET", "/app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}", "receive messages as a consumer", polls, h.inApp(h.receiveConsumer)},
		{"POST", "/app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}/commit", "commit received messages", polls, h.inApp(h.commitConsumer)},

		// Attempts.
		{"GET", "/app/{app_id}/attempt/endpoint/{endpoint_id}", "list attempts by endpoint", view, h.inApp(h.listAttemptsByEndpoint)},
		{"GET", "/app/{app_id}/attempt/endpoint/{endpoint_id}/count", "count attempts by endpoint", view, h.inApp(h.countAttempts)},
		{"GET", "/app/{app_id}/attempt/msg/{msg_id}", "list attempts by message", view, h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt", "list attempts by message (deprecated path)", view, h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/attempt", "list attempts by message and endpoint (deprecated path)", view, h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", "get attempt", view, h.inApp(h.getAttempt)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/headers", "get attempt headers", view, h.inApp(h.getAttemptHeaders)},
		{"DELETE", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content", "expunge attempt", org, h.inApp(h.expungeAttempt)},
		{"GET", "/app/{app_id}/msg/{msg_id}/endpoint", "list attempted destinations", view, h.inApp(h.listDestinations)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/msg", "list attempted messages", view, h.inApp(h.listAttemptedMessages)},
		{"POST", "/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend", "resend message", sendAgain, h.inApp(h.resend)},

		// Authentication.
		{"POST", "/auth/app-portal-access/{app_id}", "open portal", org, h.portalAccess},
		{"POST", "/auth/dashboard-access/{app_id}", "open portal (deprecated path)", org, h.dashboardAccess},
		{"POST", "/auth/app/{app_id}/expire-all", "end portal tokens", org, h.inApp(h.expireAll)},
		{"POST", "/auth/logout", "end own token", everybody, h.logout},
		{"GET", "/auth/app/{app_id}/poller/{sink_id}/token", "get key of poller", viewSecrets, h.inApp(h.getPollerToken)},
		{"POST", "/auth/app/{app_id}/poller/{sink_id}/token/rotate", "rotate key of poller", manageSecrets, h.inApp(h.rotatePollerToken)},

		// Integrations. A key has all rights in its application and no end, so nobody who has less may come by one.
		{"GET", "/app/{app_id}/integration", "list integrations", view, h.inApp(h.listIntegrations)},
		{"POST", "/app/{app_id}/integration", "create integration", org, h.inApp(h.createIntegration)},
		{"GET", "/app/{app_id}/integration/{integ_id}", "get integration", view, h.inApp(h.getIntegration)},
		{"PUT", "/app/{app_id}/integration/{integ_id}", "replace integration", org, h.inApp(h.replaceIntegration)},
		{"DELETE", "/app/{app_id}/integration/{integ_id}", "delete integration", org, h.inApp(h.deleteIntegration)},
		{"GET", "/app/{app_id}/integration/{integ_id}/key", "get key of integration", org, h.inApp(h.getIntegrationKey)},
		{"POST", "/app/{app_id}/integration/{integ_id}/key/rotate", "rotate key of integration", org, h.inApp(h.rotateIntegrationKey)},

		// Operational webhooks.
		{"GET", "/operational-webhook/endpoint", "list operational endpoints", org, h.operational(h.listEndpoints)},
		{"POST", "/operational-webhook/endpoint", "create operational endpoint", org, h.operational(h.createEndpoint)},
		{"GET", "/operational-webhook/endpoint/{endpoint_id}", "get operational endpoint", org, h.operational(h.getEndpoint)},
		{"PUT", "/operational-webhook/endpoint/{endpoint_id}", "replace operational endpoint", org, h.operational(h.replaceEndpoint)},
		{"DELETE", "/operational-webhook/endpoint/{endpoint_id}", "delete operational endpoint", org, h.operational(h.deleteEndpoint)},
		{"GET", "/operational-webhook/endpoint/{endpoint_id}/secret", "get operational endpoint secret", org, h.operational(h.getSecret)},
		{"POST", "/operational-webhook/endpoint/{endpoint_id}/secret/rotate", "rotate operational endpoint secret", org, h.operational(h.rotateSecret)},
		{"GET", "/operational-webhook/endpoint/{endpoint_id}/headers", "get operational endpoint headers", org, h.operational(h.getHeaders)},
		{"PUT", "/operational-webhook/endpoint/{endpoint_id}/headers", "replace operational endpoint headers", org, h.operational(h.replaceHeaders)},

		// Statistics.
		{"POST", "/stats/usage/app", "count usage of applications", org, h.countUsage},
		{"PUT", "/stats/usage/event-types", "aggregate event types", org, h.aggregateEventTypes},
	}
}
