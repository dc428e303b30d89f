package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Failback is a failback as it is shown to those who are to approve it: what would
// be written, why it may be, and what would end it. The command line and the
// notification show the same.
type Failback struct {
	Group string `json:"group"`
	// ID names the failback; empty: it has not been started.
	ID   string `json:"id,omitempty"`
	From string `json:"from"`
	To   string `json:"to"`
	By   string `json:"by,omitempty"`
	Why  string `json:"why,omitempty"`
	// Unproven: learned routes are trusted to come without an observation table.
	Unproven bool `json:"unproven,omitempty"`
	// At is when the tables and the path were read.
	At time.Time `json:"at"`
	// State, Reason and Since are those of the path To, Facts what AWS says of it.
	State      string        `json:"state"`
	Reason     health.Reason `json:"reason"`
	Since      time.Time     `json:"since,omitzero"`
	Suppressed bool          `json:"suppressed,omitempty"`
	Facts      []health.Fact `json:"facts,omitempty"`
	// Stability is how long the path must have been up, and ReadyAt when it will have
	// been.
	Stability config.Duration `json:"stability"`
	ReadyAt   time.Time       `json:"readyAt,omitzero"`
	// Steps are in order; the first one is the canary.
	Steps   []FailbackStep           `json:"steps"`
	Soak    config.Duration          `json:"soak"`
	Samples []FailbackSample         `json:"samples,omitempty"`
	Skipped []plan.Skipped           `json:"skipped,omitempty"`
	Lists   []protection.ListVersion `json:"lists,omitempty"`
	Cost    plan.Cost                `json:"cost"`
	// Resets says for each reason why existing sessions will be reset.
	Resets []string `json:"resets,omitempty"`
	// Silence is how long the failback may do without a sign of life.
	Silence config.Duration `json:"silence"`
	// Plan is the digest that an approval is bound to, and Until the end of the time for
	// it; zero: nobody is asked yet.
	Plan  string    `json:"plan"`
	Until time.Time `json:"until,omitzero"`
}

// FailbackStep is what moves at once.
type FailbackStep struct {
	Units   []string       `json:"units"`
	Changes []route.Change `json:"changes"`
}

// FailbackSample is an address that is looked up in a table after each step.
type FailbackSample struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Divide says what moves in which step: extents are the numbers of steps of the
// group that have come over after each of them. It says also whether sessions are
// reset by it.
func (f *Failback) Divide(group *protection.Group, changes []route.Change, extents []int) {
	if len(extents) == 0 {
		extents = []int{group.Steps()}
	}
	step := map[protection.EntryKey]int{}
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			step[entry.EntryKey] = stepOf(group.Step(u), extents)
		}
	}
	f.Steps = make([]FailbackStep, len(extents))
	for u, unit := range group.Units {
		s := &f.Steps[stepOf(group.Step(u), extents)]
		s.Units = append(s.Units, unit.Name)
	}
	for _, change := range changes {
		s := &f.Steps[step[protection.EntryKey{Table: change.Table, Destination: change.Destination}]]
		s.Changes = append(s.Changes, change)
	}
	f.Cost = plan.Predict(changes)
	f.Resets = resets(group, changes)
}

// stepOf is the step in which the n-th unit comes over. What no extent covers comes
// with the last.
func stepOf(n int, extents []int) int {
	if at := slices.IndexFunc(extents, func(extent int) bool { return n < extent }); at >= 0 {
		return at
	}
	return len(extents) - 1
}

// resets says why sessions that exist do not survive: devices that keep state, such
// as firewalls and address translation, have not seen them begin on the other path.
func resets(group *protection.Group, changes []route.Change) []string {
	if len(changes) == 0 {
		return nil
	}
	var out []string
	if group.Stateful {
		out = append(out, "the group is stateful: devices on its paths keep state, and those of the other path do not know the sessions")
	}
	moved := map[protection.EntryKey]bool{}
	for _, change := range changes {
		moved[protection.EntryKey{Table: change.Table, Destination: change.Destination}] = true
	}
	var both []string
	for _, unit := range group.Units {
		tables := map[route.Table]bool{}
		for _, entry := range unit.Entries {
			if moved[entry.EntryKey] {
				tables[entry.Table] = true
			}
		}
		if len(tables) > 1 {
			both = append(both, unit.Name)
		}
	}
	if len(both) > 0 {
		out = append(out, "the way there and the way back both move in "+few(both)+", so a firewall or a NAT on the path to come has not seen the sessions begin")
	}
	return out
}

// ShortPlan is how many characters of a digest people are shown, and have to give at
// least.
const ShortPlan = 16

func short(digest string) string { return digest[:min(len(digest), ShortPlan)] }

// verifyTakes is about how long it takes to write a step and to read it back twice.
const verifyTakes = 30 * time.Second

// Approve is the command that approves the failback, as it has to be typed.
func (f *Failback) Approve() string {
	return "detour failback approve " + f.Group + " --plan " + short(f.Plan)
}

// Text is Lines in one text.
func (f *Failback) Text(limit int) string { return strings.Join(f.Lines(limit), "\n") + "\n" }

// Lines tell of the failback, with at most limit routes that change, and as many that
// are left alone; 0: all of them.
func (f *Failback) Lines(limit int) []string {
	out := []string{f.headline()}
	add := func(format string, values ...any) { out = append(out, "  "+fmt.Sprintf(format, values...)) }
	out = append(out, f.evidence()...)
	left := limit
	for i, s := range f.Steps {
		add("%s", f.stepLine(i))
		lines := changeLines(s.Changes)
		if limit > 0 && len(lines) > left {
			lines = append(lines[:max(left, 0)], fmt.Sprintf("    … and %s", count(len(lines)-max(left, 0), "more route")))
		}
		left -= len(s.Changes)
		out = append(out, lines...)
	}
	for i, s := range f.Skipped {
		if limit > 0 && i == limit {
			add("left alone %s", count(len(f.Skipped)-limit, "more route"))
			break
		}
		add("left alone %s (%s), which leads to %s", s.Entry, s.Reason, hop(s.NextHop))
	}
	if limit > 0 && (left < 0 || len(f.Skipped) > limit) {
		add("detour failback status %s shows all of them", f.Group)
	}
	add("after each step: %s of soaking, then tables and path are read twice and compared%s; the whole takes some %s",
		Short(f.Soak), f.sampleText(), Short(config.Duration(time.Duration(len(f.Steps))*(time.Duration(f.Soak)+verifyTakes))))
	if n := f.changes(); n > 0 {
		add("cost: %s", CostText(f.Cost))
	}
	switch {
	case len(f.Resets) == 0:
		add("sessions: nothing says that they will be reset; they are if a device on %s keeps state of which the configuration does not tell", f.To)
	default:
		add("sessions: EXISTING SESSIONS WILL BE RESET, since %s", strings.Join(f.Resets, "; and "))
	}
	add("what ends it: a failure of %s or %s, a freeze, a lockout, another switch, somebody else's change of these routes, detour failback abort %s, or %s without a sign of life;",
		f.To, f.From, f.Group, Short(f.Silence))
	add("  what has moved by then goes back to %s while that is up, and else to %s whole", f.From, f.To)
	if f.By != "" {
		add("asked by %s: %s", Shown(f.By), Shown(f.Why))
	}
	if f.Plan != "" {
		add("plan %s", short(f.Plan))
	}
	if !f.Until.IsZero() {
		add("approve it until %s, or nothing moves: %s", instant(f.Until), f.Approve())
	}
	return out
}

func (f *Failback) headline() string {
	text := "failback of group " + f.Group + " from " + f.From + " to " + f.To
	if f.ID != "" {
		text += ", " + f.ID
	}
	if f.Unproven {
		text += ", unproven"
	}
	return text
}

// evidence says why the path may be gone back to, or since when it is not good enough.
func (f *Failback) evidence() []string {
	head := fmt.Sprintf("  path %s is %s (%s)", f.To, f.State, f.Reason)
	if !f.Since.IsZero() {
		head += fmt.Sprintf(" since %s, for %s", instant(f.Since), Short(config.Duration(f.At.Sub(f.Since).Truncate(time.Second))))
	}
	head += "; wanted are " + Short(f.Stability)
	if f.ReadyAt.After(f.At) {
		head += ", so not before " + instant(f.ReadyAt)
	}
	if f.Suppressed {
		head += "; it has flapped and is suppressed"
	}
	out := []string{head}
	for _, fact := range f.Facts {
		if fact.Kind != health.FactLearnedRoute && fact.Kind != health.FactStaticRoute {
			out = append(out, "    "+fact.Subject.ID+" "+FactText(fact))
		}
	}
	return out
}

func (f *Failback) stepLine(i int) string {
	s := f.Steps[i]
	what := fmt.Sprintf("step %d", i+1)
	if i == 0 && len(f.Steps) > 1 {
		what += ", the canary"
	}
	if i == 0 && len(f.Steps) == 1 {
		what += ", canary and all in one"
	}
	return fmt.Sprintf("%s: %s, %s", what, units(s.Units), count(len(s.Changes), "route"))
}

func units(names []string) string {
	if len(names) == 1 {
		return "unit " + names[0]
	}
	return "units " + few(names)
}

func (f *Failback) sampleText() string {
	if len(f.Samples) == 0 {
		return ""
	}
	texts := make([]string, len(f.Samples))
	for i, s := range f.Samples {
		texts[i] = s.To + " in " + s.From
	}
	return ", and " + few(texts) + " looked up"
}

func (f *Failback) changes() int {
	n := 0
	for _, s := range f.Steps {
		n += len(s.Changes)
	}
	return n
}

// changeLines are the routes before and after, aligned.
func changeLines(changes []route.Change) []string {
	var cells [][3]string
	var widths [3]int
	for _, c := range changes {
		destination := c.Destination.String()
		if c.ListVersion > 0 {
			destination += fmt.Sprintf(" (version %d)", c.ListVersion)
		}
		row := [3]string{c.Table.ID, destination, hop(c.Before)}
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
		cells = append(cells, row)
	}
	out := make([]string, len(cells))
	for i, row := range cells {
		out[i] = fmt.Sprintf("    %-*s  %-*s  %-*s  ->  %s", widths[0], row[0], widths[1], row[1], widths[2], row[2], hop(changes[i].After))
	}
	return out
}

func hop(h route.NextHop) string {
	if h.IsZero() {
		return "none"
	}
	return h.String()
}

// CostText says what a plan spends.
func CostText(c plan.Cost) string {
	calls := 0
	parts := make([]string, len(c.Calls))
	for i, bucket := range c.Calls {
		calls += bucket.Calls
		parts[i] = fmt.Sprintf("%d × %s in %s, %s", bucket.Calls, bucket.API, bucket.Account, bucket.Region)
	}
	wait := "in one burst"
	if c.Wait > 0 {
		wait = fmt.Sprintf("over %.1f s, as fast as EC2 lets them", c.Wait.Seconds())
	}
	return count(calls, "call") + " " + wait + " (" + strings.Join(parts, "; ") + ")"
}

// FactText is what an API said, as it said it.
func FactText(f health.Fact) string {
	text := string(f.Kind)
	if f.Part != "" {
		text += " " + f.Part
	}
	switch {
	case f.Kind == health.FactUnreadable:
		text += ": " + string(f.Problem)
	case f.Value == "":
		text += " (none)"
	default:
		text += " " + f.Value
	}
	if f.Note != "" {
		text += " (" + f.Note + ")"
	}
	return Shown(text)
}

// Shown makes a text that came from outside fit for a terminal or a mail: no line
// breaks, and nothing that steers the terminal.
func Shown(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, text)
}

func instant(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") + " UTC" }
