package ec2api

import (
	"slices"

	"detour/shared/route"
	"detour/shared/sim"
)

// vpcNetwork is what the wire needs of the World's VPC side.
type vpcNetwork interface {
	RouteTables(c sim.Caller) []sim.VPCTableView
	VPCs(c sim.Caller) []sim.VPCView
	Subnets(c sim.Caller) []sim.SubnetView
	VPNGateways(c sim.Caller) []sim.VPNGatewayView
	Instances(c sim.Caller) []sim.InstanceView
	PrefixLists(c sim.Caller) []sim.PrefixListView
	PrefixListEntries(c sim.Caller, id string, version int64) ([]sim.PrefixListEntry, *sim.APIError)

	CreateRoute(c sim.Caller, table string, dst route.Destination, target string) (*sim.RouteWrite, *sim.APIError)
	ReplaceRoute(c sim.Caller, table string, dst route.Destination, target string) (*sim.RouteWrite, *sim.APIError)
	DeleteRoute(c sim.Caller, table string, dst route.Destination) (*sim.RouteWrite, *sim.APIError)
	EnableVGWPropagation(c sim.Caller, table, gateway string) *sim.APIError
	DisableVGWPropagation(c sim.Caller, table, gateway string) *sim.APIError
	EditPrefixList(c sim.Caller, id string, edit sim.PrefixListEdit) (sim.PrefixListView, *sim.APIError)
}

// vpcAction returns the actions of the VPC side that have files of their own.
// Source of the parameters: EC2 API model 2016-11-15.
func vpcAction(name string) (action, bool) {
	paged := []string{"DryRun", "MaxResults", "NextToken"}
	managed := slices.Concat(paged, []string{"IncludeManagedResources"})
	propagation := []string{"DryRun", "GatewayId", "RouteTableId"}
	list := func(name string) []string { return []string{"Filter", name} }
	switch name {
	case "DescribeVpnGateways":
		return action{scalars: []string{"DryRun"}, lists: list("VpnGatewayId"), run: describeVPNGateways}, true
	case "DescribeVpcs":
		return action{scalars: paged, lists: list("VpcId"), run: describeVPCs}, true
	case "DescribeSubnets":
		return action{scalars: paged, lists: list("SubnetId"), run: describeSubnets}, true
	case "DescribeInstances":
		return action{scalars: managed, lists: list("InstanceId"), run: describeInstances, bulk: true}, true
	case "DescribeInstanceStatus":
		return action{scalars: append(managed, "IncludeAllInstances"), lists: list("InstanceId"), run: describeInstanceStatus, bulk: true}, true
	case "DescribeNetworkInterfaces":
		return action{scalars: managed, lists: list("NetworkInterfaceId"), run: describeInterfaces, bulk: true}, true
	case "DescribeManagedPrefixLists":
		return action{scalars: paged, lists: list("PrefixListId"), run: describePrefixLists}, true
	case "GetManagedPrefixListEntries":
		return action{scalars: append(paged, "PrefixListId", "TargetVersion"), run: getPrefixListEntries}, true
	case "ModifyManagedPrefixList":
		return action{
			mutating: true, run: modifyPrefixList,
			scalars: []string{"DryRun", "PrefixListId", "CurrentVersion", "PrefixListName", "MaxEntries", "IpamPrefixListResolverSyncEnabled"},
			members: map[string][]string{"AddEntry": {"Cidr", "Description"}, "RemoveEntry": {"Cidr"}},
		}, true
	case "EnableVgwRoutePropagation":
		return action{mutating: true, scalars: propagation, run: enablePropagation}, true
	case "DisableVgwRoutePropagation":
		return action{mutating: true, scalars: propagation, run: disablePropagation}, true
	}
	return action{}, false
}
