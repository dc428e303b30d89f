package numbers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"detour/shared/lab"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// measured is one row of the first table, measured.
type measured struct {
	name     string
	net      network
	detour   moved
	others   []other
	expected plan.Cost
}

// other is a program of today on a network equal to Detour's.
type other struct {
	name string
	moved
}

// measure moves n routes by Detour, and by the two other programs where they
// know how to.
func measure(t testing.TB, name string, s shape, n int) measured {
	t.Helper()
	out := measured{name: name, net: build(s, n)}
	out.detour = detour(t, out.net)
	out.expected = plan.Predict(changes(out.net))
	if s.inList() {
		return out
	}
	out.others = []other{
		{"delete, then create", run(t, out.net, out.detour.started, deleteThenCreate(out.net))},
		{"search and replace, one by one", run(t, out.net, out.detour.started, searchAndReplace(out.net))},
	}
	return out
}

// changes are the writes of a switchover, as the plan makes them.
func changes(n network) []route.Change {
	var out []route.Change
	for _, r := range n.routes {
		kind, err := route.KindOfTable(r.table)
		if err != nil {
			panic(err)
		}
		out = append(out, route.Change{
			Table: route.Table{Kind: kind, ID: r.table, Account: account, Region: region}, Destination: route.MustDestination(r.destination),
			Op: route.OpReplace, Before: route.MustNextHop(r.before), After: route.MustNextHop(r.after),
		})
	}
	return out
}

// took is the time from the decision to the last write.
func (m measured) took() time.Duration { return m.detour.lastWrite.Sub(m.detour.decided) }

// expectedCalls is the number of calls that the plan predicted.
func (m measured) expectedCalls() int {
	total := 0
	for _, c := range m.expected.Calls {
		total += c.Calls
	}
	return total
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// rows are the cases of the first table.
func rows(t testing.TB) []measured {
	return []measured{
		measure(t, "1 route, TGW table", transitGateway, 1),
		measure(t, "100 routes, TGW table", transitGateway, 100),
		measure(t, "500 routes, TGW table", transitGateway, 500),
		measure(t, "1,500 routes, TGW table", transitGateway, 1500),
		measure(t, "1,500 routes, 4 VPC tables", vpcTables, 1500),
		measure(t, "prefix list of 500, TGW table", listReference, 500),
		measure(t, "prefix list of 200, VPC table", listRoute, 200),
	}
}

// moving is the table of moves: Detour and the programs of today.
func moving(rows []measured) string {
	var out strings.Builder
	out.WriteString("| Routes | Program | Start to last write | Decision to last write | Floor | Writes | Predicted writes | Throttled calls | Route-seconds without a route |\n")
	out.WriteString("|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, m := range rows {
		fmt.Fprintf(&out, "| %s | Detour | %s | %s | %s | %d | %d | %d | %.0f |\n", m.name, seconds(m.detour.lastWrite.Sub(m.detour.started)),
			seconds(m.took()), seconds(m.expected.Wait), m.detour.writes, m.expectedCalls(), m.detour.throttled, m.detour.routeless.Seconds())
		for _, o := range m.others {
			fmt.Fprintf(&out, "| | %s | %s | | | %d | | %d | %.0f |\n", o.name, seconds(o.lastWrite.Sub(m.detour.started)), o.writes, o.throttled, o.routeless.Seconds())
		}
	}
	return out.String()
}

// apiCalls counts calls of one API in one account and Region, and the instants
// at which they were sent.
type apiCalls struct {
	name    string
	account string
	calls   int
	instant []time.Time
}

// reads groups the reads of a process before its first write.
func reads(calls []sim.CallRecord) []apiCalls {
	var out []apiCalls
	for _, call := range calls {
		if call.Write != nil {
			break
		}
		if !isRead(call.Action) {
			continue
		}
		name := fmt.Sprintf("%s, %s in %s", call.Action, call.Account, call.Region)
		at := slices.IndexFunc(out, func(a apiCalls) bool { return a.name == name })
		if at < 0 {
			out = append(out, apiCalls{name: name, account: call.Account})
			at = len(out) - 1
		}
		out[at].calls++
		if !slices.ContainsFunc(out[at].instant, call.SentAt.Equal) {
			out[at].instant = append(out[at].instant, call.SentAt)
		}
	}
	slices.SortFunc(out, func(a, b apiCalls) int { return strings.Compare(a.name, b.name) })
	return out
}

// reading is the table of what one look at a network reads.
func reading(list []looked) string {
	var out strings.Builder
	out.WriteString("| Look at | Calls | of which sent at the first instant | Further pages |\n|---|---|---:|---:|\n")
	for _, l := range list {
		var names []string
		total, first, further := 0, 0, 0
		for _, a := range l.reads {
			name := fmt.Sprintf("%d × %s", a.calls, a.name)
			if _, taken := l.roles[a.account]; taken {
				name = "AssumeRole, then " + name
			}
			names = append(names, name)
			total += a.calls
		}
		for _, call := range l.calls {
			if isRead(call.Action) && call.SentAt.Equal(l.calls[0].SentAt) {
				first++
			}
			if call.Params.Get("NextToken") != "" {
				further++
			}
		}
		fmt.Fprintf(&out, "| %s | %s | %d of %d | %d |\n", l.name, strings.Join(names, "<br>"), first, total, further)
	}
	return out.String()
}

// looked is a look of the sweep at a quiet network.
type looked struct {
	name  string
	reads []apiCalls
	calls []sim.CallRecord
	// roles are the calls for the credentials of other accounts, by account.
	roles map[string]sim.CallRecord
}

// look lets the sweep look at a network that stands still.
func look(t testing.TB, name string, topo sim.Topology, opts func(*lab.Options)) looked {
	t.Helper()
	options := lab.Options{Seed: seed, Topology: topo, NoSweep: true}
	opts(&options)
	rig, err := lab.NewRig(options)
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	at := lab.Start()
	for range 5 { // The first sweeps adopt what stands.
		rig.Invoke(lab.Sweep, []byte(`{"detour":"sweep"}`), "schedule")
		at = at.Add(2 * time.Minute)
		if err := rig.RunUntil(at); err != nil {
			t.Fatal(err)
		}
	}
	out := looked{name: name, roles: map[string]sim.CallRecord{}}
	last := rig.Runs[len(rig.Runs)-1].Process.Name()
	for _, call := range rig.World.Calls() {
		switch {
		case call.Process != last:
		case isRead(call.Action):
			out.calls = append(out.calls, call)
		case call.Action == "AssumeRole":
			taken, err := arn.Parse(call.Params.Get("RoleArn"))
			if err != nil {
				t.Fatal(err)
			}
			out.roles[taken.AccountID] = call
		}
	}
	out.reads = reads(out.calls)
	return out
}

// trips is the table of round trips that wait for one another.
func trips(moves []measured, answers []answered) string {
	var out strings.Builder
	out.WriteString("| What is written | EC2 round trips in sequence, event to last write |\n|---|---:|\n")
	for _, m := range moves {
		if m.detour.writes == 1 {
			fmt.Fprintf(&out, "| %s | %d |\n", m.name, m.detour.roundTrips())
		}
	}
	for _, a := range answers {
		if a.inOneBurst() {
			fmt.Fprintf(&out, "| %s | %d |\n", a.leak.name, a.trips)
		}
	}
	return out.String()
}

// planned measures the planning of 10,000 routes.
func planned(tables int, kind route.TableKind, marker string) testing.BenchmarkResult {
	group, readings := large(tables, kind, marker)
	decision := protection.Decision{Group: group.Name, From: "first", To: "second", Extent: 1, Action: protection.Move, Epoch: 1}
	return testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			standing := plan.Standing(group, readings, nil, plan.NeverTouch{})
			if built := plan.Build(group, decision, nil, standing); len(built.Changes) != 10_000 {
				b.Fatalf("%d changes", len(built.Changes))
			}
		}
	})
}

// large is a group with 10,000 routes, spread over the tables.
func large(tables int, kind route.TableKind, marker string) (*protection.Group, []route.Reading) {
	group := &protection.Group{Name: "large", Paths: []protection.Path{{Name: "first"}, {Name: "second"}}, Units: []protection.Unit{{Name: "all"}}}
	readings := make([]route.Reading, tables)
	for i := range readings {
		readings[i] = route.Reading{Table: route.Table{Kind: kind, ID: id(marker, i), Account: account, Region: region}, StartedAt: lab.Start(), Complete: true}
	}
	first, second := route.MustNextHop("tgw-1"), route.MustNextHop("tgw-2")
	if kind == route.TransitGatewayTable {
		first, second = route.MustNextHop("tgw-attach-1"), route.MustNextHop("tgw-attach-2")
	}
	for i := range 10_000 {
		r := &readings[i%tables]
		key := protection.EntryKey{Table: r.Table, Destination: route.MustDestination(prefix(i))}
		r.Routes = append(r.Routes, route.Route{Table: r.Table, Destination: key.Destination, NextHop: first, Origin: route.OriginStatic, State: route.StateActive})
		group.Units[0].Entries = append(group.Units[0].Entries, protection.Entry{
			EntryKey: key, NextHops: []protection.PathNextHop{{Path: "first", NextHop: first}, {Path: "second", NextHop: second}},
		})
	}
	return group, readings
}

// processor is the table of what this machine's processor does; it differs from
// machine to machine.
func processor(t testing.TB) string {
	const networks = 40
	tester := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			report, err := lab.Fuzz(b.Context(), lab.FuzzOptions{Seeds: networks, First: 1, Parallel: 1, NoShrink: true})
			if err != nil || len(report.Findings) > 0 {
				b.Fatalf("%v, %d findings", err, len(report.Findings))
			}
		}
	})
	tgw, vpc := planned(20, route.TransitGatewayTable, "tgw-rtb"), planned(1000, route.VPCTable, "rtb")
	var out strings.Builder
	out.WriteString("| On this machine's processor | Time | Memory | Allocations |\n|---|---:|---:|---:|\n")
	for _, p := range []struct {
		name   string
		result testing.BenchmarkResult
	}{
		{"plan 10,000 routes in 20 TGW tables", tgw}, {"plan 10,000 routes in 1,000 VPC tables", vpc},
	} {
		fmt.Fprintf(&out, "| %s | %.1f ms | %.1f MB | %d |\n", p.name, float64(p.result.NsPerOp())/1e6, float64(p.result.AllocedBytesPerOp())/1e6, p.result.AllocsPerOp())
	}
	fmt.Fprintf(&out, "| random networks of the tester, with all checks, one at a time | %.1f a second | | |\n", networks/(float64(tester.NsPerOp())/1e9))
	_ = t
	return out.String()
}
