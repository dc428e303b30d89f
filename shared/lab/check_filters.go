package lab

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// filterRules are a filter's rules as the checkers read them, from the text of the
// configuration and with the addresses of the topology.
type filterRules struct {
	config.Filter
	outside []netip.Addr
}

// lengths are the shortest blocks that are not like a default route (docs/configuration.md).
const (
	shortestIPv4 = 8
	shortestIPv6 = 7
)

// denies reports whether the first rule that matches the prefix denies it.
func (f filterRules) denies(prefix netip.Prefix) bool {
	for _, text := range f.Rules {
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		if f.matches(words[1:], prefix) {
			return words[0] == "deny"
		}
	}
	return false
}

// matches reports whether a rule without its first word matches: default-like, or a
// block with ge N and le N.
func (f filterRules) matches(words []string, prefix netip.Prefix) bool {
	if words[0] == "default-like" {
		return f.likeDefault(prefix)
	}
	block, err := netip.ParsePrefix(words[0])
	if err != nil || block.Addr().Is4() != prefix.Addr().Is4() || !block.Contains(prefix.Addr()) {
		return false
	}
	from, to := block.Bits(), block.Bits()
	for i := 1; i+1 < len(words); i += 2 {
		n, err := strconv.Atoi(words[i+1])
		switch {
		case err != nil:
			return false
		case words[i] == "ge":
			from = n
			if !slices.Contains(words, "le") {
				to = block.Addr().BitLen()
			}
		case words[i] == "le":
			to = n
		}
	}
	return prefix.Bits() >= from && prefix.Bits() <= to
}

func (f filterRules) likeDefault(prefix netip.Prefix) bool {
	shortest := shortestIPv6
	if prefix.Addr().Is4() {
		shortest = shortestIPv4
	}
	return prefix.Bits() < shortest || slices.ContainsFunc(f.outside, prefix.Contains)
}

// outsidesOf are the outside addresses of all tunnels.
func outsidesOf(topo sim.Topology) []netip.Addr {
	var out []netip.Addr
	add := func(text string) {
		if address, err := netip.ParseAddr(text); err == nil {
			out = append(out, address)
		}
	}
	for _, vpn := range topo.VPNs {
		for _, t := range vpn.Tunnels {
			add(t.OutsideIP)
		}
	}
	for _, c := range topo.Connects {
		for _, peer := range c.Peers {
			add(peer.TransitGatewayAddress)
		}
	}
	return out
}

// filterOf is the filter that may write to the table, by a configuration; nil: none.
func (l *ledger) filterOf(c config.Config, table string) *filterRules {
	for _, f := range c.FilterList {
		if slices.Contains(f.Tables, table) && f.Action != "alert" {
			return &filterRules{Filter: f, outside: l.outside}
		}
	}
	return nil
}

// notTheFilters says why a write to what no group declares is no measure of a filter;
// empty: it is one. A deletion is, of what Detour wrote.
func (l *ledger) notTheFilters(w ownWrite) string {
	write := w.call.Write
	f := l.filterOf(w.era.config, write.Table)
	if f == nil {
		return "no group declares the entry, and no filter the table"
	}
	if write.After == "" {
		if !l.wroteLast(write.Table, write.Destination, w.call) {
			return "what filter " + f.Name + " deletes is not Detour's"
		}
		return ""
	}
	if why := f.forbids(w); why != "" {
		return why
	}
	if write.Before != "" && write.Before != write.After && !l.wroteLast(write.Table, write.Destination, w.call) {
		return "a foreign route stood there"
	}
	return ""
}

// forbids says why the filter does not ask for a route that was written; empty: it does.
func (f *filterRules) forbids(w ownWrite) string {
	write := w.call.Write
	prefix, err := netip.ParsePrefix(write.Destination)
	switch {
	case f.Mode != "enforce":
		return "filter " + f.Name + " is in observe mode"
	case err != nil || neverTouched(w.era.config, prefix) || slices.Contains(w.era.config.Never.Tables, write.Table):
		return "filter " + f.Name + " may not write it"
	case f.Action == "quarantine":
		return f.forbidsStatic(prefix, write.After)
	case !f.denies(prefix):
		return "filter " + f.Name + " permits it"
	case f.Action == "blackhole" && write.After != "blackhole", f.Action == "pin" && write.After != f.Egress[write.Table]:
		return "filter " + f.Name + " has another target"
	default:
		return ""
	}
}

// forbidsStatic is forbids for the statics of a quarantine.
func (f *filterRules) forbidsStatic(prefix netip.Prefix, attachment string) string {
	switch {
	case f.denies(prefix):
		return "filter " + f.Name + " denies it"
	case len(f.Attachments) > 0 && !slices.Contains(f.Attachments, attachment):
		return "filter " + f.Name + " does not speak of the attachment"
	default:
		return ""
	}
}

// wroteLast reports whether what stood in the place of a write was Detour's: by the
// last write before it, but for one that the writer cannot have seen.
func (l *ledger) wroteLast(table, destination string, before sim.CallRecord) bool {
	own := false
	for _, c := range l.calls {
		if c.Write == nil || c.Write.Table != table || c.Write.Destination != destination {
			continue
		}
		if !c.EffectAt.Before(before.EffectAt) {
			break
		}
		if !isForeign(c.Process) || c.EffectAt.Before(before.SentAt.Add(-time.Minute)) {
			own = !isForeign(c.Process)
		}
	}
	return own
}
