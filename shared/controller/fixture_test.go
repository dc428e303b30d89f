package controller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// The times of every run in these tests.
const (
	lease       = 20 * time.Second
	skew        = 2 * time.Second
	callTimeout = 5 * time.Second
	settle      = 10 * time.Second
	storeTime   = 4 * time.Millisecond
	readTime    = 30 * time.Millisecond
	writeTime   = 20 * time.Millisecond
)

var (
	noon     = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	errStore = errors.New("the record store did not answer")
)

// fault is what a scripted port does to one call.
type fault struct {
	instead error  // answered without an effect
	lost    error  // answered after the effect
	first   func() // runs before the effect
}

// call is one call of a port, as it was made.
type call struct {
	at   time.Time
	what string
}

// world is everything around a controller: a network that does what the test
// scripts, the record store of the memory adapter, and virtual time.
type world struct {
	t      testing.TB
	s      *sim.Scheduler
	store  *memory.Store
	wakes  *memory.WakeQueue
	events *memory.Events

	groups   []protection.Group
	edge     // what filters see
	settings controller.Settings
	tables   map[protection.EntryKey]route.NextHop
	lists    map[string]route.ListReading // by id; a list that is not here is good and in version 1
	down     map[string]bool              // by the id of the VPN connection
	gone     map[string]bool              // VPN connections that are deleted
	blind    bool                         // the evidence cannot be read
	learned  map[protection.EntryKey]learnedRoute
	observed []health.Fact  // what observation tables show; nil: they cannot be read
	seen     map[string]int // how often each kind of call was made
	calls    []call
	tokens   int

	// propagationOff: no attachment propagates into the entries' tables;
	// propagationsUnread: nobody can tell.
	propagationOff, propagationsUnread bool

	// The scripts; nil: nothing special happens. n counts the calls of one kind.
	onStore func(op string, key controller.Key, n int) fault
	onSend  func(n int, p *sim.Process)
	onWrite func(n int, change route.Change) (outcome route.Outcome, applies bool)
	onRead  func(n int, reading *route.Reading)
	onFacts func(n int, fact *health.Fact)
	onTry   func(change route.Change) route.Outcome
	onCall  func(n int) // before every call of any port
	made    int         // how many calls that were
	// refuseWake and refusePublish are what these ports answer.
	refuseWake, refusePublish error
}

func newWorld(t testing.TB, groups ...protection.Group) *world {
	t.Helper()
	w := &world{
		t: t, s: sim.NewScheduler(1, noon), wakes: memory.NewWakeQueue(nil), events: &memory.Events{},
		groups: groups, tables: map[protection.EntryKey]route.NextHop{}, down: map[string]bool{}, seen: map[string]int{},
		lists: map[string]route.ListReading{}, gone: map[string]bool{}, learned: map[protection.EntryKey]learnedRoute{},
		settings: controller.Settings{
			MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: lease, CallTimeout: callTimeout, Skew: skew, Settle: settle,
		},
	}
	t.Cleanup(w.s.Close)
	w.store = memory.New(w.s, lease, skew)
	for _, g := range groups {
		for _, unit := range g.Units {
			for _, e := range unit.Entries {
				if next := e.NextHops[0].NextHop; next.Kind != route.Propagated {
					w.tables[e.EntryKey] = next
				}
			}
		}
	}
	return w
}

// newGroup has the paths A and B, each over a VPN connection of its own, and one
// table with n entries in one unit.
func newGroup(name string, n int) protection.Group {
	table := route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-" + name, Account: "111122223333", Region: "eu-west-1"}
	g := protection.Group{
		Name: name, Account: table.Account, Region: table.Region, Mode: protection.Enforce, WaitToRestore: 10 * time.Minute,
		Limits: protection.Limits{SettleTime: settle, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
	}
	for _, path := range []string{"A", "B"} {
		g.Paths = append(g.Paths, protection.Path{Name: path, Spec: health.Spec{
			Kind: health.KindVPN, Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute,
			Subject: health.Subject{Kind: health.SubjectVPN, ID: "vpn-" + name + path, Account: table.Account, Region: table.Region},
			Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		}})
	}
	unit := protection.Unit{Name: "all"}
	for i := range n {
		unit.Entries = append(unit.Entries, protection.Entry{
			EntryKey: protection.EntryKey{Table: table, Destination: route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))},
			NextHops: []protection.PathNextHop{{Path: "A", NextHop: hop(name, "A")}, {Path: "B", NextHop: hop(name, "B")}},
		})
	}
	g.Units = []protection.Unit{unit}
	return g
}

func hop(group, path string) route.NextHop {
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + group + path}
}

// fail makes the group's path A go down, recover ends it.
func (w *world) fail(groups ...string) {
	for _, g := range groups {
		w.down["vpn-"+g+"A"] = true
	}
}

// note counts a call and adds it to the log.
func (w *world) note(kind, what string) int {
	w.seen[kind]++
	if w.made++; w.onCall != nil {
		w.onCall(w.made)
	}
	w.calls = append(w.calls, call{at: w.s.Now(), what: strings.TrimSpace(kind + " " + what)})
	return w.seen[kind]
}

// forget empties the log and the counts, and keeps everything else.
func (w *world) forget() { w.calls, w.seen = nil, map[string]int{} }

// what is the log without the times.
func (w *world) what() []string {
	out := make([]string, len(w.calls))
	for i, c := range w.calls {
		out[i] = c.what
	}
	return out
}

// at returns when the calls of one kind were made.
func (w *world) at(kind string) []time.Time {
	var out []time.Time
	for _, c := range w.calls {
		if what, _, _ := strings.Cut(c.what, " "); what == kind {
			out = append(out, c.at)
		}
	}
	return out
}

// run starts a process that uses a controller, without waiting for it.
func (w *world) run(name string, fn func(ctx context.Context, p *sim.Process, c *controller.Controller)) *sim.Process {
	return w.s.Start(name, func(ctx context.Context, p *sim.Process) {
		port := &ports{w: w, p: p}
		fn(ctx, p, controller.New(w.groups, w.settings, controller.Ports{
			Tables: port, Lists: (*lists)(port), Evidence: (*evidence)(port), Records: (*records)(port), Wake: (*wake)(port), Publish: (*publisher)(port),
			Neighbors: (*neighbors)(port), Clock: p, NewToken: func() string { w.tokens++; return "token-" + strconv.Itoa(w.tokens) },
		}, w.filters...))
	})
}

// await lets time pass until the process has ended.
func (w *world) await(p *sim.Process) {
	w.t.Helper()
	for range 100_000 {
		if p.Done() {
			return
		}
		w.s.RunUntil(w.s.Now().Add(100 * time.Millisecond))
	}
	w.t.Fatal("the run does not end")
}

// reconcile reconciles the groups, and waits for the end.
func (w *world) reconcile(names ...string) []controller.Report {
	w.t.Helper()
	return w.trigger(controller.Trigger{Groups: names, Event: "event-1"})
}

func (w *world) trigger(trigger controller.Trigger) (reports []controller.Report) {
	w.t.Helper()
	w.await(w.run("switchover", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		reports = c.Reconcile(ctx, trigger)
	}))
	return reports
}

func (w *world) sweep() (reports []controller.Report) {
	w.t.Helper()
	w.await(w.run("sweep", func(ctx context.Context, _ *sim.Process, c *controller.Controller) { reports = c.Sweep(ctx, "sweep") }))
	return reports
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.s.RunUntil(w.s.Now().Add(d)) }

// settled adopts what stands and settles it, as a new deployment does, and then
// empties the log, the wake-ups and the events.
func settled(t testing.TB, groups ...protection.Group) *world {
	t.Helper()
	w := newWorld(t, groups...)
	for range 2 {
		w.sweep()
		w.pass(settle + time.Second)
	}
	for _, g := range groups {
		if !w.item(g.Name).Record.Settled {
			t.Fatalf("group %s is not settled after two runs", g.Name)
		}
	}
	w.wakes.Due(w.s.Now().Add(time.Hour))
	w.events = &memory.Events{}
	w.forget()
	return w
}

func (w *world) item(group string) controller.Item {
	w.t.Helper()
	items, _, err := w.store.Peek(context.Background(), []controller.Key{controller.GroupKey(group)})
	if err != nil {
		w.t.Fatal(err)
	}
	return items[0]
}

func (w *world) control() controller.Control {
	w.t.Helper()
	_, control, err := w.store.Peek(context.Background(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return control
}

// request makes an operator's request, past the scripts.
func (w *world) request(group string, r protection.Request) {
	w.t.Helper()
	r.At = w.s.Now()
	if err := w.store.Request(context.Background(), controller.GroupKey(group), r); err != nil {
		w.t.Fatal(err)
	}
}

// standsOn counts the group's entries by the path on which they stand.
func (w *world) standsOn(group string) map[string]int {
	out := map[string]int{}
	for key, next := range w.tables {
		if key.Table.ID == "tgw-rtb-"+group {
			out[strings.TrimPrefix(next.ID, "tgw-attach-"+group)]++
		}
	}
	return out
}

// published lists the kinds of the events, in order.
func (w *world) published() []string {
	var out []string
	for _, e := range w.events.All() {
		out = append(out, e.Group+": "+string(e.Kind))
	}
	return out
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, g, w)
	}
}

func only(t *testing.T, reports []controller.Report) controller.Report {
	t.Helper()
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1", len(reports))
	}
	return reports[0]
}

func outcomes(receipts []route.Receipt) map[route.Outcome]int {
	out := map[route.Outcome]int{}
	for _, r := range receipts {
		out[r.Outcome]++
	}
	return out
}

// compact removes calls that repeat the one before.
func compact(calls []string) []string { return slices.Compact(slices.Clone(calls)) }
