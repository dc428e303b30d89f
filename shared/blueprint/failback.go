package blueprint

import (
	"fmt"
	"strings"
	"time"
)

// The names of what failbacks have in a home.
const (
	// StateMachine is the name of the workflow, and FunctionFailback what the names of
	// the functions of its tasks begin with, which is also the name of their binary.
	StateMachine     = "detour-failback"
	FunctionFailback = "detour-failback"
	// LogGroupFailback is where the state machine logs to. The name begins as AWS asks of
	// log groups that services write to (Step Functions Developer Guide, "Logging using
	// CloudWatch Logs").
	LogGroupFailback = "/aws/vendedlogs/states/detour-failback"
	// VariableTask is the variable that says which task a function is for.
	VariableTask = "DETOUR_TASK"
)

// Failback is the workflow that takes the groups of a home back to their working
// paths.
type Failback struct {
	// StateMachine is its name, Role that of the role that it invokes the functions with,
	// and LogGroup where it logs to.
	StateMachine string
	Role         string
	LogGroup     string
	// Statements are the whole policy of the role.
	Statements []Statement
	// Tasks are its tasks, in the order of a failback that goes well, but for undo.
	Tasks []Task
}

// Task is a task of a failback: a function that the state machine invokes, and waits
// for.
type Task struct {
	Function

	// Task is the name of the task, and Substitution the name that stands for the
	// function's ARN in the definition.
	Task         string
	Substitution string
}

// failbackTask is what is said here of a task. Package failback has the same; tests
// compare.
type failbackTask struct {
	name string
	// writes: the task writes routes. The roles of the others cannot.
	writes bool
	// looks: the task looks at the group beside the controller's run.
	looks bool
}

func failbackTasks() []failbackTask {
	return []failbackTask{
		{name: "precheck", looks: true},
		{name: "ask", looks: true},
		{name: "advance", looks: true, writes: true},
		{name: "verify", looks: true},
		{name: "undo", writes: true},
		{name: "close"},
	}
}

// function is the name of the task's function.
func (t failbackTask) function() string { return FunctionFailback + "-" + t.name }

// isTask reports whether the function is a failback's.
func isTask(function string) bool { return strings.HasPrefix(function, FunctionFailback+"-") }

// failback makes the workflow of a home, without the permissions of its functions.
func failback(at Site) *Failback {
	out := &Failback{StateMachine: StateMachine, Role: StateMachine + "-" + at.Region, LogGroup: LogGroupFailback}
	var functions []string
	for _, t := range failbackTasks() {
		functions = append(functions, fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", at.Partition(), at.Region, at.Account, t.function()))
		out.Tasks = append(out.Tasks, Task{
			Function: Function{
				Name: t.function(), Binary: FunctionFailback, Role: functionRole(at, t.function()), Timeout: timeout, MemoryMB: memoryMB,
				Queues: map[string]string{VariableWake: QueueWake},
			},
			Task: t.name, Substitution: strings.ToUpper(t.name[:1]) + t.name[1:],
		})
	}
	out.Statements = ordered([]Statement{
		{Sid: "Tasks", Actions: []string{"lambda:InvokeFunction"}, Resources: sorted(functions)},
		{
			// Step Functions has its logs delivered with the role of the state machine (Step
			// Functions Developer Guide, "Logging using CloudWatch Logs").
			Sid: "DeliverLogs", Actions: []string{
				"logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
				"logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
			},
			Resources: []string{"*"}, Reason: reasonDelivery,
		},
	})
	return out
}

// StateMachineARN is the ARN of a home's workflow.
func StateMachineARN(home Site) string {
	return fmt.Sprintf("arn:%s:states:%s:%s:stateMachine:%s", home.Partition(), home.Region, home.Account, StateMachine)
}

// looking are the needs without what writes.
func (n needs) looking() needs {
	out := n
	out.of = map[string]*need{}
	for account, all := range n.of {
		only := newNeed()
		only.reads, only.alarms, only.searched, only.listed = all.reads, all.alarms, all.searched, all.listed
		out.of[account] = only
	}
	return out
}

// addFailback gives the tasks the needs of groups: all of them to those that write.
func (h homeNeeds) addFailback() {
	all := h[FunctionSwitchover]
	for _, t := range failbackTasks() {
		h[t.function()] = all.looking()
		if t.writes {
			h[t.function()] = all
		}
	}
}

// recordActions are the calls of the record store that a function makes. What
// TransactWriteItems does needs the permissions of the calls that it is made of
// (DynamoDB Developer Guide, Transactions: IAM).
func recordActions(function string) []string {
	for _, t := range failbackTasks() {
		if t.function() == function && !t.looks {
			return []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
		}
	}
	return []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
}

// failbackAlarms are the alarms on the workflow. Every end that is not one of a whole
// group is a failed execution. A task's error is often only an answer that means
// "later", of which there are a few in a row, so that its alarm asks for more than
// those.
func failbackAlarms(home Home) []Alarm {
	if home.Failback == nil {
		return nil
	}
	of := func(name, metric, what string) Alarm {
		return Alarm{
			Name: StateMachine + "-" + name, Description: describe(ticket, what, "failback-failed"),
			Namespace: "AWS/States", Metric: metric, Dimensions: map[string]string{"StateMachineArn": StateMachineARN(home.Site)},
			Statistic: Sum, Period: time.Minute, Periods: 1, Threshold: 1, Comparison: AtLeast, Missing: MissingIsGood,
		}
	}
	out := []Alarm{
		of("failed", "ExecutionsFailed", "A failback was superseded, is held in the middle, or could not be closed."),
		of("timed-out", "ExecutionsTimedOut", "A failback did not end within 30 days."),
	}
	for _, t := range home.Failback.Tasks {
		errors := functionAlarms(t.Function)[0]
		errors.Description = describe(ticket, "Invocations of "+t.Name+" keep failing.", "function-errors")
		errors.Threshold = 10
		out = append(out, errors)
	}
	return out
}
