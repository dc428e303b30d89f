package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// runs tells the invocations. One that finds everything as it was is quiet.
func (t *timeline) runs() {
	last := map[string]string{}
	for i, run := range t.res.Rig.Runs {
		who := run.name(i)
		news := t.news(run, last)
		committed := slices.ContainsFunc(t.journal, func(j journalLine) bool { return j.run == i })
		killed := run.Process.Killed()
		if len(news) == 0 && !committed && !killed && run.Finished && run.Outcome.Action == handler.Value {
			if run.Cause == "event" {
				t.add(run.Started, rankRun, who, faint, "%s: nothing to change", causeWords(run))
				continue
			}
			t.entries = append(t.entries, entry{at: run.Started, rank: rankRun, who: who, quiet: string(run.Cause)})
			continue
		}
		t.add(run.Started, rankRun, who, plain, "%s", causeWords(run))
		for _, line := range news {
			t.add(run.Ended, rankEnd, who, line.tone, "%s", line.text)
		}
		t.end(run, who)
	}
}

// end tells how a run ended that did not end well.
func (t *timeline) end(run Run, who string) {
	switch {
	case run.Process.Killed():
		t.add(run.Ended, rankEnd, who, bad, "is killed")
	case !run.Finished:
		t.add(t.res.ledger.end, rankEnd, who, faint, "is still at work when the scenario ends")
	case run.Outcome.Action == handler.Retry:
		t.add(run.Ended, rankEnd, who, bad, "fails; Lambda tries again later")
	case run.Outcome.Action == handler.Drop:
		t.add(run.Ended, rankEnd, who, faint, "drops the message: %s", run.Outcome.Dropped)
	}
}

// news is what the reports of a run say that the ones before did not.
func (t *timeline) news(run Run, last map[string]string) []entry {
	var out []entry
	add := func(tone tone, format string, args ...any) {
		out = append(out, entry{tone: tone, text: fmt.Sprintf(format, args...)})
	}
	for _, r := range run.Outcome.Reports {
		switch r.Status {
		case controller.StatusBusy:
			add(faint, "leaves %s to the run that holds its lease; that one will look once more", r.Group)
			continue
		case controller.StatusFenced:
			add(bad, "lost the lease on %s to another run, and stops", r.Group)
			continue
		case controller.StatusFailed:
			add(bad, "cannot use the record store for %s: %v", r.Group, r.Err)
			continue
		case controller.StatusQuiet, controller.StatusDone, controller.StatusUnfinished:
		}
		t.decided(r, last, add)
		if len(r.Receipts) > 0 {
			add(plain, "has sent %s for %s: %s; %s after it started", plural(len(r.Receipts), "route write"), r.Group,
				outcomes(r.Receipts), run.Ended.Sub(run.Started).Round(time.Millisecond))
		}
		if r.Status == controller.StatusUnfinished {
			add(bad, "has not finished %s; a later run will", r.Group)
		}
		if r.Lag > 0 {
			add(plain, "saw the telemetry of %s lag %s behind the event", r.Group, r.Lag.Round(time.Millisecond))
		}
	}
	return out
}

// decided tells a decision that was not committed, if it is not the one that the
// run before told.
func (t *timeline) decided(r controller.Report, last map[string]string, add func(tone, string, ...any)) {
	said := decisionWords(r.Decision, t.steps(r.Group), r.WouldBe)
	state := pathWords(r.Health)
	for _, s := range r.Skipped {
		state += fmt.Sprintf("; %s left alone: %s", s.Entry, s.Reason)
	}
	before := last[r.Group]
	now := string(r.Decision.Action) + string(r.Decision.Reason) + r.Decision.To + state
	last[r.Group] = now
	committed := r.Decision.Action == protection.Move || r.Decision.Action == protection.Step || r.Decision.Action == protection.Adopt
	if now == before || (committed && !r.WouldBe) || (before == "" && r.Decision.Action == protection.Stay) {
		return
	}
	tone := plain
	if r.Decision.Action == protection.Hold {
		tone = bad
	}
	add(tone, "%s; %s", said, state)
}

func pathWords(paths []protection.PathHealth) string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		text := p.Path + " is " + p.State.String()
		if p.State != health.Up {
			text += " (" + string(p.Reason) + ")"
		}
		if p.Suppressed {
			text += " (suppressed)"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// outcomes counts receipts by outcome, in the order of first appearance.
func outcomes(list []route.Receipt) string {
	counts := map[route.Outcome]int{}
	var order []route.Outcome
	for _, r := range list {
		if counts[r.Outcome] == 0 {
			order = append(order, r.Outcome)
		}
		counts[r.Outcome]++
	}
	out := make([]string, 0, len(order))
	for _, o := range order {
		out = append(out, fmt.Sprintf("%d %s", counts[o], o))
	}
	return strings.Join(out, ", ")
}

// calls tells each route write, from the World's log, and what went wrong with
// calls.
func (t *timeline) calls() {
	shown := map[string]int{}
	rest := map[string]sim.CallRecord{}
	var cut []string
	for _, c := range t.res.ledger.calls {
		text, tone := callWords(c)
		if text == "" {
			continue
		}
		who := strings.TrimPrefix(c.Process, foreignWriter)
		if shown[who]++; shown[who] <= shownOf {
			t.add(c.EffectAt, rankWrite, who, tone, "%s", text)
			continue
		}
		if shown[who] == shownOf+1 {
			cut = append(cut, who)
		}
		rest[who] = c
	}
	for _, who := range cut {
		t.add(rest[who].EffectAt, rankWrite, who, faint, "… and %s like these, the last one here", plural(shown[who]-shownOf, "call"))
	}
}

// callWords tells a call that is worth a line, or nothing.
func callWords(c sim.CallRecord) (string, tone) {
	hit := ""
	if c.Fault != "" {
		hit = ", hit by fault " + c.Fault
	}
	switch {
	case c.Write != nil && c.Write.Before == c.Write.After:
		return fmt.Sprintf("writes %s %s -> %s, which stood already%s", c.Write.Table, c.Write.Destination, c.Write.After, hit), faint
	case c.Write != nil:
		return fmt.Sprintf("writes %s %s: %s -> %s%s", c.Write.Table, c.Write.Destination, orNone(c.Write.Before), orNone(c.Write.After), hit), loud
	case c.Fault == string(sim.FaultAbandoned):
		return c.Action + " never arrives: its sender was killed or gave up", bad
	case c.Fault != "":
		return c.Action + hit, bad
	case c.Code != "" && !isReadAction(c.Action):
		return fmt.Sprintf("%s is refused: %s", c.Action, c.Code), bad
	default:
		return "", plain
	}
}

func orNone(target string) string {
	if target == "" {
		return "none"
	}
	return target
}

// observations shows who reached whom at the instants of the expectations, and
// every expectation that does not hold.
func (t *timeline) observations() {
	for _, m := range t.res.Matrices {
		t.add(m.At, rankExpect, "data plane", plain, "%s", m.text())
	}
	for from := 0; from < len(t.res.Observed); {
		to, wrong := from, 0
		for ; to < len(t.res.Observed) && t.res.Observed[to].At.Equal(t.res.Observed[from].At); to++ {
			if o := t.res.Observed[to]; !o.OK {
				wrong++
				t.add(o.At, rankExpect, "expected", bad, "NOT AS EXPECTED: %s", o.What)
			}
		}
		if wrong == 0 {
			t.add(t.res.Observed[from].At, rankExpect, "expected", good, "as expected (%s)", plural(to-from, "expectation"))
		}
		from = to
	}
}

// text draws the matrix: a row for each host that asks, a column for each that
// should answer.
func (m Matrix) text() string {
	width := len("from \\ to")
	for _, h := range m.Hosts {
		width = max(width, len(h))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-*s", width, "from \\ to")
	for _, h := range m.Hosts {
		fmt.Fprintf(&out, "  %-*s", max(len(h), 3), h)
	}
	for i, from := range m.Hosts {
		fmt.Fprintf(&out, "\n%-*s", width, from)
		for j, to := range m.Hosts {
			cell := "NO"
			switch {
			case i == j:
				cell = "-"
			case m.Reaches[i][j]:
				cell = "yes"
			}
			fmt.Fprintf(&out, "  %-*s", max(len(to), 3), cell)
		}
	}
	return out.String()
}

// sumUp puts quiet runs that follow one another into one line.
func sumUp(entries []entry) []entry {
	var out, quiet []entry
	flush := func() {
		if len(quiet) == 0 {
			return
		}
		sweeps := 0
		for _, e := range quiet {
			if e.quiet == "schedule" {
				sweeps++
			}
		}
		var parts []string
		if sweeps > 0 {
			parts = append(parts, plural(sweeps, "sweep"))
		}
		if wakes := len(quiet) - sweeps; wakes > 0 {
			parts = append(parts, plural(wakes, "wake-up"))
		}
		text := listing(parts) + ": nothing to change"
		if len(quiet) > 1 {
			text += " until " + sinceStart(quiet[len(quiet)-1].at)
		}
		out = append(out, entry{at: quiet[0].at, who: "detour", tone: faint, text: text})
		quiet = nil
	}
	for _, e := range entries {
		if e.quiet != "" {
			quiet = append(quiet, e)
			continue
		}
		flush()
		out = append(out, e)
	}
	flush()
	return out
}
