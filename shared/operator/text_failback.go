package operator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"detour/shared/failback"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// stageWaits is the state in which an execution waits for the path to have been good
// for long enough.
const stageWaits = "WaitUntilReady"

// stages says what an execution does in a state of the definition.
var stages = map[string]string{ //nolint:gochecknoglobals // An immutable table.
	"Precheck":      "looks whether the path is fit for it",
	stageWaits:      "waits until the path has been up for long enough",
	"Ask":           "asks for approval",
	"PrecheckAgain": "looks once more, after the approval",
	"Canary":        "moves the first unit",
	"Soak":          "lets a step soak",
	"Verify":        "reads back what was written",
	"Advance":       "moves more units",
	"Undo":          "brings back what has moved",
	"Close":         "closes the failback",
	"Unclosed":      "could not close the failback",
}

// stageMeaning says what an execution does in a state; empty: nothing to tell.
func stageMeaning(state string) string { return stages[state] }

// ends says what an end means.
var ends = map[protection.FailbackEnd]string{ //nolint:gochecknoglobals // An immutable table.
	protection.EndRestored:    "the whole group is on %[2]s",
	protection.EndAsBefore:    "the whole group is on %[1]s, where it was",
	protection.EndSuperseded:  "something of a higher priority took over",
	protection.EndHeldPartial: "an immediate freeze holds the group in the middle, partly on %[1]s and partly on %[2]s; when the freeze ends it goes back to %[1]s",
}

// doing says in what the failback is engaged, in a few words.
func (f *FailbackStatus) doing() string {
	switch f.Phase {
	case PhasePrecheck:
		text := "looks whether path " + or(f.To, "the working path") + " is fit for it"
		if f.answered() {
			text = "looks once more, after the approval, whether path " + f.To + " is fit for it"
		}
		if f.Stage != nil && f.Stage.State == stageWaits {
			text = "waits until path " + f.To + " has been up for long enough"
		}
		if f.Show != nil && f.Show.ReadyAt.After(f.Show.At) {
			text += ", at " + clock(f.Show.ReadyAt)
		}
		return text
	case PhaseAsking:
		return "asks for approval until " + clock(f.AskUntil)
	case PhaseMoving:
		return fmt.Sprintf("%d of %s moved to %s", f.Moved, plural(f.Of, "unit"), f.To)
	case PhaseEnding:
		return "is over (" + string(f.Over) + "), and its routes are on their way to one path"
	case PhaseOver:
		return f.ending()
	default:
		return string(f.Phase)
	}
}

// ending says what the failback came to, and why.
func (f *FailbackStatus) ending() string {
	text := string(f.End) + ": " + fmt.Sprintf(ends[f.End], f.From, f.To)
	if f.Over != "" && f.Over != protection.ReasonDone {
		text += ", since " + Meaning(f.Over)
	}
	return text
}

// overText is how a failback ended, in one word or two.
func overText(f *FailbackStatus) string {
	text := or(string(f.End), "its routes are on their way to one path")
	if f.Over != "" && f.Over != protection.ReasonDone {
		text += ", " + string(f.Over)
	}
	return text
}

// name is what the failback is called in a sentence.
func (f *FailbackStatus) name() string {
	if strings.HasPrefix(f.ID, "failback") {
		return f.ID
	}
	return "failback " + f.ID
}

func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func failbackLabel(f *FailbackStatus) string {
	if f.Phase == PhaseOver {
		return "last failback"
	}
	return "failback"
}

// failbackLine is a failback in one line, for the status of its group.
func (s Style) failbackLine(f *FailbackStatus) string {
	switch f.Phase {
	case PhaseOver:
		return f.ending() + " (" + f.ID + ", " + s.stamp(f.OverAt) + ")"
	case PhaseAsking: // Whether the execution still waits is for Step Functions to say.
		return s.in(yellow, f.doing()) + "; look with detour failback status " + f.Group + " (" + f.ID + ")"
	default:
		return s.in(yellow, f.doing()) + " (" + f.ID + ")"
	}
}

// FailbackText tells of the last failback of a group; nil: it never had one.
func FailbackText(group string, f *FailbackStatus, style Style) string {
	if f == nil {
		return "group " + group + " has had no failback; detour failback start " + group + " begins one\n"
	}
	var out strings.Builder
	out.WriteString(style.in(bold, f.name()) + ", group " + f.Group + ", from " + or(f.From, "?") + " to " + or(f.To, "?") + "\n")
	facts := [][]string{{"now", style.phase(f)}}
	add := func(is bool, label, text string) {
		if is {
			facts = append(facts, []string{label, text})
		}
	}
	add(true, "begun", style.stamp(f.At)+" by "+shown(or(f.By, "somebody"))+": "+shown(or(f.Why, "no reason was given")))
	add(f.Unproven, "unproven", "learned routes are trusted to come without an observation table")
	add(f.Execution != nil, "execution", style.execution(f))
	add(f.Unread != "", "execution", style.in(yellow, "not known")+": "+shown(f.Unread))
	add(f.Open() && !f.Until.IsZero(), "authority", "until "+style.stamp(f.Until)+", unless a task is heard of before")
	add(f.Approved != "", "approved", style.stamp(f.ApprovedAt)+" by "+shown(f.Approved)+", plan "+shortPlan(f.Plan))
	add(f.Phase == PhaseMoving || f.Phase == PhaseEnding, "units", fmt.Sprintf("%d of %d on %s", f.Moved, f.Of, f.To))
	out.WriteString(rows("  ", facts))
	if f.Show != nil {
		out.WriteString("\nthe plan, as it would be now\n" + strings.Join(f.Show.Lines(0)[1:], "\n") + "\n")
	}
	if f.Changed {
		out.WriteString("  " + style.in(red, "changed") + ": plan " + shortPlan(f.Plan) + " was shown, and what would be written now is another one; an approval would be void\n")
	}
	if f.Open() {
		out.WriteString("\n")
		if f.stopped() {
			out.WriteString("the execution is over, so nothing goes on and no answer is heard; the authority ends by itself at the time above, or at once with\n")
		}
		if f.Phase == PhaseAsking && !f.stopped() {
			out.WriteString("approve  " + f.Approve + "\nreject   detour failback reject " + f.Group + "\n")
		}
		out.WriteString("abort    detour failback abort " + f.Group + "\n")
	}
	return out.String()
}

// answered reports whether a plan was shown and approved, and nothing has moved yet.
func (f *FailbackStatus) answered() bool { return f.Phase == PhasePrecheck && f.Plan != "" }

// stopped reports whether the failback is open, and its execution over: somebody has
// stopped it.
func (f *FailbackStatus) stopped() bool { return f.Execution != nil && f.Execution.Status.Over() }

func (s Style) phase(f *FailbackStatus) string {
	colour := yellow
	switch f.End {
	case protection.EndRestored:
		colour = green
	case protection.EndSuperseded, protection.EndHeldPartial:
		colour = red
	case protection.EndAsBefore:
	}
	return s.in(colour, f.doing())
}

func (s Style) execution(f *FailbackStatus) string {
	e := f.Execution
	if e == nil {
		return ""
	}
	text := string(e.Status) + " since " + s.stamp(e.StartedAt)
	if e.Status.Over() {
		text = string(e.Status) + ", " + s.stamp(e.EndedAt)
		if why := whyOf(*e); why != "" {
			text += ": " + shown(why)
		}
	}
	if f.Stage != nil {
		text += ", in state " + f.Stage.State + " since " + s.stamp(f.Stage.At)
		if meaning := stageMeaning(f.Stage.State); meaning != "" {
			text += ": " + meaning
		}
	}
	return text
}

// whyOf is what an execution that has ended says of its end.
func whyOf(e workflow.Execution) string {
	var state failback.State
	if json.Unmarshal([]byte(e.Output), &state) == nil && state.Why != "" {
		return state.Why
	}
	if e.Cause != "" {
		return or(e.Error, "stopped") + ": " + e.Cause
	}
	return e.Error
}

// FailbackProposalText tells what starting a failback would lead to.
func FailbackProposalText(p *FailbackProposal, style Style) string {
	if p.Open != nil {
		return FailbackText(p.Group, p.Open, style)
	}
	var out strings.Builder
	switch {
	case p.Refused != "" && !p.Waits:
		out.WriteString(style.in(red, "refused") + ": " + Meaning(p.Refused) + "\n")
	case p.Refused != "":
		out.WriteString(style.in(yellow, "waits") + ": " + Meaning(p.Refused) + "\n")
	}
	for _, entry := range p.Entries {
		out.WriteString("  " + entry.String() + "\n")
	}
	for _, problem := range p.Problems {
		out.WriteString("  " + style.in(red, shown(problem)) + "\n")
	}
	if p.Show == nil || p.Show.From == p.Show.To {
		return out.String()
	}
	out.WriteString(p.Show.Text(0))
	for _, note := range p.Notes {
		if note.Level == plan.LevelWarning {
			out.WriteString("  " + style.in(yellow, "warning") + ": " + shown(note.Text) + "\n")
		}
	}
	return out.String()
}

// FailbackAbortText tells what ending a failback would lead to.
func FailbackAbortText(f *FailbackStatus, p *Proposal, style Style) string {
	text := style.in(bold, f.name()) + ", group " + f.Group + ": " + f.doing() + "\n"
	if p == nil {
		return text + "  nothing has moved, and the execution is stopped\n"
	}
	return text + ProposalText(p, style)
}

// FailbackEndingText tells what became of a failback that was followed.
func FailbackEndingText(e Ending, style Style) string {
	colour := map[Outcome]string{OutcomeDone: green, OutcomeStands: yellow, OutcomeEnded: red}[e.Outcome]
	text := style.in(colour, string(e.Outcome)) + "  " + e.Group + "  " + shown(e.Text) + " (" + e.Request + ")"
	if e.Waited {
		text += fmt.Sprintf(", after %.0f s", e.Seconds)
	}
	return text + "\n"
}
