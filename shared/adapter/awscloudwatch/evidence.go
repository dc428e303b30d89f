// Package awscloudwatch reads the state of CloudWatch alarms. It makes each call
// once: pacing and retries are the controller's.
package awscloudwatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
)

// maxNames is how many alarms one call can be asked for, and how many one page
// can hold; without MaxRecords it holds 50 (CloudWatch API, DescribeAlarms).
const maxNames = 100

// Evidence reads facts about alarms. Other subjects are unreadable. It may be
// used from several goroutines.
type Evidence struct {
	configs func(account, region string) (aws.Config, error)
	clock   controller.Clock
	timeout time.Duration

	mu    sync.Mutex
	built map[endpoint]*cloudwatch.Client
}

// endpoint is where a CloudWatch client speaks to.
type endpoint struct{ account, region string }

var _ controller.Evidence = (*Evidence)(nil)

// New returns the evidence. configs gives the SDK configuration of an account and
// Region, which must not retry; it is asked when an alarm there is first read, so
// a process without alarms builds no client. Every single API call, credentials
// included, ends after timeout.
func New(configs func(account, region string) (aws.Config, error), clock controller.Clock, timeout time.Duration) *Evidence {
	return &Evidence{configs: configs, clock: clock, timeout: timeout, built: make(map[endpoint]*cloudwatch.Client)}
}

// Read implements controller.Evidence with one call for each hundred alarms of an
// account and Region, all at the same time, and further pages after them. The
// facts stand in the order asked; a subject that is asked for twice is answered
// once.
func (e *Evidence) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	unique := slices.Clone(subjects)
	slices.SortFunc(unique, health.Subject.Compare)
	unique = slices.Compact(unique)
	facts := make([]health.Fact, len(unique))
	var waits []func()
	for from := 0; from < len(unique); {
		to := from + 1
		for to < len(unique) && to-from < maxNames && alike(unique[from], unique[to]) {
			to++
		}
		asked, answers := unique[from:to], facts[from:to]
		if from == 0 && to == len(unique) {
			e.read(ctx, asked, answers)
		} else {
			waits = append(waits, e.clock.Go(ctx, func(ctx context.Context) { e.read(ctx, asked, answers) }))
		}
		from = to
	}
	for _, wait := range waits {
		wait()
	}
	var out []health.Fact
	for _, subject := range subjects {
		at, _ := slices.BinarySearchFunc(unique, subject, health.Subject.Compare)
		if facts[at].Kind != "" {
			out = append(out, facts[at])
			facts[at] = health.Fact{}
		}
	}
	return out
}

// alike reports whether one call can speak of both subjects.
func alike(a, b health.Subject) bool {
	return a.Kind == b.Kind && a.Account == b.Account && a.Region == b.Region
}

// read reads subjects of one kind, account and Region, which are sorted by name.
// An alarm that does not exist is left out of the answer and spoils nothing, and
// a page that fails spoils nothing that was shown before it. What is shown was
// true at the earliest when the first call began.
func (e *Evidence) read(ctx context.Context, subjects []health.Subject, facts []health.Fact) {
	began := e.clock.Now()
	shown := make([]health.Fact, len(subjects))
	var err error
	if subjects[0].Kind == health.SubjectAlarm {
		err = e.describe(ctx, subjects, shown)
	} else {
		err = errNoAlarm
	}
	for i, subject := range subjects {
		fact := shown[i]
		switch {
		case fact.Kind != "":
		case err != nil:
			fact = health.Fact{Kind: health.FactUnreadable, Problem: problemOf(err), Note: err.Error()}
		default:
			fact = health.Fact{Kind: health.FactUnreadable, Problem: route.ProblemGone, Note: "there is no metric or composite alarm of this name"}
		}
		fact.Subject, fact.Source, fact.ObservedAt = subject, health.SourceDescribeAlarms, began
		facts[i] = fact
	}
}

// describe fills in what DescribeAlarms shows of the alarms. Without AlarmTypes
// it would show metric alarms only. Log alarms are not asked for, since an API
// that does not know them yet would refuse the call for all alarms. Source:
// CloudWatch API, DescribeAlarms.
func (e *Evidence) describe(ctx context.Context, subjects []health.Subject, shown []health.Fact) error {
	api, err := e.api(subjects[0].Account, subjects[0].Region)
	if err != nil {
		return err
	}
	input := &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm},
		MaxRecords: aws.Int32(maxNames),
	}
	for _, subject := range subjects {
		input.AlarmNames = append(input.AlarmNames, subject.ID)
	}
	tell := func(name string, fact health.Fact) {
		at, asked := slices.BinarySearch(input.AlarmNames, name)
		switch {
		case !asked:
		case shown[at].Kind == "" || shown[at] == fact:
			shown[at] = fact
		default:
			shown[at] = health.Fact{Kind: health.FactUnreadable, Problem: route.ProblemMalformed, Note: "the answer shows it twice, and not the same"}
		}
	}
	read := map[string]bool{"": true}
	for {
		output, err := e.call(ctx, api, input)
		if err != nil {
			return err
		}
		for _, a := range output.MetricAlarms {
			fact := alarmFact(a.StateValue, a.StateReason, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
			if a.EvaluationState != "" {
				fact.Note += " (evaluation state " + string(a.EvaluationState) + ")"
			}
			tell(aws.ToString(a.AlarmName), fact)
		}
		for _, a := range output.CompositeAlarms {
			tell(aws.ToString(a.AlarmName), alarmFact(a.StateValue, a.StateReason, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp))
		}
		next := aws.ToString(output.NextToken)
		switch {
		case next == "":
			return nil
		case read[next]:
			return errPaging
		}
		read[next], input.NextToken = true, output.NextToken
	}
}

// alarmFact says what is shown of an alarm. It changed when StateValue last did,
// which is StateTransitionedTimestamp; StateUpdatedTimestamp also moves with
// updates that leave StateValue as it was, and stands in only where the other is
// missing (CloudWatch API, types MetricAlarm and CompositeAlarm).
func alarmFact(state types.StateValue, reason *string, transitioned, updated *time.Time) health.Fact {
	fact := health.Fact{Kind: health.FactAlarmState, Value: string(state), Note: aws.ToString(reason)}
	switch {
	case transitioned != nil:
		fact.ChangedAt = transitioned.UTC()
	case updated != nil:
		fact.ChangedAt = updated.UTC()
	}
	return fact
}

// api returns the CloudWatch client of an account and Region. A configuration
// that cannot be had is asked for again by the next call.
func (e *Evidence) api(account, region string) (*cloudwatch.Client, error) {
	at := endpoint{account: account, region: region}
	e.mu.Lock()
	known, ok := e.built[at]
	e.mu.Unlock()
	if ok {
		return known, nil
	}
	config, err := e.configs(account, region)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoClient, err)
	}
	made := cloudwatch.NewFromConfig(config)
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.built[at]; ok {
		return known, nil
	}
	e.built[at] = made
	return made, nil
}

// call makes one API call under the timeout. An error of a call whose time ran
// out says so, whatever the transport made of it.
func (e *Evidence) call(
	ctx context.Context, api *cloudwatch.Client, input *cloudwatch.DescribeAlarmsInput,
) (*cloudwatch.DescribeAlarmsOutput, error) {
	ctx, cancel := e.clock.Timeout(ctx, e.timeout)
	defer cancel()
	output, err := api.DescribeAlarms(ctx, input)
	if over := ctx.Err(); err != nil && over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return output, err
}
