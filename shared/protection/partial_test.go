package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

// A move from B to C is under way when one of the two fails, and A is the working
// path. Where the group goes next is where it stays.
func TestAPartialMoveThatFailsGoesWhereItStays(t *testing.T) {
	const wait = 10 * time.Minute
	for _, tt := range []struct {
		name   string
		do     func(*Input)
		to     string
		action Action
		reason Reason
		then   Reason
	}{
		{"not revertive: the other path in use", func(in *Input) { in.set("C", health.Down) }, "B", Move, ReasonSignalFail, ReasonDoNotRevert},
		{"revertive, working not Up for long: the other path in use", func(in *Input) {
			in.Group.Revertive = true
			in.setUpSince("A", wait-1)
			in.set("C", health.Down)
		}, "B", Move, ReasonSignalFail, ReasonWaitToRestore},
		{"revertive, working Up for long: there, and not first elsewhere", func(in *Input) {
			in.Group.Revertive = true
			in.setUpSince("A", wait)
			in.set("C", health.Down)
		}, "A", Move, ReasonSignalFail, ReasonNoRequest},
		{"the same without room for another move", func(in *Input) {
			in.Group.Revertive = true
			in.setUpSince("A", wait)
			in.set("C", health.Down)
			in.path("C").Sources = 2
			in.Budget.Remaining = 0
		}, "A", Move, ReasonSignalFail, ReasonNoRequest},
		{"revertive, the path it comes from fails", func(in *Input) {
			in.Group.Revertive = true
			in.setUpSince("A", wait)
			in.set("B", health.Down)
		}, "A", Move, ReasonSignalFail, ReasonNoRequest},
		{"revertive, the path it comes from is locked out", func(in *Input) {
			in.Group.Revertive = true
			in.setUpSince("A", wait)
			in.set("B", health.AdminDown)
		}, "A", Move, ReasonLockout, ReasonNoRequest},
		{"revertive, working Down: the other path in use", func(in *Input) {
			in.Group.Revertive = true
			in.set("A", health.Down)
			in.set("C", health.Down)
		}, "B", Move, ReasonSignalFail, ReasonWaitToRestore},
		{"revertive, working suppressed: the other path in use", func(in *Input) {
			in.Group.Revertive = true
			in.suppress("A")
			in.set("C", health.Down)
		}, "B", Move, ReasonSignalFail, ReasonWaitToRestore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("C")
			in.Record.Decision.From, in.Record.Decision.Extent = "B", 1
			in.stands("C", "B", "B")
			tt.do(&in)
			first := Decide(in)
			if d := first.Decision; d.To != tt.to || d.Action != tt.action || d.Reason != tt.reason || d.Extent != 3 {
				t.Fatalf("%s, want %s %s %s", describe(first), tt.to, tt.action, tt.reason)
			}
			second := Decide(again(in, first))
			if d := second.Decision; d.To != tt.to || d.Action != Stay || d.Reason != tt.then || second.Starts || second.Next.Held != "" {
				t.Errorf("and then %s, want %s stay %s", describe(second), tt.to, tt.then)
			}
		})
	}
}
