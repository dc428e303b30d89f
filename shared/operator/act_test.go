package operator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/adapter/memory"
	"detour/shared/controller"
	"detour/shared/operator"
	"detour/shared/protection"
)

func TestAnActThatMeansNothing(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	for want, act := range map[string]operator.Act{
		"the reason is missing; give it with --why": {Kind: protection.Freeze, Groups: []string{"paris"}, Why: " "},
		"the reason has 501 bytes":                  {Kind: protection.Freeze, Groups: []string{"paris"}, Why: strings.Repeat("x", 501)},
		"a line break or another control character": {Kind: protection.Freeze, Groups: []string{"paris"}, Why: "two\nlines"},
		"no group is named":                         {Kind: protection.Freeze, Why: "x"},
		`no standing request "nope"; none stands`:   {Clear: true, IDs: []string{"nope"}, Groups: []string{"paris"}, Why: "x"},
		"no request of group paris stands":          {Clear: true, Groups: []string{"paris"}, Why: "x"},
		"no freeze of group paris stands":           {Clear: true, ClearKind: protection.Freeze, Groups: []string{"paris"}, Why: "x"},
		"nothing was frozen":                        {Clear: true, ClearKind: protection.Freeze, All: true, Groups: []string{"paris"}, Why: "x"},
	} {
		if _, err := w.tool.Propose(t.Context(), act); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	w.do(operator.Act{Kind: protection.Lockout, Path: "C"})
	_, err := w.tool.Propose(t.Context(), operator.Act{Clear: true, IDs: []string{"nope"}, Groups: []string{"paris"}, Why: "x"})
	if err == nil || !strings.Contains(err.Error(), "there are lockout-id001") {
		t.Errorf("the ids that there are: %v", err)
	}
	w.do(operator.Act{Kind: protection.Freeze})
	_, err = w.tool.Propose(t.Context(), operator.Act{Clear: true, ClearKind: protection.Freeze, All: true, Groups: []string{"paris"}, Why: "x"})
	if err == nil || !strings.Contains(err.Error(), "detour unfreeze GROUP: paris") {
		t.Errorf("the end of a freeze of all groups that does not stand: %v", err)
	}
	w.do(operator.Act{Clear: true, ClearKind: protection.Freeze})
	w.do(operator.Act{Kind: protection.Freeze, All: true})
	_, err = w.tool.Propose(t.Context(), operator.Act{Clear: true, ClearKind: protection.Freeze, Groups: []string{"paris"}, Why: "x"})
	if err == nil || !strings.Contains(err.Error(), "detour unfreeze --all") {
		t.Errorf("the freeze of all groups: %v", err)
	}
}

func TestWhatAProposalForetells(t *testing.T) {
	for name, c := range map[string]struct {
		before  []operator.Act
		set     func(w *world)
		act     operator.Act
		moves   string // the path moved to; empty: none
		refused protection.Reason
		cancels []string
		warning string
	}{
		"a switch":                {act: operator.Act{Kind: protection.ManualSwitch, Path: "B"}, moves: "B"},
		"a switch to where it is": {act: operator.Act{Kind: protection.ManualSwitch, Path: "A"}},
		"a switch to a dead path": {
			set: func(w *world) { w.down["vpn-parisB"] = true },
			act: operator.Act{Kind: protection.ManualSwitch, Path: "B"}, refused: protection.ReasonTargetNotUp,
		},
		"a force to a dead path": {
			set: func(w *world) { w.down["vpn-parisB"] = true },
			act: operator.Act{Kind: protection.ForcedSwitch, Path: "B"}, refused: protection.ReasonTargetDown,
		},
		"a force that ignores health": {
			set: func(w *world) { w.down["vpn-parisB"] = true },
			act: operator.Act{Kind: protection.ForcedSwitch, Path: "B", IgnoreHealth: true}, moves: "B", warning: "path B is down",
		},
		"a force ends a force": {
			before: []operator.Act{{Kind: protection.ForcedSwitch, Path: "B"}},
			act:    operator.Act{Kind: protection.ForcedSwitch, Path: "C"}, moves: "C", cancels: []string{"forced-switch-id001"},
		},
		"a switch under a force": {
			before: []operator.Act{{Kind: protection.ForcedSwitch, Path: "B"}},
			act:    operator.Act{Kind: protection.ManualSwitch, Path: "C"}, warning: "would stand and not be followed now",
		},
		"a lockout of the path in use": {act: operator.Act{Kind: protection.Lockout, Path: "A"}, moves: "B"},
		"a lockout of another":         {act: operator.Act{Kind: protection.Lockout, Path: "B"}},
		"a lockout with no way out": {
			set: func(w *world) { w.down["vpn-parisB"], w.down["vpn-parisC"] = true, true },
			act: operator.Act{Kind: protection.Lockout, Path: "A"}, warning: "the group holds: no path is alive",
		},
		"a switch under a freeze": {
			before: []operator.Act{{Kind: protection.Freeze}},
			act:    operator.Act{Kind: protection.ManualSwitch, Path: "B"}, moves: "B", warning: "is frozen: nothing follows",
		},
		"the end of a freeze": {
			before: []operator.Act{{Kind: protection.Freeze, All: true}},
			set:    func(w *world) { w.down["vpn-parisA"] = true },
			act:    operator.Act{Clear: true, ClearKind: protection.Freeze, All: true}, moves: "B",
		},
		"a freeze":  {act: operator.Act{Kind: protection.Freeze}},
		"adoption":  {act: operator.Act{Kind: protection.AdoptAnew}},
		"a release": {act: operator.Act{Kind: protection.Release}},
		"an unseen group": {
			set: func(w *world) { *w = *newWorld(w.t, group("paris", 2)) },
			act: operator.Act{Kind: protection.Freeze}, warning: "no run has seen group paris yet",
		},
		"a table that cannot be read": {
			set: func(w *world) { w.blind["tgw-rtb-paris"] = true },
			act: operator.Act{Kind: protection.ManualSwitch, Path: "B"}, moves: "B", warning: "could not be read whole",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, group("paris", 2)).adopted()
			for _, act := range c.before {
				w.do(act)
			}
			if c.set != nil {
				c.set(w)
			}
			p := w.propose(c.act)
			e := p.Effects[0]
			var cancels []string
			for _, ended := range e.Cancels {
				cancels = append(cancels, ended.Request.ID)
			}
			if e.Moves != (c.moves != "") || e.Moves && e.Outlook.Toward != c.moves || e.Refused != c.refused || p.Refused() != (c.refused != "") || !slices.Equal(cancels, c.cancels) {
				t.Errorf("foretold %+v", e)
			}
			all := strings.Join(e.Warnings, "\n")
			if c.warning == "" && all != "" || !strings.Contains(all, c.warning) {
				t.Errorf("the warnings are %q, want %q", e.Warnings, c.warning)
			}
			if e.Moves && e.Outlook.Complete && (len(e.Outlook.Changes) != 2 || e.Outlook.Cost.Calls != 2) {
				t.Errorf("the changes are %v, the cost %+v", e.Outlook.Changes, e.Outlook.Cost)
			}
		})
	}
}

func TestCarryWritesTheJournalFirst(t *testing.T) {
	for name, c := range map[string]struct {
		before []operator.Act
		act    operator.Act
		calls  []string
		act1   controller.Act
		key    controller.Key
	}{
		"a request": {act: operator.Act{Kind: protection.ManualSwitch, Path: "B"}, calls: []string{"note", "request"}, act1: controller.ActRequested, key: "group#paris"},
		"a clear": {
			before: []operator.Act{{Kind: protection.Lockout, Path: "C"}},
			act:    operator.Act{Clear: true}, calls: []string{"note", "clear"}, act1: controller.ActCleared, key: "group#paris",
		},
		"a freeze of all": {act: operator.Act{Kind: protection.Freeze, All: true, Immediate: true}, calls: []string{"note", "control"}, act1: controller.ActFroze, key: controller.KeyEverything},
		"its end": {
			before: []operator.Act{{Kind: protection.Freeze, All: true}},
			act:    operator.Act{Clear: true, ClearKind: protection.Freeze, All: true}, calls: []string{"note", "control"}, act1: controller.ActUnfroze, key: controller.KeyEverything,
		},
		"a release of all": {act: operator.Act{Kind: protection.Release, All: true}, calls: []string{"note", "control"}, act1: controller.ActReleased, key: controller.KeyEverything},
		"adoption of all":  {act: operator.Act{Kind: protection.AdoptAnew, All: true}, calls: []string{"note", "request"}, act1: controller.ActRequested, key: "group#paris"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, group("paris", 1)).adopted()
			for _, act := range c.before {
				w.do(act)
				w.clock.Advance(time.Minute)
			}
			w.calls = nil
			w.asleep = true
			w.do(c.act)
			if !slices.Equal(w.calls, c.calls) {
				t.Errorf("the calls are %v, want %v", w.calls, c.calls)
			}
			line := w.history(c.key)[0]
			if line.Act != c.act1 || !strings.HasPrefix(line.By, "arn:aws:sts::") || line.Why != "a test" || line.Freeze.Immediate != c.act.Immediate {
				t.Errorf("the journal has %+v", line)
			}
			if (c.key == "group#paris") != (line.Request != nil && line.Request.ID != "") {
				t.Errorf("the journal has the request %+v", line.Request)
			}
			if waiting := w.wakes.Waiting(); len(waiting) == 0 || !slices.ContainsFunc(waiting, func(u memory.WakeUp) bool { return u.Key == "group#paris" && !u.At.After(w.clock.Now()) }) {
				t.Errorf("the wake-ups are %v", waiting)
			}
		})
	}
}

func TestCarryWhenSomethingFails(t *testing.T) {
	act := operator.Act{Kind: protection.ManualSwitch, Path: "B"}
	t.Run("the journal", func(t *testing.T) {
		w := newWorld(t, group("paris", 1)).adopted()
		w.fail["note"] = 3
		_, err := w.tool.Carry(t.Context(), w.propose(act))
		if err == nil || !strings.Contains(err.Error(), "nothing was done") || len(w.item("paris").Requests) != 0 {
			t.Errorf("answered %v, the requests are %v", err, w.item("paris").Requests)
		}
	})
	t.Run("the request, twice", func(t *testing.T) {
		w := newWorld(t, group("paris", 1)).adopted()
		w.fail["note"], w.fail["request"] = 2, 2
		late, err := w.tool.Carry(t.Context(), w.propose(act))
		if late != nil || err != nil || len(w.item("paris").Requests) != 1 {
			t.Errorf("answered %v, %v", late, err)
		}
	})
	t.Run("the request", func(t *testing.T) {
		w := newWorld(t, group("paris", 1)).adopted()
		w.fail["request"] = 3
		if _, err := w.tool.Carry(t.Context(), w.propose(act)); err == nil || !strings.Contains(err.Error(), "detour status") {
			t.Errorf("answered %v", err)
		}
	})
	t.Run("the wake-up", func(t *testing.T) {
		w := newWorld(t, group("paris", 1)).adopted()
		w.fail["wake"] = 1
		late, err := w.tool.Carry(t.Context(), w.propose(act))
		if late == nil || err != nil || len(w.item("paris").Requests) != 1 {
			t.Errorf("answered %v, %v", late, err)
		}
	})
}

func TestWatch(t *testing.T) {
	manual := operator.Act{Kind: protection.ManualSwitch, Path: "B"}
	observed := group("paris", 1)
	observed.Mode = protection.Observe
	for name, c := range map[string]struct {
		group   protection.Group
		before  []operator.Act
		set     func(w *world)
		act     operator.Act
		outcome operator.Outcome
		text    string
		path    string
	}{
		"a switch":      {act: manual, outcome: operator.OutcomeDone, text: "the group is on B", path: "B"},
		"a switch back": {before: []operator.Act{manual}, act: operator.Act{Kind: protection.ManualSwitchToWorking}, outcome: operator.OutcomeDone, text: "the group is on A", path: "A"},
		"a force":       {act: operator.Act{Kind: protection.ForcedSwitch, Path: "C"}, outcome: operator.OutcomeDone, text: "the group is on C", path: "C"},
		"a lockout":     {act: operator.Act{Kind: protection.Lockout, Path: "A"}, outcome: operator.OutcomeDone, text: "path A is locked out; the group is on B", path: "B"},
		"a lockout of a standby": {
			act: operator.Act{Kind: protection.Lockout, Path: "B"}, outcome: operator.OutcomeDone, text: "path B is locked out; the group is on A", path: "A",
		},
		"a freeze":          {act: operator.Act{Kind: protection.Freeze}, outcome: operator.OutcomeDone, text: "frozen; no route is written", path: "A"},
		"a freeze of all":   {act: operator.Act{Kind: protection.Freeze, All: true}, outcome: operator.OutcomeDone, text: "frozen; no route is written", path: "A"},
		"a release":         {act: operator.Act{Kind: protection.Release}, outcome: operator.OutcomeDone, path: "A"},
		"adoption":          {act: operator.Act{Kind: protection.AdoptAnew}, outcome: operator.OutcomeDone, path: "A"},
		"clearing a switch": {before: []operator.Act{manual}, act: operator.Act{Clear: true}, outcome: operator.OutcomeDone, text: "no route changes because of it", path: "B"},
		"the end of a freeze that held a move up": {
			before: []operator.Act{{Kind: protection.Freeze, All: true}}, set: func(w *world) { w.down["vpn-parisA"] = true },
			act: operator.Act{Clear: true, ClearKind: protection.Freeze, All: true}, outcome: operator.OutcomeDone, text: "the group is on B", path: "B",
		},
		"a switch under a freeze": {before: []operator.Act{{Kind: protection.Freeze}}, act: manual, outcome: operator.OutcomeStands, text: "until the freeze ends", path: "A"},
		"a switch while observed": {group: observed, act: manual, outcome: operator.OutcomeStands, text: "mode observe", path: "A"},
		"nobody runs":             {set: func(w *world) { w.asleep = true }, act: manual, outcome: operator.OutcomeStands, text: "had no effect yet", path: "A"},
		"a path that dies first": {
			act: manual, set: func(w *world) { w.fail["wake"] = -1 }, outcome: operator.OutcomeEnded, text: "is not up", path: "A",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.group.Name == "" {
				c.group = group("paris", 1)
			}
			w := newWorld(t, c.group).adopted()
			for _, act := range c.before {
				w.do(act)
			}
			if c.set != nil {
				c.set(w)
			}
			p := w.propose(c.act)
			if w.fail["wake"] < 0 {
				w.down["vpn-parisB"] = true
			}
			if _, err := w.tool.Carry(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			var steps []string
			got := w.tool.Watch(t.Context(), p, time.Minute, func(step operator.Progress) { steps = append(steps, step.Text) })[0]
			if got.Outcome != c.outcome || !strings.Contains(got.Text, c.text) || got.Path != c.path {
				t.Errorf("it came to %+v, with the steps %q", got, steps)
			}
			if got.Seconds > 60 || len(steps) > 6 {
				t.Errorf("it took %.0f s, with the steps %q", got.Seconds, steps)
			}
		})
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	w.asleep = true
	p := w.propose(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	if _, err := w.tool.Carry(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := w.tool.Watch(ctx, p, time.Minute, func(operator.Progress) {})[0]
	if got.Outcome != operator.OutcomeStands || !got.Waited || !strings.Contains(got.Text, "nobody watches any more") {
		t.Errorf("it came to %+v", got)
	}
	if len(w.item("paris").Requests) != 1 {
		t.Error("the request was withdrawn")
	}
	if got := w.tool.Watch(t.Context(), p, 0, nil)[0]; got.Outcome != operator.OutcomeStands || got.Waited {
		t.Errorf("without waiting it came to %+v", got)
	}
}

func TestWatchEndures(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	p := w.propose(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	if _, err := w.tool.Carry(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	w.fail["peek"] = 3
	var steps []string
	got := w.tool.Watch(t.Context(), p, time.Minute, func(step operator.Progress) { steps = append(steps, step.Text) })[0]
	if got.Outcome != operator.OutcomeDone || len(steps) == 0 || !strings.Contains(steps[0], "does not answer") {
		t.Errorf("it came to %+v, with the steps %q", got, steps)
	}
}

// TestSomebodyElseClears: the request is gone, and no run ended it.
func TestSomebodyElseClears(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	p := w.propose(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	if got := w.tool.Watch(t.Context(), p, time.Minute, func(operator.Progress) {})[0]; got.Outcome != operator.OutcomeEnded || got.Text != "somebody cleared it" {
		t.Errorf("it came to %+v", got)
	}
}

// TestPropertyAProposalIsWhatTheRunDoes: whatever the network and the requests
// are, the run that follows decides and writes what was foretold.
func TestPropertyAProposalIsWhatTheRunDoes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, group("paris", rapid.IntRange(1, 3).Draw(r, "units"))).adopted()
		path := rapid.SampledFrom([]string{"A", "B", "C"})
		draw := func(label string) operator.Act {
			kind := rapid.SampledFrom([]protection.RequestKind{
				protection.ManualSwitch, protection.ForcedSwitch, protection.Lockout, protection.Freeze, protection.ManualSwitchToWorking, protection.Release, protection.AdoptAnew,
			}).Draw(r, label)
			act := operator.Act{Kind: kind}
			switch kind {
			case protection.ManualSwitch, protection.ForcedSwitch, protection.Lockout:
				act.Path = path.Draw(r, label+" path")
			case protection.Freeze, protection.ManualSwitchToWorking, protection.Release, protection.AdoptAnew, protection.FailbackAbort:
			}
			act.IgnoreHealth = kind == protection.ForcedSwitch && rapid.Bool().Draw(r, "ignore")
			return act
		}
		w.do(draw("first"))
		for _, dead := range rapid.SliceOfDistinct(path, rapid.ID).Draw(r, "dead") {
			w.down["vpn-paris"+dead] = true
		}
		p := w.propose(draw("second"))
		if _, err := w.tool.Carry(t.Context(), p); err != nil {
			r.Fatal(err)
		}
		w.writes = nil
		report := w.runner.Reconcile(t.Context(), controller.Trigger{Groups: []string{"paris"}})[0]
		e := p.Effects[0]
		want, got := e.Outlook.Decision, report.Decision
		want.Epoch, got.Epoch = 0, 0
		if want != got || report.WouldBe != e.Outlook.WouldBe {
			r.Fatalf("foretold %+v, decided %+v", e.Outlook.Decision, report.Decision)
		}
		if e.Outlook.WouldBe {
			return
		}
		if len(w.writes) != len(e.Outlook.Changes) {
			r.Fatalf("foretold %v, wrote %v", e.Outlook.Changes, w.writes)
		}
		for _, change := range e.Outlook.Changes {
			if !slices.Contains(w.writes, change) {
				r.Fatalf("foretold %v, wrote %v", e.Outlook.Changes, w.writes)
			}
		}
	})
}

// TestASwitchBackIsDoneOnceItIsSettled: the request can end before a reading has
// shown the routes.
func TestASwitchBackIsDoneOnceItIsSettled(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	w.do(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	p := w.propose(operator.Act{Kind: protection.ManualSwitchToWorking})
	if _, err := w.tool.Carry(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.runner.Reconcile(t.Context(), controller.Trigger{Groups: []string{"paris"}})
	}
	if item := w.item("paris"); len(item.Requests) != 0 || item.Record.Settled {
		t.Fatalf("the test wants a request that ended early: %+v", item)
	}
	got := w.tool.Watch(t.Context(), p, time.Minute, func(operator.Progress) {})[0]
	if got.Outcome != operator.OutcomeDone || !w.item("paris").Record.Settled {
		t.Errorf("it came to %+v", got)
	}
}

// TestAnAdoptionTellsOfNoWrites: it writes no route, so nothing may say that one
// was written.
func TestAnAdoptionTellsOfNoWrites(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	w.do(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	p := w.propose(operator.Act{Kind: protection.AdoptAnew})
	if _, err := w.tool.Carry(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	w.runner.Reconcile(t.Context(), controller.Trigger{Groups: []string{"paris"}})
	if w.item("paris").Record.Settled {
		t.Fatal("the test wants an adoption that has not settled")
	}
	var told []string
	w.tool.Watch(t.Context(), p, time.Minute, func(step operator.Progress) { told = append(told, step.Text) })
	if slices.ContainsFunc(told, func(text string) bool { return strings.Contains(text, "written") || strings.Contains(text, "moving") }) {
		t.Errorf("it told %q", told)
	}
	for _, trouble := range w.status().Troubles {
		if trouble.Kind == operator.TroubleMoving && strings.Contains(trouble.Detail, "move") {
			t.Errorf("nothing moved, but there is %q", trouble.Detail)
		}
	}
}
