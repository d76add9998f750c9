// Package providertest is the suite that every adapter of a messaging provider runs: recorded requests with their expected results,
// and the properties that hold for each of them whatever the provider.
//
// It judges what an adapter says, playing the part of a door: method and size, handshake, proof, reading, answer. What becomes of
// messages and receipts afterwards is tested where it happens.
package providertest
