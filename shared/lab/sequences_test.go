package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// sequenceNetwork has four VPN connections of one TGW and two groups. Group a
// goes over 1, 2 and 3, group b over 2 and 4.
func sequenceNetwork() (sim.Topology, config.Config) {
	topo := sim.Topology{
		Account: labAccount, Region: labRegion,
		Sites: []sim.SiteSpec{{Name: "site", Networks: []string{"10.0.0.0/8"}}},
	}
	table := sim.TransitGatewayTable{ID: id("tgw-rtb", 1)}
	for n := 1; n <= 4; n++ {
		topo.VPNs = append(topo.VPNs, sim.VPNSpec{
			ID: id("vpn", n), Site: "site", Attachment: sim.AttachmentSpec{ID: id("tgw-attach", n), TransitGateway: id("tgw", 1)},
			Tunnels: []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("203.0.113.%d", 2*n)}, {OutsideIP: fmt.Sprintf("203.0.113.%d", 2*n+1)}},
		})
	}
	c := config.New()
	for _, g := range []struct {
		name  string
		paths []int
		nets  []string
	}{{"a", []int{1, 2, 3}, []string{"10.1.0.0/16", "10.2.0.0/16"}}, {"b", []int{2, 4}, []string{"10.3.0.0/16"}}} {
		group := config.NewGroup()
		group.Name, group.Mode, group.Home = g.name, "enforce", config.Home{Account: labAccount, Region: labRegion}
		unit := config.Unit{}
		for _, n := range g.paths {
			path := config.NewPath()
			path.Name, path.Kind, path.VPN = fmt.Sprintf("over-%d", n), "vpn", id("vpn", n)
			group.Paths = append(group.Paths, path)
		}
		for _, net := range g.nets {
			hops := map[string]string{}
			for _, n := range g.paths {
				hops[fmt.Sprintf("over-%d", n)] = id("tgw-attach", n)
			}
			unit.Entries = append(unit.Entries, config.Entry{Table: table.ID, Destination: net, NextHops: hops})
			table.Routes = append(table.Routes, sim.RouteSpec{Destination: net, Target: id("tgw-attach", g.paths[0])})
		}
		group.Units = []config.Unit{unit}
		c.GroupList = append(c.GroupList, group)
	}
	topo.TransitGateways = []sim.TransitGatewaySpec{{ID: id("tgw", 1), Tables: []sim.TransitGatewayTable{table}}}
	return topo, c.Normalize()
}

// deliverSequence fails six tunnels, and when AWS has noticed them all delivers
// the chosen ones of the six events in the chosen order. There is no sweep from
// the adoption until the deliveries are done, so what moves before is moved by
// them. It returns the tables at the end.
func deliverSequence(t *testing.T, order []int) string {
	topo, c := sequenceNetwork()
	rig, err := NewRig(Options{Seed: 1, Topology: topo, Config: c, Silent: true, NoSweep: true})
	if err != nil {
		t.Error(err)
		return ""
	}
	defer rig.Close()
	for _, after := range []time.Duration{10 * time.Second, 200 * time.Second, 230 * time.Second} {
		rig.Scheduler.At(Start().Add(after), "sweep", func() { rig.Invoke(Sweep, nil, "schedule") })
	}
	down := []struct{ vpn, tunnel int }{{1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0}, {4, 1}}
	rig.Scheduler.At(Start().Add(time.Minute), "failures", func() {
		for _, d := range down {
			vpn := topo.VPNs[d.vpn-1]
			if err := rig.World.SetTunnel(vpn.ID, vpn.Tunnels[d.tunnel].OutsideIP, false); err != nil {
				t.Error(err)
			}
		}
	})
	rig.Scheduler.At(Start().Add(2*time.Minute), "events", func() {
		var six [][]byte
		for _, e := range rig.Emitted {
			if strings.Contains(string(e.Raw), "IPSEC-DOWN") {
				six = append(six, e.Raw)
			}
		}
		if len(six) != len(down) {
			t.Errorf("the World emitted %d events, want %d", len(six), len(down))
			return
		}
		for _, group := range []string{"a", "b"} {
			if by := movedBy(t, rig, group); by != "" {
				t.Errorf("group %s was moved by %s before any event was delivered", group, by)
			}
		}
		// The World emits them in an order that the seed picks.
		slices.SortFunc(six, func(a, b []byte) int { return strings.Compare(outsideOf(a), outsideOf(b)) })
		for i, n := range order {
			rig.Scheduler.At(rig.Scheduler.Now().Add(time.Duration(i)*300*time.Millisecond), "event", func() { rig.Deliver(six[n]) })
		}
	})
	if err := rig.RunUntil(Start().Add(5 * time.Minute)); err != nil {
		t.Error(err)
	}
	// Group a watches the connections of the first five events, b those of the
	// third, the fourth and the sixth. One event about any of them is enough.
	for group, watches := range map[string][]int{"a": {0, 1, 2, 3, 4}, "b": {2, 3, 5}} {
		heard := slices.ContainsFunc(order, func(n int) bool { return slices.Contains(watches, n) })
		if by := movedBy(t, rig, group); by == "" || heard == (by == "sweep") {
			t.Errorf("after the deliveries %v group %s was moved by %q", order, group, by)
		}
	}
	return rig.World.Snapshot()
}

// movedBy is the event, or the word sweep, that led to the group's one move.
func movedBy(t *testing.T, rig *Rig, group string) string {
	history, err := rig.Store.History(t.Context(), controller.GroupKey(group), 100)
	if err != nil {
		t.Error(err)
	}
	by := ""
	for _, entry := range history {
		if entry.Decision.Action == protection.Move && entry.Note == "" {
			if by != "" && by != entry.Event {
				t.Errorf("group %s was moved by %s and by %s", group, by, entry.Event)
			}
			by = entry.Event
		}
	}
	return by
}

func outsideOf(raw []byte) string {
	_, rest, _ := strings.Cut(string(raw), `"outsideIpAddress":"`)
	address, _, _ := strings.Cut(rest, `"`)
	return address
}

// sequences lists every subset of 0..n-1 in every order.
func sequences(n int) [][]int {
	out := [][]int{{}}
	for start := 0; start < len(out); start++ {
		for next := range n {
			if !slices.Contains(out[start], next) {
				out = append(out, append(slices.Clone(out[start]), next))
			}
		}
	}
	return out
}

// TestEveryDeliveryOfSixEventsEndsInTheSameTables is invariant 7 for events:
// whatever is lost, doubled or reordered, the end is the same.
func TestEveryDeliveryOfSixEventsEndsInTheSameTables(t *testing.T) {
	all := sequences(6)
	if len(all) != 1957 {
		t.Fatalf("there are %d sequences, want 1957", len(all))
	}
	full := []int{0, 1, 2, 3, 4, 5}
	for position := range 7 {
		for event := range 6 {
			all = append(all, slices.Insert(slices.Clone(full), position, event))
		}
	}
	if raceEnabled {
		// Under the race detector a run costs ten times as much; a sample, which
		// keeps the first and the last, has the same code paths.
		all = append(everyNth(all, 40), all[len(all)-1])
	}
	want := deliverSequence(t, full)
	for _, route := range []string{"10.1.0.0/16 " + id("tgw-attach", 3), "10.2.0.0/16 " + id("tgw-attach", 3), "10.3.0.0/16 " + id("tgw-attach", 4)} {
		destination, target, _ := strings.Cut(route, " ")
		if !hasRoute(want, destination, target) {
			t.Fatalf("%s does not point to %s:\n%s", destination, target, want)
		}
	}
	var mu sync.Mutex
	next := 0
	work := func() {
		for {
			mu.Lock()
			i := next
			next++
			mu.Unlock()
			if i >= len(all) || t.Failed() {
				return
			}
			if got := deliverSequence(t, all[i]); got != want {
				t.Errorf("the deliveries %v end in\n%s\nwant\n%s", all[i], got, want)
			}
		}
	}
	clock := systemclock.New()
	wait := clock.Go(t.Context(), func(context.Context) { work() })
	work()
	wait()
}

func everyNth(all [][]int, n int) [][]int {
	var out [][]int
	for i := 0; i < len(all); i += n {
		out = append(out, all[i])
	}
	return out
}

func hasRoute(snapshot, destination, target string) bool {
	for line := range strings.Lines(snapshot) {
		if strings.Contains(line, destination) && strings.Contains(line, target) {
			return true
		}
	}
	return false
}
