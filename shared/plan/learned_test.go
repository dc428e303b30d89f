package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

const taught = "10.128.0.0/10"

var observation = health.Subject{Kind: health.SubjectRouteTable, ID: "tgw-rtb-0f", Account: "111122223333", Region: "eu-central-1"}

// learns makes A a path whose routes are learned in transit gateway tables.
func learns(g *protection.Group) *protection.Group {
	spec := &g.Paths[0].Spec
	spec.Kind, spec.Attachment, spec.Observation, spec.MaxAge = health.KindConnect, "tgw-attach-A", observation, 3*time.Minute
	for u := range g.Units {
		for e := range g.Units[u].Entries {
			entry := &g.Units[u].Entries[e]
			if entry.Table.Kind == route.TransitGatewayTable && entry.Destination.List() == "" {
				entry.NextHops[0].NextHop = route.NextHop{Kind: route.Propagated, ID: "tgw-attach-A"}
				spec.Expect = append(spec.Expect, entry.Destination.Prefix())
			}
		}
	}
	return g
}

// observing answers as an observation table does in which A taught the blocks.
func observing(blocks ...string) Facts {
	facts := []health.Fact{
		{Kind: health.FactTableState, Value: health.TableRead},
		{Kind: health.FactPropagation, Part: "tgw-attach-A"},
	}
	for _, block := range blocks {
		facts = append(facts, health.Fact{Kind: health.FactLearnedRoute, Part: block, Value: "tgw-attach-A"})
	}
	for i := range facts {
		facts[i].Subject, facts[i].ObservedAt = observation, noon
	}
	return func(s health.Subject) []health.Fact {
		switch {
		case s.Kind == health.SubjectPropagations:
			return propagating(s, health.PropagationEnabled)
		case s != observation:
			return nil
		}
		return facts
	}
}

// propagating are the facts about a table into which A's attachment propagates, in the
// state, and another does, whatever A's does.
func propagating(table health.Subject, state string) []health.Fact {
	out := []health.Fact{
		{Kind: health.FactTableState, Value: health.TableRead},
		{Kind: health.FactPropagation, Part: "tgw-attach-Z", Value: health.PropagationEnabled},
	}
	if state != "" {
		out = append(out, health.Fact{Kind: health.FactPropagation, Part: "tgw-attach-A", Value: state})
	}
	for i := range out {
		out[i].Subject, out[i].ObservedAt = table, noon
	}
	return out
}

// into answers as from does, but for the propagations into the entries' tables.
func into(from Facts, facts func(table health.Subject) []health.Fact) Facts {
	return func(s health.Subject) []health.Fact {
		if s.Kind == health.SubjectPropagations {
			return facts(s)
		}
		return from(s)
	}
}

// showing adds routes to what the tables show.
func showing(readings []route.Reading, routes ...route.Route) []route.Reading {
	for _, r := range routes {
		for i := range readings {
			if readings[i].Table == r.Table {
				readings[i].Routes = append(readings[i].Routes, r)
			}
		}
	}
	return readings
}

func propagated(table route.Table, block, attachments string) route.Route {
	return route.Route{
		Table: table, Destination: route.MustDestination(block), Origin: route.OriginPropagated, State: route.StateActive,
		NextHop: route.NextHop{Kind: route.TransitGatewayAttachment, ID: attachments},
	}
}

func TestStandingOfLearnedRoutes(t *testing.T) {
	k := key(tgwTable(1), taught)
	dead := propagated(tgwTable(1), taught, "tgw-attach-A")
	dead.State = route.StateBlackhole
	reference := propagated(tgwTable(1), taught, "tgw-attach-Z")
	reference.Origin, reference.List = route.OriginPrefixListReference, "pl-1"
	tests := map[string]struct {
		statics tables
		shown   []route.Route
		on      []string
		learned health.RouteState
	}{
		"it shows":           {tables{}, []route.Route{propagated(tgwTable(1), taught, "tgw-attach-A")}, []string{"A"}, health.RouteShown},
		"among equals":       {tables{}, []route.Route{propagated(tgwTable(1), taught, "tgw-attach-0,tgw-attach-A")}, []string{"A"}, health.RouteShown},
		"it is missing":      {tables{}, nil, []string{"A"}, health.RouteAbsent},
		"another won":        {tables{}, []route.Route{propagated(tgwTable(1), taught, "tgw-attach-Z")}, []string{"A"}, health.RouteElsewhere},
		"it drops traffic":   {tables{}, []route.Route{dead}, []string{"A"}, health.RouteElsewhere},
		"behind a list":      {tables{}, []route.Route{reference}, []string{"A"}, health.RouteHidden},
		"of another block":   {tables{}, []route.Route{propagated(tgwTable(1), "10.0.0.0/8", "tgw-attach-A")}, []string{"A"}, health.RouteAbsent},
		"behind our static":  {tables{k: hopOf("B")}, nil, []string{"B"}, health.RouteUnread},
		"behind a stranger":  {tables{k: strangeHop}, nil, nil, health.RouteUnread},
		"a static to itself": {tables{k: hopOf("A")}, nil, nil, health.RouteUnread},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := learns(group(keys(k)))
			got := Standing(g, showing(tt.statics.readings(g), tt.shown...), nil, NeverTouch{}).Entries[0]
			if !slices.Equal(got.Paths, tt.on) || got.Learned != tt.learned || !slices.Equal(got.Learning, []string{"A"}) {
				t.Errorf("on %v, learned %q, learning %v; want %v, %q", got.Paths, got.Learned, got.Learning, tt.on, tt.learned)
			}
			if got.Foreign != (len(tt.statics) > 0 && len(tt.on) == 0) {
				t.Errorf("foreign: %t", got.Foreign)
			}
		})
	}
}

func TestOfTwoLearnedRoutesTheWinnersPathStands(t *testing.T) {
	g := learns(group(keys(key(tgwTable(1), taught))))
	g.Units[0].Entries[0].NextHops[1].NextHop = route.NextHop{Kind: route.Propagated, ID: "tgw-attach-B"}
	for attachments, want := range map[string][]string{
		"tgw-attach-B": {"B"}, "tgw-attach-A": {"A"}, "tgw-attach-A,tgw-attach-B": {"A", "B"}, "tgw-attach-Z": {"A", "B"},
	} {
		readings := showing(tables{}.readings(g), propagated(tgwTable(1), taught, attachments))
		if got := Standing(g, readings, nil, NeverTouch{}).Entries[0]; !slices.Equal(got.Paths, want) {
			t.Errorf("%s won: on %v, want %v", attachments, got.Paths, want)
		}
	}
}

func TestWhatProvesALearnedRoute(t *testing.T) {
	k := key(tgwTable(1), taught)
	g := learns(group(keys(k)))
	standing := Standing(g, tables{k: hopOf("B")}.readings(g), nil, NeverTouch{})
	with := func(more health.Fact) Facts {
		more.Subject, more.ObservedAt = observation, noon
		all := append(slices.Clone(observing(taught)(observation)), more)
		return into(func(health.Subject) []health.Fact { return all }, observing())
	}
	state := func(s string) func(health.Subject) []health.Fact {
		return func(table health.Subject) []health.Fact { return propagating(table, s) }
	}
	unread := func(table health.Subject) []health.Fact {
		return []health.Fact{{Subject: table, Kind: health.FactUnreadable, Problem: route.ProblemThrottled, ObservedAt: noon}}
	}
	old := func(table health.Subject) []health.Fact {
		out := propagating(table, health.PropagationEnabled)
		out[0].ObservedAt = noon.Add(-time.Hour)
		return out
	}
	nothing := func(health.Subject) []health.Fact { return nil }
	tests := map[string]struct {
		facts Facts
		now   time.Time
		want  protection.Reason
	}{
		"it shows":            {observing(taught), noon, ""},
		"it does not":         {observing("10.0.0.0/8"), noon, protection.ReasonRouteNotLearned},
		"a static before it":  {with(health.Fact{Kind: health.FactStaticRoute, Part: taught}), noon, protection.ReasonObservationHidden},
		"fed by another, too": {with(health.Fact{Kind: health.FactPropagation, Part: "tgw-attach-Z"}), noon, protection.ReasonObservationShared},
		"it carries traffic":  {with(health.Fact{Kind: health.FactAssociation, Part: "tgw-attach-Z"}), noon, protection.ReasonObservationAssociated},
		"unreadable":          {with(health.Fact{Kind: health.FactUnreadable, Problem: route.ProblemThrottled}), noon, protection.ReasonObservationUnreadable},
		"too old":             {observing(taught), noon.Add(time.Hour), protection.ReasonObservationStale},
		"nothing read":        {nothing, noon, protection.ReasonObservationUnreadable},

		"not propagated":                         {into(observing(taught), state("")), noon, protection.ReasonNotPropagated},
		"the propagation begins":                 {into(observing(taught), state("enabling")), noon, protection.ReasonNotPropagated},
		"the propagation ends":                   {into(observing(taught), state("disabling")), noon, protection.ReasonNotPropagated},
		"propagations unreadable":                {into(observing(taught), unread), noon, protection.ReasonPropagationsUnreadable},
		"propagations not read":                  {into(observing(taught), nothing), noon, protection.ReasonPropagationsUnreadable},
		"propagations too old":                   {into(observing(taught), old), noon, protection.ReasonPropagationsStale},
		"not propagated, nor proven":             {into(observing(), state("")), noon, protection.ReasonNotPropagated},
		"propagations unreadable, and no proof":  {into(observing(), unread), noon, protection.ReasonRouteNotLearned},
		"not propagated, observation unreadable": {into(nothing, state("")), noon, protection.ReasonNotPropagated},
	}
	for name, tt := range tests {
		if got := Prove(g, standing, tt.facts, tt.now).Entries[0].ReadyFor("A"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	g.Paths[0].Spec.Observation = health.Subject{}
	if got := Prove(g, standing, observing(taught), noon).Entries[0].ReadyFor("A"); got != protection.ReasonNoObservation {
		t.Errorf("without a table: %q", got)
	}
	if got := Prove(g, standing, into(nothing, state("")), noon).Entries[0].ReadyFor("A"); got != protection.ReasonNotPropagated {
		t.Errorf("without a table, and not propagated: %q", got)
	}
	there := Standing(g, tables{}.readings(g), nil, NeverTouch{})
	if got := Prove(g, there, observing(), noon).Entries[0].ReadyFor("A"); got != "" {
		t.Errorf("an entry that is there: %q", got)
	}
}

func TestPlansOfLearnedRoutes(t *testing.T) {
	first, second, vpc := key(tgwTable(1), taught), key(tgwTable(1), "10.64.0.0/10"), key(vpcTable(1), taught)
	build := func(g *protection.Group, stand tables, d protection.Decision, facts Facts) Plan {
		return Build(g, d, nil, Prove(g, Standing(g, stand.readings(g), nil, NeverTouch{}), facts, noon))
	}
	g := learns(group(keys(first, second, vpc)))
	onB := tables{first: hopOf("B"), second: hopOf("B"), vpc: hopOf("B")}
	wantChanges(t, build(g, tables{vpc: hopOf("A")}, decided("A", "B", 1), observing()).Changes,
		"create-route tgw-rtb-01 10.64.0.0/10: none -> tgw-attach-B",
		"create-route tgw-rtb-01 10.128.0.0/10: none -> tgw-attach-B",
		"replace-route rtb-01 10.128.0.0/10: tgw-attach-A -> tgw-attach-B")
	wantChanges(t, build(g, onB, decided("B", "A", 1), observing(taught, "10.64.0.0/10")).Changes,
		"replace-route rtb-01 10.128.0.0/10: tgw-attach-B -> tgw-attach-A",
		"delete-route tgw-rtb-01 10.64.0.0/10: tgw-attach-B -> none",
		"delete-route tgw-rtb-01 10.128.0.0/10: tgw-attach-B -> none")

	half := build(g, onB, decided("B", "A", 1), observing(taught))
	wantChanges(t, half.Changes)
	var reasons []SkipReason
	for _, s := range half.Skipped {
		reasons = append(reasons, s.Reason)
	}
	if !slices.Equal(reasons, []SkipReason{SkipHeldWithUnit, SkipRouteNotLearned, SkipHeldWithUnit}) {
		t.Errorf("skipped %v", half.Skipped)
	}
	unproven := decided("B", "A", 1)
	unproven.Unproven = true
	if got := build(g, onB, unproven, observing()); len(got.Changes) != 3 || len(got.Skipped) > 0 {
		t.Errorf("unproven: %v, skipped %v", got.Changes, got.Skipped)
	}
	off := into(observing(taught, "10.64.0.0/10"), func(table health.Subject) []health.Fact { return propagating(table, "") })
	if got := build(g, onB, unproven, off); len(got.Changes) > 0 || len(got.Skipped) != 3 || got.Skipped[0].Reason != SkipNotPropagated {
		t.Errorf("unproven, and not propagated: %v, skipped %v", got.Changes, got.Skipped)
	}
	g.TakeOver = true
	strange := tables{first: strangeHop, second: hopOf("B"), vpc: hopOf("A")}
	wantChanges(t, build(g, strange, decided("B", "A", 1), observing(taught, "10.64.0.0/10")).Changes,
		"delete-route tgw-rtb-01 10.64.0.0/10: tgw-attach-B -> none")
	wantChanges(t, build(g, tables{vpc: hopOf("A")}, decided("B", "A", 1), observing()).Changes)
}

func TestARehearsalTriesTheDeletesToo(t *testing.T) {
	k := key(tgwTable(1), taught)
	g := learns(group(keys(k)))
	standing := Prove(g, Standing(g, tables{k: hopOf("B")}.readings(g), nil, NeverTouch{}), observing(), noon)
	if got, want := rehearsed(Rehearse(g, nil, standing)), "A: delete-route tgw-rtb-01 10.128.0.0/10: tgw-attach-B -> none"; len(got) != 3 || got[0] != want {
		t.Errorf("tries %q", got)
	}
}

func TestWhatAGroupsOwnTablesTell(t *testing.T) {
	k := key(tgwTable(1), taught)
	g := learns(group(keys(k)))
	g.Paths[0].Spec.Expect = append(g.Paths[0].Spec.Expect, netip.MustParsePrefix("172.16.0.0/12"))
	inUse := protection.Record{Decision: decided("B", "A", 1), WroteAt: noon.Add(-time.Minute)}
	just := inUse
	just.WroteAt = noon.Add(-protection.LearnWithin + time.Second)
	awaiting := inUse
	awaiting.Proving = []protection.Proof{{Entry: k, At: noon.Add(-time.Minute)}}
	elsewhere := protection.Record{Decision: decided("A", "B", 1), WroteAt: noon.Add(-time.Minute)}
	there := []route.Route{propagated(tgwTable(1), taught, "tgw-attach-A"), propagated(tgwTable(1), "172.16.0.0/12", "tgw-attach-Z")}
	tests := map[string]struct {
		record protection.Record
		shown  []route.Route
		want   string
	}{
		"in use":                    {inUse, there, "[10.128.0.0/10 shown 172.16.0.0/12 won-by-other]"},
		"in use, and nothing there": {inUse, nil, "[10.128.0.0/10 absent 172.16.0.0/12 absent]"},
		"only just in use":          {just, there, "[10.128.0.0/10 shown]"},
		"awaited":                   {awaiting, nil, "[]"},
		"another path is in use":    {elsewhere, there, "[]"},
		"nothing decided":           {protection.Record{}, there, "[]"},
	}
	for name, tt := range tests {
		got := []string{}
		for _, f := range Learned(g, "A", showing(tables{}.readings(g), tt.shown...), tt.record) {
			got = append(got, f.Part+" "+f.Value)
		}
		slices.Sort(got)
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
	if got := Learned(g, "B", tables{}.readings(g), inUse); got != nil {
		t.Errorf("of a path whose routes are statics: %v", got)
	}
}

func TestTheSurveyTellsOfLearnedRoutes(t *testing.T) {
	k := key(tgwTable(1), taught)
	in := surveyed(learns(group(keys(k))), tables{k: hopOf("B")})
	in.Standing = Prove(in.Group, in.Standing, observing(), noon)
	wantNotes(t, found(in, NoteUnproven, NoteNotPropagated, NoteGap),
		"warning unproven: A is not switched to: nothing proves its learned routes (route-not-learned): 10.128.0.0/10",
		"warning not-propagated: tgw-attach-A does not propagate into tgw-rtb-01, so the routes of A would never stand there; enable its propagation",
		"info gap: a switchover to A deletes 1 static route; until the learned routes show, which is measured and reported, their destinations may have no route. What does not show within 15s is created again")
	in.Surroundings.Tables[0].Propagating = []Attachment{{ID: "tgw-attach-A", Type: "connect"}}
	in.Standing = Prove(in.Group, in.Standing, observing(taught), noon)
	if got := found(in, NoteUnproven, NoteNotPropagated); len(got) > 0 {
		t.Errorf("of good routes: %v", got)
	}
	off := into(observing(taught), func(table health.Subject) []health.Fact { return propagating(table, "") })
	in.Standing = Prove(in.Group, in.Standing, off, noon)
	wantNotes(t, found(in, NoteUnproven, NoteNotPropagated, NoteGap),
		"warning not-propagated: tgw-attach-A does not propagate into tgw-rtb-01, so the routes of A would never stand there; enable its propagation",
		"info gap: a switchover to A deletes 1 static route; until the learned routes show, which is measured and reported, their destinations may have no route. What does not show within 15s is created again")
}

// TestPropertyLearnedRoutes: a plan ends where it leads to, deletes only what is the
// group's own and stands before a route that is proven, and deletes last.
func TestPropertyLearnedRoutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		learns(d.group)
		for k, hop := range d.tables {
			if hop == hopOf("A") && k.Table.Kind == route.TransitGatewayTable && k.Destination.List() == "" {
				delete(d.tables, k) // What is learned on A is no static.
			}
		}
		var proven []string
		for _, block := range d.group.Paths[0].Spec.Expect {
			if rapid.Bool().Draw(t, "proven") {
				proven = append(proven, block.String())
			}
		}
		stand := func() protection.Standing {
			return Prove(d.group, Standing(d.group, d.tables.readings(d.group), d.lists, d.never), observing(proven...), noon)
		}
		built := Build(d.group, d.decision, d.contended, stand())
		for _, c := range built.Changes {
			if c.Op != route.OpDelete {
				continue
			}
			if c.Table.Kind != route.TransitGatewayTable || c.Destination.List() != "" || !slices.Contains(proven, c.Destination.String()) {
				t.Fatalf("%s: nothing proves what is behind it", c)
			}
			if c.Before != hopOf("B") && c.Before != hopOf("C") {
				t.Fatalf("%s: not the group's static", c)
			}
		}
		for _, unit := range d.group.Units {
			deleted := false
			for _, c := range built.Changes {
				if slices.ContainsFunc(unit.Entries, func(e protection.Entry) bool { return e.Table == c.Table && e.Destination == c.Destination }) {
					if deleted && c.Op != route.OpDelete {
						t.Fatalf("%s comes after a delete of its unit", c)
					}
					deleted = deleted || c.Op == route.OpDelete
				}
			}
		}
		for _, c := range built.Changes {
			d.tables.apply(t, c)
		}
		if again := Build(d.group, d.decision, d.contended, stand()); len(again.Changes) > 0 {
			t.Fatalf("planned again from where it leads to: %v", again.Changes)
		}
	})
}
