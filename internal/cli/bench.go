package cli

import "github.com/hookswitch/hookswitch/internal/bench"

type benchCmd struct{ bench.Options }

// Help is kong's.
func (benchCmd) Help() string {
	return `Starts the gateway as users do, on SQLite and, where there is one, on PostgreSQL, puts load on it, and prints rates, latencies, processor time and memory
next to those of a plain forwarder that stores nothing. Everything runs on this machine.

    hookswitch bench
    hookswitch bench --scenario S1,S3 --duration 2s --rounds 1 --postgres none`
}

// Run measures.
func (c *benchCmd) Run(e *env) error { return e.Bench(e.ctx, c.Options, e.Stdout) }
