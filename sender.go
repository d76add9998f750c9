package hookswitch

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Sender is an identity that customers see: a number, a page, a bot. It is reached over its Routes.
type Sender struct {
	Key         Key
	App         Key
	Name        string
	PhoneNumber string // E.164 with "+", or empty
	Default     bool   // sends that name no sender use it
	Responder   ResponderConfig
	Dialogue    DialogueTexts
	Routes      []Route
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Route is how one channel of a Sender is reached.
type Route struct {
	Key      Key
	App      Key
	Sender   Key
	Channel  Channel
	Provider string
	// Account names the credential that proves a push for this Route, as a hash; Address what a push names to mean it, such as a phone number id. (Provider, Account, Address)
	// is unique where Address is not empty.
	Account     string
	Address     string
	Credentials Credentials
	// Rate is how often may be sent over the Route. The zero Rate: as often as is usual at its provider.
	Rate Rate
}

// ResponderConfig chooses and sets up what answers a Sender's messages. Kind is empty for none.
type ResponderConfig struct {
	Kind string
	Raw  json.RawMessage // the whole object, Kind included
}

// UnmarshalJSON keeps the object, without the white space around its parts, and reads its kind. So the same object spelt in another layout is equal.
func (c *ResponderConfig) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = ResponderConfig{}
		return nil
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, b); err != nil {
		return err
	}
	*c = ResponderConfig{Kind: head.Kind, Raw: raw.Bytes()}
	return nil
}

// MarshalJSON gives back the object that was read.
func (c ResponderConfig) MarshalJSON() ([]byte, error) {
	if c.Raw == nil {
		return []byte("null"), nil
	}
	return c.Raw, nil
}

// CheckPhone says what is wrong with a phone number in E.164 form: "+" and 7 to 15 digits, the first not zero.
func CheckPhone(s string) string {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return "must be an E.164 number such as +15551234567"
	}
	if _, err := strconv.ParseUint(digits, 10, 64); err != nil {
		return "must be an E.164 number such as +15551234567"
	}
	return ""
}
