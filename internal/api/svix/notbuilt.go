package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type operation struct{ method, path string }

// notBuiltName marks the routes of notBuilt.
const notBuiltName = "not offered"

// refuse says honestly that the operation is known and not offered, so that a caller does not look for a mistake of its own.
func refuse(op operation) httpapi.Handler {
	return func(http.ResponseWriter, *http.Request) error {
		return hookswitch.Errorf(hookswitch.Unsupported, "%s %s%s is not offered by this server.", op.method, Base, op.path)
	}
}

// notBuilt is what the hosted API has and this one has not: transformations, client certificates, OAuth and own certificate authorities towards
// receivers, streams, sinks, connectors, ingest and broadcast. A line leaves when its operation is built.
var notBuilt = []operation{
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/ca"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/ca"},
	{"GET", "/app/{app_id}/endpoint/{endpoint_id}/connector"},
	{"PUT", "/app/{app_id}/endpoint/{endpoint_id}/connector/oauth/hubspot"},
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
	{"POST", "/app/{app_id}/inbound/rotate-url"},
	{"GET", "/app/{app_id}/sink"},
	{"POST", "/app/{app_id}/sink"},
	{"GET", "/app/{app_id}/sink/{sink_id}"},
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
	{"POST", "/auth/stream-logout"},
	{"POST", "/auth/stream-portal-access/{stream_id}"},
	{"POST", "/auth/stream/{stream_id}/expire-all"},
	{"GET", "/auth/stream/{stream_id}/sink/{sink_id}/poller/token"},
	{"POST", "/auth/stream/{stream_id}/sink/{sink_id}/poller/token/rotate"},
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
	{"POST", "/msg/broadcast"},
	{"DELETE", "/stream/{rest...}"}, // event streaming as a whole
	{"GET", "/stream/{rest...}"},    // event streaming as a whole
	{"PATCH", "/stream/{rest...}"},  // event streaming as a whole
	{"POST", "/stream/{rest...}"},   // event streaming as a whole
	{"PUT", "/stream/{rest...}"},    // event streaming as a whole
}
