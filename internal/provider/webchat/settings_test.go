package webchat

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestSettings_OriginsAreWhatBrowsersSend(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://www.example.com": "https://www.example.com", " HTTPS://WWW.Example.com/ ": "https://www.example.com", "https://example.com:443": "https://example.com",
		"http://127.0.0.1:3000": "http://127.0.0.1:3000", "http://localhost:80": "http://localhost", "https://[2001:db8::1]:8443": "https://[2001:db8::1]:8443",
		"https://example.com/path": "", "https://example.com?x": "", "https://example.com#x": "", "https://u:p@example.com": "", "ftp://example.com": "", "example.com": "",
		"*": "", "https://*.example.com": "", "https://": "", "https://example.com:": "", "null": "", "https://müller.example": "", "https://a.example https://b.example": "",
		"https://a.example,b.example": "", "javascript:alert(1)": "", "https://example.com:x": "",
	} {
		c := hookswitch.Credentials{"allowed_origins": {text}}
		s, wrong := ReadSettings(c), New().CheckCredentials(hookswitch.WebChat, c)
		if (want == "") != (wrong != nil) || want == "" && len(s.Origins) != 0 || want != "" && (!slices.Equal(s.Origins, []string{want}) || !s.Allows(want)) {
			t.Errorf("%q is read as %q, and found %v", text, s.Origins, wrong)
		}
	}
	if s := ReadSettings(nil); s.Allows("") || s.Allows("https://example.com") {
		t.Error("without origins everybody is allowed")
	}
}

func TestSettings_HaveDefaultsAndBounds(t *testing.T) {
	t.Parallel()
	s := ReadSettings(hookswitch.Credentials{"colour": {"#ABC"}, "greeting": {"Hi"}, "text_send": {"Senden"}, "text_nothing": {"x"}, "title": {"  "}})
	if s.Title != defaultTitle || s.Colour != "#aabbcc" || s.Greeting != "Hi" || s.Texts["send"] != "Senden" || s.Texts["retry"] != words["retry"] || len(s.Texts) != len(words) {
		t.Errorf("got %+v", s)
	}
	for _, c := range []hookswitch.Credentials{
		{"colour": {"red"}}, {"colour": {"#12345"}}, {"colour": {"#123456;background:url(x)"}}, {"title": {strings.Repeat("x", 61)}}, {"greeting": {strings.Repeat("x", 1001)}},
		{"text_send": {strings.Repeat("x", 201)}}, {"text_unknown": {"x"}}, {"allowed_origins": slices.Repeat([]string{"https://a.example"}, 101)},
	} {
		if hookswitch.KindOf(New().CheckCredentials(hookswitch.WebChat, c)) != hookswitch.Invalid {
			t.Errorf("%d credentials such as %v are taken", len(c), []string(c[keyOf(c)])[0])
		}
		if s := ReadSettings(c); !hexColour.MatchString(s.Colour) || len(s.Title) > maxTitle || len(s.Greeting) > maxGreeting {
			t.Errorf("got %+v", s)
		}
	}
	if err := New().CheckCredentials(hookswitch.WebChat, hookswitch.Credentials{"token": {"x"}, "colour": {"#0d5c4d"}}); err != nil {
		t.Error(err)
	}
}

func keyOf(c hookswitch.Credentials) string {
	for name := range c {
		return name
	}
	return ""
}
