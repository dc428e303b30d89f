package lab

import (
	"fmt"
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
		committed := t.committedBy(i)
		news := t.news(i, last, committed)
		well := run.Finished && run.Outcome.Action == handler.Value && len(committed) == 0
		switch {
		case len(news) == 0 && well:
			t.quiet(run, who)
		case len(news) == 1 && well && news[0].quiet == brief:
			t.add(run.Started, rankRun, who, faint, "%s; %s", causeWords(run), news[0].text)
		default:
			t.add(run.Started, rankRun, who, plain, "%s", causeWords(run))
			for _, line := range news {
				if line.at.IsZero() {
					line.at, line.rank = run.Ended, rankEnd
				}
				t.add(line.at, line.rank, who, line.tone, "%s", line.text)
			}
			t.end(run, who)
		}
	}
}

// quiet tells of a run that changed nothing.
func (t *timeline) quiet(run Run, who string) {
	switch run.Cause {
	case "event":
		t.add(run.Started, rankRun, who, faint, "%s: nothing to change", causeWords(run))
	case causeWorkflow: // The workflow's line says that it ran.
	default:
		t.entries = append(t.entries, entry{at: run.Started, rank: rankRun, who: who, quiet: run.Cause})
	}
}

// committedBy returns the groups for which a run committed a decision, and
// whether that moved routes.
func (t *timeline) committedBy(run int) map[string]bool {
	committed := map[string]bool{}
	for _, j := range t.journal {
		if j.run == run {
			committed[j.Decision.Group] = committed[j.Decision.Group] || t.changes(j)
		}
	}
	return committed
}

// brief marks news that fits behind what woke the run.
const brief = "brief"

// end tells how a run ended that did not end well.
func (t *timeline) end(run Run, who string) {
	switch {
	case run.Process.Killed() && !run.Ended.IsZero(): // What is at work at the end is killed without a time.
		t.add(run.Ended, rankEnd, who, bad, "is killed")
	case !run.Finished:
		t.add(t.res.ledger.end, rankEnd, who, faint, "is still at work when the scenario ends")
	case run.Outcome.Action == handler.Retry:
		t.add(run.Ended, rankEnd, who, bad, "fails; Lambda tries again later")
	case run.Outcome.Action == handler.Drop:
		t.add(run.Ended, rankEnd, who, faint, "drops the message: %s", run.Outcome.Dropped)
	}
}

// news is what the reports of a run say that the ones before did not. committed
// are the groups whose decision the journal tells.
func (t *timeline) news(i int, last map[string]string, committed map[string]bool) []entry {
	var out []entry
	run := t.res.Rig.Runs[i]
	add := func(tone tone, format string, args ...any) {
		out = append(out, entry{tone: tone, text: fmt.Sprintf(format, args...)})
	}
	for _, r := range run.Outcome.Reports {
		switch r.Status {
		case controller.StatusBusy:
			add(faint, "leaves %s to the run that holds its lease, which will look once more", r.Group)
			out[len(out)-1].quiet = brief
			continue
		case controller.StatusFenced:
			add(bad, "lost the lease on %s to another run, and stops", r.Group)
			continue
		case controller.StatusFailed:
			add(bad, "cannot use the record store for %s: %v", r.Group, r.Err)
			continue
		case controller.StatusQuiet, controller.StatusDone, controller.StatusUnfinished:
		}
		changed := t.changed(i, r)
		out = append(out, changed...)
		text, at, finishes := t.finishing(i, r)
		if finishes && len(changed) == 0 {
			out = append(out, entry{at: at, rank: rankDecision, tone: loud, text: text})
		}
		t.decided(run, r, last, committed[r.Group] || (finishes && r.Decision.Action == protection.Stay), add)
		if len(r.Receipts) > 0 {
			add(plain, "ends, %s after it was woken; %s for %s: %s", run.Ended.Sub(run.Started).Round(time.Millisecond),
				plural(len(r.Receipts), "route write"), r.Group, outcomes(r.Receipts))
		}
		if r.Status == controller.StatusUnfinished {
			add(bad, "has not finished %s; a later run will", r.Group)
		}
		if r.Lag > 0 {
			add(plain, "saw the telemetry of %s lag %s behind the event", r.Group, r.Lag.Round(time.Millisecond))
		}
	}
	return append(out, t.filtered(i)...)
}

// changed tells what a run makes of changes that somebody else made.
func (t *timeline) changed(i int, r controller.Report) []entry {
	var out []entry
	run := t.res.Rig.Runs[i]
	lines, at := t.repaired(run, r)
	for _, text := range lines {
		out = append(out, entry{at: at, rank: rankDecision, tone: loud, text: text})
	}
	if text, ok := t.sighted(run, r); ok {
		out = append(out, entry{tone: plain, text: text, quiet: brief})
	}
	return out
}

// decided tells a decision that the journal does not tell, if something is new
// about it: the path, the states of the paths, or the reason for a hold.
func (t *timeline) decided(run Run, r controller.Report, last map[string]string, committed bool, add func(tone, string, ...any)) {
	state := standingWords(r)
	now := r.Decision.To + " " + state + " " + t.whyNot(run, r)
	tone := plain
	if r.Decision.Action == protection.Hold {
		tone = bad
		now += " " + string(r.Decision.Reason)
	}
	before := last[r.Group]
	last[r.Group] = now
	if now == before || committed || (before == "" && r.Decision.Action == protection.Stay) {
		return
	}
	add(tone, "%s; %s", decisionWords(r.Decision, t.steps(r.Group, run.Started), t.whyNot(run, r)), state)
}

// standingWords says in which state a run found the paths, and which routes it
// leaves alone.
func standingWords(r controller.Report) string {
	const told = 3
	out := pathWords(r.Health)
	for _, u := range r.Unlearned {
		for i, missing := range u.Routes {
			if i == told {
				out += fmt.Sprintf("; and %d more of %s", len(u.Routes)-told, u.Path)
				break
			}
			out += fmt.Sprintf("; %s: %s", u.Path, missing)
		}
	}
	for i, s := range r.Skipped {
		if i == told {
			return fmt.Sprintf("%s; and %d more left alone", out, len(r.Skipped)-told)
		}
		out += fmt.Sprintf("; %s left alone: %s", s.Entry, s.Reason)
	}
	return out
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
		text += t.afterDeath(c)
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
	case strings.HasSuffix(c.Action, actionPropagation) && c.Code == "" && !isReadAction(c.Action):
		return propagationWords(c) + hit, loud
	case c.Action == actionEditList && c.Code == "":
		return editWords(c) + hit, loud
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

// editWords says a change of a prefix list.
func editWords(c sim.CallRecord) string {
	text := "changes prefix list " + c.Params.Get("PrefixListId")
	for _, part := range []struct{ verb, key string }{{"adds", "AddEntry."}, {"removes", "RemoveEntry."}} {
		if blocks := paramList(c.Params, part.key, ".Cidr"); len(blocks) > 0 {
			text += fmt.Sprintf("; %s %s", part.verb, listing(blocks))
		}
	}
	return text
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

// alike reports whether the next entry says the same at the same instant.
func (e entry) alike(next entry) bool {
	text := e.text
	if e.once != "" {
		text = e.once
	}
	return e.at.Equal(next.at) && e.who == next.who && text == next.text
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
	times := 1
	for _, e := range entries {
		if e.quiet != "" {
			quiet = append(quiet, e)
			continue
		}
		flush()
		if same := len(out) > 0 && out[len(out)-1].alike(e); same {
			times++
			out[len(out)-1].text = fmt.Sprintf("%s (%d times)", e.text, times)
			out[len(out)-1].once = e.text
			continue
		}
		times = 1
		out = append(out, e)
	}
	flush()
	return out
}
