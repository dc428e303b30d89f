package handler_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/protection"
)

func twoGroups() []protection.Group {
	other := west
	other.ID = "vpn-2"
	return []protection.Group{newGroup("a", west, "tgw-rtb-1"), newGroup("b", other, "tgw-rtb-2")}
}

// TestWakeUps: a batch is answered in the form of partial batch responses.
func TestWakeUps(t *testing.T) {
	cases := map[string]struct {
		bodies  []string
		broken  []controller.Key
		answer  string
		reports []string
		drops   int
	}{
		"one group":                 {[]string{wakeUp("group#a")}, nil, `{"batchItemFailures":[]}`, []string{"a"}, 0},
		"two groups in one run":     {[]string{wakeUp("group#b"), wakeUp("group#a")}, nil, `{"batchItemFailures":[]}`, []string{"a", "b"}, 0},
		"doubles run once":          {[]string{wakeUp("group#a"), wakeUp("group#a")}, nil, `{"batchItemFailures":[]}`, []string{"a"}, 0},
		"everything":                {[]string{wakeUp("everything")}, nil, `{"batchItemFailures":[]}`, []string{"a", "b"}, 0},
		"a group that is gone":      {[]string{wakeUp("group#gone")}, nil, `{"batchItemFailures":[]}`, nil, 1},
		"a filter":                  {[]string{wakeUp("filter#f")}, nil, `{"batchItemFailures":[]}`, nil, 1},
		"a malformed message":       {[]string{"hello", wakeUp("group#b")}, nil, `{"batchItemFailures":[]}`, []string{"b"}, 1},
		"only malformed messages":   {[]string{"hello", `{"detour":"wake-up","key":"x"}`}, nil, `{"batchItemFailures":[]}`, nil, 2},
		"a group that fails":        {[]string{wakeUp("group#a"), wakeUp("group#b")}, []controller.Key{"group#a"}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, []string{"a", "b"}, 0},
		"doubles of one that fails": {[]string{wakeUp("group#a"), wakeUp("group#b"), wakeUp("group#a")}, []controller.Key{"group#a"}, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}`, []string{"a", "b"}, 0},
		"everything that fails":     {[]string{wakeUp("everything"), wakeUp("group#b")}, []controller.Key{controller.KeyEverything}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, []string{"b"}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			broken := map[controller.Key]bool{}
			for _, key := range c.broken {
				broken[key] = true
			}
			r := newRig(t, func(inner controller.Records) controller.Records { return failingStore{Records: inner, broken: broken} }, twoGroups()...)
			out := r.Switchover(t.Context(), batch(t, c.bodies...))
			if string(out.Body) != c.answer {
				t.Errorf("the answer is %s, want %s", out.Body, c.answer)
			}
			var reports []string
			for _, report := range out.Reports {
				reports = append(reports, report.Group)
			}
			if fmt.Sprint(reports) != fmt.Sprint(c.reports) {
				t.Errorf("the reports are of %v, want %v", reports, c.reports)
			}
			drops := 0
			for _, line := range r.log.all(t) {
				if line["msg"] == "dropped" {
					drops++
				}
			}
			if drops != c.drops {
				t.Errorf("%d lines of drops, want %d: %v", drops, c.drops, r.log.all(t))
			}
			if wantDrop := len(c.reports) == 0 && c.drops > 0; wantDrop != (out.Action == handler.Drop) || out.Action == handler.Retry {
				t.Errorf("the action is %s", out.Action)
			}
		})
	}
}

// TestABatchIsRunByTheWakeUpsThatCanBeRead: the group moves although another
// message is malformed.
func TestABatchIsRunByTheWakeUpsThatCanBeRead(t *testing.T) {
	r := newRig(t, nil, twoGroups()...)
	r.net.down[west.ID] = true
	out := r.Switchover(t.Context(), batch(t, "hello", wakeUp("group#a")))
	if r.net.writes != 1 || out.Reports[0].Decision.To != "B" || out.Reports[0].Event != "m2" {
		t.Errorf("%d writes, reports %+v", r.net.writes, out.Reports)
	}
}

// TestAStoreThatFails asks for the message again; a lease that another run holds
// does not.
func TestAStoreThatFails(t *testing.T) {
	down := func(inner controller.Records) controller.Records { return failingStore{Records: inner, all: true} }
	cases := map[string]func(r *rig) handler.Outcome{
		"an event": func(r *rig) handler.Outcome {
			return r.Switchover(t.Context(), sample(t, "vpn-connection-ipsec-down.json"))
		},
		"a routing update": func(r *rig) handler.Outcome {
			return r.Switchover(t.Context(), sample(t, "tgw-route-installed.json"))
		},
		"an event about everything": func(r *rig) handler.Outcome {
			return r.Switchover(t.Context(), sample(t, "tgw-deleted.json"))
		},
		"a sweep": func(r *rig) handler.Outcome { return r.Sweep(t.Context(), nil) },
	}
	for name, call := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, down, newGroup("site-a", west, "tgw-rtb-1234567890abcdef0"))
			r.net.down[west.ID] = true
			out := call(r)
			if out.Action != handler.Retry || r.net.writes != 0 {
				t.Errorf("the outcome is %+v with %d writes", out, r.net.writes)
			}
			log := r.log.all(t)
			if name == "a sweep" && log[len(log)-1]["msg"] == "swept" && log[len(log)-1]["Sweeps"] == nil {
				log = log[:len(log)-1] // A sweep that could look at nothing is no heartbeat.
			}
			if len(log) != 1 || log[0]["level"] != "WARN" || log[0]["error"] != errStore.Error() || log[0]["Failed"] != 1.0 {
				t.Errorf("the log is %v", log)
			}
		})
	}
	t.Run("a busy lease is no failure", func(t *testing.T) {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
		if _, _, err := r.store.Take(context.Background(), "group#site-a", "other"); err != nil {
			t.Fatal(err)
		}
		out := r.Switchover(t.Context(), sample(t, "vpn-connection-ipsec-down.json"))
		if out.Action != handler.Value || out.Reports[0].Status != controller.StatusBusy {
			t.Errorf("the outcome is %+v", out)
		}
	})
}

// TestASweepIgnoresItsMessage: it needs no event.
func TestASweepIgnoresItsMessage(t *testing.T) {
	for _, raw := range []string{"", "null", "hello", `{"detour":"sweep"}`, string(sample(t, "vpn-connection-ipsec-down.json"))} {
		r := newRig(t, nil, twoGroups()...)
		out := r.Sweep(t.Context(), []byte(raw))
		if out.Action != handler.Value || len(out.Reports) != 2 || out.Reports[0].Status != controller.StatusQuiet || len(r.log.all(t)) != 3 {
			t.Errorf("%.20q: the outcome is %+v", raw, out)
		}
	}
}

// TestEventsAboutEverythingAreCoalesced: the second within a minute asks for a
// wake-up, which looks.
func TestEventsAboutEverythingAreCoalesced(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", health.Subject{Kind: health.SubjectVPN, ID: "vpn-x"}, "tgw-rtb-1"))
	raw := sample(t, "tgw-deleted.json")
	first := r.Switchover(t.Context(), raw)
	second := r.Switchover(t.Context(), raw)
	if len(first.Reports) != 1 || len(second.Reports) != 0 || second.Action != handler.Value {
		t.Fatalf("the outcomes are %+v and %+v", first, second)
	}
	log := r.log.all(t)
	if len(log) != 3 || log[1]["msg"] != "swept" || log[1]["why"] != "topology-change" || log[2]["msg"] != "coalesced" {
		t.Errorf("the log is %v", log)
	}
	early := r.Switchover(t.Context(), batch(t, wakeUp("everything")))
	if len(early.Reports) != 0 || len(r.wakes.Waiting()) != 1 || string(early.Body) != `{"batchItemFailures":[]}` {
		t.Errorf("a wake-up that comes too soon led to %+v, and to the wake-ups %v", early, r.wakes.Waiting())
	}
	r.clock.Advance(time.Minute)
	due := r.wakes.Due(r.clock.Now())
	if len(due) != 1 || due[0].Key != controller.KeyEverything {
		t.Fatalf("the wake-ups are %v", due)
	}
	third := r.Switchover(t.Context(), batch(t, wakeUp(string(due[0].Key))))
	if len(third.Reports) != 1 || len(r.wakes.Waiting()) != 0 {
		t.Errorf("the wake-up led to %+v, and to the wake-ups %v", third, r.wakes.Waiting())
	}
}
