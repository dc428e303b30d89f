package protection

import (
	"slices"
	"time"

	"detour/shared/health"
)

// maxAuthority bounds how long a task may ask the authority to last: the longest
// approval timeout, and some.
const maxAuthority = 25 * time.Hour

// hearFailback follows the word of the workflow. A raise of the extent is only noted
// here, since it stands in row 6 of the requests.
func (d *decider) hearFailback() {
	step := d.in.Failback
	if step == nil {
		return
	}
	f := &d.out.Next.Failback
	switch {
	case step.Kind == FailbackOpen:
		d.answer(d.open(*step))
	case f.ID == "" || f.ID != step.ID:
		d.answer(FailbackAnswer{Refused: ReasonFailbackOver})
	case step.Kind == FailbackUndo || step.Kind == FailbackClose:
		d.answer(d.finishFailback(*step))
	case !f.Open():
		d.answer(FailbackAnswer{Refused: f.Over})
	case step.Kind == FailbackAsk:
		d.answer(d.askApproval(*step))
	case step.Kind == FailbackBeat:
		f.Token = "" // The workflow goes on, so its question was answered.
		d.prolong(*step)
		d.answer(FailbackAnswer{Accepted: true})
	}
}

func (d *decider) answer(answer FailbackAnswer) {
	d.out.Failback, d.answered = answer, true
}

// prolong makes the authority last for as long from now on as the task asks.
func (d *decider) prolong(step FailbackStep) {
	d.out.Next.Failback.Until = d.in.Now.Add(lasting(step))
}

func lasting(step FailbackStep) time.Duration {
	if step.For <= 0 {
		return FailbackAuthority
	}
	return min(step.For, maxAuthority)
}

// open begins a failback, if all holds that must hold before.
func (d *decider) open(step FailbackStep) FailbackAnswer {
	f := &d.out.Next.Failback
	if f.ID != "" && f.ID == step.ID {
		if !f.Open() {
			return FailbackAnswer{Refused: f.Over}
		}
		if until := d.in.Now.Add(lasting(step)); until.After(f.Until) {
			f.Until = until
		}
		return FailbackAnswer{Accepted: true}
	}
	if refused := d.refusesOpen(step); refused.Refused != "" {
		return refused
	}
	cur := d.in.Record.Decision
	*f = Failback{
		ID: step.ID, By: step.By, Why: step.Why, Unproven: step.Unproven,
		Base: cur.Epoch, From: cur.To, To: d.in.Group.Working(), At: d.in.Now, Until: d.in.Now.Add(lasting(step)),
	}
	return FailbackAnswer{Accepted: true}
}

// refusesOpen says why no failback can begin; the zero answer means that one can.
func (d *decider) refusesOpen(step FailbackStep) FailbackAnswer {
	if refused := d.outranks(); refused.Refused != "" {
		return refused
	}
	if refused := d.unfit(); refused.Refused != "" {
		return refused
	}
	if refused := d.refusesTarget(step.Unproven); refused.Refused != "" {
		return refused
	}
	if refused := d.inTheWay(); refused.Refused != "" {
		return refused
	}
	return d.unstable()
}

// outranks says what of the same or a higher priority stands against a new failback.
func (d *decider) outranks() FailbackAnswer {
	f := d.out.Next.Failback
	_, forced := d.standingForce()
	_, degraded := d.degraded()
	active := d.health(d.in.Record.Decision.To).State
	switch {
	case f.Open():
		return FailbackAnswer{Refused: ReasonFailbackUnderWay}
	case d.in.Group.Mode == Observe:
		return FailbackAnswer{Refused: ReasonObserveMode}
	case d.out.Freeze.On:
		return FailbackAnswer{Refused: ReasonFrozen}
	case forced:
		return FailbackAnswer{Refused: ReasonForcedSwitch}
	case active == health.AdminDown:
		return FailbackAnswer{Refused: ReasonLockout}
	case !d.in.Record.MassFailureAt.IsZero() && !active.Alive(): // Else the hold ends with this run.
		return FailbackAnswer{Refused: ReasonMassFailure}
	case active == health.Down:
		return FailbackAnswer{Refused: ReasonSignalFail}
	case degraded:
		return FailbackAnswer{Refused: ReasonSignalDegrade}
	default:
		return FailbackAnswer{}
	}
}

// unfit says what about the group's place keeps a failback from beginning.
func (d *decider) unfit() FailbackAnswer {
	cur := d.in.Record.Decision
	switch {
	case !d.in.Standing.Complete:
		return FailbackAnswer{Refused: ReasonIncomplete, Retry: true}
	case d.unsettled(), d.out.Next.failbackMoving():
		return FailbackAnswer{Refused: ReasonNotSettled, Retry: true}
	case d.partial():
		return FailbackAnswer{Refused: ReasonPartlyMoved}
	case cur.To == d.in.Group.Working():
		return FailbackAnswer{Refused: ReasonOnWorking}
	default:
		return FailbackAnswer{}
	}
}

// unsettled: the tables are not known to stand as decided.
func (d *decider) unsettled() bool {
	return !d.out.Next.Settled || !d.out.Next.Sighting.At.IsZero()
}

// refusesTarget says why nothing may be moved to the working path.
func (d *decider) refusesTarget(unproven bool) FailbackAnswer {
	target := d.in.Group.Working()
	a := d.health(target)
	switch {
	case a.State == health.AdminDown:
		return FailbackAnswer{Refused: ReasonLockout}
	case a.State == health.Unknown:
		return FailbackAnswer{Refused: ReasonSensor, Retry: true}
	case a.State != health.Up || a.Evidence == health.Down:
		return FailbackAnswer{Refused: ReasonTargetNotUp}
	case a.Suppressed:
		return FailbackAnswer{Refused: ReasonSuppressed}
	}
	if why := d.hindrance(target, unproven); why != "" {
		return FailbackAnswer{Refused: why, Retry: unread(why)}
	}
	return FailbackAnswer{}
}

// inTheWay names the entries that would keep the group from being whole on the working
// path. What neverTouch covers does not count: that is how it is meant to be.
func (d *decider) inTheWay() FailbackAnswer {
	out := FailbackAnswer{Retry: true}
	for _, e := range d.in.Standing.Entries {
		why := d.blocks(e)
		if why == "" || out.Refused != "" && out.Refused != why {
			continue
		}
		out.Refused, out.Entries = why, append(out.Entries, e.Entry)
		out.Retry = out.Retry && why == ReasonBlocked && e.Blocked == BlockUnreadable
	}
	if out.Refused == "" {
		return FailbackAnswer{}
	}
	return out
}

// blocks says why the entry cannot come to the working path; empty: it can.
func (d *decider) blocks(e EntryStanding) Reason {
	target := d.in.Group.Working()
	switch {
	case e.On(target), e.Untouchable:
		return ""
	case e.Foreign && (!d.in.Group.TakeOver || slices.Contains(e.Learning, target)):
		return ReasonForeign
	case slices.Contains(d.out.Next.Contended, e.Entry):
		return ReasonContended
	case e.Blocked != "":
		return ReasonBlocked
	default:
		return ""
	}
}

// unstable says when the working path will have been Up for long enough, where it has
// not.
func (d *decider) unstable() FailbackAnswer {
	ready := d.health(d.in.Group.Working()).Since.Add(d.in.Group.Failback.Stability)
	if d.in.Now.Before(ready) {
		return FailbackAnswer{Refused: ReasonNotStable, ReadyAt: ready}
	}
	return FailbackAnswer{}
}

// askApproval notes the plan that is shown. It has to be what this run would write.
func (d *decider) askApproval(step FailbackStep) FailbackAnswer {
	f := &d.out.Next.Failback
	switch {
	case f.Epoch != 0 && step.Plan == f.Plan:
		return FailbackAnswer{Accepted: true}
	case f.Epoch != 0:
		return FailbackAnswer{Refused: ReasonPlanChanged}
	case !d.in.Standing.Complete:
		return FailbackAnswer{Refused: ReasonIncomplete, Retry: true}
	case d.unsettled():
		return FailbackAnswer{Refused: ReasonNotSettled, Retry: true}
	case step.Plan == "" || !slices.Equal(step.Steps, d.in.Planned) || d.lists(Request{Lists: step.Lists}) != listsAsSeen:
		return FailbackAnswer{Refused: ReasonPlanChanged, Retry: true}
	case d.inTheWay().Refused != "":
		return d.inTheWay() // It came since the failback was opened.
	}
	f.Plan, f.Steps, f.Lists, f.Token = step.Plan, slices.Clone(step.Steps), slices.Clone(step.Lists), step.Token
	d.prolong(step)
	return FailbackAnswer{Accepted: true}
}

// finishFailback ends the authority at the workflow's own word.
func (d *decider) finishFailback(step FailbackStep) FailbackAnswer {
	f := &d.out.Next.Failback
	why := step.Reason
	if step.Kind == FailbackUndo {
		if f.Kept || f.End == EndRestored {
			return FailbackAnswer{Refused: ReasonFailbackOver}
		}
		if why == "" {
			why = ReasonTaskFailed
		}
		d.endAuthority(why)
		return FailbackAnswer{Accepted: true}
	}
	if why == "" {
		why = ReasonDone
	}
	cur := d.in.Record.Decision
	f.Kept = f.Kept || f.Open() && d.in.Record.failbackMoving() && cur.To == f.To && !d.partial()
	d.endAuthority(why)
	return FailbackAnswer{Accepted: true}
}

// advance raises the extent, or says why not. A refusal that no waiting ends is the end
// of the authority.
func (d *decider) advance(step FailbackStep) (choice, bool) {
	f, cur := &d.out.Next.Failback, d.in.Record.Decision
	extent := step.Extent
	if extent <= 0 || extent > d.in.Group.Steps() {
		extent = d.in.Group.Steps()
	}
	if f.Epoch != 0 && extent <= cur.Extent {
		d.prolong(step)
		d.answer(FailbackAnswer{Accepted: true}) // It was raised before.
		return choice{action: Stay, reason: ReasonFailback}, true
	}
	refused := d.refusesAdvance(step)
	d.answer(refused)
	switch {
	case refused.Refused == "":
	case refused.Retry, !refused.ReadyAt.IsZero():
		return choice{action: Stay, reason: ReasonFailback}, true
	default:
		d.endAuthority(refused.Refused)
		return d.chooseFailback()
	}
	if first, ok := d.firstUnproven(f.To); ok && f.Unproven && f.Epoch == 0 {
		extent = min(extent, first)
	}
	if f.Epoch == 0 {
		d.endAll(ManualSwitch, ReasonSuperseded)
		d.endAll(ManualSwitchToWorking, ReasonSuperseded)
		f.Approved, f.ApprovedAt, f.Token = step.Approver, d.in.Now, ""
	}
	d.prolong(step)
	d.answer(FailbackAnswer{Accepted: true})
	return choice{to: f.To, extent: extent, action: Move, reason: ReasonFailback, unproven: f.Unproven, failback: true}, true
}

// refusesAdvance says why the extent is not raised; the zero answer means that it is.
func (d *decider) refusesAdvance(step FailbackStep) FailbackAnswer {
	f := d.out.Next.Failback
	switch {
	case f.Plan == "" || step.Plan != f.Plan:
		return FailbackAnswer{Refused: ReasonNotApproved}
	case !d.in.Standing.Complete:
		return FailbackAnswer{Refused: ReasonIncomplete, Retry: true}
	}
	if refused := d.refusesTarget(f.Unproven); refused.Refused != "" {
		return refused
	}
	switch d.lists(Request{Lists: f.Lists}) {
	case listsChanged:
		return FailbackAnswer{Refused: ReasonListChanged}
	case listsUnread:
		return FailbackAnswer{Refused: ReasonBlocked, Retry: true}
	case listsAsSeen:
	}
	if d.unsettled() {
		return FailbackAnswer{Refused: ReasonNotSettled, Retry: true}
	}
	if !d.asPlanned() {
		return FailbackAnswer{Refused: ReasonPlanChanged}
	}
	if f.Epoch == 0 {
		return d.unstable()
	}
	return FailbackAnswer{}
}

// asPlanned: the steps that have not moved yet would make the changes that were shown.
func (d *decider) asPlanned() bool {
	f, moved := d.out.Next.Failback, 0
	if f.Epoch != 0 {
		moved = d.in.Record.Decision.Extent
	}
	return len(f.Steps) == len(d.in.Planned) && moved <= len(f.Steps) && slices.Equal(f.Steps[moved:], d.in.Planned[moved:])
}
