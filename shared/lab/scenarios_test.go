package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
)

// seedsTried are the seeds that every scenario must pass beside its own. A large
// network differs little from seed to seed, and takes long: seedsTriedLarge.
const (
	seedsTried      = 6
	seedsTriedLarge = 2
)

// large: the groups have very many routes.
func large(s *Scenario) bool {
	const many = 500
	entries := 0
	for _, g := range s.Config.GroupList {
		for _, u := range g.Units {
			entries += len(u.Entries)
		}
	}
	return entries > many
}

func allScenarios(t *testing.T) []*Scenario {
	t.Helper()
	all, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestScenariosPass(t *testing.T) {
	for _, s := range allScenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			seeds := uint64(seedsTried)
			if large(s) {
				seeds = seedsTriedLarge
			}
			for seed := range seeds {
				passes(t, s, PlayOptions{Seed: &seed})
			}
		})
	}
}

// TestScenariosPassOverTheWire: the order of what happens differs with the records
// in DynamoDB and the wake-ups in SQS, and no outcome does.
func TestScenariosPassOverTheWire(t *testing.T) {
	for _, s := range allScenarios(t) {
		t.Run(s.Name, func(t *testing.T) { passes(t, s, PlayOptions{Wire: true}) })
	}
}

func passes(t *testing.T, s *Scenario, opts PlayOptions) {
	t.Helper()
	res, err := Play(t.Context(), s, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range res.Failures {
		t.Errorf("seed %d: %s", res.Seed, failure)
	}
	for _, v := range res.Violations {
		t.Errorf("seed %d: %s: %s", res.Seed, v.Invariant, v.Text)
	}
}

// TestScenariosAreListed: docs/scenarios.md has every scenario that comes with
// Detour, with its title, and no other; and each stands in the file of its name.
func TestScenariosAreListed(t *testing.T) {
	var want strings.Builder
	for i, s := range allScenarios(t) {
		fmt.Fprintf(&want, "| `%s` | %s |\n", s.Name, s.Title)
		if found, err := Find(s.Name); err != nil || found.Name != s.Name || ScenarioNames()[i] != s.Name {
			t.Errorf("%s does not stand in %s.yaml", s.Name, s.Name)
		}
	}
	doc, err := os.ReadFile("../../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "## Those that come with Detour\n")
	_, rest, _ = strings.Cut(rest, "|---|---|\n")
	list, _, _ := strings.Cut(rest, "\n\n")
	if got := strings.TrimRight(list, "\n") + "\n"; got != want.String() {
		t.Errorf("docs/scenarios.md lists\n%s\nwant\n%s", got, want.String())
	}
}

func TestFind(t *testing.T) {
	if s, err := Find("cloud-join"); err != nil || s.Name != "cloud-join" {
		t.Errorf("found %v, %v", s, err)
	}
	for _, name := range []string{"cloud", "", ".", "../scenarios/cloud-join", "cloud-join.yaml"} {
		if _, err := Find(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q, which does not exist: %v", name, err)
		}
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
