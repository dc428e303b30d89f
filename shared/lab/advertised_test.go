package lab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/filter"
)

// TestWhetherBlackholesAreAdvertised plays story E on a transit gateway in both positions
// of the one thing that AWS does not document. Whatever it is, Detour says who announces
// the default, what it puts at risk and what to change there, and that holds the tunnels
// up. Where AWS advertises blackholes, nothing but that and a quarantine do.
func TestWhetherBlackholesAreAdvertised(t *testing.T) {
	const changed = 8 * time.Minute // The advice is followed.
	hostRoutes := []Step{}
	for site, outside := range map[string][]string{"lyon-office": {"203.0.113.21/32", "203.0.113.22/32"}, "berlin-office": {"203.0.113.11/32", "203.0.113.12/32"}} {
		for _, address := range outside {
			hostRoutes = append(hostRoutes, Step{At: config.Duration(changed), Do: SetRouterRoute, Site: site, Destination: address, Via: []string{"internet"}})
		}
	}
	slices.SortFunc(hostRoutes, func(a, b Step) int { return strings.Compare(a.Destination, b.Destination) })
	for _, test := range []struct {
		name, action string
		advertised   bool
		advice       bool
		// before and after say whether all tunnels stay up while the default is announced:
		// from a minute after it came, and from a minute after the advice was followed.
		before, after bool
	}{
		{"blackhole, not advertised", "blackhole", false, false, true, true},
		{"blackhole, advertised", "blackhole", true, false, false, false},
		{"blackhole, advertised, host routes", "blackhole", true, true, false, true},
		{"quarantine, advertised", "quarantine", true, false, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Find("leaked-default-blackholed")
			if err != nil {
				t.Fatal(err)
			}
			s.World.AdvertiseBlackholes = test.advertised
			s.Expect = Expect{}
			f := &s.Config.FilterList[0]
			if f.Action = test.action; test.action == "quarantine" {
				f.Attachments = []string{"tgw-attach-0e100000000000011", "tgw-attach-0e100000000000012"}
			}
			if test.advice {
				s.Script = append(s.Script, hostRoutes...)
			}
			res, err := Play(t.Context(), s, PlayOptions{})
			if err != nil {
				t.Fatal(err)
			}
			died := func(from, to time.Duration) (out bool) {
				for _, change := range res.Rig.World.TunnelHistory() {
					at := change.At.Sub(Start())
					out = out || !change.Up && at >= from && at < to
				}
				return out
			}
			if !died(3*time.Minute, 4*time.Minute) {
				t.Error("the leak takes no tunnel down")
			}
			if stay := !died(4*time.Minute, changed); stay != test.before {
				t.Errorf("all tunnels stay up with the measure alone: %t", stay)
			}
			if stay := !died(changed+time.Minute, 12*time.Minute); stay != test.after {
				t.Errorf("all tunnels stay up after what was done: %t", stay)
			}
			// The claims: what is said of the first measure.
			why := firstPlaced(res).Why
			if len(why.Announcers) != 1 || why.Announcers[0].Attachment != "tgw-attach-0e100000000000011" || why.TunnelCount != 4 ||
				!slices.Equal(why.Advice(), []filter.Advice{filter.AdviceStopAnnouncing, filter.AdviceHostRoutes}) {
				t.Errorf("the measure is explained by %+v", why)
			}
		})
	}
}

// firstPlaced is the verdict of the first measure that was placed.
func firstPlaced(res *Result) filter.Verdict {
	for _, run := range res.Rig.Runs {
		for _, r := range run.Outcome.Filters {
			if len(r.Placed) > 0 {
				return r.Placed[0]
			}
		}
	}
	return filter.Verdict{}
}
