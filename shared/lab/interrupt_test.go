package lab

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
	"detour/shared/sim/states"
)

// The failback that is interrupted begins at 8m, and is approved as soon as it asks,
// from 9m on. Undisturbed it has ended by 12m. Its authority ends twelve minutes after
// its last task has begun, at the latest, and two sweeps have looked a few minutes later.
const (
	interruptedStart    = 8 * time.Minute
	interruptedApproved = 9 * time.Minute
	interruptedDuration = 26 * time.Minute
)

// interrupted is a failback of four units with short times.
func interrupted(t *testing.T) *Scenario {
	t.Helper()
	s, err := Find("failback-restored")
	if err != nil {
		t.Fatal(err)
	}
	f := &s.Config.GroupList[0].Failback
	f.Stability, f.Soak, f.ApprovalTimeout = config.Duration(time.Minute), config.Duration(5*time.Second), config.Duration(2*time.Minute)
	s.Duration, s.Expect = config.Duration(interruptedDuration), Expect{}
	s.Script = slices.DeleteFunc(s.Script, func(step Step) bool { return isFailback(step.Do) })
	s.Script = append(s.Script, Step{At: config.Duration(interruptedStart), Do: FailbackStart, Group: s.Config.GroupList[0].Name})
	return s
}

// cut plays the failback, and cuts it at the nth call of its tasks: the task dies before
// the call has had its effect, or between the effect and the answer. stop: the state
// machine is stopped as well, so that nothing runs the task again; else it goes on by
// what the definition says.
func cut(t *testing.T, s *Scenario, n int, kind sim.FaultKind, stop bool) *Result {
	t.Helper()
	seed := uint64(n)
	played := *s
	played.Faults.Rules = []RuleSpec{{Process: "failback-", Nth: n, Kind: kind}}
	group := s.Config.GroupList[0].Name
	res, err := Play(t.Context(), &played, PlayOptions{Seed: &seed, Wire: true, rigged: func(r *Rig) {
		w, err := r.Workflow()
		if err != nil {
			t.Error(err)
			return
		}
		if stop {
			w.ended = func(run *Run) {
				if !run.Finished {
					_ = w.stop(Step{Group: group}) // One was started, or no task would run.
				}
			}
		}
		for at := interruptedApproved; at < interruptedDuration; at += 10 * time.Second {
			r.Scheduler.At(Start().Add(at), "approve", func() {
				_ = w.answer(Step{Do: FailbackApprove, Group: group}) // Unless nobody asks.
			})
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestAFailbackIsInterruptedAnywhere: whatever call of its tasks the workflow dies at,
// the group ends whole on one path, and the failback in one of its ends, once its
// authority has run out and a sweep has looked. Nobody loses traffic by it.
func TestAFailbackIsInterruptedAnywhere(t *testing.T) {
	s := interrupted(t)
	if is := standsAs(recordOf(t, cut(t, s, 1<<20, sim.FaultKill, true))); is != string(protection.EndRestored) {
		t.Fatalf("undisturbed the failback is %s", is)
	}
	for _, way := range []struct {
		name string
		kind sim.FaultKind
		stop bool
		// step is 1: after every call. Before a call is mostly after the one before it.
		step int
	}{
		{"and never goes on, after the effect", sim.FaultKillAfter, true, 1},
		{"and never goes on, before the effect", sim.FaultKill, true, 5},
		{"and goes on, after the effect", sim.FaultKillAfter, false, 3},
	} {
		if raceEnabled {
			way.step *= 10
		}
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			ends := map[string]int{}
			for n := 1; ; n += way.step {
				res := cut(t, s, n, way.kind, way.stop)
				if counts := res.Rig.plan.Counts(); len(counts) == 0 {
					break // There is no nth call.
				}
				is := standsAs(recordOf(t, res))
				ends[is]++
				if why := broken(res, is, way.stop); why != "" {
					t.Errorf("after call %d: %s", n, why)
				}
			}
			if n := ends[string(protection.EndRestored)] + ends[string(protection.EndAsBefore)]; n < 100/way.step {
				t.Errorf("only %d calls were interrupted", n)
			}
			t.Log(ends)
		})
	}
}

// broken says what is wrong with the end of an interrupted failback; empty: nothing is.
func broken(res *Result, is string, stopped bool) string {
	for _, v := range res.Violations {
		return fmt.Sprintf("%s at %s: %s", v.Invariant, sinceStart(v.At), v.Text)
	}
	allowed := []string{string(protection.EndRestored), string(protection.EndAsBefore)}
	if stopped {
		allowed = append(allowed, failbackNone) // Nothing was opened.
	}
	switch {
	case !slices.Contains(allowed, is):
		return "the failback is " + is
	case len(res.ledger.last().groups[0].wholly(res.ledger.end)) != 1:
		return "the group is on no path as a whole"
	case res.Metrics.RoutelessSeconds > 0 || res.Metrics.DeadPathSeconds > untold:
		return fmt.Sprintf("routes were missing for %gs, and on a dead path for %gs", res.Metrics.RoutelessSeconds, res.Metrics.DeadPathSeconds)
	}
	for _, started := range res.Rig.workflow.Started {
		x, _ := res.Rig.workflow.Engine.Execution(started.ARN) // It was started.
		if x.Status == states.Running {
			return "the execution still runs, in " + x.State
		}
	}
	return ""
}

// untold is how long the failure itself may leave the four routes on the dead path: AWS
// needs 32 seconds to tell of it.
const untold = 4 * 33

func recordOf(t *testing.T, res *Result) protection.Record {
	t.Helper()
	record, err := res.Rig.record(res.Scenario.Config.GroupList[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	return record
}
