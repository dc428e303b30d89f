package ingest_test

import (
	"reflect"
	"testing"

	"detour/shared/ingest"
)

// routingWith is a routing update with these route table ARNs.
func routingWith(change, arns string) []byte {
	return []byte(`{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","detail":{"changeType":"` + change +
		`","transitGatewayRouteTableArns":[` + arns + `]}}`)
}

const (
	tableA = `"arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-a"`
	tableB = `"arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-b"`
)

func TestEveryTableOfARoutingUpdateIsNamedOnceAndInOrder(t *testing.T) {
	look, err := ingest.Decode(routingWith("TGW-ROUTE-UNINSTALLED", tableB+","+tableA+","+tableB))
	if want := []string{"tgw-rtb-a", "tgw-rtb-b"}; err != nil || look.Everything || look.Hints != nil || !reflect.DeepEqual(look.Tables, want) {
		t.Errorf("got %+v, %v, want the tables %q alone", look, err, want)
	}
}

func TestARoutingUpdateThatIsOnlyPartlyUnderstoodKeepsItsTables(t *testing.T) {
	for name, test := range map[string]struct {
		raw []byte
		why string
	}{
		"an unknown change":     {routingWith("TGW-ROUTE-REPLACED", tableA), ingest.WhyUnknownChangeType},
		"one ARN of another":    {routingWith("TGW-ROUTE-INSTALLED", tableA+`,"arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1"`), ingest.WhyMissingKey},
		"a change in lowercase": {routingWith("tgw_route_installed", tableA), ""},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode(test.raw)
			if err != nil || look.Why != test.why || !reflect.DeepEqual(look.Tables, []string{"tgw-rtb-a"}) {
				t.Errorf("got %+v, %v, want the table, and everything because of %q", look, err, test.why)
			}
		})
	}
}
