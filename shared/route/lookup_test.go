package route

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func lookupRoute(destination, hop string, origin Origin) Route {
	return Route{Destination: MustDestination(destination), NextHop: MustNextHop(hop), Origin: origin, State: StateActive}
}

func TestLookup(t *testing.T) {
	static := func(d, hop string) Route { return lookupRoute(d, hop, OriginStatic) }
	tests := []struct {
		name   string
		routes []Route
		addr   string
		want   string
	}{
		{"no routes", nil, "10.1.2.3", ""},
		{"no route contains the address", []Route{static("10.0.0.0/8", "tgw-1")}, "11.0.0.0", ""},
		{"the longest prefix wins", []Route{static("0.0.0.0/0", "tgw-1"), static("10.1.0.0/16", "tgw-2"), static("10.0.0.0/8", "tgw-3")}, "10.1.2.3", "tgw-2"},
		{"the longest prefix wins over a better origin", []Route{static("10.0.0.0/8", "tgw-1"), lookupRoute("10.1.0.0/16", "vgw-1", OriginPropagated)}, "10.1.2.3", "vgw-1"},
		{"static before propagated", []Route{lookupRoute("10.0.0.0/8", "vgw-1", OriginPropagated), static("10.0.0.0/8", "tgw-1")}, "10.1.2.3", "tgw-1"},
		{"static before a prefix list reference", []Route{lookupRoute("10.0.0.0/8", "tgw-attach-2", OriginPrefixListReference), static("10.0.0.0/8", "tgw-attach-1")}, "10.1.2.3", "tgw-attach-1"},
		{"a prefix list reference before propagated", []Route{lookupRoute("10.0.0.0/8", "tgw-attach-2", OriginPropagated), lookupRoute("10.0.0.0/8", "tgw-attach-1", OriginPrefixListReference)}, "10.1.2.3", "tgw-attach-1"},
		{"a blackhole wins like any other", []Route{static("0.0.0.0/0", "tgw-1"), static("10.0.0.0/8", "blackhole")}, "10.1.2.3", "blackhole"},
		{"a prefix list is passed over", []Route{static("pl-1", "tgw-1")}, "10.1.2.3", ""},
		{"IPv4 does not carry IPv6", []Route{static("0.0.0.0/0", "tgw-1")}, "2001:db8::1", ""},
		{"IPv6 does not carry IPv4", []Route{static("::/0", "tgw-1")}, "10.1.2.3", ""},
		{"IPv6", []Route{static("::/0", "tgw-1"), static("2001:db8::/32", "tgw-2")}, "2001:db8::1", "tgw-2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, found := Lookup(tt.routes, netip.MustParseAddr(tt.addr))
			if found != (tt.want != "") || (found && got.NextHop.String() != tt.want) {
				t.Errorf("found %s, %t; want %q", got.NextHop, found, tt.want)
			}
		})
	}
}

// carrier is the second implementation: it walks from the longest prefix to
// the shortest, masks the address, and asks for a route of exactly that block,
// origin by origin.
func carrier(routes []Route, addr netip.Addr) (Route, bool) {
	for bits := addr.BitLen(); bits >= 0; bits-- {
		block, _ := addr.Prefix(bits)
		for _, origin := range []Origin{OriginStatic, OriginPrefixListReference, OriginPropagated} {
			for _, r := range routes {
				if r.Origin == origin && r.Destination == CIDR(block) {
					return r, true
				}
			}
		}
	}
	return Route{}, false
}

func TestPropertyLookupAgreesWithBruteForce(t *testing.T) {
	byteOf := rapid.SampledFrom([]byte{0, 1, 10, 128, 255})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) netip.Addr {
			four := [4]byte(rapid.SliceOfN(byteOf, 4, 4).Draw(t, label))
			if rapid.IntRange(0, 3).Draw(t, "family") == 0 {
				return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, four[0], four[1], four[2], four[3]})
			}
			return netip.AddrFrom4(four)
		}
		var routes []Route
		for i := range rapid.IntRange(0, 20).Draw(t, "routes") {
			addr := draw("prefix")
			routes = append(routes, Route{
				Destination: CIDR(netip.PrefixFrom(addr, rapid.IntRange(0, addr.BitLen()).Draw(t, "bits"))),
				Origin:      rapid.SampledFrom([]Origin{OriginStatic, OriginPrefixListReference, OriginPropagated}).Draw(t, "origin"),
				NextHop:     NextHop{Kind: TransitGatewayAttachment, ID: string(rune('a' + i))},
			})
		}
		addr := draw("address")
		got, found := Lookup(routes, addr)
		want, carried := carrier(routes, addr)
		if found != carried || got != want {
			t.Fatalf("%s goes to %+v, %t; want %+v, %t", addr, got, found, want, carried)
		}
	})
}
