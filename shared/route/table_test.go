package route

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestKindOfTable(t *testing.T) {
	for id, want := range map[string]TableKind{"tgw-rtb-0a1": TransitGatewayTable, "rtb-0a1": VPCTable} {
		if got, err := KindOfTable(id); err != nil || got != want {
			t.Errorf("%q is %q, %v", id, got, err)
		}
	}
	for _, id := range []string{"", "tgw-0a1", "vpc-0a1", "lgw-rtb-0a1"} {
		if got, err := KindOfTable(id); err == nil {
			t.Errorf("%q is %q", id, got)
		}
	}
}

func TestStaticFindsOurRouteOnly(t *testing.T) {
	d := MustDestination("10.0.0.0/8")
	static := Route{Destination: d, Origin: OriginStatic, NextHop: MustNextHop("tgw-attach-1")}
	learned := Route{Destination: d, Origin: OriginPropagated, NextHop: MustNextHop("tgw-attach-2")}
	other := Route{Destination: MustDestination("10.0.0.0/9"), Origin: OriginStatic, NextHop: MustNextHop("tgw-attach-3")}
	if got, ok := (Reading{Routes: []Route{other, learned, static}}).Static(d); !ok || got != static {
		t.Errorf("found %+v, %t", got, ok)
	}
	if got, ok := (Reading{Routes: []Route{other, learned}}).Static(d); ok {
		t.Errorf("found %+v", got)
	}
}

func drawTable(t *rapid.T) Table {
	return Table{
		Kind:    rapid.SampledFrom([]TableKind{TransitGatewayTable, VPCTable}).Draw(t, "kind"),
		ID:      rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"),
		Account: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "account"),
		Region:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, "region"),
	}
}

func TestPropertyTablesAreTotallyOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkOrder(t, drawTable(t), drawTable(t), drawTable(t), Table.Compare)
	})
}

func TestPropertyRoutesAreTotallyOrdered(t *testing.T) {
	draw := func(t *rapid.T) Route {
		return Route{
			Table: drawTable(t), Destination: drawDestination(t, "destination"), NextHop: drawHop(t),
			Origin: rapid.SampledFrom([]Origin{OriginStatic, OriginPropagated}).Draw(t, "origin"),
		}
	}
	rapid.Check(t, func(t *rapid.T) { checkOrder(t, draw(t), draw(t), draw(t), Route.Compare) })
}

func TestChangesAreOrderedWithDeletesLast(t *testing.T) {
	first, second := Table{Kind: TransitGatewayTable, ID: "tgw-rtb-1"}, Table{Kind: TransitGatewayTable, ID: "tgw-rtb-2"}
	ten, eleven := MustDestination("10.0.0.0/8"), MustDestination("11.0.0.0/8")
	want := []Change{
		{Table: first, Destination: eleven, Op: OpReplace},
		{Table: second, Destination: ten, Op: OpReplace},
		{Table: second, Destination: eleven, Op: OpCreate},
		{Table: first, Destination: ten, Op: OpDelete},
		{Table: second, Destination: ten, Op: OpDelete},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Change.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("order:\n got %v\nwant %v", got, want)
	}
}

func TestAChangePrintsWhatItFindsAndWhatItWants(t *testing.T) {
	c := Change{
		Table: Table{Kind: VPCTable, ID: "rtb-1"}, Destination: MustDestination("10.0.0.0/8"), Op: OpReplace,
		Before: MustNextHop("eni-1"), After: MustNextHop("tgw-1"),
	}
	if got, want := c.String(), "replace-route rtb-1 10.0.0.0/8: eni-1 -> tgw-1"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
