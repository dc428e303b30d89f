package sim

import "strconv"

// fillBGP is fill for the session inside the tunnel.
func (e tunnelEvent) fillBGP(detail object) error {
	if err := e.fill(detail); err != nil {
		return err
	}
	return detail.overwrite("peerAsn", strconv.FormatUint(uint64(e.asn), 10))
}

// sessionEvent is the detail of a status event of one BGP session of a Connect
// peer.
type sessionEvent struct {
	region, account, attachment, peer, gateway, address string
	asn                                                 uint32
}

func (e sessionEvent) fill(detail object) error {
	return detail.overwriteAll(
		"region", e.region,
		"transitGatewayAttachmentArn", ec2ARN(e.region, e.account, "transit-gateway-attachment", e.attachment),
		"connectPeerArn", ec2ARN(e.region, e.account, "transit-gateway-connect-peer", e.peer),
		"peerAsn", strconv.FormatUint(uint64(e.asn), 10),
		"transitGatewayAddress", e.address,
		"transitGatewayArn", ec2ARN(e.region, e.account, "transit-gateway", e.gateway),
	)
}

// announceSession emits a status event of a BGP session, EventDelay after AWS
// noticed. There is none of the line of a Direct Connect gateway, nor of a VPN
// connection on a virtual private gateway (that is UNVERIFIED).
func (w *World) announceSession(s *step, own *bgpSession, up bool) {
	a := own.attachment()
	switch {
	case a != nil && a.gateway.unregistered:
	case own.peer != nil && !w.options.NoConnectPeerEvents:
		owner := a.gateway.owner
		event := sessionEvent{
			region: owner.region, account: owner.account, attachment: a.id, peer: own.peer.id, gateway: a.gateway.id,
			address: own.address.String(), asn: own.peerASN,
		}
		name := sampleSessionDown
		if up {
			name = sampleSessionUp
		}
		w.emitLater(s, name, ec2ARN(owner.region, owner.account, "transit-gateway", a.gateway.id), event.fill)
	case own.tunnel != nil && a != nil:
		owner := a.gateway.owner
		event := tunnelEvent{
			region: owner.region, account: owner.account, vpn: own.vpn.id, attachment: a.id, gateway: a.gateway.id,
			outsideIP: own.tunnel.outsideIP, asn: own.peerASN,
		}
		name := sampleTunnelBGPDown
		if up {
			name = sampleTunnelBGPUp
		}
		w.emitLater(s, name, ec2ARN(owner.region, owner.account, "vpn-connection", own.vpn.id), event.fillBGP)
	}
}
