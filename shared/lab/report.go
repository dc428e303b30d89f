package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
)

// TextOptions are how a report is written for a person.
type TextOptions struct {
	// Colour: the reader can see it.
	Colour bool
	// AllRoutes: no table is cut short.
	AllRoutes bool
}

// Text is the report of a run for a person: the network, what happened, what
// changed in the tables, the figures, and the verdict.
func Text(res *Result, opts TextOptions) string {
	p := &page{TextOptions: opts, res: res, names: namesOf(res.Scenario.Topology)}
	p.head()
	p.timeline()
	p.recorded()
	p.tables()
	p.figures()
	p.verdict()
	return p.out.String()
}

// page is a report as it is written.
type page struct {
	TextOptions
	res   *Result
	names *strings.Replacer
	out   strings.Builder
}

func (p *page) print(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format+"\n", args...)) {
		p.out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// paint colours text, if the reader can see it.
func (p *page) paint(t tone, text string) string {
	code := ""
	switch t {
	case faint:
		code = "2"
	case bad:
		code = "31"
	case good:
		code = "32"
	case loud:
		code = "1"
	case plain:
	}
	if !p.Colour || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *page) section(title string) { p.print("\n%s", p.paint(loud, strings.ToUpper(title))) }

func (p *page) head() {
	s := p.res.Scenario
	p.print("%s", p.paint(loud, s.Name+": "+s.Title))
	if s.Story != "" {
		p.print("\n%s", strings.TrimRight(s.Story, "\n"))
	}
	p.network(s.Topology)
	for _, g := range s.Config.GroupList {
		p.group(g)
	}
	for _, f := range s.Config.FilterList {
		p.filter(f)
	}
}

func (p *page) filter(f config.Filter) {
	tables := make([]string, 0, len(f.Tables))
	for _, id := range f.Tables {
		tables = append(tables, p.names.Replace(id))
	}
	action := f.Action
	if f.Preset {
		action += ", preset"
	}
	rules := slices.Clone(f.Rules)
	if f.MaxPrefixes > 0 {
		rules = append(rules, fmt.Sprintf("at most %d prefixes", f.MaxPrefixes))
	}
	p.print("  %-18s %-12s %s, %s; in %s; %s", "filter", f.Name, f.Mode, action, listing(tables), strings.Join(rules, ", "))
}

func (p *page) group(g config.Group) {
	paths := make([]string, 0, len(g.Paths))
	for _, path := range g.Paths {
		text := path.Name
		if over := p.names.Replace(path.VPN + path.Attachment + path.Interface); over != path.Name {
			text += " (" + over + ")"
		}
		paths = append(paths, text)
	}
	routes := 0
	for _, u := range g.Units {
		routes += len(u.Entries)
	}
	reverts := "not revertive"
	if g.Revertive {
		reverts = "revertive after " + g.WaitToRestore.String()
	}
	p.print("  %-18s %-12s %s, %s; %s in %s; paths, best first: %s", "group", g.Name, g.Mode, reverts,
		plural(routes, "route"), plural(len(g.Units), "unit"), strings.Join(paths, ", "))
}

func (p *page) timeline() {
	p.section("What happened, in minutes and seconds since the start")
	const whoWidth = 14
	indent := strings.Repeat(" ", len("  +00:00.000  ")+whoWidth+1)
	for _, e := range timelineOf(p.res) {
		text := strings.ReplaceAll(p.names.Replace(e.text), "\n", "\n"+indent)
		if e.who == "data plane" {
			text = strings.ReplaceAll(e.text, "\n", "\n"+indent) // Hosts keep their own names.
		}
		p.print("  %s  %-*s %s", sinceStart(e.at), whoWidth, e.who, p.paint(e.tone, text))
	}
}

// recorded shows the events of a replay, and what came of each.
func (p *page) recorded() {
	if len(p.res.Replayed) == 0 {
		return
	}
	p.section("The recorded events")
	for _, e := range p.res.Replayed {
		p.print("  %s  %s  %s", sinceStart(e.at), e.SentAt, p.names.Replace(e.About))
		p.print("      network: %s", p.names.Replace(e.Network))
		for _, line := range e.Detour {
			p.print("      %s", p.names.Replace(line))
		}
	}
}

func (p *page) figures() {
	p.section("Figures")
	for _, name := range MetricNames() {
		got, _ := p.res.Metrics.ByName(name)
		p.print("  %-28s %-10s %s", name, figure(got), boundWords(p.res.Scenario.Expect.Metrics[name]))
	}
}

func figure(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

func boundWords(b Bound) string {
	switch {
	case b.Exactly != nil:
		return "expected: " + figure(*b.Exactly)
	case b.Min != nil && b.Max != nil:
		return "expected: " + figure(*b.Min) + " to " + figure(*b.Max)
	case b.Min != nil:
		return "expected: at least " + figure(*b.Min)
	case b.Max != nil:
		return "expected: at most " + figure(*b.Max)
	default:
		return ""
	}
}

func (p *page) verdict() {
	p.section("Result")
	for _, f := range p.res.Failures {
		p.print("  %s", p.paint(bad, "not as expected: "+p.names.Replace(f)))
	}
	for _, v := range p.res.Violations {
		p.print("  %s", p.paint(bad, fmt.Sprintf("violation of %s at %s: %s", v.Invariant, sinceStart(v.At), p.names.Replace(v.Text))))
	}
	verdict := p.paint(good, "passed")
	if !p.res.Passed() {
		verdict = p.paint(bad, "FAILED")
	}
	p.print("  %-13s %s: %s, seed %d, %s of virtual time, trace %s", "verdict", verdict, p.res.Scenario.Name, p.res.Seed, p.res.Scenario.Duration, hash(p.res.TraceHash))
	p.print("  %-13s %d", "task switches", p.res.Rig.Scheduler.Stats().Switches)
	p.print("  %-13s %s", "faults", countsText(p.res.Faults()))
	p.print("  %-13s %s", "transitions", countsText(p.res.reached()))
}

func hash(h uint64) string { return fmt.Sprintf("%016x", h) }

func countsText(counts []Count) string {
	if len(counts) == 0 {
		return "none"
	}
	out := make([]string, 0, len(counts))
	for _, c := range counts {
		out = append(out, fmt.Sprintf("%s ×%d", c.What, c.N))
	}
	return strings.Join(out, ", ")
}

// reached are the transitions, with those that a run committed which was killed
// before it could report them.
func (res *Result) reached() []Count {
	counts := res.Transitions()
	reported := map[int64]bool{}
	for _, run := range res.Rig.Runs {
		for _, r := range run.Outcome.Reports {
			if r.Decision.Action == protection.Move { // A would-be one was counted as such.
				reported[r.Decision.Epoch] = true
			}
		}
	}
	for _, name := range res.groupNames() {
		for _, move := range res.moves(name) {
			if reported[move.Decision.Epoch] {
				continue
			}
			what := transition(move.Decision, res.observed(name, move.At))
			if i := slices.IndexFunc(counts, func(c Count) bool { return c.What == what }); i >= 0 {
				counts[i].N++
			} else {
				counts = append(counts, Count{What: what, N: 1})
			}
		}
	}
	slices.SortFunc(counts, func(a, b Count) int { return strings.Compare(a.What, b.What) })
	return counts
}

// observed reports whether a group was in observe mode at an instant.
func (res *Result) observed(group string, at time.Time) bool {
	g := res.ledger.groupAt(group, at)
	return g != nil && g.Mode == string(protection.Observe)
}

// summary is the result of a run for a program.
type summary struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Passed   bool   `json:"passed"`
	Metrics
	Violations   []summaryViolation  `json:"violations"`
	Failures     []string            `json:"failures"`
	TaskSwitches int                 `json:"taskSwitches"`
	Faults       []summaryFault      `json:"faults"`
	Transitions  []summaryTransition `json:"transitions"`
	TraceHash    string              `json:"traceHash"`
	// Events are the recorded events of a replay.
	Events []*ReplayedEvent `json:"events,omitempty"`
}

type summaryViolation struct {
	Invariant Invariant `json:"invariant"`
	// AtSeconds is the virtual time since the start.
	AtSeconds float64 `json:"atSeconds"`
	Group     string  `json:"group,omitempty"`
	Text      string  `json:"text"`
}

type summaryFault struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

type summaryTransition struct {
	Action string `json:"action"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// JSON is the result of a run for a program. Equal runs give equal bytes.
func JSON(res *Result) ([]byte, error) {
	out := summary{
		Scenario: res.Scenario.Name, Seed: res.Seed, Passed: res.Passed(), Metrics: res.Metrics,
		Violations: []summaryViolation{}, Failures: append([]string{}, res.Failures...),
		TaskSwitches: res.Rig.Scheduler.Stats().Switches, Faults: []summaryFault{}, Transitions: []summaryTransition{},
		TraceHash: hash(res.TraceHash), Events: res.Replayed,
	}
	for _, v := range res.Violations {
		out.Violations = append(out.Violations, summaryViolation{v.Invariant, v.At.Sub(Start()).Round(time.Millisecond).Seconds(), v.Group, v.Text})
	}
	for _, c := range res.Faults() {
		out.Faults = append(out.Faults, summaryFault{c.What, c.N})
	}
	for _, c := range res.reached() {
		action, reason, _ := strings.Cut(c.What, " ")
		out.Transitions = append(out.Transitions, summaryTransition{action, reason, c.N})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the result of scenario %s: %w", res.Scenario.Name, err)
	}
	return append(text, '\n'), nil
}
