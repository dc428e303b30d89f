package config

import (
	"fmt"
	"strings"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// maxExpected bounds the routes that a path declares to be expected.
const maxExpected = 100

// observation is an observation table, and the attachment whose routes are read in it.
type observation struct{ path, table, attachment string }

// isPropagated reports whether the next hop asks for a learned route, however
// badly it is written.
func isPropagated(text string) bool { return strings.HasPrefix(text, "propagated:") }

// learning checks what a path says of routes that its attachment teaches.
func (k *checker) learning(path string, g Group, p Path) {
	k.expectedRoutes(path+".expectRoutes", p)
	learns := g.learns(p)
	connect := p.Kind == string(health.KindConnect)
	if connect && len(p.ExpectRoutes) > 0 && p.Observation == "" && !learns {
		k.add(path+".expectRoutes", some(p.ExpectRoutes), "could be read nowhere, since the path has no observation table and no next hop of it is propagated",
			"write observation: and a transit gateway route table into which only this attachment propagates")
	}
	if p.Observation == "" || !canLearn(p) {
		return
	}
	at := path + ".observation"
	kind, ok := k.tableRef(at, p.Observation)
	switch {
	case !ok:
	case kind != route.TransitGatewayTable:
		k.add(at, p.Observation, "is a VPC route table, and no attachment propagates into one", "write tgw-rtb-… of the transit gateway that has the attachment")
	case !learns && len(p.ExpectRoutes) == 0 && connect:
		k.add(at, p.Observation, "has no effect, since the path expects no learned route", "write expectRoutes:, or a next hop propagated:"+p.Attachment+", or remove it")
	case !learns && !connect:
		k.add(at, p.Observation, "has no effect, since no next hop of the path is propagated", "write a next hop propagated:tgw-attach-…, or remove it")
	default:
		k.observations = append(k.observations, observation{at, p.Observation, g.attachmentOf(p)})
	}
}

// expectedRoutes checks the blocks that a connect path must have learned.
func (k *checker) expectedRoutes(path string, p Path) {
	if len(p.ExpectRoutes) > maxExpected {
		k.add(path, "", fmt.Sprintf("there are %d routes", len(p.ExpectRoutes)), fmt.Sprintf("write at most %d, those that prove the rest", maxExpected))
		return
	}
	seen := map[route.Destination]string{}
	for i, text := range p.ExpectRoutes {
		at := IndexPath(path, i)
		destination, ok := k.destination(at, text)
		if !ok {
			continue
		}
		if destination.List() != "" {
			k.add(at, text, "is a prefix list, and BGP teaches CIDR blocks", "write the CIDR blocks that the peer announces")
			continue
		}
		if first, twice := seen[destination]; twice {
			k.add(at, text, "is listed twice, first at "+first, "remove one of the two")
			continue
		}
		seen[destination] = at
	}
}

// propagatedHop checks a next hop by which the learned route is to stand.
// destination may be the zero value.
func (k *checker) propagatedHop(path string, g Group, p Path, text string, kind route.TableKind, destination route.Destination) {
	_, id, _ := strings.Cut(text, ":")
	own := g.attachmentOf(p)
	switch {
	case kind == route.VPCTable:
		k.add(path, text, "is a learned route, and in a VPC route table no API shows what a static hides", "write a target for a static, such as tgw-… or vgw-…")
	case !validID(id, "tgw-attach-"):
		k.add(path, text, "does not name the attachment that teaches the route", "write propagated: and the id of the path's attachment, tgw-attach-…")
	case !canLearn(p):
		k.add(path, text, fmt.Sprintf("is a learned route, and a path of kind %s has no attachment of its own that teaches any", p.Kind), "write a target for a static, or a path of kind vpn, connect or attachment")
	case destination.List() != "":
		k.add(path, text, "is a learned route, and BGP teaches no prefix list", "write the CIDR blocks of the list, each as an entry of one unit")
	case own != id && p.Attachment != "":
		k.add(path, text, fmt.Sprintf("is not the attachment of path %q, %s", p.Name, own), "write propagated:"+own+", or give the entry's path another attachment")
	case own != id:
		k.add(path, text, fmt.Sprintf("names another attachment than path %q does elsewhere, %s, and a VPN connection has one", p.Name, own), "write the same attachment in all next hops of the path")
	}
}

// oneLearned refuses an entry that no call can move, since both its routes are
// learned: which of the two stands is BGP's choice.
func (k *checker) oneLearned(path string, g Group, e Entry) {
	var learned []string
	for _, p := range g.Paths {
		if isPropagated(e.NextHops[p.Name]) {
			learned = append(learned, p.Name)
		}
	}
	if len(learned) > 1 && g.Mode == string(protection.Enforce) {
		k.add(path, some(learned), "are paths whose routes in this table are all learned, so BGP chooses between them and Detour cannot",
			"write mode: observe, which reports what BGP chose, or keep one of them propagated")
	}
}

// observed checks the observation tables once all entries are known.
func (k *checker) observed() {
	first := map[string]observation{}
	for _, o := range k.observations {
		if entry, ok := k.written[o.table]; ok {
			k.add(o.path, o.table, fmt.Sprintf("has entries, %s, and a static route there would hide what the table is to show", entry),
				"write a route table of its own, into which only the path's attachment propagates and with which nothing is associated")
		}
		if other, twice := first[o.table]; twice && other.attachment != o.attachment && other.attachment != "" && o.attachment != "" {
			k.add(o.path, o.table, fmt.Sprintf("is the observation table of another attachment too, %s (%s), and each would hide routes of the other", other.attachment, other.path),
				"write a route table for each attachment")
		} else if !twice {
			first[o.table] = o
		}
	}
}
