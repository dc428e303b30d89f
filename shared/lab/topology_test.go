package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detour/shared/config/source"
	"detour/shared/sim"
)

// TestTopologies: every file that is shipped can be read, everybody in it
// reaches everybody, and it says in its name what it is.
func TestTopologies(t *testing.T) {
	entries, err := os.ReadDir("topologies")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), topologyEnding) {
			t.Errorf("%s: a topology file ends in %s, or it is taken for a scenario", entry.Name(), topologyEnding)
		}
	}
	files, err := Topologies()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(entries) || len(files) < 2 {
		t.Fatalf("%d topologies of %d files", len(files), len(entries))
	}
	for i, file := range files {
		if i > 0 && files[i-1].Name >= file.Name {
			t.Errorf("%s does not come after %s", file.Name, files[i-1].Name)
		}
		if found, err := FindTopology(file.Name); err != nil || TopologyNames()[i] != file.Name || found.Name != file.Name || strings.Contains(file.Name, ".") {
			t.Errorf("%s is not found by its name", file.Name)
		}
		scheduler := sim.NewScheduler(1, Start())
		world, err := sim.NewWorld(scheduler, file.Topology, file.Options())
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range file.Topology.Hosts {
			for _, to := range file.Topology.Hosts {
				if trace := world.Reach(from.Name, to.Name); from != to && !trace.OK {
					t.Errorf("%s: %s does not reach %s: %s", file.Name, from.Name, to.Name, trace.Reason)
				}
			}
		}
		scheduler.Close()
		if len(file.Config.GroupList) == 0 {
			t.Errorf("%s has nothing for Detour to do", file.Name)
		}
	}
	if _, err := FindTopology("cloud"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("found a topology that does not exist")
	}
}

// TestTopologyFilesSaySo: a file that is no scenario has topology in its name,
// wherever it lies in this package.
func TestTopologyFilesSaySo(t *testing.T) {
	for _, folder := range []string{"scenarios", "topologies"} {
		names, err := filepath.Glob(folder + "/*")
		if err != nil || len(names) == 0 {
			t.Fatalf("%v: %v", names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, failed := Parse(data, name)
			if isScenario := failed == nil; isScenario == strings.Contains(filepath.Base(name), "topology") {
				t.Errorf("%s: scenario %t", name, isScenario)
			}
		}
	}
}

func topologyText(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile("topologies/cloud-join.topology.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestTopologyProblemsHavePositions(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, at, want string }{
		"script":        {"groups:\n", "script: []\ngroups:\n", "script", "script: unknown key"},
		"name":          {"topology:\n", "title: x\ntopology:\n", "title", "title: unknown key"},
		"world":         {"detectAfter: 10s", "detectAfter: -10s", "-10s", `world.detectAfter: "-10s" is negative; write a duration such as 30s`},
		"address":       {"{outsideIp: 203.0.113.11}", "{outsideIp: x}", "x}", `topology.vpns[0].tunnels[0].outsideIp: is "x"; write an IP address`},
		"account":       {`account: "111122223333"`, `account: "11112222333"`, `"11112222333"`, `topology.account: "11112222333" is not an account number; write the 12 digits of an AWS account`},
		"same name":     {"      name: backup", "      name: primary", "primary", `topology.vpns[1].name: "primary" is the name of topology.vpns[0] already; give each its own name`},
		"configuration": {"mode: enforce", "mode: on", "on", `groups[0].mode: "on" is not a mode; write observe or enforce`},
		"reference":     {"- {name: backup, vpn: vpn-0b000000000000002}", "- {name: backup, vpn: vpn-0b000000000000003}", "vpn-0b000000000000003", `groups[0].paths[1].vpn: "vpn-0b000000000000003" is not in the topology; write one of vpn-0b000000000000001, vpn-0b000000000000002`},
	} {
		before, after, found := strings.Cut(topologyText(t), test.old)
		if !found {
			t.Fatalf("%s: the file does not contain %q", name, test.old)
		}
		_, err := ParseTopology([]byte(before+test.replacement+after), "s.yaml")
		want := position(before+test.replacement, len(before)+strings.Index(test.replacement, test.at)) + test.want
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
}

func TestAllTopologyProblemsAtOnce(t *testing.T) {
	data := strings.NewReplacer("mode: enforce", "mode: on", "detectAfter: 10s", "detectAfter: -10s", "groups:\n", "title: x\ngroups:\n").Replace(topologyText(t))
	_, err := ParseTopology([]byte(data), "s.topology.yaml")
	var problems source.Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("problems: %v", err)
	}
	_, err = ParseTopology([]byte("world: {}\n"), "s.topology.yaml")
	if err == nil || !strings.Contains(err.Error(), "topology: missing; describe the network") {
		t.Errorf("without topology: %v", err)
	}
}

func TestTopologyFile(t *testing.T) {
	file, err := ParseTopology([]byte(topologyText(t)), "./some/where/mine.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if home := file.Config.GroupList[0].Home; file.Name != "mine" || home.Account != "111122223333" || home.Region != "ap-northeast-1" {
		t.Errorf("%s, home %+v", file.Name, home)
	}
	if got := file.Options().DetectAfter; got != 10*time.Second {
		t.Errorf("detectAfter %s", got)
	}
	if got := file.Names().Replace("tgw-attach-0b000000000000002"); got != "backup" {
		t.Errorf("the attachment of backup is called %s", got)
	}
	before, _, _ := strings.Cut(topologyText(t), "groups:\n")
	file, err = ParseTopology([]byte(before), "alone.topology.yaml")
	if err != nil || len(file.Config.GroupList) != 0 || file.Config.Timers.SweepPeriod == 0 {
		t.Errorf("without a configuration: %v, %+v", err, file)
	}
	// Two homes are two deployments, which a scenario cannot have.
	_, groups, _ := strings.Cut(topologyText(t), "groups:\n")
	second := strings.NewReplacer("name: other-cloud", "name: second\n    home: {account: \"444455556666\", region: ap-northeast-1}", "10.0.0.0/8", "10.1.0.0/16", "10.0.0.10", "10.1.0.10", "192.168.0.0/16", "192.168.1.0/24",
		"{name: primary, vpn: vpn-0b000000000000001}", "{name: primary, vpn: vpn-0b000000000000001, account: \"111122223333\"}",
		"{name: backup, vpn: vpn-0b000000000000002}", "{name: backup, vpn: vpn-0b000000000000002, account: \"111122223333\"}",
		"            destination", "            account: \"111122223333\"\n            destination").Replace(groups)
	file, err = ParseTopology([]byte(topologyText(t)+second), "two.topology.yaml")
	if err != nil || len(file.Config.GroupList) != 2 {
		t.Errorf("two homes: %v", err)
	}
}

func FuzzParseTopology(f *testing.F) {
	f.Add([]byte(topologyText(f)))
	f.Add([]byte("world: {detectAfter: 1s}\ntopology: {vpns: [{id: vpn-1, attachment: {}, tunnels: [{}]}]}\ngroups: [{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseTopology(data, "fuzz.topology.yaml")
		if err != nil {
			return
		}
		scheduler := sim.NewScheduler(0, Start())
		defer scheduler.Close()
		if _, err := sim.NewWorld(scheduler, file.Topology, file.Options()); err != nil {
			t.Fatalf("a topology that was accepted cannot be built: %v", err)
		}
	})
}
