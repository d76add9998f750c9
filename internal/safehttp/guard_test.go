package safehttp_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

type verdict struct {
	addr   netip.Addr
	public bool
}

func verdicts(t testing.TB) []verdict {
	text, err := os.ReadFile("testdata/addresses.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []verdict
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		out = append(out, verdict{netip.MustParseAddr(fields[1]), fields[0] == "public"})
	}
	return out
}

func TestGuard_JudgesSpecialPurposeAddresses(t *testing.T) {
	t.Parallel()
	list := verdicts(t)
	if len(list) < 200 {
		t.Fatalf("only %d addresses in the table", len(list))
	}
	g := safehttp.NewGuard(nil)
	for _, v := range list {
		err := g.Check(v.addr)
		if got := err == nil; got != v.public {
			t.Errorf("%v: passes = %v, want %v", v.addr, got, v.public)
		}
		var blocked *safehttp.BlockedError
		if err != nil && (!errors.As(err, &blocked) || blocked.Addr != v.addr) {
			t.Errorf("%v: error %#v does not hold the address", v.addr, err)
		}
		if got := simpleOracle(v.addr); got != v.public {
			t.Errorf("%v: the oracle of the fuzz test says %v, want %v", v.addr, got, v.public)
		}
		if !v.public && v.addr.Zone() == "" {
			own := safehttp.NewGuard([]netip.Prefix{netip.PrefixFrom(v.addr.Unmap(), v.addr.Unmap().BitLen())})
			if err := own.Check(v.addr); err != nil {
				t.Errorf("%v: refused although allowed: %v", v.addr, err)
			}
		}
	}
	if g.Check(netip.Addr{}) == nil {
		t.Error("the zero address passes")
	}
}

func TestGuard_AllowsByUnmappedAddress(t *testing.T) {
	t.Parallel()
	for _, allow := range []string{"127.0.0.0/8", "::ffff:127.0.0.0/104", "127.5.5.5/8"} {
		g := safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix(allow)})
		for addr, want := range map[string]bool{
			"127.0.0.1": true, "127.255.255.255": true, "::ffff:127.0.0.1": true,
			"::1": false, "::127.0.0.1": false, "10.0.0.1": false, "64:ff9b::127.0.0.1": false, "::ffff:127.0.0.1%lo": false,
		} {
			if got := g.Check(netip.MustParseAddr(addr)) == nil; got != want {
				t.Errorf("allowing %s: %s passes = %v, want %v", allow, addr, got, want)
			}
		}
	}
	if safehttp.NewGuard([]netip.Prefix{{}}).Check(netip.MustParseAddr("10.0.0.1")) == nil {
		t.Error("an invalid prefix allows something")
	}
}

func TestGuard_SaysTheSameOfEveryRefusedAddress(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(nil)
	words := func(addr string) string {
		return strings.ReplaceAll(g.Check(netip.MustParseAddr(addr)).Error(), addr, "…")
	}
	want := words("127.0.0.1")
	if !strings.Contains(want, "blocks; allow it with allow-networks") {
		t.Errorf("the sentence does not say what to do: %q", want)
	}
	for _, addr := range []string{"10.0.0.1", "169.254.169.254", "fe80::1", "::1", "224.0.0.1", "fe80::1%eth0"} {
		if got := words(addr); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
}

func TestGuard_ControlRefusesWhatIsNotAnAllowedTCPAddress(t *testing.T) {
	t.Parallel()
	g := safehttp.NewGuard(nil)
	for _, c := range []struct {
		network, address string
		ok               bool
	}{
		{"tcp4", "8.8.8.8:443", true},
		{"tcp6", "[2606:4700:4700::1111]:443", true},
		{"tcp4", "127.0.0.1:80", false},
		{"tcp6", "[::ffff:127.0.0.1]:80", false},
		{"tcp6", "[fe80::1%eth0]:80", false},
		{"tcp6", "[::1]:80", false},
		{"tcp4", "nonsense", false},
		{"udp4", "8.8.8.8:53", false},
		{"unix", "/run/some.sock", false},
	} {
		if got := g.Control(c.network, c.address, nil) == nil; got != c.ok {
			t.Errorf("%s %s: passes = %v, want %v", c.network, c.address, got, c.ok)
		}
	}
}

// simpleOracle restates the guard's promise in plain numbers, sharing no table with it.
func simpleOracle(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if b := a.As16(); a.Is4() || a.Is4In6() {
		return oracle4(binary.BigEndian.Uint32(b[12:]))
	} else {
		hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		switch {
		case hi>>61 != 1,
			hi>>41 == 0x20010000>>9,
			hi>>32 == 0x20010db8,
			hi>>48 == 0x2002,
			hi>>16 == 0x2620004f8000,
			hi>>44 == 0x3fff0:
			return false
		}
		if tag := lo >> 32; tag == 0x5efe || tag == 0x02005efe {
			return oracle4(uint32(lo))
		}
		return true
	}
}

func oracle4(n uint32) bool {
	a, b, c := n>>24, n>>16&255, n>>8&255
	switch {
	case a == 0, a == 10, a == 127, a >= 224,
		a == 100 && b >= 64 && b < 128,
		a == 169 && b == 254,
		a == 172 && b >= 16 && b < 32,
		a == 192 && b == 0 && (c == 0 || c == 2),
		a == 192 && b == 31 && c == 196,
		a == 192 && b == 52 && c == 193,
		a == 192 && b == 88 && c == 99,
		a == 192 && b == 168,
		a == 192 && b == 175 && c == 48,
		a == 198 && (b == 18 || b == 19),
		a == 198 && b == 51 && c == 100,
		a == 203 && b == 0 && c == 113,
		n == 0xa83f8110:
		return false
	}
	return true
}

func FuzzGuard(f *testing.F) {
	for _, v := range verdicts(f) {
		f.Add(v.addr.AsSlice())
	}
	g := safehttp.NewGuard(nil)
	f.Fuzz(func(t *testing.T, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		if got, want := g.Check(addr) == nil, simpleOracle(addr); got != want {
			t.Errorf("%v: passes = %v, want %v", addr, got, want)
		}
		if !addr.Is4() {
			return
		}
		// Dressed up as IPv6, an IPv4 address passes only in the dresses that lead straight to it, and only
		// if it would pass by itself.
		v4, alone := addr.As4(), g.Check(addr) == nil
		for prefix, straight := range map[string]bool{
			"::ffff:0:0": true, "2a00:1450::5efe:0:0": true, "2a00:1450::200:5efe:0:0": true,
			"::": false, "::ffff:0:0:0": false, "64:ff9b::": false, "64:ff9b:1::": false, "2001::": false,
		} {
			dressed := netip.MustParseAddr(prefix).As16()
			copy(dressed[12:], v4[:])
			if got, want := g.Check(netip.AddrFrom16(dressed)) == nil, straight && alone; got != want {
				t.Errorf("%v: passes = %v, want %v", netip.AddrFrom16(dressed), got, want)
			}
		}
		sixToFour := [16]byte{0x20, 0x02, v4[0], v4[1], v4[2], v4[3]}
		if g.Check(netip.AddrFrom16(sixToFour)) == nil {
			t.Errorf("%v passes", netip.AddrFrom16(sixToFour))
		}
	})
}
