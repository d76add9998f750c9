package e2e

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// osSeed is the seed of an earlier run to repeat.
func osSeed() string { return os.Getenv("HOOKSWITCH_TEST_SEED") }
