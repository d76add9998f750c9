// Package zavu is the Zavu-shaped API under /v1: senders, messages, contacts, conversations, templates and invitations of one project, in the wire shapes
// that the official client library expects.
//
// It translates names (an App is a project here), ids, paging and errors, checks what an API key may do, and counts requests. The rules are in package
// service. Each noun has a file with its handlers, its wire types and its part of the table of routes.
//
// An error is {"code", "message", "details", "error": {"code", "message"}}, details only where there are some. A list is {"items", "nextCursor"}.
package zavu
