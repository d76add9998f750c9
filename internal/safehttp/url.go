package safehttp

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// A URLError says in a sentence for its author why a URL cannot be used.
type URLError struct {
	Reason string
}

// Error returns the sentence.
func (e *URLError) Error() string { return e.Reason }

// ParseURL parses and checks a URL that somebody wants requests to be sent to. The result is what
// [Client.Do] takes, so that check and use cannot read the text differently. Userinfo is left in place;
// whether it is welcome is the caller's decision.
func (g *Guard) ParseURL(raw string) (*url.URL, error) {
	for i := 0; i < len(raw); i++ {
		if b := raw[i]; b <= ' ' || b == 0x7f || b == '\\' {
			return nil, &URLError{"URL must not contain spaces, control characters or backslashes"}
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &URLError{"URL cannot be parsed"}
	}
	return u, g.CheckURL(u)
}

// CheckURL decides what can be decided about a URL without asking the network: scheme, host, port and
// literal addresses. Names are not resolved here; their addresses are checked when they are dialled.
// It returns a *URLError or a *BlockedError.
func (g *Guard) CheckURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return &URLError{"URL must begin with http:// or https://"}
	}
	if u.Opaque != "" || u.Host == "" {
		return &URLError{"URL must name a host"}
	}
	if hasControl(u.RawQuery) {
		return &URLError{"URL must not contain spaces, control characters or backslashes"}
	}
	host, port := u.Hostname(), u.Port()
	if err := checkPort(port); err != nil {
		return err
	}
	return g.checkHost(host)
}

// checkHost refuses hosts that are, or try to look like, blocked addresses. It runs when a URL is set and
// again before each dial.
func (g *Guard) checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if !g.permits(addr) {
			return &BlockedError{Addr: addr, Host: host}
		}
		return nil
	}
	name := strings.TrimSuffix(host, ".")
	if name == "" {
		return &URLError{"URL must name a host"}
	}
	for i := 0; i < len(name); i++ {
		if !isHostByte(name[i]) {
			return &URLError{"URL has a character in its host that host names cannot contain; write international names in their xn-- form"}
		}
	}
	last := name
	for rest := name; rest != ""; {
		var more bool
		last, rest, more = strings.Cut(rest, ".")
		if last == "" || more && rest == "" || len(last) > 63 {
			return &URLError{"URL has a host that is not a valid name"}
		}
	}
	if len(name) > 253 {
		return &URLError{"URL has a host that is not a valid name"}
	}
	if looksNumeric(last) {
		return &URLError{"URL has an IP address in an unusual spelling; write IPv4 as four decimal numbers, IPv6 in brackets"}
	}
	if (isLocalhost(name) || strings.EqualFold(last, "localhost")) && !g.allowsLoopback() {
		return &BlockedError{Host: host}
	}
	return nil
}

// looksNumeric reports whether the last label of a host makes some resolvers read the whole as an IPv4
// address: decimal, octal, hexadecimal, in one to four parts.
func looksNumeric(label string) bool {
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		for i := 2; i < len(label); i++ {
			if b := label[i] | 0x20; (b < '0' || b > '9') && (b < 'a' || b > 'f') {
				return false
			}
		}
		return true
	}
	for i := 0; i < len(label); i++ {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}

func isHostByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_' || b == '.'
}

func isLocalhost(host string) bool {
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// checkPort refuses port 0 and the ports of services that can be fooled by text an HTTP client writes:
// shells, mail, databases and caches.
func checkPort(port string) error {
	switch port {
	case "":
		return nil
	case "21", "22", "23", "25", "53", "110", "143", "465", "587", "993", "995",
		"3306", "5432", "6379", "11211", "27017":
		return &URLError{"URL has port " + port + ", which belongs to another protocol"}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '0' {
		return &URLError{"URL must have a port between 1 and 65535"}
	}
	return nil
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
