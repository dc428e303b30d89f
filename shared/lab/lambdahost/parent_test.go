//go:build linux

package lambdahost_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	goruntime "runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/lab/lambdahost"
)

// hostOthers is a child that hosts two functions itself: when the second one is
// busy, the first one is frozen. It is killed in the middle.
func hostOthers() {
	self, err := os.Executable()
	must(err)
	for _, do := range []string{"stay", "meet"} {
		f, err := lambdahost.Start(lambdahost.Options{
			Name: "switchover", Bootstrap: self, TaskRoot: os.TempDir(), Env: map[string]string{childMode: "runtime"},
			Account: "111122223333", Region: "eu-central-1", Timeout: time.Minute, Freeze: true, Clock: systemclock.New(),
		})
		must(err)
		raw, err := json.Marshal(order{Do: do, Addr: os.Getenv("LAMBDAHOST_ADDR")})
		must(err)
		_, err = f.Invoke(context.Background(), raw)
		must(err)
	}
}

// TestNothingOutlivesAHostThatIsKilled: SIGKILL leaves the host no time to end
// its functions.
func TestNothingOutlivesAHostThatIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	host := exec.CommandContext(t.Context(), self)
	host.Env = append(os.Environ(), childMode+"=host", "LAMBDAHOST_ADDR="+m.addr())
	host.Stderr = os.Stderr
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	frozen, busy := m.await(), m.await()
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // It was killed, which is an error.
	frozen.dies(t)
	busy.dies(t)
}

// TestAnEnvironmentOutlivesTheThreadOfItsFirstCaller: the kernel would kill it
// with the thread that started it.
func TestAnEnvironmentOutlivesTheThreadOfItsFirstCaller(t *testing.T) {
	f, _ := host(t, "runtime", nil)
	first := make(chan int)
	var call func()
	call = func() {
		goruntime.LockOSThread() // And not unlocked, so that the thread ends with the goroutine.
		if syscall.Gettid() == os.Getpid() {
			// This thread would not end. While it is held here, another goroutine has another one.
			ended := make(chan struct{})
			go func() { defer close(ended); call() }()
			<-ended
			goruntime.UnlockOSThread()
			return
		}
		if _, err := f.Invoke(t.Context(), event(t, order{Do: "echo"})); err != nil {
			t.Error(err)
		}
		first <- syscall.Gettid()
	}
	go call()
	task := "/proc/self/task/" + strconv.Itoa(<-first)
	for _, err := os.Stat(task); err == nil; _, err = os.Stat(task) {
		goruntime.Gosched()
	}
	if got := invoke(t, f, order{Do: "echo"}); got.Cold || got.Failed {
		t.Errorf("the environment died with a thread: cold %t, %s", got.Cold, got.Error)
	}
}
