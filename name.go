package hookswitch

import (
	"encoding/json"
	"strconv"
	"strings"
)

// MaxName is the greatest length, in bytes, of uids and event type names.
const MaxName = 256

// CheckName says what is wrong with a uid or an event type name: 1 to 256 of a-z, A-Z, 0-9, '-', '_' and '.'.
// It returns "" for a good one.
func CheckName(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > MaxName:
		return "must be at most " + strconv.Itoa(MaxName) + " characters long"
	case strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) }):
		return "may contain only letters, digits, '-', '_' and '.'"
	}
	return ""
}

// CheckUID is CheckName for the caller's own name of a thing of kind, which must not look like one of our ids.
func CheckUID(kind Kind, s string) string {
	if strings.HasPrefix(s, kind.Prefix()) {
		return "must not start with " + kind.Prefix() + ", which is kept for ids of the server"
	}
	return CheckName(s)
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// CheckText says what is wrong with free text such as a name or a description.
func CheckText(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= 8 }) {
		return "must not contain control characters"
	}
	return ""
}

// MaxMetadata is the greatest size, in bytes of JSON, of the metadata of one object.
const MaxMetadata = 4096

// CheckMetadata says what is wrong with the caller's own key-value pairs.
func CheckMetadata(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	if b, err := json.Marshal(m); err != nil || len(b) > MaxMetadata {
		return "must be at most " + strconv.Itoa(MaxMetadata) + " bytes as JSON"
	}
	return ""
}
