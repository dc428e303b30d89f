package numbers

import (
	"flag"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"detour/shared/lab"
)

var (
	update = flag.Bool("update", false, "write the table into the README")
	all    = flag.Bool("all", false, "measure and print the whole table, with what this machine's processor does")
)

const (
	readme = "../../../README.md"
	// The table stands between these lines of the README.
	begin = "<!-- numbers: made by make bench README=1 -->\n"
	end   = "<!-- end of numbers -->\n"
	// processorTitle starts the part that differs from machine to machine.
	processorTitle = "Measured on "
)

// TestNumbers holds Detour to what it promises of its calls and its times, and
// the README to what was measured.
func TestNumbers(t *testing.T) {
	moves := rows(t)
	for _, m := range moves {
		checkMove(t, m)
	}
	looks := looks(t)
	for _, l := range looks {
		checkLook(t, l)
	}
	answers := answers(t)
	for _, a := range answers {
		checkAnswer(t, a)
	}
	virtual := reading(looks) + "\n" + trips(moves, answers) + "\n" + moving(moves) + "\n" + filtering(answers)
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, table, found := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(table, end)
	if !found || !closed {
		t.Fatalf("the README has no lines %q and %q", begin, end)
	}
	whole := virtual
	if *all || *update {
		whole += "\n" + processorTitle + machine() + "; these figures differ from machine to machine.\n\n" + processor(t)
		t.Log("\n" + whole)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(before+begin+whole+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if standing, _, _ := strings.Cut(table, "\n"+processorTitle); standing != virtual {
		t.Errorf("the README's numbers are not what is measured; run make bench README=1\nmeasured:\n%s\nREADME:\n%s", virtual, standing)
	}
}

func machine() string {
	return runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version()
}

// checkMove: every route moved, one write each and no route ever missing; two
// EC2 round trips where there is one write; the predicted cost is the spent one;
// and the time is at most 1.05 of what the request buckets leave.
func checkMove(t *testing.T, m measured) {
	t.Helper()
	if !m.detour.done || m.detour.routeless != 0 || m.detour.writes != len(m.net.routes) {
		t.Errorf("%s: done %t, %d writes for %d routes, %s without a route", m.name, m.detour.done, m.detour.writes, len(m.net.routes), m.detour.routeless)
	}
	if m.detour.writes == 1 && m.detour.roundTrips() != 2 {
		t.Errorf("%s: %d EC2 round trips in sequence, want 2", m.name, m.detour.roundTrips())
	}
	if m.expectedCalls() != m.detour.writes || m.expected.Wait != floor(m.detour.writes) {
		t.Errorf("%s: predicted %d calls and %s, spent %d calls and no less than %s", m.name, m.expectedCalls(), m.expected.Wait, m.detour.writes, floor(m.detour.writes))
	}
	if least := floor(m.detour.writes); least > 0 && m.took().Seconds() > 1.05*least.Seconds() {
		t.Errorf("%s: %s from the decision to the last write, floor %s", m.name, m.took(), least)
	}
	for _, o := range m.others {
		if !o.done {
			t.Errorf("%s: %s did not move all routes within %s", m.name, o.name, given)
		}
	}
}

// checkLook: all calls of the first pages are sent at one instant. Those in another
// account wait for its credentials, which are asked for at that instant, and for
// nothing else: all are sent at one instant, too.
func checkLook(t *testing.T, l looked) {
	t.Helper()
	first := l.calls[0].SentAt
	abroad := map[string]time.Time{}
	for _, a := range l.reads {
		role, taken := l.roles[a.account]
		began, known := abroad[a.account]
		abroad[a.account] = a.instant[0]
		switch at := a.instant[0]; {
		case !taken && !at.Equal(first):
			t.Errorf("%s: %s waits for another call", l.name, a.name)
		case taken && (!role.SentAt.Equal(first) || !at.After(role.EffectAt)):
			t.Errorf("%s: %s is sent at %s, and its role is taken from %s to %s", l.name, a.name, at, role.SentAt, role.EffectAt)
		case taken && known && !at.Equal(began):
			t.Errorf("%s: %s waits for another call in its account", l.name, a.name)
		}
	}
}

// looks are the looks of the second table.
func looks(t *testing.T) []looked {
	t.Helper()
	one, many := build(transitGateway, 1), build(transitGateway, 1500)
	out := []looked{
		look(t, "1 route in a TGW table", one.topology, func(o *lab.Options) { o.Config = one.config }),
		look(t, "1,500 routes in a TGW table", many.topology, func(o *lab.Options) { o.Config = many.config }),
	}
	list := build(listReference, 500)
	out = append(out, look(t, "a prefix list of 500 in a TGW table", list.topology, func(o *lab.Options) { o.Config = list.config }))
	wide := build(vpcTables, 1500)
	out = append(out, look(t, "1,500 routes in 4 VPC tables", wide.topology, func(o *lab.Options) { o.Config = wide.config }))
	shipped, err := lab.Topologies()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range shipped {
		out = append(out, look(t, "the topology "+file.Name, file.Topology, func(o *lab.Options) { o.Config, o.World = file.Config, file.Options() }))
	}
	peering, err := lab.Find("peering-dies") // The kind of path that no topology has.
	if err != nil {
		t.Fatal(err)
	}
	return append(out, look(t, "the scenario "+peering.Name, peering.Topology, func(o *lab.Options) { o.Config = peering.Config }))
}
