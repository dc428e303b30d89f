// Package numbers measures Detour on the simulated network, beside two programs
// that people use today, and holds the table of the README to what it measures.
// It has tests only: they reach EC2 through the same client and the same wire as
// Detour does.
//
// Every program of a comparison gets a network of its own that is equal to the
// others' in topology, seed, latencies and full request buckets, and starts at
// the same instant. Figures of virtual time are the same on every machine, and a
// test compares them with the README; figures of the processor are not.
package numbers
