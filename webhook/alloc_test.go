//go:build !race

package webhook_test

import (
	"testing"

	"github.com/hookswitch/hookswitch/webhook"
)

// The race detector makes pools forget at random, hence the build tag; nor can
// allocations be counted while other tests run beside this one.
func TestAppendSignature_AllocatesNothing(t *testing.T) {
	shared, text := webhook.NewSecret(), webhook.NewAlphanumericSecret()
	dst := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(200, func() {
		dst = shared.AppendSignature(dst[:0], benchID, 1_700_000_000, payload400)
	}); n >= 1 {
		t.Errorf("a shared secret allocates %v times per signature", n)
	}
	if n := testing.AllocsPerRun(200, func() {
		dst = text.AppendSignature(dst[:0], webhook.SchemeV1V2, 1_700_000_000, payload400)
	}); n >= 1 {
		t.Errorf("a text secret allocates %v times per signature", n)
	}
}
