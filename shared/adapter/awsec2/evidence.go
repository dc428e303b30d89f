package awsec2

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
)

// vpnConnectionID starts the codes of errors about a VPN connection's id.
const vpnConnectionID = "InvalidVpnConnectionID"

// Evidence reads facts about VPN connections. Other subjects are unreadable.
type Evidence struct{ client *Client }

var _ controller.Evidence = (*Evidence)(nil)

// Read implements controller.Evidence with one DescribeVpnConnections call for
// each hundred connections of an account and Region, all at the same time. The
// facts of each subject stand together, sorted, the subjects in the order asked;
// a subject that is asked for twice is answered once. Source: EC2 API,
// DescribeVpnConnections, types VpnConnection and VgwTelemetry.
func (e *Evidence) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	unique := slices.Clone(subjects)
	slices.SortFunc(unique, health.Subject.Compare)
	unique = slices.Compact(unique)
	facts := make([][]health.Fact, len(unique))
	jobs := spans(len(unique), maxIDs, func(i, j int) bool {
		a, b := unique[i], unique[j]
		return a.Kind == b.Kind && a.Account == b.Account && a.Region == b.Region
	})
	e.client.together(ctx, len(jobs), func(ctx context.Context, i int) {
		job := jobs[i]
		asked, answers := unique[job.from:job.to], facts[job.from:job.to]
		if asked[0].Kind == health.SubjectVPN {
			e.read(ctx, asked, answers)
			return
		}
		now := e.client.clock.Now()
		for i, subject := range asked {
			answers[i] = unreadable(subject, route.ProblemMalformed, "there is no source of facts about a subject of this kind", now)
		}
	})
	var out []health.Fact
	for _, subject := range subjects {
		at, _ := slices.BinarySearchFunc(unique, subject, health.Subject.Compare)
		out = append(out, facts[at]...)
		facts[at] = nil
	}
	return out
}

// read reads VPN connections of one account and Region, which are sorted by id.
// An id that EC2 refuses spoils the answer for all of them; then each is read by
// a call of its own.
func (e *Evidence) read(ctx context.Context, subjects []health.Subject, facts [][]health.Fact) {
	began := e.client.clock.Now()
	shown, err := e.describe(ctx, subjects)
	if len(subjects) > 1 && spoiledByOneID(err, vpnConnectionID) {
		e.client.together(ctx, len(subjects), func(ctx context.Context, i int) {
			e.read(ctx, subjects[i:i+1], facts[i:i+1])
		})
		return
	}
	for i, subject := range subjects {
		at := slices.IndexFunc(shown, func(c types.VpnConnection) bool { return aws.ToString(c.VpnConnectionId) == subject.ID })
		switch {
		case err != nil:
			facts[i] = unreadable(subject, problemOf(err), err.Error(), began)
		case at < 0:
			facts[i] = unreadable(subject, route.ProblemGone, "the answer leaves the connection out", began)
		default:
			facts[i] = connectionFacts(subject, shown[at], began)
		}
	}
}

func (e *Evidence) describe(ctx context.Context, subjects []health.Subject) ([]types.VpnConnection, error) {
	api, err := e.client.api(subjects[0].Account, subjects[0].Region)
	if err != nil {
		return nil, err
	}
	input := &ec2.DescribeVpnConnectionsInput{}
	for _, subject := range subjects {
		input.VpnConnectionIds = append(input.VpnConnectionIds, subject.ID)
	}
	output, err := call(ctx, e.client, api, input, (*ec2.Client).DescribeVpnConnections)
	if err != nil {
		return nil, err
	}
	return output.VpnConnections, nil
}

// errNoAddress: a tunnel without its outside address cannot be told from others.
var errNoAddress = errors.New("a tunnel has no outside address")

// connectionFacts says what the answer shows of one connection. It was true at
// the earliest when the call began.
func connectionFacts(subject health.Subject, shown types.VpnConnection, began time.Time) []health.Fact {
	facts := []health.Fact{{
		Subject: subject, Kind: health.FactConnectionState, Value: string(shown.State),
		Source: health.SourceDescribeVPNConnections, ObservedAt: began,
	}}
	for _, tunnel := range shown.VgwTelemetry {
		address := aws.ToString(tunnel.OutsideIpAddress)
		if address == "" {
			return unreadable(subject, route.ProblemMalformed, errNoAddress.Error(), began)
		}
		fact := health.Fact{
			Subject: subject, Kind: health.FactTunnelStatus, Part: address, Value: string(tunnel.Status),
			AcceptedRoutes: int(aws.ToInt32(tunnel.AcceptedRouteCount)), Note: aws.ToString(tunnel.StatusMessage),
			Source: health.SourceDescribeVPNConnections, ObservedAt: began,
		}
		if tunnel.LastStatusChange != nil {
			fact.ChangedAt = tunnel.LastStatusChange.UTC()
		}
		facts = append(facts, fact)
	}
	slices.SortStableFunc(facts, health.Fact.Compare)
	return facts
}

func unreadable(subject health.Subject, problem route.Problem, note string, at time.Time) []health.Fact {
	return []health.Fact{{
		Subject: subject, Kind: health.FactUnreadable, Problem: problem, Note: note,
		Source: health.SourceDescribeVPNConnections, ObservedAt: at,
	}}
}
