// Package ingest turns what arrives from outside into what to look at. It is pure.
//
// What an event says is not taken for the state: Network Manager sends its events as best effort, in any order, some of them
// twice and some late. So an event can only make Detour look sooner, at less, or both. The rule that follows from it: whatever comes from a
// source that we subscribed to and is not understood means "look at everything", with the reason; it is never dropped. What
// is dropped, with a reason too, is what cannot be an event of those sources at all.
//
// Whether anything that an event names is configured is not asked here. The controller's index knows.
package ingest
