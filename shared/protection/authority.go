package protection

import (
	"slices"

	"detour/shared/health"
)

// expected is the epoch that the group's decision has for as long as nothing but the
// failback has moved it.
func (f Failback) expected() int64 {
	if f.Epoch != 0 {
		return f.Epoch
	}
	return f.Base
}

// endAuthority ends the failback's authority. The first reason stands.
func (d *decider) endAuthority(why Reason) {
	if f := &d.out.Next.Failback; f.Open() {
		f.Over, f.OverAt, f.Token = why, d.in.Now, ""
	}
}

// watchFailback ends the authority of an open failback where something has taken it
// away. It comes before anything is done in its name.
func (d *decider) watchFailback() {
	aborted := d.asked(FailbackAbort)
	for _, r := range d.in.Requests {
		if r.Kind == FailbackAbort {
			d.end(r, ReasonDone)
		}
	}
	f := &d.out.Next.Failback
	if f.Open() && d.in.Record.Decision.Epoch != f.expected() {
		d.endAuthority(d.movedOn()) // A run that knew nothing of it moved the group.
	}
	if f.Open() {
		if why := d.takesAuthority(aborted); why != "" {
			d.endAuthority(why)
		}
	}
	// A freeze takes nothing back of a change whose last unit has moved.
	cur := d.in.Record.Decision
	if f.Over == ReasonFrozen && d.out.Freeze.On && d.in.Record.failbackMoving() && cur.To == f.To && !d.partial() && d.classOf(f.To) > 0 {
		f.Kept = f.Kept || d.out.Next.Settled || !d.out.Freeze.Immediate
	}
}

// takesAuthority says what ends the authority of the open failback in this run; empty:
// nothing does.
func (d *decider) takesAuthority(aborted bool) Reason {
	f := d.out.Next.Failback
	if d.in.Group.Mode == Observe {
		return ReasonObserveMode
	}
	if d.out.Freeze.On {
		return ReasonFrozen
	}
	if _, forced := d.standingForce(); forced {
		return ReasonForcedSwitch
	}
	if why := d.pathTaken(f); why != "" {
		return why
	}
	if why := d.expectationFailed(); why != "" && f.Epoch != 0 {
		return why
	}
	if _, degraded := d.degraded(); degraded {
		return ReasonSignalDegrade
	}
	switch {
	case d.refitted || f.To != d.in.Group.Working() || !d.in.Group.HasPath(f.From):
		return ReasonConfiguration
	case d.undoneNow():
		return ReasonUndone
	case aborted:
		return ReasonAborted
	case !d.in.Now.Before(f.Until):
		return ReasonSilence
	default:
		return ""
	}
}

// pathTaken says what took one of the failback's two paths out of use; empty: nothing
// did.
func (d *decider) pathTaken(f Failback) Reason {
	for _, path := range []string{f.To, f.From} {
		switch d.health(path).State {
		case health.AdminDown:
			return ReasonLockout
		case health.Down:
			return ReasonSignalFail
		case health.Unknown, health.Up, health.Degraded:
		}
	}
	return ""
}

// undoneNow: this run counted an entry that somebody else changed.
func (d *decider) undoneNow() bool {
	return slices.ContainsFunc(d.out.Next.Reversals, func(r Reversal) bool { return r.At.Equal(d.in.Now) })
}

// chooseFailback is the workflow's place in row 6: while it has authority the group
// stays at its extent, unless it is to be raised. What its end leaves is undone.
func (d *decider) chooseFailback() (choice, bool) {
	f := &d.out.Next.Failback
	switch step := d.in.Failback; {
	case f.Open() && step != nil && step.Kind == FailbackAdvance && step.ID == f.ID:
		return d.advance(*step)
	case f.Open():
		return choice{action: Stay, reason: ReasonFailback}, true
	case d.undoPending():
		return d.chooseUndo()
	default:
		return choice{}, false
	}
}

// undoPending: the authority is over, and the group is to leave the middle of the
// failback, or a target that nobody vouched for.
func (d *decider) undoPending() bool {
	f := d.out.Next.Failback
	return f.Over != "" && !f.Kept && d.in.Record.failbackMoving() && d.in.Record.Decision.To == f.To
}

// chooseUndo returns the group to where it was, if that path is no worse than the
// target; else it goes on to the target. Neither is left for one of which nothing is
// known.
func (d *decider) chooseUndo() (choice, bool) {
	f, cur := &d.out.Next.Failback, d.in.Record.Decision
	from, to := d.classOf(f.From), d.classOf(cur.To)
	switch {
	case from > 0 && from >= to:
		return choice{to: f.From, action: Undo, reason: f.Over, failback: true}, true
	case d.partial() && to == 0:
		return choice{action: Hold, reason: ReasonSensor}, true
	case d.partial():
		return d.complete(f.Over), true
	default:
		f.Kept = true
		return choice{}, false
	}
}

// complete is the choice to bring the rest of a failback that is over to the target.
func (d *decider) complete(why Reason) choice {
	return choice{to: d.in.Record.Decision.To, action: Move, reason: why, unproven: d.out.Next.Failback.Unproven, failback: true}
}

// afterFailure turns the choice that a failed path makes while a failback is in the
// middle into its undo, or its completion: both are ends of the one change.
func (d *decider) afterFailure(c choice, failed string) choice {
	cur := d.in.Record.Decision
	switch f := d.out.Next.Failback; {
	case !d.undoPending():
		return c
	case failed == cur.To && c.to == f.From:
		return choice{to: f.From, action: Undo, reason: c.reason, failback: true}
	case failed == cur.From && c.to == cur.To && d.partial():
		return d.complete(c.reason)
	default:
		return c
	}
}

// noteFailback notes in the record what the decision that was committed means for the
// failback.
func (d *decider) noteFailback(c choice) {
	f, next := &d.out.Next.Failback, d.out.Next.Decision
	switch {
	case !c.failback:
	case f.Open():
		f.Epoch = next.Epoch
	case next.To == f.To:
		f.Kept = true
	}
}

// concludeFailback says at the end of a run what became of the failback.
func (d *decider) concludeFailback() {
	f, next := &d.out.Next.Failback, &d.out.Next
	if f.Open() && next.Decision.Epoch != f.expected() {
		d.endAuthority(d.movedOn())
	}
	d.answerLast()
	if f.ID == "" || f.End != "" {
		return
	}
	if f.Open() {
		d.due(f.Until)
		return
	}
	d.keptByRequest()
	middle := next.failbackMiddle()
	f.Frozen = middle && d.out.Freeze.On && !d.out.Writes(d.in.Group.Mode)
	d.out.HeldPartial = d.out.HeldPartial || f.Frozen
	switch {
	case !middle:
		f.End = next.FailbackEnd()
	case f.Kept && next.Decision.Extent < d.in.Group.Steps():
		f.End, f.Frozen = EndSuperseded, false // An operator wants it so.
	}
}

// movedOn says why the group's decision is another one by now.
func (d *decider) movedOn() Reason {
	f, group := d.out.Next.Failback, d.in.Group
	switch {
	case group.Mode == Observe:
		return ReasonObserveMode
	case f.To != group.Working() || !group.HasPath(f.From):
		return ReasonConfiguration
	default:
		return d.out.Next.Decision.Reason
	}
}

// keptByRequest: where an operator's own word has the group on the target, it stays
// there.
func (d *decider) keptByRequest() {
	f, next := &d.out.Next.Failback, d.out.Next
	asked := slices.Contains([]Reason{ReasonForcedSwitch, ReasonManualSwitch, ReasonManualToWorking}, d.out.Decision.Reason)
	if asked && !d.out.WouldBe && next.failbackMoving() && next.Decision.To == f.To {
		f.Kept = true
	}
}

// answerLast completes the answer to the workflow: where the authority ended in the same
// run, whatever was accepted has no effect.
func (d *decider) answerLast() {
	f, step := d.out.Next.Failback, d.in.Failback
	switch {
	case step == nil:
	case f.ID != "" && f.ID == step.ID && !f.Open() && step.Kind != FailbackUndo && step.Kind != FailbackClose:
		d.out.Failback = FailbackAnswer{Refused: f.Over}
	case !d.answered:
		d.out.Failback = FailbackAnswer{Refused: ReasonNotSettled, Retry: true}
	}
}
