package failback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	settle  = 10 * time.Second
)

// network answers for EC2: the statics as they were written, further routes as a test
// wants them, and every tunnel UP unless its connection is down.
type network struct {
	clock *recordstest.Clock

	mu     sync.Mutex
	routes map[protection.EntryKey]route.NextHop
	more   []route.Route
	// unreadable: no table can be read. problem is why.
	problem route.Problem
	down    map[string]bool
	alarm   string
	writes  []route.Change
	// refuse is what becomes of a write that is not applied.
	refuse route.Outcome
	// after is called after each reading of tables.
	after func()
}

func (n *network) Read(_ context.Context, tables []route.Table) []route.Reading {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]route.Reading, len(tables))
	for i, table := range tables {
		out[i] = route.Reading{Table: table, StartedAt: n.clock.Now(), Complete: n.problem == "", Problem: n.problem}
		for key, next := range n.routes {
			if key.Table == table {
				out[i].Routes = append(out[i].Routes, route.Route{Table: table, Destination: key.Destination, NextHop: next, Origin: route.OriginStatic, State: route.StateActive})
			}
		}
		for _, r := range n.more {
			if r.Table == table {
				out[i].Routes = append(out[i].Routes, r)
			}
		}
	}
	if n.after != nil {
		n.after()
	}
	return out
}

func (n *network) Try(_ context.Context, change route.Change) route.Receipt {
	return route.Receipt{Change: change, Outcome: route.Allowed}
}

func (n *network) Write(_ context.Context, change route.Change) route.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes = append(n.writes, change)
	if n.refuse != "" {
		return route.Receipt{Change: change, Outcome: n.refuse}
	}
	n.routes[protection.EntryKey{Table: change.Table, Destination: change.Destination}] = change.After
	return route.Receipt{Change: change, Outcome: route.Applied}
}

type evidence struct{ n *network }

func (e evidence) Read(_ context.Context, subjects []health.Subject) []health.Fact {
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	var out []health.Fact
	for _, subject := range subjects {
		if subject.Kind == health.SubjectAlarm {
			out = append(out, health.Fact{
				Subject: subject, Kind: health.FactAlarmState, Value: e.n.alarm, Source: health.SourceDescribeAlarms,
				ObservedAt: e.n.clock.Now(), ChangedAt: e.n.clock.Now().Add(-time.Hour),
			})
			continue
		}
		for _, outside := range []string{"192.0.2.1", "192.0.2.2"} {
			value := health.TunnelUp
			if e.n.down[subject.ID] {
				value = health.TunnelDown
			}
			out = append(out, health.Fact{
				Subject: subject, Kind: health.FactTunnelStatus, Part: outside, Value: value,
				Source: health.SourceDescribeVPNConnections, ObservedAt: e.n.clock.Now(),
			})
		}
	}
	return out
}

// newGroup has the paths A and B, and units of two entries each, in one table.
func newGroup(name string, units int) protection.Group {
	table := route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-" + name, Account: account, Region: region}
	g := protection.Group{
		Name: name, Account: account, Region: region, Mode: protection.Enforce,
		Limits:   protection.Limits{SettleTime: settle, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
		Failback: protection.FailbackSettings{Stability: 10 * time.Minute, Soak: time.Minute, ApprovalTimeout: time.Hour},
	}
	for _, path := range []string{"A", "B"} {
		g.Paths = append(g.Paths, protection.Path{Name: path, Spec: health.Spec{
			Kind: health.KindVPN, Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute,
			Subject: health.Subject{Kind: health.SubjectVPN, ID: "vpn-" + path, Account: account, Region: region},
			Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		}})
	}
	for u := range units {
		unit := protection.Unit{Name: fmt.Sprint("unit-", u+1)}
		for e := range 2 {
			unit.Entries = append(unit.Entries, protection.Entry{
				EntryKey: protection.EntryKey{Table: table, Destination: route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", u, e))},
				NextHops: []protection.PathNextHop{{Path: "A", NextHop: hop("A")}, {Path: "B", NextHop: hop("B")}},
			})
		}
		g.Units = append(g.Units, unit)
	}
	return g
}

func hop(path string) route.NextHop {
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + path}
}

// bench is a group that was switched over to path B, whose path A is back, and the
// tasks.
type bench struct {
	t      *testing.T
	clock  *recordstest.Clock
	net    *network
	store  *memory.Store
	events *memory.Events
	wakes  *memory.WakeQueue
	c      *controller.Controller
	tasks  *failback.Runner
	state  failback.State
	tokens int
	// records is the store as the controller has it.
	records *scripted
}

// scripted is a record store that fails where a test wants it to.
type scripted struct {
	controller.Records

	peek, take, commit error
	commits            int
}

func (s *scripted) Peek(ctx context.Context, keys []controller.Key) ([]controller.Item, controller.Control, error) {
	if s.peek != nil {
		return nil, controller.Control{}, s.peek
	}
	return s.Records.Peek(ctx, keys)
}

func (s *scripted) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	if s.take != nil {
		return controller.Item{}, controller.Control{}, s.take
	}
	return s.Records.Take(ctx, key, token)
}

func (s *scripted) Commit(ctx context.Context, commit controller.Commit) (controller.Item, error) {
	if s.commit != nil {
		return controller.Item{}, s.commit
	}
	s.commits++
	return s.Records.Commit(ctx, commit)
}

const (
	execution = "failback-paris-1-1"
	input     = `{"group": "paris", "by": "alice", "why": "line 1 was repaired"}`
)

// newBench has the group on path B since an hour ago; path A has been up for long
// enough, unless up says for how long it has been.
func newBench(t *testing.T, group protection.Group, up time.Duration) *bench {
	t.Helper()
	b := &bench{t: t, clock: recordstest.NewClock(), events: &memory.Events{}, wakes: memory.NewWakeQueue(nil)}
	b.net = &network{clock: b.clock, routes: map[protection.EntryKey]route.NextHop{}, down: map[string]bool{}, alarm: health.AlarmOK}
	for _, unit := range group.Units {
		for _, e := range unit.Entries {
			b.net.routes[e.EntryKey] = e.NextHops[0].NextHop
		}
	}
	b.store = memory.New(b.clock, recordstest.Lease, recordstest.Skew)
	b.records = &scripted{Records: b.store}
	b.c = controller.New([]protection.Group{group}, controller.Settings{
		MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: recordstest.Lease, CallTimeout: 5 * time.Second, Skew: recordstest.Skew, Settle: settle,
	}, controller.Ports{
		Tables: b.net, Evidence: evidence{b.net}, Records: b.records, Wake: b.wakes, Publish: b.events, Clock: b.clock, NewToken: b.token,
	})
	b.tasks = failback.New(b.c, failback.Options{Publish: b.events, Clock: b.clock, Settle: settle, Elsewhere: map[string]string{"lyon": "444455556666 in eu-west-3"}})
	b.sweeps(3)
	b.net.down["vpn-A"] = true
	b.sweeps(3)
	b.net.down["vpn-A"] = false
	b.sweeps(1)
	if up > time.Minute {
		b.clock.Advance(up - time.Minute)
		b.sweeps(1)
	}
	if on := b.standsOn(); on["B"] != len(b.net.routes) || !b.record().Settled {
		t.Fatalf("the group stands on %v, %+v", on, b.record())
	}
	b.begin(execution, input)
	b.net.writes = nil
	return b
}

func (b *bench) token() string {
	b.tokens++
	return fmt.Sprint("lease-", b.tokens)
}

// sweeps runs the sweep n times, a minute apart.
func (b *bench) sweeps(n int) {
	for range n {
		b.c.Sweep(b.t.Context(), "sweep")
		b.clock.Advance(time.Minute)
	}
}

func (b *bench) record() protection.Record {
	b.t.Helper()
	items, _, err := b.store.Peek(b.t.Context(), []controller.Key{controller.GroupKey("paris")})
	if err != nil {
		b.t.Fatal(err)
	}
	return items[0].Record
}

// request makes an operator's request of the group.
func (b *bench) request(r protection.Request) {
	b.t.Helper()
	r.ID, r.At = string(r.Kind), b.clock.Now()
	if err := b.store.Request(b.t.Context(), controller.GroupKey("paris"), r); err != nil {
		b.t.Fatal(err)
	}
}

// standsOn counts the entries by the path on which they stand, which is the end of the
// next hop's name.
func (b *bench) standsOn() map[string]int {
	out := map[string]int{}
	for _, next := range b.net.routes {
		out[next.ID[strings.LastIndex(next.ID, "-")+1:]]++
	}
	return out
}

// begin is what the state Begin of the definition does.
func (b *bench) begin(execution, input string) {
	b.state = failback.State{Execution: execution, Input: json.RawMessage(input)}
}

// give runs a task on the state, as the state machine does.
func (b *bench) give(task failback.Task, more map[string]any) failback.Result {
	b.t.Helper()
	payload := map[string]any{"task": task, "state": b.state}
	for key, value := range more {
		payload[key] = value
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.tasks.Run(invocation{b.t.Context(), b.clock.Now().Add(functionTimeout)}, task, raw)
}

// functionTimeout is how long Lambda lets a task run.
const functionTimeout = 5 * time.Minute

// invocation is the context of a task's function, whose time ends by the bench's clock.
type invocation struct {
	context.Context //nolint:containedctx // It is one.

	until time.Time
}

// Deadline implements context.Context.
func (i invocation) Deadline() (time.Time, bool) { return i.until, true }

// do runs a task that goes well, and takes its answer over by its JSON, as the state
// machine does.
func (b *bench) do(task failback.Task, more map[string]any) {
	b.t.Helper()
	result := b.give(task, more)
	if result.Err != nil {
		b.t.Fatalf("%s: %v", task, result.Err)
	}
	if task != failback.Ask {
		b.take(result)
	}
}

func (b *bench) take(result failback.Result) {
	b.t.Helper()
	body, err := result.Body()
	if err != nil {
		b.t.Fatal(err)
	}
	b.state = failback.State{}
	if err := json.Unmarshal(body, &b.state); err != nil {
		b.t.Fatal(err)
	}
}

// twice runs a task, has its answer lost, and runs it again: it answers the same, and
// nothing more is written.
func (b *bench) twice(task failback.Task, more map[string]any) {
	b.t.Helper()
	before := b.state
	first := b.give(task, more)
	if first.Err != nil {
		b.t.Fatalf("%s: %v", task, first.Err)
	}
	written, record := len(b.net.writes), b.record()
	b.state = before
	second := b.give(task, more)
	if second.Err != nil {
		b.t.Fatalf("%s again: %v", task, second.Err)
	}
	one, _ := first.Body()
	other, _ := second.Body()
	if string(one) != string(other) {
		b.t.Errorf("%s answers\n%s\nand again\n%s", task, one, other)
	}
	if len(b.net.writes) != written {
		b.t.Errorf("%s writes once more: %v", task, b.net.writes[written:])
	}
	if after := b.record(); after.Decision != record.Decision || after.Failback.ID != record.Failback.ID || after.Failback.Over != record.Failback.Over || after.Failback.Plan != record.Failback.Plan {
		b.t.Errorf("%s leaves the record\n%+v\nand again\n%+v", task, record, after)
	}
	if task != failback.Ask {
		b.take(second)
	}
}

// approve answers the question.
func (b *bench) approve() {
	b.t.Helper()
	b.state.Approval = json.RawMessage(fmt.Sprintf(`{"plan": %q, "by": "bob"}`, b.record().Failback.Plan))
}

var asked = map[string]any{"token": "the-task-token"}

// opened has a failback whose plan is approved.
func opened(t *testing.T, group protection.Group) *bench {
	t.Helper()
	b := newBench(t, group, 11*time.Minute)
	b.do(failback.Precheck, nil)
	b.do(failback.Ask, asked)
	b.approve()
	b.do(failback.Precheck, map[string]any{"again": true})
	if b.state.Next != failback.NextAdvance || b.state.Step != 1 {
		t.Fatalf("after the approval the state is %+v", b.state)
	}
	return b
}

// moved has a failback whose canary has moved and soaked.
func moved(t *testing.T, group protection.Group) *bench {
	t.Helper()
	b := opened(t, group)
	b.do(failback.Advance, nil)
	b.clock.Advance(time.Duration(b.state.SoakSeconds) * time.Second)
	return b
}

// caught has the state machine catch an error.
func (b *bench) caught(err error) {
	cause, _ := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": failback.ErrorName(err)})
	b.state.Caught = &failback.Caught{Error: failback.ErrorName(err), Cause: string(cause)}
}

// end closes the failback, and says what it came to.
func (b *bench) end() (protection.FailbackEnd, string) {
	b.t.Helper()
	for range 20 {
		result := b.give(failback.Close, nil)
		if later, ok := errors.AsType[failback.Unsettled](result.Err); ok {
			b.t.Log(later)
			b.clock.Advance(15 * time.Second)
			continue
		}
		if result.Err != nil {
			b.t.Fatal(result.Err)
		}
		b.take(result)
		return b.state.End, b.state.Why
	}
	b.t.Fatal("it is not closed")
	return "", ""
}

func wantError[E error](t *testing.T, result failback.Result, parts ...string) {
	t.Helper()
	if _, ok := errors.AsType[E](result.Err); !ok {
		var want E
		t.Fatalf("got the error %T %v, want %T", result.Err, result.Err, want)
	}
	for _, part := range parts {
		if !strings.Contains(result.Err.Error(), part) {
			t.Errorf("nothing of %q in: %v", part, result.Err)
		}
	}
	if body, err := result.Body(); body != nil || err == nil {
		t.Errorf("there is an answer beside the error: %s", body)
	}
}

func kinds(events []controller.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, string(e.Kind))
	}
	return slices.Compact(out)
}
