package hookswitch

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Sender is an identity that customers see: a number, a page, a bot. It is reached over its Routes.
type Sender struct {
	Key         Key
	App         Key
	Name        string
	PhoneNumber string // E.164 with "+", or empty
	Default     bool   // sends that name no sender use it
	Email       SenderEmail
	// Enabled are the channels that have been switched on for the sender, by the names that Channels gives. It says what is wanted; what can be sent is up to the Routes.
	Enabled   []string
	Responder ResponderConfig
	// Silenced are the channels on which the Responder says nothing, whatever it is.
	Silenced  []Channel
	Dialogue  DialogueTexts
	Routes    []Route
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SenderEmail is what a Sender is told about its email channel. What is sent and received is up to its Route.
type SenderEmail struct {
	Address   string `json:"address,omitempty"`  // mail is from it; empty: the sender has no email
	DomainID  string `json:"domainId,omitempty"` // the caller's own name of the domain
	FromName  string `json:"fromName,omitempty"` // shown beside the address
	Receiving bool   `json:"receiving,omitempty"`
	CatchAll  bool   `json:"catchAll,omitempty"` // also mail to other addresses of the domain; counts only while Receiving
}

// Refuses says why mail to an address, which is empty where it is not known, is not taken over the route; "": it is. A sender without an Address of its own takes what comes over its Route.
func (e *SenderEmail) Refuses(to string, r *Route) string {
	switch {
	case e.Address == "":
		return ""
	case !e.Receiving:
		return "the sender receives no mail"
	case e.CatchAll || to == "" || strings.EqualFold(to, r.Address) || strings.EqualFold(to, untagged(e.Address)):
		return ""
	}
	return "the sender takes no mail to other addresses than its own"
}

// Catches reports whether mail to an address that is nobody's is for the sender.
func (e *SenderEmail) Catches(to string) bool {
	_, domain, ok := strings.Cut(to, "@")
	_, own, _ := strings.Cut(e.Address, "@")
	return ok && e.Receiving && e.CatchAll && strings.EqualFold(domain, own)
}

// untagged is an address without what follows a "+" in its local part.
func untagged(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// SMSOneWay is the name of the channel for text messages that people cannot answer. It is no Channel: such messages travel on SMS.
const SMSOneWay = "sms_oneway"

// Channels are the names of the channels that s has, in the order of the list Channels: those of its Routes, and those that have been switched on.
func (s *Sender) Channels() []string {
	has := func(name string) bool {
		return slices.Contains(s.Enabled, name) || slices.ContainsFunc(s.Routes, func(r Route) bool { return string(r.Channel) == name })
	}
	out := []string{}
	for _, c := range Channels {
		if has(string(c)) {
			out = append(out, string(c))
		}
		if c == SMS && has(SMSOneWay) {
			out = append(out, SMSOneWay)
		}
	}
	return out
}

// Enable switches a channel on or off. One that a Route carries stays on.
func (s *Sender) Enable(name string, on bool) {
	at := slices.Index(s.Enabled, name)
	switch {
	case on && at < 0:
		s.Enabled = append(slices.Clone(s.Enabled), name)
	case !on && at >= 0:
		if s.Enabled = slices.Delete(slices.Clone(s.Enabled), at, at+1); len(s.Enabled) == 0 {
			s.Enabled = nil
		}
	}
}

// Answers reports whether the Responder of s answers what comes on the channel.
func (s *Sender) Answers(ch Channel) bool {
	return s.Responder.Kind != "" && !slices.Contains(s.Silenced, ch)
}

// Silence switches the Responder off on a channel, or on again.
func (s *Sender) Silence(ch Channel, off bool) {
	silenced := slices.DeleteFunc(slices.Clone(s.Silenced), func(c Channel) bool { return c == ch })
	if off {
		silenced = append(silenced, ch)
	}
	slices.Sort(silenced)
	if s.Silenced = silenced; len(silenced) == 0 {
		s.Silenced = nil
	}
}

// MaxSenderName is the greatest length, in characters, of a sender's name.
const MaxSenderName = 200

// CheckSenderName says what is wrong with the name of a sender. Names need not be unique.
func CheckSenderName(s string) string {
	if strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > MaxSenderName || CheckText(s) != "" {
		return "must have 1 to " + strconv.Itoa(MaxSenderName) + " characters, none of them control characters"
	}
	return ""
}

// MaxEmail is the greatest length, in bytes, of an email address.
const MaxEmail = 254

// CheckEmail says what is wrong with an email address, which has to stand alone, without a name.
func CheckEmail(s string) string {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > MaxEmail {
		return "must be an email address such as support@example.com"
	}
	return ""
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
	// DisabledAt is when the provider said that it takes nothing more with the Credentials, and DisabledCause why, in its words. Nothing is sent over the Route until they are set
	// anew; what people write is received as before. Zero: the Route is not disabled.
	DisabledAt    time.Time
	DisabledCause string
}

// Disabled reports whether nothing can be sent over the Route until its credentials are set anew.
func (r *Route) Disabled() bool { return !r.DisabledAt.IsZero() }

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
