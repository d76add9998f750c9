package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Networks is a list of networks in CIDR notation or single addresses, separated by commas.
type Networks []netip.Prefix

// UnmarshalText reads ns.
func (ns *Networks) UnmarshalText(text []byte) error {
	list := Networks{}
	for _, item := range splitList(string(text)) {
		network, err := netip.ParsePrefix(item)
		if err != nil {
			address, err := netip.ParseAddr(item)
			if err != nil || address.Zone() != "" {
				return fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", item)
			}
			network = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())
		}
		if network.Addr().Is4In6() {
			return fmt.Errorf("%q hides an IPv4 network in an IPv6 one; write it as IPv4", item)
		}
		list = append(list, network.Masked())
	}
	*ns = list
	return nil
}

// Listen is an address to listen on, HOST:PORT. An empty host means all interfaces, port 0 any free port.
type Listen string

// UnmarshalText reads l.
func (l *Listen) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT, such as 127.0.0.1:8420", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port from 0 to 65535", text)
	}
	*l = Listen(net.JoinHostPort(host, port))
	return nil
}
