package states

import (
	"encoding/json"
	"fmt"
	"time"
)

// contextTime is the form of a time in the context object.
const contextTime = "2006-01-02T15:04:05.000Z"

// execution is one execution. The Engine's lock guards it.
type execution struct {
	Execution
	engine  *Engine
	machine *machine
	input   any
	events  []Event
	output  string

	// The state that it is in, its input, since when, and its event.
	at      *state
	data    any
	entered time.Time
	event   int
	// attempt is the present one of a Task; retries counts the further ones, and
	// tries those by each retrier.
	attempt *attempt
	retries int64
	tries   []int64
}

func (x *execution) view() Execution {
	v := x.Execution
	v.Output = x.output
	if x.at != nil {
		v.State = x.at.name
	}
	return v
}

// told tells of a start or end.
func (x *execution) told(l *later) {
	if tell, view := x.engine.opts.Changed, x.view(); tell != nil {
		l.then(func() { tell(view) })
	}
}

// context is the context object. Source: Developer Guide, "Accessing execution data
// from the Context object in Step Functions".
func (x *execution) context() any {
	object := map[string]any{
		"Execution": map[string]any{
			"Id": x.ARN, "Input": x.input, "Name": x.Name, "RoleArn": x.machine.Role,
			"StartTime": x.StartedAt.UTC().Format(contextTime), "RedriveCount": json.Number("0"),
		},
		"StateMachine": map[string]any{"Id": x.machine.ARN, "Name": x.machine.Name},
	}
	if x.at != nil {
		object["State"] = map[string]any{
			"EnteredTime": x.entered.UTC().Format(contextTime), "Name": x.at.name, "RetryCount": json.Number(fmt.Sprint(x.retries)),
		}
	}
	if x.attempt != nil && x.attempt.token != "" {
		object["Task"] = map[string]any{"Token": x.attempt.token}
	}
	return object
}

// proceed goes to the next state.
func (x *execution) proceed(now time.Time, l *later, name string, data any) {
	x.engine.at(l, x, now.Add(x.engine.opts.Pause()), x.machine.Name, func(now time.Time, l *later) { x.enter(now, l, name, data) })
}

// enter enters a state and does what it does.
func (x *execution) enter(now time.Time, l *later, name string, data any) {
	x.at, x.data, x.entered = x.machine.definition.states[name], data, now
	x.attempt, x.retries, x.tries = nil, 0, make([]int64, len(x.at.retry))
	x.note(now, x.at.kind+"StateEntered", memberEntered, map[string]any{"name": name, "input": encode(data), "inputDetails": whole})
	x.event = len(x.events)
	if len(x.events) >= maxEvents {
		x.fail(now, l, runtimeError("The execution reached the maximum number of history events (%d).", maxEvents))
		return
	}
	if err := x.run(now, l); err != nil {
		x.wrong(now, l, err)
	}
}

// run does what the state does.
func (x *execution) run(now time.Time, l *later) *failure {
	s := x.at
	if s.kind == typeTask {
		return x.try(now, l)
	}
	effective, err := s.input.choose("InputPath", x.data, x.context())
	if err != nil {
		return err
	}
	switch s.kind {
	case typeChoice:
		return x.choose(now, l, effective)
	case typeWait:
		return x.wait(now, l, effective)
	case typePass:
		return x.pass(now, l, effective)
	case typeSucceed:
		return x.leave(now, l, effective, "")
	default:
		return x.failState(now, l)
	}
}

// choose goes where the first rule that holds leads.
func (x *execution) choose(now time.Time, l *later, effective any) *failure {
	for i := range x.at.choices {
		c := &x.at.choices[i]
		holds, err := c.rule.holds(effective, x.context())
		if err != nil {
			return err
		}
		if holds {
			return x.leave(now, l, effective, c.next)
		}
	}
	if x.at.fallback == "" {
		// The guide reserves States.NoChoiceMatched: "Handling errors in Step Functions
		// workflows", Error names.
		return runtimeError("Failed to transition out of the state. The state does not point to a next state.")
	}
	return x.leave(now, l, effective, x.at.fallback)
}

// wait leaves the state later.
func (x *execution) wait(now time.Time, l *later, effective any) *failure {
	seconds := x.at.seconds
	if p := x.at.secondsAt; p != nil {
		value, found := p.get(effective, x.context())
		var err *failure
		if seconds, err = wholeSeconds("SecondsPath", *p, value, found, 0); err != nil {
			return err
		}
	}
	x.engine.at(l, x, now.Add(time.Duration(seconds)*time.Second), x.machine.Name+" wait", func(now time.Time, l *later) {
		if err := x.leave(now, l, effective, x.at.next); err != nil {
			x.wrong(now, l, err)
		}
	})
	return nil
}

// wholeSeconds reads a number of seconds that a path found.
func wholeSeconds(field string, p path, value any, found bool, least int64) (int64, *failure) {
	number, isNumber := value.(json.Number)
	n, err := number.Int64()
	if !found || !isNumber || err != nil || n < least || n > maxSeconds {
		return 0, runtimeError("The %s parameter does not reference a valid value: '%s' must be an integer from %d to %d", field, p.text, least, maxSeconds)
	}
	return n, nil
}

// pass makes its result.
func (x *execution) pass(now time.Time, l *later, effective any) *failure {
	result := effective
	if p := x.at.parameters; p != nil {
		var err *failure
		if result, err = p.fill("Parameters", effective, x.context()); err != nil {
			return err
		}
	}
	if x.at.fixed != nil {
		result = *x.at.fixed
	}
	combined, err := combine(x.at.result, x.data, result)
	if err != nil {
		return err
	}
	return x.leave(now, l, combined, x.at.next)
}

// combine applies a ResultPath.
func combine(at *choosable, data, result any) (any, *failure) {
	switch {
	case at == nil:
		return result, nil
	case at.null:
		return data, nil
	}
	combined, ok := at.put(data, result)
	if !ok {
		return nil, &failure{errResultPath, fmt.Sprintf("Unable to apply ReferencePath %s to input %s", at.text, brief(data))}
	}
	return combined, nil
}

// failState ends the execution as a Fail says.
func (x *execution) failState(now time.Time, l *later) *failure {
	err := &failure{x.at.err, x.at.cause}
	for _, at := range []struct {
		field string
		path  *path
		into  *string
	}{{"ErrorPath", x.at.errAt, &err.name}, {"CausePath", x.at.causeAt, &err.cause}} {
		if at.path == nil {
			continue
		}
		value, _ := at.path.get(x.data, x.context())
		text, ok := value.(string)
		if !ok {
			return runtimeError("The %s '%s' does not reference a string in the input %s", at.field, at.path.text, brief(x.data))
		}
		*at.into = text
	}
	x.fail(now, l, err)
	return nil
}

// leave leaves the state with its output, to where it leads.
func (x *execution) leave(now time.Time, l *later, data any, next string) *failure {
	output, err := x.at.output.choose("OutputPath", data, x.context())
	if err != nil {
		return err
	}
	if len(encode(output)) > maxPayload {
		return &failure{errDataLimit, fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", x.at.name)}
	}
	x.exit(now, l, output, next)
	return nil
}

func (x *execution) exit(now time.Time, l *later, output any, next string) {
	x.attempt = nil
	x.note(now, x.at.kind+"StateExited", memberExited, map[string]any{"name": x.at.name, "output": encode(output), "outputDetails": whole})
	if next != "" {
		x.proceed(now, l, next, output)
		return
	}
	x.output = encode(output)
	x.end(now, l, Succeeded, "ExecutionSucceeded", "executionSucceededEventDetails", nil)
}

// wrong is an error of the state itself: what a Task's Retry and Catch do not take
// ends the execution.
func (x *execution) wrong(now time.Time, l *later, err *failure) {
	if x.at.kind == typeTask {
		x.settle(now, l, err)
		return
	}
	x.fail(now, l, x.located(err))
}

// located says where an error of Step Functions' own happened, in AWS's words.
func (x *execution) located(err *failure) *failure {
	if err.name != errRuntime {
		return err
	}
	return &failure{err.name, fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", x.at.name, x.event, err.cause)}
}

func (x *execution) fail(now time.Time, l *later, err *failure) {
	x.end(now, l, Failed, "ExecutionFailed", "executionFailedEventDetails", err)
}

// timeOut ends an execution that has run for TimeoutSeconds. Nothing catches that.
func (x *execution) timeOut(now time.Time, l *later) {
	x.end(now, l, TimedOut, "ExecutionTimedOut", "executionTimedOutEventDetails", &failure{errTimeout, ""})
}

// end ends the execution.
func (x *execution) end(now time.Time, l *later, status, kind, member string, err *failure) {
	x.Status, x.EndedAt, x.attempt = status, now, nil
	if err != nil {
		x.Error, x.Cause = err.name, err.cause
	}
	x.noteEnd(now, kind, member, err)
	x.told(l)
}
