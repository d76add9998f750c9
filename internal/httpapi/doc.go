// Package httpapi is what every API of the gateway shares on the HTTP side: handlers that return errors, the one place where
// kinds of errors become statuses, reading and writing JSON, query parameters, routing with answers to unknown routes and
// methods, and the middleware around all of it.
//
// It leaves the wire types, the shape of errors, authentication and idempotency to the APIs, which hand them in as functions.
package httpapi
