package ec2api

import (
	"strings"

	"detour/shared/sim"
)

const (
	available = "available"
	// privateASN is the Amazon side's number of a gateway that was given none.
	// Source: EC2 API reference, CreateVpnGateway.
	privateASN = "64512"
)

// vpnGatewayKind selects for DescribeVpnGateways. Source of the filters: EC2 API
// reference, DescribeVpnGateways.
func vpnGatewayKind() kind[sim.VPNGatewayView] {
	return kind[sim.VPNGatewayView]{
		id:          func(v sim.VPNGatewayView) string { return v.ID },
		names:       []string{"vpn-gateway-id", "state", "type", "attachment.vpc-id", "attachment.state", "amazon-side-asn", "tag-key"},
		unsupported: []string{"availability-zone"},
		tagged:      true,
		badName:     badFilter,
		field: func(v sim.VPNGatewayView, name string) []string {
			switch name {
			case "vpn-gateway-id":
				return []string{v.ID}
			case "state":
				return []string{available}
			case "type":
				return []string{vpnType}
			case "attachment.vpc-id":
				return []string{v.VPC}
			case "attachment.state":
				return []string{v.Attachment}
			case "amazon-side-asn":
				return []string{privateASN}
			}
			return nameTag(name, v.Name)
		},
	}
}

// describeVPNGateways answers DescribeVpnGateways, which has no pages.
func describeVPNGateways(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "VpnGatewayId", marker: "vgw-", filter: "vpn-gateway-id",
		malformed: expecting("InvalidVpnGatewayID.Malformed", "vgw-"),
		notFound:  refuse("InvalidVpnGatewayID.NotFound", "The vpnGateway ID '%s' does not exist"),
	}
	things := rq.world.VPNGateways(rq.caller)
	page, _, _, err := read(rq, vpnGatewayKind(), d, unpaged(things), things)
	if err != nil {
		return nil, err
	}
	answer := &vpnGatewaysXML{}
	for _, v := range page {
		rq.tell(v.ID, "gateway-attachment", v.Attachment)
		answer.Gateways.Items = append(answer.Gateways.Items, vpnGatewayXML{
			ID: v.ID, State: available, Type: vpnType, ASN: privateASN, Tags: tags(v.Name),
			Attachments: list[vpcAttachment]{Items: []vpcAttachment{{VPC: v.VPC, State: v.Attachment}}},
		})
	}
	return answer, nil
}

// enablePropagation answers EnableVgwRoutePropagation.
func enablePropagation(rq *request) (any, *sim.APIError) {
	return rq.propagate(rq.world.EnableVGWPropagation)
}

// disablePropagation answers DisableVgwRoutePropagation.
func disablePropagation(rq *request) (any, *sim.APIError) {
	return rq.propagate(rq.world.DisableVGWPropagation)
}

// propagate answers with <return>, as AWS's sample answers of the two calls do,
// although the API model has no output.
func (rq *request) propagate(set func(c sim.Caller, table, gateway string) *sim.APIError) (any, *sim.APIError) {
	table, err := rq.vpcTableID()
	if err != nil {
		return nil, err
	}
	gateway, err := rq.required("GatewayId", "gatewayId")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(gateway, "vgw-") {
		return nil, expecting("InvalidGatewayID.Malformed", "vgw-")(gateway)
	}
	if err = set(rq.caller, table, gateway); err != nil {
		return nil, err
	}
	return &returnAnswer{Return: true}, nil
}

// vpcKind selects for DescribeVpcs. Source of the filters: EC2 API reference,
// DescribeVpcs.
func vpcKind() kind[sim.VPCView] {
	return kind[sim.VPCView]{
		id: func(v sim.VPCView) string { return v.ID },
		names: []string{
			"vpc-id", "owner-id", "state", "is-default", "cidr", "cidr-block-association.cidr-block", "ipv6-cidr-block-association.ipv6-cidr-block",
		},
		unsupported: []string{
			"cidr-block-association.association-id", "cidr-block-association.state", "dhcp-options-id", "ipv6-cidr-block-association.ipv6-pool",
			"ipv6-cidr-block-association.association-id", "ipv6-cidr-block-association.state", "tag-key",
		},
		badName: badFilter,
		field: func(v sim.VPCView, name string) []string {
			four, six := blocks(v)
			switch name {
			case "vpc-id":
				return []string{v.ID}
			case "owner-id":
				return []string{v.Account}
			case "state":
				return []string{available}
			case "cidr":
				return four[:min(1, len(four))]
			case "cidr-block-association.cidr-block":
				return four
			case "ipv6-cidr-block-association.ipv6-cidr-block":
				return six
			}
			return []string{"false"}
		},
	}
}

func blocks(v sim.VPCView) (four, six []string) {
	for _, cidr := range v.CIDRs {
		if cidr.Addr().Is4() {
			four = append(four, cidr.String())
		} else {
			six = append(six, cidr.String())
		}
	}
	return four, six
}

// describeVPCs answers DescribeVpcs.
func describeVPCs(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "VpcId", marker: "vpc-", filter: "vpc-id",
		malformed: expecting("InvalidVpcID.Malformed", "vpc-"),
		notFound:  refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"),
	}
	page, token, _, err := read(rq, vpcKind(), d, tgwPages(), rq.world.VPCs(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &vpcsXML{NextToken: token}
	for _, v := range page {
		shown := vpcXML{ID: v.ID, Owner: v.Account, State: available}
		four, six := blocks(v)
		for i, block := range four {
			if i == 0 {
				shown.CIDR = block
			}
			shown.CIDRs.Items = append(shown.CIDRs.Items, cidrAssociation{ID: blockID(v.ID, block), CIDR: block, State: associated})
		}
		for _, block := range six {
			shown.IPv6.Items = append(shown.IPv6.Items, ipv6Association{ID: blockID(v.ID, block), CIDR: block, State: associated})
		}
		answer.VPCs.Items = append(answer.VPCs.Items, shown)
	}
	return answer, nil
}

// blockID makes the id of a block's association, because the World has none.
func blockID(vpc, block string) string {
	return "vpc-cidr-assoc-" + strings.TrimPrefix(vpc, "vpc-") + "-" + strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace(block)
}

// subnetKind selects for DescribeSubnets. Source of the filters: EC2 API
// reference, DescribeSubnets.
func subnetKind(zone string) kind[sim.SubnetView] {
	return kind[sim.SubnetView]{
		id: func(v sim.SubnetView) string { return v.ID },
		names: []string{
			"subnet-id", "vpc-id", "owner-id", "state", "availability-zone", "availabilityZone", "cidr-block", "cidr", "cidrBlock",
			"ipv6-cidr-block-association.ipv6-cidr-block", "default-for-az", "defaultForAz", "map-public-ip-on-launch",
		},
		unsupported: []string{"availability-zone-id", "available-ip-address-count", "subnet-arn", "outpost-arn", "ipv6-native", "tag-key"},
		badName:     badFilter,
		field: func(v sim.SubnetView, name string) []string {
			switch name {
			case "subnet-id":
				return []string{v.ID}
			case "vpc-id":
				return []string{v.VPC}
			case "owner-id":
				return []string{v.Account}
			case "state":
				return []string{available}
			case "availability-zone", "availabilityZone":
				return []string{zone}
			case "cidr-block", "cidr", "cidrBlock":
				if v.CIDR.Addr().Is4() {
					return []string{v.CIDR.String()}
				}
				return nil
			case "ipv6-cidr-block-association.ipv6-cidr-block":
				if !v.CIDR.Addr().Is4() {
					return []string{v.CIDR.String()}
				}
				return nil
			}
			return []string{"false"}
		},
	}
}

// describeSubnets answers DescribeSubnets. The topology has subnets of one block
// each, so an IPv6 block makes an IPv6-only subnet.
func describeSubnets(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "SubnetId", marker: "subnet-", filter: "subnet-id",
		malformed: expecting("InvalidSubnetID.Malformed", "subnet-"),
		notFound:  refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"),
	}
	page, token, _, err := read(rq, subnetKind(rq.zone()), d, tgwPages(), rq.world.Subnets(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &subnetsXML{NextToken: token}
	for _, v := range page {
		shown := subnetXML{ID: v.ID, VPC: v.VPC, Owner: v.Account, State: available, Zone: rq.zone()}
		if v.CIDR.Addr().Is4() {
			shown.CIDR = v.CIDR.String()
		} else {
			shown.IPv6Only = true
			shown.IPv6.Items = []ipv6Association{{ID: blockID(v.ID, v.CIDR.String()), CIDR: v.CIDR.String(), State: associated}}
		}
		answer.Subnets.Items = append(answer.Subnets.Items, shown)
	}
	return answer, nil
}

type vpnGatewaysXML struct {
	stamped
	Gateways list[vpnGatewayXML] `xml:"vpnGatewaySet"`
}

type vpnGatewayXML struct {
	ID          string              `xml:"vpnGatewayId"`
	State       string              `xml:"state"`
	Type        string              `xml:"type"`
	ASN         string              `xml:"amazonSideAsn"`
	Attachments list[vpcAttachment] `xml:"attachments"`
	Tags        list[tag]           `xml:"tagSet"`
}

type vpcAttachment struct {
	VPC   string `xml:"vpcId"`
	State string `xml:"state"`
}

type vpcsXML struct {
	stamped
	VPCs      list[vpcXML] `xml:"vpcSet"`
	NextToken *string      `xml:"nextToken"`
}

type vpcXML struct {
	ID        string                `xml:"vpcId"`
	Owner     string                `xml:"ownerId"`
	State     string                `xml:"state"`
	CIDR      string                `xml:"cidrBlock,omitempty"`
	CIDRs     list[cidrAssociation] `xml:"cidrBlockAssociationSet"`
	IPv6      list[ipv6Association] `xml:"ipv6CidrBlockAssociationSet"`
	IsDefault bool                  `xml:"isDefault"`
	Tags      list[tag]             `xml:"tagSet"`
}

type cidrAssociation struct {
	ID    string `xml:"associationId"`
	CIDR  string `xml:"cidrBlock"`
	State string `xml:"cidrBlockState>state"`
}

type ipv6Association struct {
	ID    string `xml:"associationId"`
	CIDR  string `xml:"ipv6CidrBlock"`
	State string `xml:"ipv6CidrBlockState>state"`
}

type subnetsXML struct {
	stamped
	Subnets   list[subnetXML] `xml:"subnetSet"`
	NextToken *string         `xml:"nextToken"`
}

type subnetXML struct {
	ID       string                `xml:"subnetId"`
	VPC      string                `xml:"vpcId"`
	Owner    string                `xml:"ownerId"`
	State    string                `xml:"state"`
	CIDR     string                `xml:"cidrBlock,omitempty"`
	Zone     string                `xml:"availabilityZone"`
	Default  bool                  `xml:"defaultForAz"`
	IPv6Only bool                  `xml:"ipv6Native"`
	IPv6     list[ipv6Association] `xml:"ipv6CidrBlockAssociationSet"`
	Tags     list[tag]             `xml:"tagSet"`
}
