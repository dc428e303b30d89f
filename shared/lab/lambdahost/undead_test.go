//go:build linux

package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
)

// ownThread is the id of the thread that onOwnThread chose when it was called on
// the first thread of the process. Only initialization is sure to run there
// (runtime.LockOSThread).
var ownThread = func() (id int) {
	onOwnThread(context.Background(), systemclock.New(), func() { id = syscall.Gettid() })
	return id
}()

// TestNoProcessHangsOnTheFirstThread: that thread does not end with its
// goroutine, and so the processes that it started would outlive Close.
func TestNoProcessHangsOnTheFirstThread(t *testing.T) {
	if ownThread == 0 || ownThread == os.Getpid() {
		t.Errorf("called on the first thread, it ran on thread %d of process %d", ownThread, os.Getpid())
	}
}

// brief is a clock on which every limit is a moment.
type brief struct{ systemclock.Clock }

func (b brief) Timeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return b.Clock.Timeout(ctx, time.Millisecond)
}

// TestAProcessThatDoesNotDieIsNamed: neither Invoke nor Close waits for it
// without end, and it takes no place.
func TestAProcessThatDoesNotDieIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := Start(Options{
		Name: "switchover", Bootstrap: file, Account: "111122223333", Region: "eu-central-1",
		Timeout: time.Minute, Environments: 1, Clock: brief{systemclock.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	f.kill = func(pid int) error {
		pids = append(pids, pid)
		return syscall.EPERM
	}
	var undead []*environment
	for i := range 2 { // The second one finds the place free.
		_, err := f.Invoke(t.Context(), nil)
		want := fmt.Sprintf("environment %d: process %d did not die within 10s of being killed: operation not permitted", i+1, pids[i])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("Invoke answered %v, want %q", err, want)
		}
		undead = append(undead, f.running[i])
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.mu.Lock()
	f.options.Clock = later{cancel: cancel}
	f.mu.Unlock()
	if _, err := f.Invoke(ctx, nil); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "did not die") {
		t.Errorf("to a caller that went away Invoke answered %v", err)
	}
	undead = append(undead, f.running[2])
	err = f.Close()
	for _, pid := range pids {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d did not die", pid)) {
			t.Errorf("Close answered %v, which does not name process %d", err, pid)
		}
	}
	// Close ended the thread that had started them, and so they die after all.
	for _, e := range undead {
		<-e.gone
	}
	if err := f.Close(); err != nil {
		t.Errorf("when all had died Close answered %v", err)
	}
}

// later is a clock on which the first limit does not come: the caller goes away
// instead.
type later struct {
	brief
	cancel context.CancelFunc
}

func (l later) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == initLimit && ctx != context.Background() {
		l.cancel()
		return ctx, func() {}
	}
	return l.brief.Timeout(ctx, d)
}
