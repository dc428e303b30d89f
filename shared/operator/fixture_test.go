package operator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with the file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v, got\n%s\nwant\n%s", file, err, got, want)
	}
}

const (
	account = "111122223333"
	region  = "eu-west-1"
	settle  = 10 * time.Second
)

// clock stands still until somebody sleeps, and then lets the world have its runs.
type clock struct {
	*recordstest.Clock
	slept func()
}

func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	err := c.Clock.Sleep(ctx, d)
	if c.slept != nil {
		c.slept()
	}
	return err
}

// world is a network of tables and VPN connections with the records and the
// controller of one home, and the operator's tool over them.
type world struct {
	t      *testing.T
	clock  *recordstest.Clock
	store  *memory.Store
	wakes  *memory.WakeQueue
	runner *controller.Controller
	groups []protection.Group
	tool   *operator.Operator

	mu     sync.Mutex
	tables map[protection.EntryKey]route.NextHop
	down   map[string]bool // by the id of the VPN connection
	blind  map[string]bool // by the id of a table or connection
	writes []route.Change

	// What the record store is to do wrong, by the name of the method.
	fail map[string]int
	// calls are the changing calls of the record store that took effect.
	calls  []string
	asleep bool // no run comes
	around plan.Surroundings
	// flows are the executions of failbacks; nil: there is no state machine.
	flows *flows
	build func()
}

// newWorld has the groups with all routes on their first path.
func newWorld(t *testing.T, groups ...protection.Group) *world {
	t.Helper()
	w := &world{
		t: t, clock: recordstest.NewClock(), wakes: memory.NewWakeQueue(nil), groups: groups,
		tables: map[protection.EntryKey]route.NextHop{}, down: map[string]bool{}, blind: map[string]bool{}, fail: map[string]int{},
	}
	w.store = memory.New(w.clock, 20*time.Second, 2*time.Second)
	for _, g := range groups {
		for _, unit := range g.Units {
			for _, e := range unit.Entries {
				w.tables[e.EntryKey] = e.NextHops[0].NextHop
			}
		}
	}
	settings := controller.Settings{
		MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: 20 * time.Second, CallTimeout: 5 * time.Second, Skew: 2 * time.Second, Settle: settle,
	}
	tokens := 0
	ports := controller.Ports{
		Tables: (*tables)(w), Evidence: (*evidence)(w), Lists: (*lists)(w), Records: w.store, Wake: w.wakes, Publish: &memory.Events{}, Clock: w.clock,
		NewToken: func() string { tokens++; return "token-" + strconv.Itoa(tokens) },
	}
	w.runner = controller.New(groups, settings, ports)
	ids := 0
	w.build = func() {
		home := operator.Home{
			Account: account, Region: region, Controller: controller.New(groups, settings, ports),
			Records: &records{Store: w.store, w: w}, Wake: (*wake)(w), Around: (*surroundings)(w),
		}
		if w.flows != nil {
			home.Workflows = w.flows
		}
		w.tool = operator.New(operator.Options{
			Groups: groups, Clock: clock{w.clock, w.wakeUp}, By: "arn:aws:sts::111122223333:assumed-role/ops/jane (jane@desk)",
			NewID:  func() string { ids++; return fmt.Sprintf("id%03d", ids) },
			Quotas: plan.Quotas{VPCRoutes: 500, TransitGatewayRoutes: 10_000},
			Homes:  []operator.Home{home},
		})
	}
	w.build()
	return w
}

// adopted has a first run take over what stands, and settle it.
func (w *world) adopted() *world {
	w.t.Helper()
	w.run()
	w.clock.Advance(settle)
	w.run()
	return w
}

// run runs every group once, as a sweep does.
func (w *world) run() []controller.Report { return w.runner.Sweep(w.t.Context(), "sweep") }

// wakeUp delivers what is due, as the queue does, and has failbacks go on.
func (w *world) wakeUp() {
	if w.flows != nil {
		w.flows.m.pump()
	}
	if w.asleep {
		return
	}
	for _, up := range w.wakes.Due(w.clock.Now()) {
		name, _ := up.Key.Group()
		w.runner.Reconcile(context.WithoutCancel(w.t.Context()), controller.Trigger{Groups: []string{name}, Wake: true, Event: "wake-up"})
	}
}

// propose makes a proposal, which must be one.
func (w *world) propose(act operator.Act) *operator.Proposal {
	w.t.Helper()
	if act.Why == "" {
		act.Why = "a test"
	}
	if act.Groups == nil {
		act.Groups = w.tool.Groups()
	}
	p, err := w.tool.Propose(w.t.Context(), act)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// do proposes an act, carries it out, and watches it for three minutes.
func (w *world) do(act operator.Act) []operator.Ending {
	w.t.Helper()
	p := w.propose(act)
	if late, err := w.tool.Carry(w.t.Context(), p); late != nil || err != nil {
		w.t.Fatal(late, err)
	}
	return w.tool.Watch(w.t.Context(), p, 3*time.Minute, func(operator.Progress) {})
}

// status is that of the first group.
func (w *world) status() operator.Status {
	w.t.Helper()
	all, err := w.tool.Status(w.t.Context(), []string{w.groups[0].Name})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("status: %v, %+v", err, all)
	}
	return all[0]
}

func (w *world) item(name string) controller.Item {
	w.t.Helper()
	items, _, err := w.store.Peek(w.t.Context(), []controller.Key{controller.GroupKey(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return items[0]
}

func (w *world) history(key controller.Key) []controller.JournalEntry {
	w.t.Helper()
	out, err := w.store.History(w.t.Context(), key, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// group has the paths A, B and C, each over a connection of its own, and n entries
// in one transit gateway table, one in each unit.
func group(name string, n int) protection.Group {
	table := route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-" + name, Account: account, Region: region}
	g := protection.Group{
		Name: name, Account: account, Region: region, Mode: protection.Enforce, WaitToRestore: 10 * time.Minute,
		Limits: protection.Limits{SettleTime: settle, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
	}
	for _, path := range []string{"A", "B", "C"} {
		g.Paths = append(g.Paths, protection.Path{Name: path, Spec: health.Spec{
			Kind: health.KindVPN, Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute, Subject: subject(name, path),
			Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		}})
	}
	for i := range n {
		entry := protection.Entry{EntryKey: protection.EntryKey{Table: table, Destination: route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))}}
		for _, path := range []string{"A", "B", "C"} {
			entry.NextHops = append(entry.NextHops, protection.PathNextHop{Path: path, NextHop: hop(name, path)})
		}
		g.Units = append(g.Units, protection.Unit{Name: "unit" + strconv.Itoa(i), Entries: []protection.Entry{entry}})
	}
	return g
}

func subject(name, path string) health.Subject {
	return health.Subject{Kind: health.SubjectVPN, ID: "vpn-" + name + path, Account: account, Region: region}
}

func hop(name, path string) route.NextHop {
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + name + path}
}

// The ports of a world.
type (
	tables       world
	evidence     world
	lists        world
	wake         world
	surroundings world
)

func (f *tables) Read(_ context.Context, asked []route.Table) []route.Reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]route.Reading, 0, len(asked))
	for _, table := range asked {
		r := route.Reading{Table: table, StartedAt: f.clock.Now(), Complete: true}
		if f.blind[table.ID] {
			out = append(out, route.Reading{Table: table, StartedAt: r.StartedAt, Problem: route.ProblemDenied})
			continue
		}
		for key, next := range f.tables {
			if key.Table == table {
				r.Routes = append(r.Routes, route.Route{Destination: key.Destination, NextHop: next, Origin: route.OriginStatic, State: route.StateActive})
			}
		}
		slices.SortFunc(r.Routes, func(a, b route.Route) int { return a.Destination.Compare(b.Destination) })
		out = append(out, r)
	}
	return out
}

func (f *tables) Try(_ context.Context, change route.Change) route.Receipt {
	return route.Receipt{Change: change, Outcome: route.Allowed}
}

func (f *tables) Write(_ context.Context, change route.Change) route.Receipt {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tables[protection.EntryKey{Table: change.Table, Destination: change.Destination}] = change.After
	f.writes = append(f.writes, change)
	return route.Receipt{Change: change, Outcome: route.Applied}
}

func (f *evidence) Read(_ context.Context, subjects []health.Subject) []health.Fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []health.Fact
	for _, s := range subjects {
		fact := health.Fact{Subject: s, Source: health.SourceDescribeVPNConnections, ObservedAt: f.clock.Now()}
		if f.blind[s.ID] {
			fact.Kind, fact.Problem = health.FactUnreadable, route.ProblemDenied
			out = append(out, fact)
			continue
		}
		fact.Kind, fact.Value = health.FactConnectionState, "available"
		out = append(out, fact)
		for _, outside := range []string{"192.0.2.1", "192.0.2.2"} {
			fact.Kind, fact.Part, fact.Value, fact.Note = health.FactTunnelStatus, outside, health.TunnelUp, "IPSEC IS UP"
			if f.down[s.ID] {
				fact.Value, fact.Note = health.TunnelDown, "IPSEC IS DOWN\x1b[2J"
			}
			out = append(out, fact)
		}
	}
	return out
}

func (f *lists) Read(context.Context, []route.ListRef) []route.ListReading { return nil }

func (f *surroundings) Read(context.Context, []route.Table) plan.Surroundings { return f.around }

var errRefused = errors.New("it was refused")

func (f *wake) At(ctx context.Context, key controller.Key, at time.Time) error {
	if f.fail["wake"] > 0 {
		f.fail["wake"]--
		return errRefused
	}
	return f.wakes.At(ctx, key, at)
}

// records is the store as the operator's tool reaches it.
type records struct {
	*memory.Store
	w *world
}

func (r *records) call(name string, effect func() error) error {
	if r.w.fail[name] > 0 {
		r.w.fail[name]--
		return errRefused
	}
	err := effect()
	if err == nil {
		r.w.calls = append(r.w.calls, name)
	}
	return err
}

func (r *records) Peek(ctx context.Context, keys []controller.Key) (items []controller.Item, control controller.Control, err error) {
	if r.w.fail["peek"] > 0 {
		r.w.fail["peek"]--
		return nil, controller.Control{}, errRefused
	}
	return r.Store.Peek(ctx, keys)
}

func (r *records) Note(ctx context.Context, entries []controller.JournalEntry) error {
	return r.call("note", func() error { return r.Store.Note(ctx, entries) })
}

func (r *records) Request(ctx context.Context, key controller.Key, request protection.Request) error {
	return r.call("request", func() error { return r.Store.Request(ctx, key, request) })
}

func (r *records) Clear(ctx context.Context, key controller.Key, id string) error {
	return r.call("clear", func() error { return r.Store.Clear(ctx, key, id) })
}

func (r *records) Control(ctx context.Context, change controller.ControlChange) error {
	return r.call("control", func() error { return r.Store.Control(ctx, change) })
}

// broken is a record store that never answers.
type broken struct{ controller.Records }

func (broken) Peek(context.Context, []controller.Key) ([]controller.Item, controller.Control, error) {
	return nil, controller.Control{}, errRefused
}
