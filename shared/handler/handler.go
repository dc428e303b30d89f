package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/ingest"
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
	// Body is the JSON answer. It is never empty, whatever the action.
	Body []byte
	// Reports are what was done, by group priority, and Filters what was done about
	// filters, by name.
	Reports []controller.Report
	Filters []controller.FilterReport
	// Dropped is why, for Drop.
	Dropped ingest.DropReason

	// why says what to try again for, for Retry.
	why string
	// failure is the error of a task of a failback, whose type the state machine goes by.
	failure error
}

// Answer is what a main gives to the Lambda runtime: the body, or the error that
// makes the trigger send the message again.
func (o Outcome) Answer() ([]byte, error) {
	if err := o.Err(); err != nil {
		return nil, err
	}
	return o.Body, nil
}

// Err is nil unless the action is Retry. Its text is one short line. It reaches
// failure destinations, which no log handler cleans, so it holds nothing of what
// came from outside: neither from an event nor from the answer of a call.
//
// That of a failback's task says more: it is read in the history of the execution,
// which shows what the execution was started with anyway.
func (o Outcome) Err() error {
	if o.failure != nil {
		return o.failure
	}
	if o.Action != Retry {
		return nil
	}
	return errors.New("try again: " + o.why)
}

// Options are what a handler is told about its surroundings.
type Options struct {
	// Function is the name of the function, a dimension of every metric. Without
	// it no metrics are written: in the lab the log is for people.
	Function string
	// Own are the roles that Detour writes with: its own calls come back as events.
	Own ingest.Own
	// Failback runs the tasks of failbacks; nil where no such task is ever run.
	Failback *failback.Runner
}

// Handler holds what the functions need. It may serve any number of
// invocations.
type Handler struct {
	controller *controller.Controller
	clock      controller.Clock
	log        *slog.Logger
	options    Options
}

// New returns the handlers of the functions. The controller and the clock must
// be those of the same process.
func New(c *controller.Controller, clock controller.Clock, log *slog.Logger, options Options) *Handler {
	return &Handler{controller: c, clock: clock, log: log, options: options}
}

// lastWords is the part of the function's time that is kept for the log line: at
// the deadline Lambda ends the process, whatever it is doing.
const lastWords = time.Second

// bounded makes every call of the run end in time for its log line. The
// controller stops writing well before that.
func (h *Handler) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return h.clock.Timeout(ctx, deadline.Sub(h.clock.Now())-lastWords)
}

// outOfTime is the outcome of what was not begun. To begin it would take leases
// that other runs wait for, and write nothing.
func (h *Handler) outOfTime(ctx context.Context, event string) Outcome {
	h.log.LogAttrs(ctx, slog.LevelWarn, "not begun", append([]slog.Attr{slog.String("event", event), slog.Bool("outOfTime", true)},
		h.metrics("", measured{{MetricOutOfTime, 1}})...)...)
	return Outcome{Action: Retry, why: "too little was left of the function's timeout to begin; raise it if this happens again"}
}

// finish logs one line for each decision and maps the reports to an outcome: a
// store that could not be used is worth another try, everything else is not,
// since the sweep runs the same code within a minute.
func (h *Handler) finish(ctx context.Context, reports []controller.Report) Outcome {
	out := Outcome{Action: Value, Reports: reports}
	var failed, undecided []string
	var err error
	for _, report := range reports {
		if report.Status == controller.StatusFailed {
			failed = append(failed, report.Group)
			if len(report.Stages) == 0 {
				// No step was taken: one call for all groups failed, and one line says so.
				undecided, err = append(undecided, report.Group), report.Err
				continue
			}
		}
		h.decision(ctx, report)
	}
	if len(undecided) > 0 {
		h.log.LogAttrs(ctx, slog.LevelWarn, "undecided", append([]slog.Attr{
			slog.String("event", reports[0].Event), slog.Int("count", len(undecided)), slog.String("groups", list(undecided)),
			slog.String("error", oneLine(err.Error())),
		}, h.metrics("", measured{{MetricFailed, len(undecided)}})...)...)
	}
	if len(failed) > 0 {
		out.Action = Retry
		out.why = fmt.Sprintf("the record store could not be used for group %s and %d more; the log has the error", failed[0], len(failed)-1)
	}
	return out
}

// maxDropLines bounds the lines about one batch. SQS can send thousands of
// messages at once, if the mapping says so.
const maxDropLines = 10

// drop logs one line for each message that is not worked on, and beyond
// maxDropLines one for all the others.
func (h *Handler) drop(ctx context.Context, drops ...ingest.Drop) Outcome {
	for i, d := range drops {
		attrs := []slog.Attr{slog.String("reason", string(d.Reason)), slog.String("detail", d.Detail)}
		count := 1
		if i == maxDropLines {
			count = len(drops) - i
			attrs = append(attrs, slog.Int("count", count))
		}
		h.log.LogAttrs(ctx, slog.LevelWarn, "dropped", append(attrs, h.metrics("", measured{{MetricDropped, count}})...)...)
		if i == maxDropLines {
			break
		}
	}
	return Outcome{Action: Drop, Dropped: drops[len(drops)-1].Reason}
}

// dropsOf takes the drops out of an error of package ingest.
func dropsOf(err error) []ingest.Drop {
	if bad, ok := errors.AsType[*ingest.WakeError](err); ok {
		out := make([]ingest.Drop, len(bad.Bad))
		for i, b := range bad.Bad {
			out[i] = ingest.Drop{Reason: b.Reason, Detail: b.Error()}
		}
		return out
	}
	if d, ok := errors.AsType[*ingest.Drop](err); ok {
		return []ingest.Drop{*d}
	}
	return []ingest.Drop{{Reason: ingest.DropMalformed, Detail: oneLine(err.Error())}}
}
