package lab

import (
	"testing"
)

// testedSeeds is how many random networks every test run tries; make sim tries
// as many as it is told to.
func testedSeeds() int {
	if raceEnabled {
		return 15 // One costs ten times as much under the race detector.
	}
	return 150
}

// TestRandomNetworksKeepTheInvariants runs random networks with every fault,
// and each tenth of them twice, since a seed must give one trace. What it finds
// detour lab fuzz makes smaller: --first SEED --seeds 1.
func TestRandomNetworksKeepTheInvariants(t *testing.T) {
	report, err := Fuzz(t.Context(), FuzzOptions{Seeds: testedSeeds(), First: 1, Parallel: 2, Every: 10, NoShrink: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("seed %d: %s", f.Seed, f.Err)
		for _, v := range f.Violations {
			t.Errorf("  %s %s %s: %s", v.Invariant, sinceStart(v.At), v.Group, v.Text)
		}
	}
	if report.TaskSwitches < 100*report.Seeds || report.Switchovers < report.Seeds {
		t.Errorf("too little happened: %d task switches and %d switchovers in %d seeds", report.TaskSwitches, report.Switchovers, report.Seeds)
	}
	for _, kind := range []string{"kill", "freeze", "throttle", "stale", "error-before", "error-after", "lost-answer", "drop-answer", "page-fails", "next-token-invalid", "wake-early", "event-lost", "event-doubled", "event-delayed", "store-error", "wake-doubled"} {
		if !raceEnabled && countOf(report.Faults, kind) == 0 {
			t.Errorf("no fault of kind %s hit", kind)
		}
	}
}

// TestRandomNetworksOverTheWire runs them with the record store, the queue and
// the bus behind their real adapters: a lost answer, a kill or a late call then
// hits those calls too.
func TestRandomNetworksOverTheWire(t *testing.T) {
	report, err := Fuzz(t.Context(), FuzzOptions{Seeds: testedSeeds() / 3, First: 5001, Parallel: 2, Every: 10, Wire: true, NoShrink: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("seed %d: %s %v", f.Seed, f.Err, f.Violations)
	}
	if report.Switchovers < report.Seeds/2 {
		t.Errorf("too little happened: %d switchovers in %d seeds", report.Switchovers, report.Seeds)
	}
	for _, kind := range []string{"wake-doubled", "wakes-batched", "throttle", "lost-answer", "drop-answer", "error-before", "error-after"} {
		if !raceEnabled && countOf(report.Faults, kind) == 0 {
			t.Errorf("nothing of kind %s happened", kind)
		}
	}
}

func countOf(counts []Count, what string) int {
	for _, c := range counts {
		if c.What == what {
			return c.N
		}
	}
	return 0
}

// TestASeedGivesOneTrace compares whole runs of sampled seeds.
func TestASeedGivesOneTrace(t *testing.T) {
	for seed := uint64(500); seed < 505; seed++ {
		var hashes [3]uint64
		for i := range hashes {
			res, err := playGenerated(t.Context(), Generate(seed), PlayOptions{Wire: seed%2 == 0})
			if err != nil {
				t.Fatal(err)
			}
			hashes[i] = res.TraceHash
		}
		if hashes[0] != hashes[1] || hashes[0] != hashes[2] {
			t.Errorf("seed %d gave the traces %x", seed, hashes)
		}
	}
}

// TestShrinkingKeepsTheFinding: a finding with a broken record store shrinks to
// a scenario that still shows it, and that can be written and read again.
func TestShrinkingKeepsTheFinding(t *testing.T) {
	if raceEnabled {
		t.Skip("shrinking plays hundreds of networks, which adds no race that the others do not have")
	}
	wrap := PlayOptions{WrapRecords: breakFencing}
	var finding *Finding
	var s *Scenario
	for seed := uint64(1); finding == nil; seed++ {
		s = generate(seed, true)
		standStill(s)
		res, err := playGenerated(t.Context(), s, wrap)
		finding = findingOf(seed, res, err)
	}
	small := shrink(t.Context(), s, finding, wrap, 100)
	if len(small.Script) > len(s.Script) || len(small.Config.GroupList) > len(s.Config.GroupList) {
		t.Fatalf("the shrunk scenario is larger: %d steps, %d groups", len(small.Script), len(small.Config.GroupList))
	}
	text, err := Encode(small)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text, "shrunk.yaml")
	if err != nil {
		t.Fatalf("reading what was printed: %v\n%s", err, text)
	}
	res, err := playGenerated(t.Context(), again, wrap)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Violations) == 0 || res.Violations[0].Invariant == "" {
		t.Fatalf("the printed scenario shows nothing:\n%s", text)
	}
	t.Logf("%d steps and %d groups became %d steps and %d groups", len(s.Script), len(s.Config.GroupList), len(small.Script), len(small.Config.GroupList))
}
