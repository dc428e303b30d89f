package handler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// decision logs one group's run. Quiet groups are logged at debug, unless there
// is something that somebody should look into.
func (h *Handler) decision(ctx context.Context, r controller.Report) {
	if r.Status == controller.StatusBusy {
		// The run that holds the lease decides, and logs it.
		h.log.LogAttrs(ctx, slog.LevelInfo, "busy", append([]slog.Attr{slog.String("group", r.Group), slog.String("event", r.Event)},
			h.metrics(r.Group, measured{{MetricBusy, 1}})...)...)
		return
	}
	blind := h.blind(r)
	level := levelOf(r, len(blind) > 0)
	if !h.log.Enabled(ctx, level) {
		return // A sweep over quiet groups spells out no lines.
	}
	late := r.OutOfTime || (r.Status != controller.StatusDone && r.Status != controller.StatusQuiet && !h.controller.TimeLeft(ctx))
	attrs := []slog.Attr{
		slog.String("group", r.Group), slog.String("status", string(r.Status)), slog.String("event", r.Event),
		slog.String("from", r.Decision.From), slog.String("to", r.Decision.To), slog.Int("extent", r.Decision.Extent),
		slog.String("action", string(r.Decision.Action)), slog.String("reason", string(r.Decision.Reason)),
		slog.Int64("epoch", r.Decision.Epoch), slog.Bool("wouldBe", r.WouldBe),
		slog.String("paths", pathStates(r)), slog.String("writes", receipts(r.Receipts)),
	}
	attrs = append(attrs, troubles(r)...)
	if len(blind) > 0 {
		attrs = append(attrs, slog.String("unreadable", list(blind)))
	}
	if late {
		attrs = append(attrs, slog.Bool("outOfTime", true))
	}
	attrs = append(attrs, times(r)...)
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", oneLine(r.Err.Error())))
	}
	attrs = append(attrs, h.metrics(r.Group, measure(r, len(blind), late))...)
	h.log.LogAttrs(ctx, level, "decision", attrs...)
}

// levelOf is a warning where somebody should look into it, also if nothing
// changed since the last look.
func levelOf(r controller.Report, blind bool) slog.Level {
	switch {
	case r.Err != nil, blind, foreign(r) > 0, blocked(r), r.Decision.Action == protection.Hold, len(r.Output.Next.Contended) > 0, r.Output.Unsafe, r.Output.HeldPartial,
		r.Status != controller.StatusDone && r.Status != controller.StatusQuiet:
		return slog.LevelWarn
	case r.Status == controller.StatusQuiet && !wouldMove(r):
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// foreign counts the entries whose route points to somebody else's target, and is
// left alone.
func foreign(r controller.Report) int {
	n := 0
	for _, s := range r.Skipped {
		if s.Reason == plan.SkipForeign {
			n++
		}
	}
	return n
}

// blocked: a prefix list that may not be written holds up a part of the group.
func blocked(r controller.Report) bool {
	return slices.ContainsFunc(r.Skipped, func(s plan.Skipped) bool {
		switch s.Reason {
		case plan.SkipListUnreadable, plan.SkipIPAM, plan.SkipOwner, plan.SkipHeldWithUnit:
			return true
		case plan.SkipForeign, plan.SkipNeverTouch, plan.SkipContended, plan.SkipUndeclared:
			return false
		default:
			return false
		}
	})
}

// wouldMove: the group would be moved, if it were not observed or frozen.
func wouldMove(r controller.Report) bool {
	return r.WouldBe && (r.Decision.Action == protection.Move || r.Decision.Action == protection.Step)
}

// blind lists the tables, prefix lists and subjects of the group that could not be read, each
// with its problem. A group that has one is not protected as it should be, even
// while all is quiet.
func (h *Handler) blind(r controller.Report) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, p.Table.ID+"="+string(p.Problem))
	}
	for _, p := range r.ListProblems {
		out = append(out, p.List.ID+"="+string(p.Problem))
	}
	for _, fact := range r.Facts {
		if fact.Kind == health.FactUnreadable && slices.Contains(h.controller.Watching(fact.Subject), r.Group) {
			out = append(out, oneLine(fact.Subject.ID)+"="+string(fact.Problem))
		}
	}
	return out
}

// unlearned says which routes are not learned, and what may be the matter.
func unlearned(paths []controller.Unlearned) []string {
	var out []string
	for _, p := range paths {
		for _, r := range p.Routes {
			out = append(out, p.Path+": "+r.String())
		}
	}
	return out
}

// troubles says what keeps the group from where it should be, and what would be
// done if nothing did. Absent attributes are no troubles.
func troubles(r controller.Report) []slog.Attr {
	var out []slog.Attr
	add := func(key string, parts []string) {
		if len(parts) > 0 {
			out = append(out, slog.String(key, list(parts)))
		}
	}
	next := r.Output.Next
	add("failures", failures(r.Receipts))
	add("skipped", texts(r.Skipped))
	add("unlearned", unlearned(r.Unlearned))
	add("contended", keys(next.Contended))
	add("writers", r.Writers)
	if r.Unannounced {
		out = append(out, slog.Bool("unannounced", true))
	}
	if r.Output.Freeze.On {
		out = append(out, slog.Bool("frozen", true))
	}
	if r.Output.HeldPartial {
		out = append(out, slog.Bool("heldPartial", true))
	}
	if r.Output.Unsafe {
		out = append(out, slog.Bool("unsafe", true))
	}
	if !next.MassFailureAt.IsZero() {
		out = append(out, slog.Time("heldSince", next.MassFailureAt))
	}
	if wouldMove(r) {
		planned := 0
		for _, calls := range r.Cost.Calls {
			planned += calls.Calls
		}
		out = append(out, slog.Int("planned", planned))
	}
	return out
}

// times are how long the run took, and when the next one is due. A stage that
// the run went through several times has one sum.
func times(r controller.Report) []slog.Attr {
	var out []slog.Attr
	if !r.WakeAt.IsZero() {
		out = append(out, slog.Time("wakeAt", r.WakeAt))
	}
	if r.Lag > 0 {
		out = append(out, slog.Int64("lagMs", r.Lag.Milliseconds()))
	}
	var order []controller.Stage
	sums := map[controller.Stage]int64{}
	for _, s := range r.Stages {
		if _, ok := sums[s.Stage]; !ok {
			order = append(order, s.Stage)
		}
		sums[s.Stage] += s.Took.Microseconds()
	}
	for _, stage := range order {
		out = append(out, slog.Int64(string(stage)+"Ms", sums[stage]/1000))
	}
	return out
}

func pathStates(r controller.Report) string {
	parts := make([]string, 0, len(r.Health))
	for _, p := range r.Health {
		text := p.Path + "=" + p.State.String() + "(" + string(p.Reason) + ")"
		if p.Suppressed {
			text += "(suppressed)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// receipts counts the receipts by outcome, in the order of first appearance.
func receipts(list []route.Receipt) string {
	var order []route.Outcome
	counts := map[route.Outcome]int{}
	for _, r := range list {
		if counts[r.Outcome] == 0 {
			order = append(order, r.Outcome)
		}
		counts[r.Outcome]++
	}
	parts := make([]string, 0, len(order))
	for _, outcome := range order {
		parts = append(parts, string(outcome)+"="+strconv.Itoa(counts[outcome]))
	}
	return strings.Join(parts, " ")
}

// failures names the writes that AWS refused, with its error code. Its message
// is left out: it is long, and it is free text.
func failures(list []route.Receipt) []string {
	var out []string
	for _, r := range list {
		switch r.Outcome {
		case route.Denied, route.Refused, route.Failed, route.Throttled, route.Busy:
			out = append(out, fmt.Sprintf("%s %s=%s(%s)", r.Change.Table, r.Change.Destination, r.Outcome, oneLine(r.Code)))
		case route.Applied, route.AlreadyInPlace, route.PreconditionFailed, route.Allowed, route.NotStarted:
		}
	}
	return out
}

func texts(skipped []plan.Skipped) []string {
	out := make([]string, len(skipped))
	for i, s := range skipped {
		out[i] = s.Entry.String() + "=" + string(s.Reason)
	}
	return out
}

func keys(entries []protection.EntryKey) []string {
	out := make([]string, len(entries))
	for i, entry := range entries {
		out[i] = entry.String()
	}
	return out
}

// list joins the first ten of the texts, and says how many more there are: a
// log event has a bounded size, and a group may have a thousand entries.
func list(parts []string) string {
	const most = 10
	if len(parts) <= most {
		return strings.Join(parts, "; ")
	}
	return strings.Join(parts[:most], "; ") + fmt.Sprintf("; and %d more", len(parts)-most)
}

// oneLine makes a text that came from outside fit for a log: short, printable
// and in one line.
func oneLine(s string) string {
	const most = 512
	s = strings.ReplaceAll(s, "\n", "; ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
