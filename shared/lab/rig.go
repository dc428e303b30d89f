package lab

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/memory"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/filter"
	"detour/shared/handler"
	"detour/shared/ingest"
	"detour/shared/protection"
	"detour/shared/sim"
	"detour/shared/sim/authz"
	"detour/shared/sim/cloudwatchapi"
	"detour/shared/sim/ec2api"
	"detour/shared/sim/endpoint"
	"detour/shared/wiring"
)

// Start is the virtual instant at which every run of the lab begins.
func Start() time.Time { return time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC) }

// Function names one of Detour's functions.
type Function string

// The functions that exist today, beside those of the tasks of failbacks, which have
// the names of failback.Task.Function.
const (
	Switchover  Function = "switchover"
	Sweep       Function = "sweep"
	RouteFilter Function = "routefilter"
)

// functionTimeout is the Lambda timeout of the functions; a run that takes
// longer is killed.
const functionTimeout = 5 * time.Minute

// Options are what a rig is built from.
type Options struct {
	Seed     uint64
	Topology sim.Topology
	World    sim.Options
	Config   config.Config
	Faults   Faults
	// Silent keeps the World's events from being delivered; the caller delivers
	// what it wants with Rig.Deliver.
	Silent bool
	// PageLimit bounds how many items a page of an answer has; 0: no bound.
	PageLimit int
	// NoSweep switches the schedule off.
	NoSweep bool
	// WrapRecords lets a test put something between the controller and the store.
	WrapRecords func(controller.Records) controller.Records
	// WrapTables lets a test put something between the controller and the route tables.
	WrapTables func(controller.RouteTables) controller.RouteTables
	// BreakFilters lets a test have the functions work with other filters than are
	// declared.
	BreakFilters func([]filter.Filter) []filter.Filter
	// Wire deploys Detour as in AWS: its records, wake-ups and events go through
	// the real adapters over the wire. Without it they are kept in memory.
	Wire bool
	// Identities are the roles of the functions, with which they are allowed what
	// their policies say; nil: they may do all. They ask for Wire.
	Identities *Identities
	// Log gets Detour's own log lines; nil discards them.
	Log io.Writer
	// Trace gets the scheduler's trace; nil: none.
	Trace io.Writer
}

// Faults are the faults of a run. The zero value has none.
type Faults struct {
	// Calls are the faults of API calls and processes.
	Calls sim.FaultPlan
	// Events are the faults of event delivery.
	Events sim.EventFaults
	// StoreError is the chance that a call of the record store fails, before or
	// after its effect.
	StoreError float64
	// DoubleWake is the chance that a wake-up is delivered twice.
	DoubleWake float64
	// EarlyWake is the chance that a wake-up comes up to a second early, as the
	// clocks of two machines may differ.
	EarlyWake float64
}

// Rig is one run of Detour on a simulated network.
type Rig struct {
	Scheduler *sim.Scheduler
	World     *sim.World
	// Store is the record store as an operator and the checkers reach it: no fault
	// is between.
	Store controller.Records
	// Authority decides what the functions may do; nil: nobody does.
	Authority *authz.Authority

	opts      Options
	groups    []protection.Group
	filters   []filter.Filter
	settings  controller.Settings
	home      string
	plan      *sim.FaultPlan
	transport *sim.Transport
	records   controller.Records
	wire      *wire // nil: all is in memory
	rules     []rule
	workflow  *Workflow // nil: nobody has asked for it yet
	log       *slog.Logger

	tokens    int
	storeHits int
	wakesHit  int
	earlyHit  int
	wakes     int
	Runs      []Run
	Emitted   []EmittedEvent
	Published []controller.Event
	Requests  []MadeRequest
	// changes is how many times the configuration was changed.
	changes int
	err     error
}

// Run is one invocation of a function, for the timeline.
type Run struct {
	Function Function
	Process  *sim.Process
	Attempt  int
	Started  time.Time
	Ended    time.Time
	Cause    string
	// Message is what the function was invoked with.
	Message []byte
	Outcome handler.Outcome
	// Changes is how many times the configuration had changed when the run took it.
	Changes int
	// Finished is false while it runs, and for ever if it was killed; Ended is
	// then when it was killed.
	Finished bool
}

// EmittedEvent is one event as the World emitted it.
type EmittedEvent struct {
	At  time.Time
	Raw []byte
}

// MadeRequest is an operator's request as it was made.
type MadeRequest struct {
	At      time.Time
	Group   string
	Request protection.Request
	Clear   bool
}

// NewRig builds the network and Detour on it. Nothing runs yet.
func NewRig(opts Options) (*Rig, error) {
	if problems := config.Check(opts.Config); len(problems) > 0 {
		return nil, fmt.Errorf("checking the configuration: %s: %s", problems[0].Path, problems[0].What)
	}
	r := &Rig{opts: opts, groups: opts.Config.Groups(), filters: opts.Config.Filters()}
	r.log = logger(opts.Log, func() time.Time { return r.Scheduler.Now() })
	if err := r.settle(); err != nil {
		return nil, err
	}
	r.Scheduler = sim.NewScheduler(opts.Seed, Start())
	if opts.Trace != nil {
		r.Scheduler.SetTraceWriter(opts.Trace)
	}
	var err error
	r.World, err = sim.NewWorld(r.Scheduler, opts.Topology, opts.World)
	if err != nil {
		return nil, fmt.Errorf("building the network: %w", err)
	}
	r.plan = &r.opts.Faults.Calls
	r.Scheduler.SetFaultPlan(r.plan)
	face := ec2api.New(r.World)
	face.LimitPages(opts.PageLimit)
	r.settings = controller.SettingsFrom(opts.Config)
	alarms := cloudwatchapi.New(r.World)
	alarms.LimitPages(opts.PageLimit)
	faces := map[string]http.Handler{"ec2": face, "sts": face, cloudwatchapi.Service: alarms}
	if opts.Wire {
		if err := r.deploy(faces); err != nil {
			return nil, err
		}
	} else {
		r.Store = memory.New(r.Scheduler, r.settings.Lease, r.settings.Skew)
	}
	services := endpoint.New(faces)
	if err := r.authorize(services, face); err != nil {
		return nil, err
	}
	r.transport = sim.NewTransport(r.Scheduler, services, r.plan, r.World.Record)
	r.records = r.Store
	if opts.WrapRecords != nil {
		r.records = opts.WrapRecords(r.Store)
	}
	if r.rules, err = rules(); err != nil {
		return nil, err
	}
	r.World.Subscribe(r.emitted)
	if !opts.NoSweep {
		r.scheduleSweep(Start())
	}
	return r, nil
}

// settle finds the home of all groups and filters.
func (r *Rig) settle() error {
	for _, group := range r.groups {
		if r.home != "" && r.home != group.Account {
			return fmt.Errorf("group %s has its home in account %s and another group in %s: the lab runs one home", group.Name, group.Account, r.home)
		}
		r.home = group.Account
	}
	for _, f := range r.filters {
		if r.home != "" && r.home != f.Account {
			return fmt.Errorf("filter %s has its home in account %s, and not in %s as others: the lab runs one home", f.Name, f.Account, r.home)
		}
		r.home = f.Account
	}
	return nil
}

// logger writes Detour's log with the virtual time in the place of the wall
// clock's, as the timeline shows it.
func logger(w io.Writer, now func() time.Time) *slog.Logger {
	if w == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.String("at", sinceStart(now()))
			}
			return a
		},
	}))
}

// living is the log of one process: who was killed logs nothing any more.
type living struct {
	slog.Handler
	process *sim.Process
}

// Enabled implements slog.Handler.
func (l living) Enabled(ctx context.Context, level slog.Level) bool {
	return !l.process.Killed() && l.Handler.Enabled(ctx, level)
}

// RunUntil lets the network and Detour run until virtual time t.
func (r *Rig) RunUntil(t time.Time) error {
	r.Scheduler.RunUntil(t)
	return r.err
}

// Close ends everything that still runs.
func (r *Rig) Close() { r.Scheduler.Close() }

// Quiet switches all random faults off; scripted ones stay.
func (r *Rig) Quiet() {
	r.plan.Enabled = false
	events := &r.opts.Faults.Events // Its counts stay.
	events.Lose, events.Double, events.MaxDelay = 0, 0, 0
	faults := &r.opts.Faults
	faults.StoreError, faults.DoubleWake, faults.EarlyWake = 0, 0, 0
}

func (r *Rig) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// scheduleSweep fires the schedule once a period, at a random second of it:
// EventBridge Scheduler has a precision of 60 seconds.
func (r *Rig) scheduleSweep(from time.Time) {
	period := time.Duration(r.opts.Config.Timers.SweepPeriod)
	jitter := time.Duration(r.Scheduler.Rand().Int64N(int64(period)))
	r.Scheduler.At(from.Add(jitter), "sweep", func() { r.invoke(Sweep, []byte(`{"detour":"sweep"}`), "schedule", 1) })
	r.Scheduler.At(from.Add(period), "schedule", func() { r.scheduleSweep(from.Add(period)) })
}

// Invoke invokes a function now.
func (r *Rig) Invoke(fn Function, raw []byte, cause string) { r.invoke(fn, raw, cause, 1) }

// invoke runs one attempt. Lambda tries an asynchronous invocation that failed
// twice more, after one and after two minutes (Lambda Developer Guide,
// "How Lambda handles errors with asynchronous invocation").
func (r *Rig) invoke(fn Function, raw []byte, cause string, attempt int) {
	r.start(fn, raw, cause, attempt, func(run *Run) {
		if (run.Finished && run.Outcome.Action != handler.Retry) || attempt == 3 {
			return
		}
		wait := time.Duration(attempt) * time.Minute
		r.Scheduler.At(r.Scheduler.Now().Add(wait), "retry", func() { r.invoke(fn, raw, cause, attempt+1) })
	})
}

// start starts a function, and has ended called when it has ended or was killed.
func (r *Rig) start(fn Function, raw []byte, cause string, attempt int, ended func(*Run)) {
	index := len(r.Runs)
	started := r.Scheduler.Now()
	r.Runs = append(r.Runs, Run{Function: fn, Attempt: attempt, Started: started, Cause: cause, Message: raw})
	name := string(fn) + "-" + strconv.Itoa(index+1)
	process := r.Scheduler.Start(name, func(ctx context.Context, p *sim.Process) {
		ctx, cancel := p.Timeout(ctx, functionTimeout)
		defer cancel()
		r.Runs[index].Changes = r.changes
		h := r.handler(p, fn)
		var outcome handler.Outcome
		switch fn {
		case Sweep:
			outcome = h.Sweep(ctx, raw)
		case RouteFilter:
			outcome = h.RouteFilter(ctx, raw)
		case Switchover:
			outcome = h.Switchover(ctx, raw)
		default:
			outcome = h.Failback(ctx, taskOf(fn), raw)
		}
		if p.Killed() {
			return // It got here only because the scheduler was closed.
		}
		run := &r.Runs[index]
		run.Outcome, run.Ended, run.Finished = outcome, p.Now(), true
	})
	r.Runs[index].Process = process
	process.OnEnd(func() {
		run := &r.Runs[index]
		if !run.Finished {
			run.Ended = r.Scheduler.Now()
		}
		ended(run)
	})
	r.Scheduler.At(started.Add(functionTimeout), "timeout", func() {
		if !process.Done() {
			process.Kill()
		}
	})
}

// clients are the SDK configurations of somebody in the home account whose calls
// the doer carries.
func (r *Rig) clients(doer awsclient.HTTPDoer) (*awsclient.Clients, error) {
	return awsclient.New(awsclient.Options{
		Doer: doer, HomeAccount: r.home,
		HomeCredentials: awsclient.StaticCredentials(r.home, "simulated"),
		Role:            roleIn,
		ExternalID:      "detour-lab",
	})
}

// handler wires one process of a function as its Lambda main does.
func (r *Rig) handler(p *sim.Process, fn Function) *handler.Handler {
	clients, err := r.functionClients(fn)
	if err != nil {
		panic(err) // The options are complete.
	}
	groups, filters := wiring.Duties(string(fn), r.groups, r.filters)
	if r.opts.BreakFilters != nil {
		filters = r.opts.BreakFilters(filters)
	}
	network := wiring.NewNetwork(clients, p, r.settings.CallTimeout, groups, len(r.settings.Never.Destinations) > 0)
	ports := controller.Ports{
		Tables: network.Tables, Lists: network.Lists, Evidence: network.Evidence, Neighbors: network.Neighbors,
		Records: &recordsFace{rig: r, process: p, inner: r.records},
		Wake:    &wakeFace{rig: r, process: p},
		Publish: &publishFace{rig: r, process: p},
		Clock:   p, NewToken: r.token,
	}
	if r.wire != nil {
		if err := r.deployed(clients, p, &ports); err != nil {
			panic(err) // The options are complete.
		}
	}
	if r.opts.WrapTables != nil {
		ports.Tables = r.opts.WrapTables(ports.Tables)
	}
	c := controller.New(groups, r.settings, ports, filters...)
	return handler.New(c, p, slog.New(living{r.log.Handler(), p}), handler.Options{
		Own: r.own(), Failback: failback.New(c, failback.Options{Publish: ports.Publish, Clock: p, Settle: r.settings.Settle}),
	})
}

// own are the roles of the functions.
func (r *Rig) own() ingest.Own {
	own := ingest.Own{Account: r.home, Region: r.homeRegion(), Assumed: roleIn}
	if who := r.opts.Identities; who != nil {
		own.Assumed = who.Assumed
	}
	return own
}

// homeRegion is the Region that the functions run in.
func (r *Rig) homeRegion() string {
	switch {
	case len(r.groups) > 0:
		return r.groups[0].Region
	case len(r.filters) > 0:
		return r.filters[0].Region
	default:
		return r.opts.Topology.Region
	}
}

// roleIn is the role that the functions assume in another account.
func roleIn(account, _ string) string { return "arn:aws:iam::" + account + ":role/detour" }

func (r *Rig) token() string {
	r.tokens++
	return "token-" + strconv.Itoa(r.tokens)
}
