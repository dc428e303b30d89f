package lambdahost

import (
	"context"
	"os/exec"
	"runtime"

	"detour/shared/controller"
)

// A starter starts the processes of one function from one thread, and keeps that
// thread. The kernel kills a process that asked for it (dieWithParent) when the
// thread that started it ends, and not only when the whole parent does (prctl(2),
// PR_SET_PDEATHSIG); any other thread may end whenever the Go runtime, or a
// goroutine that is locked to it, sees fit.
type starter struct {
	commands chan *exec.Cmd
	started  chan error
	ended    func()
}

func newStarter(clock controller.Clock) *starter {
	s := &starter{commands: make(chan *exec.Cmd), started: make(chan error)}
	s.ended = clock.Go(context.Background(), func(ctx context.Context) {
		onOwnThread(ctx, clock, func() {
			for command := range s.commands {
				s.started <- command.Start()
			}
		})
	})
	return s
}

// onOwnThread runs a function, and with it ends the thread that it ran on. A
// goroutine that ends while it is locked takes its thread along, unless that is
// the first thread of the process, which the Go runtime parks for good
// (runtime.LockOSThread): what hangs on its end would live on. While that thread
// is held here, another goroutine cannot run on it.
func onOwnThread(ctx context.Context, clock controller.Clock, run func()) {
	runtime.LockOSThread()
	if onFirstThread() {
		clock.Go(ctx, func(context.Context) {
			runtime.LockOSThread()
			run()
		})()
		runtime.UnlockOSThread()
		return
	}
	run() // The thread stays locked.
}

// start starts a process. One call at a time.
func (s *starter) start(command *exec.Cmd) error {
	s.commands <- command
	return <-s.started
}

// end ends the thread, and with it every process that it started.
func (s *starter) end() {
	close(s.commands)
	s.ended()
}
