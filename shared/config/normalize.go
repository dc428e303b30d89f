package config

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
)

// Normalize returns a copy of c, sharing nothing with it, in which what follows
// from the rest of c is written out: the number of moves, the homes of groups,
// where the events of Network Manager appear as far as that has a default,
// the ids in place of the names of tables, the accounts and Regions of paths,
// checks and tables, the names of units, and every destination and address in
// its canonical spelling. A destination with host bits set, and a name that no
// table has, are left for Check. Normalize does not change what is normalized
// already.
func (c Config) Normalize() Config {
	c.Limits.MaxMoves = c.MaxMoves()
	home := c.Home
	c.Home = Home{}
	c.TableList = append([]Table(nil), c.TableList...)
	for i := range c.TableList {
		fill(&c.TableList[i].Account, home.Account)
		fill(&c.TableList[i].Region, home.Region)
	}
	c.ListList = append([]PrefixList(nil), c.ListList...)
	tables := indexTables(c.TableList)
	c.Never = c.Never.normalize(tables)
	groups := make([]Group, len(c.GroupList))
	for i, group := range c.GroupList {
		groups[i] = group.normalize(home, tables)
		groups[i].Failback = group.Failback.normalize(c.Defaults.Failback, tables)
	}
	c.GroupList = groups
	filters := append([]Filter(nil), c.FilterList...)
	for i := range filters {
		filters[i] = filters[i].normalize(home, tables)
	}
	c.FilterList = filters
	c.ownTables()
	c.NetworkManager = c.networkManager()
	return c
}

// ownTables gives the tables without an owner that of the first entry that uses
// them.
func (c Config) ownTables() {
	open := map[string]*Table{}
	for i := range c.TableList {
		if table := &c.TableList[i]; table.Account == "" || table.Region == "" {
			open[table.ID] = table
		}
	}
	if len(open) == 0 {
		return
	}
	for _, group := range c.GroupList {
		for _, unit := range group.Units {
			for _, entry := range unit.Entries {
				if table, ok := open[entry.Table]; ok {
					fill(&table.Account, entry.Account)
					fill(&table.Region, entry.Region)
				}
			}
		}
	}
	c.ownFiltered(open)
}

// ownFiltered gives the tables that are still without an owner that of the first filter
// that names them.
func (c Config) ownFiltered(open map[string]*Table) {
	for _, f := range c.FilterList {
		for _, id := range f.Tables {
			if table, ok := open[id]; ok {
				fill(&table.Account, f.Home.Account)
				fill(&table.Region, f.Home.Region)
			}
		}
	}
}

// tableIndex finds the declared tables by name, and by id.
type tableIndex struct{ byName, byID map[string]Table }

func indexTables(tables []Table) tableIndex {
	out := tableIndex{byName: map[string]Table{}, byID: map[string]Table{}}
	for _, table := range tables {
		if _, twice := out.byName[table.Name]; !twice && table.Name != "" {
			out.byName[table.Name] = table
		}
		if _, twice := out.byID[table.ID]; !twice && table.ID != "" {
			out.byID[table.ID] = table
		}
	}
	return out
}

// resolve returns the id in place of a name, and what is known of the table. A
// name whose table has no good id stays, so that only the id is a problem.
func (t tableIndex) resolve(text string) (string, Table) {
	if table, ok := t.byName[text]; ok && validTable(table.ID) {
		return table.ID, t.byID[table.ID]
	}
	return text, t.byID[text]
}

func (n Never) normalize(tables tableIndex) Never {
	n.Tables = append([]string{}, n.Tables...)
	for i := range n.Tables {
		n.Tables[i], _ = tables.resolve(n.Tables[i])
	}
	n.Destinations = append([]string{}, n.Destinations...)
	for i, text := range n.Destinations {
		n.Destinations[i] = canonical(text)
	}
	return n
}

func (g Group) normalize(home Home, tables tableIndex) Group {
	g.Paths = append([]Path{}, g.Paths...)
	g.Units = append([]Unit{}, g.Units...)
	for i := range g.Units {
		g.Units[i] = g.Units[i].normalize(i, tables)
	}
	fill(&g.Home.Account, home.Account)
	fill(&g.Home.Region, home.Region)
	accounts, regions := g.owners()
	if len(accounts) == 1 {
		fill(&g.Home.Account, accounts[0])
	}
	if len(regions) == 1 {
		fill(&g.Home.Region, regions[0])
	}
	for i := range g.Paths {
		g.Paths[i] = g.Paths[i].normalize(g.Home, tables)
	}
	for i := range g.Units {
		for j := range g.Units[i].Entries {
			fill(&g.Units[i].Entries[j].Account, g.Home.Account)
			fill(&g.Units[i].Entries[j].Region, g.Home.Region)
		}
	}
	return g
}

// owners returns the accounts and Regions that the group's paths and entries
// name, sorted, each once.
func (g Group) owners() (accounts, regions []string) {
	add := func(account, region string) {
		if account != "" {
			accounts = append(accounts, account)
		}
		if region != "" {
			regions = append(regions, region)
		}
	}
	for _, path := range g.Paths {
		add(path.Account, path.Region)
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			add(entry.Account, entry.Region)
		}
	}
	slices.Sort(accounts)
	slices.Sort(regions)
	return slices.Compact(accounts), slices.Compact(regions)
}

func (p Path) normalize(home Home, tables tableIndex) Path {
	fill(&p.Account, home.Account)
	fill(&p.Region, home.Region)
	p.Peers = append([]string(nil), p.Peers...)
	p.Observation, _ = tables.resolve(p.Observation)
	p.ExpectRoutes = append([]string(nil), p.ExpectRoutes...)
	for i, text := range p.ExpectRoutes {
		p.ExpectRoutes[i] = canonical(text)
	}
	p.Checks = append([]PathCheck(nil), p.Checks...)
	for i := range p.Checks {
		check := &p.Checks[i]
		fill(&check.Account, p.Account)
		fill(&check.Region, p.Region)
		check.Via, _ = tables.resolve(check.Via)
		if addr, err := netip.ParseAddr(check.Pinned); err == nil {
			check.Pinned = addr.String()
		}
	}
	return p
}

func (u Unit) normalize(i int, tables tableIndex) Unit {
	fill(&u.Name, "unit-"+strconv.Itoa(i+1))
	u.Entries = append([]Entry{}, u.Entries...)
	for j := range u.Entries {
		entry := &u.Entries[j]
		var table Table
		entry.Table, table = tables.resolve(entry.Table)
		fill(&entry.Account, table.Account)
		fill(&entry.Region, table.Region)
		entry.Destination = canonical(entry.Destination)
		hops := make(map[string]string, len(entry.NextHops))
		maps.Copy(hops, entry.NextHops)
		entry.NextHops = hops
	}
	return u
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
