package operator

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/failback"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// Workflows are the executions of the failback workflow of one home.
type Workflows interface {
	// Start starts an execution. The same name and input again, while it runs, are
	// answered as the first time; else a name that was used before is
	// workflow.ErrExists.
	Start(ctx context.Context, name string, input []byte) (workflow.Execution, error)
	// Describe tells of an execution: workflow.ErrUnknown.
	Describe(ctx context.Context, name string) (workflow.Execution, error)
	// Stage is the state that an execution entered last.
	Stage(ctx context.Context, name string) (workflow.Stage, error)
	// List returns executions of all groups, the newest first, at most limit.
	List(ctx context.Context, limit int) ([]workflow.Execution, error)
	// Succeed and Fail answer the task that waits with the token: workflow.ErrNotAwaited.
	Succeed(ctx context.Context, token string, output []byte) error
	Fail(ctx context.Context, token, name, cause string) error
	// Stop ends an execution from outside.
	Stop(ctx context.Context, execution, name, cause string) error
}

// FailbackPhase says how far a failback has come.
type FailbackPhase string

// The phases of a failback, in order.
const (
	// PhasePrecheck: it is seen to that the path is fit for it, and has been for long
	// enough; also once more after the approval.
	PhasePrecheck FailbackPhase = "precheck"
	// PhaseAsking: a plan was shown, and waits for somebody to approve it.
	PhaseAsking FailbackPhase = "asking"
	// PhaseMoving: units come over, step by step.
	PhaseMoving FailbackPhase = "moving"
	// PhaseEnding: its authority is over, and the routes are on their way to one path.
	PhaseEnding FailbackPhase = "ending"
	// PhaseOver: it is known what it came to.
	PhaseOver FailbackPhase = "over"
)

// FailbackStatus is the last failback of a group: by its record, and where it was
// asked for by what Step Functions says and by what would be written now.
type FailbackStatus struct {
	Group string `json:"group"`
	// ID is the name of the execution.
	ID    string        `json:"id"`
	Phase FailbackPhase `json:"phase"`
	From  string        `json:"from,omitempty"`
	To    string        `json:"to,omitempty"`
	// By is who started it, as claimed, and Why the reason.
	By       string `json:"by,omitempty"`
	Why      string `json:"why,omitempty"`
	Unproven bool   `json:"unproven,omitempty"`
	// At is when it was opened. Until is when its authority ends unless it is heard of
	// before; zero: it has none.
	At    time.Time `json:"at,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Plan is the digest of the plan that was shown. AskUntil is the end of the time to
	// approve it, and Approve the command; empty where nobody waits for that.
	Plan     string    `json:"plan,omitempty"`
	AskUntil time.Time `json:"askUntil,omitzero"`
	Approve  string    `json:"approve,omitempty"`
	// Approved is who approved, as claimed.
	Approved   string    `json:"approved,omitempty"`
	ApprovedAt time.Time `json:"approvedAt,omitzero"`
	// Moved of Of steps of the group have come over.
	Moved int `json:"moved"`
	Of    int `json:"of"`
	// Over is why its authority ended, and End what it came to.
	Over   protection.Reason      `json:"over,omitempty"`
	OverAt time.Time              `json:"overAt,omitzero"`
	End    protection.FailbackEnd `json:"end,omitempty"`

	// Execution and Stage are what Step Functions says, and Unread why that could not be
	// asked for.
	Execution *workflow.Execution `json:"execution,omitempty"`
	Stage     *workflow.Stage     `json:"stage,omitempty"`
	Unread    string              `json:"unread,omitempty"`
	// Show is what would be written now. Changed says that it is not what was shown, so
	// that an approval would be void.
	Show    *explain.Failback `json:"show,omitempty"`
	Changed bool              `json:"changed,omitempty"`

	// token answers the question. Whoever has it can approve.
	token string
}

// Open reports whether the failback goes on.
func (f *FailbackStatus) Open() bool {
	return f != nil && f.Phase != PhaseEnding && f.Phase != PhaseOver
}

// failbackOf tells of the failback in a group's record; nil: it never had one.
func failbackOf(group *protection.Group, record protection.Record) *FailbackStatus {
	f := record.Failback
	if f.ID == "" {
		return nil
	}
	out := &FailbackStatus{
		Group: group.Name, ID: f.ID, From: f.From, To: f.To, By: f.By, Why: f.Why, Unproven: f.Unproven, At: f.At.UTC(), Plan: f.Plan,
		Approved: f.Approved, ApprovedAt: f.ApprovedAt.UTC(), Of: group.Steps(), Over: f.Over, OverAt: f.OverAt.UTC(), End: record.FailbackEnd(), token: f.Token,
	}
	if d := record.Decision; f.Epoch != 0 && d.Epoch == f.Epoch && d.To == f.To {
		out.Moved = d.Extent
	}
	switch {
	case out.End != "":
		out.Phase = PhaseOver
	case f.Over != "":
		out.Phase = PhaseEnding
	case f.Epoch != 0 || f.Approved != "":
		out.Phase = PhaseMoving
	case f.Plan != "" && f.Token != "":
		out.Phase = PhaseAsking
		out.AskUntil = f.Until.Add(-protection.FailbackAuthority).UTC()
		out.Approve = approveCommand(group.Name, f.Plan)
	default:
		out.Phase = PhasePrecheck
	}
	if out.Open() {
		out.Until = f.Until.UTC()
	}
	return out
}

func approveCommand(group, digest string) string {
	f := explain.Failback{Group: group, Plan: digest}
	return f.Approve()
}

// Failback tells of the group's last failback; nil: it never had one.
func (o *Operator) Failback(ctx context.Context, name string) (*FailbackStatus, error) {
	if _, err := o.group(name); err != nil {
		return nil, err
	}
	s, err := o.look(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	return s.failback(ctx, name), nil
}

// failback tells of the group's last failback, or of one that has not been opened
// yet.
func (s *sight) failback(ctx context.Context, name string) *FailbackStatus {
	preview := s.decide(name, controller.Supposed{})
	workflows := s.homes[name].Workflows
	out := failbackOf(preview.Group, preview.Item.Record)
	if workflows == nil {
		if out != nil {
			out.Unread = "it is not known which state machine it is"
		}
		s.show(name, out)
		return out
	}
	if !out.Open() {
		waiting, err := unopened(ctx, workflows, name, out)
		switch {
		case waiting != nil:
			waiting.Of = preview.Group.Steps()
			waiting.From, waiting.To = preview.Item.Record.Decision.To, preview.Group.Working()
			out = waiting
		case err != nil && out != nil:
			out.Unread = err.Error()
		}
	}
	if out == nil {
		return nil
	}
	out.ask(ctx, workflows)
	s.show(name, out)
	return out
}

// ask asks Step Functions for the execution.
func (f *FailbackStatus) ask(ctx context.Context, workflows Workflows) {
	execution, err := workflows.Describe(ctx, f.ID)
	if err == nil {
		f.Execution = &execution
	}
	if err == nil && !execution.Status.Over() {
		var stage workflow.Stage
		if stage, err = workflows.Stage(ctx, f.ID); err == nil && stage.State != "" {
			f.Stage = &stage
		}
	}
	switch {
	case errors.Is(err, workflow.ErrUnknown):
		f.Unread = "Step Functions does not know it: it was started just now, ended more than 90 days ago, or is of another state machine (--state-machine)"
	case err != nil:
		f.Unread = err.Error()
	}
}

// show says what would be written now, while nothing has moved yet.
func (s *sight) show(name string, f *FailbackStatus) {
	if f == nil || f.Phase != PhaseAsking && f.Phase != PhasePrecheck {
		return
	}
	seen, ok := s.seen[s.homes[name]].Failback(name, f.Unproven)
	if !ok || !seen.Plan.Complete {
		return
	}
	shown := failback.Show(seen)
	shown.ID, shown.By, shown.Why, shown.Unproven = f.ID, f.By, f.Why, f.Unproven
	f.Show = &shown
	if f.Phase == PhaseAsking {
		shown.Until, f.Changed = f.AskUntil, seen.Digest != f.Plan
	}
}

// executionsLookedAt is how many executions are searched for those of one group, and
// describedAt most how many of them are asked for their input.
const (
	executionsLookedAt = 300
	describedAtMost    = 20
)

// unopened finds an execution that runs for the group, and has opened no failback yet:
// the path has not been good for long enough, or it was started just now.
func unopened(ctx context.Context, workflows Workflows, name string, last *FailbackStatus) (*FailbackStatus, error) {
	all, err := workflows.List(ctx, executionsLookedAt)
	if err != nil {
		return nil, err
	}
	described := 0
	for _, e := range all {
		if _, _, named := failback.Attempt(e.Name, name); e.Status.Over() || last != nil && e.Name == last.ID || !named && strings.HasPrefix(e.Name, "failback-") {
			continue
		}
		if described++; described > describedAtMost {
			break
		}
		full, err := workflows.Describe(ctx, e.Name)
		if err != nil {
			return nil, err
		}
		var input failback.Input
		if json.Unmarshal([]byte(full.Input), &input) != nil || input.Group != name {
			continue
		}
		return &FailbackStatus{Group: name, ID: e.Name, Phase: PhasePrecheck, By: input.By, Why: input.Why, Unproven: input.Unproven, At: full.StartedAt}, nil
	}
	return nil, nil
}
