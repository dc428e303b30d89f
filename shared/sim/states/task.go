package states

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// retrier says how often and when a Task is tried again. Source: Developer Guide,
// "Handling errors in Step Functions workflows", Retrying after an error.
type retrier struct {
	errors   []string
	interval int64 // seconds
	attempts int64
	backoff  float64
	most     int64 // seconds; 0: no bound
}

// wait is how long to wait before the nth try again.
func (r retrier) wait(n int64) time.Duration {
	seconds := float64(r.interval) * math.Pow(r.backoff, float64(n-1))
	if r.most > 0 {
		seconds = min(seconds, float64(r.most))
	}
	return time.Duration(min(seconds, maxSeconds) * float64(time.Second))
}

// catcher says where an error leads. Source: as above, Fallback states.
type catcher struct {
	errors []string
	next   string
	result *choosable
}

// integration begins the ARN of an integration, which has the partition in it.
var integration = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:`)

// loadTask reads a Task. Sources: Developer Guide, "Task workflow state", "Invoke
// an AWS Lambda function with Step Functions".
func (s *state) loadTask(f *fields) {
	resource := f.text("Resource")
	switch integration.ReplaceAllString(resource, "arn:aws:") {
	case resourceInvoke:
	case resourceWait:
		s.waits = true
	default:
		f.fail("Resource", "%q is not supported: use %s, also with .waitForTaskToken", resource, resourceInvoke)
	}
	s.parameters, s.selector, s.result = f.template("Parameters"), f.template("ResultSelector"), f.resultPath("ResultPath")
	s.loadArguments(f)
	s.timeout, s.timeoutAt = f.number("TimeoutSeconds", 1, maxSeconds, 0), f.refPath("TimeoutSecondsPath")
	if s.timeout != 0 && s.timeoutAt != nil {
		f.fail("TimeoutSecondsPath", "TimeoutSeconds is there as well")
	}
	for _, inner := range f.objects("Retry") {
		s.loadRetrier(inner)
		f.absorb(inner)
	}
	for _, inner := range f.objects("Catch") {
		c := catcher{errors: inner.names("ErrorEquals"), next: inner.text("Next"), result: inner.resultPath("ResultPath")}
		inner.text("Comment")
		if c.next == "" {
			inner.fail("Next", "there is none")
		}
		s.catch = append(s.catch, c)
		f.absorb(inner)
	}
	var retried, caught [][]string
	for _, r := range s.retry {
		retried = append(retried, r.errors)
	}
	for _, c := range s.catch {
		caught = append(caught, c.errors)
	}
	f.checkErrors("Retry", retried)
	f.checkErrors("Catch", caught)
	s.loadNext(f)
}

// loadArguments reads what the function is invoked with.
func (s *state) loadArguments(f *fields) {
	if s.parameters == nil || s.parameters.object == nil {
		f.fail("Parameters", "it must be an object with FunctionName and Payload")
		return
	}
	for name, member := range s.parameters.object {
		switch function, isText := member.literal.(string); {
		case name == "FunctionName" && isText && member.path == nil:
			s.function = function
		case name == "FunctionName":
			f.fail("Parameters", "FunctionName must be a name or an ARN that stands there")
		case name != "Payload":
			f.fail("Parameters", "%s is not supported: use only FunctionName and Payload", name)
		}
	}
	if _, payload := s.parameters.object["Payload"]; s.function == "" || !payload {
		f.fail("Parameters", "it must have FunctionName and Payload")
	}
	if s.waits && !s.parameters.tokens() {
		f.fail("Parameters", "nothing passes $$.Task.Token on, so nobody could ever answer")
	}
}

func (s *state) loadRetrier(f *fields) {
	r := retrier{
		errors:   f.names("ErrorEquals"),
		interval: f.number("IntervalSeconds", 1, maxSeconds, 1),
		attempts: f.number("MaxAttempts", 0, maxSeconds, 3),
		backoff:  2,
		most:     f.number("MaxDelaySeconds", 1, 31622400, 0),
	}
	f.text("Comment")
	var backoff json.Number
	if f.into("BackoffRate", &backoff, "a number") {
		var err error
		if r.backoff, err = backoff.Float64(); err != nil || r.backoff < 1 {
			f.fail("BackoffRate", "%s is no number of at least 1.0", backoff)
		}
	}
	if r.most != 0 && r.most <= r.interval {
		f.fail("MaxDelaySeconds", "%d must be more than IntervalSeconds, which is %d", r.most, r.interval)
	}
	s.retry = append(s.retry, r)
}

// checkErrors checks the names of the errors of all retriers or catchers.
func (f *fields) checkErrors(field string, lists [][]string) {
	for i, names := range lists {
		for _, name := range names {
			switch {
			case name == errAll && (len(names) > 1 || i < len(lists)-1):
				f.fail(fmt.Sprintf("%s[%d]", field, i), "States.ALL must stand alone, and in the last one")
			case name == errRuntime:
				f.fail(fmt.Sprintf("%s[%d]", field, i), "States.Runtime is neither retried nor caught")
			case strings.HasPrefix(name, "States.") && !slices.Contains(predefined, name):
				f.fail(fmt.Sprintf("%s[%d]", field, i), "%q: of the names that begin with States. only %s are known", name, strings.Join(predefined, ", "))
			}
		}
	}
}
