package lab

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

func TestSmoke(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	first, _ := strconv.Atoi(os.Getenv("FIRST"))
	rep, err := Fuzz(t.Context(), FuzzOptions{Seeds: n, First: uint64(first), Parallel: 2, NoShrink: os.Getenv("SHRINK") == "", StopAtFirst: os.Getenv("STOP") != ""})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range rep.Findings {
		if i > 12 {
			break
		}
		fmt.Println("SEED", f.Seed, f.Err)
		for j, v := range f.Violations {
			if j > 2 {
				break
			}
			fmt.Println("   ", v.Invariant, since(v.At), v.Group, v.Text)
		}
	}
	fmt.Println(rep.Seeds, len(rep.Findings), rep.TaskSwitches, rep.Calls, rep.Switchovers, rep.Faults, rep.Transitions)
}

func TestSeed(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SEED"))
	if err != nil {
		t.Skip()
	}
	s := Generate(uint64(n))
	for _, st := range s.Script {
		fmt.Printf("%+v\n", st)
	}
	for _, g := range s.Config.GroupList {
		fmt.Printf("%s mode=%s stateful=%v rev=%v hold=%v sod=%v takeover=%v\n", g.Name, g.Mode, g.Stateful, g.Revertive, g.HoldOff, g.SwitchOnDegrade, g.TakeOver)
		for _, p := range g.Paths {
			fmt.Println("  ", p.Name, p.VPN)
		}
	}
	fmt.Printf("%+v %+v\n", s.World, s.Faults)
	res, err := Play(s, PlayOptions{Checks: Checks{ConvergedBy: convergedBy(s)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range res.Rig.Runs {
		for _, r := range run.Outcome.Reports {
			if r.Status == "quiet" {
				continue
			}
			fmt.Println(since(run.Started), since(run.Ended), run.Process.Name(), run.Cause, r.Group, r.Status, "before", r.Before.To, "->", r.Decision.To, r.Decision.Extent, r.Decision.Action, r.Decision.Reason, "settled", r.Output.Next.Settled, "sight", r.Output.Next.Sighting, len(r.Receipts), r.Problems, r.Err)
			for _, p := range r.Health {
				fmt.Print("      ", p.Path, " ", p.State, " ", p.Reason)
			}
			fmt.Println()
		}
	}
	for _, v := range res.Violations {
		fmt.Println("   ", v.Invariant, since(v.At), v.Group, v.Text)
	}
}
