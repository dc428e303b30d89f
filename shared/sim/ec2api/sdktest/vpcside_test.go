package sdktest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// edge is a real World: a VPC with a virtual private gateway and its VPN
// connection, seven appliances, and a prefix list of twelve entries.
func edge(t *testing.T) *sim.World {
	t.Helper()
	topo := sim.Topology{
		Account: account, Region: region,
		VPCs: []sim.VPCSpec{{ID: "vpc-0e", CIDRs: []string{"10.1.0.0/16", "2001:db8::/56", "10.2.0.0/16"}, Tables: []sim.VPCTableSpec{
			{ID: "rtb-0e", Propagated: []string{"vgw-0e"}, Routes: []sim.RouteSpec{{Destination: "172.20.0.0/16", Target: "eni-0"}, {Destination: "pl-0a", Target: "i-1"}}},
			{ID: "rtb-1e", Subnets: []string{"10.1.9.0/24", "2001:db8::/64"}},
		}}},
		VPNGateways: []sim.VPNGatewaySpec{{ID: "vgw-0e", Name: "old", VPC: "vpc-0e"}},
		VPNs:        []sim.VPNSpec{{ID: "vpn-0e", VPNGateway: "vgw-0e", Site: "dc", Routes: []string{"192.168.0.0/16"}, Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}}}},
		Sites:       []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}},
		PrefixLists: []sim.PrefixListSpec{{ID: "pl-0a", Name: "nets", MaxEntries: 20}, {ID: "pl-0b", Name: "auto", MaxEntries: 1, IPAM: true}},
	}
	for i := range 12 {
		topo.PrefixLists[0].Entries = append(topo.PrefixLists[0].Entries, fmt.Sprintf("10.%d.0.0/16", 20*(12-i)))
	}
	for i := range 7 {
		topo.Appliances = append(topo.Appliances, sim.ApplianceSpec{
			Instance: fmt.Sprintf("i-%d", i), Interface: fmt.Sprintf("eni-%d", i), Name: fmt.Sprintf("box %d", i), VPC: "vpc-0e", Address: fmt.Sprintf("10.1.9.%d", 10+i), SourceDestCheck: i == 3,
		})
	}
	w, err := sim.NewWorld(still{}, topo, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func told(w *sim.World) []string {
	calls := w.Calls()
	var lines []string
	for _, fact := range calls[len(calls)-1].Told {
		lines = append(lines, fact.Resource+" "+fact.Field+" "+fact.Value)
	}
	return lines
}

func wantTold(t *testing.T, w *sim.World, want ...string) {
	t.Helper()
	if got := told(w); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRouteTablesOfTheVPCSide(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	out, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{"rtb-0e"}})
	if err != nil {
		t.Fatal(err)
	}
	table := out.RouteTables[0]
	if len(table.PropagatingVgws) != 1 || *table.PropagatingVgws[0].GatewayId != "vgw-0e" {
		t.Errorf("%+v", table.PropagatingVgws)
	}
	var shown []string
	for _, r := range table.Routes {
		shown = append(shown, strings.Join([]string{
			aws.ToString(r.DestinationCidrBlock) + aws.ToString(r.DestinationIpv6CidrBlock) + aws.ToString(r.DestinationPrefixListId),
			aws.ToString(r.GatewayId), aws.ToString(r.NetworkInterfaceId), aws.ToString(r.InstanceId), aws.ToString(r.InstanceOwnerId), string(r.Origin), string(r.State),
		}, ","))
	}
	want := []string{
		"10.1.0.0/16,local,,,,CreateRouteTable,active", "10.2.0.0/16,local,,,,CreateRouteTable,active",
		"172.20.0.0/16,,eni-0,i-0,111122223333,CreateRoute,active",
		"192.168.0.0/16,vgw-0e,,,,EnableVgwRoutePropagation,active",
		"2001:db8::/56,local,,,,CreateRouteTable,active",
		"pl-0a,,eni-1,i-1,111122223333,CreateRoute,active",
	}
	if !slices.Equal(shown, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(shown, "\n"), strings.Join(want, "\n"))
	}
	for _, filters := range [][]types.Filter{by("route.destination-prefix-list-id", "pl-0a"), by("route.instance-id", "i-0"), by("route.origin", "EnableVgwRoutePropagation")} {
		if out, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{Filters: filters}); err != nil || len(out.RouteTables) != 1 {
			t.Errorf("%s: %+v %v", *filters[0].Name, out, err)
		}
	}
	subnets, err := c.DescribeSubnets(background(), &ec2.DescribeSubnetsInput{Filters: by("cidr-block", "10.1.9.0/24")})
	if err != nil || len(subnets.Subnets) != 1 {
		t.Fatalf("%+v %v", subnets, err)
	}
	out, err = c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{Filters: by("association.subnet-id", *subnets.Subnets[0].SubnetId)})
	if err != nil || len(out.RouteTables) != 1 || len(out.RouteTables[0].Associations) != 2 || *out.RouteTables[0].Associations[0].SubnetId != *subnets.Subnets[0].SubnetId {
		t.Errorf("%+v %v", out, err)
	}
}

func TestPrefixListRoutesOverTheWire(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	_, err := c.ReplaceRoute(background(), &ec2.ReplaceRouteInput{RouteTableId: str("rtb-0e"), DestinationPrefixListId: str("pl-0a"), NetworkInterfaceId: str("eni-2")})
	if err != nil {
		t.Fatal(err)
	}
	calls := w.Calls()
	if write := calls[len(calls)-1].Write; write == nil || *write != (sim.RouteWrite{Table: "rtb-0e", Destination: "pl-0a", Before: "i-1", After: "eni-2"}) {
		t.Errorf("%+v", write)
	}
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-0e"), DestinationPrefixListId: str("pl-0a"), NetworkInterfaceId: str("eni-2")})
	wantCode(t, err, "RouteAlreadyExists", "The route identified by pl-0a already exists.")
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-0e"), DestinationPrefixListId: str("pl-99"), NetworkInterfaceId: str("eni-2")})
	wantCode(t, err, "InvalidPrefixListID.NotFound", "")
	_, err = c.DeleteRoute(background(), &ec2.DeleteRouteInput{RouteTableId: str("rtb-0e"), DestinationPrefixListId: str("pl-0a"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	_, err = c.DeleteRoute(background(), &ec2.DeleteRouteInput{RouteTableId: str("rtb-0e"), DestinationPrefixListId: str("pl-0a")})
	wantCode(t, err, "", "")
}

func TestVgwPropagationOverTheWire(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	_, err := c.EnableVgwRoutePropagation(background(), &ec2.EnableVgwRoutePropagationInput{RouteTableId: str("rtb-1e"), GatewayId: str("vgw-0e")})
	wantCode(t, err, "", "")
	_, err = c.DisableVgwRoutePropagation(background(), &ec2.DisableVgwRoutePropagationInput{RouteTableId: str("rtb-0e"), GatewayId: str("vgw-0e"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	_, err = c.DisableVgwRoutePropagation(background(), &ec2.DisableVgwRoutePropagationInput{RouteTableId: str("rtb-0e"), GatewayId: str("vgw-0e")})
	wantCode(t, err, "", "")
	out, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{Filters: by("route.gateway-id", "vgw-0e")})
	if err != nil || len(out.RouteTables) != 1 || *out.RouteTables[0].RouteTableId != "rtb-1e" {
		t.Errorf("%+v %v", out, err)
	}
	for _, bad := range []struct{ table, gateway, code string }{
		{"", "vgw-0e", "MissingParameter"},
		{"rtb-1e", "", "MissingParameter"},
		{"tgw-rtb-1", "vgw-0e", "InvalidRouteTableId.Malformed"},
		{"rtb-1e", "igw-0e", "InvalidGatewayID.Malformed"},
		{"rtb-1e", "vgw-99", "InvalidGatewayID.NotFound"},
		{"rtb-99", "vgw-0e", "InvalidRouteTableID.NotFound"},
	} {
		_, err := c.EnableVgwRoutePropagation(background(), &ec2.EnableVgwRoutePropagationInput{RouteTableId: &bad.table, GatewayId: &bad.gateway})
		wantCode(t, err, bad.code, "")
	}
}

func TestDescribeVPNGatewaysAndTheirConnections(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	out, err := c.DescribeVpnGateways(background(), &ec2.DescribeVpnGatewaysInput{Filters: by("attachment.vpc-id", "vpc-0e", "attachment.state", "attached", "tag:Name", "old")})
	if err != nil || len(out.VpnGateways) != 1 || *out.VpnGateways[0].VpnGatewayId != "vgw-0e" || out.VpnGateways[0].VpcAttachments[0].State != types.AttachmentStatusAttached || *out.VpnGateways[0].AmazonSideAsn != 64512 {
		t.Errorf("%+v %v", out, err)
	}
	wantTold(t, w, "vgw-0e gateway-attachment attached")
	_, err = c.DescribeVpnGateways(background(), &ec2.DescribeVpnGatewaysInput{VpnGatewayIds: []string{"vgw-9"}})
	wantCode(t, err, "InvalidVpnGatewayID.NotFound", "The vpnGateway ID 'vgw-9' does not exist")
	_, err = c.DescribeVpnGateways(background(), &ec2.DescribeVpnGatewaysInput{Filters: by("colour", "red")})
	wantCode(t, err, "InvalidParameterValue", "The filter 'colour' is invalid")
	vpns, err := c.DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{Filters: by("vpn-gateway-id", "vgw-0e", "route.destination-cidr-block", "192.168.0.0/16")})
	if err != nil || len(vpns.VpnConnections) != 1 {
		t.Fatalf("%+v %v", vpns, err)
	}
	if v := vpns.VpnConnections[0]; *v.VpnGatewayId != "vgw-0e" || v.TransitGatewayId != nil || len(v.VgwTelemetry) != 1 || *v.Routes[0].DestinationCidrBlock != "192.168.0.0/16" || v.Routes[0].Source != types.VpnStaticRouteSourceStatic {
		t.Errorf("%+v", v)
	}
}

func TestDescribeNetworkInterfaces(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	out, err := c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-3"}})
	if err != nil || len(out.NetworkInterfaces) != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	eni := out.NetworkInterfaces[0]
	if eni.Status != types.NetworkInterfaceStatusInUse || !*eni.SourceDestCheck || *eni.Attachment.InstanceId != "i-3" || eni.Attachment.Status != types.AttachmentStatusAttached ||
		*eni.PrivateIpAddress != "10.1.9.13" || *eni.VpcId != "vpc-0e" || !strings.HasPrefix(*eni.SubnetId, "subnet-") || *eni.AvailabilityZone != "eu-west-1a" || *eni.TagSet[0].Value != "box 3" {
		t.Errorf("%+v", eni)
	}
	wantTold(t, w, "eni-3 interface-status in-use", "eni-3 interface-instance i-3", "eni-3 source-dest-check true")
	if err := w.SetInstance("i-3", "terminated"); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-2", "eni-3"}})
	wantCode(t, err, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-3' does not exist")
	wantTold(t, w, "eni-3 interface-status ")
	out, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: str("network-interface-id"), Values: []string{"eni-3", "eni-4"}}}})
	if err != nil || len(out.NetworkInterfaces) != 1 {
		t.Errorf("%+v %v", out, err)
	}
	wantTold(t, w, "eni-4 interface-status in-use", "eni-4 interface-instance i-4", "eni-4 source-dest-check false", "eni-3 interface-status ")
	var pages []string
	paginator := ec2.NewDescribeNetworkInterfacesPaginator(c, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5)})
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(background())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, fmt.Sprint(len(page.NetworkInterfaces)))
	}
	if !slices.Equal(pages, []string{"5", "1"}) {
		t.Errorf("pages %v", pages)
	}
	_, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-2"}, MaxResults: aws.Int32(5)})
	wantCode(t, err, "InvalidParameterCombination", "")
	_, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"i-2"}})
	wantCode(t, err, "InvalidNetworkInterfaceId.Malformed", "")
	_, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	if len(told(w)) != 0 {
		t.Errorf("a dry run told %v", told(w))
	}
}

func TestDescribeInstanceStatus(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	for id, state := range map[string]string{"i-1": "stopped", "i-2": "terminated", "i-3": "stopped"} {
		if err := w.SetInstance(id, state); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SetInstance("i-3", "running"); err != nil {
		t.Fatal(err)
	}
	status := func(in ec2.DescribeInstanceStatusInput) []string {
		t.Helper()
		out, err := c.DescribeInstanceStatus(background(), &in)
		if err != nil {
			t.Fatal(err)
		}
		var shown []string
		for _, s := range out.InstanceStatuses {
			line := fmt.Sprint(*s.InstanceId, " ", s.InstanceState.Name, " ", *s.InstanceState.Code, " ", s.InstanceStatus.Status, " ", s.SystemStatus.Status)
			for _, d := range s.SystemStatus.Details {
				line += fmt.Sprint(" ", d.Name, " ", d.Status)
			}
			shown = append(shown, line)
		}
		return shown
	}
	named := []string{"i-0", "i-1", "i-2", "i-3"}
	if got, want := status(ec2.DescribeInstanceStatusInput{InstanceIds: named, IncludeAllInstances: aws.Bool(true)}), []string{
		"i-0 running 16 ok ok reachability passed", "i-1 stopped 80 not-applicable not-applicable", "i-2 terminated 48 not-applicable not-applicable",
		"i-3 running 16 initializing initializing reachability initializing",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wantTold(t, w, "i-0 instance-state running", "i-0 instance-status ok", "i-0 system-status ok",
		"i-1 instance-state stopped", "i-1 instance-status not-applicable", "i-1 system-status not-applicable",
		"i-2 instance-state terminated", "i-2 instance-status not-applicable", "i-2 system-status not-applicable",
		"i-3 instance-state running", "i-3 instance-status initializing", "i-3 system-status initializing")
	if got := status(ec2.DescribeInstanceStatusInput{InstanceIds: named}); len(got) != 2 {
		t.Errorf("running ones: %q", got)
	}
	if got := status(ec2.DescribeInstanceStatusInput{Filters: by("instance-state-name", "stopped"), IncludeAllInstances: aws.Bool(true)}); len(got) != 1 {
		t.Errorf("stopped ones: %q", got)
	}
	if got := status(ec2.DescribeInstanceStatusInput{Filters: by("system-status.status", "ok", "instance-status.reachability", "passed")}); len(got) != 4 {
		t.Errorf("good ones: %q", got)
	}
	_, err := c.DescribeInstanceStatus(background(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{"i-0", "i-99"}})
	wantCode(t, err, "InvalidInstanceID.NotFound", "The instance ID 'i-99' does not exist")
	wantTold(t, w, "i-99 instance-state ")
	first, err := c.DescribeInstanceStatus(background(), &ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true), MaxResults: aws.Int32(5)})
	if err != nil || len(first.InstanceStatuses) != 5 || first.NextToken == nil {
		t.Fatalf("%+v %v", first, err)
	}
	second, err := c.DescribeInstanceStatus(background(), &ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true), MaxResults: aws.Int32(5), NextToken: first.NextToken})
	if err != nil || len(second.InstanceStatuses) != 2 || second.NextToken != nil {
		t.Errorf("%+v %v", second, err)
	}
	_, err = c.DescribeInstanceStatus(background(), &ec2.DescribeInstanceStatusInput{Filters: by("instance-id", "i-0")})
	wantCode(t, err, "InvalidParameterValue", "The filter 'instance-id' is invalid")
}

func TestDescribeInstances(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	if err := w.SetInstance("i-2", "terminated"); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeInstances(background(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-3", "i-2"}})
	if err != nil || len(out.Reservations) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	gone, box := out.Reservations[0].Instances[0], out.Reservations[1].Instances[0]
	if gone.State.Name != "terminated" || gone.VpcId != nil || len(gone.NetworkInterfaces) != 0 {
		t.Errorf("%+v", gone)
	}
	if *box.InstanceId != "i-3" || *box.State.Code != 16 || !*box.SourceDestCheck || *box.NetworkInterfaces[0].NetworkInterfaceId != "eni-3" || *box.PrivateIpAddress != "10.1.9.13" {
		t.Errorf("%+v", box)
	}
	wantTold(t, w, "i-2 instance-state terminated", "i-3 instance-state running")
	for _, filters := range [][]types.Filter{
		by("network-interface.network-interface-id", "eni-5"), by("private-ip-address", "10.1.9.15"), by("tag:Name", "box 5"), by("instance-id", "i-5"),
	} {
		out, err := c.DescribeInstances(background(), &ec2.DescribeInstancesInput{Filters: filters})
		if err != nil || len(out.Reservations) != 1 || *out.Reservations[0].Instances[0].InstanceId != "i-5" {
			t.Errorf("%s: %+v %v", *filters[0].Name, out, err)
		}
	}
	_, err = c.DescribeInstances(background(), &ec2.DescribeInstancesInput{Filters: by("image-id", "ami-1")})
	wantCode(t, err, "UnsupportedOperation", "")
}

// TestBulkReadsHaveASmallerBucket: 50 tokens for a read of everything, while
// reads by id, filter or page still have their 100.
func TestBulkReadsHaveASmallerBucket(t *testing.T) {
	c := client(ec2api.New(edge(t)))
	count := func(in *ec2.DescribeInstanceStatusInput) int {
		for n := range 200 {
			if _, err := c.DescribeInstanceStatus(background(), in); err != nil {
				wantCode(t, err, "RequestLimitExceeded", "")
				return n
			}
		}
		return 200
	}
	if got := count(&ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true)}); got != 50 {
		t.Errorf("%d reads of everything, want 50", got)
	}
	if got := count(&ec2.DescribeInstanceStatusInput{InstanceIds: []string{"i-1"}}); got != 100 {
		t.Errorf("%d reads by id, want 100", got)
	}
}

func TestDescribeVPCsAndSubnets(t *testing.T) {
	c := client(ec2api.New(edge(t)))
	out, err := c.DescribeVpcs(background(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0e"}})
	if err != nil || len(out.Vpcs) != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	if v := out.Vpcs[0]; *v.CidrBlock != "10.1.0.0/16" || len(v.CidrBlockAssociationSet) != 2 || *v.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock != "2001:db8::/56" || v.State != types.VpcStateAvailable || *v.OwnerId != account {
		t.Errorf("%+v", v)
	}
	for filter, value := range map[string]string{"cidr": "10.2.0.0/16", "is-default": "true"} {
		if out, err := c.DescribeVpcs(background(), &ec2.DescribeVpcsInput{Filters: by(filter, value)}); err != nil || len(out.Vpcs) != 0 {
			t.Errorf("%s: %+v %v", filter, out, err)
		}
	}
	_, err = c.DescribeVpcs(background(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-9"}})
	wantCode(t, err, "InvalidVpcID.NotFound", "")
	subnets, err := c.DescribeSubnets(background(), &ec2.DescribeSubnetsInput{Filters: by("vpc-id", "vpc-0e")})
	if err != nil || len(subnets.Subnets) != 2 {
		t.Fatalf("%+v %v", subnets, err)
	}
	_, err = c.DescribeSubnets(background(), &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-9"}})
	wantCode(t, err, "InvalidSubnetID.NotFound", "")
}

func TestDescribePrefixLists(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	out, err := c.DescribeManagedPrefixLists(background(), &ec2.DescribeManagedPrefixListsInput{PrefixListIds: []string{"pl-0b", "pl-0a"}})
	if err != nil || len(out.PrefixLists) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	a, b := out.PrefixLists[0], out.PrefixLists[1]
	if *a.PrefixListId != "pl-0a" || *a.PrefixListName != "nets" || *a.MaxEntries != 20 || *a.Version != 1 || a.State != types.PrefixListStateCreateComplete || *a.OwnerId != account || *a.AddressFamily != "IPv4" || *a.IpamPrefixListResolverSyncEnabled {
		t.Errorf("%+v", a)
	}
	if !*b.IpamPrefixListResolverSyncEnabled || *b.PrefixListArn != "arn:aws:ec2:eu-west-1:111122223333:prefix-list/pl-0b" {
		t.Errorf("%+v", b)
	}
	one, err := c.DescribeManagedPrefixLists(background(), &ec2.DescribeManagedPrefixListsInput{MaxResults: aws.Int32(1)})
	if err != nil || len(one.PrefixLists) != 1 || one.NextToken == nil {
		t.Errorf("%+v %v", one, err)
	}
	if found, err := c.DescribeManagedPrefixLists(background(), &ec2.DescribeManagedPrefixListsInput{Filters: by("prefix-list-name", "auto")}); err != nil || len(found.PrefixLists) != 1 {
		t.Errorf("%+v %v", found, err)
	}
	_, err = c.DescribeManagedPrefixLists(background(), &ec2.DescribeManagedPrefixListsInput{PrefixListIds: []string{"pl-99"}})
	wantCode(t, err, "InvalidPrefixListID.NotFound", "The prefix list ID 'pl-99' does not exist")
	_, err = c.DescribeManagedPrefixLists(background(), &ec2.DescribeManagedPrefixListsInput{MaxResults: aws.Int32(101)})
	wantCode(t, err, "InvalidParameterValue", "")
}

func TestPrefixListEntriesInPages(t *testing.T) {
	c := client(ec2api.New(edge(t)))
	var got []string
	paginator := ec2.NewGetManagedPrefixListEntriesPaginator(c, &ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a"), MaxResults: aws.Int32(5)})
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(background())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			got = append(got, *e.Cidr)
		}
	}
	if len(got) != 12 || got[0] != "10.20.0.0/16" || got[4] != "10.100.0.0/16" || got[11] != "10.240.0.0/16" {
		t.Errorf("%q", got)
	}
	for _, bad := range []struct {
		in   ec2.GetManagedPrefixListEntriesInput
		code string
	}{
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("")}, "MissingParameter"},
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("rtb-1")}, "InvalidPrefixListID.Malformed"},
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-99")}, "InvalidPrefixListID.NotFound"},
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a"), TargetVersion: aws.Int64(2)}, "InvalidParameterValue"},
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a"), TargetVersion: aws.Int64(0)}, "InvalidParameterValue"},
		{ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a"), MaxResults: aws.Int32(0)}, "InvalidParameterValue"},
	} {
		_, err := c.GetManagedPrefixListEntries(background(), &bad.in)
		wantCode(t, err, bad.code, "")
	}
}

func TestModifyManagedPrefixList(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	modify := func(in ec2.ModifyManagedPrefixListInput) (*types.ManagedPrefixList, error) {
		in.PrefixListId = str("pl-0a")
		out, err := c.ModifyManagedPrefixList(background(), &in)
		if err != nil {
			return nil, err
		}
		return out.PrefixList, nil
	}
	view, err := modify(ec2.ModifyManagedPrefixListInput{
		CurrentVersion: aws.Int64(1), AddEntries: []types.AddPrefixListEntry{{Cidr: str("172.16.0.0/12"), Description: str("a & b")}},
		RemoveEntries: []types.RemovePrefixListEntry{{Cidr: str("10.20.0.0/16")}, {Cidr: str("10.40.0.0/16")}},
	})
	if err != nil || *view.Version != 2 || view.State != types.PrefixListStateModifyComplete {
		t.Fatalf("%+v %v", view, err)
	}
	entries, err := c.GetManagedPrefixListEntries(background(), &ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a")})
	if err != nil || len(entries.Entries) != 11 || *entries.Entries[10].Description != "a & b" {
		t.Errorf("%+v %v", entries, err)
	}
	if old, err := c.GetManagedPrefixListEntries(background(), &ec2.GetManagedPrefixListEntriesInput{PrefixListId: str("pl-0a"), TargetVersion: aws.Int64(1)}); err != nil || len(old.Entries) != 12 {
		t.Errorf("%+v %v", old, err)
	}
	_, err = modify(ec2.ModifyManagedPrefixListInput{CurrentVersion: aws.Int64(1), AddEntries: []types.AddPrefixListEntry{{Cidr: str("172.16.0.0/12")}}})
	wantCode(t, err, "PrefixListVersionMismatch", "")
	_, err = modify(ec2.ModifyManagedPrefixListInput{CurrentVersion: aws.Int64(2), RemoveEntries: []types.RemovePrefixListEntry{{Cidr: str("10.20.0.0/16")}}})
	wantCode(t, err, "InvalidPrefixListModification", "")
	_, err = modify(ec2.ModifyManagedPrefixListInput{CurrentVersion: aws.Int64(2), AddEntries: []types.AddPrefixListEntry{{Cidr: str("172.16")}}})
	wantCode(t, err, "InvalidParameterValue", "")
	_, err = modify(ec2.ModifyManagedPrefixListInput{PrefixListName: str("n"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	_, err = modify(ec2.ModifyManagedPrefixListInput{IpamPrefixListResolverSyncEnabled: aws.Bool(true)})
	wantCode(t, err, "UnsupportedOperation", "")
	if view, err = modify(ec2.ModifyManagedPrefixListInput{PrefixListName: str("n"), MaxEntries: aws.Int32(30)}); err != nil || *view.PrefixListName != "n" || *view.MaxEntries != 30 || *view.Version != 2 {
		t.Errorf("%+v %v", view, err)
	}
}

// TestUnknownMembersAreRefused: a parameter of a list that the API does not have.
func TestUnknownMembersAreRefused(t *testing.T) {
	h := ec2api.New(edge(t))
	for _, name := range []string{"AddEntry.1.Colour", "AddEntry.x.Cidr", "AddEntry.1", "RemoveEntry.1.Description"} {
		status, body := rawBody(h, "Action=ModifyManagedPrefixList&Version="+ec2Version+"&PrefixListId=pl-0a&"+name+"=x", account, "ec2")
		if status != 400 || !strings.Contains(body, "UnknownParameter") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if _, err := client(h).DescribeVpcs(context.Background(), &ec2.DescribeVpcsInput{}); err != nil {
		t.Error(err)
	}
}
