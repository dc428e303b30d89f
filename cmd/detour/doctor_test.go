//go:build unix

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"detour/shared/doctor"
	"detour/shared/operator"
)

// examined runs detour doctor --json in a second process.
func examined(t *testing.T, env []string, wantCode int, args ...string) operator.Examined {
	t.Helper()
	code, out, errs := second(t, env, append([]string{"doctor", "--json"}, args...)...)
	var got operator.Examined
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != wantCode || errs != "" {
		t.Fatalf("exit %d, want %d, %v: %s%s", code, wantCode, err, out, errs)
	}
	return got
}

// kinds are the kinds of what was found, each once.
func kinds(e operator.Examined) string {
	var out []string
	for _, f := range e.Findings {
		if word := string(f.Severity) + " " + string(f.ID); len(out) == 0 || out[len(out)-1] != word {
			out = append(out, word)
		}
	}
	return strings.Join(out, ", ")
}

// act does something to the served network.
func act(t *testing.T, s *served, args ...string) {
	t.Helper()
	if code, out, errs := detour(t, append([]string{"lab", "do", s.address}, args...)...); code != 0 {
		t.Fatalf("lab do %v: exit %d: %s%s", args, code, out, errs)
	}
}

// TestDoctorOnAServedNetwork: a person with a second process finds nothing in a
// network that stands well, finds what is broken in it, and is told what could not be
// looked at. No functions run, so there are no records.
func TestDoctorOnAServedNetwork(t *testing.T) {
	outside(t)
	s := serveLab(t, "--topology", quickTopology(t))
	in := []string{envLab + "=" + s.address}
	code, out, errs := second(t, in, "doctor")
	if code != exitOK || errs != "" || !strings.HasPrefix(out, "lab quick at ") || !strings.Contains(out, "\nnothing found; looked for 12 kinds of trouble in 111122223333 in ap-northeast-1\n") || strings.Contains(out, "\x1b") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}

	act(t, s, "write", "tgw-rtb-0c000000000000001", "10.99.0.0/16", "blackhole", "--by", "somebody")
	if got := examined(t, in, exitOK); kinds(got) != "info blackhole" {
		t.Errorf("got %+v", got.Findings)
	}
	act(t, s, "remove", "rtb-0a000000000000002", "192.168.0.0/16", "--by", "somebody")
	act(t, s, "tunnel-down", "primary")
	act(t, s, "tunnel-down", "backup")
	s.wait(t, "203.0.113.22") // The last tunnel is noticed.
	var got operator.Examined
	for range 100 {
		if got = examined(t, in, exitUnhealthy); strings.Contains(kinds(got), "standby-unproven") && strings.Contains(kinds(got), "static-to-down-vpn") {
			break
		}
	}
	if kinds(got) != "critical static-to-down-vpn, critical standby-unproven, warning no-way-back, info blackhole" {
		t.Fatalf("got %s", kinds(got))
	}
	if f := got.Findings[0]; f.Where.VPN != "vpn-0b000000000000001" || f.Where.Group != "other-cloud" || len(f.Where.Destinations) != 2 || len(f.Do) == 0 || f.Evidence[1].At.IsZero() {
		t.Errorf("got %+v", f)
	}
	code, out, _ = second(t, in, "doctor")
	if code != exitUnhealthy || !strings.Contains(out, "group other-cloud declares what is missing and writes it in mode enforce: detour plan other-cloud") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestDoctorTheWayToAWS: with the endpoint in the place of AWS, the configuration's file
// and credentials; one of its accounts cannot be reached, and a transit gateway is not
// registered.
func TestDoctorTheWayToAWS(t *testing.T) {
	outside(t)
	text, err := os.ReadFile(quickTopology(t))
	if err != nil {
		t.Fatal(err)
	}
	s := serveLab(t, "--topology", writeFile(t, "left.topology.yaml", strings.Replace(string(text), "      name: core\n", "      name: core\n      unregistered: true\n", 1)))
	file := writeFile(t, "detour.json", string(deployment(t, s).Config))
	env := []string{"AWS_ENDPOINT_URL=" + s.url, "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=x", envConfig + "=" + file}
	got := examined(t, env, exitUnhealthy, "--no-records")
	if kinds(got) != "warning tgw-not-registered" || got.Findings[0].Where.TransitGateway != "tgw-0c000000000000001" {
		t.Errorf("got %+v", got.Findings)
	}

	// There is no table of records here.
	got = examined(t, env, exitUnhealthy)
	if kinds(got) != "warning tgw-not-registered, unknown not-examined" || !strings.Contains(got.Findings[1].What, "record of group other-cloud") {
		t.Errorf("got %+v", got.Findings)
	}

	// Other people's credentials, without a role: nothing can be read, and all is said.
	got = examined(t, append(env, "AWS_ACCESS_KEY_ID=999999999999"), exitUnseen, "--no-records")
	blind := map[doctor.ID]bool{}
	for _, f := range got.Findings {
		for _, id := range f.Blind {
			blind[id] = true
		}
	}
	if kinds(got) != "unknown not-examined" || len(blind) != len(doctor.IDs())-1 {
		t.Errorf("blind for %v: %+v", blind, got.Findings)
	}
}

// TestDoctorWithRecords: beside deployed functions the records are read.
func TestDoctorWithRecords(t *testing.T) {
	outside(t)
	s := serveLab(t, "--topology", quickTopology(t), "--functions", "--functions-dir", fakeFunctions(t))
	if got := examined(t, []string{envLab + "=" + s.address}, exitOK); len(got.Findings) > 0 {
		t.Errorf("got %+v", got.Findings)
	}
}

func TestDoctorRefuses(t *testing.T) {
	outside(t)
	for _, c := range []struct{ args, says string }{
		{"doctor", "the configuration is missing"},
		{"doctor other-cloud --lab=127.0.0.1:1", "takes no argument"},
		{"doctor --lab=127.0.0.1:1 --config x", "--config has no effect in the lab"},
		{"doctor --lab=ftp://x", "no URL that can be used"},
	} {
		if code, out, errs := detour(t, strings.Fields(c.args)...); code != exitUsage || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit %d: %s%s", c.args, code, out, errs)
		}
	}
	if code, _, errs := detour(t, "doctor", "--lab=127.0.0.1:1"); code != exitFailed || !strings.Contains(errs, "no lab answers") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
