package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
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
		sightings: map[string]protection.Sighting{}, repairs: map[string]time.Time{},
	}
	for i, run := range res.Rig.Runs {
		if !run.Finished && run.Process.Killed() {
			t.killed[run.name(i)] = run.Ended
		}
	}
	t.readJournal()
	t.tunnels()
	t.events()
	t.script()
	t.runs()
	t.decisions()
	t.calls()
	t.observations()
	slices.SortStableFunc(t.entries, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	return sumUp(t.entries)
}

func (t *timeline) add(at time.Time, rank int, who string, tone tone, format string, args ...any) {
	t.entries = append(t.entries, entry{at: at, rank: rank, who: who, tone: tone, text: fmt.Sprintf(format, args...)})
}

// tunnels tells the truth about the tunnels, and what AWS knows of it. Tunnels
// of one connection that change together share a line.
func (t *timeline) tunnels() {
	type key struct {
		at   time.Time
		vpn  string
		kind string
		up   bool
	}
	seen := map[key][]string{}
	var order []key
	for _, c := range t.res.Rig.World.TunnelHistory() {
		k := key{c.At, c.VPN, c.Kind, c.Up}
		if seen[k] == nil {
			order = append(order, k)
		}
		seen[k] = append(seen[k], c.OutsideIP)
	}
	for _, k := range order {
		ips := seen[k]
		slices.Sort(ips)
		state, tone := "down", bad
		if k.up {
			state, tone = "up", good
		}
		subject := fmt.Sprintf("%s %s", k.vpn, listing(ips))
		is := "is"
		if len(ips) > 1 {
			is = "are"
		}
		switch k.kind {
		case sim.TunnelTruth:
			verb := map[bool]string{true: "comes up", false: "dies"}[k.up]
			if len(ips) > 1 {
				verb = map[bool]string{true: "come up", false: "die"}[k.up]
			}
			t.add(k.at, rankNetwork, "network", tone, "%s: %s %s", k.vpn, plural(len(ips), "tunnel")+" ("+listing(ips)+")", verb)
		case sim.TunnelDetected:
			told := "; its API shows it"
			if seen[key{k.at, k.vpn, sim.TunnelTelemetry, k.up}] == nil {
				told = "; its API does not show it yet"
			}
			t.add(k.at, rankAWS, "AWS", plain, "finds out that %s %s %s%s", subject, is, state, told)
		case sim.TunnelTelemetry:
			if seen[key{k.at, k.vpn, sim.TunnelDetected, k.up}] == nil {
				t.add(k.at, rankAWS, "AWS", plain, "now shows in its API that %s %s %s", subject, is, state)
			}
		}
	}
}

// events tells which events AWS sent, and which of them never arrived.
func (t *timeline) events() {
	delivered := map[string]int{}
	for _, run := range t.res.Rig.Runs {
		if run.Attempt == 1 {
			for _, id := range messageIDs(run.Message) {
				delivered[id]++
			}
		}
	}
	type key struct {
		at          time.Time
		change, vpn string
		copies      int
	}
	seen := map[key][]string{}
	var order []key
	for _, emitted := range t.res.Rig.Emitted {
		e, ok := tunnelEventOf(emitted.Raw)
		if !ok {
			continue
		}
		k := key{emitted.At, e.change, e.vpn, delivered[e.id]}
		if seen[k] == nil {
			order = append(order, k)
		}
		seen[k] = append(seen[k], e.tunnel)
	}
	for _, k := range order {
		ips := seen[k]
		slices.Sort(ips)
		fate, tone := "", plain
		switch {
		case k.copies == 0:
			fate, tone = "; lost on the way", bad
		case k.copies > 1:
			fate, tone = fmt.Sprintf("; delivered %d times", k.copies), bad
		}
		t.add(k.at, rankAWS, "AWS", tone, "sends %s: %s, %s %s%s", plural(len(ips), "event"), k.change, k.vpn, listing(ips), fate)
	}
}

// script tells what people do, and what is done to the events.
func (t *timeline) script() {
	for _, step := range t.res.Scenario.Script {
		at := Start().Add(time.Duration(step.At))
		switch step.Do {
		case LoseEvents:
			t.add(at, rankNetwork, "script", bad, "from here on every event is lost")
		case DeliverEvents:
			t.add(at, rankNetwork, "script", plain, "events are delivered again")
		case TunnelDown, TunnelUp, MakeRequest, ClearRequest, WriteRoute: // Told by what comes of them.
		}
	}
	for _, r := range t.res.Rig.Requests {
		if r.Clear {
			t.add(r.At, rankNetwork, "operator", loud, "clears request %s of %s", r.Request.ID, r.Group)
			continue
		}
		text := fmt.Sprintf("asks for %s of %s", r.Request.Kind, r.Group)
		if r.Request.Path != "" {
			text += ", path " + r.Request.Path
		}
		for _, flag := range []struct {
			on   bool
			text string
		}{{r.Request.IgnoreHealth, ", whatever its health"}, {r.Request.Immediate, ", at once"}} {
			if flag.on {
				text += flag.text
			}
		}
		t.add(r.At, rankNetwork, "operator", loud, "%s (request %s)", text, r.Request.ID)
	}
}

// readJournal finds out which run committed which decision.
func (t *timeline) readJournal() {
	for _, g := range t.res.Scenario.Config.GroupList {
		history, err := t.res.Rig.Store.History(context.Background(), controller.GroupKey(g.Name), 1<<20)
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
			t.add(j.At, rankDecision, who, loud, "%s; %s", decisionWords(j.Decision, t.steps(j.Decision.Group), ""), t.evidence(j))
		}
		last[j.Key] = j.Decision
		if j.Note == "settled" {
			t.add(j.At, rankDecision, who, good, "settles %s: every route stands on %s, seen once more after the settle time", j.Decision.Group, j.Decision.To)
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

func (t *timeline) steps(group string) int {
	for _, g := range t.res.Rig.groups {
		if g.Name == group {
			return g.Steps()
		}
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
