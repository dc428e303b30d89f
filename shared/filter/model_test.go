package filter

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// The times of the stories below.
var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var (
	mainTable = route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-main", Account: "111122223333", Region: "eu-central-1"}
	vpcTable  = route.Table{Kind: route.VPCTable, ID: "rtb-a", Account: "111122223333", Region: "eu-central-1"}
)

func observationTable(attachment string) route.Table {
	return route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-of-" + strings.TrimPrefix(attachment, "tgw-attach-"), Account: "111122223333", Region: "eu-central-1"}
}

// model is a route table with the candidates that stand behind it.
type model struct {
	table route.Table
	// rib has what each attachment announces, in order of preference: of two attachments
	// that announce a prefix with the same rank, both win.
	rib map[string]map[netip.Prefix]int
	// on are the attachments that propagate into the table.
	on      map[string]bool
	kinds   map[string]string
	statics map[route.Destination]route.NextHop
	// dead are the statics with the state blackhole, until they are written again.
	dead map[route.Destination]bool
	// associated are the attachments that look up routes in the table.
	associated []Neighbor
	outside    []Outside
	logged     []Logged
	local      []netip.Prefix
	// deleted are the attachments that exist no more, and told those of which EC2 said so
	// when something was to be written.
	deleted map[string]bool
	told    []string
}

func newModel(table route.Table) *model {
	return &model{
		table: table, rib: map[string]map[netip.Prefix]int{}, on: map[string]bool{}, kinds: map[string]string{},
		statics: map[route.Destination]route.NextHop{}, dead: map[route.Destination]bool{}, deleted: map[string]bool{},
	}
}

// delete deletes an attachment: its static routes lead nowhere from then on.
func (m *model) delete(id string) {
	m.deleted[id] = true
	delete(m.rib, id)
	delete(m.on, id)
	for d, hop := range m.statics {
		if hop.ID == id {
			m.statics[d] = route.NextHop{Kind: route.Blackhole}
		}
	}
}

// attach adds an attachment that announces the prefixes.
func (m *model) attach(id, kind string, prefixes ...string) *model {
	m.kinds[id], m.on[id], m.rib[id] = kind, true, map[netip.Prefix]int{}
	m.announce(id, prefixes...)
	return m
}

func (m *model) announce(id string, prefixes ...string) {
	for _, text := range prefixes {
		m.rib[id][netip.MustParsePrefix(text)] = len(m.rib)
	}
}

func (m *model) withdraw(id string, prefixes ...string) {
	for _, text := range prefixes {
		delete(m.rib[id], netip.MustParsePrefix(text))
	}
}

// winners returns the attachments whose learned route of the prefix stands where no
// static hides it, joined.
func (m *model) winners(prefix netip.Prefix) string {
	best, ids := 1<<30, []string(nil)
	for _, id := range slices.Sorted(maps.Keys(m.rib)) {
		rank, ok := m.rib[id][prefix]
		switch {
		case !ok || !m.on[id] || rank > best:
		case rank < best:
			best, ids = rank, []string{id}
		default:
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ",")
}

// prefixes returns everything that somebody announces.
func (m *model) prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, announced := range m.rib {
		out = append(out, slices.Collect(maps.Keys(announced))...)
	}
	return sortPrefixes(out)
}

// routes returns the table as EC2 shows it: of a transit gateway the winner only.
func (m *model) routes() []route.Route {
	var out []route.Route
	add := func(d route.Destination, hop route.NextHop, origin route.Origin) {
		out = append(out, route.Route{Table: m.table, Destination: d, NextHop: hop, Origin: origin, State: route.StateActive})
	}
	for _, d := range slices.SortedFunc(maps.Keys(m.statics), route.Destination.Compare) {
		add(d, m.statics[d], route.OriginStatic)
		if m.dead[d] {
			out[len(out)-1].State = route.StateBlackhole
		}
	}
	for _, prefix := range m.local {
		add(route.CIDR(prefix), route.NextHop{Kind: route.Local}, route.OriginLocal)
	}
	for _, prefix := range m.prefixes() {
		_, static := m.statics[route.CIDR(prefix)]
		ids := m.winners(prefix)
		switch {
		case ids == "" || static && m.table.Kind == route.TransitGatewayTable:
		case m.table.Kind == route.VPCTable:
			add(route.CIDR(prefix), route.NextHop{Kind: route.VPNGateway, ID: ids}, route.OriginPropagated)
		default:
			add(route.CIDR(prefix), route.NextHop{Kind: route.TransitGatewayAttachment, ID: ids}, route.OriginPropagated)
		}
	}
	return out
}

// view reads the model at the time, with an observation table for each attachment that
// is named.
func (m *model) view(at time.Time, observed ...string) View {
	out := View{
		Reading:      route.Reading{Table: m.table, Routes: m.routes(), StartedAt: at, Complete: true},
		Propagations: Neighbors{Complete: true},
		Associations: Neighbors{List: m.associated, Complete: true},
		Outside:      Outsides{List: m.outside, Complete: true},
		Logged:       m.logged,
		Gone:         m.told,
	}
	for _, id := range slices.Sorted(maps.Keys(m.on)) {
		if m.on[id] {
			out.Propagations.List = append(out.Propagations.List, Neighbor{Attachment: id, Type: m.kinds[id]})
		}
	}
	for _, id := range observed {
		o := newModel(observationTable(id)).attach(id, m.kinds[id])
		o.rib[id] = m.rib[id]
		taught := Neighbors{List: []Neighbor{{Attachment: id, Type: m.kinds[id]}}, Complete: true}
		if m.deleted[id] {
			taught.List = nil
		}
		out.Observed = append(out.Observed, Observed{
			Attachment:   id,
			Reading:      route.Reading{Table: o.table, Routes: o.routes(), StartedAt: at, Complete: true},
			Propagations: taught,
			Associations: Neighbors{Complete: true},
		})
	}
	return out
}

// apply makes a change as EC2 would.
func (m *model) apply(c route.Change) {
	id, ok := c.Propagation()
	if id == "" {
		id = c.After.ID
	}
	if m.deleted[id] {
		m.told = append(m.told, id)
		return
	}
	if ok {
		m.on[id] = c.Op == route.OpEnablePropagation
		return
	}
	standing, stands := m.statics[c.Destination]
	delete(m.dead, c.Destination)
	switch {
	case c.Op == route.OpCreate && stands, c.Op != route.OpCreate && (!stands || standing != c.Before):
		panic("a change that EC2 would refuse, or that presumes what is not there: " + c.String())
	case c.Op == route.OpDelete:
		delete(m.statics, c.Destination)
	default:
		m.statics[c.Destination] = c.After
	}
}

// live reports whether the table has a route of just this prefix that leads somewhere.
func (m *model) live(prefix netip.Prefix) bool {
	if hop, ok := m.statics[route.CIDR(prefix)]; ok {
		if hop.Kind != route.TransitGatewayAttachment {
			return hop.Kind != route.Blackhole
		}
		_, announces := m.rib[hop.ID][prefix]
		return announces
	}
	return m.winners(prefix) != ""
}

// forwards reports whether packets follow what was announced for the prefix.
func (m *model) forwards(prefix netip.Prefix) bool {
	if hop, ok := m.statics[route.CIDR(prefix)]; ok {
		_, announces := m.rib[hop.ID][prefix]
		return announces
	}
	return m.winners(prefix) != ""
}

// story plays a filter against a model.
type story struct {
	f        *Filter
	m        *model
	observed []string
	record   Record
	now      time.Time
}

// look judges, and makes the changes of a filter that writes.
func (s *story) look(after time.Duration) Decision {
	s.now = s.now.Add(after)
	d := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now)
	s.record = d.Record
	if !d.WouldBe {
		for _, c := range d.Changes {
			s.m.apply(c)
		}
	}
	return d
}

func newStory(action Action, m *model, rules ...string) *story {
	f := &Filter{
		Name: "edge", Mode: protection.Enforce, Action: action, LiftAfter: 5 * time.Minute,
		Scopes: []Scope{{Table: m.table}},
		Limits: Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute},
		Damping: health.Damping{
			Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000,
		},
	}
	for _, text := range rules {
		rule, err := ParseRule(text)
		if err != nil {
			panic(text + " " + err.Error())
		}
		f.Rules = append(f.Rules, rule)
	}
	return &story{f: f, m: m, now: begin}
}

// watch gives attachments observation tables.
func (s *story) watch(attachments ...string) *story {
	s.observed = attachments
	for i := range s.f.Scopes {
		for _, id := range attachments {
			s.f.Scopes[i].Observation = append(s.f.Scopes[i].Observation, Observation{Attachment: id, Table: observationTable(id)})
		}
	}
	return s
}

// reasonOf returns the reason for the key's destination or attachment; empty: none is given.
func reasonOf(d Decision, what string) Reason {
	for _, v := range d.Verdicts {
		if what == "" && v.Destination.IsZero() && v.Attachment == "" || what != "" && (v.Destination.String() == what || v.Attachment == what) {
			return v.Reason
		}
	}
	return ""
}

// texts returns the changes for people.
func texts(changes []route.Change) string {
	out := make([]string, len(changes))
	for i, c := range changes {
		if id, ok := c.Propagation(); ok {
			out[i] = string(c.Op) + " " + id
			continue
		}
		out[i] = string(c.Op) + " " + c.Destination.String() + " " + c.After.String()
	}
	return strings.Join(out, "; ")
}
