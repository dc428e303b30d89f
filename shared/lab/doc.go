// Package lab runs Detour and the simulated network together: scenarios that a
// network engineer writes, checkers for the invariants, and a seeded random
// tester.
//
// A Rig is one such run. Detour's own code runs in it unchanged, over the real
// AWS SDK; what the rig adds is what AWS adds: events that are delivered late,
// twice or never, a schedule, delayed wake-ups, retries of failed invocations,
// and functions that are killed.
package lab
