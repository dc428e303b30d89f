package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The sources of a router's routes.
const (
	sourceConnected = "connected"
	sourceStatic    = "static"
	sourceBGP       = "bgp"
	sourceAssigned  = "assigned"
)

// RouterRoute is one route that a site's router forwards by. Source is connected,
// static, bgp, or assigned for the default route that came with the line to the
// Internet. Via names the ways of the route, best first; ASPath and MED are of
// source bgp.
type RouterRoute struct {
	Prefix   netip.Prefix
	Source   string
	Distance int
	Via      []string
	ASPath   []uint32
	MED      *uint32
}

// String is the route as one line for people, without its prefix.
func (r RouterRoute) String() string {
	words := []string{r.Source, strconv.Itoa(r.Distance)}
	words = append(words, r.Via...)
	for _, asn := range r.ASPath {
		words = append(words, strconv.FormatUint(uint64(asn), 10))
	}
	return strings.Join(words, " ")
}

// RouterRoutes lists the routes that a site's router forwards by, sorted by prefix.
func (w *World) RouterRoutes(siteName string) ([]RouterRoute, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	here := w.sites[siteName]
	if here == nil {
		return nil, w.noSite(siteName)
	}
	routes := make([]RouterRoute, 0, len(here.fib))
	for _, r := range here.fib {
		shown := RouterRoute{Prefix: r.prefix, Source: r.source(), Distance: r.distance}
		for _, link := range r.via {
			shown.Via = append(shown.Via, link.linkID())
		}
		if r.learned != nil {
			shown.ASPath, shown.MED = slices.Clone(r.learned.path), r.learned.med
		}
		routes = append(routes, shown)
	}
	return routes, nil
}

func (r ribRoute) source() string {
	switch r.distance {
	case distanceConnected:
		return sourceConnected
	case distanceStatic:
		return sourceStatic
	case distanceAssigned:
		return sourceAssigned
	}
	return sourceBGP
}

func (w *World) noSite(name string) error {
	return fmt.Errorf("site %q is not in the topology: use one of %s", name, strings.Join(sortedKeys(w.sites), ", "))
}

// TunnelProblem says why the router of a VPN connection cannot reach the outside
// address of a tunnel now; empty if it can, and for a tunnel that does not exist.
func (w *World) TunnelProblem(vpn, outsideIP string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.vpns[vpn]
	if v == nil {
		return ""
	}
	if _, err := v.findTunnel(outsideIP); err != nil {
		return ""
	}
	problem, _ := v.site.underlay(netip.MustParseAddr(outsideIP))
	return problem
}
