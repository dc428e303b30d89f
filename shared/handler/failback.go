package handler

import (
	"context"
	"log/slog"

	"detour/shared/controller"
	"detour/shared/failback"
)

// Failback runs a task of a failback, on what the state machine gives to its function.
// The state machine reads the answer or the error, and decides by the error's name
// whether the task is run again.
func (h *Handler) Failback(ctx context.Context, task failback.Task, raw []byte) Outcome {
	ctx, cancel := h.bounded(ctx)
	defer cancel()
	if !h.controller.TimeLeft(ctx) {
		out := h.outOfTime(ctx, "failback")
		out.failure = failback.Busy{Detail: "too little was left of the function's timeout to begin"}
		return out
	}
	result := h.options.Failback.Run(ctx, task, raw)
	for _, report := range result.Reports {
		if report.Status != controller.StatusFailed || len(report.Stages) > 0 {
			h.decision(ctx, report)
		}
	}
	h.taskLine(ctx, task, result)
	out := Outcome{Action: Value, Reports: result.Reports}
	if out.Body, out.failure = result.Body(); out.failure != nil {
		out.Body = []byte("null")
	}
	return out
}

// taskLine logs the one line of a task. It never has the token that answers for an
// approval: whoever reads logs need not be who may approve.
func (h *Handler) taskLine(ctx context.Context, task failback.Task, r failback.Result) {
	attrs := []slog.Attr{slog.String("task", string(task)), slog.String("group", r.Group), slog.String("execution", oneLine(r.Execution))}
	if r.Err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "failback", append(attrs,
			slog.String("failure", failback.ErrorName(r.Err)), slog.String("error", oneLine(r.Err.Error())))...)
		return
	}
	attrs = append(attrs, slog.String("next", string(r.State.Next)), slog.Int("step", r.State.Step), slog.Int("steps", r.State.Steps))
	if r.State.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(r.State.Reason)))
	}
	if r.State.End != "" {
		attrs = append(attrs, slog.String("end", string(r.State.End)))
	}
	if r.State.Why != "" {
		attrs = append(attrs, slog.String("detail", oneLine(r.State.Why)))
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "failback", attrs...)
}
