package controller

import (
	"time"

	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Stage is a step of a run, for its duration in the report.
type Stage string

// The stages of a run, in order.
const (
	StageTake   Stage = "take"
	StageRead   Stage = "read"
	StageDecide Stage = "decide"
	StageCommit Stage = "commit"
	StageWrite  Stage = "write"
	StageVerify Stage = "verify"
	// StageProve: waiting for learned routes whose statics were deleted.
	StageProve   Stage = "prove"
	StageRelease Stage = "release"
)

// StageTime is how long a stage took.
type StageTime struct {
	Stage Stage         `json:"stage"`
	Took  time.Duration `json:"took"`
}

// Status says how a run ended for a group.
type Status string

// The ends of a run.
const (
	// StatusQuiet: nothing had to change; no lease was taken.
	StatusQuiet Status = "quiet"
	// StatusDone: the run did what was to be done.
	StatusDone Status = "done"
	// StatusBusy: another run holds the lease; it will run once more.
	StatusBusy Status = "busy"
	// StatusUnfinished: changes are left; a later run finishes them.
	StatusUnfinished Status = "unfinished"
	// StatusFenced: the lease was lost; another run goes on.
	StatusFenced Status = "fenced"
	// StatusFailed: the record store could not be used; nothing more was written.
	StatusFailed Status = "failed"
)

// Report is all that a run knows about one group. It is what the log line, the
// metrics and the tests are made from.
type Report struct {
	Group  string              `json:"group"`
	Status Status              `json:"status"`
	Event  string              `json:"event,omitempty"`
	Output protection.Output   `json:"-"`
	Before protection.Decision `json:"before"`
	// Decision is the decision of the run; WouldBe says that it was not committed.
	Decision protection.Decision     `json:"decision"`
	WouldBe  bool                    `json:"wouldBe,omitempty"`
	Health   []protection.PathHealth `json:"-"`
	Facts    []health.Fact           `json:"-"`
	// Unlearned are the paths that are down since routes are not learned.
	Unlearned []Unlearned     `json:"-"`
	Receipts  []route.Receipt `json:"receipts,omitempty"`
	Skipped   []plan.Skipped  `json:"skipped,omitempty"`
	Cost      plan.Cost       `json:"cost"`
	// Plan is the plan as the run made it with its decision, before anything was
	// written, and Lists are the readings of the group's prefix lists that it was made from.
	Plan  plan.Plan           `json:"-"`
	Lists []route.ListReading `json:"-"`
	// Problems are the tables that could not be read whole.
	Problems []TableProblem `json:"problems,omitempty"`
	// ListProblems are the prefix lists that could not be read whole.
	ListProblems []ListProblem `json:"listProblems,omitempty"`
	// Writers are others who wrote to the group's tables, as far as events told: the
	// one whose call led to the run, and whoever wrote what was given up or adopted.
	Writers []string `json:"writers,omitempty"`
	// Unannounced: the sweep found a change that no event had told of. Now and then
	// it only was faster than the event.
	Unannounced bool `json:"unannounced,omitempty"`
	// OutOfTime: writes were not started, because the run's own deadline left no
	// room for them.
	OutOfTime bool `json:"outOfTime,omitempty"`
	// Gaps are the gaps of the learned routes that showed in this run after their
	// statics were deleted.
	Gaps []Gap `json:"gaps,omitempty"`
	// Lag is how long telemetry lagged behind the event that came before it.
	Lag    time.Duration `json:"lag,omitempty"`
	Stages []StageTime   `json:"stages,omitempty"`
	// WakeAt is when the group is to be looked at again; zero: at the next sweep.
	WakeAt time.Time `json:"wakeAt,omitzero"`
	Err    error     `json:"-"`

	// before is the record as it was when the decision was made.
	before protection.Record
	// readAt is when the reading of the tables began.
	readAt time.Time
}

// Unlearned is a path that is down although its BGP sessions may be up, since routes that
// its attachment should have taught do not show.
type Unlearned struct {
	Path   string                 `json:"path"`
	Routes []health.ExpectedRoute `json:"routes"`
}

// TableProblem is a table that could not be read whole, and why.
type TableProblem struct {
	Table   route.Table   `json:"table"`
	Problem route.Problem `json:"problem"`
}

// ListProblem is a prefix list that could not be read whole, and why.
type ListProblem struct {
	List    route.ListRef `json:"list"`
	Problem route.Problem `json:"problem"`
}

// EventKind is the kind of one of Detour's own events.
type EventKind string

// Detour's own events.
const (
	EventPathStateChanged    EventKind = "Path State Changed"
	EventSwitchoverStarted   EventKind = "Switchover Started"
	EventSwitchoverCompleted EventKind = "Switchover Completed"
	EventSwitchoverHeld      EventKind = "Switchover Held"
	EventContended           EventKind = "Contended"
	EventRequestEnded        EventKind = "Request Ended"

	// EventFailbackAsked: a failback waits for approval; its task publishes it.
	EventFailbackAsked EventKind = "Failback Approval Asked"
	// EventFailbackOver: the authority of a failback ended; Detail says why.
	EventFailbackOver EventKind = "Failback Over"
	// EventFailbackEnded: what a failback came to, in Detail.
	EventFailbackEnded EventKind = "Failback Ended"

	EventMeasurePlaced EventKind = "Filter Measure Placed"
	EventMeasureLifted EventKind = "Filter Measure Lifted"
	EventMeasureHeld   EventKind = "Filter Measure Held"
)

// Event is one of Detour's own events: about a group and its decision, or about a
// filter and one of its verdicts.
type Event struct {
	Kind     EventKind           `json:"kind"`
	Group    string              `json:"group"`
	Filter   string              `json:"filter,omitempty"`
	Verdict  filter.Verdict      `json:"verdict,omitzero"`
	At       time.Time           `json:"at"`
	Decision protection.Decision `json:"decision"`
	Detail   string              `json:"detail,omitempty"`
}
