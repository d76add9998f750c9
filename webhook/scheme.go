package webhook

import (
	"fmt"
	"strings"
)

// Scheme says which digests the timestamped hex header carries and what each
// of them covers. Zavu has changed both over time; receivers of every
// generation are around.
type Scheme uint8

const (
	// SchemeGuide sends v1 and v2, both over the time and the body. It
	// satisfies receivers written from the older guide, which look at v1, and
	// from today's, which prefer v2. It is the zero value and the default.
	SchemeGuide Scheme = iota

	// SchemeStrict sends v2 alone, over the time and the body. It differs from
	// SchemeV2 only in that nobody asked for it by name.
	SchemeStrict

	// SchemeV1 sends v1 alone, over the body. Nothing protects the time, so
	// whoever records a request can send it again later.
	SchemeV1

	// SchemeV1V2 sends v1 over the body and v2 over the time and the body: the
	// step between SchemeV1 and SchemeV2.
	SchemeV1V2

	// SchemeV2 sends v2 alone, over the time and the body.
	SchemeV2
)

// covers says what goes into one digest.
type covers uint8

const (
	coversNothing covers = iota
	coversBody
	coversTimeAndBody
)

// schemes is indexed by Scheme; reported is what the scheme is called towards
// clients that ask for the signature version.
var schemes = [...]struct {
	name, reported string
	v1, v2         covers
}{
	SchemeGuide:  {"guide", "v2", coversTimeAndBody, coversTimeAndBody},
	SchemeStrict: {"strict", "v2", coversNothing, coversTimeAndBody},
	SchemeV1:     {"v1", "v1", coversBody, coversNothing},
	SchemeV1V2:   {"v1+v2", "v1+v2", coversBody, coversTimeAndBody},
	SchemeV2:     {"v2", "v2", coversNothing, coversTimeAndBody},
}

// ParseScheme returns the scheme called guide, strict, v1, v1+v2 or v2.
func ParseScheme(name string) (Scheme, error) {
	names := make([]string, 0, len(schemes))
	for i, s := range schemes {
		if s.name == name {
			return Scheme(i), nil
		}
		names = append(names, s.name)
	}
	return 0, fmt.Errorf("unknown signature scheme %s: use one of %s", quote(name), strings.Join(names, ", "))
}

// String returns the name that [ParseScheme] reads.
func (s Scheme) String() string {
	if !s.known() {
		return fmt.Sprintf("Scheme(%d)", uint8(s))
	}
	return schemes[s].name
}

// Version returns the signature version that clients are told: v1, v1+v2 or v2.
func (s Scheme) Version() string {
	if !s.known() {
		return ""
	}
	return schemes[s].reported
}

// MarshalText returns the scheme's name.
func (s Scheme) MarshalText() ([]byte, error) {
	if !s.known() {
		return nil, fmt.Errorf("unknown signature scheme %d", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads the scheme's name.
func (s *Scheme) UnmarshalText(text []byte) error {
	parsed, err := ParseScheme(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

func (s Scheme) known() bool { return int(s) < len(schemes) }
