package sim

import "math/rand/v2"

// NewRand returns a source of randomness that is the same for the same seed. It
// is independent of every Scheduler.
func NewRand(seed uint64) *rand.Rand { return newStream(seed, 0x6465746f7572) }

// newStream returns one of the independent sources that a seed stands for.
func newStream(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // The simulator needs repeatable numbers, not secret ones.
}
