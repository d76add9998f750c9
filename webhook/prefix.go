package webhook

import (
	"net/http"
	"strconv"
	"time"
)

// Prefix is what the names of the three Standard Webhooks headers begin with.
// An operator with a brand of their own may use another one.
type Prefix string

const (
	// Svix names the headers svix-id, svix-timestamp and svix-signature.
	Svix Prefix = "svix"

	// Standard names the headers webhook-id, webhook-timestamp and webhook-signature.
	Standard Prefix = "webhook"
)

// ID returns the name of the header with the event's id, the same on every attempt.
func (p Prefix) ID() string { return string(p) + "-id" }

// Timestamp returns the name of the header with the time of the attempt.
func (p Prefix) Timestamp() string { return string(p) + "-timestamp" }

// Signature returns the name of the header with the list of signatures.
func (p Prefix) Signature() string { return string(p) + "-signature" }

// Set puts the three headers into h; signature is what [Sign] returned for the
// same id and time.
func (p Prefix) Set(h http.Header, id string, t time.Time, signature string) {
	h.Set(p.ID(), id)
	h.Set(p.Timestamp(), strconv.FormatInt(t.Unix(), 10))
	h.Set(p.Signature(), signature)
}
