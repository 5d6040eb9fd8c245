package hooks

import (
	"net/netip"
	"testing"
)

// FuzzGuard: what may be dialed is never private, by the standard library's own words, nor
// an IPv6 form that leads to an IPv4 address which is.
func FuzzGuard(f *testing.F) {
	for _, s := range []string{"1.1.1.1", "10.0.0.1", "2606:4700::1111", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "::1"} {
		f.Add(netip.MustParseAddr(s).AsSlice())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok || guard(false)("tcp", netip.AddrPortFrom(addr, 443).String(), nil) != nil {
			return
		}
		tail := addr
		if addr.Is6() {
			b16 := addr.As16()
			if b16[0] == 0x20 && b16[1] == 0x02 || b16[0] == 0 {
				t.Fatalf("%s is a form of an IPv4 address", addr)
			}
			tail = addr.Unmap()
		}
		for _, a := range []netip.Addr{addr, tail} {
			if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
				t.Fatalf("%s may be dialed", addr)
			}
		}
	})
}
