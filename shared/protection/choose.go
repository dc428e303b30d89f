package protection

import (
	"slices"
	"time"

	"detour/shared/health"
)

// choose finds the highest request that stands, in the order of RFC 6378.
func (d *decider) choose() choice {
	if c, ok := d.chooseForced(); ok {
		return c
	}
	if c, ok := d.chooseSignalFail(); ok {
		return c
	}
	if c, ok := d.chooseSignalDegrade(); ok {
		return c
	}
	if c, ok := d.chooseManual(); ok {
		return c
	}
	if c, ok := d.chooseFailback(); ok {
		return c
	}
	return d.chooseRest()
}

// chooseRest is rows 7 to 9. A move that a person made and that was adopted
// stands like a manual switch.
func (d *decider) chooseRest() choice {
	if c, ok := d.chooseRemainder(); ok {
		return c
	}
	active := d.in.Record.Decision.To
	away := active != d.in.Group.Working()
	if away && d.in.Record.Decision.Reason == ReasonMovedByHand {
		return choice{action: Stay, reason: ReasonManualSwitch}
	}
	rest := choice{action: Stay, reason: ReasonNoRequest}
	switch {
	case away && d.in.Group.Revertive:
		rest = d.chooseRestore()
	case away:
		rest.reason = ReasonDoNotRevert
	}
	if rest.action == Stay && d.health(active).State == health.Unknown {
		rest.reason = ReasonSensor
	}
	return rest
}

// chooseForced is rows 2 and 3: a force stands until cleared, and is cancelled,
// never resumed, by signal fail on its own target. One that is refused leaves an
// older one standing.
func (d *decider) chooseForced() (choice, bool) {
	for {
		request, ok := d.newest(ForcedSwitch)
		if !ok {
			return choice{}, false
		}
		if refused := d.refusesForce(request); refused != "" {
			d.end(request, refused)
			continue
		}
		d.supersede(request, ForcedSwitch)
		if d.masked(request) {
			d.due(d.ignoreUntil(request))
		}
		return d.toward(request, request.Path, ReasonForcedSwitch), true
	}
}

// refusesForce says why a force cannot stand; "" means that it can.
func (d *decider) refusesForce(request Request) Reason {
	target := d.health(request.Path)
	// Hold-off keeps a force that stands already, and helps no new one.
	down := target.State == health.Down || (target.Evidence == health.Down && request.Path != d.in.Record.Decision.To)
	switch {
	case !d.in.Group.HasPath(request.Path):
		return ReasonUnknownPath
	case target.State == health.AdminDown:
		return ReasonTargetLocked
	case down && !d.masked(request):
		return ReasonTargetDown
	case !d.there(request.Path, 0) && d.lists(request) == listsChanged:
		return ReasonListChanged
	default:
		return d.refusesLearned(request, request.Path)
	}
}

// standingForce is the force that chooseForced will obey.
func (d *decider) standingForce() (Request, bool) {
	for _, r := range slices.Backward(d.in.Requests) {
		if r.Kind == ForcedSwitch && !d.waits(r) && d.refusesForce(r) == "" {
			return r, true
		}
	}
	return Request{}, false
}

// masked: the force ignores its target's health, and has not expired.
func (d *decider) masked(request Request) bool {
	return request.IgnoreHealth && d.in.Now.Before(d.ignoreUntil(request))
}

func (d *decider) ignoreUntil(request Request) time.Time {
	return request.At.Add(d.in.Group.Limits.IgnoreHealthFor)
}

// chooseSignalFail is row 4, and a lockout of the active path.
func (d *decider) chooseSignalFail() (choice, bool) {
	failed, reason := d.failing()
	if failed == "" {
		return choice{}, false
	}
	d.endAll(ManualSwitch, reason)
	d.endAll(ManualSwitchToWorking, reason)
	target, ok := d.best(failed)
	if reason != ReasonSignalFail && reason != ReasonLockout {
		target, ok = d.back(failed)
	}
	switch {
	case !ok && d.restMayFollow(failed):
		return d.remainder(reason), true
	case !ok:
		return choice{action: Hold, reason: ReasonNoUsablePath}, true
	case reason != ReasonSignalFail:
		// A lockout is an operator's own word, and an expectation that failed was a move
		// of Detour's; the blast radius is for signals.
		return d.afterFailure(choice{to: target, action: Move, reason: reason}, failed), true
	}
	return d.afterFailure(choice{to: target, action: Move, reason: reason, automatic: true, failed: failed}, failed), true
}

// failing is the path in use that is Down or locked out, or whose learned routes
// did not come when statics were deleted for them. While a move is
// partial two paths are in use.
func (d *decider) failing() (string, Reason) {
	if reason := d.expectationFailed(); reason != "" {
		return d.in.Record.Decision.To, reason
	}
	inUse := []string{d.in.Record.Decision.To}
	if d.partial() {
		inUse = append(inUse, d.in.Record.Decision.From)
	}
	for _, path := range inUse {
		switch d.health(path).State {
		case health.Down:
			return path, ReasonSignalFail
		case health.AdminDown:
			return path, ReasonLockout
		case health.Unknown, health.Up, health.Degraded:
		}
	}
	return "", ""
}

// best is the most preferred eligible path other than the failed one. Paths that
// are Up come first, Degraded ones second, and whatever is suppressed last;
// among equals the group's order decides. While a move is partial, the other path in use is taken
// if it is in the first class, so that no third path is brought in, unless the
// next run would restore the group to its working path anyway.
func (d *decider) best(failed string) (string, bool) {
	bestClass, bestPath := 0, ""
	cur := d.in.Record.Decision
	keep := d.partial() && (!d.in.Group.Revertive || failed == d.in.Group.Working() || !d.restoreDue())
	for _, h := range d.in.Health {
		class := d.class(h)
		if h.Path == failed || class == 0 {
			continue
		}
		if class == 3 && keep && (h.Path == cur.To || h.Path == cur.From) {
			return h.Path, true
		}
		if class > bestClass {
			bestClass, bestPath = class, h.Path
		}
	}
	return bestPath, bestClass > 0
}

// class is the preference for a path, as far as its learned routes allow it: one
// to which the group cannot be moved is not eligible, and one whose routes did not
// come is the last.
func (d *decider) class(h PathHealth) int {
	switch {
	case d.notReady(h.Path) != "":
		return 0
	case d.isUnmet(h.Path):
		return min(1, preference(h.Assessment))
	default:
		return preference(h.Assessment)
	}
}

// classOf is class by the path's name.
func (d *decider) classOf(path string) int { return d.class(PathHealth{path, d.health(path)}) }

// preference classes an eligible path: 3 best, 0 not eligible. Hold-off keeps a
// group on a path whose facts show Down; it makes no such path a target.
func preference(a health.Assessment) int {
	switch {
	case !a.State.Alive() || a.Evidence == health.Down:
		return 0
	case a.Suppressed:
		return 1
	case a.State == health.Degraded:
		return 2
	default:
		return 3
	}
}

// chooseSignalDegrade is row 5: only in a group that asks for it, and only to a path that is Up.
func (d *decider) chooseSignalDegrade() (choice, bool) {
	target, ok := d.degraded()
	if !ok {
		return choice{}, false
	}
	active := d.in.Record.Decision.To
	d.endAll(ManualSwitch, ReasonSignalDegrade)
	d.endAll(ManualSwitchToWorking, ReasonSignalDegrade)
	return d.afterFailure(choice{to: target, action: Move, reason: ReasonSignalDegrade, automatic: true, failed: active}, active), true
}

// degraded is where the group goes because its active path is only Degraded; ok is
// false where it does not.
func (d *decider) degraded() (target string, ok bool) {
	active := d.in.Record.Decision.To
	if !d.in.Group.SwitchOnDegrade || d.health(active).State != health.Degraded {
		return "", false
	}
	target, ok = d.best(active)
	return target, ok && d.classOf(target) == 3
}

// chooseManual is row 6. A manual switch stands until cleared or cancelled; a
// manual switch to working is done once it is there. One that is refused leaves
// an older one standing.
func (d *decider) chooseManual() (choice, bool) {
	for {
		request, ok := d.newest(ManualSwitch, ManualSwitchToWorking)
		if f := d.out.Next.Failback; !ok || f.Open() && !request.At.After(f.At) {
			return choice{}, false // The newest of the row stands, and that is the failback.
		}
		if refused := d.refuses(request); refused != "" {
			d.end(request, refused)
			continue
		}
		d.supersede(request, ManualSwitch, ManualSwitchToWorking)
		target, reason := d.manualTarget(request)
		d.endAuthority(reason)
		if f := &d.out.Next.Failback; d.in.Record.failbackMoving() && target == f.To && d.there(target, request.Extent) {
			f.Kept = true
		}
		return d.follow(request)
	}
}

// manualTarget is the path that a manual switch asks for, and the reason that a
// move to it has.
func (d *decider) manualTarget(request Request) (string, Reason) {
	if request.Kind == ManualSwitchToWorking {
		return d.in.Group.Working(), ReasonManualToWorking
	}
	return request.Path, ReasonManualSwitch
}

// refuses says why a manual switch cannot be followed; "" means that it can. One
// that is where it wants to be needs nothing of its target.
func (d *decider) refuses(request Request) Reason {
	target, _ := d.manualTarget(request)
	if d.there(target, request.Extent) {
		return ""
	}
	a := d.health(target)
	switch {
	case a.State == health.AdminDown:
		return ReasonTargetLocked
	case a.State != health.Up || a.Evidence == health.Down:
		return ReasonTargetNotUp
	case a.Suppressed:
		return ReasonSuppressed
	case d.lists(request) == listsChanged:
		return ReasonListChanged
	default:
		return d.refusesLearned(request, target)
	}
}

func (d *decider) follow(request Request) (choice, bool) {
	target, reason := d.manualTarget(request)
	if request.Kind == ManualSwitchToWorking && d.there(target, request.Extent) {
		d.end(request, ReasonDone)
		return choice{}, false
	}
	return d.toward(request, target, reason), true
}

// there reports whether the group is on the path, as far as the extent asks.
func (d *decider) there(path string, extent int) bool {
	return path == d.in.Record.Decision.To && !d.below(extent)
}

// below reports whether the move under way has not reached the extent.
func (d *decider) below(extent int) bool {
	if extent == 0 || extent > d.in.Group.Steps() {
		extent = d.in.Group.Steps()
	}
	return d.partial() && d.in.Record.Decision.Extent < extent
}

// toward moves to the path, or stays if the group is there already.
func (d *decider) toward(request Request, path string, reason Reason) choice {
	extent := d.portion(request, path)
	if d.there(path, extent) {
		return choice{action: Stay, reason: reason}
	}
	return choice{to: path, extent: extent, aim: d.aim(request, extent), action: Move, reason: reason, unproven: request.Unproven}
}

// chooseRestore is row 7: the working path must have been Up, unbroken and not
// suppressed, for the wait-to-restore time.
func (d *decider) chooseRestore() choice {
	if d.restoreDue() {
		return choice{to: d.in.Group.Working(), action: Move, reason: ReasonRestored, automatic: true}
	}
	if a := d.health(d.in.Group.Working()); preference(a) == 3 {
		d.due(d.restoreAt(a))
	}
	return choice{action: Stay, reason: ReasonWaitToRestore}
}

// restoreDue: the working path has been fit for use for the wait-to-restore time,
// and its learned routes are proven.
func (d *decider) restoreDue() bool {
	a := d.health(d.in.Group.Working())
	return d.classOf(d.in.Group.Working()) == 3 && !d.in.Now.Before(d.restoreAt(a))
}

// restoreAt is when a working path that stays fit has waited to restore. The end of a
// failback's authority starts the time anew: what it found would else be overruled at
// once.
func (d *decider) restoreAt(working health.Assessment) time.Time {
	since := working.Since
	if over := d.out.Next.Failback.OverAt; over.After(since) {
		since = over
	}
	return since.Add(d.in.Group.WaitToRestore)
}

// endRequests ends requests that cannot stand: those that name no path of the
// group.
func (d *decider) endRequests() {
	for _, r := range d.in.Requests {
		switch r.Kind {
		case Lockout, ForcedSwitch, ManualSwitch:
			if !d.in.Group.HasPath(r.Path) {
				d.end(r, ReasonUnknownPath)
			}
		case Freeze, ManualSwitchToWorking, Release, AdoptAnew, FailbackAbort:
		}
	}
}

// release ends the contention of the group's entries. It acts at once, before
// the tables are looked at, so that the entries are in scope again on this run.
func (d *decider) release() {
	if d.out.Freeze.On {
		return // It waits for the freeze to end, since nothing could follow from it.
	}
	for _, r := range d.in.Requests {
		if r.Kind == Release {
			d.end(r, ReasonDone)
			d.out.Next.Contended = nil
			d.out.Next.Reversals, d.out.Next.Writers = nil, nil
		}
	}
}

// supersede ends the other requests of the kinds: the newest one stands. One that
// waits may be newer.
func (d *decider) supersede(newest Request, kinds ...RequestKind) {
	for _, r := range d.in.Requests {
		if slices.Contains(kinds, r.Kind) && r.ID != newest.ID && !d.waits(r) {
			d.end(r, ReasonSuperseded)
		}
	}
}

// newest returns the newest request of the kinds that has not ended and does not
// wait.
func (d *decider) newest(kinds ...RequestKind) (Request, bool) {
	for i := len(d.in.Requests) - 1; i >= 0; i-- {
		r := d.in.Requests[i]
		if slices.Contains(kinds, r.Kind) && !d.ended(r) && !d.waits(r) {
			return r, true
		}
	}
	return Request{}, false
}

func (d *decider) ended(r Request) bool {
	for _, e := range d.out.Ended {
		if e.Request.ID == r.ID {
			return true
		}
	}
	return false
}

func (d *decider) end(r Request, reason Reason) {
	if !d.ended(r) {
		d.out.Ended = append(d.out.Ended, Ended{Request: r, Reason: reason})
	}
}

func (d *decider) endAll(kind RequestKind, reason Reason) {
	for _, r := range d.in.Requests {
		if r.Kind == kind {
			d.end(r, reason)
		}
	}
}
