// Package e2e holds the tests that drive the program as its users do: a plain binary, its API, and receivers on the loopback interface. It owns the
// helpers for that: Server starts, kills and restarts the program on either database, Receiver stands for endpoints and verifies what arrives. What one
// package can prove alone is left to that package's tests.
package e2e
