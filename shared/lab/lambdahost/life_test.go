//go:build linux

package lambdahost_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"detour/shared/lab/lambdahost"
)

func TestConcurrency(t *testing.T) {
	f, _ := host(t, "runtime", func(o *lambdahost.Options) { o.Environments = 2 })
	m := newMeeting(t)
	meet := event(t, order{Do: "meet", Addr: m.addr()})
	a := beside(t.Context(), f, meet)
	guestA := m.await()
	b := beside(t.Context(), f, meet)
	guestB := m.await()
	if _, err := f.Invoke(t.Context(), meet); !errors.Is(err, lambdahost.ErrThrottled) || !strings.Contains(err.Error(), "all 2 environments are busy") {
		t.Errorf("a third invocation answered %v", err)
	}
	guestA.dismiss(t)
	resultA := <-a
	guestB.dismiss(t)
	resultB := <-b
	if resultA.err != nil || resultB.err != nil {
		t.Fatal(resultA.err, resultB.err)
	}
	if resultA.result.RequestID != guestA.word || resultB.result.RequestID != guestB.word {
		t.Error("the answers came to the wrong invocations")
	}
	pidA, pidB := decode[int](t, resultA.result), decode[int](t, resultB.result)
	if pidA == pidB {
		t.Error("one environment had two invocations at a time")
	}
	// B was released last, so it is the next to work, and A the one after.
	if got := decode[about](t, invoke(t, f, order{Do: "about"})); got.PID != pidB {
		t.Errorf("process %d was used, want the one used last, %d", got.PID, pidB)
	}
	c := beside(t.Context(), f, meet)
	guestC := m.await()
	if got := decode[about](t, invoke(t, f, order{Do: "about"})); got.PID != pidA {
		t.Errorf("process %d was used, want the free one, %d", got.PID, pidA)
	}
	guestC.dismiss(t)
	if last := <-c; last.err != nil || last.result.Cold {
		t.Errorf("the last one: %+v", last)
	}
}

func TestKill(t *testing.T) {
	for _, freeze := range []bool{false, true} {
		t.Run(map[bool]string{false: "awake", true: "frozen"}[freeze], func(t *testing.T) {
			f, _ := host(t, "runtime", func(o *lambdahost.Options) { o.Environments, o.Freeze = 2, freeze })
			m := newMeeting(t)
			meet := event(t, order{Do: "meet", Addr: m.addr()})
			if got := f.Kill(); got != 0 {
				t.Errorf("killed %d before the first invocation", got)
			}
			a := beside(t.Context(), f, meet)
			m.await()
			invoke(t, f, order{Do: "spawn", Addr: m.addr()})
			grandchild := m.await() // Its parent is idle, and frozen or not.
			if got := f.Kill(); got != 2 {
				t.Errorf("killed %d, want one busy and one idle", got)
			}
			killed := <-a
			if killed.err != nil {
				t.Fatal(killed.err)
			}
			want(t, killed.result, lambdahost.EndKilled, "Runtime.ExitError: Runtime exited with error: signal: killed")
			grandchild.dies(t)
			// The killed ones take no place.
			b, c := beside(t.Context(), f, meet), beside(t.Context(), f, meet)
			m.await().dismiss(t)
			m.await().dismiss(t)
			if one, other := <-b, <-c; one.err != nil || other.err != nil || !one.result.Cold || !other.result.Cold {
				t.Errorf("after the kill: %+v and %+v", one, other)
			}
			if got := f.Kill(); got != 2 {
				t.Errorf("killed %d idle ones, want 2", got)
			}
		})
	}
}

// TestKillFromTheLog kills at a line, which is how the middle of an invocation
// is found from outside.
func TestKillFromTheLog(t *testing.T) {
	kill := func() {}
	f, _ := host(t, "runtime", func(o *lambdahost.Options) {
		o.Log = func(line lambdahost.Line) {
			if line.Text == "hanging" {
				kill()
			}
		}
	})
	kill = func() { f.Kill() }
	want(t, invoke(t, f, order{Do: "hang"}), lambdahost.EndKilled, "signal: killed")
}

func TestCallerGoesAway(t *testing.T) {
	f, _ := host(t, "runtime", func(o *lambdahost.Options) { o.Environments = 1 })
	m := newMeeting(t)
	ctx, cancel := context.WithCancel(t.Context())
	a := beside(ctx, f, event(t, order{Do: "meet", Addr: m.addr()}))
	g := m.await()
	cancel()
	if left := <-a; !errors.Is(left.err, context.Canceled) || left.result.RequestID != "" {
		t.Errorf("Invoke answered %+v", left)
	}
	g.dies(t)
	if _, err := f.Invoke(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over Invoke answered %v", err)
	}
	if next := invoke(t, f, order{Do: "echo"}); !next.Cold {
		t.Error("the environment outlived its caller")
	}
}

func TestCallerGoesAwayInInit(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, j := host(t, "exit-well", nil)
	cancel()
	if _, err := f.Invoke(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Invoke answered %v", err)
	}
	if len(j.lines) != 0 {
		t.Error("a process was started")
	}
}

func TestClose(t *testing.T) {
	f, _ := host(t, "runtime", func(o *lambdahost.Options) { o.Freeze = true })
	m := newMeeting(t)
	a := beside(t.Context(), f, event(t, order{Do: "meet", Addr: m.addr()}))
	busy := m.await()
	invoke(t, f, order{Do: "spawn", Addr: m.addr()})
	grandchild := m.await()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	busy.dies(t)
	grandchild.dies(t)
	if ended := <-a; ended.err != nil || ended.result.End != lambdahost.EndKilled {
		t.Errorf("the invocation under way: %+v", ended)
	}
	if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, lambdahost.ErrClosed) {
		t.Errorf("Invoke answered %v", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("a second Close answered %v", err)
	}
}

// TestFreeze waits for the process to be stopped and continued as its parent
// can: wait4 tells of both.
func TestFreeze(t *testing.T) {
	f, _ := host(t, "runtime", func(o *lambdahost.Options) { o.Freeze = true })
	m := newMeeting(t)
	pid := decode[about](t, invoke(t, f, order{Do: "about"})).PID
	for range 3 {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
			t.Fatalf("between invocations the process is in state %#x (%v), want stopped", status, err)
		}
		a := beside(t.Context(), f, event(t, order{Do: "meet", Addr: m.addr()}))
		g := m.await()
		if _, err := syscall.Wait4(pid, &status, syscall.WCONTINUED, nil); err != nil || !status.Continued() {
			t.Fatalf("during an invocation the process is in state %#x (%v), want continued", status, err)
		}
		g.dismiss(t)
		if got := <-a; got.err != nil || got.result.Failed || got.result.Cold || decode[int](t, got.result) != pid {
			t.Fatalf("answered %+v", got)
		}
	}
}

func TestExitTakesChildrenAlong(t *testing.T) {
	f, _ := host(t, "runtime", nil)
	m := newMeeting(t)
	invoke(t, f, order{Do: "spawn", Addr: m.addr()})
	grandchild := m.await()
	want(t, invoke(t, f, order{Do: "exit"}), lambdahost.EndExit, "exit status 3")
	grandchild.dies(t)
}
