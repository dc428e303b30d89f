package lab

import (
	"context"
	"net/http"
	"time"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsdynamo"
	"detour/shared/adapter/awsevents"
	"detour/shared/adapter/awswake"
	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/sim"
	"detour/shared/sim/dynamoapi"
	"detour/shared/sim/eventsapi"
	"detour/shared/sim/sqsapi"
	"detour/shared/wiring"
)

// The names of what a deployment has beside the functions.
const (
	recordTable = "detour"
	wakeQueue   = "detour-wake"
	deadQueue   = "detour-wake-dead"
	filterQueue = "detour-wake-filter"
	filterDead  = "detour-wake-filter-dead"
	maxBatch    = 10 // how many messages a function gets at once
)

// wire is what a rig has in the place of its memory when it is deployed as in
// AWS: a table, a queue and a bus, which the functions call through their real
// adapters, with the latencies and faults of every other call.
type wire struct {
	tables *dynamoapi.Handler
	queues *sqsapi.Handler
	region string
	// groups and filters are the queues of their wake-ups; without filters there is no
	// queue for them.
	groups, filters *mapping
	// operator arms the wake-ups of requests, as the command line does.
	operator controller.Wake
	// batches counts the batches of several messages.
	batches int
}

// mapping is a queue with the function that works on its messages.
type mapping struct {
	name, url string
	target    Function
	// gathering: a batch is being gathered.
	gathering bool
}

// deploy makes the table, the queue and the bus, and adds their faces.
func (r *Rig) deploy(faces map[string]http.Handler) error {
	w := &wire{tables: dynamoapi.New(), queues: sqsapi.New(r.Scheduler), region: r.homeRegion()}
	r.wire = w
	w.tables.Create(r.home, w.region, recordTable)
	if r.has(RouteFilter) {
		w.filters = r.queue(filterQueue, filterDead, RouteFilter)
		w.groups = w.filters // Where there is no other.
	}
	if r.has(Switchover) {
		w.groups = r.queue(wakeQueue, deadQueue, Switchover)
	}
	bus := eventsapi.New(r.Scheduler, func(eventsapi.Event) {})
	// The operator and the checkers reach the table and the queue without the
	// network between.
	outside := outsideClock{r.Scheduler}
	stored, err := r.clients(w.tables)
	if err != nil {
		return err
	}
	if r.Store, err = r.recordStore(stored, outside); err != nil {
		return err
	}
	clients, err := r.clients(w.queues)
	if err != nil {
		return err
	}
	if w.operator, err = r.wakesOver(clients, outside); err != nil {
		return err
	}
	faces["dynamodb"], faces["sqs"], faces["events"] = w.tables, w.queues, bus
	return nil
}

// recordStore is the record store behind its real adapter.
func (r *Rig) recordStore(clients *awsclient.Clients, clock controller.Clock) (controller.Records, error) {
	config, err := clients.Config(r.home, r.wire.region)
	if err != nil {
		return nil, err
	}
	return awsdynamo.New(config, awsdynamo.Options{
		Table: recordTable, Clock: clock, Lease: r.settings.Lease, Skew: r.settings.Skew, CallTimeout: r.settings.CallTimeout,
	})
}

// deployed gives a process the adapters of a deployment.
func (r *Rig) deployed(clients *awsclient.Clients, p *sim.Process, ports *controller.Ports) error {
	records, err := r.recordStore(clients, p)
	if err != nil {
		return err
	}
	config, err := clients.Config(r.home, r.wire.region)
	if err != nil {
		return err
	}
	ports.Records = records
	if r.opts.WrapRecords != nil {
		ports.Records = r.opts.WrapRecords(records)
	}
	if ports.Wake, err = r.wakesOver(clients, p); err != nil {
		return err
	}
	ports.Publish = awsevents.New(config, awsevents.Options{Bus: "default", Clock: p, CallTimeout: r.settings.CallTimeout})
	return nil
}

// queue makes a queue with its dead letters, and has the function work on it.
func (r *Rig) queue(name, dead string, target Function) *mapping {
	w := r.wire
	w.queues.Create(sqsapi.Queue{Account: r.home, Region: w.region, Name: dead})
	m := &mapping{name: name, target: target, url: w.queues.Create(sqsapi.Queue{
		Account: r.home, Region: w.region, Name: name, VisibilityTimeout: functionTimeout, MaxReceives: WakeReceives, DeadLetter: dead,
	})}
	w.queues.OnVisible(m.url, func() { r.visible(m) })
	return m
}

// wakesOver are the wake-ups over the queues.
func (r *Rig) wakesOver(clients *awsclient.Clients, clock controller.Clock) (controller.Wake, error) {
	config, err := clients.Config(r.home, r.wire.region)
	if err != nil {
		return nil, err
	}
	over := func(m *mapping) controller.Wake {
		return awswake.New(config, awswake.Options{QueueURL: m.url, Clock: clock, CallTimeout: r.settings.CallTimeout})
	}
	groups := over(r.wire.groups)
	if r.wire.filters == nil {
		return groups, nil
	}
	return wiring.ByKey{Groups: groups, Filters: over(r.wire.filters)}, nil
}

// visible is told that messages can be received. The event source mapping
// gathers a batch for up to a second.
func (r *Rig) visible(m *mapping) {
	if m.gathering {
		return
	}
	m.gathering = true
	wait := time.Duration(r.Scheduler.Rand().Int64N(int64(time.Second)))
	r.Scheduler.At(r.Scheduler.Now().Add(wait), "batch", func() {
		m.gathering = false
		for r.handOut(m) {
		}
	})
}

// handOut hands the function one batch of the visible messages, and now and then
// hands it out twice: a standard queue delivers at least once.
func (r *Rig) handOut(m *mapping) bool {
	batch := r.wire.queues.Receive(m.url, maxBatch)
	if len(batch) == 0 {
		return false
	}
	if len(batch) > 1 {
		r.wire.batches++
	}
	r.work(m, batch)
	if rng := r.Scheduler.Rand(); r.opts.Faults.DoubleWake > 0 && rng.Float64() < r.opts.Faults.DoubleWake {
		r.wakesHit++
		later := time.Duration(rng.Int64N(int64(3 * time.Second)))
		r.Scheduler.At(r.Scheduler.Now().Add(later), "wake", func() { r.work(m, batch) })
	}
	return true
}

// work has the function work on a batch, and deletes the messages that were done.
// The others come again when their visibility timeout ends.
func (r *Rig) work(m *mapping, batch []sqsapi.Message) {
	raw := BatchEvent(batch, r.home, r.wire.region, m.name)
	r.start(m.target, raw, "wake-up", 1, func(run *Run) {
		if !run.Finished || run.Outcome.Action == handler.Retry {
			return
		}
		again := BatchFailures(run.Outcome.Body, batch)
		for _, message := range batch {
			if !again[message.ID] {
				r.wire.queues.Delete(m.url, message.Receipt)
			}
		}
	})
}

// outsideClock is the clock of those who are outside of the simulation: for them
// a call takes no time, and nothing runs beside them.
type outsideClock struct{ scheduler *sim.Scheduler }

var _ controller.Clock = outsideClock{}

// Now implements controller.Clock.
func (c outsideClock) Now() time.Time { return c.scheduler.Now() }

// Sleep implements controller.Clock.
func (c outsideClock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Go implements controller.Clock: fn has ended when Go returns.
func (c outsideClock) Go(ctx context.Context, fn func(context.Context)) (wait func()) {
	fn(ctx)
	return func() {}
}

// Timeout implements controller.Clock: no time passes.
func (c outsideClock) Timeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
