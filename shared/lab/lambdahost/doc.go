// Package lambdahost runs compiled Lambda functions on this machine: it speaks
// the Lambda Runtime API to their bootstrap executables, as Lambda does to a
// function of an OS-only runtime (Lambda Developer Guide, "Using the Lambda
// runtime API for custom runtimes" and "Understanding the Lambda execution
// environment lifecycle").
//
// An execution environment is one process in a process group of its own, with
// one listener on the loopback interface. It handles one invocation at a time,
// is used again while it lives, and is gone after a timeout, a crash or a kill.
// What becomes of a process is decided by signals, so the package works on Linux
// only.
//
// It differs from Lambda in these points. An init phase that takes longer than
// 10 s fails the invocation, where Lambda tries it once more. The memory limit is
// looked at every 20 ms and before an answer is taken, and it is that of the
// bootstrap's process without its children. Nothing limits the CPU. Environments
// stay until Close, with no extensions and no shutdown phase.
package lambdahost
