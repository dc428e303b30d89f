package sdktest

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestSearchFilters(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	search := func(filters []types.Filter) (found []string, err error) {
		out, err := c.SearchTransitGatewayRoutes(background(), &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), Filters: filters})
		if err != nil {
			return nil, err
		}
		if *out.AdditionalRoutesAvailable || out.NextToken != nil {
			t.Errorf("more routes: %+v", out)
		}
		for _, r := range out.Routes {
			found = append(found, *r.DestinationCidrBlock)
		}
		return found, nil
	}
	checkFilters(t, []filterCase{
		{by("type", "static"), []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.2.0/24"}, ""},
		{by("type", "propagated"), []string{"10.1.0.0/16", "2001:db8::/32"}, ""},
		{by("state", "blackhole"), []string{"0.0.0.0/0", "10.1.2.0/24"}, ""},
		{by("state", "active", "type", "static"), []string{"10.0.0.0/8"}, ""},
		{by("attachment.transit-gateway-attachment-id", "tgw-attach-vpn1"), []string{"10.0.0.0/8", "10.1.2.0/24", "2001:db8::/32"}, ""},
		{by("attachment.resource-id", "vpc-1"), []string{"10.1.0.0/16", "2001:db8::/32"}, ""},
		{by("attachment.resource-type", "vpc"), []string{"10.1.0.0/16", "2001:db8::/32"}, ""},
		{by("prefix-list-id", "pl-1"), nil, ""},
		{by("route-search.exact-match", "10.1.0.0/16"), []string{"10.1.0.0/16"}, ""},
		{by("route-search.exact-match", "10.1.0.0/17"), nil, ""},
		{by("route-search.longest-prefix-match", "10.1.2.3"), []string{"10.1.2.0/24"}, ""},
		{by("route-search.longest-prefix-match", "10.1.3.3"), []string{"10.1.0.0/16"}, ""},
		{by("route-search.longest-prefix-match", "8.8.8.8"), []string{"0.0.0.0/0"}, ""},
		{by("route-search.longest-prefix-match", "2001:db8::1"), []string{"2001:db8::/32"}, ""},
		{by("route-search.longest-prefix-match", "2001:db9::1"), nil, ""},
		{by("route-search.longest-prefix-match", "10.1.2.3", "state", "active"), nil, ""},
		{by("route-search.subnet-of-match", "10.1.0.0/16"), []string{"10.1.0.0/16", "10.1.2.0/24"}, ""},
		{by("route-search.subnet-of-match", "0.0.0.0/0"), []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"}, ""},
		{by("route-search.supernet-of-match", "10.1.0.0/16"), []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16"}, ""},
		{by("route-search.supernet-of-match", "2001:db8:1::/48"), []string{"2001:db8::/32"}, ""},
		{[]types.Filter{{Name: str("state"), Values: []string{"active", "blackhole"}}}, []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32"}, ""},
		{by("state", "pending"), nil, "InvalidParameterValue"},
		{by("type", "Static"), nil, "InvalidParameterValue"},
		{by("attachment.resource-type", "car"), nil, "InvalidParameterValue"},
		{by("route-search.longest-prefix-match", "10.0.0.0/8"), nil, "InvalidParameterValue"},
		{by("route-search.exact-match", "10.0.0.1"), nil, "InvalidParameterValue"},
		{by("route-search.subnet-of-match", "x"), nil, "InvalidParameterValue"},
		{by("color", "red"), nil, "InvalidParameterValue"},
		{[]types.Filter{}, nil, "MissingParameter"},
	}, search)
	_, err := search(by("state", "pending"))
	wantCode(t, err, "InvalidParameterValue", "Value (pending) for parameter Filter is invalid. ")
}

func TestSearchAnswer(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	in := &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), Filters: by("route-search.exact-match", "2001:db8::/32")}
	out, err := c.SearchTransitGatewayRoutes(background(), in)
	if err != nil {
		t.Fatal(err)
	}
	r := out.Routes[0]
	if r.Type != "propagated" || r.State != "active" || len(r.TransitGatewayAttachments) != 2 ||
		*r.TransitGatewayAttachments[0].TransitGatewayAttachmentId != "tgw-attach-vpn1" ||
		*r.TransitGatewayAttachments[0].ResourceId != "vpn-1" || r.TransitGatewayAttachments[0].ResourceType != "vpn" {
		t.Errorf("%+v", r)
	}
	for _, n := range []int32{4, 1001, -1} {
		in.MaxResults = &n
		_, err = c.SearchTransitGatewayRoutes(background(), in)
		wantCode(t, err, "InvalidParameterValue", "")
	}
	in.MaxResults = nil
	in.TransitGatewayRouteTableId = str("rtb-1")
	_, err = c.SearchTransitGatewayRoutes(background(), in)
	wantCode(t, err, "InvalidRouteTableId.Malformed", "Invalid Transit Gateway Route Table id rtb-1.")
}

// many returns n routes of /32, in the reverse of their order.
func many(n int) []sim.TGWRouteView {
	var routes []sim.TGWRouteView
	for i := n; i > 0; i-- {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], 10<<24+uint32(i)<<8)
		routes = append(routes, sim.TGWRouteView{Destination: netip.PrefixFrom(netip.AddrFrom4(octets), 32), Type: "static", State: "active"})
	}
	return routes
}

func TestSearchPages(t *testing.T) {
	f := &fake{routes: many(2500)}
	c := client(ec2api.New(f))
	in := &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), Filters: by("type", "static")}
	var got []string
	pages := 0
	for {
		out, err := c.SearchTransitGatewayRoutes(background(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range out.Routes {
			got = append(got, *r.DestinationCidrBlock)
		}
		if *out.AdditionalRoutesAvailable != (out.NextToken != nil) {
			t.Fatal("additionalRoutesAvailable and nextToken differ")
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
		// Routes inserted before and after the point reached, and one removed
		// before it, neither shift nor repeat a page.
		if pages == 1 {
			f.routes = slices.DeleteFunc(f.routes, func(r sim.TGWRouteView) bool { return r.Destination.String() == "10.0.1.0/32" })
			f.routes = append(f.routes,
				sim.TGWRouteView{Destination: netip.MustParsePrefix("9.0.0.0/8"), Type: "static", State: "active"},
				sim.TGWRouteView{Destination: netip.MustParsePrefix("11.0.0.0/8"), Type: "static", State: "active"})
		}
	}
	if pages != 3 || len(got) != 2501 || got[2500] != "11.0.0.0/8" || got[0] != "10.0.1.0/32" {
		t.Fatalf("%d pages, %d routes", pages, len(got))
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 2501 {
		t.Error("a route was shown twice")
	}
}

func TestForeignTokens(t *testing.T) {
	f := &fake{routes: many(30)}
	c := client(ec2api.New(f))
	five := int32(5)
	in := ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), Filters: by("type", "static"), MaxResults: &five}
	first, err := c.SearchTransitGatewayRoutes(background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	in.NextToken = first.NextToken

	longer := in
	ten := int32(10)
	longer.MaxResults = &ten
	if out, err := c.SearchTransitGatewayRoutes(background(), &longer); err != nil || len(out.Routes) != 10 {
		t.Errorf("the length of a page may change: %v", err)
	}
	table, filters, garbled, short := in, in, in, in
	table.TransitGatewayRouteTableId = str("tgw-rtb-2")
	filters.Filters = by("type", "static", "state", "active")
	garbled.NextToken = str("A" + *first.NextToken)
	short.NextToken = str("x")
	for _, other := range []struct {
		in   ec2.SearchTransitGatewayRoutesInput
		want string
	}{{table, "another request"}, {filters, "another request"}, {garbled, "garbled"}, {short, "garbled"}} {
		_, err := c.SearchTransitGatewayRoutes(background(), &other.in)
		wantCode(t, err, "InvalidParameterValue", "")
		if !strings.Contains(err.Error(), other.want) || !strings.Contains(err.Error(), *other.in.NextToken) {
			t.Errorf("%v does not say %q and the token", err, other.want)
		}
	}
	_, err = c.GetTransitGatewayRouteTableAssociations(background(), &ec2.GetTransitGatewayRouteTableAssociationsInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), NextToken: first.NextToken})
	wantCode(t, err, "InvalidParameterValue", "")
	elsewhere := client(ec2api.New(f))
	_, err = elsewhere.SearchTransitGatewayRoutes(background(), &in, func(o *ec2.Options) { o.Region = "us-east-1" })
	wantCode(t, err, "InvalidParameterValue", "")
	if _, err = elsewhere.SearchTransitGatewayRoutes(background(), &in); err != nil {
		t.Errorf("tokens do not outlive the handler: %v", err)
	}
}

// TestPagers runs the SDK's own paginators over the other paged calls.
func TestPagers(t *testing.T) {
	f := &fake{}
	for i := range 12 {
		id := string(rune('a' + i))
		f.attachments = append(f.attachments, sim.AttachmentView{ID: "tgw-attach-" + id})
		f.associations = append(f.associations, sim.AttachmentRef{ID: "tgw-attach-" + id})
		f.tgwTables = append(f.tgwTables, sim.TGWTableView{ID: "tgw-rtb-" + id})
		f.tables = append(f.tables, sim.VPCTableView{ID: "rtb-" + id})
	}
	c, five := client(ec2api.New(f)), int32(5)
	sizes := func(more func() bool, next func() (int, error)) (got []int) {
		for more() {
			n, err := next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		return got
	}
	a := ec2.NewDescribeTransitGatewayAttachmentsPaginator(c, &ec2.DescribeTransitGatewayAttachmentsInput{MaxResults: &five})
	b := ec2.NewDescribeTransitGatewayRouteTablesPaginator(c, &ec2.DescribeTransitGatewayRouteTablesInput{MaxResults: &five})
	d := ec2.NewDescribeRouteTablesPaginator(c, &ec2.DescribeRouteTablesInput{MaxResults: &five})
	e := ec2.NewGetTransitGatewayRouteTableAssociationsPaginator(c, &ec2.GetTransitGatewayRouteTableAssociationsInput{TransitGatewayRouteTableId: str("tgw-rtb-a"), MaxResults: &five})
	for i, got := range [][]int{
		sizes(a.HasMorePages, func() (int, error) {
			out, err := a.NextPage(background())
			if err != nil {
				return 0, err
			}
			return len(out.TransitGatewayAttachments), nil
		}),
		sizes(b.HasMorePages, func() (int, error) {
			out, err := b.NextPage(background())
			if err != nil {
				return 0, err
			}
			return len(out.TransitGatewayRouteTables), nil
		}),
		sizes(d.HasMorePages, func() (int, error) {
			out, err := d.NextPage(background())
			if err != nil {
				return 0, err
			}
			return len(out.RouteTables), nil
		}),
		sizes(e.HasMorePages, func() (int, error) {
			out, err := e.NextPage(background())
			if err != nil {
				return 0, err
			}
			return len(out.Associations), nil
		}),
	} {
		if !slices.Equal(got, []int{5, 5, 2}) {
			t.Errorf("pager %d: pages of %v", i, got)
		}
	}
}
