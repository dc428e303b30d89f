package config

import (
	"maps"
	"net/netip"
	"strconv"
)

// Normalize returns a copy of c, sharing nothing with it, in which what follows
// from the rest of c is written out: the number of moves, the accounts and
// Regions of paths and tables, the names of units, and every destination in its
// canonical spelling. A destination with host bits set is left for Check.
// Normalize does not change what is normalized already.
func (c Config) Normalize() Config {
	c.Limits.MaxMoves = c.MaxMoves()
	c.Never.Tables = append([]string{}, c.Never.Tables...)
	destinations := make([]string, len(c.Never.Destinations))
	for i, text := range c.Never.Destinations {
		destinations[i] = canonical(text)
	}
	c.Never.Destinations = destinations
	groups := make([]Group, len(c.GroupList))
	for i, group := range c.GroupList {
		groups[i] = group.normalize()
	}
	c.GroupList = groups
	return c
}

func (g Group) normalize() Group {
	g.Paths = append([]Path{}, g.Paths...)
	for i := range g.Paths {
		fill(&g.Paths[i].Account, g.Home.Account)
		fill(&g.Paths[i].Region, g.Home.Region)
	}
	g.Units = append([]Unit{}, g.Units...)
	for i := range g.Units {
		fill(&g.Units[i].Name, "unit-"+strconv.Itoa(i+1))
		g.Units[i].Entries = append([]Entry{}, g.Units[i].Entries...)
		for j := range g.Units[i].Entries {
			entry := &g.Units[i].Entries[j]
			fill(&entry.Account, g.Home.Account)
			fill(&entry.Region, g.Home.Region)
			entry.Destination = canonical(entry.Destination)
			hops := make(map[string]string, len(entry.NextHops))
			maps.Copy(hops, entry.NextHops)
			entry.NextHops = hops
		}
	}
	return g
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// canonical returns the canonical spelling of a CIDR block, and any other text
// as it is.
func canonical(text string) string {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix != prefix.Masked() {
		return text
	}
	return prefix.String()
}

// MaxMoves returns how many groups may start a move within Limits.Window
// without further proof.
func (c Config) MaxMoves() int {
	if c.Limits.MaxMoves != 0 {
		return c.Limits.MaxMoves
	}
	return max(minMaxMoves, (len(c.GroupList)+maxMovesShare-1)/maxMovesShare)
}
