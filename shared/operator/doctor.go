package operator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/doctor"
	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Inventory lists what there is in an account and Region. What could not be read is
// named in the answer.
type Inventory interface {
	Read(ctx context.Context, account, region string) doctor.Network
}

// Registrations asks Network Manager, in one account, which transit gateways send
// events. Its errors are *doctor.ReadError.
type Registrations interface {
	GlobalNetworks(ctx context.Context) ([]string, error)
	Registrations(ctx context.Context, network string) ([]doctor.Registration, error)
}

// Site is an account and Region.
type Site struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Compare orders sites.
func (s Site) Compare(other Site) int {
	return cmp.Or(cmp.Compare(s.Account, other.Account), cmp.Compare(s.Region, other.Region))
}

// Practice is one home as an examination sees it: the groups and filters there, the sites
// that they reach into, and how these are read.
type Practice struct {
	Groups    []protection.Group
	Filters   []filter.Filter
	Sites     []Site
	Inventory Inventory
	Tables    controller.RouteTables
	Lists     controller.PrefixLists
	Evidence  controller.Evidence
	Around    controller.Surroundings
	// Records has the groups' records; nil: Detour is not deployed yet, and there are
	// none.
	Records controller.Records
}

// SitesOf are the sites that groups and filters name: their homes, their tables and what
// the paths of groups are judged by. They are sorted, each once.
func SitesOf(groups []protection.Group, filters []filter.Filter) []Site {
	var out []Site
	for i := range filters {
		out = append(out, Site{filters[i].Account, filters[i].Region})
		for _, table := range slices.Concat(filters[i].Tables(), filters[i].ObservationTables()) {
			out = append(out, Site{table.Account, table.Region})
		}
	}
	for i := range groups {
		out = append(out, Site{groups[i].Account, groups[i].Region})
		for _, table := range groups[i].Tables() {
			out = append(out, Site{table.Account, table.Region})
		}
		for _, subject := range groups[i].Subjects() {
			out = append(out, Site{subject.Account, subject.Region})
		}
	}
	slices.SortFunc(out, Site.Compare)
	return slices.Compact(out)
}

// DoctorOptions are what an examination reads.
type DoctorOptions struct {
	Practices []Practice
	Clock     controller.Clock
	// Pins are the pins of the checks, by group.
	Pins   map[string][]plan.Pin
	Quotas plan.Quotas
	Never  plan.NeverTouch
	// EventsFrom is the account whose Network Manager sends the events, and
	// Registrations asks it. With EventsFrom empty nobody listens to events, and nothing
	// is asked; with Registrations nil it cannot be asked, and NoRegistrations says why.
	EventsFrom      string
	Registrations   Registrations
	NoRegistrations string
}

// Examined is what an examination found.
type Examined struct {
	At    time.Time `json:"at"`
	Sites []Site    `json:"sites"`
	// Looked are the kinds of finding that were looked for. What kept some of them from
	// being found everywhere is among the findings.
	Looked   []doctor.ID      `json:"looked"`
	Findings []doctor.Finding `json:"findings"`
}

// Worst is the worst severity among the findings; Info if there are none.
func (e Examined) Worst() doctor.Severity {
	worst := doctor.Info
	for _, f := range e.Findings {
		if slices.Index(doctor.Severities(), f.Severity) < slices.Index(doctor.Severities(), worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Examine reads the networks of all practices, and says what is wrong with them. It
// writes nothing.
func Examine(ctx context.Context, options DoctorOptions) Examined {
	snapshot := options.snapshot(ctx)
	out := Examined{At: snapshot.At.UTC(), Sites: []Site{}, Findings: append([]doctor.Finding{}, doctor.Examine(snapshot)...)}
	for _, n := range snapshot.Networks {
		out.Sites = append(out.Sites, Site{n.Account, n.Region})
	}
	for _, id := range doctor.IDs() {
		if id != doctor.NotExamined {
			out.Looked = append(out.Looked, id)
		}
	}
	return out
}

// snapshot reads everything: first what there is, then the tables that there are. A
// site that two practices reach is read by the first.
func (o DoctorOptions) snapshot(ctx context.Context) doctor.Snapshot {
	var jobs []func(ctx context.Context)
	parts := make([]doctor.Snapshot, len(o.Practices))
	seen := map[Site]bool{}
	for i, p := range o.Practices {
		sites := slices.DeleteFunc(slices.Clone(p.Sites), func(s Site) bool { return seen[s] })
		for _, site := range sites {
			seen[site] = true
		}
		jobs = append(jobs, func(ctx context.Context) { parts[i] = o.read(ctx, p, sites) })
	}
	var events doctor.Events
	jobs = append(jobs, func(ctx context.Context) { events = o.events(ctx) })
	o.together(ctx, jobs)

	out := doctor.Snapshot{Quotas: o.Quotas, Never: o.Never, Events: events, At: o.Clock.Now()}
	for _, part := range parts {
		out.Networks = append(out.Networks, part.Networks...)
		out.Readings = append(out.Readings, part.Readings...)
		out.Around.Tables = append(out.Around.Tables, part.Around.Tables...)
		out.Around.Gateways = append(out.Around.Gateways, part.Around.Gateways...)
		out.Lists = append(out.Lists, part.Lists...)
		out.Facts = append(out.Facts, part.Facts...)
		out.Groups = append(out.Groups, part.Groups...)
		out.Filters = append(out.Filters, part.Filters...)
	}
	slices.SortFunc(out.Networks, func(a, b doctor.Network) int {
		return Site{a.Account, a.Region}.Compare(Site{b.Account, b.Region})
	})
	return out
}

func (o DoctorOptions) together(ctx context.Context, jobs []func(ctx context.Context)) {
	waits := make([]func(), len(jobs))
	for i, job := range jobs {
		waits[i] = o.Clock.Go(ctx, job)
	}
	for _, wait := range waits {
		wait()
	}
}

// read reads one practice.
func (o DoctorOptions) read(ctx context.Context, p Practice, sites []Site) doctor.Snapshot {
	out := doctor.Snapshot{Networks: make([]doctor.Network, len(sites))}
	var lists []route.ListRef
	var subjects []health.Subject
	var tables []route.Table
	for i := range p.Groups {
		lists = append(lists, p.Groups[i].PrefixLists()...)
		subjects = append(subjects, p.Groups[i].Subjects()...)
		tables = append(tables, p.Groups[i].Tables()...)
		for _, pin := range o.Pins[p.Groups[i].Name] {
			tables = append(tables, pin.Via)
		}
	}
	for i := range p.Filters {
		tables = slices.Concat(tables, p.Filters[i].Tables(), p.Filters[i].ObservationTables())
	}
	slices.SortFunc(lists, route.ListRef.Compare)
	slices.SortFunc(subjects, health.Subject.Compare)
	lists, subjects = slices.Compact(lists), slices.Compact(subjects)
	jobs := []func(ctx context.Context){
		func(ctx context.Context) { out.Groups = o.groups(ctx, p) },
		func(ctx context.Context) { out.Filters = p.filters(ctx) },
		func(ctx context.Context) {
			if len(subjects) > 0 {
				out.Facts = p.Evidence.Read(ctx, subjects)
			}
		},
		func(ctx context.Context) {
			if len(lists) > 0 {
				out.Lists = p.Lists.Read(ctx, lists)
			}
		},
	}
	for i, site := range sites {
		jobs = append(jobs, func(ctx context.Context) { out.Networks[i] = p.Inventory.Read(ctx, site.Account, site.Region) })
	}
	o.together(ctx, jobs)

	for _, n := range out.Networks {
		for _, table := range n.GatewayTables {
			tables = append(tables, table.Table)
		}
		for _, table := range n.VPCTables {
			tables = append(tables, table.Table)
		}
	}
	slices.SortFunc(tables, route.Table.Compare)
	tables = slices.Compact(tables)
	transit := slices.DeleteFunc(slices.Clone(tables), func(t route.Table) bool { return t.Kind != route.TransitGatewayTable })
	o.together(ctx, []func(ctx context.Context){
		func(ctx context.Context) {
			if len(tables) > 0 {
				out.Readings = p.Tables.Read(ctx, tables)
			}
		},
		func(ctx context.Context) {
			if len(transit) > 0 {
				out.Around = p.Around.Read(ctx, transit)
			}
		},
	})
	return out
}

// groups are the practice's groups with their records.
func (o DoctorOptions) groups(ctx context.Context, p Practice) []doctor.Group {
	out := make([]doctor.Group, len(p.Groups))
	keys := make([]controller.Key, len(p.Groups))
	for i := range p.Groups {
		out[i] = doctor.Group{Group: &p.Groups[i], Pins: o.Pins[p.Groups[i].Name]}
		keys[i] = controller.GroupKey(p.Groups[i].Name)
	}
	p.recorded(ctx, keys, func(i int, item controller.Item, problem string) {
		out[i].Record, out[i].Unrecorded = item.Record, problem
	})
	return out
}

// filters are the practice's filters with their records.
func (p Practice) filters(ctx context.Context) []doctor.Filter {
	out := make([]doctor.Filter, len(p.Filters))
	keys := make([]controller.Key, len(p.Filters))
	for i := range p.Filters {
		out[i].Filter, keys[i] = &p.Filters[i], controller.FilterKey(p.Filters[i].Name)
	}
	p.recorded(ctx, keys, func(i int, item controller.Item, problem string) {
		out[i].Record, out[i].Unrecorded = item.Filter, problem
	})
	return out
}

// recorded hands on the item of each key by its number, or why it cannot be read.
func (p Practice) recorded(ctx context.Context, keys []controller.Key, take func(i int, item controller.Item, problem string)) {
	if p.Records == nil || len(keys) == 0 {
		return
	}
	items, _, err := p.Records.Peek(ctx, keys)
	for i := range keys {
		switch {
		case err != nil:
			take(i, controller.Item{}, err.Error())
		case i < len(items):
			take(i, items[i], "")
		}
	}
}

// events asks Network Manager.
func (o DoctorOptions) events(ctx context.Context) doctor.Events {
	out := doctor.Events{Wanted: o.EventsFrom != "", Account: o.EventsFrom, ReadAt: o.Clock.Now()}
	switch {
	case !out.Wanted:
		return out
	case o.Registrations == nil:
		out.Problem, out.Note = route.ProblemDenied, o.NoRegistrations
		return out
	}
	networks, err := o.Registrations.GlobalNetworks(ctx)
	for _, network := range networks {
		if err != nil {
			break
		}
		var more []doctor.Registration
		more, err = o.Registrations.Registrations(ctx, network)
		out.Registrations = append(out.Registrations, more...)
	}
	if err != nil {
		out.Problem, out.Note = route.ProblemTimeout, err.Error()
		if failed := (*doctor.ReadError)(nil); errors.As(err, &failed) {
			out.Problem = failed.Problem
		}
		return out
	}
	out.Networks = slices.Sorted(slices.Values(networks))
	slices.SortFunc(out.Registrations, doctor.Registration.Compare)
	return out
}
