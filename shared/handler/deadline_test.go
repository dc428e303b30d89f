package handler_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// late has a deadline, and never ends by itself.
type late struct {
	context.Context
	deadline time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.deadline, true }

// TestNothingIsBegunTooLate: with less time left than a write takes, nothing is
// read, written or kept; the line says so, and the message is asked for again.
func TestNothingIsBegunTooLate(t *testing.T) {
	cases := map[string]struct {
		call  func(r *rig, ctx context.Context) handler.Outcome
		batch string
	}{
		"an event": {call: func(r *rig, ctx context.Context) handler.Outcome {
			return r.Switchover(ctx, sample(t, "vpn-connection-ipsec-down.json"))
		}},
		"a routing update": {call: func(r *rig, ctx context.Context) handler.Outcome {
			return r.Switchover(ctx, sample(t, "tgw-route-installed.json"))
		}},
		"everything": {call: func(r *rig, ctx context.Context) handler.Outcome {
			return r.Switchover(ctx, sample(t, "tgw-deleted.json"))
		}},
		"everything and one": {call: func(r *rig, ctx context.Context) handler.Outcome {
			return r.Switchover(ctx, sample(t, "vpn-connection-unknown-change.json"))
		}},
		"a sweep": {call: func(r *rig, ctx context.Context) handler.Outcome { return r.Sweep(ctx, nil) }},
		"a wake-up": {
			call: func(r *rig, ctx context.Context) handler.Outcome {
				return r.Switchover(ctx, batch(t, wakeUp("group#site-a")))
			},
			batch: `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`,
		},
		"a wake-up for everything": {
			call: func(r *rig, ctx context.Context) handler.Outcome {
				return r.Switchover(ctx, batch(t, wakeUp("everything"), wakeUp("everything")))
			},
			batch: `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`,
		},
	}
	for name, c := range cases {
		for _, left := range []time.Duration{-time.Hour, 0, 10 * time.Second} {
			t.Run(fmt.Sprint(name, " with ", left), func(t *testing.T) {
				r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1234567890abcdef0"))
				r.net.down[west.ID] = true
				before := r.state(t)
				out := c.call(r, late{t.Context(), r.clock.Now().Add(left - time.Millisecond)})
				if log := r.log.all(t); len(log) != 1 || log[0]["outOfTime"] != true || log[0]["OutOfTime"] != 1.0 || log[0]["level"] != "WARN" {
					t.Errorf("the log is %v", log)
				}
				if r.net.reads != 0 || r.net.writes != 0 || r.state(t) != before {
					t.Errorf("%d reads, %d writes", r.net.reads, r.net.writes)
				}
				if c.batch != "" {
					if string(out.Body) != c.batch || out.Err() != nil {
						t.Errorf("the answer is %s, %v", out.Body, out.Err())
					}
				} else if out.Action != handler.Retry || out.Err() == nil {
					t.Errorf("the outcome is %+v", out)
				}
			})
		}
	}
}

// hurried runs fn in virtual time with that much of it, on a network of groups
// whose path A has just failed.
type hurried struct {
	out             handler.Outcome
	log             *lines
	net             *network
	wakes           *memory.WakeQueue
	deadline, ended time.Time
	lastWrite       time.Time
}

// timedNetwork takes its time for every call.
type timedNetwork struct {
	*network
	p *sim.Process
	h *hurried
	// reading is how long a reading takes; it ends with its context, as a call does.
	reading time.Duration
}

func (n timedNetwork) Read(ctx context.Context, tables []route.Table) []route.Reading {
	if n.p.Sleep(ctx, n.reading) != nil {
		out := make([]route.Reading, len(tables))
		for i := range out {
			out[i] = route.Reading{Table: tables[i], StartedAt: n.p.Now(), Problem: route.ProblemTimeout}
		}
		return out
	}
	return n.network.Read(ctx, tables)
}

func (n timedNetwork) Write(ctx context.Context, change route.Change) route.Receipt {
	n.h.lastWrite = n.p.Now()
	_ = n.p.Sleep(ctx, 50*time.Millisecond) // What was sent takes effect.
	return n.network.Write(ctx, change)
}

func hurry(t *testing.T, groups, entries int, limit, reading time.Duration, fn func(ctx context.Context, h *handler.Handler) handler.Outcome) *hurried {
	t.Helper()
	s := sim.NewScheduler(1, recordstest.NewClock().Now())
	t.Cleanup(s.Close)
	out := &hurried{log: &lines{}, wakes: memory.NewWakeQueue(nil)}
	out.net = &network{clock: s, down: map[string]bool{}, routes: map[protection.EntryKey]route.NextHop{}}
	for i := range groups {
		subject := west
		subject.ID = fmt.Sprintf("vpn-%03d", i)
		g := newGroup(fmt.Sprintf("g%03d", i), subject, fmt.Sprintf("tgw-rtb-%03d", i))
		entry := g.Units[0].Entries[0]
		for j := 1; j < entries; j++ {
			entry.Destination = route.MustDestination(fmt.Sprintf("10.%d.0.0/16", j))
			g.Units[0].Entries = append(g.Units[0].Entries, entry)
		}
		for _, e := range g.Units[0].Entries {
			out.net.routes[e.EntryKey] = e.NextHops[0].NextHop
		}
		out.net.groups = append(out.net.groups, g)
	}
	settings := controller.Settings{
		MaxMoves: 1000, MoveWindow: 5 * time.Minute, Lease: recordstest.Lease, CallTimeout: 5 * time.Second, Skew: recordstest.Skew, Settle: 10 * time.Second,
	}
	store := memory.New(s, settings.Lease, settings.Skew)
	log := slog.New(slog.NewJSONHandler(&out.log.buffer, nil))
	tokens := 0
	run := func(reading time.Duration, fn func(ctx context.Context, p *sim.Process, h *handler.Handler)) {
		process := s.Start("run", func(ctx context.Context, p *sim.Process) {
			c := controller.New(out.net.groups, settings, controller.Ports{
				Tables: timedNetwork{out.net, p, out, reading}, Evidence: evidence{out.net}, Records: store, Wake: out.wakes, Publish: &memory.Events{}, Clock: p,
				NewToken: func() string { tokens++; return fmt.Sprint("token-", tokens) },
			})
			fn(ctx, p, handler.New(c, p, log, handler.Options{Function: "detour-test"}))
		})
		for i := 0; !process.Done(); i++ {
			if i > 10_000 {
				t.Fatal("the run does not end")
			}
			s.RunUntil(s.Now().Add(100 * time.Millisecond))
		}
		s.RunUntil(s.Now().Add(time.Minute))
	}
	for range 2 {
		run(0, func(ctx context.Context, _ *sim.Process, h *handler.Handler) { h.Sweep(ctx, nil) })
	}
	for _, g := range out.net.groups {
		out.net.down[g.Paths[0].Spec.Subject.ID] = true
	}
	out.wakes.Due(s.Now().Add(time.Hour))
	out.log.buffer = bytes.Buffer{}
	run(reading, func(ctx context.Context, p *sim.Process, h *handler.Handler) {
		ctx, cancel := p.Timeout(ctx, limit)
		defer cancel()
		out.deadline, _ = ctx.Deadline()
		out.out = fn(ctx, h)
		out.ended = p.Now()
	})
	return out
}

// wantInTime: the run wrote something and not everything, stopped two call
// timeouts before its deadline, said so, and asked for a wake-up of every group
// that it left unfinished.
func (h *hurried) wantInTime(t *testing.T, entries int) {
	t.Helper()
	if h.net.writes == 0 || h.net.writes >= entries {
		t.Errorf("%d writes of %d", h.net.writes, entries)
	}
	if left := h.deadline.Sub(h.lastWrite); left < 10*time.Second {
		t.Errorf("the last write was begun %s before the deadline", left)
	}
	if !h.ended.Before(h.deadline) || h.out.Action != handler.Value {
		t.Errorf("the run ended %s before the deadline with %s", h.deadline.Sub(h.ended), h.out.Action)
	}
	waiting := map[controller.Key]bool{}
	for _, wake := range h.wakes.Waiting() {
		waiting[wake.Key] = true
	}
	told := map[any]bool{}
	for _, line := range h.log.shown(t) {
		if line["outOfTime"] == true && line["status"] == "unfinished" && line["wakeAt"] != nil && line["OutOfTime"] == 1.0 {
			told[line["group"]] = true
		}
	}
	unfinished := 0
	for _, r := range h.out.Reports {
		if r.Status == controller.StatusDone {
			continue
		}
		unfinished++
		if r.Status != controller.StatusUnfinished || !r.OutOfTime || !waiting[controller.GroupKey(r.Group)] || !told[r.Group] {
			t.Errorf("group %s is %s, out of time %t, with a wake-up %t, told %t", r.Group, r.Status, r.OutOfTime, waiting[controller.GroupKey(r.Group)], told[r.Group])
		}
	}
	if unfinished == 0 {
		t.Error("every group is finished")
	}
}

// TestARunEndsInTime, whatever began it.
func TestARunEndsInTime(t *testing.T) {
	everything := `{"source":"aws.networkmanager","detail-type":"Network Manager Topology Change","detail":{"changeType":"TGW-DELETED"}}`
	var wakes []string
	for i := range 200 {
		wakes = append(wakes, wakeUp(fmt.Sprintf("group#g%03d", i)))
	}
	for name, fn := range map[string]func(ctx context.Context, h *handler.Handler) handler.Outcome{
		"a sweep": func(ctx context.Context, h *handler.Handler) handler.Outcome { return h.Sweep(ctx, nil) },
		"a batch of wake-ups": func(ctx context.Context, h *handler.Handler) handler.Outcome {
			return h.Switchover(ctx, batch(t, wakes...))
		},
		"a look at everything": func(ctx context.Context, h *handler.Handler) handler.Outcome {
			return h.Switchover(ctx, []byte(everything))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := hurry(t, 200, 1, 25*time.Second, 0, fn)
			h.wantInTime(t, 200)
			if body := string(h.out.Body); strings.Contains(body, "itemIdentifier") {
				t.Errorf("the answer is %s although wake-ups were asked for", body)
			}
		})
	}
	t.Run("one large group", func(t *testing.T) {
		h := hurry(t, 1, 200, 25*time.Second, 0, func(ctx context.Context, h *handler.Handler) handler.Outcome { return h.Sweep(ctx, nil) })
		h.wantInTime(t, 200)
	})
	t.Run("groups before a look at everything", func(t *testing.T) {
		// The groups use up the time, and the look goes back into the queue.
		h := hurry(t, 1, 200, 25*time.Second, 0, func(ctx context.Context, h *handler.Handler) handler.Outcome {
			return h.Switchover(ctx, batch(t, wakeUp("group#g000"), wakeUp("everything")))
		})
		h.wantInTime(t, 200)
		lines := h.log.shown(t)
		if last := lines[len(lines)-1]; string(h.out.Body) != `{"batchItemFailures":[{"itemIdentifier":"m2"}]}` || last["msg"] != "not begun" {
			t.Errorf("the answer is %s, the last line %v", h.out.Body, last)
		}
	})
}

// TestASlowReadingEndsBeforeTheFunction: the calls are ended in time for the
// line, so that a run which never got to write does not vanish without a word.
func TestASlowReadingEndsBeforeTheFunction(t *testing.T) {
	h := hurry(t, 3, 1, 25*time.Second, time.Hour, func(ctx context.Context, h *handler.Handler) handler.Outcome { return h.Sweep(ctx, nil) })
	if h.net.writes != 0 || h.deadline.Sub(h.ended) < 900*time.Millisecond {
		t.Errorf("%d writes; the run ended %s before the deadline", h.net.writes, h.deadline.Sub(h.ended))
	}
	lines := h.log.shown(t)
	if last := lines[len(lines)-1]; last["msg"] != "swept" || last["outOfTime"] != true {
		t.Errorf("the last line is %v", last)
	}
	if len(lines) != 4 || h.out.Action != handler.Retry {
		t.Errorf("%d lines, %s", len(lines), h.out.Action)
	}
	for _, line := range lines[:len(lines)-1] {
		if line["level"] != "WARN" || line["status"] != "failed" || line["outOfTime"] != true || line["error"] == nil {
			t.Errorf("the line is %v", line)
		}
	}
}
