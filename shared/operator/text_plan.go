package operator

import (
	"fmt"
	"strings"
	"time"

	"detour/shared/explain"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// How many routes and notes a text shows of each group; JSON has them all.
const (
	shownChanges = 20
	shownNotes   = 15
)

// PlanText tells what would be written.
func PlanText(plans []Outlook, style Style) string {
	var out strings.Builder
	for i, p := range plans {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(style.in(bold, "group "+p.Group) + ", " + headOf(p) + "\n")
		out.WriteString(style.outlook(p) + style.notes(p.Notes, len(plans) == 1))
	}
	return out.String()
}

func headOf(p Outlook) string {
	mode := string(p.Mode)
	if p.Freeze.On {
		mode += ", frozen"
	}
	switch {
	case p.Decision == (protection.Decision{}):
		return mode + ": a switchover to " + p.Toward + " would write"
	case p.Decision.Action == protection.Undo && p.WouldBe:
		return mode + ": would go back to " + p.Toward + ": " + Meaning(p.Decision.Reason)
	case p.Decision.Action == protection.Undo:
		return mode + ": go back to " + p.Toward + ": " + Meaning(p.Decision.Reason)
	case p.WouldBe:
		return mode + ": would " + string(p.Decision.Action) + " " + p.Toward + ": " + Meaning(p.Decision.Reason)
	default:
		return mode + ": " + string(p.Decision.Action) + " " + p.Toward + ": " + Meaning(p.Decision.Reason)
	}
}

// outlook tells of changes, cost, and what is left alone.
func (s Style) outlook(p Outlook) string {
	var out strings.Builder
	for _, problem := range p.Problems {
		out.WriteString("  " + s.in(red, shown(problem)) + "\n")
	}
	if p.Complete && len(p.Changes) == 0 {
		out.WriteString("  nothing to write: every route stands as decided\n")
	}
	out.WriteString(s.changes(p.Changes))
	if len(p.Changes) > 0 {
		out.WriteString("  cost: " + costText(p.Cost) + "\n")
	}
	for i, skipped := range p.Skipped {
		if i == shownChanges {
			fmt.Fprintf(&out, "  … and %d more are left alone; --json has them all\n", len(p.Skipped)-i)
			break
		}
		out.WriteString("  " + s.in(yellow, "left alone") + " " + skipped.Entry.String() + " (" + string(skipped.Reason) + "), which leads to " + hop(skipped.NextHop) + "\n")
	}
	return out.String()
}

// notes tells of what a survey found: the warnings, or all of it.
func (s Style) notes(notes []plan.Note, all bool) string {
	var out strings.Builder
	left := 0
	for i, note := range notes {
		switch {
		case note.Level != plan.LevelWarning && !all:
		case i >= shownNotes:
			left++
		case note.Level == plan.LevelWarning:
			out.WriteString("  " + s.in(yellow, "warning") + ": " + shown(note.Text) + "\n")
		default:
			out.WriteString("  note: " + shown(note.Text) + "\n")
		}
	}
	if left > 0 {
		out.WriteString("  … and " + plural(left, "note") + " more; --json has them all\n")
	}
	return out.String()
}

func (s Style) changes(changes []route.Change) string {
	var cells [][]string
	for i, c := range changes {
		if i == shownChanges {
			break
		}
		destination := c.Destination.String()
		if c.ListVersion > 0 {
			destination += fmt.Sprintf(" (version %d)", c.ListVersion)
		}
		cells = append(cells, []string{c.Table.ID, destination, hop(c.Before), "->", hop(c.After)})
	}
	text := rows("  ", cells)
	if more := len(changes) - shownChanges; more > 0 {
		text += fmt.Sprintf("  … and %d more; --json has them all\n", more)
	}
	return text
}

func hop(h route.NextHop) string { return or(h.String(), "nothing") }

func costText(c Cost) string {
	return explain.CostText(plan.Cost{Calls: c.Buckets, Wait: time.Duration(c.Seconds * float64(time.Second))})
}

// ProposalText tells what an act would do.
func ProposalText(p *Proposal, style Style) string {
	var out strings.Builder
	out.WriteString(actText(p.Act) + "\n")
	if len(p.Effects) > maxWhole {
		out.WriteString(style.many(p))
	} else {
		for _, e := range p.Effects {
			out.WriteString(style.effect(e))
		}
	}
	if len(p.Filters) > 0 {
		fmt.Fprintf(&out, "  filters too: %s\n", strings.Join(p.Filters, ", "))
	}
	fmt.Fprintf(&out, "  asked by %s: %s\n", shown(p.By), shown(p.Act.Why))
	return out.String()
}

// actText is what an operator wants done.
func actText(a Act) string {
	what := string(a.Kind)
	if a.Clear {
		what = "clear every request"
		if a.ClearKind != "" {
			what = "clear the " + string(a.ClearKind)
		}
		if len(a.IDs) > 0 {
			what = "clear " + strings.Join(a.IDs, ", ")
		}
	}
	if a.Path != "" {
		what += " " + a.Path
	}
	if a.Immediate {
		what += ", at once"
	}
	if a.IgnoreHealth {
		what += ", ignoring health"
	}
	if a.Unproven {
		what += ", unproven"
	}
	if a.All {
		return what + ", all groups"
	}
	return what + ", group " + strings.Join(a.Groups, ", ")
}

// maxWhole is how many groups an act is told of in full.
const maxWhole = 3

// effect tells what would follow for one group.
func (s Style) effect(e Effect) string {
	var out strings.Builder
	verb := "stays on"
	if e.Moves {
		verb = "moves to"
		if e.Outlook.WouldBe {
			verb = "would move to"
		}
	}
	at := or(e.Outlook.Path, "a path that is not known yet")
	if e.Moves {
		at = e.Outlook.Toward
	}
	out.WriteString(s.in(bold, "group "+e.Group()) + " " + verb + " " + at + ": " + Meaning(e.Outlook.Decision.Reason) + "\n")
	if e.Refused != "" {
		out.WriteString("  " + s.in(red, "refused") + ": " + Meaning(e.Refused) + "\n")
	}
	for _, warning := range e.Warnings {
		out.WriteString("  " + s.in(yellow, "warning") + ": " + shown(warning) + "\n")
	}
	if e.Request != nil {
		out.WriteString("  request " + requestText(*e.Request) + "\n")
	}
	for _, request := range e.Clears {
		out.WriteString("  clears " + s.request(request) + "\n")
	}
	for _, ended := range e.Cancels {
		out.WriteString("  " + s.in(yellow, "ends") + " request " + requestText(ended.Request) + ": " + Meaning(ended.Reason) + "\n")
	}
	out.WriteString(s.outlook(e.Outlook) + s.notes(e.Outlook.Notes, false))
	return out.String()
}

// many tells of many groups with a line each.
func (s Style) many(p *Proposal) string {
	cells := [][]string{{"GROUP", "PATH", "WOULD", "CALLS", "WARNINGS"}}
	for _, e := range p.Effects {
		would := "stay"
		if e.Moves {
			would = "move to " + e.Outlook.Toward
		}
		if e.Refused != "" {
			would = "refuse: " + string(e.Refused)
		}
		warning := ""
		if len(e.Warnings) > 0 {
			warning = s.in(yellow, shown(firstOf(e.Warnings)))
		}
		cells = append(cells, []string{e.Group(), or(e.Outlook.Path, "-"), would, fmt.Sprint(e.Outlook.Cost.Calls), warning})
	}
	return rows("  ", cells)
}

// EndingsText tells what became of an act, with a line for each group.
func EndingsText(endings []Ending, style Style) string {
	var cells [][]string
	for _, e := range endings {
		colour := map[Outcome]string{OutcomeDone: green, OutcomeStands: yellow, OutcomeEnded: red}[e.Outcome]
		text := e.Text
		if e.Request != "" {
			text += " (request " + e.Request + ")"
		}
		if e.Waited {
			text += fmt.Sprintf(", after %.0f s", e.Seconds)
		}
		cells = append(cells, []string{style.in(colour, string(e.Outcome)), e.Group, shown(text)})
	}
	return rows("", cells)
}
