package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSelectionAmongLearnedRoutes: one case per rule of the evaluation order, each
// with everything that a later rule would decide the other way.
func TestSelectionAmongLearnedRoutes(t *testing.T) {
	for name, c := range map[string]struct {
		said []says
		want []string
	}{
		"nothing is announced":                     {nil, nil},
		"Direct Connect before Connect":            {[]says{{outer1, nil, med(0)}, {bgpDX1, []int{1, 2, 3}, med(500)}}, []string{bgpDX1}},
		"Connect before VPN":                       {[]says{{bgpVPN1, nil, med(0)}, {outer1, []int{1, 2, 3}, med(500)}}, []string{bgpConn1}},
		"the shorter AS_PATH":                      {[]says{{outer1, []int{1}, med(0)}, {outer2, nil, med(500)}}, []string{bgpConn2}},
		"the lower MED":                            {[]says{{outer1, []int{1}, med(101)}, {outer2, []int{2}, med(99)}}, []string{bgpConn2}},
		"no MED is 100 on Connect: 99 wins":        {[]says{{outer1, nil, nil}, {outer2, nil, med(99)}}, []string{bgpConn2}},
		"no MED is 100 on Connect: 101 loses":      {[]says{{outer1, nil, med(101)}, {outer2, nil, nil}}, []string{bgpConn2}},
		"no MED is 100 on VPN: 99 wins":            {[]says{{bgpVPN1, nil, nil}, {bgpVPN2, nil, med(99)}}, []string{bgpAtt2}},
		"no MED is 100 on VPN: 101 loses":          {[]says{{bgpVPN1, nil, med(101)}, {bgpVPN2, nil, nil}}, []string{bgpAtt2}},
		"no MED is 0 on Direct Connect":            {[]says{{bgpDX1, nil, med(1)}, {bgpDX2, nil, nil}}, []string{bgpDX2}},
		"eBGP before iBGP":                         {[]says{{inner, []int{7}, nil}, {outer2, nil, nil}}, []string{bgpConn2}},
		"iBGP with the lower MED before eBGP":      {[]says{{inner, []int{7}, med(99)}, {outer2, nil, nil}}, []string{bgpConn3}},
		"VPN: equal ways join":                     {[]says{{bgpVPN2, nil, nil}, {bgpVPN1, nil, nil}}, []string{bgpAtt1, bgpAtt2}},
		"VPN: other ASNs behind the same neighbor": {[]says{{bgpVPN1, []int{8}, nil}, {bgpVPN2, []int{9}, nil}}, []string{bgpAtt1, bgpAtt2}},
		"VPN: not over different neighbors":        {[]says{{bgpVPN3, nil, nil}, {bgpVPN2, nil, nil}}, []string{bgpAtt2}},
		"VPN: not with different MEDs":             {[]says{{bgpVPN1, nil, med(5)}, {bgpVPN2, nil, med(6)}}, []string{bgpAtt1}},
		"VPN: not with different AS_PATH lengths":  {[]says{{bgpVPN1, []int{8}, nil}, {bgpVPN2, []int{8, 8}, nil}}, []string{bgpAtt1}},
		"Connect: same AS_PATH and ASN join":       {[]says{{outer1, []int{5}, nil}, {outer2, []int{5}, nil}}, []string{bgpConn1, bgpConn2}},
		"Connect: not with another AS_PATH":        {[]says{{outer1, []int{5}, nil}, {outer2, []int{6}, nil}}, []string{bgpConn1}},
		"Direct Connect: same AS_PATH joins":       {[]says{{bgpDX1, []int{5}, nil}, {bgpDX2, []int{5}, nil}}, []string{bgpDX1, bgpDX2}},
		"Direct Connect: not with another AS_PATH": {[]says{{bgpDX1, []int{5}, nil}, {bgpDX2, []int{6}, nil}}, []string{bgpDX1}},
		"never across types":                       {[]says{{bgpDX1, nil, med(100)}, {bgpVPN1, nil, nil}}, []string{bgpDX1}},
		"both sessions of a peer are one way":      {[]says{{outer1, nil, nil}}, []string{bgpConn1}},
		"the TGW's own ASN in the AS_PATH":         {[]says{{bgpVPN1, []int{64999}, nil}, {bgpVPN2, []int{1, 2}, nil}}, []string{bgpAtt2}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := bgpLab(t, Options{})
			for _, a := range c.said {
				must(t, w.Announce(a.who, a.spec(target)))
			}
			wantJoined(t, w, target, c.want...)
		})
	}
}

// TestConnectNeedsTheSameASN: two AS_PATHs of one content from peers of different
// ASNs, which only a speaker that lies about its own can send.
func TestConnectNeedsTheSameASN(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) { topo.Connects[1].Peers[0].PeerASN = 65022 })
	for _, who := range []string{outer1, outer2} {
		speaker, err := w.SpeakFor(who, nil)
		must(t, err)
		speaker.Session(true)
		speaker.Announce(cidr(target), []uint32{65021}, nil, true)
	}
	wantJoined(t, w, target, bgpConn1)
}

func TestVPNEqualCostMultiPathCanBeOff(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) { topo.TransitGateways[0].VPNECMPSupport = "disable" })
	for _, who := range []string{bgpVPN1, bgpVPN2, outer1, outer2} {
		must(t, w.Announce(who, says{}.spec(target)))
	}
	wantJoined(t, w, target, bgpConn1, bgpConn2)
	must(t, w.Withdraw(outer1, target))
	must(t, w.Withdraw(outer2, target))
	wantJoined(t, w, target, bgpAtt1)
}

// TestVPCsComeFirstAndDoNotJoin: a VPC's CIDR block, announced by a router too.
func TestVPCsComeFirstAndDoNotJoin(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) { topo.VPCs[1].CIDRs = topo.VPCs[0].CIDRs })
	must(t, w.Announce(bgpDX1, says{}.spec("172.30.0.0/16")))
	wantJoined(t, w, "172.30.0.0/16", bgpVPC1)
	must(t, w.DeleteAttachment(bgpVPC1))
	wantJoined(t, w, "172.30.0.0/16", bgpVPC2)
	must(t, w.DeleteAttachment(bgpVPC2))
	wantJoined(t, w, "172.30.0.0/16", bgpDX1)
}

// TestTrafficSpreadsOverEqualWays: a flow keeps its way, and both ways have flows.
func TestTrafficSpreadsOverEqualWays(t *testing.T) {
	w, _ := bgpLab(t, Options{})
	must(t, w.Announce(bgpVPN1, says{}.spec(target)))
	must(t, w.Announce(bgpVPN2, says{}.spec(target)))
	used := make(map[string]int)
	for i := range 16 {
		first := w.Reach("a", fmt.Sprintf("dc%d", i))
		again := w.Reach("a", fmt.Sprintf("dc%d", i))
		if !first.OK || !slices.Equal(first.ForwardVia, again.ForwardVia) || len(first.ForwardVia) != 1 {
			t.Fatalf("got %+v, then %+v", first, again)
		}
		used[first.ForwardVia[0]]++
	}
	if used[bgpVPN1] < 3 || used[bgpVPN2] < 3 {
		t.Errorf("the flows went %v", used)
	}
}

// best is the evaluation order told again, by the words of the Transit Gateway
// guide: it shares no code with the World.
func best(said map[string]says) []string {
	kinds := map[string]struct {
		attachment, kind string
		asn, own         int
		missing          int
	}{
		bgpDX1: {bgpDX1, "1 dx", 65010, 64512, 0}, bgpDX2: {bgpDX2, "1 dx", 65010, 64512, 0},
		outer1: {bgpConn1, "2 connect", 65021, 64999, 100}, outer2: {bgpConn2, "2 connect", 65021, 64999, 100}, inner: {bgpConn3, "2 connect", 64999, 64999, 100},
		bgpVPN1: {bgpAtt1, "3 vpn", 65010, 64999, 100}, bgpVPN2: {bgpAtt2, "3 vpn", 65010, 64999, 100}, bgpVPN3: {bgpAtt3, "3 vpn", 65030, 64999, 100},
	}
	keys := make(map[string][]string) // sort key → attachments
	same := make(map[string]string)   // attachment → what has to be equal
	for who, a := range said {
		k := kinds[who]
		path, inside := slices.Clone(a.path), "e"
		if k.asn == k.own {
			inside = "i"
		} else {
			path = append([]int{k.asn}, path...)
		}
		if len(path) == 0 {
			continue
		}
		value := k.missing
		if a.med != nil {
			value = *a.med
		}
		key := fmt.Sprintf("%s %3d %5d %s", k.kind, len(path), value, inside)
		keys[key] = append(keys[key], k.attachment)
		same[k.attachment] = fmt.Sprint(k.asn, path)
		if k.kind == "3 vpn" {
			same[k.attachment] = fmt.Sprint(path[0])
		}
	}
	if len(keys) == 0 {
		return nil
	}
	tied := keys[slices.Min(sortedKeys(keys))]
	slices.Sort(tied)
	return slices.DeleteFunc(tied, func(id string) bool { return same[id] != same[tied[0]] })
}

// TestWinnerDoesNotDependOnTheOrderOfCandidates: whatever was announced and
// withdrawn before, and in which order, the route that shows is that of the
// evaluation order.
func TestWinnerDoesNotDependOnTheOrderOfCandidates(t *testing.T) {
	speakers := []string{bgpDX1, bgpDX2, outer1, outer2, inner, bgpVPN1, bgpVPN2, bgpVPN3}
	rapid.Check(t, func(t *rapid.T) {
		w, _ := bgpLab(t, Options{})
		said := make(map[string]says)
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			who := rapid.SampledFrom(speakers).Draw(t, "who")
			if rapid.IntRange(0, 3).Draw(t, "withdraw") == 0 {
				if err := w.Withdraw(who, target); err != nil {
					t.Fatal(err)
				}
				delete(said, who)
			} else {
				a := says{who: who, path: rapid.SliceOfN(rapid.IntRange(1, 2), 0, 2).Draw(t, "path")}
				if rapid.Bool().Draw(t, "has MED") {
					a.med = med(rapid.SampledFrom([]int{0, 50, 100, 101}).Draw(t, "MED"))
				}
				if err := w.Announce(who, a.spec(target)); err != nil {
					t.Fatal(err)
				}
				said[who] = a
			}
			wantJoined(t, w, target, best(said)...)
		}
	})
}

// TestCompareIsATotalOrder: the sort of the candidates has one result, whatever
// order they came in.
func TestCompareIsATotalOrder(t *testing.T) {
	g := &gateway{vpnECMP: true}
	draw := rapid.Custom(func(t *rapid.T) candidate {
		a := &attachment{gateway: g, id: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "attachment")}
		return candidate{
			rank: rapid.SampledFrom([]int{rankVPC, rankConnect, rankVPN}).Draw(t, "rank"), from: a,
			session: &bgpSession{id: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "session"), localASN: 1, peerASN: rapid.Uint32Range(1, 2).Draw(t, "ASN")},
			path:    rapid.SliceOfN(rapid.Uint32Range(1, 2), 1, 2).Draw(t, "path"), med: rapid.Uint32Range(0, 1).Draw(t, "MED"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		x, y, z := draw.Draw(t, "x"), draw.Draw(t, "y"), draw.Draw(t, "z")
		if x.compare(y) != -y.compare(x) || x.compare(x) != 0 {
			t.Fatal("not antisymmetric")
		}
		if x.compare(y) <= 0 && y.compare(z) <= 0 && x.compare(z) > 0 {
			t.Fatal("not transitive")
		}
		if x.sharesLoad(y) != y.sharesLoad(x) {
			t.Fatal("sharing is not mutual")
		}
	})
}

func TestFlowStaysInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "from")))
		n := rapid.IntRange(0, 8).Draw(t, "n")
		if got := flow(from, netip.MustParseAddr("10.0.0.1"), n); got < 0 || got >= max(n, 1) {
			t.Fatalf("way %d of %d", got, n)
		}
	})
}
