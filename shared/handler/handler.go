package handler

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	"detour/shared/controller"
	"detour/shared/ingest"
	"detour/shared/protection"
	"detour/shared/route"
)

// Action says what the trigger is to do with what it sent.
type Action string

// The actions.
const (
	// Value: the message was worked on; Outcome.Body is the answer.
	Value Action = "value"
	// Retry: send the message again.
	Retry Action = "retry"
	// Drop: the message cannot be worked on, now or later.
	Drop Action = "drop"
)

// DropUnconfigured is the drop of an event about a resource that no group
// watches.
const DropUnconfigured ingest.DropReason = "unconfigured"

// Outcome is the end of one invocation.
type Outcome struct {
	Action Action
	// Body is the JSON answer, for the triggers that read one.
	Body []byte
	// Reports are what was done, by group priority.
	Reports []controller.Report
	// Dropped is why, for Drop.
	Dropped ingest.DropReason
}

// Handler holds what both functions need.
type Handler struct {
	controller *controller.Controller
	clock      controller.Clock
	log        *slog.Logger
}

// New returns the handlers of the functions. The controller and the clock must
// be those of the same process.
func New(c *controller.Controller, clock controller.Clock, log *slog.Logger) *Handler {
	return &Handler{controller: c, clock: clock, log: log}
}

// finish logs one line for each decision and maps the reports to an outcome: a
// store that could not be used is worth another try, everything else is not,
// since the sweep runs the same code within a minute.
func (h *Handler) finish(ctx context.Context, reports []controller.Report) Outcome {
	out := Outcome{Action: Value, Reports: reports}
	for _, report := range reports {
		h.decision(ctx, report)
		if report.Status == controller.StatusFailed {
			out.Action = Retry
		}
	}
	return out
}

// drop logs the one line of a message that is not worked on.
func (h *Handler) drop(ctx context.Context, err error) Outcome {
	out := Outcome{Action: Drop, Dropped: ingest.DropMalformed}
	if bad, ok := errors.AsType[*ingest.WakeError](err); ok {
		for _, b := range bad.Bad {
			out.Dropped = b.Reason
			h.log.WarnContext(ctx, "dropped", slog.String("reason", string(b.Reason)), slog.String("detail", b.Error()))
		}
		return out
	}
	if d, ok := errors.AsType[*ingest.Drop](err); ok {
		out.Dropped = d.Reason
		h.log.WarnContext(ctx, "dropped", slog.String("reason", string(d.Reason)), slog.String("detail", d.Detail))
		return out
	}
	h.log.WarnContext(ctx, "dropped", slog.String("reason", string(out.Dropped)), slog.String("detail", err.Error()))
	return out
}

// decision logs one group's run. Quiet groups of a sweep are logged at debug.
func (h *Handler) decision(ctx context.Context, r controller.Report) {
	if r.Status == controller.StatusBusy {
		// The run that holds the lease decides, and logs it.
		h.log.InfoContext(ctx, "busy", slog.String("group", r.Group), slog.String("event", r.Event))
		return
	}
	level := slog.LevelInfo
	switch {
	case r.Err != nil || r.Decision.Action == protection.Hold:
		level = slog.LevelWarn
	case r.Status == controller.StatusQuiet:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("group", r.Group), slog.String("status", string(r.Status)), slog.String("event", r.Event),
		slog.String("from", r.Decision.From), slog.String("to", r.Decision.To), slog.Int("extent", r.Decision.Extent),
		slog.String("action", string(r.Decision.Action)), slog.String("reason", string(r.Decision.Reason)),
		slog.Int64("epoch", r.Decision.Epoch), slog.Bool("wouldBe", r.WouldBe),
		slog.String("paths", pathStates(r)), slog.String("writes", receipts(r.Receipts)),
	}
	if len(r.Skipped) > 0 {
		attrs = append(attrs, slog.String("skipped", skipped(r)))
	}
	if r.Lag > 0 {
		attrs = append(attrs, slog.Int64("lagMs", r.Lag.Milliseconds()))
	}
	for _, s := range r.Stages {
		attrs = append(attrs, slog.Int64(string(s.Stage)+"Ms", s.Took.Milliseconds()))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	h.log.LogAttrs(ctx, level, "decision", attrs...)
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

func skipped(r controller.Report) string {
	parts := make([]string, 0, len(r.Skipped))
	for _, s := range r.Skipped {
		parts = append(parts, s.Entry.String()+"="+string(s.Reason))
	}
	return strings.Join(parts, "; ")
}
