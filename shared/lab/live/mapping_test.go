package live

import (
	"slices"
	"testing"
	"time"

	"detour/shared/lab"
	"detour/shared/lab/lambdahost"
)

// TestAThrottledBatchIsTriedAgainWithinItsVisibility: throttling costs no
// receive, and the messages do not wait for their visibility timeout.
func TestAThrottledBatchIsTriedAgainWithinItsVisibility(t *testing.T) {
	x := newMapped(func(n int, p []byte) (lambdahost.Result, error) {
		if n <= 3 {
			return throttleAlways(n, p)
		}
		return succeed(n, p)
	})
	x.send(t, "group#a")
	x.pass(time.Minute)
	seconds := func() (out []int) {
		for _, at := range x.fake.at {
			out = append(out, int(at.Seconds()))
		}
		return out
	}
	// The first attempt is seen at the first step of a second.
	if got := seconds(); !slices.Equal(got, []int{1, 2, 4, 8}) || len(x.queues.Waiting(x.m.url)) != 0 {
		t.Errorf("attempts at %v; left are %+v", got, x.queues.Waiting(x.m.url))
	}
	for i, in := range x.ended {
		if in.Attempt != 1 || (in.Result == Throttled) != (i < 3) {
			t.Errorf("attempt %d is %+v", i+1, in)
		}
	}
	// Then others have the place.
	if x.m.running != 0 {
		t.Errorf("%d batches run when nothing does", x.m.running)
	}
	x.send(t, "group#b")
	x.pass(2 * time.Second)
	if got := seconds(); len(got) != 5 {
		t.Errorf("the next message is tried at %v", got)
	}
}

// TestThrottlingEndsWithTheVisibility: then the messages are received again, and
// dead letters in the end.
func TestThrottlingEndsWithTheVisibility(t *testing.T) {
	x := newMapped(throttleAlways)
	x.send(t, "group#a")
	x.pass(visibility - time.Second)
	receives := func() []int {
		var out []int
		for _, m := range append(x.queues.Waiting(x.m.url), x.queues.Waiting(x.dead)...) {
			out = append(out, m.Receives)
		}
		return out
	}
	// 1, 2, 4 … 128 s make 255 s; 256 s more are too many.
	if got := receives(); len(x.fake.at) != 9 || !slices.Equal(got, []int{1}) {
		t.Errorf("%d attempts, %v receives within the visibility timeout", len(x.fake.at), got)
	}
	x.pass(lab.WakeReceives * (visibility + 2*time.Second))
	if got := receives(); !slices.Equal(got, []int{lab.WakeReceives}) || len(x.queues.Waiting(x.dead)) != 1 {
		t.Errorf("in the end the message was received %v times", got)
	}
	for _, in := range x.ended {
		if in.Result != Throttled || in.Attempt > lab.WakeReceives {
			t.Errorf("an attempt is %+v", in)
		}
	}
}
