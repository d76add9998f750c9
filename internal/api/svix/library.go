package svix

import (
	"net/http"
	"strconv"
	"strings"
)

// libraryAtLeast reports whether the caller is an official client library of at least the version major.minor. They tell it as svix-libs/2.7.0/python at
// the beginning of their User-Agent. It is for the few answers whose shape has changed between versions in a way that no one shape fits all.
func libraryAtLeast(r *http.Request, major, minor int) bool {
	rest, ok := strings.CutPrefix(r.UserAgent(), "svix-libs/")
	if !ok {
		return false
	}
	first, rest, _ := strings.Cut(rest, ".")
	end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(rest)
	}
	m, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return false
	}
	return m > major || m == major && n >= minor
}
