//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"detour/shared/lab/live"
	"detour/shared/operator"
)

// The tests of this file are a person beside a running Detour: the compiled
// functions run in a served lab, and each command is a process of its own.

// realFunctions builds the functions for this machine as make build does, and
// returns their folder.
func realFunctions(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "make", "-s", "-C", root, "host").CombinedOutput(); err != nil {
		t.Fatalf("building the functions: %v\n%s", err, out)
	}
	return filepath.Join(root, "dist", "host")
}

// soon is a topology in which moves settle within a second or two.
func soon(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(quickTopology(t))
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "soon.topology.yaml", string(text)+"\ntimers: {settleTime: 1s, callTimeout: 1s, clockSkew: 100ms, lease: 2500ms}\n")
}

// program prepares a command of detour in a process of its own, with nothing of
// AWS in its environment but what is given.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), own, "-test.run=^TestProgram$")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "DETOUR_TEST_ARGS=" + strings.Join(args, " ")}, env...)
	return cmd
}

// second runs detour in a second process, and returns its exit code and what it
// wrote.
func second(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := program(t, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	// The last word is that of the test binary.
	return cmd.ProcessState.ExitCode(), strings.TrimSuffix(stdout.String(), "PASS\n"), stderr.String()
}

// deployment asks the lab what is deployed in it.
func deployment(t *testing.T, s *served) live.Deployment {
	t.Helper()
	out, err := askLab(t.Context(), confined{host: s.address, next: httpClient()}, s.url)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// statusOf reads the status of the group.
func statusOf(t *testing.T, env []string, args ...string) operator.Status {
	t.Helper()
	code, out, errs := second(t, env, append([]string{"status", "other-cloud", "--json"}, args...)...)
	var all struct{ Groups []operator.Status }
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 || len(all.Groups) != 1 {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	return all.Groups[0]
}

func TestOperatorBesideRunningFunctions(t *testing.T) {
	outside(t)
	s := serveLab(t, "--topology", soon(t), "--functions", "--functions-dir", realFunctions(t))
	in := []string{envLab + "=" + s.address}
	s.wait(t, `"kind":"result"`)

	code, out, errs := second(t, in, "status")
	if code != 0 || errs != "" || !strings.Contains(out, "*  primary  up  all-tunnels-up") || !strings.Contains(out, "path in use  primary since ") || strings.Contains(out, "\x1b") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, out, errs = second(t, in, "plan"); code != 0 || !strings.Contains(out, "nothing to write: every route stands as decided") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = second(t, in, "plan", "other-cloud", "--to", "backup")
	if code != 0 || !strings.Contains(out, "cost: 2 calls in one burst (2 × ReplaceTransitGatewayRoute in 111122223333, ap-northeast-1)") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}

	// Without a yes nothing happens.
	code, out, errs = second(t, in, "switch", "other-cloud", "--to", "backup", "--why", "works")
	if code != exitFailed || !strings.Contains(errs, "nothing was changed") || !strings.Contains(out, "moves to backup") || statusOf(t, in).Path != "primary" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = second(t, in, "switch", "other-cloud", "--to", "backup", "--why", "works", "--yes")
	if code != 0 || errs != "" || !strings.Contains(out, "\ndone  other-cloud  the group is on backup (request manual-switch-") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	status := statusOf(t, in)
	if status.Path != "backup" || !status.Settled || len(status.Requests) != 1 || !strings.HasPrefix(status.Requests[0].By, "arn:aws:iam::111122223333:root (") || !status.Healthy() {
		t.Errorf("the status is %+v", status)
	}

	freezes(t, s, in)
	withAWSFlags(t, s)
}

// freezes: nothing moves under a freeze, and what it held up moves at its end.
func freezes(t *testing.T, s *served, in []string) {
	t.Helper()
	if code, out, errs := second(t, in, "freeze", "--all", "--now", "--why", "drill", "--yes"); code != 0 || !strings.Contains(out, "frozen; no route is written") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs := second(t, in, "switch", "other-cloud", "--to-working", "--why", "back", "--yes", "--json")
	var done changed
	if err := json.Unmarshal([]byte(out), &done); err != nil || code != 0 || !done.Done || done.Endings[0].Outcome != operator.OutcomeStands || done.Endings[0].Waited {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if status := statusOf(t, in); status.Path != "backup" || !status.FrozenAll || !status.Moves || !status.WouldBe {
		t.Errorf("the status is %+v", status)
	}
	if code, out, errs := second(t, in, "unfreeze", "--all", "--why", "over", "--yes"); code != 0 || !strings.Contains(out, "the group is on primary") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = second(t, in, "explain", "other-cloud", "-n", "20")
	for _, want := range []string{"unfroze-all\n", "froze-all, at once\n", "requested manual-switch-", ": drill\n", ": back\n", "move from backup to primary, manual-switch-to-working"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, nothing of %q in: %s%s", code, want, out, errs)
		}
	}
	if _, _, errs := detour(t, "lab", "do", s.address, "tunnel-down", "backup"); errs != "" {
		t.Fatal(errs)
	}
	s.wait(t, "sends VPN-CONNECTION-IPSEC-DOWN")
	if code, out, errs := second(t, in, "status", "--check"); code != exitUnhealthy || errs != "" || !strings.Contains(out, "no-other-path") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = second(t, in, "switch", "other-cloud", "--to", "backup", "--why", "x", "--yes")
	if code != exitFailed || !strings.Contains(out, "refused: the path that it asks for is not up") || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// withAWSFlags goes the way that leads to AWS, with the lab in its place.
func withAWSFlags(t *testing.T, s *served) {
	t.Helper()
	deployed := deployment(t, s)
	file := writeFile(t, "detour.json", string(deployed.Config))
	home := deployed.Homes[0]
	env := []string{
		"AWS_ENDPOINT_URL=" + deployed.Endpoint, "AWS_ACCESS_KEY_ID=" + home.Account, "AWS_SECRET_ACCESS_KEY=x", envConfig + "=" + file,
		envQueue + "=" + strings.Replace(home.WakeQueue, home.Account, "{account}", 1),
	}
	if status := statusOf(t, env); status.Path != "primary" {
		t.Errorf("the status is %+v", status)
	}
	code, out, errs := second(t, env, "lockout", "other-cloud", "backup", "--why", "drill", "--yes", "--wait", "30s")
	if code != 0 || !strings.Contains(out, "path backup is locked out; the group is on primary") || !strings.HasPrefix(out, "AWS\n") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = second(t, append(env, "AWS_ACCESS_KEY_ID=999999999999"), "status")
	if code != exitFailed || !strings.Contains(errs, "no role is configured") || !strings.Contains(errs, "--role") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if code, out, errs = second(t, env, "status", "--table", "nowhere"); code != exitFailed || !strings.Contains(errs, `table "nowhere"`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// TestCtrlCLeavesTheRequestStanding: the functions are those that do nothing, so
// that the wait has no end.
func TestCtrlCLeavesTheRequestStanding(t *testing.T) {
	outside(t)
	s := serveLab(t, "--topology", soon(t), "--functions", "--functions-dir", fakeFunctions(t))
	in := []string{envLab + "=" + s.address}
	waiting := program(t, in, "lockout", "other-cloud", "backup", "--why", "drill", "--yes")
	out, err := waiting.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	waiting.Stderr = &errs
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for s.wait(t, "gets wake-up"); len(statusOf(t, in).Requests) == 0; {
		continue
	}
	if err := waiting.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	_ = waiting.Wait() // Its exit code is looked at.
	if code := waiting.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(errs.String(), "interrupted: what was asked for stands") || !strings.Contains(string(text), "although nobody watches any more") {
		t.Errorf("exit %d: %s%s", code, text, errs.String())
	}
	if requests := statusOf(t, in).Requests; len(requests) != 1 || requests[0].Why != "drill" {
		t.Errorf("the requests are %+v", requests)
	}
}
