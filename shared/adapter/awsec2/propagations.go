package awsec2

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/route"
)

// What ends the codes of a switch that found the propagation as it was to be:
// TransitGatewayRouteTablePropagation.Duplicate and .NotFound.
const (
	codeDuplicate   = "Propagation.Duplicate"
	codeNoneToOff   = "Propagation.NotFound"
	propagationKind = "switch of a propagation"
)

// preparePropagation chooses the call that switches an attachment's propagation
// into a transit gateway table. Sources: EC2 API,
// EnableTransitGatewayRouteTablePropagation, DisableTransitGatewayRouteTablePropagation.
func preparePropagation(change route.Change, attachment string, dry *bool) (sender, error) {
	switch {
	case change.Table.Kind != route.TransitGatewayTable:
		return nil, fmt.Errorf("writing to %s: a %s route table takes no %s", change.Table, change.Table.Kind, propagationKind)
	case attachment == "" || strings.Contains(attachment, ","):
		return nil, fmt.Errorf("writing to %s: a %s names one attachment, and this one names %q", change.Table, propagationKind, attachment)
	case !change.Destination.IsZero():
		return nil, fmt.Errorf("writing to %s: a %s has no destination, and this one has %s", change.Table, propagationKind, change.Destination)
	case change.Op == route.OpEnablePropagation:
		return send(&ec2.EnableTransitGatewayRouteTablePropagationInput{
			DryRun: dry, TransitGatewayRouteTableId: aws.String(change.Table.ID), TransitGatewayAttachmentId: aws.String(attachment),
		}, (*ec2.Client).EnableTransitGatewayRouteTablePropagation), nil
	default:
		return send(&ec2.DisableTransitGatewayRouteTablePropagationInput{
			DryRun: dry, TransitGatewayRouteTableId: aws.String(change.Table.ID), TransitGatewayAttachmentId: aws.String(attachment),
		}, (*ec2.Client).DisableTransitGatewayRouteTablePropagation), nil
	}
}

// isStalePropagation reports whether a code says that the propagation is switched
// already as the change would have it. For switching off what is off a live probe
// saw InvalidparameterValue, with a small p (floci-io/floci); since that code
// stands for other mistakes too, a re-read has to bear it out.
func isStalePropagation(op route.Op, code string) bool {
	switch op {
	case route.OpEnablePropagation:
		return strings.HasSuffix(code, codeDuplicate)
	case route.OpDisablePropagation:
		return strings.HasSuffix(code, codeNoneToOff) || strings.EqualFold(code, codeInvalidParameterValue)
	default:
		return false
	}
}

// propagations reads the propagations into a transit gateway table, in any state, with
// one call for each page. Source: EC2 API, GetTransitGatewayRouteTablePropagations.
func (c *Client) propagations(ctx context.Context, api *ec2.Client, table string, each func(types.TransitGatewayRouteTablePropagation)) error {
	input := &ec2.GetTransitGatewayRouteTablePropagationsInput{TransitGatewayRouteTableId: aws.String(table), MaxResults: aws.Int32(pageSize)}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).GetTransitGatewayRouteTablePropagations)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayRouteTablePropagations {
			each(shown)
		}
		return output.NextToken, nil
	})
}

// associations reads the associations with a transit gateway table, as propagations
// does. Source: EC2 API, GetTransitGatewayRouteTableAssociations.
func (c *Client) associations(ctx context.Context, api *ec2.Client, table string, each func(types.TransitGatewayRouteTableAssociation)) error {
	input := &ec2.GetTransitGatewayRouteTableAssociationsInput{TransitGatewayRouteTableId: aws.String(table), MaxResults: aws.Int32(pageSize)}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).GetTransitGatewayRouteTableAssociations)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.Associations {
			each(shown)
		}
		return output.NextToken, nil
	})
}
