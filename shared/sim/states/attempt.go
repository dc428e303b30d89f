package states

import (
	"encoding/json"
	"time"
)

// attempt is one attempt at a Task.
type attempt struct {
	x     *execution
	token string // empty: the function's answer is the result
}

// current reports whether the Task still waits for this attempt.
func (a *attempt) current() bool { return a.x.Status == Running && a.x.attempt == a }

// try begins an attempt. Source of the order of the events: histories recorded from
// AWS.
func (x *execution) try(now time.Time, l *later) *failure {
	s, e := x.at, x.engine
	a := &attempt{x: x}
	x.attempt = a
	if s.waits {
		a.token = e.newToken(a)
	}
	context := x.context()
	effective, err := s.input.choose("InputPath", x.data, context)
	if err != nil {
		return err
	}
	arguments, err := s.parameters.fill("Parameters", effective, context)
	if err != nil {
		return err
	}
	timeout := s.timeout
	if p := s.timeoutAt; p != nil {
		value, found := p.get(effective, context)
		if timeout, err = wholeSeconds("TimeoutSecondsPath", *p, value, found, 1); err != nil {
			return err
		}
	}
	text := encode(arguments)
	if len(text) > maxPayload {
		return &failure{errDataLimit, "The input of the task is larger than the maximum number of bytes service limit."}
	}
	details := map[string]any{"region": x.Region, "parameters": text}
	if timeout > 0 {
		details["timeoutInSeconds"] = timeout
	}
	x.noteTask(now, "TaskScheduled", "taskScheduledEventDetails", details)
	x.noteTask(now, "TaskStarted", "taskStartedEventDetails", map[string]any{})
	if timeout > 0 {
		e.at(l, x, now.Add(time.Duration(timeout)*time.Second), x.machine.Name+" task timeout", a.timeOut)
	}
	object, _ := arguments.(map[string]any) // Load has seen to it.
	call := Invocation{Execution: x.ARN, State: s.name, Function: s.function, Payload: []byte(encode(object["Payload"])), Answer: a.answered}
	l.then(func() { e.opts.Invoke(call) })
	return nil
}

// answered takes the function's answer.
func (a *attempt) answered(answer Answer) {
	a.x.engine.do(func(now time.Time, l *later) {
		if !a.current() {
			return
		}
		if answer.Error != "" {
			a.fail(now, l, &failure{answer.Error, answer.Cause})
			return
		}
		payload, bad := decode(string(answer.Payload))
		if bad != nil {
			a.fail(now, l, &failure{errTaskFailed, "The function's answer cannot be read: " + bad.Error()})
			return
		}
		result := map[string]any{"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": json.Number("200")}
		if a.token == "" {
			a.succeed(now, l, result)
			return
		}
		a.x.noteTask(now, "TaskSubmitted", "taskSubmittedEventDetails", map[string]any{"output": encode(result), "outputDetails": whole})
	})
}

// succeed ends the Task with its result. A token may be answered before the function
// that it was handed to has answered; that answer is then of no account. UNVERIFIED:
// no source says so.
func (a *attempt) succeed(now time.Time, l *later, result any) {
	x, s := a.x, a.x.at
	text := encode(result)
	if len(text) > maxPayload {
		a.fail(now, l, &failure{errDataLimit, "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit."})
		return
	}
	x.noteTask(now, "TaskSucceeded", "taskSucceededEventDetails", map[string]any{"output": text, "outputDetails": whole})
	err := func() (err *failure) {
		if s.selector != nil {
			if result, err = s.selector.fill("ResultSelector", result, x.context()); err != nil {
				return err
			}
		}
		combined, err := combine(s.result, x.data, result)
		if err != nil {
			return err
		}
		return x.leave(now, l, combined, s.next)
	}()
	if err != nil {
		x.wrong(now, l, err)
	}
}

// fail ends the attempt with an error. An error without a name has none in the
// history either (API reference, SendTaskFailure: error is optional).
func (a *attempt) fail(now time.Time, l *later, err *failure) {
	a.x.noteTask(now, "TaskFailed", "taskFailedEventDetails", map[string]any{"error": err.name, "cause": err.cause})
	a.x.settle(now, l, err)
}

// timeOut ends the attempt after TimeoutSeconds. The function goes on by itself.
func (a *attempt) timeOut(now time.Time, l *later) {
	if !a.current() {
		return
	}
	a.x.noteTask(now, "TaskTimedOut", "taskTimedOutEventDetails", map[string]any{"error": errTimeout})
	a.x.settle(now, l, &failure{errTimeout, ""})
}

// settle decides what follows an error of a Task: another attempt, a catcher, or
// the end. The first retrier that names the error counts, also once its attempts
// are used up. Source: Amazon States Language, Errors.
func (x *execution) settle(now time.Time, l *later, err *failure) {
	x.attempt = nil
	for i := range x.at.retry {
		r := &x.at.retry[i]
		if !err.matches(r.errors) {
			continue
		}
		if x.tries[i] >= r.attempts {
			break
		}
		x.tries[i]++
		x.retries++
		x.engine.at(l, x, now.Add(r.wait(x.tries[i])), x.machine.Name+" retry", func(now time.Time, l *later) {
			if err := x.try(now, l); err != nil {
				x.wrong(now, l, err)
			}
		})
		return
	}
	for i := range x.at.catch {
		c := &x.at.catch[i]
		if !err.matches(c.errors) {
			continue
		}
		output, bad := combine(c.result, x.data, err.output())
		if bad != nil {
			break
		}
		x.exit(now, l, output, c.next)
		return
	}
	x.fail(now, l, x.located(err))
}
