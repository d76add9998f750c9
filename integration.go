package hookswitch

import (
	"strings"
	"time"
)

// Integration is a program that acts inside one App with a key of its own: a Token of kind TokenIntegration.
type Integration struct {
	Key          Key
	App          Key
	Name         string
	FeatureFlags []string // what its key sees of flagged event types
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// MaxIntegrationName is the greatest length of an integration's name, in bytes.
const MaxIntegrationName = 256

// Validate reports every wrong field of i.
func (i *Integration) Validate() error {
	var c Checks
	switch m := CheckText(i.Name); {
	case strings.TrimSpace(i.Name) == "":
		c.Field("must not be empty", "name")
	case len(i.Name) > MaxIntegrationName:
		c.Field("must be at most 256 bytes long", "name")
	case m != "":
		c.Field(m, "name")
	}
	CheckFeatureFlags(&c, i.FeatureFlags, "featureFlags")
	return c.Err()
}
