// Package store keeps everything that survives a restart, in SQLite or PostgreSQL. It owns all SQL, the schema and its migrations,
// the two dialects, and the group commit through which writes go. It knows nothing of HTTP and decides no rules: internal/service
// hands it units of work and reads.
//
// There are two write doors. Accept and Record take pure data, which is committed together with whatever else is waiting.
// Update runs a function that reads and writes inside one transaction. Reads go to a pool of their own.
package store
