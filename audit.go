package hookswitch

import (
	"slices"
	"time"
)

// Activity is one thing that somebody did to an App, or that the rules did by themselves. It is written with what was done, and never changed.
type Activity struct {
	Key      Key
	App      Key
	Actor    Actor
	Action   Action
	Endpoint Key               // what it was done to; 0: to no endpoint
	Name     string            // what that was called then
	Details  map[string]string // more of it, by names that pages know; no secrets
	Number   int64             // its place in the chain of its App, from 1; 0: it is older than the chains
	Hash     []byte            // over it and the entry before it; nil: the same
}

// At is when it was done.
func (a *Activity) At() time.Time { return a.Key.Time() }

// Actor is who did something.
type Actor struct {
	Kind ActorKind
	Ref  Key // the session of a browser; 0: none
}

// ActorKind says what somebody acts through. The words are stored.
type ActorKind string

// The kinds of actors.
const (
	ActorAPI      ActorKind = "api"      // a request of an API; also the command line
	ActorPortal   ActorKind = "portal"   // a session of the customer's portal
	ActorOperator ActorKind = "operator" // the operator at the dashboard, or in a customer's portal
	ActorKey      ActorKind = "key"      // a session at the dashboard that an API key opened
	ActorSystem   ActorKind = "system"   // the rules
)

// Action is what was done. The words are stored.
type Action string

// The actions.
const (
	DidCreateEndpoint  Action = "endpoint.created"
	DidChangeEndpoint  Action = "endpoint.changed"
	DidDeleteEndpoint  Action = "endpoint.deleted"
	DidDisableEndpoint Action = "endpoint.disabled"
	DidEnableEndpoint  Action = "endpoint.enabled"
	DidShowSecret      Action = "secret.shown"
	DidRotateSecret    Action = "secret.rotated"
	DidCutSecret       Action = "secret.cut"
	DidStartRecovery   Action = "recovery.started"
	DidCancelRecovery  Action = "recovery.canceled"
	DidOpenPortal      Action = "portal.opened" // by the operator, as the customer
	DidCreateToken     Action = "token.created" // for programs, in the portal
	DidEndToken        Action = "token.ended"
	DidEndPortal       Action = "portal.closed"  // somebody else's session
	DidEndPortals      Action = "portals.closed" // all sessions
	DidMarkIssue       Action = "issue.marked"

	DidCreateApp Action = "application.created"
	DidChangeApp Action = "application.changed"
	DidDeleteApp Action = "application.deleted"
	DidExportApp Action = "application.exported"
	DidErase     Action = "person.erased"
	DidCreateKey Action = "key.created"
	DidRotateKey Action = "key.rotated"
	DidRevokeKey Action = "key.revoked"

	DidAddChannel        Action = "channel.added"
	DidChangeCredentials Action = "channel.changed"
	DidRemoveChannel     Action = "channel.removed"
	DidChangeResponder   Action = "responder.changed"
	DidSilenceResponder  Action = "responder.silenced"
	DidUnmuteResponder   Action = "responder.unmuted"

	// What concerns the whole server is noted for OrganizationApp.
	DidPause      Action = "deliveries.paused"
	DidResume     Action = "deliveries.resumed"
	DidDrainNode  Action = "node.drained"
	DidFillNode   Action = "node.filled"
	DidEndSession Action = "session.ended" // at the dashboard
)

// AppActions are those that are done to an App.
var AppActions = []Action{DidCreateEndpoint, DidChangeEndpoint, DidDeleteEndpoint, DidDisableEndpoint, DidEnableEndpoint, DidShowSecret, DidRotateSecret, DidCutSecret, DidStartRecovery, DidCancelRecovery, DidOpenPortal,
	DidCreateToken, DidEndToken, DidEndPortal, DidEndPortals, DidMarkIssue, DidCreateApp, DidChangeApp, DidDeleteApp, DidExportApp, DidErase, DidCreateKey, DidRotateKey, DidRevokeKey,
	DidAddChannel, DidChangeCredentials, DidRemoveChannel, DidChangeResponder, DidSilenceResponder, DidUnmuteResponder}

// Actions are all of them; those that concern the whole server come last.
var Actions = slices.Concat(AppActions, []Action{DidPause, DidResume, DidDrainNode, DidFillNode, DidEndSession})
