package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// shownEntries is how many entries a line names at most.
const shownEntries = 3

// reportOf finds the report of the run that committed the entry; it has none if
// the run was killed.
func (t *timeline) reportOf(j journalLine) (controller.Report, bool) {
	if j.run < 0 {
		return controller.Report{}, false
	}
	for _, r := range t.res.Rig.Runs[j.run].Outcome.Reports {
		if r.Decision == j.Decision {
			return r, true
		}
	}
	return controller.Report{}, false
}

// startOf is when the run started that committed the entry, or when the entry
// was written if no run is known.
func (t *timeline) startOf(j journalLine) time.Time {
	if j.run < 0 {
		return j.At
	}
	return t.res.Rig.Runs[j.run].Started
}

// changes reports whether the entry committed a change of what is decided. A
// settled move is journaled with the decision of that run too, which may be one
// that was only what would be.
func (t *timeline) changes(j journalLine) bool {
	r, _ := t.reportOf(j)
	wouldBe := r.WouldBe || t.observes(j.Decision.Group, t.startOf(j))
	return moves(j.Decision.Action) && (!wouldBe || !changesPath(j.Decision.Action))
}

// changesPath reports whether an action is one that observe mode and a freeze
// keep from being committed.
func changesPath(a protection.Action) bool { return a == protection.Move || a == protection.Step }

// observes reports whether the group was in observe mode for what was decided at
// an instant, by a run that had started before.
func (t *timeline) observes(group string, at time.Time) bool {
	g := t.groupAt(group, at)
	return g != nil && g.Mode == protection.Observe
}

// whyNot says what kept a decision from being committed; empty: nothing did.
func (t *timeline) whyNot(run Run, r controller.Report) string {
	switch {
	case !r.WouldBe:
		return ""
	case t.observes(r.Group, run.Started):
		return "observe mode"
	case r.Output.Freeze.On:
		return "frozen"
	default:
		return ""
	}
}

// evidence says what a committed decision was made from: as the run reported
// it, or else as the journal keeps it.
func (t *timeline) evidence(j journalLine) string {
	if r, ok := t.reportOf(j); ok && len(r.Health) > 0 {
		return standingWords(r)
	}
	return memoryWords(j.Evidence)
}

// sighted tells what a run saw changed for the first time, which counts only
// when it is seen once more.
func (t *timeline) sighted(run Run, r controller.Report) (string, bool) {
	s := r.Output.Next.Sighting
	if !during(run, s.At) || t.sightings[r.Group].At.Equal(s.At) {
		return "", false
	}
	t.sightings[r.Group] = s
	again := s.At
	if g := t.groupAt(r.Group, run.Started); g != nil {
		again = again.Add(g.Limits.SettleTime)
	}
	what := fmt.Sprintf("every route of %s on %s, not %s", r.Group, s.MovedTo, r.Output.Next.Decision.To)
	if s.MovedTo == "" {
		parts := make([]string, 0, len(s.Undone))
		for _, seen := range s.Undone {
			parts = append(parts, t.seenWords(t.groupAt(r.Group, run.Started), r.Output.Next.Decision, seen))
		}
		what = shortList(parts)
	}
	return fmt.Sprintf("sees %s; looks again at %s", what, wholeSeconds(again)), true
}

// seenWords says where an entry stands, and where it should.
func (t *timeline) seenWords(group *protection.Group, d protection.Decision, seen protection.Seen) string {
	want, on := standsOn(group, d, seen)
	switch {
	case slices.Contains(on, want):
		return fmt.Sprintf("%s on %s, but dropping traffic", seen.Entry, want)
	case len(on) > 0:
		return fmt.Sprintf("%s on %s, not %s", seen.Entry, on[0], want)
	case seen.NextHop.String() == "none":
		return fmt.Sprintf("no static route %s, not one on %s", seen.Entry, want)
	default:
		return fmt.Sprintf("%s on %s, which is no path of %s, not %s", seen.Entry, seen.NextHop, d.Group, want)
	}
}

// standsOn returns the path that an entry belongs to, and those on which it was
// seen.
func standsOn(g *protection.Group, d protection.Decision, seen protection.Seen) (want string, on []string) {
	if g == nil {
		return "", nil
	}
	for u, unit := range g.Units {
		for _, e := range unit.Entries {
			if e.EntryKey != seen.Entry {
				continue
			}
			want = d.PathFor(g.Step(u))
			for _, hop := range e.NextHops {
				if hop.NextHop == seen.NextHop {
					on = append(on, hop.Path)
				}
			}
		}
	}
	return want, on
}

// repaired tells that a run counted entries as changed by somebody else, and
// which of them it writes again or gives up. at is when it decided so.
func (t *timeline) repaired(run Run, r controller.Report) (lines []string, at time.Time) {
	next := r.Output.Next
	if next.Decision.Epoch != r.Before.Epoch {
		return nil, time.Time{}
	}
	var back, dropping, given []string
	who := "somebody else changes"
	for _, reversal := range next.Reversals {
		if !during(run, reversal.At) || t.repairs[r.Group].Equal(reversal.At) {
			continue
		}
		at = reversal.At
		switch {
		case slices.Contains(next.Contended, reversal.Entry):
			given = append(given, reversal.Entry.String())
			if by := next.WritersOf(reversal.Entry); len(by) > 0 {
				who = lastOf(by[0]) + " changes"
			}
		case t.dropped(t.groupAt(r.Group, run.Started), next.Decision, reversal.Entry):
			dropping = append(dropping, reversal.Entry.String())
		case !next.Settled:
			back = append(back, reversal.Entry.String())
		}
	}
	if !at.IsZero() {
		t.repairs[r.Group] = at
	}
	for _, line := range []struct {
		text    string
		entries []string
	}{
		{"puts back what somebody else changed: %s", back},
		{"writes again what drops traffic although its path is alive: %s", dropping},
		{"no longer writes %s: " + who + " it again and again", given},
	} {
		if len(line.entries) > 0 {
			lines = append(lines, fmt.Sprintf(line.text, shortList(line.entries)))
		}
	}
	return lines, at
}

// dropped: the group's last sighting showed the entry in its place.
func (t *timeline) dropped(group *protection.Group, d protection.Decision, entry protection.EntryKey) bool {
	return slices.ContainsFunc(t.sightings[d.Group].Undone, func(seen protection.Seen) bool {
		want, on := standsOn(group, d, seen)
		return seen.Entry == entry && slices.Contains(on, want)
	})
}

// finishing tells that a run wrote routes for a decision that was committed
// before it, and since when; it is not ok if it did not.
func (t *timeline) finishing(i int, r controller.Report) (text string, at time.Time, ok bool) {
	d := r.Output.Next.Decision
	if len(r.Receipts) == 0 || d.Epoch != r.Before.Epoch || moves(r.Decision.Action) && !r.WouldBe {
		return "", time.Time{}, false
	}
	run := t.res.Rig.Runs[i]
	owner, settled := t.ownerOf(run, r.Group, d.Epoch)
	whose, at := "an earlier run", t.firstWrite(run.name(i), r.Group, run.Ended)
	switch owner {
	case -1:
	case i:
		whose, at = "its own", run.Ended
	default:
		whose = t.res.Rig.Runs[owner].name(owner)
	}
	switch {
	case settled:
		text = fmt.Sprintf("goes on putting back what somebody else changed in %s", r.Group)
	case d.Action == protection.Adopt:
		text = fmt.Sprintf("brings the rest of %s to %s, where most of it stood", r.Group, d.To)
	case owner == i:
		text = fmt.Sprintf("finishes its own move of %s from %s to %s", r.Group, d.From, d.To)
	default:
		text = fmt.Sprintf("finishes the move of %s: %s from %s to %s", whose, r.Group, d.From, d.To)
	}
	return text + "; " + pathWords(r.Health), at, true
}

// ownerOf is the run that committed the group's epoch, or -1, and whether it had
// settled before the run began.
func (t *timeline) ownerOf(run Run, group string, epoch int64) (owner int, settled bool) {
	owner = -1
	for _, j := range t.journal {
		switch {
		case j.Decision.Group != group || j.Decision.Epoch != epoch || j.At.After(run.Ended):
		case t.changes(j):
			owner, settled = j.run, false
		case j.Note == "settled" && j.At.Before(run.Started):
			settled = true
		}
	}
	return owner, settled
}

// firstWrite is when the first write of the process to the group took effect,
// or the other instant if none did.
func (t *timeline) firstWrite(process, group string, otherwise time.Time) time.Time {
	for _, c := range t.res.ledger.calls {
		if c.Process != process || c.Write == nil {
			continue
		}
		if e := t.res.ledger.eraOf(process).entries[entryID{c.Write.Table, c.Write.Destination}]; e != nil && e.group.Name == group {
			return c.EffectAt
		}
	}
	return otherwise
}

// afterDeath says of a write that its sender was killed before it landed.
func (t *timeline) afterDeath(c sim.CallRecord) string {
	if died, ok := t.killed[c.Process]; ok && c.Write != nil && c.EffectAt.After(died) {
		return ", sent before the function was killed"
	}
	return ""
}

// during reports whether the instant is one of the run's.
func during(run Run, at time.Time) bool {
	return !at.IsZero() && !at.Before(run.Started) && !at.After(run.Ended)
}

// shortList names the first of a list, and counts the others.
func shortList(words []string) string {
	if len(words) > shownEntries {
		words = append(slices.Clone(words[:shownEntries]), fmt.Sprintf("%d more", len(words)-shownEntries))
	}
	return listing(words)
}

// wholeSeconds prints an instant as +MM:SS, rounded up as a wake-up is.
func wholeSeconds(at time.Time) string {
	due := at.Truncate(time.Second)
	if due.Before(at) {
		due = due.Add(time.Second)
	}
	return strings.TrimSuffix(sinceStart(due), ".000")
}
