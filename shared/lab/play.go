package lab

import (
	"context"
	"fmt"
	"io"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
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
	Log, Trace  io.Writer
}

// Result is what came of a scenario.
type Result struct {
	Scenario *Scenario
	Seed     uint64
	Rig      *Rig
	// Before and After are the tables at the start and at the end, as text.
	Before, After string
	// Observed are the answers to the scenario's expectations of reachability and
	// of tables, in their order.
	Failures   []string
	Metrics    Metrics
	Violations []Violation
	TraceHash  uint64
	initial    []sim.StaticRoute
	ledger     *ledger
}

// Play plays a scenario to its end, and checks the invariants and expectations.
// The same scenario and seed give the same result, byte for byte.
func Play(s *Scenario, opts PlayOptions) (*Result, error) {
	seed := s.Seed
	if opts.Seed != nil {
		seed = *opts.Seed
	}
	rig, err := NewRig(Options{
		Seed: seed, Topology: s.Topology, World: s.World.options(), Config: s.Config, Faults: s.Faults.faults(),
		WrapRecords: opts.WrapRecords, Log: opts.Log, Trace: opts.Trace,
	})
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	defer rig.Close()
	out := &Result{Scenario: s, Seed: seed, Rig: rig, Before: rig.World.Snapshot(), initial: rig.World.StaticRoutes()}
	out.script(s)
	out.expectations(s)
	if until := time.Duration(s.Faults.Until); until > 0 {
		rig.Scheduler.At(Start().Add(until), "quiet", rig.Quiet)
	}
	end := Start().Add(time.Duration(s.Duration))
	if err := rig.RunUntil(end); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if failure := rig.Scheduler.Failure(); failure != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, failure)
	}
	out.After = rig.World.Snapshot()
	out.TraceHash = rig.Scheduler.TraceHash()
	out.ledger = newLedger(s.Config, s.Topology, rig.World, out.initial, rig.Requests, Start(), end)
	checks := opts.Checks
	checks.Stale = checks.Stale || s.Faults.excusesNeedlessWrites()
	out.Violations = out.ledger.check(checks)
	out.Metrics = out.measure()
	out.boundMetrics(s)
	return out, nil
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
	for _, step := range s.Script {
		res.Rig.Scheduler.At(Start().Add(time.Duration(step.At)), "script", func() {
			if err := res.Rig.Do(step); err != nil {
				res.Rig.fail(fmt.Errorf("script at %s: %s: %w", time.Duration(step.At), step.Do, err))
			}
		})
	}
}

// Do does one step of a script now.
func (r *Rig) Do(step Step) error {
	switch step.Do {
	case TunnelDown, TunnelUp:
		return r.setTunnels(step)
	case MakeRequest:
		return r.request(step)
	case ClearRequest:
		return r.clearRequest(step)
	case WriteRoute:
		return r.World.ForceRoute(step.By, step.Table, step.Destination, step.Target)
	case LoseEvents:
		r.opts.Faults.Events.Lose = 1
		return nil
	case DeliverEvents:
		r.opts.Faults.Events.Lose = 0
		return nil
	default:
		return fmt.Errorf("verb %q is not known: write tunnel-down, tunnel-up, request, clear, write, lose-events or deliver-events", step.Do)
	}
}

func (r *Rig) setTunnels(step Step) error {
	for _, vpn := range r.opts.Topology.VPNs {
		if vpn.ID != step.VPN {
			continue
		}
		for _, t := range vpn.Tunnels {
			if step.Tunnel == "" || step.Tunnel == t.OutsideIP {
				if err := r.World.SetTunnel(vpn.ID, t.OutsideIP, step.Do == TunnelUp); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return fmt.Errorf("vpn %q is not in the topology", step.VPN)
}

// request makes an operator's request, and wakes the group as the CLI does.
func (r *Rig) request(step Step) error {
	id := step.ID
	if id == "" {
		id = fmt.Sprintf("request-%d", len(r.Requests)+1)
	}
	request := protection.Request{
		ID: id, Kind: protection.RequestKind(step.Kind), Path: step.Path, Extent: step.Extent,
		IgnoreHealth: step.IgnoreHealth, Immediate: step.Immediate, At: r.Scheduler.Now(), By: "operator",
	}
	key := controller.GroupKey(step.Group)
	if err := r.Store.Request(context.Background(), key, request); err != nil {
		return err
	}
	r.Requests = append(r.Requests, MadeRequest{At: request.At, Group: step.Group, Request: request})
	r.wake(key, request.At)
	return nil
}

func (r *Rig) clearRequest(step Step) error {
	key := controller.GroupKey(step.Group)
	if err := r.Store.Clear(context.Background(), key, step.ID); err != nil {
		return err
	}
	r.Requests = append(r.Requests, MadeRequest{At: r.Scheduler.Now(), Group: step.Group, Request: protection.Request{ID: step.ID}, Clear: true})
	r.wake(key, r.Scheduler.Now())
	return nil
}

// expectations looks at what the scenario expects, at the instants it names.
func (res *Result) expectations(s *Scenario) {
	for _, e := range s.Expect.Reach {
		res.Rig.Scheduler.At(Start().Add(time.Duration(e.At)), "expect", func() { res.expectReach(s, e) })
	}
	for _, e := range s.Expect.Tables {
		res.Rig.Scheduler.At(Start().Add(time.Duration(e.At)), "expect", func() { res.expectTable(e) })
	}
}

func (res *Result) expectReach(s *Scenario, e ReachExpectation) {
	if !e.Everyone {
		trace := res.Rig.World.Reach(e.From, e.To)
		if trace.OK != e.Reachable {
			res.Failures = append(res.Failures, fmt.Sprintf("at %s: %s reaches %s: got %t (%s), expected %t", time.Duration(e.At), e.From, e.To, trace.OK, trace.Reason, e.Reachable))
		}
		return
	}
	for _, from := range s.Topology.Hosts {
		for _, to := range s.Topology.Hosts {
			if from.Name == to.Name {
				continue
			}
			if trace := res.Rig.World.Reach(from.Name, to.Name); !trace.OK {
				res.Failures = append(res.Failures, fmt.Sprintf("at %s: %s does not reach %s: %s", time.Duration(e.At), from.Name, to.Name, trace.Reason))
			}
		}
	}
}

func (res *Result) expectTable(e TableExpectation) {
	got := "none"
	for _, route := range res.Rig.World.StaticRoutes() {
		if route.Table == e.Table && route.Destination.String() == e.Destination {
			got = route.Target
		}
	}
	if got != e.Target {
		res.Failures = append(res.Failures, fmt.Sprintf("at %s: %s %s points to %s, expected %s", time.Duration(e.At), e.Table, e.Destination, got, e.Target))
	}
}

// Passed reports whether every expectation and every invariant holds.
func (res *Result) Passed() bool { return len(res.Failures) == 0 && len(res.Violations) == 0 }
