package widget

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
)

// maxScript is what the widget may weigh, before it is compressed on its way.
const maxScript = 15_000

func TestScript_IsSmallAndMadeOfItsSources(t *testing.T) {
	t.Parallel()
	if len(chatScript) > maxScript {
		t.Errorf("the script has %d bytes, and may have %d", len(chatScript), maxScript)
	}
	sums, err := os.ReadFile("static/chat.sum")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		source, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(source); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s has changed since the script was made: run go generate ./internal/widget", name)
		}
	}
	if n := strings.Count(string(sums), "\n"); n != 2 {
		t.Errorf("the script has %d sources", n)
	}
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("} {
		if strings.Contains(string(chatScript), way) {
			t.Errorf("the script makes markup or code of texts with %s", way)
		}
	}
}

func TestTextOn_CanBeRead(t *testing.T) {
	t.Parallel()
	for colour, want := range map[string]string{"#0d5c4d": "#ffffff", "#1f4fd8": "#ffffff", "#ffffff": inkOnLight, "#ffd400": inkOnLight, "#000000": "#ffffff", "#ff6a00": inkOnLight} {
		if got := textOn(colour); got != want {
			t.Errorf("on %s: %s, want %s", colour, got, want)
		}
	}
	// Whatever the colour is, the better of the two reaches the contrast that WCAG asks of text.
	for n := range 1 << 12 {
		colour := fmt.Sprintf("#%02x%02x%02x", n>>8*17, n>>4&15*17, n&15*17)
		a, b := luminance(colour), luminance(textOn(colour))
		if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4 {
			t.Errorf("on %s the contrast is %.2f", colour, ratio)
		}
	}
}

func TestAddressOf_TakesTheWordOfProxiesOnOurNetworkOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:80", "", "192.0.2.1"},
		{"192.0.2.1:80", "198.51.100.9", "192.0.2.1"},
		{"127.0.0.1:80", "198.51.100.9", "198.51.100.9"},
		{"10.1.2.3:80", "1.1.1.1, 198.51.100.9", "198.51.100.9"},
		{"[::1]:80", "nonsense", "::/64"},
		{"[::ffff:10.0.0.1]:80", "", "10.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:80", "", "2001:db8:1:2::/64"},
		{"10.0.0.1:80", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"},
		{"pipe", "", "pipe"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := addressOf(r); got != c.want {
			t.Errorf("%s for %q counts as %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestLimiter_RemembersABoundedNumber(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(rate.Every(time.Hour), 1), time.Now()
	for i := range maxBuckets {
		if err := l.take(fmt.Sprint(i), now); err != nil {
			t.Fatal(err)
		}
	}
	if l.take("0", now) == nil {
		t.Error("an empty bucket gives")
	}
	if err := l.take("one more", now); err != nil || len(l.buckets) > maxBuckets {
		t.Errorf("%v, with %d buckets", err, len(l.buckets))
	}
	l.buckets["0"] = rate.NewLimiter(l.every, l.burst)
	l.buckets["0"].AllowN(now, 1)
	l.forget(now.Add(30 * time.Minute))
	if l.buckets["0"] == nil {
		t.Error("a bucket that is not full is forgotten")
	}
	l.forget(now.Add(time.Hour))
	if len(l.buckets) != 0 {
		t.Errorf("%d full buckets are kept", len(l.buckets))
	}
}

func TestStreams_GiveBackTheirPlaces(t *testing.T) {
	t.Parallel()
	s := newStreams(1000)
	var places []*place
	for i := range perAddress {
		p, err := s.enter(fmt.Sprint("visitor ", i/2), "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	if _, err := s.enter("one more", "192.0.2.1"); hookswitch.KindOf(err) != hookswitch.RateLimited {
		t.Errorf("one more from the address: %v", err)
	}
	if _, err := s.enter("one more", "192.0.2.2"); err != nil {
		t.Errorf("from another address: %v", err)
	}
	for range 2 { // one that was replaced leaves too
		for _, p := range places {
			s.leave(p)
		}
	}
	if s.open != 1 || len(s.visitors) != 1 || len(s.addresses) != 1 {
		t.Errorf("%d open, %d visitors, %d addresses", s.open, len(s.visitors), len(s.addresses))
	}
}

func TestCursor_OfManyMessagesIsBounded(t *testing.T) {
	t.Parallel()
	c := cursor{mark: 5}
	for key := range hookswitch.Key(500) {
		c.add(key + 10)
	}
	back, ok := parseCursor(c.String())
	if !ok || back.mark != 5 || len(back.seen) != maxSeen || !back.has(509) || back.has(10) || !back.has(5) {
		t.Errorf("reads back as %v with %d keys", back.mark, len(back.seen))
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{"", "0", "1y2p0ij32e8e7.1y2p0ij32e8e8.1y2p0ij32e8e9", "-1", "9.8.7", "zzzzzzzzzzzzzzzz", "1..2", strings.Repeat("1.", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCursor(text)
		if !ok {
			return
		}
		back, ok := parseCursor(c.String())
		if !ok || back.String() != c.String() {
			t.Errorf("%q reads as %s, and that as %s", text, c.String(), back.String())
		}
		for i := 1; i < len(c.seen); i++ {
			if c.seen[i-1] >= c.seen[i] {
				t.Errorf("%q is not in order", text)
			}
		}
	})
}

func FuzzReadSession(f *testing.F) {
	wg := &Widget{key: []byte("key")}
	s := newVisitor(77)
	f.Add(wg.issue(s, time.Unix(1_700_000_000, 0)))
	f.Add("wcs_")
	f.Add("wcs_AAAA")
	if back, ok := wg.read(wg.issue(s, time.Unix(1_700_000_000, 0))); !ok || back.visitor != s.visitor || back.sender != 77 || back.issued.Unix() != 1_700_000_000 {
		f.Fatalf("reads back as %+v", back)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if s, ok := wg.read(token); ok && wg.issue(s, s.issued) != token {
			t.Errorf("%q is taken for the session %+v", token, s)
		}
	})
}
