package ingest

import (
	"net/netip"

	"detour/events"
)

// RouteHint is one route of which a message says that it came or went.
type RouteHint struct {
	// Destination has no host bits.
	Destination netip.Prefix
	// Attachment teaches the route, or is where the static route leads: the first one that the message names. "": it names
	// none, be it a blackhole or a line of a log.
	Attachment string
	// More: the message names further attachments for the route.
	More bool
	// Connection is the VPN connection that announced the route, and Outside the outside address of the tunnel; "" where
	// the message is not from a BGP log.
	Connection string
	Outside    string
	// Static: the route is a static one. Detour's own writes come back so.
	Static bool
	// Gone: the route went away. A route that a static now hides goes away too.
	Gone bool
	// Refused: AWS did not take the route, which was announced all the same.
	Refused bool
}

// The change types of a routing update, normalized.
const (
	changeInstalled   = "TGW-ROUTE-INSTALLED"
	changeUninstalled = "TGW-ROUTE-UNINSTALLED"
)

// The types of a route in a routing update (AWS page "Monitor your global network using EventBridge").
const (
	routeStatic     = "route_static"
	routePropagated = "route_propagated"
)

// maxRoutes bounds the routes that are kept of one message: as many as a VPN connection or a Connect peer can announce (AWS
// page "Quotas for your transit gateways").
const maxRoutes = 1000

// routes adds the routes of a routing update.
func (l *Look) routes(routes []events.NetworkManagerRoute, gone bool) {
	if len(routes) == 0 {
		l.RoutesUnknown = true
	}
	for _, r := range routes {
		hint := RouteHint{Static: r.RouteType == routeStatic, Gone: gone}
		known := r.RouteType == routeStatic || r.RouteType == routePropagated
		for _, a := range r.Attachments {
			switch {
			case !isID(a.TransitGatewayAttachmentID, "tgw-attach-"):
				known = false
			case hint.Attachment == "":
				hint.Attachment = a.TransitGatewayAttachmentID
			default:
				hint.More = true
			}
		}
		l.route(hint, r.DestinationCIDRBlock, known)
	}
}

// route adds a route, or notes that it cannot be read.
func (l *Look) route(hint RouteHint, destination string, known bool) {
	prefix, err := netip.ParsePrefix(destination)
	if err != nil || !known || prefix.Addr().Is4In6() || len(l.Routes) == maxRoutes {
		l.RoutesUnknown = true
		return
	}
	hint.Destination = prefix.Masked()
	l.Routes = append(l.Routes, hint)
}
