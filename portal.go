package hookswitch

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Look is how pages look, as far as that is somebody's to choose: the operator's for an App, the embedding page's, the reader's. The zero value is the product's own look.
type Look struct {
	Theme   string `json:"theme,omitempty"`   // light, dark, or "" for what the reader's system says
	Color   string `json:"color,omitempty"`   // of the brand: #rrggbb
	Logo    string `json:"logo,omitempty"`    // https address of a picture
	Font    string `json:"font,omitempty"`    // name of a font of the reader's system
	Radius  *int   `json:"radius,omitempty"`  // of corners, in pixels, at most MaxRadius
	Density string `json:"density,omitempty"` // compact, or "" for comfortable
	// Direction is rtl for pages that are read from right to left, or "" for the other.
	Direction string `json:"direction,omitempty"`
	// Refused is hide where what a session may not do is left out, or "" where it is shown with the reason.
	Refused string `json:"refused,omitempty"`
}

// Bounds of a Look and of PortalSettings.
const (
	MaxRadius         = 16
	maxFont           = 60
	maxLogo           = 1000
	maxFrameAncestors = 20
)

// CheckTheme says what is wrong with the name of a theme; "" for nothing, and for what is left out. So do the other checks of a Look.
func CheckTheme(s string) string { return checkWord(s, "light", "dark") }

// CheckDensity wants compact or comfortable.
func CheckDensity(s string) string { return checkWord(s, "compact", "comfortable") }

// CheckDirection wants ltr or rtl.
func CheckDirection(s string) string { return checkWord(s, "ltr", "rtl") }

// CheckRefused wants show or hide.
func CheckRefused(s string) string { return checkWord(s, "show", "hide") }

func checkWord(s string, words ...string) string {
	if s == "" || slices.Contains(words, s) {
		return ""
	}
	return "must be " + strings.Join(words, " or ")
}

var hexColor = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)

// CheckColor wants #rrggbb or #rgb.
func CheckColor(s string) string {
	if s == "" || hexColor.MatchString(s) {
		return ""
	}
	return "must be a colour such as #0d5c4d"
}

// CheckLogo wants the address of a picture, over https.
func CheckLogo(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || !frameOrigin.MatchString("https://"+u.Host) || u.User != nil || len(s) > maxLogo {
		return "must be an https address of a picture"
	}
	return ""
}

var fontName = regexp.MustCompile(`^[A-Za-z0-9 -]*$`)

// CheckFont wants a name, which becomes part of a style sheet.
func CheckFont(s string) string {
	if len(s) <= maxFont && fontName.MatchString(s) {
		return ""
	}
	return "must be the name of a font: letters, digits, spaces and hyphens, " + strconv.Itoa(maxFont) + " at most"
}

// Over is l with what it leaves open taken from another.
func (l Look) Over(below Look) Look {
	pick := func(a *string, b string) {
		if *a == "" {
			*a = b
		}
	}
	pick(&l.Theme, below.Theme)
	pick(&l.Color, below.Color)
	pick(&l.Logo, below.Logo)
	pick(&l.Font, below.Font)
	pick(&l.Density, below.Density)
	pick(&l.Direction, below.Direction)
	pick(&l.Refused, below.Refused)
	if l.Radius == nil {
		l.Radius = below.Radius
	}
	return l
}

// PortalSettings are what an App may choose about its portal.
type PortalSettings struct {
	Look
	// FrameAncestors are the origins that may show the portal in a frame, besides those of the server's setting.
	FrameAncestors []string `json:"frameAncestors,omitempty"`
}

// What may stand in the frame-ancestors directive: nothing that could end it.
var frameOrigin = regexp.MustCompile(`^https?://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?$`)

// Validate reports every wrong field of p.
func (p *PortalSettings) Validate() error {
	var c Checks
	for _, f := range []struct{ name, message string }{{"theme", CheckTheme(p.Theme)}, {"color", CheckColor(p.Color)}, {"logo", CheckLogo(p.Logo)}, {"font", CheckFont(p.Font)},
		{"density", CheckDensity(p.Density)}, {"direction", CheckDirection(p.Direction)}, {"refused", CheckRefused(p.Refused)}} {
		if f.message != "" {
			c.Field(f.message, f.name)
		}
	}
	if p.Radius != nil && (*p.Radius < 0 || *p.Radius > MaxRadius) {
		c.Field("must lie between 0 and "+strconv.Itoa(MaxRadius), "radius")
	}
	if len(p.FrameAncestors) > maxFrameAncestors {
		c.Field("must have at most "+strconv.Itoa(maxFrameAncestors)+" entries", "frameAncestors")
	}
	for i, o := range p.FrameAncestors {
		if !frameOrigin.MatchString(o) {
			c.Field("must be an origin such as https://app.example.com", "frameAncestors", "["+strconv.Itoa(i)+"]")
		}
	}
	return c.Err()
}
