package widget

import (
	"math"
	"strconv"
)

// textOn is white or nearly black, whichever is easier to read on the colour #rrggbb.
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func textOn(colour string) string {
	light := luminance(colour)
	if 1.05/(light+0.05) >= (light+0.05)/(luminance(inkOnLight)+0.05) {
		return "#ffffff"
	}
	return inkOnLight
}

const inkOnLight = "#14181a"

func luminance(colour string) float64 {
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		return 0 // the settings give nothing else
	}
	channel := func(shift uint) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}
