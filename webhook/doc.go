// Package webhook signs webhook requests and proves that a received one is genuine.
//
// It speaks two schemes. Standard Webhooks, which Svix' libraries share: an
// id, a timestamp and a list of signatures in three headers, made with a
// [Secret] by [Sign] and checked by a [Verifier]. And timestamped hex, as Zavu
// sends it: one header holding a time and one or two hex digests, made with a
// [TextSecret] by [SignTimed] and checked by a [TimedVerifier].
//
// The package owns the keys, the signed text and the verdict. Reading the body,
// bounding its size, answering the request and remembering ids that were already
// handled are left to the caller. Receivers may import it alone: it needs
// nothing but the standard library.
//
// Always verify the body's bytes exactly as they arrived. A body that was
// decoded and encoded again is a different body.
package webhook
