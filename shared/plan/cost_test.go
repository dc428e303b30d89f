package plan

import (
	"slices"
	"testing"
	"time"

	"detour/shared/route"
)

func calls(n int, op route.Op, table route.Table) []route.Change {
	return slices.Repeat([]route.Change{{Table: table, Op: op}}, n)
}

func TestPredictedWait(t *testing.T) {
	other := tgwTable(1)
	other.Account = "444455556666"
	abroad := tgwTable(1)
	abroad.Region = "us-east-1"
	tests := []struct {
		name    string
		changes []route.Change
		want    time.Duration
	}{
		{"nothing", nil, 0},
		{"one call", calls(1, route.OpReplace, tgwTable(1)), 0},
		{"what the bucket holds", calls(50, route.OpReplace, tgwTable(1)), 0},
		{"one more", calls(51, route.OpReplace, tgwTable(1)), 200 * time.Millisecond},
		{"120 of one kind: (120-50)/5", calls(120, route.OpReplace, tgwTable(1)), 14 * time.Second},
		{"120 in two tables share a bucket", append(calls(60, route.OpReplace, tgwTable(1)), calls(60, route.OpReplace, tgwTable(2))...), 14 * time.Second},
		{"creates and replaces do not", append(calls(60, route.OpReplace, tgwTable(1)), calls(60, route.OpCreate, tgwTable(1))...), 2 * time.Second},
		{"the two kinds of table do not", append(calls(60, route.OpReplace, tgwTable(1)), calls(70, route.OpReplace, vpcTable(1))...), 4 * time.Second},
		{"two accounts do not", append(calls(60, route.OpReplace, tgwTable(1)), calls(60, route.OpReplace, other)...), 2 * time.Second},
		{"two Regions do not", append(calls(60, route.OpReplace, tgwTable(1)), calls(60, route.OpReplace, abroad)...), 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Predict(tt.changes).Wait; got != tt.want {
				t.Errorf("wait is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPredictedCallsAreCountedPerBucketInOrder(t *testing.T) {
	changes := slices.Concat(
		calls(3, route.OpReplace, tgwTable(1)), calls(2, route.OpCreate, vpcTable(1)), calls(1, route.OpDelete, tgwTable(2)),
		calls(4, route.OpReplace, vpcTable(2)), calls(1, route.OpReplace, tgwTable(2)), calls(5, route.OpCreate, tgwTable(1)), calls(6, route.OpDelete, vpcTable(1)),
		calls(7, route.OpEnablePropagation, tgwTable(1)), calls(8, route.OpDisablePropagation, tgwTable(1)),
	)
	want := []BucketCalls{
		{bucket("CreateRoute"), 2},
		{bucket("CreateTransitGatewayRoute"), 5},
		{bucket("DeleteRoute"), 6},
		{bucket("DeleteTransitGatewayRoute"), 1},
		{bucket("DisableTransitGatewayRouteTablePropagation"), 8},
		{bucket("EnableTransitGatewayRouteTablePropagation"), 7},
		{bucket("ReplaceRoute"), 4},
		{bucket("ReplaceTransitGatewayRoute"), 4},
	}
	if got := Predict(changes).Calls; !slices.Equal(got, want) {
		t.Errorf("calls:\n got %v\nwant %v", got, want)
	}
}

func TestAPrefixListHasCallsOfItsOwnInATransitGateway(t *testing.T) {
	for _, tt := range []struct {
		op    route.Op
		table route.Table
		want  API
	}{
		{route.OpCreate, tgwTable(1), "CreateTransitGatewayPrefixListReference"},
		{route.OpReplace, tgwTable(1), "ModifyTransitGatewayPrefixListReference"},
		{route.OpDelete, tgwTable(1), "DeleteTransitGatewayPrefixListReference"},
		{route.OpCreate, vpcTable(1), "CreateRoute"},
		{route.OpReplace, vpcTable(1), "ReplaceRoute"},
		{route.OpDelete, vpcTable(1), "DeleteRoute"},
	} {
		change := route.Change{Table: tt.table, Destination: route.PrefixList("pl-1"), Op: tt.op}
		if got := BucketOf(change); got != bucket(tt.want) {
			t.Errorf("%s draws from %+v, want %s", change, got, tt.want)
		}
	}
}

func bucket(api API) Bucket { return Bucket{API: api, Account: "111122223333", Region: "eu-central-1"} }
