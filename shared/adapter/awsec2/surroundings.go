package awsec2

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/route"
)

// Surroundings reads what lies around transit gateway route tables.
type Surroundings struct{ client *Client }

var _ controller.Surroundings = (*Surroundings)(nil)

// Read implements controller.Surroundings. The calls for each account and Region
// come in three steps, and those of a step at the same time: the attachments
// around each table, and the names of all transit gateway tables there; the
// routes of all tables of the transit gateways, and who owns the VPN attachments;
// the VPN connections. A table that is asked for twice is answered once. A VPN
// connection that cannot be read counts as one that speaks BGP, so that people
// hear too much about it instead of too little, and its tables are not complete.
func (s *Surroundings) Read(ctx context.Context, tables []route.Table) plan.Surroundings {
	var out plan.Surroundings
	seen := map[route.Table]bool{}
	for _, table := range tables {
		if table.Kind == route.TransitGatewayTable && !seen[table] {
			seen[table] = true
			out.Tables = append(out.Tables, plan.TableSurroundings{Table: table})
		}
	}
	var homes []*home
	for i := range out.Tables {
		table := &out.Tables[i]
		at := endpoint{account: table.Table.Account, region: table.Table.Region}
		n := slices.IndexFunc(homes, func(h *home) bool { return h.at == at })
		if n < 0 {
			n = len(homes)
			homes = append(homes, &home{client: s.client, at: at, gateways: map[string]string{}, vpns: map[string]*vpnAttachment{}})
		}
		homes[n].tables = append(homes[n].tables, table)
	}
	s.client.together(ctx, len(homes), func(ctx context.Context, i int) { homes[i].look(ctx) })
	for _, h := range homes {
		out.Gateways = append(out.Gateways, h.uses...)
	}
	slices.SortFunc(out.Gateways, plan.GatewayUse.Compare)
	for i := range out.Tables {
		out.Tables[i].Complete = out.Tables[i].Problem == route.NoProblem
	}
	return out
}

// home is what is found out about one account and Region.
type home struct {
	client *Client
	at     endpoint
	tables []*plan.TableSurroundings
	// gateways has the transit gateway of every table there, by the table's id.
	gateways map[string]string
	// vpns are the attachments of VPN connections around the tables, by id.
	vpns map[string]*vpnAttachment
	uses []plan.GatewayUse
}

// vpnAttachment is the attachment of a VPN connection, whose owner need not be
// that of the transit gateway.
type vpnAttachment struct {
	connection, owner string
	static            bool
	problem           route.Problem
}

func (h *home) look(ctx context.Context) {
	api, err := h.client.api(h.at.account, h.at.region)
	if err != nil {
		for _, table := range h.tables {
			table.Problem = problemOf(err)
		}
		return
	}
	problems := make([]route.Problem, 2*len(h.tables)+1)
	h.client.together(ctx, len(problems), func(ctx context.Context, i int) {
		switch {
		case i == len(problems)-1:
			problems[i] = problemOf(h.findGateways(ctx, api))
		case i%2 == 0:
			problems[i] = problemOf(h.associations(ctx, api, h.tables[i/2]))
		default:
			problems[i] = problemOf(h.propagations(ctx, api, h.tables[i/2]))
		}
	})
	for i, table := range h.tables {
		table.Problem = cmp.Or(problems[2*i], problems[2*i+1], problems[len(problems)-1])
		table.TransitGateway = h.gateways[table.Table.ID]
		for _, attachment := range slices.Concat(table.Associated, table.Propagating) {
			if attachment.Type == string(types.TransitGatewayAttachmentResourceTypeVpn) {
				h.vpns[attachment.ID] = &vpnAttachment{connection: attachment.Resource, owner: h.at.account}
			}
		}
	}
	h.client.together(ctx, 2, func(ctx context.Context, i int) {
		if i == 0 {
			h.count(ctx)
		} else {
			h.owners(ctx)
		}
	})
	h.connections(ctx)
	for _, table := range h.tables {
		h.mark(table, table.Associated)
		h.mark(table, table.Propagating)
	}
}

// mark says of VPN attachments whether they speak BGP, and sorts them all.
func (h *home) mark(table *plan.TableSurroundings, attachments []plan.Attachment) {
	for i := range attachments {
		if vpn, ok := h.vpns[attachments[i].ID]; ok {
			attachments[i].BGP = !vpn.static
			table.Problem = cmp.Or(table.Problem, vpn.problem)
		}
	}
	slices.SortFunc(attachments, plan.Attachment.Compare)
}

// findGateways finds the transit gateway of every table of the account and
// Region. Source: EC2 API, DescribeTransitGatewayRouteTables.
func (h *home) findGateways(ctx context.Context, api *ec2.Client) error {
	input := &ec2.DescribeTransitGatewayRouteTablesInput{MaxResults: aws.Int32(pageSize)}
	return follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, h.client, api, input, (*ec2.Client).DescribeTransitGatewayRouteTables)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.TransitGatewayRouteTables {
			h.gateways[aws.ToString(shown.TransitGatewayRouteTableId)] = aws.ToString(shown.TransitGatewayId)
		}
		return output.NextToken, nil
	})
}

// associations finds the attachments whose traffic the table routes.
func (h *home) associations(ctx context.Context, api *ec2.Client, table *plan.TableSurroundings) error {
	return h.client.associations(ctx, api, table.Table.ID, func(shown types.TransitGatewayRouteTableAssociation) {
		if shown.State != types.TransitGatewayAssociationStateDisassociated {
			table.Associated = append(table.Associated, attachmentOf(shown.TransitGatewayAttachmentId, shown.ResourceType, shown.ResourceId))
		}
	})
}

// propagations finds the attachments that teach the table routes.
func (h *home) propagations(ctx context.Context, api *ec2.Client, table *plan.TableSurroundings) error {
	return h.client.propagations(ctx, api, table.Table.ID, func(shown types.TransitGatewayRouteTablePropagation) {
		if shown.State != types.TransitGatewayPropagationStateDisabled {
			table.Propagating = append(table.Propagating, attachmentOf(shown.TransitGatewayAttachmentId, shown.ResourceType, shown.ResourceId))
		}
	})
}

// attachmentOf maps an attachment. Whether a VPN connection speaks BGP is found
// out later; those behind a VPN Concentrator are taken to.
func attachmentOf(id *string, kind types.TransitGatewayAttachmentResourceType, resource *string) plan.Attachment {
	out := plan.Attachment{ID: aws.ToString(id), Type: string(kind), Resource: aws.ToString(resource)}
	switch kind { //nolint:exhaustive // The others speak no BGP.
	case types.TransitGatewayAttachmentResourceTypeConnect, types.TransitGatewayAttachmentResourceTypeDirectConnectGateway,
		types.TransitGatewayAttachmentResourceTypeVpnConcentrator:
		out.BGP = true
	}
	return out
}

// count counts the routes in all tables of the transit gateways.
func (h *home) count(ctx context.Context) {
	for _, table := range h.tables {
		use := plan.GatewayUse{ID: table.TransitGateway, Account: h.at.account, Region: h.at.region, Complete: true}
		if use.ID != "" && !slices.Contains(h.uses, use) {
			h.uses = append(h.uses, use)
		}
	}
	var tables []route.Table
	for _, id := range slices.Sorted(maps.Keys(h.gateways)) {
		if h.use(id) >= 0 {
			tables = append(tables, route.Table{Kind: route.TransitGatewayTable, ID: id, Account: h.at.account, Region: h.at.region})
		}
	}
	for _, reading := range h.client.Tables(nil).Read(ctx, tables) {
		use := &h.uses[h.use(reading.Table.ID)]
		use.Routes += len(reading.Routes)
		use.Complete = use.Complete && reading.Complete
		use.Problem = cmp.Or(use.Problem, reading.Problem)
	}
}

// use is the place of the table's transit gateway among the uses, or -1.
func (h *home) use(table string) int {
	return slices.IndexFunc(h.uses, func(use plan.GatewayUse) bool { return use.ID == h.gateways[table] })
}

// owners finds the accounts of the VPN connections behind the attachments. Source:
// EC2 API, DescribeTransitGatewayAttachments, ResourceOwnerId.
func (h *home) owners(ctx context.Context) {
	ids := slices.Sorted(maps.Keys(h.vpns))
	errs := h.client.inquire(ctx, h.at, attachmentID, ids, func(ctx context.Context, api *ec2.Client, asked []string) error {
		input := &ec2.DescribeTransitGatewayAttachmentsInput{TransitGatewayAttachmentIds: asked}
		return follow(func(token *string) (*string, error) {
			input.NextToken = token
			output, err := call(ctx, h.client, api, input, (*ec2.Client).DescribeTransitGatewayAttachments)
			if err != nil {
				return nil, err
			}
			for _, shown := range output.TransitGatewayAttachments {
				if _, known := slices.BinarySearch(asked, aws.ToString(shown.TransitGatewayAttachmentId)); known {
					vpn := h.vpns[*shown.TransitGatewayAttachmentId]
					vpn.owner = cmp.Or(aws.ToString(shown.ResourceOwnerId), vpn.owner)
				}
			}
			return output.NextToken, nil
		})
	})
	for i, id := range ids {
		h.vpns[id].problem = problemOf(errs[i])
	}
}

// connections finds which VPN connections are static. Source: EC2 API,
// DescribeVpnConnections, type VpnConnectionOptions.
func (h *home) connections(ctx context.Context) {
	byOwner := map[string][]*vpnAttachment{}
	for _, id := range slices.Sorted(maps.Keys(h.vpns)) {
		vpn := h.vpns[id]
		byOwner[vpn.owner] = append(byOwner[vpn.owner], vpn)
	}
	owners := slices.Sorted(maps.Keys(byOwner))
	h.client.together(ctx, len(owners), func(ctx context.Context, i int) {
		h.ask(ctx, owners[i], byOwner[owners[i]])
	})
}

// ask asks one account about its VPN connections.
func (h *home) ask(ctx context.Context, owner string, vpns []*vpnAttachment) {
	slices.SortFunc(vpns, func(a, b *vpnAttachment) int { return cmp.Compare(a.connection, b.connection) })
	ids := make([]string, len(vpns))
	for i, vpn := range vpns {
		ids[i] = vpn.connection
	}
	seen := make([]bool, len(vpns))
	at := endpoint{account: owner, region: h.at.region}
	errs := h.client.inquire(ctx, at, connectionID, ids, func(ctx context.Context, api *ec2.Client, asked []string) error {
		output, err := call(ctx, h.client, api, &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: asked}, (*ec2.Client).DescribeVpnConnections)
		if err != nil {
			return err
		}
		first, _ := slices.BinarySearch(ids, asked[0])
		for _, shown := range output.VpnConnections {
			if i, known := slices.BinarySearch(asked, aws.ToString(shown.VpnConnectionId)); known {
				seen[first+i] = true
				vpns[first+i].static = shown.Options != nil && aws.ToBool(shown.Options.StaticRoutesOnly)
			}
		}
		return nil
	})
	for i, vpn := range vpns {
		if !seen[i] {
			vpn.problem = cmp.Or(vpn.problem, problemOf(errs[i]), route.ProblemGone)
		}
	}
}
