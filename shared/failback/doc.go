// Package failback is the workflow that takes a group back to its working path: the
// state machine's definition, and the tasks behind it.
//
// Nothing in the workflow decides by itself. Each task asks the controller for one
// run, in which the failback in the group's record is opened, moved on, undone or
// closed by the rules of package protection; or it only looks. A task may be run
// twice, since its answer can be lost: it then answers the same, and nothing more is
// written.
//
// The workflow carries a State from task to task. Each task answers it whole. What
// cannot go on is an error whose type's name is the error's name in the definition.
package failback
