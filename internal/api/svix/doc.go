// Package svix is the Svix-shaped API under /api/v1: applications, endpoints, messages and what became of them, in the wire shapes that the
// official client libraries expect.
//
// It translates names (an Event is a message here, Tags are channels), ids, paging and errors. The rules are in package service; who a
// credential belongs to is told by an Auth function that the server gives.
package svix
