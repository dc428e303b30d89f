package operator

import (
	"strings"

	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/health"
	"detour/shared/protection"
)

// StatusText tells of groups: of one in full, of several with a line each.
func StatusText(groups []Status, style Style) string {
	if len(groups) == 1 {
		return style.whole(groups[0])
	}
	cells := [][]string{{"GROUP", "MODE", "PATH IN USE", "STATE", "SINCE", "OTHERS", "TROUBLE"}}
	for _, g := range groups {
		used := inUse(g.Paths)
		var others []string
		for _, path := range g.Paths {
			if !path.InUse {
				others = append(others, path.Path+" "+style.state(path.State))
			}
		}
		since := "-"
		if !g.Since.IsZero() {
			since = style.ago(g.Since)
		}
		state := "-"
		if g.Path != "" {
			state = style.state(used.State)
		}
		cells = append(cells, []string{g.Group, modeOf(g), or(g.Path, "-"), state, since, strings.Join(others, ", "), style.trouble(g)})
	}
	return rows("", cells)
}

// modeOf is the mode with the freeze that stands over it.
func modeOf(g Status) string {
	if g.Freeze.On {
		return string(g.Mode) + ", frozen"
	}
	return string(g.Mode)
}

// trouble names the worst trouble, and counts the others.
func (s Style) trouble(g Status) string {
	if len(g.Troubles) == 0 {
		return s.in(green, "none")
	}
	kinds := make([]string, len(g.Troubles))
	for i, t := range g.Troubles {
		kinds[i] = string(t.Kind)
	}
	return s.in(red, firstOf(kinds))
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// whole tells everything about one group.
func (s Style) whole(g Status) string {
	var out strings.Builder
	head := s.in(bold, "group "+g.Group) + ", " + modeOf(g) + ", home " + g.Account + " in " + g.Region
	out.WriteString(head + "\n\n")
	var paths [][]string
	for _, path := range g.Paths {
		mark := " "
		if path.InUse {
			mark = "*"
		}
		reason := string(path.Reason)
		if path.Suppressed {
			reason += ", suppressed"
		}
		paths = append(paths, []string{mark, path.Path, s.state(path.State), reason, s.stamp(path.Since)})
	}
	out.WriteString(rows("  ", paths) + s.learned(g) + "\n")
	facts := [][]string{{"path in use", s.used(g)}}
	if g.Switchover != nil {
		facts = append(facts, []string{"last switchover", s.stamp(g.Switchover.At) + " from " + g.Switchover.From + " to " + g.Switchover.To + ", " + string(g.Switchover.Reason)})
	}
	facts = append(facts, []string{"now", nowOf(g)})
	if g.Freeze.On {
		facts = append(facts, []string{"freeze", s.in(yellow, freezeOf(g))})
	}
	if g.Failback != nil {
		facts = append(facts, []string{failbackLabel(g.Failback), s.failbackLine(g.Failback)})
	}
	for i, request := range g.Requests {
		label := ""
		if i == 0 {
			label = "requests"
		}
		facts = append(facts, []string{label, s.request(request)})
	}
	if !g.Running.IsZero() {
		facts = append(facts, []string{"run", "one is under way, with a lease until " + s.stamp(g.Running)})
	}
	if !g.Deadline.IsZero() {
		facts = append(facts, []string{"next look", s.stamp(g.Deadline)})
	}
	for i, t := range g.Troubles {
		label := ""
		if i == 0 {
			label = "trouble"
		}
		facts = append(facts, []string{label, s.in(red, string(t.Kind)) + ": " + shown(t.Detail)})
	}
	if len(g.Troubles) == 0 {
		facts = append(facts, []string{"trouble", s.in(green, "none")})
	}
	out.WriteString(rows("  ", facts))
	return out.String()
}

func (s Style) used(g Status) string {
	if g.Path == "" {
		return "not known: no run has seen the group yet"
	}
	text := g.Path + " since " + s.stamp(g.Since)
	if g.Switchover == nil {
		text += ", taken over where it stood"
	}
	if !g.Settled && g.Mode == protection.Enforce {
		text += ", not settled yet"
	}
	return text
}

// nowOf says what a run would decide.
func nowOf(g Status) string {
	text := verb(g.Decision.Action)
	if g.Moves {
		text += " to " + g.Decision.To
	}
	text += ": " + Meaning(g.Decision.Reason)
	if g.WouldBe && g.Moves {
		text = "would " + text
	}
	return text
}

// verb is what an action does, in a sentence.
func verb(action protection.Action) string {
	if action == protection.Undo {
		return "go back"
	}
	return string(action)
}

func freezeOf(g Status) string {
	text := "of this group"
	if g.FrozenAll {
		text = "of all groups"
	}
	if g.Freeze.Immediate {
		return text + ", at once"
	}
	return text + ", after the change that is under way"
}

// request is a standing request in one line.
func (s Style) request(r protection.Request) string {
	text := requestText(r) + ", since " + s.stamp(r.At)
	if r.By != "" {
		text += " by " + shown(r.By)
	}
	if r.Why != "" {
		text += ": " + shown(r.Why)
	}
	return text
}

func requestText(r protection.Request) string {
	text := r.ID + ": " + string(r.Kind)
	switch {
	case r.Kind == protection.Lockout:
		text += " of " + r.Path
	case r.Path != "":
		text += " to " + r.Path
	}
	if r.IgnoreHealth {
		text += ", ignoring health"
	}
	if r.Immediate {
		text += ", at once"
	}
	if r.Unproven {
		text += ", unproven"
	}
	return text
}

// ExplanationText tells why a group is where it is.
func ExplanationText(e Explanation, style Style) string {
	var out strings.Builder
	out.WriteString(style.whole(e.Status) + "\nevidence\n")
	var cells [][]string
	for _, path := range e.Evidence {
		for _, fact := range path.Facts {
			if fact.Kind == health.FactLearnedRoute || fact.Kind == health.FactStaticRoute {
				continue // There can be thousands; those that are expected stand with the paths.
			}
			cells = append(cells, []string{path.Path, fact.Subject.ID, explain.FactText(fact), "read " + style.ago(fact.ObservedAt)})
		}
	}
	out.WriteString(rows("  ", cells) + "\nhistory, newest first\n")
	if len(e.History) == 0 {
		out.WriteString("  nothing yet\n")
	}
	for _, entry := range e.History {
		out.WriteString("  " + style.stamp(entry.At) + "\n")
		for _, line := range style.entry(entry) {
			out.WriteString("      " + line + "\n")
		}
	}
	return out.String()
}

// maxMissing is how many expected routes that do not show are told of each path.
const maxMissing = 5

// learned tells of expected routes that do not show, and of paths that cannot be
// moved to because of them.
func (s Style) learned(g Status) string {
	var out strings.Builder
	for _, path := range g.Paths {
		if path.NotReady != "" {
			out.WriteString("  " + s.in(yellow, path.Path+" cannot be switched to") + ": " + Meaning(path.NotReady) + "\n")
		}
		told := 0
		for _, route := range path.Expected {
			if route.State == health.RouteShown || path.InUse && route.State == health.RouteUnread {
				continue
			}
			if told++; told > maxMissing {
				out.WriteString("  and more of " + path.Path + "\n")
				break
			}
			out.WriteString("  " + path.Path + ": " + route.String() + "\n")
		}
	}
	return out.String()
}

// entry is a line of the journal, over several lines.
func (s Style) entry(e controller.JournalEntry) []string {
	if e.Act != "" {
		return s.act(e)
	}
	d := e.Decision
	head := string(d.Action) + " on " + d.To
	if d.Action == protection.Move || d.Action == protection.Step || d.Action == protection.Undo {
		head = string(d.Action) + " from " + d.From + " to " + d.To
	}
	head += ", " + string(d.Reason)
	if d.Reason != protection.ReasonFailback { // Its note says what it does.
		head += ": " + Meaning(d.Reason)
	}
	if e.WouldBe {
		head = "would " + head
	}
	if e.Note != "" {
		head = shown(e.Note) + ": " + head
	}
	out := []string{s.in(bold, head)}
	var paths []string
	for _, p := range e.Evidence {
		paths = append(paths, p.Path+" "+s.state(p.Memory.State.String()))
	}
	if len(paths) > 0 {
		out = append(out, "paths: "+strings.Join(paths, ", "))
	}
	if e.Event != "" {
		out = append(out, "because of event "+shown(e.Event))
	}
	for _, ended := range e.Ended {
		line := "request " + requestText(ended.Request) + " ended: " + Meaning(ended.Reason)
		if ended.Request.By != "" {
			line += " (asked by " + shown(ended.Request.By) + ": " + shown(ended.Request.Why) + ")"
		}
		out = append(out, line)
	}
	return out
}

// act is what an operator did.
func (s Style) act(e controller.JournalEntry) []string {
	head := string(e.Act)
	if e.Note != "" {
		head += " " + shown(e.Note)
	}
	if e.Request != nil {
		head += " " + requestText(*e.Request)
	}
	if e.Freeze.Immediate {
		head += ", at once"
	}
	return []string{s.in(bold, head), "by " + shown(e.By) + ": " + shown(or(e.Why, "no reason was given"))}
}
