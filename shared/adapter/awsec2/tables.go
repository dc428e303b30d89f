package awsec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/route"
)

// pageSize is the most that SearchTransitGatewayRoutes gives in one page, and the
// other calls about transit gateways with it (EC2 API, TransitGatewayMaxResults).
const pageSize = 1000

// routeTableID starts the codes of errors about a route table's id.
const routeTableID = "InvalidRouteTableID"

// Tables reads and writes route tables.
type Tables struct {
	client     *Client
	references func(route.Table) bool
}

var _ controller.RouteTables = (*Tables)(nil)

// Read implements controller.RouteTables. Calls run at the same time: one for
// each transit gateway table and one for its references, one for each hundred
// VPC tables of an account and Region, and further pages after them. A table that is asked for twice is read
// once.
func (t *Tables) Read(ctx context.Context, tables []route.Table) []route.Reading {
	unique := slices.Clone(tables)
	slices.SortFunc(unique, route.Table.Compare)
	unique = slices.Compact(unique)
	readings := make([]route.Reading, len(unique))
	jobs := spans(len(unique), maxIDs, func(i, j int) bool {
		a, b := unique[i], unique[j]
		return a.Kind == route.VPCTable && a.Kind == b.Kind && a.Account == b.Account && a.Region == b.Region
	})
	t.client.together(ctx, len(jobs), func(ctx context.Context, i int) {
		job := jobs[i]
		switch unique[job.from].Kind {
		case route.TransitGatewayTable:
			readings[job.from] = t.readTransitGateway(ctx, unique[job.from])
		case route.VPCTable:
			t.readVPC(ctx, unique[job.from:job.to], readings[job.from:job.to])
		default:
			b := t.begin(unique[job.from])
			b.fail(route.ProblemMalformed)
			readings[job.from] = b.end()
		}
	})
	out := make([]route.Reading, len(tables))
	for i, table := range tables {
		at, _ := slices.BinarySearchFunc(unique, table, route.Table.Compare)
		out[i] = readings[at]
		out[i].Routes = slices.Clone(readings[at].Routes)
	}
	return out
}

// readTransitGateway reads one transit gateway table whole, and its prefix list
// references at the same time where they matter.
func (t *Tables) readTransitGateway(ctx context.Context, table route.Table) route.Reading {
	b := t.begin(table)
	api, err := t.client.api(table.Account, table.Region)
	if err != nil {
		b.fail(problemOf(err))
		return b.end()
	}
	if t.references == nil || !t.references(table) {
		t.search(ctx, api, b)
		return b.end()
	}
	listed := t.begin(table)
	t.client.together(ctx, 2, func(ctx context.Context, i int) {
		if i == 0 {
			t.search(ctx, api, b)
		} else {
			t.listReferences(ctx, api, listed)
		}
	})
	b.take(listed)
	return b.end()
}

// search adds what SearchTransitGatewayRoutes shows to the builder. The API
// demands a filter; this one matches every route.
func (t *Tables) search(ctx context.Context, api *ec2.Client, b *builder) {
	input := &ec2.SearchTransitGatewayRoutesInput{
		TransitGatewayRouteTableId: aws.String(b.reading.Table.ID),
		MaxResults:                 aws.Int32(pageSize),
		Filters: []types.Filter{{
			Name:   aws.String("type"),
			Values: []string{string(types.TransitGatewayRouteTypeStatic), string(types.TransitGatewayRouteTypePropagated)},
		}},
	}
	b.failed(follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, t.client, api, input, (*ec2.Client).SearchTransitGatewayRoutes)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.Routes {
			b.add(transitGatewayRoute(b.reading.Table, shown))
		}
		if aws.ToString(output.NextToken) == "" && aws.ToBool(output.AdditionalRoutesAvailable) {
			return nil, errCutOff
		}
		return output.NextToken, nil
	}))
}

// readVPC reads VPC tables of one account and Region, which are sorted by id. An
// id that EC2 refuses spoils the answer for all of them; then each is read by a
// call of its own.
func (t *Tables) readVPC(ctx context.Context, tables []route.Table, readings []route.Reading) {
	builders := make([]*builder, len(tables))
	for i, table := range tables {
		builders[i] = t.begin(table)
	}
	err := t.describe(ctx, tables, builders)
	if len(tables) > 1 && spoiledByOneID(err, routeTableID) {
		t.client.together(ctx, len(tables), func(ctx context.Context, i int) {
			t.readVPC(ctx, tables[i:i+1], readings[i:i+1])
		})
		return
	}
	for i, b := range builders {
		switch {
		case err != nil:
			b.fail(problemOf(err))
		case !b.seen:
			b.fail(route.ProblemGone)
		}
		readings[i] = b.end()
	}
}

// describe adds what DescribeRouteTables shows to the builders. After an error
// none of the readings is whole, since a page may have ended within a table.
func (t *Tables) describe(ctx context.Context, tables []route.Table, builders []*builder) error {
	api, err := t.client.api(tables[0].Account, tables[0].Region)
	if err != nil {
		return err
	}
	input := &ec2.DescribeRouteTablesInput{}
	for _, table := range tables {
		input.RouteTableIds = append(input.RouteTableIds, table.ID)
	}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, t.client, api, input, (*ec2.Client).DescribeRouteTables)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.RouteTables {
			at, known := slices.BinarySearch(input.RouteTableIds, aws.ToString(shown.RouteTableId))
			if !known {
				continue
			}
			builders[at].seen = true
			for _, entry := range shown.Routes {
				builders[at].add(vpcRoute(tables[at], entry))
			}
		}
		return output.NextToken, nil
	})
}
