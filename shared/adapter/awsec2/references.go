package awsec2

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/protection"
	"detour/shared/route"
)

// ReferencesOf returns the function for Client.Tables that wants the prefix list
// references of the tables in which one of the groups has an entry for a prefix
// list.
func ReferencesOf(groups []protection.Group) func(route.Table) bool {
	wanted := map[route.Table]bool{}
	for _, group := range groups {
		for _, unit := range group.Units {
			for _, entry := range unit.Entries {
				if entry.Destination.List() != "" {
					wanted[entry.Table] = true
				}
			}
		}
	}
	return func(table route.Table) bool { return wanted[table] }
}

// listReferences adds the prefix list references of a transit gateway table to
// the builder, each as a static route to its list.
func (t *Tables) listReferences(ctx context.Context, api *ec2.Client, b *builder) {
	input := &ec2.GetTransitGatewayPrefixListReferencesInput{
		TransitGatewayRouteTableId: aws.String(b.reading.Table.ID),
		MaxResults:                 aws.Int32(pageSize),
	}
	b.failed(follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, t.client, api, input, (*ec2.Client).GetTransitGatewayPrefixListReferences)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayPrefixListReferences {
			b.add(reference(b.reading.Table, shown))
		}
		return output.NextToken, nil
	}))
}

// reference maps a prefix list reference to the static route that stands for it.
// One that has no attachment drops its traffic, be it meant so or because its
// attachment was deleted. The states on the way (pending, modifying, deleting)
// are carried through, as those of routes are: such a reference stands, with the
// target that EC2 shows, and a write to it is answered with IncorrectState until
// EC2 is done with it. Whether a reference that is modifying shows its old or its
// new target is UNVERIFIED; a reading that is a moment old is possible with every
// route, and is dealt with in the same way. Source: EC2 API, type
// TransitGatewayPrefixListReference.
func reference(table route.Table, shown types.TransitGatewayPrefixListReference) (route.Route, error) {
	list, err := listID(aws.ToString(shown.PrefixListId))
	if err != nil {
		return route.Route{}, err
	}
	out := route.Route{
		Table: table, Destination: list, Origin: route.OriginStatic,
		NextHop: route.NextHop{Kind: route.Blackhole}, State: route.State(shown.State),
	}
	if to := shown.TransitGatewayAttachment; to != nil && !aws.ToBool(shown.Blackhole) {
		id := aws.ToString(to.TransitGatewayAttachmentId)
		if id == "" {
			return route.Route{}, fmt.Errorf("the reference to %s has an attachment without an id", list)
		}
		out.NextHop = route.NextHop{Kind: route.TransitGatewayAttachment, ID: id}
	}
	if shown.State == types.TransitGatewayPrefixListReferenceStateAvailable {
		out.State = route.StateActive
		if out.NextHop.Kind == route.Blackhole {
			out.State = route.StateBlackhole
		}
	}
	return out, nil
}

var errNoList = errors.New("a reference does not name its prefix list")

// listID reads the id of a prefix list as a destination.
func listID(id string) (route.Destination, error) {
	if id == "" {
		return route.Destination{}, errNoList
	}
	return route.PrefixList(id), nil
}

// prepareReference chooses the call that writes a prefix list reference: one
// call gives all entries of the list another target. Sources: EC2 API,
// CreateTransitGatewayPrefixListReference and its Modify and Delete siblings.
func prepareReference(change route.Change, dry *bool) (sender, error) {
	table, list := aws.String(change.Table.ID), aws.String(change.Destination.List())
	if change.Op == route.OpDelete {
		input := &ec2.DeleteTransitGatewayPrefixListReferenceInput{DryRun: dry, TransitGatewayRouteTableId: table, PrefixListId: list}
		return send(input, (*ec2.Client).DeleteTransitGatewayPrefixListReference), nil
	}
	attachment, blackhole, ok := attachmentTarget(change.After)
	if !ok {
		return nil, unwritable(change)
	}
	switch change.Op {
	case route.OpCreate:
		input := &ec2.CreateTransitGatewayPrefixListReferenceInput{
			DryRun: dry, TransitGatewayRouteTableId: table, PrefixListId: list,
			TransitGatewayAttachmentId: attachment, Blackhole: blackhole,
		}
		return send(input, (*ec2.Client).CreateTransitGatewayPrefixListReference), nil
	case route.OpReplace:
		input := &ec2.ModifyTransitGatewayPrefixListReferenceInput{
			DryRun: dry, TransitGatewayRouteTableId: table, PrefixListId: list,
			TransitGatewayAttachmentId: attachment, Blackhole: blackhole,
		}
		return send(input, (*ec2.Client).ModifyTransitGatewayPrefixListReference), nil
	default:
		return nil, unknownOp(change)
	}
}
