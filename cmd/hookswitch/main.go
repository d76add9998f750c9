// Command hookswitch is the gateway and the command line around it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hookswitch/hookswitch/internal/bench"
	"github.com/hookswitch/hookswitch/internal/cli"
	"github.com/hookswitch/hookswitch/internal/dev"
)

var version string // set by the linker: -X main.version=v1.2.3

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks, the second ends the process
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Deps{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version,
		Serve: serve, Dev: dev.Run, Migrate: migrate, Bench: bench.Run,
	}))
}
