package sim

import (
	"fmt"
	"net/url"
	"strings"
)

// vpnGateway is one virtual private gateway. It belongs to one VPC, attached or
// detached; vpns are the connections that end on it, and lines the private virtual
// interfaces of Direct Connect, both sorted by id. asn is that of the Amazon side.
type vpnGateway struct {
	id, name string
	vpc      *vpc
	attached bool
	asn      uint32
	vpns     []*vpnConnection
	lines    []*directConnect
}

// The states of the attachment of a virtual private gateway to its VPC (EC2 API,
// type VpcAttachment) that the World has.
const (
	gatewayAttached = "attached"
	gatewayDetached = "detached"
)

func (g *vpnGateway) attachment() string {
	if g.attached {
		return gatewayAttached
	}
	return gatewayDetached
}

// refreshVPNGateway brings the propagated routes of a gateway, and what it
// advertises, up to date. Static routes to the gateway stay as they are: they prove nothing.
// No event tells of it: whether Network Manager has events for connections on
// virtual private gateways is UNVERIFIED, and none are assumed.
func (w *World) refreshVPNGateway(s *step, g *vpnGateway) {
	w.refreshVPC(s.now, g.vpc)
	w.advertising = true
}

// SetVPNGateway attaches a virtual private gateway to its VPC or detaches it. A
// detached one teaches nothing, and static routes to it are blackholes; both
// come back with it (that the routes do is UNVERIFIED). Whether a table forgets
// meanwhile that the gateway propagates into it is UNVERIFIED too; here it does not.
func (w *World) SetVPNGateway(id string, attached bool) error {
	var problem error
	w.do(func(s *step) {
		g := w.vpnGateways[id]
		if g == nil {
			problem = fmt.Errorf("VPN gateway %q is not in the topology: use one of %s", id, strings.Join(sortedKeys(w.vpnGateways), ", "))
			return
		}
		if g.attached == attached {
			return
		}
		g.attached = attached
		for _, kind := range []string{HealthTruth, HealthShown} {
			w.noteHealth(s.now, id, "gateway-attachment", "", g.attachment(), kind)
		}
		w.refreshVPNGateway(s, g)
	})
	return problem
}

// VPNGatewayView is one virtual private gateway as DescribeVpnGateways shows it.
type VPNGatewayView struct {
	ID, Name   string
	VPC        string
	Attachment string // attached, detached
}

// VPNGateways lists the virtual private gateways of the caller's account and
// Region, sorted by id. They are shown as they stand now, however stale the read is.
func (w *World) VPNGateways(c Caller) []VPNGatewayView {
	w.mu.Lock()
	defer w.mu.Unlock()
	views := make([]VPNGatewayView, 0, len(w.vpnGateways))
	for _, id := range sortedKeys(w.vpnGateways) {
		if g := w.vpnGateways[id]; g.vpc.owner.is(c) {
			views = append(views, VPNGatewayView{ID: id, Name: g.name, VPC: g.vpc.id, Attachment: g.attachment()})
		}
	}
	return views
}

// EnableVGWPropagation lets a virtual private gateway teach a table its routes.
// A gateway that is not attached to the table's VPC is Gateway.NotAttached, an
// unknown one InvalidGatewayID.NotFound (which of the two codes for gateways AWS
// gives here is UNVERIFIED). A second time succeeds (UNVERIFIED).
func (w *World) EnableVGWPropagation(c Caller, table, gateway string) *APIError {
	return w.setVGWPropagation(c, table, gateway, true)
}

// DisableVGWPropagation takes all routes of the gateway out of the table; static
// ones stay. Where the gateway does not propagate into the table it succeeds and
// changes nothing (UNVERIFIED). Errors: InvalidRouteTableID.NotFound,
// InvalidGatewayID.NotFound.
func (w *World) DisableVGWPropagation(c Caller, table, gateway string) *APIError {
	return w.setVGWPropagation(c, table, gateway, false)
}

func (w *World) setVGWPropagation(c Caller, table, gateway string, on bool) (refused *APIError) {
	w.do(func(s *step) {
		if refused = w.earlyDryRun(c); refused != nil {
			return
		}
		var t *vpcTable
		if t, refused = w.vpcTableOf(c, table); refused != nil {
			return
		}
		g := w.vpnGateways[gateway]
		switch {
		case g == nil || !g.vpc.owner.is(c):
			refused = badRequest("InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist", gateway)
		case on && (g.vpc != t.vpc || !g.attached):
			refused = badRequest("Gateway.NotAttached", "The gateway %s is not attached to %s", gateway, t.vpc.id)
		case c.DryRun:
			refused = errDryRun()
		case on:
			t.propagating = g
		case t.propagating == g:
			t.propagating = nil
		}
		if refused == nil {
			w.refreshPropagated(s.now, t)
		}
	})
	return refused
}

// ForceVGWPropagation is a person or another program that lets a virtual private
// gateway teach a table its routes, or stops it. by names the writer in the call
// log, as process "writer:" + by. An error of the API is returned as an
// *APIError, and is in the call log too.
func (w *World) ForceVGWPropagation(by, table, gateway string, on bool) error {
	c, transit, err := w.writerOf(by, table)
	if err != nil {
		return err
	}
	if transit {
		return fmt.Errorf("table %q is a transit gateway's: name a VPC route table, rtb-…", table)
	}
	action, set := "EnableVgwRoutePropagation", w.EnableVGWPropagation
	if !on {
		action, set = "DisableVgwRoutePropagation", w.DisableVGWPropagation
	}
	refused := set(c, table, gateway)
	return w.recordForced(c, action, url.Values{"RouteTableId": {table}, "GatewayId": {gateway}}, nil, refused)
}

// recordForced writes the call log's line for a write by script.
func (w *World) recordForced(c Caller, action string, params url.Values, write *RouteWrite, refused *APIError) error {
	record := CallRecord{
		Process: c.Call.Process, Account: c.Account, Region: c.Region, Action: action, Write: write,
		Params: params, SentAt: w.keeper.Now(),
	}
	if refused != nil {
		record.Code = refused.Code
	}
	w.Record(record)
	if refused != nil {
		return refused
	}
	return nil
}
