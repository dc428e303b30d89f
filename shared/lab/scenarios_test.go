package lab

import (
	"reflect"
	"testing"
	"time"

	"detour/shared/config"
)

// seedsTried are the seeds that every scenario must pass beside its own.
const seedsTried = 12

func TestScenariosPass(t *testing.T) {
	names := []string{}
	for _, s := range Scenarios() {
		names = append(names, s.Name)
		t.Run(s.Name, func(t *testing.T) {
			for seed := range uint64(seedsTried) {
				res, err := Play(t.Context(), s, PlayOptions{Seed: &seed})
				if err != nil {
					t.Fatal(err)
				}
				for _, failure := range res.Failures {
					t.Errorf("seed %d: %s", seed, failure)
				}
				for _, v := range res.Violations {
					t.Errorf("seed %d: %s: %s", seed, v.Invariant, v.Text)
				}
			}
		})
	}
	want := []string{"both-paths-down", "cloud-join", "dies-between-writes", "lost-event", "two-gateways"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("scenarios %v, want %v", names, want)
	}
}

func TestFind(t *testing.T) {
	if s, ok := Find("cloud-join"); !ok || s.Name != "cloud-join" {
		t.Errorf("found %v, %t", s, ok)
	}
	if _, ok := Find("cloud"); ok {
		t.Error("found a scenario that does not exist")
	}
}

func TestBrokenExpectationFails(t *testing.T) {
	one := 1.0
	for name, breakIt := range map[string]func(e *Expect){
		"reach": func(e *Expect) {
			e.Reach[0] = ReachExpectation{At: config.Duration(2 * time.Minute), From: "shop", To: "tokyo"}
		},
		"everyone": func(e *Expect) {
			e.Reach[0] = ReachExpectation{At: config.Duration(3*time.Minute + 15*time.Second), Everyone: true}
		},
		"table":    func(e *Expect) { e.Tables[0].Target = "none" },
		"metric":   func(e *Expect) { e.Metrics["writes"] = Bound{Exactly: &one} },
		"converge": func(e *Expect) { e.ConvergedBy = config.Duration(3 * time.Minute) },
	} {
		s, _ := Find("cloud-join")
		breakIt(&s.Expect)
		res, err := Play(t.Context(), s, PlayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if res.Passed() {
			t.Errorf("%s: the scenario passes although its expectation is wrong", name)
		}
	}
}
