package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// errStore is what the record store answers when a fault hits it.
var errStore = errors.New("record store did not answer")

// recordsFace stands between one process and the record store, as the network
// does: every call takes time, can fail before or after its effect, and is
// refused once the process was killed.
type recordsFace struct {
	rig     *Rig
	process *sim.Process
	inner   controller.Records
}

// call makes one call with the yield points before its effect and before its
// answer.
func (f *recordsFace) call(ctx context.Context, name string, effect func() error) error {
	rng := f.rig.Scheduler.Rand()
	if err := f.process.Sleep(ctx, time.Duration(1+rng.IntN(5))*time.Millisecond); err != nil {
		return fmt.Errorf("calling the record store: %s: %w", name, err)
	}
	failed := f.rig.opts.Faults.StoreError > 0 && rng.Float64() < f.rig.opts.Faults.StoreError
	if failed && rng.IntN(2) == 0 {
		f.rig.storeHits++
		return errStore
	}
	err := effect()
	if waited := f.process.Sleep(ctx, time.Duration(1+rng.IntN(5))*time.Millisecond); waited != nil {
		return fmt.Errorf("calling the record store: %s: %w", name, waited)
	}
	if failed {
		f.rig.storeHits++
		return errStore
	}
	return err
}

func (f *recordsFace) Peek(ctx context.Context, keys []controller.Key) (items []controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "peek", func() (err error) { items, control, err = f.inner.Peek(ctx, keys); return err })
	return items, control, err
}

func (f *recordsFace) Take(ctx context.Context, key controller.Key, token string) (item controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "take", func() (err error) { item, control, err = f.inner.Take(ctx, key, token); return err })
	return item, control, err
}

func (f *recordsFace) Renew(ctx context.Context, old controller.Item) (item controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "renew", func() (err error) { item, control, err = f.inner.Renew(ctx, old); return err })
	return item, control, err
}

func (f *recordsFace) Commit(ctx context.Context, commit controller.Commit) (item controller.Item, err error) {
	err = f.call(ctx, "commit", func() (err error) { item, err = f.inner.Commit(ctx, commit); return err })
	return item, err
}

func (f *recordsFace) Release(ctx context.Context, item controller.Item) error {
	return f.call(ctx, "release", func() error { return f.inner.Release(ctx, item) })
}

func (f *recordsFace) Request(ctx context.Context, key controller.Key, request protection.Request) error {
	return f.call(ctx, "request", func() error { return f.inner.Request(ctx, key, request) })
}

func (f *recordsFace) Clear(ctx context.Context, key controller.Key, id string) error {
	return f.call(ctx, "clear", func() error { return f.inner.Clear(ctx, key, id) })
}

func (f *recordsFace) Control(ctx context.Context, change controller.ControlChange) error {
	return f.call(ctx, "control", func() error { return f.inner.Control(ctx, change) })
}

func (f *recordsFace) Note(ctx context.Context, entries []controller.JournalEntry) error {
	return f.call(ctx, "note", func() error { return f.inner.Note(ctx, entries) })
}

func (f *recordsFace) History(ctx context.Context, key controller.Key, n int) (entries []controller.JournalEntry, err error) {
	err = f.call(ctx, "history", func() (err error) { entries, err = f.inner.History(ctx, key, n); return err })
	return entries, err
}

// wakeFace is the delayed queue: at least once, and now and then a little early.
type wakeFace struct {
	rig     *Rig
	process *sim.Process
}

// At implements controller.Wake.
func (f *wakeFace) At(ctx context.Context, key controller.Key, at time.Time) error {
	if err := f.process.Sleep(ctx, 2*time.Millisecond); err != nil {
		return fmt.Errorf("arming a wake-up: %w", err)
	}
	f.rig.wake(key, at)
	return nil
}

// worker is the function that works on the key's wake-ups.
func (r *Rig) worker(key controller.Key) Function {
	if key.ForFilters() || !r.has(Switchover) {
		return RouteFilter
	}
	return Switchover
}

// wake delivers a wake-up as SQS delivers it to a function. SQS delays by whole
// seconds.
func (r *Rig) wake(key controller.Key, at time.Time) {
	if r.wire != nil {
		if err := r.wire.operator.At(context.Background(), key, at); err != nil {
			r.fail(err)
		}
		return
	}
	due := at.Truncate(time.Second)
	if due.Before(at) {
		due = due.Add(time.Second)
	}
	times := 1
	rng := r.Scheduler.Rand()
	if r.opts.Faults.DoubleWake > 0 && rng.Float64() < r.opts.Faults.DoubleWake {
		times = 2
		r.wakesHit++
	}
	for i := range times {
		r.wakes++
		raw := wakeMessage(key, r.wakes)
		delay := time.Duration(i) * time.Duration(rng.IntN(3000)) * time.Millisecond
		if r.opts.Faults.EarlyWake > 0 && rng.Float64() < r.opts.Faults.EarlyWake {
			delay -= time.Duration(rng.IntN(1000)) * time.Millisecond
			r.earlyHit++
		}
		r.Scheduler.At(due.Add(delay), "wake", func() { r.invoke(r.worker(key), raw, "wake-up", 1) })
	}
}

// wakeMessage is the SQS batch of one wake-up.
func wakeMessage(key controller.Key, n int) []byte {
	body, err := json.Marshal(map[string]string{"detour": "wake-up", "key": string(key)})
	if err != nil {
		panic(err) // A map of strings always marshals.
	}
	raw, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"messageId": "wake-" + strconv.Itoa(n), "eventSource": "aws:sqs", "body": string(body),
	}}})
	if err != nil {
		panic(err) // A map of strings always marshals.
	}
	return raw
}

// publishFace collects Detour's own events.
type publishFace struct {
	rig     *Rig
	process *sim.Process
}

// Publish implements controller.Publisher.
func (f *publishFace) Publish(ctx context.Context, event controller.Event) error {
	if err := f.process.Sleep(ctx, 2*time.Millisecond); err != nil {
		return fmt.Errorf("publishing an event: %w", err)
	}
	f.rig.Published = append(f.rig.Published, event)
	return nil
}
