package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
)

// Status is one group as it is now: by its record, and by what the paths and the
// tables show.
type Status struct {
	Group   string          `json:"group"`
	Mode    protection.Mode `json:"mode"`
	Account string          `json:"account"`
	Region  string          `json:"region"`
	// At is when the group was looked at.
	At time.Time `json:"at"`
	// Path is the path in use by the record; empty: no run has seen the group yet.
	// Since is when the group came to belong to it.
	Path  string    `json:"path,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Settled: a reading has shown every route in place since the last move.
	Settled bool `json:"settled"`
	// Committed is the decision that the record holds.
	Committed protection.Decision `json:"committed,omitzero"`
	// Decision is what a run would decide now. WouldBe says that it would not be
	// committed, because the group is observed or frozen; Moves that it would move
	// routes if it were.
	Decision protection.Decision `json:"decision"`
	WouldBe  bool                `json:"wouldBe,omitempty"`
	Moves    bool                `json:"moves,omitempty"`
	Paths    []PathStatus        `json:"paths"`
	// Requests stand, oldest first. Freeze is the freeze over the group, be it its
	// own or that of all groups.
	Requests  []protection.Request   `json:"requests"`
	Freeze    protection.FreezeState `json:"freeze,omitzero"`
	FrozenAll bool                   `json:"frozenAll,omitempty"`
	// Troubles are what somebody should look into, the worst first.
	Troubles []Trouble `json:"troubles"`
	// Switchover is the move that brought the group to its path; nil: it was adopted
	// there, or nothing is known of it.
	Switchover *Switchover `json:"switchover,omitempty"`
	// Failback is the group's last failback, by its record; nil: it never had one.
	Failback *FailbackStatus `json:"failback,omitempty"`
	// Deadline is when the group is looked at again before the next sweep; zero: it
	// is not.
	Deadline time.Time `json:"deadline,omitzero"`
	// Running is until when a run holds the lease; zero: none does.
	Running time.Time `json:"running,omitzero"`
}

// PathStatus is one path of a group.
type PathStatus struct {
	Path  string      `json:"path"`
	Kind  health.Kind `json:"kind"`
	InUse bool        `json:"inUse,omitempty"`
	// State is up, degraded, down, admin-down or unknown, Reason why, and Since the
	// instant from which it has been so.
	State  string        `json:"state"`
	Reason health.Reason `json:"reason"`
	Since  time.Time     `json:"since,omitzero"`
	// Suppressed: the path flapped, and is used only when nothing better is left.
	Suppressed bool    `json:"suppressed,omitempty"`
	Penalty    float64 `json:"penalty,omitempty"`
	// NotReady says why the group cannot be moved to the path: nothing proves its
	// learned routes. Empty: it can, as far as these go.
	NotReady protection.Reason `json:"notReady,omitempty"`
	// Expected are the routes that the path's attachment should have taught, with what
	// the facts do not rule out where one does not show.
	Expected []health.ExpectedRoute `json:"expected,omitempty"`
	// Unreadable are the subjects of the path that could not be read, with why.
	Unreadable []string `json:"unreadable,omitempty"`
}

// Switchover is a move of a group.
type Switchover struct {
	At     time.Time         `json:"at"`
	From   string            `json:"from"`
	To     string            `json:"to"`
	Reason protection.Reason `json:"reason"`
}

// Healthy reports whether there is no trouble that makes it unsafe to look away.
func (s Status) Healthy() bool { return len(s.Troubles) == 0 }

// Status tells how the groups are, by priority.
func (o *Operator) Status(ctx context.Context, names []string) ([]Status, error) {
	s, err := o.look(ctx, names)
	if err != nil {
		return nil, err
	}
	out := make([]Status, 0, len(s.names))
	for _, name := range s.names {
		out = append(out, statusOf(s.decide(name, controller.Supposed{})))
	}
	return out, nil
}

func statusOf(p controller.Preview) Status {
	record, output := p.Item.Record, p.Report.Output
	out := Status{
		Group: p.Group.Name, Mode: p.Group.Mode, Account: p.Group.Account, Region: p.Group.Region, At: p.At.UTC(),
		Path: record.Decision.To, Settled: record.Settled, Committed: record.Decision,
		Decision: output.Decision, WouldBe: p.Report.WouldBe, Moves: moves(p),
		Requests: append([]protection.Request{}, p.Item.Requests...),
		Freeze:   output.Freeze, FrozenAll: p.Control.Freeze.On, Deadline: p.Report.WakeAt.UTC(),
		Failback: failbackOf(p.Group, record),
	}
	if record.Decision.Epoch != 0 {
		out.Since = time.UnixMilli(record.Decision.Epoch).UTC()
	}
	switch d := record.Decision; {
	case d.Action == protection.Undo: // Its epoch is that of the move which it takes back.
		out.Since = record.UsedSince(d.To).UTC()
		out.Switchover = &Switchover{At: record.WroteAt.UTC(), From: d.From, To: d.To, Reason: d.Reason}
	case d.From != d.To && (d.Action == protection.Move || d.Action == protection.Step):
		out.Switchover = &Switchover{At: out.Since, From: d.From, To: d.To, Reason: d.Reason}
	}
	if p.Item.Lease.Token != "" && p.Item.Lease.Until.After(p.At) {
		out.Running = p.Item.Lease.Until.UTC()
	}
	for i, path := range p.Group.Paths {
		out.Paths = append(out.Paths, pathStatus(path, p.Group.SubjectsOf(path), p.Report.Health[i], record.Decision, p.Report.Facts))
		last := &out.Paths[len(out.Paths)-1]
		own := plan.Learned(p.Group, path.Name, p.Readings, record)
		last.Expected = health.Expected(path.Spec, append(own, p.Report.Facts...), p.At)
		for _, n := range output.NotReady {
			if n.Path == path.Name {
				last.NotReady = n.Why
			}
		}
	}
	out.Troubles = append([]Trouble{}, troublesOf(p, out)...)
	return out
}

func pathStatus(path protection.Path, subjects []health.Subject, judged protection.PathHealth, d protection.Decision, facts []health.Fact) PathStatus {
	out := PathStatus{
		Path: path.Name, Kind: path.Spec.Kind, InUse: d.Epoch != 0 && path.Name == d.To,
		State: judged.State.String(), Reason: judged.Reason, Since: judged.Since.UTC(),
		Suppressed: judged.Suppressed, Penalty: judged.Penalty,
	}
	for _, fact := range facts {
		if fact.Kind == health.FactUnreadable && slices.Contains(subjects, fact.Subject) {
			out.Unreadable = append(out.Unreadable, fact.Subject.ID+": "+string(fact.Problem))
		}
	}
	return out
}

// moves reports whether the run would bring routes to another path than they
// belong to, or would if the group were neither observed nor frozen.
func moves(p controller.Preview) bool {
	d := p.Report.Decision
	return d.Action == protection.Move || d.Action == protection.Step || d.Action == protection.Undo
}

// TroubleKind is a kind of trouble.
type TroubleKind string

// The kinds of trouble, the worst first.
const (
	// TroubleDown: the path in use is down or locked out.
	TroubleDown TroubleKind = "path-in-use-down"
	// TroubleUnsafe: the routes aim at a dead path while another one is alive, and
	// something keeps the group from moving there.
	TroubleUnsafe TroubleKind = "unsafe"
	// TroubleHeld: the group stays although it should move; the detail says why.
	TroubleHeld TroubleKind = "held"
	// TroubleNoRecord: no run has seen the group yet.
	TroubleNoRecord TroubleKind = "no-record"
	// TroubleUnreadable: a table or the evidence of a path cannot be read.
	TroubleUnreadable TroubleKind = "unreadable"
	// TroubleUnknown and TroubleDegraded are states of the path in use.
	TroubleUnknown  TroubleKind = "path-in-use-unknown"
	TroubleDegraded TroubleKind = "path-in-use-degraded"
	// TroubleContended: somebody undoes routes again and again, so that they are left
	// alone.
	TroubleContended TroubleKind = "contended"
	// TroubleSkipped: routes that are declared do not stand as decided, and are left
	// alone; the detail says why.
	TroubleSkipped TroubleKind = "left-alone"
	// TroubleAlone: no other path of the group is alive.
	TroubleAlone TroubleKind = "no-other-path"
	// TroubleMoving: a move has not settled yet.
	TroubleMoving TroubleKind = "not-settled"
	// TroubleDue: a run would move the group, and has not done so yet.
	TroubleDue TroubleKind = "move-due"
)

// Trouble is something that somebody should look into.
type Trouble struct {
	Kind   TroubleKind `json:"kind"`
	Detail string      `json:"detail"`
}

// troublesOf lists what is wrong with a group. A freeze and the mode observe are
// what somebody wants, and no troubles.
func troublesOf(p controller.Preview, s Status) []Trouble {
	var out []Trouble
	add := func(is bool, kind TroubleKind, format string, values ...any) {
		if is {
			out = append(out, Trouble{Kind: kind, Detail: fmt.Sprintf(format, values...)})
		}
	}
	output, known := p.Report.Output, s.Path != ""
	used, alive := inUse(s.Paths), othersAlive(p, s.Path)
	add(known && (used.State == string(health.Down) || used.State == string(health.AdminDown)), TroubleDown, "path %s is in use and %s (%s)", used.Path, used.State, used.Reason)
	add(output.Unsafe, TroubleUnsafe, "the routes aim at a path that is down, although another one is alive")
	add(output.Decision.Action == protection.Hold, TroubleHeld, "%s: %s", output.Decision.Reason, Meaning(output.Decision.Reason))
	add(!known, TroubleNoRecord, "no run has seen the group yet; is Detour deployed in account %s in %s?", s.Account, s.Region)
	blind := unreadable(p, s)
	add(len(blind) > 0, TroubleUnreadable, "%s", firstOf(blind))
	add(known && used.State == health.Unknown.String(), TroubleUnknown, "nothing is known of path %s, which is in use (%s)", used.Path, used.Reason)
	add(known && used.State == string(health.Degraded), TroubleDegraded, "path %s is in use and degraded (%s)", used.Path, used.Reason)
	contended := keyTexts(output.Next.Contended)
	add(len(contended) > 0, TroubleContended, "somebody keeps undoing %s; find out who, then run detour release %s", firstOf(contended), s.Group)
	add(len(p.Report.Skipped) > 0, TroubleSkipped, "%s", firstOf(skippedTexts(p.Report.Skipped)))
	add(known && !alive, TroubleAlone, "no other path of the group is alive, so there is nowhere to go")
	pending := known && !s.Settled && s.Mode == protection.Enforce
	add(pending && s.Switchover != nil, TroubleMoving, "the move to %s has not settled yet", s.Path)
	add(pending && s.Switchover == nil, TroubleMoving, "no later reading has shown yet that every route leads to %s, where the group was taken over", s.Path)
	add(s.Moves && !s.WouldBe, TroubleDue, "a run would move the group to %s (%s), and has not done so yet", s.Decision.To, s.Decision.Reason)
	return out
}

func inUse(paths []PathStatus) PathStatus {
	for _, path := range paths {
		if path.InUse {
			return path
		}
	}
	return PathStatus{}
}

// othersAlive reports whether a path other than the one in use carries traffic.
func othersAlive(p controller.Preview, used string) bool {
	return slices.ContainsFunc(p.Report.Health, func(h protection.PathHealth) bool { return h.Path != used && h.State.Alive() })
}

// unreadable lists the tables and subjects that could not be read.
func unreadable(p controller.Preview, s Status) []string {
	var out []string
	for _, problem := range p.Report.Problems {
		out = append(out, "table "+problem.Table.ID+": "+string(problem.Problem))
	}
	for _, path := range s.Paths {
		for _, subject := range path.Unreadable {
			out = append(out, "path "+path.Path+", "+subject)
		}
	}
	return out
}

func keyTexts(keys []protection.EntryKey) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = key.String()
	}
	return out
}

func skippedTexts(skipped []plan.Skipped) []string {
	out := make([]string, len(skipped))
	for i, s := range skipped {
		out[i] = s.Entry.String() + " (" + string(s.Reason) + ")"
	}
	return out
}

// firstOf names the first of the texts, and counts the others.
func firstOf(texts []string) string {
	switch len(texts) {
	case 0:
		return ""
	case 1:
		return texts[0]
	}
	return fmt.Sprintf("%s and %d more", texts[0], len(texts)-1)
}
