package safehttp

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
)

// A Guard decides which addresses may be dialled. It refuses everything that is not an ordinary address of
// the public internet, except what the operator has allowed. A Guard is immutable and safe for concurrent use.
type Guard struct {
	allow []netip.Prefix
}

// NewGuard returns a guard that lets through public addresses and those inside allow. Prefixes written in
// the IPv4-mapped form count as the IPv4 prefixes they stand for.
func NewGuard(allow []netip.Prefix) *Guard {
	g := &Guard{}
	for _, p := range allow {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.IsValid() {
			g.allow = append(g.allow, p.Masked())
		}
	}
	return g
}

// A BlockedError reports that an address may not be dialled. All refused addresses read the same, so that
// the text tells nobody what lives behind them.
type BlockedError struct {
	// Addr is the address that was refused; invalid where only a name was looked at.
	Addr netip.Addr
	// Host is the host as the URL spells it, if the address came from one. It is what Error shows: the
	// address behind a name of somebody's internal network is not for the eyes of whoever guessed the name.
	Host string
}

// Error says that the range is blocked and how to allow it.
func (e *BlockedError) Error() string {
	subject := e.Host
	if subject == "" {
		subject = e.Addr.String()
	}
	return "address " + subject + " is in a range that the server's configuration blocks; allow it with allow-networks"
}

// Check returns a *BlockedError unless addr may be dialled. An address with a zone is always refused.
func (g *Guard) Check(addr netip.Addr) error {
	if g.permits(addr) {
		return nil
	}
	return &BlockedError{Addr: addr}
}

func (g *Guard) permits(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if g.allows(addr) {
		return true
	}
	if addr.Is4() {
		return !within(addr, refused4)
	}
	if !globalUnicast6.Contains(addr) || within(addr, refused6) {
		return false
	}
	inner, ok := isatap(addr)
	return !ok || g.permits(inner)
}

// allows reports whether the operator has opened the network of addr, which is already unmapped.
func (g *Guard) allows(addr netip.Addr) bool { return within(addr, g.allow) }

func within(addr netip.Addr, ranges []netip.Prefix) bool {
	for _, p := range ranges {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// allowsLoopback reports whether the name localhost can lead anywhere.
func (g *Guard) allowsLoopback() bool {
	return g.allows(netip.AddrFrom4([4]byte{127, 0, 0, 1})) || g.allows(netip.IPv6Loopback())
}

// AllowsPlain reports whether http without TLS is permitted to host, because host is a literal address
// inside the allowed networks, or localhost while loopback is one of them. The host may carry a port or brackets.
func (g *Guard) AllowsPlain(host string) bool {
	host = bareHost(host)
	if isLocalhost(host) {
		return g.allowsLoopback()
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && g.allows(addr.Unmap())
}

// Control is for the field of that name in a net.Dialer. It sees the address that is about to be connected
// to, after all name resolution, which is why a name cannot change its mind between check and use.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return errors.New("only TCP may be dialled")
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &BlockedError{Host: address}
	}
	return g.Check(ap.Addr())
}

// bareHost strips a port and the brackets of an IPv6 literal.
func bareHost(host string) string {
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
		return host
	}
	if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		return host[:i]
	}
	return host
}

// refused4 is the IANA IPv4 special-purpose registry, all of it: the few entries marked globally reachable
// are anycast services on which nobody receives webhooks. Multicast and one platform address are added.
// https://www.iana.org/assignments/iana-ipv4-special-registry/
var refused4 = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared by carrier-grade NAT
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host agent: looks public, is answered by the machine's own host
	"169.254.0.0/16",   // link-local, cloud metadata
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.31.196.0/24",  // AS112
	"192.52.193.0/24",  // multicast tunnels
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"192.175.48.0/24",  // AS112
	"198.18.0.0/15",    // benchmarking
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
)

// globalUnicast6 is the only part of IPv6 from which public addresses are given out. What lies outside is
// refused as a whole: unspecified, loopback, IPv4-compatible and -translated forms, both NAT64 prefixes,
// discard-only, segment routing, unique-local, link-local, site-local, multicast, and the unassigned rest.
// https://www.iana.org/assignments/ipv6-address-space/
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// refused6 holds the special-purpose ranges inside global unicast.
// https://www.iana.org/assignments/iana-ipv6-special-registry/
var refused6 = prefixes(
	"2001::/23",         // protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, DRIP
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4, which wraps any IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// isatap returns the IPv4 address that an ISATAP interface identifier (RFC 5214) would tunnel to.
func isatap(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	if b[8]&^0x02 != 0 || b[9] != 0 || b[10] != 0x5e || b[11] != 0xfe {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b[12:])), true
}
