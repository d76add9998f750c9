package diagnose

import (
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const (
	// certificateSoon is how long before its end a certificate is worth a word.
	certificateSoon = 14 * 24 * time.Hour
	// slow is how long an answer takes that is worth one.
	slow = 5 * time.Second
	// shortestSecret is the length below which a secret is not looked for: it would be found by chance.
	shortestSecret = 8
)

// warnings are what is wrong besides.
func (c *evidence) warnings() (list []Diagnosis) {
	warn := func(code, sentence, cause, next string) {
		list = append(list, Diagnosis{Code: code, Warning: true, Sentence: sentence, Cause: cause, Next: next})
	}
	a := c.a
	if a.OK && c.html {
		switch {
		case c.says(`type="password"`, `type='password'`, "type=password", "sign in", "log in", "login"):
			warn("html_login", "The answer was "+strconv.Itoa(a.Code)+", and a log-in page.", "The request was led to a page for people; your handler most likely never saw it.", "Leave this path out of the log-in. Look whether your server has the event.")
		case c.says("just a moment", "challenge-platform", "captcha"):
			warn("html_challenge", "The answer was "+strconv.Itoa(a.Code)+", and a puzzle for browsers.", "A firewall answered in place of your server, which most likely never saw the request.", "Let this path past the firewall.")
		default:
			warn("html_page", "The answer was "+strconv.Itoa(a.Code)+", and a page of HTML.", "The address may be that of a site rather than of your handler: many answer every path with the same page.", "Look whether your server has the event, and answer with a short text or JSON.")
		}
	}
	if a.Code != 0 && c.echoes() {
		warn("secret_echoed", "The answer contains a secret of the endpoint.", "The server shows what it is set up with, as debug pages do. Whoever sees the answer can sign events.", "Take it out of the answer, and rotate the secret.")
	}
	if ends := c.facts.TLS.Ends; !ends.IsZero() && a.Failure != safehttp.CodeTLSExpired {
		if left := ends.Sub(c.k.Now); left > 0 && left < certificateSoon {
			warn("certificate_expiring", "The certificate ends on "+day(ends)+", in "+days(left)+".", "It was not renewed yet.", "Renew it before then: afterwards nothing can be delivered.")
		}
	}
	switch c.facts.BodyFailure {
	case "":
	case safehttp.CodeTimeout:
		warn("body_slow", "The status was there, and the rest of the answer took too long.", "The server streams its answer, or says a wrong Content-Length. The status counts.", "End the answer together with its status.")
	default:
		warn("body_cut_off", "The status was there, and the rest of the answer was cut off.", "The server closed too early or said a wrong Content-Length. The status counts.", "Look for a crash after the answer was begun.")
	}
	if a.OK && a.Timings.Total >= slow {
		warn("slow", "The answer took "+seconds(a.Timings.Total)+".", "The server does its work before it answers. Not much more, and the attempt would have failed.", "Answer first and do the work afterwards, from a queue.")
	}
	return list
}

// echoes reports whether the answer holds a secret.
func (c *evidence) echoes() bool {
	text := string(c.a.Answer)
	for _, s := range c.k.Secrets {
		if len(s) >= shortestSecret && strings.Contains(text, s) {
			return true
		}
		if bare := strings.TrimPrefix(s, "whsec_"); bare != s && len(bare) >= shortestSecret && strings.Contains(text, bare) {
			return true
		}
	}
	return false
}

func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return strconv.Itoa(n) + " days"
	}
}
