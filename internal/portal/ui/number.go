package ui

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Count writes a number with its thousands apart: 12,480.
func Count[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// Plural is a number with its noun: "1 endpoint", "3 endpoints". The plural is the noun with an s unless it is given.
func Plural(n int, noun string, plural ...string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case len(plural) > 0:
		return Count(n) + " " + plural[0]
	}
	return Count(n) + " " + noun + "s"
}

// Bytes writes a size: 812 bytes, 4.0 KiB.
func Bytes(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	case n < 1<<30:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64) + " GiB"
}

// Millis writes a short time as machines take it: 84 ms, 1.25 s.
func Millis(d time.Duration) string {
	switch {
	case d < time.Millisecond && d > 0:
		return "< 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}

// Span writes a time in the two greatest units that it has: 45 s, 4 min, 3 h 12 min, 5 d 4 h.
func Span(d time.Duration) string {
	if d = d.Abs(); d < time.Minute {
		return strconv.Itoa(int(d.Seconds())) + " s"
	}
	minutes := int(d.Round(time.Minute).Minutes())
	two := func(a int, unit string, b int, small string) string {
		if b == 0 {
			return strconv.Itoa(a) + " " + unit
		}
		return strconv.Itoa(a) + " " + unit + " " + strconv.Itoa(b) + " " + small
	}
	switch {
	case minutes < 60:
		return strconv.Itoa(minutes) + " min"
	case minutes < 24*60:
		return two(minutes/60, "h", minutes%60, "min")
	}
	return two(minutes/(24*60), "d", minutes%(24*60)/60, "h")
}

// Percent writes a share of a whole, rounded so that what is not all never reads as all and what is not nothing never as nothing. "–" for a share of nothing.
func Percent[T int | int64](part, whole T) string {
	if whole <= 0 {
		return "–"
	}
	p := float64(part) / float64(whole) * 100
	switch {
	case part == whole || part == 0:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	case p > 99.9:
		return "> 99.9 %"
	case p < 0.1:
		return "< 0.1 %"
	}
	return strconv.FormatFloat(math.Round(p*10)/10, 'f', 1, 64) + " %"
}
