// Package diagnose says in plain words why an attempt at delivering an event failed: what happened, what is behind it most likely, and what to do next. It looks at what is recorded of the
// attempt alone: it asks nobody, and the same attempt always gets the same answer. Who may see it, and where it is shown, is left to its callers.
package diagnose

import (
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Diagnosis is one thing that is wrong with an attempt.
type Diagnosis struct {
	// Code is a stable word for it, such as "tls_expired" or "firewall". Those of attempts without an answer are the ones that safehttp knows, or finer ones.
	Code string
	// Warning reports that the attempt has not failed for it, or not for it alone.
	Warning bool
	// Sentence is what happened, Cause what is behind it most likely, Next what to do. Each is whole sentences; Cause may be empty.
	Sentence, Cause, Next string
	// Target is the address that a redirect leads to, where one can be sent to; else empty.
	Target string
	// Said is what the receiver said about it, shortened to a line; empty: nothing that helps. It is foreign text.
	Said string
}

// Known is what is known besides the attempt.
type Known struct {
	// Secrets are what must not be in an answer: signing secrets, and the values of secret headers.
	Secrets []string
	// Now is the time of asking, for certificates that expire soon; zero: the attempt's own.
	Now time.Time
}

// Of is what is wrong with the attempt. For one that failed the first is the reason, and there is always one; what follows are warnings. A success has warnings at most.
func Of(a *hookswitch.Attempt, k Known) []Diagnosis {
	if k.Now.IsZero() {
		k.Now = a.CreatedAt()
	}
	c := newCase(a, k)
	var list []Diagnosis
	switch {
	case a.OK:
	case a.Code == 0:
		list = append(list, c.unanswered())
	default:
		list = append(list, c.refused())
	}
	return append(list, c.warnings()...)
}

// Reason is the first of Of: why the attempt failed. Of a success it is the first warning, or the zero Diagnosis.
func Reason(a *hookswitch.Attempt, k Known) Diagnosis {
	if list := Of(a, k); len(list) > 0 {
		return list[0]
	}
	return Diagnosis{}
}

// evidence is an attempt as it is looked at.
type evidence struct {
	a       *hookswitch.Attempt
	k       Known
	facts   hookswitch.AttemptFacts
	headers map[string]string // of the answer, by name in lower case; the first of each name
	body    string            // the beginning of the answer, in lower case
	html    bool
}

// maxLook is how much of an answer is looked at.
const maxLook = 16 << 10

func newCase(a *hookswitch.Attempt, k Known) *evidence {
	c := &evidence{a: a, k: k, headers: make(map[string]string)}
	if a.Facts != nil {
		c.facts = *a.Facts
	}
	for _, line := range a.HeaderLines() {
		name := strings.ToLower(line.Name)
		if _, ok := c.headers[name]; !ok {
			c.headers[name] = line.Value
		}
	}
	if a.Code != 0 {
		c.body = strings.ToLower(string(a.Answer[:min(len(a.Answer), maxLook)]))
	}
	start := strings.TrimLeft(c.body, " \t\r\n\ufeff")
	c.html = strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") || strings.HasPrefix(strings.ToLower(c.headers["content-type"]), "text/html")
	return c
}

// says reports whether the answer holds one of the texts, which are in lower case.
func (c *evidence) says(texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(c.body, t) {
			return true
		}
	}
	return false
}

// header is a header of the answer in lower case.
func (c *evidence) header(name string) string { return strings.ToLower(c.headers[name]) }

// maxSaid is how much of an answer is quoted, in letters.
const maxSaid = 160

// said is the answer as one short line, where it is fit to be quoted.
func (c *evidence) said() string {
	if c.html {
		return title(string(c.a.Answer[:min(len(c.a.Answer), maxLook)]))
	}
	return shorten(string(c.a.Answer[:min(len(c.a.Answer), 4*maxSaid)]))
}

func shorten(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
			return -1
		}
		return r
	}, s), "")), " ")
	if r := []rune(s); len(r) > maxSaid {
		return string(r[:maxSaid-1]) + "…"
	}
	return s
}

// title is the title of a page of HTML.
func title(s string) string {
	lower := strings.ToLower(s)
	if len(lower) != len(s) { // letters that change their length would move the places
		return ""
	}
	i := strings.Index(lower, "<title")
	if i < 0 {
		return ""
	}
	open := strings.IndexByte(lower[i:], '>')
	end := strings.Index(lower[i:], "</title")
	if open < 0 || end < open {
		return ""
	}
	return shorten(s[i+open+1 : i+end])
}
