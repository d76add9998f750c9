package hookswitch

import (
	"encoding/hex"
	"strings"
	"time"
)

// Group is a community or portfolio that messages belong to which come in by the Travtus-shaped API. The App, as a company, owns its groups.
type Group struct {
	Key Key
	App Key
	// UUID names the group, in lower case. ExternalRef is the name that the source of the messages has for it, unique in the App; empty: none.
	UUID        string
	ExternalRef string
	Name        string // what people call it; empty: nothing
	// Configured says that an operator has made the group. The others were named by messages while there were none such.
	Configured bool
	CreatedAt  time.Time
}

// Bounds of what a Group is called, in bytes.
const (
	MaxGroupRef  = 256
	MaxGroupName = 200
)

// Validate reports every wrong field of g.
func (g *Group) Validate() error {
	var c Checks
	if _, ok := ParseUUID(g.UUID); !ok {
		c.Field("must be a UUID such as 550e8400-e29b-41d4-a716-446655440000", "id")
	}
	if m := CheckText(g.ExternalRef); m != "" {
		c.Field(m, "externalRef")
	} else if len(g.ExternalRef) > MaxGroupRef {
		c.Field("must be at most 256 bytes long", "externalRef")
	}
	if m := CheckText(g.Name); m != "" {
		c.Field(m, "name")
	} else if len(g.Name) > MaxGroupName {
		c.Field("must be at most 200 bytes long", "name")
	}
	return c.Err()
}

// FormatUUID is the 16 bytes as a UUID.
func FormatUUID(b [16]byte) string {
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// ParseUUID is s, a UUID with dashes, in lower case. It reports false for anything else.
func ParseUUID(s string) (string, bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return "", false
	}
	if _, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]); err != nil {
		return "", false
	}
	return strings.ToLower(s), true
}
