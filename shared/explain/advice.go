package explain

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/route"
)

// AdviceKind enumerates what advice is about.
type AdviceKind string

// The kinds of advice.
const (
	// AdviceBGP: BGP would choose by itself.
	AdviceBGP AdviceKind = "plain-bgp"
	// AdviceConnect: BGP does choose between Connect paths, and the entry changes
	// nothing.
	AdviceConnect AdviceKind = "connect-by-bgp"
	// AdviceShorter: a static for a shorter prefix would take over by itself.
	AdviceShorter AdviceKind = "less-specific-backup"
	// AdviceNoProof: nothing proves that the path works.
	AdviceNoProof AdviceKind = "no-proof"
	// AdviceOneWay: only one direction of a flow is declared.
	AdviceOneWay AdviceKind = "one-direction"
)

// Advice is something to think about before the group is put to work.
type Advice struct {
	Kind AdviceKind `json:"kind"`
	// Table is the table that it is about; empty where it is about a path or flow.
	Table string `json:"table,omitempty"`
	// Destinations are the entries of the table that it is about, as declared.
	Destinations []string `json:"destinations,omitempty"`
	// Text is what to know, in whole sentences.
	Text string `json:"text"`
}

// advice says where a group could do without Detour, and what it lacks.
func advice(all []Figure, g config.Group) []Advice {
	out := []Advice{}
	for _, p := range g.Paths {
		if needsCheck(p) && !slices.ContainsFunc(p.Checks, valid) {
			out = append(out, Advice{Kind: AdviceNoProof, Text: fmt.Sprintf(
				"Path %s has no check that is pinned to it or runs on the box, so it stays Unknown while it is not in use, and nothing moves there by itself. Mode enforce refuses that.", p.Name)})
		}
	}
	out = append(out, oneWay(g)...)
	for _, t := range entriesByTable(g) {
		out = append(out, t.connect(g)...)
		out = append(out, t.bgp(g, figureNamed(all, figureBGP))...)
		out = append(out, t.shorter(g)...)
	}
	return out
}

// oneWay finds flows of which only one entry is declared.
func oneWay(g config.Group) []Advice {
	entries := map[string]int{}
	var order []string
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if entry.Flow == "" {
				continue
			}
			if entries[entry.Flow] == 0 {
				order = append(order, entry.Flow)
			}
			entries[entry.Flow]++
		}
	}
	var out []Advice
	for _, flow := range order {
		if entries[flow] == 1 {
			out = append(out, Advice{Kind: AdviceOneWay, Text: fmt.Sprintf(
				"Flow %s has one entry only. If no other table holds its return direction, leave the flow out; otherwise declare that entry too, or the two directions part at a switchover.", flow)})
		}
	}
	return out
}

// tableEntries are the entries of a group in one table.
type tableEntries struct {
	table   string
	kind    route.TableKind
	entries []config.Entry
}

func entriesByTable(g config.Group) []tableEntries {
	var out []tableEntries
	index := map[string]int{}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			i, known := index[entry.Table]
			if !known {
				kind, _ := route.KindOfTable(entry.Table)
				i = len(out)
				index[entry.Table] = i
				out = append(out, tableEntries{table: entry.Table, kind: kind})
			}
			out[i].entries = append(out[i].entries, entry)
		}
	}
	slices.SortFunc(out, func(a, b tableEntries) int { return cmp.Compare(a.table, b.table) })
	return out
}

func pathsOf(g config.Group, kind health.Kind) []string {
	var out []string
	for _, p := range g.Paths {
		if p.Kind == string(kind) {
			out = append(out, p.Name)
		}
	}
	return out
}

// hopsOf returns the distinct next hops of the entry for the paths.
func hopsOf(entry config.Entry, paths []string) []string {
	var out []string
	for _, path := range paths {
		out = append(out, entry.NextHops[path])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// connect finds entries that stay the same between Connect paths: behind one
// transit gateway BGP has chosen already.
func (t tableEntries) connect(g config.Group) []Advice {
	paths := pathsOf(g, health.KindConnect)
	var found []string
	for _, entry := range t.entries {
		if hops := hopsOf(entry, paths); len(paths) > 1 && len(hops) < len(paths) {
			found = append(found, entry.Destination)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return []Advice{{Kind: AdviceConnect, Table: t.table, Destinations: found, Text: fmt.Sprintf(
		"Some of the Connect paths %s have the same next hop here. In a table of that transit gateway BGP chooses between them, within the hold time and without Detour.", strings.Join(paths, ", "))}}
}

// bgp finds entries of a transit gateway table over several VPN connections.
func (t tableEntries) bgp(g config.Group, figure Figure) []Advice {
	paths := pathsOf(g, health.KindVPN)
	if t.kind != route.TransitGatewayTable || len(paths) < 2 {
		return nil
	}
	var found []string
	for _, entry := range t.entries {
		attachments := slices.DeleteFunc(hopsOf(entry, paths), func(hop string) bool { return hop == string(route.Blackhole) })
		if len(attachments) > 1 {
			found = append(found, entry.Destination)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return []Advice{{Kind: AdviceBGP, Table: t.table, Destinations: found, Text: fmt.Sprintf(
		"If the VPN connections of %s run BGP, announce these destinations, and propagate into this table, then BGP alone leaves a dead one, in %s (UNVERIFIED, field reports), and needs no static route. A static here hides what is learned, so it is one or the other. With static VPN connections Detour is needed.", strings.Join(paths, " and "), spread(figure.Min, figure.Max))}}
}

// shorter finds entries whose protecting next hop could stand as a static for a
// shorter prefix instead.
func (t tableEntries) shorter(g config.Group) []Advice {
	if len(g.Paths) < 2 {
		return nil
	}
	working := g.Paths[0]
	condition := ""
	var found []string
	example := ""
	for _, entry := range t.entries {
		hop := entry.NextHops[working.Name]
		prefix, err := netip.ParsePrefix(entry.Destination)
		learnable := t.kind == route.TransitGatewayTable && strings.HasPrefix(hop, "tgw-attach-") || strings.HasPrefix(hop, "vgw-")
		if err != nil || prefix.Bits() == 0 || !learnable || hop == entry.NextHops[g.Paths[1].Name] {
			continue
		}
		found = append(found, entry.Destination)
		if example == "" {
			outer := netip.PrefixFrom(prefix.Addr(), prefix.Bits()-1).Masked()
			example = fmt.Sprintf("such as %s around %s towards %s", outer, prefix, entry.NextHops[g.Paths[1].Name])
		}
	}
	switch {
	case len(found) == 0:
		return nil
	case t.kind == route.TransitGatewayTable:
		condition = "only if the working route is propagated, not static, and is withdrawn when the path dies (BGP). A static route to a dead VPN stays as a blackhole, and shadows the shorter one"
	default:
		condition = "only if the working route is propagated by the virtual private gateway, not static; and AWS withdraws it no sooner than the VPN connection counts as down, so a path that fails while a tunnel is UP stays in use"
	}
	return []Advice{{Kind: AdviceShorter, Table: t.table, Destinations: found, Text: fmt.Sprintf(
		"A static for a shorter prefix, %s, would take over by itself, %s. It also takes what else lies in the shorter prefix.", example, condition)}}
}
