package awsec2_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"detour/shared/adapter/awsec2"
	"detour/shared/health"
	"detour/shared/sim"
)

// observing is a transit gateway with a table that only one attachment feeds, one
// that carries traffic, and one that does not show what it learned.
func observing() sim.Topology {
	topology := topology()
	topology.TransitGateways[0].Tables = append(topology.TransitGateways[0].Tables,
		sim.TransitGatewayTable{ID: "tgw-rtb-seen", Propagated: []string{"tgw-attach-0a"}},
		sim.TransitGatewayTable{ID: "tgw-rtb-hidden", Propagated: []string{"tgw-attach-0a", "tgw-attach-02"}, Routes: []sim.RouteSpec{{Destination: "10.1.0.0/16", Target: "blackhole"}}},
		sim.TransitGatewayTable{ID: "tgw-rtb-empty"})
	return topology
}

func routeTable(id, account string) health.Subject {
	return health.Subject{Kind: health.SubjectRouteTable, ID: id, Account: account, Region: region}
}

func TestWorldObservations(t *testing.T) {
	var facts []health.Fact
	world := runIn(t, observing(), sim.Options{}, func(ctx context.Context, c *awsec2.Client) {
		facts = c.Observations().Read(ctx, []health.Subject{
			routeTable("tgw-rtb-seen", home), routeTable("tgw-rtb-0a", home), routeTable("tgw-rtb-hidden", home), routeTable("tgw-rtb-empty", home),
			routeTable("tgw-rtb-0e", home), routeTable("tgw-rtb-seen", "999999999999"),
			{Kind: health.SubjectVPN, ID: "vpn-01", Account: home, Region: region},
		})
	})
	got := []string{}
	for _, f := range facts {
		got = append(got, fmt.Sprintf("%s %s %s %s%s", f.Subject, f.Kind, f.Part, f.Value, f.Problem))
		if f.ObservedAt.IsZero() || f.Source != health.SourceSearchRoutes {
			t.Errorf("%+v has no time or source", f)
		}
	}
	want := []string{
		"tgw-rtb-seen learned-route 10.1.0.0/16 tgw-attach-0a",
		"tgw-rtb-seen propagation tgw-attach-0a vpc",
		"tgw-rtb-seen table-state  read",
		"tgw-rtb-0a association tgw-attach-0a vpc",
		"tgw-rtb-0a learned-route 10.1.0.0/16 tgw-attach-0a",
		"tgw-rtb-0a propagation tgw-attach-0a vpc",
		"tgw-rtb-0a static-route 192.168.0.0/16 tgw-attach-01",
		"tgw-rtb-0a static-route 203.0.113.0/24 blackhole",
		"tgw-rtb-0a table-state  read",
		"tgw-rtb-hidden propagation tgw-attach-02 vpn",
		"tgw-rtb-hidden propagation tgw-attach-0a vpc",
		"tgw-rtb-hidden static-route 10.1.0.0/16 blackhole",
		"tgw-rtb-hidden table-state  read",
		"tgw-rtb-empty table-state  read",
		"tgw-rtb-0e unreadable  gone",
		"tgw-rtb-seen unreadable  denied",
		"vpn-01 unreadable  malformed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	// One round: the three calls about a table are under way together.
	var began []string
	for _, call := range world.Calls() {
		if call.Params.Get("TransitGatewayRouteTableId") == "tgw-rtb-empty" {
			began = append(began, fmt.Sprint(call.SentAt))
		}
	}
	if len(began) != 3 || len(slices.Compact(began)) != 1 {
		t.Errorf("the calls began at %v, want three at once", began)
	}
}

func TestWorldPropagations(t *testing.T) {
	into := func(id, account string) health.Subject {
		return health.Subject{Kind: health.SubjectPropagations, ID: id, Account: account, Region: region}
	}
	var facts []health.Fact
	world := runIn(t, observing(), sim.Options{}, func(ctx context.Context, c *awsec2.Client) {
		facts = c.Propagations().Read(ctx, []health.Subject{
			into("tgw-rtb-hidden", home), into("tgw-rtb-empty", home), into("tgw-rtb-0e", home), into("tgw-rtb-seen", "999999999999"), routeTable("tgw-rtb-seen", home),
		})
	})
	got := []string{}
	for _, f := range facts {
		got = append(got, fmt.Sprintf("%s %s %s %s%s", f.Subject, f.Kind, f.Part, f.Value, f.Problem))
		if f.ObservedAt.IsZero() || f.Source != health.SourceGetPropagations {
			t.Errorf("%+v has no time or source", f)
		}
	}
	want := []string{
		"tgw-rtb-hidden propagation tgw-attach-02 enabled",
		"tgw-rtb-hidden propagation tgw-attach-0a enabled",
		"tgw-rtb-hidden table-state  read",
		"tgw-rtb-empty table-state  read",
		"tgw-rtb-0e unreadable  gone",
		"tgw-rtb-seen unreadable  denied",
		"tgw-rtb-seen unreadable  malformed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	calls := 0
	for _, call := range world.Calls() {
		if call.Params.Get("TransitGatewayRouteTableId") == "tgw-rtb-hidden" {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("%d calls about a table, want one", calls)
	}
}
