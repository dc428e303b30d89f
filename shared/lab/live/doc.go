// Package live serves a simulated network on this machine's loopback, in real
// time: for the AWS CLI, for other people's programs, and for Detour's own Lambda
// binaries, which it can run with everything that AWS puts around them
// (EventBridge rules, the schedule, the queue of the wake-ups, asynchronous
// invocation with its retries, dead letters).
package live
