package config

import (
	"fmt"
	"regexp"
)

// KeyPrefix is how API keys begin: 1 to 16 lower-case letters and digits.
type KeyPrefix string

var keyPrefixForm = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// UnmarshalText reads p.
func (p *KeyPrefix) UnmarshalText(text []byte) error {
	if !keyPrefixForm.Match(text) {
		return fmt.Errorf("%q is not 1 to 16 lower-case letters and digits", text)
	}
	*p = KeyPrefix(text)
	return nil
}
