package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is a TGW table told again in the plainest way: everything that anybody
// wrote or taught, and of it the winner by rank. It shares no code with the World.
type model struct {
	statics    map[string]string   // CIDR → target
	references map[string]string   // list → target
	lists      map[string][]string // list → entries
	teaches    map[string][]string // attachment → CIDRs
	rank       map[string]int      // attachment → rank
	enabled    map[string]bool
	deleted    map[string]bool
	silent     map[string]bool // attachments whose BGP is down
	vpnDown    map[string]bool // attachments of VPN connections that are reported down
}

// expect returns what is to be visible of the CIDR: "" for no route.
func (m *model) expect(dst string) string {
	show := func(target, kind, list string) string {
		state := "active"
		switch {
		case target == blackhole || m.deleted[target]:
			target, state = "-", blackhole
		case m.vpnDown[target]:
			state = blackhole
		}
		return fmt.Sprintf("%s %s %s %s", target, kind, list, state)
	}
	if target, found := m.statics[dst]; found {
		return show(target, "static", "")
	}
	for _, list := range sortedKeys(m.references) {
		if slices.Contains(m.lists[list], dst) {
			return show(m.references[list], "propagated", list)
		}
	}
	best := ""
	for _, id := range sortedKeys(m.teaches) {
		if !m.enabled[id] || m.deleted[id] || m.silent[id] || !slices.Contains(m.teaches[id], dst) {
			continue
		}
		if best == "" || m.rank[id] < m.rank[best] {
			best = id
		}
	}
	if best == "" {
		return ""
	}
	return show(best, "propagated", "")
}

func newModel() *model {
	return &model{
		statics:    map[string]string{"192.168.0.0/16": attVPN1, "203.0.113.0/24": blackhole, "10.8.0.0/16": attPeer},
		references: map[string]string{list1: attVPN2},
		lists:      map[string][]string{list1: {"10.2.0.0/16", "172.22.0.0/16", "192.168.0.0/16"}, list2: {"172.22.0.0/16", "172.23.0.0/16"}},
		teaches: map[string][]string{
			attA: {"10.1.0.0/16", "2001:db8:1::/56"}, attB: {"10.2.0.0/16"},
			attDX: {"172.20.0.0/16"}, attConn: {"172.20.0.0/16", "172.21.0.0/16"},
		},
		rank:    map[string]int{attA: 3, attB: 3, attDX: 4, attConn: 5},
		enabled: map[string]bool{attA: true, attB: true, attDX: true, attConn: true},
		deleted: map[string]bool{}, silent: map[string]bool{}, vpnDown: map[string]bool{},
	}
}

// step changes the World and the model in the same way, where the World allows it.
func (m *model) step(t *rapid.T, w *World, clock *handClock) {
	dst := rapid.SampledFrom([]string{"10.1.0.0/16", "10.2.0.0/16", "172.20.0.0/16", "172.21.0.0/16", "172.22.0.0/16", "192.168.0.0/16"}).Draw(t, "dst")
	list := rapid.SampledFrom([]string{list1, list2}).Draw(t, "list")
	target := rapid.SampledFrom([]string{attA, attB, attVPN1, attVPN2, attDX, attPeer, blackhole}).Draw(t, "target")
	teacher := rapid.SampledFrom(sortedKeys(m.teaches)).Draw(t, "teacher")
	var refused *APIError
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		if _, _, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr(dst), target); refused == nil {
			m.statics[dst] = target
		}
	case 1:
		if _, _, refused = w.DeleteTransitGatewayRoute(me(), spokeRT, cidr(dst)); refused == nil {
			delete(m.statics, dst)
		}
	case 2:
		if _, _, refused = w.CreateTransitGatewayPrefixListReference(me(), spokeRT, list, target); refused == nil {
			m.references[list] = target
		}
	case 3:
		if _, _, refused = w.ModifyTransitGatewayPrefixListReference(me(), spokeRT, list, target); refused == nil {
			m.references[list] = target
		}
	case 4:
		if _, _, refused = w.DeleteTransitGatewayPrefixListReference(me(), spokeRT, list); refused == nil {
			delete(m.references, list)
		}
	case 5:
		if _, refused = w.EnablePropagation(me(), spokeRT, teacher); refused == nil {
			m.enabled[teacher] = true
		}
	case 6:
		if _, refused = w.DisablePropagation(me(), spokeRT, teacher); refused == nil {
			m.enabled[teacher] = false
		}
	case 7:
		m.edit(t, w, list)
	case 8:
		m.flap(t, w, clock)
	default:
		if rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
			id := rapid.SampledFrom([]string{attA, attVPN1, attDX, attPeer, attConn}).Draw(t, "attachment")
			if w.DeleteAttachment(id) == nil {
				m.deleted[id], m.enabled[id] = true, false
			}
			// A Connect attachment over the deleted one has lost its transport, but it teaches nothing here.
		}
	}
}

// edit changes the entries of a list.
func (m *model) edit(t *rapid.T, w *World, list string) {
	entry := rapid.SampledFrom([]string{"10.2.0.0/16", "172.21.0.0/16", "172.24.0.0/16", "172.25.0.0/16"}).Draw(t, "entry")
	add, remove := []netip.Prefix{cidr(entry)}, []netip.Prefix(nil)
	i := slices.Index(m.lists[list], entry)
	if i >= 0 {
		add, remove = remove, add
	}
	if w.SetPrefixListEntries("net", list, add, remove) != nil {
		return
	}
	if i >= 0 {
		m.lists[list] = slices.Delete(m.lists[list], i, i+1)
	} else {
		m.lists[list] = append(m.lists[list], entry)
	}
}

// flap lets a line fail or come back, and waits until AWS knows.
func (m *model) flap(t *rapid.T, w *World, clock *handClock) {
	up := rapid.Bool().Draw(t, "up")
	switch rapid.SampledFrom([]string{attConn, attDX, attVPN2}).Draw(t, "line") {
	case attConn:
		if w.SetSession(peer1, 0, up) == nil {
			m.silent[attConn] = !up
		}
	case attDX:
		if w.SetDirectConnect(attDX, up) == nil {
			m.silent[attDX] = !up
		}
	default:
		if w.SetTunnel(vpn2, "198.51.100.3", up) == nil {
			m.vpnDown[attVPN2] = !up
		}
	}
	clock.advance(100e9)
}

// TestSelectionAgainstTheModel: whatever is written, taught, withdrawn, listed
// and deleted, the visible table is what the model says.
func TestSelectionAgainstTheModel(t *testing.T) {
	universe := []string{
		"10.1.0.0/16", "10.2.0.0/16", "10.8.0.0/16", "172.20.0.0/16", "172.21.0.0/16", "172.22.0.0/16", "172.23.0.0/16",
		"172.24.0.0/16", "172.25.0.0/16", "192.168.0.0/16", "203.0.113.0/24", "2001:db8:1::/56",
	}
	rapid.Check(t, func(t *rapid.T) {
		clock := newHandClock()
		w, err := NewWorld(clock, wideTopology(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := newModel()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step(t, w, clock)
			routes, refused := w.TransitGatewayRoutes(me(), spokeRT)
			if refused != nil {
				t.Fatal(refused)
			}
			got := map[string]string{}
			for _, route := range routes {
				target := "-"
				if len(route.Attachments) > 0 {
					target = route.Attachments[0].ID
				}
				got[route.Destination.String()] = fmt.Sprintf("%s %s %s %s", target, route.Type, route.PrefixList, route.State)
			}
			for _, dst := range universe {
				if want := m.expect(dst); got[dst] != want {
					t.Fatalf("%s: got %q, want %q\n%s", dst, got[dst], want, w.Snapshot())
				}
				delete(got, dst)
			}
			if len(got) > 0 {
				t.Fatalf("beside: %v", got)
			}
		}
	})
}
