package awsec2

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"detour/shared/route"
)

// Write implements controller.RouteTables: one change, one call. A change that
// no call can make is Refused without one; anything that leaves open whether the
// call took effect is Failed. Sources: EC2 API, CreateRoute, ReplaceRoute,
// DeleteRoute, CreateTransitGatewayRoute, ReplaceTransitGatewayRoute,
// DeleteTransitGatewayRoute; for prefix lists see prepareReference, for
// propagations preparePropagation.
func (t *Tables) Write(ctx context.Context, change route.Change) route.Receipt {
	return receipt(change, t.send(ctx, change, nil))
}

// Try implements controller.RouteTables: Write with DryRun, which EC2 answers
// with an error in any case (EC2 API, DryRun of the same calls). An answer without
// one would mean that the call was made.
func (t *Tables) Try(ctx context.Context, change route.Change) route.Receipt {
	err := t.send(ctx, change, aws.Bool(true))
	if err == nil {
		err = errNotDry
	}
	return receipt(change, err)
}

// errNotDry: a dry run was answered without an error.
var errNotDry = errors.New("trying a write: the answer is that of a call that was made; look at the table")

// noCallError: no call of EC2 makes the change, so none was sent.
type noCallError struct{ error }

// send makes the one call of a change. dry is the call's DryRun.
func (t *Tables) send(ctx context.Context, change route.Change, dry *bool) error {
	send, err := prepare(change, dry)
	if err != nil {
		return noCallError{err}
	}
	api, err := t.client.api(change.Table.Account, change.Table.Region)
	if err != nil {
		return err
	}
	return send(ctx, t.client, api)
}

// sender makes the one call of a change.
type sender func(ctx context.Context, c *Client, api *ec2.Client) error

// send returns a sender that makes the call and looks at the error only.
func send[In, Out any](input In, method func(*ec2.Client, context.Context, In, ...func(*ec2.Options)) (Out, error)) sender {
	return func(ctx context.Context, c *Client, api *ec2.Client) error {
		_, err := call(ctx, c, api, input, method)
		return err
	}
}

// prepare chooses the call of a change and fills in its parameters.
func prepare(change route.Change, dry *bool) (sender, error) {
	attachment, switches := change.Propagation()
	switch {
	case switches:
		return preparePropagation(change, attachment, dry)
	case change.Destination.IsZero():
		return nil, fmt.Errorf("writing to %s: the change has no destination", change.Table)
	case change.Table.Kind == route.TransitGatewayTable:
		return prepareTransitGateway(change, dry)
	case change.Table.Kind == route.VPCTable:
		return prepareVPC(change, dry)
	default:
		return nil, fmt.Errorf("writing to %s: %q is no kind of route table", change.Table, change.Table.Kind)
	}
}

func prepareTransitGateway(change route.Change, dry *bool) (sender, error) {
	if change.Destination.List() != "" {
		return prepareReference(change, dry)
	}
	table, destination := aws.String(change.Table.ID), aws.String(change.Destination.String())
	if change.Op == route.OpDelete {
		input := &ec2.DeleteTransitGatewayRouteInput{DryRun: dry, TransitGatewayRouteTableId: table, DestinationCidrBlock: destination}
		return send(input, (*ec2.Client).DeleteTransitGatewayRoute), nil
	}
	attachment, blackhole, ok := attachmentTarget(change.After)
	if !ok {
		return nil, unwritable(change)
	}
	switch change.Op {
	case route.OpCreate:
		input := &ec2.CreateTransitGatewayRouteInput{
			DryRun: dry, TransitGatewayRouteTableId: table, DestinationCidrBlock: destination,
			TransitGatewayAttachmentId: attachment, Blackhole: blackhole,
		}
		return send(input, (*ec2.Client).CreateTransitGatewayRoute), nil
	case route.OpReplace:
		input := &ec2.ReplaceTransitGatewayRouteInput{
			DryRun: dry, TransitGatewayRouteTableId: table, DestinationCidrBlock: destination,
			TransitGatewayAttachmentId: attachment, Blackhole: blackhole,
		}
		return send(input, (*ec2.Client).ReplaceTransitGatewayRoute), nil
	default:
		return nil, unknownOp(change)
	}
}

// attachmentTarget returns the one parameter of the two that is set: a transit
// gateway routes to one attachment, or nowhere.
func attachmentTarget(hop route.NextHop) (attachment *string, blackhole *bool, ok bool) {
	switch {
	case hop.Kind == route.Blackhole:
		return nil, aws.Bool(true), true
	case hop.Kind == route.TransitGatewayAttachment && hop.ID != "" && !strings.Contains(hop.ID, ","):
		return aws.String(hop.ID), nil, true
	default:
		return nil, nil, false
	}
}

// errNotDone: CreateRoute answered without an error, and without success.
var errNotDone = errors.New("creating route: the answer says that the route was not created")

func prepareVPC(change route.Change, dry *bool) (sender, error) {
	table := aws.String(change.Table.ID)
	cidr, ipv6, list := vpcDestination(change.Destination)
	if change.Op == route.OpDelete {
		input := &ec2.DeleteRouteInput{DryRun: dry, RouteTableId: table, DestinationCidrBlock: cidr, DestinationIpv6CidrBlock: ipv6, DestinationPrefixListId: list}
		return send(input, (*ec2.Client).DeleteRoute), nil
	}
	create := &ec2.CreateRouteInput{DryRun: dry, RouteTableId: table, DestinationCidrBlock: cidr, DestinationIpv6CidrBlock: ipv6, DestinationPrefixListId: list}
	if !target(create, change.After) {
		return nil, unwritable(change)
	}
	switch change.Op {
	case route.OpCreate:
		return func(ctx context.Context, c *Client, api *ec2.Client) error {
			output, err := call(ctx, c, api, create, (*ec2.Client).CreateRoute)
			if err == nil && output.Return != nil && !*output.Return {
				return errNotDone
			}
			return err
		}, nil
	case route.OpReplace:
		return send(replacement(create), (*ec2.Client).ReplaceRoute), nil
	default:
		return nil, unknownOp(change)
	}
}

// vpcDestination returns the one parameter of the three that is set.
func vpcDestination(destination route.Destination) (cidr, ipv6, list *string) {
	text := aws.String(destination.String())
	switch {
	case destination.List() != "":
		return nil, nil, text
	case destination.Prefix().Addr().Is4():
		return text, nil, nil
	default:
		return nil, text, nil
	}
}

// target sets the parameter for the next hop, and reports whether there is one.
func target(input *ec2.CreateRouteInput, hop route.NextHop) bool {
	if hop.ID == "" {
		return false
	}
	id := aws.String(hop.ID)
	switch hop.Kind {
	case route.TransitGateway:
		input.TransitGatewayId = id
	case route.NetworkInterface:
		input.NetworkInterfaceId = id
	case route.Instance:
		input.InstanceId = id
	case route.NATGateway:
		input.NatGatewayId = id
	case route.InternetGateway, route.VPNGateway:
		input.GatewayId = id
	case route.VPCPeeringConnection:
		input.VpcPeeringConnectionId = id
	case route.EgressOnlyInternetGateway:
		input.EgressOnlyInternetGatewayId = id
	case route.LocalGateway:
		input.LocalGatewayId = id
	case route.CarrierGateway:
		input.CarrierGatewayId = id
	case route.VPCEndpoint:
		input.VpcEndpointId = id
	case route.CoreNetwork:
		input.CoreNetworkArn = id
	case route.ODBNetwork:
		input.OdbNetworkArn = id
	default:
		return false
	}
	return true
}

// replacement returns the ReplaceRoute call with the parameters of a CreateRoute
// call: the two take the same ones.
func replacement(create *ec2.CreateRouteInput) *ec2.ReplaceRouteInput {
	return &ec2.ReplaceRouteInput{
		DryRun:                      create.DryRun,
		RouteTableId:                create.RouteTableId,
		DestinationCidrBlock:        create.DestinationCidrBlock,
		DestinationIpv6CidrBlock:    create.DestinationIpv6CidrBlock,
		DestinationPrefixListId:     create.DestinationPrefixListId,
		TransitGatewayId:            create.TransitGatewayId,
		NetworkInterfaceId:          create.NetworkInterfaceId,
		InstanceId:                  create.InstanceId,
		NatGatewayId:                create.NatGatewayId,
		GatewayId:                   create.GatewayId,
		VpcPeeringConnectionId:      create.VpcPeeringConnectionId,
		EgressOnlyInternetGatewayId: create.EgressOnlyInternetGatewayId,
		LocalGatewayId:              create.LocalGatewayId,
		CarrierGatewayId:            create.CarrierGatewayId,
		VpcEndpointId:               create.VpcEndpointId,
		CoreNetworkArn:              create.CoreNetworkArn,
		OdbNetworkArn:               create.OdbNetworkArn,
	}
}

func unwritable(change route.Change) error {
	return fmt.Errorf("writing to %s: a %s route table takes no static route to %s (%s)",
		change.Table, change.Table.Kind, change.After, kindName(change.After.Kind))
}

func kindName(kind route.NextHopKind) string {
	if kind == route.NoNextHop {
		return "no next hop"
	}
	return string(kind)
}

func unknownOp(change route.Change) error {
	return fmt.Errorf("writing to %s: %q is no operation on routes", change.Table, change.Op)
}
