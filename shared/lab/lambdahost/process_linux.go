package lambdahost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// supported answers an error where environments cannot be hosted.
func supported() error { return nil }

// dieWithParent makes the command the leader of a new process group, so that
// signals reach its children too, and has the kernel kill it when the thread that
// starts it ends (prctl(2), PR_SET_PDEATHSIG): a host that is killed cannot end
// its processes, and a frozen one would not notice. The signal does not reach the
// process's own children.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// onFirstThread reports whether the caller runs on the thread that the process
// began with, whose id is the process's.
func onFirstThread() bool { return syscall.Gettid() == syscall.Getpid() }

// killGroup ends a process group, stopped or not.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// freezeGroup stops a process group; it cannot refuse.
func freezeGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGSTOP) }

// thawGroup lets a stopped process group go on, and does nothing to another.
func thawGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGCONT) }

// readNow reads what a pipe holds, without waiting: EAGAIN if that is nothing.
func readNow(fd uintptr, into []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), into)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// peakMemory returns the most resident memory that a process has had, in bytes.
// A process that has ended has none, which is an error.
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	return parsePeak(status)
}

// parsePeak reads VmHWM from /proc/PID/status (proc_pid_status(5)), and returns
// it in bytes.
func parsePeak(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte("VmHWM:"))
		if !ok {
			continue
		}
		number, ok := bytes.CutSuffix(bytes.TrimSpace(value), []byte(" kB"))
		if !ok {
			return 0, fmt.Errorf("VmHWM is %q, not a number of kB", bytes.TrimSpace(value))
		}
		const bits = 53 // So that the bytes of any number that is read fit.
		kb, err := strconv.ParseUint(string(number), 10, bits)
		if err != nil {
			return 0, fmt.Errorf("VmHWM: %w", err)
		}
		return int64(kb) << 10, nil
	}
	return 0, errors.New("no VmHWM: the process has no memory any more")
}
