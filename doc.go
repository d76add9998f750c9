// Package hookswitch is the vocabulary of the gateway: the nouns every other package speaks (App, Sender, Route, Contact,
// Conversation, Message, Event, Endpoint, Delivery, Attempt), their pure validation, their ids, the kinds of errors, the
// delivery profiles, and the two interfaces that adapters implement, Provider and Responder.
//
// It does no input or output and imports nothing of the module. Storage lives in internal/store, the rules in
// internal/service, wire shapes in internal/api.
package hookswitch
