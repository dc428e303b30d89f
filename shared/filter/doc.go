// Package filter decides which learned routes may stand in a route table.
//
// A transit gateway and a virtual private gateway take every route that an
// attachment announces: propagation is on or off for an attachment and a table, and
// nothing in between (Amazon VPC Transit Gateways, how transit gateways work). A
// filter says in rules which of them are wanted, and what is done about the others.
//
// Judge is a pure function of the filter, what was read around its tables, the
// record and the time. It gives the measures that are in force, the changes that
// bring the tables there, a reason for every one of them and for every table in
// which there is nothing to do, the record to keep, and the next instant at which
// the answer could change.
//
// The life of a measure:
//
//	   a denied route is seen,        seen again
//	   or preset                     ┌──────────┐
//	(none) ──────────────► IN FORCE ◄┘          │
//	   ▲                     │   ▲──────────────┤
//	   │        not seen any │                  │
//	   │        more         ▼                  │
//	   └──────────────────  GONE ───────────────┘
//	     liftAfter is over,
//	     and not suppressed by damping
//
// While a static route of ours stands, a transit gateway table does not show what
// it hides. So a measure there leaves IN FORCE only on the evidence of an
// observation table, which one attachment alone feeds and nothing is associated
// with, or on an operator's word (Record.Released). A VPC route table shows static
// and propagated routes side by side, and is its own evidence.
package filter
