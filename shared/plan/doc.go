// Package plan turns a decision and the readings of a group's tables into the
// smallest ordered list of changes, and predicts what the list costs.
//
// Only declared entries are touched. Nothing is ever deleted to be created
// again: where a static route stands it is replaced in one call, where none
// stands it is created. A managed prefix list is one entry, and one call moves all
// of its blocks.
//
// Survey looks around a plan for people: who would hear of it by BGP, what would
// not follow it, and what the worst switchover needs of the quotas.
//
// The package is pure.
package plan
