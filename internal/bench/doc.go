// Package bench measures the gateway side by side with a plain forwarder that stores nothing, as whole processes on one machine. It owns the load, the
// receivers, the scenarios, the plain forwarder and the reading of processor time and memory; it starts the gateway as its users do and knows nothing
// of its inside. It does not judge: what is fast enough is for the reader of the report.
package bench
