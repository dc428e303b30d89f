package lab

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
)

// tone is how a line of the timeline is coloured.
type tone int

const (
	plain tone = iota
	faint
	bad
	good
	loud
)

// entry is one line of the timeline. Lines of one instant stand in the order of
// their rank: what happens to the network before what Detour makes of it.
type entry struct {
	at   time.Time
	rank int
	who  string
	text string
	tone tone
	// quiet counts a run that changed nothing; such runs are summed up.
	quiet string
	// once is the text as it was before its repetitions were counted in it.
	once string
}

// The ranks.
const (
	rankNetwork = iota
	rankAWS
	rankRun
	rankDecision
	rankWrite
	rankEnd
	rankExpect
)

// shownOf is how many lines of one sort a run of a function gets at most.
const shownOf = 12

// timeline collects the lines of a run.
type timeline struct {
	res     *Result
	entries []entry
	journal []journalLine
	// killed is when each process died that was killed.
	killed map[string]time.Time
	// sightings and repairs are those told last, by group.
	sightings map[string]protection.Sighting
	repairs   map[string]time.Time
	// verdicts are those that filters came to last.
	verdicts map[filterKey]filterState
	// eras are the configurations, each with its groups as Detour has them.
	eras []groupsSince
}

// groupsSince are the groups of the runs that start from an instant on.
type groupsSince struct {
	since  time.Time
	config config.Config
	groups []protection.Group
}

// groupAt is a group as a run has it that started at an instant; nil if it was
// not declared then.
func (t *timeline) groupAt(name string, at time.Time) *protection.Group {
	era := t.eraAt(at)
	for i := range era.groups {
		if era.groups[i].Name == name {
			return &era.groups[i]
		}
	}
	return nil
}

func (t *timeline) eraAt(at time.Time) groupsSince {
	out := t.eras[0]
	for _, era := range t.eras {
		if !era.since.After(at) {
			out = era
		}
	}
	return out
}

// journalLine is a committed decision and the run that committed it.
type journalLine struct {
	controller.JournalEntry
	run int
}

// timelineOf merges everything that happened, in order.
func timelineOf(res *Result) []entry {
	t := &timeline{
		res: res, killed: map[string]time.Time{},
		sightings: map[string]protection.Sighting{}, repairs: map[string]time.Time{}, verdicts: map[filterKey]filterState{},
	}
	for _, c := range res.Scenario.configs() {
		t.eras = append(t.eras, groupsSince{since: c.since, config: c.Config, groups: c.Groups()})
	}
	for i, run := range res.Rig.Runs {
		if !run.Finished && run.Process.Killed() {
			t.killed[run.name(i)] = run.Ended
		}
	}
	t.readJournal()
	t.tunnels()
	t.health()
	t.events()
	t.learned()
	t.script()
	t.failbacks()
	t.runs()
	t.decisions()
	t.calls()
	t.observations()
	slices.SortStableFunc(t.entries, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	return sumUp(t.entries)
}

// bundle collects parts that share a line, under what the line says: its key. The
// keys keep the order in which they came.
type bundle[K comparable] struct {
	keys  []K
	parts map[K][]string
}

func (b *bundle[K]) add(key K, part string) {
	if b.parts == nil {
		b.parts = map[K][]string{}
	}
	if !b.has(key) {
		b.keys = append(b.keys, key)
	}
	b.parts[key] = append(b.parts[key], part)
}

func (b *bundle[K]) has(key K) bool { return b.parts[key] != nil }

// all are the keys, each with its parts sorted.
func (b *bundle[K]) all() iter.Seq2[K, []string] {
	return func(yield func(K, []string) bool) {
		for _, key := range b.keys {
			if !yield(key, slices.Sorted(slices.Values(b.parts[key]))) {
				return
			}
		}
	}
}

func (t *timeline) add(at time.Time, rank int, who string, tone tone, format string, args ...any) {
	t.entries = append(t.entries, entry{at: at, rank: rank, who: who, tone: tone, text: fmt.Sprintf(format, args...)})
}

// readJournal finds out which run committed which decision.
func (t *timeline) readJournal() {
	for _, name := range t.res.groupNames() {
		history, err := t.res.Rig.Store.History(context.Background(), controller.GroupKey(name), 1<<20)
		if err != nil {
			panic(err) // The memory store always has its journal.
		}
		slices.Reverse(history)
		for _, j := range history {
			t.journal = append(t.journal, journalLine{JournalEntry: j, run: t.runOf(j)})
		}
	}
}

// runOf finds the run that was under way when the entry was written, by the
// event that it names; -1 if none does.
func (t *timeline) runOf(j controller.JournalEntry) int {
	for i, run := range t.res.Rig.Runs {
		if run.Started.After(j.At) || (!run.Ended.IsZero() && run.Ended.Before(j.At)) {
			continue
		}
		if (run.Function == Sweep && j.Event == "sweep") || slices.Contains(messageIDs(run.Message), j.Event) {
			return i
		}
	}
	return -1
}

// decisions tells the committed decisions, from the journal: they stand even if
// the run that made them was killed.
func (t *timeline) decisions() {
	last := map[controller.Key]protection.Decision{}
	for _, j := range t.journal {
		who := "detour"
		if j.run >= 0 {
			who = t.res.Rig.Runs[j.run].name(j.run)
		}
		if j.Decision != last[j.Key] && t.changes(j) {
			t.add(j.At, rankDecision, who, loud, "%s; %s", decisionWords(j.Decision, t.steps(j.Decision.Group, j.At), ""), t.evidence(j))
		}
		last[j.Key] = j.Decision
		if j.Note == "settled" {
			t.add(j.At, rankDecision, who, good, "settles %s: every route stands on %s, seen once more after the settle time", j.Decision.Group, j.Decision.To)
		}
		for _, gap := range j.Gaps {
			t.add(j.At, rankWrite, who, plain, "reads the learned route of %s, %s after the answer that its static was deleted", gap.Entry, gap.Took.Round(time.Millisecond))
		}
		for _, ended := range j.Ended {
			t.add(j.At, rankDecision, who, plain, "ends request %s (%s): %s (%s)", ended.Request.ID, ended.Request.Kind, reasonWords(ended.Reason), ended.Reason)
		}
	}
}

// moves reports whether an action changes what is decided.
func moves(a protection.Action) bool {
	return a == protection.Move || a == protection.Step || a == protection.Adopt
}

// steps is the number of steps of a group's moves, as a run has it.
func (t *timeline) steps(group string, at time.Time) int {
	if g := t.groupAt(group, at); g != nil {
		return g.Steps()
	}
	return 0
}

func memoryWords(paths []protection.PathMemory) string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		out = append(out, p.Path+" is "+p.Memory.State.String())
	}
	return strings.Join(out, ", ")
}

// name is the name of the process of the run.
func (r Run) name(i int) string { return fmt.Sprintf("%s-%d", r.Function, i+1) }
