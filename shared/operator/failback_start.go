package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/failback"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// FailbackProposal is what starting a failback would lead to. Nothing has been
// changed.
type FailbackProposal struct {
	Group string    `json:"group"`
	At    time.Time `json:"at"`
	// Show is the plan as it would be shown for approval; nil: a table could not be read
	// whole, and Problems say which.
	Show     *explain.Failback `json:"show,omitempty"`
	Problems []string          `json:"problems,omitempty"`
	// Open is the failback that goes on already: another one is not started.
	Open *FailbackStatus `json:"open,omitempty"`
	// Refused says why the first look of the workflow would refuse it; Entries are the
	// routes that stand in the way. Waits says that it is only put off, for that reason.
	Refused protection.Reason     `json:"refused,omitempty"`
	Waits   bool                  `json:"waits,omitempty"`
	Entries []protection.EntryKey `json:"entries,omitempty"`
	Notes   []plan.Note           `json:"notes,omitempty"`

	home    *Home
	record  protection.Record
	input   failback.Input
	stopped bool
}

// Stopped reports whether it would not be started.
func (p *FailbackProposal) Stopped() bool { return p.Open != nil || p.stopped }

// ProposeFailback reads the group and works out what a failback would do.
func (o *Operator) ProposeFailback(ctx context.Context, name, why string, unproven bool) (*FailbackProposal, error) {
	if err := CheckWhy(why); err != nil {
		return nil, err
	}
	home, err := o.home(name)
	switch {
	case err != nil:
		return nil, err
	case home.Workflows == nil:
		return nil, errNoMachine(home)
	}
	s, err := o.look(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	seen, ok := s.seen[home].Failback(name, unproven)
	if !ok {
		return nil, fmt.Errorf("there is no group %q", name)
	}
	out := &FailbackProposal{
		Group: name, At: seen.At.UTC(), Entries: seen.Answer.Entries, home: home, record: seen.Item.Record,
		input: failback.Input{Group: name, By: o.options.By, Why: why, Unproven: unproven},
	}
	if going := s.failback(ctx, name); going.Open() {
		out.Open = going
		return out, nil
	}
	waits := seen.Answer.Retry || !seen.Answer.ReadyAt.IsZero()
	if !seen.Answer.Accepted {
		out.Refused, out.Waits, out.stopped = seen.Answer.Refused, waits, !waits
	}
	for _, problem := range seen.Report.Problems {
		out.Problems = append(out.Problems, "table "+problem.Table.ID+" could not be read whole: "+string(problem.Problem))
	}
	if seen.Plan.Complete {
		shown := failback.Show(seen)
		shown.By, shown.Why, shown.Unproven = o.options.By, why, unproven
		if at := seen.Answer.ReadyAt; !at.IsZero() {
			shown.ReadyAt = at.UTC()
		}
		out.Show, out.Notes = &shown, s.notes(ctx, seen.Preview, seen.Plan)
	}
	return out, nil
}

func errNoMachine(home *Home) error {
	return fmt.Errorf("it is not known which state machine brings groups back in account %s in %s; name it with --state-machine", home.Account, home.Region)
}

// The acts around a failback, as the journal has them.
const (
	ActFailbackStarted  controller.Act = "failback-started"
	ActFailbackApproved controller.Act = "failback-approved"
	ActFailbackRejected controller.Act = "failback-rejected"
)

// attemptsAtMost is how many names are tried for an execution.
const attemptsAtMost = 100

// StartFailback starts what was proposed, and returns the name of the execution. If
// somebody else was faster the error is ErrFailbackGoesOn.
func (o *Operator) StartFailback(ctx context.Context, p *FailbackProposal) (string, error) {
	input, err := json.Marshal(p.input)
	if err != nil {
		return "", fmt.Errorf("writing the input of the execution: %w", err)
	}
	base, attempt := p.record.Decision.Epoch, 1
	if epoch, last, ok := failback.Attempt(p.record.Failback.ID, p.Group); ok && epoch == base {
		attempt = last + 1
	}
	for ; attempt <= attemptsAtMost; attempt++ {
		name := failback.Name(p.Group, base, attempt)
		if err := o.noteFailback(ctx, p.home, p.Group, ActFailbackStarted, name, "", p.input.Why); err != nil {
			return "", fmt.Errorf("nothing was started, because the journal cannot be written: %w", err)
		}
		err := o.startExecution(ctx, p.home, name, input)
		if !errors.Is(err, workflow.ErrExists) {
			return name, err
		}
		there, err := p.home.Workflows.Describe(ctx, name)
		switch {
		case err != nil:
			return name, err
		case !there.Status.Over():
			return name, ErrFailbackGoesOn
		}
	}
	return "", fmt.Errorf("group %s has had %d failbacks since its last move; look at detour failback history %s", p.Group, attemptsAtMost, p.Group)
}

// ErrFailbackGoesOn says that a failback of the group goes on, so no other one is
// started.
var ErrFailbackGoesOn = errors.New("a failback of the group goes on already")

// startExecution starts an execution, and asks again while it is not known whether it
// was started: the same name and input start nothing twice.
func (o *Operator) startExecution(ctx context.Context, home *Home, name string, input []byte) error {
	known := error(nil)
	err := o.again(ctx, func() error {
		_, err := home.Workflows.Start(ctx, name, input)
		if errors.Is(err, workflow.ErrExists) || errors.Is(err, workflow.ErrMissing) {
			known = err
			return nil
		}
		return err
	})
	if errors.Is(known, workflow.ErrMissing) {
		known = fmt.Errorf("%w; deploy Detour with its failbacks, or name the state machine with --state-machine", known)
	}
	return errors.Join(known, err)
}

// noteFailback writes the line of the journal before something is done.
func (o *Operator) noteFailback(ctx context.Context, home *Home, group string, act controller.Act, id, digest, why string) error {
	note := id
	if digest != "" {
		note += ", plan " + shortPlan(digest)
	}
	entry := controller.JournalEntry{
		Key: controller.GroupKey(group), At: o.options.Clock.Now().UTC(), Act: act, By: o.options.By, Why: strings.TrimSpace(why), Note: note, Failback: id,
	}
	return o.note(ctx, home, []controller.JournalEntry{entry})
}
