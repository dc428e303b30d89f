package ec2api

import (
	"slices"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// referenceKind selects for GetTransitGatewayPrefixListReferences. Source of the
// filters: EC2 API reference, GetTransitGatewayPrefixListReferences.
func referenceKind() kind[sim.ReferenceView] {
	return kind[sim.ReferenceView]{
		id: func(r sim.ReferenceView) string { return r.List },
		names: []string{
			"attachment.resource-id", "attachment.resource-type", "attachment.transit-gateway-attachment-id", "is-blackhole",
			"prefix-list-id", "prefix-list-owner-id", "state",
		},
		badName: badTGWFilter,
		field: func(r sim.ReferenceView, name string) []string {
			switch name {
			case "attachment.resource-id":
				return nonEmpty(r.Attachment.ResourceID)
			case "attachment.resource-type":
				return nonEmpty(r.Attachment.ResourceType)
			case "attachment.transit-gateway-attachment-id":
				return nonEmpty(r.Attachment.ID)
			case "is-blackhole":
				return []string{strconv.FormatBool(r.Blackhole)}
			case "prefix-list-id":
				return []string{r.List}
			case "prefix-list-owner-id":
				return []string{r.ListOwner}
			}
			return []string{r.State}
		},
	}
}

func getReferences(rq *request) (any, *sim.APIError) {
	references, token, err := inTable(rq, referenceKind(), rq.world.PrefixListReferences)
	if err != nil {
		return nil, err
	}
	answer := &referencesXML{NextToken: token}
	for _, r := range references {
		answer.References.Items = append(answer.References.Items, referenceXMLOf(r))
	}
	return answer, nil
}

func createReference(rq *request) (any, *sim.APIError) {
	return rq.aimReference(rq.world.CreateTransitGatewayPrefixListReference)
}

func modifyReference(rq *request) (any, *sim.APIError) {
	return rq.aimReference(rq.world.ModifyTransitGatewayPrefixListReference)
}

func (rq *request) aimReference(run func(c sim.Caller, table, list, target string) (sim.ReferenceView, *sim.RouteWrite, *sim.APIError)) (any, *sim.APIError) {
	table, list, err := rq.reference()
	if err != nil {
		return nil, err
	}
	target, err := rq.tgwTarget()
	if err != nil {
		return nil, err
	}
	view, write, err := run(rq.caller, table, list, target)
	return rq.referenceWritten(view, write, err)
}

func deleteReference(rq *request) (any, *sim.APIError) {
	table, list, err := rq.reference()
	if err != nil {
		return nil, err
	}
	view, write, err := rq.world.DeleteTransitGatewayPrefixListReference(rq.caller, table, list)
	return rq.referenceWritten(view, write, err)
}

// reference reads the table and the list of a write. The code for a text that is
// no list's id is UNVERIFIED.
func (rq *request) reference() (table, list string, err *sim.APIError) {
	if table, err = rq.tgwTable(); err != nil {
		return "", "", err
	}
	if list, err = rq.required("PrefixListId", "PrefixListId"); err != nil {
		return "", "", err
	}
	if !strings.HasPrefix(list, "pl-") {
		return "", "", expecting("InvalidPrefixListId.Malformed", "pl-")(list)
	}
	return table, list, nil
}

// referenceWritten notes the effect of a write, and shows the reference.
func (rq *request) referenceWritten(view sim.ReferenceView, write *sim.RouteWrite, err *sim.APIError) (any, *sim.APIError) {
	if err != nil {
		return nil, err
	}
	rq.record.Write = write
	return &referenceAnswer{Reference: referenceXMLOf(view)}, nil
}

// The shapes of answers. Source of the names: EC2 API model 2016-11-15.

const greProtocol = "gre"

type transitGatewaysXML struct {
	stamped
	Gateways  list[transitGatewayShape] `xml:"transitGatewaySet"`
	NextToken *string                   `xml:"nextToken"`
}

type transitGatewayShape struct {
	ID      string    `xml:"transitGatewayId"`
	ARN     string    `xml:"transitGatewayArn"`
	State   string    `xml:"state"`
	Owner   string    `xml:"ownerId"`
	Created string    `xml:"creationTime,omitempty"`
	ASN     int64     `xml:"options>amazonSideAsn"`
	ECMP    string    `xml:"options>vpnEcmpSupport"`
	Tags    list[tag] `xml:"tagSet"`
}

func transitGatewayXML(g sim.TransitGatewayView) transitGatewayShape {
	ecmp := "enable"
	if !g.VPNECMP {
		ecmp = "disable"
	}
	return transitGatewayShape{
		ID: g.ID, ARN: "arn:aws:ec2:" + g.Region + ":" + g.OwnerAccount + ":transit-gateway/" + g.ID, State: g.State, Owner: g.OwnerAccount,
		Created: instant(g.CreatedAt), ASN: g.ASN, ECMP: ecmp, Tags: tags(g.Name),
	}
}

type connectsXML struct {
	stamped
	Connects  list[connectXML] `xml:"transitGatewayConnectSet"`
	NextToken *string          `xml:"nextToken"`
}

type connectXML struct {
	ID             string    `xml:"transitGatewayAttachmentId"`
	Transport      string    `xml:"transportTransitGatewayAttachmentId"`
	TransitGateway string    `xml:"transitGatewayId"`
	State          string    `xml:"state"`
	Created        string    `xml:"creationTime,omitempty"`
	Protocol       string    `xml:"options>protocol"`
	Tags           list[tag] `xml:"tagSet"`
}

type connectPeersXML struct {
	stamped
	Peers     list[connectPeerXML] `xml:"transitGatewayConnectPeerSet"`
	NextToken *string              `xml:"nextToken"`
}

type connectPeerXML struct {
	Attachment     string       `xml:"transitGatewayAttachmentId"`
	ID             string       `xml:"transitGatewayConnectPeerId"`
	State          string       `xml:"state"`
	Created        string       `xml:"creationTime,omitempty"`
	GatewayAddress string       `xml:"connectPeerConfiguration>transitGatewayAddress"`
	PeerAddress    string       `xml:"connectPeerConfiguration>peerAddress"`
	InsideCIDRs    list[string] `xml:"connectPeerConfiguration>insideCidrBlocks"`
	Protocol       string       `xml:"connectPeerConfiguration>protocol"`
	Sessions       list[bgpXML] `xml:"connectPeerConfiguration>bgpConfigurations"`
	Tags           list[tag]    `xml:"tagSet"`
}

type bgpXML struct {
	GatewayASN     int64  `xml:"transitGatewayAsn"`
	PeerASN        int64  `xml:"peerAsn"`
	GatewayAddress string `xml:"transitGatewayAddress"`
	PeerAddress    string `xml:"peerAddress"`
	Status         string `xml:"bgpStatus"`
}

type propagationsXML struct {
	stamped
	Propagations list[propagationXML] `xml:"transitGatewayRouteTablePropagations"`
	NextToken    *string              `xml:"nextToken"`
}

type propagationAnswer struct {
	stamped
	Propagation propagationXML `xml:"propagation"`
}

type propagationXML struct {
	refXML
	Table string `xml:"transitGatewayRouteTableId,omitempty"`
	State string `xml:"state"`
}

type referencesXML struct {
	stamped
	References list[referenceShape] `xml:"transitGatewayPrefixListReferenceSet"`
	NextToken  *string              `xml:"nextToken"`
}

type referenceAnswer struct {
	stamped
	Reference referenceShape `xml:"transitGatewayPrefixListReference"`
}

type referenceShape struct {
	Table      string  `xml:"transitGatewayRouteTableId"`
	List       string  `xml:"prefixListId"`
	Owner      string  `xml:"prefixListOwnerId"`
	State      string  `xml:"state"`
	Blackhole  bool    `xml:"blackhole"`
	Attachment *refXML `xml:"transitGatewayAttachment"`
}

func referenceXMLOf(r sim.ReferenceView) referenceShape {
	shown := referenceShape{Table: r.Table, List: r.List, Owner: r.ListOwner, State: r.State, Blackhole: r.Blackhole}
	if r.Attachment.ID != "" {
		ref := refOf(r.Attachment)
		shown.Attachment = &ref
	}
	return shown
}

// listed reports whether any of the values is the route's prefix list.
func listed(route sim.TGWRouteView, values []string) bool {
	return route.PrefixList != "" && slices.Contains(values, route.PrefixList)
}
