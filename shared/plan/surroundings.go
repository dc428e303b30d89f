package plan

import (
	"cmp"
	"slices"

	"detour/shared/route"
)

// Surroundings is what lies around a group's tables: who looks routes up in
// them, who teaches them routes, and how full their transit gateways are. No run
// needs it; Survey does.
type Surroundings struct {
	// Tables has one element for each transit gateway route table that was asked
	// about, in the order asked. VPC route tables have none.
	Tables []TableSurroundings `json:"tables,omitempty"`
	// Gateways has one element for each transit gateway of those tables, sorted by
	// Compare.
	Gateways []GatewayUse `json:"gateways,omitempty"`
}

// TableSurroundings are the attachments around one transit gateway route table.
type TableSurroundings struct {
	Table route.Table `json:"table"`
	// TransitGateway is the id of the transit gateway that has the table.
	TransitGateway string `json:"transitGateway"`
	// Associated are the attachments whose traffic is routed by the table; to those
	// of them that speak BGP the routes of the table are advertised (Amazon VPC
	// Transit Gateways, how transit gateways work). Propagating are those that
	// teach the table routes. Both are sorted by id.
	Associated  []Attachment `json:"associated,omitempty"`
	Propagating []Attachment `json:"propagating,omitempty"`
	// Complete says that both were read whole; else Problem says why not.
	Complete bool          `json:"complete"`
	Problem  route.Problem `json:"problem,omitempty"`
}

// Attachment is a transit gateway attachment as far as its routing matters.
type Attachment struct {
	// ID is the attachment's id, tgw-attach-….
	ID string `json:"id"`
	// Type and Resource are EC2's words: the resource type (vpc, vpn, connect,
	// direct-connect-gateway, peering, …) and the id of the resource.
	Type     string `json:"type"`
	Resource string `json:"resource,omitempty"`
	// BGP says that the other side hears the routes of the associated table by
	// BGP: a VPN connection that is not static, a Connect attachment, a Direct
	// Connect gateway.
	BGP bool `json:"bgp,omitempty"`
}

// Compare orders attachments by id.
func (a Attachment) Compare(other Attachment) int { return cmp.Compare(a.ID, other.ID) }

// String returns the attachment's resource with its type, for people.
func (a Attachment) String() string {
	if a.Resource == "" {
		return a.Type + " " + a.ID
	}
	return a.Type + " " + a.Resource + " (" + a.ID + ")"
}

// GatewayUse is how much of its route quota a transit gateway uses.
type GatewayUse struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Routes is the number of routes in all route tables of the transit gateway,
	// static and propagated. It is not known where Complete is false.
	Routes   int           `json:"routes"`
	Complete bool          `json:"complete"`
	Problem  route.Problem `json:"problem,omitempty"`
}

// Compare orders transit gateways by account, Region and id.
func (g GatewayUse) Compare(other GatewayUse) int {
	return cmp.Or(cmp.Compare(g.Account, other.Account), cmp.Compare(g.Region, other.Region), cmp.Compare(g.ID, other.ID))
}

// Of returns what lies around the table, if it was read.
func (s Surroundings) Of(table route.Table) (TableSurroundings, bool) {
	at := slices.IndexFunc(s.Tables, func(t TableSurroundings) bool { return t.Table == table })
	if at < 0 {
		return TableSurroundings{}, false
	}
	return s.Tables[at], true
}
