// Package awsstates starts executions of one Step Functions state machine, looks at
// them, and answers the tasks that wait for somebody. Only people use it, and no
// Lambda function links it. It makes each call once, and one for each further page.
package awsstates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"detour/shared/controller"
	"detour/shared/workflow"
)

// Options are what a Machine needs beside its SDK configuration. All are required.
type Options struct {
	// ARN names the state machine.
	ARN   string
	Clock controller.Clock
	// CallTimeout bounds each call, credentials included.
	CallTimeout time.Duration
}

// Machine is one state machine. It may be used from several goroutines.
type Machine struct {
	api     *sfn.Client
	options Options
}

// New returns the state machine. The configuration must be of its Region, and must
// not retry.
func New(config aws.Config, options Options) *Machine {
	return &Machine{api: sfn.NewFromConfig(config), options: options}
}

// Start starts an execution. The same name and input again, while it runs, are
// answered as the first time were (Step Functions API reference, StartExecution).
// Anything else under the name is workflow.ErrExists.
func (m *Machine) Start(ctx context.Context, name string, input []byte) (workflow.Execution, error) {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	answer, err := m.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(m.options.ARN), Name: aws.String(name), Input: aws.String(string(input)),
	})
	if err != nil {
		return workflow.Execution{}, m.problem(ctx, "starting execution "+name, err)
	}
	return workflow.Execution{Name: name, Status: workflow.Running, StartedAt: aws.ToTime(answer.StartDate).UTC()}, nil
}

// Describe tells of an execution. One that has just been started may be unknown for a
// while: the call is eventually consistent (Step Functions API reference,
// DescribeExecution).
func (m *Machine) Describe(ctx context.Context, name string) (workflow.Execution, error) {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	answer, err := m.api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(m.execution(name))})
	if err != nil {
		return workflow.Execution{}, m.problem(ctx, "looking at execution "+name, err)
	}
	return workflow.Execution{
		Name: name, Status: status(answer.Status), StartedAt: aws.ToTime(answer.StartDate).UTC(), EndedAt: aws.ToTime(answer.StopDate).UTC(),
		Error: aws.ToString(answer.Error), Cause: aws.ToString(answer.Cause), Input: aws.ToString(answer.Input), Output: aws.ToString(answer.Output),
	}, nil
}

// pages bounds how many pages are read in search of something, and perPage is the
// length of one.
const (
	pages   = 10
	perPage = 100
)

// Stage is the state that an execution entered last; the zero Stage: none yet.
func (m *Machine) Stage(ctx context.Context, name string) (workflow.Stage, error) {
	var out workflow.Stage
	input := &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(m.execution(name)), ReverseOrder: true, MaxResults: perPage, IncludeExecutionData: aws.Bool(false),
	}
	err := m.follow(ctx, func(ctx context.Context, token *string) (*string, error) {
		input.NextToken = token
		answer, err := m.api.GetExecutionHistory(ctx, input)
		if err != nil {
			return nil, err
		}
		for _, event := range answer.Events {
			if entered := event.StateEnteredEventDetails; entered != nil {
				out = workflow.Stage{State: aws.ToString(entered.Name), At: aws.ToTime(event.Timestamp).UTC()}
				return nil, nil
			}
		}
		return answer.NextToken, nil
	})
	if err != nil {
		return workflow.Stage{}, fmt.Errorf("reading the history of execution %s: %w", name, err)
	}
	return out, nil
}

// List returns executions of all groups, the newest first, at most limit of them and
// at most a thousand.
func (m *Machine) List(ctx context.Context, limit int) ([]workflow.Execution, error) {
	out := []workflow.Execution{}
	input := &sfn.ListExecutionsInput{StateMachineArn: aws.String(m.options.ARN), MaxResults: perPage}
	err := m.follow(ctx, func(ctx context.Context, token *string) (*string, error) {
		input.NextToken = token
		answer, err := m.api.ListExecutions(ctx, input)
		if err != nil {
			return nil, err
		}
		for _, e := range answer.Executions {
			out = append(out, workflow.Execution{
				Name: aws.ToString(e.Name), Status: status(e.Status), StartedAt: aws.ToTime(e.StartDate).UTC(), EndedAt: aws.ToTime(e.StopDate).UTC(),
			})
		}
		if len(out) >= limit {
			out = out[:limit]
			return nil, nil
		}
		return answer.NextToken, nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the executions: %w", err)
	}
	return out, nil
}

// Succeed answers the task that waits with the token.
func (m *Machine) Succeed(ctx context.Context, token string, output []byte) error {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	_, err := m.api.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(string(output))})
	return m.answered(ctx, token, err)
}

// Fail answers the task that waits with the token with an error.
func (m *Machine) Fail(ctx context.Context, token, name, cause string) error {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	_, err := m.api.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: aws.String(token), Error: aws.String(name), Cause: aws.String(cause)})
	return m.answered(ctx, token, err)
}

// Stop ends an execution from outside, whatever it is doing: it runs no Catch.
func (m *Machine) Stop(ctx context.Context, execution, name, cause string) error {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	_, err := m.api.StopExecution(ctx, &sfn.StopExecutionInput{
		ExecutionArn: aws.String(m.execution(execution)), Error: aws.String(name), Cause: aws.String(cause),
	})
	if err != nil {
		return m.problem(ctx, "stopping execution "+execution, err)
	}
	return nil
}

// answered makes an error that does not hold the token: whoever has it can answer.
func (m *Machine) answered(ctx context.Context, token string, err error) error {
	if err == nil {
		return nil
	}
	err = m.problem(ctx, "answering the task that waits", err)
	if text := err.Error(); strings.Contains(text, token) {
		return errors.New(strings.ReplaceAll(text, token, "(the token)"))
	}
	return err
}

// follow reads pages until there is no next one, or enough of them were read. A page
// that was read already is not read again: the answer would have no end.
func (m *Machine) follow(ctx context.Context, page func(ctx context.Context, token *string) (next *string, err error)) error {
	read := map[string]bool{"": true}
	token := (*string)(nil)
	for range pages {
		next, err := m.page(ctx, token, page)
		if err != nil {
			return err
		}
		name := aws.ToString(next)
		if read[name] {
			return nil
		}
		read[name], token = true, next
	}
	return nil
}

func (m *Machine) page(ctx context.Context, token *string, page func(ctx context.Context, token *string) (*string, error)) (*string, error) {
	ctx, cancel := m.options.Clock.Timeout(ctx, m.options.CallTimeout)
	defer cancel()
	next, err := page(ctx, token)
	if err != nil {
		return nil, m.kind(ctx, err)
	}
	return next, nil
}

// execution is the ARN of an execution of the state machine:
// arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:NAME.
func (m *Machine) execution(name string) string {
	return strings.Replace(m.options.ARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// problem says what was done when the error came.
func (m *Machine) problem(ctx context.Context, what string, err error) error {
	return fmt.Errorf("%s: %w", what, m.kind(ctx, err))
}

// kind says in the words of package workflow what went wrong, where there is a word.
func (m *Machine) kind(ctx context.Context, err error) error {
	// The error of a call whose time ran out says so, whatever the transport made of it.
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w: %w", over, err)
	}
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return err
	}
	switch answered.ErrorCode() {
	case "ExecutionAlreadyExists":
		return workflow.ErrExists
	case "ExecutionDoesNotExist":
		return workflow.ErrUnknown
	case "StateMachineDoesNotExist", "StateMachineDeleting", "InvalidArn":
		return fmt.Errorf("%w as %s", workflow.ErrMissing, m.options.ARN)
	case "TaskDoesNotExist", "TaskTimedOut", "InvalidToken":
		return workflow.ErrNotAwaited
	default:
		return err
	}
}

// status is an execution's status in the words of package workflow.
func status(s types.ExecutionStatus) workflow.Status {
	switch s {
	case types.ExecutionStatusRunning, types.ExecutionStatusPendingRedrive:
		return workflow.Running
	case types.ExecutionStatusSucceeded:
		return workflow.Succeeded
	case types.ExecutionStatusTimedOut:
		return workflow.TimedOut
	case types.ExecutionStatusAborted:
		return workflow.Aborted
	default:
		return workflow.Failed
	}
}
