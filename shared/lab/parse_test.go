package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detour/shared/config/source"
)

func cloudJoin(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile("scenarios/cloud-join.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestEncodeRoundTrip(t *testing.T) {
	scenarios := allScenarios(t)
	for seed := range uint64(40) {
		s := Generate(seed)
		s.Config = s.Config.Normalize()
		scenarios = append(scenarios, s)
	}
	for _, s := range scenarios {
		text, err := Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text, s.Name)
		if err != nil {
			t.Fatalf("%s: %v\n%s", s.Name, err, text)
		}
		if !reflect.DeepEqual(again, s) {
			one, _ := json.MarshalIndent([]any{again, again.Config}, "", " ")
			two, _ := json.MarshalIndent([]any{s, s.Config}, "", " ")
			t.Fatalf("%s: parsed\n%s\nwant\n%s\n%s", s.Name, one, two, text)
		}
	}
}

// TestScenarioProblemsHavePositions changes one thing in cloud-join, and asserts
// the whole text of what is reported. at is where.
func TestScenarioProblemsHavePositions(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, at, want string }{
		"unknown key":       {"duration: 15m", "duraton: 15m", "duraton", `duraton: unknown key; did you mean duration?`},
		"no unit":           {"duration: 15m", "duration: 15", "15", `duration: "15" is a number without a unit; write 15s for seconds, or 15m for minutes`},
		"seed":              {"seed: 1", "seed: -1", "-1", `seed: "-1" is not a whole number of zero or more; write decimal digits, without quotation marks`},
		"verb":              {"do: tunnel-up", "do: tunnel-right", "tunnel-right", `script[1].do: "tunnel-right" is not a verb; did you mean tunnel-down?`},
		"late step":         {"{at: 8m, do", "{at: 80m, do", "80m", `script[1].at: "1h20m" is after the end of the run (duration: 15m); write an earlier time, or a longer duration`},
		"no vpn":            {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: tunnel-up, vpn: vpn-0b00000000000000f", "vpn-0b00000000000000f", `script[1].vpn: "vpn-0b00000000000000f" is not in the topology; write one of vpn-0b000000000000001, vpn-0b000000000000002`},
		"tunnel":            {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: tunnel-up, vpn: vpn-0b000000000000001, tunnel: 203.0.113.21", "203.0.113.21", `script[1].tunnel: "203.0.113.21" is not a tunnel of vpn-0b000000000000001; write one of 203.0.113.11, 203.0.113.12`},
		"useless key":       {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: lose-events, vpn: vpn-0b000000000000001", "vpn-0b", `script[1].vpn: has no effect with do: lose-events; remove it`},
		"request":           {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: request, group: other-cloud, kind: lockout, path: tertiary", "tertiary", `script[1].path: "tertiary" is not a path of group other-cloud; write one of primary, backup`},
		"request kind":      {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: request, group: other-cloud, kind: push", "push", `script[1].kind: "push" is not a kind of request; write one of freeze, lockout, forced-switch, manual-switch, manual-switch-to-working, release, adopt`},
		"group":             {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: clear, group: other, id: r1", "other,", `script[1].group: "other" is not a group of this file; write one of other-cloud, all`},
		"write":             {"do: tunnel-up, vpn: vpn-0b000000000000001", "do: write, by: bob, table: rtb-1, destination: 10.0.0.0/8", "rtb-1", `script[1].table: "rtb-1" is not in the topology; write one of rtb-0a000000000000001, rtb-0a000000000000002, tgw-rtb-0c000000000000001`},
		"host":              {"{at: 3m15s, from: shop, to: tokyo,", "{at: 3m15s, from: shop, to: osaka,", "osaka", `expect.reach[1].to: "osaka" is not a host of the topology; write one of shop, billing, tokyo, beijing`},
		"reachable":         {"{at: 3m15s, from: shop, to: tokyo, reachable: false}", "{at: 3m15s, from: shop, to: tokyo}", "{at", `expect.reach[1].reachable: missing; write reachable: true or reachable: false, or everyone: true in place of from and to`},
		"metric":            {"    writes: {exactly", "    wirtes: {exactly", "{exactly", `expect.metrics.wirtes: is not a figure of a run; write one of switchovers, writes, reads, throttled, routelessSeconds, deadPathSeconds, decisionToLastWriteSeconds`},
		"no bound":          {"switchovers: {exactly: 1}", "switchovers: {}", "{}", `expect.metrics.switchovers: has no bound; write exactly, min or max, such as {exactly: 2}`},
		"topology":          {"{outsideIp: 203.0.113.11}", "{outsideIp: x}", "x}", `topology.vpns[0].tunnels[0].outsideIp: is "x"; write an IP address`},
		"path without vpn":  {"- {name: backup, vpn: vpn-0b000000000000002}", "- {name: backup, vpn: vpn-0b000000000000003}", "vpn-0b000000000000003", `groups[0].paths[1].vpn: "vpn-0b000000000000003" is not in the topology; write one of vpn-0b000000000000001, vpn-0b000000000000002`},
		"configuration":     {"mode: enforce", "mode: on", "on", `groups[0].mode: "on" is not a mode; write observe or enforce`},
		"fault kind":        {"script:\n", "faults: {rules: [{kind: quake}]}\nscript:\n", "quake", `faults.rules[0].kind: "quake" is not a fault that a rule can lay on a call; write one of throttle, error-before, error-after, lost-answer, drop-answer, stale, page-fails, next-token-invalid, delay, kill, kill-after, freeze`},
		"chance":            {"script:\n", "faults: {kill: 2}\nscript:\n", "2", `faults.kill: "2" is not a chance; write a number from 0 to 1`},
		"early clear":       {"do: tunnel-up, vpn: vpn-0b000000000000001}", "do: clear, group: other-cloud, id: r1}\n  - {at: 9m, do: request, group: other-cloud, kind: freeze, id: r1}", "r1", `script[1].id: "r1" is not the id of an earlier request of group other-cloud; make the request at an earlier time, or remove this step`},
		"misspelled clear":  {"do: tunnel-up, vpn: vpn-0b000000000000001}", "do: clear, group: other-cloud, id: req-1}\n  - {at: 1m, do: request, group: other-cloud, kind: freeze}", "req-1", `script[1].id: "req-1" is not the id of an earlier request of group other-cloud; write one of request-1`},
		"rule action":       {"script:\n", "faults: {rules: [{kind: throttle, action: ReplaceRoutes}]}\nscript:\n", "ReplaceRoutes", `faults.rules[0].action: "ReplaceRoutes" is not an action of the simulated APIs; write one of ` + strings.Join(actions(), ", ")},
		"rule kill action":  {"script:\n", "faults: {rules: [{kind: kill, action: sleeep}]}\nscript:\n", "sleeep", `faults.rules[0].action: "sleeep" is neither an action of the simulated APIs nor a step of a function; write one of ` + strings.Join(append(actions(), "sleep", "send", "answer"), ", ")},
		"rule step":         {"script:\n", "faults: {rules: [{kind: throttle, action: send}]}\nscript:\n", "send", `faults.rules[0].action: "send" is a step of a function, at which only kill and freeze can hit; write kind: kill or kind: freeze, or an action such as ReplaceRoute`},
		"same name":         {"      name: backup", "      name: primary", "primary", `topology.vpns[1].name: "primary" is the name of topology.vpns[0] already; give each its own name`},
		"account":           {`account: "111122223333"`, `account: "11112222333"`, `"11112222333"`, `topology.account: "11112222333" is not an account number; write the 12 digits of an AWS account`},
		"stale without max": {"script:\n", "faults: {stale: 0.5}\nscript:\n", "0.5", `faults.stale: "0.5" has no effect without maxStale; write maxStale, such as 8s`},
	} {
		before, after, found := strings.Cut(cloudJoin(t), test.old)
		if !found {
			t.Fatalf("%s: the scenario does not contain %q", name, test.old)
		}
		_, err := Parse([]byte(before+test.replacement+after), "s.yaml")
		want := position(before+test.replacement, len(before)+strings.Index(test.replacement, test.at)) + test.want
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
}

// TestActionsAreTheSimulators: a rule may name just the actions that the
// simulated APIs answer.
func TestActionsAreTheSimulators(t *testing.T) {
	var want []string
	for _, file := range []string{"ec2api/action.go", "ec2api/sts.go", "ec2api/tgwnetwork.go", "ec2api/vpcnetwork.go"} {
		text, err := os.ReadFile("../sim/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`case "([A-Z][A-Za-z]+)":`).FindAllStringSubmatch(string(text), -1) {
			want = append(want, found[1])
		}
	}
	want = append(want, "DescribeAlarms") // The only one of cloudwatchapi.
	got := actions()
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("actions %v, want %v", got, want)
	}
}

func TestClearOfADefaultID(t *testing.T) {
	before, after, _ := strings.Cut(cloudJoin(t), "script:\n")
	// The default ids count the requests of the script in the order of time.
	script := "script:\n  - {at: 4m, do: request, group: other-cloud, kind: freeze}\n  - {at: 5m, do: clear, group: other-cloud, id: request-2}\n" +
		"  - {at: 1m, do: request, group: other-cloud, kind: freeze}\n  - {at: 2m, do: clear, group: other-cloud, id: request-1}\n"
	s, err := Parse([]byte(before+script+after), "s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range res.Rig.Requests {
		got = append(got, r.Request.ID)
	}
	if want := []string{"request-1", "request-1", "request-2", "request-2"}; !slices.Equal(got, want) {
		t.Errorf("requests %v, want %v", got, want)
	}
}

// position is the position of a byte of the file, as a problem starts with it.
func position(text string, at int) string {
	line := strings.Count(text[:at], "\n") + 1
	return fmt.Sprintf("s.yaml:%d:%d: ", line, at-strings.LastIndex(text[:at], "\n"))
}

func TestAllScenarioProblemsAtOnce(t *testing.T) {
	data := strings.NewReplacer("seed: 1\n", "seed: x\n", "do: tunnel-up", "do: tunnel-right", "mode: enforce", "mode: on", "to: tokyo, reachable: false", "to: osaka, reachable: false").Replace(cloudJoin(t))
	_, err := Parse([]byte(data), "s.yaml")
	var problems source.Problems
	if !errors.As(err, &problems) || len(problems) != 5 {
		t.Fatalf("problems: %v", err)
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Line < problems[i-1].Line {
			t.Errorf("problems are not in the order of the file: %v", err)
		}
	}
}

func TestHomeDefaultsToTheTopology(t *testing.T) {
	s, err := Parse([]byte(cloudJoin(t)), "s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if home := s.Config.GroupList[0].Home; home.Account != "111122223333" || home.Region != "ap-northeast-1" {
		t.Errorf("home %+v", home)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(cloudJoin(f)))
	f.Add([]byte("name: x\ntitle: y\nduration: 1m\ntopology: {}\ngroups: [{}]\nscript: [{}]\nexpect: {reach: [{}], tables: [{}], metrics: {writes: {}}}"))
	f.Add([]byte("topology: {vpns: [{id: vpn-1, attachment: {}, tunnels: [{}]}], hosts: [{}], sites: [{}], vpcs: [{tables: [{routes: [{}]}]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, "fuzz.yaml")
		if err != nil {
			return
		}
		text, err := Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text, "again.yaml")
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("the encoded scenario reads differently: %v\n%s", err, text)
		}
	})
}
