package hooks

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReachOf(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]reach{
		"1.1.1.1": public, "8.8.8.8": public, "119.29.29.29": public, "9.255.255.255": public, "11.0.0.0": public,
		"100.63.255.255": public, "100.128.0.0": public, "128.0.0.0": public, "169.253.255.255": public,
		"172.15.255.255": public, "172.32.0.0": public, "192.167.255.255": public, "192.169.0.0": public,
		"198.17.255.255": public, "198.20.0.0": public, "223.255.255.255": public,
		"2606:4700:4700::1111": public, "2402:4e00::": public, "2001:4860:4860::8888": public, "2003::1": public,

		"0.0.0.0": unspecified, "0.0.0.1": reserved, "0.255.255.255": reserved,
		"10.0.0.0": private, "10.255.255.255": private,
		"100.64.0.0": shared, "100.127.255.255": shared, "100.100.100.200": shared,
		"127.0.0.1": loopback, "127.255.255.255": loopback,
		"169.254.0.23": linkLocal, "169.254.169.254": linkLocal,
		"172.16.0.0": private, "172.31.255.255": private,
		"192.0.0.1": reserved, "192.0.0.170": reserved, "192.0.2.1": reserved, "192.88.99.1": reserved,
		"192.168.0.0": private, "192.168.255.255": private,
		"198.18.0.0": reserved, "198.19.255.255": reserved, "198.51.100.1": reserved, "203.0.113.255": reserved,
		"224.0.0.1": multicast, "239.255.255.255": multicast, "240.0.0.1": reserved, "255.255.255.255": reserved,

		"::": unspecified, "::1": loopback, "::2": translated, "::7f00:1": translated, "::10.0.0.1": translated,
		"::ffff:8.8.8.8": translated, "::ffff:127.0.0.1": translated, "::ffff:0:8.8.8.8": translated,
		"64:ff9b::808:808": translated, "64:ff9b::7f00:1": translated, "64:ff9b:1::1": translated,
		"2001::1": translated, "2001:0:4136:e378:8000:63bf:3fff:fdd2": translated,
		"2606:4700::5efe:7f00:1": translated, "2606:4700::200:5efe:808:808": translated, "2606:4700::5efe": public,
		"2606:4700::1:5efe:7f00:1": public, "fe80::5efe:10.0.0.1": linkLocal,
		"::ffff:169.254.169.254": translated, "2002:a9fe:a9fe::1": translated, "64:ff9b::a9fe:a9fe": translated,
		"2002:7f00:1::": translated, "2002:808:808::1": translated,
		"2001:2::1": reserved, "2001:20::1": reserved, "2001:db8::1": reserved, "3fff::1": reserved,
		"100::1": reserved, "5f00::1": reserved, "4000::1": reserved, "1fff::1": reserved, "fec0::1": reserved,
		"fc00::1": private, "fd12:3456::1": private, "fe80::1": linkLocal, "fe80::1%eth0": linkLocal, "febf::1": linkLocal,
		"ff02::1": multicast, "ff0e::1": multicast, "ff00::%1": multicast,
	} {
		require.Equal(t, want, reachOf(netip.MustParseAddr(addr)), addr)
	}
	require.Equal(t, reserved, reachOf(netip.Addr{}))
}

func TestReachIntranet(t *testing.T) {
	t.Parallel()
	for _, r := range []reach{loopback, private, shared} {
		require.True(t, r.intranet(), r)
	}
	for _, r := range []reach{public, linkLocal, multicast, unspecified, translated, reserved} {
		require.False(t, r.intranet(), r)
	}
}
