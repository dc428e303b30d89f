package numbers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/lab"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/sim"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	seed    = 1
	// perTable is how many routes one VPC route table takes here; the quota is 500.
	perTable = 400
)

// settled is when every network has been at rest for long enough that Detour has
// adopted what stands and all request buckets are full.
const settled = 10 * time.Minute

// outage is when the working path dies, and given how long a program gets.
const (
	outage = settled
	given  = 40 * time.Minute
)

// shape says where the routes of a network are.
type shape int

const (
	// transitGateway: all routes in one transit gateway route table, to one of two
	// VPN connections.
	transitGateway shape = iota
	// vpcTables: the routes in VPC route tables, to one of two transit gateways.
	vpcTables
	// listReference: a prefix list with all routes, referenced by one transit
	// gateway route table.
	listReference
	// listRoute: a prefix list with all routes, in one VPC route table.
	listRoute
)

// inVPC reports whether the routes are in VPC route tables.
func (s shape) inVPC() bool { return s == vpcTables || s == listRoute }

// inList reports whether the routes are the entries of a prefix list.
func (s shape) inList() bool { return s == listReference || s == listRoute }

// network is a network with n routes, and the group that owns them.
type network struct {
	shape    shape
	topology sim.Topology
	config   config.Config
	routes   []ownRoute
	// good and bad are the ids of the VPN connections.
	bad string
}

// ownRoute is one route with its target before and after the outage.
type ownRoute struct{ table, destination, before, after string }

// build makes the network with n routes.
func build(s shape, n int) network {
	out := network{shape: s, bad: id("vpn", 1)}
	topo := &out.topology
	topo.Account, topo.Region = account, region
	topo.Sites = []sim.SiteSpec{{Name: "site", Networks: []string{"10.0.0.0/8"}}}
	gateways := 1
	if s.inVPC() {
		gateways = 2
	}
	for i := range gateways {
		topo.TransitGateways = append(topo.TransitGateways, sim.TransitGatewaySpec{
			ID: id("tgw", i+1), Tables: []sim.TransitGatewayTable{{ID: id("tgw-rtb", i+1)}},
		})
	}
	for i := range 2 {
		topo.VPNs = append(topo.VPNs, sim.VPNSpec{
			ID: id("vpn", i+1), Site: "site",
			Attachment: sim.AttachmentSpec{ID: id("tgw-attach", i+1), TransitGateway: topo.TransitGateways[i%gateways].ID},
			Tunnels:    []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("203.0.113.%d", 2*i+1)}, {OutsideIP: fmt.Sprintf("203.0.113.%d", 2*i+2)}},
		})
	}
	if s.inList() {
		out.addList(n)
	}
	for i := range n {
		if i == 0 || !s.inList() {
			out.addRoute(i)
		}
	}
	out.configure()
	return out
}

func id(kind string, n int) string { return fmt.Sprintf("%s-%017x", kind, n) }

func prefix(i int) string { return fmt.Sprintf("10.%d.%d.0/24", i/256, i%256) }

// addList adds a prefix list with n entries.
func (n *network) addList(entries int) {
	list := sim.PrefixListSpec{ID: id("pl", 1), MaxEntries: entries}
	for i := range entries {
		list.Entries = append(list.Entries, prefix(i))
	}
	n.topology.PrefixLists = []sim.PrefixListSpec{list}
}

// addRoute adds route number i, which stands on the first path.
func (n *network) addRoute(i int) {
	r := ownRoute{destination: prefix(i)}
	if n.shape.inList() {
		r.destination = id("pl", 1)
	}
	if !n.shape.inVPC() {
		r.table, r.before, r.after = id("tgw-rtb", 1), id("tgw-attach", 1), id("tgw-attach", 2)
		table := &n.topology.TransitGateways[0].Tables[0]
		table.Routes = append(table.Routes, sim.RouteSpec{Destination: r.destination, Target: r.before})
		n.routes = append(n.routes, r)
		return
	}
	v := i / perTable
	if v == len(n.topology.VPCs) {
		n.topology.VPCs = append(n.topology.VPCs, sim.VPCSpec{
			ID: id("vpc", v+1), CIDRs: []string{fmt.Sprintf("172.%d.0.0/16", 16+v)},
			Attachments: []sim.AttachmentSpec{
				{ID: id("tgw-attach", 100+2*v), TransitGateway: id("tgw", 1)}, {ID: id("tgw-attach", 101+2*v), TransitGateway: id("tgw", 2)},
			},
			Tables: []sim.VPCTableSpec{{ID: id("rtb", v+1)}},
		})
	}
	r.table, r.before, r.after = id("rtb", v+1), id("tgw", 1), id("tgw", 2)
	table := &n.topology.VPCs[v].Tables[0]
	table.Routes = append(table.Routes, sim.RouteSpec{Destination: r.destination, Target: r.before})
	n.routes = append(n.routes, r)
}

// configure declares the one group.
func (n *network) configure() {
	c := config.New()
	group := config.NewGroup()
	group.Name, group.Mode = "branch", string(protection.Enforce)
	group.Home = config.Home{Account: account, Region: region}
	for i, name := range []string{"first", "second"} {
		path := config.NewPath()
		path.Name, path.VPN = name, id("vpn", i+1)
		group.Paths = append(group.Paths, path)
	}
	unit := config.Unit{Name: "all"}
	for _, r := range n.routes {
		unit.Entries = append(unit.Entries, config.Entry{
			Table: r.table, Destination: r.destination, NextHops: map[string]string{"first": r.before, "second": r.after},
		})
	}
	group.Units = []config.Unit{unit}
	c.GroupList = []config.Group{group}
	n.config = c.Normalize()
}

// floor is the least time that AWS's request buckets leave for the writes.
func floor(writes int) time.Duration {
	return max(0, time.Duration(writes-plan.WriteBurst)*time.Second/plan.WriteRate)
}

// moved is what a program did, from the call log of its network.
type moved struct {
	// started is when the program first called, decided when Detour committed its
	// decision; zero for the others.
	started, decided, lastWrite time.Time
	writes, reads, throttled    int
	routeless                   time.Duration
	done                        bool
	calls                       []sim.CallRecord
	// run is what the run of Detour that wrote most did, up to its last write.
	run []sim.CallRecord
}

// read makes a moved from the calls of a network since the outage.
func (n *network) read(w *sim.World, from time.Time) moved {
	var out moved
	missing := map[string]time.Time{}
	for _, call := range w.Calls() {
		if call.SentAt.Before(from) || call.Process == "" {
			continue
		}
		out.calls = append(out.calls, call)
		switch {
		case call.Code == "RequestLimitExceeded":
			out.throttled++
		case call.Write != nil:
			out.writes++
			out.lastWrite = call.EffectAt
			key := call.Write.Table + " " + call.Write.Destination
			if since, gone := missing[key]; gone {
				out.routeless += call.EffectAt.Sub(since)
				delete(missing, key)
			}
			if call.Write.After == "" {
				missing[key] = call.EffectAt
			}
		case isRead(call.Action):
			out.reads++
		}
	}
	if len(out.calls) > 0 {
		out.started = slices.MinFunc(out.calls, func(a, b sim.CallRecord) int { return a.SentAt.Compare(b.SentAt) }).SentAt
	}
	out.done = len(missing) == 0 && n.allMoved(w)
	return out
}

// allMoved reports whether every route stands on its new target.
func (n *network) allMoved(w *sim.World) bool {
	stands := map[string]string{}
	for _, r := range w.StaticRoutes() {
		stands[r.Table+" "+r.Destination.String()] = r.Target
	}
	return !slices.ContainsFunc(n.routes, func(r ownRoute) bool { return stands[r.table+" "+r.destination] != r.after })
}

func isRead(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Search") || strings.HasPrefix(action, "Get")
}

// detour runs Detour on the network: the working path dies, the event comes, and
// the function moves the routes.
func detour(t testing.TB, n network) moved {
	t.Helper()
	rig, err := lab.NewRig(lab.Options{Seed: seed, Topology: n.topology, Config: n.config})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	from := lab.Start().Add(outage)
	for _, step := range []func() error{
		func() error { return rig.RunUntil(from) },
		func() error { return rig.Do(lab.Step{Do: lab.TunnelDown, VPN: n.bad}) },
		func() error { return rig.RunUntil(from.Add(given)) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	out := n.read(rig.World, from)
	history, err := rig.Store.History(t.Context(), controller.GroupKey("branch"), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range history {
		if line.Decision.Action == protection.Move && !line.WouldBe {
			out.decided = line.At
		}
	}
	if out.decided.IsZero() {
		t.Fatal("Detour did not move the group")
	}
	out.run = by(mover(out.calls), out.calls)
	out.started = out.run[0].SentAt
	return out
}

// mover is the process that wrote most.
func mover(calls []sim.CallRecord) string {
	writes := map[string]int{}
	for _, call := range calls {
		if call.Write != nil {
			writes[call.Process]++
		}
	}
	best := ""
	for process, count := range writes {
		if best == "" || cmp.Or(cmp.Compare(count, writes[best]), cmp.Compare(best, process)) > 0 {
			best = process
		}
	}
	return best
}

// by keeps the calls of one process, up to its last write.
func by(process string, calls []sim.CallRecord) []sim.CallRecord {
	own := slices.DeleteFunc(slices.Clone(calls), func(c sim.CallRecord) bool { return c.Process != process })
	last := len(own)
	for last > 0 && own[last-1].Write == nil {
		last--
	}
	return own[:last]
}

// roundTrips is the number of EC2 round trips that had to wait for one another
// up to the last write: the longest chain of calls of which each was sent after
// the one before had its effect.
func (m moved) roundTrips() int {
	depth := make([]int, len(m.run))
	longest := 0
	for i, call := range m.run {
		if !isEC2(call.Action) {
			continue
		}
		depth[i] = 1
		for j, before := range m.run[:i] {
			if depth[j] > 0 && !call.SentAt.Before(before.EffectAt) {
				depth[i] = max(depth[i], depth[j]+1)
			}
		}
		longest = max(longest, depth[i])
	}
	return longest
}

// isEC2 leaves the calls for credentials and alarms out.
func isEC2(action string) bool {
	return action != "AssumeRole" && action != "GetCallerIdentity" && action != "DescribeAlarms"
}
