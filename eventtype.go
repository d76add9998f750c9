package hookswitch

import (
	"bytes"
	"slices"
	"strconv"
	"time"
)

// EventType is an entry of the catalogue of events: a name, and what is told of it to those who choose what their endpoints get. The catalogue
// belongs to the server, not to an App. Events may have types that are not in it.
type EventType struct {
	Key         Key
	Name        string // unique; see CheckName
	Description string
	// Archived types cannot be chosen for a filter any more. Filters that name them already go on as before.
	Archived   bool
	Deprecated bool
	// Schemas is a JSON object from versions to JSON Schemas (draft 7), byte for byte as it was given; nil: none. An example of a payload is the first
	// value of the list that is the schema's keyword examples.
	Schemas []byte
	// FeatureFlags hide the type from callers other than the organization that have none of them; empty: everybody sees it.
	FeatureFlags []string
	GroupName    string // what it is listed under; empty: nothing in particular
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// EventTypePing is the type of an event that only shows that an endpoint can be reached. It need not be in the catalogue.
const EventTypePing = "svix.ping"

// MaxSchemas is the greatest size, in bytes, of all schemas of one event type together.
const MaxSchemas = 256 << 10

// Validate reports every wrong field of t, under the names of the Svix-shaped API. Of the schemas it looks at the size alone.
func (t *EventType) Validate() error {
	var c Checks
	if m := CheckName(t.Name); m != "" {
		c.Field(m, "name")
	}
	if m := CheckText(t.Description); m != "" {
		c.Field(m, "description")
	}
	if t.GroupName != "" {
		if m := CheckName(t.GroupName); m != "" {
			c.Field(m, "groupName")
		}
	}
	CheckFeatureFlags(&c, t.FeatureFlags, "featureFlags")
	if s := bytes.TrimLeft(t.Schemas, " \t\r\n"); len(t.Schemas) > MaxSchemas {
		c.Field("must have at most "+strconv.Itoa(MaxSchemas)+" bytes", "schemas")
	} else if t.Schemas != nil && (len(s) == 0 || s[0] != '{') {
		c.Field("must be an object", "schemas")
	}
	return c.Err()
}

// VisibleTo reports whether a caller other than the organization, with the feature flags, sees t.
func (t *EventType) VisibleTo(flags []string) bool {
	return len(t.FeatureFlags) == 0 || slices.ContainsFunc(t.FeatureFlags, func(f string) bool { return slices.Contains(flags, f) })
}
