package operator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// story is a network in which much has happened: paris has moved away from a path
// that died, tokyo is frozen and wants to.
func story(t *testing.T) (*world, operator.Style) {
	t.Helper()
	tokyo := group("tokyo", 1)
	tokyo.Priority = 1
	w := newWorld(t, group("paris", 2), tokyo).adopted()
	w.do(operator.Act{Kind: protection.Freeze, Groups: []string{"tokyo"}, Why: "routes are moved by hand"})
	w.down["vpn-parisA"], w.down["vpn-tokyoA"] = true, true
	w.do(operator.Act{Kind: protection.Lockout, Groups: []string{"paris"}, Path: "C", Why: "its router is being replaced"})
	w.clock.Advance(4 * time.Minute)
	w.run()
	return w, operator.Style{Now: w.clock.Now()}
}

func TestStatusText(t *testing.T) {
	w, style := story(t)
	all, err := w.tool.Status(t.Context(), w.tool.Groups())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", operator.StatusText(all, style)+"\n"+operator.StatusText(all[:1], style)+"\n"+operator.StatusText(all[1:], style))
	style.Colour = true
	golden(t, "status-colour.txt", operator.StatusText(all, style)+"\n"+operator.StatusText(all[1:], style))
}

func TestExplanationText(t *testing.T) {
	w, style := story(t)
	w.do(operator.Act{Kind: protection.Freeze, All: true, Immediate: true, Why: "nobody knows what happens"})
	explained, err := w.tool.Explain(t.Context(), "paris", 20)
	if err != nil {
		t.Fatal(err)
	}
	text := operator.ExplanationText(explained, style)
	golden(t, "explain.txt", text)
	if strings.Contains(text, "\x1b") {
		t.Error("what AWS says steers the terminal")
	}
	few, err := w.tool.Explain(t.Context(), "paris", 2)
	if err != nil || len(few.History) != 2 || few.History[0].Why != "nobody knows what happens" {
		t.Errorf("%v, the newest two are %+v", err, few.History)
	}
}

func TestPlanText(t *testing.T) {
	w, style := story(t)
	now, err := w.tool.Plan(t.Context(), w.tool.Groups(), operator.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	toC, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{To: "C"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.txt", operator.PlanText(now, style)+"\n"+operator.PlanText(toC, style))
	if _, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{To: "X"}); err == nil || !strings.Contains(err.Error(), `no path "X"`) {
		t.Errorf("a plan to a path that is none: %v", err)
	}
	if _, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{To: "C", Worst: true}); err == nil {
		t.Error("two plans at once")
	}
}

func TestWorstSwitchover(t *testing.T) {
	w := newWorld(t, group("paris", 300)).adopted()
	plans, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{Worst: true})
	if err != nil {
		t.Fatal(err)
	}
	p := plans[0]
	if p.Toward != "B" || len(p.Changes) != 300 || p.Cost.Calls != 300 || p.Cost.Seconds != 50 {
		t.Errorf("the worst is to %s, with %d changes, %+v", p.Toward, len(p.Changes), p.Cost)
	}
	text := operator.PlanText(plans, operator.Style{})
	if !strings.Contains(text, "… and 280 more; --json has them all") || !strings.Contains(text, "300 calls over 50.0 s") || strings.Count(text, "\n") > 50 {
		t.Errorf("the text is\n%s", text)
	}
}

func TestNotesOfAPlan(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	table := w.groups[0].Tables()[0]
	w.around = plan.Surroundings{Tables: []plan.TableSurroundings{{
		Table: table, TransitGateway: "tgw-1", Complete: true,
		Associated: []plan.Attachment{{ID: "tgw-attach-parisB", Type: "vpn", Resource: "vpn-parisB", BGP: true}},
	}}}
	p := w.propose(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	warned := false
	for _, note := range p.Effects[0].Outlook.Notes {
		warned = warned || note.Level == plan.LevelWarning && strings.Contains(note.Text, "parisB")
	}
	if text := operator.ProposalText(p, operator.Style{}); !warned || !strings.Contains(text, "  warning: ") {
		t.Errorf("the notes are %+v, the text\n%s", p.Effects[0].Outlook.Notes, text)
	}
}

func TestProposalText(t *testing.T) {
	w, style := story(t)
	w.do(operator.Act{Kind: protection.ManualSwitch, Groups: []string{"paris"}, Path: "B"})
	w.down["vpn-parisA"] = false
	w.do(operator.Act{Kind: protection.Release, Groups: []string{"paris"}})
	var out strings.Builder
	for _, act := range []operator.Act{
		{Kind: protection.ForcedSwitch, Groups: []string{"paris"}, Path: "A", IgnoreHealth: true},
		{Kind: protection.ManualSwitch, Groups: []string{"paris"}, Path: "C"},
		{Kind: protection.ManualSwitch, Groups: []string{"tokyo"}, Path: "C"},
		{Clear: true, ClearKind: protection.Freeze, Groups: []string{"tokyo"}},
		{Kind: protection.Freeze, All: true, Immediate: true},
		{Clear: true, Groups: []string{"paris"}},
	} {
		out.WriteString(operator.ProposalText(w.propose(act), style) + "\n")
	}
	golden(t, "proposal.txt", out.String())
}

func TestProposalForManyGroups(t *testing.T) {
	var groups []protection.Group
	for i := range 5 {
		groups = append(groups, group(fmt.Sprintf("site%d", i), 1))
	}
	w := newWorld(t, groups...).adopted()
	w.down["vpn-site1A"] = true
	w.down["vpn-site2A"], w.down["vpn-site2B"], w.down["vpn-site2C"] = true, true, true
	golden(t, "proposal-many.txt", operator.ProposalText(w.propose(operator.Act{Kind: protection.Release, All: true}), operator.Style{Now: w.clock.Now()}))
}

func TestEndingsText(t *testing.T) {
	got := operator.EndingsText([]operator.Ending{
		{Group: "paris", Request: "forced-switch-x", Outcome: operator.OutcomeDone, Text: "the group is on B", Waited: true, Seconds: 11.6},
		{Group: "tokyo", Outcome: operator.OutcomeStands, Text: "stands"},
		{Group: "rome", Outcome: operator.OutcomeEnded, Text: "the path is \x1b[31mdown"},
	}, operator.Style{})
	want := "done    paris  the group is on B (request forced-switch-x), after 12 s\n" +
		"stands  tokyo  stands\nended   rome   the path is \ufffd[31mdown\n"
	if got != want {
		t.Errorf("got\n%q want\n%q", got, want)
	}
}

func TestSkippedRoutesAreNamed(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	for key := range w.tables {
		w.tables[key] = route.NextHop{Kind: route.Blackhole}
	}
	plans, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{To: "B"})
	if err != nil {
		t.Fatal(err)
	}
	if text := operator.PlanText(plans, operator.Style{}); !strings.Contains(text, "left alone tgw-rtb-paris 10.0.0.0/24 (foreign), which leads to blackhole") {
		t.Errorf("the text is\n%s", text)
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "0 s ago", 59 * time.Second: "59 s ago", 4 * time.Minute: "4 min ago", 3 * time.Hour: "3 h ago", 100 * time.Hour: "4 days ago",
		-12 * time.Second: "in 12 s",
	} {
		status := operator.Status{Group: "g", Path: "A", Since: now.Add(-d), Paths: []operator.PathStatus{{Path: "A", InUse: true}}}
		text := operator.StatusText([]operator.Status{status, status}, operator.Style{Now: now})
		if !strings.Contains(text, "  "+want+"  ") {
			t.Errorf("%s: the text is\n%s", d, text)
		}
	}
}
