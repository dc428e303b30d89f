package lab

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/sim"
)

// PlayOptions say how a scenario is played.
type PlayOptions struct {
	// Seed replaces the scenario's seed if it is not nil.
	Seed *uint64
	// Checks are the rules that apply beside those that always do.
	Checks Checks
	// WrapRecords lets a test put something between the controller and the store.
	WrapRecords func(controller.Records) controller.Records
	// WrapTables and BreakFilters let a test break what filters do.
	WrapTables   func(controller.RouteTables) controller.RouteTables
	BreakFilters func([]filter.Filter) []filter.Filter
	// Wire plays with the real adapters of the record store, the queue and the bus.
	Wire bool
	// Identities are the roles of the functions; nil: they may do all. They ask for
	// Wire.
	Identities *Identities
	// Rehearse are the instants, from the start, at which the schedule of the daily
	// rehearsal fires.
	Rehearse   []time.Duration
	Log, Trace io.Writer
	// rigged gets the rig before anything runs.
	rigged func(*Rig)
	// replay are the events that are delivered in the place of the network's own.
	replay []*ReplayedEvent
}

// Result is what came of a scenario.
type Result struct {
	Scenario *Scenario
	Seed     uint64
	Rig      *Rig
	// Before and After are the tables at the start and at the end, as text.
	Before, After string
	// Observed are the answers to the scenario's expectations of reachability and
	// of tables, in the order of time; Failures are those that are not as expected,
	// and the figures out of their bounds.
	Observed   []Observation
	Matrices   []Matrix
	Failures   []string
	Metrics    Metrics
	Violations []Violation
	TraceHash  uint64
	// Replayed are the recorded events of a replay, and what came of them.
	Replayed []*ReplayedEvent
	initial  []sim.StaticRoute
	ledger   *ledger
}

// Play plays a scenario to its end, and checks the invariants and expectations.
// The same scenario and seed give the same result, byte for byte. If ctx ends
// before the scenario does, the error wraps that of ctx.
func Play(ctx context.Context, s *Scenario, opts PlayOptions) (*Result, error) {
	seed := s.Seed
	if opts.Seed != nil {
		seed = *opts.Seed
	}
	rig, err := NewRig(Options{
		Seed: seed, Topology: s.Topology, World: s.World.options(), Config: s.Config, Faults: s.Faults.faults(), PageLimit: s.World.PageLimit,
		WrapRecords: opts.WrapRecords, WrapTables: opts.WrapTables, BreakFilters: opts.BreakFilters, Wire: opts.Wire, Identities: opts.Identities, Log: opts.Log, Trace: opts.Trace, Silent: opts.replay != nil,
	})
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	defer rig.Close()
	out := &Result{Scenario: s, Seed: seed, Rig: rig, Before: rig.World.Snapshot(), initial: rig.World.StaticRoutes(), Replayed: opts.replay}
	out.script(s)
	if opts.rigged != nil {
		opts.rigged(rig)
	}
	for _, at := range opts.Rehearse {
		rig.Scheduler.At(Start().Add(at), "rehearse", func() { rig.Invoke(Sweep, []byte(`{"detour":"rehearse"}`), "schedule") })
	}
	out.expectations(s)
	out.deliver()
	if until := time.Duration(s.Faults.Until); until > 0 {
		rig.Scheduler.At(Start().Add(until), "quiet", rig.Quiet)
	}
	end := Start().Add(time.Duration(s.Duration))
	if err := rig.runInSlices(ctx, end); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if failure := rig.Scheduler.Failure(); failure != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, failure)
	}
	out.After = rig.World.Snapshot()
	out.TraceHash = rig.Scheduler.TraceHash()
	out.ledger = newLedger(out, end)
	checks := opts.Checks
	if by := time.Duration(s.Expect.ConvergedBy); by > 0 {
		checks.ConvergedBy = Start().Add(by)
	}
	// A route that stays dead is written again, also while telemetry only lags.
	checks.Stale = checks.Stale || s.Faults.excusesNeedlessWrites() || s.World.BlackholeOutlastsOutage || s.World.TelemetryLag > 0
	out.Violations = out.ledger.check(checks)
	out.Metrics = out.measure()
	out.boundMetrics(s)
	out.settleReplay()
	return out, nil
}

// slice is how much virtual time passes between two looks at the caller's context.
const slice = time.Minute

// runInSlices runs until the end, or until ctx ends.
func (r *Rig) runInSlices(ctx context.Context, end time.Time) error {
	for at := Start(); at.Before(end); {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted at %s: %w", sinceStart(at), err)
		}
		if at = at.Add(slice); at.After(end) {
			at = end
		}
		if err := r.RunUntil(at); err != nil {
			return err
		}
	}
	return nil
}

// excusesNeedlessWrites: with a stale reading, or an answer that did not come, a
// run cannot know that a route stands already.
func (f FaultSpec) excusesNeedlessWrites() bool {
	for _, r := range f.Rules {
		switch r.Kind {
		case sim.FaultStale, sim.FaultErrorAfter, sim.FaultLostAnswer, sim.FaultDropAnswer, sim.FaultKillAfter, sim.FaultDelay, sim.FaultFreeze:
			return true
		default:
		}
	}
	return f.Stale > 0 || f.ErrorAfter > 0 || f.DropAnswer > 0 || f.Freeze > 0 || f.Kill > 0
}

// script puts the steps on the scheduler.
func (res *Result) script(s *Scenario) {
	ids := requestIDs(s.Script)
	for i, step := range s.Script {
		if step.Do == MakeRequest {
			step.ID = ids[i]
		}
		res.Rig.Scheduler.At(Start().Add(time.Duration(step.At)), "script", func() {
			if err := res.Rig.Do(step); err != nil {
				res.Rig.fail(fmt.Errorf("script at %s: %s: %w", time.Duration(step.At), step.Do, err))
			}
		})
	}
}

// requestIDs gives each request of a script its id: its own, or else request-1
// and so on, counted over the script's requests in the order of time.
func requestIDs(script []Step) map[int]string {
	var order []int
	for i, step := range script {
		if step.Do == MakeRequest {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(script[a].At, script[b].At) })
	ids := map[int]string{}
	for n, i := range order {
		ids[i] = cmp.Or(script[i].ID, fmt.Sprintf("request-%d", n+1))
	}
	return ids
}

// expectations looks at what the scenario expects, at the instants it names.
func (res *Result) expectations(s *Scenario) {
	due := map[config.Duration][]func(){}
	var order []config.Duration
	add := func(at config.Duration, look func()) {
		if due[at] == nil {
			order = append(order, at)
		}
		due[at] = append(due[at], look)
	}
	for _, e := range s.Expect.Reach {
		add(e.At, func() { res.expectReach(s, e) })
	}
	for _, e := range s.Expect.Tables {
		add(e.At, func() { res.expectTable(e) })
	}
	for _, e := range s.Expect.Failbacks {
		add(e.At, func() { res.expectFailback(e) })
	}
	for _, at := range order {
		res.Rig.Scheduler.At(Start().Add(time.Duration(at)), "expect", func() {
			for _, look := range due[at] {
				look()
			}
		})
	}
}

// Observation is the answer to one expectation at its instant.
type Observation struct {
	At   time.Time
	What string
	OK   bool
}

// observe keeps an answer; one that is not as expected is a failure.
func (res *Result) observe(at config.Duration, ok bool, what string) {
	res.Observed = append(res.Observed, Observation{At: Start().Add(time.Duration(at)), What: what, OK: ok})
	if !ok {
		res.Failures = append(res.Failures, fmt.Sprintf("at %s: %s", at, what))
	}
}

func (res *Result) expectReach(s *Scenario, e ReachExpectation) {
	res.lookAround(e.At)
	if !e.Everyone {
		trace := res.Rig.World.Reach(e.From, e.To)
		res.observe(e.At, trace.OK == e.Reachable, sayReach(e, trace))
		return
	}
	pairs, missing := 0, 0
	for _, from := range s.Topology.Hosts {
		for _, to := range s.Topology.Hosts {
			if from.Name == to.Name {
				continue
			}
			pairs++
			if trace := res.Rig.World.Reach(from.Name, to.Name); !trace.OK {
				missing++
				res.observe(e.At, false, fmt.Sprintf("%s does not reach %s: %s", from.Name, to.Name, trace.Reason))
			}
		}
	}
	if missing == 0 {
		res.observe(e.At, true, fmt.Sprintf("everyone reaches everyone (%d pairs)", pairs))
	}
}

// sayReach says what came of one pair, and what was expected if that differs.
func sayReach(e ReachExpectation, trace sim.Trace) string {
	said := fmt.Sprintf("%s reaches %s", e.From, e.To)
	if !trace.OK {
		said = fmt.Sprintf("%s does not reach %s (%s)", e.From, e.To, trace.Reason)
	}
	switch {
	case trace.OK == e.Reachable:
		return said
	case e.Reachable:
		return said + ", but should"
	default:
		return said + ", but should not"
	}
}

// noRoute is the target of an expectation that there is no route.
const noRoute = "none"

func (res *Result) expectTable(e TableExpectation) {
	got, want, kind := noRoute, e.Target, ""
	if e.Learned != "" {
		got, want, kind = cmp.Or(learnedRoute(res.Rig.World, e.Table, e.Destination), noRoute), e.Learned, ", as it is learned,"
	} else {
		for _, route := range res.Rig.World.StaticRoutes() {
			if route.Table == e.Table && route.Destination.String() == e.Destination {
				got = route.Target
			}
		}
	}
	said := fmt.Sprintf("%s %s%s points to %s", e.Table, e.Destination, kind, got)
	if got != want {
		said += ", expected " + want
	}
	res.observe(e.At, got == want, said)
}

// typePropagated is how EC2 spells that a route of a transit gateway table is learned.
const typePropagated = "propagated"

// learnedRoute is where the learned route points that a table shows for a
// destination: in a transit gateway table the ids of the attachments, joined by
// commas. Empty: it shows none, be it that a static one hides it.
func learnedRoute(world *sim.World, table, destination string) string {
	target := ""
	for _, change := range world.RouteHistory() {
		if change.Table == table && change.Destination == destination {
			target = ""
			if change.Type == typePropagated {
				target = change.Target
			}
		}
	}
	for _, change := range world.LearnedHistory() {
		if change.Table == table && change.Destination == destination {
			target = change.Target
		}
	}
	return target
}

// maxMatrix is how many hosts a matrix of reachability shows at most.
const maxMatrix = 10

// Matrix is who reached whom at an instant.
type Matrix struct {
	At    time.Time
	Hosts []string
	// Reaches has a row for each host that asks.
	Reaches [][]bool
}

// lookAround keeps the matrix of reachability of the instant, once.
func (res *Result) lookAround(at config.Duration) {
	now := Start().Add(time.Duration(at))
	hosts := res.Scenario.Topology.Hosts
	if len(hosts) > maxMatrix || (len(res.Matrices) > 0 && res.Matrices[len(res.Matrices)-1].At.Equal(now)) {
		return
	}
	m := Matrix{At: now}
	for _, h := range hosts {
		m.Hosts = append(m.Hosts, h.Name)
	}
	m.Reaches = res.Rig.World.Matrix(m.Hosts)
	res.Matrices = append(res.Matrices, m)
}

// Passed reports whether every expectation and every invariant holds.
func (res *Result) Passed() bool { return len(res.Failures) == 0 && len(res.Violations) == 0 }
