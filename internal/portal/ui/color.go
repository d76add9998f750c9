package ui

import (
	"fmt"
	"math"
	"strconv"
)

// color is an opaque colour in linear light, each part from 0 to 1.
type color struct{ r, g, b float64 }

// parseColor reads #rgb or #rrggbb, with or without the #.
func parseColor(s string) (color, bool) {
	if s != "" && s[0] == '#' {
		s = s[1:]
	}
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if len(s) != 6 || err != nil {
		return color{}, false
	}
	part := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return color{part(n >> 16), part(n >> 8), part(n)}, true
}

func (c color) String() string {
	part := func(v float64) int {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return int(math.Round(min(max(v, 0), 1) * 255))
	}
	return fmt.Sprintf("#%02x%02x%02x", part(c.r), part(c.g), part(c.b))
}

// luminance is that of WCAG 2.
func (c color) luminance() float64 { return 0.2126*c.r + 0.7152*c.g + 0.0722*c.b }

// contrast is that of WCAG 2, from 1 to 21.
func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c color) mix(with color, share float64) color {
	return color{c.r + (with.r-c.r)*share, c.g + (with.g-c.g)*share, c.b + (with.b-c.b)*share}
}

var (
	white = color{1, 1, 1}
	black = color{}
)

// readable is the colour, or the nearest to it on the way to black or white that has the contrast with the ground.
func (c color) readable(ground color, least float64) color {
	to := black
	if contrast(ground, white) > contrast(ground, black) {
		to = white
	}
	const steps = 200
	for i := range steps {
		if m := c.mix(to, float64(i)/steps); contrast(m, ground) >= least {
			return m
		}
	}
	return to
}

// over is the colour for words on c: white, or nearly black.
func (c color) over() color {
	if contrast(c, white) >= 4.5 {
		return white
	}
	ink, _ := parseColor("#0c1413")
	return ink
}
