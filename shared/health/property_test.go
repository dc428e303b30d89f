package health

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawMemory is what some history of a path left behind.
func drawMemory(t *rapid.T, spec Spec) (Memory, time.Time) {
	memory, now := Memory{}, noon
	for range rapid.IntRange(1, 12).Draw(t, "runs") {
		now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
		memory = Judge(spec, drawFacts(t)(now), Use{Locked: rapid.IntRange(0, 5).Draw(t, "locked") == 0}, memory, now).Memory
	}
	return memory, now
}

func drawFacts(t *rapid.T) func(time.Time) []Fact {
	kinds := []func(time.Time) []Fact{upFacts, degradedFacts, downFacts, unreadableFacts}
	return kinds[rapid.IntRange(0, 3).Draw(t, "facts")]
}

func drawSpec(t *rapid.T) Spec {
	spec := testSpec()
	spec.HoldOff = time.Duration(rapid.SampledFrom([]int{0, 30, 300}).Draw(t, "holdOff")) * time.Second
	return spec
}

func TestPropertyTimeAloneChangesNoMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		memory, now := drawMemory(t, spec)
		facts, locked := drawFacts(t), rapid.Bool().Draw(t, "lockedNow")
		first := Judge(spec, facts(now), Use{Locked: locked}, memory, now)

		// Until the deadline nothing may change; without one, never.
		limit := 24 * time.Hour
		if !first.Deadline.IsZero() {
			limit = first.Deadline.Sub(now) - 1
		}
		later := now.Add(time.Duration(rapid.Int64Range(0, int64(limit)).Draw(t, "later")))
		second := Judge(spec, facts(later), Use{Locked: locked}, first.Memory, later)
		if second.Memory != first.Memory {
			t.Fatalf("at %v %+v\nat %v %+v", now, first.Memory, later, second.Memory)
		}
		if second.State != first.State || second.Suppressed != first.Suppressed || !second.Since.Equal(first.Since) {
			t.Fatalf("first %+v\nthen  %+v", first, second)
		}
	})
}

func TestPropertyADeadlineIsWorthWaking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		memory, now := drawMemory(t, spec)
		facts := drawFacts(t)
		first := Judge(spec, facts(now), Use{}, memory, now)
		if first.Deadline.IsZero() {
			return
		}
		if !first.Deadline.After(now) {
			t.Fatalf("deadline %v is not after %v", first.Deadline, now)
		}
		second := Judge(spec, facts(first.Deadline), Use{}, first.Memory, first.Deadline)
		if second.Deadline.Equal(first.Deadline) {
			t.Fatalf("the deadline passed and is still the deadline: %+v", second)
		}
	})
}

func TestPropertyTheOrderOfFactsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		values := []string{TunnelUp, TunnelDown, ""}
		states := []string{"available", ConnectionGone, ConnectionGoing}
		ages := []time.Duration{0, time.Minute, time.Hour}
		facts := tunnels(rapid.SampledFrom(values).Draw(t, "first"), rapid.SampledFrom(values).Draw(t, "second"), noon)
		facts[0].Value = rapid.SampledFrom(states).Draw(t, "connection")
		for i := range facts {
			facts[i].ObservedAt = noon.Add(-rapid.SampledFrom(ages).Draw(t, "age"))
		}
		if rapid.IntRange(0, 4).Draw(t, "unreadable") == 0 {
			facts = append(facts, unreadableFacts(noon)...)
		}
		want := Judge(spec, facts, Use{}, Memory{}, noon)
		got := Judge(spec, rapid.Permutation(facts).Draw(t, "order"), Use{}, Memory{}, noon)
		if got != want {
			t.Fatalf("%+v\n%+v", want, got)
		}
	})
}

func TestPropertyAnUnreadablePathIsNeverDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		memory, now := drawMemory(t, spec)
		facts := append(drawFacts(t)(now), unreadableFacts(now)...)
		got := Judge(spec, facts, Use{}, memory, now)
		if got.State != Unknown || got.Reason != ReasonSensor || got.Penalty > memory.Penalty {
			t.Fatalf("%+v", got)
		}
	})
}
