package awsec2

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/doctor"
	"detour/shared/health"
	"detour/shared/route"
)

// Inventory lists what there is in an account and Region, for an examination. No
// function uses it.
type Inventory struct{ client *Client }

// Inventory returns the inventory that the client reaches.
func (c *Client) Inventory() *Inventory { return &Inventory{client: c} }

// listing reads one part of an inventory, with one call and one for each further
// page.
type listing struct {
	part doctor.Part
	read func(i *inventory) error
}

func listings() []listing {
	return []listing{
		{doctor.PartGateways, (*inventory).gateways},
		{doctor.PartGatewayTables, (*inventory).gatewayTables},
		{doctor.PartAttachments, (*inventory).attachments},
		{doctor.PartVPNs, (*inventory).vpns},
		{doctor.PartPeers, (*inventory).peers},
		{doctor.PartVPCTables, (*inventory).vpcTables},
	}
}

// inventory is one reading of an account and Region. Each listing fills its own part
// of the network.
type inventory struct {
	//nolint:containedctx // It lives as long as the call of Read.
	ctx    context.Context
	client *Client
	api    *ec2.Client
	out    *doctor.Network
}

// Read lists transit gateways and their tables, attachments, VPN connections, Connect
// peers and VPC route tables, all at the same time. What belongs to another account
// and is only shared with this one is left out. A part that could not be read whole
// is empty, and named in Unread.
func (v *Inventory) Read(ctx context.Context, account, region string) doctor.Network {
	out := doctor.Network{Account: account, Region: region, ReadAt: v.client.clock.Now()}
	parts := listings()
	api, err := v.client.api(account, region)
	if err != nil {
		for _, l := range parts {
			out.Unread = append(out.Unread, doctor.Unread{Part: l.part, Problem: problemOf(err), Note: err.Error()})
		}
		return out
	}
	errs := make([]error, len(parts))
	v.client.together(ctx, len(parts), func(ctx context.Context, n int) {
		errs[n] = parts[n].read(&inventory{ctx: ctx, client: v.client, api: api, out: &out})
	})
	for n, err := range errs {
		if err != nil {
			out.Unread = append(out.Unread, doctor.Unread{Part: parts[n].part, Problem: problemOf(err), Note: err.Error()})
		}
	}
	return out
}

// gateways lists transit gateways. Source: EC2 API, DescribeTransitGateways.
func (i *inventory) gateways() error {
	var found []doctor.Gateway
	input := &ec2.DescribeTransitGatewaysInput{MaxResults: aws.Int32(pageSize)}
	err := follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(i.ctx, i.client, i.api, input, (*ec2.Client).DescribeTransitGateways)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGateways {
			if aws.ToString(shown.OwnerId) != i.out.Account || shown.State == types.TransitGatewayStateDeleted {
				continue
			}
			gateway := doctor.Gateway{ID: aws.ToString(shown.TransitGatewayId)}
			if shown.Options != nil {
				gateway.ASN = aws.ToInt64(shown.Options.AmazonSideAsn)
			}
			found = append(found, gateway)
		}
		return output.NextToken, nil
	})
	if err == nil {
		i.out.Gateways = found
	}
	return err
}

// gatewayTables lists the route tables of transit gateways. Only the owner of a
// transit gateway is shown them. Source: EC2 API, DescribeTransitGatewayRouteTables.
func (i *inventory) gatewayTables() error {
	var found []doctor.GatewayTable
	input := &ec2.DescribeTransitGatewayRouteTablesInput{MaxResults: aws.Int32(pageSize)}
	err := follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(i.ctx, i.client, i.api, input, (*ec2.Client).DescribeTransitGatewayRouteTables)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayRouteTables {
			if shown.State == types.TransitGatewayRouteTableStateDeleted {
				continue
			}
			found = append(found, doctor.GatewayTable{
				Table:          i.table(route.TransitGatewayTable, aws.ToString(shown.TransitGatewayRouteTableId)),
				TransitGateway: aws.ToString(shown.TransitGatewayId),
			})
		}
		return output.NextToken, nil
	})
	if err == nil {
		i.out.GatewayTables = found
	}
	return err
}

func (i *inventory) table(kind route.TableKind, id string) route.Table {
	return route.Table{Kind: kind, ID: id, Account: i.out.Account, Region: i.out.Region}
}

// attachments lists transit gateway attachments, those of other accounts' resources
// to the account's transit gateways and the other way round. Source: EC2 API,
// DescribeTransitGatewayAttachments.
func (i *inventory) attachments() error {
	var found []doctor.Attachment
	input := &ec2.DescribeTransitGatewayAttachmentsInput{MaxResults: aws.Int32(pageSize)}
	err := follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(i.ctx, i.client, i.api, input, (*ec2.Client).DescribeTransitGatewayAttachments)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayAttachments {
			if shown.State == types.TransitGatewayAttachmentStateDeleted {
				continue
			}
			found = append(found, doctor.Attachment{
				ID: aws.ToString(shown.TransitGatewayAttachmentId), TransitGateway: aws.ToString(shown.TransitGatewayId), Type: string(shown.ResourceType),
				Resource: aws.ToString(shown.ResourceId), Owner: aws.ToString(shown.ResourceOwnerId), State: string(shown.State),
			})
		}
		return output.NextToken, nil
	})
	if err == nil {
		i.out.Attachments = found
	}
	return err
}

// vpns lists VPN connections. Source: EC2 API, DescribeVpnConnections, which has no
// pages.
func (i *inventory) vpns() error {
	output, err := call(i.ctx, i.client, i.api, &ec2.DescribeVpnConnectionsInput{}, (*ec2.Client).DescribeVpnConnections)
	if err != nil {
		return err
	}
	for _, shown := range output.VpnConnections {
		if state := string(shown.State); state == health.ConnectionGone || state == health.ConnectionGoing {
			continue
		}
		vpn := doctor.VPN{
			ID: aws.ToString(shown.VpnConnectionId), TransitGateway: aws.ToString(shown.TransitGatewayId), VPNGateway: aws.ToString(shown.VpnGatewayId),
			Static: shown.Options != nil && aws.ToBool(shown.Options.StaticRoutesOnly),
		}
		for _, tunnel := range shown.VgwTelemetry {
			outside, _ := netip.ParseAddr(aws.ToString(tunnel.OutsideIpAddress)) // The zero address lies in no prefix.
			vpn.Tunnels = append(vpn.Tunnels, doctor.Tunnel{
				Outside: outside, Up: tunnel.Status == types.TelemetryStatusUp, AcceptedRoutes: int(aws.ToInt32(tunnel.AcceptedRouteCount)),
				ChangedAt: instant(tunnel.LastStatusChange), Note: aws.ToString(tunnel.StatusMessage),
			})
		}
		i.out.VPNs = append(i.out.VPNs, vpn)
	}
	return nil
}

// peers lists Connect peers. Source: EC2 API, DescribeTransitGatewayConnectPeers.
func (i *inventory) peers() error {
	var found []doctor.Peer
	input := &ec2.DescribeTransitGatewayConnectPeersInput{MaxResults: aws.Int32(pageSize)}
	err := follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(i.ctx, i.client, i.api, input, (*ec2.Client).DescribeTransitGatewayConnectPeers)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayConnectPeers {
			if shown.State != types.TransitGatewayConnectPeerStateDeleted {
				found = append(found, peerOf(shown))
			}
		}
		return output.NextToken, nil
	})
	if err == nil {
		i.out.Peers = found
	}
	return err
}

func peerOf(shown types.TransitGatewayConnectPeer) doctor.Peer {
	out := doctor.Peer{ID: aws.ToString(shown.TransitGatewayConnectPeerId), Attachment: aws.ToString(shown.TransitGatewayAttachmentId)}
	if shown.ConnectPeerConfiguration == nil {
		return out
	}
	out.Outside, _ = netip.ParseAddr(aws.ToString(shown.ConnectPeerConfiguration.TransitGatewayAddress)) // The zero address lies in no prefix.
	for _, session := range shown.ConnectPeerConfiguration.BgpConfigurations {
		out.PeerASN, out.ASN = aws.ToInt64(session.PeerAsn), aws.ToInt64(session.TransitGatewayAsn)
		out.Sessions = append(out.Sessions, doctor.Session{Address: aws.ToString(session.TransitGatewayAddress), Up: session.BgpStatus == types.BgpStatusUp})
	}
	return out
}

// vpcTables lists VPC route tables, with who uses them. Their routes are read by
// Tables. Source: EC2 API, DescribeRouteTables, type RouteTableAssociation.
func (i *inventory) vpcTables() error {
	var found []doctor.VPCTable
	input := &ec2.DescribeRouteTablesInput{MaxResults: aws.Int32(maxIDs)}
	err := follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(i.ctx, i.client, i.api, input, (*ec2.Client).DescribeRouteTables)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.RouteTables {
			if owner := aws.ToString(shown.OwnerId); owner != "" && owner != i.out.Account {
				continue
			}
			table := doctor.VPCTable{Table: i.table(route.VPCTable, aws.ToString(shown.RouteTableId)), VPC: aws.ToString(shown.VpcId)}
			for _, association := range shown.Associations {
				table.Main = table.Main || aws.ToBool(association.Main)
				if aws.ToString(association.SubnetId) != "" {
					table.Subnets++
				}
			}
			for _, gateway := range shown.PropagatingVgws {
				table.Propagating = append(table.Propagating, aws.ToString(gateway.GatewayId))
			}
			slices.Sort(table.Propagating)
			found = append(found, table)
		}
		return output.NextToken, nil
	})
	if err == nil {
		i.out.VPCTables = found
	}
	return err
}
