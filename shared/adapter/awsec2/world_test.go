package awsec2_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsec2"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"
)

const (
	home    = "111122223333"
	foreign = "444455556666"
	region  = "eu-west-1"
)

func topology() sim.Topology {
	far := sim.TransitGatewaySpec{ID: "tgw-0b", Account: foreign, Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-0f"}}}
	for n := range 2500 {
		far.Tables[0].Routes = append(far.Tables[0].Routes, sim.RouteSpec{Destination: fmt.Sprintf("10.%d.%d.0/24", n/256, n%256), Target: "blackhole"})
	}
	spec := func(id string) sim.AttachmentSpec { return sim.AttachmentSpec{ID: id, TransitGateway: "tgw-0a"} }
	return sim.Topology{
		Account: home, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{
			{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{{
				ID: "tgw-rtb-0a", Associated: []string{"tgw-attach-0a"}, Propagated: []string{"tgw-attach-0a"},
				Routes: []sim.RouteSpec{{Destination: "192.168.0.0/16", Target: "tgw-attach-01"}, {Destination: "203.0.113.0/24", Target: "blackhole"}},
			}}},
			far,
		},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0a", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{spec("tgw-attach-0a")},
			Tables: []sim.VPCTableSpec{
				{ID: "rtb-0a", Routes: []sim.RouteSpec{{Destination: "192.168.0.0/16", Target: "tgw-0a"}}},
				{ID: "rtb-0b", Routes: []sim.RouteSpec{{Destination: "198.51.100.0/24", Target: "eni-0a"}}},
			},
		}},
		VPNs: []sim.VPNSpec{
			{ID: "vpn-01", Attachment: spec("tgw-attach-01"), Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2", Down: true}}},
			{ID: "vpn-02", Attachment: spec("tgw-attach-02"), Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.3"}, {OutsideIP: "198.51.100.4"}}},
		},
		Sites: []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}},
	}
}

// run runs fn as a process of a simulated network, with a client that speaks to
// it through the AWS SDK, and returns the World.
func run(t *testing.T, fn func(ctx context.Context, c *awsec2.Client)) *sim.World {
	t.Helper()
	return runIn(t, topology(), sim.Options{}, fn)
}

func runIn(t *testing.T, topology sim.Topology, options sim.Options, fn func(ctx context.Context, c *awsec2.Client)) *sim.World {
	t.Helper()
	scheduler := sim.NewScheduler(1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	t.Cleanup(scheduler.Close)
	world, err := sim.NewWorld(scheduler, topology, options)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := awsclient.New(awsclient.Options{
		Doer: sim.NewTransport(scheduler, ec2api.New(world), nil), HomeAccount: home, HomeRegion: region,
		HomeCredentials: credentials.NewStaticCredentialsProvider(home, "secret", ""),
		Role: func(account, _ string) string {
			if account != foreign {
				return ""
			}
			return "arn:aws:iam::" + account + ":role/detour"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := false
	scheduler.Start("test", func(ctx context.Context, p *sim.Process) {
		var clock controller.Clock = p
		fn(ctx, awsec2.New(clients.Config, clock, 5*time.Second))
		done = true
	})
	scheduler.RunUntil(scheduler.Now().Add(time.Hour))
	if !done {
		t.Fatal("the process did not come to its end")
	}
	return world
}

func table(id, account string) route.Table {
	kind, err := route.KindOfTable(id)
	if err != nil {
		panic(err)
	}
	return route.Table{Kind: kind, ID: id, Account: account, Region: region}
}

func lines(routes []route.Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, fmt.Sprintf("%s %s %s %s", r.Destination, r.Origin, r.NextHop, r.State))
	}
	return out
}

func TestWorldRead(t *testing.T) {
	var readings []route.Reading
	world := run(t, func(ctx context.Context, c *awsec2.Client) {
		readings = c.Tables(nil).Read(ctx, []route.Table{
			table("tgw-rtb-0f", foreign), table("rtb-0b", home), table("tgw-rtb-0a", home), table("rtb-0a", home),
			table("rtb-0e", home), table("tgw-rtb-0e", home), table("rtb-0c", "999999999999"),
		})
	})
	for i, want := range []route.Problem{"", "", "", "", route.ProblemGone, route.ProblemGone, route.ProblemDenied} {
		if got := readings[i]; got.Problem != want || got.Complete != (want == "") {
			t.Errorf("%s: complete %v, problem %q, want %q", got.Table, got.Complete, got.Problem, want)
		}
	}
	// Three pages, through an assumed role.
	if got := len(readings[0].Routes); got != 2500 {
		t.Errorf("the long table has %d routes", got)
	}
	if !slices.IsSortedFunc(readings[0].Routes, route.Route.Compare) {
		t.Error("its routes are not sorted")
	}
	for i, want := range map[int][]string{
		1: {"10.1.0.0/16 local local active", "198.51.100.0/24 static eni-0a active"},
		2: {"10.1.0.0/16 propagated tgw-attach-0a active", "192.168.0.0/16 static tgw-attach-01 active", "203.0.113.0/24 static blackhole blackhole"},
		3: {"10.1.0.0/16 local local active", "192.168.0.0/16 static tgw-0a active"},
	} {
		if got := lines(readings[i].Routes); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", readings[i].Table, got, want)
		}
	}
	assumed := 0
	for _, call := range world.Calls() {
		if call.Action == "AssumeRole" {
			assumed++
		}
	}
	if assumed != 1 {
		t.Errorf("%d roles were assumed, want one", assumed)
	}
}

func TestWorldWrite(t *testing.T) {
	change := func(id string, op route.Op, destination, after string) route.Change {
		out := route.Change{Table: table(id, home), Destination: route.MustDestination(destination), Op: op}
		if after != "" {
			out.After = route.MustNextHop(after)
		}
		return out
	}
	steps := []struct {
		change  route.Change
		outcome route.Outcome
		code    string
	}{
		{change("tgw-rtb-0a", route.OpReplace, "192.168.0.0/16", "tgw-attach-02"), route.Applied, ""},
		{change("tgw-rtb-0a", route.OpCreate, "192.168.0.0/16", "tgw-attach-02"), route.PreconditionFailed, "RouteAlreadyExists"},
		{change("tgw-rtb-0a", route.OpCreate, "0.0.0.0/0", "blackhole"), route.Applied, ""},
		{change("tgw-rtb-0a", route.OpDelete, "203.0.113.0/24", ""), route.Applied, ""},
		{change("tgw-rtb-0a", route.OpDelete, "203.0.113.0/24", ""), route.PreconditionFailed, "InvalidRoute.NotFound"},
		{change("tgw-rtb-0a", route.OpReplace, "192.168.0.0/16", "tgw-attach-0e"), route.Refused, "InvalidTransitGatewayAttachmentID.NotFound"},
		{change("rtb-0a", route.OpReplace, "192.168.0.0/16", "eni-0a"), route.Applied, ""},
		{change("rtb-0a", route.OpCreate, "192.168.0.0/16", "tgw-0a"), route.PreconditionFailed, "RouteAlreadyExists"},
		{change("rtb-0a", route.OpReplace, "172.16.0.0/12", "tgw-0a"), route.PreconditionFailed, "InvalidParameterValue"},
		{change("rtb-0a", route.OpCreate, "172.16.0.0/12", "tgw-0a"), route.Applied, ""},
		{change("rtb-0b", route.OpDelete, "198.51.100.0/24", ""), route.Applied, ""},
		{change("rtb-0b", route.OpDelete, "198.51.100.0/24", ""), route.PreconditionFailed, "InvalidRoute.NotFound"},
	}
	var receipts []route.Receipt
	world := run(t, func(ctx context.Context, c *awsec2.Client) {
		for _, step := range steps {
			receipts = append(receipts, c.Tables(nil).Write(ctx, step.change))
		}
	})
	for i, step := range steps {
		if got := receipts[i]; got.Outcome != step.outcome || got.Code != step.code || (got.Message == "") != (step.code == "") {
			t.Errorf("%s: %s %s %q, want %s %s", step.change, got.Outcome, got.Code, got.Message, step.outcome, step.code)
		}
	}
	var standing []string
	for _, s := range world.StaticRoutes() {
		if s.Table != "tgw-rtb-0f" {
			standing = append(standing, s.Table+" "+s.Destination.String()+" "+s.Target)
		}
	}
	want := []string{
		"rtb-0a 172.16.0.0/12 tgw-0a", "rtb-0a 192.168.0.0/16 eni-0a",
		"tgw-rtb-0a 0.0.0.0/0 blackhole", "tgw-rtb-0a 192.168.0.0/16 tgw-attach-02",
	}
	if !slices.Equal(standing, want) {
		t.Errorf("the statics are %q, want %q", standing, want)
	}
	if calls := len(world.Calls()); calls != len(steps) {
		t.Errorf("%d calls for %d changes", calls, len(steps))
	}
}

func TestWorldSwitchesPropagations(t *testing.T) {
	for _, probed := range []bool{false, true} {
		gone := "TransitGatewayRouteTablePropagation.NotFound"
		if probed {
			gone = "InvalidparameterValue"
		}
		steps := []struct {
			on      bool
			outcome route.Outcome
			code    string
		}{
			{true, route.PreconditionFailed, "TransitGatewayRouteTablePropagation.Duplicate"},
			{false, route.Applied, ""},
			{false, route.PreconditionFailed, gone},
			{true, route.Applied, ""},
		}
		world := runIn(t, topology(), sim.Options{PropagationErrorAsProbed: probed}, func(ctx context.Context, c *awsec2.Client) {
			for _, step := range steps {
				got := c.Tables(nil).Write(ctx, route.SwitchPropagation(table("tgw-rtb-0a", home), "tgw-attach-0a", step.on))
				if got.Outcome != step.outcome || got.Code != step.code {
					t.Errorf("on %t: %+v, want %s %s", step.on, got, step.outcome, step.code)
				}
				reading := c.Tables(nil).Read(ctx, []route.Table{table("tgw-rtb-0a", home)})[0]
				if taught := slices.Contains(lines(reading.Routes), "10.1.0.0/16 propagated tgw-attach-0a active"); taught != step.on {
					t.Errorf("after on %t the table shows the attachment's route: %t", step.on, taught)
				}
			}
			if got := c.Tables(nil).Write(ctx, route.SwitchPropagation(table("tgw-rtb-0a", home), "tgw-attach-0e", false)); got.Outcome != route.Refused {
				t.Errorf("of an attachment that does not exist: %+v", got)
			}
		})
		if calls := len(world.Calls()); calls != 2*len(steps)+1 {
			t.Errorf("%d calls for %d switches", calls, len(steps)+1)
		}
	}
}

func TestWorldNeighbors(t *testing.T) {
	around := topology()
	around.Connects = []sim.ConnectSpec{{
		Attachment: sim.AttachmentSpec{ID: "tgw-attach-0c", TransitGateway: "tgw-0a"}, Transport: "tgw-attach-0a", Site: "dc",
		Peers: []sim.ConnectPeerSpec{{ID: "tgw-connect-peer-01", PeerAddress: "10.1.0.20", TransitGatewayAddress: "10.99.0.1", InsideCIDR: "169.254.6.0/29", PeerASN: 65001}},
	}}
	around.TransitGateways[0].Tables[0].Associated = []string{"tgw-attach-0a", "tgw-attach-0c", "tgw-attach-01"}
	var got []string
	world := runIn(t, around, sim.Options{}, func(ctx context.Context, c *awsec2.Client) {
		for _, r := range c.Neighbors().Read(ctx, []route.Table{table("tgw-rtb-0a", home), table("rtb-0a", home), table("tgw-rtb-0e", home)}) {
			for _, n := range r.Propagations.List {
				got = append(got, fmt.Sprintf("%s is taught by %s %s", r.Table, n.Type, n.Attachment))
			}
			for _, n := range r.Associations.List {
				got = append(got, fmt.Sprintf("%s routes %s %s %s", r.Table, n.Type, n.Attachment, n.BGP))
			}
			for _, o := range r.Outside.List {
				got = append(got, fmt.Sprintf("%s beside %s of %s", r.Table, o.Address, o.Resource))
			}
			got = append(got, fmt.Sprintf("%s: %q %q %q", r.Table, r.Propagations.Problem, r.Associations.Problem, r.Outside.Problem))
		}
	})
	var want []string
	beside := func(id string, problem route.Problem) {
		for _, tunnel := range []string{"10.99.0.1 of tgw-connect-peer-01", "198.51.100.1 of vpn-01", "198.51.100.2 of vpn-01", "198.51.100.3 of vpn-02", "198.51.100.4 of vpn-02"} {
			want = append(want, id+" beside "+tunnel)
		}
		want = append(want, fmt.Sprintf("%s: %q %q %q", id, problem, problem, ""))
	}
	want = append(want, "tgw-rtb-0a is taught by vpc tgw-attach-0a", "tgw-rtb-0a routes vpn tgw-attach-01 static", "tgw-rtb-0a routes vpc tgw-attach-0a static",
		"tgw-rtb-0a routes connect tgw-attach-0c bgp")
	beside("tgw-rtb-0a", "")
	beside("rtb-0a", "")
	beside("tgw-rtb-0e", route.ProblemGone)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if calls := len(world.Calls()); calls != 7 {
		t.Errorf("%d calls, want 7", calls)
	}
}

func TestWorldThrottlesWrites(t *testing.T) {
	var receipts []route.Receipt
	run(t, func(ctx context.Context, c *awsec2.Client) {
		for n := range 150 {
			prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(n), 0}), 24)
			receipts = append(receipts, c.Tables(nil).Write(ctx, route.Change{
				Table: table("tgw-rtb-0a", home), Destination: route.CIDR(prefix), Op: route.OpCreate, After: route.MustNextHop("blackhole"),
			}))
		}
	})
	applied, throttled := 0, 0
	for _, r := range receipts {
		switch r.Outcome {
		case route.Applied:
			applied++
		case route.Throttled:
			throttled++
		default:
			t.Errorf("got %+v", r)
		}
	}
	if applied < 50 || throttled == 0 {
		t.Errorf("%d applied and %d throttled of 150 from a bucket of 50", applied, throttled)
	}
}

func TestWorldEvidence(t *testing.T) {
	vpn := func(id, account string) health.Subject {
		return health.Subject{Kind: health.SubjectVPN, ID: id, Account: account, Region: region}
	}
	var facts []health.Fact
	run(t, func(ctx context.Context, c *awsec2.Client) {
		facts = c.Evidence().Read(ctx, []health.Subject{vpn("vpn-02", home), vpn("vpn-0e", home), vpn("vpn-01", home), vpn("vpn-01", foreign)})
	})
	var got []string
	for _, f := range facts {
		got = append(got, fmt.Sprintf("%s %s %s%s %s", f.Subject, f.Kind, f.Value, f.Problem, f.Part))
	}
	want := []string{
		"vpn-02 connection-state available ", "vpn-02 tunnel-status UP 198.51.100.3", "vpn-02 tunnel-status UP 198.51.100.4",
		"vpn-0e unreadable gone ",
		"vpn-01 connection-state available ", "vpn-01 tunnel-status UP 198.51.100.1", "vpn-01 tunnel-status DOWN 198.51.100.2",
		"vpn-01 unreadable gone ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestWorldTry: a dry run of every kind of write is let through, in both orders in
// which EC2 may validate, and changes nothing.
func TestWorldTry(t *testing.T) {
	changes := []route.Change{
		{Table: table("tgw-rtb-0a", home), Destination: route.MustDestination("192.168.0.0/16"), Op: route.OpReplace, After: route.MustNextHop("tgw-attach-02")},
		{Table: table("tgw-rtb-0a", home), Destination: route.MustDestination("192.168.0.0/16"), Op: route.OpReplace, After: route.MustNextHop("tgw-attach-01")}, // It stands.
		{Table: table("tgw-rtb-0a", home), Destination: route.MustDestination("10.9.0.0/16"), Op: route.OpCreate, After: route.MustNextHop("tgw-attach-02")},
		{Table: table("tgw-rtb-0a", home), Destination: route.MustDestination("203.0.113.0/24"), Op: route.OpDelete},
		{Table: table("tgw-rtb-0f", foreign), Destination: route.MustDestination("10.0.0.0/24"), Op: route.OpDelete},
		{Table: table("rtb-0a", home), Destination: route.MustDestination("192.168.0.0/16"), Op: route.OpReplace, After: route.MustNextHop("tgw-0a")},
		{Table: table("rtb-0b", home), Destination: route.MustDestination("10.9.0.0/16"), Op: route.OpCreate, After: route.MustNextHop("eni-0a")},
		{Table: table("rtb-0b", home), Destination: route.MustDestination("198.51.100.0/24"), Op: route.OpDelete},
	}
	for _, options := range []sim.Options{{}, {DryRunBeforeValidation: true}} {
		var before, after []route.Reading
		var receipts []route.Receipt
		world := runIn(t, topology(), options, func(ctx context.Context, c *awsec2.Client) {
			tables := []route.Table{table("tgw-rtb-0a", home), table("rtb-0a", home), table("rtb-0b", home)}
			before = c.Tables(nil).Read(ctx, tables)
			for _, change := range changes {
				receipts = append(receipts, c.Tables(nil).Try(ctx, change))
			}
			after = c.Tables(nil).Read(ctx, tables)
		})
		for _, r := range receipts {
			if r.Outcome != route.Allowed || r.Code != "DryRunOperation" {
				t.Errorf("%s: %s %s %s", r.Change, r.Outcome, r.Code, r.Message)
			}
		}
		for i := range before {
			if !slices.Equal(lines(before[i].Routes), lines(after[i].Routes)) {
				t.Errorf("a dry run changed %s", before[i].Table)
			}
		}
		for _, call := range world.Calls() {
			if call.Write != nil {
				t.Errorf("%s wrote %+v", call.Action, call.Write)
			}
		}
	}
}
