package failback

import (
	"slices"
	"strings"
)

// Task is one task of the workflow, with a function and a role of its own.
type Task string

// The tasks, in the order of a workflow that goes well, but for Undo.
const (
	Precheck Task = "precheck"
	Ask      Task = "ask"
	Advance  Task = "advance"
	Verify   Task = "verify"
	Undo     Task = "undo"
	Close    Task = "close"
)

// Tasks are all tasks.
func Tasks() []Task { return []Task{Precheck, Ask, Advance, Verify, Undo, Close} }

// TaskOf returns the task with this name.
func TaskOf(name string) (Task, bool) {
	i := slices.Index(Tasks(), Task(name))
	if i < 0 {
		return "", false
	}
	return Tasks()[i], true
}

// Writes reports whether the task writes routes. The roles of the others cannot.
func (t Task) Writes() bool { return t == Advance || t == Undo }

// Function is the name of the task's function, without what all names begin with.
func (t Task) Function() string { return "failback-" + string(t) }

// Substitution is the name that stands for the ARN of the task's function in the
// definition.
func (t Task) Substitution() string { return strings.ToUpper(string(t[:1])) + string(t[1:]) }
