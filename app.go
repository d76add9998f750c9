package hookswitch

import (
	"strings"
	"time"
)

// App is a tenant. It owns everything that is stored: its senders, messages, endpoints and events. The Svix-shaped API calls
// it an application, the Zavu-shaped API a project.
type App struct {
	Key          Key
	UID          string // the caller's own name; empty: none
	Name         string
	ThrottleRate int // deliveries a second to each endpoint that sets none itself; 0: no limit
	Metadata     map[string]string

	// BotName, BotRef and CompanyID fill the *.respond events.
	BotName   string
	BotRef    string
	CompanyID string

	// Version grows with each change that decides where events go. An accept that fanned out under an older version is done again.
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// OrganizationApp is the App of the organisation itself. Its endpoints are the operational ones, and its events tell how the deliveries of the other Apps
// go. It is made with the database and no caller sees it: no list has it, and no id or uid names it. No node makes keys as low.
const OrganizationApp Key = 1

// MaxThrottleRate is the greatest throttle rate, in deliveries a second.
const MaxThrottleRate = 65535

// Validate reports every wrong field of a.
func (a *App) Validate() error {
	var c Checks
	if strings.TrimSpace(a.Name) == "" {
		c.Field("must not be empty", "name")
	} else if m := CheckText(a.Name); m != "" {
		c.Field(m, "name")
	}
	if a.UID != "" {
		if m := CheckUID(KindApp, a.UID); m != "" {
			c.Field(m, "uid")
		}
	}
	if a.ThrottleRate < 0 || a.ThrottleRate > MaxThrottleRate {
		c.Field("must lie between 1 and 65535", "throttleRate")
	}
	if m := CheckMetadata(a.Metadata); m != "" {
		c.Field(m, "metadata")
	}
	return c.Err()
}
