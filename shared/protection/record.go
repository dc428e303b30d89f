package protection

import (
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// Action says what a decision does.
type Action string

// The actions of a decision.
const (
	// Stay keeps the group where it is.
	Stay Action = "stay"
	// Hold keeps the group where it is although it should not be there.
	Hold Action = "hold"
	// Move starts a move to another path, with a new epoch.
	Move Action = "move"
	// Step raises the extent of a move under way; the epoch is kept.
	Step Action = "step"
	// Adopt takes what stands in the tables as the decision; nothing is written
	// on that run.
	Adopt Action = "adopt"
	// Undo returns a group to the path that its failback began on; the epoch is kept.
	Undo Action = "undo"
)

// Reason says why a decision, or the end of a request, came about.
type Reason string

// The reasons. The first block is the priority list of the requests.
const (
	ReasonLockout         Reason = "lockout"
	ReasonForcedSwitch    Reason = "forced-switch"
	ReasonSignalFail      Reason = "signal-fail"
	ReasonSignalDegrade   Reason = "signal-degrade"
	ReasonManualSwitch    Reason = "manual-switch"
	ReasonManualToWorking Reason = "manual-switch-to-working"
	ReasonWaitToRestore   Reason = "wait-to-restore"
	ReasonRestored        Reason = "wait-to-restore-expired"
	ReasonDoNotRevert     Reason = "do-not-revert"
	ReasonNoRequest       Reason = "no-request"

	ReasonNoUsablePath Reason = "no-usable-path"
	ReasonMassFailure  Reason = "mass-failure"
	ReasonSensor       Reason = "sensor"
	ReasonIncomplete   Reason = "incomplete-reading"
	ReasonFirstSight   Reason = "first-sight"
	ReasonMovedByHand  Reason = "moved-by-hand"
	// ReasonAdoptRequested: an operator asked to adopt what stands.
	ReasonAdoptRequested Reason = "adopt-requested"

	ReasonDone         Reason = "done"
	ReasonSuperseded   Reason = "superseded"
	ReasonUnknownPath  Reason = "unknown-path"
	ReasonTargetDown   Reason = "target-down"
	ReasonTargetLocked Reason = "target-locked-out"
	ReasonTargetNotUp  Reason = "target-not-up"
	ReasonSuppressed   Reason = "target-suppressed"
	// The reasons for which a path cannot be moved to because an entry of it is to be a
	// learned route, and nothing proves that the route would come.
	ReasonNoObservation         = Reason(health.ObservationNone)
	ReasonObservationUnreadable = Reason(health.ObservationUnreadable)
	ReasonObservationStale      = Reason(health.ObservationStale)
	ReasonObservationNotFed     = Reason(health.ObservationNotFed)
	ReasonObservationShared     = Reason(health.ObservationShared)
	ReasonObservationAssociated = Reason(health.ObservationAssociated)
	// ReasonObservationHidden: a static route stands before it in the observation table.
	ReasonObservationHidden Reason = "observation-hidden"
	// ReasonNotPropagated: the path's attachment does not propagate into the table of an
	// entry, so that its route cannot come, whoever does without proof.
	ReasonNotPropagated          = Reason(health.PropagationOff)
	ReasonPropagationsUnreadable = Reason(health.PropagationUnreadable)
	ReasonPropagationsStale      = Reason(health.PropagationStale)
	// ReasonRouteNotLearned: the expected route is not there, or did not come in time
	// after the static before it was deleted.
	ReasonRouteNotLearned Reason = "route-not-learned"

	// ReasonFailback: a failback's workflow has the group where it is.
	ReasonFailback Reason = "failback"
	// The reasons for which a failback is refused, or its authority ends.
	ReasonFailbackUnderWay Reason = "failback-under-way"
	// ReasonFailbackOver: the failback has no authority any more, or never had.
	ReasonFailbackOver Reason = "failback-over"
	ReasonObserveMode  Reason = "observe-mode"
	ReasonOnWorking    Reason = "on-working-path"
	ReasonFrozen       Reason = "frozen"
	// ReasonPartlyMoved: the group stands on two paths.
	ReasonPartlyMoved Reason = "partly-moved"
	ReasonNotSettled  Reason = "not-settled"
	ReasonNotStable   Reason = "not-stable"
	ReasonContended   Reason = "contended"
	ReasonForeign     Reason = "foreign"
	ReasonBlocked     Reason = "prefix-list-blocked"
	// ReasonPlanChanged: the tables would take other changes than those that were shown.
	ReasonPlanChanged Reason = "plan-changed"
	// ReasonNotApproved: no plan was shown, or another one was approved.
	ReasonNotApproved Reason = "not-approved"
	// ReasonUndone: somebody else changed what the failback had written.
	ReasonUndone Reason = "undone"
	// ReasonConfiguration: the group's paths or units are others by now.
	ReasonConfiguration Reason = "configuration-changed"
	// ReasonSilence: no task of the workflow was heard for too long.
	ReasonSilence Reason = "silence"
	ReasonAborted Reason = "aborted"
	// The reasons that the workflow itself gives.
	ReasonRejected        Reason = "rejected"
	ReasonApprovalTimeout Reason = "approval-timeout"
	ReasonVerifyFailed    Reason = "verify-failed"
	ReasonTaskFailed      Reason = "task-failed"
	// ReasonUnknownGroup: the configuration has no such group.
	ReasonUnknownGroup Reason = "unknown-group"
	// ReasonBusy: another run has the group's lease.
	ReasonBusy Reason = "busy"

	// ReasonListChanged: a prefix list is not any more what the request's author saw.
	ReasonListChanged Reason = "prefix-list-changed"
)

// Decision is the outcome of a run for one group.
type Decision struct {
	Group string `json:"group"`
	// From is the path that the group comes from, To the one that it belongs to.
	From string `json:"from"`
	To   string `json:"to"`
	// Extent is how many units, from the first on, have come over to To. All
	// later ones still aim at From.
	Extent int `json:"extent"`
	// Aim is how many units the switch asked for, where it came to fewer at first because
	// nothing proved the learned routes of the next ones. 0: Extent is what was asked for.
	Aim    int    `json:"aim,omitempty"`
	Action Action `json:"action"`
	Reason Reason `json:"reason"`
	// Unproven: statics may be deleted although nothing proves that the learned routes
	// behind them would come.
	Unproven bool `json:"unproven,omitempty"`
	// Epoch numbers the group's moves: max(old+1, Unix milliseconds). The time is
	// in it lest a record from a backup use a number twice. Zero: nothing is decided.
	Epoch int64 `json:"epoch"`
}

// PathFor returns the path that unit number i (from 0) belongs to.
func (d Decision) PathFor(i int) string {
	if i < d.Extent {
		return d.To
	}
	return d.From
}

// PathMemory is what is remembered of one path.
type PathMemory struct {
	Path   string        `json:"path"`
	Memory health.Memory `json:"memory"`
}

// Sighting is a first look at something that counts only when it is seen again
// a settle time later.
type Sighting struct {
	// At is when the reading began that showed it; zero means no sighting.
	At time.Time `json:"at,omitzero"`
	// MovedTo is the path on which all routes were seen, if it is one.
	MovedTo string `json:"movedTo,omitempty"`
	// Undone are the entries that were seen changed, with what they showed.
	Undone []Seen `json:"undone,omitempty"`
}

// Seen is an entry with the next hop that a reading showed for it.
type Seen struct {
	Entry   EntryKey      `json:"entry"`
	NextHop route.NextHop `json:"nextHop"`
}

func (s Sighting) same(other Sighting) bool {
	return s.MovedTo == other.MovedTo && slices.Equal(s.Undone, other.Undone)
}

// Reversal counts how often somebody else undid an entry.
type Reversal struct {
	Entry EntryKey  `json:"entry"`
	At    time.Time `json:"at"`
}

// Hint is an event that the readings did not bear out yet. The group is read
// again at fixed times after it came, since telemetry lags behind events.
type Hint struct {
	// At is when the hint came; zero means that none is open.
	At time.Time `json:"at,omitzero"`
	// Subject is what the hint is about, Down what it claims.
	Subject health.Subject `json:"subject,omitzero"`
	Part    string         `json:"part,omitempty"`
	Down    bool           `json:"down,omitempty"`
}

// Record is what is kept of a group between runs. It changes only when
// something happened: two runs with the same readings leave it the same.
type Record struct {
	// Mode is the mode of the run that last wrote the record.
	Mode     Mode     `json:"mode,omitempty"`
	Decision Decision `json:"decision"`
	// Settled: a reading that began a settle time after the last write showed
	// every entry in place. Only an unsettled record is written from.
	Settled bool `json:"settled,omitempty"`
	// WroteAt is an upper bound of the last route write for Decision.
	WroteAt time.Time `json:"wroteAt,omitzero"`
	// CameAt is when the group came onto Decision.To, where that was before WroteAt:
	// a repair writes once more, and an adoption takes over what stood already. Zero:
	// it is WroteAt.
	CameAt time.Time `json:"cameAt,omitzero"`
	// FromCameAt is when the group came onto the path that the decision before had
	// it on. It counts again where the group goes back there without having left.
	FromCameAt time.Time    `json:"fromCameAt,omitzero"`
	Paths      []PathMemory `json:"paths,omitempty"`
	Sighting   Sighting     `json:"sighting,omitzero"`
	Reversals  []Reversal   `json:"reversals,omitempty"`
	// RevivedAt is when routes that had stayed dead on a live path were last
	// written again.
	RevivedAt time.Time `json:"revivedAt,omitzero"`
	// Applied are the entries that were written for Decision, sorted: one of them
	// that a later reading shows elsewhere was undone by somebody else.
	Applied []EntryKey `json:"applied,omitempty"`
	// Steps is how many units the group had when the decision was committed: an
	// extent of so many is all of them, also after the configuration has changed.
	Steps int `json:"steps,omitempty"`
	// Contended are the entries that Detour no longer writes, sorted.
	Contended []EntryKey `json:"contended,omitempty"`
	// MassFailureAt is when the blast radius first held the group; zero: not held.
	MassFailureAt time.Time `json:"massFailureAt,omitzero"`
	Hint          Hint      `json:"hint,omitzero"`
	// Writers are others who wrote to entries that did not stand as decided, the newest
	// first, as far as events told.
	Writers []Writer `json:"writers,omitempty"`
	// Proving are the entries whose static was deleted for Decision and whose learned
	// route no reading has shown since, sorted.
	Proving []Proof `json:"proving,omitempty"`
	// Unmet are the paths whose learned routes did not come when they were last
	// expected, the latest last.
	Unmet []Unmet `json:"unmet,omitempty"`
	// Held is the reason of the last decision if it was to hold; empty: it was not.
	Held Reason `json:"held,omitempty"`
	// Blackholes are the entries that stand as a blackhole that the group does not
	// declare, sorted.
	Blackholes []BlackholeSeen `json:"blackholes,omitempty"`
	// Failback is the group's last failback, open or over.
	Failback Failback `json:"failback,omitzero"`
}

// Proof is an entry whose learned route is awaited.
type Proof struct {
	Entry EntryKey `json:"entry"`
	// At is when EC2 answered that the static was deleted.
	At time.Time `json:"at"`
}

// Unmet is a path that failed an expectation: its static was deleted, and its
// learned route did not come. It is moved to by request, or where nothing better is
// left; never because it is preferred.
type Unmet struct {
	Path string    `json:"path"`
	At   time.Time `json:"at"`
}

// BlackholeSeen remembers what a blackhole that the group does not declare was
// taken for, for as long as it stands: what a deleted attachment left behind, or
// a person's own.
type BlackholeSeen struct {
	Entry EntryKey `json:"entry"`
	// At is when the reading began that first showed it together with evidence about
	// the attachments to which Detour's route can have led; zero: none could be read yet.
	At time.Time `json:"at,omitzero"`
	// Orphan: the attachment to which Detour's route led was deleted.
	Orphan bool `json:"orphan,omitempty"`
	// Stood are the paths on which Detour's route can have stood when it was first
	// seen. Empty: it was there before anything was decided for the group, and never
	// becomes an Orphan.
	Stood []string `json:"stood,omitempty"`
	// Placed: a settle time after At those attachments still lived, so somebody placed
	// the blackhole. It never becomes an Orphan.
	Placed bool `json:"placed,omitempty"`
}

// Memory returns what is remembered of the path, or the zero Memory.
func (r Record) Memory(path string) health.Memory {
	for _, m := range r.Paths {
		if m.Path == path {
			return m.Memory
		}
	}
	return health.Memory{}
}

// UsedSince is when the group came onto the path: the last write of its move
// there, or the move itself where nothing had to be written. Repairs do not count:
// what a check said before one was about this path, too. Zero: the path is not in
// use.
func (r Record) UsedSince(path string) time.Time {
	switch {
	case r.Decision.Epoch == 0 || r.Decision.To != path:
		return time.Time{}
	case !r.CameAt.IsZero():
		return r.CameAt
	case !r.WroteAt.IsZero():
		return r.WroteAt
	default:
		return time.UnixMilli(r.Decision.Epoch)
	}
}

// fitted carries the record over to a configuration with more or fewer units: a
// group that is whole on a path stays so, and a new unit goes there, too. Without
// this it would be taken for one that has not come over yet.
func (r Record) fitted(steps int) Record {
	if r.Steps == 0 || r.Steps == steps {
		return r
	}
	if r.Decision.Aim >= r.Steps {
		r.Decision.Aim = steps
	}
	r.Decision.Aim = min(r.Decision.Aim, steps)
	if r.Decision.Extent >= r.Steps {
		r.CameAt = r.UsedSince(r.Decision.To) // New units are written there now.
		r.Decision.Extent, r.Settled = steps, false
	}
	r.Decision.Extent = min(r.Decision.Extent, steps)
	r.Steps = steps
	return r
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Paths = slices.Clone(r.Paths)
	r.Sighting.Undone = slices.Clone(r.Sighting.Undone)
	r.Reversals = slices.Clone(r.Reversals)
	r.Applied = slices.Clone(r.Applied)
	r.Contended = slices.Clone(r.Contended)
	r.Blackholes = slices.Clone(r.Blackholes)
	for i := range r.Blackholes {
		r.Blackholes[i].Stood = slices.Clone(r.Blackholes[i].Stood)
	}
	r.Writers = slices.Clone(r.Writers)
	r.Proving, r.Unmet = slices.Clone(r.Proving), slices.Clone(r.Unmet)
	r.Failback.Steps, r.Failback.Lists = slices.Clone(r.Failback.Steps), slices.Clone(r.Failback.Lists)
	return r
}

// Equal reports whether two records say the same.
func (r Record) Equal(other Record) bool {
	return r.Mode == other.Mode && r.decided() == other.decided() &&
		r.WroteAt.Equal(other.WroteAt) && r.CameAt.Equal(other.CameAt) && r.FromCameAt.Equal(other.FromCameAt) && r.RevivedAt.Equal(other.RevivedAt) && r.MassFailureAt.Equal(other.MassFailureAt) &&
		r.Sighting.At.Equal(other.Sighting.At) && r.Sighting.same(other.Sighting) && r.Hint.equal(other.Hint) &&
		slices.EqualFunc(r.Paths, other.Paths, equalMemory) && r.sameEntries(other) && r.Failback.equal(other.Failback)
}

// sameEntries compares what is remembered of single entries.
func (r Record) sameEntries(other Record) bool {
	return slices.Equal(r.Applied, other.Applied) && slices.Equal(r.Contended, other.Contended) &&
		slices.EqualFunc(r.Writers, other.Writers, Writer.equal) &&
		slices.EqualFunc(r.Proving, other.Proving, func(a, b Proof) bool { return a.Entry == b.Entry && a.At.Equal(b.At) }) &&
		slices.EqualFunc(r.Unmet, other.Unmet, func(a, b Unmet) bool { return a.Path == b.Path && a.At.Equal(b.At) }) &&
		slices.EqualFunc(r.Reversals, other.Reversals, func(a, b Reversal) bool {
			return a.Entry == b.Entry && a.At.Equal(b.At)
		}) &&
		slices.EqualFunc(r.Blackholes, other.Blackholes, func(a, b BlackholeSeen) bool {
			return a.Entry == b.Entry && a.At.Equal(b.At) && a.Orphan == b.Orphan && a.Placed == b.Placed && slices.Equal(a.Stood, b.Stood)
		})
}

// decided is what of the decision can be compared with ==.
type decided struct {
	decision Decision
	settled  bool
	steps    int
	held     Reason
}

func (r Record) decided() decided { return decided{r.Decision, r.Settled, r.Steps, r.Held} }

func (h Hint) equal(other Hint) bool {
	return h.At.Equal(other.At) && h.Subject == other.Subject && h.Part == other.Part && h.Down == other.Down
}

func equalMemory(a, b PathMemory) bool {
	x, y := a.Memory, b.Memory
	return a.Path == b.Path && x.State == y.State && x.Since.Equal(y.Since) && x.Proven == y.Proven &&
		x.WorseSince.Equal(y.WorseSince) && x.Penalty == y.Penalty && x.PenaltyAt.Equal(y.PenaltyAt) &&
		x.Suppressed == y.Suppressed
}

// EntryStanding is what a reading shows for one entry.
type EntryStanding struct {
	Entry EntryKey
	// Unit is the index of the entry's unit in the group.
	Unit int
	// NextHop is the target of the standing static route; zero: none stands.
	NextHop route.NextHop
	// Paths are the paths whose next hop that is, in group order.
	Paths []string
	// Learning are the paths whose next hop for the entry is a learned route, in group
	// order: it stands on them where there is no static.
	Learning []string
	// Learned says how the table shows that route while no static of the entry stands,
	// and Winner whose learned route shows, if one does. RouteUnread: a static stands,
	// or there are no such paths.
	Learned health.RouteState
	Winner  route.NextHop
	// NotReady are those among Learning to which the entry cannot be brought, since
	// nothing proves that their route would come.
	NotReady []NotReady
	// Foreign: the static points to none of the group's next hops.
	Foreign bool
	// Untouchable: neverTouch covers the entry.
	Untouchable bool
	// Blackhole: the standing route drops traffic, by its state.
	Blackhole bool
	// Orphan: the standing route is a blackhole without a target, because the
	// attachment to which Detour's own route led was deleted. It is not Foreign, and
	// may be overwritten. Its Paths are those whose attachment is gone: a write
	// towards them is refused, and so there is none to make.
	Orphan bool
	// Blocked says why the entry's destination, a prefix list, may not be written;
	// empty: it may.
	Blocked BlockReason
	// ListVersion is the version of the prefix list that is the destination; zero
	// where the destination is a CIDR block, or the list could not be read.
	ListVersion int64
}

// BlockReason says why an entry whose destination is a prefix list may not be
// written.
type BlockReason string

// The reasons for which an entry is blocked.
const (
	// BlockUnreadable: the list could not be read whole, so nobody knows what a
	// write would move.
	BlockUnreadable BlockReason = "list-unreadable"
	// BlockIPAM: an IPAM resolver may rewrite the list at any time.
	BlockIPAM BlockReason = "ipam-synced"
	// BlockOwner: the list is owned by an account that the configuration does not
	// accept.
	BlockOwner BlockReason = "owner-not-accepted"
)

// On reports whether the entry stands on the path.
func (e EntryStanding) On(path string) bool { return slices.Contains(e.Paths, path) }

// NotReady is a path whose learned route is not proven for an entry, and why.
type NotReady struct {
	Path string `json:"path"`
	Why  Reason `json:"why"`
}

// ReadyFor says why the entry cannot be brought to the path as a learned route;
// empty: it can, or it stands there, or its route there is none.
func (e EntryStanding) ReadyFor(path string) Reason {
	for _, n := range e.NotReady {
		if n.Path == path && !e.On(path) {
			return n.Why
		}
	}
	return ""
}

// Standing is what the readings of one run show for a group's entries.
type Standing struct {
	// Complete: every table of the group was read whole.
	Complete bool
	// StartedAt is when the earliest of the readings began.
	StartedAt time.Time
	// Entries are in the order of the group's units and entries.
	Entries []EntryStanding
}
