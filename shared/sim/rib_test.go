package sim

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// way is an uplink of a RIB that only has a name.
type way string

func (n way) linkID() string       { return string(n) }
func (n way) open() (string, bool) { return string(n), true }
func (n way) enter(*packet) place  { return nil }
func (n way) holds() bool          { return true }

func metric(v uint32) *uint32 { return &v }

// ebgp is a candidate heard over an external session.
func ebgp(block, over string, med *uint32, path ...uint32) ribRoute {
	return ribRoute{prefix: cidr(block), distance: distanceExternal, via: []uplink{way(over)}, learned: &bgpPath{path: path, med: med, order: over}}
}

func ibgp(block, over string, med *uint32, path ...uint32) ribRoute {
	r := ebgp(block, over, med, path...)
	r.distance, r.learned.internal = distanceInternal, true
	return r
}

func static(block, over string) ribRoute {
	return ribRoute{prefix: cidr(block), distance: distanceStatic, via: []uplink{way(over)}}
}

func TestRouterSelectsByDistanceAndThenAsBGPDoes(t *testing.T) {
	const all = "0.0.0.0/0"
	assigned := ribRoute{prefix: cidr(all), distance: distanceAssigned, via: []uplink{way("line")}}
	connected := ribRoute{prefix: cidr(all), distance: distanceConnected}
	tests := map[string]struct {
		candidates []ribRoute
		want       string // the way; "" for connected
	}{
		"BGP takes the default that the line came with":    {[]ribRoute{assigned, ebgp(all, "a", nil, 1)}, "a"},
		"a static one keeps it":                            {[]ribRoute{assigned, ebgp(all, "a", nil, 1), static(all, "s")}, "s"},
		"nothing beats connected":                          {[]ribRoute{ebgp(all, "a", nil, 1), static(all, "s"), connected}, ""},
		"internal loses to static, beats the line's":       {[]ribRoute{assigned, ibgp(all, "i", nil, 1)}, "i"},
		"shorter AS_PATH, whatever the MED":                {[]ribRoute{ebgp(all, "a", metric(1), 1, 2), ebgp(all, "b", metric(9), 1)}, "b"},
		"lower MED of one neighbour":                       {[]ribRoute{ebgp(all, "a", metric(9), 1, 2), ebgp(all, "b", metric(1), 1, 3)}, "b"},
		"no MED counts as 0":                               {[]ribRoute{ebgp(all, "a", metric(1), 1, 2), ebgp(all, "b", nil, 1, 3)}, "b"},
		"MEDs of different neighbours are not compared":    {[]ribRoute{ebgp(all, "a", metric(9), 1), ebgp(all, "b", metric(1), 2)}, "a"},
		"external before internal, although it is farther": {[]ribRoute{ibgp(all, "a", nil, 1), ebgp(all, "b", nil, 2)}, "b"},
		"a shorter internal one is BGP's choice":           {[]ribRoute{ibgp(all, "a", nil, 1), ebgp(all, "b", nil, 2, 1)}, "a"},
		"and then loses to what is nearer":                 {[]ribRoute{ibgp(all, "a", nil, 1), ebgp(all, "b", nil, 2, 1), static(all, "s")}, "s"},
		"MED removes the path that would win by session":   {[]ribRoute{ebgp(all, "a", metric(5), 1), ebgp(all, "b", metric(1), 1), ebgp(all, "c", metric(1), 2)}, "b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := selectRoutes(test.candidates)
			if len(got) != 1 {
				t.Fatalf("got %d routes, want one", len(got))
			}
			over := ""
			if len(got[0].via) > 0 {
				over = got[0].via[0].linkID()
			}
			if over != test.want {
				t.Fatalf("the router took %q, want %q", over, test.want)
			}
		})
	}
}

func TestLoopedPathIsSeen(t *testing.T) {
	p := &bgpPath{path: []uint32{64512, 65001}}
	if !p.looped(65001) || p.looped(65002) {
		t.Fatal("a path is looped for the autonomous systems in it, and for no other")
	}
}

// TestSelectionDependsOnNoOrder: the order in which a router heard its paths
// decides nothing, one route stands for each prefix, and none of its rivals has
// a shorter path over a session of the same distance.
func TestSelectionDependsOnNoOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		blocks := []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16"}
		var candidates []ribRoute
		for i := range rapid.IntRange(0, 8).Draw(rt, "n") {
			block := rapid.SampledFrom(blocks).Draw(rt, "block")
			over := string(rune('a' + i))
			path := rapid.SliceOfN(rapid.Uint32Range(1, 3), 1, 3).Draw(rt, "path")
			var med *uint32
			if rapid.Bool().Draw(rt, "has MED") {
				med = metric(rapid.Uint32Range(0, 2).Draw(rt, "MED"))
			}
			switch rapid.IntRange(0, 3).Draw(rt, "source") {
			case 0:
				candidates = append(candidates, ibgp(block, over, med, path...))
			default:
				candidates = append(candidates, ebgp(block, over, med, path...))
			}
		}
		got := selectRoutes(candidates)
		shuffled := selectRoutes(rapid.Permutation(candidates).Draw(rt, "order"))
		if !slices.EqualFunc(got, shuffled, func(a, b ribRoute) bool { return a.prefix == b.prefix && a.learned == b.learned }) {
			rt.Fatalf("the order changed the choice: %v and %v", got, shuffled)
		}
		seen := map[netip.Prefix]bool{}
		for _, r := range got {
			if seen[r.prefix] {
				rt.Fatalf("two routes for %s", r.prefix)
			}
			seen[r.prefix] = true
			for _, c := range candidates {
				if c.prefix == r.prefix && len(c.learned.path) < len(r.learned.path) {
					rt.Fatalf("%v was taken before the shorter %v", r.learned, c.learned)
				}
			}
		}
		for _, c := range candidates {
			if !seen[c.prefix] {
				rt.Fatalf("no route for %s", c.prefix)
			}
		}
	})
}
