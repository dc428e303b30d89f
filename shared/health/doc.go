// Package health turns facts about a path into the path's state.
//
// A Fact is one thing that was read; it carries no judgement. Judge combines
// the facts of one run with what is remembered of the path (Memory) into an
// Assessment: the state, the reason for it, and the next instant at which the
// state could change without new facts. The package is pure: it has no clock,
// and Judge called twice with the same arguments gives the same answer.
//
// What a path needs to be alive, all of it:
//
//	vpn         connection not deleted, enough tunnels UP
//	connect     attachment available, enough peers with a BGP session up
//	appliance   interface in use without source/dest check, its instance
//	            running with good status checks, a valid check good
//	attachment  attachment available, a valid check good
//
// and, where its attachment is expected to teach routes, none of them missing where
// it could be read: in the path's observation table, or in a table that the path's
// group moves while no static hides it. What cannot be read proves nothing.
//
// Each need is judged by itself, in three values, and then all of them together:
//
//	one proven not to be met, whatever is not known ──► Down
//	else one of which nothing is proven ──────────────► Unknown
//	else one met with less than there should be ──────► Degraded
//	else ─────────────────────────────────────────────► Up
//
// Nothing is proven by what is said of a subject that could not be read, or of
// which some fact is too old. Of tunnels, and of the BGP sessions of Connect
// peers, a minimum is needed:
//
//	all of them up ───────────────────────────────────► Up
//	minimum ≤ up < all ───────────────────────────────► Degraded
//	up < minimum ≤ up and not known ──────────────────► Unknown
//	up and not known < minimum ───────────────────────► Down
//
// (A tunnel with a status that nobody knows makes the connection Unknown.)
//
// Of the checks that are valid for the path as it is used:
//
//	                       appliance, attachment    vpn, connect
//	none valid ──────────► Unknown                  passed over
//	good, none bad ──────► Up                       passed over
//	good and bad ────────► Degraded                 Degraded
//	bad, one not known ──► Unknown                  Down
//	bad, all of them ────► Down                     Down
//	none known ──────────► Unknown                  passed over
//
// A check that follows the routes is valid only while the path is in use, and
// only by a state that it came into since: after a move it would else report
// what it saw of the path before.
//
// Worse evidence must last for the hold-off time (RFC 4427) before
// it counts; better evidence counts at once. Every Down transition adds a
// penalty that decays exponentially and can suppress the path (RFC 2439,
// RFC 7196).
package health
