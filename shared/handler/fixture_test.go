package handler_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/events/payload"
	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "us-west-2"
)

var (
	errStore = errors.New("the record store did not answer")
	west     = health.Subject{Kind: health.SubjectVPN, ID: "vpn-1234567890abcdef0", Account: account, Region: region}
	standby  = health.Subject{Kind: health.SubjectVPN, ID: "vpn-standby", Account: account, Region: region}
)

// network answers for EC2: every table has the statics of path A until they are
// written, and every tunnel is UP unless its connection is down. It may be used
// from several goroutines.
type network struct {
	clock  interface{ Now() time.Time }
	groups []protection.Group

	mu     sync.Mutex
	down   map[string]bool
	routes map[protection.EntryKey]route.NextHop
	reads  int
	writes int
	// deny are targets towards which no write is allowed; tried counts dry runs.
	deny  map[string]string
	tried int
	// learned are the routes that are shown where no static hides them.
	learned []route.Route
}

func (n *network) Read(_ context.Context, tables []route.Table) []route.Reading {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reads++
	out := make([]route.Reading, len(tables))
	for i, table := range tables {
		out[i] = route.Reading{Table: table, StartedAt: n.clock.Now(), Complete: true}
		for key, next := range n.routes {
			if key.Table == table {
				out[i].Routes = append(out[i].Routes, route.Route{Table: table, Destination: key.Destination, NextHop: next, Origin: route.OriginStatic, State: route.StateActive})
			}
		}
		for _, learned := range n.learned {
			if _, hidden := n.routes[protection.EntryKey{Table: table, Destination: learned.Destination}]; learned.Table == table && !hidden {
				out[i].Routes = append(out[i].Routes, learned)
			}
		}
	}
	return out
}

func (n *network) Try(_ context.Context, change route.Change) route.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tried++
	if code := n.deny[change.After.ID]; code == "UnauthorizedOperation" {
		return route.Receipt{Change: change, Outcome: route.Denied, Code: code, Message: "You are not authorized to perform this operation."}
	} else if code != "" {
		return route.Receipt{Change: change, Outcome: route.Failed, Code: code}
	}
	return route.Receipt{Change: change, Outcome: route.Allowed, Code: "DryRunOperation"}
}

func (n *network) Write(_ context.Context, change route.Change) route.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes++
	n.routes[protection.EntryKey{Table: change.Table, Destination: change.Destination}] = change.After
	return route.Receipt{Change: change, Outcome: route.Applied}
}

type evidence struct{ n *network }

func (e evidence) Read(_ context.Context, subjects []health.Subject) []health.Fact {
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	var out []health.Fact
	for _, subject := range subjects {
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

// failingStore is a record store of which some items cannot be taken.
type failingStore struct {
	controller.Records
	broken map[controller.Key]bool
	all    bool
	err    error // nil: errStore
}

func (s failingStore) failure() error { return cmp.Or(s.err, errStore) }

func (s failingStore) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	if s.all || s.broken[key] {
		return controller.Item{}, controller.Control{}, s.failure()
	}
	return s.Records.Take(ctx, key, token)
}

func (s failingStore) Peek(ctx context.Context, keys []controller.Key) ([]controller.Item, controller.Control, error) {
	if s.all {
		return nil, controller.Control{}, s.failure()
	}
	return s.Records.Peek(ctx, keys)
}

// lines is a log handler that keeps the lines as JSON objects.
type lines struct{ buffer bytes.Buffer }

// all returns the lines so far. Every line is checked to be what a log tool and
// CloudWatch can read.
func (l *lines) all(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(l.buffer.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("the log line %q: %v", line, err)
		}
		wantUniqueKeys(t, line)
		wantEmbedded(t, fields)
		out = append(out, fields)
	}
	return out
}

// shown are the lines that a function logs at the default level.
func (l *lines) shown(t *testing.T) []map[string]any {
	t.Helper()
	return slices.DeleteFunc(l.all(t), func(line map[string]any) bool { return line["level"] == "DEBUG" })
}

// wantUniqueKeys: encoding/json takes the last of doubled keys, other readers
// refuse the line.
func wantUniqueKeys(t *testing.T, line string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		key := token.(string)
		if seen[key] {
			t.Errorf("the key %q stands twice in %s", key, line)
		}
		seen[key] = true
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
}

// wantEmbedded: every metric that the metadata names is a number at the top, is
// in the table with that unit, and stands in one directive; every dimension is a
// text at the top (CloudWatch User Guide, "Specification: Embedded metric format").
func wantEmbedded(t *testing.T, line map[string]any) {
	t.Helper()
	raw, ok := line["_aws"]
	if !ok {
		for _, m := range handler.Metrics() {
			if _, ok := line[m.Name]; ok {
				t.Errorf("the value of %s stands in a line without metadata: %v", m.Name, line)
			}
		}
		return
	}
	if line["level"] == "DEBUG" {
		t.Errorf("a line that is not written by default has metrics: %v", line)
	}
	meta := raw.(map[string]any)
	if at, ok := meta["Timestamp"].(float64); !ok || time.UnixMilli(int64(at)).Year() != 2026 {
		t.Errorf("the timestamp is %v", meta["Timestamp"])
	}
	table := map[string]handler.Metric{}
	for _, m := range handler.Metrics() {
		table[m.Name] = m
	}
	named := map[string]bool{}
	for _, d := range meta["CloudWatchMetrics"].([]any) {
		directive := d.(map[string]any)
		metrics, dimensions := directive["Metrics"].([]any), directive["Dimensions"].([]any)
		if directive["Namespace"] != "Detour" || len(metrics) == 0 || len(metrics) > 100 || len(dimensions) == 0 {
			t.Errorf("the directive %v", directive)
		}
		for _, set := range dimensions {
			if keys := set.([]any); len(keys) > 30 || keys[0] != "Function" {
				t.Errorf("the dimensions %v", keys)
			}
			for _, key := range set.([]any) {
				if value, ok := line[key.(string)].(string); !ok || value == "" || len(value) > 1024 {
					t.Errorf("the dimension %v is %v", key, line[key.(string)])
				}
			}
		}
		for _, m := range metrics {
			metric := m.(map[string]any)
			name := metric["Name"].(string)
			if _, ok := line[name].(float64); !ok || named[name] || table[name].Unit != metric["Unit"] {
				t.Errorf("the metric %v is %v", metric, line[name])
			}
			named[name] = true
		}
	}
	for name := range table {
		if _, ok := line[name]; ok != named[name] {
			t.Errorf("the value of %s stands in a line whose metadata does not name it: %v", name, line)
		}
	}
}

// rig is a handler with everything around it.
type rig struct {
	*handler.Handler

	clock *recordstest.Clock
	net   *network
	store *memory.Store
	wakes *memory.WakeQueue
	log   *lines
	// with makes the handler anew, with other options, and tasks those of failbacks.
	with  func(handler.Options) *handler.Handler
	tasks func(controller.Publisher) *failback.Runner
}

// newRig has the groups in Enforce mode, settled on path A.
func newRig(t *testing.T, wrap func(controller.Records) controller.Records, groups ...protection.Group) *rig {
	t.Helper()
	r := &rig{clock: recordstest.NewClock(), wakes: memory.NewWakeQueue(nil), log: &lines{}}
	r.net = &network{clock: r.clock, groups: groups, down: map[string]bool{}, routes: map[protection.EntryKey]route.NextHop{}}
	for _, g := range groups {
		for _, u := range g.Units {
			for _, e := range u.Entries {
				r.net.routes[e.EntryKey] = e.NextHops[0].NextHop
			}
		}
	}
	settings := controller.Settings{
		MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: recordstest.Lease, CallTimeout: 5 * time.Second,
		Skew: recordstest.Skew, Settle: 10 * time.Second,
	}
	r.store = memory.New(r.clock, settings.Lease, settings.Skew)
	var mu sync.Mutex
	tokens := 0
	token := func() string {
		mu.Lock()
		defer mu.Unlock()
		tokens++
		return fmt.Sprint("token-", tokens)
	}
	build := func(records controller.Records) *controller.Controller {
		return controller.New(groups, settings, controller.Ports{
			Tables: r.net, Evidence: evidence{r.net}, Records: records, Wake: r.wakes, Publish: &memory.Events{}, Clock: r.clock, NewToken: token,
		})
	}
	for range 2 {
		build(r.store).Sweep(t.Context(), "sweep")
		r.clock.Advance(time.Minute)
	}
	r.wakes.Due(r.clock.Now())
	r.net.reads = 0
	var records controller.Records = r.store
	if wrap != nil {
		records = wrap(r.store)
	}
	log := slog.New(slog.NewJSONHandler(&r.log.buffer, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.with = func(o handler.Options) *handler.Handler { return handler.New(build(records), r.clock, log, o) }
	r.tasks = func(publish controller.Publisher) *failback.Runner {
		return failback.New(build(records), failback.Options{Publish: publish, Clock: r.clock, Settle: settings.Settle})
	}
	r.Handler = r.with(handler.Options{Function: "detour-test"})
	return r
}

// newGroup has path A over the subject and path B over the standby, and one
// entry in the table.
func newGroup(name string, subject health.Subject, table string) protection.Group {
	g := protection.Group{
		Name: name, Account: account, Region: region, Mode: protection.Enforce,
		Limits: protection.Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
	}
	entry := protection.Entry{EntryKey: protection.EntryKey{
		Table:       route.Table{Kind: route.TransitGatewayTable, ID: table, Account: account, Region: region},
		Destination: route.MustDestination("10.0.0.0/8"),
	}}
	for path, s := range map[string]health.Subject{"A": subject, "B": standby} {
		g.Paths = append(g.Paths, protection.Path{Name: path, Spec: health.Spec{
			Kind: health.KindVPN, Subject: s, Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute,
			Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		}})
		entry.NextHops = append(entry.NextHops, protection.PathNextHop{Path: path, NextHop: route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + path}})
	}
	if g.Paths[0].Name != "A" {
		g.Paths[0], g.Paths[1] = g.Paths[1], g.Paths[0]
		entry.NextHops[0], entry.NextHops[1] = entry.NextHops[1], entry.NextHops[0]
	}
	g.Units = []protection.Unit{{Name: "all", Entries: []protection.Entry{entry}}}
	return g
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := payload.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// state is all that the record store holds of the groups and of the look at
// everything.
func (r *rig) state(t *testing.T) string {
	t.Helper()
	keys := []controller.Key{controller.KeyEverything}
	for _, g := range r.net.groups {
		keys = append(keys, controller.GroupKey(g.Name))
	}
	items, control, err := r.store.Peek(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v %+v", items, control)
}

// batch is an SQS batch with these bodies; the messages are m1, m2, ….
func batch(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var records []any
	for i, body := range bodies {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m", i+1), "eventSource": "aws:sqs", "body": body})
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func wakeUp(key string) string { return `{"detour":"wake-up","key":"` + key + `"}` }
