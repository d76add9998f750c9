package ui

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// LookOf reads the parameters with which embedding pages ask for a look: darkMode, primaryColor, icon and fontFamily as svix-react sends them, and theme, radius, density, direction and refused. What cannot
// be used is left out.
func LookOf(q url.Values) hookswitch.Look {
	var l hookswitch.Look
	switch q.Get("darkMode") {
	case "true", "1":
		l.Theme = "dark"
	case "false", "0":
		l.Theme = "light"
	}
	if t := q.Get("theme"); t != "" && hookswitch.CheckTheme(t) == "" {
		l.Theme = t
	}
	if c, ok := parseColor(q.Get("primaryColor")); ok {
		l.Color = c.String()
	}
	if s := q.Get("icon"); hookswitch.CheckLogo(s) == "" {
		l.Logo = s
	}
	font, _, _ := strings.Cut(q.Get("fontFamily"), ",")
	if font = strings.Trim(font, ` "'`); hookswitch.CheckFont(font) == "" {
		l.Font = font
	}
	if n, err := strconv.Atoi(q.Get("radius")); err == nil && n >= 0 && n <= hookswitch.MaxRadius {
		l.Radius = &n
	}
	if d := q.Get("density"); hookswitch.CheckDensity(d) == "" {
		l.Density = d
	}
	if d := q.Get("direction"); hookswitch.CheckDirection(d) == "" {
		l.Direction = d
	}
	if s := q.Get("refused"); hookswitch.CheckRefused(s) == "" {
		l.Refused = s
	}
	return l
}

// The grounds that brand colours are read on: the darkest of the light theme and the lightest of the dark one.
const (
	lightGround = "#e4e1d8"
	darkGround  = "#262e32"
)

// The contrast that words in the brand colour have at least.
const leastContrast = 4.5

// styleOf is the rule that the style sheet's tokens are overridden with; "" for our own look. Brand colours are moved towards black or white until words in them, and on them, can be
// read in both themes.
func styleOf(l hookswitch.Look) template.CSS {
	var b strings.Builder
	if c, ok := parseColor(l.Color); ok {
		light, _ := parseColor(lightGround)
		dark, _ := parseColor(darkGround)
		day, night := c.readable(light, leastContrast), c.readable(dark, leastContrast)
		b.WriteString("--brand-day:" + day.String() + ";--brand-night:" + night.String() + ";--over-day:" + day.over().String() + ";--over-night:" + night.over().String() + ";")
	}
	if l.Font != "" && hookswitch.CheckFont(l.Font) == "" {
		b.WriteString(`--font:"` + l.Font + `";`)
	}
	if l.Radius != nil {
		b.WriteString("--radius:" + strconv.Itoa(min(max(*l.Radius, 0), hookswitch.MaxRadius)) + "px;")
	}
	if b.Len() == 0 {
		return ""
	}
	return template.CSS(":root{" + b.String() + "}") //nolint:gosec // made of checked parts
}

// Shade is a colour as it is used.
type Shade struct{ Name, Color, Over string }

// Shades are what becomes of a brand colour: as it was given, and in the light and the dark theme. None for what is no colour.
func Shades(color string) []Shade {
	c, ok := parseColor(color)
	if !ok {
		return nil
	}
	light, _ := parseColor(lightGround)
	dark, _ := parseColor(darkGround)
	day, night := c.readable(light, leastContrast), c.readable(dark, leastContrast)
	return []Shade{{"As given", c.String(), c.over().String()}, {"In light colours", day.String(), day.over().String()}, {"In dark colours", night.String(), night.over().String()}}
}

// LogoOrigin is the origin that the logo comes from, for the policy of what a page may load; "" without a logo.
func LogoOrigin(l hookswitch.Look) string {
	if l.Logo == "" || hookswitch.CheckLogo(l.Logo) != "" {
		return ""
	}
	u, err := url.Parse(l.Logo)
	if err != nil {
		return ""
	}
	return "https://" + u.Host
}
