// Package route holds the values that the rest of Detour speaks in:
// destinations, next hops, tables, routes, readings of tables, and the changes
// that turn one state of a table into another.
//
// Values are comparable where Go allows it, print themselves, and are ordered
// by a Compare function that lives beside them. The package has no behaviour
// that needs a clock, a network or an SDK.
package route
