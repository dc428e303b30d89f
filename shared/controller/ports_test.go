package controller_test

import (
	"context"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// ports are one process's view of the world. Every call takes virtual time
// before and after its effect.
type ports struct {
	w *world
	p *sim.Process
}

type (
	lists     ports
	evidence  ports
	records   ports
	wake      ports
	publisher ports
)

// Read implements controller.RouteTables.
func (f *ports) Read(ctx context.Context, tables []route.Table) []route.Reading {
	n := f.w.note("read", "")
	started := f.w.s.Now()
	slept := f.p.Sleep(ctx, readTime)
	routes := map[route.Table][]route.Route{}
	for key, next := range f.w.tables {
		routes[key.Table] = append(routes[key.Table], route.Route{
			Table: key.Table, Destination: key.Destination, NextHop: next, Origin: route.OriginStatic, State: route.StateActive,
		})
	}
	f.w.addLearned(routes)
	f.w.addTaught(routes)
	out := make([]route.Reading, len(tables))
	for i, table := range tables {
		out[i] = route.Reading{Table: table, StartedAt: started, Complete: slept == nil, Routes: routes[table]}
		if slept != nil {
			out[i].Problem, out[i].Routes = route.ProblemTimeout, nil
			continue
		}
		if f.w.onRead != nil {
			f.w.onRead(n, &out[i])
		}
	}
	return out
}

// Write implements controller.RouteTables: create only where nothing stands,
// replace only where something does.
func (f *ports) Write(ctx context.Context, change route.Change) route.Receipt {
	n := f.w.note("write", f.w.wrote(change))
	if f.w.onSend != nil {
		f.w.onSend(n, f.p)
	}
	if err := f.p.Sleep(ctx, writeTime/2); err != nil {
		return route.Receipt{Change: change, Outcome: route.Failed, Message: err.Error()}
	}
	if switched, _ := change.Propagation(); f.w.deleted[switched] || f.w.deleted[change.After.ID] {
		return route.Receipt{Change: change, Outcome: route.Refused, Gone: true}
	}
	key := protection.EntryKey{Table: change.Table, Destination: change.Destination}
	_, stands := f.w.tables[key]
	outcome, applies := route.Applied, true
	if f.w.onWrite != nil {
		outcome, applies = f.w.onWrite(n, change)
	}
	if attachment, switches := change.Propagation(); switches {
		return f.switchPropagation(ctx, change, attachment, outcome, applies)
	}
	if outcome == route.Applied && applies && stands == (change.Op == route.OpCreate) {
		outcome, applies = route.PreconditionFailed, false
	}
	if applies {
		f.w.put(key, change.After)
	}
	if err := f.p.Sleep(ctx, writeTime/2); err != nil {
		return route.Receipt{Change: change, Outcome: route.Failed, Message: err.Error()}
	}
	return route.Receipt{Change: change, Outcome: outcome}
}

// Try implements controller.RouteTables.
func (f *ports) Try(ctx context.Context, change route.Change) route.Receipt {
	f.w.note("try", change.After.ID)
	if err := f.p.Sleep(ctx, writeTime); err != nil {
		return route.Receipt{Change: change, Outcome: route.Failed, Message: err.Error()}
	}
	receipt := route.Receipt{Change: change, Outcome: route.Allowed}
	if f.w.onTry != nil {
		receipt.Outcome = f.w.onTry(change)
	}
	return receipt
}

// Read implements controller.PrefixLists.
func (f *lists) Read(ctx context.Context, refs []route.ListRef) []route.ListReading {
	for _, ref := range refs {
		f.w.note("list", ref.ID)
	}
	started := f.w.s.Now()
	slept := f.p.Sleep(ctx, readTime)
	var out []route.ListReading
	for _, ref := range refs {
		reading, ok := f.w.lists[ref.ID]
		if !ok {
			reading = route.ListReading{Owner: ref.Account, Version: 1, MaxEntries: 10, Complete: true}
		}
		reading.List, reading.StartedAt = ref, started
		if slept != nil {
			reading = route.ListReading{List: ref, StartedAt: started, Problem: route.ProblemTimeout}
		}
		out = append(out, reading)
	}
	return out
}

// Read implements controller.Evidence.
func (f *evidence) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	n := f.w.note("evidence", "")
	started := f.w.s.Now()
	slept := f.p.Sleep(ctx, readTime)
	var out []health.Fact
	for _, subject := range subjects {
		if subject.Kind == health.SubjectPropagations {
			out = append(out, f.w.propagations(subject, started, slept != nil)...)
			continue
		}
		if subject.Kind == health.SubjectRouteTable {
			out = append(out, f.w.observation(subject, started, slept != nil)...)
			continue
		}
		fact := health.Fact{Subject: subject, Source: health.SourceDescribeVPNConnections, ObservedAt: started}
		if slept != nil || f.w.blind {
			fact.Kind, fact.Problem = health.FactUnreadable, route.ProblemTimeout
			out = append(out, fact)
			continue
		}
		fact.Kind, fact.Value = health.FactConnectionState, "available"
		if f.w.gone[subject.ID] {
			fact.Value = health.ConnectionGone
		}
		out = append(out, fact)
		for _, outside := range []string{"192.0.2.1", "192.0.2.2"} {
			fact.Kind, fact.Part, fact.Value = health.FactTunnelStatus, outside, health.TunnelUp
			if f.w.down[subject.ID] {
				fact.Value = health.TunnelDown
			}
			out = append(out, fact)
			if f.w.onFacts != nil {
				f.w.onFacts(n, &out[len(out)-1])
			}
		}
	}
	return out
}

// call makes one call of the record store.
func (f *records) call(ctx context.Context, op string, key controller.Key, effect func() error) error {
	n := f.w.note(op, nameOf(key))
	if err := f.p.Sleep(ctx, storeTime/2); err != nil {
		return err
	}
	var script fault
	if f.w.onStore != nil {
		script = f.w.onStore(op, key, n)
	}
	if script.first != nil {
		script.first()
	}
	if script.instead != nil {
		return script.instead
	}
	err := effect()
	if slept := f.p.Sleep(ctx, storeTime/2); slept != nil {
		return slept
	}
	if script.lost != nil {
		return script.lost
	}
	return err
}

func (f *records) Peek(ctx context.Context, keys []controller.Key) (items []controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "peek", "", func() (err error) { items, control, err = f.w.store.Peek(ctx, keys); return err })
	return items, control, err
}

func (f *records) Take(ctx context.Context, key controller.Key, token string) (item controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "take", key, func() (err error) { item, control, err = f.w.store.Take(ctx, key, token); return err })
	return item, control, err
}

func (f *records) Renew(ctx context.Context, old controller.Item) (item controller.Item, control controller.Control, err error) {
	err = f.call(ctx, "renew", old.Key, func() (err error) { item, control, err = f.w.store.Renew(ctx, old); return err })
	return item, control, err
}

func (f *records) Commit(ctx context.Context, commit controller.Commit) (item controller.Item, err error) {
	err = f.call(ctx, "commit", commit.Item.Key, func() (err error) { item, err = f.w.store.Commit(ctx, commit); return err })
	return item, err
}

func (f *records) Release(ctx context.Context, item controller.Item) error {
	return f.call(ctx, "release", item.Key, func() error { return f.w.store.Release(ctx, item) })
}

func (f *records) Request(ctx context.Context, key controller.Key, r protection.Request) error {
	return f.call(ctx, "request", key, func() error { return f.w.store.Request(ctx, key, r) })
}

func (f *records) Clear(ctx context.Context, key controller.Key, id string) error {
	return f.call(ctx, "clear", key, func() error { return f.w.store.Clear(ctx, key, id) })
}

func (f *records) Control(ctx context.Context, change controller.ControlChange) error {
	return f.call(ctx, "control", "", func() error { return f.w.store.Control(ctx, change) })
}

func (f *records) Note(ctx context.Context, entries []controller.JournalEntry) error {
	return f.call(ctx, "note", "", func() error { return f.w.store.Note(ctx, entries) })
}

func (f *records) History(ctx context.Context, key controller.Key, n int) (entries []controller.JournalEntry, err error) {
	err = f.call(ctx, "history", key, func() (err error) { entries, err = f.w.store.History(ctx, key, n); return err })
	return entries, err
}

// At implements controller.Wake.
func (f *wake) At(ctx context.Context, key controller.Key, at time.Time) error {
	f.w.note("wake", nameOf(key))
	if err := f.p.Sleep(ctx, time.Millisecond); err != nil {
		return err
	}
	if f.w.refuseWake != nil {
		return f.w.refuseWake
	}
	return f.w.wakes.At(ctx, key, at)
}

// Publish implements controller.Publisher.
func (f *publisher) Publish(ctx context.Context, event controller.Event) error {
	f.w.note("publish", string(event.Kind))
	if err := f.p.Sleep(ctx, time.Millisecond); err != nil {
		return err
	}
	if f.w.refusePublish != nil {
		return f.w.refusePublish
	}
	return f.w.events.Publish(ctx, event)
}

// waiting lists the wake-ups that wait, as time from now on.
func (w *world) waiting() []string {
	var out []string
	for _, up := range w.wakes.Waiting() {
		out = append(out, strings.TrimPrefix(string(up.Key), "group#")+" "+up.At.Sub(w.s.Now()).Round(time.Second).String())
	}
	return out
}
