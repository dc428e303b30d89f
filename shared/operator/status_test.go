package operator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/operator"
	"detour/shared/protection"
	"detour/shared/route"
)

func kinds(s operator.Status) []operator.TroubleKind {
	var out []operator.TroubleKind
	for _, t := range s.Troubles {
		out = append(out, t.Kind)
	}
	return out
}

func TestTroubles(t *testing.T) {
	observed := group("paris", 2)
	observed.Mode = protection.Observe
	for name, c := range map[string]struct {
		group protection.Group
		set   func(w *world)
		want  []operator.TroubleKind
	}{
		"none":      {want: nil},
		"no record": {set: func(w *world) { *w = *newWorld(w.t, group("paris", 2)) }, want: []operator.TroubleKind{operator.TroubleNoRecord}},
		"the path in use is down": {
			set:  func(w *world) { w.down["vpn-parisA"] = true },
			want: []operator.TroubleKind{operator.TroubleDown, operator.TroubleDue},
		},
		"all paths are down": {
			set:  func(w *world) { w.down["vpn-parisA"], w.down["vpn-parisB"], w.down["vpn-parisC"] = true, true, true },
			want: []operator.TroubleKind{operator.TroubleDown, operator.TroubleHeld, operator.TroubleAlone},
		},
		"no other path": {
			set:  func(w *world) { w.down["vpn-parisB"], w.down["vpn-parisC"] = true, true },
			want: []operator.TroubleKind{operator.TroubleAlone},
		},
		"a standby is down": {set: func(w *world) { w.down["vpn-parisB"] = true }, want: nil},
		"the path in use is unreadable": {
			set:  func(w *world) { w.blind["vpn-parisA"] = true },
			want: []operator.TroubleKind{operator.TroubleUnreadable, operator.TroubleUnknown},
		},
		"a table is unreadable": {set: func(w *world) { w.blind["tgw-rtb-paris"] = true }, want: []operator.TroubleKind{operator.TroubleUnreadable}},
		"somebody else's route": {
			set: func(w *world) {
				for key := range w.tables {
					if key.Destination == route.MustDestination("10.0.1.0/24") {
						w.tables[key] = hop("elsewhere", "X")
					}
				}
			},
			want: []operator.TroubleKind{operator.TroubleSkipped},
		},
		"observed and down": {
			group: observed, set: func(w *world) { w.down["vpn-parisA"] = true },
			want: []operator.TroubleKind{operator.TroubleDown, operator.TroubleUnsafe},
		},
		"frozen": {set: func(w *world) { w.do(operator.Act{Kind: protection.Freeze}) }, want: nil},
		"just moved": {
			set:  func(w *world) { w.down["vpn-parisA"] = true; w.run() },
			want: []operator.TroubleKind{operator.TroubleMoving},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.group.Name == "" {
				c.group = group("paris", 2)
			}
			w := newWorld(t, c.group).adopted()
			if c.set != nil {
				c.set(w)
			}
			s := w.status()
			if !slices.Equal(kinds(s), c.want) || s.Healthy() != (len(c.want) == 0) {
				t.Errorf("the troubles are %v, want %v", s.Troubles, c.want)
			}
			for _, trouble := range s.Troubles {
				if strings.Contains(trouble.Detail, "%!") || trouble.Detail == "" {
					t.Errorf("%s: %q", trouble.Kind, trouble.Detail)
				}
			}
		})
	}
}

func TestContendedRoutesAreATrouble(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	for range 20 {
		for key := range w.tables {
			w.tables[key] = hop("paris", "A")
		}
		w.do(operator.Act{Kind: protection.ForcedSwitch, Path: "B"})
		w.clock.Advance(settle)
		w.run()
		if slices.Contains(kinds(w.status()), operator.TroubleContended) {
			return
		}
	}
	t.Errorf("the troubles are %v", w.status().Troubles)
}

func TestStatusOfAGroupThatMoved(t *testing.T) {
	w := newWorld(t, group("paris", 2)).adopted()
	started := w.clock.Now()
	w.do(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	s := w.status()
	if s.Path != "B" || !s.Settled || s.Switchover == nil || s.Switchover.From != "A" || s.Switchover.To != "B" || s.Since.Before(started) || !s.Switchover.At.Equal(s.Since) {
		t.Errorf("the status is %+v", s)
	}
	if len(s.Requests) != 1 || s.Requests[0].Why != "a test" || !strings.Contains(s.Requests[0].By, "jane") {
		t.Errorf("the requests are %+v", s.Requests)
	}
	for _, path := range s.Paths {
		if path.InUse != (path.Path == "B") || path.State != "up" || path.Since.IsZero() {
			t.Errorf("path %+v", path)
		}
	}
}

func TestStatusTellsOfALease(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	if _, _, err := w.store.Take(t.Context(), controller.GroupKey("paris"), "somebody"); err != nil {
		t.Fatal(err)
	}
	if s := w.status(); !s.Running.Equal(w.clock.Now().Add(20 * time.Second)) {
		t.Errorf("running until %s", s.Running)
	}
	w.clock.Advance(21 * time.Second)
	if s := w.status(); !s.Running.IsZero() {
		t.Errorf("still running until %s", s.Running)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	w := newWorld(t, group("paris", 2), group("tokyo", 1)).adopted()
	w.down["vpn-parisA"] = true
	before := []controller.Item{w.item("paris"), w.item("tokyo")}
	w.status()
	if _, err := w.tool.Plan(t.Context(), w.tool.Groups(), operator.PlanOptions{Worst: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tool.Explain(t.Context(), "paris", 5); err != nil {
		t.Fatal(err)
	}
	w.propose(operator.Act{Kind: protection.ManualSwitch, Path: "B"})
	for i, item := range []controller.Item{w.item("paris"), w.item("tokyo")} {
		if item.Dirty != before[i].Dirty || item.Revision != before[i].Revision || item.Lease != before[i].Lease || len(item.Requests) != 0 {
			t.Errorf("the item became %+v", item)
		}
	}
	if len(w.calls) != 0 || len(w.writes) != 0 {
		t.Errorf("calls %v, writes %v", w.calls, w.writes)
	}
}

func TestTheStoreIsOutOfReach(t *testing.T) {
	w := newWorld(t, group("paris", 1))
	bad := controller.New(w.groups, controller.Settings{}, controller.Ports{Records: broken{}, Clock: w.clock})
	tool := operator.New(operator.Options{Groups: w.groups, Clock: w.clock, Homes: []operator.Home{{Account: account, Region: region, Controller: bad}}})
	if _, err := tool.Status(t.Context(), []string{"paris"}); err == nil || !strings.Contains(err.Error(), "account 111122223333 in eu-west-1") {
		t.Errorf("answered %v", err)
	}
	if _, err := tool.Explain(t.Context(), "london", 1); err == nil || !strings.Contains(err.Error(), `no group "london"`) {
		t.Errorf("answered %v", err)
	}
	closed := operator.New(operator.Options{Groups: w.groups, Clock: w.clock})
	if _, err := closed.Status(t.Context(), []string{"paris"}); err == nil || !strings.Contains(err.Error(), "was not opened") {
		t.Errorf("answered %v", err)
	}
}

// TestEveryReasonHasAMeaning reads the reasons from the source, so that none is
// forgotten.
func TestEveryReasonHasAMeaning(t *testing.T) {
	found := 0
	packages := token.NewFileSet()
	for _, file := range []string{"record.go", "decide.go", "choose.go", "request.go"} {
		parsed, err := parser.ParseFile(packages, "../protection/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != "Reason" {
				return true
			}
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if operator.Meaning(protection.Reason(text)) == text {
				t.Errorf("reason %s has no meaning in words.go", text)
			}
			return true
		})
	}
	if found < 20 {
		t.Errorf("only %d reasons were found", found)
	}
	if operator.Meaning("never-heard-of") != "never-heard-of" {
		t.Error("an unknown reason does not stand for itself")
	}
}
