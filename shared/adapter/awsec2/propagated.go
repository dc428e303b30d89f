package awsec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
)

// Propagations reads what propagates into transit gateway route tables. Other subjects
// are unreadable.
type Propagations struct{ client *Client }

var _ controller.Evidence = (*Propagations)(nil)

// Propagations returns the propagations of the tables that the client reaches.
func (c *Client) Propagations() *Propagations { return &Propagations{client: c} }

// Read implements controller.Evidence with one call for each table, all at the same
// time, and one for each further page. Source: EC2 API,
// GetTransitGatewayRouteTablePropagations.
func (p *Propagations) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	facts := make([][]health.Fact, len(subjects))
	p.client.together(ctx, len(subjects), func(ctx context.Context, i int) {
		facts[i] = p.read(ctx, subjects[i])
	})
	return slices.Concat(facts...)
}

func (p *Propagations) read(ctx context.Context, subject health.Subject) []health.Fact {
	began := p.client.clock.Now()
	var out []health.Fact
	if subject.Kind != health.SubjectPropagations {
		out = []health.Fact{unreadable(route.ProblemMalformed, "this source has no facts about a subject of this kind")}
	} else if shown, err := p.ask(ctx, subject); err != nil {
		out = []health.Fact{unreadable(problemOf(err), err.Error())}
	} else {
		out = append(shown, health.Fact{Kind: health.FactTableState, Value: health.TableRead})
	}
	for i := range out {
		out[i].Subject, out[i].Source, out[i].ObservedAt = subject, health.SourceGetPropagations, began
	}
	slices.SortStableFunc(out, health.Fact.Compare)
	return out
}

func (p *Propagations) ask(ctx context.Context, table health.Subject) ([]health.Fact, error) {
	api, err := p.client.api(table.Account, table.Region)
	if err != nil {
		return nil, err
	}
	var out []health.Fact
	err = p.client.propagations(ctx, api, table.ID, func(shown types.TransitGatewayRouteTablePropagation) {
		out = append(out, health.Fact{Kind: health.FactPropagation, Part: aws.ToString(shown.TransitGatewayAttachmentId), Value: string(shown.State)})
	})
	return out, err
}
