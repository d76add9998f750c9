package webchat

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

var _ hookswitch.CredentialsChecker = (*Provider)(nil)

// The settings of a chat on web sites. They stand beside the token in the sender file, and are no secrets.
const (
	setOrigins  = "allowed_origins"
	setTitle    = "title"
	setGreeting = "greeting"
	setColour   = "colour"
	textPrefix  = "text_"
)

// Bounds of the settings.
const (
	maxOrigins  = 100
	maxTitle    = 60
	maxGreeting = 1000
	maxWords    = 200
)

// DefaultColour is the colour of a chat that sets none.
const DefaultColour = "#0d5c4d"

// defaultTitle heads a chat that sets none.
const defaultTitle = "Chat with us"

// words are the texts of the widget by their names in its settings, which have "text_" before them.
var words = map[string]string{
	"open": "Open the chat", "close": "Close the chat", "unread": "new messages", "conversation": "Conversation", "placeholder": "Write a message…", "send": "Send",
	"typing": "An answer is being written", "sending": "Sending…", "failed": "Not sent.", "retry": "Try again", "offline": "Connecting again…",
	"you": "You said:", "they": "Answer:",
}

// Settings are what a chat on web sites looks like, and where it may be.
type Settings struct {
	// Origins are the sites that may show the chat, each as browsers name it: https://www.example.com.
	Origins  []string
	Title    string
	Greeting string // empty: none
	Colour   string // #rrggbb
	Texts    map[string]string
}

// ReadSettings are the settings among c. What is wrong has its default: CheckCredentials has refused it before.
func ReadSettings(c hookswitch.Credentials) Settings {
	s := Settings{Title: defaultTitle, Greeting: clip(c.First(setGreeting), maxGreeting), Colour: DefaultColour, Texts: make(map[string]string, len(words))}
	for _, text := range c.All(setOrigins) {
		if origin, ok := originOf(text); ok {
			s.Origins = append(s.Origins, origin)
		}
	}
	if title := strings.TrimSpace(c.First(setTitle)); title != "" {
		s.Title = clip(title, maxTitle)
	}
	if colour, ok := colourOf(c.First(setColour)); ok {
		s.Colour = colour
	}
	for name, otherwise := range words {
		s.Texts[name] = otherwise
		if own := strings.TrimSpace(c.First(textPrefix + name)); own != "" {
			s.Texts[name] = clip(own, maxWords)
		}
	}
	return s
}

// Allows reports whether pages of the origin, as a browser names it, may show the chat.
func (s *Settings) Allows(origin string) bool { return slices.Contains(s.Origins, origin) }

// CheckCredentials says which settings are wrong.
func (p *Provider) CheckCredentials(_ hookswitch.Channel, c hookswitch.Credentials) error {
	var checks hookswitch.Checks
	origins := c.All(setOrigins)
	if len(origins) > maxOrigins {
		checks.Field("must have at most "+strconv.Itoa(maxOrigins)+" entries", setOrigins)
	}
	for _, text := range origins {
		if _, ok := originOf(text); !ok {
			checks.Field("must be origins such as https://www.example.com, without a path, and "+strconv.Quote(clip(text, 100))+" is none", setOrigins)
		}
	}
	if colour := c.First(setColour); colour != "" {
		if _, ok := colourOf(colour); !ok {
			checks.Field("must be a colour such as #0d5c4d", setColour)
		}
	}
	length := func(name string, most int) {
		if utf8.RuneCountInString(c.First(name)) > most {
			checks.Field("must have at most "+strconv.Itoa(most)+" characters", name)
		}
	}
	length(setTitle, maxTitle)
	length(setGreeting, maxGreeting)
	var names []string
	for name := range c {
		if strings.HasPrefix(name, textPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if _, ok := words[strings.TrimPrefix(name, textPrefix)]; !ok {
			checks.Field("is not a text of the widget", name)
			continue
		}
		length(name, maxWords)
	}
	return checks.Err()
}

// originOf is an origin as browsers write it: lower case, the host in ASCII, without the port that the scheme implies. Plain http is for tests on the own machine; browsers
// themselves keep such pages from most things.
func originOf(text string) (string, bool) {
	u, err := url.Parse(strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "/")))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery ||
		strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' || strings.ContainsRune("* ,;'\"<>", r) }) {
		return "", false
	}
	host := u.Host
	switch port := u.Port(); {
	case port == "" && strings.HasSuffix(host, ":"):
		return "", false
	case u.Scheme == "https" && port == "443", u.Scheme == "http" && port == "80":
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host, true
}

var hexColour = regexp.MustCompile(`^#([0-9a-f]{3}|[0-9a-f]{6})$`)

// colourOf is a colour in the form #rrggbb. Nothing else gets into a style.
func colourOf(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !hexColour.MatchString(text) {
		return "", false
	}
	if len(text) == 4 {
		text = string([]byte{'#', text[1], text[1], text[2], text[2], text[3], text[3]})
	}
	return text, true
}

// clip is at most n characters of s.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
