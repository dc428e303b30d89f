package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// The tests of this file run what is deployed: the compiled functions, against
// the network on loopback with its record store, queue and bus. Nothing is
// wired in process, and time is real.

// patience bounds how long a test waits for what must happen. It is no
// measurement: a test that passes ends long before.
const patience = 2 * time.Minute

const (
	group      = "other-cloud"
	primary    = "vpn-0b000000000000001"
	coreTable  = "tgw-rtb-0c000000000000001"
	toPrimary  = "tgw-attach-0b000000000000001"
	toBackup   = "tgw-attach-0b000000000000002"
	writeCalls = "ReplaceTransitGatewayRoute"
)

// functions builds the functions for this machine as make build does, and
// returns their folder.
func functions(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "make", "-s", "-C", root(t), "host").CombinedOutput()
	if err != nil {
		t.Fatalf("building the functions: %v\n%s", err, out)
	}
	return filepath.Join(root(t), "dist", "host")
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	folder, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// network is a network that comes with the lab, with an AWS that notices within
// a moment and leases that end soon.
func network(t testing.TB, name string) *lab.TopologyFile {
	t.Helper()
	file, err := lab.FindTopology(name)
	if err != nil {
		t.Fatal(err)
	}
	const ms = config.Duration(time.Millisecond)
	file.World.DetectAfter, file.World.RecoverAfter, file.World.EventDelay = 300*ms, 300*ms, 50*ms
	timers := &file.Config.Timers
	timers.CallTimeout, timers.ClockSkew, timers.Lease, timers.SettleTime = 1000*ms, 100*ms, 2500*ms, 1000*ms
	if problems := config.Check(file.Config); len(problems) > 0 {
		t.Fatal(problems)
	}
	return file
}

// output collects what the server tells.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// logged are the lines that the functions have logged.
func logged(t testing.TB, out *output) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var line struct {
			Kind, What string
			Data       map[string]any
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil && line.Kind == "" {
			t.Fatalf("the server told %q: %v", text, err)
		}
		if line.Kind != "log" {
			continue
		}
		if line.Data == nil {
			t.Errorf("a function wrote what is no JSON: %s", line.What)
		}
		lines = append(lines, line.Data)
	}
	return lines
}

// serve starts the network with the real functions, and has a sweep adopt what
// stands in the tables.
func serve(t testing.TB, opts live.Options) (*live.Server, *output) {
	t.Helper()
	out := &output{}
	opts.Out, opts.JSON, opts.FunctionsDir, opts.Listen, opts.NoSchedule = out, true, functions(t), "127.0.0.1:0", true
	if opts.File == nil {
		opts.File = network(t, "cloud-join")
	}
	server, err := live.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if t.Failed() {
			t.Log(out.String())
		}
	})
	do(t, server, "sweep")
	if status := journal(t, server, opts.File.Config.GroupList[0].Name); len(status) != 1 || status[0].Decision.Action != "adopt" {
		t.Fatalf("the sweep did not adopt the group: %+v", status)
	}
	return server, out
}

func do(t testing.TB, server *live.Server, action string, args ...string) any {
	t.Helper()
	answer, err := server.Do(t.Context(), action, args...)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return answer
}

func journal(t testing.TB, server *live.Server, group string) live.Journal {
	t.Helper()
	entries, ok := do(t, server, "journal", group).(live.Journal)
	if !ok {
		t.Fatal("journal answered something else")
	}
	return entries
}

// await waits until something holds. It looks again at every change.
func await(t testing.TB, server *live.Server, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		changed := server.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s: it never came to that", what)
		}
	}
}

// writes are the successful route writes in the network's own call log.
func writes(server *live.Server) []sim.CallRecord {
	return slices.DeleteFunc(server.World().Calls(), func(c sim.CallRecord) bool { return c.Write == nil })
}

// attempts are all calls that would write a route, with or without success.
func attempts(server *live.Server) []sim.CallRecord {
	return slices.DeleteFunc(server.World().Calls(), func(c sim.CallRecord) bool {
		return !strings.Contains(c.Action, "Route") || strings.HasPrefix(c.Action, "Describe") || strings.HasPrefix(c.Action, "Search") || strings.HasPrefix(c.Action, "Get")
	})
}

// targets are where the group's two routes of the transit gateway point.
func targets(server *live.Server) []string {
	var out []string
	for _, route := range server.World().StaticRoutes() {
		if route.Table == coreTable {
			out = append(out, route.Target)
		}
	}
	return out
}

func moved(server *live.Server) bool {
	return slices.Equal(targets(server), []string{toBackup, toBackup})
}

func reachable(server *live.Server) bool {
	return everyone(server, "shop", "billing", "tokyo", "beijing")
}

// everyone reports whether every host reaches every other.
func everyone(server *live.Server, hosts ...string) bool {
	for _, row := range server.World().Matrix(hosts) {
		if slices.Contains(row, false) {
			return false
		}
	}
	return true
}

// TestTheRealFunctionsBringTrafficBack: a tunnel fails, the network's own event
// goes through the rules to the compiled function, and traffic arrives again.
// No schedule runs, so nothing but the event can have done it.
func TestTheRealFunctionsBringTrafficBack(t *testing.T) {
	server, out := serve(t, live.Options{})
	if !reachable(server) {
		t.Fatal("the network is broken before anything happened")
	}
	do(t, server, "tunnel-down", primary)
	if reachable(server) {
		t.Fatal("the failure broke nothing")
	}
	await(t, server, "traffic arrives again", func() bool { return reachable(server) })
	// The settling run is started by a wake-up that went through the queue.
	await(t, server, "the move settles", func() bool { return journal(t, server, group)[0].Note == "settled" })
	if got := writes(server); len(got) != 2 || got[0].Write.After != toBackup || got[1].Write.After != toBackup {
		t.Errorf("written were %+v", got)
	}
	entries := journal(t, server, group)
	if len(entries) != 3 || entries[1].Decision.Reason != "signal-fail" || entries[1].Decision.To != "backup" || entries[1].Event == "" {
		t.Errorf("the journal is %+v", entries)
	}
	causes := map[string]bool{}
	for _, in := range server.Invocations() {
		causes[in.Cause] = true
		if in.Result != live.Succeeded {
			t.Errorf("an invocation ended otherwise: %+v", in)
		}
	}
	if !causes[live.CauseEvent] || !causes[live.CauseWakeUp] || causes[live.CauseSchedule] {
		t.Errorf("the functions were started by %v", causes)
	}
	await(t, server, "Detour tells of it", func() bool {
		return strings.Contains(out.String(), "Switchover Started") && strings.Contains(out.String(), "Switchover Completed")
	})
	if dead := server.DeadLetters(); len(dead) != 0 {
		t.Errorf("there are dead letters: %+v", dead)
	}
}

// firstWrite stands before the services. It lets the first route write take
// effect and then kills its sender before the answer; calls of the dead do not
// arrive any more.
type firstWrite struct {
	next http.Handler
	kill func()

	mu    sync.Mutex
	fired bool
	dead  chan struct{} // closed once the first sender is dead
	after func()
}

func (f *firstWrite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte("Action="+writeCalls)) {
		f.next.ServeHTTP(w, r)
		return
	}
	select {
	case <-f.dead:
		f.next.ServeHTTP(w, r)
		return
	default:
	}
	// The first function is alive, so this write is its.
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.fired {
		f.fired = true
		f.next.ServeHTTP(httptest.NewRecorder(), r)
		f.kill()
		f.after()
		close(f.dead)
	}
	panic(http.ErrAbortHandler)
}

// TestTheNextRunFinishesWhatAKilledOneBegan: the function dies with one route
// moved of two, its lease still running. Lambda tries the event again.
func TestTheNextRunFinishesWhatAKilledOneBegan(t *testing.T) {
	var server *live.Server
	var between []string
	killer := &firstWrite{dead: make(chan struct{})}
	killer.kill = func() {
		if n := server.Function(live.Switchover).Kill(); n == 0 {
			t.Error("there was nobody to kill")
		}
	}
	killer.after = func() { between = targets(server) }
	// The further attempts come after the lease has run out, as they do with the
	// times of Lambda and the default lease.
	server, _ = serve(t, live.Options{
		RetryDelays: []time.Duration{3 * time.Second, 3 * time.Second},
		Wrap:        func(next http.Handler) http.Handler { killer.next = next; return killer },
	})
	do(t, server, "tunnel-down", primary)
	await(t, server, "the next run finishes", func() bool { return moved(server) })
	<-killer.dead
	slices.Sort(between)
	if !slices.Equal(between, []string{toPrimary, toBackup}) {
		t.Errorf("when the function was dead the routes pointed to %v", between)
	}
	killed, again := false, false
	await(t, server, "the second attempt ends", func() bool {
		for _, in := range server.Invocations() {
			killed = killed || in.Result == live.Failed
			again = again || (in.Attempt == 2 && in.Result == live.Succeeded)
		}
		return again
	})
	if !killed {
		t.Error("no invocation was killed")
	}
	if got := writes(server); len(got) != 2 {
		t.Errorf("a route was written twice: %+v", got)
	}
	moves := 0
	for _, entry := range journal(t, server, group) {
		if entry.Decision.Action == "move" && entry.Note == "" {
			moves++
		}
	}
	if moves != 1 {
		t.Errorf("%d moves were decided: %+v", moves, journal(t, server, group))
	}
}

// TestTwentyAtOnceAreOneWriter: Lambda runs twenty environments for one group.
func TestTwentyAtOnceAreOneWriter(t *testing.T) {
	const n = 20
	server, out := serve(t, live.Options{Environments: n})
	do(t, server, "events", "lose")
	do(t, server, "tunnel-down", primary)
	if err := server.WaitDetected(t.Context()); err != nil {
		t.Fatal(err)
	}
	event := server.LastEvent()
	if event == nil {
		var err error
		if event, err = server.WaitEvent(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended := make([]live.Invocation, n)
	var all sync.WaitGroup
	for i := range ended {
		all.Go(func() {
			var err error
			if ended[i], err = server.Invoke(t.Context(), live.Switchover, event); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, in := range ended {
		if in.Result != live.Succeeded {
			t.Errorf("an invocation ended otherwise: %+v", in)
		}
	}
	if !reachable(server) {
		t.Error("traffic does not arrive")
	}
	// One writer writes each route once; a second one would at least have tried.
	if got := attempts(server); len(got) != 2 || len(writes(server)) != 2 {
		t.Errorf("route writes were tried %d times: %+v", len(got), got)
	}
	moves := 0
	for _, entry := range journal(t, server, group) {
		if entry.Decision.Action == "move" {
			moves++
		}
	}
	writers, late := 0, 0
	for _, line := range logged(t, out) {
		switch {
		case line["writes"] == "applied=2":
			writers++
		case line["msg"] == "busy":
			late++
		}
	}
	if moves != 1 || writers != 1 || late == 0 {
		t.Errorf("%d moves by %d writers, and %d that came too late", moves, writers, late)
	}
}
