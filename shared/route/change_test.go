package route

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var changeTable = Table{Kind: TransitGatewayTable, ID: "tgw-rtb-1", Account: "111122223333", Region: "eu-west-1"}

func changeTo(op Op, destination string) Change {
	out := Change{Table: changeTable, Op: op, Destination: MustDestination(destination)}
	if op == OpDelete {
		out.Before = MustNextHop("blackhole")
	} else {
		out.After = MustNextHop("tgw-attach-1")
	}
	return out
}

func TestASwitchOfAPropagationNamesItsAttachment(t *testing.T) {
	for _, test := range []struct {
		change Change
		text   string
		of     string
	}{
		{SwitchPropagation(changeTable, "tgw-attach-1", true), "enable-propagation tgw-rtb-1 tgw-attach-1", "tgw-attach-1"},
		{SwitchPropagation(changeTable, "tgw-attach-2", false), "disable-propagation tgw-rtb-1 tgw-attach-2", "tgw-attach-2"},
		{changeTo(OpCreate, "10.0.0.0/8"), "create-route tgw-rtb-1 10.0.0.0/8: none -> tgw-attach-1", ""},
		{changeTo(OpDelete, "10.0.0.0/8"), "delete-route tgw-rtb-1 10.0.0.0/8: blackhole -> none", ""},
	} {
		attachment, ok := test.change.Propagation()
		if attachment != test.of || ok != (test.of != "") || test.change.String() != test.text {
			t.Errorf("%q is about %q, %t; want %q about %q", test.change, attachment, ok, test.text, test.of)
		}
	}
}

// TestNoDestinationIsWithoutARouteOnTheWay: a quarantine is made by statics and
// then by the switch, and undone by the switch and then by the deletes.
func TestNoDestinationIsWithoutARouteOnTheWay(t *testing.T) {
	want := []Change{
		changeTo(OpCreate, "10.0.0.0/8"), changeTo(OpReplace, "10.1.0.0/16"),
		SwitchPropagation(changeTable, "tgw-attach-1", true), SwitchPropagation(changeTable, "tgw-attach-2", true),
		SwitchPropagation(changeTable, "tgw-attach-1", false), SwitchPropagation(changeTable, "tgw-attach-2", false),
		changeTo(OpDelete, "0.0.0.0/0"), changeTo(OpDelete, "10.2.0.0/16"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Change.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("the order is\n%v\nwant\n%v", got, want)
	}
}

func TestChangesRoundTrip(t *testing.T) {
	for _, want := range []Change{SwitchPropagation(changeTable, "tgw-attach-1", true), SwitchPropagation(changeTable, "tgw-attach-1", false), changeTo(OpDelete, "::/0")} {
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Change
		if err := json.Unmarshal(raw, &got); err != nil || got != want {
			t.Errorf("%s reads back as %v, %v", raw, got, err)
		}
	}
}

func TestPropertyChangesAreTotallyOrdered(t *testing.T) {
	draw := func(t *rapid.T, label string) Change {
		table := changeTable
		table.ID = rapid.SampledFrom([]string{"tgw-rtb-1", "tgw-rtb-2"}).Draw(t, label+" table")
		if rapid.Bool().Draw(t, label+" switches") {
			attachment := rapid.SampledFrom([]string{"tgw-attach-1", "tgw-attach-2"}).Draw(t, label+" attachment")
			return SwitchPropagation(table, attachment, rapid.Bool().Draw(t, label+" on"))
		}
		change := changeTo(OpDelete, rapid.SampledFrom([]string{"10.0.0.0/8", "::/0"}).Draw(t, label+" destination"))
		change.Table = table
		return change
	}
	rapid.Check(t, func(t *rapid.T) { checkOrder(t, draw(t, "a"), draw(t, "b"), draw(t, "c"), Change.Compare) })
}
