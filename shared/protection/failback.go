package protection

import (
	"slices"
	"time"

	"detour/shared/route"
)

// FailbackAuthority is how long a failback's authority lasts after its last task. A task
// is heard when it begins, so it asks for its own time as well (FailbackStep.For).
const FailbackAuthority = 5 * time.Minute

// FailbackSettings are a group's constants for a failback.
type FailbackSettings struct {
	// Stability is how long the working path must have been Up before a failback.
	Stability time.Duration
	// Soak is how long a step is watched before the next one.
	Soak            time.Duration
	ApprovalTimeout time.Duration
	// Batch is how many units a step moves after the canary; 0: a quarter of what is
	// left then, rounded up.
	Batch   int
	Samples []Sample
}

// Sample is an address whose route is looked up in a table after each step: a more
// specific route may shadow what was written.
type Sample struct {
	Table   route.Table `json:"table"`
	Address string      `json:"address"`
}

// FailbackKind is what a failback's workflow asks for in one run.
type FailbackKind string

// The kinds of steps, in the order of a workflow.
const (
	// FailbackOpen asks for the authority, and so for all that must hold before.
	FailbackOpen FailbackKind = "open"
	// FailbackAsk notes the plan that is shown, and how its approval is answered.
	FailbackAsk FailbackKind = "ask"
	// FailbackAdvance raises the extent.
	FailbackAdvance FailbackKind = "advance"
	// FailbackBeat keeps the authority alive.
	FailbackBeat FailbackKind = "beat"
	// FailbackUndo ends the authority, and returns the group to where it was.
	FailbackUndo FailbackKind = "undo"
	// FailbackClose ends the authority. A group that is whole on the target stays there.
	FailbackClose FailbackKind = "close"
)

// FailbackStep is the word of a failback's workflow in one run.
type FailbackStep struct {
	// ID is the execution's name.
	ID   string       `json:"id"`
	Kind FailbackKind `json:"kind"`
	// Extent is how many units are to have moved after FailbackAdvance; 0: all.
	Extent int `json:"extent,omitempty"`
	// By, Why and Unproven are those of the failback (FailbackOpen).
	By       string `json:"by,omitempty"`
	Why      string `json:"why,omitempty"`
	Unproven bool   `json:"unproven,omitempty"`
	// Plan is the digest of the plan that is shown (FailbackAsk), and of the plan that was
	// approved (FailbackAdvance). Steps and Lists are what it was made of, Token the task
	// token that answers it.
	Plan  string        `json:"plan,omitempty"`
	Steps []string      `json:"steps,omitempty"`
	Lists []ListVersion `json:"lists,omitempty"`
	Token string        `json:"-"`
	// Approver is who approved the plan, as claimed (FailbackAdvance).
	Approver string `json:"approver,omitempty"`
	// Reason is why the authority ends (FailbackUndo, FailbackClose).
	Reason Reason `json:"reason,omitempty"`
	// For is how long the authority lasts from now on unless a task is heard before; 0:
	// FailbackAuthority.
	For time.Duration `json:"for,omitempty"`
}

// FailbackAnswer is what became of the workflow's word.
type FailbackAnswer struct {
	// Accepted: it was followed, or had been before.
	Accepted bool   `json:"accepted,omitempty"`
	Refused  Reason `json:"refused,omitempty"`
	// Retry: it is worth asking again soon.
	Retry bool `json:"retry,omitempty"`
	// ReadyAt is set when only time is missing.
	ReadyAt time.Time `json:"readyAt,omitzero"`
	// Entries are those that stand in the way, where some do.
	Entries []EntryKey `json:"entries,omitempty"`
}

// FailbackEnd is what a failback came to.
type FailbackEnd string

// The ends of a failback.
const (
	// EndRestored: the group is whole on the target.
	EndRestored FailbackEnd = "restored"
	// EndAsBefore: the group is whole on the path that it was on.
	EndAsBefore FailbackEnd = "as-before"
	// EndSuperseded: something of higher priority took over.
	EndSuperseded FailbackEnd = "superseded"
	// EndHeldPartial: an immediate freeze holds the group in the middle, or one after
	// change that lets nothing be written that would leave it. It is an end only for as
	// long as the freeze stands.
	EndHeldPartial FailbackEnd = "held-partial"
)

// Failback is the last failback of a group, open or over.
type Failback struct {
	// ID is the execution's name.
	ID string `json:"id,omitempty"`
	// By is who started it, as claimed, and Why the reason that they gave.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
	// Base is the epoch of the decision that it was opened on, From the path that the
	// group was on then, and To the working path.
	Base int64  `json:"base,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Epoch is that of its own move; zero: nothing has moved.
	Epoch    int64 `json:"epoch,omitempty"`
	Unproven bool  `json:"unproven,omitempty"`
	// Plan is the digest of the plan that was shown; empty: none was yet. Steps are the
	// digests of the changes of each step in it, and Lists its prefix lists.
	Plan  string        `json:"plan,omitempty"`
	Steps []string      `json:"steps,omitempty"`
	Lists []ListVersion `json:"lists,omitempty"`
	// Token answers the approval that is waited for. Who has it can approve, so it is
	// never logged, reported or journaled.
	Token string `json:"token,omitempty"`
	// Approved is who approved, as claimed.
	Approved   string    `json:"approved,omitempty"`
	ApprovedAt time.Time `json:"approvedAt,omitzero"`
	// At is when it was opened, Until when its authority ends unless a task is heard
	// before.
	At    time.Time `json:"at,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Over is why its authority ended; empty: it has not.
	Over   Reason    `json:"over,omitempty"`
	OverAt time.Time `json:"overAt,omitzero"`
	// Kept: its authority ended with the group on the target, where it stays.
	Kept bool `json:"kept,omitempty"`
	// Frozen: a freeze holds it in the middle.
	Frozen bool `json:"frozen,omitempty"`
	// End is what it came to, once that can change no more.
	End FailbackEnd `json:"end,omitempty"`
}

// Open reports whether the failback has authority.
func (f Failback) Open() bool { return f.ID != "" && f.Over == "" }

func (f Failback) equal(other Failback) bool {
	return f.same(other) && slices.Equal(f.Steps, other.Steps) && slices.Equal(f.Lists, other.Lists) &&
		f.ApprovedAt.Equal(other.ApprovedAt) && f.At.Equal(other.At) && f.Until.Equal(other.Until) && f.OverAt.Equal(other.OverAt)
}

// same compares all that is neither a list nor a time.
func (f Failback) same(other Failback) bool {
	return f.ID == other.ID && f.By == other.By && f.Why == other.Why &&
		f.Base == other.Base && f.From == other.From && f.To == other.To && f.Epoch == other.Epoch && f.Unproven == other.Unproven &&
		f.Plan == other.Plan && f.Token == other.Token && f.Approved == other.Approved &&
		f.Over == other.Over && f.Kept == other.Kept && f.Frozen == other.Frozen && f.End == other.End
}

// FailbackEnd is what the last failback came to. Empty: it is open, or the group is
// not whole yet after it.
func (r Record) FailbackEnd() FailbackEnd {
	f := r.Failback
	switch {
	case f.End != "":
		return f.End
	case f.ID == "" || f.Over == "":
		return ""
	case f.Epoch == 0 && r.Decision.Epoch == f.Base:
		return EndAsBefore
	case r.Decision.Epoch != f.Epoch:
		return EndSuperseded
	case r.failbackWhole() && r.Decision.To == f.To:
		return EndRestored
	case r.failbackWhole():
		return EndAsBefore
	case f.Frozen:
		return EndHeldPartial
	case r.Held != "":
		return EndSuperseded // What holds the group is above the failback.
	default:
		return ""
	}
}

// failbackMoving: the failback has moved something, its move is still the group's
// decision, and what it comes to is open.
func (r Record) failbackMoving() bool {
	f := r.Failback
	return f.ID != "" && f.End == "" && f.Epoch != 0 && r.Decision.Epoch == f.Epoch
}

// failbackMiddle: what the failback has moved is neither all there nor all back.
func (r Record) failbackMiddle() bool { return r.failbackMoving() && !r.failbackWhole() }

// failbackWhole: the group stands where the failback ends, on one path.
func (r Record) failbackWhole() bool {
	return r.Settled && r.Decision.Extent >= r.Steps && (r.Failback.Kept || r.Decision.Action == Undo)
}
