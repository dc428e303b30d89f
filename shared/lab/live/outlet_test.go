package live

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
)

// reluctant is a reader that reads once it is told to.
type reluctant struct {
	begun chan struct{} // gets a token at the first write
	read  chan struct{} // closed: it reads
	output
}

func (r *reluctant) Write(p []byte) (int, error) {
	select {
	case r.begun <- struct{}{}:
	default:
	}
	<-r.read
	return r.output.Write(p)
}

// impatient is a clock on which every limit is over at once, while it should be.
type impatient struct {
	systemclock.Clock
	over bool
}

func (c *impatient) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if c.over {
		d = 0
	}
	return c.Clock.Timeout(ctx, d)
}

// TestAReaderThatStopsDoesNotStopTheNetwork: lines wait for it, and those that
// are too many are counted.
func TestAReaderThatStopsDoesNotStopTheNetwork(t *testing.T) {
	for _, json := range []bool{false, true} {
		reader := &reluctant{begun: make(chan struct{}, 1), read: make(chan struct{})}
		clock := &impatient{over: true}
		at := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
		lines := &teller{now: func() time.Time { return at }, names: strings.NewReplacer(), json: json}
		lines.out = &outlet{to: reader, clock: clock, unshown: lines.unshown}
		tell := func(what string) { lines.tell(line{Kind: kindAction, Who: "lab", What: what}) }
		tell("first")
		<-reader.begun
		for i := range maxWaiting + 120 { // None of them waits, or this would not end.
			tell(fmt.Sprintf("line %d", i))
		}
		waiting := lines.out.next.written
		close(reader.read)
		<-waiting
		clock.over = false
		tell("last") // It is written when tell returns.
		got := strings.Split(strings.TrimSuffix(reader.String(), "\n"), "\n")
		if len(got) != maxWaiting+3 {
			t.Fatalf("%d lines were written, want %d", len(got), maxWaiting+3)
		}
		for i, want := range map[int]string{0: "first", 1: "line 0", maxWaiting: fmt.Sprintf("line %d", maxWaiting-1), maxWaiting + 1: "… 120 lines were not shown", maxWaiting + 2: "last"} {
			if !strings.Contains(got[i], want) {
				t.Errorf("line %d is %q, want %q", i, got[i], want)
			}
		}
		if json && !strings.Contains(got[maxWaiting+1], `"kind":"unshown","who":"lab","what":"… 120 lines were not shown","data":120`) {
			t.Errorf("for a program the lines left out are %s", got[maxWaiting+1])
		}
		if lines.out.stopped {
			t.Error("the reader has gone on, and is not waited for")
		}
	}
}
