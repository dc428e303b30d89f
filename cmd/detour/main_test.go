//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// TestProgram is no test: it is the program, in a process of its own, with the
// arguments that the variable has.
func TestProgram(t *testing.T) {
	args := os.Getenv("DETOUR_TEST_ARGS")
	if args == "" {
		return // It was not started by TestASignalEndsTheLabCleanly.
	}
	os.Args = append([]string{"detour"}, strings.Fields(args)...)
	main()
}

// TestASignalEndsTheLabCleanly: whatever asks lab serve to end, it ends well and
// leaves no folder behind.
func TestASignalEndsTheLabCleanly(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	functions, topology := fakeFunctions(t), quickTopology(t)
	for _, sent := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			if signal.Ignored(sent) {
				t.Skipf("%s is ignored here, and so the program ignores it", sent)
			}
			folder := t.TempDir()
			program := exec.CommandContext(t.Context(), own, "-test.run=^TestProgram$")
			program.Env = append(os.Environ(), "TMPDIR="+folder,
				"DETOUR_TEST_ARGS=lab serve --listen 127.0.0.1:0 --functions --functions-dir "+functions+" --topology "+topology)
			out, err := program.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			program.Stderr = os.Stderr
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "is invoked by the schedule") {
				continue
			}
			if made, err := os.ReadDir(folder); err != nil || len(made) != 1 {
				t.Errorf("lab serve keeps %v (%v), want one folder", made, err)
			}
			if err := program.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
				continue
			}
			if err := program.Wait(); err != nil {
				t.Errorf("lab serve ended with %v", err)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
				t.Errorf("lab serve left %v (%v)", left, err)
			}
		})
	}
}
