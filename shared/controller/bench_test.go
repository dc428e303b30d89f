package controller_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsec2"
	"detour/shared/adapter/memory"
	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"
)

// simulated is the network of the group on the simulator, with one process that
// goes on using its controller, as a warm Lambda function does.
type simulated struct {
	s     *sim.Scheduler
	w     *sim.World
	store *memory.Store
	asked bool
	done  int
}

func topology(g protection.Group) sim.Topology {
	topo := sim.Topology{
		Account: g.Account, Region: g.Region,
		Sites: []sim.SiteSpec{{Name: "site", Networks: []string{"10.0.0.0/8"}}},
	}
	table := sim.TransitGatewayTable{ID: g.Units[0].Entries[0].Table.ID}
	for i, path := range g.Paths {
		topo.VPNs = append(topo.VPNs, sim.VPNSpec{
			ID: path.Spec.Subject.ID, Site: "site", Attachment: sim.AttachmentSpec{ID: hop(g.Name, path.Name).ID, TransitGateway: "tgw-1"},
			Tunnels: []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("203.0.113.%d", 2*i)}, {OutsideIP: fmt.Sprintf("203.0.113.%d", 2*i+1)}},
		})
	}
	for _, e := range g.Units[0].Entries {
		table.Routes = append(table.Routes, sim.RouteSpec{Destination: e.Destination.String(), Target: e.NextHops[0].NextHop.ID})
	}
	topo.TransitGateways = []sim.TransitGatewaySpec{{ID: "tgw-1", Tables: []sim.TransitGatewayTable{table}}}
	return topo
}

// simulate starts the process; it reconciles the group whenever asked is set.
func simulate(b *testing.B, g protection.Group) *simulated {
	b.Helper()
	out := &simulated{s: sim.NewScheduler(1, noon)}
	b.Cleanup(out.s.Close)
	var err error
	if out.w, err = sim.NewWorld(out.s, topology(g), sim.Options{}); err != nil {
		b.Fatal(err)
	}
	out.store = memory.New(out.s, lease, skew)
	transport := sim.NewTransport(out.s, ec2api.New(out.w), &sim.FaultPlan{}, out.w.Record)
	clients, err := awsclient.New(awsclient.Options{
		Doer: transport, HomeAccount: g.Account,
		HomeCredentials: credentials.NewStaticCredentialsProvider(g.Account, "simulated", ""),
		Role:            func(account, _ string) string { return "arn:aws:iam::" + account + ":role/detour" },
		ExternalID:      "detour-bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	settings := controller.Settings{
		MaxMoves: 1 << 30, MoveWindow: 5 * time.Minute, Lease: lease, CallTimeout: callTimeout, Skew: skew, Settle: settle,
	}
	tokens := 0
	out.s.Start("warm", func(ctx context.Context, p *sim.Process) {
		ec2 := awsec2.New(clients.Config, p, callTimeout)
		c := controller.New([]protection.Group{g}, settings, controller.Ports{
			Tables: ec2.Tables(nil), Evidence: ec2.Evidence(), Records: out.store, Wake: memory.NewWakeQueue(nil), Publish: &memory.Events{},
			Clock: p, NewToken: func() string { tokens++; return "token-" + strconv.Itoa(tokens) },
		})
		for p.Sleep(ctx, 100*time.Millisecond) == nil {
			if out.asked {
				out.asked = false
				c.Reconcile(ctx, controller.Trigger{Groups: []string{g.Name}})
				out.done++
			}
		}
	})
	return out
}

func (x *simulated) reconcile() {
	done := x.done
	x.asked = true
	for x.done == done {
		x.s.RunUntil(x.s.Now().Add(time.Second))
	}
}

// set makes both tunnels of a path truly up or down, and lets AWS notice.
func (x *simulated) set(b *testing.B, g protection.Group, path int, up bool) {
	b.Helper()
	for t := range 2 {
		if err := x.w.SetTunnel(g.Paths[path].Spec.Subject.ID, fmt.Sprintf("203.0.113.%d", 2*path+t), up); err != nil {
			b.Fatal(err)
		}
	}
	x.s.RunUntil(x.s.Now().Add(2 * time.Minute)) // The request buckets fill up, too.
}

// lastWrite is how long the last write came after the decision.
func (x *simulated) lastWrite(b *testing.B, g protection.Group) time.Duration {
	b.Helper()
	history, err := x.store.History(context.Background(), controller.GroupKey(g.Name), 10)
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range history {
		if line.Decision.Action != protection.Move {
			continue
		}
		calls := x.w.Calls()
		for i := len(calls) - 1; i >= 0; i-- {
			if strings.HasPrefix(calls[i].Action, "Replace") && calls[i].Code == "" {
				return calls[i].EffectAt.Sub(line.At)
			}
		}
	}
	b.Fatal("there was no move")
	return 0
}

// BenchmarkSwitchover moves a group on the simulator, there and back. Beside the
// time of the processor it reports the virtual seconds from the decision to the
// last write, and the floor that AWS's request buckets leave: (n - 50) / 5.
func BenchmarkSwitchover(b *testing.B) {
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			g := newGroup("berlin", n)
			for i := range g.Paths {
				g.Paths[i].Spec.Damping.Suppress = 1e9 // This one flaps on purpose.
			}
			x := simulate(b, g)
			for range 3 {
				x.reconcile()
				x.s.RunUntil(x.s.Now().Add(time.Minute))
			}
			var took time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				x.set(b, g, 1-i%2, true)
				x.set(b, g, i%2, false)
				b.StartTimer()
				x.reconcile()
				b.StopTimer()
				took += x.lastWrite(b, g)
				b.StartTimer()
			}
			b.ReportMetric(took.Seconds()/float64(b.N), "virtual-s/op")
			b.ReportMetric(max(0, float64(n-plan.WriteBurst)/plan.WriteRate), "floor-s")
		})
	}
}

// BenchmarkQuietReconcile takes the lease of a settled group, reads, and finds
// nothing to do.
func BenchmarkQuietReconcile(b *testing.B) {
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			x := simulate(b, newGroup("berlin", n))
			for range 3 {
				x.reconcile()
				x.s.RunUntil(x.s.Now().Add(time.Minute))
			}
			b.ReportAllocs()
			for b.Loop() {
				x.reconcile()
			}
		})
	}
}

// BenchmarkSweep looks at 1,000 quiet groups.
func BenchmarkSweep(b *testing.B) {
	var groups []protection.Group
	for i := range 1000 {
		groups = append(groups, newGroup(fmt.Sprintf("g%04d", i), 2))
	}
	w := settled(b, groups...)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range w.sweep() {
			if r.Status != controller.StatusQuiet {
				b.Fatalf("group %s is %s", r.Group, r.Status)
			}
		}
		w.forget()
	}
}
