package lab

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
)

// minutes is a time of a script.
func minutes(n int) config.Duration { return config.Duration(time.Duration(n) * time.Minute) }

// playChanged plays cloud-join with a change and without its expectations, and
// returns the report.
func playChanged(t *testing.T, change func(s *Scenario)) string {
	t.Helper()
	s, _ := Find("cloud-join")
	s.Expect = Expect{}
	change(s)
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return Text(res, TextOptions{})
}

// says asserts texts of a report, in their order.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	rest := text
	for _, want := range wants {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("after what came before, the report does not say %q:\n%s", want, text)
		}
		rest = after
	}
}

func TestTimelineOfWhatWouldBe(t *testing.T) {
	// What ends the request is journaled with the decision that would be.
	ask := Step{At: minutes(5), Do: MakeRequest, Group: "other-cloud", Kind: "manual-switch", Path: "primary", ID: "r9"}
	observe := playChanged(t, func(s *Scenario) {
		s.Config.GroupList[0].Mode = "observe"
		s.Script = append(s.Script, ask)
	})
	says(t, observe,
		"adopts other-cloud as it stands",
		"observe mode: would move other-cloud from primary to backup: the path in use is down (signal-fail); primary is down (too-few-tunnels-up), backup is up\n",
		"ends request r9 (manual-switch)",
		"leaves other-cloud on primary: ",
		"would-move signal-fail ×")
	frozen := playChanged(t, func(s *Scenario) {
		s.Script = append(s.Script, Step{At: minutes(1), Do: MakeRequest, Group: "other-cloud", Kind: "freeze"}, ask)
	})
	says(t, frozen,
		"asks for freeze of other-cloud (request request-1)",
		"frozen: would move other-cloud from primary to backup: the path in use is down (signal-fail); primary is down",
		"would-move signal-fail ×")
	for _, text := range []string{observe, frozen} {
		if strings.Contains(text, " moves other-cloud") || strings.Contains(text, " move signal-fail") {
			t.Errorf("the report tells of a move that was not committed:\n%s", text)
		}
	}
}

func TestTimelineOfChangesByHand(t *testing.T) {
	const table, toBackup = "tgw-rtb-0c000000000000001", "tgw-attach-0b000000000000002"
	write := func(at config.Duration, destination, target string) Step {
		return Step{At: at, Do: WriteRoute, By: "terraform", Table: table, Destination: destination, Target: target}
	}
	repaired := playChanged(t, func(s *Scenario) { s.Script = []Step{write(minutes(5), "10.0.0.0/8", toBackup)} })
	says(t, repaired,
		"terraform      writes core table 10.0.0.0/8: primary -> backup",
		"sees core table 10.0.0.0/8 on backup, not primary; looks again at +0", // The schedule or the event has it look, whichever is first.
		"puts back what somebody else changed: core table 10.0.0.0/8\n",
		"writes core table 10.0.0.0/8: backup -> primary",
		"settles other-cloud: every route stands on primary")
	removed := playChanged(t, func(s *Scenario) { s.Script = []Step{write(minutes(5), "10.0.0.0/8", "")} })
	says(t, removed, "sees no static route core table 10.0.0.0/8, not one on primary; looks again at")
	moved := playChanged(t, func(s *Scenario) {
		s.Script = []Step{write(minutes(5), "10.0.0.0/8", toBackup), write(minutes(5), "192.168.0.0/16", toBackup)}
	})
	says(t, moved,
		"sees every route of other-cloud on backup, not primary; looks again at +0",
		"adopts other-cloud as it stands, on backup: somebody moved the routes by hand (moved-by-hand)")
}

func TestTextMarksTunnelsThatStartDown(t *testing.T) {
	text := playChanged(t, func(s *Scenario) { s.Topology.VPNs[0].Tunnels[1].Down = true })
	says(t, text, "tunnels 203.0.113.11 and 203.0.113.12 (down)\n")
}

// stopper ends a context at the first line that is written to it.
type stopper struct{ stop context.CancelFunc }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}

// TestScenarioStopsWithItsContext ends the context in the middle of a run.
func TestScenarioStopsWithItsContext(t *testing.T) {
	s, _ := Find("cloud-join")
	ctx, stop := context.WithCancel(t.Context())
	_, err := Play(ctx, s, PlayOptions{Log: stopper{stop}})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted at +01:00.000") {
		t.Errorf("error %v", err)
	}
}

// TestScenarioIsTheSameInOtherSlices: looking at the context changes nothing.
func TestScenarioIsTheSameInOtherSlices(t *testing.T) {
	s, _ := Find("cloud-join")
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rig, err := NewRig(Options{Seed: s.Seed, Topology: s.Topology, World: s.World.options(), Config: s.Config})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	whole := &Result{Scenario: s, Rig: rig}
	whole.script(s)
	whole.expectations(s)
	if err := rig.RunUntil(Start().Add(time.Duration(s.Duration))); err != nil {
		t.Fatal(err)
	}
	if rig.Scheduler.TraceHash() != res.TraceHash {
		t.Error("a run in one piece has another trace")
	}
}

// TestTextOfAFindingComesAtOnce: a finding is told before the run ends, and one
// that the end of the context cuts short is none.
func TestTextOfAFindingComesAtOnce(t *testing.T) {
	var progress strings.Builder
	broken := func(controller.Records) controller.Records { panic("there is no store") }
	report, err := Fuzz(t.Context(), FuzzOptions{Seeds: 1, First: 7, NoShrink: true, WrapRecords: broken, Progress: &progress})
	if err != nil || len(report.Findings) != 1 || !strings.HasPrefix(progress.String(), "seed 7: panic: there is no store\n") {
		t.Errorf("%v, %v, %s", err, report.Findings, &progress)
	}
	ctx, stop := context.WithCancel(t.Context())
	cut := func(inner controller.Records) controller.Records { stop(); return inner }
	report, err = Fuzz(ctx, FuzzOptions{Seeds: 5, WrapRecords: cut})
	if !errors.Is(err, context.Canceled) || len(report.Findings) != 0 || report.Seeds != 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestScenarioShrinksWithoutOrphanedClears(t *testing.T) {
	s := &Scenario{Script: []Step{
		{At: minutes(1), Do: MakeRequest, Group: "a", ID: "r1"},
		{At: minutes(2), Do: ClearRequest, Group: "a", ID: "r1"},
		{At: minutes(2), Do: ClearRequest, Group: "b", ID: "r1"},
		{At: minutes(3), Do: ClearRequest, Group: "a", ID: "r2"},
	}}
	want := s.Script[:2:2]
	s.dropOrphanedClears()
	if !reflect.DeepEqual(s.Script, want) {
		t.Errorf("script %v", s.Script)
	}
}

func TestTextOfRoundedFigures(t *testing.T) {
	if got := round3(64.1460000001); got != 64.146 {
		t.Errorf("rounded to %v", got)
	}
}
