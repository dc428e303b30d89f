// Package health turns facts about a path into the path's state.
//
// A Fact is one thing that was read; it carries no judgement. Judge combines
// the facts of one run with what is remembered of the path (Memory) into an
// Assessment: the state, the reason for it, and the next instant at which the
// state could change without new facts. The package is pure: it has no clock,
// and Judge called twice with the same arguments gives the same answer.
//
// How a VPN path's evidence becomes its state, before hold-off:
//
//	any fact unreadable, or too old ─────────────► Unknown
//	connection deleted ──────────────────────────► Down
//	tunnels UP ≥ tunnels ────────────────────────► Up
//	minTunnels ≤ tunnels UP < tunnels ───────────► Degraded
//	tunnels UP < minTunnels, one of them missing ► Unknown
//	tunnels UP < minTunnels ─────────────────────► Down
//
// Worse evidence must last for the hold-off time (RFC 4427) before
// it counts; better evidence counts at once. Every Down transition adds a
// penalty that decays exponentially and can suppress the path (RFC 2439,
// RFC 7196).
package health
