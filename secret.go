package hookswitch

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Secret is text that must not be printed. Every way of printing it gives "***"; Reveal gives the text.
type Secret string

// Reveal is the secret's text.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string             { return "***" }
func (s Secret) GoString() string           { return "***" }
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// LogValue keeps the text out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalJSON keeps the text out of JSON. What must show it says so with Reveal.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// Credentials are what a Route needs to prove and to act: names such as app_secret with one value or, while a secret is being
// rotated, several. They never print.
type Credentials map[string][]string

// First is the first value of name, or "".
func (c Credentials) First(name string) string {
	if v := c[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// All are the values of name that are not empty.
func (c Credentials) All(name string) []string {
	return slices.DeleteFunc(slices.Clone(c[name]), func(s string) bool { return s == "" })
}

func (c Credentials) String() string             { return "***" }
func (c Credentials) GoString() string           { return "***" }
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// LogValue keeps the values out of logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalJSON keeps the values out of JSON. What must store them calls RevealJSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// UnmarshalJSON reads an object whose values are texts, numbers, booleans or lists of these.
func (c *Credentials) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	out := make(Credentials, len(raw))
	for name, value := range raw {
		list := []json.RawMessage{value}
		if strings.HasPrefix(strings.TrimSpace(string(value)), "[") {
			if err := json.Unmarshal(value, &list); err != nil {
				return fmt.Errorf("credential %s: %w", name, err)
			}
		}
		for _, item := range list {
			text, err := scalarText(item)
			if err != nil {
				return fmt.Errorf("credential %s: %w", name, err)
			}
			if text != "" {
				out[name] = append(out[name], text)
			}
		}
	}
	*c = out
	return nil
}

func scalarText(raw json.RawMessage) (string, error) {
	text := strings.TrimSpace(string(raw))
	switch {
	case text == "null" || text == "":
		return "", nil
	case text[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case text[0] == '{' || text[0] == '[':
		return "", fmt.Errorf("must be text or a list of texts")
	}
	return text, nil
}

// RevealJSON is the credentials as JSON with their values, for storage under encryption.
func (c Credentials) RevealJSON() ([]byte, error) { return json.Marshal(map[string][]string(c)) }
