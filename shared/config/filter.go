package config

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Filter is a filter as it is declared: which learned routes may stand in some
// tables, and what is done about the others.
type Filter struct {
	// Name is unique over all filters.
	Name string `json:"name"`
	Home Home   `json:"home"`
	// Mode is "observe" or "enforce".
	Mode string `json:"mode"`
	// Tables are route table ids, or names of Config.TableList, in whose place
	// Normalize writes the ids. Their accounts and Regions are those of
	// Config.TableList, else those of Home.
	Tables []string `json:"tables"`
	// Attachments are the ids whose routes are judged: tgw-attach-…, or vgw-… where
	// the tables are those of VPCs. None: every one that propagates into a table.
	Attachments []string `json:"attachments,omitempty"`
	// Rules are lines that filter.ParseRule reads; the first that matches decides.
	Rules []string `json:"rules,omitempty"`
	// MaxPrefixes bounds how many prefixes an attachment may teach a table; 0: no bound.
	MaxPrefixes int `json:"maxPrefixes,omitempty"`
	// Action is "blackhole", "pin", "quarantine" or "alert".
	Action string `json:"action"`
	// Egress gives the target of Pin for every table, by the table's id or name.
	Egress map[string]string `json:"egress,omitempty"`
	// Preset puts the measures in force before anything is announced.
	Preset bool `json:"preset,omitempty"`
	// LiftAfter is how long a denied route must be gone before its measure ends.
	LiftAfter Duration `json:"liftAfter"`
	// AcceptLoss lets a quarantine lose permitted routes that it cannot keep.
	AcceptLoss bool `json:"acceptLoss,omitempty"`
	// BGPLogGroups are the names of the CloudWatch log groups, in Home, in which VPN
	// connections write their BGP log in the format json.
	BGPLogGroups []string `json:"bgpLogGroups,omitempty"`
	// Observation gives the observation table, its id or name, by the attachment that
	// alone feeds it.
	Observation map[string]string `json:"observation,omitempty"`
}

// NewFilter returns a filter without name, home, tables, rules and action in which
// everything else has its default.
func NewFilter() Filter {
	return Filter{Mode: string(protection.Observe), LiftAfter: Duration(5 * time.Minute)}
}

// UnmarshalJSON reads a filter; a missing field has its default.
func (f *Filter) UnmarshalJSON(data []byte) error {
	type plain Filter
	*f = NewFilter()
	return json.Unmarshal(data, (*plain)(f))
}

func (f Filter) normalize(home Home, tables tableIndex) Filter {
	fill(&f.Home.Account, home.Account)
	fill(&f.Home.Region, home.Region)
	accounts, regions := f.owners(tables)
	if len(accounts) == 1 {
		fill(&f.Home.Account, accounts[0])
	}
	if len(regions) == 1 {
		fill(&f.Home.Region, regions[0])
	}
	f.Tables = append([]string{}, f.Tables...)
	for i, name := range f.Tables {
		f.Tables[i], _ = tables.resolve(name)
	}
	f.Attachments = append([]string(nil), f.Attachments...)
	f.BGPLogGroups = append([]string(nil), f.BGPLogGroups...)
	f.Rules = append([]string(nil), f.Rules...)
	for i, text := range f.Rules {
		if rule, err := filter.ParseRule(text); err == nil {
			f.Rules[i] = rule.String()
		}
	}
	f.Egress = maps.Clone(f.Egress)
	for _, name := range slices.Sorted(maps.Keys(f.Egress)) {
		if id, _ := tables.resolve(name); id != name {
			if _, twice := f.Egress[id]; !twice {
				f.Egress[id] = f.Egress[name]
				delete(f.Egress, name)
			}
		}
	}
	f.Observation = maps.Clone(f.Observation)
	for attachment, name := range f.Observation {
		f.Observation[attachment], _ = tables.resolve(name)
	}
	return f
}

// owners returns the accounts and Regions that are declared for the filter's tables,
// sorted, each once.
func (f Filter) owners(tables tableIndex) (accounts, regions []string) {
	for _, name := range f.Tables {
		if _, table := tables.resolve(name); table.Account != "" && table.Region != "" {
			accounts, regions = append(accounts, table.Account), append(regions, table.Region)
		}
	}
	slices.Sort(accounts)
	slices.Sort(regions)
	return slices.Compact(accounts), slices.Compact(regions)
}

// Filters returns the filters that the controller works with, sorted by name. c must
// have passed Check, as what Parse and source.Read return has; Filters panics on ids
// and rules that do not parse.
func (c Config) Filters() []filter.Filter {
	if len(c.FilterList) == 0 {
		return []filter.Filter{}
	}
	c = c.Normalize()
	uses, entries := c.groupUses(), c.entriesByTable()
	out := make([]filter.Filter, 0, len(c.FilterList))
	for _, f := range c.FilterList {
		made := c.filter(f)
		made.Groups, made.Declared = uses, c.declaredIn(f, entries)
		out = append(out, made)
	}
	slices.SortFunc(out, func(a, b filter.Filter) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (c Config) filter(f Filter) filter.Filter {
	out := filter.Filter{
		Name:        f.Name,
		Account:     f.Home.Account,
		Region:      f.Home.Region,
		Mode:        protection.Mode(f.Mode),
		MaxPrefixes: f.MaxPrefixes,
		Action:      filter.Action(f.Action),
		Preset:      f.Preset,
		LiftAfter:   time.Duration(f.LiftAfter),
		AcceptLoss:  f.AcceptLoss,
		Damping:     c.damping(),
		Limits: filter.Limits{
			SettleTime:      time.Duration(c.Timers.SettleTime),
			ContendedAfter:  c.Timers.ContendedAfter,
			ContendedWindow: time.Duration(c.Timers.ContendedWindow),
		},
	}
	_, out.NeverTouch = c.NeverTouch()
	for _, text := range f.Rules {
		rule, err := filter.ParseRule(text)
		if err != nil {
			panic(err)
		}
		out.Rules = append(out.Rules, rule)
	}
	for _, id := range f.Tables {
		scope := filter.Scope{Table: c.table(f, id), Attachments: slices.Clone(f.Attachments)}
		if hop, ok := f.Egress[id]; ok {
			scope.Egress = route.MustNextHop(hop)
		}
		for _, attachment := range slices.Sorted(maps.Keys(f.Observation)) {
			scope.Observation = append(scope.Observation, filter.Observation{
				Attachment: attachment, Table: c.table(f, f.Observation[attachment]),
			})
		}
		out.Scopes = append(out.Scopes, scope)
	}
	slices.SortFunc(out.Scopes, func(a, b filter.Scope) int { return a.Table.Compare(b.Table) })
	return out
}

// table returns a table of the filter with its owner.
func (c Config) table(f Filter, id string) route.Table {
	kind, err := route.KindOfTable(id)
	if err != nil {
		panic(err)
	}
	out := route.Table{Kind: kind, ID: id, Account: f.Home.Account, Region: f.Home.Region}
	for _, declared := range c.TableList {
		if declared.ID != id {
			continue
		}
		if declared.Account != "" {
			out.Account = declared.Account
		}
		if declared.Region != "" {
			out.Region = declared.Region
		}
	}
	return out
}

// groupUses returns what the paths of groups have learned: the routes for which an entry
// asks, and all of an attachment where a path leaves the choice to a transit gateway
// table in which the group has no static towards it.
func (c Config) groupUses() []filter.GroupUse {
	var out []filter.GroupUse
	for _, g := range c.GroupList {
		for _, p := range g.Paths {
			behind, static := false, false
			for _, hop := range g.hopsOf(p) {
				behind = behind || route.MustNextHop(hop).Kind == route.TransitGateway
				static = static || route.MustNextHop(hop).Kind == route.TransitGatewayAttachment
			}
			if id := cmp.Or(p.Attachment, p.VPN); behind && !static && id != "" {
				out = append(out, filter.GroupUse{Group: g.Name, Path: p.Name, Attachment: id})
			}
			for _, unit := range g.Units {
				for _, entry := range unit.Entries {
					if hop := route.MustNextHop(entry.NextHops[p.Name]); hop.Kind == route.Propagated {
						key := entry.build(nil, "").EntryKey
						out = append(out, filter.GroupUse{Group: g.Name, Path: p.Name, Attachment: hop.ID, Table: key.Table})
					}
				}
			}
		}
	}
	return out
}

// entriesByTable are the entries of all groups by the id of their table.
func (c Config) entriesByTable() map[string][]Entry {
	out := map[string][]Entry{}
	for _, g := range c.GroupList {
		for _, unit := range g.Units {
			for _, entry := range unit.Entries {
				out[entry.Table] = append(out[entry.Table], entry)
			}
		}
	}
	return out
}

// declaredIn returns the destinations that groups move in the filter's tables, sorted.
func (c Config) declaredIn(f Filter, entries map[string][]Entry) []protection.EntryKey {
	var out []protection.EntryKey
	for _, id := range f.Tables {
		for _, entry := range entries[id] {
			out = append(out, protection.EntryKey{Table: c.table(f, id), Destination: route.MustDestination(entry.Destination)})
		}
	}
	slices.SortFunc(out, protection.EntryKey.Compare)
	return slices.Compact(out)
}

// damping returns the figures of flap damping.
func (c Config) damping() health.Damping {
	return health.Damping{
		Penalty:  c.Timers.Damping.Penalty,
		HalfLife: time.Duration(c.Timers.Damping.HalfLife),
		Suppress: c.Timers.Damping.Suppress,
		Reuse:    c.Timers.Damping.Reuse,
		Ceiling:  c.Timers.Damping.Ceiling,
	}
}
