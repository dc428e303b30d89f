package protection

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// PathHealth is the assessment of one path.
type PathHealth struct {
	Path string
	health.Assessment
}

// Input is all that a decision depends on.
type Input struct {
	Group *Group
	// Health has one assessment for each path, in the group's order.
	Health []PathHealth
	// Requests are the group's standing requests, in any order.
	Requests []Request
	Record   Record
	Standing Standing
	Budget   Budget
	// Freeze is the global freeze; the group's own is among Requests.
	Freeze FreezeState
	// Writers are others who wrote to the group's tables, as the event that led to the
	// run told.
	Writers []Writer
	// Failback is the word of the group's failback workflow that led to the run; nil:
	// something else did.
	Failback *FailbackStep
	// Planned are the digests of the changes that each step to the working path would
	// make now; empty: no plan can be made.
	Planned []string
	Now     time.Time
}

// Output is a decision with all that follows from it.
type Output struct {
	// Decision is the decision of this run. In Observe mode it is what would be.
	Decision Decision
	// Next is the record to keep. In Observe mode, and under a freeze, its
	// Decision is not the one above.
	Next Record
	// Ended are the requests that no longer stand.
	Ended []Ended
	// Deadline is when to decide again without an event; zero: no deadline.
	Deadline time.Time
	// Freeze is the freeze that stood over the decision.
	Freeze FreezeState
	// WouldBe: the decision was made and is not committed (observe, freeze).
	WouldBe bool
	// Starts: committing Next starts a move, which counts towards the blast radius.
	Starts bool
	// Moved reports that a person moved the routes, and that it was adopted.
	Moved bool
	// NewlyContended are entries that this run gave up writing.
	NewlyContended []EntryKey
	// Proved are the entries whose learned route this run was the first to show after
	// their static was deleted; the times are those of the proof.
	Proved []Proof
	// NotReady are the paths that the group cannot be moved to, and why, in the group's
	// order.
	NotReady []NotReady
	// Unsafe: the committed decision aims at a path that is Down while another one
	// is eligible, and something keeps the group from moving there. Nothing is
	// written towards a dead path meanwhile.
	Unsafe bool
	// HeldPartial: an immediate freeze stopped a change in the middle.
	HeldPartial bool
	// Failback answers Input.Failback.
	Failback FailbackAnswer
}

// Writes reports whether routes may be written from this output: the committed
// decision is not settled, nothing was adopted on this run, nor did it look as if
// a person moved all routes, it is not Unsafe, and no freeze stands in the way. A freeze that is not immediate lets a change
// that is under way end.
func (o Output) Writes(mode Mode) bool {
	switch {
	case mode != Enforce, o.Next.Decision.Epoch == 0, o.Next.Settled, o.Decision.Action == Adopt, o.Unsafe:
		return false
	case o.Next.Sighting.MovedTo != "":
		return false // If it is seen again it is followed.
	case o.Freeze.On:
		// An adoption is no change under way, although its tables may be mixed.
		return !o.Freeze.Immediate && o.Next.Decision.Action != Adopt
	default:
		return true
	}
}

// Decide makes the decision of one run for one group. It is pure, and the
// input is not changed.
func Decide(in Input) Output {
	refitted := in.Record.Steps != 0 && in.Record.Steps != in.Group.Steps()
	in.Record = in.Record.fitted(in.Group.Steps())
	d := &decider{in: in, out: Output{Next: in.Record.Clone()}, refitted: refitted}
	d.in.Requests = slices.Clone(d.in.Requests)
	slices.SortFunc(d.in.Requests, Request.Compare)
	d.remember()
	d.out.Freeze = d.freeze()
	switch {
	case d.asked(AdoptAnew):
		d.adoptAnew()
	case d.mustAdopt():
		d.adopt(ReasonFirstSight)
	case in.Group.Mode == Observe && (!d.sameAsStanding() || in.Record.failbackMiddle()):
		d.adopt(ReasonFirstSight)
	default:
		d.release()
		d.observeTables()
		if d.out.Decision.Action != Adopt {
			d.decide()
		}
	}
	d.tellNotReady()
	d.out.Next.Held = ""
	if d.out.Decision.Action == Hold {
		d.out.Next.Held = d.out.Decision.Reason
	}
	d.deadlines()
	d.heldPartial()
	d.unsafe()
	d.concludeFailback()
	return d.out
}

type decider struct {
	in  Input
	out Output
	// refitted: the record was made for another number of units.
	refitted bool
	// answered: out.Failback answers the workflow's word.
	answered bool
}

// remember carries the paths' memories into the next record, in group order,
// and forgets paths that are no longer declared.
func (d *decider) remember() {
	next := &d.out.Next
	next.Mode = d.in.Group.Mode
	next.Paths = nil
	for _, h := range d.in.Health {
		next.Paths = append(next.Paths, PathMemory{Path: h.Path, Memory: h.Memory})
	}
}

func (d *decider) freeze() FreezeState {
	state := d.in.Freeze
	for _, r := range d.in.Requests {
		if r.Kind == Freeze {
			state.On = true
			state.Immediate = state.Immediate || r.Immediate
		}
	}
	return state
}

func (d *decider) health(path string) health.Assessment {
	for _, h := range d.in.Health {
		if h.Path == path {
			return h.Assessment
		}
	}
	return health.Assessment{}
}

// mustAdopt: there is no decision yet, the group enters enforce, or the
// decision names a path that the configuration no longer has.
func (d *decider) mustAdopt() bool {
	rec := d.in.Record
	return rec.Decision.Epoch == 0 ||
		(rec.Mode == Observe && d.in.Group.Mode == Enforce) ||
		!d.in.Group.HasPath(rec.Decision.To) || !d.in.Group.HasPath(rec.Decision.From)
}

// sameAsStanding: in Observe mode the record follows the tables.
func (d *decider) sameAsStanding() bool {
	return !d.in.Standing.Complete || d.majority() == d.in.Record.Decision.To
}

// majority is the path with most units, ties by the group's order. A unit
// belongs to the path with most of its entries.
func (d *decider) majority() string {
	group := d.in.Group
	units := make([]int, len(group.Paths))
	for u := range group.Units {
		perPath := make([]int, len(group.Paths))
		for _, e := range d.in.Standing.Entries {
			for p, path := range group.Paths {
				if e.Unit == u && e.On(path.Name) && !e.Orphan {
					perPath[p]++
				}
			}
		}
		if best := maxIndex(perPath); perPath[best] > 0 {
			units[best]++
		}
	}
	return group.Paths[maxIndex(units)].Name
}

func maxIndex(counts []int) int {
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return best
}

// adopt takes what stands as the decision. Nothing moves on this run.
func (d *decider) adopt(reason Reason) {
	if !d.in.Standing.Complete {
		d.out.Decision = d.in.Record.Decision
		d.out.Decision.Group = d.in.Group.Name
		d.out.Decision.Action, d.out.Decision.Reason = Hold, ReasonIncomplete
		d.out.WouldBe = true
		// The group has not entered its mode yet: the next run adopts.
		d.out.Next.Mode = d.in.Record.Mode
		return
	}
	path := d.majority()
	d.commit(Decision{From: path, To: path, Extent: d.in.Group.Steps(), Action: Adopt, Reason: reason, Epoch: d.newEpoch()})
	if reason == ReasonFirstSight {
		// By a record that is believed the group was there already.
		d.out.Next.CameAt = d.in.Record.UsedSince(path)
	}
	if d.out.Next.CameAt.IsZero() {
		d.out.Next.CameAt = d.in.Now // It is in use, whatever is written later.
	}
}

// adoptAnew is adopt on an operator's word: with the earlier decision goes all
// that was remembered because of it. The memory of the paths' health stays, since
// it is about the paths. A manual switch of an earlier day gives way, as it does to
// a person who moved the routes; what stands until it is cleared goes on standing.
// Without a whole reading nothing is adopted, and the request waits for one.
func (d *decider) adoptAnew() {
	d.adopt(ReasonAdoptRequested)
	if d.out.Decision.Action != Adopt {
		return
	}
	next := &d.out.Next
	next.Reversals, next.Contended, next.Blackholes, next.Writers, next.Unmet = nil, nil, nil, nil, nil
	d.endAll(AdoptAnew, ReasonDone)
	d.endAll(ManualSwitch, ReasonSuperseded)
	d.endAll(ManualSwitchToWorking, ReasonSuperseded)
}

// asked: a request of the kind stands.
func (d *decider) asked(kind RequestKind) bool {
	return slices.ContainsFunc(d.in.Requests, func(r Request) bool { return r.Kind == kind })
}

func (d *decider) newEpoch() int64 {
	return max(d.in.Record.Decision.Epoch+1, d.in.Now.UnixMilli())
}

// commit makes the decision the record's. The tables are unsettled from here.
func (d *decider) commit(decision Decision) {
	decision.Group = d.in.Group.Name
	next, rec := &d.out.Next, d.in.Record
	next.Decision, next.Settled, next.WroteAt, next.CameAt = decision, false, d.in.Now, time.Time{}
	next.FromCameAt = time.Time{}
	if decision.Action == Move || decision.Action == Undo {
		next.FromCameAt = rec.UsedSince(rec.Decision.To)
		if decision.To != rec.Decision.To && d.neverLeft(decision.To) {
			next.CameAt = rec.FromCameAt
		}
	}
	next.Sighting = Sighting{}
	next.Applied, next.RevivedAt, next.Proving = nil, time.Time{}, nil
	next.Steps = d.in.Group.Steps()
	next.MassFailureAt = time.Time{}
	d.out.Decision = decision
}

// decide goes through the requests by priority.
func (d *decider) decide() {
	d.endRequests()
	d.watchFailback()
	d.hearFailback()
	choice := d.choose()
	d.out.Decision = d.apply(choice)
}

// choice is what the highest request asks for.
type choice struct {
	to     string
	extent int // 0: all
	aim    int // The decision's Aim.
	reason Reason
	action Action
	// automatic choices are bounded by the blast radius.
	automatic bool
	// failed is the path whose failure made the choice, if one did.
	failed string
	// unproven: an operator wants it although nothing proves the learned routes.
	unproven bool
	// failback: it is a failback's own, raising the extent, undoing it or completing it.
	failback bool
}

// apply turns a choice into a decision, and commits it unless a freeze, the
// mode or the blast radius stands in the way.
func (d *decider) apply(c choice) Decision {
	cur := d.in.Record.Decision
	decision := cur
	decision.Group, decision.Action, decision.Reason = d.in.Group.Name, c.action, c.reason
	if c.action != Move && c.action != Undo {
		if d.health(cur.To).State.Alive() {
			// Only the end of the failure ends the hold: a sensor that breaks, or a
			// standby that goes away, does not.
			d.out.Next.MassFailureAt = time.Time{}
		}
		return decision
	}
	extent := c.extent
	if extent == 0 || extent > d.in.Group.Steps() {
		extent = d.in.Group.Steps()
	}
	switch {
	case c.action == Undo:
		decision.From, decision.To, decision.Extent = cur.To, c.to, extent
	case c.to == cur.To && d.partial() && !c.automatic:
		decision.Extent, decision.Action = extent, Step
	default:
		from := cur.To
		if c.to == cur.To {
			from = cur.From
		}
		decision = Decision{Group: decision.Group, From: from, To: c.to, Extent: extent, Action: Move, Reason: c.reason, Epoch: d.newEpoch()}
	}
	decision.Unproven, decision.Aim = c.unproven, c.aim
	if d.held(c) {
		decision = cur
		decision.Group, decision.Action, decision.Reason = d.in.Group.Name, Hold, ReasonMassFailure
		return decision
	}
	if d.in.Group.Mode == Observe || d.out.Freeze.On && !d.finishes(c) {
		d.out.WouldBe = true
		return decision
	}
	d.commit(decision)
	d.noteUnmet(c)
	d.noteFailback(c)
	d.out.Starts = decision.Action == Move
	return decision
}

// held applies the blast radius to automatic moves. A hold waits for an
// operator's release; that the window goes by does not end it, since a false
// signal that lasts would then move everything, only more slowly.
func (d *decider) held(c choice) bool {
	if !c.automatic || d.in.Group.Mode == Observe {
		return false
	}
	if c.reason != ReasonSignalFail {
		// Nothing is lost by staying, so it waits for room, and for no release.
		return d.in.Budget.Remaining <= 0
	}
	if d.health(c.failed).Sources >= 2 {
		return false
	}
	since := d.in.Record.MassFailureAt
	if !since.IsZero() {
		released := d.in.Budget.ReleasedAt.After(since)
		for _, ended := range d.out.Ended {
			released = released || ended.Request.Kind == Release
		}
		return !released
	}
	if d.in.Budget.Remaining > 0 {
		return false
	}
	d.out.Next.MassFailureAt = d.in.Now
	return true
}

// partial: a move is under way of which not every unit belongs to To.
func (d *decider) partial() bool {
	cur := d.in.Record.Decision
	return cur.Extent < d.in.Group.Steps() && cur.From != cur.To
}

// deadlines finds the next instant at which a decision could differ without a
// new reading, or at which a reading is due.
func (d *decider) deadlines() {
	for _, h := range d.in.Health {
		d.due(h.Deadline)
	}
	next := d.out.Next
	settle := d.in.Group.Limits.SettleTime
	if next.Decision.Epoch != 0 && !next.Settled && d.in.Group.Mode == Enforce {
		d.due(next.WroteAt.Add(settle))
	}
	if !next.Sighting.At.IsZero() {
		d.due(next.Sighting.At.Add(settle))
	}
	for _, proof := range next.Proving {
		d.due(proof.At.Add(LearnWait))
	}
	for _, seen := range next.Blackholes {
		if !seen.At.IsZero() && !seen.Orphan && !seen.Placed && len(seen.Stood) > 0 {
			d.due(seen.At.Add(settle))
		}
	}
}

// due notes a deadline; those that are past are no deadlines.
func (d *decider) due(at time.Time) {
	if !at.After(d.in.Now) {
		return
	}
	if d.out.Deadline.IsZero() || at.Before(d.out.Deadline) {
		d.out.Deadline = at
	}
}

// unsafe looks at where the committed decision aims. A forced switch that
// ignores health is the one exception.
func (d *decider) unsafe() {
	next := d.out.Next.Decision
	aims := []string{next.To}
	if next.Extent < d.in.Group.Steps() {
		aims = append(aims, next.From)
	}
	if request, ok := d.newest(ForcedSwitch); ok && request.Path == next.To && d.masked(request) {
		return
	}
	for _, path := range aims {
		// Hold-off keeps the group where it is; it does not make the path safe.
		a := d.health(path)
		if a.State == health.Down || a.State == health.AdminDown || a.Evidence == health.Down {
			if _, ok := d.best(path); ok {
				d.out.Unsafe = true
			}
		}
	}
}

func (d *decider) heldPartial() {
	if !d.out.Freeze.On || !d.out.Freeze.Immediate || d.out.Next.Settled {
		return
	}
	if d.in.Group.Mode != Enforce || !d.in.Standing.Complete {
		return
	}
	for _, e := range d.in.Standing.Entries {
		if d.inScope(e) && !e.On(d.out.Next.Decision.PathFor(d.step(e.Unit))) {
			d.out.HeldPartial = true
		}
	}
}

// step is the number of the unit as Extent counts it.
func (d *decider) step(unit int) int { return d.in.Group.Step(unit) }

// Step returns the number of the unit as Extent counts it: a stateful group is
// one unit.
func (g *Group) Step(unit int) int {
	if g.Stateful {
		return 0
	}
	return unit
}

func sortTables(tables []route.Table) { slices.SortFunc(tables, route.Table.Compare) }

func sortKeys(keys []EntryKey) {
	slices.SortFunc(keys, func(a, b EntryKey) int {
		return cmp.Or(a.Table.Compare(b.Table), a.Destination.Compare(b.Destination))
	})
}
