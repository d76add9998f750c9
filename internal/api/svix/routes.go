package svix

import "github.com/hookswitch/hookswitch/internal/httpapi"

type route struct {
	method, path, name string
	serve              httpapi.Handler
}

// openRoutes need no credential.
func (h *Handler) openRoutes() []route {
	return []route{
		{"GET", "/health", "tell how the server is", h.health},
		{"GET", "/health/ping", "answer", h.ping},
	}
}

// routes are what is built. What the hosted API has besides is in notBuilt.
func (h *Handler) routes() []route {
	return []route{
		// Applications.
		{"GET", "/app", "list applications", organization(h.listApps)},
		{"POST", "/app", "create application", organization(h.createApp)},
		{"GET", "/app/{app_id}", "get application", h.inApp(h.getApp)},
		{"PUT", "/app/{app_id}", "replace application", organization(h.replaceApp)},
		{"PATCH", "/app/{app_id}", "change application", organization(h.inApp(h.changeApp))},
		{"DELETE", "/app/{app_id}", "delete application", organization(h.inApp(h.deleteApp))},

		// Endpoints.
		{"GET", "/app/{app_id}/endpoint", "list endpoints", h.inApp(h.listEndpoints)},
		{"POST", "/app/{app_id}/endpoint", "create endpoint", h.inApp(h.createEndpoint)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}", "get endpoint", h.inApp(h.getEndpoint)},
		{"PUT", "/app/{app_id}/endpoint/{endpoint_id}", "replace endpoint", h.inApp(h.replaceEndpoint)},
		{"PATCH", "/app/{app_id}/endpoint/{endpoint_id}", "change endpoint", h.inApp(h.changeEndpoint)},
		{"DELETE", "/app/{app_id}/endpoint/{endpoint_id}", "delete endpoint", h.inApp(h.deleteEndpoint)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/secret", "get endpoint secret", h.inApp(h.getSecret)},
		{"POST", "/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", "rotate endpoint secret", h.inApp(h.rotateSecret)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/headers", "get endpoint headers", h.inApp(h.getHeaders)},
		{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/headers", "replace endpoint headers", h.inApp(h.replaceHeaders)},
		{"PATCH", "/app/{app_id}/endpoint/{endpoint_id}/headers", "change endpoint headers", h.inApp(h.changeHeaders)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/stats", "get endpoint statistics", h.inApp(h.getStats)},

		// Recovery and background tasks.

		// Ordered endpoints.

		// Event types and the environment they make up.

		// Messages.
		{"GET", "/app/{app_id}/msg", "list messages", h.inApp(h.listMessages)},
		{"POST", "/app/{app_id}/msg", "create message", organization(h.createMessage)},
		{"POST", "/app/{app_id}/msg/bulk-expunge", "expunge messages", organization(h.inApp(h.expungeMessages))},
		{"POST", "/app/{app_id}/msg/precheck/active", "precheck message", organization(h.inApp(h.precheckMessage))},
		{"GET", "/app/{app_id}/msg/{msg_id}", "get message", h.inApp(h.getMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/raw", "get raw payload", h.inApp(h.getRawPayload)},
		{"DELETE", "/app/{app_id}/msg/{msg_id}/content", "expunge message", organization(h.inApp(h.expungeMessage))},

		// Pollers.
		{"GET", "/app/{app_id}/poller/{sink_id}", "poll messages", h.inApp(h.poll)},
		{"GET", "/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}", "poll messages as a consumer", h.inApp(h.pollConsumer)},
		{"POST", "/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}/seek", "set the place of a consumer", h.inApp(h.seekConsumer)},
		{"GET", "/app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}", "receive messages as a consumer", h.inApp(h.receiveConsumer)},
		{"POST", "/app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}/commit", "commit received messages", h.inApp(h.commitConsumer)},

		// Attempts.
		{"GET", "/app/{app_id}/attempt/endpoint/{endpoint_id}", "list attempts by endpoint", h.inApp(h.listAttemptsByEndpoint)},
		{"GET", "/app/{app_id}/attempt/endpoint/{endpoint_id}/count", "count attempts by endpoint", h.inApp(h.countAttempts)},
		{"GET", "/app/{app_id}/attempt/msg/{msg_id}", "list attempts by message", h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt", "list attempts by message (deprecated path)", h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/attempt", "list attempts by message and endpoint (deprecated path)", h.inApp(h.listAttemptsByMessage)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", "get attempt", h.inApp(h.getAttempt)},
		{"GET", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/headers", "get attempt headers", h.inApp(h.getAttemptHeaders)},
		{"DELETE", "/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content", "expunge attempt", organization(h.inApp(h.expungeAttempt))},
		{"GET", "/app/{app_id}/msg/{msg_id}/endpoint", "list attempted destinations", h.inApp(h.listDestinations)},
		{"GET", "/app/{app_id}/endpoint/{endpoint_id}/msg", "list attempted messages", h.inApp(h.listAttemptedMessages)},
		{"POST", "/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend", "resend message", h.inApp(h.resend)},

		// Authentication.

		// Integrations.

		// Operational webhooks.

		// Statistics.
	}
}
