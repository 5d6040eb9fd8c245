package hooks

import "net/netip"

// reach says what kind of network an address belongs to.
type reach string

const (
	public reach = ""
	// intranet addresses are those that a private deployment may call on purpose.
	loopback reach = "a loopback address"
	private  reach = "a private address"
	shared   reach = "a carrier-grade NAT address"
	// The rest is never a subscriber.
	linkLocal   reach = "a link-local address"
	multicast   reach = "a multicast address"
	unspecified reach = "the unspecified address"
	translated  reach = "an IPv6 form of an IPv4 address"
	reserved    reach = "a reserved address"
)

// intranet tells whether AllowPrivate opens this kind of address.
func (r reach) intranet() bool { return r == loopback || r == private || r == shared }

type block struct {
	prefix netip.Prefix
	reach  reach
}

// blocks lists the special blocks of the IANA registries for IPv4 and IPv6
// (RFC 6890, iana.org/assignments/iana-ipv4-special-registry and -ipv6-), the first
// match wins. Cloud metadata (169.254.0.23 and 169.254.169.254) is link-local.
func blocks() []block {
	return []block{
		{netip.MustParsePrefix("0.0.0.0/32"), unspecified},
		{netip.MustParsePrefix("0.0.0.0/8"), reserved},
		{netip.MustParsePrefix("10.0.0.0/8"), private},
		{netip.MustParsePrefix("100.64.0.0/10"), shared},
		{netip.MustParsePrefix("127.0.0.0/8"), loopback},
		{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
		{netip.MustParsePrefix("172.16.0.0/12"), private},
		{netip.MustParsePrefix("192.0.0.0/24"), reserved},
		{netip.MustParsePrefix("192.0.2.0/24"), reserved},
		{netip.MustParsePrefix("192.31.196.0/24"), reserved},
		{netip.MustParsePrefix("192.52.193.0/24"), reserved},
		{netip.MustParsePrefix("192.88.99.0/24"), reserved},
		{netip.MustParsePrefix("192.168.0.0/16"), private},
		{netip.MustParsePrefix("192.175.48.0/24"), reserved},
		{netip.MustParsePrefix("198.18.0.0/15"), reserved},
		{netip.MustParsePrefix("198.51.100.0/24"), reserved},
		{netip.MustParsePrefix("203.0.113.0/24"), reserved},
		{netip.MustParsePrefix("224.0.0.0/4"), multicast},
		{netip.MustParsePrefix("240.0.0.0/4"), reserved},

		{netip.MustParsePrefix("::/128"), unspecified},
		{netip.MustParsePrefix("::1/128"), loopback},
		{netip.MustParsePrefix("::ffff:0:0/96"), translated},   // IPv4-mapped
		{netip.MustParsePrefix("::ffff:0:0:0/96"), translated}, // IPv4-translated
		{netip.MustParsePrefix("::/96"), translated},           // IPv4-compatible
		{netip.MustParsePrefix("64:ff9b::/96"), translated},    // NAT64
		{netip.MustParsePrefix("64:ff9b:1::/48"), translated},  // local NAT64
		{netip.MustParsePrefix("2001::/32"), translated},       // Teredo
		{netip.MustParsePrefix("2002::/16"), translated},       // 6to4
		{netip.MustParsePrefix("2001::/23"), reserved},
		{netip.MustParsePrefix("2001:db8::/32"), reserved},
		{netip.MustParsePrefix("3fff::/20"), reserved},
		{netip.MustParsePrefix("fc00::/7"), private},
		{netip.MustParsePrefix("fe80::/10"), linkLocal},
		{netip.MustParsePrefix("ff00::/8"), multicast},
	}
}

// reachOf says what kind of network addr belongs to. Of IPv6 only the global unicast
// block 2000::/3 is public.
func reachOf(addr netip.Addr) reach {
	if !addr.IsValid() {
		return reserved
	}
	mapped := addr.Is4In6()
	addr = addr.WithZone("")
	for _, b := range blocks() {
		// Prefix.Contains never matches an IPv4-mapped address, hence the test above.
		if b.prefix.Contains(addr) {
			return b.reach
		}
	}
	if mapped {
		return translated
	}
	if addr.Is6() && addr.As16()[0]>>5 != 1 {
		return reserved
	}
	if isatap(addr) {
		return translated
	}
	return public
}

// isatap tells that an address of any prefix ends in the interface identifier of ISATAP,
// which holds an IPv4 address (RFC 5214 6.1).
func isatap(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// portAllowed tells whether a public receiver may listen there: on 443, or where it needs
// no privilege. The rest below 1024 speak other protocols.
func portAllowed(port uint16) bool { return port == 443 || port >= 1024 }
