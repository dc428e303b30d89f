package lab

import (
	"slices"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// deletes lets path a's connection, and so its attachment, be deleted.
func (s *story) deletes(d time.Duration) *story {
	s.l.health.attachmentOf[id("vpn", 1)] = "tgw-attach-a"
	return s.shows(0, "tgw-attach-a", fieldAttachment, "", valueAvailable).shows(d, "tgw-attach-a", fieldAttachment, "", "deleted")
}

// sweeps lets a sweep look at everything that nothing disturbs.
func (s *story) sweeps(d time.Duration) *story {
	s.l.sweeps = append(s.l.sweeps, cleanSweep{at(d), at(d + time.Second)})
	return s
}

// TestAConvergedGroupMayKeepBlackholesThatDetourCannotKnow: EC2 shows what a deleted
// attachment left behind like what a person placed. It is Detour's to mend where
// Detour knew of the route.
func TestAConvergedGroupMayKeepBlackholesThatDetourCannotKnow(t *testing.T) {
	mixed := func() *story {
		s := newStory(nil)
		s.l.entries[entryID{"tgw-rtb-1", "10.2.0.0/16"}].points[0].target = "tgw-attach-b"
		return s
	}
	foreignToo := func() *story {
		s := newStory(nil)
		s.l.entries[entryID{"tgw-rtb-1", "10.2.0.0/16"}].points[0].target = "tgw-attach-x"
		return s
	}
	takeOver := func(g *config.Group) { g.TakeOver = true }
	revertive := func(g *config.Group) { g.Revertive = true }
	for _, test := range []struct {
		name  string
		story *story
		want  Invariant
	}{
		{"nobody looked before", newStory(nil).deletes(5 * minute), ""},
		{"a sweep looked before", newStory(nil).sweeps(4 * minute).deletes(5 * minute), Converges},
		{"it was not over yet", newStory(nil).sweeps(5*minute - time.Second).deletes(5 * minute), ""},
		{"it looked later", newStory(nil).deletes(5 * minute).sweeps(6 * minute), ""},
		{"takeOver", newStory(takeOver).deletes(5 * minute), Converges},
		{"it looked before an operator had what stands adopted", newStory(nil).sweeps(3*minute).asks(4*minute, protection.AdoptAnew, "").deletes(5 * minute), ""},
		{"and after it, too", newStory(nil).asks(2*minute, protection.AdoptAnew, "").sweeps(3 * minute).deletes(5 * minute), Converges},
		{"the group was declared otherwise then", newStory(nil).sweeps(3*minute).configures(4*minute, revertive).deletes(5 * minute), ""},
		{"another group was", newStory(nil).sweeps(3*minute).configures(4*minute, func(*config.Group) {}).deletes(5 * minute), Converges},
		{"the table was mixed, and this not yet Detour's", mixed().sweeps(4 * minute).deletes(5 * minute), ""},
		{"what is foreign does not make it mixed", foreignToo().sweeps(4 * minute).deletes(5 * minute), Converges},
		{
			"Detour wrote it", newStory(nil).path(1, time.Second, 0).moves("p", minute, "tgw-attach-b").path(2, 2*minute, 0).path(1, 2*minute, 2).
				moves("q", 3*minute, "tgw-attach-a").path(2, 4*minute, 2).deletes(5 * minute), Converges,
		},
		{
			"somebody else did", newStory(nil).sweeps(minute).writes("writer:x", 3*minute, "10.1.0.0/16", "tgw-attach-a").writes("writer:x", 3*minute, "10.2.0.0/16", "tgw-attach-a").
				sweeps(4 * minute).deletes(5 * minute), "",
		},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, 30*minute, test.want) })
	}
}

// TestCleanSweeps: what could keep a sweep from keeping what it read is no clean one.
func TestCleanSweeps(t *testing.T) {
	sweep := func(from, until time.Duration) Run {
		return Run{Function: Sweep, Process: new(sim.Process), Started: at(from), Ended: at(until), Finished: true}
	}
	with := func(r Run, change func(*Run)) Run { change(&r); return r }
	killed := func(r *Run) { r.Finished = false }
	call := func(process, code, fault string) []sim.CallRecord {
		return []sim.CallRecord{{Process: process, Code: code, Fault: fault}}
	}
	const lease, skew = 20 * time.Second, 2 * time.Second
	alone := sweep(time.Minute, time.Minute+time.Second)
	for _, test := range []struct {
		name  string
		runs  []Run
		calls []sim.CallRecord
		want  []int // their places among the runs
	}{
		{"alone", []Run{alone}, call("sweep-1", "", ""), []int{0}},
		{"a call was refused", []Run{alone}, call("sweep-1", "Throttling", ""), nil},
		{"a call was answered as of old", []Run{alone}, call("sweep-1", "", "stale"), nil},
		{"another process's call was refused", []Run{alone}, call("sweep-9", "Throttling", ""), []int{0}},
		{"killed", []Run{with(alone, killed)}, nil, nil},
		{"as long as a lease", []Run{sweep(time.Minute, time.Minute+lease)}, nil, nil},
		{"a switchover", []Run{with(alone, func(r *Run) { r.Function = Switchover })}, nil, nil},
		{"one after the other", []Run{sweep(0, time.Second), alone}, nil, []int{0, 1}},
		{"two at once", []Run{sweep(30*time.Second, time.Minute+time.Nanosecond), alone}, nil, nil},
		{"one that never ended", []Run{with(sweep(0, 0), func(r *Run) { r.Ended, r.Finished = time.Time{}, false }), alone}, nil, nil},
		{"one that was killed with a lease", []Run{with(sweep(0, 39*time.Second), killed), alone}, nil, nil},
		{"one whose lease has run out", []Run{with(sweep(0, 38*time.Second), killed), alone}, nil, []int{1}},
	} {
		var got []int
		for _, s := range cleanSweeps(test.runs, test.calls, lease, skew) {
			got = append(got, slices.IndexFunc(test.runs, func(r Run) bool { return r.Started.Equal(s.from) }))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
