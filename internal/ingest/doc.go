// Package ingest is the provider doors: the paths that messaging providers push to. It takes a push in whole, finds the account that proves it genuine,
// has the adapter read it and the service store it, and acknowledges it in the provider's form once it is on stable storage.
//
// What a push looks like is the adapters' business, what follows from it the service's. A refused push leaves a count and a line in the log, never
// a byte of its body.
package ingest
