package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
)

type operation struct{ method, path string }

// notBuiltName marks the routes of notBuilt.
const notBuiltName = "not offered"

// Ingest is the path under which the hosted service takes in webhooks of others. All of it is known and not offered.
const Ingest = "/ingest/api/v1"

// refuse says honestly that the operation is known and not offered, so that a caller does not look for a mistake of its own.
func refuse(_ http.ResponseWriter, r *http.Request) error {
	return hookswitch.Errorf(hookswitch.Unsupported, "%s %s is not offered by this server.", r.Method, r.URL.EscapedPath())
}

// notBuilt is what the hosted API has and this one has not: transformations, client certificates, OAuth and own certificate authorities towards receivers,
// streams, sinks and other destinations than endpoints and pollers, connectors, ingest and broadcast, subscriptions that configure themselves, and what only
// the hosted service's own pages use. A line leaves when its operation is built.
var notBuilt = []operation{
	{"GET", "/app/stats/count-active"},
	{"PATCH", "/app/{app_id}/alert-email"},
	{"POST", "/app/{app_id}/auto-config"},
	{"DELETE", "/app/{app_id}/autoconfig/{rest...}"},
	{"GET", "/app/{app_id}/autoconfig/{rest...}"},
	{"PATCH", "/app/{app_id}/autoconfig/{rest...}"},
	{"POST", "/app/{app_id}/autoconfig/{rest...}"},
	{"PUT", "/app/{app_id}/autoconfig/{rest...}"},
	{"DELETE", "/app/{app_id}/destination/{rest...}"},
	{"GET", "/app/{app_id}/destination/{rest...}"},
	{"PATCH", "/app/{app_id}/destination/{rest...}"},
	{"POST", "/app/{app_id}/destination/{rest...}"},
	{"PUT", "/app/{app_id}/destination/{rest...}"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/auto-config"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/auto-config"},
	{"POST", "/app/{app_id}/endpoint/{endpoint_id}/auto-config/rotate"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/ca"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/ca"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/connector"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/connector/oauth/hubspot"},
	{"POST", "/app/{app_id}/endpoint/{endpoint_id}/msg/test-attempt"},
	{"DELETE", "/app/{app_id}/endpoint/{endpoint_id}/mtls"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/mtls"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/mtls"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/mtls-config"},
	{"DELETE", "/app/{app_id}/endpoint/{endpoint_id}/oauth"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/oauth"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/oauth"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/oauth-config"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/transformation"},
	{"PATCH", "/app/{app_id}/endpoint/{endpoint_id}/transformation"},
	{"POST", "/app/{app_id}/endpoint/{endpoint_id}/transformation/simulate"},
	{"GET", "/app/{app_id}/events"},
	{"POST", "/app/{app_id}/inbound/rotate-url"},
	{"POST", "/app/{app_id}/msg/search"},
	{"GET", "/app/{app_id}/sink"},
	{"POST", "/app/{app_id}/sink"},
	{"GET", "/app/{app_id}/sink/{sink_id}"},
	{"GET", "/app/{app_id}/stats/attempts"},
	{"GET", "/app/{app_id}/stream/sink"},
	{"POST", "/app/{app_id}/stream/sink"},
	{"DELETE", "/app/{app_id}/stream/sink/{sink_id}"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}"},
	{"PATCH", "/app/{app_id}/stream/sink/{sink_id}"},
	{"PUT", "/app/{app_id}/stream/sink/{sink_id}"},
	{"POST", "/app/{app_id}/stream/sink/{sink_id}/force-retry"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}/headers"},
	{"PATCH", "/app/{app_id}/stream/sink/{sink_id}/headers"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}/last-acked-event"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}/next-event"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}/secret"},
	{"POST", "/app/{app_id}/stream/sink/{sink_id}/secret/rotate"},
	{"POST", "/app/{app_id}/stream/sink/{sink_id}/skip"},
	{"GET", "/app/{app_id}/stream/sink/{sink_id}/transformation"},
	{"PATCH", "/app/{app_id}/stream/sink/{sink_id}/transformation"},
	{"POST", "/auth/app/{app_id}/create-message-token"},
	{"DELETE", "/auth/app/{app_id}/mcp-token/{rest...}"},
	{"GET", "/auth/app/{app_id}/mcp-token/{rest...}"},
	{"PATCH", "/auth/app/{app_id}/mcp-token/{rest...}"},
	{"POST", "/auth/app/{app_id}/mcp-token/{rest...}"},
	{"PUT", "/auth/app/{app_id}/mcp-token/{rest...}"},
	{"DELETE", "/auth/org-group-admin-token/{rest...}"},
	{"GET", "/auth/org-group-admin-token/{rest...}"},
	{"PATCH", "/auth/org-group-admin-token/{rest...}"},
	{"POST", "/auth/org-group-admin-token/{rest...}"},
	{"PUT", "/auth/org-group-admin-token/{rest...}"},
	{"POST", "/auth/stream-logout"},
	{"POST", "/auth/stream-portal-access/{stream_id}"},
	{"POST", "/auth/stream/{stream_id}/expire-all"},
	{"GET", "/auth/stream/{stream_id}/sink/{sink_id}/poller/token"},
	{"POST", "/auth/stream/{stream_id}/sink/{sink_id}/poller/token/rotate"},
	{"GET", "/auth/whoami"},
	{"GET", "/connector"},
	{"POST", "/connector"},
	{"POST", "/connector/oauth/discord"},
	{"POST", "/connector/oauth/hubspot"},
	{"POST", "/connector/oauth/slack"},
	{"POST", "/connector/simulate"},
	{"DELETE", "/connector/{connector_id}"},
	{"GET", "/connector/{connector_id}"},
	{"PATCH", "/connector/{connector_id}"},
	{"PUT", "/connector/{connector_id}"},
	{"GET", "/connector/{connector_id}/options"},
	{"PUT", "/connector/{connector_id}/options"},
	{"GET", "/environment/settings"},
	{"POST", "/event-type/export/openapi"},
	{"GET", "/event-type/{event_type_name}/retry-schedule"},
	{"PUT", "/event-type/{event_type_name}/retry-schedule"},
	{"GET", "/events"},
	{"DELETE", "/management/{rest...}"},
	{"GET", "/management/{rest...}"},
	{"PATCH", "/management/{rest...}"},
	{"POST", "/management/{rest...}"},
	{"PUT", "/management/{rest...}"},
	{"POST", "/msg/broadcast"},
	{"GET", "/stats/app/{app_id}/attempt"},
	{"GET", "/stats/endpoint/count"},
	{"DELETE", "/stream/{rest...}"}, // event streaming as a whole
	{"GET", "/stream/{rest...}"},    // event streaming as a whole
	{"PATCH", "/stream/{rest...}"},  // event streaming as a whole
	{"POST", "/stream/{rest...}"},   // event streaming as a whole
	{"PUT", "/stream/{rest...}"},    // event streaming as a whole
}
