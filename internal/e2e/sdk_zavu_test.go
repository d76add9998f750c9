package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestSDK_Zavu runs the official Zavu client for JavaScript, as its users install it, against the program.
func TestSDK_Zavu(t *testing.T) {
	if _, err := os.Stat("node/node_modules/@zavudev/sdk"); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	Each(t, func(t *testing.T, kind Kind) {
		server := Start(t, Options{Kind: kind, Settings: map[string]string{"zavu-retry-schedule": "200ms,400ms"}})
		suite{dir: "node", command: []string{"node", "zavu.mjs"}, atLeast: 42, limit: 3 * time.Minute}.run(t, server)
	})
}
