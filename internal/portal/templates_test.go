package portal

import "testing"

// Pages are parsed when they are shown first, so a mistake in one has to be found here.
func TestTemplates_AllCanBeParsed(t *testing.T) {
	t.Parallel()
	if err := templates.Check(); err != nil {
		t.Error(err)
	}
}
