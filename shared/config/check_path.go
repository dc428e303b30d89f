package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"detour/shared/health"
)

// maxTunnels is what AWS gives a Site-to-Site VPN connection; maxPeers bounds
// the peers of a connect path, of which a Connect attachment has 4 by quota.
const (
	maxTunnels = 2
	maxPeers   = 16
)

// kindsRemedy names all kinds of path.
const kindsRemedy = "write vpn, connect, appliance or attachment"

// ofKind is a key of a path that has a meaning in paths of some kinds only.
type ofKind struct {
	key   string
	kinds []health.Kind
	// value returns what stands there, and "" where nothing does.
	value func(Path) string
}

// keysOfKinds returns the keys that not all kinds of path have.
func keysOfKinds() []ofKind {
	count := func(field func(Path) int) func(Path) string {
		return func(p Path) string {
			if n := field(p); n != 0 {
				return strconv.Itoa(n)
			}
			return ""
		}
	}
	vpn, connect, appliance := []health.Kind{health.KindVPN}, []health.Kind{health.KindConnect}, []health.Kind{health.KindAppliance}
	return []ofKind{
		{"vpn", vpn, func(p Path) string { return p.VPN }},
		{"attachment", []health.Kind{health.KindConnect, health.KindAttachment}, func(p Path) string { return p.Attachment }},
		{"peers", connect, func(p Path) string { return some(p.Peers) }},
		{"minPeers", connect, count(func(p Path) int { return p.MinPeers })},
		{"observation", []health.Kind{health.KindVPN, health.KindConnect, health.KindAttachment}, func(p Path) string { return p.Observation }},
		{"expectRoutes", connect, func(p Path) string { return some(p.ExpectRoutes) }},
		{"interface", appliance, func(p Path) string { return p.Interface }},
		{"instance", appliance, func(p Path) string { return p.Instance }},
		{"tunnels", vpn, count(func(p Path) int { return p.Tunnels })},
		{"minTunnels", vpn, count(func(p Path) int { return p.MinTunnels })},
		{"minAcceptedRoutes", vpn, count(func(p Path) int { return p.MinAcceptedRoutes })},
	}
}

func knownKind(kind string) bool {
	switch health.Kind(kind) {
	case health.KindVPN, health.KindConnect, health.KindAppliance, health.KindAttachment:
		return true
	default:
		return false
	}
}

// path checks what a path of its kind needs. seen maps the ids of the group's
// resources to the paths that name them.
func (k *checker) path(path string, g Group, p Path, seen map[string]string) {
	noun := ""
	switch health.Kind(p.Kind) {
	case health.KindVPN:
		noun = "VPN connection"
	case health.KindConnect, health.KindAttachment:
		noun = "attachment"
	case health.KindAppliance:
		noun = "appliance"
	default:
		k.wrongOrMissing(path+".kind", p.Kind, "is not a kind of path", kindsRemedy)
		return
	}
	for _, key := range keysOfKinds() {
		if value := key.value(p); value != "" && !slices.Contains(key.kinds, health.Kind(p.Kind)) {
			k.add(path+"."+key.key, value, fmt.Sprintf("has no effect on a path of kind %s", p.Kind), "remove it, or correct the kind")
		}
	}
	k.learning(path, g, p)
	r := resources{k: k, path: path, p: p, ownerOK: k.owner(path, g.Home, p.Account, p.Region, noun), seen: seen}
	switch health.Kind(p.Kind) {
	case health.KindVPN:
		r.resource("vpn", p.VPN, "vpn-", "VPN connection", "connection")
		k.tunnels(path, p)
	case health.KindConnect:
		r.resource("attachment", p.Attachment, "tgw-attach-", "transit gateway attachment", "attachment")
		k.peers(path, p, r)
	case health.KindAppliance:
		r.resource("interface", p.Interface, "eni-", "network interface", "interface")
		r.resource("instance", p.Instance, "i-", "instance", "instance")
	case health.KindAttachment:
		r.resource("attachment", p.Attachment, "tgw-attach-", "transit gateway attachment", "attachment")
		if connect, ok := k.connects[p.Attachment]; ok {
			k.add(path+".attachment", p.Attachment, "is the Connect attachment of "+connect, "write kind: connect, with the peers, or another attachment")
		}
	}
}

// resources checks the ids of one path.
type resources struct {
	k       *checker
	path    string
	p       Path
	ownerOK bool
	seen    map[string]string
}

// resource checks an id with the marker that its kind has: its form, that no
// other path of the group has it, and that it has one owner everywhere.
func (r resources) resource(key, id, marker, noun, short string) {
	at := r.path + "." + key
	if !validID(id, marker) {
		r.k.wrongOrMissing(at, id, fmt.Sprintf("is not %s id", a(noun)), "write "+marker+"…")
		return
	}
	if first, twice := r.seen[id]; twice {
		r.k.add(at, id, fmt.Sprintf("is the %s of another path of the group, %s", short, first), fmt.Sprintf("give each path %s of its own", a(short)))
		return
	}
	r.seen[id] = r.path
	if r.ownerOK {
		r.k.sameOwner(r.path, id, r.p.Account, r.p.Region)
	}
}

// a returns the noun with its article.
func a(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

func (k *checker) tunnels(path string, p Path) {
	tunnelsOK := p.Tunnels >= 1 && p.Tunnels <= maxTunnels
	if !tunnelsOK {
		k.add(path+".tunnels", strconv.Itoa(p.Tunnels), "is not a number of tunnels that a VPN connection has", "write 1 or 2")
	}
	switch {
	case p.MinTunnels < 1:
		k.add(path+".minTunnels", strconv.Itoa(p.MinTunnels), "is below 1", "write how many tunnels the path needs, at least 1")
	case tunnelsOK && p.MinTunnels > p.Tunnels:
		k.add(path+".minTunnels", strconv.Itoa(p.MinTunnels), fmt.Sprintf("is more than tunnels (%d)", p.Tunnels), "write at most that many")
	}
	if p.MinAcceptedRoutes < 0 {
		k.add(path+".minAcceptedRoutes", strconv.Itoa(p.MinAcceptedRoutes), "is negative", "write a number of routes, or 0 to not look at routes")
	}
}

func (k *checker) peers(path string, p Path, r resources) {
	switch {
	case len(p.Peers) == 0:
		k.add(path+".peers", "", "missing", "write the Connect peers of the attachment, each tgw-connect-peer-…")
		return
	case len(p.Peers) > maxPeers:
		k.add(path+".peers", "", fmt.Sprintf("there are %d Connect peers", len(p.Peers)), fmt.Sprintf("write at most %d", maxPeers))
		return
	}
	for i, peer := range p.Peers {
		at := IndexPath(path+".peers", i)
		if first, twice := r.seen[peer]; twice && first == path {
			k.add(at, peer, "is listed twice", "remove one of the two")
			continue
		}
		r.resource(strings.TrimPrefix(at, path+"."), peer, "tgw-connect-peer-", "Connect peer", "Connect peer")
	}
	switch {
	case p.MinPeers < 1:
		k.add(path+".minPeers", strconv.Itoa(p.MinPeers), "is below 1", "write how many Connect peers the path needs, at least 1")
	case p.MinPeers > len(p.Peers):
		k.add(path+".minPeers", strconv.Itoa(p.MinPeers), fmt.Sprintf("is more than there are peers (%d)", len(p.Peers)), "write at most that many")
	}
}
