package ingest_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
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

// routesIn is an installation of these routes in tableA.
func routesIn(routes string) []byte {
	return []byte(`{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","detail":{"changeType":"TGW-ROUTE-INSTALLED",` +
		`"transitGatewayRouteTableArns":[` + tableA + `],"routes":` + routes + `}}`)
}

func TestTheRoutesOfARoutingUpdate(t *testing.T) {
	learned := func(prefix, attachment string) ingest.RouteHint {
		return ingest.RouteHint{Destination: netip.MustParsePrefix(prefix), Attachment: attachment}
	}
	const one = `{"destinationCidrBlock":"0.0.0.0/0","routeType":"route_propagated","attachments":[{"tgwAttachmentId":"tgw-attach-1"}]}`
	for name, test := range map[string]struct {
		routes  string
		want    []ingest.RouteHint
		unknown bool
	}{
		"one":               {`[` + one + `]`, []ingest.RouteHint{learned("0.0.0.0/0", "tgw-attach-1")}, false},
		"of IPv6, not bare": {`[{"destinationCidrBlock":"2001:db8::1/32","routeType":"route_propagated"}]`, []ingest.RouteHint{learned("2001:db8::/32", "")}, false},
		"ECMP": {
			`[{"destinationCidrBlock":"10.0.0.0/8","routeType":"route_propagated","attachments":[{"tgwAttachmentId":"tgw-attach-1"},{"tgwAttachmentId":"tgw-attach-2"}]}]`,
			[]ingest.RouteHint{{Destination: netip.MustParsePrefix("10.0.0.0/8"), Attachment: "tgw-attach-1", More: true}},
			false,
		},
		"a static of ours": {
			`[{"destinationCidrBlock":"0.0.0.0/0","routeType":"route_static","routeState":"blackhole","attachments":[]}]`,
			[]ingest.RouteHint{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Static: true}},
			false,
		},
		"none":                        {`[]`, nil, true},
		"no list":                     {`{}`, nil, true},
		"no block":                    {`[` + one + `,{"destinationCidrBlock":"default","routeType":"route_propagated"}]`, []ingest.RouteHint{learned("0.0.0.0/0", "tgw-attach-1")}, true},
		"an attachment of other kind": {`[{"destinationCidrBlock":"10.0.0.0/8","routeType":"route_propagated","attachments":[{"attachmentId":"attachment-1"}]}]`, nil, true},
		"a type that is not known":    {`[{"destinationCidrBlock":"10.0.0.0/8","routeType":"route_leaked"}]`, nil, true},
		"IPv4 in IPv6":                {`[{"destinationCidrBlock":"::ffff:10.0.0.0/104","routeType":"route_propagated"}]`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode(routesIn(test.routes))
			if err != nil || look.Everything || !reflect.DeepEqual(look.Routes, test.want) || look.RoutesUnknown != test.unknown {
				t.Errorf("got %+v, unknown %t, %v; want %+v, unknown %t", look.Routes, look.RoutesUnknown, err, test.want, test.unknown)
			}
		})
	}
}

// TestRoutesAreBounded: what an event of the largest size can hold is not all kept.
func TestRoutesAreBounded(t *testing.T) {
	var many []string
	for n := range 1500 {
		many = append(many, fmt.Sprintf(`{"destinationCidrBlock":"10.%d.%d.0/24","routeType":"route_propagated"}`, n/256, n%256))
	}
	look, err := ingest.Decode(routesIn(`[` + strings.Join(many, ",") + `]`))
	if err != nil || len(look.Routes) != 1000 || !look.RoutesUnknown {
		t.Errorf("%d routes are kept, others unknown %t, %v", len(look.Routes), look.RoutesUnknown, err)
	}
}
