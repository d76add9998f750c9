package all

import (
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
)

func TestProviders_HasEachNameOnceAndCoversItsDoors(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, p := range Providers(Options{}) {
		if names[p.Name()] {
			t.Errorf("%s comes twice", p.Name())
		}
		names[p.Name()] = true
		if len(p.Doors()) == 0 && p.Name() != hookswitch.ProviderAPI {
			t.Errorf("%s has no door", p.Name())
		}
	}
	for _, name := range []string{"africastalking", "meta", "twilio", "webchat"} {
		if !names[name] {
			t.Errorf("got %v, want %s among them", names, name)
		}
	}
}

func TestDistinct_PanicsOverADuplicateName(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	distinct(meta.New(meta.Options{}), meta.New(meta.Options{}))
}
