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
)

// The names of what a deployment has beside the functions.
const (
	recordTable = "detour"
	wakeQueue   = "detour-wake"
	deadQueue   = "detour-wake-dead"
	maxBatch    = 10 // how many messages a function gets at once
)

// wire is what a rig has in the place of its memory when it is deployed as in
// AWS: a table, a queue and a bus, which the functions call through their real
// adapters, with the latencies and faults of every other call.
type wire struct {
	tables  *dynamoapi.Handler
	queues  *sqsapi.Handler
	wakeURL string
	region  string
	// operator arms the wake-ups of requests, as the command line does.
	operator controller.Wake
	// gathering: a batch is being gathered. batches counts those of several
	// messages.
	gathering bool
	batches   int
}

// deploy makes the table, the queue and the bus, and adds their faces.
func (r *Rig) deploy(faces map[string]http.Handler) error {
	w := &wire{tables: dynamoapi.New(), queues: sqsapi.New(r.Scheduler), region: r.opts.Topology.Region}
	if len(r.groups) > 0 {
		w.region = r.groups[0].Region
	}
	r.wire = w
	w.tables.Create(r.home, w.region, recordTable)
	w.queues.Create(sqsapi.Queue{Account: r.home, Region: w.region, Name: deadQueue})
	w.wakeURL = w.queues.Create(sqsapi.Queue{
		Account: r.home, Region: w.region, Name: wakeQueue,
		VisibilityTimeout: functionTimeout, MaxReceives: WakeReceives, DeadLetter: deadQueue,
	})
	w.queues.OnVisible(w.wakeURL, r.visible)
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
	config, err := clients.Config(r.home, w.region)
	if err != nil {
		return err
	}
	w.operator = awswake.New(config, awswake.Options{QueueURL: w.wakeURL, Clock: outside, CallTimeout: r.settings.CallTimeout})
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
	ports.Wake = awswake.New(config, awswake.Options{QueueURL: r.wire.wakeURL, Clock: p, CallTimeout: r.settings.CallTimeout})
	ports.Publish = awsevents.New(config, awsevents.Options{Bus: "default", Clock: p, CallTimeout: r.settings.CallTimeout})
	return nil
}

// visible is told that messages can be received. The event source mapping
// gathers a batch for up to a second.
func (r *Rig) visible() {
	if r.wire.gathering {
		return
	}
	r.wire.gathering = true
	wait := time.Duration(r.Scheduler.Rand().Int64N(int64(time.Second)))
	r.Scheduler.At(r.Scheduler.Now().Add(wait), "batch", func() {
		r.wire.gathering = false
		for r.handOut() {
		}
	})
}

// handOut hands the function one batch of the visible messages, and now and then
// hands it out twice: a standard queue delivers at least once.
func (r *Rig) handOut() bool {
	batch := r.wire.queues.Receive(r.wire.wakeURL, maxBatch)
	if len(batch) == 0 {
		return false
	}
	if len(batch) > 1 {
		r.wire.batches++
	}
	r.work(batch)
	if rng := r.Scheduler.Rand(); r.opts.Faults.DoubleWake > 0 && rng.Float64() < r.opts.Faults.DoubleWake {
		r.wakesHit++
		later := time.Duration(rng.Int64N(int64(3 * time.Second)))
		r.Scheduler.At(r.Scheduler.Now().Add(later), "wake", func() { r.work(batch) })
	}
	return true
}

// work has the function work on a batch, and deletes the messages that were done.
// The others come again when their visibility timeout ends.
func (r *Rig) work(batch []sqsapi.Message) {
	raw := BatchEvent(batch, r.home, r.wire.region, wakeQueue)
	r.start(Switchover, raw, "wake-up", 1, func(run *Run) {
		if !run.Finished || run.Outcome.Action == handler.Retry {
			return
		}
		again := BatchFailures(run.Outcome.Body, batch)
		for _, message := range batch {
			if !again[message.ID] {
				r.wire.queues.Delete(r.wire.wakeURL, message.Receipt)
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
