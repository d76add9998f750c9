package twilio_test

import (
	"testing"

	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, twilio.New(twilio.Options{}), providertest.Credentials(t, "testdata", "twilio"), "testdata")
}
