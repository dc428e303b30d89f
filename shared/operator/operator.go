// Package operator is what people do with Detour, by hand and through the shared
// record store: look at groups, see beforehand what a change would do, ask for
// it, and watch it happen. Nothing here writes a route: a request is an input to
// the decision that a run makes, like a failure is.
//
// Everything that is told is a value with a JSON form that programs can rely on;
// the Text functions write the same for people. The package knows the
// controller's ports and no SDK. Its only clock is the one that it is given.
package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Home is one deployment of Detour: the account and Region that groups have their
// home in, with the records and the queue of wake-ups there.
type Home struct {
	Account string
	Region  string
	// Controller has the groups of this home. It is asked for previews only.
	Controller *controller.Controller
	Records    controller.Records
	// Wake gets a wake-up after each request; nil: the next sweep finds it.
	Wake controller.Wake
	// FilterWake gets one after each request of a filter; nil: as with Wake.
	FilterWake controller.Wake
	// Workflows are the executions of the failback workflow; nil: it is not known which
	// state machine that is.
	Workflows Workflows
	// Tables reads the tables that checks are pinned in, for the notes of a plan;
	// nil: there are no such notes.
	Tables controller.RouteTables
	// Around reads what lies around transit gateway tables, for the notes of a plan;
	// nil: there are no such notes.
	Around controller.Surroundings
}

// Options are what an Operator works with. Groups, Homes and Clock are required.
type Options struct {
	// Groups are the configured groups in the order of their priority.
	Groups []protection.Group
	// Filters are the configured filters.
	Filters []filter.Filter
	// Homes are the homes of those groups and filters that are asked about.
	Homes []Home
	Clock controller.Clock
	// By says who asks, for the journal and the requests.
	By string
	// NewID makes a few characters that are rarely made twice, for request ids.
	NewID func() string
	// Pins are the pins of the checks, by group.
	Pins map[string][]plan.Pin
	// Quotas are what the notes of a plan measure against.
	Quotas plan.Quotas
}

// Operator does what one person asks for.
type Operator struct{ options Options }

// New returns an operator's tool over the homes.
func New(options Options) *Operator { return &Operator{options: options} }

// Groups returns the names of all groups, by priority.
func (o *Operator) Groups() []string {
	out := make([]string, 0, len(o.options.Groups))
	for i := range o.options.Groups {
		out = append(out, o.options.Groups[i].Name)
	}
	return out
}

// group finds a group by its name.
func (o *Operator) group(name string) (*protection.Group, error) {
	for i := range o.options.Groups {
		if o.options.Groups[i].Name == name {
			return &o.options.Groups[i], nil
		}
	}
	return nil, fmt.Errorf("there is no group %q", name)
}

// home finds the home of a group.
func (o *Operator) home(name string) (*Home, error) {
	group, err := o.group(name)
	if err != nil {
		return nil, err
	}
	for i := range o.options.Homes {
		if h := &o.options.Homes[i]; h.Account == group.Account && h.Region == group.Region {
			return h, nil
		}
	}
	return nil, fmt.Errorf("group %s has its home in account %s in %s, which was not opened", name, group.Account, group.Region)
}

// sight is one look at some groups over all their homes.
type sight struct {
	operator *Operator
	// names are the groups by priority.
	names []string
	homes map[string]*Home
	seen  map[*Home]*controller.Sight
	// arounds is what was read around the tables of each home, as far as it was
	// needed.
	arounds map[*Home]plan.Surroundings
}

// look looks at the groups, in all homes at the same time.
func (o *Operator) look(ctx context.Context, names []string) (*sight, error) {
	s := &sight{operator: o, homes: map[string]*Home{}, seen: map[*Home]*controller.Sight{}, arounds: map[*Home]plan.Surroundings{}}
	byHome := map[*Home][]string{}
	var order []*Home
	for _, name := range o.Groups() {
		if !slices.Contains(names, name) {
			continue
		}
		home, err := o.home(name)
		if err != nil {
			return nil, err
		}
		if len(byHome[home]) == 0 {
			order = append(order, home)
		}
		byHome[home] = append(byHome[home], name)
		s.names, s.homes[name] = append(s.names, name), home
	}
	sights, errs := make([]*controller.Sight, len(order)), make([]error, len(order))
	waits := make([]func(), len(order))
	for i, home := range order {
		waits[i] = o.options.Clock.Go(ctx, func(ctx context.Context) {
			sights[i], errs[i] = home.Controller.Preview(ctx, byHome[home])
		})
	}
	for i, wait := range waits {
		wait()
		s.seen[order[i]] = sights[i]
		if errs[i] != nil {
			errs[i] = fmt.Errorf("looking at the groups of account %s in %s: %w", order[i].Account, order[i].Region, errs[i])
		}
	}
	return s, errors.Join(errs...)
}

// decide previews a group of the sight under what is supposed.
func (s *sight) decide(name string, supposed controller.Supposed) controller.Preview {
	preview, _ := s.seen[s.homes[name]].Decide(name, supposed)
	return preview
}

// around reads what lies around the transit gateway tables of the home's groups in
// the sight, once for all of them.
func (s *sight) around(ctx context.Context, home *Home) plan.Surroundings {
	known, ok := s.arounds[home]
	if ok || home.Around == nil {
		return known
	}
	var tables []route.Table
	for i := range s.operator.options.Groups {
		group := &s.operator.options.Groups[i]
		if s.homes[group.Name] == home {
			tables = append(tables, group.Tables()...)
		}
	}
	tables = slices.DeleteFunc(tables, func(t route.Table) bool { return t.Kind != route.TransitGatewayTable })
	slices.SortFunc(tables, route.Table.Compare)
	if tables = slices.Compact(tables); len(tables) > 0 {
		s.arounds[home] = home.Around.Read(ctx, tables)
	}
	return s.arounds[home]
}

// notes are what a survey finds around a plan of the group.
func (s *sight) notes(ctx context.Context, p controller.Preview, built plan.Plan) []plan.Note {
	others := make([]*protection.Group, 0, len(s.operator.options.Groups))
	for i := range s.operator.options.Groups {
		others = append(others, &s.operator.options.Groups[i])
	}
	pins := s.operator.options.Pins[p.Group.Name]
	if s.homes[p.Group.Name].Tables == nil {
		pins = nil
	}
	return append([]plan.Note{}, plan.Survey(plan.SurveyInput{
		Group: p.Group, Plan: built, Standing: p.Standing, Readings: s.withPins(ctx, p, pins), Lists: p.Lists,
		Surroundings: s.around(ctx, s.homes[p.Group.Name]), Quotas: s.operator.options.Quotas, Others: others, Pins: pins,
	})...)
}

// withPins are the group's readings with those of the tables that its checks are
// pinned in.
func (s *sight) withPins(ctx context.Context, p controller.Preview, pins []plan.Pin) []route.Reading {
	var missing []route.Table
	for _, pin := range pins {
		if !slices.ContainsFunc(p.Readings, func(r route.Reading) bool { return r.Table == pin.Via }) && !slices.Contains(missing, pin.Via) {
			missing = append(missing, pin.Via)
		}
	}
	if len(missing) == 0 {
		return p.Readings
	}
	return append(slices.Clone(p.Readings), s.homes[p.Group.Name].Tables.Read(ctx, missing)...)
}
