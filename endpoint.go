package hookswitch

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Endpoint is a subscriber's URL with a filter and the secrets its events are signed with. The webhook of a sender is an Endpoint of profile
// zavu.
type Endpoint struct {
	Key         Key
	App         Key
	Sender      Key // the sender whose webhook this is; 0: an endpoint of the App; WebhookOfProject
	Profile     ProfileName
	UID         string
	URL         string
	Description string
	Disabled    bool
	// DisabledBy tells who disabled it: "manual", "automatic", or "" while enabled.
	DisabledBy string
	EventTypes []string // nil: all
	Tags       []string // nil: whatever the event's tags
	Metadata   map[string]string
	Headers    map[string]string // added to each request
	// Secrets are newest first. The first signs for ever, the others until they expire.
	Secrets      []EndpointSecret
	ThrottleRate int
	// Ordered endpoints get one event at a time, in the order in which they were accepted. It counts for events accepted from then on.
	Ordered bool
	Version int // what the caller calls the version; 1 unless said otherwise
	// SignatureVersion is the variant of Zavu's signature the caller chose: "", "v1", "v1+v2" or "v2".
	SignatureVersion string
	FailSince        time.Time // the failure clock; zero: not running
	// CanceledUpto is the newest event whose automatic delivery ended when the endpoint was last disabled or deleted.
	CanceledUpto Key
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    time.Time
}

// WebhookOfProject stands in the place of a sender at the one Endpoint of an App that is told of what happens in the whole project: the project's webhook. No sender has such a key.
const WebhookOfProject Key = -1

// EndpointSecret is one signing secret, as text, and when it stops signing. A zero ExpiresAt means never.
type EndpointSecret struct {
	Secret    Secret
	ExpiresAt time.Time
}

// Operational reports whether e is one of the organisation's own endpoints, which are told how deliveries go.
func (e *Endpoint) Operational() bool { return e.App == OrganizationApp }

// DeliveryKind is the kind of work that an event accepted now is owed to e as.
func (e *Endpoint) DeliveryKind() DeliveryKind {
	if e.Ordered {
		return DeliverOrdered
	}
	return DeliverWebhook
}

// Matches reports whether an event of the type with the tags goes to e, whether or not e is disabled. sender is the sender the event is about,
// 0 for none; own says that the gateway made the event.
func (e *Endpoint) Matches(eventType string, tags []string, sender Key, own bool) bool {
	if e.Sender != 0 && (!own || e.Sender != sender) {
		return false
	}
	if e.EventTypes == nil {
		if own && e.onRequest(eventType) {
			return false
		}
	} else if !slices.Contains(e.EventTypes, eventType) {
		return false
	}
	if e.Tags == nil {
		return true
	}
	return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(e.Tags, t) })
}

// onRequest reports whether e gets events of the type, made by the gateway, only when its filter names it.
func (e *Endpoint) onRequest(eventType string) bool {
	if e.Operational() {
		return eventType == EventAttemptLog // one of many attempts, where the others are rare
	}
	return OnRequest(eventType)
}

// MaxURL is the greatest length of an endpoint's URL.
const MaxURL = 65536

// ParseEndpointURL checks a URL given by a caller and returns it in normal form: scheme and host in lower case, "/" for an empty path, and a path in
// which what cannot be sent as it is has been percent-encoded, and nothing else has changed. The message is "" for a good one.
func ParseEndpointURL(s string) (u *url.URL, message string) {
	if s == "" {
		return nil, "must not be empty"
	}
	if len(s) > MaxURL {
		return nil, "must be at most " + strconv.Itoa(MaxURL) + " characters long"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return nil, "must not contain spaces, control characters or backslashes"
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, "is not a valid URL"
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, "must start with http:// or https://"
	}
	if u.Hostname() == "" {
		return nil, "must name a host"
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, "must name its host in ASCII; write a name in other letters as xn--…"
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, "has a port outside 1 to 65535"
		}
	}
	u.Host = strings.ToLower(u.Host)
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	if u.RawPath != "" && u.RawPath != u.EscapedPath() { // else the path would be encoded anew from its decoded form, and %2F come out as /
		u.RawPath = encodedPath(u.RawPath)
	}
	return u, ""
}

// encodedPath is path with every byte percent-encoded that must not stand in one (RFC 3986, section 3.3). What is encoded already stays as it is spelled.
func encodedPath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,;=:@/%[]", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Validate reports every wrong field of e, under the names of the Svix-shaped API.
func (e *Endpoint) Validate() error {
	var c Checks
	if u, m := ParseEndpointURL(e.URL); m != "" {
		c.Field(m, "url")
	} else {
		e.URL = u.String()
	}
	if m := CheckText(e.Description); m != "" {
		c.Field(m, "description")
	}
	if e.UID != "" {
		if m := CheckUID(KindEndpoint, e.UID); m != "" {
			c.Field(m, "uid")
		}
	}
	if e.EventTypes != nil && len(e.EventTypes) == 0 {
		c.Field("must name at least one event type, or be left out for all", "eventTypes")
	}
	for i, t := range e.EventTypes {
		m := CheckName(t)
		if m == "" && e.Operational() && !slices.Contains(OperationalEvents, t) {
			m = "is not an operational event; there are " + strings.Join(OperationalEvents, ", ")
		}
		if m != "" {
			c.Field(m, "eventTypes", "["+strconv.Itoa(i)+"]")
		}
	}
	if e.Tags != nil && (len(e.Tags) == 0 || len(e.Tags) > MaxTags) {
		c.Field("must have 1 to "+strconv.Itoa(MaxTags)+" entries, or be left out", "channels")
	}
	for i, t := range e.Tags {
		if m := CheckTag(t); m != "" {
			c.Field(m, "channels", "["+strconv.Itoa(i)+"]")
		}
	}
	if e.Ordered && e.Operational() {
		c.Field("is not offered for operational endpoints", "fifo")
	}
	if e.ThrottleRate < 0 || e.ThrottleRate > MaxThrottleRate {
		c.Field("must lie between 1 and 65535", "throttleRate")
	}
	if m := CheckMetadata(e.Metadata); m != "" {
		c.Field(m, "metadata")
	}
	for name, value := range e.Headers {
		if m := CheckHeader(name, value); m != "" {
			c.Field(m, "headers", name)
		}
	}
	return c.Err()
}

// MaxHeaderValue is the greatest length of the value of one custom header.
const MaxHeaderValue = 4096

var (
	forbiddenHeaders = []string{"user-agent", "host", "connection", "transfer-encoding", "te", "trailer", "trailers", "upgrade",
		"keep-alive", "age", "cache-control", "expires", "pragma", "warning", "clear-site-data", "accept-encoding", "expect"}
	forbiddenHeaderPrefixes = []string{"content-", "proxy-auth", "proxy-connection", "svix-", "x-svix-", "webhook-", "x-zavu-", "x-amz-",
		"x-amzn-", "x-goog-", "x-google", "x-gfe", "x-azure-", "x-fd-", "x-forwarded-", "metadata-flavor"}
)

// CheckHeader says what is wrong with a custom header of an endpoint.
func CheckHeader(name, value string) string {
	lower := strings.ToLower(name)
	switch {
	case !validHeaderName(name):
		return "is not a valid header name"
	case slices.Contains(forbiddenHeaders, lower) ||
		slices.ContainsFunc(forbiddenHeaderPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }):
		return "is a header that the server sets itself or keeps back"
	case len(value) > MaxHeaderValue:
		return "must have a value of at most " + strconv.Itoa(MaxHeaderValue) + " bytes"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "must have a value without control characters"
	}
	return ""
}

func validHeaderName(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if !nameRune(rune(b)) && !strings.ContainsRune("!#$%&'*+^`|~", rune(b)) || b >= 0x80 {
			return false
		}
	}
	return true
}

// SensitiveHeader reports whether the value of the named header is never shown again.
func SensitiveHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "X-Api-Key", "X-Auth-Token", "Www-Authenticate", "Proxy-Authenticate", "Proxy-Authorization":
		return true
	}
	return false
}
