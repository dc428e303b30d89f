package awsec2

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/health"
	"detour/shared/route"
)

// No inquiry sets MaxResults: DescribeNetworkInterfaces and
// DescribeInstanceStatus refuse it beside ids (EC2 API). Pages are followed all
// the same.

// askConnections asks about VPN connections. Source: EC2 API,
// DescribeVpnConnections, which has no pages; types VpnConnection, VgwTelemetry.
func askConnections(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(string, ...health.Fact)) error {
	output, err := call(ctx, c, api, &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: ids}, (*ec2.Client).DescribeVpnConnections)
	if err != nil {
		return err
	}
	for _, shown := range output.VpnConnections {
		tell(aws.ToString(shown.VpnConnectionId), connectionFacts(shown)...)
	}
	return nil
}

func connectionFacts(shown types.VpnConnection) []health.Fact {
	facts := []health.Fact{{Kind: health.FactConnectionState, Value: string(shown.State)}}
	for _, tunnel := range shown.VgwTelemetry {
		address := aws.ToString(tunnel.OutsideIpAddress)
		if address == "" {
			return malformed("a tunnel has no outside address")
		}
		facts = append(facts, health.Fact{
			Kind: health.FactTunnelStatus, Part: address, Value: string(tunnel.Status),
			AcceptedRoutes: int(aws.ToInt32(tunnel.AcceptedRouteCount)), Note: aws.ToString(tunnel.StatusMessage),
			ChangedAt: instant(tunnel.LastStatusChange),
		})
	}
	return facts
}

// askAttachments asks about transit gateway attachments. Source: EC2 API,
// DescribeTransitGatewayAttachments, type TransitGatewayAttachment.
func askAttachments(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(string, ...health.Fact)) error {
	input := &ec2.DescribeTransitGatewayAttachmentsInput{TransitGatewayAttachmentIds: ids}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).DescribeTransitGatewayAttachments)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayAttachments {
			tell(aws.ToString(shown.TransitGatewayAttachmentId), health.Fact{Kind: health.FactAttachmentState, Value: string(shown.State)})
		}
		return output.NextToken, nil
	})
}

// askConnectPeers asks about Connect peers. Source: EC2 API,
// DescribeTransitGatewayConnectPeers, types TransitGatewayConnectPeer and
// TransitGatewayAttachmentBgpConfiguration: one for each of the two sessions.
func askConnectPeers(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(string, ...health.Fact)) error {
	input := &ec2.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: ids}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).DescribeTransitGatewayConnectPeers)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayConnectPeers {
			tell(aws.ToString(shown.TransitGatewayConnectPeerId), peerFacts(shown)...)
		}
		return output.NextToken, nil
	})
}

func peerFacts(shown types.TransitGatewayConnectPeer) []health.Fact {
	facts := []health.Fact{{Kind: health.FactPeerState, Value: string(shown.State)}}
	if shown.ConnectPeerConfiguration == nil {
		return facts
	}
	for _, session := range shown.ConnectPeerConfiguration.BgpConfigurations {
		address := aws.ToString(session.TransitGatewayAddress)
		if address == "" {
			return malformed("a BGP session has no transit gateway address")
		}
		facts = append(facts, health.Fact{Kind: health.FactSessionStatus, Part: address, Value: string(session.BgpStatus)})
		facts = append(facts, asnFacts(address, session)...)
	}
	return facts
}

// asnFacts says between which ASNs a session is, as far as the answer does.
func asnFacts(address string, session types.TransitGatewayAttachmentBgpConfiguration) []health.Fact {
	var out []health.Fact
	add := func(kind health.FactKind, asn *int64) {
		if asn != nil && *asn != 0 {
			out = append(out, health.Fact{Kind: kind, Part: address, Value: strconv.FormatInt(*asn, 10)})
		}
	}
	add(health.FactPeerASN, session.PeerAsn)
	add(health.FactGatewayASN, session.TransitGatewayAsn)
	return out
}

// askInterfaces asks about network interfaces. Source: EC2 API,
// DescribeNetworkInterfaces, types NetworkInterface, NetworkInterfaceAttachment.
func askInterfaces(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(string, ...health.Fact)) error {
	input := &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: ids}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).DescribeNetworkInterfaces)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.NetworkInterfaces {
			tell(aws.ToString(shown.NetworkInterfaceId), interfaceFacts(shown)...)
		}
		return output.NextToken, nil
	})
}

func interfaceFacts(shown types.NetworkInterface) []health.Fact {
	if shown.SourceDestCheck == nil {
		return malformed("the answer leaves out whether the source/destination check is on")
	}
	attached := health.Fact{Kind: health.FactInterfaceInstance}
	if shown.Attachment != nil {
		attached.Value = aws.ToString(shown.Attachment.InstanceId)
		attached.Note = string(shown.Attachment.Status)
	}
	return []health.Fact{
		attached,
		{Kind: health.FactInterfaceStatus, Value: string(shown.Status)},
		{Kind: health.FactSourceDestCheck, Value: strconv.FormatBool(*shown.SourceDestCheck)},
	}
}

// askInstances asks about instances, those included that do not run: without
// IncludeAllInstances the answer would leave them out. Source: EC2 API,
// DescribeInstanceStatus, types InstanceStatus and InstanceStatusSummary.
func askInstances(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(string, ...health.Fact)) error {
	input := &ec2.DescribeInstanceStatusInput{InstanceIds: ids, IncludeAllInstances: aws.Bool(true)}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, c, api, input, (*ec2.Client).DescribeInstanceStatus)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.InstanceStatuses {
			tell(aws.ToString(shown.InstanceId), instanceFacts(shown)...)
		}
		return output.NextToken, nil
	})
}

// instanceFacts says what the answer shows of one instance. The check of its
// volumes and the events that are scheduled for it stand in the note of its
// state, for people: a router forwards without its volume.
func instanceFacts(shown types.InstanceStatus) []health.Fact {
	if shown.InstanceState == nil || shown.InstanceStatus == nil || shown.SystemStatus == nil {
		return malformed("the answer leaves out the instance's state or a status check")
	}
	var notes []string
	volumes := shown.AttachedEbsStatus
	if volumes != nil && volumes.Status != types.SummaryStatusOk && volumes.Status != types.SummaryStatusNotApplicable {
		notes = append(notes, "attached EBS volumes: "+string(volumes.Status))
	}
	for _, event := range shown.Events {
		notes = append(notes, "scheduled: "+string(event.Code)+" "+aws.ToString(event.Description))
	}
	check := func(kind health.FactKind, summary *types.InstanceStatusSummary) health.Fact {
		fact := health.Fact{Kind: kind, Value: string(summary.Status)}
		for _, detail := range summary.Details {
			if since := instant(detail.ImpairedSince); fact.ChangedAt.IsZero() || (!since.IsZero() && since.Before(fact.ChangedAt)) {
				fact.ChangedAt = since
			}
		}
		return fact
	}
	return []health.Fact{
		{Kind: health.FactInstanceState, Value: string(shown.InstanceState.Name), Note: strings.Join(notes, "; ")},
		check(health.FactInstanceStatus, shown.InstanceStatus),
		check(health.FactSystemStatus, shown.SystemStatus),
	}
}

// malformed says that what is shown of a subject is not whole.
func malformed(note string) []health.Fact {
	return []health.Fact{unreadable(route.ProblemMalformed, note)}
}

// instant returns the instant in UTC, and none where the API gives none.
func instant(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}
