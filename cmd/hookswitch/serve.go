package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/hookswitch/hookswitch/internal/bench"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/server"
)

// serve runs a server. Its log goes to standard error, and a benchmark may have it write a profile of itself.
func serve(ctx context.Context, settings config.Server, out io.Writer) error {
	stop, err := bench.StartProfile()
	if err != nil {
		return err
	}
	return errors.Join(server.Serve(ctx, settings, out, settings.Logger(os.Stderr)), stop())
}

func migrate(ctx context.Context, settings config.Server) ([]int64, error) {
	return server.Migrate(ctx, &settings, settings.Logger(os.Stderr))
}
