package lab

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"detour/shared/adapter/systemclock"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/sim"
)

// FuzzOptions say how much the random tester does.
type FuzzOptions struct {
	// Seeds is how many networks to try, First the first seed.
	Seeds int
	First uint64
	// Parallel is how many networks run at the same time; at least 1.
	Parallel int
	// Every reruns each Nth seed, and compares the traces; 0: never.
	Every int
	// Plain leaves filters, sites with BGP and learned routes out of the networks.
	Plain bool
	// Shape changes each network after it was drawn; nil: none. A test that looks for
	// one fault makes what brings it out frequent.
	Shape func(*Scenario)
	// WrapRecords lets a test break the record store.
	WrapRecords func(controller.Records) controller.Records
	// WrapTables and BreakFilters let a test break what filters do.
	WrapTables   func(controller.RouteTables) controller.RouteTables
	BreakFilters func([]filter.Filter) []filter.Filter
	// Wire plays with the real adapters of the record store, the queue and the bus.
	Wire bool
	// StopAtFirst ends the run at the first finding.
	StopAtFirst bool
	// NoShrink leaves a finding as it is.
	NoShrink bool
	// Progress gets a line now and then; nil: none.
	Progress io.Writer
}

// play are the options for playing one network.
func (o FuzzOptions) play() PlayOptions {
	return PlayOptions{WrapRecords: o.WrapRecords, WrapTables: o.WrapTables, BreakFilters: o.BreakFilters, Wire: o.Wire}
}

// Finding is a seed whose run broke an invariant.
type Finding struct {
	Seed       uint64      `json:"seed"`
	Violations []Violation `json:"violations"`
	// Err is what ended the run, if something did.
	Err string `json:"error,omitempty"`
	// Shrunk is the smallest scenario that was found to show the same.
	Shrunk *Scenario `json:"-"`
}

// Count is how often something was seen.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// FuzzReport is what the random tester did and found.
type FuzzReport struct {
	Seeds        int       `json:"seeds"`
	First        uint64    `json:"first"`
	Findings     []Finding `json:"findings"`
	TaskSwitches int       `json:"taskSwitches"`
	Calls        int       `json:"calls"`
	Switchovers  int       `json:"switchovers"`
	// Faults counts each kind of fault that hit, Transitions each action and
	// reason that a decision had.
	Faults      []Count `json:"faults"`
	Transitions []Count `json:"transitions"`
	// Features counts the networks that had each feature: Scenario.Features.
	Features []Count `json:"features"`
	// Rerun counts the seeds that were run twice with the same trace.
	Rerun int `json:"rerun"`
}

// tally collects a report from several runs at once.
type tally struct {
	mu          sync.Mutex
	report      FuzzReport
	faults      map[string]int
	transitions map[string]int
	features    map[string]int
	next        uint64
	done        int
	stop        bool
}

// Fuzz plays random networks. It returns an error only if ctx ends.
func Fuzz(ctx context.Context, opts FuzzOptions) (*FuzzReport, error) {
	t := &tally{faults: map[string]int{}, transitions: map[string]int{}, features: map[string]int{}, next: opts.First}
	t.report.First = opts.First
	clock := systemclock.New()
	var waits []func()
	for range max(opts.Parallel, 1) {
		waits = append(waits, clock.Go(ctx, func(ctx context.Context) { t.work(ctx, opts) }))
	}
	for _, wait := range waits {
		wait()
	}
	t.report.Seeds = t.done
	t.report.Faults, t.report.Transitions, t.report.Features = sortedCounts(t.faults), sortedCounts(t.transitions), sortedCounts(t.features)
	slices.SortFunc(t.report.Findings, func(a, b Finding) int { return cmp.Compare(a.Seed, b.Seed) })
	if opts.Progress != nil {
		fmt.Fprintf(opts.Progress, "%d seeds, %d findings\n", t.done, len(t.report.Findings))
	}
	if err := ctx.Err(); err != nil {
		return &t.report, fmt.Errorf("running the random tester: %w", err)
	}
	return &t.report, nil
}

func (t *tally) work(ctx context.Context, opts FuzzOptions) {
	for ctx.Err() == nil {
		seed, ok := t.take(opts)
		if !ok {
			return
		}
		t.one(ctx, seed, opts)
	}
}

func (t *tally) take(opts FuzzOptions) (uint64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop || t.next >= opts.First+uint64(max(opts.Seeds, 0)) {
		return 0, false
	}
	t.next++
	return t.next - 1, true
}

// one plays one seed. A seed that ctx cuts short does not count.
func (t *tally) one(ctx context.Context, seed uint64, opts FuzzOptions) {
	s := generate(seed, opts.Plain)
	if opts.Shape != nil {
		opts.Shape(s)
	}
	res, err := playGenerated(ctx, s, opts.play())
	if err != nil && ctx.Err() != nil {
		return
	}
	finding := findingOf(seed, res, err)
	same := false
	if opts.Every > 0 && seed%uint64(opts.Every) == 0 && finding == nil {
		same, finding = again(ctx, s, res, opts)
		if ctx.Err() != nil {
			return
		}
	}
	if finding != nil {
		t.tell(opts, "%s", finding.line())
		if !opts.NoShrink {
			finding.Shrunk = shrink(ctx, s, finding, opts.play(), shrinkRuns)
		}
	}
	t.count(s, res, finding, same, opts)
}

// count takes one network into the report.
func (t *tally) count(s *Scenario, res *Result, finding *Finding, same bool, opts FuzzOptions) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	for _, feature := range s.Features() {
		t.features[feature]++
	}
	if same {
		t.report.Rerun++
	}
	if finding != nil {
		t.report.Findings = append(t.report.Findings, *finding)
		t.stop = t.stop || opts.StopAtFirst
	}
	if res != nil {
		t.add(res)
	}
	if opts.Progress != nil && t.done%500 == 0 {
		fmt.Fprintf(opts.Progress, "%d seeds, %d findings\n", t.done, len(t.report.Findings))
	}
}

// again plays a seed once more: it must give the same trace.
func again(ctx context.Context, s *Scenario, first *Result, opts FuzzOptions) (same bool, finding *Finding) {
	second, err := playGenerated(ctx, s, opts.play())
	if err == nil && second.TraceHash == first.TraceHash {
		return true, nil
	}
	return false, &Finding{Seed: s.Seed, Err: "the same seed gave another trace"}
}

// tell writes a line of progress, if anybody wants it.
func (t *tally) tell(opts FuzzOptions, format string, args ...any) {
	if opts.Progress == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(opts.Progress, format+"\n", args...)
}

// line says what was found, in one line.
func (f Finding) line() string {
	if len(f.Violations) == 0 {
		first, _, _ := strings.Cut(f.Err, "\n")
		return fmt.Sprintf("seed %d: %s", f.Seed, first)
	}
	v := f.Violations[0]
	text := fmt.Sprintf("seed %d: %s at %s", f.Seed, v.Invariant, sinceStart(v.At))
	if v.Group != "" {
		text += ", group " + v.Group
	}
	return text + ": " + v.Text
}

func (t *tally) add(res *Result) {
	t.report.TaskSwitches += res.Rig.Scheduler.Stats().Switches
	t.report.Calls += len(res.ledger.calls)
	t.report.Switchovers += res.Metrics.Switchovers
	for _, c := range res.Faults() {
		t.faults[c.What] += c.N
	}
	for _, c := range res.Transitions() {
		t.transitions[c.What] += c.N
	}
}

// playGenerated plays a generated network with every check. A panic of Detour
// or of the simulator is a finding like any other.
func playGenerated(ctx context.Context, s *Scenario, opts PlayOptions) (res *Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			res, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	opts.Checks = Checks{ConvergedBy: convergedBy(s)}
	return Play(ctx, s, opts)
}

func findingOf(seed uint64, res *Result, err error) *Finding {
	switch {
	case err != nil:
		return &Finding{Seed: seed, Err: err.Error()}
	case len(res.Violations) > 0:
		return &Finding{Seed: seed, Violations: res.Violations}
	default:
		return nil
	}
}

// Faults counts the faults that hit, by kind, sorted.
func (res *Result) Faults() []Count {
	counts := map[string]int{}
	for _, c := range res.Rig.plan.Counts() {
		counts[string(c.Kind)] += c.N
	}
	for _, c := range res.Rig.eventCounts() {
		counts[string(c.Kind)] += c.N
	}
	if n := res.Rig.storeHits; n > 0 {
		counts["store-error"] = n
	}
	if n := res.Rig.wakesHit; n > 0 {
		counts["wake-doubled"] = n
	}
	if n := res.Rig.earlyHit; n > 0 {
		counts["wake-early"] = n
	}
	if w := res.Rig.wire; w != nil && w.batches > 0 {
		counts["wakes-batched"] = w.batches
	}
	return sortedCounts(counts)
}

// Transitions counts the decisions of finished runs by action and reason. A
// move or step that was not committed (observe, freeze) counts as would-move or
// would-step.
func (res *Result) Transitions() []Count {
	counts := map[string]int{}
	for _, run := range res.Rig.Runs {
		for _, report := range run.Outcome.Reports {
			counts[transition(report.Decision, report.WouldBe)]++
		}
	}
	delete(counts, " ")
	return sortedCounts(counts)
}

// transition names a decision by action and reason.
func transition(d protection.Decision, wouldBe bool) string {
	name := string(d.Action) + " " + string(d.Reason)
	if wouldBe && changesPath(d.Action) {
		return "would-" + name
	}
	return name
}

func sortedCounts(counts map[string]int) []Count {
	out := make([]Count, 0, len(counts))
	for what, n := range counts {
		out = append(out, Count{What: what, N: n})
	}
	slices.SortFunc(out, func(a, b Count) int { return strings.Compare(a.What, b.What) })
	return out
}

// eventCounts are the faults of event delivery, those before Quiet included.
func (r *Rig) eventCounts() []sim.FaultCount { return r.opts.Faults.Events.Counts() }
