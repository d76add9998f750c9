package safehttp_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestParseURL_AcceptsOrdinaryTargets(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(nil)
	for _, raw := range []string{
		"https://example.com", "http://example.com/hooks?a=1#frag", "https://example.com.:8443/", "https://EXAMPLE.com:443/x",
		"https://user:pass@example.com/", "https://93.184.215.14/", "https://[2606:4700:4700::1111]:8443/a", "https://xn--mnchen-3ya.de/",
		"https://my_host.example.com/", "https://example.com:/", "https://1e100.net/", "https://10.example.com/", "https://example.com/a%20b%0d%0a",
		"https://example.com/?q=ü", "https://127.0.0.1.nip.example/", "https://localhost.example.com/",
	} {
		if _, err := g.ParseURL(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestParseURL_RefusesDisguises(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(nil)
	for _, raw := range []string{
		"", "example.com", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "http:", "http:///x", "https:example.com", "http://:80/", "unix:///run/x.sock", "gopher://example.com/",
		// literal addresses
		"http://127.0.0.1/", "http://10.0.0.1:8080/", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]:80/",
		"http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25eth0]/", "http://[fd00::1]/", "http://[ff02::1]/",
		// other spellings of IPv4
		"http://2130706433/", "http://0x7f000001/", "http://0X7F000001/", "http://017700000001/", "http://127.1/", "http://127.0.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.0.0.0x1/", "http://127.0.0.1./", "http://00127.0.0.1/",
		"http://127.0.0.1.0/", "http://256.256.256.256/", "http://0/", "http://1/", "http://0x/", "http://example.1/", "http://example.0x7f/", "http://93.184.55310/",
		// full-width and other look-alikes
		"http://１２７.０.０.１/", "http://127。0。0。1/", "http://127．0．0．1/", "http://①②⑦.⓪.⓪.①/", "http://ⓛocalhost/", "http://example.com／evil/", "http://loc\u00adalhost/", "http://münchen.de/", "http://%31%32%37.0.0.1/", "http://%EF%BC%91/",
		// localhost
		"http://localhost/", "http://LOCALHOST:8080/", "http://localhost./", "http://foo.localhost/", "http://foo.LocalHost./",
		// ports
		"http://example.com:0/", "http://example.com:00080/", "http://example.com:65536/", "http://example.com:-1/", "http://example.com:25/", "http://example.com:6379/", "http://example.com:http/", "http://example.com:8080a/",
		// what one parser reads differently from another
		"http://example.com\\@10.0.0.1/", "http://10.0.0.1\\@example.com/", "http://example.com@10.0.0.1/", "http://example.com#@10.0.0.1:80/ ", "http://exa mple.com/", "http://example.com/\r\nX: y", "http://example.com/\x00", "http://example.com/\t", " http://example.com/", "http://example.com/?a b",
		"http://exam\tple.com/", "http://a..b/", "http://.example.com/", "http://./", "http://../", "http://[::1/", "http://[example.com]/", "http://2606:4700::1111/", "http://" + strings.Repeat("a", 64) + ".com/", "http://" + strings.Repeat("a.", 130) + "com/",
		"http://example.com,10.0.0.1/", "http://example.com;10.0.0.1/", "http://*/", "http://$host/",
	} {
		u, err := g.ParseURL(raw)
		if err == nil {
			t.Errorf("%q is accepted, with host %q", raw, u.Host)
			continue
		}
		var blocked *safehttp.BlockedError
		var reason *safehttp.URLError
		if !errors.As(err, &blocked) && !errors.As(err, &reason) {
			t.Errorf("%q: unexpected kind of error: %v", raw, err)
		}
		if strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("%q: control characters in the error: %q", raw, err)
		}
	}
}

func TestParseURL_FollowsAllowNetworks(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(loopback)
	for _, raw := range []string{"http://127.0.0.1:9/", "http://localhost:8420/x", "http://localhost./", "http://app.localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"} {
		if _, err := g.ParseURL(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range []string{"http://10.0.0.1/", "http://2130706433/", "http://127.1/", "http://127.0.0.1./"} {
		if _, err := g.ParseURL(raw); err == nil {
			t.Errorf("%s is accepted", raw)
		}
	}
}

func TestAllowsPlain_OnlyInsideAllowedNetworks(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(loopback)
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "[::1]:80": true, "[::1]": true, "::1": true, "localhost": true, "LOCALHOST.": true, "localhost:99": true, "::ffff:127.0.0.1": true,
		"10.0.0.1": false, "8.8.8.8": false, "example.com": false, "foo.localhost": false, "127.1": false, "[::1": false, "": false, "::1%lo": false,
	} {
		if got := g.AllowsPlain(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
	if none := safehttp.NewGuard(nil); none.AllowsPlain("localhost") || none.AllowsPlain("127.0.0.1") || none.AllowsPlain("8.8.8.8") {
		t.Error("plain http is permitted without any allowed network")
	}
}

func FuzzParseURL(f *testing.F) {
	for _, raw := range []string{"http://example.com/a?b#c", "http://127.0.0.1/", "https://[::1]:8/", "http://0x7f.1/", "http://a@b:1/"} {
		f.Add(raw)
	}
	g := safehttp.NewGuard(nil)
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := g.ParseURL(raw)
		if err != nil {
			return
		}
		host := u.Hostname()
		if addr, err := netip.ParseAddr(host); err == nil && g.Check(addr) != nil {
			t.Errorf("%q leads to %v", raw, addr)
		}
		if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
			t.Errorf("%q leads to localhost", raw)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host {
			t.Errorf("%q is read as host %q, then %v %v", raw, u.Host, again, err)
		}
	})
}
