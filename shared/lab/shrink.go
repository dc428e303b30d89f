package lab

import (
	"context"
	"slices"

	"detour/shared/config"
)

// shrinkRuns bounds how many runs a finding may cost.
const shrinkRuns = 400

// shrinker makes a failing scenario smaller while it still breaks the same
// invariant.
type shrinker struct {
	ctx  context.Context // of the one call of shrink that the shrinker lives for
	want Invariant
	err  bool
	opts PlayOptions
	best *Scenario
	left int
}

// shrink removes steps, groups, filters, entries and faults from a failing scenario.
// It stops after so many runs, or if ctx ends.
func shrink(ctx context.Context, s *Scenario, finding *Finding, opts PlayOptions, runs int) *Scenario {
	sh := &shrinker{ctx: ctx, opts: opts, best: s, left: runs, err: finding.Err != ""}
	if len(finding.Violations) > 0 {
		sh.want = finding.Violations[0].Invariant
	}
	for {
		before := sh.left
		smaller := sh.steps() || sh.groups() || sh.filters() || sh.entries() || sh.faults()
		if !smaller || sh.left <= 0 || before == sh.left {
			return sh.best
		}
	}
}

// try keeps the candidate if it fails in the same way.
func (sh *shrinker) try(change func(s *Scenario)) bool {
	if sh.left <= 0 || sh.ctx.Err() != nil {
		return false
	}
	sh.left--
	candidate := sh.best.clone()
	change(candidate)
	candidate.dropOrphanedClears()
	candidate.Config = pruneLists(candidate.Config)
	for _, c := range candidate.configs() {
		if len(config.Check(c.Config)) > 0 {
			return false
		}
	}
	res, err := playGenerated(sh.ctx, candidate, sh.opts)
	if sh.ctx.Err() != nil {
		return false
	}
	if sh.err != (err != nil) {
		return false
	}
	if err == nil && !slices.ContainsFunc(res.Violations, func(v Violation) bool { return v.Invariant == sh.want }) {
		return false
	}
	sh.best = candidate
	return true
}

// steps removes steps of the script, in halves and then one by one.
func (sh *shrinker) steps() bool {
	smaller := false
	for size := max(len(sh.best.Script)/2, 1); size >= 1; size /= 2 {
		for i := len(sh.best.Script) - size; i >= 0; i -= size {
			smaller = sh.try(func(s *Scenario) { s.Script = slices.Delete(s.Script, i, i+size) }) || smaller
			i = min(i, len(sh.best.Script))
		}
	}
	return smaller
}

func (sh *shrinker) groups() bool {
	smaller := false
	for i := len(sh.best.Config.GroupList) - 1; i >= 0; i-- {
		name := sh.best.Config.GroupList[i].Name
		smaller = sh.try(func(s *Scenario) {
			s.Config.GroupList = slices.Delete(s.Config.GroupList, i, i+1)
			s.Script = slices.DeleteFunc(s.Script, func(step Step) bool { return step.Group == name })
		}) || smaller
	}
	return smaller
}

func (sh *shrinker) filters() bool {
	smaller := false
	for i := len(sh.best.Config.FilterList) - 1; i >= 0; i-- {
		name := sh.best.Config.FilterList[i].Name
		smaller = sh.try(func(s *Scenario) {
			s.Config.FilterList = slices.Delete(s.Config.FilterList, i, i+1)
			s.Script = slices.DeleteFunc(s.Script, func(step Step) bool { return step.Filter == name })
		}) || smaller
	}
	return smaller
}

func (sh *shrinker) entries() bool {
	smaller := false
	for g := range sh.best.Config.GroupList {
		for u := len(sh.best.Config.GroupList[g].Units) - 1; u >= 0; u-- {
			for e := len(sh.best.Config.GroupList[g].Units[u].Entries) - 1; e >= 0; e-- {
				smaller = sh.try(func(s *Scenario) {
					unit := &s.Config.GroupList[g].Units[u]
					unit.Entries = slices.Delete(unit.Entries, e, e+1)
					if len(unit.Entries) == 0 {
						s.Config.GroupList[g].Units = slices.Delete(s.Config.GroupList[g].Units, u, u+1)
					}
				}) || smaller
			}
		}
	}
	return smaller
}

// faults switches kinds of fault off, one by one.
func (sh *shrinker) faults() bool {
	smaller := false
	for _, rate := range []func(*FaultSpec) *float64{
		func(f *FaultSpec) *float64 { return &f.Throttle },
		func(f *FaultSpec) *float64 { return &f.ErrorBefore },
		func(f *FaultSpec) *float64 { return &f.ErrorAfter },
		func(f *FaultSpec) *float64 { return &f.DropAnswer },
		func(f *FaultSpec) *float64 { return &f.Stale },
		func(f *FaultSpec) *float64 { return &f.PageFails },
		func(f *FaultSpec) *float64 { return &f.TokenInvalid },
		func(f *FaultSpec) *float64 { return &f.Kill },
		func(f *FaultSpec) *float64 { return &f.Freeze },
		func(f *FaultSpec) *float64 { return &f.LoseEvent },
		func(f *FaultSpec) *float64 { return &f.DoubleEvent },
		func(f *FaultSpec) *float64 { return &f.StoreError },
		func(f *FaultSpec) *float64 { return &f.DoubleWake },
		func(f *FaultSpec) *float64 { return &f.EarlyWake },
	} {
		if *rate(&sh.best.Faults) > 0 {
			smaller = sh.try(func(s *Scenario) { *rate(&s.Faults) = 0 }) || smaller
		}
	}
	return smaller
}

// dropOrphanedClears removes the steps that clear a request which no step before
// them makes: a scenario file must not have any.
func (s *Scenario) dropOrphanedClears() {
	ids := requestIDs(s.Script)
	s.Script = slices.DeleteFunc(slices.Clone(s.Script), func(step Step) bool {
		return step.Do == ClearRequest && !madeBefore(s.Script, ids, step)
	})
}

// clone copies what shrinking changes.
func (s *Scenario) clone() *Scenario {
	out := *s
	out.Script = slices.Clone(s.Script)
	out.Config = s.Config.Normalize()
	return &out
}
