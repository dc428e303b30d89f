package ec2api

import (
	"net/http"
	"net/netip"
	"strings"

	"detour/shared/sim"
)

// blackhole is the target of a route that drops what it matches.
const blackhole = "blackhole"

// createTGWRoute answers CreateTransitGatewayRoute.
func createTGWRoute(rq *request) (any, *sim.APIError) {
	table, dst, target, err := rq.tgwRoute()
	if err != nil {
		return nil, err
	}
	route, write, err := rq.world.CreateTransitGatewayRoute(rq.caller, table, dst, target)
	return rq.tgwWritten(route, write, err)
}

// replaceTGWRoute answers ReplaceTransitGatewayRoute.
func replaceTGWRoute(rq *request) (any, *sim.APIError) {
	table, dst, target, err := rq.tgwRoute()
	if err != nil {
		return nil, err
	}
	route, write, err := rq.world.ReplaceTransitGatewayRoute(rq.caller, table, dst, target)
	return rq.tgwWritten(route, write, err)
}

// deleteTGWRoute answers DeleteTransitGatewayRoute.
func deleteTGWRoute(rq *request) (any, *sim.APIError) {
	table, dst, err := rq.tgwDestination()
	if err != nil {
		return nil, err
	}
	route, write, err := rq.world.DeleteTransitGatewayRoute(rq.caller, table, dst)
	return rq.tgwWritten(route, write, err)
}

// tgwWritten notes the effect of a write, and shows the route as it is now.
func (rq *request) tgwWritten(route sim.TGWRouteView, write *sim.RouteWrite, err *sim.APIError) (any, *sim.APIError) {
	if err != nil {
		return nil, err
	}
	rq.record.Write = write
	return &tgwRouteAnswer{Route: tgwRouteXML(route)}, nil
}

// tgwDestination reads the table and the destination of a write.
func (rq *request) tgwDestination() (string, netip.Prefix, *sim.APIError) {
	table, err := rq.tgwTable()
	if err != nil {
		return "", netip.Prefix{}, err
	}
	value, err := rq.required("DestinationCidrBlock", "DestinationCidrBlock")
	if err != nil {
		return "", netip.Prefix{}, err
	}
	dst, err := parseCIDR(value, "destinationCidrBlock")
	return table, dst, err
}

// tgwRoute reads a route to write.
func (rq *request) tgwRoute() (table string, dst netip.Prefix, target string, err *sim.APIError) {
	if table, dst, err = rq.tgwDestination(); err != nil {
		return "", netip.Prefix{}, "", err
	}
	if target, err = rq.tgwTarget(); err != nil {
		return "", netip.Prefix{}, "", err
	}
	return table, dst, target, nil
}

// tgwTarget reads where a route or a reference is to lead: an attachment or
// Blackhole. The codes for none and for both are UNVERIFIED.
func (rq *request) tgwTarget() (string, *sim.APIError) {
	drop, err := rq.boolean("Blackhole")
	if err != nil {
		return "", err
	}
	attachment := rq.params.Get("TransitGatewayAttachmentId")
	switch {
	case drop && attachment != "":
		return "", fail(http.StatusBadRequest, "InvalidParameterCombination", "The parameters TransitGatewayAttachmentId and Blackhole may not be used together")
	case drop:
		return blackhole, nil
	case attachment == "":
		return "", missing("TransitGatewayAttachmentId or Blackhole")
	case !strings.HasPrefix(attachment, "tgw-attach-"):
		return "", badAttachmentID()
	}
	return attachment, nil
}
