package handler

import (
	"log/slog"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// Namespace is the CloudWatch namespace of all metrics.
const Namespace = "Detour"

// The dimensions of the metrics. Group takes its values from the configuration,
// never from an event, so that nobody outside can make metrics.
const (
	DimensionFunction = "Function"
	DimensionGroup    = "Group"
)

// The names of the metrics. Metrics has their units and meanings.
const (
	MetricSweeps         = "Sweeps"
	MetricSweepMs        = "SweepMs"
	MetricSwitchovers    = "Switchovers"
	MetricWouldMove      = "WouldMove"
	MetricHeld           = "Held"
	MetricNoUsablePath   = "NoUsablePath"
	MetricMassFailure    = "MassFailure"
	MetricHeldPartial    = "HeldPartial"
	MetricContended      = "Contended"
	MetricForeign        = "Foreign"
	MetricUnannounced    = "Unannounced"
	MetricRehearsed      = "Rehearsed"
	MetricDenied         = "Denied"
	MetricSensorProblems = "SensorProblems"
	MetricUnfinished     = "Unfinished"
	MetricFailed         = "Failed"
	MetricWriteFailures  = "WriteFailures"
	MetricRouteWrites    = "RouteWrites"
	MetricThrottled      = "Throttled"
	MetricBusy           = "Busy"
	MetricFenced         = "Fenced"
	MetricOutOfTime      = "OutOfTime"
	MetricDropped        = "Dropped"
	MetricRunMs          = "RunMs"
	MetricTelemetryLagMs = "TelemetryLagMs"
	MetricFilterMeasures = "FilterMeasures"
	MetricFilterHeld     = "FilterHeld"
)

// Metric defines one metric.
type Metric struct {
	Name string
	// Unit is one of CloudWatch's (CloudWatch API, MetricDatum).
	Unit string
	// ByGroup: there is a metric for each group beside the function's. CloudWatch
	// charges for every combination, so only those have it whose alarm has to name
	// the group.
	ByGroup bool
	Meaning string
}

// Metrics is the table of all metrics. docs/metrics.md adds an alarm to each.
func Metrics() []Metric {
	const count, ms = "Count", "Milliseconds"
	return []Metric{
		{MetricSweeps, count, false, "The schedule's sweep looked at the groups: the heartbeat."},
		{MetricSweepMs, ms, false, "How long a look at all groups took."},
		{MetricSwitchovers, count, true, "A move to another path was committed."},
		{MetricWouldMove, count, true, "A look found that the group would move, if it were not observed or frozen."},
		{MetricHeld, count, true, "A look found a group that stays where it should not be."},
		{MetricNoUsablePath, count, false, "Of those held: no path of the group is usable."},
		{MetricMassFailure, count, false, "Of those held: too many groups wanted to move at once, and this one waits for a release."},
		{MetricHeldPartial, count, false, "A look found a group whose change an immediate freeze stopped in the middle."},
		{MetricContended, count, true, "Entries that Detour no longer writes, because somebody else keeps undoing them."},
		{MetricForeign, count, true, "Entries whose route points to a target that is none of the group's, and is left alone."},
		{MetricUnannounced, count, false, "A sweep found a change that no event had told of."},
		{MetricRehearsed, count, false, "Planned writes that the daily rehearsal sent as dry runs."},
		{MetricDenied, count, true, "Planned writes that the rehearsal found to be denied."},
		{MetricSensorProblems, count, true, "Tables, prefix lists and subjects of a group that a look could not read."},
		{MetricUnfinished, count, true, "A run left changes to a later one."},
		{MetricFailed, count, true, "A run ended because the record store could not be used."},
		{MetricWriteFailures, count, true, "Route writes that were denied or refused, or that failed."},
		{MetricRouteWrites, count, false, "Route writes that were applied."},
		{MetricThrottled, count, false, "Route writes that were given up on, throttled or with their table busy."},
		{MetricBusy, count, false, "A run left the group to another one that held the lease."},
		{MetricFenced, count, false, "A run lost its lease to another one, and stopped."},
		{MetricOutOfTime, count, false, "The function's timeout kept a run from writing, or from beginning."},
		{MetricDropped, count, false, "Messages that cannot be worked on."},
		{MetricRunMs, ms, false, "How long a run took for one group, from the lease to its release."},
		{MetricTelemetryLagMs, ms, false, "How long the telemetry lagged behind the event that came before it."},
		{MetricFilterMeasures, count, false, "Measures of a filter that are in force because of something that is announced."},
		{MetricFilterHeld, count, false, "A look found a filter that wants a measure, or its end, and cannot help it; or measures of a filter that the configuration no longer has."},
	}
}

// measurement is the value of one metric on one log line.
type measurement struct {
	name  string
	value int
}

// measured are the measurements of one log line.
type measured []measurement

// count adds a measurement unless it is zero: that nothing happened is not worth
// a metric's price.
func (m *measured) count(name string, n int) {
	if n > 0 {
		*m = append(*m, measurement{name, n})
	}
}

// when adds a count of one if it happened.
func (m *measured) when(name string, happened bool) {
	if happened {
		m.count(name, 1)
	}
}

// measure takes the measurements of one group's run.
func measure(r controller.Report, blind int, late bool) measured {
	var out measured
	// What was written was committed before, however the run ended.
	committed := r.Status == controller.StatusDone || r.Status == controller.StatusUnfinished || len(r.Receipts) > 0
	out.when(MetricSwitchovers, r.Output.Starts && committed)
	out.when(MetricWouldMove, wouldMove(r))
	held := r.Decision.Action == protection.Hold && !r.WouldBe
	out.when(MetricHeld, held)
	out.when(MetricNoUsablePath, held && r.Decision.Reason == protection.ReasonNoUsablePath)
	out.when(MetricMassFailure, held && r.Decision.Reason == protection.ReasonMassFailure)
	out.when(MetricHeldPartial, r.Output.HeldPartial)
	out.count(MetricContended, len(r.Output.Next.Contended))
	out.count(MetricForeign, foreign(r))
	out.when(MetricUnannounced, r.Unannounced)
	out.count(MetricSensorProblems, blind)
	out.ending(r.Status, r.Receipts, late)
	if len(r.Stages) > 0 {
		total := int64(0)
		for _, s := range r.Stages {
			total += s.Took.Microseconds()
		}
		out = append(out, measurement{MetricRunMs, int(total / 1000)})
	}
	out.count(MetricTelemetryLagMs, int(r.Lag.Milliseconds()))
	return out
}

// ending takes how a run ended, and what became of its writes.
func (m *measured) ending(status controller.Status, receipts []route.Receipt, late bool) {
	outcomes := map[route.Outcome]int{}
	for _, receipt := range receipts {
		outcomes[receipt.Outcome]++
	}
	m.when(MetricUnfinished, status == controller.StatusUnfinished)
	m.when(MetricFailed, status == controller.StatusFailed)
	m.count(MetricWriteFailures, outcomes[route.Denied]+outcomes[route.Refused]+outcomes[route.Failed])
	m.count(MetricRouteWrites, outcomes[route.Applied])
	m.count(MetricThrottled, outcomes[route.Throttled]+outcomes[route.Busy])
	m.when(MetricFenced, status == controller.StatusFenced)
	m.when(MetricOutOfTime, late)
}

// announced counts the measures that are in force because of something that is
// announced.
func announced(r controller.FilterReport) int {
	n := 0
	for _, v := range r.Decision.Verdicts {
		if v.InForce && v.Reason != filter.ReasonPreset && v.Reason != filter.ReasonContended {
			n++
		}
	}
	return n
}

// measureFilter takes the measurements of one filter's run.
func measureFilter(r controller.FilterReport, late bool) measured {
	var out measured
	contended := 0
	for _, v := range r.Decision.Verdicts {
		if v.Reason == filter.ReasonContended {
			contended++
		}
	}
	out.count(MetricContended, contended)
	out.count(MetricSensorProblems, len(r.Problems))
	out.ending(r.Status, r.Receipts, late)
	out.count(MetricFilterMeasures, announced(r))
	out.when(MetricFilterHeld, r.Decision.Pages() || r.NeverTouch || len(r.Leftover) > 0)
	return out
}

// metadata, directive and definition are the parts of an embedded metric
// (CloudWatch User Guide, "Specification: Embedded metric format").
type metadata struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// metrics are the attributes that make CloudWatch take metrics out of a log
// line: the metadata, the dimensions and the values. An empty group stands for a
// line that is about no group of the configuration.
func (h *Handler) metrics(group string, values measured) []slog.Attr {
	if h.options.Function == "" || len(values) == 0 {
		return nil
	}
	byFunction := directive{Namespace: Namespace, Dimensions: [][]string{{DimensionFunction}}}
	byGroup := directive{Namespace: Namespace, Dimensions: [][]string{{DimensionFunction}, {DimensionFunction, DimensionGroup}}}
	attrs := make([]slog.Attr, 0, len(values))
	for _, m := range Metrics() {
		for _, v := range values {
			if v.name != m.Name {
				continue
			}
			attrs = append(attrs, slog.Int(v.name, v.value))
			if m.ByGroup && group != "" {
				byGroup.Metrics = append(byGroup.Metrics, definition{m.Name, m.Unit})
			} else {
				byFunction.Metrics = append(byFunction.Metrics, definition{m.Name, m.Unit})
			}
		}
	}
	meta := metadata{Timestamp: h.clock.Now().UnixMilli()}
	for _, d := range []directive{byFunction, byGroup} {
		if len(d.Metrics) > 0 {
			meta.CloudWatchMetrics = append(meta.CloudWatchMetrics, d)
		}
	}
	attrs = append(attrs, slog.String(DimensionFunction, h.options.Function)) //nolint:sloglint // dimensions are spelled as AWS's are
	if len(byGroup.Metrics) > 0 {
		attrs = append(attrs, slog.String(DimensionGroup, group)) //nolint:sloglint // dimensions are spelled as AWS's are
	}
	return append(attrs, slog.Any("_aws", meta)) //nolint:sloglint // the specification's key
}
