package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// RouteFilter handles what tells of learned routes: routing updates, the BGP log of
// VPN connections, and calls that change the tables of filters; and the wake-ups of
// filters.
func (h *Handler) RouteFilter(ctx context.Context, raw []byte) Outcome {
	ctx, cancel := h.bounded(ctx)
	defer cancel()
	var out Outcome
	switch ingest.KindOf(raw) {
	case ingest.KindWakeBatch:
		return h.wakeUps(ctx, raw)
	case ingest.KindLogs:
		look, err := ingest.DecodeLogs(raw)
		out = h.learned(ctx, look, err)
	default:
		look, err := ingest.Decode(raw)
		out = h.learned(ctx, look, err)
	}
	out.Body = batchAnswer(nil) // As in Switchover.
	return out
}

// learned handles one message about learned routes. A route that a filter may deny
// leads to a run at once, with its lease before its reads. Everything else is looked
// at without a lease first: that a route is gone, a static, which may be Detour's
// own, and what cannot be told. Where the message names no table, all filters are looked
// at, at most once a minute: each look asks for all VPN connections, and a switchover
// needs the same request bucket.
func (h *Handler) learned(ctx context.Context, look ingest.Look, err error) Outcome {
	if d, ok := withoutEffect(err); ok {
		return h.passOver(ctx, d)
	}
	if d, ok := errors.AsType[*ingest.Drop](err); ok && d.Reason == ingest.DropNoLines {
		return h.passOver(ctx, *d)
	}
	if err != nil {
		return h.drop(ctx, dropsOf(err)...)
	}
	switch {
	case h.options.Own.Made(look.Writer):
		return h.passOver(ctx, ingest.Drop{Reason: DropOwnCall, Detail: look.ChangeType + " by " + look.Writer.Name})
	case look.Why == ingest.WhyCloudWAN:
		// A core network's segments are no table that a filter can name.
		return h.passOver(ctx, ingest.Drop{Reason: DropUnconfigured, Detail: look.WhyDetail})
	case look.Why == ingest.WhySweep:
		return h.drop(ctx, ingest.Drop{Reason: ingest.DropNotForUs, Detail: "a sweep, which is another function's; correct the schedule that sends it here"})
	}
	at := h.concerned(look)
	switch {
	case len(at.urgent)+len(at.named) == 0 && !at.unnamed:
		return h.passOver(ctx, ingest.Drop{Reason: DropUnconfigured, Detail: unwatched(look)})
	case !h.controller.TimeLeft(ctx):
		return h.outOfTime(ctx, look.EventID)
	}
	trigger := controller.FilterTrigger{Event: look.EventID, Logged: logged(look)}
	var reports []controller.FilterReport
	if len(at.urgent) > 0 {
		trigger.Filters = at.urgent
		reports = h.controller.Enforce(ctx, trigger)
	}
	if len(at.named) > 0 {
		trigger.Filters = at.named
		reports = append(reports, h.controller.LookFilters(ctx, trigger)...)
	}
	out := h.filtered(ctx, reports)
	if at.unnamed {
		out = out.with(h.everyFilter(ctx, trigger, look.Why, false))
	}
	return out
}

// everyFilter looks at all filters, at most once a minute.
func (h *Handler) everyFilter(ctx context.Context, trigger controller.FilterTrigger, why string, fromWake bool) Outcome {
	if !h.controller.TimeLeft(ctx) {
		return h.outOfTime(ctx, trigger.Event)
	}
	reports, looked, err := h.controller.EveryFilter(ctx, trigger, fromWake)
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "looking at everything failed", append([]slog.Attr{
			slog.String("of", "filters"), slog.String("event", trigger.Event), slog.String("why", why), slog.String("error", oneLine(err.Error())),
		}, h.metrics("", measured{{MetricFailed, 1}})...)...)
		return Outcome{Action: Retry, why: "the record store could not be used for a look at all filters; the log has the error"}
	}
	if !looked {
		h.log.LogAttrs(ctx, slog.LevelInfo, "coalesced", slog.String("of", "filters"), slog.String("event", trigger.Event), slog.String("why", why))
		return Outcome{Action: Value}
	}
	return h.filtered(ctx, reports)
}

// logged are the announcements that a BGP log told of, as far as AWS took them.
func logged(look ingest.Look) []filter.Logged {
	var out []filter.Logged
	for _, r := range look.Routes {
		if r.Connection != "" && !r.Gone && !r.Refused {
			out = append(out, filter.Logged{Prefix: r.Destination, Connection: r.Connection})
		}
	}
	return out
}

// concern is what a message is about: the filters in which it may be urgent, the others
// whose tables it names, and whether further ones may be meant.
type concern struct {
	urgent, named []string
	unnamed       bool
}

// concerned says what the message is about. A message that names no table, such as a
// log, can mean all filters that its VPN connection could concern: which attachment
// belongs to it is only known of connections that groups use.
func (h *Handler) concerned(look ingest.Look) concern {
	var named []*filter.Filter
	for _, table := range look.Tables {
		named = append(named, h.controller.Filtering(table)...)
	}
	var out concern
	for _, f := range named {
		switch {
		case slices.Contains(out.urgent, f.Name) || slices.Contains(out.named, f.Name):
		case urgent(f, look, rulesMayDeny):
			out.urgent = append(out.urgent, f.Name)
		default:
			out.named = append(out.named, f.Name)
		}
	}
	if !look.Everything && len(look.Connections) == 0 {
		return out
	}
	// A log tells of every announcement. Were each taken for one that holds the address of
	// a tunnel, none would be coalesced, so only the addresses that are known count here.
	outside := outsideOf(look)
	surely := func(rules []filter.Rule, prefix netip.Prefix) bool { return !filter.Permits(rules, prefix, outside) }
	unnamed := h.controller.Filtering("")
	if !look.Everything {
		unnamed = h.controller.FilteringOver(look.Connections)
	}
	for _, f := range unnamed {
		switch {
		case slices.Contains(out.urgent, f.Name) || slices.Contains(out.named, f.Name):
		case urgent(f, look, surely):
			out.urgent = append(out.urgent, f.Name)
		default:
			out.unnamed = true
		}
	}
	return out
}

// urgent reports whether a route of the message is one that the filter could deny.
func urgent(f *filter.Filter, look ingest.Look, denies func([]filter.Rule, netip.Prefix) bool) bool {
	return f.Mode == protection.Enforce && slices.ContainsFunc(look.Routes, func(r ingest.RouteHint) bool {
		if r.Static || r.Gone || r.Refused || !f.Action.Writes() {
			return false
		}
		judged := func(s filter.Scope) bool { return r.Attachment == "" || r.More || s.Names(r.Attachment) }
		return slices.ContainsFunc(f.Scopes, judged) && denies(f.Rules, r.Destination)
	})
}

// rulesMayDeny reads the rules as far as they can be without the outside addresses of
// tunnels: any prefix may hold one of those.
func rulesMayDeny(rules []filter.Rule, prefix netip.Prefix) bool {
	for _, rule := range rules {
		switch {
		case rule.Matches(prefix, nil):
			return !rule.Permit
		case rule.DefaultLike && !rule.Permit:
			return true
		}
	}
	return false
}

// outsideOf are the outside addresses of the tunnels that the message is of.
func outsideOf(look ingest.Look) []netip.Addr {
	var out []netip.Addr
	for _, r := range look.Routes {
		if address, err := netip.ParseAddr(r.Outside); err == nil {
			out = append(out, address)
		}
	}
	return out
}

// filtered logs one line for each filter and maps the reports to an outcome, as
// finish does for groups.
func (h *Handler) filtered(ctx context.Context, reports []controller.FilterReport) Outcome {
	out := Outcome{Action: Value, Filters: reports}
	var failed []string
	for _, report := range reports {
		if report.Status == controller.StatusFailed {
			failed = append(failed, report.Filter)
		}
		h.filterLine(ctx, report)
	}
	if len(failed) > 0 {
		out.Action = Retry
		out.why = fmt.Sprintf("the record store could not be used for filter %s and %d more; the log has the error", failed[0], len(failed)-1)
	}
	return out
}

// filterLine logs one filter's run. Quiet filters are logged at debug, unless
// somebody should look into something.
func (h *Handler) filterLine(ctx context.Context, r controller.FilterReport) {
	if r.Status == controller.StatusBusy {
		h.log.LogAttrs(ctx, slog.LevelInfo, "busy", append([]slog.Attr{slog.String("filter", r.Filter), slog.String("event", r.Event)},
			h.metrics("", measured{{MetricBusy, 1}})...)...)
		return
	}
	late := r.OutOfTime || (r.Status != controller.StatusDone && r.Status != controller.StatusQuiet && !h.controller.TimeLeft(ctx))
	level := filterLevel(r)
	if level == slog.LevelDebug && h.options.Function != "" && announced(r) > 0 {
		level = slog.LevelInfo // The metric is in the line, and lasts as long as the measure.
	}
	if !h.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("filter", r.Filter), slog.String("mode", string(r.Mode)), slog.String("status", string(r.Status)), slog.String("event", r.Event),
		slog.Bool("wouldBe", r.WouldBe), slog.Int("inForce", inForce(r)), slog.Int("planned", len(r.Decision.Changes)),
		slog.String("writes", receipts(r.Receipts)),
	}
	add := func(key string, parts []string) {
		if len(parts) > 0 {
			attrs = append(attrs, slog.String(key, list(parts)))
		}
	}
	add("verdicts", described(told(r)))
	add("held", described(held(r)))
	add("failures", failures(r.Receipts))
	add("left", changes(r))
	add("unreadable", unread(r))
	add("leftover", leftover(r))
	attrs = append(attrs, flags(r, late)...)
	attrs = append(attrs, times(controller.Report{WakeAt: r.WakeAt, Stages: r.Stages})...)
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", oneLine(r.Err.Error())))
	}
	attrs = append(attrs, h.metrics("", measureFilter(r, late))...)
	h.log.LogAttrs(ctx, level, "filter", attrs...)
}

// flags are the states that a line names only where they are.
func flags(r controller.FilterReport, late bool) []slog.Attr {
	var out []slog.Attr
	for _, flag := range []struct {
		key string
		is  bool
	}{{"frozen", r.Frozen}, {"neverTouch", r.NeverTouch}, {"outOfTime", late}} {
		if flag.is {
			out = append(out, slog.Bool(flag.key, true))
		}
	}
	return out
}

// filterLevel is a warning where somebody should look into it, also if nothing
// changed since the last look.
func filterLevel(r controller.FilterReport) slog.Level {
	switch {
	case r.Err != nil, r.NeverTouch, len(r.Problems) > 0, len(r.Leftover) > 0, r.Decision.Pages(), r.Status != controller.StatusDone && r.Status != controller.StatusQuiet:
		return slog.LevelWarn
	case r.Status == controller.StatusQuiet && (!r.WouldBe || len(r.Decision.Changes) == 0):
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// told are the verdicts by which something changed, or would: every one that is new.
func told(r controller.FilterReport) []filter.Verdict {
	out := slices.Concat(r.Placed, r.Lifted)
	if r.WouldBe {
		for _, v := range r.Decision.Verdicts {
			if v.New {
				out = append(out, v)
			}
		}
	}
	return out
}

// held are the verdicts that call for a person.
func held(r controller.FilterReport) []filter.Verdict {
	return slices.DeleteFunc(slices.Clone(r.Decision.Verdicts), func(v filter.Verdict) bool { return !v.Reason.Pages() })
}

// inForce counts the measures in force.
func inForce(r controller.FilterReport) int {
	n := 0
	for _, v := range r.Decision.Verdicts {
		if v.InForce {
			n++
		}
	}
	return n
}

func described(verdicts []filter.Verdict) []string {
	out := make([]string, len(verdicts))
	for i, v := range verdicts {
		out[i] = oneLine(controller.Describe(v))
	}
	return out
}

func changes(r controller.FilterReport) []string {
	out := make([]string, len(r.Left))
	for i, ch := range r.Left {
		out[i] = ch.String()
	}
	return out
}

func unread(r controller.FilterReport) []string {
	out := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		out[i] = p.Table.ID + "=" + string(p.Problem)
	}
	return out
}

// leftover are the measures of a filter that the configuration no longer has.
func leftover(r controller.FilterReport) []string {
	out := make([]string, len(r.Leftover))
	for i, m := range r.Leftover {
		out[i] = string(m.Action) + " of " + m.String()
	}
	return out
}
