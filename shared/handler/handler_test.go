package handler_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/events/payload"
	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// concerns is what a message is about.
type concerns string

const (
	resource   concerns = "a resource" // a drop if no group watches it
	tables     concerns = "tables"     // a drop if no group uses one
	everything concerns = "everything"
	malformed  concerns = "nothing that can be read"
	wakes      concerns = "wake-ups"
	foreign    concerns = "a source that is not subscribed to"
	entry      concerns = "an entry"                // passed over if no group has it
	another    concerns = "an entry of other kind"  // passed over, since no group of the test has one
	failed     concerns = "a call that failed"      // passed over in any case
	rehearsal  concerns = "nothing of the function" // the sweep's
	filters    concerns = "routes that are learned" // routefilter's
)

// samples says of every sample what it is about.
func samples() map[string]concerns {
	return map[string]concerns{
		"aws-health-vpn-redundancy-loss.json":                    resource,
		"aws-health-vpn-single-tunnel.json":                      resource,
		"cloud-wan-segment-routes-installed.json":                everything,
		"cloud-wan-vpn-connection-ipsec-down.json":               everything,
		"cloud-wan-vpn-connection-ipsec-up.json":                 everything,
		"cloudtrail-create-route-prefix-list.json":               another,
		"cloudtrail-disable-propagation-expected.json":           entry,
		"cloudtrail-modify-managed-prefix-list-expected.json":    another,
		"cloudtrail-modify-prefix-list-reference-expected.json":  another,
		"cloudtrail-own-write-expected.json":                     entry, // Nobody has told the test whose the role is.
		"cloudtrail-replace-route-denied.json":                   failed,
		"cloudtrail-replace-route.json":                          entry,
		"cloudtrail-replace-transit-gateway-route-expected.json": entry,
		"cloudwatch-alarm-state-change-insufficient-data.json":   resource,
		"cloudwatch-alarm-state-change-ok.json":                  resource,
		"cloudwatch-alarm-state-change-tunnel-state.json":        resource,
		"cloudwatch-alarm-state-change.json":                     resource,
		"connect-peer-bgp-down.json":                             everything,
		"connect-peer-bgp-up.json":                               everything,
		"detour-contended.json":                                  foreign, // Detour's own events must not lead to runs.
		"detour-failback-asked.json":                             foreign,
		"detour-failback-ended.json":                             foreign,
		"detour-failback-over.json":                              foreign,
		"detour-filter-measure-held.json":                        foreign,
		"detour-filter-measure-lifted.json":                      foreign,
		"detour-filter-measure-placed.json":                      foreign,
		"detour-path-state-changed.json":                         foreign,
		"detour-request-ended.json":                              foreign,
		"detour-switchover-completed.json":                       foreign,
		"detour-switchover-held.json":                            foreign,
		"detour-switchover-started.json":                         foreign,
		"rehearse.json":                                          rehearsal,
		"service-advisory.json":                                  everything,
		"sweep.json":                                             everything,
		"tgw-connect-peer-bgp-down-expected.json":                resource,
		"tgw-connect-peer-bgp-establish-expected.json":           resource,
		"tgw-connect-peer-created.json":                          everything,
		"tgw-deleted.json":                                       everything,
		"tgw-route-installed.json":                               tables,
		"tgw-route-table-associated-legacy.json":                 tables,
		"tgw-route-uninstalled.json":                             tables,
		"truncated.json":                                         malformed,
		"vpc-attachment-deleted-mixed.json":                      everything,
		"vpn-bgp-log-control.json":                               filters,
		"vpn-bgp-log-delivery.json":                              filters,
		"vpn-bgp-log-route-advertised.json":                      filters,
		"vpn-bgp-log-route-updated.json":                         filters,
		"vpn-bgp-log-route-withdrawn.json":                       filters,
		"vpn-bgp-log-session-up.json":                            filters,
		"vpn-connection-bgp-down-mixed.json":                     resource,
		"vpn-connection-bgp-down.json":                           resource,
		"vpn-connection-bgp-establish.json":                      resource,
		"vpn-connection-deleted.json":                            resource,
		"vpn-connection-ipsec-down-legacy.json":                  resource,
		"vpn-connection-ipsec-down.json":                         resource,
		"vpn-connection-ipsec-up-legacy.json":                    resource,
		"vpn-connection-ipsec-up.json":                           resource,
		"vpn-connection-unknown-change.json":                     everything,
		"wake-up.json":                                           wakes,
	}
}

// configured makes a group that watches what the sample names.
func configured(t *testing.T, raw []byte) protection.Group {
	t.Helper()
	subject, table := west, "tgw-rtb-1"
	if look, err := ingest.Decode(raw); err == nil {
		if len(look.Hints) > 0 {
			subject = look.Hints[0].Subject
		}
		if len(look.Tables) > 0 {
			table = look.Tables[0]
		}
	}
	return newGroup("site-a", subject, table)
}

// TestEverySample goes through Switchover, with a group that it concerns and
// with one that it does not.
func TestEverySample(t *testing.T) {
	all := samples()
	for _, name := range payload.Names() {
		about, ok := all[name]
		if !ok {
			t.Errorf("the sample %s is not in the test", name)
			continue
		}
		raw := sample(t, name)
		t.Run(name+" about a configured resource", func(t *testing.T) {
			r := newRig(t, nil, configured(t, raw))
			if about == malformed {
				wantDrop(t, r, raw, ingest.DropMalformed)
				return
			}
			if about == foreign {
				wantDrop(t, r, raw, ingest.DropForeignSource)
				return
			}
			if about == rehearsal || about == filters {
				wantDrop(t, r, raw, ingest.DropNotForUs)
				return
			}
			if about == failed {
				wantPassedOver(t, r, raw, ingest.DropNoEffect)
				return
			}
			if about == another {
				wantPassedOver(t, r, raw, handler.DropUnconfigured)
				return
			}
			if about == wakes {
				wantDecisions(t, r, raw, 1, 1) // Its second message is for a filter, which there is not.
				return
			}
			reports := 1
			if look, err := ingest.Decode(raw); err == nil && look.Everything && len(look.Hints) > 0 {
				reports = 2 // What it names goes first, then everything.
			}
			wantDecisions(t, r, raw, reports, 0)
		})
		t.Run(name+" about another resource", func(t *testing.T) {
			r := newRig(t, nil, newGroup("elsewhere", health.Subject{Kind: health.SubjectVPN, ID: "vpn-elsewhere"}, "tgw-rtb-elsewhere"))
			switch about {
			case malformed:
				wantDrop(t, r, raw, ingest.DropMalformed)
			case foreign:
				wantDrop(t, r, raw, ingest.DropForeignSource)
			case resource, tables:
				wantDrop(t, r, raw, handler.DropUnconfigured)
			case everything:
				wantDecisions(t, r, raw, 1, 0)
			case wakes:
				wantDecisions(t, r, raw, 0, 2)
			case entry, another:
				wantPassedOver(t, r, raw, handler.DropUnconfigured)
			case failed:
				wantPassedOver(t, r, raw, ingest.DropNoEffect)
			case rehearsal, filters:
				wantDrop(t, r, raw, ingest.DropNotForUs)
			}
		})
	}
}

// wantDrop: a typed reason, one log line, and nothing read, written or kept.
func wantDrop(t *testing.T, r *rig, raw []byte, reason ingest.DropReason) {
	t.Helper()
	wantLeftAlone(t, r, raw, reason, "dropped", "WARN")
}

// wantPassedOver: as a drop, but it is no warning and no metric.
func wantPassedOver(t *testing.T, r *rig, raw []byte, reason ingest.DropReason) {
	t.Helper()
	wantLeftAlone(t, r, raw, reason, "passed over", "DEBUG")
}

func wantLeftAlone(t *testing.T, r *rig, raw []byte, reason ingest.DropReason, msg, level string) {
	t.Helper()
	before := r.state(t)
	out := r.Switchover(t.Context(), raw)
	if out.Action != handler.Drop || out.Dropped != reason || len(out.Reports) != 0 {
		t.Errorf("the outcome is %+v, want a drop: %s", out, reason)
	}
	log := r.log.all(t)
	if len(log) != 1 || log[0]["msg"] != msg || log[0]["reason"] != string(reason) || log[0]["detail"] == "" || log[0]["level"] != level {
		t.Errorf("the log is %v, want one line: %s", log, msg)
	}
	if r.net.reads != 0 || r.net.writes != 0 || len(r.wakes.Waiting()) != 0 {
		t.Errorf("%d reads, %d writes, wake-ups %v", r.net.reads, r.net.writes, r.wakes.Waiting())
	}
	if after := r.state(t); after != before {
		t.Errorf("the record store changed from\n%s\nto\n%s", before, after)
	}
}

// wantDecisions: a value, and one log line for each decision and each message
// of a batch that was dropped.
func wantDecisions(t *testing.T, r *rig, raw []byte, n, drops int) {
	t.Helper()
	out := r.Switchover(t.Context(), raw)
	if (out.Action != handler.Value && n > 0) || out.Action == handler.Retry || len(out.Reports) != n {
		t.Errorf("the outcome is %+v, want %d reports", out, n)
	}
	log := r.log.all(t)
	if swept := log[len(log)-1]; swept["msg"] == "swept" {
		if swept["why"] == "" || swept["groups"] != 1.0 || swept["quiet"] != 1.0 || swept["Sweeps"] != nil || len(log) == 1 {
			t.Errorf("the line of the look at everything is %v", swept)
		}
		log = log[:len(log)-1]
	}
	if len(log) != n+drops {
		t.Errorf("%d log lines for %d decisions and %d drops: %v", len(log), n, drops, log)
	}
	for _, line := range log {
		if line["msg"] == "dropped" && line["reason"] == string(handler.DropUnconfigured) {
			drops--
			continue
		}
		if line["msg"] != "decision" || line["group"] == "" || line["reason"] == "" {
			t.Errorf("the log line %v", line)
		}
	}
	if drops != 0 {
		t.Errorf("%d drops more than were logged: %v", drops, log)
	}
	if r.net.writes != 0 {
		t.Errorf("%d writes to a quiet network", r.net.writes)
	}
}

// TestADropIsForGood: neither foreign nor oversized messages are worked on.
func TestADropIsForGood(t *testing.T) {
	cases := map[string]struct {
		raw    string
		reason ingest.DropReason
	}{
		"a foreign source":  {`{"source":"aws.s3","detail-type":"x","detail":{}}`, ingest.DropForeignSource},
		"an oversized body": {`{"source":"aws.networkmanager","x":"` + strings.Repeat("a", 1<<21) + `"}`, ingest.DropOversized},
		"no JSON":           {`hello`, ingest.DropMalformed},
		"nothing":           {``, ingest.DropMalformed},
		"an empty object":   {`{}`, ingest.DropNotForUs},
		"a list":            {`[]`, ingest.DropMalformed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantDrop(t, newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1")), []byte(c.raw), c.reason)
		})
	}
}

// TestASwitchoverLogsWhatItDid: one line, from which the story can be told.
func TestASwitchoverLogsWhatItDid(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
	r.net.down[west.ID] = true
	out := r.Switchover(t.Context(), sample(t, "vpn-connection-ipsec-down.json"))
	if out.Action != handler.Value || r.net.writes != 1 {
		t.Fatalf("the outcome is %+v with %d writes", out, r.net.writes)
	}
	line := r.log.all(t)[0]
	for key, want := range map[string]any{
		"level": "INFO", "group": "site-a", "status": "done", "from": "A", "to": "B", "action": "move", "reason": "signal-fail",
		"writes": "applied=1", "paths": "A=down(too-few-tunnels-up) B=up(all-tunnels-up)", "event": "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111", "wouldBe": false,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	for _, stage := range []string{"takeMs", "readMs", "decideMs", "commitMs", "writeMs", "verifyMs", "releaseMs"} {
		if _, ok := line[stage]; !ok {
			t.Errorf("the line has no %s", stage)
		}
	}
}

// TestAHoldIsAWarning, and a quiet group a line for debugging.
func TestAHoldIsAWarning(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
	r.Sweep(t.Context(), nil)
	r.net.down[west.ID], r.net.down[standby.ID] = true, true
	r.Sweep(t.Context(), nil)
	r.Sweep(t.Context(), nil)
	log := r.log.all(t)
	if len(log) != 6 || log[0]["level"] != "DEBUG" || log[0]["status"] != "quiet" {
		t.Fatalf("the log is %v", log)
	}
	for i, status := range map[int]string{2: "done", 4: "quiet"} { // A hold is news for as long as it lasts.
		if line := log[i]; line["level"] != "WARN" || line["reason"] != "no-usable-path" || line["status"] != status || line["Held"] != 1.0 || line["Group"] != "site-a" {
			t.Errorf("the line of the hold is %v", line)
		}
	}
	for _, i := range []int{1, 3, 5} {
		if line := log[i]; line["msg"] != "swept" || line["level"] != "INFO" || line["why"] != "schedule" || line["groups"] != 1.0 || line["Sweeps"] != 1.0 {
			t.Errorf("the line of the sweep is %v", line)
		}
	}
}

// sentAt is the sample as if it were sent at that time.
func sentAt(t *testing.T, name string, at time.Time) []byte {
	t.Helper()
	raw := sample(t, name)
	i := bytes.Index(raw, []byte(`"time": "`)) + len(`"time": "`)
	return append(append(append([]byte{}, raw[:i]...), at.UTC().Format(time.RFC3339)...), raw[i+len("2023-01-31T19:48:05Z"):]...)
}

// TestHintsByTheirAge: an event that is older than ten minutes is a replay, and
// starts no re-reads; the group is looked at all the same.
func TestHintsByTheirAge(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		opens bool
	}{{0, true}, {2 * time.Minute, true}, {10 * time.Minute, true}, {10*time.Minute + time.Second, false}, {24 * time.Hour, false}, {-time.Minute, true}} {
		t.Run(fmt.Sprint(c.age), func(t *testing.T) {
			r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
			out := r.Switchover(t.Context(), sentAt(t, "vpn-connection-ipsec-down.json", r.clock.Now().Add(-c.age)))
			if len(out.Reports) != 1 {
				t.Fatalf("the outcome is %+v", out)
			}
			hint := out.Reports[0].Output.Next.Hint
			if opened := !hint.At.IsZero(); opened != c.opens || opened != (len(r.wakes.Waiting()) == 1) {
				t.Errorf("the hint is %+v and the wake-ups are %v, want opened %t", hint, r.wakes.Waiting(), c.opens)
			}
			if c.opens && (hint.Subject != west || hint.Part != "35.84.102.207" || !hint.Down) {
				t.Errorf("the hint is %+v", hint)
			}
		})
	}
	t.Run("an event without a direction opens none", func(t *testing.T) {
		r := newRig(t, nil, configured(t, sample(t, "aws-health-vpn-single-tunnel.json")))
		raw := sentAt(t, "aws-health-vpn-single-tunnel.json", r.clock.Now())
		if out := r.Switchover(t.Context(), raw); len(out.Reports) != 1 || len(r.wakes.Waiting()) != 0 {
			t.Errorf("the outcome is %+v, the wake-ups are %v", out, r.wakes.Waiting())
		}
	})
}

// TestARoutingUpdateTakesNoLease: our own writes come back as such events.
func TestARoutingUpdateTakesNoLease(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1234567890abcdef0"))
	before := r.state(t)
	out := r.Switchover(t.Context(), sample(t, "tgw-route-installed.json"))
	if len(out.Reports) != 1 || out.Reports[0].Status != controller.StatusQuiet || r.state(t) != before {
		t.Errorf("the outcome is %+v", out)
	}
}
