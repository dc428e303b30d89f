package awsec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/route"
)

// Neighbors reads who stands around the tables of filters.
type Neighbors struct{ client *Client }

// Neighbors returns what stands around the tables that the client reaches.
func (c *Client) Neighbors() *Neighbors { return &Neighbors{client: c} }

var _ controller.Neighbors = (*Neighbors)(nil)

// Read implements controller.Neighbors. All first pages are asked for at the same
// time: the propagations and the associations of each transit gateway table, the
// VPC tables of each account and Region by the hundred, and the VPN connections and
// Connect peers of each account and Region. A table that is asked for twice is read
// once. Sources: EC2 API, GetTransitGatewayRouteTablePropagations,
// GetTransitGatewayRouteTableAssociations, DescribeRouteTables (PropagatingVgws),
// DescribeVpnConnections, DescribeTransitGatewayConnectPeers.
//
// The outside addresses are those of AWS's ends, which customer gateways and
// appliances have to reach: a route that covers one takes their own way to it. Those
// of the other ends are none, since the VPC of an appliance teaches them rightly.
// VPN connections of another account, over a transit gateway that is shared with it,
// are not seen.
func (n *Neighbors) Read(ctx context.Context, tables []route.Table) []controller.NeighborReading {
	unique := slices.Clone(tables)
	slices.SortFunc(unique, route.Table.Compare)
	unique = slices.Compact(unique)
	readings := make([]controller.NeighborReading, len(unique))
	var places []*place
	var jobs []func(context.Context)
	for i, table := range unique {
		readings[i].Table = table
		at := endpoint{account: table.Account, region: table.Region}
		if !slices.ContainsFunc(places, func(p *place) bool { return p.at == at }) {
			p := &place{client: n.client, at: at, static: map[string]bool{}}
			places = append(places, p)
			jobs = append(jobs, p.connections, p.peers)
		}
		if table.Kind == route.TransitGatewayTable {
			jobs = append(jobs,
				func(ctx context.Context) { n.propagations(ctx, table, &readings[i].Propagations) },
				func(ctx context.Context) { n.associations(ctx, table, &readings[i].Associations) })
		}
	}
	for _, job := range spans(len(unique), maxIDs, func(i, j int) bool {
		a, b := unique[i], unique[j]
		return a.Kind == route.VPCTable && a.Kind == b.Kind && a.Account == b.Account && a.Region == b.Region
	}) {
		if unique[job.from].Kind == route.VPCTable {
			jobs = append(jobs, func(ctx context.Context) { n.gateways(ctx, readings[job.from:job.to]) })
		}
	}
	n.client.together(ctx, len(jobs), func(ctx context.Context, i int) { jobs[i](ctx) })
	for i := range readings {
		at := endpoint{account: readings[i].Table.Account, region: readings[i].Table.Region}
		p := places[slices.IndexFunc(places, func(p *place) bool { return p.at == at })]
		readings[i].Outside = p.outsides()
		p.mark(readings[i].Propagations.List)
		p.mark(readings[i].Associations.List)
	}
	out := make([]controller.NeighborReading, len(tables))
	for i, table := range tables {
		at, _ := slices.BinarySearchFunc(unique, table, route.Table.Compare)
		out[i] = readings[at].Clone()
	}
	return out
}

// neighbors ends a reading: sorted, and whole unless something failed.
func neighbors(list []filter.Neighbor, err error) filter.Neighbors {
	slices.SortFunc(list, filter.Neighbor.Compare)
	return filter.Neighbors{List: slices.Compact(list), Complete: err == nil, Problem: problemOf(err)}
}

// neighbor maps an attachment. Whether a VPN connection speaks BGP is found out
// beside it; what else is not known to speak none counts as speaking it.
func neighbor(id *string, kind types.TransitGatewayAttachmentResourceType, resource *string) filter.Neighbor {
	out := filter.Neighbor{Attachment: aws.ToString(id), Type: string(kind), Resource: aws.ToString(resource)}
	switch kind { //nolint:exhaustive // Nothing is known of the others.
	case types.TransitGatewayAttachmentResourceTypeVpc, types.TransitGatewayAttachmentResourceTypePeering:
		out.BGP = filter.SpeaksNoBGP
	case types.TransitGatewayAttachmentResourceTypeConnect, types.TransitGatewayAttachmentResourceTypeDirectConnectGateway:
		out.BGP = filter.SpeaksBGP
	}
	return out
}

func (n *Neighbors) propagations(ctx context.Context, table route.Table, into *filter.Neighbors) {
	var list []filter.Neighbor
	api, err := n.client.api(table.Account, table.Region)
	if err == nil {
		err = n.client.propagations(ctx, api, table.ID, func(shown types.TransitGatewayRouteTablePropagation) {
			if shown.State != types.TransitGatewayPropagationStateDisabled {
				list = append(list, neighbor(shown.TransitGatewayAttachmentId, shown.ResourceType, shown.ResourceId))
			}
		})
	}
	*into = neighbors(list, err)
}

func (n *Neighbors) associations(ctx context.Context, table route.Table, into *filter.Neighbors) {
	var list []filter.Neighbor
	api, err := n.client.api(table.Account, table.Region)
	if err == nil {
		err = n.client.associations(ctx, api, table.ID, func(shown types.TransitGatewayRouteTableAssociation) {
			if shown.State != types.TransitGatewayAssociationStateDisassociated {
				list = append(list, neighbor(shown.TransitGatewayAttachmentId, shown.ResourceType, shown.ResourceId))
			}
		})
	}
	*into = neighbors(list, err)
}

// gateways finds the virtual private gateways that propagate into VPC tables of one
// account and Region, which are sorted by id. An id that EC2 refuses spoils the
// answer for all of them; then each is asked about by a call of its own.
func (n *Neighbors) gateways(ctx context.Context, readings []controller.NeighborReading) {
	ids := make([]string, len(readings))
	for i, r := range readings {
		ids[i] = r.Table.ID
	}
	lists, seen := make([][]filter.Neighbor, len(ids)), make([]bool, len(ids))
	errs := n.client.inquire(ctx, endpoint{account: readings[0].Table.Account, region: readings[0].Table.Region}, routeTableID, ids,
		func(ctx context.Context, api *ec2.Client, asked []string) error {
			input := &ec2.DescribeRouteTablesInput{RouteTableIds: asked}
			return follow(func(token *string) (*string, error) {
				input.NextToken = token
				output, err := call(ctx, n.client, api, input, (*ec2.Client).DescribeRouteTables)
				if err != nil {
					return nil, err
				}
				for _, shown := range output.RouteTables {
					at, known := slices.BinarySearch(ids, aws.ToString(shown.RouteTableId))
					if !known {
						continue
					}
					seen[at] = true
					for _, gateway := range shown.PropagatingVgws {
						lists[at] = append(lists[at], filter.Neighbor{
							Attachment: aws.ToString(gateway.GatewayId), Type: filter.TypeVPNGateway, Resource: aws.ToString(gateway.GatewayId), BGP: filter.SpeaksBGP,
						})
					}
				}
				return output.NextToken, nil
			})
		})
	for i := range readings {
		readings[i].Propagations = neighbors(lists[i], errs[i])
		if errs[i] == nil && !seen[i] {
			readings[i].Propagations = filter.Neighbors{Problem: route.ProblemGone}
		}
		readings[i].Associations = filter.Neighbors{Complete: true}
	}
}

// place is what is found out about the tunnels of one account and Region.
type place struct {
	client *Client
	at     endpoint
	// static has the VPN connections that were read: true is one without BGP.
	static map[string]bool
	// vpns and gres are the outside addresses of both kinds.
	vpns, gres               []filter.Outside
	vpnProblem, peersProblem route.Problem
}

// connections reads the VPN connections. DescribeVpnConnections has no pages.
func (p *place) connections(ctx context.Context) {
	api, err := p.client.api(p.at.account, p.at.region)
	if err != nil {
		p.vpnProblem = problemOf(err)
		return
	}
	output, err := call(ctx, p.client, api, &ec2.DescribeVpnConnectionsInput{}, (*ec2.Client).DescribeVpnConnections)
	if err != nil {
		p.vpnProblem = problemOf(err)
		return
	}
	for _, shown := range output.VpnConnections {
		if shown.State == types.VpnStateDeleted {
			continue
		}
		id := aws.ToString(shown.VpnConnectionId)
		p.static[id] = shown.Options != nil && aws.ToBool(shown.Options.StaticRoutesOnly)
		for _, address := range tunnelAddresses(shown) {
			at, err := netip.ParseAddr(address)
			if err != nil {
				p.vpnProblem = route.ProblemMalformed
				continue
			}
			p.vpns = append(p.vpns, filter.Outside{Address: at.Unmap(), Resource: id, CustomerGateway: aws.ToString(shown.CustomerGatewayId), Gateway: aws.ToString(shown.VpnGatewayId)})
		}
	}
}

// tunnelAddresses are the outside addresses of a connection's tunnels, by their
// options and by their telemetry: either can lack a tunnel that is being replaced.
func tunnelAddresses(shown types.VpnConnection) []string {
	var out []string
	if shown.Options != nil {
		for _, tunnel := range shown.Options.TunnelOptions {
			out = append(out, aws.ToString(tunnel.OutsideIpAddress))
		}
	}
	for _, tunnel := range shown.VgwTelemetry {
		out = append(out, aws.ToString(tunnel.OutsideIpAddress))
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(address string) bool { return address == "" })
}

// peers reads the Connect peers.
func (p *place) peers(ctx context.Context) {
	api, err := p.client.api(p.at.account, p.at.region)
	if err != nil {
		p.peersProblem = problemOf(err)
		return
	}
	input := &ec2.DescribeTransitGatewayConnectPeersInput{MaxResults: aws.Int32(pageSize)}
	err = follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, p.client, api, input, (*ec2.Client).DescribeTransitGatewayConnectPeers)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayConnectPeers {
			if shown.State == types.TransitGatewayConnectPeerStateDeleted || shown.ConnectPeerConfiguration == nil {
				continue
			}
			address := aws.ToString(shown.ConnectPeerConfiguration.TransitGatewayAddress)
			if address == "" {
				continue // Whether AWS shows a peer that it is making without its address is UNVERIFIED.
			}
			at, err := netip.ParseAddr(address)
			if err != nil {
				p.peersProblem = route.ProblemMalformed
				continue
			}
			p.gres = append(p.gres, filter.Outside{Address: at.Unmap(), Resource: aws.ToString(shown.TransitGatewayConnectPeerId)})
		}
		return output.NextToken, nil
	})
	p.peersProblem = cmp.Or(p.peersProblem, problemOf(err))
}

// outsides are the addresses of both kinds.
func (p *place) outsides() filter.Outsides {
	out := filter.Outsides{List: slices.Concat(p.vpns, p.gres), Problem: cmp.Or(p.vpnProblem, p.peersProblem)}
	slices.SortFunc(out.List, filter.Outside.Compare)
	out.List = slices.Compact(out.List)
	out.Complete = out.Problem == route.NoProblem
	return out
}

// mark says of VPN attachments whether they speak BGP, where that was read.
func (p *place) mark(list []filter.Neighbor) {
	for i := range list {
		static, read := p.static[list[i].Resource]
		switch {
		case list[i].Type != filter.TypeVPN || !read:
		case static:
			list[i].BGP = filter.SpeaksNoBGP
		default:
			list[i].BGP = filter.SpeaksBGP
		}
	}
}
