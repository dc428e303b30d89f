package sim

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/route"
)

func TestReachabilityMatrix(t *testing.T) {
	w, _ := lab(t, Options{})
	// a2's table has no route to the TGW; far is behind another TGW.
	want := [][]bool{
		{true, true, true, true, false},
		{true, true, false, false, false},
		{true, false, true, true, false},
		{true, false, true, true, false},
		{false, false, false, false, true},
	}
	if got := w.Matrix([]string{"a", "a2", "b", "dc", "far"}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestReachNamesEveryHopOfBothDirections(t *testing.T) {
	w, _ := lab(t, Options{})
	trace := w.Reach("a", "dc")
	want := []string{
		"a (10.1.1.10) in vpc-0a",
		"rtb-0a: 192.168.0.0/16 -> tgw-0a",
		"tgw-rtb-0a: 192.168.0.0/16 -> tgw-attach-01 (vpn-01)",
		"vpn-01: tunnel 198.51.100.1 to dc",
		"delivered to dc (192.168.0.10) in dc",
		"return: dc (192.168.0.10) in dc",
		"return: router of dc: 10.0.0.0/8 -> vpn-01, tunnel 198.51.100.1",
		"return: tgw-rtb-0b: 10.1.0.0/16 -> tgw-attach-0a (vpc-0a)",
		"return: delivered to a (10.1.1.10) in vpc-0a",
	}
	if !trace.OK || !reflect.DeepEqual(trace.Hops, want) {
		t.Fatalf("got %+v", trace)
	}
}

func TestForwardWithoutReturnIsNotReached(t *testing.T) {
	w, _ := lab(t, Options{})
	if trace := w.Reach("b", "a2"); trace.OK || trace.Reason != "no way back: rtb-0b has no route to 10.2.1.10" {
		t.Fatalf("got %+v", trace)
	}
}

func TestDeadTunnelsCutTrafficBeforeAWSNotices(t *testing.T) {
	w, clock := lab(t, Options{})
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	if trace := w.Reach("a", "dc"); !trace.OK {
		t.Fatalf("got %+v with one tunnel left", trace)
	}
	must(t, w.SetTunnel(vpn1, "198.51.100.2", false))
	if trace := w.Reach("a", "dc"); trace.OK || trace.Reason != "no tunnel of vpn-01 is up" {
		t.Fatalf("got %+v", trace)
	}
	clock.advance(time.Minute)
	if trace := w.Reach("a", "dc"); trace.Reason != "the route 192.168.0.0/16 in tgw-rtb-0a is a blackhole" {
		t.Fatalf("got %+v", trace)
	}
	_, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN2)
	wantOK(t, refused)
	trace := w.Reach("a", "dc")
	if !trace.OK || !reflect.DeepEqual(trace.ForwardVia, []string{vpn2}) || !reflect.DeepEqual(trace.ReturnVia, []string{vpn2}) {
		t.Fatalf("got %+v, want both directions over vpn-02", trace)
	}
}

func TestSiteRouterFallsBackToTheNextConnection(t *testing.T) {
	w, _ := lab(t, Options{})
	downBoth(t, w)
	_, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN2)
	wantOK(t, refused)
	if trace := w.Reach("dc", "a"); !trace.OK || trace.ForwardVia[0] != vpn2 {
		t.Fatalf("got %+v", trace)
	}
	must(t, w.SetTunnel(vpn2, "198.51.100.3", false))
	if trace := w.Reach("dc", "a"); trace.Reason != "no way of the route 10.0.0.0/8 at dc works" {
		t.Fatalf("got %+v", trace)
	}
}

func TestDropsHaveReasons(t *testing.T) {
	w, _ := lab(t, Options{})
	check := func(from, to, want string) {
		t.Helper()
		if trace := w.Reach(from, to); trace.OK || trace.Reason != want || trace.Hops[len(trace.Hops)-1] != "dropped: "+want {
			t.Errorf("%s to %s: got %+v, want %q", from, to, trace, want)
		}
	}
	check("a", "far", "the route 0.0.0.0/0 in rtb-0a leads to igw-0a, which is not part of the simulated network")
	check("dc", "far", "tgw-rtb-0b has no route to 10.9.0.10")
	check("far", "a", "rtb-0f has no route to 10.1.1.10")
	must(t, w.ForceRoute("x", spokeRT, "192.168.0.0/16", attB))
	check("a", "dc", "still on the way after 16 hops: the tables form a loop")
	must(t, w.ForceRoute("x", vpcBRT, "192.168.0.0/16", ""))
	check("a", "dc", "192.168.0.10 came to vpc-0b, whose CIDR blocks do not hold it")
	must(t, w.SetAttachmentState(attA, "failed"))
	check("a", "b", "attachment tgw-attach-0a of vpc-0a is failed")
	must(t, w.DeleteAttachment(attVPN1))
	must(t, w.DeleteAttachment(attVPN2))
	check("dc", "a", "no way of the route 10.0.0.0/8 at dc works")
	if trace := w.Reach("nobody", "a"); trace.Reason != `host "nobody" is not in the topology` {
		t.Errorf("got %+v", trace)
	}
}

func TestLoopIsCut(t *testing.T) {
	w, _ := lab(t, Options{})
	// The site sends 10/8 to AWS, and AWS sends it back to the site.
	must(t, w.ForceRoute("x", onpremRT, "10.9.0.0/16", attVPN1))
	trace := w.Reach("dc", "far")
	if trace.OK || !strings.Contains(trace.Reason, "the tables form a loop") {
		t.Fatalf("got %+v", trace)
	}
}

func TestVPCHostUsesTheTableOfItsSubnet(t *testing.T) {
	w, _ := lab(t, Options{})
	if trace := w.Reach("a2", "b"); trace.OK || trace.Reason != "rtb-0b has no route to 10.2.1.10" {
		t.Fatalf("got %+v", trace)
	}
	must(t, w.ForceRoute("x", secondRT, "10.2.0.0/16", gw))
	if trace := w.Reach("a2", "b"); !trace.OK {
		t.Fatalf("got %+v", trace)
	}
}

func TestLongestPrefixAgreesWithBruteForceAndWithRouteLookup(t *testing.T) {
	origins := []route.Origin{route.OriginStatic, route.OriginPrefixListReference, route.OriginPropagated}
	rapid.Check(t, func(rt *rapid.T) {
		address := rapid.Custom(func(rt *rapid.T) netip.Addr {
			// Few distinct bits, so that prefixes nest and collide.
			bits := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x80, 0xc0, 0xff}), 4, 4).Draw(rt, "bytes")
			if rapid.Bool().Draw(rt, "ipv6") {
				var b [16]byte
				copy(b[:], bits)
				return netip.AddrFrom16(b)
			}
			return netip.AddrFrom4([4]byte(bits))
		})
		count := rapid.IntRange(0, 12).Draw(rt, "routes")
		entries := make([]hopEntry[int], 0, count)
		routes := make([]route.Route, 0, count)
		for i := range count {
			prefix := netip.PrefixFrom(address.Draw(rt, "address"), rapid.IntRange(0, 32).Draw(rt, "length")).Masked()
			rank := rapid.IntRange(0, 2).Draw(rt, "rank")
			entries = append(entries, hopEntry[int]{prefix: prefix, rank: rank, route: i})
			routes = append(routes, route.Route{Destination: route.CIDR(prefix), Origin: origins[rank]})
		}
		target := address.Draw(rt, "target")
		got, found := longestPrefix(entries, target)
		wantIndex, wantFound := bruteForce(entries, target)
		if found != wantFound || found && got.route != wantIndex {
			rt.Fatalf("got %v %t, brute force %d %t", got, found, wantIndex, wantFound)
		}
		theirs, theirsFound := route.Lookup(routes, target)
		if found != theirsFound || found && (theirs.Destination.Prefix() != got.prefix || theirs.Origin != origins[got.rank]) {
			rt.Fatalf("got %v %t, route.Lookup %v %t", got, found, theirs, theirsFound)
		}
	})
}

// bruteForce tries the lengths from the longest, and the ranks from the best.
func bruteForce(entries []hopEntry[int], addr netip.Addr) (int, bool) {
	for bits := addr.BitLen(); bits >= 0; bits-- {
		covering, err := addr.Prefix(bits)
		if err != nil {
			return 0, false
		}
		for rank := range 3 {
			for i, e := range entries {
				if e.prefix == covering && e.rank == rank {
					return i, true
				}
			}
		}
	}
	return 0, false
}

func TestEqualRankGoesToTheLowestAttachmentID(t *testing.T) {
	topo := labTopology()
	topo.VPCs[0].CIDRs = append(topo.VPCs[0].CIDRs, "10.66.0.0/16")
	topo.VPCs[1].CIDRs = append(topo.VPCs[1].CIDRs, "10.66.0.0/16")
	topo.Hosts = append(topo.Hosts, HostSpec{Name: "twin", Address: "10.66.0.10", In: vpcB})
	w, err := NewWorld(newHandClock(), topo, Options{})
	must(t, err)
	if got, _ := shown(t, w, me(), onpremRT, "10.66.0.0/16"); got.Attachments[0].ID != attA {
		t.Fatalf("got %+v", got)
	}
	if trace := w.Reach("dc", "twin"); trace.Reason != "10.66.0.10 came to vpc-0a, but twin is in vpc-0b" {
		t.Fatalf("got %+v", trace)
	}
	must(t, w.DeleteAttachment(attA))
	if got, _ := shown(t, w, me(), onpremRT, "10.66.0.0/16"); got.Attachments[0].ID != attB {
		t.Fatalf("got %+v after the winner went, want the other candidate", got)
	}
}
