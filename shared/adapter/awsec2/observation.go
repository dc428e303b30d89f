package awsec2

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/route"
)

// Observations reads transit gateway route tables as evidence of what an attachment
// teaches: their routes, and which attachments propagate into them and are
// associated with them. Other subjects are unreadable.
type Observations struct{ client *Client }

var _ controller.Evidence = (*Observations)(nil)

// Observations returns the observation tables that the client reaches.
func (c *Client) Observations() *Observations { return &Observations{client: c} }

// Read implements controller.Evidence with three calls for each table, all at the
// same time, and one for each further page: SearchTransitGatewayRoutes,
// GetTransitGatewayRouteTablePropagations and GetTransitGatewayRouteTableAssociations.
// What is shown was true at the earliest when the first of them began. A table of
// which one of the three could not be read is unreadable.
func (o *Observations) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	facts := make([][]health.Fact, len(subjects))
	o.client.together(ctx, len(subjects), func(ctx context.Context, i int) {
		facts[i] = o.read(ctx, subjects[i])
	})
	return slices.Concat(facts...)
}

func (o *Observations) read(ctx context.Context, subject health.Subject) []health.Fact {
	began := o.client.clock.Now()
	table := route.Table{Kind: route.TransitGatewayTable, ID: subject.ID, Account: subject.Account, Region: subject.Region}
	var out []health.Fact
	switch reading, around, err := o.look(ctx, table); {
	case subject.Kind != health.SubjectRouteTable:
		out = []health.Fact{unreadable(route.ProblemMalformed, "this source has no facts about a subject of this kind")}
	case err != nil:
		out = []health.Fact{unreadable(problemOf(err), err.Error())}
	case !reading.Complete:
		out = []health.Fact{unreadable(reading.Problem, "the routes of the table could not be read whole")}
	default:
		out = observationFacts(reading, around)
	}
	for i := range out {
		out[i].Subject, out[i].Source, out[i].ObservedAt = subject, health.SourceSearchRoutes, began
	}
	return out
}

// look makes the three calls.
func (o *Observations) look(ctx context.Context, table route.Table) (route.Reading, plan.TableSurroundings, error) {
	api, err := o.client.api(table.Account, table.Region)
	if err != nil {
		return route.Reading{}, plan.TableSurroundings{}, err
	}
	h := &home{client: o.client}
	var reading route.Reading
	var associated, propagating plan.TableSurroundings
	associated.Table, propagating.Table = table, table
	errs := make([]error, 3)
	o.client.together(ctx, len(errs), func(ctx context.Context, i int) {
		switch i {
		case 0:
			errs[i] = h.associations(ctx, api, &associated)
		case 1:
			errs[i] = h.propagations(ctx, api, &propagating)
		default:
			reading = o.client.Tables(nil).Read(ctx, []route.Table{table})[0]
		}
	})
	around := plan.TableSurroundings{Table: table, Associated: associated.Associated, Propagating: propagating.Propagating}
	return reading, around, cmp.Or(errs[0], errs[1])
}

// observationFacts says what was read, sorted by kind and part.
func observationFacts(reading route.Reading, around plan.TableSurroundings) []health.Fact {
	out := []health.Fact{{Kind: health.FactTableState, Value: health.TableRead, Note: strconv.Itoa(len(reading.Routes)) + " routes"}}
	for _, r := range reading.Routes {
		if r.Origin == route.OriginPropagated && r.State == route.StateActive {
			out = append(out, health.Fact{Kind: health.FactLearnedRoute, Part: r.Destination.String(), Value: r.NextHop.String()})
		} else if r.Origin != route.OriginPropagated {
			out = append(out, health.Fact{Kind: health.FactStaticRoute, Part: r.Destination.String(), Value: r.NextHop.String()})
		}
	}
	for _, a := range around.Propagating {
		out = append(out, health.Fact{Kind: health.FactPropagation, Part: a.ID, Value: a.Type})
	}
	for _, a := range around.Associated {
		out = append(out, health.Fact{Kind: health.FactAssociation, Part: a.ID, Value: a.Type})
	}
	slices.SortStableFunc(out, health.Fact.Compare)
	return out
}
